// SPDX-License-Identifier: Apache-2.0
// Plans as pictures: a lane per layer of the circuit, frame after frame; and the same network in an
// arena of bytes, what is in use and which address is whose, layer after layer.
#include "gen/page_parts.h"
#include "sw/base/listing.h"
#include "sw/plan/blocks.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum {
  LEFT = 170, // of names, or of numbers
  WIDE = 720,
  RIGHT = 40,
  TOP = 26,
  LANE = 26,
  RUN_HIGH = 14,
  TAKE_HIGH = 4,
  LANES_MOST = 16,
  LETTERS = 22, // of a name before a lane
  FRAMES_MOST = 40,
  CURVE_HIGH = 120,
  ARENA_HIGH = 300,
  GAP = 44,
  LETTER = 7,    // pixels of one
  NAME_HIGH = 14 // that a name in a rectangle needs
};

// ---- what both are made of

// Time along the picture, and what is written at its foot.
struct scale {
  struct text *text;
  double length;
};

static double across(const struct scale *s, double at) {
  return LEFT + at / s->length * WIDE;
}

static void begin_picture(struct text *t, const char *name, int high) {
  text_printf(t,
              "<div class=\"box drawing\" role=\"region\" aria-label=\"%s\" tabindex=\"0\">\n"
              "<svg role=\"img\" aria-label=\"%s\" viewBox=\"0 0 %d %d\" width=\"%d\" "
              "height=\"%d\">\n",
              name, name, LEFT + WIDE + RIGHT, high, LEFT + WIDE + RIGHT, high);
}

static void end_picture(struct text *t) {
  text_puts(t, "</svg>\n</div>\n");
}

static void put_ticks(const struct scale *s, int top, int bottom) {
  for (int i = 0; i <= 4; i++) {
    double at = floor(s->length * i / 4), x = across(s, at);
    text_printf(s->text,
                "<path class=\"idle\" d=\"M%.1f %dV%d\"/><text class=\"label\" x=\"%.1f\" "
                "y=\"%d\" text-anchor=\"middle\">",
                x, top, bottom, x, bottom + 14);
    page_count(s->text, (int64_t)at);
    text_puts(s->text, "</text>\n");
  }
}

static int hue_of(uint32_t which) {
  return (int)(which * 137 % 360);
}

// A name of the user's, cut to some letters.
static void put_name(struct text *t, struct arena *a, const char *name, size_t letters) {
  size_t bytes = 0, count = 0;
  for (uint32_t code; name[bytes] && count < letters; count++)
    bytes += text_character(name + bytes, &code);
  page_escape(t, name[bytes] ? arena_printf(a, "%.*s..", (int)bytes, name) : name);
}

// ---- frames, one after another

struct lane {
  uint32_t cell;
  const struct event *run;
};

struct lanes {
  const struct page *page;
  struct scale scale;
  uint32_t count;
  struct lane *list; // (count) in the order of the cells
};

static double busy(const struct lane *l) {
  return l->run->end - l->run->start;
}

static int by_busy(const void *x, const void *y) {
  const struct lane *a = x, *b = y;
  if (busy(a) != busy(b)) return busy(a) < busy(b) ? 1 : -1;
  return a->cell < b->cell ? -1 : a->cell > b->cell;
}

static int by_cell(const void *x, const void *y) {
  const struct lane *a = x, *b = y;
  return a->cell < b->cell ? -1 : a->cell > b->cell;
}

// The busiest of many.
static struct lanes lanes_of(const struct page *p, uint32_t *more) {
  const struct circuit *c = p->circuit;
  struct lanes to = {.page = p, .list = ARENA_NEW(p->arena, struct lane, c->n_cells + 1)};
  for (uint32_t i = 0; i < c->n_cells; i++)
    for (uint32_t k = 0; c->cells[i].kind == CELL_LAYER && k < p->plan->n_events; k++) {
      const struct event *e = &p->plan->events[k];
      if (e->action == ACTION_RUN && e->id == c->cells[i].node)
        to.list[to.count++] = (struct lane){i, e};
    }
  *more = to.count > LANES_MOST ? to.count - LANES_MOST : 0;
  if (to.count) qsort(to.list, to.count, sizeof *to.list, by_busy);
  to.count -= *more;
  if (to.count) qsort(to.list, to.count, sizeof *to.list, by_cell);
  return to;
}

