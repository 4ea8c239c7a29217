// SPDX-License-Identifier: Apache-2.0
// Taps of windows, gathered.
#include "sw/exec/golden_parts.h"

#include <assert.h>
#include <string.h>

int64_t golden_patch(const struct conv *c) {
  return c->window.kernel[ROWS] * c->window.kernel[COLUMNS] * c->ins;
}

struct gather {
  const struct window *window;
  const uint8_t *image;
  size_t pixel, size; // bytes of a pixel, of an element
  int32_t zero;
};

static void pad(const struct gather *g, uint8_t *to, int64_t pixels) {
  int64_t count = pixels * g->window->channels;
  memset(to, g->zero, (size_t)count * g->size);
}

// `columns` pixels of row y from column x on, `step` apart.
static void copy_row(const struct gather *g, int64_t y, int64_t x, int64_t columns, int64_t step,
                     uint8_t *to) {
  const struct window *w = g->window;
  if (!window_inside(w, ROWS, y)) {
    pad(g, to, columns);
    return;
  }
  if (step == 1 && x >= 0 && x + columns <= w->in[COLUMNS]) {
    memcpy(to, g->image + (size_t)(y * w->in[COLUMNS] + x) * g->pixel, (size_t)columns * g->pixel);
    return;
  }
  for (int64_t k = 0; k < columns; k++, x += step, to += g->pixel)
    if (window_inside(w, COLUMNS, x))
      memcpy(to, g->image + (size_t)(y * w->in[COLUMNS] + x) * g->pixel, g->pixel);
    else
      pad(g, to, 1);
}

// The columns of the output whose windows lie within the image's: begin..end.
static void find_within(const struct window *w, int64_t *begin, int64_t *end) {
  int64_t reach = (w->kernel[COLUMNS] - 1) * w->dilation[COLUMNS];
  *begin = *end = 0;
  while (*begin < w->out[COLUMNS] && window_at(w, COLUMNS, *begin, 0) < 0) ++*begin;
  *end = *begin;
  while (*end < w->out[COLUMNS] && window_at(w, COLUMNS, *end, 0) + reach < w->in[COLUMNS]) ++*end;
}

// Whether the kernel's rows are whole pieces of the image's at an output row.
static bool rows_within(const struct window *w, int64_t row) {
  int64_t last = w->kernel[ROWS] - 1;
  return w->dilation[COLUMNS] == 1 && window_inside(w, ROWS, window_at(w, ROWS, row, 0)) &&
         window_inside(w, ROWS, window_at(w, ROWS, row, last));
}

static void patch(const struct gather *g, int64_t row, int64_t column, uint8_t *to) {
  const struct window *w = g->window;
  int64_t x = window_at(w, COLUMNS, column, 0);
  for (int64_t k = 0; k < w->kernel[ROWS]; k++) {
    int64_t y = window_at(w, ROWS, row, k);
    copy_row(g, y, x, w->kernel[COLUMNS], w->dilation[COLUMNS], to);
    to += (size_t)w->kernel[COLUMNS] * g->pixel;
  }
}

void golden_patches(const struct kernels *k, const struct conv *c, int64_t first, int64_t pixels,
                    const void *image, size_t size, int32_t zero, int64_t wide, void *to) {
  const struct window *w = &c->window;
  struct gather g = {w, image, (size_t)w->channels * size, size, zero};
  size_t all = (size_t)golden_patch(c) * size, behind = (size_t)wide * size - all;
  int64_t columns = w->out[COLUMNS], begin, end, run = (int64_t)g.pixel * w->kernel[COLUMNS];
  int64_t step = (int64_t)g.pixel * w->in[COLUMNS] * w->dilation[ROWS];
  int64_t row = first / columns, column = first % columns;
  uint8_t *patch_at = to;
  assert(size == 1 || !zero);
  find_within(w, &begin, &end);
  for (; pixels > 0; row++, column = 0) {
    const uint8_t *from = g.image + window_at(w, ROWS, row, 0) * w->in[COLUMNS] * (int64_t)g.pixel;
    bool within = rows_within(w, row);
    for (; column < columns && pixels > 0; column++, pixels--, patch_at += all + behind) {
      if (within && column >= begin && column < end)
        k->gather(w->kernel[ROWS], run, from + window_at(w, COLUMNS, column, 0) * (int64_t)g.pixel,
                  step, patch_at);
      else
        patch(&g, row, column, patch_at);
      for (size_t i = 0; i < behind; i++) patch_at[all + i] = 0;
    }
  }
}
