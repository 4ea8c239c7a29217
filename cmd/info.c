// SPDX-License-Identifier: Apache-2.0
// info: the layers of a model with their types, sizes and costs.
#include "cmd/command.h"
#include "sw/base/json.h"
#include "sw/base/listing.h"
#include "sw/graph/interval.h"
#include "sw/graph/slice.h"

#include <math.h>

struct layer {
  const struct node *node;
  const char *type, *weight_type; // weight_type: "" if it has no weights
  int64_t in, out, parameters, macs;
  int accumulator_bits;        // 0: none
  double weight_snr, bias_snr; // dB against the float model; NAN: nothing to compare
};

// Signal-to-noise ratio of a quantised tensor against the float tensor of the same name.
static double tensor_snr(const struct graph *real, const struct value *v) {
  int32_t twin = real && v ? graph_find_value(real, v->name) : NONE;
  const struct value *x = twin == NONE ? NULL : &real->values[twin];
  if (!x || !x->init || !type_is_integer(&v->type) || x->init->count != v->init->count) return NAN;
  double signal = 0, noise = 0;
  for (int64_t i = 0; i < x->init->count; i++) {
    int64_t c = v->type.axis == 0 ? i / (x->init->count / v->shape[0]) : 0;
    double exact = value_real(x, i);
    double error = type_value(&v->type, c, tensor_int(v->init, i)) - exact;
    signal += exact * exact;
    noise += error * error;
  }
  return noise > 0 && signal > 0 ? 10 * log10(signal / noise) : INFINITY;
}

static struct layer layer_of(struct arena *a, const struct graph *g, const struct graph *real,
                             const struct node *n) {
  struct layer l = {.node = n, .type = "", .weight_type = "", .macs = node_macs(g, n)};
  bool linear = op_is(n->op, TRAIT_WEIGHTS) && node_in(g, n, 1)->init;
  const struct value *bias = linear ? node_in(g, n, 2) : NULL;
  l.weight_snr = linear ? tensor_snr(real, node_in(g, n, 1)) : NAN;
  l.bias_snr = bias && bias->init ? tensor_snr(real, bias) : NAN;
  for (uint32_t i = 0; i < n->n_in; i++) {
    const struct value *v = node_in(g, n, i);
    if (!v->init)
      l.in += value_elements(v);
    else
      l.parameters += value_connections(v);
    if (v->init && !l.weight_type[0]) l.weight_type = type_text(a, &v->type);
  }
  const struct value *y = node_out(g, n, 0);
  if (y) {
    l.out = value_elements(y);
    l.type = type_text(a, &y->type);
  }
  bool sums = l.macs && !op_is(n->op, TRAIT_CARRIED);
  if (sums && type_is_integer(&y->type))
    l.accumulator_bits = interval_bits(interval_node(g, n, KNOWN_PROVEN));
  return l;
}

enum { FIELDS = 11 };

// What isn't compared has no columns for it.
static struct listing table_of(struct arena *a, const struct graph *g, bool compared,
                               const struct layer *layers) {
  const struct field fields[FIELDS] = {
      {"<layer", "name", FIELD_NAME, 0, 0},
      {"<op", "op", FIELD_TEXT, 0, 0},
      {"in", "in", FIELD_COUNT, 0, 0},
      {"out", "out", FIELD_COUNT, 0, 0},
      {"<type", "type", FIELD_TEXT, 0, 0},
      {"<weights", "weight_type", FIELD_TEXT, 0, 0},
      {compared ? "weight SNR dB" : NULL, "weight_snr_db", FIELD_REAL, 1, 2},
      {compared ? "bias SNR dB" : NULL, "bias_snr_db", FIELD_REAL, 1, 2},
      {"accumulator", "accumulator_bits", FIELD_SOME, 0, 0},
      {"parameters", "parameters", FIELD_SOME, 0, 0},
      {"MACs", "macs", FIELD_SOME, 0, 0}};
  struct listing t = listing_new(a, arena_copy(a, fields, sizeof fields), FIELDS);
  for (uint32_t i = 0; i < g->n_nodes; i++) {
    const struct layer *l = &layers[i];
    listing_row(&t, (struct figure[FIELDS]){{.text = l->node->name},
                                            {.text = op_info(l->node->op)->name},
                                            {.count = l->in},
                                            {.count = l->out},
                                            {.text = l->type},
                                            {.text = l->weight_type},
                                            {.real = l->weight_snr},
                                            {.real = l->bias_snr},
                                            {.count = l->accumulator_bits},
                                            {.count = l->parameters},
                                            {.count = l->macs}});
  }
  return t;
}

static struct layer total_of(const struct graph *g, const struct layer *layers) {
  struct layer total = {0};
  for (uint32_t i = 0; i < g->n_nodes; i++) {
    total.parameters += layers[i].parameters;
    total.macs += layers[i].macs;
  }
  return total;
}

static void print_json(struct arena *a, struct text *t, const struct graph *g,
                       const struct layer *layers, const struct warnings *w) {
  struct layer total = total_of(g, layers);
  struct listing table = table_of(a, g, true, layers);
  text_puts(t, "{\"name\":");
  json_put_string(t, g->name);
  text_puts(t, ",\"layers\":[");
  listing_put_json(&table, t);
  text_printf(t, "],\"parameters\":%lld,\"macs\":%lld", (long long)total.parameters,
              (long long)total.macs);
  warnings_put_json(t, w);
  text_puts(t, "}\n");
}

static void put_input(struct arena *a, struct text *t, const struct value *x, uint32_t i) {
  text_puts(t, i ? "; input " : ": input ");
  text_put_escaped(t, listing_name(a, x->name));
  for (int d = 0; d < x->rank; d++)
    text_printf(t, "%s%lld", d ? " x " : " ", (long long)x->shape[d]);
  text_printf(t, ", %s", type_text(a, &x->type));
}

static void print_table(struct arena *a, struct text *t, const struct graph *g, bool compared,
                        const struct layer *layers) {
  struct layer total = total_of(g, layers);
  struct listing table = table_of(a, g, compared, layers);
  struct figure cells[FIELDS];
  for (int i = 0; i < FIELDS; i++) cells[i] = (struct figure){.blank = true};
  cells[0] = (struct figure){.text = "total"};
  cells[FIELDS - 2] = (struct figure){.count = total.parameters};
  cells[FIELDS - 1] = (struct figure){.count = total.macs};
  listing_total(&table, cells);
  text_put_escaped(t, listing_name(a, g->name));
  for (uint32_t i = 0; i < g->n_inputs; i++) put_input(a, t, &g->values[g->inputs[i].value], i);
  text_puts(t, "\n\n");
  listing_put(&table, t);
}

int command_info(struct arena *a, const struct options *o, struct err *e) {
  struct model m;
  if (!command_model(a, o, &m, e)) return EXIT_USER;
  const struct graph *g = m.fixed ? m.fixed : m.real;
  struct layer *layers = ARENA_NEW(a, struct layer, g->n_nodes);
  for (uint32_t i = 0; i < g->n_nodes; i++)
    layers[i] = layer_of(a, g, m.fixed ? m.real : NULL, &g->nodes[i]);
  struct text t = {0};
  if (o->json)
    print_json(a, &t, g, layers, &m.warnings);
  else
    print_table(a, &t, g, m.fixed && m.real, layers);
  fwrite(t.data, 1, t.size, stdout);
  text_free(&t);
  return EXIT_GOOD;
}
