// SPDX-License-Identifier: Apache-2.0
// A circuit is a graph of cells and streams: with which lanes, how many cycles each cell takes, and
// what that gives for the whole. Made from a graph alone; emitters, reports and the simulation read
// it and decide nothing.
//
//   s_axis -> axis_frame -> [axis_resize] -> l0_linear -> [axis_register] -> l1_relu -> ... ->
//   m_axis
//
// Several inputs are s0_axis, s1_axis, ..., several outputs m0_axis, m1_axis, ...; frame n of every
// output belongs to frame n of every input.
#ifndef NNGEN_CIRCUIT_CIRCUIT_H
#define NNGEN_CIRCUIT_CIRCUIT_H

#include "sw/base/text.h"
#include "sw/circuit/rom.h"
#include "sw/graph/graph.h"

enum { LANES_DEFAULT = 4, TRANSFER_MAX = 1 << 20 };

// A stream from one cell to another: AXI4-Stream beats of `lanes` elements, element 0 in the low
// bits, TLAST on the last of a frame's beats. A group's first element begins a beat; a frame that
// is packed without gaps is one group.
struct stream {
  const char *signal; // prefix of its nets in top.sv: "s_axis", "l0", ...
  uint32_t value;     // what it carries, frame by frame
  int64_t elements;   // of a frame
  int64_t groups;     // of a frame, of elements / groups each
  int64_t lanes;      // elements of a beat
  int64_t beats;      // of a frame: groups * ceil(elements / groups / lanes); of taps those sent
  int64_t ahead;      // of a tap: frames that may come before the inputs that they belong to
  int width;          // bits of an element; bipolar: 1 bit, 1 is +1 and 0 is -1
  int number;         // bits above the elements, which say what beat of its pixel it is; 0: none
  struct type type;
  uint32_t id;      // its place among the circuit's streams
  int32_t from, to; // cells; NONE: top's own input and output
};

enum cell_kind {
  CELL_FRAME,    // axis_frame: exact frames
  CELL_RESIZE,   // axis_resize: lanes to lanes
  CELL_REGISTER, // axis_register: cuts the ready path, or holds a gathered beat
  CELL_LAYER,    // fixed_*: a node
  CELL_TRIM,     // axis_trim: zeroes unused lanes at top's output
  CELL_FORK,     // axis_fork: several readers
  CELL_QUEUE,    // axis_fifo: in front of a join, so that neither branch holds the other up
  CELL_GROUP,    // axis_concat of one stream: a packed frame into groups
  CELL_CAST,     // fixed_cast: an input of a layer to another type
  CELL_CONSTANT, // axis_constant: a tensor as a stream
  CELL_WINDOW,   // axis_window: the taps of each pixel of a layer's output
  CELL_SLIDE,    // axis_slide: whole windows of a row from its columns of taps
  CELL_STATE,    // axis_state: a value of some frames ago; its second input may come from behind it
};

// How a cell behaves in time, for the cycle model (timing.c).
enum timing_kind {
  TIMING_NONE,
  TIMING_FRAME,
  TIMING_RESIZE,
  TIMING_REGISTER,
  TIMING_LINEAR,
  TIMING_PIPE, // also a join: it takes a beat of each of its streams
  TIMING_ARGMAX,
  TIMING_TILES,
  TIMING_FORK,
  TIMING_QUEUE,
  TIMING_CONCAT,
  TIMING_CONSTANT,
  TIMING_WINDOW,
  TIMING_SLIDE,
  TIMING_EXTENT,
  TIMING_BLOCKS,
  TIMING_STATE,
  TIMING_SOFTMAX
};
struct timing {
  enum timing_kind kind;
  // cycles from a beat (LINEAR: from its step; SOFTMAX: from a row that is there) to the output
  // (SOFTMAX: to its sum)
  int64_t latency;
  int64_t ib, og; // LINEAR: input beats and output groups of a frame; STATE: ib, initial beats;
                  // QUEUE: ib, places that are enough to bridge what it is there for; 0: any
                  // SOFTMAX: ib, beats of a row; og, cycles from the begin of a beat to its end
  int64_t queue;  // places: LINEAR: for output beats; QUEUE, STATE: for beats; WINDOW: for pixels;
                  // SOFTMAX: for rows
};

