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

void golden_patches(const struct conv *c, int64_t first, int64_t pixels, const void *image,
                    size_t size, int32_t zero, int64_t wide, void *to) {
  const struct window *w = &c->window;
  struct gather g = {w, image, (size_t)w->channels * size, size, zero};
  size_t behind = (size_t)(wide - golden_patch(c)) * size;
  uint8_t *row = to;
  assert(size == 1 || !zero);
  for (int64_t p = first; p < first + pixels; p++) {
    int64_t x = window_at(w, COLUMNS, p % w->out[COLUMNS], 0);
    for (int64_t k = 0; k < w->kernel[ROWS]; k++) {
      int64_t y = window_at(w, ROWS, p / w->out[COLUMNS], k);
      copy_row(&g, y, x, w->kernel[COLUMNS], w->dilation[COLUMNS], row);
      row += (size_t)w->kernel[COLUMNS] * g.pixel;
    }
    memset(row, 0, behind);
    row += behind;
  }
}
