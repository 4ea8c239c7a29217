// SPDX-License-Identifier: Apache-2.0
#include "sw/circuit/planner.h"

#include "sw/circuit/facts.h"
#include "sw/graph/weights.h"

#include <stdlib.h>

enum { REQUANT_STAGES = 2 };

// Lanes of a layer with weights.
struct step {
  int64_t in, out, cycles, products; // lanes that multiply
};

struct stairs {
  uint32_t count; // 0: lanes in and out are one number
  struct step *steps;
  struct circuit_unit unit;
};

struct planner {
  const struct graph *graph;
  uint32_t *order;       // (n_nodes)
  int32_t *lines;        // (n_nodes) circuit_lines
  struct stairs *stairs; // (n_nodes)
  int64_t fastest, slowest;
  struct plan_for what;
};

struct walk {
  struct arena *arena;
  const struct planner *planner;
  int64_t cycles;
  int64_t *lanes; // (n_values) of the streams that are known; 0: not yet
  struct choice *choices;
  struct lane_plan *plan;
};

static int64_t up(int64_t n, int64_t by) {
  return (n + by - 1) / by;
}

static int64_t beats(const struct graph *g, const struct node *n, int64_t lanes) {
  int64_t most = 0;
  for (uint32_t i = 0; i < n->n_in; i++) {
    int64_t own = value_elements(node_in(g, n, i));
    most = own > most ? own : most;
  }
  return up(most, lanes);
}

// What a frame takes with lanes that are asked for, which may be changed unless they are `chosen`;
// 0 if the layer doesn't have them.
static int64_t try(const struct graph *g, const struct node *n, bool chosen, int64_t *in,
                   int64_t *out) {
  const struct circuit_column *column = circuit_column(n->op);
  struct err e = {0};
  if (column->lanes && !column->lanes(g, n, chosen, in, out, &e)) return 0;
  return column->cycles ? column->cycles(g, n, *in, *out) : beats(g, n, *in);
}

static bool is_layer(const struct planner *p, uint32_t node) {
  const struct node *n = &p->graph->nodes[node];
  return p->lines[node] == NONE && n->where == WHERE_CIRCUIT &&
         (op_info(n->op)->executors & EXECUTOR_CIRCUIT) && !op_is(n->op, TRAIT_ALIAS);
}

// ---- staircases

// The lanes on one side, with one on the other, of which each makes the layer faster than the
// fewer. With a schedule of zeros (circuit_sparse) more lanes may be no faster there and yet with
// others on the other side: then they are those of which it has fewer beats.
static int64_t *useful(struct arena *a, const struct graph *g, const struct node *n, bool ins,
                       int64_t most, uint32_t *count) {
  int64_t *list = ARENA_NEW(a, int64_t, most), best = INT64_MAX, fewest = INT64_MAX;
  bool cut = node_in(g, n, 1)->mask != NULL;
  *count = 0;
  for (int64_t k = 1; k <= most; k++) {
    int64_t in = ins ? k : 1, out = ins ? 1 : k, cycles = try(g, n, true, &in, &out);
    if (!cycles || (cycles >= best && !(cut && up(most, k) < fewest))) continue;
    best = cycles < best ? cycles : best;
    fewest = up(most, k);
    list[(*count)++] = k;
  }
  return list;
}

static int by_products(const void *a, const void *b) {
  const struct step *x = a, *y = b;
  if (x->products != y->products) return x->products < y->products ? -1 : 1;
  if (x->cycles != y->cycles) return x->cycles < y->cycles ? -1 : 1;
  return (x->in > y->in) - (x->in < y->in);
}

// Leaves those that aren't slower than one with fewer products.
static void keep_useful(struct stairs *s) {
  uint32_t kept = 0;
  int64_t cheaper = INT64_MAX, best = INT64_MAX; // cycles with fewer products; with as many
  for (uint32_t i = 0; i < s->count; i++) {
    const struct step step = s->steps[i];
    if (i && step.products != s->steps[i - 1].products) cheaper = best;
    if (step.cycles < best) best = step.cycles;
    if (step.cycles < cheaper) s->steps[kept++] = step;
  }
  s->count = kept;
}

// Of layers each of whose lanes has a channel of its own: several taps of it, or one.
static struct step *taps_of_lanes(struct arena *a, const struct graph *g, const struct node *n,
                                  uint32_t *count) {
  const struct value *w = node_in(g, n, 1);
  int64_t taps = fan_in(w->rank, w->shape);
  int64_t most = w->shape[0] < OUT_LANES_MAX ? w->shape[0] : OUT_LANES_MAX;
  struct step *all = ARENA_NEW(a, struct step, most * taps);
  *count = 0;
  for (int64_t out = 1; out <= most; out++)
    for (int64_t in = out; in <= out * taps; in += out) {
      struct step step = {.in = in, .out = out, .products = in};
      step.cycles = try(g, n, true, &step.in, &step.out);
      if (step.cycles) all[(*count)++] = step;
    }
  return all;
}

