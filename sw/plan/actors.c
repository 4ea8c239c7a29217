// SPDX-License-Identifier: Apache-2.0
#include "sw/plan/actors.h"

#include <string.h>

struct view {
  struct actors *v;
  struct arena *arena;
  const struct graph *graph;
  int64_t link_bits;
  uint32_t *uses; // (n_values) of it and its other names, outputs of the graph included
  bool *taken;    // (n_nodes) it is in a layer
  struct err *err;
};

// ---- what can be scheduled

// Layers that keep or add up something from frame to frame, or compute in floats.
static bool stands_alone(const struct graph *g, const struct node *n, struct err *e) {
  bool keeps = op_is(n->op, TRAIT_HOLDS | TRAIT_REFERS);
  for (uint32_t k = 0; k < n->n_in; k++) keeps = keeps || n->in[k].delay;
  for (uint32_t k = 0; k < n->n_after; k++) keeps = keeps || n->after[k].delay;
  for (uint32_t k = 0; k < n->n_out; k++) keeps = keeps || !node_out(g, n, k)->per_frame;
  if (keeps)
    return err_set(e,
                   "layer \"%s\" keeps values from frame to frame: frames that stand alone are "
                   "scheduled",
                   n->name);
  if (!(op_info(n->op)->executors & EXECUTOR_GOLDEN))
    return err_set(e, "layer \"%s\": %s isn't computed in integers", n->name, op_info(n->op)->name);
  for (uint32_t k = 0; k < n->n_out; k++)
    if (type_is_real(&node_out(g, n, k)->type))
      return err_set(e, "layer \"%s\" computes in floats, nodes compute in integers", n->name);
  return true;
}

static int64_t last_dimension(const struct value *v) {
  return v->rank ? v->shape[v->rank - 1] : 1;
}

// The axis that is the channels of the output; NONE: there are none that can be computed alone.
static int channel_axis(const struct graph *g, const struct node *n, struct space *s) {
  struct err none = {0};
  if (n->n_out != 1 || !op_has_space(n->op) || node_attr(n, ATTR_slice)) return NONE;
  if (!space_of(g, n, s, &none) || !s->axes || !s->out_rank) return NONE;
  int axis = s->out_axis[s->out_rank - 1];
  return axis != NONE && s->size[axis] == last_dimension(node_out(g, n, 0)) ? axis : NONE;
}

static bool in_channels(const struct view *w, const struct node *n) {
  struct space s;
  return channel_axis(w->graph, n, &s) != NONE ||
         err_set(w->err, "layer \"%s\": %s can't be cut into channels; give --grain layer", n->name,
                 op_info(n->op)->name);
}

static void count_uses(struct view *w) {
  const struct graph *g = w->graph;
  w->uses = ARENA_NEW(w->arena, uint32_t, g->n_values + 1);
  for (uint32_t i = 0; i < g->n_nodes; i++)
    for (uint32_t k = 0; k < g->nodes[i].n_in; k++)
      w->uses[plan_base(g, g->nodes[i].in[k].value)]++;
  for (uint32_t i = 0; i < g->n_outputs; i++) w->uses[plan_base(g, g->outputs[i])]++;
}

// ---- layers

// Tokens `grain` channels wide of a value.
static void add_stream(struct view *w, uint32_t value, int64_t channels, int64_t grain) {
  struct actors *v = w->v;
  const struct value *x = &w->graph->values[value];
  const struct actor_layer *layer = &v->layers[v->n_layers - 1];
  struct token_stream *s = &v->streams[v->n_streams];
  *s = (struct token_stream){.value = value,
                             .layer = v->n_layers - 1,
                             .first = v->n_tokens,
                             .count = (uint32_t)((channels + grain - 1) / grain),
                             .channels = channels,
                             .grain = grain};
  v->stream_of[value] = (int32_t)v->n_streams;
  for (uint32_t i = 0; i < s->count; i++) {
    int64_t left = channels - i * grain;
    int64_t elements = value_elements(x) / channels * (left < grain ? left : grain);
    v->tokens[v->n_tokens++] = (struct token){.stream = v->n_streams,
                                              .actor = layer->first + i,
                                              .elements = elements,
                                              .bits = elements * type_stream_width(&x->type)};
  }
  v->n_streams++;
}

