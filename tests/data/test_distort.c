// SPDX-License-Identifier: Apache-2.0
// Distorted images against maps and convolutions computed here in doubles, and the bits that every
// machine must come to.
#include "sw/data/distort.h"

#include "sw/base/rng.h"
#include "sw/base/sha256.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

enum { HIGH = 11, WIDE = 14, PIXELS = HIGH * WIDE, IMAGES = 40 };
static const uint64_t seed = 7;

static struct distort words(const char *text) {
  struct err e = {0};
  struct distort d;
  if (!distort_parse(text, &d, &e)) fail_msg("%s: %s", text, e.text);
  return d;
}

// x (count) in -1 .. 1.
static void fill(float *x, int count) {
  struct rng r = {3, 0};
  for (int i = 0; i < count; i++) x[i] = (float)(2 * rng_unit(&r) - 1);
}

static struct distorter *distorter(struct arena *a, const struct distort *d, int channels,
                                   float **work) {
  static const float background[3] = {0.25f, -1, 3};
  struct distorter *to = distorter_new(a, d, HIGH, WIDE, channels, background);
  *work = ARENA_NEW(a, float, distorter_work(to));
  return to;
}

// ---- words

static void words_come_back(void **state) {
  (void)state;
  static const char *const cases[][2] = {
      {"shift", "shift:2,share:1"},
      {"none", "none"},
      {"shift:0,rotate:7.5", "rotate:7.5,share:1"},
      {"elastic", "elastic:34:4,share:1"},
      {"elastic:8", "elastic:8:4,share:1"},
      {"share:0.5,elastic:8:2.25,background:255", "elastic:8:2.25,share:0.5,background:255"},
      {"rotate,scale,squeeze,shear", "rotate:10,scale:0.1,squeeze:0.1,shear:0.2,share:1"},
      {"shift:0.1234567890123", "shift:0.1234567890123,share:1"},
  };
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    struct distort d = words(cases[i][0]);
    struct text t = {0};
    distort_put(&t, &d);
    assert_string_equal(t.data, cases[i][1]);
    struct distort again = words(t.data);
    assert_memory_equal(&d, &again, strcmp(t.data, "none") == 0 ? 0 : sizeof d);
    text_free(&t);
  }
}

static void wrong_words(void **state) {
  (void)state;
  static const char *const cases[][2] = {
      {"",
       "\"\": expected shift, rotate, scale, squeeze, shear, elastic, share, background, or none"},
      {"shfit:2", "\"shfit\": did you mean shift? expected shift, rotate, "},
      {"rotate:10,elasticc", "\"elasticc\": did you mean elastic? expected "},
      {"rotate,", "\"\": expected "},
      {"shift,none", "none: stands alone"},
      {"shift,shift:3", "shift: given twice"},
      {"shift:", "shift: \"\", expected a number from 0 to 1000 (pixels)"},
      {"shift:-1", "shift: \"-1\", expected a number from 0 to 1000 (pixels)"},
      {"shift:nan", "shift: \"nan\", expected a number from 0 to 1000"},
      {"rotate:181", "rotate: \"181\", expected a number from 0 to 180 (degrees)"},
      {"scale:0.95", "scale: \"0.95\", expected a number from 0 to 0.9 (part)"},
      {"shear:1:2", "shear: \"1:2\", expected a number"},
      {"elastic:34:0",
       "elastic: \"0\", expected a number from 0.1 to 100 (pixels of the Gaussian)"},
      {"elastic:34:4:1", "elastic: \"4:1\", expected a number"},
      {"share", "nothing is distorted: say what is"},
      {"shift:0", "nothing is distorted: say what is"},
      {"shift,share:0", "nothing is distorted: say what is"},
  };
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    struct err e = {0};
    struct distort d;
    assert_false(distort_parse(cases[i][0], &d, &e));
    if (strncmp(e.text, cases[i][1], strlen(cases[i][1])) != 0)
      fail_msg("%s: \"%s\", expected \"%s\"", cases[i][0], e.text, cases[i][1]);
  }
}

