// SPDX-License-Identifier: Apache-2.0
// The graph: the one structure that inference, training, schedules and circuits share.
//
//   value --use(delay)--> node --out--> value        node ==after(delay)==> node   (control)
//
// A value is an array produced by a node, a graph input, or a tensor of the file (`init`).
// `per_frame` values have one array per image; the others (weights, their gradients) one per step.
// Built by graph_add_*, checked by graph_verify; executors and emitters get verified graphs only.
#ifndef NNGEN_GRAPH_GRAPH_H
#define NNGEN_GRAPH_GRAPH_H

#include "sw/base/arena.h"
#include "sw/base/err.h"
#include "sw/graph/fix.h"
#include "sw/graph/type.h"

enum { RANK_MAX = 8, NONE = -1 };
enum { STREAM_BITS_MAX = 32 }; // of accumulators: ACCUMULATOR_BITS_MAX
#define DIM_MAX ((int64_t)1 << 24)
#define ELEMENTS_MAX ((int64_t)1 << 28)

enum op {
#define OP(name, ...) OP_##name,
#include "sw/graph/ops.def"
#undef OP
  OP_COUNT
};

enum attr_name {
#define ATTR(name, kind) ATTR_##name,
#include "sw/graph/attrs.def"
#undef ATTR
  ATTR_COUNT
};

enum attr_kind {
  ATTR_INT,
  ATTR_INTS,
  ATTR_REAL,
  ATTR_TENSOR,
  ATTR_VALUE,
  ATTR_NODE,
  ATTR_TEXT,
  ATTR_TYPE
};

enum dtype { DTYPE_F32, DTYPE_F64, DTYPE_I8, DTYPE_I16, DTYPE_I32, DTYPE_I64, DTYPE_U8 };

// An array of the container file, C order.
struct tensor {
  enum dtype dtype;
  int rank;
  int64_t shape[RANK_MAX];
  int64_t count; // elements
  void *data;
};

struct value {
  const char *name;
  int rank;
  int64_t shape[RANK_MAX]; // of one frame if per_frame
  struct type type;
  bool per_frame;
  int64_t lo, hi;      // the integers lie within: its type's range, until graph_ranges proves less
  int32_t node, out;   // producer and which output of it; node NONE: input or tensor
  struct tensor *init; // the content, if it is a tensor of the file
  struct tensor *mask; // U8, of each dimension the value's size or 1: 0 where a connection is cut
};

struct use {
  uint32_t value;
  uint32_t delay;  // the consumer sees the value of `delay` firings ago
  int32_t initial; // a tensor value: the tokens there before the first firing; NONE if delay is 0
};

struct after {
  uint32_t node, delay;
};

struct attr {
  enum attr_name name;
  int64_t count;         // of ints
  const int64_t *ints;   // INT, INTS
  double real;           // REAL
  struct tensor *tensor; // TENSOR
  uint32_t value;        // VALUE, NODE
  const char *text;      // TEXT
  struct type type;      // TYPE
};

// y = overflow(zero_y + round(acc * mul / 2^shift)); one entry, or one per channel of the output.
struct requant {
  int64_t count;
  const int64_t *mul;   // (count)
  const int32_t *shift; // (count)
};

// Whether a node is part of a circuit or is computed behind it. What softmax computes differs.
enum where { WHERE_CIRCUIT, WHERE_HOST };
const char *where_text(enum where where);
int where_find(const char *name); // NONE if unknown

struct node {
  enum op op;
  const char *name;
  uint32_t n_in, n_out, n_ref, n_after, n_attr, n_rq, n_origin;
  struct use *in;
  uint32_t *out;
  uint32_t *ref; // values of class REF: what read and assign refer to
  struct after *after;
  struct attr *attr;
  struct requant *rq;
  const char **origin; // names in the user's file
  enum fix_rounding rounding;
  enum fix_overflow overflow;
  enum where where;
  bool odd; // in floats, sums are rounded to odd for what rounds them once more (sw/exec/whole.h)
};

// How pixels become the integers (or floats) of an input.
struct source {
  int64_t channels;     // entries of mean and std; 0: the input does not come from pixels
  const double *mean;   // (channels)
  const double *std;    // (channels)
  int64_t tables;       // 0 (real graph), 1, or the channels of the image
  const int32_t *table; // (tables, 256) pixel -> code
  const int64_t *axes;  // (rank) axis k is axis axes[k] of the arrays that users have; NULL: axis k
};

