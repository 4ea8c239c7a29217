// SPDX-License-Identifier: Apache-2.0
#include "search/sampler.h"

#include "search/draw.h"

#include <math.h>
#include <string.h>

static const char *const names[SAMPLERS] = {"grid", "random", "tpe", "nsga2"};

const char *sampler_text(enum sampler s) {
  return names[s];
}

bool sampler_find(const char *text, enum sampler *s) {
  for (int i = 0; i < SAMPLERS; i++)
    if (strcmp(names[i], text) == 0) {
      *s = (enum sampler)i;
      return true;
    }
  return false;
}

// ---- random

double random_value(const struct search_space *space, uint32_t i, uint64_t seed, int64_t number) {
  struct draw d = draw_new(seed, number, space->params[i].is.name);
  return param_uniform(&space->params[i].is, draw_unit(&d));
}

void random_propose(const struct search_space *space, uint64_t seed, int64_t number, double *x) {
  for (uint32_t k = 0; k < space->n; k++) {
    uint32_t i = space->order[k];
    x[i] = space_active(space, i, x) ? random_value(space, i, seed, number) : NAN;
  }
}

bool history_has(const struct search_space *space, const struct history *h, const double *x) {
  for (uint32_t i = 0; i < h->n; i++)
    if (space_same(space, h->list[i].x, x)) return true;
  return false;
}

// ---- grid: an odometer whose last wheel turns first; wheels that aren't there stand still

static void first_from(const struct search_space *s, uint32_t k, double *x) {
  for (; k < s->n; k++) {
    uint32_t i = s->order[k];
    x[i] = space_active(s, i, x) ? param_at(&s->params[i].is, 0) : NAN;
  }
}

static int64_t digit(const struct param *p, double x) {
  return p->kind == PARAM_CHOICE ? (int64_t)x
         : p->step > 0           ? (int64_t)((x - p->low) / p->step + 0.5)
                                 : 0;
}

// False behind the last point.
static bool turn(const struct search_space *s, double *x) {
  for (uint32_t k = s->n; k-- > 0;) {
    uint32_t i = s->order[k];
    const struct param *p = &s->params[i].is;
    if (isnan(x[i]) || digit(p, x[i]) + 1 >= param_count(p)) continue;
    x[i] = param_at(p, digit(p, x[i]) + 1);
    first_from(s, k + 1, x);
    return true;
  }
  return false;
}

static bool grid_propose(const struct search_space *s, int64_t number, double *x) {
  first_from(s, 0, x);
  while (number-- > 0)
    if (!turn(s, x)) return false;
  return true;
}

int64_t sampler_points(const struct search_space *s, int64_t most) {
  struct arena scratch = {0};
  double *x = ARENA_NEW(&scratch, double, s->n);
  int64_t count = 1;
  for (uint32_t i = 0; i < s->n; i++)
    if (!param_count(&s->params[i].is)) count = 0;
  first_from(s, 0, x);
  while (count && count < most && turn(s, x)) count++;
  arena_free(&scratch);
  return count;
}

bool sampler_untried(const struct search_space *s, const struct history *h, double *x) {
  for (uint32_t i = 0; i < s->n; i++)
    if (!param_count(&s->params[i].is)) return true; // they never end: any will do
  first_from(s, 0, x);
  while (history_has(s, h, x))
    if (!turn(s, x)) return false;
  return true;
}

bool sampler_check(enum sampler s, const struct search_space *space, struct err *e) {
  for (uint32_t i = 0; s == SAMPLER_GRID && i < space->n; i++)
    if (!param_count(&space->params[i].is))
      return err_set(e,
                     "parameter \"%s\": --sampler grid needs steps: \"float\":[low,high,step], or "
                     "another sampler",
                     space->params[i].is.name);
  return true;
}

bool sampler_propose(enum sampler s, const struct search_space *space, const struct history *h,
                     uint64_t seed, int64_t number, double *x) {
  switch (s) {
  case SAMPLER_GRID:
    return grid_propose(space, number, x);
  case SAMPLER_RANDOM:
    random_propose(space, seed, number, x);
    return true;
  case SAMPLER_TPE:
    tpe_propose(space, h, seed, number, x);
    return true;
  case SAMPLER_NSGA2:
    return nsga2_propose(space, h, seed, number, x);
  case SAMPLERS:
    break;
  }
  return false;
}
