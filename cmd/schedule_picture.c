// SPDX-License-Identifier: Apache-2.0
// The schedule as an SVG: a lane per node with what it runs, coloured by layer, and below that when
// tokens come in; of many nodes the busiest.
#include "cmd/schedule.h"
#include "sw/base/file.h"

#include <stdlib.h>
#include <string.h>

enum {
  WIDTH = 960,
  LEFT = 70,
  RIGHT = 20,
  TOP = 70,
  LANE = 26,
  RUN_HIGH = 14,
  TAKE_HIGH = 5,
  LANES_MOST = 16,
  NAMES_MOST = 8
};

struct lane_piece {
  int64_t from, to;
  uint32_t layer;
};

struct picture {
  struct arena *arena;
  struct text *text;
  const struct schedule *s;
  uint32_t n_lanes;
  uint32_t lanes[LANES_MOST]; // nodes
};

static double across(const struct picture *p, int64_t cycle) {
  return LEFT + (double)cycle / (double)p->s->length * (WIDTH - LEFT - RIGHT);
}

static void put_word(struct text *t, const char *word) {
  for (; *word; word++)
    if (*word == '<' || *word == '&' || *word == '>' || (unsigned char)*word < ' ')
      text_printf(t, "&#%d;", *word < ' ' && *word > 0 ? '.' : *word);
    else
      text_printf(t, "%c", *word);
}

static int hue_of(uint32_t layer) {
  return (int)(layer * 137 % 360);
}

static int by_from(const void *x, const void *y) {
  const struct lane_piece *a = x, *b = y;
  return a->from < b->from ? -1 : a->from > b->from;
}

// Pieces side by side of one layer are one; what is nearer than the picture can show, too.
static uint32_t thin(const struct picture *p, struct lane_piece *pieces, uint32_t count) {
  uint32_t kept = 0;
  int64_t near = p->s->length / (2 * WIDTH);
  qsort(pieces, count, sizeof *pieces, by_from);
  for (uint32_t i = 0; i < count; i++) {
    struct lane_piece *last = kept ? &pieces[kept - 1] : NULL;
    if (last && last->layer == pieces[i].layer && pieces[i].from - last->to <= near) {
      if (pieces[i].to > last->to) last->to = pieces[i].to;
      continue;
    }
    pieces[kept++] = pieces[i];
  }
  return kept;
}

static const char *layer_name(const struct picture *p, uint32_t layer) {
  const struct actor_layer *l = &p->s->actors->layers[layer];
  return l->node == NONE ? "image" : p->s->actors->graph->nodes[l->node].name;
}

static void put_runs(const struct picture *p, uint32_t node, double y) {
  const struct actors *v = p->s->actors;
  struct lane_piece *pieces = ARENA_NEW(p->arena, struct lane_piece, v->n_actors + 1);
  uint32_t count = 0;
  for (uint32_t i = 0; i < v->n_actors; i++) {
    const struct firing *f = &p->s->firings[i];
    if (f->node == node && f->end > f->start)
      pieces[count++] = (struct lane_piece){f->start, f->end, v->actors[i].layer};
  }
  count = thin(p, pieces, count);
  for (uint32_t i = 0; i < count; i++) {
    double x = across(p, pieces[i].from), wide = across(p, pieces[i].to) - x;
    text_printf(p->text,
                "<rect class=\"run\" x=\"%.1f\" y=\"%.1f\" width=\"%.1f\" height=\"%d\" "
                "fill=\"hsl(%d 55%% 55%%)\"><title>",
                x, y, wide < 0.5 ? 0.5 : wide, RUN_HIGH, hue_of(pieces[i].layer));
    put_word(p->text, layer_name(p, pieces[i].layer));
    text_printf(p->text, ": cycles %lld to %lld</title></rect>\n", (long long)pieces[i].from,
                (long long)pieces[i].to);
  }
}

static void put_takes(const struct picture *p, uint32_t node, double y) {
  const struct schedule *s = p->s;
  struct lane_piece *pieces = ARENA_NEW(p->arena, struct lane_piece, s->n_hops + 1);
  uint32_t count = 0;
  for (uint32_t i = 0; i < s->n_hops; i++) {
    const struct hop *h = &s->hops[i];
    int64_t from = h->start + s->machine->latency;
    if (s->machine->topology->to[h->link] == node)
      pieces[count++] = (struct lane_piece){from, from + schedule_frames(s, h->token), 0};
  }
  count = thin(p, pieces, count);
  for (uint32_t i = 0; i < count; i++) {
    double x = across(p, pieces[i].from), wide = across(p, pieces[i].to) - x;
    text_printf(p->text,
                "<rect class=\"take\" x=\"%.1f\" y=\"%.1f\" width=\"%.1f\" height=\"%d\" "
                "fill=\"#888\"/>\n",
                x, y, wide < 0.5 ? 0.5 : wide, TAKE_HIGH);
  }
}

