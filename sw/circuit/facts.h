// SPDX-License-Identifier: Apache-2.0
// What a layer's circuit needs to know, worked out once by its column: the numbers that become
// parameters of its module, its memories and its timing.
#ifndef NNGEN_CIRCUIT_FACTS_H
#define NNGEN_CIRCUIT_FACTS_H

#include "sw/circuit/circuit.h"
#include "sw/circuit/family.h"
#include "sw/circuit/line.h"
#include "sw/circuit/polynomial.h"
#include "sw/circuit/reorder.h"
#include "sw/circuit/sparse.h"
#include "sw/circuit/window.h"

// fixed_requant's parameters.
struct circuit_requant {
  bool cast;     // false: types are equal and there is no requantisation
  int mul_width; // bits; 0: the multiplier is 1
  int up_width;  // tflite: how many of them, the upper ones, are a shift of the channel
  int64_t mul;
  int shift;
  int64_t zero;
  int out_width;
  const char *out_type;         // "signed", "unsigned", "bipolar"
  const struct minifloat *grid; // whose numbers are the results; NULL: all integers
  const char *rounding, *overflow;
};

// fixed_linear. The zero points of input and weights are folded into bias and weights; of distances
// both into the weights.
struct circuit_linear {
  int64_t in, out;                                   // of a row; of all sets
  int64_t ib, og;                                    // beats of a row, and of its outputs
  int64_t rows;                                      // of a frame
  int64_t sets;                                      // of weights: row n has those of n % sets
  int64_t words;                                     // of the weights' memories: steps of all sets
  const struct sparse *sparse;                       // which these are if not ib * og; NULL
  int in_width, weight_width, bias_width, acc_width; // bits
  const char *in_type, *weight_type;
  int code_width;                  // bits of a weight in its memory: weight_width, or of a code of
  const struct minifloat *coded;   // these, which hw/fixed_decode.sv makes factors of; NULL
  int shift_width;                 // coded: bits of what a product is shifted by; 0: of integers
  const struct residual *residual; // weights are sums of signs, hw/fixed_mac_residual.sv; NULL
  int64_t block_size;              // inputs whose weights of an output share an exponent; 0: none
  int64_t block;                   // the same in beats
  int64_t blocks;                  // of an output
  int block_width;                 // bits of an exponent
  const int8_t *exponents;         // (out, blocks)
  const int64_t *weight;           // (out, in) minus their zeros
  const int64_t *bias;             // (out), modulo 2^bias_width
  int sum_shift;                   // bits by which it is finer than the products
  const int64_t *mul; // (out) per-channel multipliers at one shift, or NULL; with what they
                      // shift less above them, if requant.up_width
  struct circuit_requant requant;
  bool pack;                  // two output lanes share multipliers: hw/fixed_mac_pair.sv
  bool distance;              // squared differences instead of products,
  int in_shift, weight_shift; // of inputs and weights shifted to one scale
  int64_t queue;              // places
  struct rom_shape rom;       // of the weights
  const int32_t *sent; // (rows) beats of each that come, where a window leaves some out; NULL
  // fixed_depthwise: `in` taps of each of `out` channels, which come in ib beats; og beats of a
  // pixel
  bool depthwise;
  int sum_width; // fixed_subsample, which is one: bits of a window's sum, which is multiplied; 0
};

// fixed_add, fixed_mul.
struct circuit_join {
  bool product, subtract;
  int mul_width;  // add, sub: bits of the factors
  int64_t mul[2]; // that bring both to one scale,
  bool rescales;  // each by a requantisation of its own, of rounding tflite,
  int shift[2];   // with these shifts
  struct circuit_requant requant;
};

// fixed_argmax, fixed_top_k.
struct circuit_classify {
  int64_t k;         // indices of a frame
  bool ranks, least; // fixed_top_k; the least element
};

// fixed_softmax.
enum { SOFTMAX_READ = 5 }; // cycles from an address to its exponential
struct circuit_softmax {
  int64_t elements, beats; // of a row
  int64_t depth;
  const int32_t *exps; // (depth)
  int fraction;
  int sum_width; // bits
};

// fixed_max_pool, fixed_avg_pool.
struct circuit_pool {
  bool average, codes; // of the codes, whatever their zero point
  bool tiles;          // the image comes as it is, for windows of `shape` don't overlap
  struct window shape;
  int64_t beats;   // of a pixel
  int64_t row;     // tiles: beats of a row of windows,
  int64_t places;  // of which so many are open at once
  int64_t windows; // beats of a frame that leave
  int sum_width;   // bits
  // Rows and columns with windows alike: what stands behind each run. An average: `counts` places
  // where a run of rows meets one of columns.
  int64_t runs[WINDOW_AXES], counts;
  const int64_t *end[WINDOW_AXES]; // (runs)
  // of each place what its sum is divided by exactly, or times `magic`: hw/fixed_avg_pool.sv
  bool scaled, exact; // false: the requantisation does it; it is only multiplied
  const int64_t *divisor, *magic;
  int scale, magic_width, magic_shift;
  struct circuit_requant requant;
};

