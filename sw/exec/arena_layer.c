// SPDX-License-Identifier: Apache-2.0
#include "sw/exec/alone.h"
#include "sw/exec/arena_parts.h"

#include <string.h>

void arena_fire_single(struct arena_run *r, const struct node *n, const struct single *s) {
  uint32_t x = n->in[0].value, y = n->out[0];
  int64_t taken = value_elements(&r->graph->values[x]), made = value_elements(&r->graph->values[y]);
  for (int64_t i = 0; i < taken; i++) s->in[i] = (int32_t)r->integers[x][i];
  const struct golden_tap tap = {s->golden_y, s->out};
  golden_run_codes(s->golden, 1, s->in, &tap, 1);
  const struct type *type = &r->graph->values[y].type;
  for (int64_t i = 0; i < made; i++) r->integers[y][i] = type_code(type, s->out[i]);
}

// ---- a channel at a time

bool arena_lies_over(const struct arena_run *r, const struct node *n, uint32_t k) {
  const struct value *x = node_in(r->graph, n, k), *y = node_out(r->graph, n, 0);
  int64_t in = r->address[n->in[k].value], out = r->address[n->out[0]];
  if (n->in[k].delay || x->init || in == NONE || out == NONE) return false;
  return in < out + value_elements(y) * r->width[n->out[0]] &&
         out < in + value_elements(x) * r->width[n->in[k].value];
}

static bool take_scratch(struct arena_run *r, const struct event *e, int64_t needed) {
  if (e->bytes < needed)
    return arena_fault(r, e,
                       arena_printf(r->arena, "%lld bytes of scratch, %lld needed over its input",
                                    (long long)e->bytes, (long long)needed));
  if (e->address < 0 || e->address > r->size - e->bytes)
    return arena_fault(r, e, "its scratch is outside of the arena");
  for (int64_t i = e->address; i < e->address + e->bytes; i++) {
    if (r->owner[i] != NOBODY)
      return arena_fault(r, e,
                         arena_printf(r->arena, "byte %lld of its scratch belongs to %s",
                                      (long long)i, arena_owner(r, r->owner[i])));
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
  if (!arena_take(r, e, x)) return false;
  arena_fire_single(r, n, &r->single[e->id]);
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
  if (!arena_take_some(r, e, x, c, channels)) return false;
  for (int64_t i = c; f->x && i < count * channels; i += channels)
    if (r->integers[x][i] != f->x[i])
      return arena_fault(
          r, e, arena_printf(r->arena, "channel %lld of its input has changed", (long long)c));
  if (f->x)
    for (int64_t i = 0; i < count; i++) out[i] = f->y[i * channels + c];
  else
    compute_channel(r, e->id, c, out);
  for (int64_t i = 0; i < count; i++)
    arena_store(r, e->address + i * width, width, out[i], SCRATCH);
  for (int64_t i = 0; i < count; i++) {
    int64_t at = r->address[y] + (i * channels + c) * width;
    memcpy(r->bytes + at, r->bytes + e->address + i * width, (size_t)width);
    for (int64_t b = 0; b < width; b++) r->owner[at + b] = r->base[y] + 1;
    r->integers[y][i * channels + c] = out[i];
  }
  return true;
}

bool arena_fire_channels(struct arena_run *r, const struct event *e) {
  const struct node *n = &r->graph->nodes[e->id];
  const struct value *y = node_out(r->graph, n, 0);
  int64_t channels = y->shape[y->rank - 1], elements = value_elements(y);
  struct arena scratch = {0};
  struct foreseen f = {0};
  int64_t *out = ARENA_NEW(&scratch, int64_t, elements / channels);
  bool ok =
      take_scratch(r, e, plan_scratch(r->graph, n, r->plan->bytes)) && foresee(r, e, &scratch, &f);
  for (int64_t c = 0; ok && c < channels; c++) ok = one_channel(r, e, c, channels, &f, out);
  if (ok) arena_forget(r, e->address, e->bytes, SCRATCH);
  if (ok && r->look) r->look(r->context, n->out[0], r->integers[n->out[0]]);
  arena_free(&scratch);
  return ok;
}

// ---- what they need

// Layers with constant weights, which take nearly all of the time, and activations.
static void prepare_channels(struct arena_run *r, uint32_t node) {
  const struct graph *g = r->graph;
  const struct node *n = &g->nodes[node];
  uint32_t y;
  for (uint32_t k = 1; k < n->n_in; k++)
    if (!node_in(g, n, k)->init) return;
  if (!n->n_in || plan_scratch(g, n, r->plan->bytes) == NONE) return;
  struct graph *own = alone_graph(r->arena, g, n, &y);
  int axis = alone_axis(own);
  if (axis == NONE) return;
  const struct value *out = &own->values[y];
  int64_t channels = out->shape[out->rank - 1];
  for (int64_t c = 0; c < channels; c++) alone_part(own, axis, c, c + 1);
  r->single[node].channels = own;
}

void arena_prepare_layers(struct arena_run *r) {
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
    struct graph *own = alone_graph(r->arena, g, n, &s->golden_y);
    if (graph_verify(own, &none)) s->golden = golden_new(r->arena, own, &none);
    s->in = ARENA_NEW(r->arena, int32_t, value_elements(node_in(g, n, 0)));
    s->out = ARENA_NEW(r->arena, int32_t, value_elements(node_out(g, n, 0)));
  }
}
