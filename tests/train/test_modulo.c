// SPDX-License-Identifier: Apache-2.0
// Training steps on K nodes: the checker of all plans has nothing to say of their schedules, the
// events carried out leave every variable as the token executor does, no period is below its
// bounds, and stale gradients make it shorter. What is broken is noticed.
#include "sw/base/rng.h"
#include "sw/exec/plan_run.h"
#include "sw/pass/part.h"
#include "sw/plan/check.h"
#include "sw/plan/modulo_parts.h"
#include "sw/train/stale.h"
#include "tests/train/helper_training.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

enum { STEPS = 3 };

#define MLP                                                                                        \
  "{\"input\":{\"shape\":[6,6,1]},\"layers\":[{\"op\":\"flatten\"},{\"op\":\"linear\",\"out\":24}" \
  ","                                                                                              \
  "{\"op\":\"relu\"},{\"op\":\"linear\",\"out\":16},{\"op\":\"tanh\"},{\"op\":\"linear\",\"out\":" \
  "5}]}"
#define CONV                                                                                       \
  "{\"input\":{\"shape\":[8,8,1]},\"layers\":[{\"op\":\"conv2d\",\"out\":6,\"kernel\":[3,3]},"     \
  "{\"op\":\"batch_norm\"},{\"op\":\"relu\"},{\"op\":\"max_pool\",\"kernel\":[2,2]},{\"op\":\""    \
  "flatten\"},{\"op\":\"linear\",\"out\":4}]}"

// A lesson whose layers are in parts (0: whole), with stale gradients.
static void begin(struct lesson *l, const char *json, enum assign optimizer, int64_t frames,
                  int64_t grain, uint32_t staleness) {
  struct err e = {0};
  lesson_new(l, json, optimizer, frames, NULL, 0);
  if (grain) {
    const struct graph *m = part(&l->arena, l->recipe.model, grain, NULL);
    l->training = training_new(&l->arena, m, l->recipe.loss, &l->optimizer, 7, NULL, 0, &e);
    if (!l->training) fail_msg("%s", e.text);
  }
  stale(l->training->graph, staleness);
  if (!graph_verify(l->training->graph, &e)) fail_msg("%s", e.text);
}

static const void *input(void *context, int64_t step, uint32_t i) {
  const struct lesson *l = context;
  return i == 0 ? l->images + step * l->frames * l->elements
                : l->targets + step * l->frames * l->classes;
}

static void run(struct lesson *l, const struct plan *p, float *to) {
  struct arena a = {0};
  struct err e = {0};
  struct plan_run *r = plan_run_new(&a, p, l->frames, &real_kind);
  if (!plan_run_steps(r, STEPS, &(struct plan_caller){.context = l, .input = input}, &e))
    fail_msg("%s", e.text);
  for (uint32_t i = 0; i < l->training->n_parameters; i++)
    for (uint32_t k = 0; k < l->training->parameters[i].n_refs; k++) {
      uint32_t ref = l->training->parameters[i].ref[k];
      int64_t size = value_elements(&l->training->graph->values[ref]);
      memcpy(to, plan_run_held(r, ref), (size_t)size * sizeof *to);
      to += size;
    }
  arena_free(&a);
}

static const struct modulo *schedule(struct lesson *l, uint32_t nodes, enum topology_kind kind) {
  struct err e = {0};
  struct node_machine *m = ARENA_NEW(&l->arena, struct node_machine, 1);
  *m = (struct node_machine){topology_new(&l->arena, kind, nodes), 1, 64, 2};
  const struct modulo *s = modulo_make(&l->arena, l->training->graph, l->frames, m, &e);
  if (!s) fail_msg("%s", e.text);
  return s;
}

static void is_sound(const struct plan *p) {
  struct arena a = {0};
  struct faults f = plan_check(&a, p);
  for (uint32_t i = 0; i < f.count && i < 3; i++) print_error("%s\n", f.faults[i].text);
  assert_int_equal(f.count, 0);
  arena_free(&a);
}

