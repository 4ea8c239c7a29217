// SPDX-License-Identifier: Apache-2.0
#include "sw/train/autodiff.h"

#include "sw/graph/gradient.h"

#include <string.h>

struct pass {
  struct graph *g;
  struct wanted *wanted;
  uint32_t count;
  char *needed;    // (values of the graph before the pass): the loss reaches a wanted one here
  int32_t *summed; // (the same): the value with the gradient so far; NONE
  struct err *err;
};

static bool taken(const struct graph *g, const char *name) {
  for (uint32_t i = 0; i < g->n_nodes; i++)
    if (strcmp(g->nodes[i].name, name) == 0) return true;
  return graph_find_value(g, name) != NONE;
}

const char *autodiff_name(const struct graph *g, const char *name) {
  const char *unique = name;
  for (int i = 2; taken(g, unique); i++) unique = arena_printf(g->arena, "%s_%d", name, i);
  return unique;
}

static bool find_needed(struct pass *p) {
  const struct graph *g = p->g;
  for (uint32_t i = 0; i < p->count; i++) p->needed[p->wanted[i].value] = 1;
  for (uint32_t i = 0; i < g->n_nodes; i++) {
    const struct node *n = &g->nodes[i];
    bool needed = false;
    for (uint32_t k = 0; k < n->n_in; k++) {
      if (!p->needed[n->in[k].value]) continue;
      needed = true;
      if (n->in[k].delay)
        return err_set(p->err, "layer \"%s\": input \"%s\" is delayed: no gradient through time",
                       n->name, node_in(g, n, k)->name);
    }
    for (uint32_t k = 0; k < n->n_out; k++) p->needed[n->out[k]] |= (char)needed;
  }
  return true;
}

// A node with one output that is like value `like`, but for the name.
static uint32_t add_node(struct graph *g, enum op op, const char *name, uint32_t like) {
  name = autodiff_name(g, name);
  uint32_t node = graph_add_node(g, op, name);
  struct value v = g->values[like];
  uint32_t out = graph_add_value(g, name, v.rank, v.shape, type_real(), v.per_frame);
  graph_add_out(g, node, out);
  return node;
}

// What so far and a further gradient sum to.
static int32_t sum(struct pass *p, int32_t so_far, uint32_t more, const char *name) {
  if (so_far == NONE) return (int32_t)more;
  uint32_t node = add_node(p->g, OP_add, name, more);
  graph_add_use(p->g, node, (struct use){(uint32_t)so_far, 0, NONE});
  graph_add_use(p->g, node, (struct use){more, 0, NONE});
  return (int32_t)p->g->nodes[node].out[0];
}

static uint32_t add_gradient(struct pass *p, uint32_t of, uint32_t k, uint32_t dy,
                             const char *name) {
  struct graph *g = p->g;
  int reads[GRADIENT_READS_MAX];
  uint32_t node = add_node(g, OP_gradient, name, g->nodes[of].in[k].value);
  const struct node *f = &g->nodes[of];
  graph_add_use(g, node, (struct use){dy, 0, NONE});
  for (uint32_t i = 0, n = gradient_reads(f, k, reads); i < n; i++)
    graph_add_use(g, node,
                  (struct use){reads[i] == NONE ? f->out[0] : f->in[reads[i]].value, 0, NONE});
  graph_add_attr(g, node, ATTR_of)->value = of;
  graph_add_int(g, node, ATTR_input, k);
  return node;
}

// The slice of a dimension of input k as one of the space of its reader.
static bool restrict_to(struct pass *p, uint32_t node, const struct gradient *d,
                        const struct slice *slice) {
  struct graph *g = p->g;
  struct space s;
  if (!space_of(g, d->of, &s, p->err)) return false;
  int dim = slice->axis, axis = s.axes ? form_axis(&s, d->input, dim) : NONE;
  if (axis == NONE)
    return err_set(p->err, "layer \"%s\": no slice of dimension %d of input %u", d->of->name, dim,
                   d->input);
  int64_t *ints = ARENA_NEW(g->arena, int64_t, 1 + 2 * slice->ranges);
  ints[0] = axis;
  memcpy(ints + 1, slice->range, (size_t)slice->ranges * 2 * sizeof *ints);
  graph_add_ints(g, node, ATTR_slice, 1 + 2 * slice->ranges, ints);
  struct value *v = &g->values[g->nodes[node].out[0]];
  struct slice in_space = {axis, slice->ranges, slice->range};
  v->shape[dim] = slice_size(&in_space, &s, axis);
  return true;
}

