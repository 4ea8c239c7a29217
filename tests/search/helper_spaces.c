// SPDX-License-Identifier: Apache-2.0
#include "tests/search/helper_spaces.h"

#include "search/pareto.h"
#include "sw/base/file.h"
#include "sw/base/rng.h"
#include "sw/graph/safetensors.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define TABLES "tests/search/spaces.safetensors"
#define FRONT_VOLUME 47389.0968
enum { SITES = 6, SYNTH = 12 };

static const char *const sites[SITES] = {"fc1.data_in", "fc1.weight", "fc1.bias",
                                         "fc2.data_in", "fc2.weight", "fc2.bias"};

struct exact {
  struct search_space spaces[EXACT_SPACES];
  const int16_t *lab3, *wa, *formats;
  const uint8_t *classes[SITES];
  int64_t u[6][5], c[6], v[11][5][5];
};

static void die(const char *what) {
  fprintf(stderr, "exact spaces: %s\n", what);
  exit(1);
}

// ---- the spaces

static void put_lab3(struct text *t) {
  for (int i = 0; i < SITES; i++)
    text_printf(t,
                "%s\"%s.width\":{\"choices\":[8,16,32]},"
                "\"%s.frac\":{\"choices\":[2,4,8]}",
                i ? "," : "", sites[i], sites[i]);
}

static void put_wa(struct text *t) {
  text_puts(t, "\"in.bits\":{\"int\":[1,8]},\"fc1.weight.bits\":{\"int\":[2,8]},"
               "\"hidden.bits\":{\"int\":[1,8]},\"fc2.weight.bits\":{\"int\":[2,8]},"
               "\"fc1.in\":{\"choices\":[1,2,4,7,8,14,16,28]},"
               "\"fc1.out\":{\"choices\":[1,2,4,8,16,32,64,128]},"
               "\"fc2.in\":{\"choices\":[1,2,4,8,16,32]},\"fc2.out\":{\"choices\":[1,2,5,10]}");
}

static void put_formats(struct text *t) {
  static const char *const streams[] = {"in", "hidden"}, *const weights[] = {"fc1", "fc2"};
  for (int i = 0; i < 2; i++) {
    const char *s = streams[i], *w = weights[i];
    text_printf(t,
                "%s\"%s.kind\":{\"choices\":[\"fixed\",\"minifloat\",\"log\",\"block\"]},"
                "\"%s.fixed\":{\"choices\":[1,2,3,4,6,8],\"when\":{\"%s.kind\":\"fixed\"}},"
                "\"%s.minifloat\":{\"choices\":[\"2,1\",\"2,2\",\"3,1\",\"4,3\"],"
                "\"when\":{\"%s.kind\":\"minifloat\"}},"
                "\"%s.log\":{\"int\":[2,4],\"when\":{\"%s.kind\":\"log\"}},"
                "\"%s.block\":{\"int\":[2,6,2],\"when\":{\"%s.kind\":\"block\"}},",
                i ? "," : "", s, s, s, s, s, s, s, s, s);
    text_printf(t,
                "\"%s.kind\":{\"choices\":[\"fixed\",\"minifloat\",\"log\",\"block\",\"ternary\","
                "\"bipolar\"]},\"%s.fixed\":{\"int\":[2,8],\"when\":{\"%s.kind\":\"fixed\"}},"
                "\"%s.minifloat\":{\"choices\":[\"2,1\",\"2,3\",\"3,0\",\"3,1\",\"3,2\",\"4,3\","
                "\"5,2\"],\"when\":{\"%s.kind\":\"minifloat\"}},"
                "\"%s.log\":{\"int\":[3,5],\"when\":{\"%s.kind\":\"log\"}},"
                "\"%s.block\":{\"choices\":[2,3,4,6,8],\"when\":{\"%s.kind\":\"block\"}},"
                "\"%s.size\":{\"choices\":[16,64],\"when\":{\"%s.kind\":\"block\"}}",
                w, w, w, w, w, w, w, w, w, w, w);
  }
}

static void put_synth(struct text *t) {
  for (int i = 0; i < SYNTH; i++)
    text_printf(t, i % 2 ? "%s\"p%d\":{\"int\":[0,15]}" : "%s\"p%d\":{\"choices\":[0,1,2,3,4]}",
                i ? "," : "", i);
}