// What pixel `i` of an image is to the float model, and its code for the integers; channels are the
// fastest axis.
double source_real(const struct source *s, int64_t i, uint8_t pixel);
int32_t source_code(const struct source *s, int64_t i, uint8_t pixel);

struct input {
  uint32_t value;
  struct source source;
};

struct graph {
  struct arena *arena;
  const char *name;
  struct value *values;
  struct node *nodes;
  struct input *inputs;
  uint32_t *outputs;
  uint32_t n_values, n_nodes, n_inputs, n_outputs;
  uint32_t room_values, room_nodes;
};

// ---- op table

typedef uint64_t attr_set; // a bit per attr_name

struct op_info {
  const char *name;
  int column; // enum op_column
  uint32_t in_min, in_max, out_min, out_max, ref_min, ref_max;
  attr_set required, optional; // attributes
  unsigned executors;          // enum op_executor
  int gradient;                // enum op_gradient
  unsigned traits;             // enum op_trait
  int curve;                   // enum curve, or NONE
  uint32_t codes, slopes;
};

enum op_column {
#define COLUMN(id, ...) COLUMN_##id,
#include "sw/graph/columns.def"
#undef COLUMN
};

enum op_executor { EXECUTOR_GOLDEN = 1, EXECUTOR_REAL = 2, EXECUTOR_CIRCUIT = 4 };

// What ops.def says of them.
enum op_trait {
  TRAIT_WEIGHTS = 1 << 0,
  TRAIT_ALIAS = 1 << 1,
  TRAIT_PARTS = 1 << 2,
  TRAIT_MAPS = 1 << 3,
  TRAIT_CASTS = 1 << 4,
  TRAIT_INDEX = 1 << 5,
  TRAIT_HOST = 1 << 6,
  TRAIT_SKIPPED = 1 << 7,
  TRAIT_STEPS = 1 << 8,
  TRAIT_HOLDS = 1 << 9,
  TRAIT_REFERS = 1 << 10,
  TRAIT_BACKWARD = 1 << 11,
  TRAIT_CARRIED = 1 << 12,
  TRAIT_NARROWS = 1 << 13,
  TRAIT_WINDOWS = 1 << 14,
  TRAIT_JOINS = 1 << 15,
  TRAIT_REORDERS = 1 << 16,
  TRAIT_AVERAGES = 1 << 17,
  TRAIT_LEAST = 1 << 18,
  TRAIT_STATISTICS = 1 << 19,
  TRAIT_SUMS = 1 << 20,
};

// How gradients pass through a kind, or why they don't.
enum op_gradient {
#define GRADIENT(id, ...) GRADIENT_##id,
#define NO_GRADIENT(id, ...) GRADIENT_##id,
#include "sw/graph/gradients.def"
#undef GRADIENT
#undef NO_GRADIENT
};

const struct op_info *op_info(enum op op);
bool op_is(enum op op, unsigned traits);        // whether it has one of them
bool op_takes(enum op op, enum attr_name name); // whether the attribute can belong to it
const char *op_no_gradient(enum op op);         // why a kind has no gradient; NULL if it has one
bool gradient_fresh(enum op op); // its kernel writes where it can be asked to, and is shared
int op_find(const char *name);   // NONE if unknown

// What the gradient with respect to input k reads besides that of the output, a bit per input and
// GRADIENT_OUTPUT for the output: gradient nodes have these values as inputs, in this order.
enum { GRADIENT_OUTPUT = 1 << 30 };
unsigned op_gradient_reads(enum op op, uint32_t k);
const char *attr_text(enum attr_name name);
enum attr_kind attr_kind(enum attr_name name);
int attr_find(const char *name); // NONE if unknown

// ---- building; names are copied, ids returned

struct graph *graph_new(struct arena *a, const char *name);
uint32_t graph_add_value(struct graph *g, const char *name, int rank, const int64_t *shape,
                         struct type type, bool per_frame);
uint32_t graph_add_tensor(struct graph *g, const char *name, struct tensor *t, struct type type);
uint32_t graph_add_input(struct graph *g, uint32_t value, struct source source);
// In the circuit, unless it is of a kind that is computed behind it.
uint32_t graph_add_node(struct graph *g, enum op op, const char *name);
void graph_add_use(struct graph *g, uint32_t node, struct use use);
void graph_add_out(struct graph *g, uint32_t node, uint32_t value);
void graph_add_ref(struct graph *g, uint32_t node, uint32_t value);
void graph_add_after(struct graph *g, uint32_t node, struct after after);
struct attr *graph_add_attr(struct graph *g, uint32_t node, enum attr_name name);
void graph_add_int(struct graph *g, uint32_t node, enum attr_name name, int64_t value);
void graph_add_ints(struct graph *g, uint32_t node, enum attr_name name, int64_t count,
                    const int64_t *values);
