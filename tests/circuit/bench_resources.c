// SPDX-License-Identifier: Apache-2.0
// What the cells of a circuit consist of, for scripts/fit-resources: a line for each with its name,
// its part, DSP blocks, block RAMs, LUTs that are memories, the estimates of LUTs and flip-flops,
// and its terms.
//
//   bench_resources FOLDER PARALLELISM      of what generate wrote with so many lanes
#include "quant/load.h"
#include "sw/circuit/resources.h"

#include <stdlib.h>

static void print(const struct circuit *p, const struct cell *c) {
  struct bill b = bill_of(p, c);
  struct resources r = resources_of(&b);
  printf("%s %s %lld %lld %lld %lld %lld", c->name, part_name(b.part), (long long)b.dsp,
         (long long)b.bram, (long long)b.lut, (long long)r.lut, (long long)r.ff);
  for (int i = 0; i < TERMS; i++) printf(" %g", b.term[i]);
  printf("\n");
}

int main(int argc, char **argv) {
  struct arena a = {0};
  struct err e = {0};
  struct model m;
  struct load l = {0};
  if (argc != 3) return 2;
  struct folding f = {.parallelism = atoi(argv[2])};
  if (!load_model(&a, argv[1], &l, &m, &e)) {
    fprintf(stderr, "%s\n", e.text);
    return 1;
  }
  const struct circuit *p = circuit_build(&a, m.fixed, "top", &f, &e);
  for (uint32_t i = 0; p && i < p->n_cells; i++) print(p, &p->cells[i]);
  arena_free(&a);
  return p ? 0 : 1;
}
