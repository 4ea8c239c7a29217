// SPDX-License-Identifier: Apache-2.0
// plan --replay: what a file of decisions takes on its machine, or by which rule it is refused.
#include "cmd/plan.h"
#include "sw/base/json.h"
#include "sw/plan/replay.h"

#include <math.h>

// ---- options

static const struct replay_mode *mode_of(const struct options *o) {
  for (int m = 0; m < REPLAY_MODES; m++)
    if (strcmp(replay_modes[m].name, o->mode ? o->mode : "correct") == 0) return &replay_modes[m];
  return NULL;
}

bool plan_replay_check(const struct options *o, struct err *e) {
  static const char *const own[] = {"replay", "mode", "trace", "json", "quiet"};
  if (!o->replay && (o->mode || (o->trace && !plan_is_circuit(o->model))))
    return err_set(e, "%s is about --replay: give both", o->mode ? "--mode" : "--trace");
  if (!o->replay) return true;
  for (int i = 0; i < option_count; i++) {
    bool known = false;
    for (size_t k = 0; k < sizeof own / sizeof *own; k++)
      known = known || strcmp(option_rows[i].name, own[k]) == 0;
    if (!known && plan_given(o, &option_rows[i]))
      return err_set(e, "--replay plays a file of decisions: leave --%s away", option_rows[i].name);
  }
  return mode_of(o) || err_set(e, "--mode %s: expected compat, correct or auto", o->mode);
}

// No plan of these decisions is faster than its busiest device.
static enum replay_device busiest(const struct replay_result *r) {
  enum replay_device most = REPLAY_CPU;
  for (int d = 0; d < REPLAY_DEVICES; d++)
    if (r->busy[d] > r->busy[most]) most = (enum replay_device)d;
  return most;
}

// ---- JSON

static void json_channels(struct text *t, const struct replay_channels *c) {
  text_puts(t, "[");
  for (uint32_t i = 0; i < 2 * c->ranges; i++) text_printf(t, "%s%u", i ? "," : "", c->range[i]);
  text_puts(t, "]");
}

static void json_word(struct text *t, const char *word) {
  if (word)
    json_put_string(t, word);
  else
    text_puts(t, "null");
}

static const char *block_of(const struct replay_row *r) {
  return r->block < 0 ? NULL : replay_block_names[r->block];
}

static void json_left(struct text *t, const struct replay_plan *p, const struct replay_result *r) {
  text_puts(t, ",\"left\":[");
  for (uint32_t i = 0; i < r->n_left; i++) {
    text_puts(t, i ? ",[" : "[");
    json_word(t, p->operators[r->left[i].op].name);
    text_printf(t, ",\"%s\",", block_of(&r->left[i]));
    json_channels(t, &r->left[i].channels);
    text_puts(t, "]");
  }
  text_puts(t, "]");
}

static void json_trace(struct text *t, const struct replay_plan *p, const struct replay_result *r) {
  text_puts(t, ",\"trace\":[");
  for (uint32_t i = 0; i < r->n_rows; i++) {
    const struct replay_row *row = &r->rows[i];
    text_puts(t, i ? ",\n[" : "\n[");
    json_put_real(t, row->at);
    text_printf(t, ",\"%s\",", replay_action_names[row->action]);
    json_word(t, p->operators[row->op].name);
    text_puts(t, ",");
    json_word(t, block_of(row));
    text_puts(t, ",");
    if (row->channeled)
      json_channels(t, &row->channels);
    else
      text_puts(t, "null");
    text_puts(t, ",");
    json_put_real(t, row->bytes);
    text_puts(t, "]");
  }
  text_puts(t, "]");
}

