// SPDX-License-Identifier: Apache-2.0
#include "sw/exec/arena_run.h"

#include "sw/exec/golden.h"
#include "sw/exec/steps.h"
#include "sw/graph/interval.h"
#include "sw/plan/memory.h"

#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

enum { NOBODY = 0 }; // owners are base values, from 1 on, and whoever works on a channel
#define SCRATCH UINT32_MAX

// A layer as a network of its own, for the fast kernels.
struct single {
  struct golden *golden;  // NULL: none of them does it
  int32_t *in, *out;      // (elements)
  uint32_t golden_y;      // its output there
  struct graph *channels; // one node after another per channel, behind the whole; NULL: not needed
};

struct arena_run {
  struct arena *arena;
  const struct plan *plan;
  const struct graph *graph;
  unsigned char *map, *bytes; // with its guards; of the arena
  size_t mapped;
  int64_t size;
  uint32_t *owner;       // (size)
  uint32_t *base;        // (n_values) the value that it is another name of
  int64_t *address;      // (n_values) NONE: it isn't there
  int64_t *width;        // (n_values) bytes of an integer
  bool *delayed;         // (n_values) a later frame reads it
  uint32_t *names;       // (n_values) of a base: how many of its names are there
  int64_t **integers;    // (n_values) of tensors; of others room for a copy
  int64_t **held;        // (n_values) contents of variables, by the id of their reference
  uint32_t *first_use;   // (n_nodes) of a node, among all uses
  int64_t **past;        // (uses) rings: (delay, elements)
  struct single *single; // (n_nodes)
  int64_t frame;
  const int64_t *const *inputs;
  arena_look *look;
  void *context;
  struct err *err;
};

int64_t arena_run_width(const struct type *t) {
  if (!type_is_integer(t)) return 8;
  int width = type_stream_width(t);
  return width <= 8 ? 1 : width <= 16 ? 2 : width <= 32 ? 4 : 8;
}

int64_t *arena_run_bytes(struct arena *a, const struct graph *g) {
  int64_t *bytes = ARENA_NEW(a, int64_t, g->n_values);
  for (uint32_t v = 0; v < g->n_values; v++)
    if (!type_is_ref(&g->values[v].type))
      bytes[v] = value_elements(&g->values[v]) * arena_run_width(&g->values[v].type);
  return bytes;
}

// ---- the arena

static unsigned char poison(int64_t address) {
  return (unsigned char)(0xa5 ^ address ^ address >> 8);
}

static void forget(struct arena_run *r, int64_t from, int64_t count, uint32_t owner) {
  for (int64_t i = from; i < from + count; i++) {
    if (r->owner[i] != owner) continue;
    r->owner[i] = NOBODY;
    r->bytes[i] = poison(i);
  }
}