// A piece of a lane in each frame that begins within the picture.
static void put_pieces(const struct lanes *l, const struct event *e, const char *class,
                       uint32_t lane, double y, int high, const char *name) {
  struct text *t = l->scale.text;
  double period = l->page->plan->period;
  for (int frame = 0; frame < FRAMES_MOST; frame++) {
    double from = e->start + frame * period, to = e->end + frame * period;
    if (from >= l->scale.length || (frame && period <= 0)) break;
    if (to > l->scale.length) to = l->scale.length;
    double x = across(&l->scale, from), wide = across(&l->scale, to) - x;
    text_printf(t, "<rect class=\"%s\" x=\"%.1f\" y=\"%.1f\" width=\"%.1f\" height=\"%d\"", class,
                x, y, wide < 1 ? 1 : wide, high);
    if (name)
      text_printf(t, " fill=\"hsl(%d 55%% 55%% / %s)\"", hue_of(lane), frame % 2 ? ".55" : "1");
    text_puts(t, "><title>");
    if (name) page_escape(t, name);
    text_printf(t, "%sframe %d, cycles %.10g to %.10g</title></rect>\n", name ? ": " : "", frame,
                e->start + frame * period, e->end + frame * period);
  }
}

static void put_lane(const struct lanes *l, uint32_t i) {
  const struct page *p = l->page;
  const struct plan *plan = p->plan;
  double y = TOP + (double)i * LANE;
  const char *name = page_name(p, l->list[i].cell);
  int32_t place = plan->machine.resources[l->list[i].run->resource].memory;
  text_printf(l->scale.text, "<text x=\"%d\" y=\"%.0f\" text-anchor=\"end\" fill=\"currentColor\">",
              LEFT - 8, y + RUN_HIGH - 3);
  put_name(l->scale.text, p->arena, name, LETTERS);
  text_puts(l->scale.text, "</text>\n");
  put_pieces(l, l->list[i].run, "run", i, y, RUN_HIGH, name);
  for (uint32_t k = 0; k < plan->n_events; k++) {
    const struct event *e = &plan->events[k];
    if (e->action == ACTION_SEND && plan->machine.resources[e->resource].to == place)
      put_pieces(l, e, "plan", i, y + RUN_HIGH + 2, TAKE_HIGH, NULL);
  }
}

static void put_periods(const struct lanes *l, int bottom) {
  double period = l->page->plan->period;
  for (int i = 1; period > 0 && i < FRAMES_MOST && i * period < l->scale.length; i++)
    text_printf(l->scale.text, "<path class=\"period\" d=\"M%.1f %dV%d\"/>\n",
                across(&l->scale, i * period), TOP - 8, bottom);
}

void page_put_lanes(struct text *t, const struct page *p) {
  uint32_t more;
  page_section(t, "lanes", "Frames",
               "Layers at work, frame after frame from the first, as the plan of the circuit has "
               "them; thin: what comes in; dashed: where the next frame begins.");
  if (!p->plan) {
    page_absent(t, "No plan", p->why_plan);
  } else {
    struct lanes l = lanes_of(p, &more);
    l.scale = (struct scale){t, plan_length(p->plan) + 1.5 * p->plan->period};
    int bottom = TOP + (int)l.count * LANE;
    begin_picture(t, "Layers at work, frame after frame; the table under Latency has the first",
                  bottom + 22);
    put_ticks(&l.scale, TOP - 8, bottom);
    for (uint32_t i = 0; i < l.count; i++) put_lane(&l, i);
    put_periods(&l, bottom);
    end_picture(t);
    text_puts(t, "<p>A frame every ");
    page_count(t, (int64_t)p->plan->period);
    text_puts(t, " cycles, through in ");
    page_count(t, (int64_t)plan_length(p->plan));
    text_puts(t, ".");
    if (more) text_printf(t, " The busiest layers; %u more aren't shown.", more);
    text_puts(t, "</p>\n");
  }
  page_section_end(t);
}

