// SPDX-License-Identifier: Apache-2.0
#include "sw/base/crew.h"

#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdbool.h>

enum { SPINS = 2000, YIELDS = 200 };

struct member {
  struct crew *crew;
  int share;
  pthread_t thread;
};

struct crew {
  int threads;
  struct member *members; // (threads)
  void (*work)(void *context, int share);
  void *context;
  bool over;
  atomic_int job;              // counts up: there is something to do
  atomic_int ended;            // members that have done it
  atomic_int arrived, meeting; // crew_meet: who has come; counts up when all have
  pthread_mutex_t lock;        // of `job`, for who sleeps
  pthread_cond_t called;
};

// One turn of waiting; false when it is time to sleep.
static bool patient(int turn) {
  if (turn >= SPINS) sched_yield();
  return turn < SPINS + YIELDS;
}

static void wait_for_job(struct crew *c, int last) {
  for (int i = 0; atomic_load_explicit(&c->job, memory_order_acquire) == last; i++) {
    if (patient(i)) continue;
    pthread_mutex_lock(&c->lock);
    while (atomic_load(&c->job) == last) pthread_cond_wait(&c->called, &c->lock);
    pthread_mutex_unlock(&c->lock);
  }
}

static void call(struct crew *c) {
  pthread_mutex_lock(&c->lock);
  atomic_fetch_add(&c->job, 1);
  pthread_cond_broadcast(&c->called);
  pthread_mutex_unlock(&c->lock);
}

static void *serve(void *argument) {
  struct member *m = argument;
  struct crew *c = m->crew;
  for (int job = 0;; job++) {
    wait_for_job(c, job);
    if (c->over) return NULL;
    c->work(c->context, m->share);
    atomic_fetch_add_explicit(&c->ended, 1, memory_order_release);
  }
}

struct crew *crew_new(struct arena *a, int threads) {
  struct crew *c = ARENA_NEW(a, struct crew, 1);
  c->members = ARENA_NEW(a, struct member, threads);
  pthread_mutex_init(&c->lock, NULL);
  pthread_cond_init(&c->called, NULL);
  for (c->threads = 1; c->threads < threads; c->threads++) {
    struct member *m = &c->members[c->threads];
    m->crew = c;
    m->share = c->threads;
    if (pthread_create(&m->thread, NULL, serve, m) != 0) break;
  }
  return c;
}

int crew_threads(const struct crew *c) {
  return c->threads;
}

void crew_run(struct crew *c, void (*work)(void *context, int share), void *context) {
  c->work = work;
  c->context = context;
  atomic_store(&c->ended, 0);
  if (c->threads > 1) call(c);
  work(context, 0);
  for (int i = 0; atomic_load_explicit(&c->ended, memory_order_acquire) < c->threads - 1; i++)
    if (i > SPINS) sched_yield();
}

void crew_meet(struct crew *c) {
  if (c->threads == 1) return;
  int meeting = atomic_load_explicit(&c->meeting, memory_order_relaxed);
  if (atomic_fetch_add_explicit(&c->arrived, 1, memory_order_acq_rel) + 1 == c->threads) {
    atomic_store_explicit(&c->arrived, 0, memory_order_relaxed);
    atomic_store_explicit(&c->meeting, meeting + 1, memory_order_release);
    return;
  }
  for (int i = 0; atomic_load_explicit(&c->meeting, memory_order_acquire) == meeting; i++)
    if (i > SPINS) sched_yield();
}

void crew_free(struct crew *c) {
  c->over = true;
  if (c->threads > 1) call(c);
  for (int i = 1; i < c->threads; i++) pthread_join(c->members[i].thread, NULL);
  pthread_mutex_destroy(&c->lock);
  pthread_cond_destroy(&c->called);
}
