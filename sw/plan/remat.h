// SPDX-License-Identifier: Apache-2.0
// Plans of a training step under a limit of fast memory. What a layer leaves behind for its
// backward waits there for long: it is kept, or stored and loaded again (spilt), or let go and made
// again from what was before it (recomputed, re-materialised). Which, is chosen for each such
// value:
//
//   forward A   forward B   forward C   ...   backward C   backward B   backward A
//      input B --------------- kept ---------------------------|
//      input B ==store==>     slow memory         ==load==>----|
//      input B |                                 again A ------|
//
// A plan is a list of decisions (replay.h), which the replay judges without knowing of all this.
#ifndef NNGEN_PLAN_REMAT_H
#define NNGEN_PLAN_REMAT_H

#include "sw/plan/replay.h"

enum remat_choice { REMAT_KEEP, REMAT_SPILL, REMAT_AGAIN };
enum { REMAT_CHOICES = REMAT_AGAIN + 1 };

// The search is quadratic in the operators of a neighborhood, and the runs are looked through
// often.
enum { REMAT_OPERATORS_MAX = 1 << 12, REMAT_LINKS_MAX = 1 << 14 };

// A part of an operator's block that waits until it is read again.
struct remat_wait {
  uint32_t op;
  int block;
  enum remat_choice choice;
  double bytes;
};

// Bytes of a fast memory that is never full.
#define REMAT_UNLIMITED 0x1p53

struct remat_plan {
  struct replay_plan plan; // with decisions at the times at which they can start the earliest
  // Of the plan, or where none is possible NAN: ms, bytes, and ms that no plan of these runs on
  // this machine goes below.
  double total, peak, bound;
  enum replay_device binds; // the device that bounds it
  double busy[REPLAY_DEVICES];
  double accuracy;
  double recomputed; // ms of runs that are there a second time
  double spilt;      // bytes that are stored and loaded again
  double all_kept;   // bytes that a plan has in use at most that keeps everything
  double least;      // bytes of fast memory that a plan needs
  const char
      *full; // where most is in use with the least: "A backward needs 8 more, 40 of 44 in use"
  uint32_t n_values;
  uint8_t *choice; // (n_values) of the search
  uint32_t n_waits, count[REMAT_CHOICES];
  struct remat_wait *waits; // (n_waits)
  uint32_t cut;             // channels that no gradient reaches: they are pruned, too
  int64_t trials;           // plans that were simulated
};

// Whole bytes of fast memory that a plan of `p` needs.
bool remat_least_of(struct arena *a, const struct replay_plan *p, double *bytes, struct err *e);

// Fills in *r for the operators, the machine and the limit of `p`; of its decisions only `prune` is
// regarded. `from`: a plan of the same under a lower limit, from which less is searched than from
// nothing; or NULL. False with a message that names the least limit, if none is possible under this
// one; or with the rule that is broken whatever is decided.
bool remat_make(struct arena *a, const struct replay_plan *p, const struct remat_plan *from,
                struct remat_plan *r, struct err *e);

#endif