// The period by its bound.
static double all_agree(struct lesson *l, uint32_t nodes, enum topology_kind kind,
                        const float *expected, int64_t *period) {
  const struct modulo *s = schedule(l, nodes, kind);
  struct plan *p = modulo_plan(&l->arena, s);
  struct modulo_bounds b = modulo_bounds(s->graph, s->frames, s->machine);
  is_sound(p);
  int64_t size = lesson_size(l);
  float *found = ARENA_NEW(&l->arena, float, size);
  run(l, p, found);
  assert_memory_equal(found, expected, (size_t)size * sizeof *found);
  assert_true(s->period >= b.most && s->length >= b.largest);
  *period = s->period;
  return (double)s->period / (double)b.most;
}

static void weights_are_those_of_the_token_executor(void **state) {
  (void)state;
  static const uint32_t nodes[] = {1, 4, 16};
  static const char *const nets[] = {MLP, CONV};
  double worst = 0;
  for (int net = 0; net < 2; net++)
    for (int64_t grain = 0; grain <= 4; grain += 4) {
      int64_t exact[3] = {0};
      for (uint32_t s = 0; s <= 2; s++) {
        struct lesson l;
        begin(&l, nets[net], net ? ASSIGN_adam : ASSIGN_momentum, 16, grain, s);
        float *expected = ARENA_NEW(&l.arena, float, lesson_size(&l));
        lesson_tokens(&l, STEPS, NULL, NULL, expected);
        for (int k = 0; k < 3; k++) {
          int64_t period;
          double ratio =
              all_agree(&l, nodes[k], k == 1 ? TOPOLOGY_MESH : TOPOLOGY_TORUS, expected, &period);
          if (ratio > worst) worst = ratio;
          if (!s) exact[k] = period;
          print_message(
              "net %d, grain %d, staleness %u, %2u nodes: period %lld, %.2f of its bound, "
              "%.2f times as fast as exact\n",
              net, (int)grain, s, nodes[k], (long long)period, ratio,
              (double)exact[k] / (double)period);
          if (nodes[k] == 1) assert_true(ratio == 1);
        }
        arena_free(&l.arena);
      }
    }
  assert_true(worst < 3);
}

// ---- parts of layers

// What the variables of a weight of the model, or of its parts, hold after some steps.
static void contents(struct lesson *l, const char *weight, float *to) {
  struct arena a = {0};
  struct err e = {0};
  struct dataflow *d = dataflow_new(&a, l->training->graph, l->frames, &real_kind, false, &e);
  dataflow_run(d, STEPS, &(struct dataflow_caller){.context = l, .input = input});
  size_t length = strlen(weight);
  for (uint32_t i = 0; i < l->training->n_parameters; i++) {
    uint32_t ref = l->training->parameters[i].ref[0];
    const struct value *v = &l->training->graph->values[ref];
    bool own = strncmp(v->name, weight, length) == 0 && strchr(".[", v->name[length]);
    if (!own) continue;
    memcpy(to, dataflow_held(d, ref), (size_t)value_elements(v) * sizeof *to);
    to += value_elements(v);
  }
  dataflow_free(d);
  arena_free(&a);
}

// Layers in twelve parts learn what they learn as a whole, bit for bit, where nobody before them
// takes a sum over the parts.
static void parts_learn_the_same(void **state) {
  (void)state;
  static const char *const weights[] = {"fc1.weight", "fc1.bias", "fc2.weight", "fc2.bias"};
  static const int64_t sizes[] = {24 * 36, 24, 2 * 24, 2};
  static const char net[] =
      "{\"input\":{\"shape\":[6,6,1]},\"layers\":[{\"op\":\"flatten\"},{\"op\":\"linear\",\"name\":"
      "\"fc1\",\"out\":24},{\"op\":\"relu\"},{\"op\":\"linear\",\"name\":\"fc2\",\"out\":2}]}";
  for (int64_t grain = 2; grain <= 7; grain += 5) {
    struct lesson whole, parts;
    float x[24 * 36] = {0}, y[24 * 36] = {1};
    begin(&whole, net, ASSIGN_momentum, 16, 0, 0);
    begin(&parts, net, ASSIGN_momentum, 16, grain, 0);
    assert_int_equal(parts.training->n_parameters, 2 * ((24 + grain - 1) / grain) + 2);
    for (int i = 0; i < 4; i++) {
      contents(&whole, weights[i], x);
      contents(&parts, weights[i], y);
      assert_memory_equal(x, y, (size_t)sizes[i] * sizeof *x);
    }
    arena_free(&whole.arena);
    arena_free(&parts.arena);
  }
}