static void make_spaces(struct arena *a, struct exact *x) {
  static void (*const put[EXACT_SPACES])(struct text *) = {put_lab3, put_lab3,    put_wa,
                                                           put_wa,   put_formats, put_synth};
  for (int i = 0; i < EXACT_SPACES; i++) {
    struct text t = {0};
    struct err e = {0};
    text_puts(&t, "{\"parameters\":{");
    put[i](&t);
    text_puts(&t, "}}");
    if (!space_parse(a, t.data, t.size, &x->spaces[i], &e)) die(e.text);
    text_free(&t);
  }
}

// ---- the tables

static const void *table(const struct safetensors *s, const char *name, int64_t count) {
  int64_t at = safetensors_find(s, name);
  if (at < 0 || s->tensors[at].tensor->count != count) die(name);
  return s->tensors[at].tensor->data;
}

// 311 outputs of splitmix64 from state 1.
static void make_synth(struct exact *x) {
  uint64_t r[311];
  for (uint64_t i = 0; i < 311; i++) r[i] = rng_mix(1 + (i + 1) * 0x9e3779b97f4a7c15u);
  for (int i = 0; i < 6; i++) {
    for (int k = 0; k < 5; k++) x->u[i][k] = (int64_t)(r[5 * i + k] % 100);
    x->c[i] = (int64_t)(r[30 + i] % 16);
  }
  for (int i = 0; i < 11; i++)
    for (int k = 0; k < 25; k++) x->v[i][k / 5][k % 5] = (int64_t)(r[36 + 25 * i + k] % 50);
}

const struct exact *exact_new(struct arena *a) {
  struct exact *x = ARENA_NEW(a, struct exact, 1);
  struct safetensors s;
  struct bytes file;
  struct err e = {0};
  if (!file_read(a, TABLES, 1 << 20, &file, &e) ||
      !safetensors_parse(a, file.data, file.size, &s, &e))
    die(e.text);
  x->lab3 = table(&s, "lab3.correct", 4 * 4 * 3 * 5 * 4 * 3);
  x->wa = table(&s, "wa.correct", 8 * 7 * 8 * 7);
  x->formats = table(&s, "formats.correct", 16 * 29 * 16 * 29);
  for (int i = 0; i < SITES; i++)
    x->classes[i] = table(&s, arena_printf(a, "lab3.class.%s", sites[i]), 9);
  make_synth(x);
  make_spaces(a, x);
  return x;
}

const struct search_space *exact_space(const struct exact *x, int which) {
  return &x->spaces[which];
}

int exact_objectives(int which) {
  return which == EXACT_WA_MULTI ? 2 : 1;
}

// ---- the values

static double value_of(const struct search_space *s, const double *point, const char *name) {
  const struct param *p = &s->params[space_find(s, name)].is;
  double v = point[space_find(s, name)];
  return p->kind == PARAM_CHOICE ? strtod(p->choices[(int)v].plain, NULL) : v;
}

static double lab3(const struct exact *x, const double *p, bool cost) {
  static const int shape[SITES] = {4, 4, 3, 5, 4, 3};
  int64_t at = 0;
  double widths = 0;
  for (int i = 0; i < SITES; i++) {
    at = at * shape[i] + x->classes[i][3 * (int)p[2 * i] + (int)p[2 * i + 1]];
    widths += 8 << (int)p[2 * i];
  }
  double errors = 1000 - x->lab3[at];
  return cost ? 8 * errors + widths : errors;
}

static void wa(const struct exact *x, const struct search_space *s, const double *p, double *errors,
               double *cost) {
  double in = p[0], w1 = p[1], hidden = p[2], w2 = p[3];
  double pi1 = value_of(s, p, "fc1.in"), po1 = value_of(s, p, "fc1.out"),
         pi2 = value_of(s, p, "fc2.in"), po2 = value_of(s, p, "fc2.out");
  double first = ceil(784 / pi1) * ceil(128 / po1), second = ceil(128 / pi2) * ceil(10 / po2);
  double area =
      pi1 * po1 * in * w1 + pi2 * po2 * hidden * w2 + floor((784 * 128 * w1 + 1280 * w2) / 64);
  int64_t at = (((int64_t)in - 1) * 7 + (int64_t)w1 - 2) * 8 + (int64_t)hidden - 1;
  *errors = 1000 - x->wa[at * 7 + (int64_t)w2 - 2];
  *cost = 8 * log2(first > second ? first : second) + 8 * log2(area);
}

