// SPDX-License-Identifier: Apache-2.0
#include "tests/net/helper_shrink.h"

#include "sw/base/file.h"
#include "sw/graph/interval.h"
#include "sw/graph/model.h"
#include "tests/net/helper_exact.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

// Elements from .. to - 1 of a layer's input or output.
struct part {
  int64_t from, to;
};

static struct part whole(const struct value *v) {
  return (struct part){0, value_elements(v)};
}

// The type of some channels.
static struct type type_part(const struct type *t, struct part p) {
  struct type part = *t;
  if (t->axis < 0) return part;
  part.channels = p.to - p.from;
  part.scale = t->scale + p.from;
  part.zero = t->zero ? t->zero + p.from : NULL;
  return part;
}

// Rows `out` and, of a matrix, columns `in` of a tensor.
static uint32_t tensor_part(struct graph *to, const struct value *v, struct part in,
                            struct part out) {
  int64_t shape[2] = {out.to - out.from, in.to - in.from}, columns = v->rank > 1 ? v->shape[1] : 1;
  struct tensor *t = tensor_new(to->arena, v->init->dtype, v->rank, shape);
  for (int64_t r = out.from; r < out.to; r++)
    for (int64_t c = v->rank > 1 ? in.from : 0; c < (v->rank > 1 ? in.to : 1); c++)
      tensor_set_int(
          t, (r - out.from) * (v->rank > 1 ? shape[1] : 1) + c - (v->rank > 1 ? in.from : 0),
          tensor_int(v->init, r * columns + c));
  return graph_add_tensor(to, v->name, t, type_part(&v->type, out));
}

static void copy_requants(struct graph *to, uint32_t node, const struct node *n, struct part out) {
  for (uint32_t i = 0; i < n->n_rq; i++) {
    const struct requant *rq = &n->rq[i];
    bool channels = rq->count > 1;
    graph_add_requant(to, node, channels ? out.to - out.from : 1,
                      rq->mul + (channels ? out.from : 0), rq->shift + (channels ? out.from : 0));
  }
}

// A graph of one node of another: the given parts of its input and output.
static struct graph *one_layer(struct arena *a, const struct graph *g, const struct node *n,
                               struct part in, struct part out) {
  struct graph *to = graph_new(a, "layer");
  const struct value *x = node_in(g, n, 0);
  uint32_t id = graph_add_value(to, x->name, 1, (int64_t[]){in.to - in.from}, x->type, true);
  graph_add_input(to, id, (struct source){0});
  uint32_t node = graph_add_node(to, n->op, n->name);
  graph_add_use(to, node, (struct use){id, 0, NONE});
  for (uint32_t i = 1; i < n->n_in; i++)
    graph_add_use(to, node, (struct use){tensor_part(to, node_in(g, n, i), in, out), 0, NONE});
  for (uint32_t i = 0; i < n->n_attr; i++) {
    struct attr *attr = graph_add_attr(to, node, n->attr[i].name);
    *attr = n->attr[i];
  }
  copy_requants(to, node, n, out);
  to->nodes[node].rounding = n->rounding;
  to->nodes[node].overflow = n->overflow;
  const struct value *y = node_out(g, n, 0);
  uint32_t result = graph_add_value(to, y->name, 1, (int64_t[]){out.to - out.from},
                                    type_part(&y->type, out), true);
  graph_add_out(to, node, result);
  graph_add_output(to, result);
  graph_ranges(to);
  return to;
}

// The frames' codes in a part of a value.
static int32_t *codes_part(struct arena *a, const int64_t *codes, int64_t frames, int64_t elements,
                           struct part p) {
  int32_t *part = ARENA_NEW(a, int32_t, frames * (p.to - p.from));
  for (int64_t f = 0; f < frames; f++)
    for (int64_t i = p.from; i < p.to; i++)
      part[f * (p.to - p.from) + i - p.from] = (int32_t)codes[f * elements + i];
  return part;
}

static bool is_better(const struct suspect *s, struct err *e, shrink_fails *fails, void *with) {
  return graph_verify(s->g, e) && fails(s, with);
}

// Whether a layer has one stream, of this frame, and else tensors.
static bool stands_alone(const struct graph *g, const struct node *n) {
  for (uint32_t k = 1; k < n->n_in; k++)
    if (!node_in(g, n, k)->init) return false;
  return !n->in[0].delay && op_info(n->op)->column != COLUMN_SHAPE;
}

