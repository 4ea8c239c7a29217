// SPDX-License-Identifier: Apache-2.0
// Opening a model: the file is read and quantised as the words of docs/commands.md say.
#ifndef NNGEN_QUANT_LOAD_H
#define NNGEN_QUANT_LOAD_H

#include "quant/formats.h"
#include "quant/warnings.h"
#include "sw/graph/graph.h"
#include "sw/import/refusals.h"

// Words as on the command line, "8,3" or "half_even"; NULL: not given.
struct load {
  const char *precision, *weight_precision, *input_precision; // types
  const char *rounding, *overflow;                            // modes
  const char *formats;                                        // path of a formats file
  const char *input_mean, *input_std;                         // numbers with commas between
  int n_calibrate;
  const char *const
      *calibrate; // (n_calibrate) sets of images (sw/data/sets.h); none: no calibration
  const char *method, *scales, *bias_correct, *equalize; // of calibration, as calibrate.h has them
  int64_t output_width;                                  // bits of the last layers; 0: 16
  int n_data;
  const char *const *data; // (n_data) sets that are judged by, which calibration refuses
  bool floats;             // a float model stays one, whatever it says of types
};

struct model {
  struct graph *real;  // the float graph, or NULL if the file holds integers only
  struct graph *whole; // the same before norms were folded into the layers before them
  struct graph *fixed; // quantised, ranges proven; NULL if the model is float and no format given
  struct warnings warnings;        // of `fixed`: what quantisation has destroyed
  const struct images *calibrated; // the images that chose its scales; NULL: none did
};

// What the words say of all layers, with the formats file.
bool load_formats(struct arena *a, const struct load *l, struct formats *f, struct err *e);

// True if each word is one; reads no file.
bool load_check(struct arena *a, const struct load *l, struct err *e);

// The file itself: `path`, or the model.bin of a folder that generate wrote.
const char *load_path(struct arena *a, const char *path);

// The words for mean and deviation replace the model's own, each for itself.
bool load_source(struct arena *a, const struct load *l, struct graph *g, struct err *e);

// What a file means that its graph doesn't, as warnings; `training`: what only training finds out,
// too.
void load_notes(struct arena *a, const struct refusals *r, bool training, struct warnings *w);

// Whether two words of data sets name the same images.
bool load_same_set(struct arena *a, const char *x, const char *y);

// Reads load_path(path) and quantises it if there is a word for types or modes, which is an error
// for a model that holds integers already.
bool load_model(struct arena *a, const char *path, const struct load *l, struct model *m,
                struct err *e);

// The same of a float graph, with the text of a formats file instead of one (NULL: none).
bool load_graph(struct arena *a, struct graph *g, const struct load *l, const char *formats,
                struct model *m, struct err *e);

// Whether words of types chose nothing of a model that they opened: it says all its types itself.
bool load_idle(struct arena *a, const struct load *l, const struct model *m);

// Whether two graphs are the same, byte by byte as files.
bool load_same_graph(const struct graph *x, const struct graph *y);

#endif
