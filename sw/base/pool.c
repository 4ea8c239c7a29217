// SPDX-License-Identifier: Apache-2.0
// A part's state goes round once:
//
//   FREE --taken--> ENTERING --> COMPUTING --first to be done--> LEAVING --> DONE
//
// The caller's memory is touched in ENTERING and LEAVING only. When the caller of pool_run finds no
// FREE part left, it computes each COMPUTING one in its own room and races for LEAVING; a thread
// that comes late finds DONE and drops what it has. The states outlive the call for that: who is
// last to look at them frees them.
#include "sw/base/pool.h"

#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { FREE, ENTERING, COMPUTING, LEAVING, DONE };
enum { SPINS = 2000, YIELDS = 100, THREADS_MAX = 1024, NAP_NS = 20000 };

struct parts {
  const void *task;
  int64_t parts;
  atomic_int users; // threads that may look at it
  atomic_int_least64_t next;
  atomic_uchar state[]; // (parts)
};

struct member {
  struct pool *pool;
  void *room;
  pthread_t thread;
};

struct pool {
  const void *model;
  const struct pool_work *work;
  int wanted, threads;    // beside the caller
  struct member *members; // (wanted)
  pthread_mutex_t lock;
  pthread_cond_t called;
  struct parts *run; // under the lock: what there is to do, or NULL
  atomic_uint turn;  // counts runs, for who waits without the lock
  bool over;
};

bool pool_threads(int *threads, struct err *e) {
  const char *text = getenv("OMP_NUM_THREADS");
  cpu_set_t set;
  *threads = sched_getaffinity(0, sizeof set, &set) == 0 ? CPU_COUNT(&set) : 1;
  if (!text || !*text) return true;
  char *end;
  long n = strtol(text, &end, 10);
  bool list = !text[strspn(text, "0123456789,")];
  if (!list || end == text || (*end && *end != ',') || n < 1)
    return err_set(e, "OMP_NUM_THREADS is \"%s\", expected a number of threads", text);
  *threads = n < THREADS_MAX ? (int)n : THREADS_MAX;
  return true;
}

// ---- parts

static bool change(atomic_uchar *state, unsigned char from, unsigned char to) {
  return atomic_compare_exchange_strong(state, &from, to);
}

// Computes a part that has been entered into the room, and leaves if nobody else has.
static void finish(const void *model, const struct pool_work *w, struct parts *r, void *room,
                   int64_t part) {
  w->compute(model, room);
  if (!change(&r->state[part], COMPUTING, LEAVING)) return;
  w->leave(model, r->task, room, part);
  atomic_store(&r->state[part], DONE);
}

// False if somebody else has the part.
static bool take(const void *model, const struct pool_work *w, struct parts *r, void *room,
                 int64_t part) {
  if (!change(&r->state[part], FREE, ENTERING)) return false;
  w->enter(model, r->task, room, part);
  atomic_store(&r->state[part], COMPUTING);
  finish(model, w, r, room, part);
  return true;
}

static void take_parts(const void *model, const struct pool_work *w, struct parts *r, void *room) {
  for (int64_t part; (part = atomic_fetch_add(&r->next, 1)) < r->parts;)
    take(model, w, r, room, part);
}

// One turn of waiting for a thread that reads or writes the caller's memory.
static void wait_a_little(int turn) {
  static const struct timespec nap = {0, NAP_NS};
  if (turn < SPINS) return;
  if (turn < SPINS + YIELDS)
    sched_yield();
  else
    nanosleep(&nap, NULL); // whose core this is then
}

// What is left when no part is FREE but those of threads that stopped right after they counted.
static void complete(const void *model, const struct pool_work *w, struct parts *r, void *room) {
  for (int64_t part = 0; part < r->parts; part++)
    for (int turn = 0; atomic_load(&r->state[part]) != DONE; turn++) {
      if (take(model, w, r, room, part)) break;
      if (atomic_load(&r->state[part]) == COMPUTING && turn >= SPINS) {
        w->enter(model, r->task, room, part);
        finish(model, w, r, room, part);
      } else {
        wait_a_little(turn);
      }
    }
}

