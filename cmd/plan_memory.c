// SPDX-License-Identifier: Apache-2.0
// plan --memory: where the streams of a network lie in an arena, layer by layer; and that it works.
#include "cmd/plan_memory.h"
#include "cmd/plan.h"
#include "cmd/plan_arena.h"
#include "sw/base/file.h"
#include "sw/exec/arena_run.h"
#include "sw/graph/slice.h"
#include "sw/plan/check.h"

#include <stdlib.h>

enum { NAMED = 5 }; // values in a message

bool plan_memory_check(const struct options *o, struct err *e) {
  static const char *const circuits[] = {
      "parallelism",   "folding", "target-cycles", "target-fps", "max-multipliers",
      "max-memory",    "device",  "clock",         "sweep",      "ram-style",
      "pack-products", "style",   "output",        "rom-style",  "framing",
      "schedule-code", "trace"};
  const char *alone = o->no_in_place ? "--no-in-place"
                      : o->execute   ? "--run"
                      : o->order     ? "--order"
                      : o->fused     ? "--fused"
                      : o->train     ? "--train"
                                     : NULL;
  bool arena = o->memory || o->machine;
  if (!arena && alone) return err_set(e, "%s is about --memory: give both", alone);
  if (o->images && !o->execute) return err_set(e, "--images is about --memory BYTES --run");
  if (o->batch && !o->train) return err_set(e, "--batch is about --train: give both");
  if (!arena) return true;
  if (o->train && !plan_train_check(o, e)) return false;
  if (o->inputs && !o->fused) return err_set(e, "--inputs is about --fused: give both");
  if (o->inputs && strcmp(o->inputs, "whole") != 0 && strcmp(o->inputs, "rows") != 0)
    return err_set(e, "--inputs %s: expected whole or rows", o->inputs);
  if (o->order && strcmp(o->order, "file") != 0 && strcmp(o->order, "best") != 0)
    return err_set(e, "--order %s: expected file or best", o->order);
  for (int i = 0; i < option_count; i++)
    for (size_t k = 0; k < sizeof circuits / sizeof *circuits; k++)
      if (strcmp(option_rows[i].name, circuits[k]) == 0 && plan_given(o, &option_rows[i]))
        return err_set(e, "--%s is about a circuit, %s about an arena: leave one away", circuits[k],
                       o->memory ? "--memory" : "--machine");
  return true;
}

// ---- the plan

static bool codes_only(const struct options *o, const struct graph *g, struct err *e) {
  for (uint32_t v = 0; v < g->n_values; v++)
    if (type_is_real(&g->values[v].type) && !g->values[v].init && g->values[v].node != NONE)
      return err_set(e, "%s: layer \"%s\" computes in floats, arenas are of integers", o->model,
                     g->nodes[g->values[v].node].name);
  return true;
}

// Of each value as many frames as its latest reader looks back.
static int64_t state_bytes(const struct graph *g, const int64_t *bytes, struct arena *scratch) {
  uint32_t *back = ARENA_NEW(scratch, uint32_t, g->n_values);
  int64_t sum = 0;
  for (uint32_t i = 0; i < g->n_nodes; i++)
    for (uint32_t k = 0; k < g->nodes[i].n_in; k++) {
      const struct use *u = &g->nodes[i].in[k];
      if (u->delay > back[u->value]) back[u->value] = u->delay;
    }
  for (uint32_t v = 0; v < g->n_values; v++) sum += back[v] * bytes[v];
  return sum;
}

static int64_t arena_bytes(const struct plan *p) {
  return p->machine.resources[MEMORY_ARENA].bytes;
}

// The order in which least lives, if its arena isn't larger than that of the file's.
static void take_best(struct board *b, struct memory_needs *needs) {
  b->best = order_best(b->arena, b->graph, needs, ORDER_EXACT_MAX);
  b->given = arena_bytes(b->plan);
  needs->order = b->best.order;
  struct plan *plan = memory_plan(b->arena, b->graph, needs);
  if (arena_bytes(plan) < b->given) b->plan = plan;
}

