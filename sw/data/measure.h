// SPDX-License-Identifier: Apache-2.0
// Mean and standard deviation of images.
#ifndef NNGEN_DATA_MEASURE_H
#define NNGEN_DATA_MEASURE_H

#include "sw/data/data.h"

// Of the elements i of the first `count` images with the same i mod channels, over all of them (the
// deviation divides by their number): mean, std (channels). Bytes count as p / 255, whose sums are
// exact; the sums of numbers are in double, in order, with what each addition loses added at the
// end (A. Neumaier, "Rundungsfehleranalyse einiger Verfahren zur Summation endlicher Summen",
// 1974).
void images_measure(const struct images *set, int64_t count, int64_t channels, double *mean,
                    double *std);

#endif
