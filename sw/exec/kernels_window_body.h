// SPDX-License-Identifier: Apache-2.0
// The float kernels of windows, compiled once per instruction set: vectors of channels, or of the
// floats of a patch that lie side by side in the image. `part`: only `some` lanes of them.

// Calls `work(part, first, some)` for all channels, 16 at a time.
#define EACH_VECTOR(channels, work)                                                                \
  do {                                                                                             \
    int64_t first_ = 0;                                                                            \
    for (; first_ + 16 <= (channels); first_ += 16) work(false, first_, V16_SOME(1));              \
    if (first_ < (channels)) {                                                                     \
      work(true, first_, V16_SOME((channels)-first_));                                             \
    }                                                                                              \
  } while (0)

// ---- patches

INLINE void copy_run(int64_t n, SOME some, const float *from, float *to) {
  int64_t i = 0;
  for (; i + 16 <= n; i += 16) V16_STORE(to + i, V16_LOAD(from + i));
  if (i < n) V16_STORE_SOME(to + i, V16_LOAD_SOME(from + i, some), some);
}

// Short runs in blocks of `block` floats: what one writes beyond its end the next writes again.
INLINE void gather_short(const int block, int64_t pixels, const int64_t *pixel, int64_t runs,
                         const int64_t *run, int64_t n, const float *from, float *to) {
  for (int64_t p = 0; p < pixels; p++)
    for (int64_t m = 0; m < runs; m++, to += n)
      memcpy(to, from + pixel[p] + run[m], (size_t)block * sizeof *to);
}

static void gather_real(int64_t pixels, const int64_t *pixel, int64_t runs, const int64_t *run,
                        int64_t n, const float *from, float *to) {
  SOME some = V16_SOME(n % 16);
  if (n <= 4)
    gather_short(4, pixels, pixel, runs, run, n, from, to);
  else if (n <= 8)
    gather_short(8, pixels, pixel, runs, run, n, from, to);
  else if (n <= 16)
    gather_short(16, pixels, pixel, runs, run, n, from, to);
  else
    for (int64_t p = 0; p < pixels; p++)
      for (int64_t m = 0; m < runs; m++, to += n) copy_run(n, some, from + pixel[p] + run[m], to);
}

INLINE void add_run(int64_t n, SOME some, const float *from, float *to) {
  int64_t i = 0;
  for (; i + 16 <= n; i += 16) V16_STORE(to + i, V16_ADD(V16_LOAD(to + i), V16_LOAD(from + i)));
  if (i < n)
    V16_STORE_SOME(to + i, V16_ADD(V16_LOAD_SOME(to + i, some), V16_LOAD_SOME(from + i, some)),
                   some);
}

static void scatter_real(int64_t pixels, const int64_t *pixel, int64_t runs, const int64_t *run,
                         int64_t n, const float *from, float *to) {
  SOME some = V16_SOME(n % 16);
  for (int64_t p = 0; p < pixels; p++)
    for (int64_t m = 0; m < runs; m++, from += n) add_run(n, some, from, to + pixel[p] + run[m]);
}

// ---- each channel for itself

enum { LANES = 16 };

// The lanes of linear_real, each a vector of channels, and their tree.
INLINE V16 window_sum(const int few, const bool part, SOME some, const struct windows *s,
                      const float *x, const float *w) {
  V16 lane[LANES];
  const int64_t taps = few ? few : s->taps;
  for (int l = 0; l < LANES; l++) lane[l] = V16_ZERO;
  for (int64_t k = 0; k < taps; k++)
    lane[k % LANES] = V16_FMA(load_part(part, x + s->tap[k], some),
                              load_part(part, w + k * s->channels, some), lane[k % LANES]);
  for (int half = LANES / 2; half; half /= 2)
    for (int l = 0; l < half; l++) lane[l] = V16_ADD(lane[l], lane[l + half]);
  return lane[0];
}

// A window of 3 x 3, which most are, stays in registers.
INLINE void depthwise_vector(const int few, const bool part, SOME some, const struct windows *s,
                             const float *x, const float *w, const float *bias, float *y) {
  V16 b = bias ? load_part(part, bias, some) : V16_ZERO;
  for (int64_t p = 0; p < s->pixels; p++)
    store_part(part, y + p * s->y_row,
               V16_ADD(window_sum(few, part, some, s, x + s->pixel[p], w), b), some);
}

static void depthwise_real(const struct windows *s, const float *x, const float *w,
                           const float *bias, float *y) {
#define WORK(part, c, some)                                                                        \
  depthwise_vector(few, part, some, s, x + (c), w + (c), bias ? bias + (c) : NULL, y + (c))
  if (s->taps == 9) {
    enum { few = 9 };
    EACH_VECTOR(s->channels, WORK);
  } else {
    enum { few = 0 };
    EACH_VECTOR(s->channels, WORK);
  }
#undef WORK
}

