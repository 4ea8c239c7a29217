// SPDX-License-Identifier: Apache-2.0
// A training step on a machine with two memories, replayed. Operators with channels; five blocks of
// bytes each; decisions to load, store, allocate, run and prune parts of them; a fast memory with a
// limit, where runs find what they need; and a slow one.
//
//   in    [load A.param]       [load B.param]
//   cpu                 [A forward]          [B forward]
//   out                                                 [store A.input]
//   fast  ____----------========----------===============---------------____  <= limit
//
// What is replayed is a list of decisions and not yet a plan (plan.h): it says neither when bytes
// are given back nor whether it can be carried out. Times are ms, sizes bytes, rates bytes per ms.
#ifndef NNGEN_PLAN_REPLAY_H
#define NNGEN_PLAN_REPLAY_H

#include "sw/base/arena.h"
#include "sw/base/err.h"
#include "sw/base/text.h"

#include <stdint.h>

// In the order in which blocks are given back.
enum replay_block { REPLAY_PARAM, REPLAY_INPUT, REPLAY_OUTPUT, REPLAY_GRAD, REPLAY_PASS_GRAD };
enum { REPLAY_BLOCKS = REPLAY_PASS_GRAD + 1 };
extern const char *const replay_block_names[REPLAY_BLOCKS + 1]; // NULL at the end

enum replay_action {
  REPLAY_FORWARD,
  REPLAY_BACKWARD,
  REPLAY_OPTIMIZE,
  REPLAY_AGAIN, // version 2: a forward whose results go into inputs that have been given back
                // the first four run on the cpu
  REPLAY_LOAD,
  REPLAY_STORE,
  REPLAY_ALLOCATE,
  REPLAY_PRUNE,
  REPLAY_END, // the last two aren't decisions: they happen
  REPLAY_FREE
};
enum { REPLAY_RUNS = REPLAY_OPTIMIZE + 1, REPLAY_ACTIONS = REPLAY_FREE + 1 };
extern const char *const replay_action_names[REPLAY_ACTIONS + 1]; // NULL at the end

enum replay_device { REPLAY_CPU, REPLAY_IN, REPLAY_OUT };
enum { REPLAY_DEVICES = REPLAY_OUT + 1 };
static inline bool replay_is_run(enum replay_action a) {
  return a <= REPLAY_AGAIN;
}

extern const char *const replay_device_names[REPLAY_DEVICES];

struct replay_channels {
  uint32_t ranges;
  const uint32_t *range; // (ranges, 2): begin, end; sorted, disjoint
};

struct replay_operator {
  const char *name;
  uint32_t n_from;
  const uint32_t *from;         // (n_from) whose outputs, concatenated, are its input
  bool one;                     // channel c needs channel c; false: all channels
  uint32_t in, out;             // channels
  int64_t bytes[REPLAY_BLOCKS]; // of all channels: of `in` for input and pass_grad, else of `out`
  double ms[REPLAY_RUNS];       // of a run of all output channels
  double extra[REPLAY_RUNS];    // bytes held while it runs
  const double *loss;           // (out) accuracy that is lost with the channel
};

struct replay_decision {
  double at;
  enum replay_action action;
  uint32_t op;
  int block; // LOAD, STORE, ALLOCATE; NONE for others
  struct replay_channels channels;
};

// Version 1 is what plans were recorded in. In version 2 decisions stand in the order of their
// times, by which they also go at one time; an allocation begins a new life of its channels, and
// what the reads of one life leave is free.
enum { REPLAY_VERSION_MAX = 2 };

struct replay_plan {
  const char *name, *about;
  uint32_t version;
  double limit;                // bytes of fast memory
  double rate[REPLAY_DEVICES]; // of IN and OUT
  double target;               // accuracy
  uint32_t n_operators, n_decisions;
  const struct replay_operator *operators;
  const struct replay_decision *decisions;
};

// Plans that are changes of one: a file of them, or one plan alone.
struct replay_file {
  const char *name;
  bool cases; // false: one plan
  uint32_t count;
  struct replay_plan *plans;
};

// Reads a "plan fixture", or cases of one, with the files beside it that it names.
bool replay_read(struct arena *a, const char *path, struct replay_file *f, struct err *e);

// The file of a plan, with its operators.
void replay_put(struct text *t, const struct replay_plan *p);

// The semantics. `correct` has none of the switches and takes times as they are given; `auto` takes
// the order alone; the others are what the public simulator does from which plans were recorded.
struct replay_mode {
  const char *name;
  bool issue;           // times are ignored: each decision starts as early as it can
  bool loads_at_once;   // a load's bytes can be used from its start
  bool stores_at_once;  // a store's bytes are free from its start
  bool frees_by_list;   // what is freed hangs on decisions by their order in the list
  bool no_offset;       // gradients of a concatenation are read without the place in it
  bool whole_neighbors; // a run needs its neighbors' runs complete, not the channels that it reads
  bool reads_lock;      // what a run reads is locked as if it wrote
  bool inputs_unlocked; // inputs aren't locked
  bool peak_sorted;     // at one time bytes are given back first, whatever the limit saw
  bool bare_ends;       // rows of ends have no channels
};

enum { REPLAY_MODES = 3 };
extern const struct replay_mode replay_modes[REPLAY_MODES]; // compat, correct, auto

struct replay_row {
  double at;
  enum replay_action action;
  uint32_t op;
  int block;      // NONE: of a run
  bool channeled; // false: no channels are named
  struct replay_channels channels;
  double bytes; // in fast memory after it
};

struct replay_result {
  const char *refused; // the rule, or NULL
  double at;           // NAN: found before or after the simulation
  const char *op;      // or NULL
  const char *why;     // or NULL
  double accuracy, total, peak, left_bytes;
  double busy[REPLAY_DEVICES];
  uint32_t n_rows, rows_room;
  struct replay_row *rows; // until it was refused
  uint32_t n_left;
  struct replay_row *left; // op, block, channels, and their bytes
  double *started;         // (n_decisions) when each did; NAN: it didn't
};

// Judges the plan by the rules that need no time, and plays it. False with a message only if it is
// too large to be played; a plan that is refused is a result.
bool replay_run(struct arena *a, const struct replay_plan *p, const struct replay_mode *m,
                struct replay_result *r, struct err *e);

#endif
