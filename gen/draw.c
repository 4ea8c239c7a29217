// SPDX-License-Identifier: Apache-2.0
#include "gen/draw.h"

#include "gen/page_parts.h"

#include <string.h>

// In hundredths of the height of a character.
enum { NAME_WIDTH = 1350, DETAIL_WIDTH = 1800, LABEL_WIDTH = 1250 };

// ---- text that fits

// About the width of a character of a bold sans serif, in hundredths of its height.
static int width_of(uint32_t code) {
  if (code >= 0x1100) return 110;
  if (code >= 0x80) return 85;
  if (strchr("mwMW@%", (int)code)) return 105;
  if (strchr("<>=+~^#&?$", (int)code)) return 86;
  if (strchr("iljtf.,:;'|!()[]", (int)code)) return 44;
  return code >= 'A' && code <= 'Z' ? 82 : 70;
}

// The first characters of a name that take no more than `most` hundredths of their height.
static const char *fitting(struct arena *a, const char *s, int most) {
  int used = 0;
  for (const char *p = s; *p;) {
    uint32_t code;
    size_t bytes = text_character(p, &code);
    used += !bytes || text_harmful(code) ? 4 * 70 : width_of(code); // as \xNN
    if (used > most) return arena_printf(a, "%.*s\u2026", (int)(p - s), s);
    p += bytes ? bytes : 1;
  }
  return s;
}

// ---- nodes

void draw_words(struct text *t, struct arena *a, const struct layout_node *n, const char *name,
                const char *detail) {
  text_printf(t, "<text class=\"name\" x=\"%d\" y=\"%d\">", n->x, n->y + 21);
  page_escape(t, fitting(a, name, NAME_WIDTH));
  text_printf(t, "</text><text class=\"detail\" x=\"%d\" y=\"%d\">", n->x, n->y + 37);
  page_escape(t, fitting(a, detail, DETAIL_WIDTH));
  text_puts(t, "</text></g>\n");
}

void draw_box(struct text *t, const char *class, const struct layout_node *n, const char *name,
              const char *detail) {
  text_printf(t, "<g class=\"node %s\"><title>", class);
  page_escape(t, name);
  text_puts(t, ", ");
  page_escape(t, detail);
  text_printf(t, "</title><rect x=\"%d\" y=\"%d\" width=\"%d\" height=\"%d\" rx=\"%d\"/>",
              n->x - LAYOUT_WIDTH / 2, n->y, LAYOUT_WIDTH, LAYOUT_HEIGHT,
              strcmp(class, "port") == 0 ? LAYOUT_HEIGHT / 2 : 6);
}

// ---- edges

// Straight past the nodes of a layer, curved between two.
void draw_line(struct text *t, const struct layout_edge *e, int layer) {
  int y = layout_top(layer) + LAYOUT_HEIGHT, last = e->n_points - 1;
  text_printf(t, "<path class=\"line\" d=\"M%d %d", e->x[0], y);
  for (int i = 0; i < last; i++) {
    int next = layout_top(layer + i + 1);
    if (i) text_printf(t, "V%d", y);
    if (e->x[i] == e->x[i + 1])
      text_printf(t, "V%d", next);
    else
      text_printf(t, "C%d %d %d %d %d %d", e->x[i], y + 44, e->x[i + 1], next - 44, e->x[i + 1],
                  next);
    y = next + LAYOUT_HEIGHT;
  }
  text_puts(t, "\"/>");
}

void draw_arrow(struct text *t, const struct layout_edge *e, int layer) {
  if (e->up)
    text_printf(t, "<path class=\"arrow\" d=\"M%d %dl-4 8h8z\"/>\n", e->x[0],
                layout_top(layer) + LAYOUT_HEIGHT);
  else
    text_printf(t, "<path class=\"arrow\" d=\"M%d %dl-4 -8h8z\"/>\n", e->x[e->n_points - 1],
                layout_top(layer + e->n_points - 1));
}

static uint32_t leaving(const struct layout *l, uint32_t node) {
  uint32_t n = 0;
  for (uint32_t k = 0; k < l->n_edges; k++) n += l->edges[k].from == node;
  return n;
}

// Whether the label of an edge stands at its upper end, which it has for itself.
bool draw_labelled_above(const struct layout *l, const struct layout_edge *e) {
  return e->up || leaving(l, e->from) == 1;
}

// Away from where the edge turns.
static void begin_label(struct text *t, const struct layout *l, const struct layout_edge *e,
                        int layer, int line) {
  int last = e->n_points - 1;
  bool above = draw_labelled_above(l, e);
  int at = above ? e->x[0] : e->x[last], next = above ? e->x[1] : e->x[last - 1];
  int y = above ? layout_top(layer) + LAYOUT_HEIGHT + 14 : layout_top(layer + last) - 20;
  text_printf(t, "<text class=\"label\" x=\"%d\" y=\"%d\"%s>", next > at ? at - 7 : at + 7,
              y + 13 * line, next > at ? " text-anchor=\"end\"" : "");
}

void draw_label(struct text *t, struct arena *a, const struct layout *l,
                const struct layout_edge *e, int layer, const struct text lines[2]) {
  for (int i = 0; i < 2; i++) {
    begin_label(t, l, e, layer, i);
    page_escape(t, fitting(a, lines[i].data, LABEL_WIDTH));
    text_puts(t, "</text>");
  }
  text_puts(t, "\n");
}
