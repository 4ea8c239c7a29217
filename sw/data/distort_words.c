// SPDX-License-Identifier: Apache-2.0
// Distortions as words: "shift:2,scale:0.1,elastic:34:4".
#include "sw/data/distort.h"

#include "sw/base/nearest_word.h"

#include <math.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

// One word, or a second number behind it.
static const struct word {
  const char *name;
  size_t offset;
  double otherwise;    // where the word has no number
  double lowest, most; // lowest <= number <= most
  const char *unit;
} words[] = {
    {"shift", offsetof(struct distort, shift), 2, 0, 1000, "pixels"},
    {"rotate", offsetof(struct distort, rotate), 10, 0, 180, "degrees"},
    {"scale", offsetof(struct distort, scale), 0.1, 0, 0.9, "part"},
    {"squeeze", offsetof(struct distort, squeeze), 0.1, 0, 0.9, "part"},
    {"shear", offsetof(struct distort, shear), 0.2, 0, 10, "columns per row"},
    {"elastic", offsetof(struct distort, alpha), 34, 0, 10000, "pixels"},
    {"share", offsetof(struct distort, share), 1, 0, 1, "part of the images"},
    {"background", offsetof(struct distort, background), 0, -1e9, 1e9, "byte or number"},
};
static const struct word sigma = {"elastic", offsetof(struct distort, sigma), 4, 0.1,
                                  100,       "pixels of the Gaussian"};
enum { WORDS = sizeof words / sizeof *words };

static double *field(struct distort *d, const struct word *w) {
  return (double *)((char *)d + w->offset);
}

static double number_of(const struct distort *d, const struct word *w) {
  double x;
  memcpy(&x, (const char *)d + w->offset, sizeof x);
  return x;
}

static const struct word *find(const char *name, size_t size) {
  for (int i = 0; i < WORDS; i++)
    if (strlen(words[i].name) == size && memcmp(words[i].name, name, size) == 0) return &words[i];
  return NULL;
}

static bool unknown(struct arena *a, const char *name, size_t size, struct err *e) {
  const char *names[WORDS + 1], *list = "", *word = arena_printf(a, "%.*s", (int)size, name);
  if (strcmp(word, "none") == 0) return err_set(e, "none: stands alone");
  for (int i = 0; i < WORDS; i++) {
    names[i] = words[i].name;
    list = arena_printf(a, "%s%s, ", list, names[i]);
  }
  names[WORDS] = "none";
  const char *near = nearest_word(word, WORDS + 1, names);
  return err_set(e, "\"%s\": %s%s%sexpected %sor none alone", word, near ? "did you mean " : "",
                 near ? near : "", near ? "? " : "", list);
}

// The number between `text` and `end`, which is behind a colon.
static bool read_number(const struct word *w, const char *text, const char *end, struct distort *d,
                        struct err *e) {
  char *stop;
  double x = strtod(text, &stop);
  if (stop != end || stop == text || !(x >= w->lowest && x <= w->most))
    return err_set(e, "%s: \"%.*s\", expected a number from %g to %g (%s)", w->name,
                   (int)(end - text), text, w->lowest, w->most, w->unit);
  *field(d, w) = x;
  return true;
}

// One word, from `text` to `end`.
static bool read_word(struct arena *a, const char *text, const char *end, bool *given,
                      struct distort *d, struct err *e) {
  const char *colon = memchr(text, ':', (size_t)(end - text)), *name_end = colon ? colon : end;
  const struct word *w = find(text, (size_t)(name_end - text));
  if (!w) return unknown(a, text, (size_t)(name_end - text), e);
  if (given[w - words]) return err_set(e, "%s: given twice", w->name);
  given[w - words] = true;
  bool elastic = w->offset == offsetof(struct distort, alpha);
  *field(d, w) = w->otherwise;
  if (elastic) d->sigma = sigma.otherwise;
  if (!colon) return true;
  const char *second = elastic ? memchr(colon + 1, ':', (size_t)(end - colon - 1)) : NULL;
  return read_number(w, colon + 1, second ? second : end, d, e) &&
         (!second || read_number(&sigma, second + 1, end, d, e));
}

bool distort_parse(const char *text, struct distort *out, struct err *e) {
  struct arena a = {0};
  bool ok = true, given[WORDS] = {false};
  *out = (struct distort){.share = 1};
  if (strcmp(text, "none") == 0) return true;
  for (const char *end = text; ok; text = end + 1) {
    end = text + strcspn(text, ",");
    ok = read_word(&a, text, end, given, out, e);
    if (!*end) break;
  }
  if (ok && distort_is_none(out))
    ok = err_set(e, "nothing is distorted: say what is, as in shift:2,rotate:10, or none");
  arena_free(&a);
  return ok;
}

// The shortest text that reads back the same.
static void put_number(struct text *t, double x) {
  char number[32];
  int digits = 6;
  do snprintf(number, sizeof number, "%.*g", digits, x);
  while (strtod(number, NULL) != x && digits++ < 17);
  text_puts(t, number);
}

void distort_put(struct text *t, const struct distort *d) {
  const char *between = "";
  if (distort_is_none(d)) text_puts(t, "none");
  for (int i = 0; i < WORDS && !distort_is_none(d); i++) {
    double x = number_of(d, &words[i]);
    if (x == 0) continue;
    text_printf(t, "%s%s:", between, words[i].name);
    put_number(t, x);
    between = ",";
    if (words[i].offset != offsetof(struct distort, alpha)) continue;
    text_puts(t, ":");
    put_number(t, d->sigma);
  }
}
