// SPDX-License-Identifier: Apache-2.0
// The integers of one node, by column.
#ifndef NNGEN_QUANT_QUANTIZE_LAYER_H
#define NNGEN_QUANT_QUANTIZE_LAYER_H

#include "quant/formats.h"
#include "sw/graph/conv.h"

struct calibrator;

struct quantizer {
  struct arena *arena;
  const struct graph *from;
  struct graph *to;
  struct formats *formats;
  int32_t *value;  // (from->n_values) id in `to`, NONE while it has none
  int32_t *behind; // (from->n_nodes) the requant of `from` that is this node's own; NONE
  bool *declaring; // (from->n_nodes) its outputs' types are being found
  struct err *err;
  struct calibrator *calibrator; // chooses what formats leave open (calibrate.h); NULL: nobody
};

// The products of a layer with weights as those of matrices, one for each group of outputs that
// take the same inputs: a row holds the inputs that one output pixel's weights are multiplied with,
// in the order of the weights.
struct design {
  int64_t groups, rows, taps; // rows: of one frame and group
  struct conv conv;           // of a convolution
};

// What quantisation knows of a column (columns.def), in quantize_<stem>.c.
struct quant_column {
  // The type of output `out`; NULL: the layer's stream.
  struct type (*type_out)(const struct quantizer *q, const struct node *n, uint32_t out,
                          const struct format *f);
  // Fills in what node `node` of `to` needs, which has the streams of n as its inputs: constants,
  // tables, requantisations to `out`, its first output's type; NULL: nothing.
  bool (*quantize)(struct quantizer *q, const struct node *n, uint32_t node, const struct format *f,
                   const struct type *out);
  bool constants; // tensors may stand for its streams
  // Of node n of g; NULL: its products are no matrix.
  bool (*design)(const struct graph *g, const struct node *n, struct design *d, struct err *e);
  // Row `row` of a group, (taps), from a frame of the input.
  void (*row)(const struct design *d, const double *frame, int64_t group, int64_t row, double *to);
};

const struct quant_column *quant_column_of(enum op op); // NULL: the kind can't be quantised

#define YES(f) extern const struct quant_column f;
#define NO(f)
#define COLUMN(id, stem, golden, prepare, real, quant, ...) quant(quant_##stem)
#include "sw/graph/columns.def"
#undef COLUMN
#undef YES
#undef NO

// ---- for them

// The type that input i of a node of `from` has in `to`; NULL: there is no such input, or it is
// delayed and follows from this one.
const struct type *quantize_type_in(const struct quantizer *q, const struct node *n, uint32_t i);

// That of input 0, or the layer's stream, for kinds that change no code; a quant_column's type_out.
struct type quantize_type_kept(const struct quantizer *q, const struct node *n, uint32_t out,
                               const struct format *f);

// A name for a tensor of a layer: one that several layers share gets a copy per layer, because
// their formats may differ.
const char *quantize_tensor_name(struct quantizer *q, const struct node *n, const char *name);

// Adds the codes of the weights, input 1 of n, and tells their type.
bool quantize_weight_tensor(struct quantizer *q, const struct node *n, uint32_t node,
                            const struct format *f, struct type *type);

// The stream of a layer of which nothing says its type, from those of its inputs.
bool quantize_exact(struct quantizer *q, const struct node *n, struct format *f);

// Of a node with weights: codes of weights and bias, and one requantisation.
bool quantize_weighted(struct quantizer *q, const struct node *n, uint32_t node,
                       const struct format *f, const struct type *out);

// An input of the model becomes one of q->to.
bool quantize_input(struct quantizer *q, const struct input *in);

// The error of a type of which the width alone is said, without images.
bool quantize_no_calibration(const struct quantizer *q, const struct type *t);

// M and S of r for the node's rounding; and the error when there are none.
bool quantize_scale(struct quantizer *q, uint32_t node, double r, int64_t *mul, int32_t *shift);
bool quantize_ratio_error(struct quantizer *q, double r);

// One requantisation from the product of the scales of all inputs.
bool quantize_product(struct quantizer *q, uint32_t node, const struct type *out);

// By how many bits the bias of a layer with weights is finer than its products, x and w being their
// types: only if the model says the layer's type, so that what it computes is what the layer is
// asked for.
int quantize_finer(const struct quantizer *q, const struct node *n, const struct type *x,
                   const struct type *w);

#endif