// ---- in an arena

struct arena_view {
  const struct page *page;
  struct scale scale;
  const struct arena_block *blocks;
  uint32_t count;
  const int64_t *used; // (events) of the arena
  int64_t bytes, most; // of the arena; in use at `when`
  double when;
};

// The name that the user's file has for a value, or for scratch.
static const char *block_name(const struct arena_view *v, const struct arena_block *b) {
  const struct circuit *c = v->page->circuit;
  const struct graph *g = v->page->arena_plan->graph;
  bool scratch = b->order >= g->n_values;
  int32_t node = scratch ? (int32_t)(b->order - g->n_values) : g->values[b->order].node;
  for (uint32_t i = 0; i < c->n_cells; i++) {
    if (c->cells[i].kind != CELL_LAYER || (int32_t)c->cells[i].node != node) continue;
    if (scratch) return arena_printf(v->page->arena, "scratch of %s", page_name(v->page, i));
    if (g->values[b->order].out == 0) return page_name(v->page, i);
  }
  return b->name;
}

static double down(const struct arena_view *v, int top, int high, int64_t bytes) {
  return top + high * (1 - (double)bytes / (double)v->bytes);
}

static void put_bytes(const struct arena_view *v, int top, int high, const char *title) {
  struct text *t = v->scale.text;
  text_printf(t, "<text class=\"label\" x=\"%d\" y=\"%d\">%s</text>\n", LEFT, top - 8, title);
  for (int i = 0; i <= 4; i++) {
    int64_t bytes = v->bytes * i / 4;
    double y = down(v, top, high, bytes);
    text_printf(t,
                "<path class=\"idle\" d=\"M%d %.1fh%d\"/><text class=\"label\" x=\"%d\" "
                "y=\"%.1f\" text-anchor=\"end\">",
                LEFT, y, WIDE, LEFT - 8, y + 4);
    page_count(t, bytes);
    text_puts(t, "</text>\n");
  }
}

// In steps: what values take, and scratch above that; where it is most a line.
static void put_curve(const struct arena_view *v, bool values) {
  struct text *t = v->scale.text;
  const struct plan *p = v->page->arena_plan;
  double base = down(v, TOP, CURVE_HIGH, 0);
  text_printf(t, "<path class=\"%s\" d=\"M%d %.1f", values ? "values" : "scratch", LEFT, base);
  for (uint32_t i = 0; i < p->n_events; i++) {
    const struct event *e = &p->events[i];
    if (e->action != ACTION_RUN) continue;
    double y = down(v, TOP, CURVE_HIGH, v->used[i] - (values ? e->bytes : 0));
    text_printf(t, "V%.1fH%.1f", y, across(&v->scale, e->end));
  }
  text_printf(t, "V%.1fZ\"/>\n", base);
}

// Until another lies over it.
static double seen_until(const struct arena_view *v, const struct arena_block *b) {
  double until = b->to;
  for (uint32_t i = 0; i < v->count; i++) {
    const struct arena_block *o = &v->blocks[i];
    bool over = o->from > b->from && o->address < b->address + b->bytes &&
                b->address < o->address + o->bytes;
    if (over && o->from < until) until = o->from;
  }
  return until;
}

