// SPDX-License-Identifier: Apache-2.0
// Tensors that files store as codes, and graphs as integers.
#include "sw/base/bits.h"
#include "sw/graph/model_reader.h"

#include <math.h>

// The integers of a tensor of minifloats, which is stored as codes.
static struct tensor *decode(struct reader *r, const struct tensor *codes, const struct type *t) {
  const struct minifloat *m = &t->minifloat;
  struct tensor *to = tensor_new(r->arena, dtype_for(t), codes->rank, codes->shape);
  char name[MINIFLOAT_TEXT];
  minifloat_text(m, name);
  if (codes->dtype != DTYPE_U8) {
    err_put(r->err, "dtype %s, codes of %s are stored as U8", dtype_text(codes->dtype), name);
    return NULL;
  }
  for (int64_t i = 0; i < codes->count; i++) {
    uint32_t code = (uint32_t)tensor_int(codes, i);
    if (!minifloat_is_code(m, code)) {
      err_put(r->err, "element %lld is code 0x%02x, %s", (long long)i, code,
              minifloat_fault(m, code));
      err_put_within(r->err, "%s", name);
      return NULL;
    }
    tensor_set_int(to, i, (int64_t)minifloat_integer(m, code));
  }
  return to;
}

// The same of residuals; a code is any of their bits.
static struct tensor *decode_residuals(struct reader *r, const struct tensor *codes,
                                       const struct type *t) {
  struct tensor *to = tensor_new(r->arena, dtype_for(t), codes->rank, codes->shape);
  if (codes->dtype != DTYPE_U8) {
    err_put(r->err, "dtype %s, codes of %s are stored as U8", dtype_text(codes->dtype),
            type_text(r->arena, t));
    return NULL;
  }
  for (int64_t i = 0; i < codes->count; i++) {
    uint32_t code = (uint32_t)tensor_int(codes, i);
    if (code >> t->residual.planes) {
      err_put(r->err, "element %lld is code 0x%02x, %s has codes of %d bits", (long long)i, code,
              type_text(r->arena, t), t->residual.planes);
      return NULL;
    }
    tensor_set_int(to, i, residual_integer(&t->residual, code));
  }
  return to;
}

// The shared exponents of a tensor (out, blocks); NULL.
static const struct tensor *read_shared(struct reader *r, const char *name,
                                        const struct tensor *codes, const struct blocked *b) {
  char *own = arena_printf(r->arena, "%s.shared", name);
  const struct tensor *t = reader_take(r, own);
  if (!t) return NULL;
  int64_t outs = codes->rank ? codes->shape[0] : 0, taps = outs ? codes->count / outs : 0;
  if (t->dtype != DTYPE_I8 || t->rank != 2 || t->shape[0] != outs || !taps ||
      t->shape[1] != block_count(b, taps)) {
    err_put(r->err,
            "tensor \"%s\": expected I8 (%lld, %lld), an exponent for each %d of the %lld weights "
            "of an output",
            own, (long long)outs, (long long)block_count(b, taps), b->size, (long long)taps);
    return NULL;
  }
  for (int64_t i = 0; i < t->count; i++) {
    int s = (int)tensor_int(t, i);
    if (s >= BLOCK_EXPONENT_MIN && s <= BLOCK_EXPONENT_MAX) continue;
    err_put(r->err, "tensor \"%s\": element %lld is %d, expected an exponent from %d to %d", own,
            (long long)i, s, BLOCK_EXPONENT_MIN, BLOCK_EXPONENT_MAX);
    return NULL;
  }
  return t;
}

// The elements of codes, U8 if they are minifloats, otherwise I8; NULL.
static int64_t *read_elements(struct reader *r, const struct tensor *codes, const struct type *t) {
  const struct blocked *b = &t->block;
  enum dtype dtype = b->is_float ? DTYPE_U8 : DTYPE_I8;
  int64_t *elements = ARENA_NEW(r->arena, int64_t, codes->count);
  if (codes->dtype != dtype) {
    err_put(r->err, "dtype %s, elements of %s are stored as %s", dtype_text(codes->dtype),
            type_text(r->arena, t), dtype_text(dtype));
    return NULL;
  }
  for (int64_t i = 0; i < codes->count; i++) {
    int64_t code = tensor_int(codes, i);
    if (b->is_float ? !block_is_code(b, (uint32_t)code) : !block_has(b, code)) {
      err_put(r->err, "element %lld is %lld, which %s doesn't have", (long long)i, (long long)code,
              type_text(r->arena, t));
      return NULL;
    }
    elements[i] = b->is_float ? block_element(b, (uint32_t)code) : code;
  }
  return elements;
}

// The integers of a tensor of blocks, at the least exponent of those that aren't all zero.
static struct tensor *decode_blocks(struct reader *r, const char *name, const struct tensor *codes,
                                    struct type *t) {
  const struct tensor *shared = read_shared(r, name, codes, &t->block);
  const int64_t *elements = shared ? read_elements(r, codes, t) : NULL;
  if (!elements) return NULL;
  int64_t taps = codes->count / codes->shape[0], blocks = block_count(&t->block, taps);
  int *exponent = ARENA_NEW(r->arena, int, codes->count), lo = BLOCK_EXPONENT_MAX + 1,
      hi = BLOCK_EXPONENT_MIN - 1;
  for (int64_t i = 0; i < codes->count; i++) {
    exponent[i] = (int)tensor_int(shared, i / taps * blocks + i % taps / t->block.size);
    if (elements[i] && exponent[i] < lo) lo = exponent[i];
    if (elements[i] && exponent[i] > hi) hi = exponent[i];
  }
  if (lo > hi) lo = hi = 0;
  if (bits_signed(block_highest(&t->block)) + hi - lo > 62) {
    err_put(r->err, "%s: exponents from %d to %d, integers of more than 62 bits",
            type_text(r->arena, t), lo, hi);
    return NULL;
  }
  *t = type_block(r->arena, &t->block, ldexp(t->scale[0], lo));
  t->block.span = (uint8_t)(hi - lo);
  struct tensor *to = tensor_new(r->arena, dtype_for(t), codes->rank, codes->shape);
  for (int64_t i = 0; i < codes->count; i++)
    tensor_set_int(to, i, elements[i] ? elements[i] * ((int64_t)1 << (exponent[i] - lo)) : 0);
  return tensor_settled(r->arena, t, to);
}

struct tensor *reader_decode(struct reader *r, const char *name, const struct tensor *codes,
                             struct type *t) {
  if (type_is_block(t)) return decode_blocks(r, name, codes, t);
  return (type_is_residual(t) ? decode_residuals : decode)(r, codes, t);
}