// The first layer that fails alone, with what the chain before it gives.
static bool one_of_its_layers(struct arena *a, struct suspect *s, shrink_fails *fails, void *with) {
  int64_t **values = exact_run(a, s->g, s->frames, s->codes);
  for (uint32_t i = 0; s->g->n_nodes > 1 && i < s->g->n_nodes; i++) {
    const struct node *n = &s->g->nodes[i];
    const struct value *x = node_in(s->g, n, 0);
    struct err e = {0};
    if (!stands_alone(s->g, n)) continue;
    struct suspect one = *s;
    one.g = one_layer(a, s->g, n, whole(x), whole(node_out(s->g, n, 0)));
    one.codes = codes_part(a, values[n->in[0].value], s->frames, value_elements(x), whole(x));
    if (!is_better(&one, &e, fails, with)) continue;
    *s = one;
    return true;
  }
  return false;
}

static bool fewer_lanes(struct suspect *s, shrink_fails *fails, void *with) {
  for (int64_t lanes = 1; lanes < s->lanes; lanes++) {
    struct suspect less = *s;
    less.lanes = lanes;
    if (!fails(&less, with)) continue;
    *s = less;
    return true;
  }
  return false;
}

// Half `which` of the features: 0, 1 of the input, 2, 3 of the output. A pointwise layer has as
// many of the one as of the other.
static bool half(struct arena *a, struct suspect *s, int which, shrink_fails *fails, void *with) {
  const struct node *n = &s->g->nodes[0];
  struct part in = whole(node_in(s->g, n, 0)), out = whole(node_out(s->g, n, 0));
  struct part *cut = which < 2 ? &in : &out;
  int64_t all = in.to, middle = cut->to / 2;
  struct err e = {0};
  if (s->g->n_nodes > 1 || !stands_alone(s->g, n) || cut->to < 2 || (n->n_in == 1 && which > 1))
    return false;
  if (which % 2)
    cut->from = middle;
  else
    cut->to = middle;
  if (op_info(n->op)->column == COLUMN_POINTWISE) out = in;
  int64_t *codes = ARENA_NEW(a, int64_t, s->frames * all);
  for (int64_t i = 0; i < s->frames * all; i++) codes[i] = s->codes[i];
  struct suspect less = *s;
  less.g = one_layer(a, s->g, n, in, out);
  less.codes = codes_part(a, codes, s->frames, all, in);
  if (!is_better(&less, &e, fails, with)) return false;
  *s = less;
  return true;
}

struct suspect shrink(struct arena *a, struct suspect s, shrink_fails *fails, void *with) {
  one_of_its_layers(a, &s, fails, with);
  for (bool smaller = true; smaller;) {
    smaller = fewer_lanes(&s, fails, with);
    for (int which = 0; which < 4; which++) smaller |= half(a, &s, which, fails, with);
  }
  return s;
}

// ---- writing

enum { NPY_HEADER = 118 }; // with what comes before it 128 bytes, as the format wants

// The numbers for which the codes stand, which nngen turns into the same codes again.
static void put_frames(struct text *t, const struct suspect *s, const struct value *x) {
  for (int64_t i = 0; i < s->frames * value_elements(x); i++) {
    float v = (float)((s->codes[i] - type_zero(&x->type, 0)) * type_scale(&x->type, 0));
    uint32_t bits;
    if (type_encode(&x->type, (double)v) != s->codes[i])
      fail_msg("code %d of %s: no float stands for it", s->codes[i], x->name);
    memcpy(&bits, &v, sizeof bits);
    for (int shift = 0; shift < 32; shift += 8) text_put(t, &(char){(char)(bits >> shift)}, 1);
  }
}

static void write_frames(struct arena *a, const struct suspect *s, const char *path) {
  const struct value *x = &s->g->values[s->g->inputs[0].value];
  struct text t = {0};
  struct err e = {0};
  text_put(&t, "\x93NUMPY\1\0", 8);
  text_put(&t, (char[]){NPY_HEADER, 0}, 2);
  const char *header =
      arena_printf(a, "{'descr': '<f4', 'fortran_order': False, 'shape': (%lld, %lld), }",
                   (long long)s->frames, (long long)value_elements(x));
  text_printf(&t, "%-*s\n", NPY_HEADER - 1, header);
  put_frames(&t, s, x);
  if (!file_write(path, t.data, t.size, &e)) fail_msg("%s", e.text);
  text_free(&t);
}

const char *suspect_write(struct arena *a, const struct suspect *s, const char *stem,
                          const char *program) {
  struct err e = {0};
  const char *model = arena_printf(a, "%s.bin", stem), *frames = arena_printf(a, "%s.npy", stem);
  if (!model_write(model, s->g, &e)) fail_msg("%s", e.text);
  write_frames(a, s, frames);
  return arena_printf(a, "%s sim --simulator icarus -j %lld --images %lld --data %s -o %s.sim %s",
                      program, (long long)s->lanes, (long long)s->frames, frames, stem, model);
}
