// SPDX-License-Identifier: Apache-2.0
// Curves as SVG pictures, drawn by gnuplot.
#ifndef NNGEN_CMD_PICTURE_H
#define NNGEN_CMD_PICTURE_H

#include "sw/base/err.h"
#include "sw/base/text.h"

// Writes what a gnuplot script draws on its standard output to a file; without gnuplot nothing,
// which picture_possible tells beforehand.
bool picture_draw(const char *path, const struct text *script, struct err *e);
bool picture_possible(void);

#endif
