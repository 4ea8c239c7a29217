// SPDX-License-Identifier: Apache-2.0
#include "cmd/search_chart.h"

#include "gen/page_parts.h"

#include <math.h>
#include <stdlib.h>

enum { WIDTH = 760, HEIGHT = 340, LEFT = 84, BELOW = 52, ABOVE = 12, RIGHT = 40, TICKS = 5 };
enum { FENCED_FROM = 20 }; // points
#define LOG_FROM 20.0

struct axis {
  double low, high;
  bool log;
  double from, to; // places
};

static double into(const struct axis *x, double v) {
  return x->log ? log10(v) : v;
}

// The place of a number, at the edge if it is beyond.
static double place(const struct axis *x, double v) {
  double low = into(x, x->low), high = into(x, x->high), at = into(x, v);
  at = at < low ? low : at > high ? high : at;
  return x->from + (at - low) / (high - low) * (x->to - x->from);
}

static int by_size(const void *x, const void *y) {
  double p = *(const double *)x, q = *(const double *)y;
  return p < q ? -1 : p > q;
}

static struct axis axis_of(double *v, uint32_t n, double from, double to) {
  qsort(v, n, sizeof *v, by_size);
  struct axis x = {.low = v[0], .high = v[n - 1], .from = from, .to = to};
  double fence = v[3 * (n - 1) / 4] + 1.5 * (v[3 * (n - 1) / 4] - v[(n - 1) / 4]);
  x.log = x.low > 0 && x.high >= LOG_FROM * x.low;
  if (n >= FENCED_FROM && !x.log && fence > x.low && fence < x.high) x.high = fence;
  if (x.low == x.high) x.low -= 0.5, x.high += 0.5;
  return x;
}

static void put_tick(struct text *t, const struct axis *x, int i, bool below) {
  double low = into(x, x->low), high = into(x, x->high), at = low + (high - low) * i / (TICKS - 1);
  double v = x->log ? pow(10, at) : at, p = x->from + (x->to - x->from) * i / (TICKS - 1);
  if (below)
    text_printf(t, "<text x=\"%.1f\" y=\"%d\" text-anchor=\"middle\">", p, HEIGHT - BELOW + 18);
  else
    text_printf(t,
                "<path d=\"M%d %.1fH%d\" style=\"stroke:var(--line)\"/><text x=\"%d\" y=\"%.1f\" "
                "text-anchor=\"end\">",
                LEFT, p, WIDTH - RIGHT, LEFT - 8, p + 4);
  text_printf(t, fabs(v) >= 1000 ? "%.0f</text>\n" : "%.4g</text>\n", v);
}

static void put_axes(struct text *t, const struct chart *c, const struct axis *x,
                     const struct axis *y) {
  text_puts(t, "<g style=\"fill:var(--soft);font-size:12px\">\n");
  for (int i = 0; i < TICKS; i++) put_tick(t, y, i, false);
  for (int i = 0; i < TICKS; i++) put_tick(t, x, i, true);
  text_printf(t, "<text x=\"%d\" y=\"%d\" text-anchor=\"middle\">", (LEFT + WIDTH - RIGHT) / 2,
              HEIGHT - 10);
  page_escape(t, c->x);
  text_printf(t, "</text><text transform=\"translate(14 %d) rotate(-90)\" text-anchor=\"middle\">",
              (ABOVE + HEIGHT - BELOW) / 2);
  page_escape(t, c->y);
  text_puts(t, "</text></g>\n");
}

static void put_points(struct text *t, const struct chart *c, const struct axis *x,
                       const struct axis *y, bool marked) {
  for (uint32_t i = 0; i < c->n; i++) {
    const struct chart_point *p = &c->points[i];
    if (p->marked != marked) continue;
    text_printf(t,
                "<circle cx=\"%.1f\" cy=\"%.1f\" r=\"%s\" style=\"fill:var(--%s)\"><title>trial "
                "%lld: %.6g, %.6g</title></circle>\n",
                place(x, p->x), place(y, p->y), marked ? "4.5" : "2.5", marked ? "mul" : "move",
                (long long)p->trial, p->x, p->y);
  }
}

static void put_line(struct text *t, const struct chart *c, const struct axis *x,
                     const struct axis *y) {
  if (!c->n_line) return;
  text_printf(t, "<path style=\"fill:none;stroke:var(--mul);stroke-width:2\" d=\"M%.1f %.1f",
              place(x, c->line[0].x), place(y, c->line[0].y));
  for (uint32_t i = 1; i < c->n_line; i++)
    text_printf(t, "H%.1fV%.1f", place(x, c->line[i].x), place(y, c->line[i].y));
  text_puts(t, "\"/>\n");
}

void chart_put(struct arena *a, struct text *t, const struct chart *c) {
  double *v = ARENA_NEW(a, double, c->n + 1);
  if (!c->n) return;
  for (uint32_t i = 0; i < c->n; i++) v[i] = c->points[i].x;
  struct axis x = axis_of(v, c->n, LEFT, WIDTH - RIGHT);
  for (uint32_t i = 0; i < c->n; i++) v[i] = c->points[i].y;
  struct axis y = axis_of(v, c->n, HEIGHT - BELOW, ABOVE);
  text_printf(t,
              "<div class=\"box drawing\"><svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 "
              "%d %d\" width=\"%d\" height=\"%d\" role=\"img\">\n",
              WIDTH, HEIGHT, WIDTH, HEIGHT);
  put_axes(t, c, &x, &y);
  put_line(t, c, &x, &y);
  put_points(t, c, &x, &y, false);
  put_points(t, c, &x, &y, true);
  text_puts(t, "</svg></div>\n");
}