struct cell {
  enum cell_kind kind;
  const char *name;          // of the instance: "l0_linear", "l0_resize", ...
  uint32_t node;             // LAYER
  int index;                 // LAYER: its number in names; the others: that of the layer they serve
  uint32_t n_in, n_out;      // a constant has no input
  struct stream **in, **out; // (n_in), (n_out)
  struct timing timing;
  int64_t cycles;           // of a frame when nothing stalls
  uint32_t part;            // the first of the inputs that streams, either way, link it with
  int64_t ii;               // of that part
  int64_t multipliers;      // LAYER, CAST
  int64_t memory_bits;      // LAYER, QUEUE, CONSTANT, WINDOW, STATE
  int accumulator_bits;     // LAYER, 0: none
  enum ram_style ram_style; // LAYER, of its weights
  bool pack;                // LAYER: where it has room, a DSP block makes two products
  void *facts; // LAYER, GROUP, CAST, CONSTANT, WINDOW, SLIDE: what is particular to it (facts.h)
};

// Where a circuit's memory images are: in files that its tools read, or in its text.
enum rom_style { ROM_FILE, ROM_CASE };

struct circuit {
  const struct graph *graph; // verified integers, ranges proven
  const char *top;           // name of the top module
  uint32_t n_cells, n_streams, n_taps, n_inputs, n_outputs;
  struct cell *cells;      // each behind those that it reads; STATE: but for its second input
  struct stream **streams; // (n_streams)
  struct stream *inputs;   // (n_inputs) top's; their TDATA is padded to whole bytes
  struct stream *outputs;  // (n_outputs) top's, likewise; unused lanes are zero
  struct stream **ends;    // (n_outputs) the streams behind which they are
  struct stream *taps;     // (n_taps) the output stream of every layer, in order
  // cycles between first handshakes of frames at the first input, at most; exactly, when `steady`
  // have entered; parts that nothing links with it have their own (cell.ii)
  int64_t ii;
  int64_t steady;  // frames, <= INT32_MAX: that many if distances go on differing in turn
  int64_t latency; // cycles from a frame's first handshake there to its last at any output
  int64_t multipliers, memory_bits;
  bool pack;                // as asked for
  enum rom_style rom_style; // ROM_FILE unless it is set
  // Where frames end: 0: where the source's TLAST is; otherwise by count, and TLAST leaves with the
  // last of every `transfer` frames. 0 unless it is set.
  int64_t transfer;
};

// Lanes: one number for all, refined by a folding file
//   {"defaults":{"parallelism":4},"layers":{"fc1":{"in":8,"out":16}}}     (SIMD, PE are accepted)
//
// or as FINN has them
//   {"Defaults":{},"MVAU_hls_0":{"SIMD":8,"PE":16,"ram_style":"auto"},...}
struct folding_entry {
  const char *name;
  int64_t in, out; // 0: not given
  enum ram_style ram_style;
  bool finn; // of a file with FINN's names
  bool used;
};
struct folding {
  int64_t parallelism;
  enum ram_style ram_style; // of all layers that don't say
  bool pack;                // two products in a DSP block where it has room
  uint32_t n_layers;
  struct folding_entry *layers;
};
bool folding_read(struct arena *a, const char *path, struct folding *f, struct err *e);
// The same of the text itself.
bool folding_parse(struct arena *a, const char *text, size_t size, struct folding *f,
                   struct err *e);

// Gives FINN's names for layers with weights, such as MVAU_hls_0 and VectorVectorActivation_1, the
// graph's, those of a kind counted in its order; and leaves away entries of FINN's that are about
// something else, as many as `left` says. False if there are fewer such layers.
bool folding_resolve(struct folding *f, const struct graph *g, uint32_t *left, struct err *e);

// The text of a folding file, with FINN's names or the graph's.
void folding_put(struct text *t, const struct folding *f, const struct graph *g, bool finn);

// NULL if the graph can't become a circuit: every layer that stands in the way is named at once.
struct circuit *circuit_build(struct arena *a, const struct graph *g, const char *top,
                              const struct folding *f, struct err *e);

// Bytes of TDATA at top: ceil(lanes * width / 8).
int64_t stream_bytes(const struct stream *s);

// Which element of a frame stands in a lane of a beat; NONE: the lane is unused.
int64_t stream_element(const struct stream *s, int64_t beat, int64_t lane);

// Elements of a frame that goes into a cell; of inputs that come one behind the other all of them.
int64_t cell_elements_in(const struct cell *c);

// Lanes in which a layer takes its inputs, some of which may have fewer elements: those of the
// widest, or of the output where both are the same.
int64_t cell_lanes_in(const struct circuit *p, const struct cell *c);

// Elements of a frame, of all inputs and of all outputs: a frame's codes are those of the first,
// then those of the second, ...
int64_t circuit_input_elements(const struct circuit *p);
int64_t circuit_output_elements(const struct circuit *p);

#endif
