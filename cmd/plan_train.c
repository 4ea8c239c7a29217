// SPDX-License-Identifier: Apache-2.0
// plan --train: the training step of a recipe in an arena: what is kept from its forward half for
// its backward half, and what is made again so that it fits; and that it works.
#include "cmd/plan_memory.h"
#include "sw/base/clock.h"
#include "sw/base/file.h"
#include "sw/base/json.h"
#include "sw/base/rng.h"
#include "sw/exec/arena_steps.h"
#include "sw/exec/real.h"
#include "sw/pass/recompute.h"
#include "sw/plan/check.h"
#include "sw/train/recipe.h"

enum { RECIPE_MAX = 1 << 20, SEED = 1, STEPS = 3, FIELDS = 5, FLOAT = sizeof(float) };

struct lesson {
  struct arena *arena;
  const struct options *options;
  struct recipe recipe;
  struct training *training;
  int64_t frames, limit;
  struct machine_file machine;
  const struct machine_pe *pe; // of --machine; NULL: there is none
  int64_t *bytes;              // (n_values)
  struct recompute halves;
  struct recompute_choice choice;
  int64_t kept;      // bytes of the arena when everything is kept
  int64_t variables; // bytes of them
};

// What --run found.
struct lesson_trial {
  int64_t steps, variables, elements;
  double seconds;
};

static bool read_recipe(struct lesson *l, struct err *e) {
  static const float rates[] = {0.001f};
  const struct optimizer adam = {.function = ASSIGN_adam,
                                 .beta1 = 0.9,
                                 .beta2 = 0.999,
                                 .epsilon = 1e-8,
                                 .n_rates = 1,
                                 .every = INT64_MAX,
                                 .rates = rates};
  const char *file = l->options->model;
  struct bytes text;
  if (!file_read(l->arena, file, RECIPE_MAX, &text, e)) return false;
  if (!plan_is_shapes(file))
    return err_set(e, "%s: --train is about a recipe, as in models/lenet5.json", file);
  if (!recipe_parse(l->arena, (const char *)text.data, text.size, SEED, &l->recipe, e))
    return err_within(e, "%s", file);
  l->training = training_new(l->arena, l->recipe.model, l->recipe.loss, &adam, SEED, NULL, 0, e);
  return l->training || err_within(e, "%s", file);
}

static void find_bytes(struct lesson *l) {
  const struct graph *g = l->training->graph;
  l->bytes = ARENA_NEW(l->arena, int64_t, g->n_values);
  for (uint32_t v = 0; v < g->n_values; v++)
    if (!type_is_ref(&g->values[v].type))
      l->bytes[v] =
          value_elements(&g->values[v]) * (g->values[v].per_frame ? l->frames : 1) * FLOAT;
  for (uint32_t i = 0; i < l->training->n_parameters; i++) {
    const struct parameter *p = &l->training->parameters[i];
    for (uint32_t k = 0; k < p->n_refs; k++)
      l->variables += value_elements(&g->values[p->ref[k]]) * FLOAT;
  }
}

static int64_t arena_of(const struct plan *p) {
  return p->machine.resources[MEMORY_ARENA].bytes;
}

static bool make(struct lesson *l, struct err *e) {
  const struct graph *g = l->training->graph;
  const bool *keep = ARENA_NEW(l->arena, bool, g->n_values);
  int64_t align = l->pe ? l->machine.memories[l->pe->memory].align : 1;
  if (align % FLOAT) align *= FLOAT;
  find_bytes(l);
  l->halves = recompute_of(l->arena, g, l->bytes);
  recompute_within(l->arena, &l->halves, keep, align, INT64_MAX / 2, &l->choice);
  l->kept = arena_of(l->choice.plan);
  if (!recompute_within(l->arena, &l->halves, keep, align, l->limit, &l->choice))
    return err_set(e,
                   "%s: a step of %lld %s needs %lld bytes, %s has %lld; with everything kept it "
                   "has %lld%s",
                   l->options->model, (long long)l->frames, l->frames == 1 ? "frame" : "frames",
                   (long long)arena_of(l->choice.plan),
                   l->options->memory ? "--memory" : l->machine.name, (long long)l->limit,
                   (long long)l->kept, l->frames == 1 ? "" : ": give fewer frames, --batch N");
  const struct faults f = plan_check(l->arena, l->choice.plan);
  return !f.count || err_set(e, "%s: the plan has %u faults, which is a bug of this program: %s",
                             l->options->model, f.count, f.faults[0].text);
}

