// SPDX-License-Identifier: Apache-2.0
// Small plans by hand, and what the checker says of them.
#ifndef NNGEN_TESTS_HELPER_PLAN_H
#define NNGEN_TESTS_HELPER_PLAN_H

#include "sw/plan/check.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

// One byte per element.
const int64_t *plan_bytes(struct arena *a, const struct graph *g);

// 784-128-10 with 8 bits, 3 of them whole, and the weights of models/mnist-mlp.bin.
struct graph *plan_mlp(struct arena *a);

// The event of an action on a value or node of a name, the first such of all; fails without one.
struct event *plan_find(const struct plan *p, enum action action, const char *name);

// Fails unless there are no faults.
void plan_is_sound(const struct plan *p);

// Fails unless there are faults, all of this kind; the first one's text holds `words`.
void plan_is_refused(const struct plan *p, enum fault_kind kind, const char *words);

#endif
