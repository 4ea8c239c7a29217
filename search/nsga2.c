// SPDX-License-Identifier: Apache-2.0
// NSGA-II (Deb, Pratap, Agarwal, Meyarivan, 2002). A generation is 20 finished trials. The
// parents are the best 20 of the parents before and that generation: by fronts, the last of them by
// crowding. What breaks a limit is worse than what keeps it, and of two that break limits the one
// that breaks them by more. A child takes each parameter from one of two parents, which is which at
// evens, and of n parameters one, on average, is drawn anew.
#include "search/draw.h"
#include "search/pareto.h"
#include "search/sampler.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { POPULATION = 20, TRIES = 16 };
#define CROSSOVER 0.9
#define SWAP 0.5

struct member {
  const struct seen *of;
  uint32_t rank;
  double crowding;
};

static bool beats(int m, const struct seen *p, const struct seen *q) {
  if (p->violation > 0 || q->violation > 0) return p->violation < q->violation;
  return pareto_dominates(m, p->values, q->values);
}

static int better(const void *x, const void *y) {
  const struct member *p = x, *q = y;
  double u = p->of->violation, v = q->of->violation;
  if (u != v) return u < v ? -1 : 1;
  if (p->rank != q->rank) return p->rank < q->rank ? -1 : 1;
  if (p->crowding != q->crowding) return p->crowding > q->crowding ? -1 : 1;
  return p->of->number < q->of->number ? -1 : 1;
}

// Crowding within each front.
static void crowd(struct arena *a, struct member *list, uint32_t n, int m) {
  const double **points = ARENA_NEW(a, const double *, n + 1);
  double *distance = ARENA_NEW(a, double, n + 1);
  uint32_t *of = ARENA_NEW(a, uint32_t, n + 1);
  for (uint32_t r = 0; r < n; r++) {
    uint32_t count = 0;
    for (uint32_t i = 0; i < n; i++)
      if (list[i].rank == r) {
        of[count] = i;
        points[count++] = list[i].of->values;
      }
    pareto_crowding(a, count, m, points, distance);
    for (uint32_t i = 0; i < count; i++) list[of[i]].crowding = distance[i];
  }
}

// Leaves the best POPULATION of a list in front.
static uint32_t elite(struct member *list, uint32_t n, int m) {
  struct arena scratch = {0};
  const double **points = ARENA_NEW(&scratch, const double *, n + 1);
  uint32_t *rank = ARENA_NEW(&scratch, uint32_t, n + 1);
  for (uint32_t i = 0; i < n; i++) points[i] = list[i].of->values;
  pareto_rank(&scratch, n, m, points, n, rank);
  for (uint32_t i = 0; i < n; i++) list[i].rank = rank[i];
  crowd(&scratch, list, n, m);
  qsort(list, n, sizeof *list, better);
  arena_free(&scratch);
  return n < POPULATION ? n : POPULATION;
}

// The parents of the trial that comes next; 0: the first generation isn't full.
static uint32_t parents(const struct history *h, struct member *list) {
  uint32_t n = 0, generation = 0, kept = 0;
  for (uint32_t i = 0; i < h->n; i++) {
    if (h->list[i].state != TRIAL_COMPLETE) continue;
    list[kept + n++] = (struct member){.of = &h->list[i]};
    if (n < POPULATION) continue;
    kept = elite(list, kept + n, h->objectives);
    n = 0;
    generation++;
  }
  return generation ? kept : 0;
}

static const struct seen *tournament(const struct member *list, uint32_t n, int m, struct draw *d) {
  const struct seen *p = list[draw_below(d, n)].of, *q = list[draw_below(d, n)].of;
  return beats(m, q, p) ? q : p;
}

static void child(const struct search_space *s, const struct seen *p, const struct seen *q,
                  struct draw *d, double *x) {
  for (uint32_t k = 0; k < s->n; k++) {
    uint32_t i = s->order[k];
    const struct seen *from = draw_unit(d) < SWAP ? p : q;
    bool anew = draw_unit(d) * s->n < 1;
    double unit = draw_unit(d);
    x[i] = NAN;
    if (!space_active(s, i, x)) continue;
    bool inherited = !anew && param_contains(&s->params[i].is, from->x[i]);
    x[i] = inherited ? from->x[i] : param_uniform(&s->params[i].is, unit);
  }
}

static void anywhere(const struct search_space *s, struct draw *d, double *x) {
  for (uint32_t k = 0; k < s->n; k++) {
    uint32_t i = s->order[k];
    double unit = draw_unit(d);
    x[i] = space_active(s, i, x) ? param_uniform(&s->params[i].is, unit) : NAN;
  }
}

// A point that was tried already says nothing new: another child, as long as there is one, then any
// other point. False: all points of the space were tried.
bool nsga2_propose(const struct search_space *s, const struct history *h, uint64_t seed,
                   int64_t number, double *x) {
  struct member list[2 * POPULATION];
  uint32_t n = parents(h, list);
  struct draw d = draw_new(seed, number, "");
  if (!n) random_propose(s, seed, number, x);
  for (int i = 0; n && (i == 0 || (i < TRIES && history_has(s, h, x))); i++) {
    const struct seen *p = tournament(list, n, h->objectives, &d);
    const struct seen *q = tournament(list, n, h->objectives, &d);
    child(s, p, draw_unit(&d) < CROSSOVER ? q : p, &d, x);
  }
  for (int i = 0; i < TRIES && history_has(s, h, x); i++) anywhere(s, &d, x);
  return !history_has(s, h, x) || sampler_untried(s, h, x);
}