// Layers in groups, by rows, in the order that was found; if it needs less so.
static void fuse(struct board *b, struct memory_needs *needs) {
  const char *inputs = b->options->inputs;
  needs->over = b->options->no_in_place ? MEMORY_OVER_MAPS : MEMORY_OVER_JOINS;
  struct rows_result r =
      rows_plan(b->arena, b->graph, needs, inputs && strcmp(inputs, "rows") == 0);
  b->fused = arena_bytes(r.plan);
  if (b->fused >= b->whole) return;
  b->rows = r;
  b->plan = r.plan;
}

static void make(struct board *b) {
  const struct graph *g = b->graph;
  bool *keep = ARENA_NEW(b->arena, bool, g->n_values);
  struct memory_needs needs = {.bytes = arena_run_bytes(b->arena, g),
                               .keep = keep,
                               .align = b->pe ? b->machine.memories[b->pe->memory].align : 1,
                               .over = b->options->no_in_place ? MEMORY_OVER_MAPS
                                                               : MEMORY_OVER_CHANNELS,
                               .tight = true};
  b->plan = memory_plan(b->arena, g, &needs);
  if (b->options->order && strcmp(b->options->order, "best") == 0) take_best(b, &needs);
  b->whole = arena_bytes(b->plan);
  if (b->options->fused) fuse(b, &needs);
  b->bytes = arena_bytes(b->plan);
  b->peak = plan_peak(b->plan, MEMORY_ARENA);
  for (uint32_t v = 0; v < g->n_values; v++)
    if (g->values[v].init) b->constants += needs.bytes[v];
  b->state = state_bytes(g, needs.bytes, b->arena);
  b->used = plan_used(b->arena, b->plan, MEMORY_ARENA);
  int64_t most = -1;
  for (uint32_t i = 0; i < b->plan->n_events; i++) {
    if (b->plan->events[i].action != ACTION_RUN || b->used[i] <= most) continue;
    b->most = i;
    most = b->used[i];
  }
}

static int by_bytes(const void *x, const void *y) {
  const struct arena_block *a = x, *b = y;
  if (a->bytes != b->bytes) return a->bytes < b->bytes ? 1 : -1;
  return a->order < b->order ? -1 : a->order > b->order;
}

// What lives at a time, the rows of a value as one; what lies at one address counts once.
static uint32_t living(const struct board *b, double at, struct arena *scratch,
                       struct arena_block **values) {
  const struct arena_block *all;
  uint32_t count = arena_blocks(scratch, b->plan, &all), there = 0;
  struct arena_block *list = ARENA_NEW(scratch, struct arena_block, count + 1);
  for (uint32_t i = 0; i < count; i++) {
    bool counted = !(all[i].from <= at && at < all[i].to);
    for (uint32_t k = 0; !counted && k < i; k++)
      counted = all[k].from <= at && at < all[k].to && all[k].address == all[i].address;
    uint32_t of = 0;
    while (of < there && list[of].order != all[i].order) of++;
    if (counted) continue;
    if (of == there)
      list[there++] = (struct arena_block){.name = all[i].name, .order = all[i].order};
    list[of].bytes += all[i].bytes;
  }
  qsort(list, there, sizeof *list, by_bytes);
  *values = list;
  return there;
}

// "conv1 4704, image 784": the largest of what lives at the RUN at which most does.
const char *board_alive(const struct board *b) {
  struct text t = {0};
  struct arena scratch = {0};
  struct arena_block *values;
  uint32_t there = living(b, b->plan->events[b->most].start, &scratch, &values);
  int64_t rest = 0;
  for (uint32_t i = 0; i < there; i++)
    if (i < NAMED)
      text_printf(&t, "%s%s %lld", i ? ", " : "", listing_name(b->arena, values[i].name),
                  (long long)values[i].bytes);
    else
      rest += values[i].bytes;
  if (rest) text_printf(&t, " and %u more with %lld", there - NAMED, (long long)rest);
  const char *words = arena_printf(b->arena, "%.*s", (int)t.size, t.data);
  text_free(&t);
  arena_free(&scratch);
  return words;
}