// ---- bounds

static int64_t ceiling(int64_t v, int64_t per) {
  return v / per + (v % per != 0);
}

enum { NODES = 6, EDGES = 12 };

// Every simple cycle from a node on, as far as it only passes nodes behind it.
static void walk(const struct dependences *d, const int64_t *cost, uint32_t from, uint32_t at,
                 bool *seen, int64_t sum, int64_t delays, int64_t *most) {
  seen[at] = true;
  for (uint32_t k = 0; k < d->count; k++) {
    const struct dependence *x = &d->list[k];
    if (x->from != at || x->to < from) continue;
    int64_t more = delays + x->delay;
    if (x->to == from && more && ceiling(sum + cost[at], more) > *most)
      *most = ceiling(sum + cost[at], more);
    if (!seen[x->to]) walk(d, cost, from, x->to, seen, sum + cost[at], more, most);
  }
  seen[at] = false;
}

// The mean of the worst cycle is that of all cycles, one by one.
static void the_worst_cycle_is_found(void **state) {
  (void)state;
  int found = 0;
  for (uint64_t seed = 0; seed < 500; seed++) {
    struct rng r = {seed, 0};
    struct dependence list[EDGES];
    struct dependences d = {EDGES, list, NULL};
    int64_t cost[NODES], most = 1;
    const struct graph g = {.n_nodes = NODES};
    for (int i = 0; i < NODES; i++) cost[i] = rng_range(&r, 1, 100);
    for (int k = 0; k < EDGES; k++) { // back only with a delay
      uint32_t from = (uint32_t)rng_range(&r, 0, NODES - 1),
               to = (uint32_t)rng_range(&r, 0, NODES - 1);
      int64_t delay = rng_range(&r, from < to ? 0 : 1, 3);
      list[k] = (struct dependence){from, to, delay, NONE};
    }
    for (uint32_t n = 0; n < NODES; n++) {
      bool seen[NODES] = {false};
      walk(&d, cost, n, n, seen, 0, 0, &most);
    }
    assert_int_equal(modulo_cycle(&g, &d, cost), most);
    found += most > 1;
  }
  assert_true(found > 300);
}

// ---- what is broken

// Events that begin earlier, or later, than what they need or is needed of them: the checker
// refuses what the run finds out, and more.
static void broken_schedules_are_noticed(void **state) {
  (void)state;
  int checked = 0, run_too = 0;
  struct lesson l;
  begin(&l, MLP, ASSIGN_sgd, 8, 0, 1);
  const struct modulo *s = schedule(&l, 4, TOPOLOGY_MESH);
  for (uint64_t seed = 0; seed < 300; seed++) {
    struct arena a = {0};
    struct err e = {0};
    struct rng r = {seed, 0};
    struct plan *p = modulo_plan(&a, s);
    struct event *x = &p->events[rng_range(&r, 0, p->n_events - 1)];
    bool runs = x->action == ACTION_RUN || x->action == ACTION_SEND;
    int64_t by = rng_range(&r, 1, 2000);
    if (!runs) {
      arena_free(&a);
      continue;
    }
    x->start -= (double)by;
    x->end -= (double)by;
    bool late = seed % 2; // instead
    if (late) x->start += 2 * (double)by + 3000, x->end += 2 * (double)by + 3000;
    plan_sort(p);
    struct faults f = plan_check(&a, p);
    struct plan_run *run_of = plan_run_new(&a, p, l.frames, &real_kind);
    bool ok =
        plan_run_steps(run_of, STEPS, &(struct plan_caller){.context = &l, .input = input}, &e);
    if (!ok) assert_true(f.count > 0); // the checker knows more
    checked += f.count > 0;
    run_too += !ok;
    arena_free(&a);
  }
  print_message("%d broken schedules refused, %d of them found out when carried out\n", checked,
                run_too);
  assert_true(checked > 60 && run_too > 30);
  arena_free(&l.arena);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(weights_are_those_of_the_token_executor),
      cmocka_unit_test(parts_learn_the_same),
      cmocka_unit_test(the_worst_cycle_is_found),
      cmocka_unit_test(broken_schedules_are_noticed),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