// axis_extent: `extent`; axis_reorder: `blocks`.
struct circuit_reorder {
  struct circuit_extent extent;
  int64_t pad; // code of an element that isn't the input's
  struct circuit_blocks blocks;
};

// axis_concat: a group of each input in turn.
struct circuit_concat {
  int64_t lanes;
  const int64_t *elements; // (inputs) of a group
  int64_t out_elements;    // of a group of the output
};

// axis_constant: the first of each `depth` beats of a frame stand for all.
struct circuit_constant {
  const struct tensor *tensor;
  const int64_t *element; // (elements of a frame) which one of the tensor
  int64_t depth;          // beats
};

enum circuit_form { FORM_EXACT, FORM_TABLE, FORM_POLYNOMIAL };

// fixed_relu, fixed_clip, ..., fixed_table, fixed_polynomial.
struct circuit_pointwise {
  enum circuit_form form;
  const char *module;
  int in_width;
  const char *in_type;
  int64_t in_zero;
  const int64_t *codes; // integer constants, as the op has them
  int64_t slope_mul;
  int slope_shift;
  struct circuit_requant requant;
  struct table_rom rom;
  struct polynomial polynomial;
};

struct circuit_requant circuit_requant_of(const struct node *n, const struct value *y,
                                          const struct requant *rq);

// Of a convolution or a pool: the most lanes, up to those asked for, that divide a pixel; and
// whether those asked for do.
int64_t circuit_divisor(int64_t channels, int64_t most);
bool circuit_divides(int64_t channels, int64_t lanes, const char *which, struct err *e);

// Pipeline stages that requantisation adds: hw/fixed_requant.sv.
int circuit_requant_stages(const struct circuit_requant *r);

// Lanes that a layer with weights may give.
enum { OUT_LANES_MAX = 1000 };

struct bill;

// What lanes of a layer cost.
struct circuit_unit {
  enum family family;  // whose DSP blocks; given
  int64_t multipliers; // of a lane in and one out; per_lane: of a lane
  bool per_lane;
  int64_t weight_bits;  // of a weight
  int64_t channel_bits; // of what an output channel has besides
  int64_t lane_bits;    // of what a lane out has: its accumulator
  // DSP blocks, or at least LUTs, of a lane in and one out; per_lane: of a lane
  int64_t dsp, lut;
  int64_t pair; // DSP blocks of two that share an input, as hw/fixed_mac_pair.sv packs; 0: no room
};

// What the builder knows of a column (columns.def), in circuit_<stem>.c.
struct circuit_column {
  // Fills in facts, timing and costs of a layer's cell whose streams are known. False if the layer
  // can't become a circuit, with the reason.
  bool (*make)(struct arena *a, const struct graph *g, struct cell *c, struct err *e);
  // The groups in which input `i` is taken; NULL: its frames are packed.
  int64_t (*groups)(const struct graph *g, const struct node *n, uint32_t i);
  // Sets the lanes, those that are asked for, or by the folding file (chosen); NULL: they are free.
  bool (*lanes)(const struct graph *g, const struct node *n, bool chosen, int64_t *in, int64_t *out,
                struct err *e);
  // Cycles of a frame with lanes that it has; NULL: a beat of its longest input each.
  int64_t (*cycles)(const struct graph *g, const struct node *n, int64_t in, int64_t out);
  // What its lanes cost; NULL: nothing that counts. False if it can't become a circuit.
  bool (*unit)(const struct graph *g, const struct node *n, struct circuit_unit *u, struct err *e);
  // How its windows slide over its first input, beside which is 0; NULL: not over several rows.
  bool (*windows)(const struct graph *g, const struct node *n, struct window *w, struct err *e);
  // The window in front of its input, whose lanes are known, of a layer of `out` lanes; beats 0, or
  // NULL: none.
  bool (*window)(struct arena *a, const struct graph *g, const struct node *n, int64_t in,
                 int64_t out, struct circuit_window *w, struct err *e);
  // Lists the parts of a layer's cell, beyond those that are there.
  void (*bill)(const struct cell *c, struct bill *n);
  // The requantisation of a cast in front of input `i`, NULL: there is none; NULL: never.
  const struct requant *(*cast)(const struct graph *g, const struct node *n, uint32_t i);
};

#define YES(f) extern const struct circuit_column f;
#define MOVE(f)
#define NO(f)
#define COLUMN(id, stem, golden, prepare, real, quant, circuit) circuit(circuit_##stem)
#include "sw/graph/columns.def"
#undef COLUMN
#undef YES
#undef MOVE
#undef NO

// The part in which an input ends, and from which an output comes (cell.part).
uint32_t part_of_input(const struct circuit *p, uint32_t i);
uint32_t part_of_output(const struct circuit *p, uint32_t i);

// Of a kind with a circuit that isn't only a move; NULL.
const struct circuit_column *circuit_column(enum op op);

