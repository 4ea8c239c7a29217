// SPDX-License-Identifier: Apache-2.0
#include "sw/plan/topology.h"

#include "sw/graph/graph.h"

#include <string.h>

static const char *const names[TOPOLOGIES] = {
    [TOPOLOGY_FULL] = "full",          [TOPOLOGY_LINE] = "line",   [TOPOLOGY_RING] = "ring",
    [TOPOLOGY_MESH] = "mesh",          [TOPOLOGY_TORUS] = "torus", [TOPOLOGY_TREE] = "tree",
    [TOPOLOGY_HYPERCUBE] = "hypercube"};

const char *topology_name(enum topology_kind kind) {
  return names[kind];
}

int topology_find(const char *name) {
  for (int i = 0; i < TOPOLOGIES; i++)
    if (strcmp(names[i], name) == 0) return i;
  return NONE;
}

// ---- who is beside whom

struct ends {
  struct topology *t;
  uint32_t node;
};

static void join(const struct ends *e, uint32_t to) {
  struct topology *t = e->t;
  if (to == e->node) return;
  for (uint32_t l = t->first[e->node]; l < t->n_links; l++)
    if (t->to[l] == to) return; // a ring of two
  t->from[t->n_links] = e->node;
  t->to[t->n_links++] = to;
}

// Place `at` in a row of `size`, and the next or the one before, around its ends if closed.
static void join_row(const struct ends *e, uint32_t first, uint32_t stride, uint32_t at,
                     uint32_t size, bool closed) {
  if (at > 0 || closed) join(e, first + (at + size - 1) % size * stride);
  if (at + 1 < size || closed) join(e, first + (at + 1) % size * stride);
}

static uint32_t columns_of(uint32_t nodes) {
  uint32_t c = 1;
  while (c * c < nodes) c++;
  return c;
}

static void join_grid(const struct ends *e, bool closed) {
  uint32_t k = e->t->nodes, columns = columns_of(k), x = e->node % columns, y = e->node / columns;
  uint32_t wide = k - y * columns < columns ? k - y * columns : columns;
  uint32_t high = (k - x + columns - 1) / columns;
  join_row(e, y * columns, 1, x, wide, closed);
  join_row(e, x, columns, y, high, closed);
}

static void join_tree(const struct ends *e) {
  uint32_t n = e->node, k = e->t->nodes;
  if (n) join(e, (n - 1) / 2);
  if (2 * n + 1 < k) join(e, 2 * n + 1);
  if (2 * n + 2 < k) join(e, 2 * n + 2);
}

static void join_node(const struct ends *e, enum topology_kind kind) {
  uint32_t k = e->t->nodes;
  switch (kind) {
  case TOPOLOGY_FULL:
    for (uint32_t i = 0; i < k; i++)
      if (i != e->node) {
        e->t->from[e->t->n_links] = e->node;
        e->t->to[e->t->n_links++] = i;
      }
    break;
  case TOPOLOGY_LINE:
  case TOPOLOGY_RING:
    join_row(e, 0, 1, e->node, k, kind == TOPOLOGY_RING);
    break;
  case TOPOLOGY_MESH:
  case TOPOLOGY_TORUS:
    join_grid(e, kind == TOPOLOGY_TORUS);
    break;
  case TOPOLOGY_TREE:
    join_tree(e);
    break;
  case TOPOLOGY_HYPERCUBE:
    for (uint32_t bit = 1; bit < NODES_MAX; bit *= 2)
      if ((e->node ^ bit) < k) join(e, e->node ^ bit);
    break;
  }
}

struct topology *topology_new(struct arena *a, enum topology_kind kind, uint32_t nodes) {
  struct topology *t = ARENA_NEW(a, struct topology, 1);
  size_t most = kind == TOPOLOGY_FULL ? (size_t)nodes * (nodes - 1) : (size_t)nodes * 12;
  *t = (struct topology){.kind = kind, .nodes = nodes};
  t->first = ARENA_NEW(a, uint32_t, nodes + 1);
  t->to = ARENA_NEW(a, uint32_t, most + 1);
  t->from = ARENA_NEW(a, uint32_t, most + 1);
  for (uint32_t n = 0; n < nodes; n++) {
    t->first[n] = t->n_links;
    join_node(&(struct ends){t, n}, kind);
  }
  t->first[nodes] = t->n_links;
  return t;
}

// ---- ways

struct routes *routes_new(struct arena *a, const struct topology *t, uint32_t root) {
  struct routes *r = ARENA_NEW(a, struct routes, 1);
  r->order = ARENA_NEW(a, uint32_t, t->nodes);
  r->hops = ARENA_NEW(a, uint32_t, t->nodes);
  r->link = ARENA_NEW(a, uint32_t, t->nodes);
  r->first = ARENA_NEW(a, uint32_t, t->nodes);
  for (uint32_t n = 0; n < t->nodes; n++) r->hops[n] = UINT32_MAX;
  uint32_t found = 1;
  r->order[0] = root;
  r->hops[root] = 0;
  for (uint32_t i = 0; i < found && found < t->nodes; i++) {
    uint32_t n = r->order[i], first = t->first[n], count = t->first[n + 1] - first;
    for (uint32_t k = 0; k < count; k++) {
      uint32_t link = first + (k + root) % count, to = t->to[link];
      if (r->hops[to] != UINT32_MAX) continue;
      r->hops[to] = r->hops[n] + 1;
      r->link[to] = link;
      r->first[to] = n == root ? link : r->first[n];
      r->order[found++] = to;
    }
  }
  return r;
}

// Of the neighbours a hop nearer to the root, the one behind whose first link the fewest nodes are.
static void choose_nearest(const struct topology *t, struct routes *r, const uint32_t *behind,
                           uint32_t node) {
  uint32_t least = UINT32_MAX;
  for (uint32_t l = 0; l < t->n_links; l++) {
    uint32_t from = t->from[l];
    if (t->to[l] != node || r->hops[from] + 1 != r->hops[node]) continue;
    uint32_t first = r->hops[from] ? r->first[from] : l;
    if (behind[first] >= least) continue;
    least = behind[first];
    r->link[node] = l;
    r->first[node] = first;
  }
}

void routes_balance(const struct topology *t, struct routes *r) {
  struct arena scratch = {0};
  uint32_t *behind = ARENA_NEW(&scratch, uint32_t, t->n_links + 1);
  for (uint32_t i = 1; i < t->nodes; i++) {
    choose_nearest(t, r, behind, r->order[i]);
    behind[r->first[r->order[i]]]++;
  }
  arena_free(&scratch);
}