static void put_block(const struct arena_view *v, const struct arena_block *b, int top) {
  struct text *t = v->scale.text;
  const char *name = block_name(v, b);
  double x = across(&v->scale, b->from), wide = across(&v->scale, b->to) - x;
  double y = down(v, top, ARENA_HIGH, b->address + b->bytes);
  double high = down(v, top, ARENA_HIGH, b->address) - y;
  text_printf(t,
              "<g class=\"block\"><rect x=\"%.1f\" y=\"%.1f\" width=\"%.1f\" height=\"%.1f\" "
              "fill=\"hsl(%d 55%% 70%% / .85)\" stroke=\"hsl(%d 55%% 35%%)\"/><title>",
              x, y, wide, high, hue_of(b->order), hue_of(b->order));
  page_escape(t, name);
  text_printf(t, ": %lld bytes at %lld</title>", (long long)b->bytes, (long long)b->address);
  wide = across(&v->scale, seen_until(v, b)) - x;
  if (high >= NAME_HIGH && wide >= (double)(LETTER * strlen(name))) {
    text_printf(t, "<text x=\"%.1f\" y=\"%.1f\" text-anchor=\"middle\" fill=\"#000\">",
                x + wide / 2, y + high / 2 + 4);
    page_escape(t, name);
    text_puts(t, "</text>");
  }
  text_puts(t, "</g>\n");
}

static int by_bytes(const void *x, const void *y) {
  const struct arena_block *a = x, *b = y;
  if (a->bytes != b->bytes) return a->bytes < b->bytes ? 1 : -1;
  return a->order < b->order ? -1 : a->order > b->order;
}

// What lives where most is in use.
static void put_most(const struct arena_view *v) {
  struct text *t = v->scale.text;
  struct arena_block *there = ARENA_NEW(v->page->arena, struct arena_block, v->count + 1);
  uint32_t count = 0;
  for (uint32_t i = 0; i < v->count; i++)
    if (v->blocks[i].from <= v->when && v->when < v->blocks[i].to) there[count++] = v->blocks[i];
  if (count) qsort(there, count, sizeof *there, by_bytes);
  text_puts(t, "<p>An arena of ");
  page_count(t, v->bytes);
  text_puts(t, " bytes; most is in use, ");
  page_count(t, v->most);
  text_puts(t, ", where these live:</p>\n<ul>\n");
  for (uint32_t i = 0; i < count; i++) {
    text_puts(t, "<li>");
    page_escape(t, block_name(v, &there[i]));
    text_puts(t, ": ");
    page_count(t, there[i].bytes);
    text_puts(t, " bytes</li>\n");
  }
  text_puts(t, "</ul>\n");
}

static void put_view(struct text *t, const struct page *p) {
  struct arena_view v = {.page = p, .scale = {t, plan_length(p->arena_plan)}};
  int top = TOP + CURVE_HIGH + GAP;
  v.count = arena_blocks(p->arena, p->arena_plan, &v.blocks);
  v.bytes = p->arena_plan->machine.resources[MEMORY_ARENA].bytes;
  if (v.bytes < 1) v.bytes = 1;
  v.used = plan_used(p->arena, p->arena_plan, MEMORY_ARENA);
  for (uint32_t i = 0; i < p->arena_plan->n_events; i++) {
    if (p->arena_plan->events[i].action != ACTION_RUN || v.used[i] <= v.most) continue;
    v.when = p->arena_plan->events[i].start;
    v.most = v.used[i];
  }
  begin_picture(t, "Bytes in use, and whose each address is, layer after layer",
                top + ARENA_HIGH + 22);
  put_bytes(&v, TOP, CURVE_HIGH, "bytes in use");
  put_curve(&v, false);
  put_curve(&v, true);
  put_bytes(&v, top, ARENA_HIGH, "address");
  for (uint32_t i = 0; i < v.count; i++) put_block(&v, &v.blocks[i], top);
  text_printf(t, "<path class=\"period\" d=\"M%.1f %dV%d\"/>\n", across(&v.scale, v.when + 0.5),
              TOP - 4, top + ARENA_HIGH);
  text_printf(t, "<text class=\"label\" x=\"%d\" y=\"%d\">input, then layer after layer</text>\n",
              LEFT, top + ARENA_HIGH + 16);
  end_picture(t);
  put_most(&v);
}

void page_put_arena(struct text *t, const struct page *p) {
  page_section(t, "arena", "Arena",
               "The same network on a microcontroller, its integers in one array of bytes: what is "
               "in use when which layer is computed, and which address is whose. Dashed: where "
               "most is in use.");
  if (p->arena_plan)
    put_view(t, p);
  else
    page_absent(t, "No arena", p->why_arena);
  page_section_end(t);
}
