// SPDX-License-Identifier: Apache-2.0
// Breaking one rule of the verifier at a time: a valid random graph, one change, the words it must
// say.
#ifndef NNGEN_TESTS_HELPER_VERIFY_H
#define NNGEN_TESTS_HELPER_VERIFY_H

#include "sw/graph/graph.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

// A way to break graph `g`, whose node `n` is the first of the op.
struct rule {
  enum op op;
  void (*break_it)(struct graph *g, struct node *n);
  const char *words;
};

// Every rule is refused with its words, in one of the random graphs of its op at least: in some,
// several outputs or chains before the node fail for another reason first.
void verify_rules(const struct rule *rules, size_t count);

struct value *input(struct graph *g, const struct node *n, uint32_t i);
struct value *output(struct graph *g, const struct node *n);
uint32_t id_of(const struct graph *g, const struct node *n);
struct attr *attribute(struct node *n, enum attr_name name); // fails if there is none

// A tensor of zeros.
uint32_t tensor(struct graph *g, const char *name, int64_t count, struct type type);

struct type s8(struct graph *g);
struct type per_channel(struct graph *g, int axis, int64_t channels); // scales of 1 along an axis

#define RULE(name) static void name(struct graph *g, struct node *n)
#define NO_N (void)n
#define NO_G (void)g

#endif
