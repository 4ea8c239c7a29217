// SPDX-License-Identifier: Apache-2.0
#include "sw/train/training.h"

#include "sw/base/nearest_word.h"
#include "sw/base/rng.h"
#include "sw/data/verdict.h"
#include "sw/graph/norm.h"
#include "sw/graph/races.h"
#include "sw/pass/copy.h"
#include "sw/train/autodiff.h"

#include <string.h>

// Of a kind with running averages: how many, the first of these inputs.
enum { AVERAGED = 2, FIRST_AVERAGE = NORM_MEAN };

struct builder {
  struct arena *arena;
  const struct graph *model;
  struct graph *g;
  struct training *t;
  const struct optimizer *o;
  struct graph_copy copy;   // of the model, into g
  uint32_t step, step_read; // node and value that read the step's number
  uint64_t seed;
  const struct training_part *parts; // (n_parts)
  uint32_t n_parts;
  struct err *err;
};

// ---- variables

static uint32_t real_tensor(struct graph *g, const char *name, int rank, const int64_t *shape,
                            const struct value *from) {
  struct tensor *t = tensor_new(g->arena, DTYPE_F32, rank, shape);
  for (int64_t i = 0; from && i < t->count; i++) ((float *)t->data)[i] = (float)value_real(from, i);
  return graph_add_tensor(g, autodiff_name(g, name), t, type_real());
}

// variable: its reference.
static uint32_t add_variable(struct graph *g, const char *name, uint32_t init) {
  struct value v = g->values[init];
  uint32_t node = graph_add_node(g, OP_variable, autodiff_name(g, name));
  graph_add_attr(g, node, ATTR_init)->value = init;
  uint32_t ref = graph_add_value(g, g->nodes[node].name, v.rank, v.shape, type_ref(), false);
  graph_add_out(g, node, ref);
  return ref;
}

// read: the node; its output has the content.
static uint32_t add_read(struct graph *g, const char *name, uint32_t ref) {
  struct value v = g->values[ref];
  uint32_t node = graph_add_node(g, OP_read, autodiff_name(g, name));
  graph_add_ref(g, node, ref);
  graph_add_out(g, node, graph_add_value(g, name, v.rank, v.shape, type_real(), false));
  return node;
}

static void add_weight(struct builder *b, uint32_t weight) {
  const struct value *v = &b->model->values[weight];
  struct graph *g = b->g;
  struct parameter *p = &b->t->parameters[b->t->n_parameters++];
  *p = (struct parameter){.weight = weight, .n_refs = 1};
  uint32_t init = real_tensor(g, arena_printf(b->arena, "%s.init", v->name), v->rank, v->shape, v);
  g->values[init].mask = v->mask;
  p->ref[0] = add_variable(g, arena_printf(b->arena, "%s.variable", v->name), init);
  uint32_t read = add_read(g, v->name, p->ref[0]);
  b->copy.value[weight] = (int32_t)g->nodes[read].out[0];
}

static void add_step(struct builder *b) {
  int64_t one = 1;
  uint32_t init = real_tensor(b->g, "step.init", 1, &one, NULL);
  b->t->step = add_variable(b->g, "step.variable", init);
  b->step = add_read(b->g, autodiff_name(b->g, "step"), b->t->step);
  b->step_read = b->g->nodes[b->step].out[0];
}

// ---- what stays as it is

static bool is_frozen(const struct builder *b, uint32_t weight) {
  bool frozen = false;
  for (uint32_t i = 0; i < b->n_parts; i++)
    if (strcmp(b->model->values[weight].name, b->parts[i].name) == 0)
      frozen = b->parts[i].slice.ranges == 0;
  return frozen;
}

// A norm whose mean and variance stay takes these, and not those of the step.
static bool has_statistics(const struct builder *b, const struct node *n) {
  for (uint32_t i = 0; i < AVERAGED && op_is(n->op, TRAIT_AVERAGES); i++)
    if (!is_frozen(b, n->in[FIRST_AVERAGE + i].value)) return false;
  return op_is(n->op, TRAIT_AVERAGES);
}

static bool all_are(const struct value *v, double number) {
  for (int64_t i = 0; v->init && i < v->init->count; i++)
    if (tensor_real(v->init, i) != number) return false;
  return v->init;
}

