// SPDX-License-Identifier: Apache-2.0
#include "sw/circuit/table_fold.h"

#include "sw/base/bits.h"

#include <assert.h>

// The values that one form maps, saturated alike: of the codes, or of the magnitudes.
struct view {
  int64_t lo, hi;        // n of the first and of the last value
  int64_t min, max;      // saturation
  const int64_t *values; // (hi - lo + 1)
};

struct tail {
  int slope;
  int64_t offset, run; // codes it covers
};

static int64_t clamp(int64_t x, int64_t lo, int64_t hi) {
  return x < lo ? lo : x > hi ? hi : x;
}

static int64_t value(const struct view *v, int64_t n) {
  return clamp(v->values[n - v->lo], v->min, v->max);
}

static bool on_line(const struct view *v, int64_t n, const struct tail *t) {
  return value(v, n) == clamp(t->slope * n + t->offset, v->min, v->max);
}

// The better of a constant tail and one of x + c, counted from n = `from` in direction `step`
// towards `to`. The offset c is that of the first value that isn't saturated.
static struct tail best_tail(const struct view *v, int64_t from, int64_t to, int step) {
  struct tail constant = {.slope = 0, .offset = value(v, from)}, line = {.slope = 1};
  int64_t count = (to - from) * step + 1, free = from;
  while (free != to && (value(v, free) == v->min || value(v, free) == v->max)) free += step;
  line.offset = value(v, free) - free;
  while (constant.run < count && on_line(v, from + step * constant.run, &constant)) constant.run++;
  while (line.run < count && on_line(v, from + step * line.run, &line)) line.run++;
  // One entry more proves no line: any value is on some x + c.
  return line.run > constant.run + 1 ? line : constant;
}

static int64_t *copy_entries(struct arena *a, const struct view *v, int64_t first, int64_t depth) {
  int64_t *entries = ARENA_NEW(a, int64_t, depth);
  for (int64_t i = 0; i < depth; i++) entries[i] = value(v, first + i);
  return entries;
}

static struct table_rom fold_plain(struct arena *a, const struct table_full *full) {
  struct view v = {full->in_lo, full->in_hi, full->out_lo, full->out_hi, full->codes};
  struct tail low = best_tail(&v, v.lo, v.hi, 1), high = best_tail(&v, v.hi, v.lo, -1);
  int64_t count = v.hi - v.lo + 1;
  // One entry stays where the tails cover everything.
  if (low.run == count) low.run--;
  if (high.run > count - low.run - 1) high.run = count - low.run - 1;
  struct table_rom rom = {.first = v.lo + low.run,
                          .depth = count - low.run - high.run,
                          .entry_width = bits_unsigned((uint64_t)(full->out_hi - full->out_lo)),
                          .low_slope = low.slope,
                          .low_offset = low.offset,
                          .high_slope = high.slope,
                          .high_offset = high.offset};
  rom.entries = copy_entries(a, &v, rom.first, rom.depth);
  return rom;
}

static struct table_rom fold_odd(struct arena *a, const struct table_full *full) {
  // Beyond -out_lo both signs are saturated, so that larger magnitudes need not be told apart.
  struct view v = {0, -full->in_lo, INT64_MIN, -full->out_lo, full->magnitudes};
  struct tail high = best_tail(&v, v.hi, v.lo, -1);
  if (high.run > v.hi) high.run = v.hi;
  struct table_rom rom = {.odd = true,
                          .depth = v.hi + 1 - high.run,
                          .high_slope = high.slope,
                          .high_offset = high.offset};
  rom.entries = copy_entries(a, &v, 0, rom.depth);
  int64_t largest = 0;
  for (int64_t i = 0; i < rom.depth; i++)
    if (rom.entries[i] > largest) largest = rom.entries[i];
  rom.entry_width = bits_unsigned((uint64_t)largest);
  return rom;
}

int64_t table_rom_bits(const struct table_rom *rom) {
  return rom->depth * rom->entry_width;
}

static void check(const struct table_full *full, const struct table_rom *rom) {
  for (int64_t n = full->in_lo; n <= full->in_hi; n++) {
    int64_t found = table_rom_eval(rom, n, full->out_lo, full->out_hi);
    assert(found == full->codes[n - full->in_lo]);
    (void)found;
  }
}

struct table_rom table_fold(struct arena *a, const struct table_full *full) {
  struct table_rom rom = fold_plain(a, full);
  if (full->magnitudes) {
    assert(full->in_lo < 0 && full->in_hi <= -full->in_lo && full->out_lo < 0);
    struct table_rom odd = fold_odd(a, full);
    if (table_rom_bits(&odd) < table_rom_bits(&rom)) rom = odd;
  }
  check(full, &rom);
  return rom;
}

int64_t table_rom_index(const struct table_rom *rom, int64_t n) {
  return rom->odd && n < 0 ? -n : n - rom->first;
}

int64_t table_rom_finish(const struct table_rom *rom, int64_t n, int64_t entry, int64_t out_lo,
                         int64_t out_hi) {
  int64_t i = table_rom_index(rom, n), x = i + rom->first, y = entry;
  if (i < 0)
    y = rom->low_slope * x + rom->low_offset;
  else if (i >= rom->depth)
    y = rom->high_slope * x + rom->high_offset;
  return clamp(rom->odd && n < 0 ? -y : y, out_lo, out_hi);
}

int64_t table_rom_eval(const struct table_rom *rom, int64_t n, int64_t out_lo, int64_t out_hi) {
  int64_t i = table_rom_index(rom, n);
  int64_t entry = i >= 0 && i < rom->depth ? rom->entries[i] : 0;
  return table_rom_finish(rom, n, entry, out_lo, out_hi);
}