// ---- threads

static void release(struct parts *r) {
  if (atomic_fetch_sub(&r->users, 1) == 1) free(r);
}

// The next run after `seen`, which changes; NULL when the pool ends.
static struct parts *wait_for_run(struct pool *p, unsigned *seen) {
  for (int i = 0; i < SPINS + YIELDS && atomic_load(&p->turn) == *seen; i++)
    if (i > SPINS) sched_yield();
  pthread_mutex_lock(&p->lock);
  while (!p->over && (!p->run || atomic_load(&p->turn) == *seen))
    pthread_cond_wait(&p->called, &p->lock);
  struct parts *r = p->over ? NULL : p->run;
  *seen = atomic_load(&p->turn);
  if (r) atomic_fetch_add(&r->users, 1);
  pthread_mutex_unlock(&p->lock);
  return r;
}

static void *serve(void *argument) {
  struct member *m = argument;
  struct pool *p = m->pool;
  unsigned seen = 0;
  for (struct parts *r; (r = wait_for_run(p, &seen));) {
    take_parts(p->model, p->work, r, m->room);
    release(r);
  }
  return NULL;
}

struct pool *pool_new(struct arena *a, int threads, const void *model,
                      const struct pool_work *work) {
  if (threads < 2) return NULL;
  struct pool *p = ARENA_NEW(a, struct pool, 1);
  p->members = ARENA_NEW(a, struct member, threads);
  p->model = model;
  p->work = work;
  p->wanted = threads - 1;
  for (int i = 0; i < p->wanted; i++)
    p->members[i] = (struct member){.pool = p, .room = work->room_new(a, model)};
  pthread_mutex_init(&p->lock, NULL);
  pthread_cond_init(&p->called, NULL);
  return p;
}

// Signals of the process are for the threads that it has started itself.
static bool start(struct member *m) {
  sigset_t all, before;
  sigfillset(&all);
  pthread_sigmask(SIG_SETMASK, &all, &before);
  bool started = pthread_create(&m->thread, NULL, serve, m) == 0;
  pthread_sigmask(SIG_SETMASK, &before, NULL);
  return started;
}

// Starts the threads that don't run yet; if the system gives fewer, there are fewer.
static void start_all(struct pool *p) {
  while (p->threads < p->wanted && start(&p->members[p->threads])) p->threads++;
  p->wanted = p->threads;
}

// Gives a run to the threads. False if they have another one: then the caller is alone with it.
static bool call(struct pool *p, struct parts *r) {
  pthread_mutex_lock(&p->lock);
  bool mine = !p->run;
  if (mine) {
    p->run = r;
    atomic_fetch_add(&p->turn, 1);
    start_all(p);
    pthread_cond_broadcast(&p->called);
  }
  pthread_mutex_unlock(&p->lock);
  return mine;
}

static void take_back(struct pool *p) {
  pthread_mutex_lock(&p->lock);
  p->run = NULL;
  pthread_mutex_unlock(&p->lock);
}

static struct parts *run_new(const void *task, int64_t parts) {
  struct parts *r = calloc(1, sizeof *r + (size_t)parts);
  if (!r) arena_out_of_memory();
  r->task = task;
  r->parts = parts;
  atomic_init(&r->users, 1);
  return r;
}

void pool_run(struct pool *p, const void *model, const struct pool_work *work, const void *task,
              int64_t parts, void *room) {
  struct parts *r = run_new(task, parts);
  bool called = p && parts > 1 && call(p, r);
  take_parts(model, work, r, room);
  if (called) take_back(p);
  complete(model, work, r, room);
  release(r);
}

void pool_free(struct pool *p) {
  if (!p) return;
  pthread_mutex_lock(&p->lock);
  p->over = true;
  pthread_cond_broadcast(&p->called);
  pthread_mutex_unlock(&p->lock);
  for (int i = 0; i < p->threads; i++) pthread_join(p->members[i].thread, NULL);
  pthread_mutex_destroy(&p->lock);
  pthread_cond_destroy(&p->called);
}