void graph_add_real(struct graph *g, uint32_t node, enum attr_name name, double value);
void graph_add_text(struct graph *g, uint32_t node, enum attr_name name, const char *text);
void graph_add_type(struct graph *g, uint32_t node, enum attr_name name, struct type type);
void graph_add_requant(struct graph *g, uint32_t node, int64_t count, const int64_t *mul,
                       const int32_t *shift);
void graph_add_origin(struct graph *g, uint32_t node, const char *name);
void graph_add_output(struct graph *g, uint32_t value);
// Adds an output under a name, unless its value is an input or an output already, which have
// theirs. A value inside that has the name gets another; an input or output keeps it.
void graph_add_output_as(struct graph *g, uint32_t value, const char *name);

// ---- looking

int32_t graph_find_value(const struct graph *g, const char *name); // NONE if unknown
const struct value *node_in(const struct graph *g, const struct node *n, uint32_t i);
const struct value *node_out(const struct graph *g, const struct node *n, uint32_t i);
const struct attr *node_attr(const struct node *n, enum attr_name name); // NULL if absent
int64_t node_int(const struct node *n, enum attr_name name, int64_t otherwise);
double node_real(const struct node *n, enum attr_name name, double otherwise);
// A list of `count` numbers from `least` on; what is in `to` stays if there is none.
bool node_list(const struct node *n, enum attr_name name, int64_t count, int64_t least, int64_t *to,
               struct err *e);
const int64_t *node_codes(const struct node *n); // the `codes` attribute
int node_curve(const struct node *n);            // enum curve, or NONE

int64_t value_elements(const struct value *v); // of one frame
// Whether the mask cuts element i, whose connection then isn't there; how many elements it leaves.
bool value_is_cut(const struct value *v, int64_t i);
int64_t value_connections(const struct value *v);
int64_t graph_parameters(const struct graph *g); // connections of all tensors
int64_t shape_elements(int rank, const int64_t *shape);

// What element i of a tensor is: its number, or what its code stands for.
double value_real(const struct value *v, int64_t i);

struct tensor *tensor_new(struct arena *a, enum dtype dtype, int rank, const int64_t *shape);
int64_t tensor_int(const struct tensor *t, int64_t i); // integer dtypes
double tensor_real(const struct tensor *t, int64_t i); // any dtype
// Of weights (out, ..) in blocks: (out, blocks) exponents above the least, -1 where the integers
// share none.
int8_t *tensor_exponents(struct arena *a, const struct blocked *b, const struct tensor *t);
// The same integers as a tensor of their type, whose span becomes the largest of these exponents.
struct tensor *tensor_settled(struct arena *a, struct type *type, struct tensor *t);
void tensor_set_int(struct tensor *t, int64_t i, int64_t value);
size_t dtype_size(enum dtype d);
const char *dtype_text(enum dtype d);
enum dtype dtype_for(const struct type *t); // the smallest that stores the type

// ---- checks and facts

// Everything that makes a graph valid: counts, shapes, types, names, cycles, requantisation,
// tables, sources. The first fault is reported with its node.
bool graph_verify(const struct graph *g, struct err *e);

// Shape of output `out` of a node, from its inputs; part of graph_verify.
bool graph_shape(const struct graph *g, const struct node *n, uint32_t out, int *rank,
                 int64_t shape[RANK_MAX], struct err *e);

// The nodes in an order in which each follows what it uses with delay 0: (n_nodes) ids; false if
// there is a cycle without delay. Stable: file order where that is possible.
bool graph_order(const struct graph *g, uint32_t *order);

// ---- side tables: facts about each node or value that are not part of the graph

enum table_key { PER_NODE, PER_VALUE };
struct side_table {
  enum table_key key;
  size_t stride; // bytes of a row
  void *data;    // (n_nodes or n_values, stride), zeroed
};
struct side_table side_table_new(const struct graph *g, struct arena *a, enum table_key key,
                                 size_t stride);
void *side_table_at(const struct side_table *t, uint32_t id);

#endif
