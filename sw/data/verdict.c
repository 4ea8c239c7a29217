// SPDX-License-Identifier: Apache-2.0
#include "sw/data/verdict.h"

#include "sw/data/array.h"

#include <math.h>
#include <string.h>

// ---- from the graph

// Whether a node gives what it reads under another shape or type, or rounded as it trains.
static bool passes(const struct node *n) {
  bool rounds = op_is(n->op, TRAIT_STATISTICS) && !op_is(n->op, TRAIT_AVERAGES);
  return rounds || op_is(n->op, TRAIT_ALIAS | TRAIT_CASTS);
}

// The node that made a value, behind those.
static const struct node *maker(const struct graph *g, const struct value *v) {
  while (v->node != NONE) {
    const struct node *n = &g->nodes[v->node];
    if (!passes(n)) return n;
    v = node_in(g, n, 0);
  }
  return NULL;
}

// Where a single output changes from class 0 to class 1; NAN if its kind has no such place.
static double threshold_of(const struct node *n, const struct type *t) {
  static const struct {
    bool there;
    double value;
  } thresholds[OP_COUNT] = {
#define THRESHOLD(kind, value) [OP_##kind] = {true, value},
#include "sw/data/thresholds.def"
#undef THRESHOLD
  };
  if (type_is_bipolar(t)) return 0;
  return n && thresholds[n->op].there ? thresholds[n->op].value : NAN;
}

// Whether v is `value` itself, under another shape, name or type.
static bool is_value(const struct graph *g, uint32_t v, uint32_t value) {
  while (v != value && g->values[v].node != NONE) {
    const struct node *n = &g->nodes[g->values[v].node];
    if (!op_is(n->op, TRAIT_ALIAS | TRAIT_CASTS)) return false;
    v = n->in[0].value;
  }
  return v == value;
}

// A sum of distances is least where they are.
static bool gives_distances(const struct graph *g, const struct node *n) {
  while (n && op_is(n->op, TRAIT_SUMS)) n = maker(g, node_in(g, n, 0));
  return n && op_is(n->op, TRAIT_LEAST);
}

// Whether the class is the least element: what chooses among them says so, else what made them.
static bool least(const struct graph *g, uint32_t value, const struct node *made_by) {
  for (uint32_t i = 0; i < g->n_nodes; i++) {
    const struct node *n = &g->nodes[i];
    if (op_is(n->op, TRAIT_INDEX | TRAIT_HOST) && is_value(g, n->in[0].value, value))
      return op_is(n->op, TRAIT_LEAST);
  }
  return gives_distances(g, made_by);
}

struct verdict verdict_of_value(const struct graph *g, uint32_t value) {
  const struct value *y = &g->values[value];
  const struct node *n = maker(g, y);
  struct verdict v = {
      .value = value, .name = y->name, .elements = value_elements(y), .type = &y->type, .inner = 1};
  for (int d = y->type.axis + 1; y->type.axis >= 0 && d < y->rank; d++) v.inner *= y->shape[d];
  bool index = n && op_is(n->op, TRAIT_INDEX) && node_out(g, n, 0) == y;
  if (!y->per_frame) {
    v.kind = VERDICT_NONE; // of all frames of a step
  } else if (index) {
    v.kind = v.elements == y->shape[y->rank - 1] ? VERDICT_INDEX : VERDICT_NONE; // of one row
  } else if (v.elements > 1) {
    v.kind = least(g, value, n) ? VERDICT_LEAST : VERDICT_LARGEST;
  } else {
    v.threshold = threshold_of(n, &y->type);
    v.kind = isnan(v.threshold) ? VERDICT_NONE : VERDICT_THRESHOLD;
    v.linear = n && op_is(n->op, TRAIT_WEIGHTS) && !type_is_bipolar(&y->type);
  }
  return v;
}

struct verdict verdict_of(const struct graph *g) {
  for (uint32_t i = 0; i < g->n_outputs; i++) {
    struct verdict v = verdict_of_value(g, g->outputs[i]);
    if (v.kind != VERDICT_NONE) return v;
  }
  return verdict_of_value(g, g->outputs[0]);
}

// ---- labels

static int64_t columns(const struct images *set) {
  return set->answers ? set->answers->elements / set->answers->shape[0] : 1;
}

// The column of the only 1 of a row whose other numbers are 0, or -1.
static int64_t hot(const struct array *v, int64_t row, int64_t width) {
  int64_t at = -1;
  for (int64_t c = 0; c < width; c++) {
    double x = array_real(v, row * width + c);
    if (x == 1 && at < 0)
      at = c;
    else if (x != 0)
      return -1;
  }
  return at;
}

static const int32_t *one_hot(struct arena *a, const struct images *set, int64_t width) {
  int32_t *classes = ARENA_NEW(a, int32_t, set->count);
  for (int64_t i = 0; i < set->count; i++) {
    int64_t class = hot(set->answers, i, width);
    if (class < 0) return NULL;
    classes[i] = (int32_t) class;
  }
  return classes;
}

// Labels of a single output as 0 and 1.
static const int32_t *two_classes(struct arena *a, const struct verdict *v,
                                  const struct images *set) {
  int32_t *classes = ARENA_NEW(a, int32_t, set->count);
  bool negative = false, zero = false;
  if (v->linear && set->answers && !array_is_integer(set->answers)) return NULL;
  for (int64_t i = 0; i < set->count; i++) {
    if (set->labels[i] < -1 || set->labels[i] > 1) return NULL;
    negative |= set->labels[i] == -1;
    zero |= set->labels[i] == 0;
    classes[i] = set->labels[i] == 1;
  }
  return negative && (zero || v->threshold != 0) ? NULL : classes;
}

