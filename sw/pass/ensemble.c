// SPDX-License-Identifier: Apache-2.0
#include "sw/pass/ensemble.h"

#include "sw/graph/interval.h"
#include "sw/pass/copy.h"

#include <math.h>
#include <string.h>

// ---- do they fit

static const char *shape_text(struct arena *a, const struct value *v) {
  const char *text = "";
  for (int d = 0; d < v->rank; d++)
    text = arena_printf(a, "%s%s%lld", text, d ? " x " : "", (long long)v->shape[d]);
  return text;
}

static bool same_shape(const struct value *a, const struct value *b) {
  return a->rank == b->rank && memcmp(a->shape, b->shape, (size_t)a->rank * sizeof *a->shape) == 0;
}

static double entry(const double *list, int64_t count, int64_t c) {
  return list[count > 1 ? c : 0];
}

// Pixels become the same numbers, arrays are read in the same order.
static bool same_source(const struct source *a, const struct source *b, int rank) {
  int64_t channels = a->channels > b->channels ? a->channels : b->channels;
  if (!a->channels != !b->channels) return false;
  for (int64_t c = 0; c < channels; c++)
    if (entry(a->mean, a->channels, c) != entry(b->mean, b->channels, c) ||
        entry(a->std, a->channels, c) != entry(b->std, b->channels, c))
      return false;
  for (int d = 0; d < rank; d++)
    if ((a->axes ? a->axes[d] : d) != (b->axes ? b->axes[d] : d)) return false;
  return true;
}

static bool check_alone(const struct graph *g, const char *file, struct err *e) {
  if (g->n_inputs != 1 || g->n_outputs != 1)
    return err_set(e, "%s: %u inputs and %u outputs, expected one of each", file, g->n_inputs,
                   g->n_outputs);
  const struct value *y = &g->values[g->outputs[0]];
  const struct node *n = y->node == NONE ? NULL : &g->nodes[y->node];
  if (!type_is_real(&g->values[g->inputs[0].value].type))
    return err_set(e, "%s: holds integers: put the float models together and quantise the whole",
                   file);
  if (!n || !y->per_frame)
    return err_set(e, "%s: output \"%s\" isn't made of the input", file, y->name);
  if (op_is(n->op, TRAIT_INDEX))
    return err_set(e,
                   "%s: layer \"%s\" is %s: indices can't be added; leave it out, what it "
                   "reads says the class anyway",
                   file, n->name, op_info(n->op)->name);
  if (op_is(n->op, TRAIT_HOST) && n->where == WHERE_HOST)
    return err_set(e,
                   "%s: layer \"%s\" is %s, which is computed behind the circuit, where nothing "
                   "is added; leave it out, or give it \"where\": \"circuit\"",
                   file, n->name, op_info(n->op)->name);
  return true;
}

static bool check_pair(struct arena *a, const struct graph *first, const char *first_file,
                       const struct graph *g, const char *file, struct err *e) {
  const struct value *x = &g->values[g->inputs[0].value], *y = &g->values[g->outputs[0]];
  const struct value *first_x = &first->values[first->inputs[0].value];
  const struct value *first_y = &first->values[first->outputs[0]];
  if (!same_shape(x, first_x))
    return err_set(e, "%s: input \"%s\" is %s, expected %s as in %s", file, x->name,
                   shape_text(a, x), shape_text(a, first_x), first_file);
  if (!same_source(&g->inputs[0].source, &first->inputs[0].source, x->rank))
    return err_set(e,
                   "%s: input \"%s\": mean, std or axes of the pixels aren't those of %s: all "
                   "nets see the same numbers",
                   file, x->name, first_file);
  if (!same_shape(y, first_y))
    return err_set(e, "%s: output \"%s\" is %s, expected %s as in %s", file, y->name,
                   shape_text(a, y), shape_text(a, first_y), first_file);
  return true;
}

static bool check(struct arena *a, uint32_t n, const struct graph *const *models,
                  const char *const *files, struct err *e) {
  if (n < 2 || n > ENSEMBLE_MOST)
    return err_set(e, "%u models, expected 2 to %d", n, ENSEMBLE_MOST);
  for (uint32_t i = 0; i < n; i++)
    if (!check_alone(models[i], files[i], e) ||
        !check_pair(a, models[0], files[0], models[i], files[i], e))
      return false;
  return true;
}

// ---- one graph

// A net into `to`, with an input that is there; its output.
static uint32_t add_net(struct graph *to, const struct graph *from, uint32_t input,
                        const char *prefix) {
  struct graph_copy c = copy_into(to, from, prefix);
  c.value[from->inputs[0].value] = (int32_t)input;
  for (uint32_t i = 0; i < from->n_nodes; i++) {
    const struct node *n = &from->nodes[i];
    copy_outputs(&c, n, copy_node(&c, n, arena_printf(to->arena, "%s%s", prefix, n->name)));
  }
  copy_controls(&c);
  return (uint32_t)c.value[from->outputs[0]];
}

// All names but the input's and those of the sums have a prefix.
static uint32_t add_sum(struct graph *g, uint32_t a, uint32_t b, uint32_t nets) {
  const struct value v = g->values[a];
  const char *name = arena_printf(g->arena, "sum%u", nets);
  while (graph_find_value(g, name) != NONE) name = arena_printf(g->arena, "nets.%s", name);
  uint32_t node = graph_add_node(g, OP_add, name);
  graph_add_use(g, node, (struct use){a, 0, NONE});
  graph_add_use(g, node, (struct use){b, 0, NONE});
  graph_add_out(g, node, graph_add_value(g, name, v.rank, v.shape, v.type, true));
  return node;
}

