// SPDX-License-Identifier: Apache-2.0
// Rows of a layer's output, from rows of its inputs that are in the arena. The layer is a network
// of its own whose inputs are these rows and no others; kinds that can't be had so are given whole
// inputs, in which everything else is rubbish.
#include "sw/exec/alone.h"
#include "sw/exec/arena_parts.h"

#include <string.h>

// A layer that makes `rows` rows from inputs like `in`.
struct strip {
  int64_t rows;
  struct alone_rows *in; // (n_in)
  struct graph *own;     // NULL: there is no such network
  struct golden *golden; // NULL: none of the fast kernels does it
  uint32_t out;
  int32_t *fast_in, *fast_out;
  struct strip *next;
};

// The whole layer, behind it a node for each RUN.
struct part {
  int64_t first, last;
  uint32_t node;
  struct part *next;
};

struct row_layer {
  struct space space;
  int axis; // that is the first dimension of its output; NONE: it doesn't run by rows
  struct strip *strips;
  struct graph *whole;
  uint32_t out;
  struct part *parts;
};

// ---- what is cut

static bool is_range(const struct slice *s, int axis) {
  return s->ranges == 1 && s->axis == axis && axis != NONE;
}

static bool cuts_rows(const struct arena_run *r, const struct event *e) {
  if (e->action != ACTION_RUN) return is_range(&e->slice, 0);
  const struct node *n = &r->graph->nodes[e->id];
  struct row_layer *l = &r->row_layer[e->id];
  struct err none = {0};
  if (n->n_out != 1 || n->n_ref || n->n_in > INPUTS_MAX || !op_has_space(n->op)) return false;
  for (uint32_t k = 0; k < n->n_in; k++)
    if (n->in[k].delay) return false;
  if (!space_of(r->graph, n, &l->space, &none) || !l->space.out_rank) return false;
  l->axis = l->space.out_axis[0];
  return is_range(&e->slice, l->axis);
}

bool arena_prepare_rows(struct arena_run *r, struct err *e) {
  const struct graph *g = r->graph;
  r->row_layer = ARENA_NEW(r->arena, struct row_layer, g->n_nodes);
  r->err = e;
  for (uint32_t i = 0; i < r->plan->n_events; i++) {
    const struct event *x = &r->plan->events[i];
    bool ours = x->action == ACTION_RUN || x->resource == MEMORY_ARENA;
    if (!ours || !x->slice.ranges) continue;
    if (!cuts_rows(r, x)) return arena_fault(r, x, "the arena knows rows alone");
    uint32_t v = x->action == ACTION_RUN ? g->nodes[x->id].out[0] : x->id;
    uint64_t owners = (uint64_t)g->values[v].shape[0] * g->n_values;
    if (owners >= UINT32_MAX - 1) return arena_fault(r, x, "there are too many rows");
    if (x->action != ACTION_RUN && !r->row[v])
      r->row[v] = ARENA_NEW(r->arena, int64_t, g->values[v].shape[0]);
  }
  return true;
}

// ---- which rows are there

// The rows that an ALLOC or FREE is about.
static void rows_of(const struct arena_run *r, const struct event *e, int64_t *first,
                    int64_t *last) {
  *first = e->slice.ranges ? e->slice.range[0] : 0;
  *last = e->slice.ranges ? e->slice.range[1] : r->graph->values[e->id].shape[0];
}

static void put_row(struct arena_run *r, uint32_t v, int64_t y) {
  const struct value *value = &r->graph->values[v];
  int64_t row = value_elements(value) / value->shape[0], width = r->width[v];
  arena_store_all(r, r->row[v][y], width, r->integers[v] + y * row, row, arena_row_owner(r, v, y));
}

// A graph input is there with its ALLOC.
static void put_given(struct arena_run *r, uint32_t v, int64_t y) {
  const struct value *value = &r->graph->values[v];
  int64_t row = value_elements(value) / value->shape[0];
  for (uint32_t i = 0; i < r->graph->n_inputs; i++) {
    if (r->graph->inputs[i].value != v) continue;
    memcpy(r->integers[v] + y * row, r->inputs[i] + y * row, (size_t)row * sizeof(int64_t));
    put_row(r, v, y);
  }
}

