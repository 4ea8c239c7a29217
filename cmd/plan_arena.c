// SPDX-License-Identifier: Apache-2.0
#include "cmd/plan_arena.h"

#include <string.h>

enum {
  WIDTH = 960,
  LEFT = 80,
  RIGHT = 20,
  CURVE_TOP = 50,
  CURVE_HIGH = 140,
  BLOCKS_TOP = 240,
  BLOCKS_HIGH = 320,
  HEIGHT = 610,
  LETTER = 7,    // pixels of one, of names in rectangles
  NAME_HIGH = 14 // that a name needs
};

struct picture {
  struct text *text;
  const struct plan *plan;
  const struct arena_block *blocks;
  uint32_t count;
  int64_t bytes; // at the top of both parts
  double steps;
};

static double across(const struct picture *p, double at) {
  return LEFT + at / p->steps * (WIDTH - LEFT - RIGHT);
}

static double down(const struct picture *p, int top, int high, int64_t bytes) {
  return top + high * (1 - (double)bytes / (double)p->bytes);
}

static void put_word(struct text *t, const char *word) {
  for (; *word; word++)
    if (*word == '<' || *word == '&' || *word == '>')
      text_printf(t, "&#%d;", *word);
    else
      text_printf(t, "%c", *word);
}

// Bytes to the left of a part.
static void put_scale(const struct picture *p, int top, int high) {
  for (int i = 0; i <= 4; i++) {
    int64_t bytes = p->bytes * i / 4;
    double y = down(p, top, high, bytes);
    text_printf(p->text,
                "<line x1=\"%d\" x2=\"%d\" y1=\"%.1f\" y2=\"%.1f\" stroke=\"#8884\"/>\n"
                "<text x=\"%d\" y=\"%.1f\" text-anchor=\"end\">%lld</text>\n",
                LEFT, WIDTH - RIGHT, y, y, LEFT - 6, y + 4, (long long)bytes);
  }
}

static void put_curve(const struct picture *p) {
  double base = down(p, CURVE_TOP, CURVE_HIGH, 0);
  text_printf(p->text, "<path fill=\"#48a8\" stroke=\"#48a\" d=\"M%.1f %.1f", across(p, 0), base);
  struct arena scratch = {0};
  const int64_t *used = plan_used(&scratch, p->plan, MEMORY_ARENA);
  for (uint32_t i = 0; i < p->plan->n_events; i++) {
    if (p->plan->events[i].action != ACTION_RUN) continue;
    double y = down(p, CURVE_TOP, CURVE_HIGH, used[i]);
    text_printf(p->text, "V%.1fH%.1f", y, across(p, p->plan->events[i].end));
  }
  arena_free(&scratch);
  text_printf(p->text, "V%.1fZ\"/>\n", base);
}

static void put_block(const struct picture *p, const struct arena_block *b) {
  const char *name = b->name;
  double x = across(p, b->from), wide = across(p, b->to) - x;
  double y = down(p, BLOCKS_TOP, BLOCKS_HIGH, b->address + b->bytes);
  double high = down(p, BLOCKS_TOP, BLOCKS_HIGH, b->address) - y;
  int hue = (int)(b->order * 137 % 360);
  text_printf(p->text,
              "<g><rect x=\"%.1f\" y=\"%.1f\" width=\"%.1f\" height=\"%.1f\" "
              "fill=\"hsl(%d 55%% 60%% / .8)\" stroke=\"hsl(%d 55%% 35%%)\"/><title>",
              x, y, wide, high, hue, hue);
  put_word(p->text, name);
  text_printf(p->text, ": %lld bytes at %lld</title>", (long long)b->bytes, (long long)b->address);
  if (high >= NAME_HIGH && wide >= (double)(LETTER * strlen(name))) {
    text_printf(p->text, "<text x=\"%.1f\" y=\"%.1f\" text-anchor=\"middle\" fill=\"#000\">",
                x + wide / 2, y + high / 2 + 4);
    put_word(p->text, name);
    text_puts(p->text, "</text>");
  }
  text_puts(p->text, "</g>\n");
}

static void put_limit(const struct picture *p, int top, int high, int64_t limit) {
  double y = down(p, top, high, limit);
  text_printf(p->text,
              "<line x1=\"%d\" x2=\"%d\" y1=\"%.1f\" y2=\"%.1f\" stroke=\"#c33\" "
              "stroke-dasharray=\"6 3\"/>\n",
              LEFT, WIDTH - RIGHT, y, y);
}

void arena_picture(struct text *t, const char *title, const struct plan *plan, int64_t limit) {
  struct arena scratch = {0};
  struct picture p = {.text = t, .plan = plan, .steps = plan_length(plan)};
  p.count = arena_blocks(&scratch, plan, &p.blocks);
  int64_t bytes = plan->machine.resources[MEMORY_ARENA].bytes;
  bool near = limit <= 2 * bytes; // otherwise it would make the rest small
  p.bytes = near ? limit : bytes > 0 ? bytes : 1;
  text_printf(t,
              "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 %d %d\" "
              "font-family=\"sans-serif\" font-size=\"12\" fill=\"#555\">\n<title>",
              WIDTH, HEIGHT);
  put_word(t, title);
  text_printf(t, "</title>\n<rect width=\"%d\" height=\"%d\" fill=\"#fff\"/>\n", WIDTH, HEIGHT);
  text_printf(t, "<text x=\"%d\" y=\"24\" font-size=\"15\" fill=\"#222\">", LEFT);
  put_word(t, title);
  text_printf(t, ": arena of %lld bytes, limit %lld%s</text>\n", (long long)bytes, (long long)limit,
              near ? " (dashed)" : "");
  text_printf(t, "<text x=\"%d\" y=\"%d\">bytes in use</text>\n", LEFT, CURVE_TOP - 8);
  put_scale(&p, CURVE_TOP, CURVE_HIGH);
  put_curve(&p);
  text_printf(t, "<text x=\"%d\" y=\"%d\">address</text>\n", LEFT, BLOCKS_TOP - 8);
  put_scale(&p, BLOCKS_TOP, BLOCKS_HIGH);
  for (uint32_t i = 0; i < p.count; i++) put_block(&p, &p.blocks[i]);
  if (near) {
    put_limit(&p, CURVE_TOP, CURVE_HIGH, limit);
    put_limit(&p, BLOCKS_TOP, BLOCKS_HIGH, limit);
  }
  text_printf(t, "<text x=\"%d\" y=\"%d\">input, then layer after layer</text>\n</svg>\n", LEFT,
              HEIGHT - 20);
  arena_free(&scratch);
}
