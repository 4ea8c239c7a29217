// SPDX-License-Identifier: Apache-2.0
// import: the file of another program -> its graph -> model.bin; or what stands in the way, all of
// it at once.
#include "sw/import/import.h"
#include "cmd/command.h"
#include "sw/base/json.h"
#include "sw/graph/model.h"
#include "sw/graph/slice.h"

// What the network is, in figures.
struct sum {
  int64_t parameters, macs;
};

static struct sum sum_of(const struct graph *g) {
  struct sum s = {0, 0};
  for (uint32_t i = 0; i < g->n_values; i++)
    if (g->values[i].init) s.parameters += value_connections(&g->values[i]);
  for (uint32_t i = 0; i < g->n_nodes; i++) s.macs += node_macs(g, &g->nodes[i]);
  return s;
}

static void put_done(struct text *t, const struct options *o, const struct graph *g,
                     const char *output) {
  struct sum s = sum_of(g);
  if (o->json) {
    text_puts(t, "{\"output\":");
    json_put_string(t, output);
    text_puts(t, ",\"name\":");
    json_put_string(t, g->name);
    text_printf(t, ",\"layers\":%u,\"parameters\":%lld,\"macs\":%lld,\"unsupported\":[]}\n",
                g->n_nodes, (long long)s.parameters, (long long)s.macs);
    return;
  }
  text_put_escaped(t, output);
  text_printf(t, ": %u layers, %lld parameters, %lld multiplications a frame\n", g->n_nodes,
              (long long)s.parameters, (long long)s.macs);
}

static void put_refused(struct arena *a, struct text *t, const struct options *o,
                        const struct refusals *r) {
  if (!o->json) {
    refusals_put(a, r, t);
    return;
  }
  text_puts(t, "{");
  refusals_put_json(a, r, t);
  text_puts(t, "}\n");
}

int command_import(struct arena *a, const struct options *o, struct err *e) {
  struct refusals refused = {0};
  struct text t = {0};
  struct load l = {.input_mean = o->input_mean, .input_std = o->input_std};
  const char *output = o->output ? o->output : "model.bin";
  struct graph *g = import_read(a, o->model, &refused, e);
  bool ok = g && load_source(a, &l, g, e) && model_write(output, g, e);
  if (refused.count) put_refused(a, &t, o, &refused);
  if (ok && !o->quiet) put_done(&t, o, g, output);
  fwrite(t.data, 1, t.size, stdout);
  text_free(&t);
  return ok ? EXIT_GOOD : EXIT_USER;
}
