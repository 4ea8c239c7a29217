// SPDX-License-Identifier: Apache-2.0
// Training steps under a limit: what is made again gives the bits of what is kept, in an arena of
// exactly the planned bytes; and plans that are wrong are found out.
#include "tests/train/helper_training.h"

#include "sw/exec/arena_steps.h"
#include "sw/pass/recompute.h"
#include "sw/plan/check.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

enum { FRAMES = 4, FLOAT = 4 };

#define CHAIN                                                                                      \
  "{\"name\":\"chain\",\"input\":{\"shape\":[12,12,1],\"mean\":0,\"std\":1},\"layers\":["          \
  "{\"op\":\"conv2d\",\"out\":4,\"kernel\":[3,3],\"pad\":[1,1,1,1]},{\"op\":\"tanh\"},"            \
  "{\"op\":\"conv2d\",\"out\":6,\"kernel\":[3,3],\"pad\":[1,1,1,1]},{\"op\":\"silu\"},"            \
  "{\"op\":\"avg_pool\",\"kernel\":[2,2],\"stride\":[2,2]},"                                       \
  "{\"op\":\"conv2d\",\"out\":6,\"kernel\":[3,3],\"pad\":[1,1,1,1]},{\"op\":\"relu\"},"            \
  "{\"op\":\"flatten\"},{\"op\":\"linear\",\"out\":10}]}"
#define BRANCHES                                                                                   \
  "{\"name\":\"branches\",\"input\":{\"shape\":[8,8,2],\"mean\":0,\"std\":1},\"layers\":["         \
  "{\"op\":\"conv2d\",\"name\":\"a\",\"out\":8,\"kernel\":[3,3],\"pad\":[1,1,1,1]},"               \
  "{\"op\":\"tanh\",\"name\":\"b\"},"                                                              \
  "{\"op\":\"conv2d\",\"name\":\"c\",\"out\":8,\"kernel\":[3,3],\"pad\":[1,1,1,1]},"               \
  "{\"op\":\"sigmoid\",\"name\":\"d\"},"                                                           \
  "{\"op\":\"add\",\"name\":\"e\",\"from\":[\"b\",\"d\"]},{\"op\":\"silu\",\"name\":\"f\"},"       \
  "{\"op\":\"conv2d\",\"name\":\"g\",\"out\":8,\"kernel\":[3,3],\"pad\":[1,1,1,1]},"               \
  "{\"op\":\"mul\",\"name\":\"h\",\"from\":[\"f\",\"g\"]},{\"op\":\"flatten\",\"name\":\"i\"},"    \
  "{\"op\":\"linear\",\"name\":\"j\",\"out\":5}]}"
#define DENSE                                                                                      \
  "{\"name\":\"dense\",\"input\":{\"shape\":[20],\"mean\":0,\"std\":1},\"layers\":["               \
  "{\"op\":\"linear\",\"out\":64},{\"op\":\"tanh\"},{\"op\":\"dropout\",\"rate\":0.3},"            \
  "{\"op\":\"linear\",\"out\":64},{\"op\":\"gelu\"},{\"op\":\"linear\",\"out\":3}]}"

static int64_t *bytes_of(struct arena *a, const struct graph *g) {
  int64_t *bytes = ARENA_NEW(a, int64_t, g->n_values);
  for (uint32_t v = 0; v < g->n_values; v++)
    if (!type_is_ref(&g->values[v].type))
      bytes[v] = value_elements(&g->values[v]) * (g->values[v].per_frame ? FRAMES : 1) * FLOAT;
  return bytes;
}

static int64_t arena_of(const struct plan *p) {
  return p->machine.resources[MEMORY_ARENA].bytes;
}

// All steps of a lesson by a plan: true if nothing is told; the variables at the end into `to`.
static bool run(const struct lesson *l, const struct plan *p, float *to, struct err *e) {
  struct arena a = {0};
  struct arena_steps *s = arena_steps_new(&a, p, l->frames, &real_kind, e);
  bool ok = s != NULL;
  for (int64_t i = 0; ok && i < LESSON_STEPS; i++) {
    const void *inputs[2] = {l->images + i * l->frames * l->elements,
                             l->targets + i * l->frames * l->classes};
    ok = arena_steps_run(s, inputs, e);
  }
  for (uint32_t i = 0; ok && i < l->training->n_parameters; i++)
    for (uint32_t k = 0; k < l->training->parameters[i].n_refs; k++) {
      uint32_t ref = l->training->parameters[i].ref[k];
      int64_t size = value_elements(&l->training->graph->values[ref]);
      memcpy(to, arena_steps_held(s, ref), (size_t)size * sizeof *to);
      to += size;
    }
  if (s) arena_steps_free(s);
  arena_free(&a);
  return ok;
}

struct lessons {
  const char *recipe;
  enum assign optimizer;
  int percent; // of the arena with everything kept, in which it still fits
};

