// SPDX-License-Identifier: Apache-2.0
// Who works when: shares of the interval, and the way of the first frame.
#include "gen/page_parts.h"

void page_put_busy(struct text *t, const struct page *p) {
  static const struct page_column columns[] = {
      {"Layer", true}, {"Share of the interval", true}, {"Busy %", false}, {"Cycles", false}};
  page_section(t, "busy", "Utilisation",
               "The share of the initiation interval in which each layer works. The slowest one "
               "sets the pace.");
  page_table(t, "Utilisation by layer", columns, 4);
  for (uint32_t i = 0; i < p->circuit->n_cells; i++) {
    const struct cell *c = &p->circuit->cells[i];
    double share = (double)c->cycles / (double)c->ii;
    if (c->kind != CELL_LAYER) continue;
    page_row(t, page_name(p, i));
    page_td_bar(t, share, share > 0.9 ? "full" : "busy");
    page_td_real(t, 100 * share, 1, "");
    page_td_count(t, c->cycles);
    page_row_end(t);
  }
  page_table_end(t);
  page_section_end(t);
}

static int64_t begin_of(const struct span *s) {
  return s->taken < 0 || s->taken > s->first ? s->first : s->taken;
}

static void put_span(struct text *t, const struct page *p, uint32_t cell, double whole) {
  const struct span *s = &p->spans[cell];
  int64_t begin = begin_of(s);
  page_row(t, page_name(p, cell));
  page_td_span(t, (double)begin / whole, (double)s->first / whole, (double)(s->last + 1) / whole);
  page_td_count(t, begin);
  page_td_count(t, s->first);
  page_td_count(t, s->last);
  page_row_end(t);
}

void page_put_waterfall(struct text *t, const struct page *p) {
  static const struct page_column columns[] = {{"Cell", true},
                                               {"First frame", true},
                                               {"First beat in", false},
                                               {"First beat out", false},
                                               {"Last beat out", false}};
  int64_t last = 0;
  for (uint32_t i = 0; i < p->circuit->n_cells; i++)
    if (p->spans[i].last > last) last = p->spans[i].last;
  page_section(t, "latency", "Latency",
               "The first frame on its way: when each cell takes its first beat (faint), and "
               "hands out its first to its last one (full), in cycles, by the cycle model.");
  page_table(t, "The first frame, cell by cell", columns, 5);
  for (uint32_t i = 0; i < p->circuit->n_cells; i++) put_span(t, p, i, (double)(last + 1));
  page_table_end(t);
  page_section_end(t);
}