// ---- nothing

static void what_is_not_distorted_keeps_its_bits(void **state) {
  (void)state;
  struct arena a = {0};
  float x[PIXELS], y[PIXELS], *work;
  fill(x, PIXELS);
  x[5] = -0.0f;
  x[6] = NAN;
  struct distort none = {0}, some = words("elastic,rotate,share:0.25");
  struct distorter *d = distorter(&a, &none, 1, &work), *s = distorter(&a, &some, 1, &work);
  int kept = 0;
  for (int i = 0; i < 1000; i++) {
    distorter_image(d, seed, 3, i, x, y, work);
    assert_memory_equal(x, y, sizeof x);
    distorter_image(s, seed, 3, i, x, y, work);
    kept += memcmp(x, y, sizeof x) == 0;
  }
  assert_in_range(kept, 700, 800);
  arena_free(&a);
}

// Every step of the way is taken, with a map that moves nothing.
static void a_map_that_moves_nothing(void **state) {
  (void)state;
  struct arena a = {0};
  float x[PIXELS], y[PIXELS], *work;
  fill(x, PIXELS);
  struct distort d = {.shift = 1e-300, .alpha = 1e-30, .sigma = 1, .share = 1};
  const struct distorter *t = distorter(&a, &d, 1, &work);
  distorter_image(t, seed, 0, 0, x, y, work);
  assert_memory_equal(x, y, sizeof x);
  arena_free(&a);
}

// ---- independent maps

static double draw(int epoch, int image, int what) {
  uint64_t u =
      rng_at(rng_at(seed, (uint64_t)1 << 32, (uint64_t)epoch), (uint64_t)image, (uint64_t)what);
  return (double)(u >> 11) / 4503599627370496.0 - 1;
}

static double pixel(const float *x, int i, int j) {
  return i < 0 || j < 0 || i >= HIGH || j >= WIDE ? 0.25 : (double)x[i * WIDE + j];
}

static double at(const float *x, double row, double column) {
  double i = floor(row), j = floor(column), v = row - i, u = column - j;
  if (!(fabs(row) < 100 && fabs(column) < 100)) return 0.25;
  return (1 - v) * ((1 - u) * pixel(x, (int)i, (int)j) + u * pixel(x, (int)i, (int)j + 1)) +
         v * ((1 - u) * pixel(x, (int)i + 1, (int)j) + u * pixel(x, (int)i + 1, (int)j + 1));
}

// The factors of F one after the other, as matrices; then its inverse by determinants.
static void expected_affine(const struct distort *d, int epoch, int image, double sign,
                            const float *x, double *y) {
  double angle = draw(epoch, image, 3) * d->rotate * 3.14159265358979323846 / 180;
  double scale = 1 + draw(epoch, image, 4) * d->scale;
  double squeeze = 1 + draw(epoch, image, 5) * d->squeeze;
  double shear = sign * draw(epoch, image, 6) * d->shear;
  double s[2][2] = {{1, shear}, {0, 1}}, f[2][2];
  double r[2][2] = {{cos(angle), -sin(angle)}, {sin(angle), cos(angle)}};
  double z[2] = {scale * squeeze, scale / squeeze};
  for (int i = 0; i < 2; i++)
    for (int j = 0; j < 2; j++) f[i][j] = (r[i][0] * s[0][j] + r[i][1] * s[1][j]) * z[j];
  double determinant = f[0][0] * f[1][1] - f[0][1] * f[1][0];
  for (int i = 0; i < HIGH; i++)
    for (int j = 0; j < WIDE; j++) {
      double h = j - (WIDE - 1) / 2.0 - draw(epoch, image, 2) * d->shift;
      double v = i - (HIGH - 1) / 2.0 - draw(epoch, image, 1) * d->shift;
      double column = (f[1][1] * h - f[0][1] * v) / determinant + (WIDE - 1) / 2.0;
      double row = (f[0][0] * v - f[1][0] * h) / determinant + (HIGH - 1) / 2.0;
      y[i * WIDE + j] = at(x, row, column);
    }
}

