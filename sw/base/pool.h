// SPDX-License-Identifier: Apache-2.0
// Threads that take the parts of a task from one list, each in a room of its own:
//
//   enter   reads what the caller has given for a part into the room
//   compute needs the room and the model only
//   leave   writes the part's results to where the caller wants them
//
// Nobody waits for a thread that waits for its core: who finds no part left computes again what
// others have taken and not handed in, and who is first leaves. On a machine with other work the
// result is there no later than one thread alone would have it, but for what is read and written.
#ifndef NNGEN_BASE_POOL_H
#define NNGEN_BASE_POOL_H

#include "sw/base/arena.h"
#include "sw/base/err.h"

#include <stdint.h>

struct pool;

// What the threads do. A part is entered and left once, and may be computed more often.
struct pool_work {
  void *(*room_new)(struct arena *a, const void *model); // of a thread of the pool
  void (*enter)(const void *model, const void *task, void *room, int64_t part);
  void (*compute)(const void *model, void *room);
  void (*leave)(const void *model, const void *task, void *room, int64_t part);
};

// Threads of a task: what OMP_NUM_THREADS says, otherwise the processors that this process may use.
// False if the variable isn't a number above 0.
bool pool_threads(int *threads, struct err *e);

// A pool of `threads`, the caller of pool_run among them; the others start with its first task of
// several parts. The model doesn't change and stays until pool_free, as does the arena. NULL stands
// for a pool of one. Nothing is allocated in arenas after this.
struct pool *pool_new(struct arena *a, int threads, const void *model,
                      const struct pool_work *work);

// Does parts 0 .. parts - 1 of a task; `room` is the caller's. Several threads may call it at the
// same time, each with a room of its own.
void pool_run(struct pool *p, const void *model, const struct pool_work *work, const void *task,
              int64_t parts, void *room);

// Ends the threads; the memory is the arena's. NULL is allowed.
void pool_free(struct pool *p);

#endif
