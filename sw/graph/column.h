// SPDX-License-Identifier: Apache-2.0
// What the graph knows of a column (columns.def): its iteration space, shapes, types and ranges, in
// column_<stem>.c. For the files of sw/graph.
#ifndef NNGEN_GRAPH_COLUMN_H
#define NNGEN_GRAPH_COLUMN_H

#include "sw/graph/interval.h"
#include "sw/graph/slice.h"

struct graph_column {
  // How the dimensions map to iteration axes: fills s, which is empty; NULL: nothing can be sliced.
  bool (*space)(const struct graph *g, const struct node *n, struct space *s, struct err *e);
  // Whether every point of the space is a multiply-accumulate.
  bool multiplies;
  // Shape of output `out`; NULL: the axes of the space that aren't reduced.
  bool (*shape)(const struct graph *g, const struct node *n, uint32_t out, int *rank,
                int64_t shape[RANK_MAX], struct err *e);
  // Types, requantisations and constants of a node on integers; NULL: it works on floats only.
  bool (*types)(const struct graph *g, const struct node *n, struct err *e);
  // What is to be checked of a node on floats besides its types; NULL: nothing.
  bool (*real_types)(const struct graph *g, const struct node *n, struct err *e);
  // Instead of both, where inputs of any types are taken.
  bool (*any_types)(const struct graph *g, const struct node *n, struct err *e);
  // The accumulator of a channel, numbered as before a slice; NULL: it has none.
  struct interval (*acc)(const struct graph *g, const struct node *n, enum known known,
                         int64_t channel);
  // What a unit of that accumulator stands for; NULL: none is requantised to output 0.
  double (*acc_scale)(const struct graph *g, const struct node *n, int64_t channel);
  // Whether accumulators of channels differ even if their types are per tensor.
  bool channels_differ;
  // Of a sum over inputs times weights or the like: the code of tap `tap` of output `o` with which
  // its accumulator attains the lower or the upper end; NULL: it is none.
  int64_t (*witness)(const struct graph *g, const struct node *n, int64_t o, int64_t tap,
                     bool high);
  // The integers of output `out`; NULL: all of its type.
  struct interval (*range)(const struct graph *g, const struct node *n, uint32_t out);
};

#define COLUMN(id, stem, ...) extern const struct graph_column column_##stem;
#include "sw/graph/columns.def"
#undef COLUMN

const struct graph_column *graph_column(enum op op);

// ---- spaces

// Adds an axis; one that isn't reduced is the next dimension of the output.
int space_axis(struct space *s, int64_t size, bool reduced);

// Adds a term to what dimension `dim` of an input is read at: stride 1 alone is the axis itself.
void space_term(struct space *s, uint32_t input, int dim, int axis, int64_t stride);

// Of rows of inputs and a matrix of weights (OUT, IN), with or without a bias.
bool space_matrix(const struct graph *g, const struct node *n, struct space *s, struct err *e);

// Whether it is a slice of a summed axis.
bool node_is_partial(const struct graph *g, const struct node *n);

// Element by element; shapes broadcast as NumPy's.
bool space_elements(const struct graph *g, const struct node *n, struct space *s, struct err *e);

// Of a window over an image, the first input: the axes of the output, of which `outs` channels are
// the last, then those of the kernel, which are reduced.
struct window;
void space_window(struct space *s, const struct window *w, int64_t outs);

// ---- shapes

void shape_copy(const struct value *v, int *rank, int64_t shape[RANK_MAX]);

// Whether a node's `axis`, if it has one, is the last of an input of that rank.
bool check_last_axis(const struct node *n, int rank, struct err *e);

// ---- types; each false with a message that names what was expected

bool check_wrong(struct err *e, const char *what, const struct value *v, const char *expected);

// A stream that a sum runs over: integers with one scale.
bool check_summable(const struct value *v, struct err *e);

// A stream's type; channels are those of the last axis, by which requantisations are numbered.
bool check_stream(const struct value *y, struct err *e);
bool check_one_scale(const struct value *y, struct err *e);

// Scales of all channels.
bool check_type(const struct value *v, struct err *e);
// Overflow symmetric is about zero 0.
bool check_overflow(const struct node *n, const struct value *y, struct err *e);

// Between `least` and `most` requantisations, one entry or one per channel each.
bool check_requants(const struct graph *g, const struct node *n, uint32_t least, uint32_t most,
                    struct err *e);
// What is looked up or copied is the output's integer already.
bool check_no_requants(const struct node *n, const char *what, struct err *e);
bool check_copied(const struct graph *g, const struct node *n, struct err *e);

// Accumulators of at most 62 bits, for any legal input of the declared types; and of rounding
// tflite small enough for its requantisation, the last one, if that is what they go through.
bool check_accumulator_bits(const struct graph *g, const struct node *n, struct err *e);
bool check_accumulator(const struct graph *g, const struct node *n, struct err *e);

// Sums of inputs times weights, plus a bias at the scale of the products.
bool check_weighted(const struct graph *g, const struct node *n, struct err *e);

// The accumulator of output o of such a node with these weights, its second input. `pads` says of a
// tap whether it may be padding, which is x_zero; NULL: none is.
struct weights;
struct interval weighted_acc(const struct graph *g, const struct node *n, enum known known,
                             const struct weights *w, int64_t o,
                             bool (*pads)(const void *context, int64_t tap), const void *context);
int64_t weighted_witness(const struct graph *g, const struct node *n, int64_t o, int64_t tap,
                         bool high);
double weighted_scale(const struct graph *g, const struct node *n, int64_t o);
struct interval weighted_range(const struct graph *g, const struct node *n, uint32_t out);

// Padding counts as 0, which an image of signs doesn't have.
bool check_padding(const struct value *x, const struct node *n, struct err *e);

// No slice of a window's axes: the largest of a part of a window, or its sum, is no value of the
// node's type.
bool check_whole_windows(const struct graph *g, const struct node *n, struct err *e);

// ---- ranges

struct interval interval_join(struct interval a, struct interval b);
struct interval interval_plus(struct interval a, struct interval b);
struct interval interval_times(struct interval a, struct interval b);
struct interval interval_scaled(struct interval a, fix_wide by);
struct interval interval_type(const struct type *t);

// Integers of input i, as the node sees them: of a delayed one any of the type may come.
struct interval interval_codes(const struct graph *g, const struct node *n, enum known known,
                               uint32_t i);
// The same minus its zero, for a value with one scale.
struct interval interval_seen(const struct graph *g, const struct node *n, enum known known,
                              uint32_t i);

// How many terms a reduction adds for one result.
int64_t interval_terms(const struct graph *g, const struct node *n);

// Integers of the output whose accumulator is `acc`, of channel c; rq NULL: none.
struct interval interval_landed(const struct requant *rq, struct interval acc,
                                const struct fix_target *t, int64_t c);
// Over all channels of the node.
struct interval interval_requantised(const struct graph *g, const struct node *n,
                                     const struct requant *rq);

#endif
