// SPDX-License-Identifier: Apache-2.0
#include "gen/graph_picture.h"

#include "gen/draw.h"
#include "gen/page_parts.h"
#include "sw/graph/slice.h"

// Nodes of the drawing: inputs, layers, outputs. Tensors aren't drawn: a layer says how many
// weights it has.
struct picture {
  struct arena *arena;
  const struct graph *graph;
  uint32_t n_nodes, n_edges;
  struct layout_edge *edge; // (n_edges)
  const struct use **use;   // (n_edges) the value of each, and its delay
};

// ---- what there is

static int32_t drawn_from(const struct picture *p, uint32_t value) {
  const struct graph *g = p->graph;
  if (g->values[value].node != NONE) return (int32_t)g->n_inputs + g->values[value].node;
  for (uint32_t i = 0; i < g->n_inputs; i++)
    if (g->inputs[i].value == value) return (int32_t)i;
  return NONE;
}

static void add_edge(struct picture *p, const struct use *use, uint32_t to) {
  int32_t from = drawn_from(p, use->value);
  if (from == NONE) return;
  p->edge[p->n_edges] = (struct layout_edge){.from = (uint32_t)from, .to = to};
  p->use[p->n_edges++] = use;
}

static struct picture picture_of(struct arena *a, const struct graph *g) {
  struct picture p = {.arena = a, .graph = g, .n_nodes = g->n_inputs + g->n_nodes + g->n_outputs};
  uint32_t most = g->n_outputs;
  for (uint32_t i = 0; i < g->n_nodes; i++) most += g->nodes[i].n_in;
  p.edge = ARENA_NEW(a, struct layout_edge, most + 1);
  p.use = ARENA_NEW(a, const struct use *, most + 1);
  for (uint32_t i = 0; i < g->n_nodes; i++)
    for (uint32_t k = 0; k < g->nodes[i].n_in; k++)
      add_edge(&p, &g->nodes[i].in[k], g->n_inputs + i);
  for (uint32_t i = 0; i < g->n_outputs; i++) {
    struct use *use = ARENA_NEW(a, struct use, 1);
    use->value = g->outputs[i];
    add_edge(&p, use, g->n_inputs + g->n_nodes + i);
  }
  return p;
}

static const struct node *node_of(const struct picture *p, uint32_t i) {
  bool node = i >= p->graph->n_inputs && i < p->graph->n_inputs + p->graph->n_nodes;
  return node ? &p->graph->nodes[i - p->graph->n_inputs] : NULL;
}

static const char *name_of(const struct picture *p, uint32_t i) {
  const struct graph *g = p->graph;
  if (node_of(p, i)) return node_of(p, i)->name;
  return g->values[i < g->n_inputs ? g->inputs[i].value : g->outputs[i - g->n_inputs - g->n_nodes]]
      .name;
}

// Its kind, and what it costs.
static const char *detail_of(const struct picture *p, uint32_t i) {
  const struct node *n = node_of(p, i);
  struct text t = {0};
  if (!n) return i < p->graph->n_inputs ? "input" : "output";
  int64_t weights = 0;
  for (uint32_t k = 0; k < n->n_in; k++)
    if (node_in(p->graph, n, k)->init) weights += value_connections(node_in(p->graph, n, k));
  text_puts(&t, op_info(n->op)->name);
  if (weights) {
    text_puts(&t, " \u00b7 ");
    page_count(&t, weights);
    text_puts(&t, weights == 1 ? " weight" : " weights");
  }
  const char *detail = arena_strdup(p->arena, t.data);
  text_free(&t);
  return detail;
}

static const char *class_of(const struct picture *p, uint32_t i) {
  const struct node *n = node_of(p, i);
  if (!n) return "port";
  if (op_is(n->op, TRAIT_HOLDS | TRAIT_REFERS)) return "mem";
  if (op_is(n->op, TRAIT_ALIAS | TRAIT_REORDERS | TRAIT_PARTS | TRAIT_CASTS)) return "move";
  return node_macs(p->graph, n) ? "mul" : "layer";
}

// Shape and type; of a frame before, z^-1 as in signal processing.
static void label_of(const struct picture *p, uint32_t edge, struct text lines[2]) {
  const struct use *use = p->use[edge];
  const struct value *v = &p->graph->values[use->value];
  static const char *const digits[] = {"\u2070", "\u00b9", "\u00b2", "\u00b3", "\u2074",
                                       "\u2075", "\u2076", "\u2077", "\u2078", "\u2079"};
  char number[16];
  snprintf(number, sizeof number, "%u", use->delay);
  if (use->delay) text_puts(&lines[0], "z\u207b");
  for (const char *d = number; use->delay && *d; d++) text_puts(&lines[0], digits[*d - '0']);
  if (use->delay) text_puts(&lines[0], " ");
  page_shape(&lines[0], v->rank, v->shape);
  text_puts(&lines[1], type_text(p->arena, &v->type));
}

// ---- Graphviz

// Between double quotes.
static void put_quoted(struct text *t, const char *s) {
  struct text plain = {0};
  text_put_escaped(&plain, s);
  for (size_t i = 0; i < plain.size; i++) {
    if (plain.data[i] == '"' || plain.data[i] == '\\') text_puts(t, "\\");
    text_put(t, &plain.data[i], 1);
  }
  text_free(&plain);
}

