// SPDX-License-Identifier: Apache-2.0
// Threads that share the parts of a task: each part is left once and with its own result, whoever
// stands still, and nobody waits for who stands still while computing.
#include "sw/base/clock.h"
#include "sw/base/pool.h"

#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

enum { PARTS = 300, THREADS = 4, STALL_MS = 400 };
enum where { NOWHERE, IN_ENTER, IN_COMPUTE, IN_LEAVE };

struct model {
  pthread_t caller;
  atomic_int stall; // enum where the first other thread that comes there stands still
  atomic_int stalled;
};

struct room {
  int64_t part;
  uint64_t value;
};

struct task {
  uint64_t seed;
  uint64_t result[PARTS];
  atomic_int left[PARTS];
};

static void nap(int ms) {
  nanosleep(&(struct timespec){ms / 1000, ms % 1000 * 1000000L}, NULL);
}

static void *room_new(struct arena *a, const void *model) {
  (void)model;
  return ARENA_NEW(a, struct room, 1);
}

static void maybe_stall(const void *model, enum where where) {
  struct model *m = (struct model *)(uintptr_t)model;
  int expected = where;
  if (pthread_equal(pthread_self(), m->caller)) return;
  if (!atomic_compare_exchange_strong(&m->stall, &expected, NOWHERE)) return;
  atomic_fetch_add(&m->stalled, 1);
  nap(STALL_MS);
}

static void enter(const void *model, const void *task, void *room, int64_t part) {
  const struct task *t = task;
  struct room *r = room;
  maybe_stall(model, IN_ENTER);
  r->part = part;
  r->value = t->seed;
}

// Long enough for the others to come.
static void compute(const void *model, void *room) {
  struct room *r = room;
  maybe_stall(model, IN_COMPUTE);
  for (int i = 0; i < 20000; i++) r->value = r->value * 6364136223846793005u + (uint64_t)r->part;
}

static void leave(const void *model, const void *task, void *room, int64_t part) {
  struct task *t = (struct task *)(uintptr_t)task;
  maybe_stall(model, IN_LEAVE);
  t->result[part] = ((struct room *)room)->value;
  atomic_fetch_add(&t->left[part], 1);
}

static const struct pool_work work = {room_new, enter, compute, leave};

static void check(const struct task *t, int64_t parts) {
  for (int64_t p = 0; p < parts; p++) {
    uint64_t value = t->seed;
    for (int i = 0; i < 20000; i++) value = value * 6364136223846793005u + (uint64_t)p;
    assert_int_equal(t->left[p], 1);
    assert_true(t->result[p] == value);
  }
}

// Seconds that the task took.
static double run(struct pool *p, struct model *m, int64_t seed, int64_t parts) {
  struct arena a = {0};
  struct task *t = ARENA_NEW(&a, struct task, 1);
  t->seed = (uint64_t)seed;
  double begin = clock_seconds();
  pool_run(p, m, &work, t, parts, room_new(&a, m));
  double seconds = clock_seconds() - begin;
  check(t, parts);
  memset(t, 0xa5, sizeof *t); // nobody looks at the task any more
  arena_free(&a);
  return seconds;
}

static void test_counts(void **state) {
  (void)state;
  for (int threads = 1; threads <= THREADS; threads++) {
    struct arena a = {0};
    struct model m = {.caller = pthread_self()};
    struct pool *p = pool_new(&a, threads, &m, &work);
    assert_true((p != NULL) == (threads > 1));
    for (int64_t parts = 0; parts < 20; parts++) run(p, &m, 7 + parts, parts);
    run(p, &m, 1, PARTS);
    pool_free(p);
    arena_free(&a);
  }
}

static void stands_still(enum where where, bool waits) {
  struct arena a = {0};
  struct model m = {.caller = pthread_self()};
  struct pool *p = pool_new(&a, 3, &m, &work);
  run(p, &m, 1, PARTS); // the threads are there
  for (int round = 0; round < 50 && !m.stalled; round++) {
    atomic_store(&m.stall, where);
    double seconds = run(p, &m, round, PARTS);
    atomic_store(&m.stall, NOWHERE);
    if (m.stalled && !waits) assert_true(seconds < STALL_MS / 2 * 1e-3);
    run(p, &m, 100 + round, PARTS); // while it still stands
  }
  assert_int_equal(m.stalled, 1);
  pool_free(p);
  arena_free(&a);
}

static void test_stall_in_compute(void **state) {
  (void)state;
  stands_still(IN_COMPUTE, false);
}

// It has the caller's memory in its hands.
static void test_stall_in_enter(void **state) {
  (void)state;
  stands_still(IN_ENTER, true);
}
static void test_stall_in_leave(void **state) {
  (void)state;
  stands_still(IN_LEAVE, true);
}

struct caller {
  struct pool *pool;
  struct model *model;
  pthread_t thread;
  int64_t seed;
};

static void *call_often(void *argument) {
  struct caller *c = argument;
  for (int i = 0; i < 20; i++) run(c->pool, c->model, c->seed + i, 40);
  return NULL;
}

static void test_many_callers(void **state) {
  (void)state;
  struct arena a = {0};
  struct model m = {.caller = pthread_self()};
  struct pool *p = pool_new(&a, 3, &m, &work);
  struct caller callers[THREADS];
  for (int i = 0; i < THREADS; i++) {
    callers[i] = (struct caller){.pool = p, .model = &m, .seed = 1000 * i};
    assert_int_equal(pthread_create(&callers[i].thread, NULL, call_often, &callers[i]), 0);
  }
  for (int i = 0; i < THREADS; i++) pthread_join(callers[i].thread, NULL);
  pool_free(p);
  arena_free(&a);
}

static void test_words(void **state) {
  (void)state;
  static const struct {
    const char *text;
    int threads; // 0: refused
  } rows[] = {{"1", 1},  {"3", 3},   {"2,4", 2}, {"99999", 1024}, {"0", 0},
              {"-1", 0}, {"two", 0}, {"2,x", 0}, {"2x", 0},       {" ", 0}};
  for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
    struct err e = {0};
    int threads = 0;
    setenv("OMP_NUM_THREADS", rows[i].text, 1);
    bool ok = pool_threads(&threads, &e);
    assert_true(ok == (rows[i].threads > 0));
    if (ok) assert_int_equal(threads, rows[i].threads);
    if (!ok) assert_non_null(strstr(e.text, "OMP_NUM_THREADS is \""));
  }
  struct err e = {0};
  int threads = 0;
  setenv("OMP_NUM_THREADS", "", 1);
  assert_true(pool_threads(&threads, &e) && threads >= 1);
  unsetenv("OMP_NUM_THREADS");
  assert_true(pool_threads(&threads, &e) && threads >= 1);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_counts),         cmocka_unit_test(test_stall_in_compute),
      cmocka_unit_test(test_stall_in_enter), cmocka_unit_test(test_stall_in_leave),
      cmocka_unit_test(test_many_callers),   cmocka_unit_test(test_words)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
