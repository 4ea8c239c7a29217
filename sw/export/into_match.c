// SPDX-License-Identifier: Apache-2.0
// Two graphs of one network:
//
//   model  x --> [conv1] -----> [relu1] --> [fc1] --> y        file  x --> [conv2d] --> [re_lu] -->
//                                                     |        [flatten] --> [dense] --> [softmax]
//          from here to the left, node by node  <-----+
#include "sw/export/into.h"

#include "sw/base/rng.h"
#include "sw/graph/join.h"

#include <math.h>
#include <string.h>

struct match {
  struct arena *arena;
  const struct graph *model, *file;
  uint32_t *of; // (values of the file) 1 + the model's value in its place
  const uint64_t *model_print, *file_print; // (values) of what each is made of
  uint32_t *todo, n_todo;
  struct into_pairs pairs;
  struct err *err;
};

static const char remedy[] = "--into takes a file of the same network (nngen info shows the layers "
                             "of both)";

// ---- what is said of nodes

static const char *shape_text(struct arena *a, int64_t count, const int64_t *shape) {
  const char *text = "";
  for (int64_t d = 0; d < count; d++)
    text = arena_printf(a, "%s%s%lld", text, d ? ", " : "", (long long)shape[d]);
  return text;
}

static const char *value_text(const struct match *x, const struct graph *g, uint32_t value) {
  const struct value *v = &g->values[value];
  const char *shape = shape_text(x->arena, v->rank, v->shape);
  if (v->node == NONE) return arena_printf(x->arena, "input \"%s\" (%s)", v->name, shape);
  const struct node *n = &g->nodes[v->node];
  return arena_printf(x->arena, "\"%s\" (%s, gives %s)", n->name, op_info(n->op)->name, shape);
}

static bool different(struct match *x, uint32_t model, uint32_t file) {
  return err_set(x->err, "its %s stands where the model has %s: %s", value_text(x, x->file, file),
                 value_text(x, x->model, model), remedy);
}

// ---- values

// What an array is made of that has only another shape.
static uint32_t bare(const struct graph *g, uint32_t value) {
  for (const struct node *n;
       g->values[value].node != NONE &&
       op_is((n = &g->nodes[g->values[value].node])->op, TRAIT_ALIAS | TRAIT_SKIPPED) &&
       !n->in[0].delay;)
    value = n->in[0].value;
  return value;
}

static uint32_t before_host(const struct graph *g, uint32_t value) {
  value = bare(g, value);
  int32_t node = g->values[value].node;
  bool host = node != NONE && g->nodes[node].where == WHERE_HOST;
  return host ? bare(g, g->nodes[node].in[0].value) : value;
}

static int64_t input_of(const struct graph *g, uint32_t value) {
  for (uint32_t i = 0; i < g->n_inputs; i++)
    if (g->inputs[i].value == value) return i;
  return NONE;
}

// One value in the place of another: looked at once.
static bool meet(struct match *x, uint32_t model, uint32_t file) {
  model = bare(x->model, model);
  file = bare(x->file, file);
  const struct value *m = &x->model->values[model], *f = &x->file->values[file];
  if (x->of[file]) return x->of[file] == model + 1 || different(x, model, file);
  if (input_of(x->model, model) != input_of(x->file, file) ||
      (m->node == NONE) != (f->node == NONE) || m->out != f->out ||
      value_elements(m) != value_elements(f))
    return different(x, model, file);
  x->of[file] = model + 1;
  if (f->node != NONE) x->todo[x->n_todo++] = file;
  return true;
}

// ---- joins, whose inputs may stand in another order

// A number of what a value is made of, names and weights apart.
static uint64_t node_print(const struct graph *g, const struct node *n, const uint64_t *print) {
  bool any = op_is(n->op, TRAIT_JOINS) && join_commutes(n);
  uint64_t sum = rng_mix((uint64_t)n->op + 1);
  if (op_is(n->op, TRAIT_ALIAS | TRAIT_SKIPPED)) return print[n->in[0].value];
  for (uint32_t i = 0; i < n->n_in && i < (op_is(n->op, TRAIT_WEIGHTS) ? 2 : n->n_in); i++)
    sum += rng_mix(print[n->in[i].value] + (any ? 0 : i));
  return rng_mix(sum + (uint64_t)value_elements(node_out(g, n, 0)));
}

