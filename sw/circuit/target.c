// SPDX-License-Identifier: Apache-2.0
// Lanes for a pace: of each layer the cheapest that take no more cycles for a frame.
#include "sw/circuit/facts.h"

struct planner {
  struct arena *arena;
  const struct graph *graph;
  int64_t cycles;
  int64_t *lanes; // (n_values) of the streams that are known
  struct folding *folding;
};

struct lanes {
  int64_t in, out, cycles;
};

static int64_t up(int64_t n, int64_t by) {
  return (n + by - 1) / by;
}

static int64_t beats(const struct planner *p, const struct node *n, int64_t lanes) {
  int64_t most = 0;
  for (uint32_t i = 0; i < n->n_in; i++) {
    int64_t own = value_elements(node_in(p->graph, n, i));
    most = own > most ? own : most;
  }
  return up(most, lanes);
}

// What a frame takes with lanes that are asked for, which may be changed unless they are `chosen`;
// false if the layer doesn't have them.
static bool try(const struct planner *p, const struct node *n, bool chosen, struct lanes *l) {
  const struct circuit_column *column = circuit_column(n->op);
  struct err e = {0};
  if (column->lanes && !column->lanes(p->graph, n, chosen, &l->in, &l->out, &e)) return false;
  l->cycles = column->cycles ? column->cycles(p->graph, n, l->in, l->out) : beats(p, n, l->in);
  return true;
}

// Lanes of one number, those of what the layer reads or more.
static bool find_equal(const struct planner *p, const struct node *n, int64_t from, int64_t most,
                       struct lanes *l, bool *chosen) {
  *l = (struct lanes){from, from, 0};
  *chosen = false;
  if (!try(p, n, false, l)) return false;
  for (int64_t k = from; l->cycles > p->cycles && k <= most; k++) {
    struct lanes more = {k, k, 0};
    *chosen = true;
    if (try(p, n, true, &more) && more.cycles < l->cycles) *l = more;
  }
  return true;
}

static bool cheaper(const struct lanes *a, const struct lanes *b) {
  int64_t x = a->in * a->out, y = b->in * b->out;
  if (x != y) return x < y;
  if (a->in + a->out != b->in + b->out) return a->in + a->out < b->in + b->out;
  return a->in < b->in;
}

// Of a layer with weights: the fewest multipliers, then the squarest array. Without any that is
// fast enough the fastest.
static bool find_weighted(const struct planner *p, const struct node *n, struct lanes *best) {
  const struct value *w = node_in(p->graph, n, 1);
  int64_t ins = shape_elements(w->rank - 1, w->shape + 1), outs = w->shape[0];
  bool found = false, meets = false;
  for (int64_t in = 1; in <= ins; in++)
    for (int64_t out = 1; out <= outs && (!meets || in * out <= best->in * best->out); out++) {
      struct lanes l = {in, out, 0};
      if (!try(p, n, true, &l)) continue;
      bool enough = l.cycles <= p->cycles;
      if (!found || (enough && (!meets || cheaper(&l, best))) ||
          (!meets && !enough && l.cycles < best->cycles))
        *best = l;
      found = true;
      meets |= enough;
      if (enough) break;
    }
  return found;
}

static void add_entry(struct planner *p, const struct node *n, const struct lanes *l) {
  p->folding->layers[p->folding->n_layers++] =
      (struct folding_entry){n->name, l->in, l->out, false};
}

static bool plan_node(struct planner *p, const struct node *n, struct err *e) {
  bool weighted = op_is(n->op, TRAIT_WEIGHTS), chosen = weighted;
  struct lanes l = {1, 1, 0};
  int64_t widest = 1, most = 1;
  for (uint32_t i = 0; i < n->n_in; i++) {
    int64_t lanes = p->lanes[n->in[i].value], elements = value_elements(node_in(p->graph, n, i));
    widest = lanes > widest ? lanes : widest;
    most = elements > most ? elements : most;
  }
  bool found = weighted ? find_weighted(p, n, &l) : find_equal(p, n, widest, most, &l, &chosen);
  if (found && l.cycles > p->cycles)
    return err_set(e,
                   "layer \"%s\" takes %lld cycles with %lld lanes in and %lld out, its fastest: "
                   "--target-cycles %lld is out of reach",
                   n->name, (long long)l.cycles, (long long)l.in, (long long)l.out,
                   (long long)p->cycles);
  if (chosen) add_entry(p, n, &l);
  for (uint32_t i = 0; i < n->n_out; i++) p->lanes[n->out[i]] = weighted ? l.out : l.in;
  return true;
}

bool folding_meet(struct arena *a, const struct graph *g, int64_t cycles, struct folding *f,
                  struct err *e) {
  struct planner p = {a, g, cycles, ARENA_NEW(a, int64_t, g->n_values), f};
  uint32_t *order = ARENA_NEW(a, uint32_t, g->n_nodes);
  *f = (struct folding){.parallelism = 1, .layers = ARENA_NEW(a, struct folding_entry, g->n_nodes)};
  for (uint32_t i = 0; i < g->n_inputs; i++) {
    int64_t lanes = up(value_elements(&g->values[g->inputs[i].value]), cycles);
    f->parallelism = lanes > f->parallelism ? lanes : f->parallelism;
  }
  for (uint32_t i = 0; i < g->n_inputs; i++) p.lanes[g->inputs[i].value] = f->parallelism;
  graph_order(g, order);
  for (uint32_t i = 0; i < g->n_nodes; i++) {
    const struct node *n = &g->nodes[order[i]];
    if (n->where != WHERE_CIRCUIT || !(op_info(n->op)->executors & EXECUTOR_CIRCUIT)) continue;
    if (op_is(n->op, TRAIT_ALIAS))
      p.lanes[n->out[0]] = p.lanes[n->in[0].value];
    else if (!plan_node(&p, n, e))
      return false;
  }
  return true;
}
