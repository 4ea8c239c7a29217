// SPDX-License-Identifier: Apache-2.0
// plan of a training step on two memories: what is kept, spilt and made again under a limit, and
// what that takes.
#include "cmd/plan_steps.h"
#include "sw/base/file.h"
#include "sw/base/json.h"
#include "sw/base/listing.h"
#include "sw/plan/machine.h"

#include <math.h>
#include <stdlib.h>

enum { FILE_MAX = 64 << 20, FIELDS = 6 };

static const char *const choices[REMAT_CHOICES] = {"keep", "spill", "again"};

// ---- whether it is one

// Not what is wrong with it: that is said when it is read.
bool plan_is_steps(const char *path) {
  struct arena a = {0};
  struct bytes file;
  struct err none = {0};
  bool is = false;
  if (file_read(&a, path, FILE_MAX, &file, &none) && file.size && file.data[0] == '{') {
    json_t *root = json_parse((const char *)file.data, file.size, &none);
    const char *format = json_string_value(json_object_get(root, "format"));
    is = format && strncmp(format, "plan fixture", strlen("plan fixture")) == 0 &&
         strcmp(format, "plan fixture layers") != 0;
    json_decref(root);
  }
  arena_free(&a);
  return is;
}

static enum remat_goal goal_of(const struct options *o) {
  return o->minimise && strcmp(o->minimise, "memory") == 0 ? REMAT_MEMORY : REMAT_TIME;
}

static bool read_deadline(const struct options *o, double *ms, struct err *e) {
  char *end;
  *ms = strtod(o->deadline, &end);
  return (*o->deadline && !*end && *ms > 0 && isfinite(*ms)) ||
         err_set(e, "--deadline %s: expected ms, above 0", o->deadline);
}

static bool read_target(const struct options *o, double *target, struct err *e) {
  char *end;
  *target = strtod(o->target_accuracy, &end);
  return (*o->target_accuracy && !*end && *target >= 0 && *target <= 1) ||
         err_set(e, "--target-accuracy %s: expected a number from 0 to 1", o->target_accuracy);
}

bool plan_steps_check(const struct options *o, struct err *e) {
  static const char *const own[] = {"memory",   "machine", "unpruned", "output", "target-accuracy",
                                    "minimise", "sweep",   "svg",      "json",   "quiet",
                                    "deadline"};
  for (int i = 0; i < option_count; i++) {
    bool known = false;
    for (size_t k = 0; k < sizeof own / sizeof *own; k++)
      known = known || strcmp(option_rows[i].name, own[k]) == 0;
    if (!known && plan_given(o, &option_rows[i]))
      return err_set(e, "%s is a training step on two memories: leave --%s away", o->model,
                     option_rows[i].name);
  }
  const char *single = o->memory            ? "--memory"
                       : o->output          ? "-o"
                       : o->target_accuracy ? "--target-accuracy"
                       : o->minimise        ? "--minimise"
                       : o->deadline        ? "--deadline"
                                            : NULL;
  double target;
  if (o->sweep && single)
    return err_set(e, "--sweep plans for every size of memory: leave %s away", single);
  if (o->svg && !o->sweep) return err_set(e, "--svg draws what --sweep finds: give both");
  if (o->target_accuracy && o->unpruned)
    return err_set(e,
                   "--target-accuracy chooses what is pruned, --unpruned nothing: leave one away");
  if (o->minimise && strcmp(o->minimise, "time") != 0 && strcmp(o->minimise, "memory") != 0)
    return err_set(e, "--minimise %s: expected time or memory", o->minimise);
  if (o->memory && goal_of(o) == REMAT_MEMORY)
    return err_set(e, "--minimise memory finds how much: leave --memory away");
  const char *other = o->memory            ? "--memory"
                      : o->minimise        ? "--minimise"
                      : o->target_accuracy ? "--target-accuracy"
                                           : NULL;
  if (o->deadline && other)
    return err_set(e, "--deadline finds the least memory in which a step is in time: leave %s away",
                   other);
  if (o->deadline && !read_deadline(o, &target, e)) return false;
  return !o->target_accuracy || read_target(o, &target, e);
}

// The fast memory and the channels of --machine, for those of the file.
static bool take_machine(struct arena *a, const struct options *o, struct replay_plan *p,
                         struct err *e) {
  struct machine_file m;
  if (!o->machine) return true;
  if (!machine_read(a, o->machine, &m, e)) return false;
  int32_t fast = m.pes->memory;
  const struct machine_channel *in = NULL, *out = NULL;
  for (uint32_t i = 0; i < m.n_channels && !out; i++) {
    in = &m.channels[i];
    out = in->to == fast ? machine_channel(&m, fast, in->from) : NULL;
  }
  if (m.n_pes != 1 || m.pes->count != 1 || strcmp(m.unit, "ms") != 0)
    return err_set(e,
                   "--machine %s: expected one processor, and times in ms as the operators\' are",
                   o->machine);
  if (!out)
    return err_set(e,
                   "--machine %s: channels: expected one into \"%s\", and one back, as a training "
                   "step stores and loads",
                   o->machine, m.memories[fast].name);
  if (!o->memory && m.memories[fast].bytes == NONE)
    return err_set(e, "--machine %s: \"%s\" has no bytes: give --memory BYTES", o->machine,
                   m.memories[fast].name);
  if (!o->memory) p->limit = (double)m.memories[fast].bytes;
  p->rate[REPLAY_IN] = in->rate;
  p->rate[REPLAY_OUT] = out->rate;
  return true;
}

