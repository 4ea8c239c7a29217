// SPDX-License-Identifier: Apache-2.0
#include "tests/plan/helper_plan.h"

#include "quant/quantize.h"
#include "sw/graph/model.h"

#include <string.h>

const int64_t *plan_bytes(struct arena *a, const struct graph *g) {
  int64_t *bytes = ARENA_NEW(a, int64_t, g->n_values + 1);
  for (uint32_t v = 0; v < g->n_values; v++) bytes[v] = value_elements(&g->values[v]);
  return bytes;
}

struct graph *plan_mlp(struct arena *a) {
  struct err e = {0};
  struct formats f = formats_new();
  assert_true(formats_set_stream(a, &f.defaults, "8,3", &e));
  struct graph *real = model_read(a, "models/mnist-mlp.bin", &e);
  struct graph *g = real ? quantize(a, real, &f, &e) : NULL;
  if (!g) fail_msg("%s", e.text);
  return g;
}

struct event *plan_find(const struct plan *p, enum action action, const char *name) {
  const struct graph *g = p->graph;
  for (uint32_t i = 0; i < p->n_events; i++) {
    struct event *e = &p->events[i];
    if (e->action != action) continue;
    const char *own = action == ACTION_RUN ? g->nodes[e->id].name : g->values[e->id].name;
    if (!strcmp(own, name)) return e;
  }
  fail_msg("no event of \"%s\"", name);
  return NULL;
}

void plan_is_sound(const struct plan *p) {
  struct arena a = {0};
  struct faults f = plan_check(&a, p);
  if (f.count) fail_msg("%u faults, first: %s", f.count, f.faults[0].text);
  arena_free(&a);
}

void plan_is_refused(const struct plan *p, enum fault_kind kind, const char *words) {
  struct arena a = {0};
  struct faults f = plan_check(&a, p);
  if (!f.count) fail_msg("no fault, expected \"%s\"", words);
  for (uint32_t i = 0; i < f.count; i++)
    if (f.faults[i].kind != kind)
      fail_msg("expected \"%s\" alone, also: %s", words, f.faults[i].text);
  if (!strstr(f.faults[0].text, words))
    fail_msg("expected \"%s\", found: %s", words, f.faults[0].text);
  arena_free(&a);
}
