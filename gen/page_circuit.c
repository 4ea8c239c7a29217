// SPDX-License-Identifier: Apache-2.0
// Layers, queues, and what they cost.
#include "gen/page_parts.h"

#include "sw/graph/slice.h"

static const struct node *node_of(const struct page *p, const struct cell *c) {
  return &p->circuit->graph->nodes[c->node];
}

// ---- layers

static int64_t parameters_of(const struct page *p, const struct cell *c) {
  const struct node *n = node_of(p, c);
  int64_t sum = 0;
  for (uint32_t i = 0; i < n->n_in; i++) {
    const struct value *v = node_in(p->circuit->graph, n, i);
    if (v->init) sum += value_connections(v);
  }
  return sum;
}

static void put_shape(struct text *t, const struct page *p, uint32_t value) {
  const struct value *v = &p->circuit->graph->values[value];
  text_printf(t, "<td class=\"t\" data-v=\"%lld\">", (long long)value_elements(v));
  page_shape(t, v->rank, v->shape);
  text_puts(t, "</td>");
}

// The value that a layer reads; of several the first that is a stream.
static uint32_t value_read(const struct page *p, const struct cell *c) {
  const struct node *n = node_of(p, c);
  for (uint32_t i = 0; i < n->n_in; i++)
    if (!node_in(p->circuit->graph, n, i)->init) return n->in[i].value;
  return c->in[0]->value;
}

static void put_layer(struct text *t, const struct page *p, uint32_t cell) {
  const struct cell *c = &p->circuit->cells[cell];
  page_row(t, page_name(p, cell));
  page_td(t, page_kind(p, cell));
  put_shape(t, p, value_read(p, c));
  put_shape(t, p, c->out[0]->value);
  page_td(t, type_text(p->arena, &c->out[0]->type));
  page_td_count(t, cell_lanes_in(p->circuit, c));
  page_td_count(t, c->out[0]->lanes);
  page_td_count(t, c->cycles);
  page_td_real(t, 100 * (double)c->cycles / (double)c->ii, 1, "");
  page_td_some(t, c->multipliers);
  page_td_some(t, c->memory_bits);
  page_td_some(t, c->accumulator_bits);
  page_td_some(t, parameters_of(p, c));
  page_td_some(t, node_macs(p->circuit->graph, node_of(p, c)));
  page_row_end(t);
}

void page_put_layers(struct text *t, const struct page *p) {
  static const struct page_column columns[] = {
      {"Layer", true},        {"Kind", true},         {"Shape in", true},
      {"Shape out", true},    {"Type", true},         {"Lanes in", false},
      {"Lanes out", false},   {"Cycles", false},      {"Busy %", false},
      {"Multipliers", false}, {"Memory bits", false}, {"Accumulator bits", false},
      {"Parameters", false},  {"MACs", false}};
  page_section(t, "layers", "Layers",
               "Cycles are those of a frame when nothing stalls; a heading sorts.");
  page_table(t, "Layers", columns, sizeof columns / sizeof *columns);
  for (uint32_t i = 0; i < p->circuit->n_cells; i++)
    if (p->circuit->cells[i].kind == CELL_LAYER) put_layer(t, p, i);
  page_table_end(t);
  page_section_end(t);
}

// ---- queues

static const char *end_of(const struct page *p, const struct stream *s, bool to) {
  int32_t cell = to ? s->to : s->from;
  return cell == NONE ? s->signal : page_name(p, (uint32_t)cell);
}

static bool waits(const struct cell *c) {
  return c->kind == CELL_QUEUE || c->kind == CELL_STATE;
}

// What holds beats, pixels or results until they are asked for.
static const char *holds(const struct cell *c) {
  if (waits(c)) return "beats";
  if (c->kind == CELL_WINDOW) return "pixels";
  return c->timing.kind == TIMING_LINEAR ? "output beats" : NULL;
}

// `joins`: there are queues in front of joins, which have columns of their own.
static void put_queue(struct text *t, const struct page *p, uint32_t cell, bool joins) {
  const struct cell *c = &p->circuit->cells[cell];
  page_row(t, page_name(p, cell));
  page_td(t, page_kind(p, cell));
  page_td(t, end_of(p, c->in[0], false));
  page_td(t, end_of(p, c->out[0], true));
  page_td(t, holds(c));
  page_td_count(t, c->timing.queue);
  if (waits(c)) {
    page_td_count(t, p->least[cell]);
    page_td_count(t, c->timing.queue - p->least[cell]);
  } else if (joins) {
    text_puts(t, "<td></td><td></td>");
  }
  page_td_count(t, c->out[0]->lanes);
  page_td_some(t, c->kind == CELL_LAYER ? 0 : c->memory_bits);
  page_row_end(t);
}

static void put_queues(struct text *t, const struct page *p, bool joins) {
  static const struct page_column all[] = {{"Queue", true},
                                           {"In", true},
                                           {"From", true},
                                           {"To", true},
                                           {"Of", true},
                                           {"Places", false},
                                           {"Against deadlock", false},
                                           {"For the pace", false},
                                           {"Lanes", false},
                                           {"Memory bits", false}};
  static const struct page_column plain[] = {
      {"Queue", true}, {"In", true},      {"From", true},   {"To", true},
      {"Of", true},    {"Places", false}, {"Lanes", false}, {"Memory bits", false}};
  page_table(t, "Queues", joins ? all : plain, joins ? 10 : 8);
  for (uint32_t i = 0; i < p->circuit->n_cells; i++)
    if (holds(&p->circuit->cells[i])) put_queue(t, p, i, joins);
  page_table_end(t);
}

void page_put_queues(struct text *t, const struct page *p) {
  bool any = false, joins = false;
  for (uint32_t i = 0; i < p->circuit->n_cells; i++) {
    any |= holds(&p->circuit->cells[i]) != NULL;
    joins |= waits(&p->circuit->cells[i]);
  }
  page_section(t, "queues", "Queues",
               joins ? "Where beats wait. Of a queue in front of a join: the places without which "
                       "its branches could wait for each other for ever, the other queues being as "
                       "they are, and those that keep the interval."
                     : "Where beats and pixels wait.");
  if (any)
    put_queues(t, p, joins);
  else
    page_absent(t, "Not shown", "nothing waits in this circuit");
  page_section_end(t);
}

// ---- cost

static void put_share(struct text *t, int64_t of, int64_t all, const char *tone) {
  page_td_some(t, of);
  page_td_bar(t, all ? (double)of / (double)all : 0, tone);
}

void page_put_split(struct text *t, const struct page *p) {
  static const struct page_column columns[] = {{"Cell", true},
                                               {"Multipliers", false},
                                               {"Share", true},
                                               {"Memory bits", false},
                                               {"Share", true}};
  page_section(t, "cost", "Cost", "Where the multipliers and the memory bits are.");
  page_table(t, "Multipliers and memory by cell", columns, 5);
  for (uint32_t i = 0; i < p->circuit->n_cells; i++) {
    const struct cell *c = &p->circuit->cells[i];
    if (!c->multipliers && !c->memory_bits) continue;
    page_row(t, page_name(p, i));
    put_share(t, c->multipliers, p->circuit->multipliers, "mul");
    put_share(t, c->memory_bits, p->circuit->memory_bits, "mem");
    page_row_end(t);
  }
  page_table_end(t);
  page_section_end(t);
}
