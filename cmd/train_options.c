// SPDX-License-Identifier: Apache-2.0
// The words of the options of training.
#include "cmd/train.h"

#include "sw/train/schedule.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { EPOCHS_MAX = 1000000, THREADS_MAX = 256 };

static bool parse_real(const char *name, const char *text, double otherwise, double lowest,
                       double below, double *out, struct err *e) {
  char *end = NULL;
  *out = text ? strtod(text, &end) : otherwise;
  if (!text || (end != text && !*end && *out >= lowest && *out < below)) return true;
  if (below == INFINITY)
    return err_set(e, "--%s %s: expected a number of at least %g", name, text, lowest);
  return err_set(e, "--%s %s: expected a number from %g to less than %g", name, text, lowest,
                 below);
}

static bool parse_rate(const char *text, double otherwise, double *out, struct err *e) {
  struct err ignored = {0};
  return (parse_real("rate", text, otherwise, 0, INFINITY, out, &ignored) && *out > 0) ||
         err_set(e, "--rate %s: expected a number above 0", text);
}

bool train_options(const struct options *o, struct optimizer *to, double *rate, struct err *e) {
  const char *name = o->optimizer ? o->optimizer : "adam";
  int f = assign_find(name);
  bool adam = f == ASSIGN_adam || f == ASSIGN_adamw;
  if (f == NONE || f < ASSIGN_sgd)
    return err_set(e, "--optimizer %s: expected sgd, momentum, nesterov, adam or adamw", name);
  *to = (struct optimizer){.function = (enum assign)f, .epsilon = 1e-8};
  return parse_real("momentum", o->momentum, 0.9, 0, 1, &to->momentum, e) &&
         parse_real("beta1", o->beta1, 0.9, 0, 1, &to->beta1, e) &&
         parse_real("beta2", o->beta2, 0.999, 0, 1, &to->beta2, e) &&
         parse_real("decay", o->decay, f == ASSIGN_adamw ? 0.01 : 0, 0, INFINITY, &to->decay, e) &&
         parse_rate(o->rate, adam ? 0.003 : 0.05, rate, e);
}

// Constants of other optimisers, and a rate that the schedule replaces.
static bool check_idle(const struct options *o, const struct optimizer *of, struct err *e) {
  attr_set constants = assign_info(of->function)->required;
  const struct {
    const char *name;
    bool given;
    enum attr_name constant;
  } options[] = {{"momentum", o->momentum, ATTR_momentum},
                 {"beta1", o->beta1, ATTR_beta1},
                 {"beta2", o->beta2, ATTR_beta2}};
  for (size_t i = 0; i < sizeof options / sizeof *options; i++)
    if (options[i].given && !(constants >> options[i].constant & 1))
      return err_set(e, "--%s changes nothing: %s has none (--optimizer)", options[i].name,
                     assign_info(of->function)->name);
  bool list = o->schedule && o->schedule[strspn(o->schedule, "0123456789.,eE+-")] == 0;
  return !(list && o->rate) ||
         err_set(e, "--rate %s changes nothing: --schedule %s gives the rates", o->rate,
                 o->schedule);
}

static bool parse_targets(const char *text, double target[2], struct err *e) {
  char *comma, *end;
  target[0] = strtod(text, &comma);
  target[1] = *comma == ',' ? strtod(comma + 1, &end) : 0;
  if (comma == text || *comma != ',' || end == comma + 1 || *end || !isfinite(target[0]) ||
      !isfinite(target[1]))
    return err_set(e, "--targets %s: expected two numbers, of the other classes and the right one",
                   text);
  return target[0] != target[1] ||
         err_set(e, "--targets %s: the same twice, nothing would part the classes", text);
}

bool train_overrides(const struct options *o, struct recipe *r, struct err *e) {
  if (o->loss && !loss_parse(o->loss, &r->loss, e)) return err_within(e, "--loss");
  if (o->targets && !parse_targets(o->targets, r->target, e)) return false;
  if (o->distort && !distort_parse(o->distort, &r->distort, e)) return err_within(e, "--distort");
  r->loss_chosen |= o->loss != NULL;
  r->targets_chosen |= o->targets != NULL;
  return true;
}

const char *train_schedule(const struct options *o) {
  return o->schedule ? o->schedule : "cosine";
}

bool train_check(struct arena *a, const struct options *o, struct err *e) {
  struct optimizer optimizer;
  double rate;
  if (o->epochs > EPOCHS_MAX)
    return err_set(e, "--epochs %lld: at most %d", (long long)o->epochs, EPOCHS_MAX);
  if (o->threads > THREADS_MAX)
    return err_set(e, "--threads %lld: at most %d", (long long)o->threads, THREADS_MAX);
  if (o->patience && !o->validation)
    return err_set(e, "--patience: needs --validation N, images to watch");
  if (o->checkpoint_every && !o->checkpoint)
    return err_set(e, "--checkpoint-every: needs --checkpoint FILE");
  return train_boost_check(o, e) && train_qat_check(a, o, e) &&
         train_overrides(o, &(struct recipe){0}, e) && train_options(o, &optimizer, &rate, e) &&
         schedule_set(a, train_schedule(o), rate, 1, 1, &optimizer, e) &&
         check_idle(o, &optimizer, e);
}
