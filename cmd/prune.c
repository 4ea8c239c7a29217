// SPDX-License-Identifier: Apache-2.0
// prune: a float model -> the same with connections cut, trained further if that is wanted. What is
// cut stays cut in everything that is made of it.
#include "quant/prune.h"

#include "cmd/paths.h"
#include "cmd/run.h"
#include "sw/base/json.h"
#include "sw/base/listing.h"
#include "sw/circuit/facts.h"
#include "sw/graph/model.h"

#include <math.h>
#include <string.h>

struct pruning {
  struct arena *arena;
  const struct options *options;
  const char *output, *test; // test NULL: not judged
  struct prune_how how;
  const struct graph *whole; // before
  struct pruned pruned;
  struct run before, after; // on `test`
};

// ---- options

// Those of train, with the epochs that are given here.
static struct options training(const struct options *o) {
  struct options t = *o;
  t.epochs = o->finetune;
  t.net = o->model;
  return t;
}

// What says something of training only.
static bool check_training(struct arena *a, const struct options *o, struct err *e) {
  const struct {
    const char *name;
    bool given;
  } options[] = {
      {"--data", o->data.count},     {"--images", o->images}, {"--batch", o->batch},
      {"--optimizer", o->optimizer}, {"--rate", o->rate},     {"--schedule", o->schedule},
      {"--momentum", o->momentum},   {"--beta1", o->beta1},   {"--beta2", o->beta2},
      {"--decay", o->decay},         {"--seed", o->seed},     {"--threads", o->threads},
      {"--distort", o->distort},     {"--loss", o->loss},     {"--targets", o->targets}};
  for (size_t i = 0; !o->finetune && i < sizeof options / sizeof *options; i++)
    if (options[i].given)
      return err_set(e, "%s is about training: give --finetune E%s", options[i].name,
                     i ? "" : " (--test SET is what accuracy is measured on)");
  struct options t = training(o);
  return !o->finetune || train_check(a, &t, e);
}

static bool parse(const struct options *o, struct prune_how *how, struct err *e) {
  *how = (struct prune_how){.force = o->force, .layers = o->layers};
  if (!o->kind)
    return err_set(e, "--kind: which? weight, vector, slot, tile, neuron or N:M, as in 2:4");
  return prune_parse_kind(o->kind, how, e) && prune_parse_amount(o->amount, how, e) &&
         prune_parse_lanes(o->lanes, how, e) && prune_parse_scope(o->scope, how, e) &&
         prune_parse_score(o->score, how, e);
}

bool prune_check(struct arena *a, const struct options *o, struct err *e) {
  struct prune_how how;
  return parse(o, &how, e) && check_training(a, o, e);
}

// Beside MNIST to train on, MNIST to judge by.
static const char *judged_by(const struct options *o) {
  const char *data = o->data.count ? o->data.word[o->data.count - 1] : "mnist";
  bool mnist = strcmp(data, "mnist") == 0 || strcmp(data, "mnist-train") == 0;
  return o->test ? o->test : o->finetune && mnist ? "mnist" : NULL;
}

// ---- accuracy

static bool judge(struct pruning *p, struct graph *g, struct run *run, struct err *e) {
  struct options o = {.model = p->options->model, .quiet = p->options->quiet, .real = true};
  struct model m = {.real = g, .whole = g};
  if (!p->test) return true;
  o.data = (struct option_list){1, {p->test}};
  *run = (struct run){.arena = p->arena, .model = o.model, .warnings = &m.warnings};
  if (!run_model(run, &o, &m, e)) return false;
  run->warnings = NULL;
  return run->answers.classes ||
         err_set(e, "%s: it doesn't say how many images are right: accuracy is of labels", p->test);
}

static double accuracy(const struct run *r) {
  return r->answers.classes ? (double)r->score.correct / (double)r->set.count : NAN;
}

// ---- what is printed

enum { FIELDS = 9, WEIGHT_BITS = 8 }; // of what memories are counted in

// Of the layer of this name with the lanes that are pruned for.
static struct circuit_steps steps_of(const struct pruning *p, const struct graph *g,
                                     const char *name) {
  for (uint32_t i = 0; i < g->n_nodes; i++)
    if (strcmp(g->nodes[i].name, name) == 0)
      return circuit_steps(g, &g->nodes[i], p->how.lanes_in, p->how.lanes_out, WEIGHT_BITS);
  return (struct circuit_steps){0, 0};
}

