// SPDX-License-Identifier: Apache-2.0
// A slow judge of plans: whole numbers of time, one byte per element, and for every byte at every
// instant how much of which block's element it holds. For the graphs and machines of
// helper_random_plan.h; shares nothing with the checker but the plan.
#ifndef NNGEN_TESTS_HELPER_BYTES_H
#define NNGEN_TESTS_HELPER_BYTES_H

#include "sw/plan/plan.h"

// Whether the plan can be carried out; otherwise `why`, a word.
bool bytes_accept(const struct plan *p, const char **why);

#endif
