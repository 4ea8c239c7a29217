// SPDX-License-Identifier: Apache-2.0
// What other tools found: the simulation, the synthesis.
#include "gen/page_parts.h"
#include "sw/circuit/resources.h"

#include <math.h>
#include <string.h>

static void put_figure(struct text *t, const char *name, int64_t v, const char *unit) {
  if (v == NONE) return;
  text_printf(t, "<div><dt>%s</dt><dd>", name);
  page_count(t, v);
  if (*unit) text_printf(t, " <small>%s</small>", unit);
  text_puts(t, "</dd></div>\n");
}

static void put_verdict(struct text *t, const struct page_simulation *s) {
  text_printf(t, "<p class=\"verdict %s\"><b>%s</b> ", s->failure ? "fail" : "pass",
              s->failure ? "FAIL" : "PASS");
  page_count(t, s->images);
  text_puts(t, " images of ");
  page_escape(t, s->data);
  text_puts(t, " in ");
  page_escape(t, s->simulator);
  if (s->stall) text_puts(t, ", stalled as ");
  if (s->stall) page_escape(t, s->stall);
  if (s->failure) text_puts(t, ": ");
  if (s->failure) page_escape(t, s->failure);
  text_puts(t, "</p>\n");
}

void page_put_simulation(struct text *t, const struct page *p) {
  const struct page_simulation *s = p->simulation;
  page_section(t, "simulation", "Simulation",
               "The circuit in a simulator, every element of every layer compared with the C "
               "model.");
  if (s) {
    put_verdict(t, s);
    text_puts(t, "<dl class=\"tiles\">\n");
    put_figure(t, "Compared", s->elements, "elements");
    put_figure(t, "Mismatches", s->mismatches, "");
    put_figure(t, "Right answers", s->correct, "");
    put_figure(t, "Simulated", s->cycles, "cycles");
    put_figure(t, "Interval measured", s->ii, "cycles");
    put_figure(t, "Latency measured", s->latency, "cycles");
    text_puts(t, "</dl>\n");
  } else {
    page_absent(t, "Not shown",
                "nngen sim has left no result here (--sim DIR names the folder it worked in)");
  }
  page_section_end(t);
}

// ---- synthesis

enum { COLUMNS_FOUND = 9, COLUMNS_ALL = 13 };

// The family that sw/circuit/resources.h is about, as scripts/synth names it.
#define ESTIMATED "Xilinx 7 series"

// The cell of a block, NONE: it is the whole.
static int32_t cell_of(const struct page *p, const char *name) {
  for (uint32_t i = 0; i < p->circuit->n_cells; i++)
    if (strcmp(p->circuit->cells[i].name, name) == 0) return (int32_t)i;
  return NONE;
}

// LUTs without memories, and block RAMs of 36 kbit, as scripts/synth counts them.
struct estimate {
  double lut, ff, dsp, block_ram;
};
static struct estimate estimate_of(const struct page *p, int32_t cell) {
  struct estimate all = {0};
  for (uint32_t i = 0; i < p->circuit->n_cells; i++) {
    if (cell != NONE && (uint32_t)cell != i) continue;
    struct bill b = bill_of(p->circuit, &p->circuit->cells[i], FAMILY_XC7);
    struct resources r = resources_of(&b);
    all.lut += (double)(r.lut - b.lut);
    all.ff += (double)r.ff;
    all.dsp += (double)r.dsp;
    all.block_ram += (double)r.bram / 2;
  }
  return all;
}

static void put_estimate(struct text *t, const struct page *p, int32_t cell) {
  struct estimate e = estimate_of(p, cell);
  page_td_real(t, e.dsp, 0, "");
  page_td_real(t, e.block_ram, e.block_ram == floor(e.block_ram) ? 0 : 1, "");
  page_td_real(t, e.lut, 0, "");
  page_td_real(t, e.ff, 0, "");
}

static void put_block(struct text *t, const struct page *p, const struct page_block *b,
                      bool estimated) {
  int32_t cell = cell_of(p, b->name);
  const struct cell *c = cell == NONE ? NULL : &p->circuit->cells[cell];
  page_row(t, cell == NONE ? "the whole" : page_name(p, (uint32_t)cell));
  page_td_some(t, c ? c->multipliers : p->circuit->multipliers);
  page_td_real(t, b->figures[4], 0, "");
  page_td_some(t, c ? c->memory_bits : p->circuit->memory_bits);
  page_td_real(t, b->figures[5], b->figures[5] == floor(b->figures[5]) ? 0 : 1, "");
  for (int i = 0; i < 4; i++) page_td_real(t, b->figures[i], 0, "");
  if (estimated) put_estimate(t, p, cell);
  page_row_end(t);
}

static void put_family(struct text *t, const struct page *p, const struct page_family *f) {
  static const struct page_column columns[] = {{"Cell", true},
                                               {"Multipliers", false},
                                               {"DSP", false},
                                               {"Memory bits", false},
                                               {"Block RAM", false},
                                               {"LUT", false},
                                               {"Carry", false},
                                               {"LUT RAM", false},
                                               {"FF", false},
                                               {"DSP estimated", false},
                                               {"Block RAM estimated", false},
                                               {"LUT estimated", false},
                                               {"FF estimated", false}};
  bool estimated = strcmp(f->name, ESTIMATED) == 0;
  text_puts(t, "<h3>");
  page_escape(t, f->name);
  text_puts(t, "</h3>\n<p>");
  if (isnan(f->fmax)) {
    text_puts(t, "Fmax: ");
    page_escape(t, f->why ? f->why : "not known");
  } else {
    text_printf(t, "Fmax <b class=\"figure\">%.2f MHz</b>, a frame in %.3g ms", f->fmax,
                (double)p->circuit->ii / f->fmax / 1000);
  }
  text_puts(t, "</p>\n");
  page_table(t, "Estimates and what synthesis found", columns,
             estimated ? COLUMNS_ALL : COLUMNS_FOUND);
  for (uint32_t i = 0; i < f->n_blocks; i++) put_block(t, p, &f->blocks[i], estimated);
  page_table_end(t);
}

void page_put_synthesis(struct text *t, const struct page *p) {
  page_section(t, "synthesis", "Synthesis",
               "What scripts/synth found, beside the multipliers and memory bits that are "
               "estimated. Each block alone, the whole across the blocks.");
  for (uint32_t i = 0; i < p->n_families; i++) put_family(t, p, &p->families[i]);
  if (!p->n_families)
    page_absent(t, "Not shown", "scripts/synth has left no result here (--synth DIR names its -o)");
  page_section_end(t);
}
