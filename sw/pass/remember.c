// SPDX-License-Identifier: Apache-2.0
#include "sw/pass/remember.h"

#include "sw/graph/assign.h"
#include "sw/graph/interval.h"
#include "sw/pass/copy.h"

#include <string.h>

struct memory {
  uint32_t assign; // node
  uint32_t value;  // in the copy: what it writes, in the content's type
  int32_t initial; // in the copy
};

struct pass {
  struct arena *arena;
  const struct graph *model;
  struct graph_copy copy;
  struct memory *memories; // (values of the model) by the reference
  int32_t *writes;         // (the same) the assign that frames write it with; NONE
  struct err *err;
};

// ---- which variables

static bool is_write(const struct graph *g, const struct node *n) {
  return op_is(n->op, TRAIT_REFERS) && n->n_in && node_in(g, n, n->n_in - 1)->per_frame;
}

static bool find_writes(struct pass *p, bool *any) {
  const struct graph *g = p->model;
  for (uint32_t i = 0; i < g->n_values; i++) p->writes[i] = NONE;
  for (uint32_t i = 0; i < g->n_nodes; i++) {
    const struct node *n = &g->nodes[i];
    if (!is_write(g, n)) continue;
    const char *name = g->values[n->ref[0]].name;
    if (assign_of(n) != ASSIGN_write || node_attr(n, ATTR_slice))
      return err_set(p->err, "layer \"%s\": frames change \"%s\": only by a write of all of it",
                     n->name, name);
    if (p->writes[n->ref[0]] != NONE)
      return err_set(p->err, "layer \"%s\": \"%s\" is written twice in a frame", n->name, name);
    p->writes[n->ref[0]] = (int32_t)i;
    *any = true;
  }
  return true;
}

// Whether node `from` comes before node `to` in every frame: over values and controls that aren't
// delayed.
static bool comes_before(const struct graph *g, uint32_t from, uint32_t to, char *seen) {
  const struct node *n = &g->nodes[to];
  if (from == to) return true;
  if (seen[to]) return false;
  seen[to] = 1;
  for (uint32_t k = 0; k < n->n_in; k++) {
    int32_t before = g->values[n->in[k].value].node;
    if (!n->in[k].delay && before != NONE && comes_before(g, from, (uint32_t)before, seen))
      return true;
  }
  for (uint32_t k = 0; k < n->n_after; k++)
    if (!n->after[k].delay && comes_before(g, from, n->after[k].node, seen)) return true;
  return false;
}

static bool before(const struct graph *g, uint32_t from, uint32_t to) {
  struct arena scratch = {0};
  bool yes = comes_before(g, from, to, ARENA_NEW(&scratch, char, g->n_nodes));
  arena_free(&scratch);
  return yes;
}

// ---- the copy

static bool gone(const struct pass *p, const struct node *n) {
  uint32_t ref = op_is(n->op, TRAIT_HOLDS) ? n->out[0] : op_is(n->op, TRAIT_REFERS) ? n->ref[0] : 0;
  return op_is(n->op, TRAIT_HOLDS | TRAIT_REFERS) && p->writes[ref] != NONE;
}

// What an assign writes, in the content's type.
static uint32_t put_written(struct pass *p, const struct node *assign) {
  const struct graph *g = p->model;
  const struct value *held = assign_held(g, assign, 0), *v = node_in(g, assign, 0);
  struct graph *to = p->copy.to;
  uint32_t from = copy_value(&p->copy, assign->in[0].value);
  if (!assign->n_rq && type_equal(&v->type, &held->type)) return from;
  uint32_t node = graph_add_node(to, OP_quantize, assign->name);
  graph_add_use(to, node, (struct use){from, 0, NONE});
  for (uint32_t i = 0; i < assign->n_rq; i++)
    graph_add_requant(to, node, assign->rq[i].count, assign->rq[i].mul, assign->rq[i].shift);
  to->nodes[node].rounding = assign->rounding;
  to->nodes[node].overflow = assign->overflow;
  uint32_t out = graph_add_value(to, assign->name, held->rank, held->shape, held->type, true);
  graph_add_out(to, node, out);
  return out;
}