// What the options ask for.
static bool make(struct arena *a, const struct options *o, const struct replay_plan *p,
                 struct remat_pruned *r, struct err *e) {
  *r = (struct remat_pruned){.own = (double)NAN};
  struct replay_plan q = plan_steps_asked(o, p);
  double ms;
  if (o->deadline) return read_deadline(o, &ms, e) && plan_steps_within(a, &q, ms, &r->plan, e);
  if (o->target_accuracy) return remat_prune(a, &q, goal_of(o), REMAT_EXACT_MAX, r, e);
  if (goal_of(o) == REMAT_MEMORY && !remat_least_of(a, &q, &q.limit, e)) return false;
  return remat_make(a, &q, NULL, &r->plan, e);
}

// ---- one

static double per_cent_more(const struct remat_plan *r) {
  return r->bound > 0 ? 100 * (r->total / r->bound - 1) : 0;
}

static void put_pruned(struct text *t, const struct options *o, const struct remat_pruned *r) {
  bool memory = goal_of(o) == REMAT_MEMORY;
  text_printf(t, "pruned %u of %u channels, %s %lld sets that are accurate enough", r->channels,
              r->of, r->exact ? "of all" : "greedily, of", (long long)r->sets);
  if (r->own >= 0)
    text_printf(t,
                memory ? "; the file\'s own takes %.0f bytes" : "; the file\'s own takes %.4f ms",
                r->own);
  text_puts(t, "\n");
}

static void put_text(struct text *t, const struct remat_plan *r) {
  const struct replay_plan *p = &r->plan;
  text_put_escaped(t, p->name);
  text_printf(t, ": %u operators, of %u values that wait %u are kept, %u spilt, %u made again\n\n",
              p->n_operators, r->n_waits, r->count[REMAT_KEEP], r->count[REMAT_SPILL],
              r->count[REMAT_AGAIN]);
  plan_put_devices(t, p, r->busy, r->total);
  text_printf(t, "\ntotal %.4f ms, bound %.4f (%s): %.1f %% more\n", r->total, r->bound,
              replay_device_names[r->binds], per_cent_more(r));
  text_printf(t, "recomputed %.4f ms, spilt %.10g bytes\n", r->recomputed, r->spilt);
  text_printf(t, "peak %.10g of %.10g bytes of fast memory; %.10g are the least, %.10g keep all\n",
              r->peak, p->limit, r->least, r->all_kept);
  text_printf(t, "accuracy %.6g of at least %.6g\n", r->accuracy, p->target);
  if (r->cut) text_printf(t, "pruned, too: %u channels that no gradient reaches\n", r->cut);
}

void plan_steps_figures(struct text *t, const struct remat_plan *r) {
  text_printf(t, ",\"memory_bytes\":%.15g", r->plan.limit);
  json_put_figure(t, "total_ms", -1, r->total);
  json_put_figure(t, "bound_ms", -1, r->bound);
  json_put_figure(t, "peak_bytes", -1, r->peak);
  text_printf(t, ",\"least_bytes\":%.15g", r->least);
  json_put_figure(t, "keep_all_bytes", -1, r->all_kept);
  json_put_figure(t, "recomputed_ms", -1, r->recomputed);
  json_put_figure(t, "spilt_bytes", -1, r->spilt);
  json_put_figure(t, "accuracy", -1, r->accuracy);
  for (int d = 0; d < REPLAY_DEVICES; d++) {
    text_printf(t, "%s\"%s\":", d ? "," : ",\"busy_ms\":{", replay_device_names[d]);
    json_put_real(t, r->busy[d]);
  }
  text_printf(t, "},\"kept\":%u,\"spilt\":%u,\"made_again\":%u,\"version\":%u,\"trials\":%lld",
              r->count[REMAT_KEEP], r->count[REMAT_SPILL], r->count[REMAT_AGAIN], r->plan.version,
              (long long)r->trials);
}

