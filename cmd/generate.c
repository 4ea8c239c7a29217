// SPDX-License-Identifier: Apache-2.0
// generate: model -> quantised graph -> circuit -> folder. This function is the architecture.
#include "cmd/command.h"
#include "gen/emit_bench.h"
#include "gen/folder.h"
#include "gen/report.h"
#include "sw/base/file.h"
#include "sw/base/sha256.h"
#include "sw/graph/model.h"

#include <stdlib.h>
#include <string.h>

static bool read_folding(struct arena *a, const struct options *o, struct folding *f,
                         struct err *e) {
  *f = (struct folding){.parallelism = o->parallelism};
  if (o->target_cycles && (o->parallelism || o->folding))
    return err_set(e, "--target-cycles chooses the lanes: leave %s away",
                   o->parallelism ? "--parallelism" : "--folding");
  return !o->folding || folding_read(a, o->folding, f, e);
}

// Lanes beyond a layer's elements were asked for: it has one for each.
static void note_lanes(const struct options *o, const struct circuit *p, const struct folding *f) {
  for (uint32_t i = 0; i < f->n_layers; i++)
    for (uint32_t k = 0; k < p->n_cells; k++) {
      const struct folding_entry *l = &f->layers[i];
      const struct cell *c = &p->cells[k];
      if (c->kind != CELL_LAYER || strcmp(p->graph->nodes[c->node].name, l->name) != 0) continue;
      if (l->in > cell_elements_in(c))
        command_note(o, "%s: \"%s\": %lld lanes in, but %lld elements: it gets %lld", o->folding,
                     l->name, (long long)l->in, (long long)cell_elements_in(c),
                     (long long)cell_lanes_in(p, c));
      if (l->out > c->out[0]->elements)
        command_note(o, "%s: \"%s\": %lld lanes out, but %lld elements: it gets %lld", o->folding,
                     l->name, (long long)l->out, (long long)c->out[0]->elements,
                     (long long)c->out[0]->lanes);
    }
}

// "tlast", "count" or "count:N" as struct circuit's transfer.
bool command_framing(const struct options *o, int64_t *transfer, struct err *e) {
  char *end = NULL;
  const char *text = o->framing ? o->framing : "tlast";
  *transfer = strcmp(text, "count") == 0;
  if (*transfer || strcmp(text, "tlast") == 0) return true;
  bool counted = strncmp(text, "count:", 6) == 0 && text[6] >= '1' && text[6] <= '9';
  if (counted) *transfer = strtoll(text + 6, &end, 10);
  return (counted && !*end && *transfer <= TRANSFER_MAX) ||
         err_set(e, "--framing %s: expected tlast, count or count:N with N from 1 to %d", text,
                 TRANSFER_MAX);
}

struct circuit *command_circuit(struct arena *a, const struct options *o, struct model *m,
                                const char **model_sha256, struct err *e) {
  struct folding folding;
  struct bytes file;
  const char *top = o->name ? o->name : "top";
  if (!read_folding(a, o, &folding, e) || !command_model(a, o, m, e) ||
      !file_read(a, load_path(a, o->model), MODEL_BYTES_MAX, &file, e))
    return NULL;
  *model_sha256 = sha256_hex(a, file.data, file.size);
  if (!m->fixed) {
    err_put(e, "%s: the model is float: give --precision W,F, as in --precision 8,3", o->model);
    return NULL;
  }
  bool met = !o->target_cycles || folding_meet(a, m->fixed, o->target_cycles, &folding, e);
  struct circuit *p = met ? circuit_build(a, m->fixed, top, &folding, e) : NULL;
  if (p && o->target_cycles && p->ii > o->target_cycles) {
    err_put(e, "%s: a frame takes %lld cycles instead of --target-cycles %lld", o->model,
            (long long)p->ii, (long long)o->target_cycles);
    return NULL;
  }
  if (!p) err_put_within(e, "%s", o->model);
  if (p) note_lanes(o, p, &folding);
  if (p && o->rom_style && strcmp(o->rom_style, "case") == 0) p->rom_style = ROM_CASE;
  if (p) command_framing(o, &p->transfer, e);
  return p;
}

// The frames that --data gives to vectors/; NULL, with no error, if it isn't given.
static const int32_t *vector_frames(struct arena *a, const struct options *o,
                                    const struct circuit *p, struct warnings *w, struct err *e) {
  struct images set;
  if (!o->data.count || !command_images(a, o, p->graph, BENCH_FRAMES, &set, e)) return NULL;
  command_warn_input(a, o, p->graph, &set, w);
  if (set.count == BENCH_FRAMES) return images_codes(a, p->graph, &set, 0, BENCH_FRAMES);
  err_put(e, "%s: %lld images, the vectors take %d", set.name, (long long)set.count, BENCH_FRAMES);
  return NULL;
}

int command_generate(struct arena *a, const struct options *o, struct err *e) {
  const char *dir = o->output ? o->output : "rtl", *sha256 = NULL;
  struct model m;
  struct circuit *p = command_circuit(a, o, &m, &sha256, e);
  const int32_t *frames = p ? vector_frames(a, o, p, &m.warnings, e) : NULL;
  const struct folder_content content = {sha256, frames, o->clock ? strtod(o->clock, NULL) : 0};
  if (!p || e->text[0] || !folder_write(p, dir, &content, e)) return EXIT_USER;
  if (o->report && !command_page(a, o, &m, p, sha256, e)) return EXIT_USER;
  struct text t = {0};
  if (o->json) {
    report_json(&t, p, dir);
    t.size -= 2; // behind the last entry: "}" and the newline
    warnings_put_json(&t, &m.warnings);
    text_puts(&t, "}\n");
    fwrite(t.data, 1, t.size, stdout);
  } else {
    text_put_escaped(&t, o->model);
    text_puts(&t, " -> ");
    text_put_escaped(&t, dir);
    text_puts(&t, "\n\n");
    report_text(&t, p);
    fwrite(t.data, 1, t.size, stdout);
  }
  text_free(&t);
  return EXIT_GOOD;
}
