// SPDX-License-Identifier: Apache-2.0
// plan --memory: where the streams of a network lie in an arena, layer by layer; and that it works.
#include "cmd/plan.h"
#include "cmd/plan_arena.h"
#include "sw/base/file.h"
#include "sw/base/json.h"
#include "sw/base/listing.h"
#include "sw/exec/arena_run.h"
#include "sw/graph/slice.h"
#include "sw/plan/machine.h"
#include "sw/plan/order.h"
#include "sw/plan/rows.h"

#include <stdlib.h>

enum { FIELDS = 7, NAMED = 5 };

bool plan_memory_check(const struct options *o, struct err *e) {
  static const char *const circuits[] = {
      "parallelism",   "folding", "target-cycles", "target-fps", "max-multipliers",
      "max-memory",    "device",  "clock",         "sweep",      "ram-style",
      "pack-products", "style",   "output",        "rom-style",  "framing",
      "schedule-code", "trace"};
  const char *alone = o->no_in_place ? "--no-in-place"
                      : o->execute   ? "--run"
                      : o->order     ? "--order"
                                     : NULL;
  bool arena = o->memory || o->machine;
  if (!arena && alone) return err_set(e, "%s is about --memory: give both", alone);
  if (o->images && !o->execute) return err_set(e, "--images is about --memory BYTES --run");
  if (!arena) return true;
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

struct board {
  struct arena *arena;
  const struct options *options;
  const struct graph *graph;
  struct plan *plan;
  int64_t bytes, peak;         // of the arena, of what lives at once
  int64_t constants, state;    // of tensors, of what is kept from frame to frame
  uint32_t most;               // the RUN at which most lives
  struct order_result best;    // of --order best
  int64_t given;               // bytes of the arena in the file's order
  struct machine_file machine; // of --machine
  const struct machine_pe *pe; // its processor; NULL: there is none
  int64_t limit;               // bytes
};

static bool codes_only(const struct options *o, const struct graph *g, struct err *e) {
  for (uint32_t v = 0; v < g->n_values; v++)
    if (type_is_real(&g->values[v].type) && !g->values[v].init && g->values[v].node != NONE)
      return err_set(e, "%s: layer \"%s\" computes in floats, arenas are of integers", o->model,
                     g->nodes[g->values[v].node].name);
  return true;
}

// What the RUN at a place of the plan sees: bytes of all that lives.
static int64_t in_use(const struct board *b, uint32_t event) {
  struct arena scratch = {0};
  const struct arena_block *blocks;
  uint32_t count = arena_blocks(&scratch, b->plan, &blocks);
  int64_t bytes = arena_in_use(blocks, count, b->plan->events[event].start);
  arena_free(&scratch);
  return bytes;
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
  if (getenv("ROWS")) {needs.over=MEMORY_OVER_JOINS; b->plan = rows_plan(b->arena, g, &needs, getenv("COME") != NULL).plan;}
  b->bytes = arena_bytes(b->plan);
  b->peak = plan_peak(b->plan, MEMORY_ARENA);
  for (uint32_t v = 0; v < g->n_values; v++)
    if (g->values[v].init) b->constants += needs.bytes[v];
  b->state = state_bytes(g, needs.bytes, b->arena);
  int64_t most = -1;
  for (uint32_t i = 0; i < b->plan->n_events; i++) {
    if (b->plan->events[i].action != ACTION_RUN) continue;
    int64_t used = in_use(b, i);
    if (used > most) b->most = i;
    if (used > most) most = used;
  }
}

static int by_bytes(const void *x, const void *y) {
  const struct arena_block *a = x, *b = y;
  if (a->bytes != b->bytes) return a->bytes < b->bytes ? 1 : -1;
  return a->order < b->order ? -1 : a->order > b->order;
}

// "conv1 4704, image 784": the largest of what lives at the RUN at which most does.
static const char *alive(const struct board *b) {
  struct text t = {0};
  struct arena scratch = {0};
  const struct arena_block *all;
  uint32_t count = arena_blocks(&scratch, b->plan, &all), there = 0;
  struct arena_block *blocks = ARENA_NEW(&scratch, struct arena_block, count);
  double at = b->plan->events[b->most].start;
  int64_t rest = 0;
  for (uint32_t i = 0; i < count; i++)
    if (all[i].from <= at && at < all[i].to) blocks[there++] = all[i];
  qsort(blocks, there, sizeof *blocks, by_bytes);
  for (uint32_t i = 0; i < there; i++)
    if (i < NAMED)
      text_printf(&t, "%s%s %lld", i ? ", " : "", listing_name(b->arena, blocks[i].name),
                  (long long)blocks[i].bytes);
    else
      rest += blocks[i].bytes;
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
        (long long)b->limit, b->graph->nodes[b->plan->events[b->most].id].name, alive(b));
  return constants_fit(b, e);
}

