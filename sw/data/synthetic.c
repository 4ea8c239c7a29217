// SPDX-License-Identifier: Apache-2.0
#include "sw/data/synthetic.h"

#include "sw/base/rng.h"

#include <math.h>
#include <stdbool.h>

// Strokes on a grid of 13 columns a..m (left to right) and 21 rows a..u (top to bottom); a pair of
// letters is a point, a space lifts the pen.
static const char *const strokes[10] = {
    "gaccbfakbpcsgukslpmklfkcga",        "cegagu",      "bfccfaialdlgjkaumu",
    "bdeaialdlgiihjgj hjjkllmplsiudubr", "kaapmp jgju", "labaaidhihlkmnlrjufubsar",
    "kbhaccagamarduiulrmnlkihdiam",      "aamaeu",      "gaccbfdihjjilfkcga hjdkamapcsguksmpmmkkhj",
    "mhlcibeabdahbkelilljmh mhlnju",
};

enum {
  ONE = 256,  // a pixel
  CELL = 240, // a step of the grid, before it is distorted
  POINTS = 48,
};

struct point {
  int x, y; // 1 / ONE pixels
};

struct pen {
  struct point from[POINTS], to[POINTS];
  int count; // segments
};

// A random affine map of the grid about its centre onto the image, entries in 1 / ONE.
struct affine {
  int xx, xy, yx, yy, x, y;
};

static struct affine affine_draw(struct rng *r) {
  struct affine m;
  m.xx = (int)rng_range(r, 200, 280);
  m.yy = (int)rng_range(r, 200, 260);
  m.xy = (int)rng_range(r, -70, 50); // slant
  m.yx = (int)rng_range(r, -40, 40);
  m.x = SYNTHETIC_SIDE * ONE / 2 + (int)rng_range(r, -ONE, ONE);
  m.y = SYNTHETIC_SIDE * ONE / 2 + (int)rng_range(r, -ONE, ONE);
  return m;
}

static struct point point_map(const struct affine *m, const char *letters, struct rng *r) {
  int x = (letters[0] - 'g') * CELL + (int)rng_range(r, -ONE / 2, ONE / 2);
  int y = (letters[1] - 'k') * CELL + (int)rng_range(r, -ONE / 2, ONE / 2);
  return (struct point){m->x + (m->xx * x + m->xy * y) / ONE, m->y + (m->yx * x + m->yy * y) / ONE};
}

static void pen_trace(struct pen *pen, const char *s, const struct affine *m, struct rng *r) {
  bool down = false;
  struct point last = {0, 0};
  for (pen->count = 0; *s;) {
    if (*s == ' ') {
      down = false;
      s++;
      continue;
    }
    struct point p = point_map(m, s, r);
    if (down) {
      pen->from[pen->count] = last;
      pen->to[pen->count++] = p;
    }
    last = p;
    down = true;
    s += 2;
  }
}

// Squared distance of (x, y) to the segment from..to, in (1 / ONE pixel)^2.
static int64_t distance2(struct point from, struct point to, int x, int y) {
  int64_t dx = to.x - from.x, dy = to.y - from.y, px = x - from.x, py = y - from.y;
  int64_t length2 = dx * dx + dy * dy, along = px * dx + py * dy;
  if (along <= 0 || length2 == 0) return px * px + py * py;
  if (along >= length2) return (x - to.x) * (int64_t)(x - to.x) + (y - to.y) * (int64_t)(y - to.y);
  int64_t cross = px * dy - py * dx;
  return cross * cross / length2;
}

// Ink falls from full to none over one pixel at the stroke's edge.
static uint8_t ink(const struct pen *pen, int x, int y, int radius) {
  int64_t nearest = INT64_MAX;
  for (int i = 0; i < pen->count; i++) {
    int64_t d = distance2(pen->from[i], pen->to[i], x, y);
    if (d < nearest) nearest = d;
  }
  int64_t level = radius + ONE / 2 - (int64_t)sqrt((double)nearest);
  return (uint8_t)(level <= 0 ? 0 : level >= ONE ? 255 : level * 255 / ONE);
}

int synthetic_digit(uint64_t seed, int64_t index, uint8_t *pixels) {
  struct rng r = {rng_at(seed, 1, (uint64_t)index), 0};
  struct pen pen;
  int digit = (int)rng_range(&r, 0, 9);
  struct affine m = affine_draw(&r);
  int radius = (int)rng_range(&r, ONE * 3 / 4, ONE * 5 / 4);
  pen_trace(&pen, strokes[digit], &m, &r);
  for (int y = 0; y < SYNTHETIC_SIDE; y++)
    for (int x = 0; x < SYNTHETIC_SIDE; x++)
      *pixels++ = ink(&pen, x * ONE + ONE / 2, y * ONE + ONE / 2, radius);
  return digit;
}