// The names are those of the files' own expectations.
static void json_result(struct text *t, const struct replay_plan *p, const struct replay_result *r,
                        bool trace) {
  if (r->refused) {
    text_printf(t, ",\"refused\":\"%s\"", r->refused);
    json_put_figure(t, "at_ms", -1, r->at);
    text_puts(t, ",\"operator\":");
    json_word(t, r->op);
    text_puts(t, ",\"why\":");
    json_word(t, r->why);
  } else {
    json_put_figure(t, "accuracy", -1, r->accuracy);
    json_put_figure(t, "total_ms", -1, r->total);
    json_put_figure(t, "bound_ms", -1, r->busy[busiest(r)]);
    json_put_figure(t, "peak_bytes", -1, r->peak);
    for (int d = 0; d < REPLAY_DEVICES; d++) {
      text_printf(t, "%s\"%s\":", d ? "," : ",\"busy_ms\":{", replay_device_names[d]);
      json_put_real(t, r->busy[d]);
    }
    text_puts(t, "}");
    json_put_figure(t, "left_bytes", -1, r->left_bytes);
    json_left(t, p, r);
  }
  if (trace) json_trace(t, p, r);
}

static void json_head(struct text *t, const char *name, const struct replay_mode *m) {
  text_puts(t, "{\"plan\":");
  json_put_string(t, name);
  text_printf(t, ",\"mode\":\"%s\"", m->name);
}

// ---- for people

static void put_channels(struct text *t, const struct replay_channels *c) {
  for (uint32_t i = 0; i < c->ranges; i++)
    text_printf(t, "%s%u..%u", i ? " " : "", c->range[2 * i], c->range[2 * i + 1]);
}

static int width_of(const struct replay_plan *p) {
  size_t width = 8;
  for (uint32_t i = 0; i < p->n_operators; i++)
    if (strlen(p->operators[i].name) > width) width = strlen(p->operators[i].name);
  return width > 40 ? 40 : (int)width;
}

static void put_trace(struct text *t, const struct replay_plan *p, const struct replay_result *r) {
  int width = width_of(p);
  text_printf(t, "%12s %12s  %-9s %-*s %-9s %s\n", "ms", "fast bytes", "action", width, "operator",
              "block", "channels");
  for (uint32_t i = 0; i < r->n_rows; i++) {
    const struct replay_row *row = &r->rows[i];
    text_printf(t, "%12.6g %12.10g  %-9s ", row->at, row->bytes, replay_action_names[row->action]);
    size_t start = t->size;
    text_put_escaped(t, p->operators[row->op].name);
    text_printf(t, "%*s %-9s ", (int)(t->size - start) < width ? width - (int)(t->size - start) : 0,
                "", block_of(row) ? block_of(row) : "");
    put_channels(t, &row->channels);
    while (t->data[t->size - 1] == ' ') t->data[--t->size] = 0;
    text_puts(t, "\n");
  }
  text_puts(t, "\n");
}

void plan_put_devices(struct text *t, const struct replay_plan *p, const double *busy,
                      double total) {
  static const char *const what[] = {"runs", "slow to fast", "fast to slow"};
  uint32_t count[REPLAY_DEVICES] = {0};
  for (uint32_t i = 0; i < p->n_decisions; i++) {
    enum replay_action action = p->decisions[i].action;
    count[replay_is_run(action)   ? REPLAY_CPU
          : action == REPLAY_LOAD ? REPLAY_IN
                                  : REPLAY_OUT] +=
        replay_is_run(action) || action == REPLAY_LOAD || action == REPLAY_STORE;
  }
  text_printf(t, "%-8s%-14s%10s%14s%10s\n", "device", "", "decisions", "busy ms", "of total");
  for (int d = 0; d < REPLAY_DEVICES; d++)
    text_printf(t, "%-8s%-14s%10u%14.4f%8.1f %%\n", replay_device_names[d], what[d], count[d],
                busy[d], total > 0 ? 100 * busy[d] / total : 0);
}