static void put_json(struct text *t, const struct options *o, const struct remat_pruned *p) {
  const struct remat_plan *r = &p->plan;
  text_puts(t, "{\"plan\":");
  json_put_string(t, r->plan.name);
  plan_steps_figures(t, r);
  if (o->target_accuracy) {
    text_printf(t, ",\"pruned\":{\"channels\":%u,\"of\":%u,\"exact\":%s,\"sets\":%lld", p->channels,
                p->of, p->exact ? "true" : "false", (long long)p->sets);
    json_put_figure(t, goal_of(o) == REMAT_MEMORY ? "own_bytes" : "own_ms", -1, p->own);
    text_puts(t, "}");
  }
  text_puts(t, ",\"values\":[");
  for (uint32_t i = 0; i < r->n_waits; i++) {
    const struct remat_wait *w = &r->waits[i];
    text_puts(t, i ? ",\n{\"operator\":" : "\n{\"operator\":");
    json_put_string(t, r->plan.operators[w->op].name);
    text_printf(t, ",\"block\":\"%s\",\"choice\":\"%s\"", replay_block_names[w->block],
                choices[w->choice]);
    json_put_figure(t, "bytes", -1, w->bytes);
    text_puts(t, "}");
  }
  text_puts(t, "]}\n");
}

struct replay_plan plan_steps_asked(const struct options *o, const struct replay_plan *p) {
  struct replay_plan q = *p;
  if (o->memory) q.limit = (double)o->memory;
  if (o->unpruned) q.n_decisions = 0;
  struct err none = {0};
  if (o->target_accuracy) read_target(o, &q.target, &none); // it has been checked
  return q;
}

static bool write_plan(const struct options *o, const struct remat_plan *r, struct err *e) {
  struct text t = {0};
  replay_put(&t, &r->plan);
  bool ok = file_write(o->output, t.data, t.size, e);
  text_free(&t);
  return ok;
}

static int say(struct text *t) {
  fwrite(t->data, 1, t->size, stdout);
  text_free(t);
  return EXIT_GOOD;
}

static int plan_one(struct arena *a, const struct options *o, const struct replay_plan *p,
                    struct err *e) {
  struct remat_pruned r;
  struct text t = {0};
  if (!make(a, o, p, &r, e)) return err_put_within(e, "%s", o->model), EXIT_USER;
  if (o->output && !write_plan(o, &r.plan, e)) return EXIT_USER;
  if (o->json) {
    put_json(&t, o, &r);
  } else {
    put_text(&t, &r.plan);
    if (o->target_accuracy) put_pruned(&t, o, &r);
  }
  return say(&t);
}

// ---- several machines

static const struct field fields[FIELDS] = {
    {"<case", "about", FIELD_NAME, 0, 0},   {"fast bytes", NULL, FIELD_COUNT, 0, 0},
    {"total ms", NULL, FIELD_REAL, 4, 0},   {"bound", NULL, FIELD_REAL, 4, 0},
    {"recomputed", NULL, FIELD_REAL, 4, 0}, {"spilt bytes", NULL, FIELD_COUNT, 0, 0},
};

// A case for which there is no plan is no failure of the others; the row has no figures then.
static int plan_cases(struct arena *a, const struct options *o, const struct replay_file *f,
                      struct err *e) {
  struct listing table = listing_new(a, fields, FIELDS);
  struct text t = {0}, json = {0};
  for (uint32_t i = 0; i < f->count; i++) {
    struct arena own = {0};
    struct replay_plan q = plan_steps_asked(o, &f->plans[i]);
    struct remat_pruned made;
    struct err why = {0};
    bool ok = make(&own, o, &f->plans[i], &made, &why);
    const struct remat_plan r = made.plan;
    if (ok) q.limit = r.plan.limit;
    text_puts(&json, i ? ",\n{\"about\":" : "\n{\"about\":");
    json_put_string(&json, q.about);
    if (ok) {
      plan_steps_figures(&json, &r);
    } else {
      text_puts(&json, ",\"refused\":");
      json_put_string(&json, why.text);
    }
    text_puts(&json, "}");
    listing_row(&table, (struct figure[FIELDS]){{.text = q.about},
                                                {.count = (int64_t)q.limit},
                                                {.real = ok ? r.total : (double)-INFINITY},
                                                {.real = r.bound},
                                                {.real = r.recomputed, .blank = !ok},
                                                {.count = (int64_t)r.spilt, .blank = !ok}});
    arena_free(&own);
  }
  if (o->json)
    text_printf(&t, "{\"plans\":[%s]}\n", json.data);
  else
    listing_put(&table, &t);
  text_free(&json);
  (void)e;
  return say(&t);
}

int plan_steps(struct arena *a, const struct options *o, struct err *e) {
  struct replay_file f;
  if (!replay_read(a, o->model, &f, e)) return EXIT_USER;
  if (f.cases && o->machine)
    return err_put(e, "%s: %u cases have machines of their own: leave --machine away", o->model,
                   f.count),
           EXIT_USER;
  if (!f.cases && !take_machine(a, o, f.plans, e)) return EXIT_USER;
  if (f.cases && o->output)
    return err_put(e, "%s: %u cases, -o takes one plan", o->model, f.count), EXIT_USER;
  if (o->sweep && f.cases)
    return err_put(e, "%s: %u cases, --sweep takes one machine", o->model, f.count), EXIT_USER;
  if (o->sweep) return plan_steps_sweep(a, o, f.plans, e);
  return f.cases ? plan_cases(a, o, &f, e) : plan_one(a, o, f.plans, e);
}