static double farthest(const float *found, const double *expected) {
  double most = 0;
  for (int i = 0; i < PIXELS; i++) most = fmax(most, fabs((double)found[i] - expected[i]));
  return most;
}

static const char *const maps[] = {"shift:3",
                                   "rotate:180",
                                   "scale:0.5",
                                   "squeeze:0.5",
                                   "shear:0.9,shift:0.001",
                                   "shift,rotate:30,scale:0.2,squeeze:0.3,shear:0.5",
                                   "shift:40"};

static void affine_maps_are_right(void **state) {
  (void)state;
  double wrong = 0;
  for (size_t k = 0; k < sizeof maps / sizeof *maps; k++) {
    struct arena a = {0};
    float x[PIXELS], y[PIXELS], *work;
    double expected[PIXELS];
    struct distort d = words(maps[k]);
    struct distorter *t = distorter(&a, &d, 1, &work);
    fill(x, PIXELS);
    for (int i = 0; i < IMAGES; i++) {
      distorter_image(t, seed, 2, i, x, y, work);
      expected_affine(&d, 2, i, 1, x, expected);
      double most = farthest(y, expected);
      if (!(most < 2e-5)) fail_msg("%s, image %d: %g", maps[k], i, most);
      expected_affine(&d, 2, i, -1, x, expected);
      if (d.shear > 0) wrong = fmax(wrong, farthest(y, expected));
    }
    arena_free(&a);
  }
  assert_true(wrong > 0.1); // a shear of the other sign is seen
}

// The field of one direction, by the Gaussian as it is defined, over both axes at once.
static double smooth(const double *noise, double sigma, int row, int column) {
  double sum = 0, norm = 0;
  int radius = (int)ceil(3 * sigma);
  for (int i = -radius; i <= radius; i++)
    for (int j = -radius; j <= radius; j++) {
      double w = exp(-(i * i + j * j) / (2 * sigma * sigma));
      int y = row + i, x = column + j;
      norm += w;
      if (y >= 0 && x >= 0 && y < HIGH && x < WIDE) sum += w * noise[y * WIDE + x];
    }
  return sum / norm;
}

static void elastic_fields_are_right(void **state) {
  (void)state;
  static const char *const fields[] = {"elastic:8:1", "elastic:34:4", "elastic:3:0.1",
                                       "elastic:500:9"};
  for (size_t k = 0; k < sizeof fields / sizeof *fields; k++) {
    struct arena a = {0};
    float x[PIXELS], y[PIXELS], *work;
    double rows[PIXELS], columns[PIXELS], expected[PIXELS];
    struct distort d = words(fields[k]);
    struct distorter *t = distorter(&a, &d, 1, &work);
    fill(x, PIXELS);
    for (int image = 0; image < 5; image++) {
      for (int i = 0; i < PIXELS; i++) {
        uint64_t u = rng_at(rng_at(seed, (uint64_t)1 << 32, 1), (uint64_t)image, 16 + (uint64_t)i);
        rows[i] = (double)(u >> 40) / 8388608 - 1;
        columns[i] = (double)(u >> 8 & 0xffffff) / 8388608 - 1;
      }
      for (int i = 0; i < PIXELS; i++)
        expected[i] = at(x, i / WIDE + d.alpha * smooth(rows, d.sigma, i / WIDE, i % WIDE),
                         i % WIDE + d.alpha * smooth(columns, d.sigma, i / WIDE, i % WIDE));
      distorter_image(t, seed, 1, image, x, y, work);
      double most = farthest(y, expected);
      if (!(most < 1e-4)) fail_msg("%s, image %d: %g", fields[k], image, most);
      assert_memory_not_equal(x, y, sizeof x);
    }
    arena_free(&a);
  }
}

