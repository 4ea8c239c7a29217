// SPDX-License-Identifier: Apache-2.0
#include "sw/graph/residual.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int64_t residual_highest(const struct residual *r) {
  int64_t sum = 0;
  for (int l = 0; l < r->planes; l++) sum += r->factor[l];
  return sum;
}

int64_t residual_integer(const struct residual *r, uint32_t code) {
  int64_t sum = 0;
  for (int l = 0; l < r->planes; l++) sum += code >> l & 1 ? r->factor[l] : -r->factor[l];
  return sum;
}

static bool find_code(const struct residual *r, int64_t integer, uint32_t *code) {
  for (*code = 0; *code >> r->planes == 0; ++*code)
    if (residual_integer(r, *code) == integer) return true;
  return false;
}

uint32_t residual_code(const struct residual *r, int64_t integer) {
  uint32_t code;
  find_code(r, integer, &code);
  return code;
}

bool residual_has(const struct residual *r, int64_t integer) {
  uint32_t code;
  return find_code(r, integer, &code);
}

int64_t residual_round(const struct residual *r, double v) {
  int64_t sum = 0;
  for (int l = 0; l < r->planes; l++) sum += v >= (double)sum ? r->factor[l] : -r->factor[l];
  return sum;
}

// ---- factors

static void choose_means(int planes, int64_t count, const double *v, double *mean) {
  for (int l = 0; l < planes; l++) {
    mean[l] = 0;
    for (int64_t i = 0; i < count; i++) {
      double left = v[i];
      for (int k = 0; k < l; k++) left += left >= 0 ? -mean[k] : mean[k];
      mean[l] += fabs(left) / (double)count;
    }
  }
}

static int common_divisor(int a, int b) {
  return b ? common_divisor(b, a % b) : a;
}

double residual_choose(struct residual *r, int64_t count, const double *v) {
  double mean[RESIDUAL_PLANES_MAX], sum = 0, products = 0;
  int common = 0, squares = 0;
  choose_means(r->planes, count, v, mean);
  for (int l = 0; l < r->planes; l++) sum += mean[l];
  for (int l = 0; l < r->planes; l++) {
    r->factor[l] = (uint8_t)fmax(rint(mean[l] / sum * RESIDUAL_SUM), 1);
    common = common_divisor(r->factor[l], common);
  }
  for (int l = 0; l < r->planes; l++) {
    r->factor[l] = (uint8_t)(r->factor[l] / common);
    products += mean[l] * r->factor[l];
    squares += r->factor[l] * r->factor[l];
  }
  return products / squares;
}

// ---- words

const char *residual_read(const char *text, struct residual *r) {
  static const char word[] = "residual";
  size_t length = sizeof word - 1;
  *r = (struct residual){0};
  if (strncmp(text, word, length) != 0 || text[length] < '0' || text[length] > '9') return NULL;
  char *end;
  long planes = strtol(text + length, &end, 10);
  r->planes = (uint8_t)(planes > UINT8_MAX ? UINT8_MAX : planes);
  return end;
}

void residual_text(const struct residual *r, char text[RESIDUAL_TEXT]) {
  snprintf(text, RESIDUAL_TEXT, "residual%d", r->planes);
}

bool residual_check(const struct residual *r, struct err *e) {
  return (r->planes >= 1 && r->planes <= RESIDUAL_PLANES_MAX) ||
         err_set(e, "residualN: expected N from 1 to %d, sums of so many signs",
                 RESIDUAL_PLANES_MAX);
}
