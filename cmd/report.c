// SPDX-License-Identifier: Apache-2.0
// report: a model or a generated folder -> circuit -> figures -> one page.
#include "cmd/report.h"
#include "cmd/paths.h"
#include "gen/folder.h"
#include "sw/base/file.h"
#include "sw/base/json.h"
#include "sw/circuit/circuit_plan.h"
#include "sw/exec/arena_run.h"
#include "sw/plan/memory.h"

#include <string.h>
#include <unistd.h>

enum { MANIFEST_MAX = 1 << 24 };

static bool is_generated(struct arena *a, const char *dir) {
  return file_exists(arena_printf(a, "%s/manifest.json", dir));
}

// A folder that generate wrote, or that sim worked in, where it is a model's that sim generated.
static bool find_folder(struct report *r, struct err *e) {
  const char *path = r->options->model;
  const char *inner = arena_printf(r->arena, "%s/rtl", path);
  if (!paths_is_folder(path)) return true;
  if (is_generated(r->arena, path)) {
    r->folder = path;
  } else if (is_generated(r->arena, inner)) {
    r->folder = inner;
    if (!r->simulated) r->simulated = path;
  } else if (!file_exists(load_path(r->arena, path))) {
    return err_set(e,
                   "%s: has no manifest.json: expected a folder that generate wrote, one that "
                   "sim worked in, or a model",
                   path);
  }
  return !r->folder || command_no_circuit_options(r->options, e);
}

static const char *word(struct arena *a, const json_t *object, const char *key) {
  const char *s = json_string_value(json_object_get(object, key));
  return arena_strdup(a, s ? s : "");
}

// The names that layers have in the user's file: a folder's manifest keeps them.
static const char *const *names_of(struct report *r, const json_t *manifest) {
  const struct circuit *p = r->circuit;
  const char **names = ARENA_NEW(r->arena, const char *, p->n_cells);
  const json_t *layers = json_object_get(manifest, "layers");
  size_t at = 0;
  for (uint32_t i = 0; i < p->n_cells; i++) {
    if (p->cells[i].kind != CELL_LAYER) continue;
    names[i] = manifest ? word(r->arena, json_array_get(layers, at++), "name")
                        : p->graph->nodes[p->cells[i].node].name;
  }
  return names;
}

static bool read_folder(struct report *r, struct err *e) {
  struct bytes bytes;
  const char *path = arena_printf(r->arena, "%s/manifest.json", r->folder);
  if (!folder_check(r->folder, e) || !file_read(r->arena, path, MANIFEST_MAX, &bytes, e))
    return false;
  r->circuit = folder_circuit(r->arena, r->folder, e);
  if (!r->circuit) return err_within(e, "%s", r->folder);
  r->identity = folder_identity(r->arena, r->folder, e);
  json_t *manifest = r->identity ? json_parse((const char *)bytes.data, bytes.size, e) : NULL;
  if (!manifest) return false;
  warnings_find(r->arena, NULL, r->circuit->graph, false, &r->model.warnings);
  r->page.name = word(r->arena, manifest, "model");
  r->sha256 = word(r->arena, manifest, "model_sha256");
  r->page.names = names_of(r, manifest);
  json_decref(manifest);
  return true;
}

// Nobody replaces it meanwhile.
static bool open_folder(struct report *r, struct err *e) {
  int held = folder_hold(r->folder, e);
  bool ok = held >= 0 && read_folder(r, e);
  if (held >= 0) close(held);
  return ok;
}

static bool open_model(struct report *r, struct err *e) {
  r->circuit = command_circuit(r->arena, r->options, &r->model, NULL, &r->sha256, e);
  if (!r->circuit) return false;
  r->identity = circuit_identity(r->arena, r->circuit, r->sha256);
  r->page.name = r->circuit->graph->name;
  r->page.names = names_of(r, NULL);
  return true;
}