uint32_t training_constants(const struct graph *m, const char **names) {
  uint32_t count = 0;
  for (uint32_t i = 0; i < m->n_nodes; i++) {
    const struct node *n = &m->nodes[i];
    bool sums = op_is(n->op, TRAIT_WEIGHTS) && n->n_in == 2 && all_are(node_in(m, n, 1), 1);
    if (sums) names[count++] = node_in(m, n, 1)->name;
    if (!op_is(n->op, TRAIT_AVERAGES) || node_real(n, ATTR_epsilon, NORM_EPSILON) != 0) continue;
    if (!all_are(node_in(m, n, NORM_MEAN), 0) || !all_are(node_in(m, n, NORM_VARIANCE), 1))
      continue;
    for (uint32_t k = NORM_GAMMA; k <= NORM_VARIANCE; k++) names[count++] = node_in(m, n, k)->name;
  }
  return count;
}

// ---- the model

static bool weights(struct builder *b) {
  const struct graph *m = b->model;
  b->t->parameters = ARENA_NEW(b->arena, struct parameter, m->n_values);
  for (uint32_t i = 0; i < m->n_nodes; i++)
    for (uint32_t k = 0; k < m->nodes[i].n_in; k++) {
      uint32_t v = m->nodes[i].in[k].value;
      if (m->values[v].init && b->copy.value[v] == NONE) add_weight(b, v);
    }
  return b->t->n_parameters > 0 || err_set(b->err, "the model has no weights to train");
}

// The outputs with what running averages are of.
static void add_averages(struct builder *b, uint32_t node) {
  static const char *const names[] = {"mean", "variance"};
  struct graph *g = b->g;
  for (uint32_t i = 0; i < AVERAGED; i++) {
    struct value v = g->values[g->nodes[node].in[FIRST_AVERAGE + i].value];
    const char *name = arena_printf(b->arena, "%s.step.%s", g->nodes[node].name, names[i]);
    graph_add_out(g, node,
                  graph_add_value(g, autodiff_name(g, name), v.rank, v.shape, type_real(), false));
  }
}

static bool add_layer(struct builder *b, const struct node *n) {
  const struct op_info *info = op_info(n->op);
  if (op_is(n->op, TRAIT_HOLDS | TRAIT_REFERS) || n->n_after)
    return err_set(b->err, "layer \"%s\": the model holds state already", n->name);
  for (uint32_t k = 0; k < n->n_in; k++)
    if (n->in[k].delay) return err_set(b->err, "layer \"%s\": a delayed input", n->name);
  uint32_t node = copy_node(&b->copy, n, n->name);
  copy_outputs(&b->copy, n, node);
  if (!op_is(n->op, TRAIT_STEPS) || n->n_in == info->in_max || has_statistics(b, n)) return true;
  graph_add_use(b->g, node, (struct use){b->step_read, 0, NONE});
  if (op_is(n->op, TRAIT_AVERAGES)) add_averages(b, node);
  if (op_takes(n->op, ATTR_seed) && !node_attr(n, ATTR_seed))
    graph_add_int(b->g, node, ATTR_seed, (int64_t)(rng_at(b->seed, 1, node) >> 12));
  return true;
}

uint32_t training_seen(const struct graph *m, struct loss loss) {
  uint32_t value = m->outputs[0];
  unsigned passed = TRAIT_INDEX | (loss.kind == LOSS_MSE ? 0 : TRAIT_HOST);
  while (m->values[value].node != NONE) {
    const struct node *n = &m->nodes[m->values[value].node];
    if (!op_is(n->op, passed)) break;
    value = n->in[0].value;
  }
  return value;
}

static bool copy_model(struct builder *b, struct loss loss) {
  const struct graph *m = b->model;
  if (m->n_inputs != 1 || m->n_outputs != 1)
    return err_set(b->err, "%u inputs and %u outputs, expected one of each", m->n_inputs,
                   m->n_outputs);
  if (!weights(b)) return false;
  add_step(b);
  copy_inputs(&b->copy);
  for (uint32_t i = 0; i < m->n_nodes; i++)
    if (!add_layer(b, &m->nodes[i])) return false;
  b->t->output = (uint32_t)b->copy.value[training_seen(m, loss)];
  return true;
}

// ---- loss

static uint32_t output_of(struct graph *g, uint32_t node, const char *name, int rank,
                          const int64_t *shape, bool per_frame) {
  uint32_t v = graph_add_value(g, name, rank, shape, type_real(), per_frame);
  graph_add_out(g, node, v);
  return v;
}

static uint32_t binary(struct graph *g, enum op op, const char *name, uint32_t x, uint32_t y,
                       uint32_t like) {
  name = autodiff_name(g, name);
  uint32_t node = graph_add_node(g, op, name);
  struct value v = g->values[like];
  graph_add_use(g, node, (struct use){x, 0, NONE});
  graph_add_use(g, node, (struct use){y, 0, NONE});
  if (op == OP_cross_entropy) v.shape[v.rank - 1] = 1;
  return output_of(g, node, name, v.rank, v.shape, v.per_frame);
}

