// SPDX-License-Identifier: Apache-2.0
// plan: which lanes each layer gets for what is wanted, and why; or all the choices there are;
// or a replay, or an arena, or a circuit as a plan.
#include "cmd/plan.h"
#include "cmd/picture.h"
#include "sw/base/file.h"

#include <stdlib.h>

bool plan_given(const struct options *o, const struct option_row *r) {
  const void *field = (const char *)o + r->offset;
  switch (r->kind) {
  case TEXT:
    return *(const char *const *)field != NULL;
  case LIST:
    return ((const struct option_list *)field)->count > 0;
  case FLAG:
    return *(const bool *)field;
  case NUMBER:
    return *(const int64_t *)field != 0;
  }
  return false;
}

bool plan_command_check(struct arena *a, const struct options *o, struct err *e) {
  if (!plan_replay_check(o, e)) return false;
  if (!o->replay && plan_is_steps(o->model)) return plan_steps_check(o, e);
  if (!o->replay && plan_is_circuit(o->model)) return plan_circuit_check(o, e);
  const char *step = o->unpruned          ? "--unpruned"
                     : o->target_accuracy ? "--target-accuracy"
                     : o->minimise        ? "--minimise"
                                          : NULL;
  if (step)
    return err_set(e, "%s is about a training step, a \"plan fixture\": %s is none", step,
                   o->model);
  if (!plan_memory_check(o, e)) return false;
  if (!command_check(a, o, e)) return false;
  const char *wanted = command_wants(o) ? "a target"
                       : o->parallelism ? "--parallelism"
                       : o->folding     ? "--folding"
                       : o->output      ? "-o"
                                        : NULL;
  if (o->sweep && wanted)
    return err_set(e, "--sweep shows the plans for every target: leave %s away", wanted);
  if (o->svg && !o->sweep && !o->memory && !o->machine)
    return err_set(e, "--svg draws what --sweep finds, or --memory: give one of them, too");
  if (o->style && !o->output) return err_set(e, "--style is about a folding file: give -o FILE");
  if (o->sweep && (o->ram_style || o->pack_products))
    return err_set(e, "--sweep counts cycles and multipliers: %s changes nothing there",
                   o->ram_style ? "--ram-style" : "--pack-products");
  return !o->style || strcmp(o->style, "nngen") == 0 || strcmp(o->style, "finn") == 0 ||
         err_set(e, "--style %s: expected nngen or finn", o->style);
}

static int print(struct text *t) {
  fwrite(t->data, 1, t->size, stdout);
  text_free(t);
  return EXIT_GOOD;
}

// ---- one plan

// The lanes of every layer, where they weren't planned.
static struct folding folding_of(struct arena *a, const struct circuit *p) {
  struct folding f = {.parallelism = p->inputs[0].lanes,
                      .layers = ARENA_NEW(a, struct folding_entry, p->n_cells)};
  for (uint32_t i = 0; i < p->n_cells; i++) {
    const struct cell *c = &p->cells[i];
    if (c->kind != CELL_LAYER) continue;
    const struct node *n = &p->graph->nodes[c->node];
    if (op_is(n->op, TRAIT_WEIGHTS))
      f.layers[f.n_layers++] = (struct folding_entry){.name = n->name,
                                                      .in = c->in[0]->lanes,
                                                      .out = c->out[0]->lanes,
                                                      .ram_style = c->ram_style};
  }
  return f;
}

static bool write_folding(const struct options *o, const struct folding *f, const struct graph *g,
                          struct err *e) {
  struct text t = {0};
  folding_put(&t, f, g, o->style && strcmp(o->style, "finn") == 0);
  bool ok = file_write(o->output, t.data, t.size, e);
  text_free(&t);
  return ok;
}

static int one_plan(struct arena *a, const struct options *o, struct err *e) {
  struct model m;
  struct lane_plan plan = {0};
  const char *sha256;
  struct circuit *p = command_circuit(a, o, &m, &plan, &sha256, e);
  if (!p || e->text[0]) return EXIT_USER;
  if (!plan.choices) plan.folding = folding_of(a, p);
  if (o->output && !write_folding(o, &plan.folding, p->graph, e)) return EXIT_USER;
  const struct device *device = o->device ? device_find(o->device, e) : NULL;
  struct text t = {0};
  if (o->json)
    plan_json(a, &t, p, &plan, command_clock(o), device, &m.warnings);
  else
    plan_text(a, &t, o->model, p, &plan, command_clock(o), device);
  return print(&t);
}

// ---- all plans

static bool draw(const struct options *o, const struct lane_plan *plans, uint32_t count,
                 struct err *e) {
  struct text script = {0};
  if (!picture_possible())
    command_note(o, "--svg %s: gnuplot isn't installed, no picture is made", o->svg);
  plan_script(&script, o->model, plans, count);
  bool ok = picture_draw(o->svg, &script, e);
  text_free(&script);
  return ok;
}

static int all_plans(struct arena *a, const struct options *o, struct err *e) {
  struct model m;
  uint32_t count;
  if (!command_model(a, o, &m, e)) return EXIT_USER;
  if (!m.fixed) return err_put(e, COMMAND_FLOAT, o->model), EXIT_USER;
  const struct planner *planner = planner_new(a, m.fixed, &(struct plan_for){0}, e);
  if (!planner) return err_put_within(e, "%s", o->model), EXIT_USER;
  const struct lane_plan *plans = planner_sweep(a, planner, &count);
  if (o->svg && !draw(o, plans, count, e)) return EXIT_USER;
  struct text t = {0};
  if (o->json)
    plan_sweep_json(a, &t, m.fixed, plans, count, command_clock(o), &m.warnings);
  else
    plan_sweep_text(a, &t, o->model, m.fixed, plans, count, command_clock(o));
  return print(&t);
}

int command_plan(struct arena *a, const struct options *o, struct err *e) {
  if (o->replay) return plan_replay(a, o, e);
  if (plan_is_steps(o->model)) return plan_steps(a, o, e);
  if (o->train) return plan_train(a, o, e);
  if (plan_is_circuit(o->model)) return plan_circuit(a, o, e);
  if (o->memory || o->machine) return plan_memory(a, o, e);
  return o->sweep ? all_plans(a, o, e) : one_plan(a, o, e);
}
