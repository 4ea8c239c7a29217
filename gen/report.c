// SPDX-License-Identifier: Apache-2.0
#include "gen/report.h"

#include "gen/emit.h"
#include "sw/base/json.h"
#include "sw/base/table_text.h"

#include <stdlib.h>
#include <string.h>

static const char *weight_type(struct arena *a, const struct circuit *p, const struct cell *c) {
  const struct node *n = &p->graph->nodes[c->node];
  for (uint32_t i = 0; i < n->n_in; i++)
    if (node_in(p->graph, n, i)->init) return type_text(a, &node_in(p->graph, n, i)->type);
  return "";
}

// Of the widest input: narrower ones have fewer elements than a beat has lanes.
static int64_t lanes_in(const struct cell *c) {
  int64_t lanes = 0;
  for (uint32_t i = 0; i < c->n_in; i++)
    if (c->in[i]->lanes > lanes) lanes = c->in[i]->lanes;
  return lanes;
}

// Share of a frame's cycles at steady state in which the cell works.
static double utilisation(const struct circuit *p, const struct cell *c) {
  return (double)c->cycles / (double)p->ii;
}

static const char *blank_zero(struct arena *a, int64_t v) {
  return v ? arena_printf(a, "%lld", (long long)v) : "";
}

// The cell at an end of a stream, or top's port.
static const char *end_of(const struct circuit *p, const struct stream *s, bool to) {
  int32_t cell = to ? s->to : s->from;
  if (cell != NONE) return p->cells[cell].name;
  for (uint32_t i = 0; to && i < p->n_outputs; i++)
    if (p->ends[i] == s) return p->outputs[i].signal;
  return s->signal;
}

// "l0_fork", or several of them.
static const char *ends_of(struct arena *a, const struct circuit *p, const struct cell *c,
                           bool to) {
  uint32_t count = to ? c->n_out : c->n_in;
  const char *names = "";
  for (uint32_t i = 0; i < count; i++)
    names =
        arena_printf(a, "%s%s%s", names, i ? " " : "", end_of(p, to ? c->out[i] : c->in[i], to));
  return names;
}

// Whether a cell belongs to what branches need, and isn't in every chain.
static bool branches(const struct cell *c) {
  static const bool kinds[] = {[CELL_FORK] = true,     [CELL_QUEUE] = true, [CELL_GROUP] = true,
                               [CELL_CONSTANT] = true, [CELL_CAST] = true,  [CELL_TRIM] = false};
  return (size_t)c->kind < sizeof kinds && kinds[c->kind];
}

static void put_branches(struct text *out, struct arena *a, const struct circuit *p) {
  struct table_text t =
      table_text_new(a, "<block|<module|<from|<to|lanes|places|multipliers|memory bits");
  bool any = false;
  for (uint32_t i = 0; i < p->n_cells; i++) {
    const struct cell *c = &p->cells[i];
    if (!branches(c)) continue;
    any = true;
    table_text_row(&t, "%s|%s|%s|%s|%lld|%s|%s|%s", c->name, emit_module(p, c),
                   ends_of(a, p, c, false), ends_of(a, p, c, true), (long long)c->out[0]->lanes,
                   c->kind == CELL_QUEUE ? blank_zero(a, c->timing.queue) : "",
                   blank_zero(a, c->multipliers), blank_zero(a, c->memory_bits));
  }
  if (!any) return;
  text_puts(out, "\n");
  table_text_print(&t, out);
}

