// SPDX-License-Identifier: Apache-2.0
// ensemble: several float models of the same input -> one that adds their outputs.
#include "sw/pass/ensemble.h"

#include "cmd/command.h"
#include "sw/base/json.h"
#include "sw/data/verdict.h"
#include "sw/graph/model.h"
#include "sw/graph/slice.h"
#include "sw/import/import.h"

#include <math.h>
#include <stdlib.h>

bool command_margin(const struct options *o, double *margin, struct err *e) {
  char *end = NULL;
  *margin = NAN;
  if (!o->margin) return true;
  *margin = strtod(o->margin, &end);
  return (end != o->margin && !*end && isfinite(*margin) && *margin >= 0) ||
         err_set(e, "--margin %s: expected a number of at least 0, in the outputs' units",
                 o->margin);
}

bool ensemble_check(struct arena *a, const struct options *o, struct err *e) {
  double margin;
  (void)a;
  if (!o->n_more)
    return err_set(e, "ensemble %s: one model, expected 2 to %d of them", o->model, ENSEMBLE_MOST);
  return command_margin(o, &margin, e);
}

// Their largest outputs are classes, or their least, but not some of each.
static bool same_meaning(const struct graph *first, const char *first_file, const struct graph *g,
                         const char *file, struct err *e) {
  struct verdict v = verdict_of(first), w = verdict_of(g);
  return v.kind == w.kind ||
         err_set(e,
                 "%s: of its outputs the %s is the class, of those of %s the %s: sums would mean "
                 "nothing",
                 file, w.kind == VERDICT_LEAST ? "least" : "largest", first_file,
                 v.kind == VERDICT_LEAST ? "least" : "largest");
}

static const struct graph *read(struct arena *a, const struct options *o, const char *path,
                                struct err *e) {
  struct refusals refused = {0};
  struct warnings w = {0};
  const struct graph *g = import_read(a, load_path(a, path), &refused, e);
  if (refused.count) command_put_refused(a, &refused, o->json);
  e->told = refused.count > 0;
  load_notes(a, &refused, false, &w);
  command_warn(o, &w, 0);
  return g;
}

static void put_done(const struct options *o, const struct graph *g, uint32_t nets,
                     const char *output, struct text *t) {
  long long parameters = graph_parameters(g), macs = graph_macs(g);
  if (o->json) {
    text_puts(t, "{\"output\":");
    json_put_string(t, output);
    text_printf(t, ",\"nets\":%u,\"layers\":%u,\"parameters\":%lld,\"macs\":%lld}\n", nets,
                g->n_nodes, parameters, macs);
    return;
  }
  text_put_escaped(t, output);
  text_printf(t, ": %u nets, %u layers, %lld parameters, %lld multiplications a frame\n", nets,
              g->n_nodes, parameters, macs);
}

static struct graph *make(struct arena *a, const struct options *o, uint32_t n, struct err *e) {
  const struct graph *models[ENSEMBLE_MOST];
  const char *files[ENSEMBLE_MOST];
  double margin;
  for (uint32_t i = 0; i < n; i++) {
    files[i] = i ? o->more[i - 1] : o->model;
    models[i] = read(a, o, files[i], e);
    if (!models[i]) return NULL;
  }
  if (!command_margin(o, &margin, e)) return NULL;
  const char *name = arena_printf(a, "%s-ensemble", models[0]->name);
  struct graph *g = ensemble(a, name, n, models, files, margin, e);
  for (uint32_t i = 1; g && i < n; i++)
    if (!same_meaning(models[0], files[0], models[i], files[i], e)) return NULL;
  return g;
}

int command_ensemble(struct arena *a, const struct options *o, struct err *e) {
  struct text t = {0};
  uint32_t n = (uint32_t)o->n_more + 1;
  const char *output = o->output ? o->output : "model.bin";
  struct graph *g = make(a, o, n, e);
  if (!g || !model_write(output, g, e)) return EXIT_USER;
  put_done(o, g, n, output, &t);
  if (!o->quiet || o->json) fwrite(t.data, 1, t.size, stdout);
  text_free(&t);
  return EXIT_GOOD;
}
