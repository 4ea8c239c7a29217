// SPDX-License-Identifier: Apache-2.0
// Threads that work on one thing after the other together. Who waits spins for a moment, then
// yields, then sleeps: a machine with other work isn't kept from it, and none of the common
// runtimes has to be told.
#ifndef NNGEN_BASE_CREW_H
#define NNGEN_BASE_CREW_H

#include "sw/base/arena.h"

struct crew;

// `threads` of them, the caller among them. If the system gives fewer, there are fewer.
struct crew *crew_new(struct arena *a, int threads);
int crew_threads(const struct crew *c);

// Calls work(context, share) for share 0 .. threads - 1, share 0 in the caller, and waits for all.
void crew_run(struct crew *c, void (*work)(void *context, int share), void *context);

// Inside of work: waits until all have come here.
void crew_meet(struct crew *c);

// Ends the threads; the memory is the arena's.
void crew_free(struct crew *c);

#endif