static struct step *both_sides(struct arena *a, const struct graph *g, const struct node *n,
                               uint32_t *count) {
  const struct value *w = node_in(g, n, 1);
  uint32_t n_ins, n_outs;
  int64_t *ins = useful(a, g, n, true, fan_in(w->rank, w->shape), &n_ins);
  int64_t most = w->shape[0] < OUT_LANES_MAX ? w->shape[0] : OUT_LANES_MAX;
  int64_t *outs = useful(a, g, n, false, most, &n_outs);
  struct step *all = ARENA_NEW(a, struct step, (size_t)n_ins * n_outs);
  *count = 0;
  for (uint32_t i = 0; i < n_ins; i++)
    for (uint32_t k = 0; k < n_outs; k++) {
      struct step step = {.in = ins[i], .out = outs[k]};
      step.cycles = try(g, n, true, &step.in, &step.out);
      step.products = step.in * step.out;
      if (step.cycles) all[(*count)++] = step;
    }
  return all;
}

static bool make_stairs(struct arena *a, const struct graph *g, const struct node *n,
                        struct stairs *s, struct err *e) {
  struct arena scratch = {0};
  struct step *all = (s->unit.per_lane ? taps_of_lanes : both_sides)(&scratch, g, n, &s->count);
  qsort(all, s->count, sizeof *all, by_products);
  s->steps = all;
  keep_useful(s);
  s->steps = arena_copy(a, all, s->count * sizeof *all);
  arena_free(&scratch);
  return s->count || err_set(e, "layer \"%s\" (%s): no lanes make a circuit of it", n->name,
                             op_info(n->op)->name);
}

// ---- a walk from the inputs on

// What lanes take in registers besides multipliers: streams in front and behind, accumulators and
// what requantises them, an axis_resize between other lanes.
static int64_t width(const struct planner *p, uint32_t node, const struct step *s, int64_t from) {
  const struct node *n = &p->graph->nodes[node];
  int64_t x = type_stream_width(&node_in(p->graph, n, 0)->type);
  int64_t y = type_stream_width(&node_out(p->graph, n, 0)->type);
  int64_t resize = from == s->in ? 0 : from > s->in ? from : s->in;
  return (s->in + resize) * x + s->out * (y + REQUANT_STAGES * p->stairs[node].unit.lane_bits);
}

// The cheapest step that is fast enough, or the fastest.
static const struct step *find_step(const struct walk *w, uint32_t node, int64_t from) {
  const struct planner *p = w->planner;
  const struct stairs *s = &p->stairs[node];
  const struct step *best = NULL, *fastest = s->steps;
  for (uint32_t i = 0; i < s->count; i++) {
    const struct step *step = &s->steps[i];
    if (best && step->products > best->products) break;
    if (step->cycles < fastest->cycles) fastest = step;
    if (step->cycles > w->cycles) continue;
    if (!best || width(p, node, step, from) < width(p, node, best, from)) best = step;
  }
  return best ? best : fastest;
}

static void step_down(const struct stairs *s, const struct step *step, struct choice *c) {
  for (uint32_t i = 0; i < s->count && s->steps[i].products < step->products; i++) {
    c->fewer = s->steps[i].products * s->unit.multipliers;
    if (!c->slower || s->steps[i].cycles < c->slower) c->slower = s->steps[i].cycles;
  }
}

// Lanes of one number, those of what the layer reads or more.
static void find_equal(const struct walk *w, const struct node *n, int64_t from, int64_t most,
                       struct choice *c, bool *chosen) {
  const struct graph *g = w->planner->graph;
  c->in = c->out = from;
  c->cycles = try(g, n, false, &c->in, &c->out);
  for (int64_t k = from + 1; c->cycles > w->cycles && k <= most; k++) {
    int64_t in = k, out = k, cycles = try(g, n, true, &in, &out);
    if (!cycles || cycles >= c->cycles) continue;
    *c = (struct choice){.in = in, .out = out, .cycles = cycles};
    *chosen = true;
  }
}

static int64_t lanes_of(const struct walk *w, const struct node *n, uint32_t i) {
  int64_t lanes = w->lanes[n->in[i].value];
  return lanes || node_in(w->planner->graph, n, i)->init ? lanes : w->plan->folding.parallelism;
}

