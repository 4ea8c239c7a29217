// SPDX-License-Identifier: Apache-2.0
#include "sw/exec/calendar_parts.h"

#include "sw/exec/alone.h"
#include "sw/exec/golden.h"
#include "sw/exec/steps.h"

#include <string.h>

#define POISON (INT64_MIN / 3) // no code; what is computed from it isn't one either

struct content *calendar_content(const struct calendar_executor *x, uint32_t token, int64_t batch) {
  return &x->contents[(size_t)(batch % x->in_flight) * x->actors->n_tokens + token];
}

// ---- tokens in arrays: channels begin .. end of each row

struct part {
  int64_t rows, channels, begin, own;
};

static struct part part_of(const struct actors *v, uint32_t token) {
  const struct token_stream *s = &v->streams[v->tokens[token].stream];
  int64_t begin = (token - s->first) * s->grain, left = s->channels - begin;
  int64_t elements = value_elements(&v->graph->values[s->value]);
  return (struct part){elements / s->channels, s->channels, begin,
                       left < s->grain ? left : s->grain};
}

void calendar_scatter(const struct actors *v, uint32_t token, int64_t images, const int64_t *from,
                      int64_t *array) {
  struct part p = part_of(v, token);
  for (int64_t r = 0; r < p.rows * images; r++)
    for (int64_t c = 0; c < p.own; c++) array[r * p.channels + p.begin + c] = *from++;
}

void calendar_gather(const struct actors *v, uint32_t token, int64_t images, const int64_t *array,
                     int64_t *to) {
  struct part p = part_of(v, token);
  for (int64_t r = 0; r < p.rows * images; r++)
    for (int64_t c = 0; c < p.own; c++) *to++ = array[r * p.channels + p.begin + c];
}

// ---- what an actor reads

static const struct token_stream *stream_of(const struct actors *v, uint32_t value) {
  int32_t stream = v->stream_of[plan_base(v->graph, value)];
  return stream == NONE ? NULL : &v->streams[stream];
}

static bool needs_all(const struct actor *a, const struct token_stream *s) {
  for (uint32_t k = 0; k < a->n_needs; k++) {
    const struct span_needed *n = &a->needs[k];
    if (n->first <= s->first && n->first + n->count >= s->first + s->count) return true;
  }
  return false;
}

static void bring(struct calendar_executor *x, uint32_t token, int64_t batch, int64_t *array) {
  const struct content *c = calendar_content(x, token, batch);
  calendar_scatter(x->actors, token, c->images, c->data, array);
}

// The array of a stream that an actor sees. What it needs all of is put together once; of others it
// gets nothing but what it said that it needs.
static int64_t *array_seen(struct calendar_executor *x, const struct actor *a,
                           const struct token_stream *s, int64_t batch, int64_t images,
                           struct arena *scratch) {
  uint32_t stream = (uint32_t)(s - x->actors->streams);
  if (needs_all(a, s)) {
    for (uint32_t t = s->first; t < s->first + s->count; t++) {
      if (x->gathered[t] != batch) bring(x, t, batch, x->rows[stream]);
      x->gathered[t] = batch;
    }
    return x->rows[stream];
  }
  int64_t elements = value_elements(&x->actors->graph->values[s->value]) * images;
  int64_t *array = ARENA_NEW(scratch, int64_t, elements);
  for (int64_t i = 0; i < elements; i++) array[i] = POISON;
  for (uint32_t k = 0; k < a->n_needs; k++)
    for (uint32_t t = a->needs[k].first; t < a->needs[k].first + a->needs[k].count; t++)
      if (x->actors->tokens[t].stream == stream) bring(x, t, batch, array);
  return array;
}

// ---- stages

static void fire_node(const struct graph *own, const struct node *n, int64_t images,
                      void *const *in, void *const *out) {
  struct arena scratch = {0};
  struct job j = job_of(&scratch, own, n, images, sizeof(int64_t), in, out);
  if (job_moves(n))
    job_move(&j, sizeof(int64_t));
  else
    golden_kind.fire(&j);
  arena_free(&scratch);
}

// The first stage reads streams, the others the one before them.
static void **inputs_of(struct calendar_executor *x, uint32_t actor, uint32_t stage, int64_t batch,
                        int64_t images, struct arena *scratch) {
  const struct actor *a = &x->actors->actors[actor];
  const struct actor_layer *l = &x->actors->layers[a->layer];
  const struct calendar_stage *s = &x->stages[a->layer][stage];
  const struct node *n = &x->actors->graph->nodes[l->stages[stage]];
  void **in = ARENA_NEW(scratch, void *, n->n_in + 1);
  for (uint32_t k = 0; k < n->n_in; k++) {
    const struct token_stream *from = stage ? NULL : stream_of(x->actors, n->in[k].value);
    in[k] = s->data[k] ? s->data[k]
            : stage    ? x->stages[a->layer][stage - 1].whole
                       : array_seen(x, a, from, batch, images, scratch);
  }
  return in;
}