static const uint64_t *prints(struct arena *a, const struct graph *g) {
  uint64_t *print = ARENA_NEW(a, uint64_t, g->n_values);
  uint32_t *order = ARENA_NEW(a, uint32_t, g->n_nodes);
  for (uint32_t i = 0; i < g->n_values; i++)
    print[i] = rng_mix((uint64_t)value_elements(&g->values[i]));
  for (uint32_t i = 0; i < g->n_inputs; i++) print[g->inputs[i].value] += i + 1;
  graph_order(g, order);
  for (uint32_t i = 0; i < g->n_nodes; i++) {
    const struct node *n = &g->nodes[order[i]];
    for (uint32_t k = 0; k < n->n_out; k++) print[n->out[k]] = node_print(g, n, print) + k;
  }
  return print;
}

static bool is_turned(const struct match *x, const struct into_pair *p) {
  if (!op_is(p->file->op, TRAIT_JOINS) || !join_commutes(p->file)) return false;
  uint64_t first = x->model_print[p->model->in[0].value];
  return first != x->file_print[p->file->in[0].value] &&
         first == x->file_print[p->file->in[1].value];
}

// ---- attributes

// What an attribute is at place i if it isn't given (attrs.def).
static int64_t usual(const struct graph *g, const struct node *n, enum attr_name name, int64_t i) {
  switch ((int)name) {
  case ATTR_stride:
  case ATTR_dilation:
  case ATTR_step:
  case ATTR_groups:
    return 1;
  case ATTR_kernel:
  case ATTR_end:
    return node_in(g, n, 0)->shape[i];
  case ATTR_axis:
    return node_in(g, n, 0)->rank - 1;
  }
  return 0;
}

static int64_t number(const struct graph *g, const struct node *n, enum attr_name name, int64_t i) {
  const struct attr *t = node_attr(n, name);
  int64_t v = t ? t->ints[i] : usual(g, n, name, i);
  return name == ATTR_axis && v < 0 ? v + node_in(g, n, 0)->rank : v;
}

static bool same_ints(struct match *x, const struct into_pair *p, enum attr_name name) {
  const struct attr *m = node_attr(p->model, name), *f = node_attr(p->file, name);
  int64_t count = f ? f->count : m->count, v[2][2 * RANK_MAX] = {{0}};
  bool same = (!m || !f || m->count == f->count) && count <= 2 * RANK_MAX;
  for (int64_t i = 0; same && i < count; i++) {
    v[0][i] = number(x->model, p->model, name, i);
    v[1][i] = number(x->file, p->file, name, i);
  }
  if (same && memcmp(v[0], v[1], sizeof v[0]) == 0) return true;
  return err_set(x->err, "%s of its layer \"%s\" is %s, of the model's \"%s\" %s: %s",
                 attr_text(name), p->file->name,
                 same ? shape_text(x->arena, count, v[1]) : "another list", p->model->name,
                 same ? shape_text(x->arena, count, v[0]) : "has another length", remedy);
}

static bool same_real(struct match *x, const struct into_pair *p, enum attr_name name) {
  double usual_real = name == ATTR_alpha ? 1 : 0;
  double m = node_real(p->model, name, usual_real), f = node_real(p->file, name, usual_real);
  return fabs(m - f) <= 1e-6 * (fabs(m) + fabs(f)) ||
         err_set(x->err, "%s of its layer \"%s\" is %g, of the model's \"%s\" %g: %s",
                 attr_text(name), p->file->name, f, p->model->name, m, remedy);
}

static const char *word(const struct node *n, enum attr_name name) {
  const struct attr *t = node_attr(n, name);
  return t ? t->text : "none"; // of gelu
}

static bool same_type(const struct attr *m, const struct attr *f) {
  return m && f && type_equal(&m->type, &f->type);
}