static void add_entry(struct walk *w, const struct node *n, const struct choice *c) {
  struct folding *f = &w->plan->folding;
  f->layers[f->n_layers++] = (struct folding_entry){
      .name = n->name,
      .in = c->in,
      .out = c->out,
      .ram_style = op_is(n->op, TRAIT_WEIGHTS) ? w->planner->what.ram_style : RAM_UNSAID};
}

// Memories of weights and of what each output channel has, with the lanes that aren't used.
static int64_t weight_bits(const struct graph *g, const struct node *n, const struct stairs *s,
                           const struct choice *c) {
  if (!s->count) return 0;
  const struct value *w = node_in(g, n, 1);
  int64_t outs = up(w->shape[0], c->out) * c->out, taps = fan_in(w->rank, w->shape);
  if (w->mask && !s->unit.per_lane)
    return outs * s->unit.channel_bits +
           circuit_steps(g, n, c->in, c->out, (int)s->unit.weight_bits).memory_bits;
  if (!s->unit.per_lane) taps = up(taps, c->in) * c->in;
  return outs * (taps * s->unit.weight_bits + s->unit.channel_bits);
}

static void walk_node(struct walk *w, uint32_t node) {
  const struct planner *p = w->planner;
  const struct node *n = &p->graph->nodes[node];
  const struct stairs *s = &p->stairs[node];
  struct choice *c = &w->choices[node];
  int64_t widest = 1, most = 1;
  bool chosen = s->count > 0;
  for (uint32_t i = 0; i < n->n_in; i++) {
    int64_t lanes = lanes_of(w, n, i), elements = value_elements(node_in(p->graph, n, i));
    widest = lanes > widest ? lanes : widest;
    most = elements > most ? elements : most;
  }
  if (s->count) {
    const struct step *step = find_step(w, node, widest);
    *c = (struct choice){.in = step->in, .out = step->out, .cycles = step->cycles};
    c->multipliers = step->products * s->unit.multipliers;
    step_down(s, step, c);
  } else {
    find_equal(w, n, widest, most, c, &chosen);
    c->multipliers = c->in * s->unit.multipliers;
  }
  c->weight_bits = weight_bits(p->graph, n, s, c);
  if (chosen) add_entry(w, n, c);
  for (uint32_t i = 0; i < n->n_out; i++) w->lanes[n->out[i]] = s->count ? c->out : c->in;
}

static void add_products(const struct planner *p, uint32_t node, const struct choice *c,
                         struct lane_plan *out) {
  const struct stairs *s = &p->stairs[node];
  int64_t products = s->unit.per_lane ? c->in : c->in * c->out;
  bool pairs = p->what.pack && s->unit.pair && !s->unit.per_lane && c->out > 1;
  out->dsp += pairs ? c->in * up(c->out, 2) * s->unit.pair : products * s->unit.dsp;
  out->lut += products * s->unit.lut;
}

// With inputs of `lanes` or more.
static void walk_from(struct arena *a, const struct planner *p, int64_t cycles, int64_t lanes,
                      struct lane_plan *out) {
  const struct graph *g = p->graph;
  struct walk w = {a, p, cycles, ARENA_NEW(a, int64_t, g->n_values), NULL, out};
  w.choices = ARENA_NEW(a, struct choice, g->n_nodes);
  *out = (struct lane_plan){.choices = w.choices, .cycles = 1};
  out->folding.layers = ARENA_NEW(a, struct folding_entry, g->n_nodes);
  out->folding.parallelism = lanes;
  out->folding.pack = p->what.pack;
  for (uint32_t i = 0; i < g->n_inputs; i++) {
    int64_t own = up(value_elements(&g->values[g->inputs[i].value]), cycles);
    if (own > out->folding.parallelism) out->folding.parallelism = own;
  }
  for (uint32_t i = 0; i < g->n_inputs; i++) w.lanes[g->inputs[i].value] = out->folding.parallelism;
  for (uint32_t i = 0; i < g->n_nodes; i++) {
    const struct node *n = &g->nodes[p->order[i]];
    const struct choice *c = &w.choices[p->order[i]];
    if (!is_layer(p, p->order[i])) {
      // a line buffer's last input are the rows of the frame
      if (n->n_in && n->n_out) w.lanes[n->out[0]] = w.lanes[n->in[n->n_in - 1].value];
      continue;
    }
    walk_node(&w, p->order[i]);
    out->multipliers += c->multipliers;
    add_products(p, p->order[i], c, out);
    out->weight_bits += c->weight_bits;
    if (c->cycles > out->cycles) out->cycles = c->cycles;
  }
}