// Place in the table, and bits of an element.
static int stream(const struct search_space *s, const double *p, uint32_t at, double *bits) {
  int v = (int)p[at + 1 + (uint32_t)p[at]];
  static const double minifloat[] = {4, 5, 5, 8};
  (void)s;
  switch ((int)p[at]) {
  case 0:
    *bits = (const double[]){1, 2, 3, 4, 6, 8}[v];
    return v;
  case 1:
    *bits = minifloat[v];
    return 6 + v;
  case 2:
    *bits = v;
    return 10 + v - 2;
  default:
    *bits = v + 8.0 / 16;
    return 13 + (v - 2) / 2;
  }
}

static int weight(const double *p, uint32_t at, double *bits) {
  static const double minifloat[] = {4, 6, 4, 5, 6, 8, 8}, block[] = {2, 3, 4, 6, 8},
                      size[] = {16, 64};
  int v = p[at] < 4 ? (int)p[at + 1 + (uint32_t)p[at]] : 0;
  switch ((int)p[at]) {
  case 0:
    *bits = v;
    return v - 2;
  case 1:
    *bits = minifloat[v];
    return 7 + v;
  case 2:
    *bits = v;
    return 14 + v - 3;
  case 3:
    *bits = block[v] + 8 / size[(int)p[at + 5]];
    return 17 + 2 * v + (int)p[at + 5];
  default:
    *bits = p[at] < 5 ? 2 : 1;
    return 27 + (int)p[at] - 4;
  }
}

static double formats(const struct exact *x, const struct search_space *s, const double *p) {
  double bits[4];
  int in = stream(s, p, 0, &bits[0]), fc1 = weight(p, 5, &bits[1]),
      hidden = stream(s, p, 11, &bits[2]), fc2 = weight(p, 16, &bits[3]);
  int correct = x->formats[((in * 29 + fc1) * 16 + hidden) * 29 + fc2];
  return 1000 - correct + 2 * bits[0] + 4 * bits[1] + 2 * bits[2] + bits[3];
}

static double synth(const struct exact *x, const double *p) {
  int64_t sum = 0, v[SYNTH];
  for (int i = 0; i < SYNTH; i++) v[i] = (int64_t)p[i];
  for (int i = 0; i < SYNTH; i++) {
    int64_t d = v[i] - x->c[i / 2];
    sum += i % 2 ? d * d : x->u[i / 2][v[i]];
    if (i < 11) sum += x->v[i][v[i] % 5][v[i + 1] % 5];
  }
  return (double)sum;
}

void exact_values(const struct exact *x, int which, const double *p, double *values) {
  double errors, cost;
  switch (which) {
  case EXACT_LAB3:
  case EXACT_LAB3COST:
    values[0] = lab3(x, p, which == EXACT_LAB3COST);
    break;
  case EXACT_WA:
  case EXACT_WA_MULTI:
    wa(x, exact_space(x, which), p, &errors, &cost);
    values[0] = which == EXACT_WA ? errors + cost : errors;
    if (which == EXACT_WA_MULTI) values[1] = cost;
    break;
  case EXACT_FORMATS:
    values[0] = formats(x, exact_space(x, which), p);
    break;
  default:
    values[0] = synth(x, p);
  }
}

// ---- a study

void exact_study(const struct exact *x, int which, enum sampler s, uint64_t seed, uint32_t trials,
                 double *best) {
  static const double reference[2] = {300, 320};
  struct arena a = {0};
  const struct search_space *space = exact_space(x, which);
  struct seen *list = ARENA_NEW(&a, struct seen, trials);
  const double **points = ARENA_NEW(&a, const double *, trials);
  struct history h = {.objectives = exact_objectives(which), .list = list};
  for (uint32_t i = 0; i < trials; i++) {
    double *p = ARENA_NEW(&a, double, space->n), *values = ARENA_NEW(&a, double, 2);
    if (!sampler_propose(s, space, &h, seed, i, p) || !space_contains(space, p)) die("no point");
    exact_values(x, which, p, values);
    list[i] = (struct seen){.number = i, .state = TRIAL_COMPLETE, .x = p, .values = values};
    points[h.n++] = values;
    if (which == EXACT_WA_MULTI)
      best[i] = pareto_volume(&a, h.n, 2, points, reference) / FRONT_VOLUME;
    else
      best[i] = i && best[i - 1] < values[0] ? best[i - 1] : values[0];
  }
  arena_free(&a);
}
