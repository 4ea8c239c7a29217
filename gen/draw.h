// SPDX-License-Identifier: Apache-2.0
// What drawings of graphs are made of, in SVG, whose classes page.css colours: boxes with words,
// lines between them, arrows, labels. Where they stand says a layout.
#ifndef NNGEN_GEN_DRAW_H
#define NNGEN_GEN_DRAW_H

#include "gen/page_layout.h"
#include "sw/base/text.h"

#include <stdbool.h>

// A node's box, with a title that the pointer shows: what isn't ended by draw_words.
void draw_box(struct text *t, const char *class, const struct layout_node *n, const char *name,
              const char *detail);
// Name and detail, as far as they fit, and the end of the box.
void draw_words(struct text *t, struct arena *a, const struct layout_node *n, const char *name,
                const char *detail);

// An edge whose upper end is in `layer`.
void draw_line(struct text *t, const struct layout_edge *e, int layer);
void draw_arrow(struct text *t, const struct layout_edge *e, int layer);
// Two lines at the end that it has for itself: whether that is the upper one.
bool draw_labelled_above(const struct layout *l, const struct layout_edge *e);
void draw_label(struct text *t, struct arena *a, const struct layout *l,
                const struct layout_edge *e, int layer, const struct text lines[2]);

#endif
