// SPDX-License-Identifier: Apache-2.0
// The plans that none is both faster and cheaper than, as a curve, and where this circuit stands.
#include "gen/page_parts.h"

#include <math.h>

// The drawing, in its own units; both axes are logarithmic.
enum { WIDTH = 680, HEIGHT = 320, LEFT = 62, RIGHT = 40, TOP = 14, BOTTOM = 46, ROWS_MOST = 16 };

// Powers of ten around what is shown, of cycles and of multipliers.
struct chart {
  int x0, x1, y0, y1;
};

static void stretch(int *least, int *most, int64_t v) {
  double power = log10((double)(v > 0 ? v : 1));
  if (floor(power) < *least) *least = (int)floor(power);
  if (ceil(power) > *most) *most = (int)ceil(power);
}

static struct chart chart_of(const struct page *p) {
  struct chart c = {99, 0, 99, 1};
  stretch(&c.x0, &c.x1, p->circuit->ii);
  stretch(&c.y0, &c.y1, p->circuit->multipliers);
  for (uint32_t i = 0; i < p->n_plans; i++) {
    stretch(&c.x0, &c.x1, p->plans[i].cycles);
    stretch(&c.y0, &c.y1, p->plans[i].multipliers);
  }
  if (c.x1 == c.x0) c.x1++;
  return c;
}

static double x_of(const struct chart *c, int64_t cycles) {
  double share = (log10((double)(cycles > 0 ? cycles : 1)) - c->x0) / (c->x1 - c->x0);
  return LEFT + share * (WIDTH - LEFT - RIGHT);
}

static double y_of(const struct chart *c, int64_t multipliers) {
  double share = (log10((double)(multipliers > 0 ? multipliers : 1)) - c->y0) / (c->y1 - c->y0);
  return HEIGHT - BOTTOM - share * (HEIGHT - TOP - BOTTOM);
}

static void put_axes(struct text *t, const struct chart *c) {
  int64_t power = 1;
  for (int k = 0; k <= 18 && (k <= c->x1 || k <= c->y1); k++, power *= 10) {
    double x = x_of(c, power), y = y_of(c, power);
    if (k >= c->x0 && k <= c->x1) {
      text_printf(
          t,
          "<path class=\"idle\" d=\"M%.1f %dV%d\"/><text class=\"label\" x=\"%.1f\" y=\"%d\" "
          "text-anchor=\"middle\">",
          x, TOP, HEIGHT - BOTTOM, x, HEIGHT - BOTTOM + 16);
      page_count(t, power);
      text_puts(t, "</text>\n");
    }
    if (k < c->y0 || k > c->y1) continue;
    text_printf(t,
                "<path class=\"idle\" d=\"M%d %.1fH%d\"/><text class=\"label\" x=\"%d\" y=\"%.1f\" "
                "text-anchor=\"end\">",
                LEFT, y, WIDTH - RIGHT, LEFT - 6, y + 4);
    page_count(t, power);
    text_puts(t, "</text>\n");
  }
  text_printf(
      t,
      "<text class=\"label\" x=\"%d\" y=\"%d\" text-anchor=\"middle\">cycles per frame</text>\n"
      "<text class=\"label\" x=\"%d\" y=\"%d\">multipliers</text>\n",
      (LEFT + WIDTH - RIGHT) / 2, HEIGHT - 10, LEFT + 4, TOP + 10);
}

// From the fastest on: as many multipliers until the next plan is as slow.
static void put_curve(struct text *t, const struct page *p, const struct chart *c) {
  text_puts(t, "<path class=\"line\" d=\"");
  for (uint32_t i = p->n_plans; i-- > 0;) {
    double x = x_of(c, p->plans[i].cycles), y = y_of(c, p->plans[i].multipliers);
    if (i + 1 == p->n_plans)
      text_printf(t, "M%.1f %.1f", x, y);
    else
      text_printf(t, "H%.1fV%.1f", x, y);
  }
  text_puts(t, "\"/>\n");
  for (uint32_t i = 0; i < p->n_plans; i++)
    text_printf(t, "<circle class=\"plan\" cx=\"%.1f\" cy=\"%.1f\" r=\"2.5\"/>\n",
                x_of(c, p->plans[i].cycles), y_of(c, p->plans[i].multipliers));
  text_printf(t, "<circle class=\"here\" cx=\"%.1f\" cy=\"%.1f\" r=\"6\"/>\n",
              x_of(c, p->circuit->ii), y_of(c, p->circuit->multipliers));
}

static void put_chart(struct text *t, const struct page *p) {
  struct chart c = chart_of(p);
  text_printf(t,
              "<div class=\"box\" tabindex=\"0\" role=\"region\" aria-label=\"Plans\">\n"
              "<svg class=\"chart\" viewBox=\"0 0 %d %d\" role=\"img\" aria-label=\"%u plans: "
              "multipliers by cycles of a frame; this circuit takes %lld cycles with %lld\">\n",
              WIDTH, HEIGHT, p->n_plans, (long long)p->circuit->ii,
              (long long)p->circuit->multipliers);
  put_axes(t, &c);
  put_curve(t, p, &c);
  text_puts(t, "</svg>\n</div>\n");
}

// Not more rows than can be looked at, evenly among the plans.
static void put_table(struct text *t, const struct page *p) {
  static const struct page_column columns[] = {{"Cycles per frame", true},
                                               {"Frames/s at 100 MHz", false},
                                               {"Multipliers", false},
                                               {"Weight bits", false}};
  uint32_t rows = p->n_plans < ROWS_MOST ? p->n_plans : ROWS_MOST;
  page_table(t, "Plans", columns, 4);
  for (uint32_t r = 0; r < rows; r++) {
    const struct lane_plan *plan = &p->plans[rows > 1 ? r * (p->n_plans - 1) / (rows - 1) : 0];
    struct text cycles = {0};
    page_count(&cycles, plan->cycles);
    page_row(t, cycles.data);
    text_free(&cycles);
    page_td_real(t, 1e8 / (double)plan->cycles, 0, "");
    page_td_count(t, plan->multipliers);
    page_td_count(t, plan->weight_bits);
    page_row_end(t);
  }
  page_table_end(t);
}

void page_put_plans(struct text *t, const struct page *p) {
  page_section(t, "plans", "Choices",
               "The foldings that none is both faster and cheaper than (<code>nngen plan "
               "--sweep</code>); the circle is this circuit.");
  if (p->n_plans) {
    put_chart(t, p);
    put_table(t, p);
  } else {
    page_absent(t, "No choices", "the lanes of this network can't be planned");
  }
  page_section_end(t);
}