// The gradients of input k of a node: of the whole input, and of wanted slices of it.
static bool visit_input(struct pass *p, uint32_t of, uint32_t k, uint32_t dy) {
  struct graph *g = p->g;
  uint32_t value = g->nodes[of].in[k].value;
  const char *name = arena_printf(g->arena, "%s.grad", g->values[value].name);
  bool whole = g->values[value].node != NONE && g->nodes[g->values[value].node].op != OP_read;
  for (uint32_t i = 0; i < p->count; i++)
    whole |= p->wanted[i].value == value && !p->wanted[i].slice.ranges;
  if (whole) {
    uint32_t node = add_gradient(p, of, k, dy, name);
    p->summed[value] = sum(p, p->summed[value], g->nodes[node].out[0], name);
  }
  for (uint32_t i = 0; i < p->count; i++) {
    struct wanted *w = &p->wanted[i];
    if (w->value != value || !w->slice.ranges) continue;
    uint32_t node = add_gradient(p, of, k, dy, name);
    struct gradient d = {.of = &g->nodes[of], .input = k};
    if (!restrict_to(p, node, &d, &w->slice)) return false;
    w->gradient = sum(p, w->gradient, g->nodes[node].out[0], name);
  }
  return true;
}

static bool visit(struct pass *p, uint32_t id) {
  const struct node *n = &p->g->nodes[id];
  if (!n->n_out || !p->needed[n->out[0]] || p->summed[n->out[0]] == NONE) return true;
  uint32_t dy = (uint32_t)p->summed[n->out[0]], inputs = n->n_in;
  for (uint32_t k = 0; k < inputs; k++) {
    n = &p->g->nodes[id];
    if (!p->needed[n->in[k].value]) continue;
    const char *why = op_no_gradient(n->op);
    if (why)
      return err_set(p->err, "layer \"%s\": %s has no gradient: %s", n->name, op_info(n->op)->name,
                     why);
    if (!visit_input(p, id, k, dy)) return false;
  }
  return true;
}

static uint32_t add_one(struct graph *g, const struct value *loss) {
  struct tensor *t = tensor_new(g->arena, DTYPE_F32, loss->rank, loss->shape);
  *(float *)t->data = 1;
  return graph_add_tensor(g, autodiff_name(g, "one"), t, type_real());
}

bool autodiff(struct graph *g, uint32_t loss, struct wanted *wanted, uint32_t count,
              struct err *e) {
  struct arena a = {0};
  uint32_t nodes = g->n_nodes, values = g->n_values;
  struct pass p = {g, wanted, count, ARENA_NEW(&a, char, values), ARENA_NEW(&a, int32_t, values),
                   e};
  const struct value *v = &g->values[loss];
  if (v->per_frame || value_elements(v) != 1)
    return err_set(e, "loss \"%s\": expected one number per step", v->name);
  for (uint32_t i = 0; i < values; i++) p.summed[i] = NONE;
  for (uint32_t i = 0; i < count; i++) wanted[i].gradient = NONE;
  bool ok = find_needed(&p);
  if (ok && p.needed[loss]) p.summed[loss] = (int32_t)add_one(g, v);
  for (uint32_t i = nodes; ok && i-- > 0;) ok = visit(&p, i);
  for (uint32_t i = 0; i < count; i++)
    if (!wanted[i].slice.ranges) wanted[i].gradient = p.summed[wanted[i].value];
  arena_free(&a);
  return ok;
}
