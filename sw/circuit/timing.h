// SPDX-License-Identifier: Apache-2.0
// How cells behave in time: the control state of each kind, as the headers in hw/ state it, for the
// two cycle models (timing.c, timing_ref.c), which share every rule and differ in which cells they
// look at.
//
//     source --> [cell] --> [cell] --> ... --> sink
//
// In a cycle, valid is known from state, in the order of the data; ready is settled from the sink
// backwards, because it may pass through a cell; a stream moves a beat where both hold; then every
// state advances.
#ifndef NNGEN_CIRCUIT_TIMING_H
#define NNGEN_CIRCUIT_TIMING_H

#include "sw/circuit/facts.h"

enum { PIPE_MOST = 64 }; // stages

// Frames, and cycles, after which a flow that hasn't settled is left alone.
enum { FRAMES_MOST = 512, CYCLES_MOST = 1 << 19 };

struct state {
  const struct cell *cell;
  int64_t held;              // beats, or elements, that wait inside
  int64_t in_beat, out_beat; // index within the frame, or within the group; WINDOW: of what is
                             // read; STATE: initial beats that have left; SOFTMAX: of the row
                             // that is written, and that the dividers began with; SLIDE: of the
                             // row that comes, while the last one's windows leave, and within
                             // the column; LINEAR: within a row, and the row if they differ
  int64_t group;   // SOFTMAX: cycles of the first reading; LINEAR: of outputs; CONCAT: the input
                   // whose turn it is; WINDOW: frames that the writer is ahead; BLOCKS: blocks that
                   // it is; EXTENT: place of the walk; SLIDE: of the newest column
  int64_t credit;  // LINEAR: places left in its queue; WINDOW: in its ring;
                   // SOFTMAX: rows that are free
  uint64_t pipe;   // PIPE, ARGMAX, CONSTANT: bit i: stage i holds a beat
  uint64_t flight; // LINEAR: bit i: a result that arrives in i + 1 cycles; SOFTMAX: a row
  uint64_t taken;  // FORK: bit i: reader i has the beat
  int64_t settles; // SOFTMAX: cycles until the exponentials are those of the next beat
  int64_t left; // SOFTMAX: cycles until the beat in the dividers is done, and 1; 0: there is none
  // FRAME, QUEUE, STATE, WINDOW, SLIDE, EXTENT, BLOCKS, SOFTMAX: the output register holds a beat
  bool valid;
  // QUEUE, STATE, WINDOW, BLOCKS: a RAM's output holds a beat, SLIDE: the shift register does;
  // `valid` behind it
  bool read;
};

// The streams' wires in this cycle; both by the stream's id.
struct wires {
  bool *valid, *moved; // (n_streams)
};

struct timing_ops {
  // Whether output k offers a beat.
  bool (*valid)(const struct state *s, const struct wires *w, uint32_t k);
  // Whether input k's beat is taken if there is one; what moves at the outputs is known.
  bool (*ready)(const struct state *s, const struct wires *w, uint32_t k);
  // To the next cycle, in which the beats that move have moved.
  void (*advance)(struct state *s, const struct wires *w);
  // The same for `cycles` >= 1 cycles in which nothing moves at the cell's streams and its inputs
  // offer what they offer now; NULL: nothing changes then.
  void (*idle)(struct state *s, const struct wires *w, int64_t cycles);
  // Cycles, >= 1, after which valid or ready may change though nothing moves; NEVER. Not later
  // than they do. NULL: NEVER.
  int64_t (*wake)(const struct state *s, const struct wires *w);
  // A ready of an input depends on that of an output in the same cycle.
  bool passes_ready;
  // The last input may come from a cell behind: its ready depends on no wire.
  bool loops;
};

#define NEVER INT64_MAX

const struct timing_ops *timing_ops(enum timing_kind kind);
extern const struct timing_ops timing_extent, timing_blocks, timing_slide, timing_softmax;

struct state *timing_states(struct arena *a, const struct circuit *p);

// What a run of a part has seen: the states of its cells when frames entered, and their distances.
// The flow repeats itself once a state comes back: the last one, or the one at the last power of
// two.
struct passage {
  const struct circuit *circuit;
  uint32_t part;
  int64_t entered, since;      // frames; cycle of the last
  int64_t first, latency;      // cycle of the first frame's first beat; 0: its last isn't out yet
  int64_t ii, slowest;         // cycles: the last distance; the longest one since `marked`
  int64_t patience, cycles;    // frames and cycles that are waited for
  bool late;                   // it won't wait for more
  struct state *last, *marked; // (n_cells)
  bool steady, repeats;        // all distances are equal from here on; in turn
  int64_t in_beats;            // of the part's first input
  int64_t *out_beats;          // (n_outputs)
};

// Waits for `patience` frames and about `cycles` for a flow that settles.
struct passage passage_new(struct arena *a, const struct circuit *p, uint32_t part,
                           int64_t patience, int64_t cycles);

// Whether a frame's first beat enters in this cycle: then the caller hands over the states after
// it.
bool passage_enters(struct passage *f, const struct wires *w);
void passage_enter(struct passage *f, const struct state *cells, int64_t cycle);
void passage_leave(struct passage *f, const struct wires *w, int64_t cycle);

// Nothing more is to be learnt.
bool passage_known(const struct passage *f);

// Sets ii, steady and latency to those of the part.
void passage_end(const struct passage *f, struct circuit *p);

// Runs each part alone, since none feels another: ii and steady are those of the first, latency is
// that of the slowest, as a frame enters every part in the same cycle; 0 if one stands still.
void passage_each(struct arena *a, struct circuit *p,
                  void (*run)(struct arena *a, struct circuit *p, uint32_t part));

// timing_run (facts.h) of a part. A source that is a little faster than the slowest cell may take
// hundreds of frames to fill what is in front of it. Where a run from reset hasn't settled for that
// long, one begins with all that full: in the state in which the last of the slowest cells has
// handed nothing on until nothing moved.
void timing_run_part(struct circuit *p, uint32_t part);

// The same from reset, for at most `frames`, with a source that spreads each frame evenly over
// `pace` cycles. `most`: places of each cell that were needed at once (n_cells); NULL: nobody asks.
void timing_spread(struct circuit *p, uint32_t part, int64_t pace, int64_t frames, int64_t *most);

// timing_run by looking at every cell in every cycle.
void timing_run_ref(struct circuit *p);

// What is known of the spans (facts.h) of a part's cells.
struct trace {
  const struct circuit *circuit;
  struct span *spans; // (n_cells)
  int64_t *beats;     // (n_streams) that have moved
  int64_t open;       // streams whose first frame hasn't moved
};
struct trace trace_new(struct arena *a, const struct circuit *p, uint32_t part, struct span *spans);

// What moves at a cell in this cycle.
void trace_add(struct trace *r, uint32_t cell, const struct wires *w, int64_t cycle);

// timing_trace by looking at every cell in every cycle.
bool timing_trace_ref(const struct circuit *p, struct span *spans);

#endif
