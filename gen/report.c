// SPDX-License-Identifier: Apache-2.0
#include "gen/report.h"

#include "gen/emit.h"
#include "sw/base/json.h"
#include "sw/base/listing.h"

#include <stdlib.h>
#include <string.h>

static const char *weight_type(struct arena *a, const struct circuit *p, const struct cell *c) {
  const struct node *n = &p->graph->nodes[c->node];
  for (uint32_t i = 0; i < n->n_in; i++)
    if (node_in(p->graph, n, i)->init) return type_text(a, &node_in(p->graph, n, i)->type);
  return "";
}

// Share of a frame's cycles at steady state in which the cell works.
static double utilisation(const struct cell *c) {
  return (double)c->cycles / (double)c->ii;
}

enum { LAYER_FIELDS = 15 };
static const struct field layer_fields[LAYER_FIELDS] = {
    {"<block", NULL, FIELD_TEXT, 0, 0},
    {"<layer", "name", FIELD_NAME, 0, 0},
    {NULL, "op", FIELD_TEXT, 0, 0},
    {"<module", "module", FIELD_TEXT, 0, 0},
    {"in", "in", FIELD_COUNT, 0, 0},
    {"out", "out", FIELD_COUNT, 0, 0},
    {"<type", "type", FIELD_TEXT, 0, 0},
    {"<weights", "weight_type", FIELD_TEXT, 0, 0},
    {"accumulator", "accumulator_bits", FIELD_SOME, 0, 0},
    {"lanes in", "lanes_in", FIELD_COUNT, 0, 0},
    {"lanes out", "lanes_out", FIELD_COUNT, 0, 0},
    {"cycles", "cycles", FIELD_COUNT, 0, 0},
    {"multipliers", "multipliers", FIELD_SOME, 0, 0},
    {"memory bits", "memory_bits", FIELD_SOME, 0, 0},
    {"busy %", "utilisation", FIELD_SHARE, 1, 4},
};

static void add_layer(struct listing *t, const struct circuit *p, const struct cell *c) {
  const struct node *n = &p->graph->nodes[c->node];
  listing_row(t, (struct figure[LAYER_FIELDS]){{.text = c->name},
                                               {.text = n->name},
                                               {.text = op_info(n->op)->name},
                                               {.text = emit_module(p, c)},
                                               {.count = cell_elements_in(c)},
                                               {.count = c->out[0]->elements},
                                               {.text = type_text(t->arena, &c->out[0]->type)},
                                               {.text = weight_type(t->arena, p, c)},
                                               {.count = c->accumulator_bits},
                                               {.count = cell_lanes_in(p, c)},
                                               {.count = c->out[0]->lanes},
                                               {.count = c->cycles},
                                               {.count = c->multipliers},
                                               {.count = c->memory_bits},
                                               {.real = utilisation(c)}});
}

static struct listing layers(struct arena *a, const struct circuit *p) {
  struct listing t = listing_new(a, layer_fields, LAYER_FIELDS);
  for (uint32_t i = 0; i < p->n_cells; i++)
    if (p->cells[i].kind == CELL_LAYER) add_layer(&t, p, &p->cells[i]);
  return t;
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
                               [CELL_CONSTANT] = true, [CELL_CAST] = true,  [CELL_TRIM] = false,
                               [CELL_WINDOW] = true,   [CELL_SLIDE] = true, [CELL_STATE] = true};
  return (size_t)c->kind < sizeof kinds && kinds[c->kind];
}

enum { CELL_FIELDS = 9 };
static const struct field cell_fields[CELL_FIELDS] = {
    {"<block", "id", FIELD_TEXT, 0, 0},
    {"<module", "module", FIELD_TEXT, 0, 0},
    {"<from", "from", FIELD_TEXT, 0, 0},
    {"<to", "to", FIELD_TEXT, 0, 0},
    {"lanes", "lanes", FIELD_COUNT, 0, 0},
    {"places", "places", FIELD_SOME, 0, 0},
    {NULL, "cycles", FIELD_COUNT, 0, 0},
    {"multipliers", "multipliers", FIELD_SOME, 0, 0},
    {"memory bits", "memory_bits", FIELD_SOME, 0, 0},
};