static struct listing layers_of(const struct pruning *p) {
  static const struct field fields[FIELDS] = {
      {"<layer", "name", FIELD_NAME, 0, 0},
      {"weights", "weights", FIELD_COUNT, 0, 0},
      {"kept", "kept", FIELD_COUNT, 0, 0},
      {"kept %", NULL, FIELD_SHARE, 1, 0},
      {"neurons removed", "neurons_removed", FIELD_COUNT, 0, 0},
      {"cycles before", "cycles_before", FIELD_COUNT, 0, 0},
      {"after", "cycles_after", FIELD_COUNT, 0, 0},
      {"memory bits before", "memory_before", FIELD_COUNT, 0, 0},
      {"after", "memory_after", FIELD_COUNT, 0, 0}};
  struct listing t = listing_new(p->arena, fields, FIELDS);
  for (uint32_t i = 0; i < p->pruned.n_layers; i++) {
    const struct prune_layer *l = &p->pruned.layers[i];
    struct circuit_steps before = steps_of(p, p->whole, l->name);
    struct circuit_steps after = steps_of(p, p->pruned.graph, l->name);
    listing_row(&t, (struct figure[FIELDS]){{.text = l->name},
                                            {.count = l->weights},
                                            {.count = l->kept},
                                            {.real = (double)l->kept / (double)l->weights},
                                            {.count = l->neurons_removed},
                                            {.count = before.cycles},
                                            {.count = after.cycles},
                                            {.count = before.memory_bits},
                                            {.count = after.memory_bits}});
  }
  return t;
}

static void put_json(const struct pruning *p, struct text *t) {
  struct listing layers = layers_of(p);
  text_puts(t, "{\"model\":");
  json_put_string(t, p->options->model);
  text_puts(t, ",\"output\":");
  json_put_string(t, p->output);
  text_puts(t, ",\"kind\":");
  json_put_string(t, p->options->kind);
  json_put_figure(t, "amount", 6, p->how.amount);
  text_puts(t, ",\"layers\":[");
  listing_put_json(&layers, t);
  text_puts(t, "]");
  json_put_figure(t, "accuracy_before", 6, accuracy(&p->before));
  json_put_figure(t, "accuracy_after", 6, accuracy(&p->after));
  text_puts(t, "}\n");
}

static void put_text(const struct pruning *p, struct text *t) {
  struct listing layers = layers_of(p);
  int64_t weights = 0, kept = 0;
  for (uint32_t i = 0; i < p->pruned.n_layers; i++) {
    weights += p->pruned.layers[i].weights;
    kept += p->pruned.layers[i].kept;
  }
  text_put_escaped(t, p->output);
  text_printf(t, ": %lld of %lld weights kept (%s)\n", (long long)kept, (long long)weights,
              p->options->kind);
  if (p->test) {
    text_printf(t, "accuracy  %.2f %%, before %.2f %%, of %lld images of ",
                100 * accuracy(&p->after), 100 * accuracy(&p->before),
                (long long)p->after.set.count);
    text_put_escaped(t, p->test);
    text_puts(t, "\n");
  }
  text_printf(t, "with %lld x %lld lanes and weights of %d bits\n\n", (long long)p->how.lanes_in,
              (long long)p->how.lanes_out, WEIGHT_BITS);
  listing_put(&layers, t);
}

// ---- the whole

// What is written behind the training has room, as far as can be told before.
static bool check_room(struct pruning *p, struct err *e) {
  int64_t bytes = 0;
  for (uint32_t i = 0; i < p->whole->n_values; i++) {
    const struct value *v = &p->whole->values[i];
    if (v->init) bytes += v->init->count * (int64_t)(sizeof(float) + 1); // and a mask
  }
  return paths_room(p->arena, p->output, bytes, e);
}

static bool make(struct pruning *p, struct err *e) {
  const struct options *o = p->options, t = training(o);
  struct load l = command_load(o);
  struct model m;
  l.floats = true; // types that it says itself stay what they say
  if (!parse(o, &p->how, e) || !load_model(p->arena, o->model, &l, &m, e)) return false;
  command_warn(o, &m.warnings, 0);
  if (!m.real)
    return err_set(e, "%s: the model is quantised already: prune the float model, masks stay",
                   o->model);
  p->whole = m.whole;
  if (!check_room(p, e) || !judge(p, m.whole, &p->before, e)) return false;
  if (!prune(p->arena, m.whole, &p->how, &p->pruned, e)) return err_within(e, "%s", o->model);
  if (o->finetune && !train_graph(p->arena, &t, p->pruned.graph, e)) return false;
  return graph_verify(p->pruned.graph, e) && judge(p, p->pruned.graph, &p->after, e) &&
         model_write(p->output, p->pruned.graph, e);
}

int command_prune(struct arena *a, const struct options *o, struct err *e) {
  struct pruning p = {.arena = a,
                      .options = o,
                      .output = o->output ? o->output : "model.bin",
                      .test = judged_by(o)};
  struct text t = {0};
  if (!make(&p, e)) return EXIT_USER;
  if (o->json)
    put_json(&p, &t);
  else
    put_text(&p, &t);
  if (t.size) fwrite(t.data, 1, t.size, stdout);
  text_free(&t);
  return EXIT_GOOD;
}
