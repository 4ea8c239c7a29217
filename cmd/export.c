// SPDX-License-Identifier: Apache-2.0
// export: a model -> a file of another program, a picture.
#include "sw/export/export.h"
#include "cmd/export.h"
#include "cmd/into.h"
#include "gen/graph_picture.h"
#include "quant/quantize.h"
#include "sw/base/file.h"
#include "sw/base/json.h"
#include "sw/export/real.h"
#include "sw/graph/model.h"
#include "sw/import/import.h"
#include "sw/pass/remember.h"

#include <string.h>

static const char *const forms[] = {
    [ONNX_FLOAT] = "float", [ONNX_QDQ] = "qdq", [ONNX_QONNX] = "qonnx"};
enum { FORMS = sizeof forms / sizeof *forms };

bool export_check(struct arena *a, const struct options *o, struct err *e) {
  bool known = !o->form;
  for (int i = 0; i < FORMS; i++) known |= o->form && strcmp(forms[i], o->form) == 0;
  if (!known) return err_set(e, "--form %s: expected float, qdq or qonnx", o->form);
  return command_check(a, o, e) && into_check(o, e);
}

// ---- ONNX

// Whether a float graph says of some value which integers it has.
static bool says_types(const struct graph *g) {
  bool says = false;
  for (uint32_t i = 0; i < g->n_nodes; i++) says |= op_is(g->nodes[i].op, TRAIT_NARROWS);
  for (uint32_t i = 0; i < g->n_values; i++)
    says |= g->values[i].init && type_is_integer(&g->values[i].type);
  return says;
}

static bool is_qdq(const struct type *t) {
  return type_is_fixed(t) && t->width == 8;
}

// QDQ is read by more programs; it has 8 bits in all of them.
static enum onnx_form form_of(const struct options *o, const struct graph *g) {
  bool qdq = true;
  for (int i = 0; i < FORMS; i++)
    if (o->form && strcmp(forms[i], o->form) == 0) return (enum onnx_form)i;
  if (!says_types(g)) return ONNX_FLOAT;
  for (uint32_t i = 0; i < g->n_nodes; i++) {
    const struct node *n = &g->nodes[i];
    if (op_is(n->op, TRAIT_NARROWS)) qdq &= is_qdq(&node_attr(n, ATTR_type)->type);
    const struct value *weights = op_is(n->op, TRAIT_WEIGHTS) ? node_in(g, n, 1) : NULL;
    if (weights && type_is_integer(&weights->type)) qdq &= is_qdq(&weights->type);
  }
  return qdq ? ONNX_QDQ : ONNX_QONNX;
}

static void say_notes(const struct options *o, const struct export_notes *notes) {
  for (uint32_t i = 0; i < notes->count; i++) {
    const struct export_note *n = &notes->list[i];
    if (n->others)
      command_note(o, "%s: \"%s\" and %u more: %s", o->model, n->name, n->others, n->text);
    else
      command_note(o, "%s: \"%s\": %s", o->model, n->name, n->text);
  }
}

static bool put_onnx(struct arena *a, const struct options *o, const struct graph *g,
                     struct refusals *r, struct text *t, struct err *e) {
  struct export_notes notes = {0};
  bool plain = o->form && strcmp(o->form, forms[ONNX_FLOAT]) == 0;
  const struct graph *real = graph_is_real(g) ? g : export_real(a, g, !plain, r, e);
  if (!real) return false;
  const char *changed = real != g && !plain ? export_changed(a, g, real) : NULL;
  if (changed)
    command_note(o,
                 "%s: \"%s\": its numbers don't follow from its types, which are all that "
                 "ONNX is told: results may differ",
                 o->model, changed);
  enum onnx_form form = form_of(o, real);
  if (form != ONNX_FLOAT && !says_types(real))
    return err_set(e, "the model is float: give --precision W,F, as in --precision 8,3");
  if (form == ONNX_FLOAT && says_types(real))
    command_note(o, "%s: --form float has the weights' values, but neither types nor rounding",
                 o->model);
  if (!export_onnx(a, real, form, r, &notes, t, e)) return false;
  say_notes(o, &notes);
  return true;
}

// ---- files

static bool put_file(struct arena *a, const struct options *o, const struct graph *g,
                     const char *path, struct err *e) {
  struct text t = {0};
  struct refusals refused = {0};
  bool ok = put_onnx(a, o, g, &refused, &t, e) && file_write(path, t.data, t.size, e);
  text_free(&t);
  if (refused.count) command_put_refused(a, &refused, o->json);
  e->told = refused.count > 0;
  return ok || err_within(e, "%s", o->model);
}

static bool put_picture(struct arena *a, const char *path, const struct graph *g,
                        void (*put)(struct arena *a, const struct graph *g, struct text *out),
                        struct err *e) {
  struct text t = {0};
  if (!path) return true;
  put(a, g, &t);
  bool ok = file_write(path, t.data, t.size, e);
  text_free(&t);
  return ok;
}

static void say_written(const struct options *o, const char *path, const struct graph *g) {
  const char *paths[] = {path, o->dot, o->svg};
  struct text t = {0};
  if (o->json) text_puts(&t, "{\"files\":[");
  for (size_t i = 0, n = 0; i < 3; i++) {
    if (!paths[i]) continue;
    if (o->json && n++) text_puts(&t, ",");
    if (o->json) {
      json_put_string(&t, paths[i]);
      continue;
    }
    text_put_escaped(&t, paths[i]);
    text_printf(&t, ": %u layers\n", g->n_nodes);
  }
  if (o->json) text_puts(&t, "],\"unsupported\":[]}\n");
  fwrite(t.data, 1, t.size, stdout);
  text_free(&t);
}

static bool asks_for_types(const struct options *o) {
  return o->precision || o->weight_precision || o->input_precision || o->rounding || o->overflow ||
         o->formats;
}

// Of a model as it is in its file, whether it can be quantised or not.
static int draw_model(struct arena *a, const struct options *o, struct err *e) {
  struct refusals refused = {0};
  struct graph *read = import_read(a, load_path(a, o->model), &refused, e);
  const struct graph *g = read ? remember(a, read, e) : NULL;
  bool ok = g && put_picture(a, o->dot, g, graph_dot, e) && put_picture(a, o->svg, g, graph_svg, e);
  if (ok && !o->quiet) say_written(o, NULL, g);
  return ok ? EXIT_GOOD : EXIT_USER;
}

int command_export(struct arena *a, const struct options *o, struct err *e) {
  struct model m;
  bool picture = o->dot || o->svg;
  const char *path = o->output ? o->output : picture ? NULL : "net.onnx";
  if (o->into) return command_into(a, o, e);
  if (!path && !asks_for_types(o)) return draw_model(a, o, e);
  if (!command_model(a, o, &m, e)) return EXIT_USER;
  bool typed = asks_for_types(o);
  const struct graph *g = m.real && !typed ? m.whole : m.fixed;
  bool ok = (!path || put_file(a, o, g, path, e)) && put_picture(a, o->dot, g, graph_dot, e) &&
            put_picture(a, o->svg, g, graph_svg, e);
  if (ok && !o->quiet) say_written(o, path, g);
  return ok ? EXIT_GOOD : EXIT_USER;
}
