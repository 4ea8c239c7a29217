// SPDX-License-Identifier: Apache-2.0
// What circuits take of an FPGA: products become DSP blocks and memories block RAMs as yosys was
// seen to do it, and the estimates say what was measured of the cells in tests/resources.
#include "sw/circuit/resources.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static void products(void **state) {
  (void)state;
  static const struct {
    int a, b, blocks;
  } cases[] = {{8, 8, 1},   {4, 4, 0},   {5, 4, 1},   {2, 7, 1},   {1, 18, 0},  {25, 18, 1},
               {18, 25, 1}, {26, 18, 2}, {25, 19, 2}, {31, 20, 4}, {40, 33, 4}, {43, 5, 3}};
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
    assert_int_equal(dsp_product(FAMILY_XC7, cases[i].a, cases[i].b), cases[i].blocks);
  // hw/fixed_multiply.sv cuts what is wider than 16 bits
  assert_int_equal(dsp_multiply(FAMILY_XC7, 16, 16), 1);
  assert_int_equal(dsp_multiply(FAMILY_XC7, 17, 8), 2);
  assert_int_equal(dsp_multiply(FAMILY_XC7, 31, 17), 4);
  // hw/fixed_product.sv cuts factors of more than 15 bits; a power of two shifts
  assert_int_equal(dsp_factor(FAMILY_XC7, 20, 12, 0), 1);
  assert_int_equal(dsp_factor(FAMILY_XC7, 20, 31, 0), 2);
  assert_int_equal(dsp_factor(FAMILY_XC7, 20, 12, 64), 0);
  assert_int_equal(dsp_factor(FAMILY_XC7, 20, 12, 65), 1);
  assert_int_equal(dsp_factor(FAMILY_XC7, 20, 31, (int64_t)1 << 30), 0);
  assert_int_equal(dsp_factor(FAMILY_XC7, 20, 31, ((int64_t)1 << 30) + 5), 1);
}

// Multipliers of 18 x 18 and 16 x 16 bits; memories without an output for each port, of 4 kbit;
// tables that are blocks sooner.
static void families(void **state) {
  (void)state;
  assert_int_equal(dsp_product(FAMILY_ECP5, 18, 18), 1);
  assert_int_equal(dsp_product(FAMILY_ECP5, 19, 18), 1);
  assert_int_equal(dsp_product(FAMILY_ECP5, 25, 18), 2);
  assert_int_equal(dsp_product(FAMILY_ECP5, 4, 4), 1);
  assert_int_equal(dsp_product(FAMILY_ICE40, 16, 16), 1);
  assert_int_equal(dsp_product(FAMILY_ICE40, 5, 5), 0);
  assert_int_equal(dsp_product(FAMILY_ICE40, 6, 5), 1);
  static const struct {
    enum family family;
    int64_t width;
    int bits, ports, blocks;
  } roms[] = {
      {FAMILY_ECP5, 32, 6, 1, 0},  {FAMILY_ECP5, 32, 7, 1, 1},  {FAMILY_ECP5, 36, 9, 1, 1},
      {FAMILY_ECP5, 40, 9, 1, 2},  {FAMILY_ECP5, 32, 11, 1, 4}, {FAMILY_ECP5, 20, 9, 2, 2},
      {FAMILY_ICE40, 16, 6, 1, 0}, {FAMILY_ICE40, 17, 7, 1, 2}, {FAMILY_ICE40, 16, 8, 1, 1},
      {FAMILY_ICE40, 8, 10, 1, 2}, {FAMILY_ICE40, 8, 11, 1, 4}, {FAMILY_ICE40, 16, 9, 2, 4}};
  for (size_t i = 0; i < sizeof roms / sizeof *roms; i++)
    assert_int_equal(bram_rom(roms[i].family, roms[i].width, roms[i].bits, roms[i].ports),
                     roms[i].blocks);
  assert_int_equal(bram_ram(FAMILY_ECP5, 20, 5), 0);
  assert_int_equal(lut_ram(FAMILY_ECP5, 20, 5), 60);
  assert_int_equal(bram_ram(FAMILY_ICE40, 16, 2), 0);
  assert_int_equal(bram_ram(FAMILY_ICE40, 16, 3), 1);
}

