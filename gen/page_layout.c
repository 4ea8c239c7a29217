// SPDX-License-Identifier: Apache-2.0
// Layers by longest paths; a place in every layer that an edge passes; the places of a layer in the
// order of the middles of what they are linked with, several times down and up; then each as near
// to these middles as the widths allow.
#include "gen/page_layout.h"

#include <stdlib.h>

enum { SWEEPS = 12, MARGIN = 12, SIDE = 48 };

// A node, or where an edge passes a layer.
struct place {
  int layer, rank, x, width;
  int64_t key;                             // that it is sorted by
  uint32_t above, below, n_above, n_below; // into links
};

struct link {
  uint32_t upper, lower; // places of neighbouring layers
};

struct lane_plan {
  struct arena *arena;
  struct layout *out;
  uint32_t n_places, n_links;
  struct place *places;
  struct link *links;
  uint32_t *above, *below; // (n_links) neighbours, those of a place side by side
  uint32_t **rows;         // (layers) places in their order
  uint32_t *row_size;      // (layers)
};

int layout_top(int layer) {
  return MARGIN + layer * (LAYOUT_HEIGHT + LAYOUT_GAP);
}

// ---- layers

static uint32_t upper(const struct layout_edge *e) {
  return e->up ? e->to : e->from;
}

static uint32_t lower(const struct layout_edge *e) {
  return e->up ? e->from : e->to;
}

// What reads nothing comes down to its reader.
static void lower_sources(struct layout *l, uint32_t inputs) {
  for (uint32_t i = inputs; i < l->n_nodes; i++) {
    int nearest = 0;
    bool reads = false;
    for (uint32_t k = 0; k < l->n_edges; k++) {
      int below = l->nodes[lower(&l->edges[k])].layer;
      reads |= lower(&l->edges[k]) == i;
      if (upper(&l->edges[k]) == i && (!nearest || below < nearest)) nearest = below;
    }
    if (!reads && nearest > 0) l->nodes[i].layer = nearest - 1;
  }
}

// In the order of the nodes, so that what is above is known.
static void find_layers(struct layout *l, uint32_t inputs) {
  for (uint32_t k = 0; k < l->n_edges; k++) l->edges[k].up = l->edges[k].from >= l->edges[k].to;
  for (uint32_t i = 0; i < l->n_nodes; i++)
    for (uint32_t k = 0; k < l->n_edges; k++) {
      int above = l->nodes[upper(&l->edges[k])].layer;
      if (lower(&l->edges[k]) == i && l->nodes[i].layer <= above) l->nodes[i].layer = above + 1;
    }
  lower_sources(l, inputs);
  for (uint32_t i = 0; i < l->n_nodes; i++)
    if (l->nodes[i].layer >= l->layers) l->layers = l->nodes[i].layer + 1;
}

// ---- places and links

static int span_of(const struct layout *l, const struct layout_edge *e) {
  return l->nodes[lower(e)].layer - l->nodes[upper(e)].layer;
}

static void make_places(struct lane_plan *p) {
  struct layout *l = p->out;
  uint32_t more = 0;
  for (uint32_t k = 0; k < l->n_edges; k++) more += (uint32_t)span_of(l, &l->edges[k]);
  p->places = ARENA_NEW(p->arena, struct place, l->n_nodes + more);
  p->links = ARENA_NEW(p->arena, struct link, more);
  for (uint32_t i = 0; i < l->n_nodes; i++)
    p->places[p->n_places++] = (struct place){.layer = l->nodes[i].layer, .width = LAYOUT_WIDTH};
  for (uint32_t k = 0; k < l->n_edges; k++) {
    const struct layout_edge *e = &l->edges[k];
    uint32_t at = upper(e);
    for (int layer = p->places[at].layer + 1; layer < p->places[lower(e)].layer; layer++) {
      p->places[p->n_places] = (struct place){.layer = layer, .width = LAYOUT_WIRE};
      p->links[p->n_links++] = (struct link){at, p->n_places};
      at = p->n_places++;
    }
    p->links[p->n_links++] = (struct link){at, lower(e)};
  }
}

