// SPDX-License-Identifier: Apache-2.0
// plan --deadline: the least fast memory in which a training step is over in time. Less memory
// takes longer, but for what a search doesn't find, so that the limit is halved in; what is printed
// is a plan that was made and is in time.
#include "cmd/plan_steps.h"

#include <math.h>

#define PRECISION 256 // the limit is found to so many parts of the way from the least to all

bool plan_steps_within(struct arena *a, const struct replay_plan *p, double ms,
                       struct remat_plan *r, struct err *e) {
  struct replay_plan q = *p;
  struct remat_plan low, middle;
  if (!remat_least_of(a, &q, &q.limit, e) || !remat_make(a, &q, NULL, &low, e)) return false;
  *r = low;
  if (low.total <= ms) return true;
  double from = q.limit, to = low.all_kept, step = (to - from) / PRECISION;
  q.limit = to;
  if (!remat_make(a, &q, NULL, r, e)) return false;
  if (!(r->total <= ms))
    return err_set(e,
                   "--deadline %g: with all of it kept, in %.10g bytes, a step takes %.4f ms; none "
                   "of these runs takes less than %.4f",
                   ms, to, r->total, r->bound);
  while (to - from > step && to - from > 1) {
    q.limit = floor((from + to) / 2);
    if (!remat_make(a, &q, NULL, &middle, e)) return false;
    if (middle.total <= ms) {
      *r = middle;
      to = q.limit;
    } else {
      from = q.limit;
    }
  }
  return true;
}
