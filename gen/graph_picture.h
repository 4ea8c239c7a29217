// SPDX-License-Identifier: Apache-2.0
// A graph as a drawing: its layers, and the values between them with shape and type.
#ifndef NNGEN_GEN_GRAPH_PICTURE_H
#define NNGEN_GEN_GRAPH_PICTURE_H

#include "sw/base/text.h"
#include "sw/graph/graph.h"

// As text for Graphviz (dot -Tpdf net.dot -o net.pdf).
void graph_dot(struct arena *a, const struct graph *g, struct text *out);

// As an SVG picture of its own, in light and dark.
void graph_svg(struct arena *a, const struct graph *g, struct text *out);

#endif
