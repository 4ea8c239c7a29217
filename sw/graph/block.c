// SPDX-License-Identifier: Apache-2.0
#include "sw/graph/block.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { LEAST_WIDTH = 2, SPAN_MAX = 60 };

bool block_is_signed(const struct blocked *b) {
  return !b->is_float || b->element.is_signed;
}

int64_t block_highest(const struct blocked *b) {
  return b->is_float ? (int64_t)minifloat_highest(&b->element) : fix_highest(b->width, true);
}

bool block_has(const struct blocked *b, int64_t element) {
  if (b->is_float) return minifloat_has(&b->element, element);
  return llabs(element) <= block_highest(b);
}

double block_unit(const struct blocked *b) {
  return b->is_float ? ldexp(1, 1 - minifloat_bias(&b->element) - b->element.mantissa) : 1;
}

uint32_t block_code(const struct blocked *b, int64_t element) {
  if (b->is_float) return minifloat_code(&b->element, element);
  return (uint32_t)element & (((uint32_t)1 << b->width) - 1);
}

bool block_is_code(const struct blocked *b, uint32_t code) {
  if (b->is_float) return minifloat_is_code(&b->element, code);
  return code >> b->width == 0 && code != (uint32_t)1 << (b->width - 1);
}

int64_t block_element(const struct blocked *b, uint32_t code) {
  if (b->is_float) return (int64_t)minifloat_integer(&b->element, code);
  return (int64_t)code - (int64_t)(code >> (b->width - 1) << b->width);
}

int64_t block_round(const struct blocked *b, double v) {
  if (b->is_float) return (int64_t)minifloat_round(&b->element, v, NULL);
  return fix_from_real(v, -block_highest(b), block_highest(b));
}

int64_t block_round_alone(const struct blocked *b, double v) {
  int shift = 0;
  while (shift < b->span && fabs(ldexp(v, -shift)) > (double)block_highest(b)) shift++;
  return block_round(b, ldexp(v, -shift)) * ((int64_t)1 << shift);
}

// ---- blocks

int64_t block_count(const struct blocked *b, int64_t taps) {
  return (taps + b->size - 1) / b->size;
}

static bool all_elements(const struct blocked *b, int64_t count, const int64_t *integers,
                         int shift) {
  for (int64_t i = 0; i < count; i++) {
    int64_t step = (int64_t)1 << shift;
    if (integers[i] % step != 0 || !block_has(b, integers[i] / step)) return false;
  }
  return true;
}

int block_exponent(const struct blocked *b, int64_t count, const int64_t *integers) {
  for (int shift = 0; shift <= SPAN_MAX; shift++)
    if (all_elements(b, count, integers, shift)) return shift;
  return -1;
}

static bool fits(const struct blocked *b, double most, int s) {
  double v = ldexp(most, -s) / block_unit(b);
  bool inside;
  if (!b->is_float) return rint(v) <= (double)block_highest(b);
  minifloat_round(&b->element, v, &inside);
  return inside;
}

int block_fit(const struct blocked *b, double most) {
  int s = ilogb(most) - ilogb((double)block_highest(b) * block_unit(b)) + 2;
  while (fits(b, most, s - 1)) s--;
  return s;
}

// The element's largest power of two has the exponent of its highest number; the lowest integer of
// W bits isn't used, but it is by OCP.
int block_ocp(const struct blocked *b, double most) {
  return ilogb(most) - ilogb((double)block_highest(b) * block_unit(b));
}

// ---- words

const char *block_read(const char *text, struct blocked *b) {
  char *end;
  *b = (struct blocked){0};
  if (strncmp(text, "block", 5) != 0 || text[5] < '0' || text[5] > '9') return NULL;
  long size = strtol(text + 5, &end, 10);
  if (*end != ':') return NULL;
  b->size = size > INT32_MAX ? INT32_MAX : (int32_t)size;
  const char *element = end + 1, *behind = minifloat_read(element, &b->element);
  b->is_float = behind != NULL;
  if (b->is_float) {
    b->width = (uint8_t)minifloat_width(&b->element);
    return behind;
  }
  b->element = (struct minifloat){0};
  if (*element < '0' || *element > '9') return NULL;
  long width = strtol(element, &end, 10);
  b->width = (uint8_t)(width > UINT8_MAX ? UINT8_MAX : width);
  return end;
}

void block_text(const struct blocked *b, char text[BLOCK_TEXT]) {
  char element[MINIFLOAT_TEXT];
  minifloat_text(&b->element, element);
  if (b->is_float)
    snprintf(text, BLOCK_TEXT, "block%d:%s", b->size, element);
  else
    snprintf(text, BLOCK_TEXT, "block%d:%d", b->size, b->width);
}

bool block_check(const struct blocked *b, struct err *e) {
  if (b->size < 1 || b->size > BLOCK_SIZE_MAX)
    return err_set(e, "block%d: expected 1 to %d weights a block", b->size, BLOCK_SIZE_MAX);
  if (b->is_float) return minifloat_check(&b->element, e);
  return (b->width >= LEAST_WIDTH && b->width <= MINIFLOAT_WIDTH_MAX) ||
         err_set(e, "block%d:%d: elements of %d bits, expected %d to %d, or eXmY", b->size,
                 b->width, b->width, LEAST_WIDTH, MINIFLOAT_WIDTH_MAX);
}
