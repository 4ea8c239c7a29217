// SPDX-License-Identifier: Apache-2.0
// The mean and deviation that a recipe takes from the data. Bytes have them in the input's source;
// numbers enter as they are, and get a batch_norm in front of the network whose constants they are.
#include "sw/data/measure.h"
#include "sw/pass/copy.h"
#include "sw/train/recipe.h"

#include <math.h>
#include <string.h>

// Mean and deviation of each channel, (channels).
struct measured {
  int64_t channels;
  double *mean, *std;
};

static bool can_divide(const char *set, const struct measured *m, struct err *e) {
  for (int64_t c = 0; c < m->channels; c++)
    if (!(isfinite(m->mean[c]) && isfinite(m->std[c]) && m->std[c] > 0))
      return err_set(e,
                     "%s: input: mean %g, std %g of channel %lld: nothing can be divided by it; "
                     "give a number in place of \"data\"",
                     set, m->mean[c], m->std[c], (long long)c);
  return true;
}

// What was given stays.
static struct measured measure(struct arena *a, const struct recipe *r, const struct source *given,
                               const struct images *set, int64_t count, int64_t channels) {
  struct measured m = {channels, ARENA_NEW(a, double, channels), ARENA_NEW(a, double, channels)};
  images_measure(set, count, channels, m.mean, m.std);
  for (int64_t c = 0; c < channels; c++) {
    if (!r->mean_measured) m.mean[c] = given->mean[given->channels > 1 ? c : 0];
    if (!r->std_measured) m.std[c] = given->std[given->channels > 1 ? c : 0];
  }
  return m;
}

static const char *const norm_tensors[] = {RECIPE_NORM ".gamma", RECIPE_NORM ".beta",
                                           RECIPE_NORM ".mean", RECIPE_NORM ".variance"};
enum { NORM_TENSORS = 4 };

// The kind that normalises: what has averages.
static enum op norm_kind(void) {
  int op = 0;
  while (!op_is((enum op)op, TRAIT_AVERAGES)) op++;
  return (enum op)op;
}

// (x - mean) / std as gamma x + beta.
static void add_norm(struct graph_copy *c, uint32_t image, const struct measured *m) {
  struct graph *g = c->to;
  struct value x = g->values[c->value[image]];
  int64_t channels = x.shape[x.rank - 1];
  uint32_t node = graph_add_node(g, norm_kind(), RECIPE_NORM);
  graph_add_use(g, node, (struct use){(uint32_t)c->value[image], 0, NONE});
  for (int k = 0; k < NORM_TENSORS; k++) {
    struct tensor *t = tensor_new(g->arena, DTYPE_F32, 1, &channels);
    for (int64_t i = 0; i < channels; i++) {
      double mean = m->mean[m->channels > 1 ? i : 0], std = m->std[m->channels > 1 ? i : 0];
      const double numbers[] = {1 / std, -mean / std, 0, 1};
      ((float *)t->data)[i] = (float)numbers[k];
    }
    uint32_t tensor = graph_add_tensor(g, norm_tensors[k], t, type_real());
    graph_add_use(g, node, (struct use){tensor, 0, NONE});
  }
  graph_add_real(g, node, ATTR_epsilon, 0);
  uint32_t out = graph_add_value(g, RECIPE_NORM, x.rank, x.shape, type_real(), true);
  graph_add_out(g, node, out);
  c->value[image] = (int32_t)out;
}

static struct graph *with_norm(struct arena *a, const struct graph *g, const struct measured *m) {
  struct graph_copy c = copy_new(a, g);
  copy_inputs(&c);
  add_norm(&c, g->inputs[0].value, m);
  for (uint32_t i = 0; i < g->n_nodes; i++) {
    uint32_t node = copy_node(&c, &g->nodes[i], g->nodes[i].name);
    copy_outputs(&c, &g->nodes[i], node);
  }
  copy_graph_outputs(&c);
  return c.to;
}

bool recipe_measure(struct arena *a, struct recipe *r, const struct images *set, int64_t count,
                    struct err *e) {
  struct graph *g = r->model;
  if (!r->mean_measured && !r->std_measured) return true;
  struct source *s = &g->inputs[0].source;
  const struct value *x = &g->values[g->inputs[0].value];
  if (!images_fit(set, g, e)) return false;
  struct measured m = measure(a, r, s, set, count, r->per_channel ? x->shape[x->rank - 1] : 1);
  if (!can_divide(set->name, &m, e)) return false;
  r->mean_measured = r->std_measured = false;
  if (set->pixels) {
    s->channels = m.channels;
    s->mean = m.mean;
    s->std = m.std;
    return true;
  }
  r->model = with_norm(a, g, &m);
  const char **fixed = ARENA_NEW(a, const char *, r->n_fixed + NORM_TENSORS);
  memcpy(fixed, r->fixed, r->n_fixed * sizeof *fixed);
  memcpy(fixed + r->n_fixed, norm_tensors, sizeof norm_tensors);
  r->fixed = fixed;
  r->n_fixed += NORM_TENSORS;
  return graph_verify(r->model, e);
}