static void make_neighbours(struct lane_plan *p) {
  uint32_t above = 0, below = 0;
  p->above = ARENA_NEW(p->arena, uint32_t, p->n_links);
  p->below = ARENA_NEW(p->arena, uint32_t, p->n_links);
  for (uint32_t i = 0; i < p->n_places; i++) {
    struct place *at = &p->places[i];
    at->above = above;
    at->below = below;
    for (uint32_t k = 0; k < p->n_links; k++) {
      if (p->links[k].lower == i) p->above[above++] = p->links[k].upper;
      if (p->links[k].upper == i) p->below[below++] = p->links[k].lower;
    }
    at->n_above = above - at->above;
    at->n_below = below - at->below;
  }
}

static void make_rows(struct lane_plan *p) {
  int layers = p->out->layers;
  p->rows = ARENA_NEW(p->arena, uint32_t *, layers);
  p->row_size = ARENA_NEW(p->arena, uint32_t, layers);
  for (uint32_t i = 0; i < p->n_places; i++) p->row_size[p->places[i].layer]++;
  for (int r = 0; r < layers; r++) {
    p->rows[r] = ARENA_NEW(p->arena, uint32_t, p->row_size[r]);
    p->row_size[r] = 0;
  }
  for (uint32_t i = 0; i < p->n_places; i++) {
    struct place *at = &p->places[i];
    at->rank = (int)p->row_size[at->layer];
    p->rows[at->layer][p->row_size[at->layer]++] = i;
  }
}

// ---- the order within a layer

// The mean of the neighbours' ranks, or x, in small units; its own where there is none.
static int64_t middle(const struct lane_plan *p, uint32_t i, bool down, bool rank) {
  enum { UNITS = 1024 };
  const struct place *at = &p->places[i];
  const uint32_t *list = down ? p->above + at->above : p->below + at->below;
  uint32_t n = down ? at->n_above : at->n_below;
  int64_t sum = 0;
  for (uint32_t k = 0; k < n; k++) sum += rank ? p->places[list[k]].rank : p->places[list[k]].x;
  return n ? sum * UNITS / n : (int64_t)(rank ? at->rank : at->x) * UNITS;
}

// Stable: those with the same middle stay as they are.
static void sort_row(struct lane_plan *p, int r, bool down) {
  uint32_t *row = p->rows[r], n = p->row_size[r];
  for (uint32_t i = 0; i < n; i++) p->places[row[i]].key = middle(p, row[i], down, true);
  for (uint32_t i = 1; i < n; i++)
    for (uint32_t k = i; k > 0 && p->places[row[k - 1]].key > p->places[row[k]].key; k--) {
      uint32_t swap = row[k];
      row[k] = row[k - 1];
      row[k - 1] = swap;
    }
  for (uint32_t i = 0; i < n; i++) p->places[row[i]].rank = (int)i;
}

static void sort_rows(struct lane_plan *p) {
  for (int s = 0; s < SWEEPS; s++)
    for (int r = 0; r < p->out->layers; r++)
      sort_row(p, s % 2 ? p->out->layers - 1 - r : r, s % 2 == 0);
}

// ---- x

static int apart(const struct place *a, const struct place *b) {
  return (a->width + b->width) / 2 + LAYOUT_BETWEEN;
}

// Half way between two integers, rounded down whatever their sign.
static int half(int a, int b) {
  int sum = a + b;
  return (sum - (sum % 2 != 0 && sum < 0)) / 2;
}

// Between the row pushed to the right until nothing overlaps, and pushed to the left: then nothing
// overlaps there either.
static void spread_row(struct lane_plan *p, int r, bool down) {
  uint32_t *row = p->rows[r], n = p->row_size[r];
  int *right = ARENA_NEW(p->arena, int, n), *left = ARENA_NEW(p->arena, int, n);
  for (uint32_t i = 0; i < n; i++)
    right[i] = left[i] = (int)(middle(p, row[i], down, false) / 1024);
  for (uint32_t i = 1; i < n; i++) {
    int least = right[i - 1] + apart(&p->places[row[i - 1]], &p->places[row[i]]);
    if (right[i] < least) right[i] = least;
  }
  for (uint32_t i = n - 1; i-- > 0;) {
    int most = left[i + 1] - apart(&p->places[row[i]], &p->places[row[i + 1]]);
    if (left[i] > most) left[i] = most;
  }
  for (uint32_t i = 0; i < n; i++) p->places[row[i]].x = half(right[i], left[i]);
}