// The layer that is filled next, and its actors, which lie beside each other.
static struct actor_layer *add_layer(struct view *w, int32_t node, int64_t channels,
                                     int64_t grain) {
  struct actors *v = w->v;
  struct actor_layer *layer = &v->layers[v->n_layers];
  *layer = (struct actor_layer){.node = node, .first = v->n_actors, .stream = v->n_streams};
  for (int64_t c = 0; c < channels; c += grain)
    v->actors[v->n_actors++] = (struct actor){
        .layer = v->n_layers, .begin = c, .end = c + grain < channels ? c + grain : channels};
  layer->count = v->n_actors - layer->first;
  v->n_layers++;
  return layer;
}

// Whether all who read a value see a row of elements.
static bool read_flat(const struct graph *g, uint32_t value) {
  for (uint32_t i = 0; i < g->n_nodes; i++) {
    const struct node *n = &g->nodes[i];
    if (op_is(n->op, TRAIT_ALIAS)) continue;
    for (uint32_t k = 0; k < n->n_in; k++)
      if (plan_base(g, n->in[k].value) == value && node_in(g, n, k)->rank != 1) return false;
  }
  return true;
}

static void add_input(struct view *w, uint32_t value) {
  const struct value *x = &w->graph->values[value];
  int64_t channels = last_dimension(x), grain = w->v->grain;
  if (grain && read_flat(w->graph, value)) {
    channels = value_elements(x);
    grain = w->link_bits / type_stream_width(&x->type);
    if (!grain) grain = 1;
  }
  if (!grain) grain = channels;
  add_layer(w, NONE, channels, grain)->n_streams = 1;
  add_stream(w, value, channels, grain);
}

// A node that does nothing but a function of each element of what it alone reads; NONE.
static int32_t follower(const struct view *w, uint32_t value) {
  const struct graph *g = w->graph;
  for (uint32_t i = 0; w->uses[value] == 1 && i < g->n_nodes; i++) {
    const struct node *n = &g->nodes[i];
    if (n->n_in && n->in[0].value == value && op_is(n->op, TRAIT_MAPS) && n->n_out == 1)
      return (int32_t)i;
  }
  return NONE;
}

// The node and the activations behind it, which are its actors' business from now on.
static void take_stages(struct view *w, struct actor_layer *layer, uint32_t node) {
  const struct graph *g = w->graph;
  uint32_t *stages = ARENA_NEW(w->arena, uint32_t, g->n_nodes);
  layer->stages = stages;
  for (int32_t n = (int32_t)node; n != NONE;) {
    stages[layer->n_stages++] = (uint32_t)n;
    w->taken[n] = true;
    n = g->nodes[n].n_out == 1 ? follower(w, g->nodes[n].out[0]) : NONE;
  }
}

static bool add_node(struct view *w, uint32_t node) {
  const struct graph *g = w->graph;
  const struct node *n = &g->nodes[node];
  int64_t grain = w->v->grain;
  if (!stands_alone(g, n, w->err) || (grain && !in_channels(w, n))) return false;
  int64_t channels = grain ? last_dimension(node_out(g, n, 0)) : 1;
  struct actor_layer *layer = add_layer(w, (int32_t)node, channels, grain ? grain : 1);
  take_stages(w, layer, node);
  const struct node *last = &g->nodes[layer->stages[layer->n_stages - 1]];
  layer->n_streams = last->n_out;
  for (uint32_t k = 0; k < last->n_out; k++)
    add_stream(w, last->out[k], channels, grain ? grain : 1);
  return true;
}

