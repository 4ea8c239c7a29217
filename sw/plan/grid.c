// SPDX-License-Identifier: Apache-2.0
#include "sw/plan/grid.h"

#include "sw/base/rng.h"

#include <stdlib.h>
#include <string.h>

struct cut {
  uint32_t grid;
  int axis;
  int64_t at;
};

// Each once.
struct cuts {
  uint32_t count, room;
  struct cut *cuts;
  uint32_t *slots; // (4 * room) a hash table of their places + 1; 0: free
};

enum { CUTS_ROOM = 64, SLOTS_PER_CUT = 4 };

// ---- the axes

static void space_grid(const struct space *s, struct grid *g) {
  g->axes = s->axes;
  memcpy(g->size, s->size, sizeof g->size);
  memcpy(g->axis_of, s->out_axis, sizeof g->axis_of);
}

static void value_grid(const struct value *v, struct grid *g) {
  g->axes = v->rank;
  memset(g->axis_of, NONE, sizeof g->axis_of);
  for (int d = 0; d < v->rank; d++) {
    g->size[d] = v->shape[d];
    g->axis_of[d] = (int8_t)d;
  }
}

// Whether the cells of a value are those of the node that makes it.
static bool shares(const struct grids *g, const struct value *v) {
  return v->node != NONE && g->grids[v->node].axes && !g->own[v->node].ranges && !v->out;
}

// The nodes of which an event runs a part.
static bool *find_sliced(struct arena *a, const struct plan *p, const bool *use) {
  bool *sliced = ARENA_NEW(a, bool, p->graph->n_nodes);
  for (uint32_t i = 0; i < p->n_events; i++) {
    const struct event *e = &p->events[i];
    if (use[i] && e->action == ACTION_RUN && e->slice.ranges) sliced[e->id] = true;
  }
  return sliced;
}

// A space has room for much more than most have, so that those that nobody asks about aren't kept.
static void find_axes(struct arena *a, struct grids *g, const bool *sliced) {
  const struct graph *graph = g->graph;
  struct err e = {0};
  g->spaces = ARENA_NEW(a, const struct space *, graph->n_nodes);
  g->own = ARENA_NEW(a, struct slice, graph->n_nodes);
  for (uint32_t i = 0; i < graph->n_nodes; i++) {
    struct space s = {0};
    space_of(graph, &graph->nodes[i], &s, &e);
    if (s.axes) slice_of(&graph->nodes[i], &s, &g->own[i], &e);
    space_grid(&s, &g->grids[i]);
    if (sliced[i] || g->own[i].ranges) g->spaces[i] = arena_copy(a, &s, sizeof s);
  }
  for (uint32_t v = 0; v < graph->n_values; v++) {
    const struct value *value = &graph->values[v];
    value_grid(value, &g->grids[graph->n_nodes + v]);
    g->of_value[v] = &g->grids[shares(g, value) ? (uint32_t)value->node : graph->n_nodes + v];
  }
}

// ---- the cuts

static uint32_t *slot_of(const struct cuts *c, struct cut cut) {
  uint64_t key = ((uint64_t)cut.grid << 4 | (uint64_t)cut.axis) << 24 ^ (uint64_t)cut.at;
  for (uint64_t i = rng_mix(key);; i++) {
    uint32_t *slot = &c->slots[i & (SLOTS_PER_CUT * c->room - 1)];
    const struct cut *known = &c->cuts[*slot ? *slot - 1 : 0];
    if (!*slot || (known->grid == cut.grid && known->axis == cut.axis && known->at == cut.at))
      return slot;
  }
}

static void make_room(struct arena *a, struct cuts *c) {
  c->room = c->room ? 2 * c->room : CUTS_ROOM;
  struct cut *more = ARENA_NEW(a, struct cut, c->room);
  if (c->count) memcpy(more, c->cuts, c->count * sizeof *more);
  c->cuts = more;
  c->slots = ARENA_NEW(a, uint32_t, SLOTS_PER_CUT * c->room);
  for (uint32_t i = 0; i < c->count; i++) *slot_of(c, c->cuts[i]) = i + 1;
}