static void memories(void **state) {
  (void)state;
  static const struct {
    int64_t width;
    int bits, ports, blocks;
  } roms[] = {{8, 10, 1, 0},  {8, 11, 1, 1},  {16, 9, 1, 0}, {17, 9, 1, 1},
              {32, 8, 1, 0},  {33, 8, 1, 1},  {36, 9, 1, 1}, {72, 9, 1, 2},
              {32, 10, 1, 2}, {32, 11, 1, 4}, {4, 11, 1, 0}, {5, 11, 1, 1},
              {65, 7, 1, 0},  {36, 9, 2, 2},  {20, 9, 2, 0}, {8, 11, 2, 1}};
  for (size_t i = 0; i < sizeof roms / sizeof *roms; i++)
    assert_int_equal(bram_rom(FAMILY_XC7, roms[i].width, roms[i].bits, roms[i].ports),
                     roms[i].blocks);
  static const struct {
    int64_t width;
    int bits, blocks, luts;
  } rams[] = {{4, 9, 0, 64},    {4, 10, 1, 0},  {8, 8, 0, 48},    {8, 9, 1, 0},
              {16, 7, 0, 48},   {16, 8, 1, 0},  {32, 6, 0, 44},   {32, 7, 1, 0},
              {128, 6, 0, 172}, {128, 7, 4, 0}, {128, 11, 15, 0}, {8, 4, 0, 8}};
  for (size_t i = 0; i < sizeof rams / sizeof *rams; i++) {
    assert_int_equal(bram_ram(FAMILY_XC7, rams[i].width, rams[i].bits), rams[i].blocks);
    if (!rams[i].blocks)
      assert_int_equal(lut_ram(FAMILY_XC7, rams[i].width, rams[i].bits), rams[i].luts);
  }
}

// Where memories are cut by themselves: for a few LUTs a block RAM less, and never otherwise.
static void cuts(void **state) {
  (void)state;
  static const struct {
    int64_t width, depth, bank, split, blocks, less;
  } cases[] = {{32, 512, 2048, 0, 1, 0},   {40, 512, 2048, 36, 2, 1},   {48, 512, 2048, 0, 2, 0},
               {20, 576, 2048, 18, 2, 1},  {32, 576, 512, 0, 2, 1},     {32, 1152, 1024, 0, 4, 2},
               {40, 1152, 1024, 36, 5, 3}, {80, 1027, 1024, 0, 9, 4},   {32, 2048, 2048, 0, 4, 0},
               {10, 2048, 2048, 9, 2, 1},  {80, 1280, 1024, 72, 9, 3},  {9, 2048, 2048, 0, 1, 0},
               {64, 2304, 2048, 63, 8, 1}, {36, 20000, 2048, 0, 40, 0}, {8, 600, 2048, 0, 0, 0}};
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    int64_t width = cases[i].width, depth = cases[i].depth;
    struct rom_shape s = rom_shape_of(width, depth, RAM_UNSAID), whole = rom_whole(RAM_UNSAID);
    if (s.bank != cases[i].bank || s.split != cases[i].split)
      fail_msg("%lld x %lld: banks of %lld, split at %lld", (long long)width, (long long)depth,
               (long long)s.bank, (long long)s.split);
    assert_int_equal(bram_rom_shaped(width, depth, &whole), cases[i].blocks);
    assert_int_equal(bram_rom_shaped(width, depth, &whole) - bram_rom_shaped(width, depth, &s),
                     cases[i].less);
    // what is told where to be isn't cut
    s = rom_shape_of(width, depth, RAM_BLOCK);
    assert_int_equal(s.bank, ROM_BANK);
    assert_int_equal(s.split, 0);
    s = rom_shape_of(width, depth, RAM_DISTRIBUTED);
    assert_int_equal(bram_rom_shaped(width, depth, &s), 0);
  }
}

// Of the memories of tests/resources/xc7.memories: those whose block RAMs are said exactly, and
// whose LUTs within 10 and 30 %; `forget`: where they are told to be.
static void judge_memories(bool forget, int *all, int *exact, int *near, int *far) {
  long long width, depth, bank, split, lut, bram;
  char style[16];
  FILE *f = fopen("tests/resources/xc7.memories", "r");
  assert_non_null(f);
  *all = *exact = *near = *far = 0;
  while (fscanf(f, "%lld %lld %lld %lld %15s %lld %*d %lld", &width, &depth, &bank, &split, style,
                &lut, &bram) == 7) {
    struct rom_shape s = {.bank = bank, .split = split};
    assert_true(ram_style_read(style, &s.style));
    if (forget) s.style = RAM_AUTO;
    long long own = rom_luts(width, depth, &s), off = llabs(own - lut);
    ++*all;
    *exact += bram_rom_shaped(width, depth, &s) == bram;
    *near += 10 * off <= lut;
    *far += 10 * off > 3 * lut && off > 4;
  }
  fclose(f);
}

