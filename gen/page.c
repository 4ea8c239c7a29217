// SPDX-License-Identifier: Apache-2.0
#include "gen/page_parts.h"

#include "gen/picture.h"

#include "sw/base/file.h"
#include "sw/base/library.h"
#include "sw/base/sha256.h"

#include <stdlib.h>
#include <string.h>

enum { FILE_MAX = 1 << 20 };

const char *page_name(const struct page *p, uint32_t cell) {
  return p->names[cell] ? p->names[cell] : p->circuit->cells[cell].name;
}

const char *page_kind(const struct page *p, uint32_t cell) {
  static const char *const kinds[] = {
      [CELL_FRAME] = "frame",   [CELL_RESIZE] = "resize", [CELL_REGISTER] = "register",
      [CELL_TRIM] = "trim",     [CELL_FORK] = "fork",     [CELL_QUEUE] = "queue",
      [CELL_GROUP] = "group",   [CELL_CAST] = "cast",     [CELL_CONSTANT] = "constant",
      [CELL_WINDOW] = "window", [CELL_SLIDE] = "slide",   [CELL_STATE] = "state"};
  const struct cell *c = &p->circuit->cells[cell];
  if (circuit_is_line(c)) return "line buffer";
  return c->kind == CELL_LAYER ? op_info(p->circuit->graph->nodes[c->node].op)->name
                               : kinds[c->kind];
}

// ---- the head

// A figure with its name.
static void put_tile(struct text *t, const char *name, const char *unit, int64_t v) {
  text_printf(t, "<div><dt>%s</dt><dd>", name);
  page_count(t, v);
  text_printf(t, "%s%s%s</dd></div>\n", *unit ? " <small>" : "", unit, *unit ? "</small>" : "");
}

// The first of several types, each once.
enum { TYPES_SHOWN = 4 };
struct types {
  int count;
  const char *text[TYPES_SHOWN];
  bool more;
};

static void add_type(struct types *s, const char *type) {
  for (int i = 0; i < s->count; i++)
    if (strcmp(s->text[i], type) == 0) return;
  if (s->count < TYPES_SHOWN)
    s->text[s->count++] = type;
  else
    s->more = true;
}

static void put_types(struct text *t, const char *name, const struct types *s) {
  if (!s->count) return;
  text_printf(t, "<div><dt>%s</dt><dd%s>", name, s->count > 1 ? " class=\"several\"" : "");
  for (int i = 0; i < s->count; i++) {
    text_puts(t, i ? "; " : "");
    page_escape(t, s->text[i]);
  }
  text_printf(t, "%s</dd></div>\n", s->more ? "; ..." : "");
}

static void put_precision(struct text *t, const struct page *p) {
  const struct graph *g = p->circuit->graph;
  struct types streams = {0}, weights = {0};
  for (uint32_t i = 0; i < p->circuit->n_streams; i++)
    add_type(&streams, type_text(p->arena, &p->circuit->streams[i]->type));
  for (uint32_t i = 0; i < p->circuit->n_cells; i++) {
    const struct cell *c = &p->circuit->cells[i];
    const struct node *n = c->kind == CELL_LAYER ? &g->nodes[c->node] : NULL;
    if (n && op_is(n->op, TRAIT_WEIGHTS))
      add_type(&weights, type_text(p->arena, &node_in(g, n, 1)->type));
  }
  put_types(t, "Precision", &streams);
  put_types(t, "Weights", &weights);
}

static void put_tiles(struct text *t, const struct page *p) {
  const struct circuit *c = p->circuit;
  uint32_t layers = 0;
  for (uint32_t i = 0; i < c->n_cells; i++) layers += c->cells[i].kind == CELL_LAYER;
  text_puts(t, "<dl class=\"tiles\">\n");
  put_tile(t, "Initiation interval", "cycles", c->ii);
  put_tile(t, "Latency", "cycles", c->latency);
  put_tile(t, "Multipliers", "", c->multipliers);
  put_tile(t, "Memory", "bits", c->memory_bits);
  put_tile(t, "Layers", "", layers);
  put_tile(t, "Other cells", "", c->n_cells - layers);
  put_precision(t, p);
  text_puts(t, "</dl>\n");
}