static bool same_attr(struct match *x, const struct into_pair *p, enum attr_name name) {
  const struct attr *m = node_attr(p->model, name), *f = node_attr(p->file, name);
  bool same = false;
  if ((!m && !f) || name == ATTR_epsilon || name == ATTR_momentum) return true;
  switch (attr_kind(name)) {
  case ATTR_INT:
  case ATTR_INTS:
    return same_ints(x, p, name);
  case ATTR_REAL:
    return same_real(x, p, name);
  case ATTR_TEXT:
    same = strcmp(word(p->model, name), word(p->file, name)) == 0;
    break;
  case ATTR_TYPE:
    same = same_type(m, f);
    break;
  case ATTR_TENSOR: // no layer of a float model has them
  case ATTR_VALUE:
  case ATTR_NODE:
    break;
  }
  return same || err_set(x->err, "%s of its layer \"%s\" and of the model's \"%s\" differ: %s",
                         attr_text(name), p->file->name, p->model->name, remedy);
}

// ---- nodes

static bool is_tensor(const struct graph *g, const struct node *n, uint32_t i) {
  return i < n->n_in && node_in(g, n, i)->init;
}

static bool same_shape(struct match *x, const struct into_pair *p, uint32_t i) {
  const struct value *m = node_in(x->model, p->model, i), *f = node_in(x->file, p->file, i);
  bool same =
      m->rank == f->rank && memcmp(m->shape, f->shape, (size_t)m->rank * sizeof *m->shape) == 0;
  return same || err_set(x->err,
                         "the weights of its layer \"%s\" are (%s), of the model's \"%s\" (%s), in "
                         "the order of a model.bin: %s",
                         p->file->name, shape_text(x->arena, f->rank, f->shape), p->model->name,
                         shape_text(x->arena, m->rank, m->shape), remedy);
}

static bool same_inputs(struct match *x, const struct into_pair *p) {
  uint32_t n = p->model->n_in > p->file->n_in ? p->model->n_in : p->file->n_in;
  bool turned = is_turned(x, p);
  for (uint32_t i = 0; i < n; i++) {
    uint32_t k = turned ? 1 - i : i;
    bool both = i < p->model->n_in && i < p->file->n_in,
         bias = i == 2 && op_is(p->file->op, TRAIT_WEIGHTS), m = is_tensor(x->model, p->model, i),
         f = is_tensor(x->file, p->file, i);
    if (!both && bias && (m || f)) continue; // one of them has it
    if (!both || m != f || p->model->in[i].delay != p->file->in[k].delay)
      return different(x, p->model->out[0], p->file->out[0]);
    if (m ? !same_shape(x, p, i) : !meet(x, p->model->in[i].value, p->file->in[k].value))
      return false;
  }
  return true;
}

static bool same_nodes(struct match *x, uint32_t file) {
  const struct value *f = &x->file->values[file], *m = &x->model->values[x->of[file] - 1];
  struct into_pair p = {&x->model->nodes[m->node], &x->file->nodes[f->node]};
  if (p.model->op != p.file->op) return different(x, x->of[file] - 1, file);
  attr_set takes = op_info(p.file->op)->required | op_info(p.file->op)->optional;
  if (!same_inputs(x, &p)) return false;
  for (int i = 0; i < ATTR_COUNT; i++)
    if (takes >> i & 1 && !same_attr(x, &p, (enum attr_name)i)) return false;
  x->pairs.list[x->pairs.count++] = p;
  return true;
}

bool into_match(struct arena *a, const struct graph *model, const struct graph *file,
                struct into_pairs *out, struct err *e) {
  struct match x = {.arena = a, .model = model, .file = file, .err = e};
  x.of = ARENA_NEW(a, uint32_t, file->n_values);
  x.todo = ARENA_NEW(a, uint32_t, file->n_values);
  x.pairs.list = ARENA_NEW(a, struct into_pair, file->n_values);
  x.model_print = prints(a, model);
  x.file_print = prints(a, file);
  if (model->n_outputs != file->n_outputs || model->n_inputs != file->n_inputs)
    return err_set(e, "it has %u inputs and %u outputs, the model %u and %u: %s", file->n_inputs,
                   file->n_outputs, model->n_inputs, model->n_outputs, remedy);
  for (uint32_t i = 0; i < file->n_outputs; i++)
    if (!meet(&x, before_host(model, model->outputs[i]), before_host(file, file->outputs[i])))
      return false;
  while (x.n_todo)
    if (!same_nodes(&x, x.todo[--x.n_todo])) return false;
  *out = x.pairs;
  return true;
}
