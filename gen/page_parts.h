// SPDX-License-Identifier: Apache-2.0
// What the sections of the page are made of: printers for a text, a number, a table, a bar.
//
//   page_section(t, "queues", "Queues", "..");
//   page_table(t, "Queues", columns, 2);
//   page_row(t, "l4_queue0");
//   page_td_count(t, 17);
//   page_row_end(t);
//   page_table_end(t);
//   page_section_end(t);
#ifndef NNGEN_GEN_PAGE_PARTS_H
#define NNGEN_GEN_PAGE_PARTS_H

#include "gen/page.h"
#include "sw/base/text.h"

// A hostile text, in an element or between double quotes; what must not reach a terminal is shown
// as \xNN, so that no mark can turn a line around either.
void page_escape(struct text *t, const char *s);

// 816,352.
void page_count(struct text *t, int64_t v);

// "28 x 28 x 1" with the sign for it.
void page_shape(struct text *t, int rank, const int64_t *shape);

// A section with a heading, and a line of what it shows (HTML).
void page_section(struct text *t, const char *id, const char *title, const char *lead);
void page_section_end(struct text *t);

// What isn't there, and why.
void page_absent(struct text *t, const char *what, const char *why);

// ---- tables that scroll in their own box

struct page_column {
  const char *heading;
  bool text; // to the left; the others are numbers
};

// The first column is that of the rows' names.
void page_table(struct text *t, const char *caption, const struct page_column *columns, int count);
void page_table_end(struct text *t);
void page_row(struct text *t, const char *name);
void page_row_end(struct text *t);
void page_td(struct text *t, const char *s);
void page_td_count(struct text *t, int64_t v);
void page_td_some(struct text *t, int64_t v); // 0 isn't shown
void page_td_real(struct text *t, double v, int decimals, const char *unit);

// A bar from `from` to `to` of the cell's width, in shares; two of them, the first one lighter.
void page_td_bar(struct text *t, double share, const char *tone);
void page_td_span(struct text *t, double from, double middle, double to);

// ---- the sections

void page_put_circuit(struct text *t, const struct page *p);   // the graph
void page_put_layers(struct text *t, const struct page *p);    // every layer
void page_put_lanes(struct text *t, const struct page *p);     // frames, one after another
void page_put_arena(struct text *t, const struct page *p);     // on a microcontroller
void page_put_queues(struct text *t, const struct page *p);    // every queue
void page_put_busy(struct text *t, const struct page *p);      // shares of the interval
void page_put_waterfall(struct text *t, const struct page *p); // the first frame
void page_put_split(struct text *t, const struct page *p);     // memory and multipliers
void page_put_plans(struct text *t, const struct page *p);     // other foldings
void page_put_streams(struct text *t, const struct page *p);   // quantisation
void page_put_answers(struct text *t, const struct page *p);   // accuracy
void page_put_simulation(struct text *t, const struct page *p);
void page_put_synthesis(struct text *t, const struct page *p);

// The name of a cell for people: a layer's in the user's file.
const char *page_name(const struct page *p, uint32_t cell);

// "fork", "window", ..., or the kind of a layer.
const char *page_kind(const struct page *p, uint32_t cell);

#endif