static void measured_memories(void **state) {
  int all, exact, near, far;
  (void)state;
  judge_memories(false, &all, &exact, &near, &far);
  assert_true(all >= 40);
  assert_int_equal(exact, all);
  assert_true(10 * near >= 9 * all);
  assert_int_equal(far, 0);
  // and it would be seen
  judge_memories(true, &all, &exact, &near, &far);
  assert_true(exact < all && far > 0);
}

// ---- the cells that were measured

struct cell_found {
  struct bill bill;
  int64_t lut, ff, dsp, bram; // measured
};

static enum part part_of(const char *name) {
  for (int i = 0; i < PARTS; i++)
    if (strcmp(part_name((enum part)i), name) == 0) return (enum part)i;
  fail_msg("no part %s", name);
  return PARTS;
}

static bool read_cell(FILE *f, enum family family, struct cell_found *c) {
  char part[32];
  long long v[9];
  if (fscanf(f, "%*s %lld %lld %lld %lld %*s %31s %lld %lld %lld %lld %lld", &v[0], &v[1], &v[2],
             &v[3], part, &v[4], &v[5], &v[6], &v[7], &v[8]) != 10)
    return false;
  *c = (struct cell_found){
      {.family = family, .part = part_of(part), .dsp = v[4], .bram = v[5], .lut = v[6]},
      v[0],
      v[1],
      v[2],
      v[3]};
  for (int i = 0; i < TERMS; i++) assert_int_equal(fscanf(f, "%lf", &c->bill.term[i]), 1);
  return true;
}

static bool within(int64_t estimate, int64_t found, int percent) {
  return 100 * llabs(estimate - found) <= percent * found;
}

static bool between_layers(enum part part) {
  return part == PART_frame || part == PART_resize || part == PART_register || part == PART_trim ||
         part == PART_fork || part == PART_queue;
}

// How many layers there are, how many have exact blocks, and how many LUTs and flip-flops within
// 10 % and 30 %, of estimates by `factor` too large.
struct judged {
  int layers, exact, near[2], far[2];
};
static struct judged judge(enum family family, double factor) {
  struct judged j = {0};
  struct cell_found c;
  char path[64];
  snprintf(path, sizeof path, "tests/resources/%s.cells", family_id(family));
  FILE *f = fopen(path, "r");
  assert_non_null(f);
  while (read_cell(f, family, &c)) {
    if (between_layers(c.bill.part)) continue;
    for (int i = 0; i < TERMS; i++) c.bill.term[i] *= factor;
    struct resources r = resources_of(&c.bill);
    j.layers++;
    j.exact += r.dsp == c.dsp && r.bram == c.bram;
    j.near[0] += within(r.lut, c.lut, 10);
    j.near[1] += within(r.ff, c.ff, 10);
    j.far[0] += !within(r.lut, c.lut, 30);
    j.far[1] += !within(r.ff, c.ff, 30);
  }
  fclose(f);
  return j;
}

static void estimates(void **state) {
  (void)state;
  for (int family = 0; family < FAMILIES; family++) {
    struct judged j = judge((enum family)family, 1);
    assert_true(j.layers >= 40);
    assert_true(10 * j.exact >= 9 * j.layers);
    for (int i = 0; i < 2; i++) {
      assert_true(2 * j.near[i] >= j.layers);
      assert_int_equal(j.far[i], 0);
    }
    // and it would be seen
    struct judged wrong = judge((enum family)family, 1.5);
    assert_true(2 * wrong.near[0] < j.layers && wrong.far[0] > 0 && wrong.far[1] > 0);
  }
}

// What scripts/fit-resources --check says of the same cells, and of a coefficient that is wrong.
static void check(void **state) {
  (void)state;
  for (int i = 0; i < FAMILIES; i++) {
    char line[128];
    snprintf(line, sizeof line,
             "awk -f tests/resources/judge.awk tests/resources/%s.cells >/dev/null",
             family_id((enum family)i));
    assert_int_equal(system(line), 0);
  }
  assert_int_not_equal(
      system("awk '$7 == \"linear\" { $11 = int(1.4 * $11) } 1' tests/resources/xc7.cells |"
             " awk -f tests/resources/judge.awk >/dev/null"),
      0);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(products), cmocka_unit_test(families),          cmocka_unit_test(memories),
      cmocka_unit_test(cuts),     cmocka_unit_test(measured_memories), cmocka_unit_test(estimates),
      cmocka_unit_test(check)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
