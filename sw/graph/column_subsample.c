// SPDX-License-Identifier: Apache-2.0
// subsample: the sum over a window of each channel times the channel's one weight, plus its bias
// (the sub-sampling of LeCun et al., "Gradient-based learning applied to document recognition",
// 1998):
//
//   y[oy][ox][c] = b[c] + w[c] * sum over ky, kx of x[oy * stride + ky * dilation - top][...][c]
#include "sw/graph/subsample.h"

#include "sw/graph/column.h"

static bool check_channels(const struct value *v, const char *what, int64_t channels,
                           struct err *e) {
  return (v->rank == 1 && v->shape[0] == channels) ||
         err_set(e, "the %s has %lld elements of rank %d, expected (%lld), one for each channel",
                 what, (long long)value_elements(v), v->rank, (long long)channels);
}

bool subsample_of(const struct graph *g, const struct node *n, struct window *w, struct err *e) {
  const struct value *b = node_in(g, n, 2);
  return window_of_image(g, n, w, e) &&
         check_channels(node_in(g, n, 1), "weight", w->channels, e) &&
         (!b || check_channels(b, "bias", w->channels, e));
}

static bool subsample_space(const struct graph *g, const struct node *n, struct space *s,
                            struct err *e) {
  struct window w;
  if (!subsample_of(g, n, &w, e)) return false;
  space_window(s, &w, w.channels);
  space_term(s, 0, w.axes, w.axes, 1);
  space_term(s, 1, 0, w.axes, 1);
  if (node_in(g, n, 2)) space_term(s, 2, 0, w.axes, 1);
  return true;
}

static bool subsample_pads(const void *context, int64_t tap) {
  const struct window *w = context;
  return window_pads(w, ROWS, tap / w->kernel[COLUMNS]) ||
         window_pads(w, COLUMNS, tap % w->kernel[COLUMNS]);
}

// What lies beside the image counts as 0, which one of signs doesn't have.
static bool check_beside(const struct graph *g, const struct node *n, struct err *e) {
  const struct value *x = node_in(g, n, 0);
  struct window w;
  if (!subsample_of(g, n, &w, e)) return false;
  for (int64_t k = 0; type_is_bipolar(&x->type) && k < w.kernel[ROWS] * w.kernel[COLUMNS]; k++)
    if (subsample_pads(&w, k))
      return err_set(e, "a window reaches beyond \"%s\", which is bipolar and has no 0 to pad with",
                     x->name);
  return true;
}

static bool subsample_types(const struct graph *g, const struct node *n, struct err *e) {
  return check_whole_windows(g, n, e) && check_beside(g, n, e) && check_weighted(g, n, e);
}

static struct interval subsample_acc(const struct graph *g, const struct node *n, enum known known,
                                     int64_t channel) {
  struct window w;
  struct err e = {0};
  if (!subsample_of(g, n, &w, &e)) return (struct interval){0, 0};
  struct weights weights = subsample_weights(g, n, &w);
  return weighted_acc(g, n, known, &weights, channel, subsample_pads, &w);
}

const struct graph_column column_subsample = {.space = subsample_space,
                                              .types = subsample_types,
                                              .real_types = check_whole_windows,
                                              .acc = subsample_acc,
                                              .acc_scale = weighted_scale,
                                              .channels_differ = true,
                                              .witness = weighted_witness,
                                              .range = weighted_range};