INLINE void spread_vector(const bool part, SOME some, const struct windows *s, const float *dy,
                          const float *w, float *dx) {
  for (int64_t p = 0; p < s->pixels; p++) {
    V16 d = load_part(part, dy + p * s->y_row, some);
    float *image = dx + s->pixel[p];
    for (int64_t k = 0; k < s->taps; k++) {
      float *to = image + s->tap[k];
      V16 v = w ? V16_FMA(d, load_part(part, w + k * s->channels, some), V16_ZERO) : d;
      store_part(part, to, V16_ADD(load_part(part, to, some), v), some);
    }
  }
}

static void depthwise_dx(const struct windows *s, const float *dy, const float *w, float *dx) {
#define WORK(part, c, some) spread_vector(part, some, s, dy + (c), w + (c), dx + (c))
  EACH_VECTOR(s->channels, WORK);
#undef WORK
}

// The chains of `taps` taps over all pixels.
INLINE void chains_of_taps(const int taps, const bool part, SOME some, const struct windows *s,
                           int64_t first, const float *dy, const float *x, float *dw) {
  V16 sum[8];
  for (int k = 0; k < taps; k++) sum[k] = V16_ZERO;
  for (int64_t p = 0; p < s->pixels; p++) {
    V16 d = load_part(part, dy + p * s->y_row, some);
    const float *image = x + s->pixel[p];
    for (int k = 0; k < taps; k++)
      sum[k] = V16_FMA(d, load_part(part, image + s->tap[first + k], some), sum[k]);
  }
  for (int k = 0; k < taps; k++) store_part(part, dw + (first + k) * s->channels, sum[k], some);
}

INLINE void dw_vector(const bool part, SOME some, const struct windows *s, const float *dy,
                      const float *x, float *dw) {
  int64_t k = 0;
  for (; k + 8 <= s->taps; k += 8) chains_of_taps(8, part, some, s, k, dy, x, dw);
  for (; k < s->taps; k++) chains_of_taps(1, part, some, s, k, dy, x, dw);
}

static void depthwise_dw(const struct windows *s, const float *dy, const float *x, float *dw) {
#define WORK(part, c, some) dw_vector(part, some, s, dy + (c), x + (c), dw + (c))
  EACH_VECTOR(s->channels, WORK);
#undef WORK
}

// ---- pools

// The largest and, as a float, which tap it is.
INLINE V16 largest(const bool part, SOME some, const struct windows *s, const float *image,
                   V16 *where) {
  V16 y = load_part(part, image + s->tap[0], some);
  *where = V16_ZERO;
  for (int64_t k = 1; k < s->taps; k++) {
    V16 x = load_part(part, image + s->tap[k], some);
    *where = V16_MORE(x, y, V16_SET((float)k), *where);
    y = V16_MORE(x, y, x, y);
  }
  return y;
}

INLINE void max_vector(const bool part, SOME some, const struct windows *s, const float *x,
                       float *y) {
  V16 where;
  for (int64_t p = 0; p < s->pixels; p++)
    store_part(part, y + p * s->y_row, largest(part, some, s, x + s->pixel[p], &where), some);
}

static void max_real(const struct windows *s, const float *x, float *y) {
#define WORK(part, c, some) max_vector(part, some, s, x + (c), y + (c))
  EACH_VECTOR(s->channels, WORK);
#undef WORK
}

INLINE void max_dx_vector(const bool part, SOME some, const struct windows *s, const float *dy,
                          const float *x, float *dx) {
  for (int64_t p = 0; p < s->pixels; p++) {
    V16 where, d = load_part(part, dy + p * s->y_row, some);
    float *image = dx + s->pixel[p];
    largest(part, some, s, x + s->pixel[p], &where);
    for (int64_t k = 0; k < s->taps; k++) {
      V16 v = load_part(part, image + s->tap[k], some);
      store_part(part, image + s->tap[k], V16_SAME(where, V16_SET((float)k), V16_ADD(v, d), v),
                 some);
    }
  }
}

static void max_dx(const struct windows *s, const float *dy, const float *x, float *dx) {
#define WORK(part, c, some) max_dx_vector(part, some, s, dy + (c), x + (c), dx + (c))
  EACH_VECTOR(s->channels, WORK);
#undef WORK
}

INLINE void sum_vector(const bool part, SOME some, const struct windows *s, const float *x,
                       float *y) {
  for (int64_t p = 0; p < s->pixels; p++) {
    V16 sum = load_part(part, y + p * s->y_row, some);
    const float *image = x + s->pixel[p];
    for (int64_t k = 0; k < s->taps; k++)
      sum = V16_ADD(sum, load_part(part, image + s->tap[k], some));
    store_part(part, y + p * s->y_row, sum, some);
  }
}

static void sum_real(const struct windows *s, const float *x, float *y) {
#define WORK(part, c, some) sum_vector(part, some, s, x + (c), y + (c))
  EACH_VECTOR(s->channels, WORK);
#undef WORK
}

static void sum_dx(const struct windows *s, const float *dy, float *dx) {
#define WORK(part, c, some) spread_vector(part, some, s, dy + (c), NULL, dx + (c))
  EACH_VECTOR(s->channels, WORK);
#undef WORK
}