// Weights and constants, where the machine has a memory for them.
static bool constants_fit(const struct board *b, struct err *e) {
  if (!b->pe || b->pe->constants == NONE) return true;
  const struct machine_memory *m = &b->machine.memories[b->pe->constants];
  return m->bytes == NONE || b->constants <= m->bytes ||
         err_set(e, "%s: %lld bytes of weights and constants, \"%s\" of %s has %lld",
                 b->options->model, (long long)b->constants, m->name, b->machine.name,
                 (long long)m->bytes);
}

static bool fits(const struct board *b, struct err *e) {
  const struct options *o = b->options;
  if (b->bytes > b->limit)
    return err_set(
        e, "%s: %lld bytes of streams, %s has %lld: where most lives, at layer \"%s\", are %s",
        o->model, (long long)b->bytes, o->memory ? "--memory" : b->machine.name,
        (long long)b->limit, b->graph->nodes[b->plan->events[b->most].id].name, board_alive(b));
  return constants_fit(b, e);
}

bool plan_machine(struct arena *a, const struct options *o, struct machine_file *m,
                  const struct machine_pe **pe, int64_t *limit, struct err *e) {
  *limit = o->memory;
  *pe = NULL;
  if (!o->machine) return true;
  if (!machine_read(a, o->machine, m, e)) return false;
  if (m->n_pes != 1 || m->pes->count != 1)
    return err_set(e, "--machine %s: %lld processors, an arena is one's: give the file of one",
                   o->machine, (long long)(m->n_pes > 1 ? m->n_pes : m->pes->count));
  *pe = m->pes;
  if (!*limit) *limit = m->memories[m->pes->memory].bytes;
  return *limit != NONE || err_set(e, "--machine %s: \"%s\" has no bytes: give --memory BYTES",
                                   o->machine, m->memories[m->pes->memory].name);
}

// What was planned by whatever way must be a plan.
static bool sound(const struct board *b, struct err *e) {
  struct faults f = plan_check(b->arena, b->plan);
  return !f.count || err_set(e, "%s: the plan has %u faults, which is a bug of this program: %s",
                             b->options->model, f.count, f.faults[0].text);
}

// ---- all of it

static bool write_picture(const struct board *b, struct err *e) {
  struct text t = {0};
  arena_picture(&t, b->options->model, b->plan, b->limit);
  bool ok = file_write(b->options->svg, t.data, t.size, e);
  text_free(&t);
  return ok;
}

int plan_memory(struct arena *a, const struct options *o, struct err *e) {
  struct model m;
  struct plan_trial trial = {0};
  struct text t = {0};
  bool shapes = plan_is_shapes(o->model);
  if (!(shapes ? plan_shapes(a, o, &m, e) : command_model(a, o, &m, e))) return EXIT_USER;
  if (!m.fixed) return err_put(e, COMMAND_FLOAT, o->model), EXIT_USER;
  if (!codes_only(o, m.fixed, e)) return EXIT_USER;
  struct board b = {.arena = a, .options = o, .graph = m.fixed};
  if (!plan_machine(a, o, &b.machine, &b.pe, &b.limit, e)) return EXIT_USER;
  make(&b);
  if (!sound(&b, e)) return EXIT_USER;
  if (!fits(&b, e) || (o->execute && !plan_trial(a, o, b.plan, &trial, e))) return EXIT_USER;
  if (o->svg && !write_picture(&b, e)) return EXIT_USER;
  if (o->json)
    board_put_json(&b, &trial, &t);
  else
    board_put_text(&b, &trial, &t);
  fwrite(t.data, 1, t.size, stdout);
  text_free(&t);
  return EXIT_GOOD;
}