static void spread_rows(struct lane_plan *p) {
  for (int s = 0; s <= SWEEPS; s++)
    for (int r = 0; r < p->out->layers; r++)
      spread_row(p, s % 2 ? p->out->layers - 1 - r : r, s % 2 == 0);
}

// ---- the result

// To the right of the margin, which has room for a label.
static void shift(struct lane_plan *p) {
  int least = INT32_MAX, most = 0;
  for (uint32_t i = 0; i < p->n_places; i++) {
    int left = p->places[i].x - p->places[i].width / 2;
    if (left < least) least = left;
  }
  for (uint32_t i = 0; i < p->n_places; i++) {
    p->places[i].x += SIDE - least;
    int right = p->places[i].x + p->places[i].width / 2;
    if (right > most) most = right;
  }
  p->out->width = most + SIDE;
  p->out->height = layout_top(p->out->layers) - LAYOUT_GAP + MARGIN;
}

// The x at which the k-th of n edges meets a node.
static int port(int x, int k, int n) {
  return x + (n > 1 ? (2 * k - (n - 1)) * (LAYOUT_WIDTH * 3 / 4) / (2 * (n - 1)) : 0);
}

// The ports of a side of a node, from left to right as the edges' next points lie.
static void set_ports(struct layout *l, uint32_t node, bool down) {
  int n = 0;
  for (uint32_t k = 0; k < l->n_edges; k++)
    n += (down ? upper(&l->edges[k]) : lower(&l->edges[k])) == node;
  for (uint32_t k = 0; k < l->n_edges; k++) {
    struct layout_edge *e = &l->edges[k];
    if ((down ? upper(e) : lower(e)) != node) continue;
    int before = 0, end = down ? 0 : e->n_points - 1, next = down ? 1 : e->n_points - 2;
    for (uint32_t m = 0; m < l->n_edges; m++) {
      const struct layout_edge *o = &l->edges[m];
      if (m == k || (down ? upper(o) : lower(o)) != node) continue;
      int other = o->x[down ? 1 : o->n_points - 2];
      before += other < e->x[next] || (other == e->x[next] && m < k);
    }
    e->x[end] = port(l->nodes[node].x, before, n);
  }
}

// The ends last: ports are chosen by where the other points are.
static void set_points(struct lane_plan *p) {
  struct layout *l = p->out;
  uint32_t at = l->n_nodes;
  for (uint32_t k = 0; k < l->n_edges; k++) {
    struct layout_edge *e = &l->edges[k];
    e->n_points = span_of(l, e) + 1;
    e->x = ARENA_NEW(p->arena, int, e->n_points);
    e->x[0] = l->nodes[upper(e)].x;
    for (int i = 1; i + 1 < e->n_points; i++) e->x[i] = p->places[at++].x;
    e->x[e->n_points - 1] = l->nodes[lower(e)].x;
  }
  for (uint32_t i = 0; i < l->n_nodes; i++) set_ports(l, i, true);
  for (uint32_t i = 0; i < l->n_nodes; i++) set_ports(l, i, false);
}

struct layout layout_make(struct arena *a, uint32_t n_nodes, uint32_t inputs,
                          struct layout_edge *edges, uint32_t n_edges) {
  struct layout l = {.n_nodes = n_nodes,
                     .n_edges = n_edges,
                     .nodes = ARENA_NEW(a, struct layout_node, n_nodes),
                     .edges = edges};
  struct lane_plan p = {.arena = a, .out = &l};
  find_layers(&l, inputs);
  make_places(&p);
  make_neighbours(&p);
  make_rows(&p);
  sort_rows(&p);
  spread_rows(&p);
  shift(&p);
  for (uint32_t i = 0; i < n_nodes; i++) {
    l.nodes[i].x = p.places[i].x;
    l.nodes[i].y = layout_top(l.nodes[i].layer);
  }
  set_points(&p);
  return l;
}