// Tokens and actors that there are at most.
static int64_t most_tokens(const struct graph *g, int64_t grain) {
  int64_t most = 0;
  for (uint32_t i = 0; i < g->n_inputs; i++) most += value_elements(&g->values[g->inputs[i].value]);
  for (uint32_t i = 0; i < g->n_nodes; i++)
    for (uint32_t k = 0; k < g->nodes[i].n_out; k++)
      most += grain ? (last_dimension(node_out(g, &g->nodes[i], k)) + grain - 1) / grain : 1;
  return most + g->n_nodes;
}

static bool add_layers(struct view *w) {
  const struct graph *g = w->graph;
  uint32_t *order = ARENA_NEW(w->arena, uint32_t, g->n_nodes + 1);
  graph_order(g, order);
  for (uint32_t i = 0; i < g->n_inputs; i++) add_input(w, g->inputs[i].value);
  for (uint32_t i = 0; i < g->n_nodes; i++) {
    uint32_t n = order[i];
    if (!w->taken[n] && !op_is(g->nodes[n].op, TRAIT_ALIAS) && !add_node(w, n)) return false;
  }
  return true;
}

// ---- what an actor needs

// Which tokens of a stream are needed, in order.
struct marks {
  const struct token_stream *stream;
  bool *needed; // (count)
};

static void mark(struct marks *m, int64_t channel) {
  m->needed[channel / m->stream->grain] = true;
}

// Elements of the dimensions from `dim` on, of those at `at` in front of it.
static void mark_elements(struct marks *m, const struct value *x, const struct needs *needs,
                          int dim, int64_t at) {
  if (dim == x->rank) {
    mark(m, at % m->stream->channels);
    return;
  }
  const int64_t all[] = {0, x->shape[dim]};
  const struct needs *n = &needs[dim];
  for (int64_t r = 0; r < (n->whole ? 1 : n->ranges); r++) {
    const int64_t *range = n->whole ? all : n->range + 2 * r;
    for (int64_t i = range[0]; i < range[1]; i++)
      mark_elements(m, x, needs, dim + 1, at * x->shape[dim] + i);
  }
}

static void mark_needs(struct marks *m, const struct value *x, const struct needs *needs) {
  bool others = false;
  for (int d = 0; d + 1 < x->rank; d++) others = others || !needs[d].whole;
  const struct needs *last = x->rank ? &needs[x->rank - 1] : NULL;
  if (!others && (!last || last->whole)) {
    for (uint32_t i = 0; i < m->stream->count; i++) m->needed[i] = true;
  } else if (last_dimension(x) == m->stream->channels && !last->whole) {
    for (int64_t r = 0; r < last->ranges; r++)
      for (int64_t c = last->range[2 * r]; c < last->range[2 * r + 1]; c++) mark(m, c);
  } else {
    mark_elements(m, x, needs, 0, 0);
  }
}

struct need_list {
  uint32_t count, room;
  struct span_needed *needs;
};

static void put_marks(struct view *w, struct need_list *list, const struct marks *m) {
  for (uint32_t i = 0; i < m->stream->count; i++) {
    if (!m->needed[i]) continue;
    uint32_t token = m->stream->first + i;
    struct span_needed *last = list->count ? &list->needs[list->count - 1] : NULL;
    if (last && last->first + last->count == token) {
      last->count++;
      continue;
    }
    if (list->count == list->room) {
      struct span_needed *more = ARENA_NEW(w->arena, struct span_needed, 2 * list->room + 4);
      if (list->count) memcpy(more, list->needs, list->count * sizeof *more);
      list->needs = more;
      list->room = 2 * list->room + 4;
    }
    list->needs[list->count++] = (struct span_needed){token, 1};
  }
}

// Elements of an input that a slice reads.
static int64_t elements_read(const struct value *x, const struct needs *needs) {
  int64_t elements = 1;
  for (int d = 0; d < x->rank; d++) elements *= needs_size(&needs[d], x->shape[d]);
  return elements;
}

