// SPDX-License-Identifier: Apache-2.0
// What quantisation has destroyed, by the names of the layers: results that are still computed, and
// mean nothing. Found from the graphs alone, before any data is seen; `run` and `sim` add what the
// data show.
//
//   weights   all 0, or all rounded to 0; beyond the type's range; less signal than noise
//   outputs   that saturate, or overflow, for every input; a layer that gives one value only
//   input     every pixel the same integer, or pixels beyond the type's range
//   formats   an entry of the formats file that no layer takes (added by load.c)
#ifndef NNGEN_QUANT_WARNINGS_H
#define NNGEN_QUANT_WARNINGS_H

#include "sw/base/text.h"
#include "sw/graph/graph.h"

struct warning {
  const char *layer; // or the input's value
  const char *text;  // what happened to it, and what to change
};

struct warnings {
  uint32_t count, room;
  struct warning *list;
};

void warnings_add(struct arena *a, struct warnings *w, const char *layer, const char *format, ...)
    __attribute__((format(printf, 4, 5)));

// Adds those of a quantised graph whose ranges are set; `real` is the float graph it was made of,
// or NULL. Where calibration chose the weights' codes, nothing is said of what they differ by.
void warnings_find(struct arena *a, const struct graph *real, const struct graph *fixed,
                   bool calibrated, struct warnings *out);

// A stream of a quantised network beside the real numbers that it stands for.
struct stream_loss {
  double signal, noise;  // sums of squares
  double least, most;    // elements, 0 among them
  int64_t saturated;     // elements beyond the type's range
  int64_t lost, nonzero; // elements that became 0 though they weren't, that weren't 0
  int64_t elements;
};
void stream_loss_add(struct stream_loss *l, const struct type *t, int64_t code, double v);

// A warning if the stream has lost everything: all of it 0, or most of it beyond the type's range
// (and far beyond, of a layer: a sigmoid comes near 1 all the time). None of a layer that has one
// already.
void warnings_stream(struct arena *a, struct warnings *w, const char *name, const struct type *t,
                     const struct stream_loss *l, bool input);

// ,"warnings":[{"layer":..,"message":..}]
void warnings_put_json(struct text *t, const struct warnings *w);

#endif
