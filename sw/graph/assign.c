// SPDX-License-Identifier: Apache-2.0
#include "sw/graph/assign.h"

#include <string.h>

enum { G = EXECUTOR_GOLDEN, R = EXECUTOR_REAL };

static const struct assign_info infos[ASSIGN_COUNT] = {
#define A(name) ((attr_set)1 << ATTR_##name)
#define ASSIGN(name, refs, inputs, required, group, executors)                                     \
  {#name, refs, inputs, required, group, executors},
#include "sw/graph/assign.def"
#undef ASSIGN
#undef A
};

const struct assign_info *assign_info(enum assign f) {
  return &infos[f];
}

int assign_find(const char *name) {
  for (int i = 0; i < ASSIGN_COUNT; i++)
    if (strcmp(infos[i].name, name) == 0) return i;
  return NONE;
}

enum assign assign_of(const struct node *n) {
  return (enum assign)assign_find(node_attr(n, ATTR_function)->text);
}

const struct value *assign_held(const struct graph *g, const struct node *n, uint32_t i) {
  const struct node *variable = &g->nodes[g->values[n->ref[i]].node];
  return &g->values[node_attr(variable, ATTR_init)->value];
}

// ---- what is updated

// The dimensions of the variable, as axes that a slice may restrict.
static struct space space_of_variable(const struct value *held) {
  struct space s = {.axes = held->rank};
  for (int d = 0; d < held->rank; d++) s.size[d] = held->shape[d];
  return s;
}

static bool slice_of_assign(const struct graph *g, const struct node *n, struct slice *slice,
                            struct err *e) {
  struct space s = space_of_variable(assign_held(g, n, 0));
  return slice_of(n, &s, slice, e);
}

struct assign_runs assign_runs(const struct graph *g, const struct node *n) {
  const struct value *held = assign_held(g, n, 0);
  struct assign_runs r = {.outer = 1, .inner = value_elements(held), .size = 1};
  struct err e = {0};
  slice_of_assign(g, n, &r.slice, &e);
  if (!r.slice.ranges) return r;
  int axis = r.slice.axis;
  r.outer = shape_elements(axis, held->shape);
  r.inner = shape_elements(held->rank - axis - 1, held->shape + axis + 1);
  r.size = held->shape[axis];
  return r;
}

bool assign_run(const struct assign_runs *runs, int64_t r, int64_t *from, int64_t *length) {
  int64_t ranges = runs->slice.ranges ? runs->slice.ranges : 1;
  if (r >= runs->outer * ranges) return false;
  const int64_t *range = runs->slice.ranges ? runs->slice.range + r % ranges * 2 : NULL;
  int64_t begin = range ? range[0] : 0, end = range ? range[1] : 1;
  *from = (r / ranges * runs->size + begin) * runs->inner;
  *length = (end - begin) * runs->inner;
  return true;
}

static int64_t updated_elements(const struct graph *g, const struct node *n) {
  struct assign_runs runs = assign_runs(g, n);
  int64_t total = 0, from, length;
  for (int64_t r = 0; assign_run(&runs, r, &from, &length); r++) total += length;
  return total;
}

// ---- checking

static bool check_counts(const struct node *n, const struct assign_info *f, struct err *e) {
  if (n->n_ref != f->refs)
    return err_set(e, "assign function \"%s\" needs %u references, found %u", f->name, f->refs,
                   n->n_ref);
  if (n->n_in != f->inputs)
    return err_set(e, "assign function \"%s\" takes %u inputs, found %u", f->name, f->inputs,
                   n->n_in);
  for (int a = 0; a < ATTR_COUNT; a++) {
    bool there = node_attr(n, (enum attr_name)a) != NULL, wanted = f->required >> a & 1;
    bool general = a == ATTR_function || a == ATTR_slice || (a == ATTR_decay && f->inputs > 1);
    if (wanted && !there)
      return err_set(e, "assign function \"%s\" needs attribute \"%s\"", f->name,
                     attr_text((enum attr_name)a));
    if (there && !wanted && !general)
      return err_set(e, "attribute \"%s\" doesn't belong to assign function \"%s\"",
                     attr_text((enum attr_name)a), f->name);
  }
  return true;
}

static bool check_owned(const struct graph *g, const struct node *n, struct err *e) {
  for (uint32_t i = 1; i < n->n_ref; i++)
    for (uint32_t k = 0; k < i; k++)
      if (n->ref[i] == n->ref[k])
        return err_set(e, "owns variable \"%s\" twice", g->values[n->ref[i]].name);
  return true;
}

static bool check_sizes(const struct graph *g, const struct node *n, const struct assign_info *f,
                        struct err *e) {
  int64_t wanted = updated_elements(g, n);
  const struct value *t = node_in(g, n, n->n_in - 1);
  if (value_elements(t) != (strcmp(f->name, "scale") == 0 ? 1 : wanted))
    return err_set(e, "assigns %lld elements to a variable of %lld", (long long)value_elements(t),
                   (long long)wanted);
  for (uint32_t i = 0; i + 1 < n->n_in; i++)
    if (value_elements(node_in(g, n, i)) != 1)
      return err_set(e, "assign function \"%s\" takes one factor, found %lld", f->name,
                     (long long)value_elements(node_in(g, n, i)));
  for (uint32_t i = 1; i < n->n_ref; i++)
    if (value_elements(assign_held(g, n, i)) != wanted)
      return err_set(e, "assign function \"%s\" remembers %lld elements for %lld", f->name,
                     (long long)value_elements(assign_held(g, n, i)), (long long)wanted);
  return true;
}

static bool check_classes(const struct graph *g, const struct node *n, const struct assign_info *f,
                          struct err *e) {
  bool real = type_is_real(&assign_held(g, n, 0)->type);
  for (uint32_t i = 0; i < n->n_in; i++)
    if ((type_is_real(&node_in(g, n, i)->type)) != real)
      return err_set(e, "input \"%s\" is %s, the variable isn't", node_in(g, n, i)->name,
                     real ? "of integers" : "real");
  for (uint32_t i = 1; i < n->n_ref; i++)
    if ((type_is_real(&assign_held(g, n, i)->type)) != real)
      return err_set(e, "variable \"%s\" isn't of the class of \"%s\"", g->values[n->ref[i]].name,
                     g->values[n->ref[0]].name);
  if (!(f->executors & (real ? EXECUTOR_REAL : EXECUTOR_GOLDEN)))
    return err_set(e, "assign function \"%s\" is defined for floats only", f->name);
  if (real && n->n_rq) return err_set(e, "requant: a real node has none");
  return true;
}

bool assign_verify(const struct graph *g, const struct node *n, struct err *e) {
  const char *name = node_attr(n, ATTR_function)->text;
  int function = assign_find(name);
  struct slice slice;
  if (function == NONE) return err_set(e, "assign has no function \"%s\"", name);
  const struct assign_info *f = assign_info((enum assign)function);
  return check_counts(n, f, e) && check_owned(g, n, e) && slice_of_assign(g, n, &slice, e) &&
         check_sizes(g, n, f, e) && check_classes(g, n, f, e);
}
