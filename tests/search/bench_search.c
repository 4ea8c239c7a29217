// SPDX-License-Identifier: Apache-2.0
// Samplers on the spaces with exact values: mean over seeds of the best after so many trials,
// beside what Optuna 5.0's samplers reach there with as many trials; and milliseconds of a proposal
// behind 10,000 trials.
#include "sw/base/clock.h"
#include "tests/search/helper_spaces.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { TRIALS_MOST = 400, LONG_STUDY = 10000 };

static const struct row {
  const char *label;
  int which;
  enum sampler sampler;
  uint32_t trials;
  double optuna; // mean
  bool more;     // is better
} rows[] = {
    {"lab3, random", EXACT_LAB3, SAMPLER_RANDOM, 100, 21.45, false},
    {"lab3, tpe", EXACT_LAB3, SAMPLER_TPE, 100, 21.08, false},
    {"lab3cost, random", EXACT_LAB3COST, SAMPLER_RANDOM, 100, 252.2, false},
    {"lab3cost, tpe", EXACT_LAB3COST, SAMPLER_TPE, 100, 231.8, false},
    {"wa, random", EXACT_WA, SAMPLER_RANDOM, 200, 190.8, false},
    {"wa, tpe", EXACT_WA, SAMPLER_TPE, 200, 181.2, false},
    {"wa, nsga2", EXACT_WA, SAMPLER_NSGA2, 200, 186.2, false},
    {"formats, random", EXACT_FORMATS, SAMPLER_RANDOM, 200, 57.24, false},
    {"formats, tpe", EXACT_FORMATS, SAMPLER_TPE, 200, 52.63, false},
    {"synth12, random", EXACT_SYNTH12, SAMPLER_RANDOM, 200, 451.1, false},
    {"synth12, tpe", EXACT_SYNTH12, SAMPLER_TPE, 200, 318.8, false},
    {"wa_multi, random", EXACT_WA_MULTI, SAMPLER_RANDOM, 400, 0.942, true},
    {"wa_multi, tpe", EXACT_WA_MULTI, SAMPLER_TPE, 200, 0.967, true},
    {"wa_multi, nsga2", EXACT_WA_MULTI, SAMPLER_NSGA2, 400, 0.986, true},
};

static void compare(const struct exact *x, const struct row *r, uint32_t seeds) {
  static double best[TRIALS_MOST];
  double sum = 0, squares = 0;
  for (uint32_t seed = 0; seed < seeds; seed++) {
    exact_study(x, r->which, r->sampler, seed, r->trials, best);
    sum += best[r->trials - 1];
    squares += best[r->trials - 1] * best[r->trials - 1];
  }
  double mean = sum / seeds, error = sqrt((squares / seeds - mean * mean) / (seeds - 1));
  printf("%-20s%8u%10.*f%9.*f%10.*f  %s\n", r->label, r->trials, r->more ? 4 : 2, mean,
         r->more ? 4 : 2, error, r->more ? 3 : 2, r->optuna,
         (r->more ? mean >= r->optuna : mean <= r->optuna) ? "reached" : "");
}

static void speed(const struct exact *x, int which, enum sampler s, const char *label) {
  struct arena a = {0};
  const struct search_space *space = exact_space(x, which);
  struct seen *list = ARENA_NEW(&a, struct seen, LONG_STUDY);
  struct history h = {.objectives = exact_objectives(which), .list = list};
  double *point = ARENA_NEW(&a, double, space->n), best = INFINITY;
  for (; h.n < LONG_STUDY; h.n++) {
    double *p = ARENA_NEW(&a, double, space->n), *values = ARENA_NEW(&a, double, 2);
    random_propose(space, 1, h.n, p);
    exact_values(x, which, p, values);
    list[h.n] = (struct seen){.number = h.n, .state = TRIAL_COMPLETE, .x = p, .values = values};
  }
  for (int i = 0; i < 20; i++) {
    double begin = clock_seconds();
    sampler_propose(s, space, &h, 1, LONG_STUDY + i, point);
    double took = clock_seconds() - begin;
    best = took < best ? took : best;
  }
  printf("%-28s%10.2f ms\n", label, 1000 * best);
  arena_free(&a);
}

int main(int argc, char **argv) {
  struct arena a = {0};
  const struct exact *x = exact_new(&a);
  uint32_t seeds = argc > 1 ? (uint32_t)strtoul(argv[1], NULL, 10) : 20;
  printf("%-20s%8s%10s%9s%10s\n", "space, sampler", "trials", "mean", "+-", "Optuna");
  for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
    if (argc < 3 || strstr(rows[i].label, argv[2])) compare(x, &rows[i], seeds);
  printf("\nproposal after %d trials\n", LONG_STUDY);
  speed(x, EXACT_SYNTH12, SAMPLER_TPE, "synth12, tpe");
  speed(x, EXACT_FORMATS, SAMPLER_TPE, "formats, tpe");
  speed(x, EXACT_WA_MULTI, SAMPLER_TPE, "wa_multi, tpe");
  speed(x, EXACT_WA_MULTI, SAMPLER_NSGA2, "wa_multi, nsga2");
  arena_free(&a);
  return 0;
}
