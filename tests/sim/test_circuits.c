// SPDX-License-Identifier: Apache-2.0
// Whole circuits: both ends of every proven interval are attained, and wrong memory images are
// seen.
#include "gen/folder.h"
#include "quant/quantize.h"
#include "sim/simulate.h"
#include "sw/base/file.h"
#include "sw/graph/model.h"
#include "tests/net/helper_circuit.h"
#include "tests/net/helper_netgen.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

enum { FRAMES = 5 };

static char scratch[64];

static int setup(void **state) {
  (void)state;
  strcpy(scratch, "/tmp/nngen-circuits-XXXXXX");
  return mkdtemp(scratch) ? 0 : -1;
}

static int teardown(void **state) {
  (void)state;
  char command[128];
  snprintf(command, sizeof command, "rm -rf %s", scratch);
  return system(command);
}

static struct simulate_result simulated(struct arena *a, const struct circuit *p, const char *dir,
                                        uint64_t seed) {
  struct err e = {0};
  struct simulate_result result;
  int32_t *codes = ARENA_NEW(a, int32_t, FRAMES * circuit_input_elements(p));
  netgen_input(p->graph, seed, FRAMES, codes);
  circuit_witness(a, p->graph, (int64_t)seed, codes);
  struct simulate_job job = {.folder = dir,
                             .circuit = p,
                             .images = FRAMES,
                             .codes = codes,
                             .jobs = 1,
                             .seed = (uint32_t)seed,
                             .icarus = true,
                             .quiet = true,
                             .work = arena_printf(a, "%s/work", scratch)};
  if (!simulate(a, &job, &result, &e)) fail_msg("%s", e.text);
  return result;
}

// Both ends of all 128 channels of mnist-mlp's first layer, in Verilator.
static void test_witnesses(void **state) {
  (void)state;
  struct arena a = {0};
  struct err e = {0};
  struct formats f = formats_new();
  assert_true(formats_set_stream(&a, &f.defaults, "8,3", &e));
  struct graph *real = model_read(&a, "models/mnist-mlp.bin", &e);
  struct graph *g = real ? quantize(&a, real, &f, &e) : NULL;
  struct circuit *p =
      g ? circuit_build(&a, g, "top", &(struct folding){.parallelism = 8}, &e) : NULL;
  const char *dir = arena_printf(&a, "%s/mlp", scratch);
  if (!p || !folder_write(p, dir, &(struct folder_content){0}, &e)) fail_msg("%s", e.text);
  p = folder_circuit(&a, dir, &e);
  if (!p) fail_msg("%s", e.text);
  int32_t *codes = ARENA_NEW(&a, int32_t, 256 * 784);
  for (int64_t o = 0; o < 128; o++) circuit_witness(&a, p->graph, o, codes + o * 2 * 784);
  struct simulate_result r;
  struct simulate_job job = {.folder = dir,
                             .circuit = p,
                             .images = 256,
                             .codes = codes,
                             .jobs = 1,
                             .seed = 1,
                             .quiet = true,
                             .work = arena_printf(&a, "%s/mlp-work", scratch)};
  if (!simulate(&a, &job, &r, &e)) fail_msg("%s", e.text);
  if (r.failure) fail_msg("%s", r.failure);
  assert_int_equal(r.images, 256);
  assert_int_equal(r.mismatches, 0);
  arena_free(&a);
}

// True if that changes the file.
static bool edit(struct arena *a, const char *name, void (*how)(struct bytes *)) {
  struct err e = {0};
  struct bytes image;
  const char *path = arena_printf(a, "%s/rtl/rom/%s", scratch, name);
  assert_true(file_read(a, path, 1 << 20, &image, &e));
  const unsigned char *before = arena_copy(a, image.data, image.size);
  how(&image);
  assert_true(file_write(path, image.data, image.size, &e));
  return memcmp(before, image.data, image.size) != 0;
}

static void invert(struct bytes *image) {
  for (size_t i = 0; i < image->size; i++)
    if (image->data[i] != '\n') image->data[i] = image->data[i] == '0' ? '5' : '0';
}

// The first line goes to the end: each output gets the bias or weights of the next.
static void rotate(struct bytes *image) {
  size_t line = strcspn((char *)image->data, "\n") + 1;
  char first[64];
  assert_true(line < sizeof first && line < image->size);
  memcpy(first, image->data, line);
  memmove(image->data, image->data + line, image->size - line);
  memcpy(image->data + image->size - line, first, line);
}

struct seeded {
  const char *name;
  void (*how)(struct bytes *);
};

// 1: found, in the first layer; 0: not; NONE: this network is the same with the bug.
static int found(const struct seeded *bug, uint64_t seed) {
  struct arena a = {0};
  struct err e = {0};
  struct graph *g = netgen(&a, seed, OP_linear, NETGEN_CIRCUIT);
  struct folding f = circuit_folding(&a, g, seed);
  struct circuit *p = circuit_build(&a, g, "top", &f, &e);
  const char *dir = arena_printf(&a, "%s/rtl", scratch);
  assert_non_null(p);
  assert_true(folder_write(p, dir, &(struct folder_content){0}, &e));
  const struct cell *first = p->cells;
  while (first->kind != CELL_LAYER) first++;
  int verdict = NONE;
  // the images' hashes would tell at once
  assert_int_equal(system(arena_printf(&a, "sed -i /rom_check/d %s/top.sv", dir)), 0);
  if (first->timing.og > 1 && edit(&a, bug->name, bug->how)) {
    struct simulate_result r = simulated(&a, p, dir, seed);
    verdict = r.failure && strstr(r.failure, first->name);
  }
  arena_free(&a);
  return verdict;
}

// Seeded bugs in the memory images: wrong weights, biases shifted by an output, weights in another
// order (as a transposed matrix would have them). Saturation hides one now and then.
static void test_seeded_images(void **state) {
  (void)state;
  static const struct seeded bugs[] = {{"l0_weight_000_000.mem", invert},
                                       {"l0_bias_000_000.mem", rotate},
                                       {"l0_weight_000_000.mem", rotate}};
  for (size_t i = 0; i < sizeof bugs / sizeof *bugs; i++) {
    int caught = 0, changed = 0;
    for (uint64_t seed = 1; seed <= 20; seed++) {
      int verdict = found(&bugs[i], seed);
      changed += verdict != NONE;
      caught += verdict == 1;
    }
    print_message("seeded bug %zu: %d of %d caught\n", i, caught, changed);
    assert_true(changed > 3 && 2 * caught >= changed);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(test_witnesses),
                                     cmocka_unit_test(test_seeded_images)};
  cmocka_set_test_filter(getenv("NNGEN_TEST_ONLY"));
  return cmocka_run_group_tests(tests, setup, teardown);
}
