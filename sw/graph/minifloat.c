// SPDX-License-Identifier: Apache-2.0
#include "sw/graph/minifloat.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

enum { INTEGER_BITS_MAX = 62, DIGITS_MAX = 2 };

static const char *const tops[] = {
    [MINIFLOAT_ALL] = "", [MINIFLOAT_FN] = "fn", [MINIFLOAT_IEEE] = "ieee"};

int minifloat_width(const struct minifloat *m) {
  return m->is_signed + m->exponent + m->mantissa;
}

int minifloat_bias(const struct minifloat *m) {
  return (1 << (m->exponent - 1)) - 1;
}

int minifloat_integer_width(const struct minifloat *m) {
  return m->is_signed + m->mantissa + (1 << m->exponent) - 1;
}

// The highest code without a sign.
static uint32_t last_code(const struct minifloat *m) {
  uint32_t all = (uint32_t)1 << (m->exponent + m->mantissa);
  switch (m->top) {
  case MINIFLOAT_ALL:
    return all - 1;
  case MINIFLOAT_FN:
    return all - 2;
  case MINIFLOAT_IEEE:
    break;
  }
  return all - ((uint32_t)1 << m->mantissa) - 1;
}

static uint32_t sign_bit(const struct minifloat *m) {
  return m->is_signed ? (uint32_t)1 << (m->exponent + m->mantissa) : 0;
}

static fix_wide magnitude(const struct minifloat *m, uint32_t code) {
  uint32_t exponent = code >> m->mantissa, mantissa = code & (((uint32_t)1 << m->mantissa) - 1);
  if (exponent == 0) return mantissa;
  return (fix_wide)(((uint32_t)1 << m->mantissa) + mantissa) << (exponent - 1);
}

fix_wide minifloat_highest(const struct minifloat *m) {
  return magnitude(m, last_code(m));
}

bool minifloat_is_code(const struct minifloat *m, uint32_t code) {
  uint32_t sign = sign_bit(m);
  return code >> minifloat_width(m) == 0 && (code & ~sign) <= last_code(m) &&
         (code != sign || !sign);
}

const char *minifloat_fault(const struct minifloat *m, uint32_t code) {
  if (code >> minifloat_width(m)) return "which has more bits than the format";
  return code == sign_bit(m) ? "which is -0, expected 0" : "which is no finite number there";
}

fix_wide minifloat_integer(const struct minifloat *m, uint32_t code) {
  uint32_t sign = sign_bit(m);
  fix_wide size = magnitude(m, code & ~sign);
  return code & sign ? -size : size;
}

// The significand holds Y + 1 bits; what an integer has more of them is its exponent.
uint32_t minifloat_code(const struct minifloat *m, fix_wide integer) {
  fix_wide size = integer < 0 ? -integer : integer;
  uint32_t exponent = 0;
  for (; size >> (m->mantissa + 1); size >>= 1) exponent++;
  // a leading one at bit Y adds 1 to the exponent, as it stands there in the code
  uint32_t code = (exponent << m->mantissa) + (uint32_t)size;
  return integer < 0 ? code | sign_bit(m) : code;
}

bool minifloat_has(const struct minifloat *m, fix_wide integer) {
  fix_wide highest = minifloat_highest(m);
  if (integer > highest || integer < (m->is_signed ? -highest : 0)) return false;
  return minifloat_integer(m, minifloat_code(m, integer)) == integer;
}

fix_wide minifloat_round(const struct minifloat *m, double v, bool *inside) {
  fix_wide highest = minifloat_highest(m);
  double size = fabs(v);
  int exponent = size < 1 ? 0 : ilogb(size), step = exponent - m->mantissa;
  if (step < 0) step = 0;
  double rounded = ldexp(rint(ldexp(size, -step)), step);
  bool fits = rounded <= (double)highest && (m->is_signed || v >= 0 || rounded == 0);
  if (inside) *inside = fits;
  if (v < 0 && !m->is_signed) return 0;
  fix_wide q = rounded <= (double)highest ? (fix_wide)rounded : highest;
  return v < 0 ? -q : q;
}

// ---- text

static const char *take_number(const char *text, uint8_t *number) {
  int digits = 0;
  *number = 0;
  for (; *text >= '0' && *text <= '9'; text++, digits++)
    if (digits < DIGITS_MAX) *number = (uint8_t)(*number * 10 + (*text - '0'));
  return digits >= 1 && digits <= DIGITS_MAX ? text : NULL;
}

const char *minifloat_read(const char *text, struct minifloat *m) {
  *m = (struct minifloat){.is_signed = *text != 'u'};
  if (!m->is_signed) text++;
  if (strncmp(text, "log", 3) == 0) {
    text = take_number(text + 3, &m->exponent);
    m->exponent = (uint8_t)(m->exponent > m->is_signed ? m->exponent - m->is_signed : 0);
    return text;
  }
  if (*text != 'e' || !(text = take_number(text + 1, &m->exponent)) || *text != 'm' ||
      !(text = take_number(text + 1, &m->mantissa)))
    return NULL;
  for (enum minifloat_top top = MINIFLOAT_FN; top <= MINIFLOAT_IEEE; top++) {
    size_t length = strlen(tops[top]);
    if (strncmp(text, tops[top], length) != 0) continue;
    m->top = top;
    return text + length;
  }
  return text;
}

void minifloat_text(const struct minifloat *m, char text[MINIFLOAT_TEXT]) {
  snprintf(text, MINIFLOAT_TEXT, "%se%um%u%s", m->is_signed ? "" : "u", m->exponent, m->mantissa,
           tops[m->top]);
}

// Under both of its names, if it has two.
static void put_names(const struct minifloat *m, char text[2 * MINIFLOAT_TEXT]) {
  minifloat_text(m, text);
  size_t at = strlen(text);
  if (m->mantissa == 0 && m->top == MINIFLOAT_ALL)
    snprintf(text + at, MINIFLOAT_TEXT, " (%slog%d)", m->is_signed ? "" : "u",
             m->exponent + m->is_signed);
}

bool minifloat_check(const struct minifloat *m, struct err *e) {
  char text[2 * MINIFLOAT_TEXT];
  put_names(m, text);
  if (m->exponent < 1) return err_set(e, "%s: no exponent bit, expected at least 1", text);
  if (minifloat_width(m) > MINIFLOAT_WIDTH_MAX)
    return err_set(e, "%s: %d bits, at most %d", text, minifloat_width(m), MINIFLOAT_WIDTH_MAX);
  uint32_t last = last_code(m), exponent = last >> m->mantissa;
  if (last == 0) return err_set(e, "%s: holds no number but 0", text);
  int bits = (exponent ? (int)exponent - 1 : 0) + m->mantissa + 1 + m->is_signed;
  return bits <= INTEGER_BITS_MAX ||
         err_set(e, "%s: its integers need %d bits, at most %d: try fewer bits of exponent", text,
                 bits, INTEGER_BITS_MAX);
}