static void fire_stage(struct calendar_executor *x, uint32_t actor, uint32_t stage, int64_t batch,
                       int64_t images, int64_t *const *results) {
  const struct actor *a = &x->actors->actors[actor];
  const struct actor_layer *l = &x->actors->layers[a->layer];
  const struct calendar_stage *s = &x->stages[a->layer][stage];
  struct arena scratch = {0};
  bool last = stage + 1 == l->n_stages, part = s->own->n_nodes > 1;
  const struct node *n = &s->own->nodes[part ? 1 + actor - l->first : 0];
  void **in = inputs_of(x, actor, stage, batch, images, &scratch);
  void *out[JOB_OUTPUTS] = {NULL};
  for (uint32_t k = 0; k < n->n_out && k < JOB_OUTPUTS; k++)
    out[k] = last ? results[k]
                  : ARENA_NEW(&scratch, int64_t, value_elements(node_out(s->own, n, k)) * images);
  fire_node(s->own, n, images, in, out);
  if (!last) {
    const struct value *y = &s->own->values[s->out];
    int64_t channels = part ? y->shape[y->rank - 1] : 1, own = part ? a->end - a->begin : 1;
    int64_t begin = part ? a->begin : 0, rows = value_elements(y) / channels * images;
    const int64_t *from = out[0];
    for (int64_t r = 0; r < rows; r++)
      for (int64_t c = 0; c < own; c++) s->whole[r * channels + begin + c] = *from++;
  }
  arena_free(&scratch);
}

void calendar_fire(struct calendar_executor *x, uint32_t actor, int64_t batch, int64_t images) {
  const struct actor_layer *l = &x->actors->layers[x->actors->actors[actor].layer];
  int64_t *results[JOB_OUTPUTS] = {NULL};
  for (uint32_t k = 0; k < l->n_streams && k < JOB_OUTPUTS; k++) {
    uint32_t token = x->actors->streams[l->stream + k].first + actor - l->first;
    struct content *c = calendar_content(x, token, batch);
    c->batch = batch;
    c->images = images;
    results[k] = c->data;
  }
  for (uint32_t i = 0; i < l->n_stages; i++) fire_stage(x, actor, i, batch, images, results);
}

// ---- what they need

static int64_t *tensor_content(struct arena *a, const struct value *v) {
  int64_t *to = ARENA_NEW(a, int64_t, v->init->count);
  for (int64_t i = 0; i < v->init->count; i++) golden_kind.load(to, i, v, i);
  return to;
}

static void prepare_stage(struct calendar_executor *x, const struct actor_layer *l, uint32_t stage,
                          struct calendar_stage *s) {
  const struct graph *g = x->actors->graph;
  const struct node *n = &g->nodes[l->stages[stage]];
  int64_t **data = ARENA_NEW(x->arena, int64_t *, n->n_in + 1);
  s->own = alone_graph(x->arena, g, n, &s->out);
  for (uint32_t k = 0; k < n->n_in; k++) {
    const struct value *v = &g->values[plan_base(g, n->in[k].value)];
    if (v->init) data[k] = tensor_content(x->arena, v);
  }
  s->data = data;
  s->whole = ARENA_NEW(x->arena, int64_t, value_elements(node_out(g, n, 0)) * x->most);
  for (uint32_t i = l->first; x->actors->grain && i < l->first + l->count; i++) {
    const struct actor *a = &x->actors->actors[i];
    alone_part(s->own, alone_axis(s->own), a->begin, a->end);
  }
}

void calendar_prepare(struct calendar_executor *x) {
  const struct actors *v = x->actors;
  x->stages = ARENA_NEW(x->arena, struct calendar_stage *, v->n_layers + 1);
  x->rows = ARENA_NEW(x->arena, int64_t *, v->n_streams + 1);
  x->gathered = ARENA_NEW(x->arena, int64_t, v->n_tokens + 1);
  for (uint32_t i = 0; i < v->n_tokens; i++) x->gathered[i] = NONE;
  for (uint32_t i = 0; i < v->n_streams; i++)
    x->rows[i] = ARENA_NEW(x->arena, int64_t,
                           value_elements(&v->graph->values[v->streams[i].value]) * x->most);
  for (uint32_t i = 0; i < v->n_layers; i++) {
    const struct actor_layer *l = &v->layers[i];
    x->stages[i] = ARENA_NEW(x->arena, struct calendar_stage, l->n_stages + 1);
    for (uint32_t k = 0; l->node != NONE && k < l->n_stages; k++)
      prepare_stage(x, l, k, &x->stages[i][k]);
  }
  x->contents = ARENA_NEW(x->arena, struct content, (size_t)x->in_flight * v->n_tokens + 1);
  for (int64_t b = 0; b < x->in_flight; b++)
    for (uint32_t t = 0; t < v->n_tokens; t++)
      *calendar_content(x, t, b) = (struct content){
          NONE, 0, false, ARENA_NEW(x->arena, int64_t, v->tokens[t].elements * x->most)};
}
