// SPDX-License-Identifier: Apache-2.0
// The operation-count model against the figures that it is fitted to, and the sum over a network
// whose sizes and accumulators docs/commands.md shows.
#include "quant/load.h"
#include "sw/circuit/energy.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

static void near_to(double found, double expected, double share) {
  if (!(fabs(found - expected) <= share * expected)) fail_msg("%.9g, not %.9g", found, expected);
}

// Horowitz, "Computing's energy problem": integers, and 64 bits from caches of 8 KB, 32 KB, 1 MB.
static void published_figures(void **state) {
  (void)state;
  near_to(energy_add(8), 0.03, 0.2);
  near_to(energy_add(32), 0.1, 1e-6);
  near_to(energy_product(8, 8), 0.2, 1e-6);
  near_to(energy_product(32, 32), 3.1, 1e-6);
  near_to(64 * energy_read(8 * 8192), 10, 1e-4);
  near_to(64 * energy_read(8 * 32768), 20, 1e-4);
  near_to(64 * energy_read(8 << 20), 100, 1e-5);
  assert_true(energy_read(1) >= 0);
  assert_true(energy_product(4, 8) < energy_product(8, 8));
}

// 784-128-10 at 8,3: accumulators of 22 and 19 bits, weights of 8.
static void a_network(void **state) {
  (void)state;
  struct arena a = {0};
  struct err e = {0};
  struct model m;
  struct load o = {.precision = "8,3"};
  if (!load_model(&a, "models/mnist-mlp.bin", &o, &m, &e)) fail_msg("%s", e.text);
  struct energy found = energy_of(m.fixed);
  double first = 784 * 128, second = 128 * 10;
  double arithmetic = first * (0.2 + 0.003125 * 22) + second * (0.2 + 0.003125 * 19);
  double reads = 8 * (first * energy_read(8 * first) + second * energy_read(8 * second) +
                      784 * energy_read(8 * 784) + 128 * energy_read(8 * 128));
  near_to(found.arithmetic, arithmetic, 1e-5);
  near_to(found.on_chip, reads, 1e-5);
  near_to(found.off_chip, 20.3125 * 8 * (784 + 10), 1e-6);
  near_to(energy_sum(found), found.arithmetic + found.on_chip + found.off_chip, 1e-6);
  arena_free(&a);
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(published_figures),
                                     cmocka_unit_test(a_network)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
