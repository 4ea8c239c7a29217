// SPDX-License-Identifier: Apache-2.0
// schedule --train: the steps of a training on K nodes, one after another, as many on their way at
// once as its gradients may be late.
#include "cmd/plan.h"
#include "cmd/schedule.h"
#include "cmd/train.h"
#include "sw/base/clock.h"
#include "sw/base/json.h"
#include "sw/base/listing.h"
#include "sw/base/rng.h"
#include "sw/exec/dataflow.h"
#include "sw/exec/plan_run.h"
#include "sw/exec/real.h"
#include "sw/pass/part.h"
#include "sw/plan/check.h"
#include "sw/plan/modulo.h"
#include "sw/train/schedule.h"
#include "sw/train/stale.h"

#include <stdlib.h>
#include <string.h>

enum { BATCH = 128, BATCH_MAX = 1 << 16, STALE_MAX = 64, STEPS = 3, SEED = 1, PARTS_MAX = 1000 };
enum { FIELDS = 6, SHOWN = 16 };

struct lesson {
  struct arena *arena;
  const struct options *options;
  struct recipe recipe;
  struct training *training;
  struct node_machine machine;
  const struct modulo *schedule;
  const struct plan *plan;
  struct modulo_bounds bounds;
  int64_t exact;   // the period without --staleness; 0: it has none
  uint32_t parts;  // layers that --grain has made of others
  int64_t batch;   // images
  int64_t steps;   // that were carried out; 0: none
  int64_t numbers; // of variables that were compared
  uint32_t variables;
  double seconds;
  float **inputs; // (n_inputs) (steps, batch, elements)
};

bool schedule_train_check(const struct options *o, struct err *e) {
  static const char *const own[] = {"train",     "nodes",   "topology",  "grain",     "macs",
                                    "link-bits", "latency", "staleness", "optimizer", "batch",
                                    "run",       "images",  "json",      "quiet"};
  const char *about = o->staleness ? "--staleness" : o->optimizer ? "--optimizer" : "--batch";
  if (!o->train && (o->staleness || o->optimizer || o->batch))
    return err_set(e, "%s is about --train: give both", about);
  if (!o->train) return true;
  for (int i = 0; i < option_count; i++) {
    bool known = false;
    for (size_t k = 0; k < sizeof own / sizeof *own; k++)
      known = known || strcmp(option_rows[i].name, own[k]) == 0;
    if (!known && plan_given(o, &option_rows[i]))
      return err_set(e, "--train schedules steps of a training: leave --%s away",
                     option_rows[i].name);
  }
  struct optimizer optimizer;
  double rate;
  if (!train_options(o, &optimizer, &rate, e)) return false;
  if (o->batch > BATCH_MAX)
    return err_set(e, "--batch %lld: expected 1 to %d images", (long long)o->batch, BATCH_MAX);
  return o->staleness <= STALE_MAX ||
         err_set(e, "--staleness %lld: expected 1 to %d steps", (long long)o->staleness, STALE_MAX);
}

// ---- the training graph

static int64_t grain_of(const struct options *o) {
  if (!o->grain || strcmp(o->grain, "layer") == 0) return 0;
  return strcmp(o->grain, "neuron") == 0 ? 1 : strtoll(o->grain, NULL, 10);
}

static bool read_recipe(struct lesson *l, struct err *e) {
  struct options own = *l->options;
  own.net = l->options->model;
  if (!train_net(l->arena, &own, SEED, &l->recipe, e)) return false;
  if (l->recipe.mean_measured || l->recipe.std_measured)
    return err_set(e, "%s: mean or std is \"data\": give numbers, as no data are trained on",
                   own.net);
  if (grain_of(l->options))
    l->recipe.model = part(l->arena, l->recipe.model, grain_of(l->options), &l->parts);
  return l->parts <= PARTS_MAX ||
         err_set(e, "%s: %u parts of layers, at most %d: give a larger --grain", own.net, l->parts,
                 PARTS_MAX);
}

static struct training *training_of(struct lesson *l, struct err *e) {
  double rate;
  struct optimizer *o = ARENA_NEW(l->arena, struct optimizer, 1);
  const struct recipe *r = &l->recipe;
  struct training_part *frozen = ARENA_NEW(l->arena, struct training_part, r->n_fixed + 1);
  for (uint32_t i = 0; i < r->n_fixed; i++) frozen[i].name = r->fixed[i];
  if (!train_options(l->options, o, &rate, e) ||
      !schedule_set(l->arena, "constant", rate, 1, 1, o, e))
    return NULL;
  return training_new(l->arena, r->model, r->loss, o, SEED, frozen, r->n_fixed, e);
}

// ---- the schedule

// A fault would be ours, not the user's.
static const struct modulo *make(struct lesson *l, const struct graph *g, const struct plan **plan,
                                 struct err *e) {
  const struct modulo *m = modulo_make(l->arena, g, l->batch, &l->machine, e);
  if (!m) return NULL;
  struct plan *p = modulo_plan(l->arena, m);
  struct faults f = plan_check(l->arena, p);
  if (f.count)
    return err_put(e, "the schedule has %u faults, which is a bug of this program: %s", f.count,
                   f.faults->text),
           NULL;
  *plan = p;
  return m;
}

