// SPDX-License-Identifier: Apache-2.0
// Networks that people have, by shape, with weights as their recipes draw them: each is folded to a
// pace, clean in three tools, and equal in Verilator over three frames of random bytes at the pace
// that was asked for or a better one. In depth those of MLPerf Tiny and FINN too.
#include "sw/base/file.h"
#include "sw/base/rng.h"
#include "sw/graph/model.h"
#include "sw/train/recipe.h"
#include "tests/cmd/helper_npy.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { FRAMES = 3 };

static const struct shape {
  const char *name;
  const char *options;
  int64_t elements; // of an input frame
  bool deep;
} shapes[] = {
    {"resnet-mini", "-p 8,3 --target-cycles 14112", 28 * 28, false},
    {"ds-mini", "-p 8,3 --target-cycles 784", 28 * 28, false}, // whole windows of each channel
    {"ds-mini", "-p 8,3 --target-cycles 3528", 28 * 28, true},
    {"lenet1", "-p 8,3 --target-cycles 14400", 28 * 28, true},
    {"lenet4", "-p 8,3 --target-cycles 19600", 28 * 28, true},
    {"lenet5-1998", "-p 8,3 --target-cycles 19600", 28 * 28, true},
    {"lenet5-1998-rbf", "-p 8,3 --target-cycles 19600", 28 * 28, true},
    {"shuffle-mini", "-p 8,3 --target-cycles 1000", 28 * 28, true},
    {"mnist-rbf", "-p 8,3 --target-cycles 12544", 28 * 28, true},
    {"resnet8", "-p 8,3 --target-cycles 147456", 32 * 32 * 3, true},
    {"ds-cnn", "-p 8,3 --target-cycles 64000", 49 * 10, true},
    {"mobilenet-025", "-p 8,3 --target-cycles 165888", 96 * 96 * 3, true},
    {"autoencoder", "-p 8,3 --target-cycles 10240", 640, true},
    {"tfc", "-p 2,0 -i u8 --target-cycles 64", 28 * 28, true},
    {"svhn", "-p 8,3 --target-cycles 32768", 32 * 32 * 3, true},
};

// The recipe's network, with its weights as they are drawn.
static void draw(const char *name, const char *path) {
  struct arena a = {0};
  struct bytes text;
  struct recipe r;
  struct err e = {0};
  const char *file = arena_printf(&a, "models/%s.json", name);
  if (!file_read(&a, file, 1 << 20, &text, &e) ||
      !recipe_parse(&a, (const char *)text.data, text.size, 1, &r, &e) ||
      !model_write(path, r.model, &e))
    fail_msg("%s: %s", name, e.text);
  arena_free(&a);
}

static void write_frames(struct shell *c, int64_t elements) {
  uint8_t *bytes = ARENA_NEW(&c->arena, uint8_t, FRAMES * elements);
  for (int64_t i = 0; i < FRAMES * elements; i++) bytes[i] = (uint8_t)rng_at(1, 0, (uint64_t)i);
  npy_write(c, "frames.npy", "|u1",
            arena_printf(&c->arena, "(%d, %lld)", FRAMES, (long long)elements), bytes,
            (size_t)(FRAMES * elements));
}

#define SILENT(command)                                                                            \
  "said=$(" command " 2>&1) && [ -z \"$said\" ] || { echo \"$said\"; exit 2; }; "

static void test_shapes(void **state) {
  struct shell *c = *state;
  for (size_t i = 0; i < sizeof shapes / sizeof *shapes; i++) {
    const struct shape *s = &shapes[i];
    if (s->deep && !getenv("NNGEN_TEST_DEEP")) continue;
    draw(s->name, arena_printf(&c->arena, "%s/%s.bin", c->dir, s->name));
    write_frames(c, s->elements);
    cli_expect(c, arena_printf(&c->arena, "$N -q %s -o $D/rtl $D/%s.bin", s->options, s->name), 0,
               "top: II");
    cli_expect(c,
               "cd $D/rtl && " SILENT("verilator --lint-only -Wall --top-module top -f top.f")
                   SILENT("iverilog -g2012 -Wall -tnull -c top.f")
                       SILENT("yosys -q -p \"read_verilog -sv $(tr '\\n' ' ' <top.f);"
                              " hierarchy -check -top top; proc; check -assert\"") "echo silent",
               0, "silent");
    cli_expect(c, "$N sim -q --data $D/frames.npy -o $D/sim $D/rtl && rm -r $D/rtl", 0,
               " compared, 0 mismatches");
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {SHELL_CASE(test_shapes)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