// NULL: a tensor.
static const struct token_stream *stream_read(const struct view *w, const struct node *n,
                                              uint32_t k) {
  int32_t stream = w->v->stream_of[plan_base(w->graph, n->in[k].value)];
  return stream == NONE ? NULL : &w->v->streams[stream];
}

// Which channels of its input the actor's weights have a connection to, as ranges; those of `last`
// if it is connected to all, or nothing is known of that.
static struct needs connected(struct arena *a, const struct graph *g, const struct node *n,
                              const struct actor *of, struct needs last) {
  const struct value *w = op_is(n->op, TRAIT_WEIGHTS) ? node_in(g, n, 1) : NULL;
  const struct value *x = node_in(g, n, 0), *y = node_out(g, n, 0);
  if (!w || !w->mask || w->rank < 2 || !x->rank || node_int(n, ATTR_groups, 1) != 1) return last;
  int64_t in = w->shape[w->rank - 1], rows = w->shape[0], row = value_elements(w) / rows;
  if (in != x->shape[x->rank - 1] || rows != last_dimension(y) || !last.whole) return last;
  int64_t end = w->mask->shape[0] == 1 ? of->begin + 1 : of->end, ranges = 0;
  bool *there = ARENA_NEW(a, bool, in);
  for (int64_t i = of->begin * row; i < end * row; i++)
    there[i % in] = there[i % in] || !value_is_cut(w, i);
  if (!memchr(there, false, (size_t)in)) return last;
  int64_t *range = ARENA_NEW(a, int64_t, in + 2);
  for (int64_t c = 0; c < in; c++) {
    if (!there[c]) continue;
    if (!c || !there[c - 1]) range[2 * ranges++] = c;
    range[2 * ranges - 1] = c + 1;
  }
  return (struct needs){.ranges = ranges, .range = range};
}

// What a slice reads of a stream, under whichever of its names; without a space everything.
static void need_stream(struct view *w, struct actor *a, const struct space *s,
                        const struct slice *slice, const struct token_stream *stream,
                        struct need_list *list) {
  const struct node *n = &w->graph->nodes[w->v->layers[a->layer].node];
  struct arena scratch = {0};
  struct marks m = {stream, ARENA_NEW(&scratch, bool, stream->count)};
  for (uint32_t k = 0; k < n->n_in; k++) {
    struct needs needs[RANK_MAX];
    const struct value *x = node_in(w->graph, n, k);
    if (stream_read(w, n, k) != stream) continue;
    for (int d = 0; d < x->rank; d++)
      needs[d] = s ? slice_needs(&scratch, s, slice, k, d) : (struct needs){.whole = true};
    if (s && k == 0 && x->rank)
      needs[x->rank - 1] = connected(&scratch, w->graph, n, a, needs[x->rank - 1]);
    mark_needs(&m, x, needs);
    a->work += elements_read(x, needs);
  }
  put_marks(w, list, &m);
  arena_free(&scratch);
}

// Whether an input before k is of the same stream.
static bool read_before(const struct view *w, const struct node *n, uint32_t k) {
  for (uint32_t i = 0; i < k; i++)
    if (stream_read(w, n, i) == stream_read(w, n, k)) return true;
  return false;
}

static bool same_needs(const struct actor *a, const struct need_list *l) {
  return a->n_needs == l->count &&
         (!l->count || memcmp(a->needs, l->needs, l->count * sizeof *l->needs) == 0);
}