// ---- that it works

static void draw(struct rng *r, const struct lesson *l, float *images, float *targets) {
  const struct graph *g = l->training->graph;
  int64_t elements = value_elements(&g->values[g->inputs[0].value]);
  int64_t classes = value_elements(&g->values[l->training->output]);
  for (int64_t i = 0; i < l->frames * elements; i++) images[i] = (float)(rng_unit(r) * 2 - 1);
  for (int64_t i = 0; i < l->frames * classes; i++) targets[i] = (float)l->recipe.target[0];
  for (int64_t i = 0; i < l->frames; i++)
    targets[i * classes + rng_range(r, 0, classes - 1)] = (float)l->recipe.target[1];
}

// Every variable beside that of steps without a limit.
static bool compare(const struct lesson *l, struct steps *s, const struct arena_steps *in,
                    struct lesson_trial *t, struct err *e) {
  const struct graph *g = l->training->graph;
  for (uint32_t i = 0; i < l->training->n_parameters; i++)
    for (uint32_t k = 0; k < l->training->parameters[i].n_refs; k++) {
      uint32_t ref = l->training->parameters[i].ref[k];
      int64_t count = value_elements(&g->values[ref]);
      t->variables++;
      t->elements += count;
      if (memcmp(steps_held(s, ref), arena_steps_held(in, ref), (size_t)count * FLOAT) != 0)
        return err_set(e, "%s: \"%s\" differs from that of steps without a limit",
                       l->options->model, g->values[ref].name);
    }
  return true;
}

static bool run(const struct lesson *l, struct lesson_trial *t, struct err *e) {
  const struct graph *g = l->training->graph;
  int64_t steps = l->options->images ? l->options->images : STEPS;
  float *inputs[2];
  struct rng r = {SEED, 0};
  for (int i = 0; i < 2; i++)
    inputs[i] = arena_alloc(l->arena, (size_t)l->bytes[g->inputs[i].value], 1);
  struct steps *s = real_steps(l->arena, g, l->frames);
  struct arena_steps *in = arena_steps_new(l->arena, l->choice.plan, l->frames, &real_kind, e);
  bool ok = in != NULL;
  for (; ok && t->steps < steps; t->steps++) {
    const void *given[] = {inputs[0], inputs[1]};
    draw(&r, l, inputs[0], inputs[1]);
    steps_run(s, given);
    double begin = clock_seconds();
    ok = arena_steps_run(in, given, e);
    t->seconds += clock_seconds() - begin;
  }
  ok = ok && compare(l, s, in, t, e);
  if (in) arena_steps_free(in);
  steps_free(s);
  return ok;
}

// ---- what is printed

static const struct field fields[FIELDS] = {
    {"<layer", "name", FIELD_NAME, 0, 0},      {"<op", "op", FIELD_TEXT, 0, 0},
    {"bytes", "bytes", FIELD_COUNT, 0, 0},     {"<until its backward", "is", FIELD_TEXT, 0, 0},
    {"operations", "again", FIELD_SOME, 0, 0},
};

static int64_t operations(const struct lesson *l, uint32_t node) {
  const struct graph *g = l->training->graph;
  int64_t macs = node_macs(g, &g->nodes[node]);
  return macs ? macs : value_elements(node_out(g, &g->nodes[node], 0));
}

static struct listing rows(const struct lesson *l, uint32_t *waiting, uint32_t *again) {
  const struct graph *g = l->training->graph;
  struct listing t = listing_new(l->arena, fields, FIELDS);
  for (uint32_t i = 0; i < l->halves.half; i++) {
    const struct node *n = &g->nodes[l->halves.order[i]];
    if (n->n_out != 1 || !l->halves.can[n->out[0]]) continue;
    bool second = l->choice.again[n->out[0]];
    ++*waiting;
    *again += second;
    listing_row(&t,
                (struct figure[FIELDS]){{.text = n->name},
                                        {.text = op_info(n->op)->name},
                                        {.count = l->bytes[n->out[0]]},
                                        {.text = second ? "made again" : "kept"},
                                        {.count = second ? operations(l, l->halves.order[i]) : 0}});
  }
  return t;
}