void report_text(struct text *out, const struct circuit *p) {
  struct arena a = {0};
  text_printf(out,
              "%s: II %lld cycles, latency %lld cycles, %lld multipliers, %lld memory bits\n\n",
              p->top, (long long)p->ii, (long long)p->latency, (long long)p->multipliers,
              (long long)p->memory_bits);
  struct table_text t = table_text_new(
      &a, "<block|<layer|<module|in|out|<type|<weights|accumulator|lanes in|lanes out|cycles|"
          "multipliers|memory bits|busy %");
  for (uint32_t i = 0; i < p->n_cells; i++) {
    const struct cell *c = &p->cells[i];
    if (c->kind != CELL_LAYER) continue;
    table_text_row(
        &t, "%s|%s|%s|%lld|%lld|%s|%s|%s|%lld|%lld|%lld|%s|%s|%.1f", c->name,
        table_text_name(&a, p->graph->nodes[c->node].name), emit_module(p, c),
        (long long)cell_elements_in(c), (long long)c->out[0]->elements, type_text(&a, &c->out[0]->type),
        weight_type(&a, p, c), blank_zero(&a, c->accumulator_bits), (long long)lanes_in(c),
        (long long)c->out[0]->lanes, (long long)c->cycles, blank_zero(&a, c->multipliers),
        blank_zero(&a, c->memory_bits), 100 * utilisation(p, c));
  }
  table_text_row(&t, "total||||||||||%lld|%lld|%lld|", (long long)p->ii, (long long)p->multipliers,
                 (long long)p->memory_bits);
  table_text_print(&t, out);
  put_branches(out, &a, p);
  arena_free(&a);
}

static void put_pair(struct text *out, const char *key, const char *value) {
  text_printf(out, "\"%s\":", key);
  json_put_string(out, value);
}

static void put_layer(struct text *out, struct arena *a, const struct circuit *p,
                      const struct cell *c) {
  const struct node *n = &p->graph->nodes[c->node];
  put_pair(out, "name", n->name);
  text_puts(out, ",");
  put_pair(out, "op", op_info(n->op)->name);
  text_puts(out, ",");
  put_pair(out, "module", emit_module(p, c));
  text_printf(out, ",\"in\":%lld,\"out\":%lld,", (long long)cell_elements_in(c),
              (long long)c->out[0]->elements);
  put_pair(out, "type", type_text(a, &c->out[0]->type));
  text_puts(out, ",");
  put_pair(out, "weight_type", weight_type(a, p, c));
  text_printf(out, ",\"accumulator_bits\":%d,\"lanes_in\":%lld,\"lanes_out\":%lld,\"cycles\":%lld",
              c->accumulator_bits, (long long)lanes_in(c), (long long)c->out[0]->lanes,
              (long long)c->cycles);
  text_printf(out, ",\"multipliers\":%lld,\"memory_bits\":%lld,\"utilisation\":%.4f",
              (long long)c->multipliers, (long long)c->memory_bits, utilisation(p, c));
}

// Every cell that isn't a layer's own, in the order of the data.
static void put_cells(struct text *out, struct arena *a, const struct circuit *p) {
  bool first = true;
  text_puts(out, "\"cells\":[");
  for (uint32_t i = 0; i < p->n_cells; i++) {
    const struct cell *c = &p->cells[i];
    if (c->kind == CELL_LAYER) continue;
    text_puts(out, first ? "{" : ",{");
    put_pair(out, "id", c->name);
    text_puts(out, ",");
    put_pair(out, "module", emit_module(p, c));
    text_puts(out, ",");
    put_pair(out, "from", ends_of(a, p, c, false));
    text_puts(out, ",");
    put_pair(out, "to", ends_of(a, p, c, true));
    text_printf(out, ",\"lanes\":%lld,\"cycles\":%lld,\"memory_bits\":%lld",
                (long long)c->out[0]->lanes, (long long)c->cycles, (long long)c->memory_bits);
    if (c->kind == CELL_QUEUE) text_printf(out, ",\"places\":%lld", (long long)c->timing.queue);
    text_puts(out, "}");
    first = false;
  }
  text_puts(out, "]");
}