struct graph *ensemble(struct arena *a, const char *name, uint32_t n,
                       const struct graph *const *models, const char *const *files, double margin,
                       struct err *e) {
  if (!check(a, n, models, files, e)) return NULL;
  struct graph *g = graph_new(a, name);
  struct graph_copy c = copy_into(g, models[0], NULL);
  copy_inputs(&c);
  uint32_t input = g->inputs[0].value;
  uint32_t sum = add_net(g, models[0], input, "net1.");
  for (uint32_t i = 1; i < n; i++) {
    uint32_t y = add_net(g, models[i], input, arena_printf(a, "net%u.", i + 1));
    uint32_t node = add_sum(g, sum, y, i + 1);
    if (i == 1 && !isnan(margin)) graph_add_real(g, node, ATTR_margin, margin);
    sum = g->nodes[node].out[0];
  }
  graph_add_output(g, sum);
  return graph_verify(g, e) ? g : NULL;
}

// ---- the way back

// The nodes that a value is made of, (n_nodes), without those in front of the value `stop`.
static char *made_of(struct arena *a, const struct graph *g, uint32_t value, int64_t stop) {
  char *needed = ARENA_NEW(a, char, g->n_values), *nodes = ARENA_NEW(a, char, g->n_nodes);
  needed[value] = 1;
  for (uint32_t i = g->n_nodes; i-- > 0;) {
    const struct node *n = &g->nodes[i];
    for (uint32_t k = 0; k < n->n_out; k++) nodes[i] |= needed[n->out[k]] && n->out[k] != stop;
    for (uint32_t k = 0; nodes[i] && k < n->n_in; k++) needed[n->in[k].value] = 1;
  }
  return nodes;
}

// Whether two streams, both made of the input, have no node in common.
static bool apart(const struct graph *g, uint32_t a, uint32_t b) {
  struct arena scratch = {0};
  const char *of_a = made_of(&scratch, g, a, NONE), *of_b = made_of(&scratch, g, b, NONE);
  bool ok = g->values[a].node != NONE && g->values[b].node != NONE;
  for (uint32_t i = 0; i < g->n_nodes; i++) ok &= !(of_a[i] && of_b[i]);
  arena_free(&scratch);
  return ok;
}

// The node that adds nets to give `value`, behind changes of shape and of type; NULL: none does.
static const struct node *adder(const struct graph *g, uint32_t value) {
  while (g->values[value].node != NONE) {
    const struct node *n = &g->nodes[g->values[value].node];
    bool shared = n->n_in == 2 && !apart(g, n->in[0].value, n->in[1].value);
    if (op_is(n->op, TRAIT_SUMS)) return shared || node_attr(n, ATTR_slice) ? NULL : n;
    if (!op_is(n->op, TRAIT_ALIAS | TRAIT_CASTS)) return NULL;
    value = n->in[0].value;
  }
  return NULL;
}

static bool keeps_state(const struct graph *g) {
  for (uint32_t i = 0; i < g->n_nodes; i++) {
    if (op_is(g->nodes[i].op, TRAIT_HOLDS | TRAIT_REFERS)) return true;
    for (uint32_t k = 0; k < g->nodes[i].n_in; k++)
      if (g->nodes[i].in[k].delay) return true;
  }
  return false;
}

bool ensemble_find(const struct graph *g, struct ensemble *out, struct err *e) {
  if (g->n_inputs != 1 || g->n_outputs != 1)
    return err_set(e, "no ensemble: %u inputs and %u outputs, expected one of each", g->n_inputs,
                   g->n_outputs);
  if (keeps_state(g)) return err_set(e, "no ensemble: what it gives depends on earlier frames");
  *out = (struct ensemble){.nets = 1, .first = g->outputs[0], .margin = NAN};
  for (const struct node *n; isnan(out->margin) && (n = adder(g, out->first));) {
    out->nets++;
    out->first = n->in[0].value;
    out->margin = node_real(n, ATTR_margin, NAN);
  }
  if (out->nets > 1) return true;
  return err_set(e,
                 "no ensemble: output \"%s\" isn't the sum of nets that share the input alone, as "
                 "nngen train --boost and nngen ensemble make them",
                 g->values[g->outputs[0]].name);
}

// What `output` is made of; of a value `first` as a second input.
static struct graph *part(struct arena *a, const struct graph *g, uint32_t output, int64_t first) {
  struct arena scratch = {0};
  struct graph_copy c = copy_new(a, g);
  const char *nodes = made_of(&scratch, g, output, first);
  copy_inputs(&c);
  if (first != NONE) graph_add_input(c.to, copy_value(&c, (uint32_t)first), (struct source){0});
  for (uint32_t i = 0; i < g->n_nodes; i++)
    if (nodes[i]) copy_outputs(&c, &g->nodes[i], copy_node(&c, &g->nodes[i], g->nodes[i].name));
  graph_add_output(c.to, copy_value(&c, output));
  graph_ranges(c.to);
  arena_free(&scratch);
  return c.to;
}

struct graph *ensemble_first(struct arena *a, const struct graph *g, const struct ensemble *of) {
  return part(a, g, of->first, NONE);
}

struct graph *ensemble_rest(struct arena *a, const struct graph *g, const struct ensemble *of) {
  return part(a, g, g->outputs[0], of->first);
}