static void put_head(struct text *t, const struct page *p) {
  text_puts(t, "<header>\n<p class=\"brand\">nngen report</p>\n<h1>");
  page_escape(t, p->name);
  text_puts(t, "</h1>\n<p class=\"of\">");
  page_escape(t, p->source);
  if (p->sha256[0]) {
    text_puts(t, "<br>SHA-256 <code>");
    page_escape(t, p->sha256);
    text_puts(t, "</code>");
  }
  text_puts(t, "</p>\n");
  put_tiles(t, p);
  text_puts(t, "</header>\n");
}

static void put_warnings(struct text *t, const struct page *p) {
  if (!p->warnings->count) return;
  page_section(t, "warnings", "Warnings", NULL);
  text_puts(t, "<ul class=\"warnings\">\n");
  for (uint32_t i = 0; i < p->warnings->count; i++) {
    text_puts(t, "<li><b>");
    page_escape(t, p->warnings->list[i].layer);
    text_puts(t, "</b>: ");
    page_escape(t, p->warnings->list[i].text);
    text_puts(t, "</li>\n");
  }
  text_puts(t, "</ul>\n");
  page_section_end(t);
}

// ---- the whole

// The sections in their order, each with its place in the list of contents.
static const struct {
  const char *id, *title;
  void (*put)(struct text *t, const struct page *p);
} sections[] = {{"graph", "Circuit", page_put_circuit},
                {"layers", "Layers", page_put_layers},
                {"busy", "Utilisation", page_put_busy},
                {"latency", "Latency", page_put_waterfall},
                {"lanes", "Frames", page_put_lanes},
                {"queues", "Queues", page_put_queues},
                {"cost", "Cost", page_put_split},
                {"plans", "Choices", page_put_plans},
                {"arena", "Arena", page_put_arena},
                {"quantisation", "Quantisation", page_put_streams},
                {"accuracy", "Accuracy", page_put_answers},
                {"simulation", "Simulation", page_put_simulation},
                {"synthesis", "Synthesis", page_put_synthesis}};
enum { SECTIONS = sizeof sections / sizeof *sections };

static void put_contents(struct text *t) {
  text_puts(t, "<nav aria-label=\"Contents\"><ul>\n");
  for (int i = 0; i < SECTIONS; i++)
    text_printf(t, "<li><a href=\"#%s\">%s</a></li>\n", sections[i].id, sections[i].title);
  text_puts(t, "</ul></nav>\n");
}

// The digest in the form of a policy, base64.
static void put_digest(struct text *t, struct arena *a, const struct bytes *of) {
  const char *hex = sha256_hex(a, of->data, of->size);
  uint8_t digest[SHA256_DIGITS / 2];
  for (int i = 0; i < SHA256_DIGITS / 2; i++) {
    const char byte[] = {hex[2 * i], hex[2 * i + 1], 0};
    digest[i] = (uint8_t)strtoul(byte, NULL, 16);
  }
  picture_base64(t, digest, sizeof digest);
}

// Nothing is loaded and no script runs but the page's own, whatever a name says.
static void put_policy(struct text *t, struct arena *a, const struct bytes *script) {
  text_puts(t, "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; "
               "img-src data:; style-src 'unsafe-inline'; script-src 'sha256-");
  put_digest(t, a, script);
  text_puts(t, "'\">\n");
}

static bool read_own(struct arena *a, const char *name, struct bytes *out, struct err *e) {
  return file_read(a, library_path(a, name), FILE_MAX, out, e);
}

bool page_put(struct text *t, const struct page *p, struct err *e) {
  struct bytes style, script;
  if (!read_own(p->arena, "gen/page/page.css", &style, e) ||
      !read_own(p->arena, "gen/page/page.js", &script, e))
    return false;
  text_puts(t, "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n");
  put_policy(t, p->arena, &script);
  text_puts(t, "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n"
               "<meta name=\"color-scheme\" content=\"light dark\">\n<title>");
  page_escape(t, p->name);
  text_puts(t, " - nngen report</title>\n<style>\n");
  text_put(t, (const char *)style.data, style.size);
  text_puts(t, "</style>\n</head>\n<body>\n");
  put_head(t, p);
  put_contents(t);
  text_puts(t, "<main>\n");
  put_warnings(t, p);
  for (int i = 0; i < SECTIONS; i++) sections[i].put(t, p);
  text_puts(t, "</main>\n<footer><p>nngen ");
  page_escape(t, p->version);
  text_puts(t, "</p></footer>\n<script>");
  text_put(t, (const char *)script.data, script.size);
  text_puts(t, "</script>\n</body>\n</html>\n");
  return true;
}