// The machine, one processor with one memory for arenas.
static bool take_machine(struct board *b, struct err *e) {
  const struct options *o = b->options;
  b->limit = o->memory;
  if (!o->machine) return true;
  if (!machine_read(b->arena, o->machine, &b->machine, e)) return false;
  const struct machine_file *m = &b->machine;
  if (m->n_pes != 1 || m->pes->count != 1)
    return err_set(e, "--machine %s: %lld processors, an arena is one's: give the file of one",
                   o->machine, (long long)(m->n_pes > 1 ? m->n_pes : m->pes->count));
  b->pe = m->pes;
  if (!b->limit) b->limit = m->memories[b->pe->memory].bytes;
  return b->limit != NONE || err_set(e, "--machine %s: \"%s\" has no bytes: give --memory BYTES",
                                     o->machine, m->memories[b->pe->memory].name);
}

// ---- what is printed

static const struct field fields[FIELDS] = {
    {"<layer", "name", FIELD_NAME, 0, 0},          {"<op", "op", FIELD_TEXT, 0, 0},
    {"bytes", "bytes", FIELD_COUNT, 0, 0},         {"at", "address", FIELD_COUNT, 0, 0},
    {"in use", "in_use_bytes", FIELD_COUNT, 0, 0}, {"scratch", "scratch_bytes", FIELD_SOME, 0, 0},
    {"<lies over", "over", FIELD_TEXT, 0, 0},
};

// The input that output 0 of a node lies on, or "".
static const char *over(const struct board *b, const int64_t *address, const struct event *e) {
  const struct node *n = &b->graph->nodes[e->id];
  for (uint32_t k = 0; k < n->n_in; k++) {
    bool may = plan_over(b->graph, n, k) || (k == 0 && e->bytes);
    if (may && address[n->in[k].value] == address[n->out[0]] && address[n->out[0]] != NONE)
      return listing_name(b->arena, b->graph->values[n->in[k].value].name);
  }
  return "";
}

static struct listing rows(const struct board *b) {
  const struct graph *g = b->graph;
  struct listing t = listing_new(b->arena, fields, FIELDS);
  const int64_t *address = memory_addresses(b->arena, b->plan);
  for (uint32_t i = 0; i < g->n_inputs; i++) {
    uint32_t v = g->inputs[i].value;
    listing_row(&t, (struct figure[FIELDS]){{.text = g->values[v].name},
                                            {.text = "input"},
                                            {.count = b->plan->bytes[v]},
                                            {.count = address[v]},
                                            {.count = b->plan->bytes[v]},
                                            {.count = 0},
                                            {.text = ""}});
  }
  for (uint32_t i = 0; i < b->plan->n_events; i++) {
    const struct event *e = &b->plan->events[i];
    if (e->action != ACTION_RUN) continue;
    const struct node *n = &g->nodes[e->id];
    if (!n->n_out || address[n->out[0]] == NONE) continue;
    listing_row(&t, (struct figure[FIELDS]){{.text = n->name},
                                            {.text = op_info(n->op)->name},
                                            {.count = b->plan->bytes[n->out[0]]},
                                            {.count = address[n->out[0]]},
                                            {.count = in_use(b, i)},
                                            {.count = e->bytes},
                                            {.text = over(b, address, e)}});
  }
  return t;
}

// No frame takes less time on its processor than its multiplications do.
static double least_time(const struct board *b) {
  return b->pe && b->pe->macs > 0 ? (double)graph_macs(b->graph) / b->pe->macs : 0;
}