// Whether a layer reads an input of the graph as it comes, without a window.
static bool is_first(const struct planner *p, uint32_t node) {
  const struct graph *g = p->graph;
  if (circuit_column(g->nodes[node].op)->windows) return false;
  int32_t from = node_in(g, &g->nodes[node], 0)->node;
  while (from != NONE && !is_layer(p, (uint32_t)from) && g->nodes[from].n_in)
    from = node_in(g, &g->nodes[from], 0)->node;
  return from == NONE;
}

// A plan with layers that are as fast as they can be where `cycles` is out of reach. A first layer
// with a schedule may take a beat in every cycle, which the input then has to bring.
static void walk(struct arena *a, const struct planner *p, int64_t cycles, struct lane_plan *out) {
  const struct graph *g = p->graph;
  int64_t wanted = 1;
  walk_from(a, p, cycles, 1, out);
  for (uint32_t i = 0; i < g->n_nodes; i++) {
    if (!is_layer(p, i) || !p->stairs[i].count || !node_in(g, &g->nodes[i], 1)->mask) continue;
    if (is_first(p, i) && out->choices[i].in > wanted) wanted = out->choices[i].in;
  }
  if (wanted > out->folding.parallelism) walk_from(a, p, cycles, wanted, out);
}

// The pace of the whole: of its slowest layer, and of its inputs.
static int64_t pace_of(const struct planner *p, int64_t cycles) {
  struct arena a = {0};
  struct lane_plan plan;
  walk(&a, p, cycles, &plan);
  int64_t pace = plan.cycles;
  for (uint32_t i = 0; i < p->graph->n_inputs; i++) {
    int64_t elements = value_elements(&p->graph->values[p->graph->inputs[i].value]);
    int64_t input = up(elements, plan.folding.parallelism);
    pace = input > pace ? input : pace;
  }
  arena_free(&a);
  return pace;
}

struct planner *planner_new(struct arena *a, const struct graph *g, const struct plan_for *what,
                            struct err *e) {
  struct planner *p = ARENA_NEW(a, struct planner, 1);
  *p = (struct planner){.graph = g,
                        .what = *what,
                        .order = ARENA_NEW(a, uint32_t, g->n_nodes),
                        .lines = circuit_lines(a, g),
                        .stairs = ARENA_NEW(a, struct stairs, g->n_nodes)};
  graph_order(g, p->order);
  for (uint32_t i = 0; i < g->n_nodes; i++) {
    const struct node *n = &g->nodes[i];
    if (!is_layer(p, i)) continue;
    const struct circuit_column *column = circuit_column(n->op);
    p->stairs[i].unit.family = what->family;
    if (column->unit && !column->unit(g, n, &p->stairs[i].unit, e)) {
      err_put_within(e, "layer \"%s\" (%s)", n->name, op_info(n->op)->name);
      return NULL;
    }
    if (op_is(n->op, TRAIT_WEIGHTS) && !make_stairs(a, g, n, &p->stairs[i], e)) return NULL;
  }
  p->fastest = pace_of(p, 1);
  p->slowest = pace_of(p, INT64_MAX / 2);
  return p;
}

int64_t planner_fastest(const struct planner *p) {
  return p->fastest;
}

int64_t planner_slowest(const struct planner *p) {
  return p->slowest;
}

bool planner_pace(struct arena *a, const struct planner *p, int64_t cycles, struct lane_plan *out,
                  struct err *e) {
  walk(a, p, cycles, out);
  for (uint32_t i = 0; i < p->graph->n_nodes && out->cycles > cycles; i++) {
    const struct choice *c = &out->choices[p->order[i]];
    if (c->cycles <= cycles) continue;
    return err_set(e,
                   "layer \"%s\" takes %lld cycles with %lld lanes in and %lld out, its fastest: "
                   "%lld cycles are out of reach, the nearest are %lld",
                   p->graph->nodes[p->order[i]].name, (long long)c->cycles, (long long)c->in,
                   (long long)c->out, (long long)cycles, (long long)p->fastest);
  }
  return true;
}

struct lane_plan *planner_sweep(struct arena *a, const struct planner *p, uint32_t *count) {
  struct lane_plan *plans = NULL;
  uint32_t room = 0;
  *count = 0;
  for (int64_t cycles = p->slowest; cycles >= p->fastest;) {
    struct lane_plan plan;
    walk(a, p, cycles, &plan);
    // a faster one that isn't dearer makes those before it useless
    while (*count && plans[*count - 1].multipliers >= plan.multipliers) (*count)--;
    if (*count == room) {
      struct lane_plan *more = ARENA_NEW(a, struct lane_plan, room = 2 * room + 16);
      for (uint32_t i = 0; i < *count; i++) more[i] = plans[i];
      plans = more;
    }
    plans[(*count)++] = plan;
    cycles = (plan.cycles < cycles ? plan.cycles : cycles) - 1;
  }
  return plans;
}
