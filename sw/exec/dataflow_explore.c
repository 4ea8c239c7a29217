// SPDX-License-Identifier: Apache-2.0
// Every order of firings: the choices of a run are the digits of a number that counts up.
#include "sw/exec/dataflow.h"

#include <stdlib.h>

struct choice {
  uint32_t taken, of;
};

struct explorer {
  const struct dataflow_caller *caller;
  struct choice *trail;
  uint32_t depth, length, room;
};

static uint32_t pick_next(void *context, uint32_t ready) {
  struct explorer *x = context;
  if (x->depth == x->length) {
    if (x->length == x->room) {
      x->room = x->room ? x->room * 2 : 64;
      x->trail = realloc(x->trail, x->room * sizeof *x->trail);
      if (!x->trail) arena_out_of_memory();
    }
    x->trail[x->length++] = (struct choice){0, ready};
  }
  return x->trail[x->depth++].taken;
}

static const void *pass_input(void *context, int64_t step, uint32_t i) {
  const struct dataflow_caller *c = ((struct explorer *)context)->caller;
  return c->input(c->context, step, i);
}

static void pass_output(void *context, int64_t step, uint32_t i, const void *data) {
  const struct dataflow_caller *c = ((struct explorer *)context)->caller;
  if (c->output) c->output(c->context, step, i, data);
}

int64_t dataflow_explore(struct dataflow *d, int64_t steps, const struct dataflow_caller *caller,
                         int64_t most, void (*visit)(void *context, struct dataflow *d)) {
  struct explorer x = {.caller = caller};
  struct dataflow_caller inner = {&x, pick_next, pass_input, pass_output};
  int64_t orders = 0;
  do {
    x.depth = 0;
    dataflow_reset(d);
    dataflow_run(d, steps, &inner);
    visit(caller->context, d);
    orders++;
    while (x.length && x.trail[x.length - 1].taken + 1 == x.trail[x.length - 1].of) x.length--;
    if (x.length) x.trail[x.length - 1].taken++;
  } while (x.length && orders <= most);
  free(x.trail);
  return orders > most ? -1 : orders;
}