bool arena_take_rows(struct arena_run *r, const struct event *e) {
  int64_t first, last, size = arena_row_bytes(r, e->id);
  rows_of(r, e, &first, &last);
  int64_t bytes = (last - first) * size;
  for (int64_t y = first; y < last; y++)
    if (r->row[e->id][y] != NONE) return arena_fault(r, e, "it is there");
  if (e->bytes < bytes)
    return arena_fault(
        r, e,
        arena_printf(r->arena, "%lld bytes, %lld needed", (long long)e->bytes, (long long)bytes));
  if (e->address < 0 || e->address > r->size - e->bytes)
    return arena_fault(r, e,
                       arena_printf(r->arena, "%lld bytes at %lld, the arena has %lld",
                                    (long long)e->bytes, (long long)e->address,
                                    (long long)r->size));
  arena_forget(r, e->address, e->bytes, NOBODY);
  for (int64_t y = first; y < last; y++) {
    r->row[e->id][y] = e->address + (y - first) * size;
    put_given(r, e->id, y);
  }
  return true;
}

bool arena_give_rows(struct arena_run *r, const struct event *e) {
  int64_t first, last, size = arena_row_bytes(r, e->id);
  rows_of(r, e, &first, &last);
  for (int64_t y = first; y < last; y++) {
    if (r->row[e->id][y] == NONE) return arena_fault(r, e, "it isn't there");
    arena_forget(r, r->row[e->id][y], size, arena_row_owner(r, e->id, y));
    r->row[e->id][y] = NONE;
  }
  return true;
}

// ---- what a RUN needs

// Rows of input k for rows first .. last of the output; if they are in a window, with the padding
// before and behind them.
static struct alone_rows needed(const struct arena_run *r, const struct row_layer *l,
                                const struct node *n, uint32_t k, const struct slice *s) {
  const struct value *x = node_in(r->graph, n, k);
  const struct form *f = &l->space.in[k][0];
  struct alone_rows all = {0, x->rank ? x->shape[0] : 1, 0, 0};
  struct arena scratch = {0};
  struct needs needs =
      x->rank ? slice_needs(&scratch, &l->space, s, k, 0) : (struct needs){.whole = true};
  int64_t low = f->offset, high = f->offset + 1;
  for (int t = 0; !needs.whole && t < f->terms; t++) {
    bool own = f->term[t].axis == s->axis;
    low += own ? s->range[0] * f->term[t].stride : 0;
    high += (own ? s->range[1] - 1 : l->space.size[f->term[t].axis] - 1) * f->term[t].stride;
  }
  if (!needs.whole) {
    all.first = needs.ranges ? needs.range[0] : 0;
    all.last = needs.ranges ? needs.range[2 * needs.ranges - 1] : 0;
    all.before = all.first - low;
    all.after = high - all.last;
  }
  arena_free(&scratch);
  return all;
}

// What a row is written over must be its own in an input that nobody reads element after element.
static bool may_lie(struct arena_run *r, const struct event *e, const struct node *n, uint32_t k,
                    const struct alone_rows *in) {
  uint32_t v = n->in[k].value, y = n->out[0];
  for (int64_t i = in->first; r->row[v] && i < in->last; i++)
    for (int64_t o = e->slice.range[0]; o < e->slice.range[1]; o++) {
      int64_t from = r->row[v][i], to = r->row[y] ? r->row[y][o] : NONE;
      bool apart = from == NONE || to == NONE || from + arena_row_bytes(r, v) <= to ||
                   to + arena_row_bytes(r, y) <= from;
      if (!apart && !(i == o && from == to && plan_over(r->graph, n, k)))
        return arena_fault(r, e,
                           arena_printf(r->arena, "it lies over row %lld of \"%s\", which it reads",
                                        (long long)i, r->graph->values[v].name));
    }
  return true;
}