static void add_cut(struct arena *a, struct cuts *c, struct cut cut) {
  if (c->count == c->room) make_room(a, c);
  uint32_t *slot = slot_of(c, cut);
  if (*slot) return;
  c->cuts[c->count++] = cut;
  *slot = c->count;
}

static int by_place(const void *a, const void *b) {
  const struct cut *x = a, *y = b;
  return x->at < y->at ? -1 : x->at > y->at;
}

static size_t axis_key(const struct cut *c) {
  return (size_t)c->grid * AXES_MAX + (size_t)c->axis;
}

// By grid and axis, and there by place, in which most are already.
static void sort_cuts(struct arena *a, struct cuts *c, uint32_t grids) {
  if (!c->count) return;
  uint32_t *first = ARENA_NEW(a, uint32_t, (size_t)grids * AXES_MAX + 1);
  struct cut *sorted = ARENA_NEW(a, struct cut, c->count);
  for (uint32_t i = 0; i < c->count; i++) first[axis_key(&c->cuts[i]) + 1]++;
  for (size_t k = 0; k < (size_t)grids * AXES_MAX; k++) first[k + 1] += first[k];
  for (uint32_t i = 0; i < c->count; i++) sorted[first[axis_key(&c->cuts[i])]++] = c->cuts[i];
  for (uint32_t i = 0, n; i < c->count; i += n) {
    bool ascends = true;
    for (n = 1; i + n < c->count && axis_key(&sorted[i + n]) == axis_key(&sorted[i]); n++)
      ascends &= sorted[i + n - 1].at < sorted[i + n].at;
    if (!ascends) qsort(sorted + i, n, sizeof *sorted, by_place);
  }
  c->cuts = sorted;
}

static void cut_slice(struct arena *a, struct cuts *c, const struct grids *g,
                      const struct grid *grid, int axis, const struct slice *s) {
  if (axis == NONE) return;
  for (int64_t i = 0; i < 2 * s->ranges; i++)
    add_cut(a, c, (struct cut){(uint32_t)(grid - g->grids), axis, s->range[i]});
}

static void cut_run(struct arena *a, struct cuts *c, const struct grids *g, uint32_t node,
                    const struct slice *s, bool own) {
  const struct node *n = &g->graph->nodes[node];
  if (!own) cut_slice(a, c, g, &g->grids[node], s->axis, s);
  for (uint32_t k = 0; k < n->n_in; k++) {
    int axis;
    struct slice part;
    if (grids_read(a, g, node, s, k, &axis, &part))
      cut_slice(a, c, g, g->of_value[n->in[k].value], axis, &part);
  }
}

static void find_cuts(struct arena *a, struct cuts *c, const struct grids *g, const struct plan *p,
                      const bool *use) {
  for (uint32_t i = 0; i < g->graph->n_nodes; i++)
    if (g->own[i].ranges) cut_run(a, c, g, i, &g->own[i], true);
  for (uint32_t i = 0; i < p->n_events; i++) {
    const struct event *e = &p->events[i];
    if (!use[i] || !e->slice.ranges) continue;
    if (e->action == ACTION_RUN)
      cut_run(a, c, g, e->id, &e->slice, false);
    else
      cut_slice(a, c, g, g->of_value[e->id], g->of_value[e->id]->axis_of[e->slice.axis], &e->slice);
  }
}

// ---- the parts

// Takes the sorted cuts of one axis off the front of c.
static void divide(struct arena *a, struct cuts *c, uint32_t id, int axis, struct grid *g) {
  uint32_t n = 0;
  while (n < c->count && c->cuts[n].grid == id && c->cuts[n].axis == axis) n++;
  int64_t *cut = ARENA_NEW(a, int64_t, n + 2), parts = 0;
  for (uint32_t i = 0; i < n; i++)
    if (c->cuts[i].at > cut[parts] && c->cuts[i].at < g->size[axis]) cut[++parts] = c->cuts[i].at;
  cut[++parts] = g->size[axis];
  g->cut[axis] = cut;
  g->parts[axis] = parts;
  g->cells = g->cells > CELLS_MAX / parts ? CELLS_MAX + 1 : g->cells * parts;
  c->cuts += n;
  c->count -= n;
}