static void put_machine(const struct board *b, struct text *out) {
  text_printf(out, "%s: ", b->machine.name);
  if (b->pe->constants != NONE && b->machine.memories[b->pe->constants].bytes != NONE)
    text_printf(out, "%s of %lld bytes for these, ", b->machine.memories[b->pe->constants].name,
                (long long)b->machine.memories[b->pe->constants].bytes);
  text_printf(out, "addresses in steps of %lld",
              (long long)b->machine.memories[b->pe->memory].align);
  if (least_time(b) > 0)
    text_printf(out, "; %lld multiplications, no frame takes less than %.4g %s",
                (long long)graph_macs(b->graph), least_time(b), b->machine.unit);
  text_puts(out, "\n");
}

static void put_order(const struct board *b, struct text *out) {
  text_printf(out, "\nin the file's order %lld, ", (long long)b->given);
  if (b->best.exact)
    text_printf(out, "in no other order less lives at once than %lld", (long long)b->best.peak);
  else
    text_printf(out, "of the other orders some were tried: %u nodes lie between two of one place",
                b->best.widest);
}

static void put_text(const struct board *b, const struct plan_trial *t, struct text *out) {
  struct listing table = rows(b);
  listing_put(&table, out);
  text_printf(out, "\narena %lld bytes of %lld", (long long)b->bytes, (long long)b->limit);
  if (b->bytes == b->peak)
    text_puts(out, ", no placing needs less");
  else
    text_printf(out, "; %lld of them live at once", (long long)b->peak);
  if (b->best.order) put_order(b, out);
  text_printf(out, "\nmost lives at \"%s\": %s\n",
              b->graph->nodes[b->plan->events[b->most].id].name, alive(b));
  text_printf(out, "apart from it: weights and constants %lld bytes", (long long)b->constants);
  if (b->state) text_printf(out, ", state from frame to frame %lld", (long long)b->state);
  text_puts(out, "\n");
  if (b->pe) put_machine(b, out);
  if (t->frames)
    text_printf(out,
                "run in the arena: %lld frames of random codes, %lld values with %lld elements, "
                "each the C model's; %.4g frames/s\n",
                (long long)t->frames, (long long)t->values, (long long)t->elements,
                (double)t->frames / t->seconds);
}

static void put_json(const struct board *b, const struct plan_trial *t, struct text *out) {
  struct listing table = rows(b);
  text_puts(out, "{\"model\":");
  json_put_string(out, b->options->model);
  text_printf(out,
              ",\"memory_bytes\":%lld,\"arena_bytes\":%lld,\"peak_bytes\":%lld,"
              "\"constant_bytes\":%lld,\"state_bytes\":%lld,",
              (long long)b->limit, (long long)b->bytes, (long long)b->peak, (long long)b->constants,
              (long long)b->state);
  if (b->best.order)
    text_printf(out, "\"file_order_bytes\":%lld,\"order_peak_bytes\":%lld,\"order_exact\":%s,",
                (long long)b->given, (long long)b->best.peak, b->best.exact ? "true" : "false");
  if (b->pe) {
    text_puts(out, "\"machine\":");
    json_put_string(out, b->machine.name);
    json_put_figure(out, "least_time", -1, least_time(b));
    text_puts(out, ",");
  }
  text_puts(out, "\"peak_layer\":");
  json_put_string(out, b->graph->nodes[b->plan->events[b->most].id].name);
  text_puts(out, ",\"layers\":[");
  listing_put_json(&table, out);
  text_puts(out, "]");
  if (t->frames)
    text_printf(out,
                ",\"run\":{\"frames\":%lld,\"values\":%lld,\"elements\":%lld,\"mismatches\":%lld,"
                "\"frames_per_second\":%.6g}",
                (long long)t->frames, (long long)t->values, (long long)t->elements,
                (long long)t->wrong, (double)t->frames / t->seconds);
  text_puts(out, "}\n");
}

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
  if (!take_machine(&b, e)) return EXIT_USER;
  make(&b);
  if (!fits(&b, e) || (o->execute && !plan_trial(a, o, b.plan, &trial, e))) return EXIT_USER;
  if (o->svg && !write_picture(&b, e)) return EXIT_USER;
  if (o->json)
    put_json(&b, &trial, &t);
  else
    put_text(&b, &trial, &t);
  fwrite(t.data, 1, t.size, stdout);
  text_free(&t);
  return EXIT_GOOD;
}
