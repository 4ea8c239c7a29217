// SPDX-License-Identifier: Apache-2.0
// Tree-structured Parzen estimator. The best tenth of the trials, at most 25, is `good`; a mixture
// (parzen.h) over those proposes 24 candidates, and the one that is likelier there than among the
// rest by the largest factor wins. Running trials count as bad, so that workers beside each other
// don't all go to the same place. Of one objective the parameters that are always there are drawn
// together, of several each by itself; those with conditions by themselves.
//
// Several objectives: the good are the first fronts, the last of them by crowding, and each weighs
// what the good would lose of their volume without it (Ozaki, Tanigaki, Watanabe, Onishi:
// Multiobjective tree-structured Parzen estimator, 2020).
#include "search/pareto.h"
#include "search/parzen.h"
#include "search/sampler.h"

#include <math.h>
#include <stdlib.h>

enum { STARTUP = 10, CANDIDATES = 24, GOOD_MOST = 25, FLAT = 25, TRIES = 8 };

// Trials in order of their numbers.
struct side {
  uint32_t n;
  const struct seen **list; // (n)
  double *weight;           // (n), or NULL: by age
};

// ---- good and bad

struct graded {
  const struct seen *of;
  int group;    // complete, pruned, breaks limits
  double by[2]; // within it
};

// Trials come by number, so that of equals the older is there first.
static bool better(const struct graded *p, const struct graded *q) {
  if (p->group != q->group) return p->group < q->group;
  if (p->by[0] != q->by[0]) return p->by[0] < q->by[0];
  return p->by[1] < q->by[1];
}

static int older(const void *x, const void *y) {
  const struct seen *p = *(const struct seen *const *)x, *q = *(const struct seen *const *)y;
  return p->number < q->number ? -1 : p->number > q->number;
}

static bool finished(const struct seen *t) {
  return t->state == TRIAL_COMPLETE || t->state == TRIAL_PRUNED;
}

// by[0], by[1] of complete trials with several objectives: rank and crowding.
static void grade_fronts(struct arena *a, struct graded *list, uint32_t n, int m, uint32_t enough) {
  const double **points = ARENA_NEW(a, const double *, n + 1),
               **front = ARENA_NEW(a, const double *, n + 1);
  uint32_t *rank = ARENA_NEW(a, uint32_t, n + 1), *of = ARENA_NEW(a, uint32_t, n + 1), count = 0,
           members = 0;
  double *distance = ARENA_NEW(a, double, n + 1);
  for (uint32_t i = 0; i < n; i++) {
    if (list[i].group) continue;
    of[count] = i;
    points[count++] = list[i].of->values;
  }
  pareto_rank(a, count, m, points, enough, rank);
  uint32_t last = 0;
  for (uint32_t i = 0; i < count; i++)
    if (rank[i] != UINT32_MAX && rank[i] > last) last = rank[i];
  for (uint32_t i = 0; i < count; i++) {
    list[of[i]].by[0] = rank[i];
    list[of[i]].by[1] = 0;
    if (rank[i] != last) continue;
    of[members] = of[i];
    front[members++] = points[i];
  }
  pareto_crowding(a, members, m, front, distance);
  for (uint32_t i = 0; i < members; i++) list[of[i]].by[1] = -distance[i];
}

static struct graded grade(const struct seen *t) {
  struct graded g = {.of = t};
  if (t->violation > 0)
    g = (struct graded){t, 2, {t->violation, 0}};
  else if (t->state == TRIAL_PRUNED)
    g = (struct graded){t, 1, {-(double)t->step, t->values ? t->values[0] : INFINITY}};
  else
    g.by[0] = t->values[0];
  return g;
}