void report_json(struct text *out, const struct circuit *p, const char *dir) {
  struct arena a = {0};
  bool first = true;
  text_puts(out, "{");
  put_pair(out, "dir", dir);
  text_printf(
      out, ",\"ii\":%lld,\"latency\":%lld,\"multipliers\":%lld,\"memory_bits\":%lld,\"layers\":[",
      (long long)p->ii, (long long)p->latency, (long long)p->multipliers,
      (long long)p->memory_bits);
  for (uint32_t i = 0; i < p->n_cells; i++) {
    if (p->cells[i].kind != CELL_LAYER) continue;
    text_puts(out, first ? "{" : ",{");
    put_layer(out, &a, p, &p->cells[i]);
    text_puts(out, "}");
    first = false;
  }
  text_puts(out, "],");
  put_cells(out, &a, p);
  text_puts(out, "}\n");
  arena_free(&a);
}

// `name`: of several, the value's and the port's.
static void put_stream(struct text *out, struct arena *a, const struct stream *s,
                       const char *name) {
  text_puts(out, "{");
  if (name) {
    put_pair(out, "name", name);
    text_puts(out, ",");
    put_pair(out, "port", s->signal);
    text_puts(out, ",");
  }
  text_printf(out, "\"elements\":%lld,\"lanes\":%lld,\"beats\":%lld,\"tdata_bytes\":%lld,",
              (long long)s->elements, (long long)s->lanes, (long long)s->beats,
              (long long)stream_bytes(s));
  put_pair(out, "type", type_text(a, &s->type));
  text_puts(out, "}");
}

// "input":{..}, or "inputs":[{"name":..}, ..] of several.
static void put_ports(struct text *out, struct arena *a, const struct circuit *p, const char *side,
                      const struct stream *s, uint32_t count) {
  text_printf(out, ",\n  \"%s%s\":%s", side, count > 1 ? "s" : "", count > 1 ? "[" : "");
  for (uint32_t i = 0; i < count; i++) {
    text_puts(out, i ? ",\n    " : "");
    put_stream(out, a, &s[i], count > 1 ? p->graph->values[s[i].value].name : NULL);
  }
  text_puts(out, count > 1 ? "]" : "");
}

void report_manifest(struct text *out, const struct circuit *p, const char *model_sha256) {
  struct arena a = {0};
  bool first = true;
  text_puts(out, "{\n  \"generator\":\"nngen\",\n  \"format\":1,\n  ");
  put_pair(out, "model", p->graph->name);
  text_puts(out, ",\n  ");
  put_pair(out, "model_sha256", model_sha256);
  text_puts(out, ",\n  ");
  put_pair(out, "top", p->top);
  text_puts(out, p->rom_style == ROM_CASE ? ",\n  \"rom_style\":\"case\"" : "");
  if (p->transfer)
    text_printf(out, ",\n  \"framing\":\"count\",\n  \"frames_per_tlast\":%lld",
                (long long)p->transfer);
  text_printf(out, ",\n  \"ii\":%lld,\n  \"latency\":%lld", (long long)p->ii,
              (long long)p->latency);
  put_ports(out, &a, p, "input", p->inputs, p->n_inputs);
  put_ports(out, &a, p, "output", p->outputs, p->n_outputs);
  text_puts(out, ",\n  \"layers\":[\n");
  for (uint32_t i = 0; i < p->n_cells; i++) {
    const struct cell *c = &p->cells[i];
    if (c->kind != CELL_LAYER) continue;
    text_puts(out, first ? "    {" : ",\n    {");
    put_pair(out, "id", c->name);
    text_puts(out, ",\"origin\":[");
    const struct node *n = &p->graph->nodes[c->node];
    for (uint32_t k = 0; k < n->n_origin; k++) {
      if (k) text_puts(out, ",");
      json_put_string(out, n->origin[k]);
    }
    text_puts(out, "],");
    put_layer(out, &a, p, c);
    text_puts(out, "}");
    first = false;
  }
  text_puts(out, "\n  ],\n  ");
  put_cells(out, &a, p);
  text_puts(out, "\n}\n");
  arena_free(&a);
}