// Where the class is the least output, cross entropy sees their negatives.
static uint32_t negated(struct graph *g, uint32_t y) {
  uint32_t zero = real_tensor(g, "nothing", 1, (const int64_t[]){1}, NULL);
  return binary(g, OP_sub, "negated", zero, y, y);
}

static uint32_t per_frame_loss(struct graph *g, struct loss loss, bool least, uint32_t y,
                               uint32_t target) {
  if (loss.kind != LOSS_MSE) {
    uint32_t losses = binary(g, OP_cross_entropy, "losses", least ? negated(g, y) : y, target, y);
    if (loss.kind == LOSS_RBF)
      graph_add_real(g, (uint32_t)g->values[losses].node, ATTR_rubbish, -loss.rubbish);
    return losses;
  }
  uint32_t difference = binary(g, OP_sub, "difference", y, target, y);
  return binary(g, OP_mul, "square", difference, difference, y);
}

static bool add_loss(struct builder *b, struct loss loss) {
  struct graph *g = b->g;
  struct value y = g->values[b->t->output];
  if (y.rank < 1 || !y.per_frame || !type_is_real(&y.type))
    return err_set(b->err, "output \"%s\" has no classes to train for", y.name);
  struct verdict v = verdict_of_value(b->model, training_seen(b->model, loss));
  if (loss.kind == LOSS_RBF && v.kind != VERDICT_LEAST)
    return err_set(
        b->err,
        "loss rbf: output \"%s\" is no distance of which the least is the class, as an rbf "
        "layer or an argmin has them; cross_entropy or mse",
        y.name);
  b->t->target = graph_add_value(g, autodiff_name(g, "target"), y.rank, y.shape, type_real(), true);
  graph_add_input(g, b->t->target, (struct source){0});
  uint32_t losses = per_frame_loss(g, loss, v.kind == VERDICT_LEAST, b->t->output, b->t->target);
  const char *name = autodiff_name(g, "loss");
  uint32_t mean = graph_add_node(g, OP_mean, name);
  int64_t axes[RANK_MAX];
  for (int d = 0; d < y.rank; d++) axes[d] = d;
  graph_add_use(g, mean, (struct use){losses, 0, NONE});
  graph_add_ints(g, mean, ATTR_axes, y.rank, axes);
  graph_add_int(g, mean, ATTR_frames, 1);
  b->t->loss = output_of(g, mean, name, 0, NULL, false);
  graph_add_output(g, b->t->loss);
  graph_add_output(g, b->t->output);
  return true;
}

// ---- the optimiser

static uint32_t add_schedule(struct builder *b) {
  struct graph *g = b->g;
  uint32_t node = graph_add_node(g, OP_schedule, autodiff_name(g, "rate"));
  int64_t one = 1;
  struct tensor *table = tensor_new(b->arena, DTYPE_F32, 1, &b->o->n_rates);
  memcpy(table->data, b->o->rates, (size_t)b->o->n_rates * sizeof *b->o->rates);
  graph_add_use(g, node, (struct use){b->step_read, 0, NONE});
  graph_add_attr(g, node, ATTR_table)->tensor = table;
  graph_add_int(g, node, ATTR_every, b->o->every);
  return output_of(g, node, g->nodes[node].name, 1, &one, false);
}

static uint32_t reader_of(const struct graph *g, uint32_t ref) {
  for (uint32_t i = 0; i < g->n_nodes; i++)
    if (g->nodes[i].op == OP_read && g->nodes[i].ref[0] == ref) return i;
  return 0;
}

// Whether a parameter is an average: of which node, and which output is averaged; NONE: it isn't.
static int32_t averaged_by(const struct builder *b, uint32_t weight, uint32_t *out) {
  const struct graph *m = b->model;
  for (uint32_t i = 0; i < m->n_nodes; i++)
    for (uint32_t k = 0; k < AVERAGED && op_is(m->nodes[i].op, TRAIT_AVERAGES); k++) {
      *out = 1 + k;
      if (m->nodes[i].in[FIRST_AVERAGE + k].value == weight) return (int32_t)i;
    }
  return NONE;
}

// Between the read of this step and that of the next.
static void order_assign(struct graph *g, uint32_t node) {
  uint32_t read = reader_of(g, g->nodes[node].ref[0]);
  graph_add_after(g, node, (struct after){read, 0});
  graph_add_after(g, read, (struct after){node, 1});
}

