// SPDX-License-Identifier: Apache-2.0
#include "sw/graph/gradient.h"

#include <string.h>

uint32_t gradient_reads(const struct node *of, uint32_t k, int reads[GRADIENT_READS_MAX]) {
  unsigned all = op_gradient_reads(of->op, k);
  uint32_t n = 0;
  for (uint32_t i = 0; i < of->n_in && i < INPUTS_MAX; i++)
    if (all >> i & 1) reads[n++] = (int)i;
  if (all & GRADIENT_OUTPUT) reads[n++] = NONE;
  return n;
}

bool gradient_of(const struct graph *g, const struct node *n, struct gradient *out, struct err *e) {
  uint32_t id = node_attr(n, ATTR_of)->value;
  int64_t input = node_int(n, ATTR_input, 0);
  if (id >= g->n_nodes || &g->nodes[id] >= n) return err_set(e, "of: it isn't an earlier node");
  *out = (struct gradient){.of = &g->nodes[id]};
  const char *why = op_no_gradient(out->of->op);
  if (why)
    return err_set(e, "of: %s \"%s\" has no gradient: %s", op_info(out->of->op)->name,
                   out->of->name, why);
  if (input < 0 || input >= out->of->n_in)
    return err_set(e, "input: %lld, \"%s\" has %u inputs", (long long)input, out->of->name,
                   out->of->n_in);
  out->input = (uint32_t)input;
  out->n_reads = gradient_reads(out->of, out->input, out->reads);
  return true;
}

// The slice of a gradient node, in the space of the earlier node.
static bool part_of(const struct graph *g, const struct node *n, const struct gradient *d,
                    struct space *s, struct slice *slice, struct err *e) {
  if (!space_of(g, d->of, s, e) || !slice_of(n, s, slice, e)) return false;
  if (!slice->ranges) return true;
  if (node_attr(d->of, ATTR_slice)) return err_set(e, "slice: \"%s\" is a slice", d->of->name);
  return axis_dimension(s, slice->axis, d->input) != NONE ||
         err_set(e, "slice: axis %d isn't one of input %u of \"%s\"", slice->axis, d->input,
                 d->of->name);
}

static int64_t kept(const struct slice *slice, const struct space *s) {
  return slice_size(slice, s, slice->axis);
}

bool gradient_shape(const struct graph *g, const struct node *n, int *rank, int64_t shape[RANK_MAX],
                    struct err *e) {
  struct gradient d;
  struct space s;
  struct slice slice;
  if (!gradient_of(g, n, &d, e) || !part_of(g, n, &d, &s, &slice, e)) return false;
  const struct value *x = node_in(g, d.of, d.input);
  *rank = x->rank;
  memcpy(shape, x->shape, sizeof x->shape);
  if (slice.ranges) shape[axis_dimension(&s, slice.axis, d.input)] = kept(&slice, &s);
  return true;
}

static bool same(const struct value *v, const struct value *like, int rank, const int64_t *shape,
                 struct err *e) {
  bool equal = v->rank == rank && v->per_frame == like->per_frame && type_is_real(&v->type);
  for (int d = 0; equal && d < rank; d++) equal = v->shape[d] == shape[d];
  return equal || err_set(e, "\"%s\" isn't like \"%s\"", v->name, like->name);
}

bool gradient_verify(const struct graph *g, const struct node *n, struct err *e) {
  struct gradient d;
  struct space s;
  struct slice slice;
  if (!gradient_of(g, n, &d, e) || !part_of(g, n, &d, &s, &slice, e)) return false;
  if (n->n_in != 1 + d.n_reads)
    return err_set(e, "%u inputs, the gradient of input %u of %s reads %u", n->n_in, d.input,
                   op_info(d.of->op)->name, 1 + d.n_reads);
  const struct value *of = node_out(g, d.of, 0);
  if (!same(node_in(g, n, 0), of, of->rank, of->shape, e)) return false;
  for (uint32_t i = 0; i < d.n_reads; i++) {
    const struct value *like =
        d.reads[i] == NONE ? node_out(g, d.of, 0) : node_in(g, d.of, (uint32_t)d.reads[i]);
    if (!same(node_in(g, n, i + 1), like, like->rank, like->shape, e)) return false;
  }
  const struct value *y = node_out(g, n, 0);
  return same(y, node_in(g, d.of, d.input), y->rank, y->shape, e);
}
