// SPDX-License-Identifier: Apache-2.0
// Million events a second of the simulator of plans, or with `check` of their checker: layers of 64
// parts each on one of 16 PEs, or with `whole` uncut ones, in a memory that holds two of them; the
// median of nine.
#include "sw/base/clock.h"
#include "sw/plan/check.h"
#include "sw/plan/simulate.h"

#include <stdlib.h>
#include <string.h>

enum { RUNS = 9, EVENTS = 1 << 17, WIDTH = 64, PES = 16 };

static int by_value(const void *a, const void *b) {
  double x = *(const double *)a, y = *(const double *)b;
  return (x > y) - (x < y);
}

static const struct graph *layers(struct arena *a, uint32_t count) {
  struct graph *g = graph_new(a, "wide");
  graph_add_value(g, "x", 1, (const int64_t[]){WIDTH}, type_real(), true);
  graph_add_input(g, 0, (struct source){0});
  for (uint32_t n = 0; n < count; n++) {
    graph_add_node(g, OP_relu, "n");
    graph_add_use(g, n, (struct use){n, 0, NONE});
    graph_add_out(g, n, graph_add_value(g, "v", 1, (const int64_t[]){WIDTH}, type_real(), true));
  }
  return g;
}

static void add_layer(struct plan *p, uint32_t n, const int64_t *range, int64_t parts) {
  if (!n) plan_add(p, (struct event){.action = ACTION_ALLOC, .bytes = WIDTH, .address = NONE});
  plan_add(p, (struct event){.action = ACTION_ALLOC, .id = n + 1, .bytes = WIDTH, .address = NONE});
  for (int64_t k = 0; k < parts; k++)
    plan_add(p, (struct event){.end = (double)(1 + k % 3),
                               .resource = 1 + (uint32_t)((n + k) % PES),
                               .action = ACTION_RUN,
                               .id = n,
                               .slice = {0, parts > 1, range + 2 * k}});
  plan_add(p, (struct event){.action = ACTION_FREE, .id = n, .bytes = WIDTH});
}

static struct plan *list_of(struct arena *a, int64_t parts) {
  uint32_t count = (uint32_t)(EVENTS / (parts + 2));
  int64_t *bytes = ARENA_NEW(a, int64_t, count + 1), *range = ARENA_NEW(a, int64_t, 2 * WIDTH);
  for (uint32_t v = 0; v <= count; v++) bytes[v] = WIDTH;
  for (int64_t k = 0; k < WIDTH; k++) range[2 * k] = k, range[2 * k + 1] = k + 1;
  struct plan *p = plan_new(a, layers(a, count), bytes);
  plan_resource(
      p, (struct resource){
             .kind = RESOURCE_MEMORY, .name = "m", .bytes = 2 * WIDTH, .align = 1, .home = true});
  for (int k = 0; k < PES; k++)
    plan_resource(p, (struct resource){.kind = RESOURCE_PE, .name = "pe", .constants = NONE});
  for (uint32_t n = 0; n < count; n++) add_layer(p, n, range, parts);
  return p;
}

int main(int argc, char **argv) {
  struct arena a = {0};
  struct err e = {0};
  double seconds[RUNS];
  bool check = argc > 1 && strcmp(argv[argc - 1], "check") == 0;
  bool whole = argc > 1 && strcmp(argv[1], "whole") == 0, ok = true;
  struct plan *p = list_of(&a, whole ? 1 : WIDTH);
  for (int k = 0; k < RUNS; k++) {
    struct arena own = {0};
    double begin = clock_seconds();
    if (!check || !k) ok = plan_simulate(p, &e) && ok;
    if (check && !k) plan_sort(p);
    if (check) begin = clock_seconds();
    if (check) ok = !plan_check(&own, p).count && ok;
    seconds[k] = clock_seconds() - begin;
    arena_free(&own);
  }
  qsort(seconds, RUNS, sizeof *seconds, by_value);
  printf("%.4f\n", p->n_events / seconds[RUNS / 2] / 1e6);
  arena_free(&a);
  if (!ok) err_print(stderr, &e);
  return !ok;
}