static const int32_t *classes_of(struct arena *a, const struct verdict *v,
                                 const struct images *set) {
  int64_t width = columns(set);
  bool single = v->kind == VERDICT_THRESHOLD;
  if (v->kind == VERDICT_NONE) return NULL;
  if (width > 1)
    return v->kind == VERDICT_INDEX || width == (single ? 2 : v->elements) ? one_hot(a, set, width)
                                                                           : NULL;
  if (!set->labels) return NULL;
  return single ? two_classes(a, v, set) : set->labels;
}

static const double *targets_of(struct arena *a, const struct verdict *v,
                                const struct images *set) {
  double *targets = ARENA_NEW(a, double, set->count * v->elements);
  for (int64_t i = 0; i < set->count * v->elements; i++)
    targets[i] = set->answers ? array_real(set->answers, i) : set->labels[i];
  return targets;
}

bool verdict_answers(struct arena *a, const struct verdict *v, const struct images *set,
                     struct answers *out, struct err *e) {
  *out = (struct answers){0};
  if (!set->has_labels) return true;
  bool real = set->answers && !array_is_integer(set->answers);
  const char *name = set->labels_name ? set->labels_name : set->name;
  out->classes = classes_of(a, v, set);
  for (int64_t i = 0; verdict_compares(v) && out->classes && i < set->count; i++)
    if (out->classes[i] < 0 || out->classes[i] >= v->elements)
      return err_set(e, "%s: label %d of image %lld, the model has %lld classes, from 0 on", name,
                     out->classes[i], (long long)i, (long long)v->elements);
  if (v->kind == VERDICT_THRESHOLD && !v->linear && !real && columns(set) == 1 && !out->classes)
    return err_set(e,
                   "%s: whole numbers that output \"%s\" has no classes for, expected 0 and 1%s; "
                   "floats are targets",
                   name, v->name, v->threshold == 0 ? ", or -1 and 1" : "");
  bool targets = v->kind != VERDICT_INDEX && columns(set) == v->elements;
  if (targets && (!out->classes || (real && v->elements == 1)))
    out->targets = targets_of(a, v, set);
  if (out->classes || out->targets) return true;
  if (!real && columns(set) == 1 && !set->labels)
    return err_set(e, "%s: whole numbers beyond 2^31 are no classes; floats are targets", name);
  return err_set(e,
                 "%s: labels of %lld numbers per image, output \"%s\" has %lld elements: expected "
                 "a class per image as a whole number, one column per class with a single 1, or a "
                 "target for each element",
                 name, (long long)columns(set), v->name, (long long)v->elements);
}

// ---- judging

int64_t verdict_class(const struct verdict *v, const double *y) {
  int64_t best = 0;
  if (v->kind == VERDICT_INDEX) return (int64_t)y[0];
  if (v->kind == VERDICT_THRESHOLD) return y[0] > v->threshold;
  for (int64_t k = 1; k < v->elements; k++)
    if (v->kind == VERDICT_LEAST ? y[k] < y[best] : y[k] > y[best]) best = k;
  return best;
}

double verdict_margin(const struct verdict *v, const double *y) {
  double best = -INFINITY, second = -INFINITY;
  for (int64_t k = 0; k < v->elements; k++) {
    double x = v->kind == VERDICT_LEAST ? -y[k] : y[k];
    second = fmax(second, fmin(best, x));
    best = fmax(best, x);
  }
  return best - second;
}

void verdict_reals(const struct verdict *v, const int32_t *codes, double *y) {
  for (int64_t k = 0; k < v->elements; k++) {
    int64_t c = v->type->axis < 0 ? 0 : k / v->inner % v->type->channels;
    y[k] = type_value(v->type, c, type_code(v->type, codes[k]));
  }
}

void verdict_judge(const struct verdict *v, const struct answers *l, int64_t image, const double *y,
                   struct score *s) {
  s->images++;
  if (l->classes) s->correct += verdict_class(v, y) == l->classes[image];
  for (int64_t k = 0; l->targets && k < v->elements; k++) {
    double d = y[k] - l->targets[image * v->elements + k];
    s->absolute += fabs(d);
    s->squared += d * d;
  }
}

void verdict_judge_codes(const struct verdict *v, const struct answers *l, int64_t image,
                         const int32_t *codes, struct score *s) {
  enum { FEW = 64 };
  double few[FEW];
  struct arena a = {0};
  double *y = v->elements <= FEW ? few : ARENA_NEW(&a, double, v->elements);
  verdict_reals(v, codes, y);
  verdict_judge(v, l, image, y, s);
  arena_free(&a);
}

double verdict_mae(const struct verdict *v, const struct answers *l, const struct score *s) {
  return l->targets && s->images ? s->absolute / (double)(s->images * v->elements) : NAN;
}

double verdict_r2(const struct verdict *v, const struct answers *l, const struct score *s) {
  double spread = 0;
  for (int64_t k = 0; l->targets && k < v->elements; k++) {
    double mean = 0;
    for (int64_t i = 0; i < s->images; i++) mean += l->targets[i * v->elements + k];
    mean /= (double)s->images;
    for (int64_t i = 0; i < s->images; i++) {
      double d = l->targets[i * v->elements + k] - mean;
      spread += d * d;
    }
  }
  return spread > 0 ? 1 - s->squared / spread : NAN;
}