static bool make_all(struct lesson *l, struct err *e) {
  const struct options *o = l->options;
  const struct plan *unused;
  l->batch = o->batch ? o->batch : BATCH;
  l->machine = schedule_machine(l->arena, o, o->nodes);
  if (o->staleness) {
    struct training *exact = training_of(l, e);
    const struct modulo *m = exact ? make(l, exact->graph, &unused, e) : NULL;
    if (!m) return false;
    l->exact = m->period;
  }
  l->training = training_of(l, e);
  if (!l->training) return false;
  stale(l->training->graph, (uint32_t)o->staleness);
  if (!graph_verify(l->training->graph, e)) return false;
  l->schedule = make(l, l->training->graph, &l->plan, e);
  l->bounds = modulo_bounds(l->training->graph, l->batch, &l->machine);
  return l->schedule != NULL;
}

// ---- carrying it out

static void draw(struct lesson *l) {
  const struct graph *g = l->training->graph;
  struct rng r = {SEED, 0};
  l->inputs = ARENA_NEW(l->arena, float *, g->n_inputs);
  for (uint32_t i = 0; i < g->n_inputs; i++) {
    uint32_t v = g->inputs[i].value;
    int64_t elements = value_elements(&g->values[v]), frames = l->steps * l->batch;
    float *to = l->inputs[i] = ARENA_NEW(l->arena, float, frames *elements);
    bool target = v == l->training->target;
    for (int64_t k = 0; k < frames * elements; k++)
      to[k] = (float)(target ? l->recipe.target[0] : rng_unit(&r));
    for (int64_t k = 0; target && k < frames; k++)
      to[k * elements + rng_range(&r, 0, elements - 1)] = (float)l->recipe.target[1];
  }
}

static const void *input(void *context, int64_t step, uint32_t i) {
  const struct lesson *l = context;
  const struct graph *g = l->training->graph;
  return l->inputs[i] + step * l->batch * value_elements(&g->values[g->inputs[i].value]);
}

// Every variable as the token executor leaves it.
static bool compare(struct lesson *l, const struct plan_run *r, const struct dataflow *d,
                    struct err *e) {
  const struct graph *g = l->training->graph;
  for (uint32_t v = 0; v < g->n_values; v++) {
    if (!type_is_ref(&g->values[v].type)) continue;
    const float *found = plan_run_held(r, v), *expected = dataflow_held(d, v);
    int64_t count = value_elements(&g->values[v]);
    for (int64_t i = 0; i < count; i++)
      if (memcmp(&found[i], &expected[i], sizeof *found) != 0)
        return err_set(e, "\"%s\"[%lld] is %.9g after %lld steps, %.9g in the token executor",
                       g->values[v].name, (long long)i, (double)found[i], (long long)l->steps,
                       (double)expected[i]);
    l->numbers += count;
    l->variables++;
  }
  return true;
}

static bool carry_out(struct lesson *l, struct err *e) {
  const struct options *o = l->options;
  struct arena own = {0};
  int64_t arrives = o->staleness + 2; // steps until a gradient that isn't a token does
  l->steps = o->images ? (o->images + l->batch - 1) / l->batch : arrives > STEPS ? arrives : STEPS;
  draw(l);
  struct plan_run *r = plan_run_new(&own, l->plan, l->batch, &real_kind);
  double begin = clock_seconds();
  bool ok = plan_run_steps(r, l->steps, &(struct plan_caller){.context = l, .input = input}, e);
  l->seconds = clock_seconds() - begin;
  struct dataflow *d =
      ok ? dataflow_new(&own, l->training->graph, l->batch, &real_kind, false, e) : NULL;
  if (d) {
    dataflow_run(d, l->steps, &(struct dataflow_caller){.context = l, .input = input});
    ok = compare(l, r, d, e);
    dataflow_free(d);
  }
  arena_free(&own);
  return ok && d;
}

// ---- what is printed

static const struct field fields[FIELDS] = {
    {"node", "node", FIELD_COUNT, 0, 0},         {"firings", "firings", FIELD_COUNT, 0, 0},
    {"busy", "busy_cycles", FIELD_COUNT, 0, 0},  {"of period", "utilisation", FIELD_SHARE, 1, 6},
    {"received", "received", FIELD_COUNT, 0, 0}, {"sent", "sent", FIELD_COUNT, 0, 0},
};

struct node_row {
  uint32_t node;
  int64_t firings, busy, received, sent;
};

static int by_busy(const void *x, const void *y) {
  const struct node_row *a = x, *b = y;
  if (a->busy != b->busy) return a->busy < b->busy ? 1 : -1;
  return a->node < b->node ? -1 : a->node > b->node;
}

static int by_node(const void *x, const void *y) {
  const struct node_row *a = x, *b = y;
  return a->node < b->node ? -1 : a->node > b->node;
}