// What the volume loses without each, relative to the most; the reference lies a tenth beyond the
// worst.
static void weigh(struct arena *a, struct side *good, int m) {
  const double **points = ARENA_NEW(a, const double *, good->n + 1);
  double *reference = ARENA_NEW(a, double, m), most = 0;
  uint32_t n = 0;
  good->weight = ARENA_NEW(a, double, good->n + 1);
  for (uint32_t i = 0; i < good->n; i++) {
    const struct seen *t = good->list[i];
    if (t->state != TRIAL_COMPLETE || t->violation > 0) continue;
    points[n++] = t->values;
    for (int k = 0; k < m; k++)
      reference[k] = n == 1 || t->values[k] > reference[k] ? t->values[k] : reference[k];
  }
  for (int k = 0; k < m; k++) {
    double worst = reference[k];
    reference[k] = worst > 0 ? 1.1 * worst : worst < 0 ? 0.9 * worst : 1e-12;
  }
  double all = pareto_volume(a, n, m, points, reference);
  for (uint32_t i = 0, at = 0; i < good->n; i++) {
    const double *own = good->list[i]->values;
    if (at == n || points[at] != own) continue;
    points[at] = points[n - 1];
    good->weight[i] = all - pareto_volume(a, n - 1, m, points, reference);
    points[at++] = own;
    most = good->weight[i] > most ? good->weight[i] : most;
  }
  for (uint32_t i = 0; i < good->n; i++) {
    double share = most > 0 && isfinite(most) ? good->weight[i] / most : 1;
    good->weight[i] = share > 1e-12 ? share : 1e-12;
  }
}

static void split(struct arena *a, const struct history *h, struct side *good, struct side *bad) {
  struct graded *list = ARENA_NEW(a, struct graded, h->n + 1);
  uint32_t n = 0;
  good->list = ARENA_NEW(a, const struct seen *, h->n + 1);
  bad->list = ARENA_NEW(a, const struct seen *, h->n + 1);
  for (uint32_t i = 0; i < h->n; i++)
    if (finished(&h->list[i])) list[n++] = grade(&h->list[i]);
  uint32_t best = (n + 9) / 10 < GOOD_MOST ? (n + 9) / 10 : GOOD_MOST, kept = 0;
  if (h->objectives > 1) grade_fronts(a, list, n, h->objectives, best);
  struct graded good_ones[GOOD_MOST + 1];
  for (uint32_t i = 0; i < n; i++) {
    uint32_t at = kept;
    for (; at > 0 && better(&list[i], &good_ones[at - 1]); at--) good_ones[at] = good_ones[at - 1];
    good_ones[at] = list[i];
    kept += kept < best;
  }
  for (uint32_t i = 0; i < kept; i++) good->list[good->n++] = good_ones[i].of;
  qsort(good->list, good->n, sizeof *good->list, older);
  for (uint32_t i = 0, k = 0; i < h->n; i++) {
    const struct seen *t = &h->list[i];
    if (k < good->n && good->list[k] == t)
      k++;
    else if (finished(t) || t->state == TRIAL_RUNNING)
      bad->list[bad->n++] = t;
  }
  if (h->objectives > 1) weigh(a, good, h->objectives);
}

// ---- candidates

// Observations of one side that have all of some parameters. By age: the last 25 weigh 1, those
// before rise to it from 1/n.
static struct parzen *estimate(struct arena *a, const struct search_space *s,
                               const struct side *side, uint32_t n_params, const uint32_t *params) {
  const double **x = ARENA_NEW(a, const double *, side->n + 1);
  double *weight = ARENA_NEW(a, double, side->n + 1);
  uint32_t n = 0;
  for (uint32_t i = 0; i < side->n; i++) {
    bool has = true;
    for (uint32_t k = 0; k < n_params; k++) has &= !isnan(side->list[i]->x[params[k]]);
    if (!has) continue;
    weight[n] = side->weight ? side->weight[i] : 1;
    x[n++] = side->list[i]->x;
  }
  for (uint32_t i = 0; !side->weight && n > FLAT && i < n - FLAT; i++)
    weight[i] = n - FLAT == 1 ? 1.0 / n : 1.0 / n + i * (1 - 1.0 / n) / (n - FLAT - 1);
  return parzen_new(a, s, n_params, params, n, x, weight);
}

struct proposal {
  const struct search_space *space;
  const struct history *history;
  const struct side *good, *bad;
  uint64_t seed;
  int64_t number;
};