// Into r->integers; false: something isn't there.
static bool read_inputs(struct arena_run *r, const struct event *e, const struct alone_rows *in) {
  const struct node *n = &r->graph->nodes[e->id];
  for (uint32_t k = 0; k < n->n_in; k++) {
    uint32_t v = n->in[k].value;
    if (!may_lie(r, e, n, k, &in[k])) return false;
    if (node_in(r->graph, n, k)->init) continue;
    if (!(r->row[v] ? arena_read_rows(r, e, v, in[k].first, in[k].last) : arena_take(r, e, v)))
      return false;
  }
  return true;
}

// ---- strips

static bool fits(const struct strip *s, const struct node *n, const struct alone_rows *in,
                 int64_t rows) {
  bool same = s->rows == rows;
  for (uint32_t k = 0; k < n->n_in; k++)
    same &= s->in[k].last - s->in[k].first == in[k].last - in[k].first &&
            s->in[k].before == in[k].before && s->in[k].after == in[k].after;
  return same;
}

static bool is_fast(const struct graph *g, const struct node *n) {
  bool fast = op_is(n->op, TRAIT_WEIGHTS | TRAIT_MAPS) &&
              type_is_integer(&node_in(g, n, 0)->type) &&
              type_is_integer(&node_out(g, n, 0)->type) && !node_in(g, n, 0)->init;
  for (uint32_t k = 1; k < n->n_in; k++) fast = fast && node_in(g, n, k)->init;
  return fast;
}

static struct strip *strip_new(struct arena_run *r, const struct node *n,
                               const struct alone_rows *in, int64_t rows) {
  struct strip *s = ARENA_NEW(r->arena, struct strip, 1);
  struct err none = {0};
  bool some = true;
  s->rows = rows;
  s->in = ARENA_NEW(r->arena, struct alone_rows, n->n_in);
  memcpy(s->in, in, n->n_in * sizeof *in);
  for (uint32_t k = 0; k < n->n_in; k++)
    some = some && in[k].first < in[k].last && in[k].before >= 0 && in[k].after >= 0;
  if (some) s->own = alone_strip(r->arena, r->graph, n, in, rows, &s->out);
  if (!s->own || !is_fast(r->graph, n)) return s;
  s->golden = golden_new(r->arena, s->own, &none);
  s->fast_in = ARENA_NEW(r->arena, int32_t, value_elements(node_in(s->own, s->own->nodes, 0)));
  s->fast_out = ARENA_NEW(r->arena, int32_t, value_elements(&s->own->values[s->out]));
  return s;
}

static struct strip *strip_of(struct arena_run *r, struct row_layer *l, const struct node *n,
                              const struct alone_rows *in, int64_t rows) {
  struct strip *s = l->strips;
  while (s && !fits(s, n, in, rows)) s = s->next;
  if (s) return s;
  s = strip_new(r, n, in, rows);
  s->next = l->strips;
  l->strips = s;
  return s;
}

static int64_t row_elements(const struct arena_run *r, uint32_t v) {
  const struct value *x = &r->graph->values[v];
  return value_elements(x) / (x->rank ? x->shape[0] : 1);
}

static void fire_fast(const struct strip *s, const int64_t *in, int64_t *out) {
  const struct type *type = &s->own->values[s->out].type;
  const struct golden_tap tap = {s->out, s->fast_out};
  int64_t taken = value_elements(node_in(s->own, s->own->nodes, 0));
  for (int64_t i = 0; i < taken; i++) s->fast_in[i] = (int32_t)in[i];
  golden_run_codes(s->golden, 1, s->fast_in, &tap, 1);
  int64_t count = value_elements(&s->own->values[s->out]);
  for (int64_t i = 0; i < count; i++) out[i] = type_code(type, s->fast_out[i]);
}

// Row `first` of the output and those behind it, of the rows `in` of its inputs.
static void fire_strip(struct arena_run *r, const struct node *n, const struct strip *s,
                       const struct alone_rows *in, int64_t first) {
  int64_t *out = r->integers[n->out[0]] + first * row_elements(r, n->out[0]);
  struct arena scratch = {0};
  void **from = ARENA_NEW(&scratch, void *, n->n_in), *to[JOB_OUTPUTS] = {out};
  for (uint32_t k = 0; k < n->n_in; k++) {
    uint32_t v = n->in[k].value;
    from[k] = r->integers[v] + in[k].first * row_elements(r, v);
  }
  if (s->golden) {
    fire_fast(s, from[0], out);
  } else {
    struct job j = job_of(&scratch, s->own, s->own->nodes, 1, sizeof(int64_t), from, to);
    golden_kind.fire(&j);
  }
  arena_free(&scratch);
}