// The logarithm of a scale has nothing to decay to.
static bool decays(const struct graph *m, uint32_t weight) {
  bool scale = false;
  for (uint32_t i = 0; i < m->n_nodes; i++) {
    const struct node *n = &m->nodes[i];
    scale |= n->op == OP_fake_quant && n->n_in > 1 && n->in[1].value == weight;
  }
  return !scale;
}

static void set_constants(struct graph *g, uint32_t node, const struct optimizer *o, bool decay) {
  attr_set required = assign_info(o->function)->required;
  if (required >> ATTR_momentum & 1) graph_add_real(g, node, ATTR_momentum, o->momentum);
  if (required >> ATTR_beta1 & 1) graph_add_real(g, node, ATTR_beta1, o->beta1);
  if (required >> ATTR_beta2 & 1) graph_add_real(g, node, ATTR_beta2, o->beta2);
  if (required >> ATTR_epsilon & 1) graph_add_real(g, node, ATTR_epsilon, o->epsilon);
  if (decay && o->decay != 0) graph_add_real(g, node, ATTR_decay, o->decay);
}

// Zeros of the shape of the gradient: what the optimiser remembers.
static void add_memory(struct builder *b, struct parameter *p, uint32_t gradient) {
  static const char *const suffix[] = {"", "m", "v"};
  const struct assign_info *f = assign_info(b->o->function);
  for (uint32_t i = 1; i < f->refs; i++) {
    struct value v = b->g->values[gradient];
    const char *name = arena_printf(b->arena, "%s.%s", b->model->values[p->weight].name, suffix[i]);
    uint32_t init =
        real_tensor(b->g, arena_printf(b->arena, "%s.init", name), v.rank, v.shape, NULL);
    p->ref[i] = add_variable(b->g, name, init);
  }
  p->n_refs = f->refs;
}

static void add_assign(struct builder *b, struct parameter *p, const struct wanted *w,
                       uint32_t rate) {
  struct graph *g = b->g;
  const struct assign_info *f = assign_info(b->o->function);
  add_memory(b, p, (uint32_t)w->gradient);
  const char *name = arena_printf(b->arena, "%s.assign", b->model->values[p->weight].name);
  uint32_t node = graph_add_node(g, OP_assign, autodiff_name(g, name));
  graph_add_text(g, node, ATTR_function, f->name);
  set_constants(g, node, b->o, decays(b->model, p->weight));
  graph_add_use(g, node, (struct use){rate, 0, NONE});
  if (f->inputs == 3) graph_add_use(g, node, (struct use){b->step_read, 0, NONE});
  graph_add_use(g, node, (struct use){(uint32_t)w->gradient, 0, NONE});
  for (uint32_t i = 0; i < f->refs; i++) graph_add_ref(g, node, p->ref[i]);
  if (w->slice.ranges) {
    int64_t *ints = ARENA_NEW(b->arena, int64_t, 1 + 2 * w->slice.ranges);
    ints[0] = w->slice.axis;
    memcpy(ints + 1, w->slice.range, (size_t)w->slice.ranges * 2 * sizeof *ints);
    graph_add_ints(g, node, ATTR_slice, 1 + 2 * w->slice.ranges, ints);
  }
  order_assign(g, node);
}

// A running average goes a part of the way to what a step has: a descent along their difference.
static void add_average(struct builder *b, struct parameter *p, uint32_t of, uint32_t out) {
  struct graph *g = b->g;
  const struct node *n = &g->nodes[b->copy.node[of]];
  const char *name = b->model->values[p->weight].name;
  int64_t one = 1;
  uint32_t seen = n->out[out], kept = (uint32_t)b->copy.value[p->weight];
  uint32_t part = real_tensor(g, arena_printf(b->arena, "%s.part", name), 1, &one, NULL);
  double momentum = node_real(n, ATTR_momentum, NORM_MOMENTUM);
  *(float *)g->values[part].init->data = (float)(1 - momentum);
  uint32_t far = binary(g, OP_sub, arena_printf(b->arena, "%s.difference", name), kept, seen, kept);
  uint32_t node =
      graph_add_node(g, OP_assign, autodiff_name(g, arena_printf(b->arena, "%s.assign", name)));
  graph_add_text(g, node, ATTR_function, "sgd");
  graph_add_use(g, node, (struct use){part, 0, NONE});
  graph_add_use(g, node, (struct use){far, 0, NONE});
  graph_add_ref(g, node, p->ref[0]);
  order_assign(g, node);
}

