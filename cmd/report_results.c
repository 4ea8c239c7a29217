// SPDX-License-Identifier: Apache-2.0
// What sim and scripts/synth left: sim.json, synth.json. Each says of which circuit it is.
#include "cmd/report.h"
#include "sw/base/file.h"
#include "sw/base/json.h"

#include <math.h>
#include <string.h>

enum { RESULT_MAX = 1 << 24 };

// DIR/NAME as JSON, of this circuit. `must`: the user named it.
static json_t *open_result(struct report *r, const char *dir, const char *name, bool must,
                           struct err *e) {
  struct bytes bytes;
  const char *path = arena_printf(r->arena, "%s/%s", dir, name);
  if (!must && !file_exists(path)) return NULL;
  if (!file_read(r->arena, path, RESULT_MAX, &bytes, e)) return NULL;
  json_t *root = json_parse((const char *)bytes.data, bytes.size, e);
  if (!root) err_put_within(e, "%s", path);
  if (!root) return NULL;
  const char *of = json_string_value(json_object_get(root, "circuit"));
  if (of && strcmp(of, r->identity) == 0) return root;
  if (must)
    err_put(e,
            "%s: is of another circuit than %s: make it anew, or give the options it was made with",
            path, r->options->model);
  json_decref(root);
  return NULL;
}

static const char *text_of(struct arena *a, const json_t *object, const char *key) {
  const char *s = json_string_value(json_object_get(object, key));
  return s ? arena_strdup(a, s) : NULL;
}

static int64_t count_of(const json_t *object, const char *key) {
  const json_t *v = json_object_get(object, key);
  return json_is_integer(v) && json_integer_value(v) >= 0 ? json_integer_value(v) : NONE;
}

static double figure_of(const json_t *object, const char *key) {
  const json_t *v = json_object_get(object, key);
  return json_is_number(v) ? json_number_value(v) : NAN;
}

static void set_simulation(struct report *r, const json_t *root) {
  struct page_simulation *s = ARENA_NEW(r->arena, struct page_simulation, 1);
  const char *data = text_of(r->arena, root, "data"), *in = text_of(r->arena, root, "simulator");
  *s = (struct page_simulation){.data = data ? data : "",
                                .simulator = in ? in : "",
                                .stall = text_of(r->arena, root, "stall"),
                                .failure = text_of(r->arena, root, "failure"),
                                .images = count_of(root, "images"),
                                .elements = count_of(root, "elements"),
                                .mismatches = count_of(root, "mismatches"),
                                .cycles = count_of(root, "cycles"),
                                .correct = count_of(root, "correct"),
                                .ii = count_of(root, "ii"),
                                .latency = count_of(root, "latency")};
  r->page.simulation = s;
}

static void set_block(struct arena *a, struct page_block *b, const json_t *j) {
  static const char *const keys[] = {"lut", "carry", "lut_ram", "ff", "dsp", "block_ram"};
  const char *name = text_of(a, j, "name");
  b->name = name ? name : "";
  for (int i = 0; i < 6; i++) b->figures[i] = figure_of(j, keys[i]);
}

static void set_family(struct arena *a, struct page_family *f, const json_t *j) {
  const json_t *blocks = json_object_get(j, "blocks");
  struct page_block *list = ARENA_NEW(a, struct page_block, json_array_size(blocks));
  const char *name = text_of(a, j, "family");
  for (size_t i = 0; i < json_array_size(blocks); i++)
    set_block(a, &list[i], json_array_get(blocks, i));
  *f = (struct page_family){.name = name ? name : "",
                            .why = text_of(a, j, "why"),
                            .fmax = figure_of(j, "fmax_mhz"),
                            .n_blocks = (uint32_t)json_array_size(blocks),
                            .blocks = list};
}

static void set_families(struct report *r, const json_t *root) {
  const json_t *families = json_object_get(root, "families");
  struct page_family *list = ARENA_NEW(r->arena, struct page_family, json_array_size(families));
  for (size_t i = 0; i < json_array_size(families); i++)
    set_family(r->arena, &list[i], json_array_get(families, i));
  r->page.n_families = (uint32_t)json_array_size(families);
  r->page.families = list;
}

bool report_results(struct report *r, struct err *e) {
  const struct options *o = r->options;
  json_t *sim = r->simulated ? open_result(r, r->simulated, "sim.json", o->sim, e) : NULL;
  if (sim) set_simulation(r, sim);
  json_decref(sim);
  json_t *synth = o->synth && !e->text[0] ? open_result(r, o->synth, "synth.json", true, e) : NULL;
  if (synth) set_families(r, synth);
  json_decref(synth);
  return !e->text[0];
}
