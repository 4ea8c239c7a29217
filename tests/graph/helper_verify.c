// SPDX-License-Identifier: Apache-2.0
#include "tests/graph/helper_verify.h"

#include "tests/net/helper_netgen.h"

#include <string.h>

struct value *input(struct graph *g, const struct node *n, uint32_t i) {
  return &g->values[n->in[i].value];
}
struct value *output(struct graph *g, const struct node *n) {
  return &g->values[n->out[0]];
}
uint32_t id_of(const struct graph *g, const struct node *n) {
  return (uint32_t)(n - g->nodes);
}
struct attr *attribute(struct node *n, enum attr_name name) {
  for (uint32_t i = 0; i < n->n_attr; i++)
    if (n->attr[i].name == name) return &n->attr[i];
  fail_msg("no attribute %s", attr_text(name));
  return NULL;
}

uint32_t tensor(struct graph *g, const char *name, int64_t count, struct type type) {
  return graph_add_tensor(g, name, tensor_new(g->arena, dtype_for(&type), 1, &count), type);
}
struct type s8(struct graph *g) {
  return type_fixed(g->arena, 8, true, 1, 0);
}
struct type per_channel(struct graph *g, int axis, int64_t channels) {
  double *scale = ARENA_NEW(g->arena, double, channels);
  int32_t *zero = ARENA_NEW(g->arena, int32_t, channels);
  for (int64_t c = 0; c < channels; c++) scale[c] = 1;
  return type_channels(g->arena, 8, true, axis, channels, scale, zero);
}

static struct node *first_of(struct graph *g, enum op op) {
  for (uint32_t i = 0; i < g->n_nodes; i++)
    if (g->nodes[i].op == op) return &g->nodes[i];
  return NULL;
}

enum { SEEDS = 40 };

void verify_rules(const struct rule *rules, size_t count) {
  int missed = 0;
  for (size_t i = 0; i < count; i++) {
    const struct rule *r = &rules[i];
    struct err e = {0};
    bool said = false;
    for (uint64_t seed = 1; seed <= SEEDS && !said; seed++) {
      struct arena a = {0};
      struct graph *g = netgen(&a, seed, r->op, NETGEN_ANY);
      struct node *n = first_of(g, r->op);
      e = (struct err){0};
      if (!graph_verify(g, &e)) fail_msg("%s", e.text);
      r->break_it(g, n);
      bool accepted = graph_verify(g, &e);
      said = !accepted && strstr(e.text, r->words);
      assert_true(accepted == (e.text[0] == 0));
      arena_free(&a);
    }
    if (!said)
      print_error("rule %zu, %s: expected \"%s\", last \"%s\"\n", i, op_info(r->op)->name, r->words,
                  e.text);
    missed += !said;
  }
  assert_int_equal(missed, 0);
}