// ---- channels, background

static void channels_move_together(void **state) {
  (void)state;
  struct arena a = {0};
  float x[3 * PIXELS], y[3 * PIXELS], one[PIXELS], moved[PIXELS], *work, *single;
  static const float background[3] = {0.25f, -1, 3};
  struct distort d = words("elastic:10:2,rotate:40,shift:4");
  fill(x, 3 * PIXELS);
  const struct distorter *together = distorter(&a, &d, 3, &work);
  distorter_image(together, seed, 1, 9, x, y, work);
  for (int c = 0; c < 3; c++) {
    struct distorter *t = distorter_new(&a, &d, HIGH, WIDE, 1, background + c);
    single = ARENA_NEW(&a, float, distorter_work(t));
    for (int i = 0; i < PIXELS; i++) one[i] = x[3 * i + c];
    distorter_image(t, seed, 1, 9, one, moved, single);
    for (int i = 0; i < PIXELS; i++) assert_true(moved[i] == y[3 * i + c]);
  }
  d = words("shift:1000"); // of 20 images one at least is far outside
  together = distorter(&a, &d, 3, &work);
  int outside = 0;
  for (int image = 0; image < 20; image++) {
    distorter_image(together, seed, 1, image, x, y, work);
    bool all = true;
    for (int i = 0; i < 3 * PIXELS; i++) all = all && y[i] == background[i % 3];
    outside += all;
  }
  assert_true(outside >= 1);
  arena_free(&a);
}

// ---- the same bits

static const char *hash(struct arena *a, const char *text, uint64_t of, int epoch, float rubbish) {
  enum { SIDE = 28, COUNT = 20 };
  static const float background[1] = {-0.1f};
  struct distort d = words(text);
  struct distorter *t = distorter_new(a, &d, SIDE, SIDE, 1, background);
  float *work = ARENA_NEW(a, float, distorter_work(t)), *y = ARENA_NEW(a, float, COUNT *SIDE *SIDE);
  float x[SIDE * SIDE];
  fill(x, SIDE * SIDE);
  for (int i = COUNT; i-- > 0;) {
    for (int64_t k = 0; k < distorter_work(t); k++) work[k] = rubbish;
    distorter_image(t, of, epoch, i, x, y + i * SIDE * SIDE, work);
  }
  return sha256_hex(a, y, COUNT * SIDE * SIDE * sizeof *y);
}

static void the_bits_are_known(void **state) {
  (void)state;
  struct arena a = {0};
  static const char affine[] = "shift,rotate,scale,squeeze,shear";
  static const char all[] = "shift:1,rotate:15,scale:0.15,elastic:36:5,share:0.9";
  assert_string_equal(hash(&a, affine, 1, 0, 0),
                      "6c246e09059e8b83554c54b601c107c9339018a3eabd055330622e1e70222418");
  assert_string_equal(hash(&a, all, 1, 0, 0),
                      "f1706fc9e9715fc725fd0d1d49c0c524beb75c604f5825d16c407680a9eb6847");
  assert_string_equal(hash(&a, all, 1, 0, NAN), hash(&a, all, 1, 0, 1));
  assert_string_not_equal(hash(&a, all, 1, 0, 0), hash(&a, all, 1, 1, 0));
  assert_string_not_equal(hash(&a, all, 1, 0, 0), hash(&a, all, 2, 0, 0));
  arena_free(&a);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(words_come_back),
      cmocka_unit_test(wrong_words),
      cmocka_unit_test(what_is_not_distorted_keeps_its_bits),
      cmocka_unit_test(a_map_that_moves_nothing),
      cmocka_unit_test(affine_maps_are_right),
      cmocka_unit_test(elastic_fields_are_right),
      cmocka_unit_test(channels_move_together),
      cmocka_unit_test(the_bits_are_known),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