static void fill_actor(struct view *w, struct actor *a, const struct actor *before) {
  const struct graph *g = w->graph;
  const struct node *n = &g->nodes[w->v->layers[a->layer].node];
  struct space s;
  struct err none = {0};
  struct need_list list = {0};
  const int64_t range[] = {a->begin, a->end};
  int axis = w->v->grain ? channel_axis(g, n, &s) : NONE;
  struct slice slice = {axis, axis != NONE, range};
  for (uint32_t k = 0; k < n->n_in; k++)
    if (stream_read(w, n, k) && !read_before(w, n, k))
      need_stream(w, a, axis != NONE ? &s : NULL, &slice, stream_read(w, n, k), &list);
  int64_t macs = axis != NONE                ? slice_macs(g, n, &s, &slice)
                 : space_of(g, n, &s, &none) ? node_macs(g, n)
                                             : 0;
  if (macs) a->work = macs;
  if (before && same_needs(before, &list)) list.needs = (struct span_needed *)before->needs;
  a->n_needs = list.count;
  a->needs = list.needs;
}

static void fill_actors(struct view *w) {
  struct actors *v = w->v;
  for (uint32_t i = 0; i < v->n_actors; i++) {
    struct actor *a = &v->actors[i];
    if (v->layers[a->layer].node == NONE) continue;
    fill_actor(w, a, i > v->layers[a->layer].first ? a - 1 : NULL);
    for (uint32_t k = 0; k < a->n_needs; k++) v->edges += a->needs[k].count;
  }
  for (uint32_t i = 0; i < v->n_layers && v->layers[i].node == NONE; i++)
    v->edges += v->layers[i].count;
}

static void fill_outputs(struct view *w) {
  struct actors *v = w->v;
  v->outputs = ARENA_NEW(w->arena, uint32_t, w->graph->n_outputs + 1);
  for (uint32_t i = 0; i < w->graph->n_outputs; i++) {
    uint32_t stream = (uint32_t)v->stream_of[plan_base(w->graph, w->graph->outputs[i])];
    bool again = false;
    for (uint32_t k = 0; k < v->n_outputs; k++) again = again || v->outputs[k] == stream;
    if (again) continue;
    v->outputs[v->n_outputs++] = stream;
    v->edges += v->streams[stream].count;
  }
}

const struct actors *actors_of(struct arena *a, const struct graph *g, int64_t grain,
                               int64_t link_bits, struct err *e) {
  struct actors *v = ARENA_NEW(a, struct actors, 1);
  struct view w = {.v = v, .arena = a, .graph = g, .link_bits = link_bits, .err = e};
  int64_t most = most_tokens(g, grain);
  if (most > ACTORS_MAX)
    return err_put(e, "%lld actors, at most %d: give a larger --grain", (long long)most,
                   ACTORS_MAX),
           NULL;
  *v = (struct actors){.graph = g, .grain = grain};
  v->actors = ARENA_NEW(a, struct actor, most + 1);
  v->tokens = ARENA_NEW(a, struct token, most + 1);
  v->layers = ARENA_NEW(a, struct actor_layer, g->n_inputs + g->n_nodes + 1);
  v->streams = ARENA_NEW(a, struct token_stream, g->n_values + 1);
  v->stream_of = ARENA_NEW(a, int32_t, g->n_values + 1);
  for (uint32_t i = 0; i < g->n_values; i++) v->stream_of[i] = NONE;
  w.taken = ARENA_NEW(a, bool, g->n_nodes + 1);
  count_uses(&w);
  if (!add_layers(&w)) return NULL;
  fill_actors(&w);
  fill_outputs(&w);
  return v;
}

const struct actors *actors_in_regions(struct arena *a, const struct actors *v, uint32_t regions,
                                       const uint32_t *region) {
  struct actors *to = arena_copy(a, v, sizeof *v);
  to->regions = regions;
  to->layers = arena_copy(a, v->layers, (v->n_layers + 1) * sizeof *v->layers);
  for (uint32_t i = 0; i < v->n_layers; i++)
    if (v->layers[i].node != NONE) to->layers[i].region = region[v->layers[i].node];
  return to;
}

int64_t actors_work(const struct actors *v) {
  int64_t sum = 0;
  for (uint32_t i = 0; i < v->n_actors; i++) sum += v->actors[i].work;
  return sum;
}