static void put_memories(struct pass *p) {
  const struct graph *g = p->model;
  for (uint32_t ref = 0; ref < g->n_values; ref++) {
    if (p->writes[ref] == NONE) continue;
    const struct node *variable = &g->nodes[g->values[ref].node];
    uint32_t init = node_attr(variable, ATTR_init)->value;
    struct memory *m = &p->memories[ref];
    m->assign = (uint32_t)p->writes[ref];
    m->initial = (int32_t)copy_value(&p->copy, init);
    m->value = put_written(p, &g->nodes[m->assign]);
  }
  // what reads a read reads what was written
  for (uint32_t i = 0; i < g->n_nodes; i++) {
    const struct node *n = &g->nodes[i];
    if (gone(p, n) && n->n_ref && n->n_out)
      p->copy.value[n->out[0]] = (int32_t)p->memories[n->ref[0]].value;
  }
}

// The use that stands for a read.
static bool use_of(struct pass *p, uint32_t read, struct use *u) {
  const struct graph *g = p->model;
  const struct memory *m = &p->memories[g->nodes[read].ref[0]];
  if (before(g, m->assign, read)) {
    *u = (struct use){m->value, 0, NONE};
    return true;
  }
  *u = (struct use){m->value, 1, m->initial};
  return before(g, read, m->assign) ||
         err_set(p->err, "layer \"%s\" reads before or behind layer \"%s\": nothing says which",
                 g->nodes[read].name, g->nodes[m->assign].name);
}

static int32_t read_of(const struct pass *p, uint32_t value) {
  int32_t node = p->model->values[value].node;
  if (node == NONE) return NONE;
  const struct node *n = &p->model->nodes[node];
  return op_is(n->op, TRAIT_REFERS) && gone(p, n) ? node : NONE;
}

static bool put_uses(struct pass *p) {
  const struct graph *g = p->model;
  for (uint32_t i = 0; i < g->n_nodes; i++)
    for (uint32_t k = 0; p->copy.node[i] != NONE && k < g->nodes[i].n_in; k++) {
      int32_t read = read_of(p, g->nodes[i].in[k].value);
      if (read == NONE) continue;
      if (g->nodes[i].in[k].delay)
        return err_set(p->err, "layer \"%s\": what it reads of a variable is delayed",
                       g->nodes[i].name);
      if (!use_of(p, (uint32_t)read, &p->copy.to->nodes[p->copy.node[i]].in[k])) return false;
    }
  return true;
}

// An output that is a read's is an identity's.
static bool put_outputs(struct pass *p) {
  const struct graph *g = p->model;
  struct graph *to = p->copy.to;
  for (uint32_t i = 0; i < g->n_outputs; i++) {
    int32_t read = read_of(p, g->outputs[i]);
    struct use u;
    if (read == NONE) {
      graph_add_output(to, (uint32_t)p->copy.value[g->outputs[i]]);
      continue;
    }
    if (!use_of(p, (uint32_t)read, &u)) return false;
    const struct value *v = &g->values[g->outputs[i]];
    uint32_t node = graph_add_node(to, OP_identity, g->nodes[read].name);
    graph_add_use(to, node, u);
    uint32_t out = graph_add_value(to, v->name, v->rank, v->shape, v->type, true);
    graph_add_out(to, node, out);
    graph_add_output(to, out);
  }
  return true;
}

// What is made of a frame's has frames.
static void spread_frames(struct graph *g) {
  for (bool news = true; news;) {
    news = false;
    for (uint32_t i = 0; i < g->n_nodes; i++) {
      const struct node *n = &g->nodes[i];
      bool frames = false;
      for (uint32_t k = 0; k < n->n_in; k++) frames |= node_in(g, n, k)->per_frame;
      for (uint32_t k = 0; frames && k < n->n_out; k++) {
        news |= !g->values[n->out[k]].per_frame;
        g->values[n->out[k]].per_frame = true;
      }
    }
  }
}

struct graph *remember(struct arena *a, struct graph *model, struct err *e) {
  struct pass p = {.arena = a,
                   .model = model,
                   .memories = ARENA_NEW(a, struct memory, model->n_values),
                   .writes = ARENA_NEW(a, int32_t, model->n_values),
                   .err = e};
  bool any = false;
  if (!find_writes(&p, &any)) return NULL;
  if (!any) return model;
  p.copy = copy_new(a, model);
  copy_inputs(&p.copy);
  put_memories(&p);
  for (uint32_t i = 0; i < model->n_nodes; i++) {
    const struct node *n = &model->nodes[i];
    if (!gone(&p, n)) copy_outputs(&p.copy, n, copy_node(&p.copy, n, n->name));
  }
  if (!put_uses(&p) || !put_outputs(&p)) return NULL;
  copy_controls(&p.copy);
  spread_frames(p.copy.to);
  if (!graph_verify(p.copy.to, e)) return NULL;
  graph_ranges(p.copy.to);
  return p.copy.to;
}