// The busiest of many, in their order.
static struct listing rows_of(const struct lesson *l, uint32_t most) {
  const struct modulo *m = l->schedule;
  const struct topology *t = m->machine->topology;
  struct listing table = listing_new(l->arena, fields, FIELDS);
  struct node_row *rows = ARENA_NEW(l->arena, struct node_row, t->nodes);
  for (uint32_t n = 0; n < t->nodes; n++) rows[n].node = n;
  for (uint32_t i = 0; i < m->graph->n_nodes; i++) {
    rows[m->place[i]].firings++;
    rows[m->place[i]].busy += m->cost[i];
  }
  for (uint32_t i = 0; i < m->n_hops; i++) {
    rows[t->from[m->hops[i].link]].sent++;
    rows[t->to[m->hops[i].link]].received++;
  }
  if (t->nodes < most) most = t->nodes;
  qsort(rows, t->nodes, sizeof *rows, by_busy);
  qsort(rows, most, sizeof *rows, by_node);
  for (uint32_t i = 0; i < most; i++)
    listing_row(&table, (struct figure[FIELDS]){{.count = rows[i].node},
                                                {.count = rows[i].firings},
                                                {.count = rows[i].busy},
                                                {.real = (double)rows[i].busy / (double)m->period},
                                                {.count = rows[i].received},
                                                {.count = rows[i].sent}});
  return table;
}

static const char *largest_bound(const struct modulo_bounds *b) {
  return b->most == b->cycle ? "cycle" : b->most == b->work ? "work" : "largest";
}

static void put_text(struct text *t, const struct lesson *l) {
  const struct modulo *m = l->schedule;
  const struct topology *topology = m->machine->topology;
  const struct modulo_bounds *b = &l->bounds;
  struct listing table = rows_of(l, SHOWN);
  listing_put(&table, t);
  if (topology->nodes > SHOWN)
    text_printf(t, "the busiest, and %u more\n", topology->nodes - SHOWN);
  text_printf(t, "\n%u firings a step of %lld images on %u node%s (%s): %u tokens over links\n",
              m->graph->n_nodes, (long long)l->batch, topology->nodes,
              topology->nodes > 1 ? "s" : "", topology_name(topology->kind), m->n_hops);
  text_printf(t, "a step every %lld cycles, each done in %lld; staleness %lld",
              (long long)m->period, (long long)m->length, (long long)l->options->staleness);
  if (l->exact)
    text_printf(t, ": %.2f times as fast as exact steps, with a period of %lld",
                (double)l->exact / (double)m->period, (long long)l->exact);
  text_printf(t,
              "\nno period is shorter than %lld (%s): %.1f %% above it\n"
              "bounds: work %lld, largest %lld, cycle %lld\n",
              (long long)b->most, largest_bound(b), 100 * ((double)m->period / (double)b->most - 1),
              (long long)b->work, (long long)b->largest, (long long)b->cycle);
  if (l->steps)
    text_printf(t,
                "carried out: %lld steps, %u variables with %lld numbers, each as the token "
                "executor leaves it\n",
                (long long)l->steps, l->variables, (long long)l->numbers);
}

static void put_json(struct text *t, const struct lesson *l) {
  const struct modulo *m = l->schedule;
  const struct modulo_bounds *b = &l->bounds;
  struct listing table = rows_of(l, NODES_MAX);
  text_puts(t, "{\"model\":");
  json_put_string(t, l->options->model);
  text_printf(t,
              ",\"train\":true,\"nodes\":%u,\"topology\":\"%s\",\"staleness\":%lld,\"batch\":%lld,"
              "\"firings\":%u,\"parts\":%u,\"messages\":%u,\"period\":%lld,\"length\":%lld,"
              "\"bounds\":{\"work\":%lld,\"largest\":%lld,\"cycle\":%lld,\"most\":%lld}",
              m->machine->topology->nodes, topology_name(m->machine->topology->kind),
              (long long)l->options->staleness, (long long)l->batch, m->graph->n_nodes, l->parts,
              m->n_hops, (long long)m->period, (long long)m->length, (long long)b->work,
              (long long)b->largest, (long long)b->cycle, (long long)b->most);
  json_put_figure(t, "ratio", 6, (double)m->period / (double)b->most);
  if (l->exact)
    text_printf(t, ",\"exact_period\":%lld,\"faster\":%.6f", (long long)l->exact,
                (double)l->exact / (double)m->period);
  text_puts(t, ",\"per_node\":[");
  listing_put_json(&table, t);
  text_puts(t, "]");
  if (l->steps)
    text_printf(t, ",\"run\":{\"steps\":%lld,\"variables\":%u,\"numbers\":%lld,\"mismatches\":0}",
                (long long)l->steps, l->variables, (long long)l->numbers);
  text_puts(t, "}\n");
}

int schedule_train(struct arena *a, const struct options *o, struct err *e) {
  struct lesson l = {.arena = a, .options = o};
  struct text t = {0};
  if (!read_recipe(&l, e)) return EXIT_USER;
  if (!make_all(&l, e) || (o->execute && !carry_out(&l, e)))
    return err_put_within(e, "%s", o->model), EXIT_USER;
  if (o->json)
    put_json(&t, &l);
  else
    put_text(&t, &l);
  fwrite(t.data, 1, t.size, stdout);
  text_free(&t);
  return EXIT_GOOD;
}
