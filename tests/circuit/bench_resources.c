// SPDX-License-Identifier: Apache-2.0
// What the cells of a circuit consist of, for scripts/fit-resources: a line for each with its name,
// its part, DSP blocks, block RAMs, LUTs that are memories, the estimates of LUTs and flip-flops,
// and its terms.
//
//   bench_resources FOLDER FAMILY      of what generate wrote; yosys' name of the family
#include "gen/folder.h"
#include "sw/circuit/resources.h"

#include <string.h>

static void print(const struct circuit *p, const struct cell *c, enum family family) {
  struct bill b = bill_of(p, c, family);
  struct resources r = resources_of(&b);
  printf("%s %s %lld %lld %lld %lld %lld", c->name, part_name(b.part), (long long)b.dsp,
         (long long)b.bram, (long long)b.lut, (long long)r.lut, (long long)r.ff);
  for (int i = 0; i < TERMS; i++) printf(" %g", b.term[i]);
  printf("\n");
}

int main(int argc, char **argv) {
  struct arena a = {0};
  struct err e = {0};
  int family = 0;
  if (argc != 3) return 2;
  while (family < FAMILIES && strcmp(family_id((enum family)family), argv[2]) != 0) family++;
  if (family == FAMILIES) return 2;
  const struct circuit *p = folder_circuit(&a, argv[1], &e);
  if (!p) fprintf(stderr, "%s\n", e.text);
  for (uint32_t i = 0; p && i < p->n_cells; i++) print(p, &p->cells[i], (enum family)family);
  arena_free(&a);
  return p ? 0 : 1;
}