static int best_of(const double *gain) {
  int best = 0;
  for (int c = 1; c < CANDIDATES; c++)
    if (gain[c] > gain[best]) best = c;
  return best;
}

// The best of the candidates for some parameters; `whole`: they are all that a point has, and one
// that was tried already gives way to the next best.
static void choose(const struct proposal *p, uint32_t n_params, const uint32_t *params, bool whole,
                   double *x) {
  struct arena a = {0};
  struct parzen *good = estimate(&a, p->space, p->good, n_params, params);
  struct parzen *bad = estimate(&a, p->space, p->bad, n_params, params);
  double *points[CANDIDATES], likely[CANDIDATES], unlikely[CANDIDATES];
  for (int c = 0; c < CANDIDATES; c++) points[c] = arena_copy(&a, x, p->space->n * sizeof *x);
  parzen_sample(good, p->seed, p->number, CANDIDATES, points);
  parzen_score(&a, good, CANDIDATES, points, likely);
  parzen_score(&a, bad, CANDIDATES, points, unlikely);
  for (int c = 0; c < CANDIDATES; c++) likely[c] -= unlikely[c];
  int first = best_of(likely), best = first;
  for (int i = 1; whole && i < CANDIDATES && history_has(p->space, p->history, points[best]); i++) {
    likely[best] = -INFINITY;
    best = best_of(likely);
  }
  if (isinf(likely[best])) best = first;
  for (uint32_t k = 0; k < n_params; k++) x[params[k]] = points[best][params[k]];
  arena_free(&a);
}

// The first trials: of each parameter one value from each tenth of its range, in an order of its
// own (a Latin hypercube: McKay, Beckman, Conover, 1979); behind them, as long as too few have
// finished, at random.
static void begin(const struct search_space *s, uint64_t seed, int64_t number, double *x) {
  for (uint32_t k = 0; k < s->n; k++) {
    uint32_t i = s->order[k], tenth[STARTUP];
    const struct param *p = &s->params[i].is;
    struct draw d = draw_new(seed, -1, p->name), own = draw_new(seed, number, p->name);
    for (uint32_t t = 0; t < STARTUP; t++) {
      uint32_t place = draw_below(&d, t + 1);
      tenth[t] = tenth[place];
      tenth[place] = t;
    }
    double unit = draw_unit(&own);
    if (number < STARTUP) unit = (tenth[number] + unit) / STARTUP;
    x[i] = space_active(s, i, x) ? param_uniform(p, unit) : NAN;
  }
}

// One point. `together`: room for the parameters that are drawn together.
static void propose(const struct proposal *p, uint32_t *together, double *x) {
  const struct search_space *s = p->space;
  bool several = p->history->objectives > 1;
  uint32_t n = 0;
  for (uint32_t i = 0; i < s->n; i++) {
    x[i] = NAN;
    if (!s->params[i].n_when && !several) together[n++] = i;
  }
  if (n) choose(p, n, together, n == s->n, x);
  for (uint32_t k = 0; k < s->n; k++) {
    uint32_t i = s->order[k];
    if ((s->params[i].n_when || several) && space_active(s, i, x)) choose(p, 1, &i, s->n == 1, x);
  }
}

void tpe_propose(const struct search_space *s, const struct history *h, uint64_t seed,
                 int64_t number, double *x) {
  struct arena a = {0};
  struct side good = {0}, bad = {0};
  uint32_t done = 0;
  for (uint32_t i = 0; i < h->n; i++) done += finished(&h->list[i]);
  if (done < STARTUP) {
    begin(s, seed, number, x);
    return;
  }
  uint32_t *together = ARENA_NEW(&a, uint32_t, s->n);
  split(&a, h, &good, &bad);
  for (uint64_t again = 0; again == 0 || (again < TRIES && history_has(s, h, x)); again++) {
    struct proposal p = {s, h, &good, &bad, seed ^ rng_mix(again), number};
    propose(&p, together, x);
  }
  arena_free(&a);
}