// Its end lies at the guard behind it, what it is short of a page in front of it.
static bool map(struct arena_run *r) {
  size_t page = (size_t)sysconf(_SC_PAGESIZE);
  size_t whole = ((size_t)r->size + page - 1) / page * page;
  r->mapped = whole + 2 * page;
  r->map = mmap(NULL, r->mapped, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (r->map == MAP_FAILED ||
      (whole && mprotect(r->map + page, whole, PROT_READ | PROT_WRITE) != 0))
    return false;
  r->bytes = r->map + page + (whole - (size_t)r->size);
  return true;
}

static bool fault(struct arena_run *r, const struct event *e, const char *what) {
  struct arena scratch = {0};
  err_put(r->err, "%s: %s", plan_event_text(&scratch, r->plan, e), what);
  arena_free(&scratch);
  return false;
}

static const char *owner_name(const struct arena_run *r, uint32_t owner) {
  return owner == NOBODY    ? "nobody"
         : owner == SCRATCH ? "scratch"
                            : r->graph->values[owner - 1].name;
}

static bool is_signed(const struct value *v) {
  return !type_is_integer(&v->type) || type_lowest(&v->type) < 0;
}

// Every `step`-th integer of a value from `first` on, for an event; NULL: they aren't all there.
static int64_t *take_some(struct arena_run *r, const struct event *e, uint32_t v, int64_t first,
                          int64_t step) {
  const struct value *value = &r->graph->values[v];
  int64_t width = r->width[v], at = r->address[v], *to = r->integers[v];
  if (value->init) return to;
  if (at == NONE) {
    fault(r, e, arena_printf(r->arena, "\"%s\" isn't in the arena", value->name));
    return NULL;
  }
  at += first * width;
  for (int64_t i = first, count = value_elements(value); i < count; i += step, at += step * width) {
    uint64_t bits = 0;
    for (int64_t b = 0; b < width; b++) {
      if (r->owner[at + b] != r->base[v] + 1) {
        fault(r, e,
              arena_printf(r->arena, "byte %lld of \"%s\", at %lld, belongs to %s",
                           (long long)(i * width + b), value->name, (long long)(at + b),
                           owner_name(r, r->owner[at + b])));
        return NULL;
      }
      bits |= (uint64_t)r->bytes[at + b] << (8 * b);
    }
    int unused = (int)(64 - 8 * width);
    to[i] = is_signed(value) ? (int64_t)(bits << unused) >> unused : (int64_t)bits;
  }
  return to;
}

static int64_t *take(struct arena_run *r, const struct event *e, uint32_t v) {
  return take_some(r, e, v, 0, 1);
}

static void store(struct arena_run *r, int64_t at, int64_t width, int64_t integer, uint32_t owner) {
  for (int64_t b = 0; b < width; b++, at++) {
    r->bytes[at] = (unsigned char)((uint64_t)integer >> (8 * b));
    r->owner[at] = owner;
  }
}

static bool put(struct arena_run *r, const struct event *e, uint32_t v) {
  const struct value *value = &r->graph->values[v];
  int64_t width = r->width[v], at = r->address[v];
  if (at == NONE)
    return fault(r, e, arena_printf(r->arena, "\"%s\" has no place in the arena", value->name));
  for (int64_t i = 0, count = value_elements(value); i < count; i++)
    store(r, at + i * width, width, r->integers[v][i], r->base[v] + 1);
  if (r->look) r->look(r->context, v, r->integers[v]);
  return true;
}

// ---- events

static bool allocate(struct arena_run *r, const struct event *e) {
  const struct value *v = &r->graph->values[e->id];
  int64_t bytes = value_elements(v) * r->width[e->id];
  if (r->address[e->id] != NONE) return fault(r, e, "it is there");
  if (e->bytes < bytes)
    return fault(
        r, e,
        arena_printf(r->arena, "%lld bytes, %lld needed", (long long)e->bytes, (long long)bytes));
  if (e->address < 0 || e->address > r->size - e->bytes)
    return fault(r, e,
                 arena_printf(r->arena, "%lld bytes at %lld, the arena has %lld",
                              (long long)e->bytes, (long long)e->address, (long long)r->size));
  r->address[e->id] = e->address;
  r->names[r->base[e->id]]++;
  forget(r, e->address, e->bytes, NOBODY);
  for (uint32_t i = 0; i < r->graph->n_inputs; i++)
    if (r->graph->inputs[i].value == e->id) {
      memcpy(r->integers[e->id], r->inputs[i], (size_t)value_elements(v) * sizeof(int64_t));
      return put(r, e, e->id);
    }
  return true;
}

// The array of a delayed use that this frame reads, and then overwrites.
static int64_t *ring(const struct arena_run *r, uint32_t node, uint32_t k) {
  const struct use *u = &r->graph->nodes[node].in[k];
  int64_t elements = value_elements(&r->graph->values[u->value]);
  return r->past[r->first_use[node] + k] + r->frame % u->delay * elements;
}

// What is freed is kept for the frames that will read it.
static bool release(struct arena_run *r, const struct event *e) {
  const struct graph *g = r->graph;
  if (r->address[e->id] == NONE) return fault(r, e, "it isn't there");
  for (uint32_t i = 0; r->delayed[e->id] && i < g->n_nodes; i++)
    for (uint32_t k = 0; k < g->nodes[i].n_in; k++) {
      if (g->nodes[i].in[k].value != e->id || !g->nodes[i].in[k].delay) continue;
      const int64_t *now = take(r, e, e->id);
      if (!now) return false;
      memcpy(ring(r, i, k), now, (size_t)value_elements(&g->values[e->id]) * sizeof *now);
    }
  if (!--r->names[r->base[e->id]]) forget(r, r->address[e->id], e->bytes, r->base[e->id] + 1);
  r->address[e->id] = NONE;
  return true;
}

static void fire_single(struct arena_run *r, const struct node *n, const struct single *s) {
  uint32_t x = n->in[0].value, y = n->out[0];
  for (int64_t i = 0; i < value_elements(&r->graph->values[x]); i++)
    s->in[i] = (int32_t)r->integers[x][i];
  const struct golden_tap tap = {s->golden_y, s->out};
  golden_run_codes(s->golden, 1, s->in, &tap, 1);
  const struct type *type = &r->graph->values[y].type;
  for (int64_t i = 0; i < value_elements(&r->graph->values[y]); i++)
    r->integers[y][i] = type_code(type, s->out[i]);
}

// ---- a channel at a time

// Output 0 of a node over its input 0, which it reads until the end.
static bool lies_over(const struct arena_run *r, const struct node *n, uint32_t k) {
  const struct value *x = node_in(r->graph, n, k), *y = node_out(r->graph, n, 0);
  int64_t in = r->address[n->in[k].value], out = r->address[n->out[0]];
  if (n->in[k].delay || x->init || in == NONE || out == NONE) return false;
  return in < out + value_elements(y) * r->width[n->out[0]] &&
         out < in + value_elements(x) * r->width[n->in[k].value];
}

static bool take_scratch(struct arena_run *r, const struct event *e, int64_t needed) {
  if (e->bytes < needed)
    return fault(r, e,
                 arena_printf(r->arena, "%lld bytes of scratch, %lld needed over its input",
                              (long long)e->bytes, (long long)needed));
  if (e->address < 0 || e->address > r->size - e->bytes)
    return fault(r, e, "its scratch is outside of the arena");
  for (int64_t i = e->address; i < e->address + e->bytes; i++) {
    if (r->owner[i] != NOBODY)
      return fault(r, e,
                   arena_printf(r->arena, "byte %lld of its scratch belongs to %s", (long long)i,
                                owner_name(r, r->owner[i])));
    r->owner[i] = SCRATCH;
  }
  return true;
}

// What becomes of channel c of the input, by the plain definition.
static void compute_channel(struct arena_run *r, uint32_t node, int64_t c, int64_t *out) {
  const struct node *n = &r->graph->nodes[node];
  const struct graph *own = r->single[node].channels;
  struct arena scratch = {0};
  void **in = ARENA_NEW(&scratch, void *, n->n_in), *outs[JOB_OUTPUTS] = {out};
  for (uint32_t k = 0; k < n->n_in; k++) in[k] = r->integers[n->in[k].value];
  struct job j = job_of(&scratch, own, &own->nodes[1 + c], 1, sizeof(int64_t), in, outs);
  golden_kind.fire(&j);
  arena_free(&scratch);
}

// The input as it was before the first channel, and all of the output, where the fast kernels
// compute it at once: what counts is that each channel is still what it was when its turn comes.
struct foreseen {
  int64_t *x, *y; // NULL: each channel is computed in its turn
};

static bool foresee(struct arena_run *r, const struct event *e, struct arena *scratch,
                    struct foreseen *f) {
  const struct node *n = &r->graph->nodes[e->id];
  uint32_t x = n->in[0].value, y = n->out[0];
  size_t size = (size_t)value_elements(&r->graph->values[x]) * sizeof(int64_t);
  if (!r->single[e->id].golden) return true;
  if (!take(r, e, x)) return false;
  fire_single(r, n, &r->single[e->id]);
  f->x = ARENA_NEW(scratch, int64_t, value_elements(&r->graph->values[x]));
  f->y = ARENA_NEW(scratch, int64_t, value_elements(&r->graph->values[y]));
  memcpy(f->x, r->integers[x], size);
  memcpy(f->y, r->integers[y], size);
  return true;
}

// Channel c of output y from that of input x, through scratch.
static bool one_channel(struct arena_run *r, const struct event *e, int64_t c, int64_t channels,
                        const struct foreseen *f, int64_t *out) {
  const struct node *n = &r->graph->nodes[e->id];
  uint32_t x = n->in[0].value, y = n->out[0];
  int64_t width = r->width[y], count = value_elements(&r->graph->values[y]) / channels;
  if (!take_some(r, e, x, c, channels)) return false;
  for (int64_t i = c; f->x && i < count * channels; i += channels)
    if (r->integers[x][i] != f->x[i])
      return fault(r, e,
                   arena_printf(r->arena, "channel %lld of its input has changed", (long long)c));
  if (f->x)
    for (int64_t i = 0; i < count; i++) out[i] = f->y[i * channels + c];
  else
    compute_channel(r, e->id, c, out);
  for (int64_t i = 0; i < count; i++) store(r, e->address + i * width, width, out[i], SCRATCH);
  for (int64_t i = 0; i < count; i++) {
    int64_t at = r->address[y] + (i * channels + c) * width;
    memcpy(r->bytes + at, r->bytes + e->address + i * width, (size_t)width);
    for (int64_t b = 0; b < width; b++) r->owner[at + b] = r->base[y] + 1;
    r->integers[y][i * channels + c] = out[i];
  }
  return true;
}

static bool fire_channels(struct arena_run *r, const struct event *e) {
  const struct node *n = &r->graph->nodes[e->id];
  const struct value *y = node_out(r->graph, n, 0);
  int64_t channels = y->shape[y->rank - 1], elements = value_elements(y);
  struct arena scratch = {0};
  struct foreseen f = {0};
  int64_t *out = ARENA_NEW(&scratch, int64_t, elements / channels);
  bool ok =
      take_scratch(r, e, plan_scratch(r->graph, n, r->plan->bytes)) && foresee(r, e, &scratch, &f);
  for (int64_t c = 0; ok && c < channels; c++) ok = one_channel(r, e, c, channels, &f, out);
  if (ok) forget(r, e->address, e->bytes, SCRATCH);
  if (ok && r->look) r->look(r->context, n->out[0], r->integers[n->out[0]]);
  arena_free(&scratch);
  return ok;
}

// What a firing may lie over: false with what it would destroy while it reads it.
static bool may_lie(struct arena_run *r, const struct event *e, const struct node *n) {
  for (uint32_t k = 0; n->n_out && k < n->n_in; k++)
    if (lies_over(r, n, k) &&
        !(plan_over(r->graph, n, k) && r->address[n->in[k].value] == r->address[n->out[0]]))
      return fault(r, e,
                   arena_printf(r->arena, "it lies over \"%s\", which it reads",
                                node_in(r->graph, n, k)->name));
  return true;
}

static bool fire(struct arena_run *r, const struct event *e) {
  const struct graph *g = r->graph;
  const struct node *n = &g->nodes[e->id];
  bool over = r->single[e->id].channels && lies_over(r, n, 0) &&
              r->address[n->in[0].value] == r->address[n->out[0]];
  if (over) return fire_channels(r, e);
  if (!may_lie(r, e, n)) return false;
  struct arena scratch = {0};
  bool ok = true;
  void **in = ARENA_NEW(&scratch, void *, n->n_in + 1), *out[JOB_OUTPUTS] = {NULL};
  for (uint32_t k = 0; ok && k < n->n_in; k++) {
    in[k] = n->in[k].delay ? ring(r, e->id, k) : take(r, e, n->in[k].value);
    ok = in[k] != NULL;
  }
  for (uint32_t k = 0; k < n->n_out && k < JOB_OUTPUTS; k++) out[k] = r->integers[n->out[k]];
  const struct single *single = &r->single[e->id];
  if (ok && single->golden) {
    fire_single(r, n, single);
  } else if (ok) {
    struct job j = job_of(&scratch, g, n, 1, sizeof(int64_t), in, out);
    for (uint32_t k = 0; k < n->n_ref; k++) j.held[k] = r->held[n->ref[k]];
    if (job_moves(n))
      job_move(&j, sizeof(int64_t));
    else
      golden_kind.fire(&j);
  }
  for (uint32_t k = 0; ok && k < n->n_out; k++)
    if (!type_is_ref(&g->values[n->out[k]].type)) ok = put(r, e, n->out[k]);
  arena_free(&scratch);
  return ok;
}

// ---- all of it

// Node n with what it reads, without what delays or computes its weights.
static struct graph *alone(struct arena *a, const struct graph *g, const struct node *n,
                           uint32_t *out) {
  struct graph *to = graph_new(a, n->name);
  const struct value *y = node_out(g, n, 0);
  uint32_t id = graph_add_node(to, n->op, n->name);
  for (uint32_t k = 0; k < n->n_in; k++) {
    const struct value *v = node_in(g, n, k);
    uint32_t x = v->init ? graph_add_tensor(to, v->name, v->init, v->type)
                         : graph_add_value(to, v->name, v->rank, v->shape, v->type, v->per_frame);
    if (!v->init) graph_add_input(to, x, (struct source){0});
    to->values[x].mask = v->mask;
    graph_add_use(to, id, (struct use){x, 0, NONE});
  }
  for (uint32_t i = 0; i < n->n_attr; i++) *graph_add_attr(to, id, n->attr[i].name) = n->attr[i];
  for (uint32_t i = 0; i < n->n_rq; i++)
    graph_add_requant(to, id, n->rq[i].count, n->rq[i].mul, n->rq[i].shift);
  to->nodes[id].rounding = n->rounding;
  to->nodes[id].overflow = n->overflow;
  *out = graph_add_value(to, y->name, y->rank, y->shape, y->type, y->per_frame);
  graph_add_out(to, id, *out);
  graph_add_output(to, *out);
  graph_ranges(to);
  return to;
}

// Layers with constant weights, which take nearly all of the time, and activations.
static void prepare_channels(struct arena_run *r, uint32_t node) {
  const struct graph *g = r->graph;
  const struct node *n = &g->nodes[node];
  struct space s;
  struct err none = {0};
  uint32_t y;
  for (uint32_t k = 1; k < n->n_in; k++)
    if (!node_in(g, n, k)->init) return;
  if (!n->n_in || plan_scratch(g, n, r->plan->bytes) == NONE) return;
  struct graph *own = alone(r->arena, g, n, &y);
  const struct value v = own->values[y];
  if (!space_of(own, &own->nodes[0], &s, &none)) return;
  for (int64_t c = 0; c < v.shape[v.rank - 1]; c++) {
    int64_t *range = ARENA_NEW(r->arena, int64_t, 2);
    range[0] = c;
    range[1] = c + 1;
    const struct slice slice = {s.out_axis[v.rank - 1], 1, range};
    uint32_t part =
        slice_node(own, 0, &slice, arena_printf(r->arena, "channel%lld", (long long)c), v.type);
    for (uint32_t k = 0; k < n->n_rq; k++) {
      int64_t at = n->rq[k].count > 1 ? c : 0;
      graph_add_requant(own, part, 1, n->rq[k].mul + at, n->rq[k].shift + at);
    }
  }
  r->single[node].channels = own;
}

static void prepare_singles(struct arena_run *r) {
  const struct graph *g = r->graph;
  r->single = ARENA_NEW(r->arena, struct single, g->n_nodes + 1);
  for (uint32_t i = 0; i < g->n_nodes; i++) {
    const struct node *n = &g->nodes[i];
    struct single *s = &r->single[i];
    struct err none = {0};
    prepare_channels(r, i);
    bool serves = op_is(n->op, TRAIT_WEIGHTS | TRAIT_MAPS) && !n->in[0].delay &&
                  !node_in(g, n, 0)->init && n->n_out == 1 && !node_attr(n, ATTR_slice);
    for (uint32_t k = 1; k < n->n_in; k++) serves = serves && node_in(g, n, k)->init;
    serves = serves && type_is_integer(&node_in(g, n, 0)->type) &&
             type_is_integer(&node_out(g, n, 0)->type);
    if (!serves) continue;
    struct graph *own = alone(r->arena, g, n, &s->golden_y);
    if (graph_verify(own, &none)) s->golden = golden_new(r->arena, own, &none);
    s->in = ARENA_NEW(r->arena, int32_t, value_elements(node_in(g, n, 0)));
    s->out = ARENA_NEW(r->arena, int32_t, value_elements(node_out(g, n, 0)));
  }
}

static int64_t *content(struct arena *a, const struct value *v, int64_t count) {
  int64_t *to = ARENA_NEW(a, int64_t, count);
  for (int64_t i = 0; i < count; i++) golden_kind.load(to, i, v, i % v->init->count);
  return to;
}

static void prepare_state(struct arena_run *r) {
  const struct graph *g = r->graph;
  uint32_t uses = 0;
  for (uint32_t i = 0; i < g->n_nodes; i++) uses += g->nodes[i].n_in;
  r->past = ARENA_NEW(r->arena, int64_t *, uses + 1);
  uses = 0;
  for (uint32_t i = 0; i < g->n_nodes; i++) {
    const struct node *n = &g->nodes[i];
    const struct attr *init = node_attr(n, ATTR_init);
    r->first_use[i] = uses;
    if (init)
      r->held[n->out[0]] =
          content(r->arena, &g->values[init->value], g->values[init->value].init->count);
    for (uint32_t k = 0; k < n->n_in; k++, uses++) {
      if (!n->in[k].delay) continue;
      r->delayed[n->in[k].value] = true;
      r->past[uses] = content(r->arena, &g->values[n->in[k].initial],
                              value_elements(&g->values[n->in[k].value]) * n->in[k].delay);
    }
  }
}

static void prepare_values(struct arena_run *r) {
  const struct graph *g = r->graph;
  for (uint32_t v = 0; v < g->n_values; v++) {
    const struct value *value = &g->values[v];
    if (type_is_ref(&value->type)) continue;
    r->base[v] = plan_base(g, v);
    r->width[v] = arena_run_width(&value->type);
    r->integers[v] = value->init ? content(r->arena, value, value->init->count)
                                 : ARENA_NEW(r->arena, int64_t, value_elements(value));
  }
}

struct arena_run *arena_run_new(struct arena *a, const struct plan *p, struct err *e) {
  const struct graph *g = p->graph;
  struct arena_run *r = ARENA_NEW(a, struct arena_run, 1);
  *r = (struct arena_run){.arena = a, .plan = p, .graph = g};
  r->size = p->machine.resources[MEMORY_ARENA].bytes;
  r->owner = ARENA_NEW(a, uint32_t, r->size + 1);
  r->base = ARENA_NEW(a, uint32_t, g->n_values);
  r->address = ARENA_NEW(a, int64_t, g->n_values);
  r->width = ARENA_NEW(a, int64_t, g->n_values);
  r->names = ARENA_NEW(a, uint32_t, g->n_values);
  r->delayed = ARENA_NEW(a, bool, g->n_values);
  r->integers = ARENA_NEW(a, int64_t *, g->n_values);
  r->held = ARENA_NEW(a, int64_t *, g->n_values);
  r->first_use = ARENA_NEW(a, uint32_t, g->n_nodes + 1);
  prepare_values(r);
  prepare_state(r);
  prepare_singles(r);
  if (map(r)) return r;
  err_put(e, "there is no memory for an arena of %lld bytes", (long long)r->size);
  return NULL;
}

bool arena_run_frame(struct arena_run *r, const int64_t *const *inputs, arena_look *look,
                     void *context, struct err *e) {
  const struct plan *p = r->plan;
  r->inputs = inputs;
  r->look = look;
  r->context = context;
  r->err = e;
  memset(r->owner, 0, (size_t)r->size * sizeof *r->owner);
  memset(r->names, 0, r->graph->n_values * sizeof *r->names);
  for (uint32_t v = 0; v < r->graph->n_values; v++) r->address[v] = NONE;
  forget(r, 0, r->size, NOBODY);
  for (uint32_t i = 0; i < p->n_events; i++) {
    const struct event *event = &p->events[i];
    bool ours = event->resource == MEMORY_ARENA;
    if (event->action == ACTION_ALLOC && ours && !allocate(r, event)) return false;
    if (event->action == ACTION_FREE && ours && !release(r, event)) return false;
    if (event->action == ACTION_RUN && !fire(r, event)) return false;
  }
  r->frame++;
  return true;
}

void arena_run_free(struct arena_run *r) {
  for (uint32_t i = 0; i < r->graph->n_nodes; i++) golden_free(r->single[i].golden);
  munmap(r->map, r->mapped);
}