// When each cell works, and the places without which nothing would.
static bool run_circuit(struct report *r, struct err *e) {
  struct circuit *p = r->circuit;
  struct span *spans = ARENA_NEW(r->arena, struct span, p->n_cells);
  int64_t *least = ARENA_NEW(r->arena, int64_t, p->n_cells);
  if (!timing_trace(p, spans)) return err_set(e, "%s: the circuit stands still", r->options->model);
  queues_least(p, least);
  struct err none = {0};
  const struct planner *planner = planner_new(r->arena, p->graph, &(struct plan_for){0}, &none);
  if (planner) r->page.plans = planner_sweep(r->arena, planner, &r->page.n_plans);
  r->page.spans = spans;
  r->page.least = least;
  return true;
}

// The circuit as a plan, and its network in an arena, where they can be.
static void make_plans(struct report *r) {
  const struct graph *g = r->circuit->graph;
  struct err e = {0};
  r->page.plan = circuit_plan(r->arena, r->circuit, &e);
  if (!r->page.plan) r->page.why_plan = arena_strdup(r->arena, e.text);
  for (uint32_t v = 0; v < g->n_values && !r->page.why_arena; v++)
    if (type_is_real(&g->values[v].type) && g->values[v].node != NONE)
      r->page.why_arena =
          arena_printf(r->arena, "layer \"%s\" computes in floats, arenas are of integers",
                       g->nodes[g->values[v].node].name);
  if (r->page.why_arena) return;
  const struct memory_needs needs = {.bytes = arena_run_bytes(r->arena, g),
                                     .keep = ARENA_NEW(r->arena, bool, g->n_values),
                                     .align = 1,
                                     .over = MEMORY_OVER_CHANNELS,
                                     .tight = true};
  r->page.arena_plan = memory_plan(r->arena, g, &needs);
}

bool report_write(struct report *r, const char *path, struct err *e) {
  struct text t = {0};
  r->page.arena = r->arena;
  r->page.circuit = r->circuit;
  r->page.source = r->options->model;
  r->page.sha256 = r->sha256;
  r->page.version = NNGEN_VERSION;
  r->page.warnings = &r->model.warnings;
  if (!r->page.name[0]) r->page.name = r->options->model;
  make_plans(r);
  bool ok = run_circuit(r, e) && page_put(&t, &r->page, e) && file_write(path, t.data, t.size, e);
  text_free(&t);
  return ok;
}

static void say_written(const struct report *r, const char *path) {
  struct text t = {0};
  const struct circuit *p = r->circuit;
  text_put_escaped(&t, r->options->model);
  text_puts(&t, " -> ");
  text_put_escaped(&t, path);
  text_printf(&t,
              "\n\n%s: II %lld cycles, latency %lld cycles, %lld multipliers, %lld memory bits\n",
              p->top, (long long)p->ii, (long long)p->latency, (long long)p->multipliers,
              (long long)p->memory_bits);
  fwrite(t.data, 1, t.size, stdout);
  text_free(&t);
}

int command_report(struct arena *a, const struct options *o, struct err *e) {
  const char *path = o->output ? o->output : "report.html";
  struct report r = {.arena = a, .options = o, .simulated = o->sim};
  if (!find_folder(&r, e) || !(r.folder ? open_folder(&r, e) : open_model(&r, e))) return EXIT_USER;
  if (!report_data(&r, e) || !report_results(&r, e) || !report_write(&r, path, e)) return EXIT_USER;
  say_written(&r, path);
  return EXIT_GOOD;
}

bool command_page(struct arena *a, const struct options *o, const struct model *m,
                  struct circuit *p, const char *model_sha256, struct err *e) {
  struct report r = {.arena = a, .options = o, .model = *m, .circuit = p, .sha256 = model_sha256};
  r.page.name = p->graph->name;
  r.page.names = names_of(&r, NULL);
  return report_data(&r, e) && report_write(&r, o->report, e);
}
