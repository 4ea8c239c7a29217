// SPDX-License-Identifier: Apache-2.0
// A sheet of images and of what they become in the first epochs:
//
//   image 0 | its copies in epochs 1, 2, 3, ..
//   image 1 | ..
#include "cmd/train.h"

#include "sw/base/file.h"
#include "sw/base/png.h"
#include "sw/train/fit_data.h"

#include <math.h>
#include <string.h>

enum { SHOWN = 10, COPIES = 9, SIDE = 56, GAP = 4, GAP_GREY = 128, SHEET_SIDE_MAX = 1 << 14 };

struct sheet {
  struct arena *arena;
  struct fit_data plain, distorted;
  int64_t rows, height, width, channels; // of images
  int64_t zoom;                          // pixels of the sheet per pixel
  int colours;                           // 1 or 3
  int64_t high, wide;                    // of the sheet
  uint8_t *pixels;                       // (high, wide, colours)
  float *lowest, *highest;               // (channels) what is black and white
};

// Bytes: 0 and 255; numbers: the ends of what the images hold.
static void find_range(struct sheet *s, const float *x) {
  const struct source *source = &s->plain.model->inputs[0].source;
  int64_t count = s->height * s->width;
  for (int64_t c = 0; c < s->channels; c++) {
    s->lowest[c] = INFINITY;
    s->highest[c] = -INFINITY;
    for (int64_t i = 0; i < s->rows * count; i++) {
      s->lowest[c] = fminf(s->lowest[c], x[i * s->channels + c]);
      s->highest[c] = fmaxf(s->highest[c], x[i * s->channels + c]);
    }
    if (s->plain.set->numbers) continue;
    s->lowest[c] = (float)source_real(source, c, 0);
    s->highest[c] = (float)source_real(source, c, 255);
  }
}

static uint8_t grey(const struct sheet *s, float v, int64_t c) {
  float part = (v - s->lowest[c]) / (s->highest[c] - s->lowest[c]);
  return part > 0 ? (uint8_t)(part < 1 ? lrintf(part * 255) : 255) : 0;
}

static void paint(struct sheet *s, int64_t row, int64_t column, const float *x) {
  int64_t top = GAP + row * (s->height * s->zoom + GAP);
  int64_t left = GAP + column * (s->width * s->zoom + GAP) + (column > 0 ? GAP : 0);
  for (int64_t i = 0; i < s->height * s->zoom; i++)
    for (int64_t j = 0; j < s->width * s->zoom; j++)
      for (int c = 0; c < s->colours; c++)
        s->pixels[((top + i) * s->wide + left + j) * s->colours + c] =
            grey(s, x[(i / s->zoom * s->width + j / s->zoom) * s->channels + c], c);
}

static void paint_all(struct sheet *s) {
  int64_t elements = s->plain.elements;
  float *x = ARENA_NEW(s->arena, float, s->rows *elements);
  float *y = ARENA_NEW(s->arena, float, elements);
  float *t = ARENA_NEW(s->arena, float, s->plain.classes);
  float *work = ARENA_NEW(s->arena, float, s->distorted.work);
  for (int64_t i = 0; i < s->rows; i++) fit_data_enter(&s->plain, 0, i, x + i * elements, t, NULL);
  find_range(s, x);
  for (int64_t i = 0; i < s->rows; i++) {
    paint(s, i, 0, x + i * elements);
    for (int64_t k = 0; k < COPIES; k++) {
      fit_data_enter(&s->distorted, k, i, y, t, work);
      paint(s, i, k + 1, y);
    }
  }
}

// The sheet with no image on it yet.
static bool lay_out(struct sheet *s, struct err *e) {
  const int64_t *shape = fit_data_shape(&s->distorted);
  s->height = shape[0];
  s->width = shape[1];
  s->channels = shape[2];
  s->colours = s->channels == 3 ? 3 : 1;
  int64_t longest = s->height > s->width ? s->height : s->width;
  s->zoom = longest < SIDE ? SIDE / longest : 1;
  s->rows = s->plain.trained < SHOWN ? s->plain.trained : SHOWN;
  s->high = GAP + s->rows * (s->height * s->zoom + GAP);
  s->wide = 2 * GAP + (COPIES + 1) * (s->width * s->zoom + GAP);
  if (s->high > SHEET_SIDE_MAX || s->wide > SHEET_SIDE_MAX)
    return err_set(e, "images of %lld x %lld are too large for a sheet of them",
                   (long long)s->height, (long long)s->width);
  size_t bytes = (size_t)(s->high * s->wide * s->colours);
  s->pixels = arena_alloc(s->arena, bytes, 1);
  memset(s->pixels, GAP_GREY, bytes);
  s->lowest = ARENA_NEW(s->arena, float, s->channels);
  s->highest = ARENA_NEW(s->arena, float, s->channels);
  return true;
}

bool train_sheet(struct arena *a, const struct options *o, const struct graph *model,
                 const char *output, const struct images *set, const struct fit_options *of,
                 struct err *e) {
  struct sheet s = {.arena = a};
  struct fit_options plain = *of;
  plain.distort = (struct distort){0};
  const char *path = o->show_distortions;
  if (distort_is_none(&of->distort))
    return err_set(e, "--show-distortions: nothing is distorted: --distort says what is, as in "
                      "--distort shift:2,rotate:10");
  s.plain = fit_data_new(a, model, output, set, &plain);
  s.distorted = fit_data_new(a, model, output, set, of);
  if (!fit_data_check(&s.plain, e) || !fit_data_check(&s.distorted, e) || !lay_out(&s, e))
    return false;
  paint_all(&s);
  struct text file = {0};
  png_put(&file, s.high, s.wide, s.colours, s.pixels);
  bool ok = file_write(path, file.data, file.size, e);
  text_free(&file);
  if (ok && o->json)
    printf("{\"images\":%lld,\"copies\":%d}\n", (long long)s.rows, COPIES);
  else if (ok)
    printf("%s: %lld images, each beside its copies of epochs 1 to %d\n", path, (long long)s.rows,
           COPIES);
  return ok;
}