static void add_all_averages(struct builder *b) {
  for (uint32_t i = 0; i < b->t->n_parameters; i++) {
    struct parameter *p = &b->t->parameters[i];
    uint32_t out;
    int32_t of = averaged_by(b, p->weight, &out);
    if (of != NONE && p->averaged) add_average(b, p, (uint32_t)of, out);
  }
}

static void count_step(struct builder *b) {
  struct graph *g = b->g;
  int64_t one = 1;
  uint32_t unit = real_tensor(g, "step.one", 1, &one, NULL);
  *(float *)g->values[unit].init->data = 1;
  uint32_t node = graph_add_node(g, OP_assign, autodiff_name(g, "step.assign"));
  graph_add_text(g, node, ATTR_function, "add");
  graph_add_use(g, node, (struct use){unit, 0, NONE});
  graph_add_ref(g, node, b->t->step);
  order_assign(g, node);
}

static bool unknown_weight(struct builder *b, const char *name) {
  const struct training *t = b->t;
  const char **words = ARENA_NEW(b->arena, const char *, t->n_parameters + 1);
  for (uint32_t k = 0; k < t->n_parameters; k++)
    words[k] = b->model->values[t->parameters[k].weight].name;
  const char *near = nearest_word(name, t->n_parameters, words);
  return err_set(b->err, "there is no weight \"%s\" in the model%s%s%s", name,
                 near ? ", did you mean \"" : "", near ? near : "", near ? "\"?" : "");
}

// The wanted part of each parameter; false if a part names no weight.
static bool want(struct builder *b, const struct training_part *parts, uint32_t n_parts,
                 struct wanted *wanted, uint32_t *which, uint32_t *count) {
  struct training *t = b->t;
  for (uint32_t i = 0; i < n_parts; i++) {
    bool known = false;
    for (uint32_t k = 0; k < t->n_parameters; k++)
      known |= strcmp(b->model->values[t->parameters[k].weight].name, parts[i].name) == 0;
    if (!known) return unknown_weight(b, parts[i].name);
  }
  *count = 0;
  for (uint32_t k = 0; k < t->n_parameters; k++) {
    uint32_t weight = t->parameters[k].weight;
    struct wanted w = {.value = (uint32_t)b->copy.value[weight], .slice.axis = NONE};
    bool frozen = false;
    for (uint32_t i = 0; i < n_parts; i++)
      if (strcmp(b->model->values[weight].name, parts[i].name) == 0) {
        w.slice = parts[i].slice;
        frozen = w.slice.ranges == 0;
      }
    uint32_t out;
    if (averaged_by(b, weight, &out) != NONE) {
      if (w.slice.ranges)
        return err_set(b->err, "\"%s\" is a running average: part of it can't be trained",
                       b->model->values[weight].name);
      t->parameters[k].averaged = !frozen;
      continue;
    }
    if (frozen) continue;
    which[*count] = k;
    wanted[(*count)++] = w;
  }
  bool averages = false;
  for (uint32_t k = 0; k < t->n_parameters; k++) averages |= t->parameters[k].averaged;
  return *count > 0 || averages ||
         err_set(b->err, "all %u weights stay as they are, nothing is left to train",
                 t->n_parameters);
}

static bool add_updates(struct builder *b, const struct training_part *parts, uint32_t n_parts) {
  struct training *t = b->t;
  struct wanted *wanted = ARENA_NEW(b->arena, struct wanted, t->n_parameters);
  uint32_t *which = ARENA_NEW(b->arena, uint32_t, t->n_parameters), count = 0;
  if (!want(b, parts, n_parts, wanted, which, &count) ||
      !autodiff(b->g, t->loss, wanted, count, b->err))
    return false;
  uint32_t rate = add_schedule(b);
  for (uint32_t i = 0; i < count; i++)
    if (wanted[i].gradient != NONE) add_assign(b, &t->parameters[which[i]], &wanted[i], rate);
  add_all_averages(b);
  count_step(b);
  return true;
}

struct training *training_new(struct arena *a, const struct graph *model, struct loss loss,
                              const struct optimizer *o, uint64_t seed,
                              const struct training_part *parts, uint32_t n_parts, struct err *e) {
  struct builder b = {.arena = a,
                      .model = model,
                      .t = ARENA_NEW(a, struct training, 1),
                      .o = o,
                      .copy = copy_new(a, model),
                      .seed = seed,
                      .parts = parts,
                      .n_parts = n_parts,
                      .err = e};
  b.t->graph = b.g = b.copy.to;
  if (!copy_model(&b, loss) || !add_loss(&b, loss) || !add_updates(&b, parts, n_parts)) return NULL;
  if (!graph_verify(b.g, e) || !races_none(b.g, e)) return NULL;
  return b.t;
}