// ---- other kinds

static const struct part *part_of(struct arena_run *r, struct row_layer *l, const struct event *e) {
  int64_t first = e->slice.range[0], last = e->slice.range[1];
  struct part *p = l->parts;
  if (!l->whole) l->whole = alone_graph(r->arena, r->graph, &r->graph->nodes[e->id], &l->out);
  while (p && (p->first != first || p->last != last)) p = p->next;
  if (p) return p;
  p = ARENA_NEW(r->arena, struct part, 1);
  *p = (struct part){first, last, alone_row(l->whole, l->axis, first, last), l->parts};
  l->parts = p;
  return p;
}

// An input in which only the rows that were read are what they are.
static int64_t *amid_rubbish(struct arena_run *r, struct arena *scratch, uint32_t v,
                             const struct alone_rows *in) {
  int64_t elements = value_elements(&r->graph->values[v]), row = row_elements(r, v);
  int64_t *to = ARENA_NEW(scratch, int64_t, elements);
  for (int64_t i = 0; i < elements; i++) to[i] = type_lowest(&r->graph->values[v].type);
  memcpy(to + in->first * row, r->integers[v] + in->first * row,
         (size_t)((in->last - in->first) * row) * sizeof *to);
  return to;
}

static void fire_part(struct arena_run *r, const struct event *e, struct row_layer *l,
                      const struct alone_rows *in) {
  const struct node *n = &r->graph->nodes[e->id];
  const struct part *p = part_of(r, l, e);
  int64_t *out = r->integers[n->out[0]] + p->first * row_elements(r, n->out[0]);
  struct arena scratch = {0};
  void **from = ARENA_NEW(&scratch, void *, n->n_in), *to[JOB_OUTPUTS] = {out};
  for (uint32_t k = 0; k < n->n_in; k++) {
    uint32_t v = n->in[k].value;
    from[k] = node_in(r->graph, n, k)->init ? r->integers[v] : amid_rubbish(r, &scratch, v, &in[k]);
  }
  struct job j =
      job_of(&scratch, l->whole, &l->whole->nodes[p->node], 1, sizeof(int64_t), from, to);
  golden_kind.fire(&j);
  arena_free(&scratch);
}

// ---- all of it

static bool put_rows(struct arena_run *r, const struct event *e, uint32_t v) {
  const struct value *value = &r->graph->values[v];
  for (int64_t y = e->slice.range[0]; y < e->slice.range[1]; y++) {
    if (!r->row[v] || r->row[v][y] == NONE)
      return arena_fault(r, e,
                         arena_printf(r->arena, "row %lld of \"%s\" has no place in the arena",
                                      (long long)y, value->name));
    put_row(r, v, y);
    r->rows_put[v]++;
  }
  if (r->rows_put[v] == value->shape[0] && r->look) r->look(r->context, v, r->integers[v]);
  return true;
}

bool arena_fire_rows(struct arena_run *r, const struct event *e) {
  const struct node *n = &r->graph->nodes[e->id];
  struct row_layer *l = &r->row_layer[e->id];
  struct alone_rows in[INPUTS_MAX];
  for (uint32_t k = 0; k < n->n_in; k++) in[k] = needed(r, l, n, k, &e->slice);
  if (!read_inputs(r, e, in)) return false;
  const struct strip *s = strip_of(r, l, n, in, e->slice.range[1] - e->slice.range[0]);
  if (s->own)
    fire_strip(r, n, s, in, e->slice.range[0]);
  else
    fire_part(r, e, l, in);
  return put_rows(r, e, n->out[0]);
}

void arena_free_rows(struct arena_run *r) {
  for (uint32_t i = 0; i < r->graph->n_nodes; i++)
    for (struct strip *s = r->row_layer[i].strips; s; s = s->next) golden_free(s->golden);
}