struct grids grids_new(struct arena *a, const struct plan *p, const bool *use) {
  const struct graph *graph = p->graph;
  uint32_t count = graph->n_nodes + graph->n_values;
  struct grids g = {.graph = graph,
                    .grids = ARENA_NEW(a, struct grid, count),
                    .of_value = ARENA_NEW(a, const struct grid *, graph->n_values)};
  struct cuts c = {0};
  find_axes(a, &g, find_sliced(a, p, use));
  find_cuts(a, &c, &g, p, use);
  sort_cuts(a, &c, count);
  for (uint32_t i = 0; i < count; i++) {
    g.grids[i].cells = 1;
    for (int k = 0; k < g.grids[i].axes; k++) divide(a, &c, i, k, &g.grids[i]);
  }
  return g;
}

// ---- slices

static bool ranges_fit(const struct slice *s, int64_t size) {
  int64_t last = 0;
  for (int64_t i = 0; i < s->ranges; i++) {
    if (s->range[2 * i] < last || s->range[2 * i + 1] <= s->range[2 * i]) return false;
    last = s->range[2 * i + 1];
  }
  return last <= size;
}

bool grids_slice_fits(const struct graph *g, const struct event *e) {
  const struct slice *s = &e->slice;
  struct space space;
  struct err err = {0};
  if (s->axis < 0) return false;
  if (e->action != ACTION_RUN)
    return s->axis < g->values[e->id].rank && ranges_fit(s, g->values[e->id].shape[s->axis]);
  const struct node *n = &g->nodes[e->id];
  return !node_attr(n, ATTR_slice) && space_of(g, n, &space, &err) && s->axis < space.axes &&
         ranges_fit(s, space.size[s->axis]);
}

bool grids_read(struct arena *a, const struct grids *g, uint32_t node, const struct slice *s,
                uint32_t k, int *axis, struct slice *part) {
  const struct space *space = g->spaces[node]; // is there if the slice is
  uint32_t value = g->graph->nodes[node].in[k].value;
  *axis = NONE;
  *part = (struct slice){.axis = NONE};
  for (int d = 0; s->ranges && k < INPUTS_MAX && d < space->in_rank[k]; d++) {
    struct needs needs = slice_needs(a, space, s, k, d);
    if (needs.whole) continue;
    *axis = g->of_value[value]->axis_of[d];
    *part = (struct slice){d, needs.ranges, needs.range};
    return needs.ranges > 0;
  }
  return true;
}

// The part that begins at `at`, which is a cut.
static int64_t part_at(const struct grid *g, int axis, int64_t at) {
  int64_t low = 0, high = g->parts[axis];
  while (low < high) {
    int64_t middle = (low + high) / 2;
    if (g->cut[axis][middle] < at)
      low = middle + 1;
    else
      high = middle;
  }
  return low;
}

void grid_each(const struct grid *g, int axis, const struct slice *s,
               void (*use)(void *context, int64_t begin, int64_t end), void *context) {
  if (axis == NONE || !s->ranges) {
    use(context, 0, g->cells);
    return;
  }
  int64_t outer = 1, inner = 1;
  for (int k = 0; k < axis; k++) outer *= g->parts[k];
  for (int k = axis + 1; k < g->axes; k++) inner *= g->parts[k];
  for (int64_t i = 0; i < s->ranges; i++) {
    int64_t begin = part_at(g, axis, s->range[2 * i]), end = part_at(g, axis, s->range[2 * i + 1]);
    for (int64_t o = 0; o < outer; o++)
      use(context, (o * g->parts[axis] + begin) * inner, (o * g->parts[axis] + end) * inner);
  }
}