static void put_dot_node(struct text *t, const struct picture *p, uint32_t i) {
  text_printf(t, "  n%u [label=\"", i);
  put_quoted(t, name_of(p, i));
  text_printf(t, "\\n%s\"%s];\n", detail_of(p, i), node_of(p, i) ? "" : " shape=ellipse");
}

static void put_dot_edge(struct text *t, const struct picture *p, uint32_t edge) {
  struct text lines[2] = {{0}, {0}};
  label_of(p, edge, lines);
  text_printf(t, "  n%u -> n%u [label=\"%s\\n", p->edge[edge].from, p->edge[edge].to,
              lines[0].data);
  put_quoted(t, lines[1].data);
  text_printf(t, "\"%s];\n", p->use[edge]->delay ? " style=dashed" : "");
  for (int i = 0; i < 2; i++) text_free(&lines[i]);
}

void graph_dot(struct arena *a, const struct graph *g, struct text *out) {
  struct picture p = picture_of(a, g);
  text_puts(out, "digraph \"");
  put_quoted(out, g->name);
  text_puts(out, "\" {\n  node [shape=box style=rounded fontname=\"sans-serif\" fontsize=11];\n"
                 "  edge [fontname=\"sans-serif\" fontsize=9];\n");
  for (uint32_t i = 0; i < p.n_nodes; i++) put_dot_node(out, &p, i);
  for (uint32_t i = 0; i < p.n_edges; i++) put_dot_edge(out, &p, i);
  text_puts(out, "}\n");
}

// ---- SVG

// The colours of the page's drawings (gen/page/page.css), without variables: not every program that
// shows SVG knows them.
static const char style[] =
    "svg { background: #ffffff; font-family: system-ui, sans-serif; }\n"
    ".node rect { stroke-width: 1.25; fill: #edf0f3; stroke: #67727f; }\n"
    ".mul rect { fill: #dfe9fa; stroke: #2f5fb3; }\n"
    ".layer rect { fill: #d9f1ea; stroke: #12806a; }\n"
    ".mem rect { fill: #fbe8d3; stroke: #a2560b; }\n"
    ".node text { text-anchor: middle; fill: #18212b; }\n"
    ".node .name { font-size: 13px; font-weight: 600; }\n"
    ".node .detail { font-size: 11px; fill: #566372; }\n"
    ".line { fill: none; stroke: #67727f; stroke-width: 1.5; }\n"
    ".arrow { fill: #67727f; }\n"
    ".label { font-size: 11px; fill: #566372; paint-order: stroke; stroke: #ffffff;\n"
    "  stroke-width: 3px; stroke-linejoin: round; }\n"
    "@media (prefers-color-scheme: dark) {\n"
    "  svg { background: #171e26; }\n"
    "  .node rect { fill: #242d37; stroke: #93a0ae; }\n"
    "  .mul rect { fill: #1d2f4d; stroke: #7ea8f0; }\n"
    "  .layer rect { fill: #15382f; stroke: #5cc7ac; }\n"
    "  .mem rect { fill: #402a13; stroke: #e3a35c; }\n"
    "  .node text { fill: #e6ebf0; }\n"
    "  .node .detail { fill: #9fadbb; }\n"
    "  .line { stroke: #93a0ae; }\n"
    "  .arrow { fill: #93a0ae; }\n"
    "  .label { fill: #9fadbb; stroke: #171e26; }\n"
    "}\n";

static void put_svg_edge(struct text *t, const struct picture *p, const struct layout *l,
                         uint32_t edge) {
  const struct layout_edge *e = &l->edges[edge];
  struct text lines[2] = {{0}, {0}};
  int from = l->nodes[e->up ? e->to : e->from].layer;
  draw_line(t, e, from);
  draw_arrow(t, e, from);
  label_of(p, edge, lines);
  draw_label(t, p->arena, l, e, from, lines);
  for (int i = 0; i < 2; i++) text_free(&lines[i]);
}

void graph_svg(struct arena *a, const struct graph *g, struct text *out) {
  struct picture p = picture_of(a, g);
  struct layout l = layout_make(a, p.n_nodes, g->n_inputs, p.edge, p.n_edges);
  text_printf(out,
              "<svg xmlns=\"http://www.w3.org/2000/svg\" role=\"img\" viewBox=\"0 0 %d %d\" "
              "width=\"%d\" height=\"%d\">\n<title>",
              l.width, l.height, l.width, l.height);
  page_escape(out, g->name);
  text_printf(out, "</title>\n<style>\n%s</style>\n", style);
  for (uint32_t i = 0; i < l.n_edges; i++) put_svg_edge(out, &p, &l, i);
  for (uint32_t i = 0; i < p.n_nodes; i++) {
    const char *name = name_of(&p, i), *detail = detail_of(&p, i);
    draw_box(out, class_of(&p, i), &l.nodes[i], name, detail);
    draw_words(out, a, &l.nodes[i], name, detail);
  }
  text_puts(out, "</svg>\n");
}