struct weights;

// What lanes of a layer with weights cost. depthwise: each multiplies with a weight of its own,
// otherwise with one of every lane that leaves. `in_order`: an output meets its weights in their
// order, none left out, so that memories can hold blocks; otherwise these are integers.
struct circuit_unit circuit_linear_unit(const struct circuit_linear *l, enum family family);
bool circuit_weighted_unit(const struct graph *g, const struct node *n, const struct weights *w,
                           bool depthwise, bool in_order, struct circuit_unit *u, struct err *e);

// The circuit of a layer with weights, of `rows` rows a frame, which its input has one by one, and
// of which each of `sets` in turn has weights and outputs of its own.
bool circuit_weighted(struct arena *a, const struct graph *g, struct cell *c,
                      const struct weights *w, int64_t rows, int64_t sets, bool in_order,
                      struct err *e);

// That of a layer each of whose lanes takes the taps of one channel in a row, one or several in a
// beat, and has weights for so many beats: hw/fixed_depthwise.sv and what is built of it.
bool circuit_depthwise(struct arena *a, const struct graph *g, struct cell *c,
                       const struct weights *w, int64_t pixels, int64_t words, struct err *e);

// Coded weights of a type: how they lie in memory and, decoded, are multiplied; `depthwise` ones as
// integers. Others are what they are.
void circuit_code_weights(struct circuit_linear *l, const struct type *t, bool depthwise);
// Elements of blocks, which weights of that value are, and their exponents; other weights are what
// they are.
void circuit_block_weights(struct arena *a, struct circuit_linear *l, const struct value *w);
int64_t circuit_weight_bits(const struct circuit_linear *l, int64_t o, int64_t i); // in the memory
// What decoding and shifting of so many products take, of so many lanes out.
void circuit_coded_bill(const struct circuit_linear *l, int64_t products, int64_t outs,
                        struct bill *n);

// The weights of squared differences.
void circuit_rbf_fold(struct arena *a, const struct graph *g, const struct node *n,
                      struct circuit_linear *l);

// Rows of inputs, each of which meets a matrix of weights: how many a frame has, their lanes,
// cycles and window.
int64_t circuit_rows(const struct graph *g, const struct node *n);
bool circuit_rows_lanes(const struct graph *g, const struct node *n, bool chosen, int64_t *in,
                        int64_t *out, struct err *e);
int64_t circuit_rows_cycles(const struct graph *g, const struct node *n, int64_t in, int64_t out);
bool circuit_rows_window(struct arena *a, const struct graph *g, const struct node *n, int64_t in,
                         int64_t out, struct circuit_window *w, struct err *e);

// The steps of a layer whose weights a mask cuts, with lanes that it has; NULL: as many as without
// the mask. Input i of a beat's order is tap `order` (taps) of an output; NULL: i.
const struct sparse *circuit_sparse(struct arena *a, const struct graph *g, const struct node *n,
                                    int64_t in, int64_t out, const int64_t *order);

// What a frame takes of a layer with weights, floats too, whose inputs come in their order, and the
// bits of its weights' memory with its schedule, if lanes needn't divide anything. The padding of a
// convolution counts like the image.
struct circuit_steps {
  int64_t cycles, memory_bits;
};
struct circuit_steps circuit_steps(const struct graph *g, const struct node *n, int64_t in,
                                   int64_t out, int weight_bits);

// Gives a linear cell those steps, NULL: all; the queue and the costs that follow.
void circuit_linear_steps(struct cell *c, const struct sparse *sparse);

// Its parts.
void circuit_weighted_bill(const struct cell *c, struct bill *n);
void circuit_depthwise_bill(const struct circuit_linear *l, int64_t lanes, int64_t column,
                            struct bill *n);
void circuit_concat_bill(const struct cell *c, struct bill *n);

// Gives a linear cell a queue of `places` and the latency that follows.
void circuit_linear_queue(struct cell *c, int64_t places);

// Whether a cell is a window that keeps rows from frame to frame.
bool circuit_is_line(const struct cell *c);

// Gives a window's ring this many pixels.
void circuit_window_resize(struct cell *c, int64_t pixels);

// The cycle model: runs frames through the cells without stall on either side; sets ii, steady and
// latency; latency 0 if the circuit stands still. It follows the control logic that the headers in
// hw/ state.
void timing_run(struct circuit *p);

// When a cell works on the first frame, in cycles from the one in which the circuit's first beat
// may enter: its first beat in (without an input 0), its first and its last beat out; STATE: of
// what it remembers at first.
struct span {
  int64_t taken, first, last;
};

// The spans (n_cells) of a circuit that takes and gives whatever it can; false if it stands still.
bool timing_trace(const struct circuit *p, struct span *spans);

// The fewest places of each queue (n_cells), the others as they are, with which no stall stops the
// circuit for ever: what it has beyond them is for the pace. 0: no queue.
void queues_least(struct circuit *p, int64_t *least);

#endif
