// SPDX-License-Identifier: Apache-2.0
// What the parts of the planner share: remat_net.c says what each operator needs, remat_runs.c
// lines up the runs that choices make, remat_play.c is the clock, remat_search.c chooses,
// remat_list.c writes decisions.
#ifndef NNGEN_PLAN_REMAT_PARTS_H
#define NNGEN_PLAN_REMAT_PARTS_H

#include "sw/plan/remat.h"
#include "sw/plan/replay_parts.h"

// Channels as bits of words.
static inline uint32_t mask_words(uint32_t channels) {
  return (channels + 63) / 64;
}
static inline bool mask_has(const uint64_t *m, uint32_t c) {
  return m[c / 64] >> (c % 64) & 1;
}
static inline void mask_put(uint64_t *m, uint32_t c) {
  m[c / 64] |= (uint64_t)1 << (c % 64);
}
static inline uint32_t mask_count(const uint64_t *m, uint32_t words) {
  uint32_t count = 0;
  for (uint32_t w = 0; w < words; w++) count += (uint32_t)__builtin_popcountll(m[w]);
  return count;
}

struct remat_run {
  uint8_t kind; // REPLAY_FORWARD, _BACKWARD, _OPTIMIZE, _AGAIN
  bool opens;   // AGAIN: the first for its input, which it allocates; and the last
  bool closes;
  uint32_t op, to;     // AGAIN: whose input is made
  uint32_t channels;   // AGAIN: how many; of none it doesn't happen
  double ms, extra;    // bytes while it runs
  double takes, gives; // bytes that are allocated with it, and given back at its end
  double used;         // bytes in use with all that waits where it is to
  double left;         // ms of the runs behind it
};

struct remat_op {
  const struct replay_operator *o;
  uint32_t in_words, out_words;
  uint64_t *every;   // (out_words) all output channels
  uint64_t *each_in; // (in_words) all input channels
  uint64_t *kept;    // (out_words) output channels that go backward
  uint64_t *saved;   // (in_words) input channels that its backward reads
  uint64_t *passed;  // (in_words) those whose gradients its backward passes on
  uint32_t n_kept;
  uint32_t n_before;
  uint32_t *before;  // (n_before) whose outputs it reads, each once
  double spare;      // bytes of outputs that its forward is the last to read
  double read_grads; // bytes of successors' gradients that its backward is the last to read
  double kept_bytes; // of params
  struct remat_run runs[REPLAY_RUNS]; // if nothing is made again of what is its own
};

// What waits between two runs.
enum remat_kind { WAIT_INPUT, WAIT_PARAM, WAIT_OUTPUT, WAIT_GRADIENT };
struct remat_value {
  enum remat_kind kind;
  uint32_t op;
  uint32_t after,
      before;          // OUTPUT, GRADIENT: the operators with whose runs the wait begins and ends
  bool backward;       // it ends with a backward
  uint32_t begin, end; // GRADIENT: channels of op's pass_grad, as its input's
  double bytes;        // if nothing is made again of it
};

struct remat_net {
  struct arena *arena;
  const struct replay_plan *plan;
  struct replay_net links; // to, order
  struct remat_op *ops;    // (n_operators)
  uint32_t *order;         // (n_operators) in which they go forward
  uint32_t *place;         // (n_operators) in it
  uint32_t n_values;
  struct remat_value *values;
  uint32_t *input_value, *param_value; // (n_operators) or UINT32_MAX: nothing waits
  uint32_t cut;
};

bool remat_net_make(struct remat_net *n, struct arena *a, const struct replay_plan *p,
                    struct err *e);

static inline double remat_share(uint32_t channels, uint32_t of, double whole) {
  return (double)channels / of * whole;
}

// ---- the runs of some choices

// Transfers: of a load the run that waits for it, of a store that which it follows.
struct remat_move {
  uint8_t block;
  uint32_t op, run;
  uint32_t value; // or UINT32_MAX
  uint32_t begin, end;
  double bytes;
  int32_t store; // LOAD: of what was stored; or REPLAY_NONE
};

struct remat_runs {
  const struct remat_net *net;
  const uint8_t *choice; // (n_values)
  uint32_t n_runs, n_loads, n_stores, runs_room;
  struct remat_run *runs;
  struct remat_move *loads, *stores;   // in order of their runs
  uint64_t **input_left, **param_left; // (n_operators) channels that are read after forward
  uint64_t **made;                     // (n_operators) input channels that are made again
  bool *is_made;                       // (n_operators)
  bool *masked;                        // (n_operators) others have what they are made with
  uint32_t most;                       // the run with most in use
  int32_t *store_of;                   // (n_values) what was stored and isn't loaded; REPLAY_NONE
  uint32_t *forward_at, *backward_at;  // (n_operators) runs
  uint32_t *begins, *ends;             // (n_runs) the first of the values that wait from, to it
  uint32_t *begins_too, *ends_too;     // (n_values) the next of them; UINT32_MAX
  uint32_t *first_again;               // (n_operators) the run that allocates what is made
  uint64_t *channels;                  // room for a mask
  double recomputed, spilt, all;       // ms, bytes, ms of all runs
};

void remat_runs_new(struct remat_runs *r, const struct remat_net *n, struct arena *a);
void remat_runs_make(struct remat_runs *r, const uint8_t *choice);

// Of a run AGAIN: the output channels that it computes, into (out_words). Returns how many.
uint32_t remat_again(const struct remat_runs *r, uint32_t op, uint32_t to, uint64_t *channels);

// Channels that are read behind the forward of an operator, in its first life of the input.
const uint64_t *remat_input_left(const struct remat_runs *r, uint32_t op);
const uint64_t *remat_param_left(const struct remat_runs *r, uint32_t op);

// What of a value is read later.
double remat_bytes(const struct remat_runs *r, uint32_t value);

// Bytes times ms above a limit.
double remat_excess(const struct remat_runs *r, double limit);

// The run that needs most where all that can is elsewhere: bytes of fast memory that a plan needs.
struct remat_need {
  double bytes;
  double more; // of them with this run
  enum replay_action kind;
  uint32_t op;
};
struct remat_need remat_need(const struct remat_net *n);
double remat_least(const struct remat_net *n); // whole bytes

// ---- the clock

// The order in which loads and runs get their bytes, and who is served when.
struct remat_play {
  double horizon; // ms of runs before the one that waits, from which on a load may go ahead
  double *used;   // (n_runs) as of the runs, with what was loaded ahead
  struct remat_give {
    double at, bytes;
  } * gives;       // (n_stores) ends of stores
  double *arrives; // (n_loads) their ends
  uint32_t *ahead; // (n_loads) the run before which each is issued
  int64_t trials;
};

void remat_play_new(struct remat_play *p, const struct remat_runs *r, double horizon);

// Ms of all of it; INFINITY: it doesn't fit, or takes as long as `most` at least.
double remat_play_run(struct remat_play *p, const struct remat_runs *r, double limit, double most);

// ---- choices

// The best that was found, (n_values); NULL: none fits. `from`: what fits, or NULL.
uint8_t *remat_search(struct remat_runs *r, struct remat_play *p, double limit,
                      const uint8_t *from);

// ---- decisions

// In the order in which they get their bytes, without times; and as they start.
void remat_list(struct arena *a, const struct remat_runs *r, const struct remat_play *p,
                struct replay_plan *to);
void remat_sort(struct arena *a, struct replay_plan *p, const double *started);

#endif
