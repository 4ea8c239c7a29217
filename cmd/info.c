// SPDX-License-Identifier: Apache-2.0
// info: the layers of a model with their types, sizes and costs.
#include "cmd/command.h"
#include "sw/base/json.h"
#include "sw/base/table_text.h"
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
  const struct tensor *x = twin == NONE ? NULL : real->values[twin].init;
  if (!x || !type_is_integer(&v->type) || x->count != v->init->count) return NAN;
  double signal = 0, noise = 0;
  for (int64_t i = 0; i < x->count; i++) {
    int64_t c = v->type.axis == 0 ? i / (x->count / v->shape[0]) : 0;
    double exact = tensor_real(x, i);
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
      l.parameters += v->init->count;
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

static void put_json(struct text *t, const char *key, const char *value) {
  text_printf(t, ",\"%s\":", key);
  json_put_string(t, value);
}

static void put_snr(struct text *t, const char *key, double snr) {
  if (isfinite(snr))
    text_printf(t, ",\"%s\":%.2f", key, snr);
  else
    text_printf(t, ",\"%s\":null", key);
}

static void print_json(struct text *t, const struct graph *g, const struct layer *layers,
                       const struct warnings *w) {
  int64_t parameters = 0, macs = 0;
  text_puts(t, "{\"name\":");
  json_put_string(t, g->name);
  text_puts(t, ",\"layers\":[");
  for (uint32_t i = 0; i < g->n_nodes; i++) {
    const struct layer *l = &layers[i];
    text_puts(t, i ? ",{\"name\":" : "{\"name\":");
    json_put_string(t, l->node->name);
    put_json(t, "op", op_info(l->node->op)->name);
    text_printf(t, ",\"in\":%lld,\"out\":%lld", (long long)l->in, (long long)l->out);
    put_json(t, "type", l->type);
    put_json(t, "weight_type", l->weight_type);
    text_printf(t, ",\"accumulator_bits\":%d,\"parameters\":%lld,\"macs\":%lld",
                l->accumulator_bits, (long long)l->parameters, (long long)l->macs);
    put_snr(t, "weight_snr_db", l->weight_snr);
    put_snr(t, "bias_snr_db", l->bias_snr);
    text_puts(t, "}");
    parameters += l->parameters;
    macs += l->macs;
  }
  text_printf(t, "],\"parameters\":%lld,\"macs\":%lld", (long long)parameters, (long long)macs);
  warnings_put_json(t, w);
  text_puts(t, "}\n");
}

static const char *number_or_blank(struct arena *a, int64_t v) {
  return v ? arena_printf(a, "%lld", (long long)v) : "";
}

static const char *snr_text(struct arena *a, double snr) {
  return isnan(snr) ? "" : isinf(snr) ? "exact" : arena_printf(a, "%.1f", snr);
}

static void put_input(struct arena *a, struct text *t, const struct value *x, uint32_t i) {
  text_puts(t, i ? "; input " : ": input ");
  text_put_escaped(t, table_text_name(a, x->name));
  for (int d = 0; d < x->rank; d++)
    text_printf(t, "%s%lld", d ? " x " : " ", (long long)x->shape[d]);
  text_printf(t, ", %s", type_text(a, &x->type));
}

// Columns that are empty in every row are left out.
static void print_table(struct arena *a, struct text *t, const struct graph *g, bool compared,
                        const struct layer *layers) {
  int64_t parameters = 0, macs = 0;
  text_put_escaped(t, table_text_name(a, g->name));
  for (uint32_t i = 0; i < g->n_inputs; i++) put_input(a, t, &g->values[g->inputs[i].value], i);
  text_puts(t, "\n\n");
  struct table_text table = table_text_new(
      a, compared ? "<layer|<op|in|out|<type|<weights|weight SNR dB|bias SNR dB|accumulator|"
                    "parameters|MACs"
                  : "<layer|<op|in|out|<type|<weights|accumulator|parameters|MACs");
  for (uint32_t i = 0; i < g->n_nodes; i++) {
    const struct layer *l = &layers[i];
    const char *snr =
        compared ? arena_printf(a, "%s|%s|", snr_text(a, l->weight_snr), snr_text(a, l->bias_snr))
                 : "";
    table_text_row(&table, "%s|%s|%lld|%lld|%s|%s|%s%s|%s|%s", table_text_name(a, l->node->name),
                   op_info(l->node->op)->name, (long long)l->in, (long long)l->out, l->type,
                   l->weight_type, snr, number_or_blank(a, l->accumulator_bits),
                   number_or_blank(a, l->parameters), number_or_blank(a, l->macs));
    parameters += l->parameters;
    macs += l->macs;
  }
  table_text_row(&table, "total|||||%s||%lld|%lld", compared ? "||" : "", (long long)parameters,
                 (long long)macs);
  table_text_print(&table, t);
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
    print_json(&t, g, layers, &m.warnings);
  else
    print_table(a, &t, g, m.fixed && m.real, layers);
  fwrite(t.data, 1, t.size, stdout);
  text_free(&t);
  return EXIT_GOOD;
}