static void all_bits_are_the_same(void **state) {
  (void)state;
  static const struct lessons lessons[] = {{CHAIN, ASSIGN_adam, 88},
                                           {CHAIN, ASSIGN_momentum, 88},
                                           {BRANCHES, ASSIGN_adam, 80},
                                           {BRANCHES, ASSIGN_nesterov, 80},
                                           {DENSE, ASSIGN_adamw, 100}};
  int again = 0;
  for (size_t i = 0; i < sizeof lessons / sizeof *lessons; i++) {
    struct lesson l;
    struct err e = {0};
    lesson_new(&l, lessons[i].recipe, lessons[i].optimizer, FRAMES, NULL, 0);
    struct arena *a = &l.arena;
    const struct graph *g = l.training->graph;
    const struct recompute r = recompute_of(a, g, bytes_of(a, g));
    const bool *keep = ARENA_NEW(a, bool, g->n_values);
    int64_t size = lesson_size(&l);
    float *expected = ARENA_NEW(a, float, size), *found = ARENA_NEW(a, float, size);
    lesson_static(&l, 1, false, LESSON_STEPS, expected);
    struct recompute_choice c;
    assert_true(recompute_within(a, &r, keep, FLOAT, INT64_MAX / 2, &c));
    int64_t whole = arena_of(c.plan), macs = 0;
    for (int percent = 100; percent >= lessons[i].percent; percent -= 2) {
      if (!recompute_within(a, &r, keep, FLOAT, whole * percent / 100, &c))
        fail_msg("lesson %zu: %d %% don't fit, the least is %lld of %lld", i, percent,
                 (long long)arena_of(c.plan), (long long)whole);
      assert_true(arena_of(c.plan) <= whole * percent / 100 && c.macs >= macs);
      macs = c.macs;
      if (!graph_verify(c.made.graph, &e)) fail_msg("%s", e.text);
      const struct faults f = plan_check(a, c.plan);
      if (f.count) fail_msg("lesson %zu, %d %%: %s", i, percent, f.faults[0].text);
      memset(found, 0, (size_t)size * sizeof *found);
      if (!run(&l, c.plan, found, &e)) fail_msg("lesson %zu, %d %%: %s", i, percent, e.text);
      assert_memory_equal(expected, found, (size_t)size * sizeof *found);
      again += (int)(c.made.graph->n_nodes - g->n_nodes);
    }
    arena_free(a);
  }
  print_message("%d nodes ran again\n", again);
  assert_true(again > 20);
}

// Below the least the choice says how much that is; what is made again costs something.
static void the_least_is_told(void **state) {
  (void)state;
  struct lesson l;
  lesson_new(&l, CHAIN, ASSIGN_adam, FRAMES, NULL, 0);
  const struct graph *g = l.training->graph;
  const struct recompute r = recompute_of(&l.arena, g, bytes_of(&l.arena, g));
  const bool *keep = ARENA_NEW(&l.arena, bool, g->n_values);
  struct recompute_choice c;
  assert_false(recompute_within(&l.arena, &r, keep, FLOAT, 1000, &c));
  assert_true(arena_of(c.plan) > 1000 && c.macs > 0);
  arena_free(&l.arena);
}

// ---- what is wrong is found

static struct event *nth(struct plan *p, enum action action, uint32_t n) {
  for (uint32_t i = 0; i < p->n_events; i++)
    if (p->events[i].action == action && p->events[i].resource != MEMORY_MODEL && !n--)
      return &p->events[i];
  fail_msg("no such event");
  return NULL;
}

static void is_short(struct plan *p) {
  p->machine.resources[MEMORY_ARENA].bytes -= FLOAT;
}
static void is_small(struct plan *p) {
  nth(p, ACTION_ALLOC, 3)->bytes -= FLOAT;
}
static void is_moved(struct plan *p) { // what is alive over what is
  struct event *first = nth(p, ACTION_ALLOC, 0);
  for (uint32_t i = 1; i < 12; i++)
    if (nth(p, ACTION_ALLOC, i)->bytes > FLOAT) nth(p, ACTION_ALLOC, i)->address = first->address;
}
static void is_freed(struct plan *p) {
  struct event *e = nth(p, ACTION_FREE, p->n_events / 12);
  e->start = e->end = nth(p, ACTION_ALLOC, 0)->start + 1;
  plan_sort(p);
}
static void is_left_out(struct plan *p) {
  nth(p, ACTION_RUN, 5)->action = ACTION_LOAD;
}

static void what_is_wrong_is_found(void **state) {
  (void)state;
  static void (*const changes[])(struct plan * p) = {is_short, is_small, is_moved, is_freed,
                                                     is_left_out};
  for (size_t i = 0; i < sizeof changes / sizeof *changes; i++) {
    struct lesson l;
    struct err e = {0};
    lesson_new(&l, CHAIN, ASSIGN_adam, FRAMES, NULL, 0);
    const struct graph *g = l.training->graph;
    const struct recompute r = recompute_of(&l.arena, g, bytes_of(&l.arena, g));
    const bool *keep = ARENA_NEW(&l.arena, bool, g->n_values);
    float *found = ARENA_NEW(&l.arena, float, lesson_size(&l));
    struct recompute_choice c;
    recompute_within(&l.arena, &r, keep, FLOAT, INT64_MAX / 2, &c);
    changes[i](c.plan);
    if (run(&l, c.plan, found, &e)) fail_msg("change %zu is taken", i);
    assert_true(e.text[0] != 0);
    arena_free(&l.arena);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(all_bits_are_the_same),
                                     cmocka_unit_test(the_least_is_told),
                                     cmocka_unit_test(what_is_wrong_is_found)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
