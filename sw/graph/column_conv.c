// SPDX-License-Identifier: Apache-2.0
// conv1d, conv2d: a linear layer over the window of each output pixel. Of `groups` groups of output
// channels each sees as many of the input's:
//
//   y[oy][ox][o] = b[o] + sum over ky, kx, i of w[o][ky][kx][i] *
//                  x[oy * stride + ky * dilation - top][...][g * I + i],  g = o / (OC / groups)
#include "sw/graph/column.h"
#include "sw/graph/conv.h"
#include "sw/graph/weights.h"

bool conv_of(const struct graph *g, const struct node *n, struct conv *c, struct err *e) {
  const struct value *x = node_in(g, n, 0), *w = node_in(g, n, 1), *b = node_in(g, n, 2);
  int rank = n->op == OP_conv1d ? 2 : 3;
  if (x->rank != rank || w->rank != rank + 1)
    return err_set(e, "expected an image %s and weights %s, found ranks %d and %d",
                   rank == 2 ? "(L, C)" : "(H, W, C)", rank == 2 ? "(OC, K, I)" : "(OC, KH, KW, I)",
                   x->rank, w->rank);
  if (!window_of(g, n, w->shape + 1, &c->window, e)) return false;
  c->outs = w->shape[0];
  c->groups = node_int(n, ATTR_groups, 1);
  if (c->groups < 1 || c->window.channels % c->groups || c->outs % c->groups)
    return err_set(e, "groups: %lld, which must divide %lld channels in and %lld out",
                   (long long)c->groups, (long long)c->window.channels, (long long)c->outs);
  c->ins = c->window.channels / c->groups;
  if (w->shape[rank] != c->ins)
    return err_set(e, "the weights expect %lld channels, a group of the image has %lld",
                   (long long)w->shape[rank], (long long)c->ins);
  if (b && (b->rank != 1 || b->shape[0] != c->outs))
    return err_set(e, "the bias has %lld elements of rank %d, expected (%lld)",
                   (long long)value_elements(b), b->rank, (long long)c->outs);
  return true;
}

// With groups a channel of the image is no form of the axes; then all are needed.
static bool conv_space(const struct graph *g, const struct node *n, struct space *s,
                       struct err *e) {
  struct conv c;
  if (!conv_of(g, n, &c, e)) return false;
  int axes = c.window.axes;
  space_window(s, &c.window, c.outs);
  space_term(s, 1, 0, axes, 1);
  if (node_in(g, n, 2)) space_term(s, 2, 0, axes, 1);
  for (int d = 0; d < axes; d++) space_term(s, 1, 1 + d, axes + 1 + d, 1);
  int in = space_axis(s, c.ins, true);
  space_term(s, 1, 1 + axes, in, 1);
  if (c.groups == 1) space_term(s, 0, axes, in, 1);
  return true;
}

static bool conv_types(const struct graph *g, const struct node *n, struct err *e) {
  return check_padding(node_in(g, n, 0), n, e) && check_weighted(g, n, e);
}

static bool conv_pads(const void *context, int64_t tap) {
  const struct conv *c = context;
  int64_t k = tap / c->ins, columns = c->window.kernel[COLUMNS];
  return window_pads(&c->window, ROWS, k / columns) ||
         window_pads(&c->window, COLUMNS, k % columns);
}

static struct interval conv_acc(const struct graph *g, const struct node *n, enum known known,
                                int64_t o) {
  struct conv c;
  struct err e = {0};
  if (!conv_of(g, n, &c, &e)) return (struct interval){0, 0};
  struct weights w = weights_of(node_in(g, n, 1));
  return weighted_acc(g, n, known, &w, o, conv_pads, &c);
}

const struct graph_column column_conv = {.space = conv_space,
                                         .multiplies = true,
                                         .types = conv_types,
                                         .acc = conv_acc,
                                         .acc_scale = weighted_scale,
                                         .channels_differ = true,
                                         .witness = weighted_witness,
                                         .range = weighted_range};