static void put_names(const struct picture *p, int y) {
  double x = LEFT;
  uint32_t shown = 0;
  for (uint32_t i = 0; i < p->s->actors->n_layers; i++) {
    if (p->s->actors->layers[i].node == NONE) continue;
    if (shown++ == NAMES_MOST) break;
    text_printf(p->text,
                "<rect x=\"%.0f\" y=\"%d\" width=\"10\" height=\"10\" fill=\"hsl(%d 55%% 55%%)\"/>"
                "<text x=\"%.0f\" y=\"%d\">",
                x, y - 9, hue_of(i), x + 14, y);
    put_word(p->text, layer_name(p, i));
    text_puts(p->text, "</text>\n");
    x += 110;
  }
}

static void put_axis(const struct picture *p, int bottom) {
  for (int i = 0; i <= 4; i++) {
    int64_t cycle = p->s->length * i / 4;
    text_printf(p->text,
                "<line x1=\"%.1f\" x2=\"%.1f\" y1=\"%d\" y2=\"%d\" stroke=\"#8884\"/>"
                "<text x=\"%.1f\" y=\"%d\" text-anchor=\"middle\">%lld</text>\n",
                across(p, cycle), across(p, cycle), TOP - 6, bottom, across(p, cycle), bottom + 16,
                (long long)cycle);
  }
  for (int64_t at = p->s->period; at && at < p->s->length; at += p->s->period)
    text_printf(
        p->text,
        "<line class=\"period\" x1=\"%.1f\" x2=\"%.1f\" y1=\"%d\" y2=\"%d\" stroke=\"#c33\" "
        "stroke-dasharray=\"6 3\"/>\n",
        across(p, at), across(p, at), TOP - 6, bottom);
}

static void put_lanes(const struct picture *p) {
  for (uint32_t i = 0; i < p->n_lanes; i++) {
    int y = TOP + (int)i * LANE;
    text_printf(p->text, "<text x=\"%d\" y=\"%d\" text-anchor=\"end\">node %u</text>\n", LEFT - 6,
                y + RUN_HIGH - 3, p->lanes[i]);
    put_runs(p, p->lanes[i], y);
    put_takes(p, p->lanes[i], y + RUN_HIGH + 1);
  }
}

bool schedule_picture(const struct schedule_report *r, const char *path, struct err *e) {
  struct text t = {0};
  const struct schedule *s = r->schedule;
  struct picture p = {.arena = r->arena, .text = &t, .s = s};
  p.n_lanes = schedule_busiest(r, LANES_MOST, p.lanes);
  uint32_t more = s->machine->topology->nodes - p.n_lanes;
  int bottom = TOP + (int)p.n_lanes * LANE;
  text_printf(&t,
              "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 %d %d\" "
              "font-family=\"sans-serif\" font-size=\"12\" fill=\"#555\">\n<title>",
              WIDTH, bottom + 50);
  put_word(&t, r->model);
  text_printf(&t, "</title>\n<rect width=\"%d\" height=\"%d\" fill=\"#fff\"/>\n", WIDTH,
              bottom + 50);
  text_printf(&t, "<text x=\"%d\" y=\"24\" font-size=\"15\" fill=\"#222\">", LEFT);
  put_word(&t, r->model);
  text_printf(&t, " on %u nodes (%s): %lld cycles</text>\n", s->machine->topology->nodes,
              topology_name(s->machine->topology->kind), (long long)s->length);
  put_names(&p, 46);
  put_axis(&p, bottom);
  put_lanes(&p);
  text_printf(&t, "<text x=\"%d\" y=\"%d\">cycles; grey: tokens come in%s", LEFT, bottom + 36,
              s->period ? "; dashed: the next image" : "");
  if (more) text_printf(&t, "; and %u more nodes", more);
  text_puts(&t, "</text>\n</svg>\n");
  bool ok = file_write(path, t.data, t.size, e);
  text_free(&t);
  return ok;
}