static void add_cell(struct listing *t, const struct circuit *p, const struct cell *c) {
  bool holds = c->kind == CELL_QUEUE || c->kind == CELL_WINDOW || c->kind == CELL_STATE;
  int64_t places = holds ? c->timing.queue : 0;
  listing_row(t, (struct figure[CELL_FIELDS]){{.text = c->name},
                                              {.text = emit_module(p, c)},
                                              {.text = ends_of(t->arena, p, c, false)},
                                              {.text = ends_of(t->arena, p, c, true)},
                                              {.count = c->out[0]->lanes},
                                              {.count = places},
                                              {.count = c->cycles},
                                              {.count = c->multipliers},
                                              {.count = c->memory_bits}});
}

// Those of branches.
static void put_branches(struct text *out, struct arena *a, const struct circuit *p) {
  struct listing t = listing_new(a, cell_fields, CELL_FIELDS);
  bool any = false;
  for (uint32_t i = 0; i < p->n_cells; i++) {
    if (!branches(&p->cells[i])) continue;
    any = true;
    add_cell(&t, p, &p->cells[i]);
  }
  if (!any) return;
  text_puts(out, "\n");
  listing_put(&t, out);
}

// Every cell that isn't a layer's own, in the order of the data.
static void put_cells(struct text *out, struct arena *a, const struct circuit *p) {
  struct listing t = listing_new(a, cell_fields, CELL_FIELDS);
  for (uint32_t i = 0; i < p->n_cells; i++)
    if (p->cells[i].kind != CELL_LAYER) add_cell(&t, p, &p->cells[i]);
  text_puts(out, "\"cells\":[");
  listing_put_json(&t, out);
  text_puts(out, "]");
}

void report_text(struct text *out, const struct circuit *p) {
  struct arena a = {0};
  text_printf(out,
              "%s: II %lld cycles, latency %lld cycles, %lld multipliers, %lld memory bits\n\n",
              p->top, (long long)p->ii, (long long)p->latency, (long long)p->multipliers,
              (long long)p->memory_bits);
  struct listing t = layers(&a, p);
  struct figure total[LAYER_FIELDS];
  for (int i = 0; i < LAYER_FIELDS; i++) total[i] = (struct figure){.blank = true};
  total[0] = (struct figure){.text = "total"};
  total[11] = (struct figure){.count = p->ii};
  total[12] = (struct figure){.count = p->multipliers};
  total[13] = (struct figure){.count = p->memory_bits};
  listing_total(&t, total);
  listing_put(&t, out);
  put_branches(out, &a, p);
  arena_free(&a);
}

static void put_pair(struct text *out, const char *key, const char *value) {
  text_printf(out, "\"%s\":", key);
  json_put_string(out, value);
}

void report_json(struct text *out, const struct circuit *p, const char *dir) {
  struct arena a = {0};
  struct listing t = layers(&a, p);
  text_puts(out, "{");
  put_pair(out, "dir", dir);
  text_printf(
      out, ",\"ii\":%lld,\"latency\":%lld,\"multipliers\":%lld,\"memory_bits\":%lld,\"layers\":[",
      (long long)p->ii, (long long)p->latency, (long long)p->multipliers,
      (long long)p->memory_bits);
  listing_put_json(&t, out);
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
  struct listing t = layers(&a, p);
  int row = 0;
  text_puts(out, "{\n  \"generator\":\"nngen\",\n  \"format\":1,\n  ");
  put_pair(out, "model", p->graph->name);
  text_puts(out, ",\n  ");
  put_pair(out, "model_sha256", model_sha256);
  text_puts(out, ",\n  ");
  put_pair(out, "top", p->top);
  text_puts(out, p->rom_style == ROM_CASE ? ",\n  \"rom_style\":\"case\"" : "");
  text_puts(out, p->pack ? ",\n  \"pack_products\":true" : "");
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
    text_puts(out, row ? ",\n    {" : "    {");
    put_pair(out, "id", c->name);
    text_puts(out, ",\"origin\":[");
    const struct node *n = &p->graph->nodes[c->node];
    for (uint32_t k = 0; k < n->n_origin; k++) {
      if (k) text_puts(out, ",");
      json_put_string(out, n->origin[k]);
    }
    text_puts(out, "],");
    if (c->ram_style > RAM_AUTO)
      text_printf(out, "\"ram_style\":\"%s\",", ram_style_text(c->ram_style));
    listing_put_json_row(&t, row++, out);
    text_puts(out, "}");
  }
  text_puts(out, "\n  ],\n  ");
  put_cells(out, &a, p);
  text_puts(out, "\n}\n");
  arena_free(&a);
}