static void put_result(struct text *t, const struct replay_plan *p, const struct replay_mode *m,
                       const struct replay_result *r) {
  enum replay_device bound = busiest(r);
  text_put_escaped(t, p->name);
  text_printf(t, ", %s: %u operators, %u decisions\n\n", m->name, p->n_operators, p->n_decisions);
  plan_put_devices(t, p, r->busy, r->total);
  text_printf(t, "\ntotal %.4f ms, where %s alone works %.4f", r->total, replay_device_names[bound],
              r->busy[bound]);
  if (r->busy[bound] > 0) text_printf(t, ": %.1f %% more", 100 * (r->total / r->busy[bound] - 1));
  text_printf(t, "\npeak %.10g of %.10g bytes of fast memory, left in it %.10g", r->peak, p->limit,
              r->left_bytes);
  for (uint32_t i = 0; i < r->n_left; i++) {
    text_puts(t, i ? ", " : ": ");
    text_put_escaped(t, p->operators[r->left[i].op].name);
    text_printf(t, ".%s ", block_of(&r->left[i]));
    put_channels(t, &r->left[i].channels);
  }
  text_printf(t, "\naccuracy %.6g of at least %.6g\n", r->accuracy, p->target);
}

static void put_refusal(struct text *t, const struct replay_result *r) {
  text_printf(t, "refused: %s", r->refused);
  if (!isnan(r->at)) text_printf(t, " at %.10g ms", r->at);
  if (r->op) {
    text_puts(t, ", ");
    text_put_escaped(t, r->op);
  }
  text_puts(t, ": ");
  text_put_escaped(t, r->why);
}

static void put_case(struct text *t, uint32_t i, const struct replay_plan *p,
                     const struct replay_result *r) {
  text_printf(t, "%4u  ", i);
  text_put_escaped(t, p->about);
  text_puts(t, "\n      ");
  if (r->refused)
    put_refusal(t, r);
  else
    text_printf(t, "total %.4f ms, peak %.10g bytes, accuracy %.6g", r->total, r->peak,
                r->accuracy);
  text_puts(t, "\n");
}

// ---- the command

static void say(struct text *t) {
  fwrite(t->data, 1, t->size, stdout);
  text_free(t);
}

static int replay_one(struct arena *a, const struct options *o, const struct replay_file *f,
                      struct err *e) {
  const struct replay_mode *m = mode_of(o);
  struct replay_result r;
  struct text t = {0};
  if (!replay_run(a, f->plans, m, &r, e)) return err_put_within(e, "%s", o->model), EXIT_USER;
  if (o->json) {
    json_head(&t, f->name, m);
    json_result(&t, f->plans, &r, o->trace);
    text_puts(&t, "}\n");
  } else {
    if (o->trace) put_trace(&t, f->plans, &r);
    if (!r.refused) put_result(&t, f->plans, m, &r);
  }
  if (t.size) say(&t);
  if (!r.refused) return EXIT_GOOD;
  put_refusal(&t, &r);
  err_put(e, "%s: %s", o->model, t.data);
  e->told = o->json;
  text_free(&t);
  return EXIT_USER;
}

// The plans of a file of cases are there to be judged: one that is refused is no failure.
static int replay_cases(const struct options *o, const struct replay_file *f, struct err *e) {
  const struct replay_mode *m = mode_of(o);
  struct text t = {0};
  if (o->json) {
    json_head(&t, f->name, m);
    text_puts(&t, ",\"cases\":[");
  }
  for (uint32_t i = 0; i < f->count; i++) {
    struct arena own = {0};
    struct replay_result r;
    bool ok = replay_run(&own, &f->plans[i], m, &r, e);
    if (ok && o->json) {
      text_puts(&t, i ? ",\n{\"about\":" : "\n{\"about\":");
      json_put_string(&t, f->plans[i].about);
      json_result(&t, &f->plans[i], &r, o->trace);
      text_puts(&t, "}");
    } else if (ok) {
      put_case(&t, i, &f->plans[i], &r);
      if (o->trace) put_trace(&t, &f->plans[i], &r);
    }
    arena_free(&own);
    if (!ok) {
      text_free(&t);
      return err_put_within(e, "%s: cases[%u]", o->model, i), EXIT_USER;
    }
  }
  if (o->json) text_puts(&t, "]}\n");
  say(&t);
  return EXIT_GOOD;
}

int plan_replay(struct arena *a, const struct options *o, struct err *e) {
  struct replay_file f;
  int status;
  if (plan_circuit_replays(a, o, &status, e)) return status;
  if (!replay_read(a, o->model, &f, e)) return EXIT_USER;
  return f.cases ? replay_cases(o, &f, e) : replay_one(a, o, &f, e);
}