static void put_text(const struct lesson *l, const struct lesson_trial *t, struct text *out) {
  uint32_t waiting = 0, again = 0;
  struct listing table = rows(l, &waiting, &again);
  int64_t forward = graph_macs(l->recipe.model);
  listing_put(&table, out);
  text_printf(out, "\narena %lld bytes of %lld for a step of %lld %s",
              (long long)arena_of(l->choice.plan), (long long)l->limit, (long long)l->frames,
              l->frames == 1 ? "frame" : "frames");
  if (again) text_printf(out, "; %lld with everything kept", (long long)l->kept);
  text_printf(out, "\nof %u values that wait for their backward %u are kept", waiting,
              waiting - again);
  if (again)
    text_printf(out, ", %u made again: %lld operations a frame, %.1f %% of the forward's %lld",
                again, (long long)l->choice.macs,
                forward ? 100 * (double)l->choice.macs / (double)forward : 0, (long long)forward);
  text_printf(out, "\napart from it: variables %lld bytes\n", (long long)l->variables);
  if (t->steps)
    text_printf(out,
                "run in the arena: %lld steps of random frames, %lld variables with %lld elements, "
                "each the bits of steps without a limit; %.4g steps/s\n",
                (long long)t->steps, (long long)t->variables, (long long)t->elements,
                (double)t->steps / t->seconds);
}

static void put_json(const struct lesson *l, const struct lesson_trial *t, struct text *out) {
  uint32_t waiting = 0, again = 0;
  struct listing table = rows(l, &waiting, &again);
  text_puts(out, "{\"model\":");
  json_put_string(out, l->options->model);
  text_printf(out,
              ",\"frames\":%lld,\"memory_bytes\":%lld,\"arena_bytes\":%lld,\"kept_bytes\":%lld,"
              "\"variable_bytes\":%lld,\"values\":%u,\"made_again\":%u,\"again_macs\":%lld,"
              "\"forward_macs\":%lld,\"layers\":[",
              (long long)l->frames, (long long)l->limit, (long long)arena_of(l->choice.plan),
              (long long)l->kept, (long long)l->variables, waiting, again,
              (long long)l->choice.macs, (long long)graph_macs(l->recipe.model));
  listing_put_json(&table, out);
  text_puts(out, "]");
  if (t->steps)
    text_printf(out,
                ",\"run\":{\"steps\":%lld,\"variables\":%lld,\"elements\":%lld,\"mismatches\":0,"
                "\"steps_per_second\":%.6g}",
                (long long)t->steps, (long long)t->variables, (long long)t->elements,
                (double)t->steps / t->seconds);
  text_puts(out, "}\n");
}

// ---- all of it

bool plan_train_check(const struct options *o, struct err *e) {
  const char *other = o->fused         ? "--fused"
                      : o->order       ? "--order"
                      : o->no_in_place ? "--no-in-place"
                      : o->precision   ? "--precision"
                                       : NULL;
  if (!o->memory && !o->machine) return err_set(e, "--train is about --memory: give both");
  if (other) return err_set(e, "%s isn't about a training step: leave --train or it away", other);
  return o->batch >= 0 || err_set(e, "--batch: expected 1 or more");
}

int plan_train(struct arena *a, const struct options *o, struct err *e) {
  struct lesson l = {.arena = a, .options = o, .frames = o->batch ? o->batch : 1};
  struct lesson_trial trial = {0};
  struct text t = {0};
  if (!plan_machine(a, o, &l.machine, &l.pe, &l.limit, e)) return EXIT_USER;
  if (!read_recipe(&l, e) || !make(&l, e)) return EXIT_USER;
  if (o->execute && !run(&l, &trial, e)) return EXIT_USER;
  if (o->svg) {
    arena_picture(&t, o->model, l.choice.plan, l.limit);
    bool ok = file_write(o->svg, t.data, t.size, e);
    text_free(&t);
    if (!ok) return EXIT_USER;
  }
  if (o->json)
    put_json(&l, &trial, &t);
  else
    put_text(&l, &trial, &t);
  fwrite(t.data, 1, t.size, stdout);
  text_free(&t);
  return EXIT_GOOD;
}
