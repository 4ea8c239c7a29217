// SPDX-License-Identifier: Apache-2.0
#include "search/pareto.h"

#include <math.h>
#include <stdlib.h>

bool pareto_dominates(int m, const double *p, const double *q) {
  bool better = false;
  for (int k = 0; k < m; k++) {
    if (p[k] > q[k]) return false;
    better |= p[k] < q[k];
  }
  return better;
}

struct indexed {
  double key;          // the objective that decides first
  const double *point; // (m)
  int m, by;           // key = point[by]
  uint32_t index;
};

static int order(const void *x, const void *y) {
  const struct indexed *p = x, *q = y;
  if (p->key != q->key) return p->key < q->key ? -1 : 1;
  for (int k = 1; k < p->m; k++) {
    int i = (p->by + k) % p->m;
    if (p->point[i] != q->point[i]) return p->point[i] < q->point[i] ? -1 : 1;
  }
  return p->index < q->index ? -1 : 1;
}

static struct indexed *sorted(struct arena *a, uint32_t n, int m, const double *const *points,
                              int by) {
  struct indexed *list = ARENA_NEW(a, struct indexed, n + 1);
  for (uint32_t i = 0; i < n; i++) list[i] = (struct indexed){points[i][by], points[i], m, by, i};
  qsort(list, n, sizeof *list, order);
  return list;
}

// A point is dominated only by points before it in lexicographic order, and if by any, then by one
// of the front.
void pareto_rank(struct arena *a, uint32_t n, int m, const double *const *points, uint32_t enough,
                 uint32_t *rank) {
  struct indexed *left = sorted(a, n, m, points, 0);
  const double **front = ARENA_NEW(a, const double *, n + 1);
  for (uint32_t i = 0; i < n; i++) rank[i] = UINT32_MAX;
  for (uint32_t r = 0, done = 0; n && done < enough; r++) {
    uint32_t members = 0, rest = 0;
    for (uint32_t i = 0; i < n; i++) {
      bool dominated = false;
      for (uint32_t k = members; !dominated && k-- > 0;)
        dominated = pareto_dominates(m, front[k], left[i].point);
      if (dominated) {
        left[rest++] = left[i];
      } else {
        front[members++] = left[i].point;
        rank[left[i].index] = r;
      }
    }
    done += members;
    n = rest;
  }
}

void pareto_crowding(struct arena *a, uint32_t n, int m, const double *const *points,
                     double *distance) {
  for (uint32_t i = 0; i < n; i++) distance[i] = 0;
  for (int k = 0; n && k < m; k++) {
    struct indexed *list = sorted(a, n, m, points, k);
    double range = list[n - 1].point[k] - list[0].point[k];
    distance[list[0].index] = distance[list[n - 1].index] = INFINITY;
    for (uint32_t i = 1; i + 1 < n; i++)
      if (range > 0 && isfinite(range))
        distance[list[i].index] += (list[i + 1].point[k] - list[i - 1].point[k]) / range;
  }
}

// Slices along the last objective: between two of its values the points below count, in one
// dimension less.
static double volume(struct arena *a, uint32_t n, int m, const double *const *points,
                     const double *reference) {
  if (m == 1) {
    double best = reference[0];
    for (uint32_t i = 0; i < n; i++) best = points[i][0] < best ? points[i][0] : best;
    return reference[0] - best;
  }
  struct indexed *list = sorted(a, n, m, points, m - 1);
  const double **below = ARENA_NEW(a, const double *, n + 1);
  double sum = 0, best = reference[0];
  for (uint32_t i = 0; i < n; i++) {
    double next = i + 1 < n ? list[i + 1].point[m - 1] : reference[m - 1];
    below[i] = list[i].point;
    best = below[i][0] < best ? below[i][0] : best;
    if (next > below[i][m - 1])
      sum += (next - below[i][m - 1]) *
             (m == 2 ? reference[0] - best : volume(a, i + 1, m - 1, below, reference));
  }
  return sum;
}

double pareto_volume(struct arena *a, uint32_t n, int m, const double *const *points,
                     const double *reference) {
  const double **inside = ARENA_NEW(a, const double *, n + 1);
  uint32_t count = 0;
  for (uint32_t i = 0; i < n; i++) {
    bool within = true;
    for (int k = 0; k < m; k++) within &= points[i][k] < reference[k];
    if (within) inside[count++] = points[i];
  }
  return volume(a, count, m, inside, reference);
}
