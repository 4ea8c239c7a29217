// SPDX-License-Identifier: Apache-2.0
#include "sw/import/transposed.h"

enum { AXES = TRANSPOSED_AXES };

bool transposed_fit(struct builder *b, struct transposed *t, const int64_t *size,
                    const int64_t *cut) {
  t->phases = 1;
  for (int d = 0; d < t->axes; d++) {
    if (t->stride[d] < 1 || t->stride[d] > t->kernel[d] + DIM_MAX / size[d])
      return builder_refuse(b, "check the file", "strides of %lld", (long long)t->stride[d]);
    if (t->out[d] < 1 || t->out[d] > DIM_MAX)
      return builder_refuse(b, "check the file", "nothing is left of axis %d", d + 2);
    t->taps[d] = (t->kernel[d] + t->stride[d] - 1) / t->stride[d];
    t->phases *= t->stride[d];
  }
  if (t->phases > DIM_MAX / (t->groups * t->outs))
    return builder_refuse(b, "use smaller strides", "strides of %lld", (long long)t->stride[0]);
  for (int d = 0; d < t->axes; d++) {
    int64_t skip = cut[d] / t->stride[d], last = t->taps[d] - 1;
    skip = skip > last ? last : skip;
    t->first[d] = cut[d] - skip * t->stride[d];
    int64_t rows = (t->first[d] + t->out[d] + t->stride[d] - 1) / t->stride[d];
    int64_t behind = rows - size[d] + skip;
    t->pad[d] = last - skip;
    t->pad[t->axes + d] = behind > 0 ? behind : 0;
  }
  int64_t shape[AXES + 2];
  transposed_shape(t, shape);
  return builder_takes(b, t->axes + 2, shape);
}

void transposed_shape(const struct transposed *t, int64_t *shape) {
  shape[0] = t->groups * t->outs * t->phases;
  for (int d = 0; d < t->axes; d++) shape[d + 1] = t->taps[d];
  shape[t->axes + 1] = t->in / t->groups;
}

// Which element of the kernel tap j of phase r is; NONE: there is none.
static int64_t element_of(const struct transposed *t, int64_t j, int64_t r) {
  int64_t at = 0, step = 1;
  for (int d = t->axes - 1; d >= 0; d--) {
    int64_t k = (t->taps[d] - 1 - j % t->taps[d]) * t->stride[d] + r % t->stride[d];
    if (k >= t->kernel[d]) return NONE;
    at += k * step;
    step *= t->kernel[d];
    j /= t->taps[d];
    r /= t->stride[d];
  }
  return at;
}

bool transposed_tap(const struct transposed *t, int64_t n, struct transposed_tap *tap) {
  int64_t inner = t->in / t->groups, taps = 1;
  for (int d = 0; d < t->axes; d++) taps *= t->taps[d];
  int64_t i = n % inner, j = n / inner % taps, out = n / inner / taps, c = out / t->phases;
  *tap = (struct transposed_tap){.in = c / t->outs * inner + i,
                                 .out = c % t->outs,
                                 .element = element_of(t, j, out % t->phases)};
  return tap->element != NONE;
}

int64_t transposed_out(const struct transposed *t, int64_t n) {
  return n / t->phases;
}

// (OUT PHASE, H, W), phases to pixels: (OUT, H stride, W stride).
static bool spread(struct builder *b, const struct transposed *t, struct stream *y) {
  static const int rows[] = {0, 2, 1}, pixels[] = {0, 3, 1, 4, 2};
  int64_t cut[2 * AXES + 1] = {t->groups * t->outs}, shape[AXES + 1] = {t->groups * t->outs};
  for (int d = 0; d < t->axes; d++) {
    cut[1 + d] = t->stride[d];
    cut[1 + t->axes + d] = y->layout.shape[d + 1];
    shape[1 + d] = t->stride[d] * y->layout.shape[d + 1];
  }
  if (t->phases == 1) return true;
  if (!builder_reshape(b, y, 2 * t->axes + 1, cut)) return false;
  layout_permute(&y->layout, t->axes == 1 ? rows : pixels);
  return builder_reshape(b, y, t->axes + 1, shape);
}

static bool keep(struct builder *b, const struct transposed *t, struct stream *y) {
  int64_t begin[AXES + 1] = {0}, end[AXES + 1] = {y->layout.shape[0]}, step[AXES + 1] = {1, 1, 1};
  for (int d = 0; d < t->axes; d++) {
    begin[d + 1] = t->first[d];
    end[d + 1] = t->first[d] + t->out[d];
  }
  return builder_part(b, y, begin, end, step);
}

bool transposed_put(struct builder *b, const struct transposed *t, uint32_t node,
                    struct stream *y) {
  builder_ints(b, node, ATTR_pad, 2 * t->axes, t->pad, 0);
  builder_int(b, node, ATTR_groups, t->groups, 1);
  if (!builder_out(b, node, &y->value)) return false;
  const struct value *v = &b->graph->values[y->value];
  int64_t shape[AXES + 1] = {v->shape[t->axes], v->shape[0], t->axes == 2 ? v->shape[1] : 1};
  y->layout =
      layout_new(t->axes + 1, shape, t->axes == 2 ? (const int[]){1, 2, 0} : (const int[]){1, 0});
  return spread(b, t, y) && keep(b, t, y);
}
