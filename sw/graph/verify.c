// SPDX-License-Identifier: Apache-2.0
// Structure: names, counts, attributes, shapes, tensors, sources, order.
#include "sw/graph/verify.h"

#include "sw/graph/assign.h"
#include "sw/graph/column.h"
#include "sw/graph/races.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

static int by_name(const void *a, const void *b) {
  return strcmp(*(const char *const *)a, *(const char *const *)b);
}

static bool unique(const char **names, uint32_t count, const char *what, struct err *e) {
  qsort(names, count, sizeof *names, by_name);
  for (uint32_t i = 0; i < count; i++) {
    if (!names[i][0]) return err_set(e, "a %s has an empty name", what);
    if (i && strcmp(names[i - 1], names[i]) == 0)
      return err_set(e, "two %ss are named \"%s\"", what, names[i]);
  }
  return true;
}

static bool verify_names(const struct graph *g, struct err *e) {
  struct arena a = {0};
  const char **names = ARENA_NEW(&a, const char *, g->n_values + g->n_nodes + 1);
  for (uint32_t i = 0; i < g->n_values; i++) names[i] = g->values[i].name;
  bool ok = unique(names, g->n_values, "value", e);
  for (uint32_t i = 0; i < g->n_nodes; i++) names[i] = g->nodes[i].name;
  ok = ok && unique(names, g->n_nodes, "node", e);
  arena_free(&a);
  return ok;
}

static bool verify_attrs(const struct node *n, const struct op_info *info, struct err *e) {
  attr_set seen = 0;
  for (uint32_t i = 0; i < n->n_attr; i++) {
    enum attr_name name = n->attr[i].name;
    attr_set bit = (attr_set)1 << name;
    if (!op_takes(n->op, name))
      return err_set(e, "attribute \"%s\" doesn't belong to %s", attr_text(name), info->name);
    if (seen & bit) return err_set(e, "attribute \"%s\" stands twice", attr_text(name));
    seen |= bit;
    if (attr_kind(name) == ATTR_REAL && !isfinite(n->attr[i].real))
      return err_set(e, "attribute \"%s\" isn't finite", attr_text(name));
    if (attr_kind(name) == ATTR_INTS && (n->attr[i].count < 1 || n->attr[i].count > 1 << 24))
      return err_set(e, "attribute \"%s\" is an empty list", attr_text(name));
  }
  for (int name = 0; name < ATTR_COUNT; name++)
    if ((info->required & ~seen) >> name & 1)
      return err_set(e, "%s needs attribute \"%s\"", info->name, attr_text((enum attr_name)name));
  const struct attr *form = node_attr(n, ATTR_approximate);
  if (form && strcmp(form->text, "none") != 0 && strcmp(form->text, "tanh") != 0)
    return err_set(e, "attribute \"approximate\" is \"%s\", expected \"none\" or \"tanh\"",
                   form->text);
  const struct attr *shape = node_attr(n, ATTR_shape);
  if (shape && shape->count > RANK_MAX)
    return err_set(e, "shape: rank %lld, at most %d", (long long)shape->count, RANK_MAX);
  return true;
}

static bool verify_refs(const struct graph *g, const struct node *n, const struct op_info *info,
                        struct err *e) {
  if (n->n_ref < info->ref_min || n->n_ref > info->ref_max)
    return err_set(e, "%s has %u references, expected %u", info->name, n->n_ref, info->ref_min);
  for (uint32_t i = 0; i < n->n_ref; i++) {
    const struct value *v = &g->values[n->ref[i]];
    if (!type_is_ref(&v->type) || v->node == NONE || !op_is(g->nodes[v->node].op, TRAIT_HOLDS))
      return err_set(e, "reference \"%s\" is not a variable", v->name);
  }
  return true;
}

static bool verify_uses(const struct graph *g, const struct node *n, struct err *e) {
  for (uint32_t i = 0; i < n->n_in; i++) {
    const struct use *u = &n->in[i];
    const struct value *v = &g->values[u->value];
    if (type_is_ref(&v->type))
      return err_set(e, "input \"%s\" is a reference: read it first", v->name);
    if ((u->delay > 0) != (u->initial != NONE))
      return err_set(e, "input \"%s\": a delay needs an initial value, and only a delay", v->name);
    if (u->initial == NONE) continue;
    const struct value *init = &g->values[u->initial];
    if (!init->init || init->rank != v->rank || !type_equal(&init->type, &v->type) ||
        memcmp(init->shape, v->shape, (size_t)v->rank * sizeof *v->shape) != 0)
      return err_set(e, "initial \"%s\" of input \"%s\" isn't a tensor of its shape and type",
                     init->name, v->name);
  }
  for (uint32_t i = 0; i < n->n_after; i++)
    if (n->after[i].node >= g->n_nodes) return err_set(e, "after: no such node");
  return true;
}

// The output has frames if an input has, unless the node sums over them; averages over frames have
// none.
static bool verify_frames(const struct graph *g, const struct node *n, struct err *e) {
  bool frames = false, sums = node_int(n, ATTR_frames, 0) != 0;
  for (uint32_t i = 0; i < n->n_in; i++) frames |= node_in(g, n, i)->per_frame;
  if (sums && !frames) return err_set(e, "sums over frames, but its inputs have none");
  if (op_is(n->op, TRAIT_CARRIED | TRAIT_BACKWARD)) return true;
  if (op_is(n->op, TRAIT_REFERS) && frames && assign_of(n) != ASSIGN_write)
    return err_set(e,
                   "an assign takes one value per step, not one per frame, unless it is a write");
  for (uint32_t i = 0; i < n->n_out; i++) {
    bool expected = frames && !sums && !(i && op_is(n->op, TRAIT_STATISTICS));
    if (node_out(g, n, i)->per_frame != expected)
      return err_set(e, "output \"%s\": per_frame is %s, expected %s", node_out(g, n, i)->name,
                     expected ? "false" : "true", expected ? "true" : "false");
  }
  return true;
}

enum { SHAPE_TEXT = 200 }; // RANK_MAX numbers of up to 20 digits

// (28, 28, 1)
static const char *shape_text(int rank, const int64_t *shape, char text[SHAPE_TEXT]) {
  int n = snprintf(text, SHAPE_TEXT, "(");
  for (int d = 0; d < rank; d++)
    n += snprintf(text + n, (size_t)(SHAPE_TEXT - n), "%s%lld", d ? ", " : "", (long long)shape[d]);
  snprintf(text + n, (size_t)(SHAPE_TEXT - n), ")");
  return text;
}

static bool verify_shapes(const struct graph *g, const struct node *n, struct err *e) {
  for (uint32_t i = 0; i < n->n_out; i++) {
    const struct value *v = node_out(g, n, i);
    int rank;
    int64_t shape[RANK_MAX] = {0};
    if (!graph_shape(g, n, i, &rank, shape, e)) return false;
    bool equal = rank == v->rank;
    for (int d = 0; equal && d < rank; d++) equal = shape[d] == v->shape[d];
    char found[SHAPE_TEXT], expected[SHAPE_TEXT];
    if (!equal)
      return err_set(e, "output \"%s\" is declared as %s, its inputs give %s", v->name,
                     shape_text(v->rank, v->shape, found), shape_text(rank, shape, expected));
  }
  return true;
}

static bool verify_node(const struct graph *g, const struct node *n, struct err *e) {
  const struct op_info *info = op_info(n->op);
  if (n->n_in < info->in_min || n->n_in > info->in_max)
    return err_set(e, "%s takes %u to %u inputs, found %u", info->name, info->in_min, info->in_max,
                   n->n_in);
  if (n->n_out < info->out_min || n->n_out > info->out_max)
    return err_set(e, "%s gives %u to %u outputs, found %u", info->name, info->out_min,
                   info->out_max, n->n_out);
  return verify_attrs(n, info, e) && verify_refs(g, n, info, e) && verify_uses(g, n, e) &&
         verify_frames(g, n, e) && verify_shapes(g, n, e) && verify_types(g, n, e);
}

static bool verify_value_shape(const struct value *v, struct err *e) {
  int64_t elements = 1;
  for (int d = 0; d < v->rank; d++) {
    if (v->shape[d] < 1 || v->shape[d] > DIM_MAX)
      return err_set(e, "value \"%s\": dimension %d is %lld, expected 1 to %lld", v->name, d,
                     (long long)v->shape[d], (long long)DIM_MAX);
    elements *= v->shape[d];
    if (elements > ELEMENTS_MAX)
      return err_set(e, "value \"%s\": more than %lld elements", v->name, (long long)ELEMENTS_MAX);
  }
  return true;
}

static bool verify_tensor(const struct value *v, struct err *e) {
  const struct tensor *t = v->init;
  if (type_is_real(&v->type)) {
    if (t->dtype != DTYPE_F32 && t->dtype != DTYPE_F64)
      return err_set(e, "tensor \"%s\": dtype %s, expected F32 or F64 for a real tensor", v->name,
                     dtype_text(t->dtype));
    for (int64_t i = 0; i < t->count; i++)
      if (!isfinite(tensor_real(t, i)))
        return err_set(e, "tensor \"%s\": element %lld is %g, expected a finite number", v->name,
                       (long long)i, tensor_real(t, i));
    return true;
  }
  if (t->dtype != dtype_for(&v->type))
    return err_set(e, "tensor \"%s\": dtype %s, its type is stored as %s", v->name,
                   dtype_text(t->dtype), dtype_text(dtype_for(&v->type)));
  int64_t lo = type_lowest(&v->type), hi = type_highest(&v->type);
  for (int64_t i = 0; i < t->count; i++) {
    int64_t x = tensor_int(t, i);
    if (!type_is_code(&v->type, x))
      return err_set(e, "tensor \"%s\": element %lld is %lld, its type holds %lld to %lld%s",
                     v->name, (long long)i, (long long)x, (long long)lo, (long long)hi,
                     type_is_bipolar(&v->type) ? " without 0"
                     : type_is_coded(&v->type) ? " and not all between"
                                               : "");
  }
  return true;
}

// Of each block of an output all integers are elements times one power of two.
static bool verify_blocks(const struct value *v, struct err *e) {
  const struct blocked *b = &v->type.block;
  if (v->rank < 1) return err_set(e, "tensor \"%s\": blocks of a single number", v->name);
  struct arena a = {0};
  int64_t blocks = block_count(b, v->init->count / v->shape[0]);
  const int8_t *exponents = tensor_exponents(&a, b, v->init);
  bool ok = true;
  for (int64_t k = 0; ok && k < v->shape[0] * blocks; k++)
    ok = (exponents[k] >= 0 && exponents[k] <= b->span) ||
         err_set(e, "tensor \"%s\": output %lld, block %lld: its integers share no exponent",
                 v->name, (long long)(k / blocks), (long long)(k % blocks));
  arena_free(&a);
  return ok;
}

static bool verify_mask(const struct value *v, struct err *e) {
  const struct tensor *m = v->mask;
  if (m->dtype != DTYPE_U8)
    return err_set(e, "tensor \"%s\": mask: dtype %s, expected U8", v->name, dtype_text(m->dtype));
  if (m->rank != v->rank)
    return err_set(e, "tensor \"%s\": mask: rank %d, the tensor has %d", v->name, m->rank, v->rank);
  for (int d = 0; d < v->rank; d++)
    if (m->shape[d] != v->shape[d] && m->shape[d] != 1)
      return err_set(e, "tensor \"%s\": mask: dimension %d is %lld, expected %lld or 1", v->name, d,
                     (long long)m->shape[d], (long long)v->shape[d]);
  return true;
}

// The layer whose weights a tensor holds; NULL.
static const struct node *layer_of(const struct graph *g, uint32_t value) {
  for (uint32_t i = 0; i < g->n_nodes; i++) {
    const struct node *n = &g->nodes[i];
    if (op_is(n->op, TRAIT_WEIGHTS) && n->n_in > 1 && n->in[1].value == value) return n;
  }
  return NULL;
}

// What is there although the mask cuts it; of weights the connection has a name.
static bool not_cut(const struct graph *g, uint32_t value, int64_t i, double found, struct err *e) {
  const struct value *v = &g->values[value];
  const struct node *n = layer_of(g, value);
  err_put(e, "tensor \"%s\": element %lld stands for %g, but its mask cuts it: expected 0", v->name,
          (long long)i, found);
  if (!n || v->rank < 2) return false;
  err_put_within(e, "output %lld, input %lld", (long long)(i / (value_elements(v) / v->shape[0])),
                 (long long)(i % v->shape[v->rank - 1]));
  return err_within(e, "layer \"%s\"", n->name);
}

// Where there is no connection the tensor stands for 0.
static bool verify_cuts(const struct graph *g, uint32_t value, struct err *e) {
  const struct value *v = &g->values[value];
  const struct tensor *t = v->init;
  bool real = type_is_real(&v->type);
  for (int64_t i = 0; v->mask && t && i < t->count; i++) {
    int64_t channel = v->type.axis == 0 ? i / (t->count / v->shape[0]) : 0;
    if (!value_is_cut(v, i)) continue;
    double found = real ? tensor_real(t, i) : type_value(&v->type, channel, tensor_int(t, i));
    if (found != 0) return not_cut(g, value, i, found, e);
  }
  return true;
}

static bool verify_value(const struct value *v, struct err *e) {
  return verify_value_shape(v, e) && check_type(v, e) && (!v->mask || verify_mask(v, e)) &&
         (!v->init || verify_tensor(v, e)) &&
         (!v->init || !type_is_block(&v->type) || verify_blocks(v, e));
}

enum { READER = 1, READER_OF_STREAMS = 2 };

// Who reads each value, (values): a requantisation may read an accumulator, others streams only.
static void find_readers(const struct graph *g, char *readers) {
  for (uint32_t i = 0; i < g->n_nodes; i++)
    for (uint32_t k = 0; k < g->nodes[i].n_in; k++) {
      const struct use *u = &g->nodes[i].in[k];
      bool narrows = op_is(g->nodes[i].op, TRAIT_NARROWS) && !u->delay && !readers[u->value];
      readers[u->value] = narrows ? READER : READER_OF_STREAMS;
    }
  for (uint32_t i = 0; i < g->n_outputs; i++) readers[g->outputs[i]] = READER_OF_STREAMS;
}

// More bits than a stream has: between a node and the requantisation behind it, which both are
// written as one where values are stored or become a circuit.
static bool verify_accumulators(const struct graph *g, struct err *e) {
  struct arena a = {0};
  char *readers = ARENA_NEW(&a, char, g->n_values);
  bool ok = true;
  find_readers(g, readers);
  for (uint32_t i = 0; ok && i < g->n_values; i++) {
    const struct value *v = &g->values[i];
    bool wide = !v->init && type_is_integer(&v->type) && type_width(&v->type) > STREAM_BITS_MAX;
    if (wide && (v->node == NONE || readers[i] != READER || !v->type.is_signed))
      ok = err_set(e,
                   "value \"%s\": width %d, a stream has at most %d bits; only signed ones that a "
                   "node hands to a requant of its own have more",
                   v->name, v->type.width, STREAM_BITS_MAX);
  }
  arena_free(&a);
  return ok;
}

// Every value is a tensor, an input or an output of a node; every tensor has a reader.
static bool verify_used(const struct graph *g, struct err *e) {
  struct arena a = {0};
  struct side_table used = side_table_new(g, &a, PER_VALUE, 1),
                    given = side_table_new(g, &a, PER_VALUE, 1);
  for (uint32_t i = 0; i < g->n_inputs; i++) *(char *)side_table_at(&given, g->inputs[i].value) = 1;
  for (uint32_t i = 0; i < g->n_nodes; i++) {
    const struct node *n = &g->nodes[i];
    for (uint32_t k = 0; k < n->n_in; k++) {
      *(char *)side_table_at(&used, n->in[k].value) = 1;
      if (n->in[k].initial != NONE) *(char *)side_table_at(&used, (uint32_t)n->in[k].initial) = 1;
    }
    const struct attr *init = node_attr(n, ATTR_init);
    if (init) *(char *)side_table_at(&used, init->value) = 1;
    for (uint32_t k = 0; k < n->n_out; k++) *(char *)side_table_at(&given, n->out[k]) = 1;
  }
  bool ok = true;
  for (uint32_t i = 0; ok && i < g->n_values; i++) {
    const struct value *v = &g->values[i];
    if (v->init && !*(char *)side_table_at(&used, i))
      ok = err_set(e, "tensor \"%s\" is not used", v->name);
    else if (!v->init && !*(char *)side_table_at(&given, i))
      ok = err_set(e, "value \"%s\" has no producer", v->name);
  }
  arena_free(&a);
  return ok;
}

static bool verify_source(const struct graph *g, const struct input *in, struct err *e) {
  const struct value *v = &g->values[in->value];
  const struct source *s = &in->source;
  if (!v->per_frame) return err_set(e, "an input has one array per frame");
  if (type_is_ref(&v->type)) return err_set(e, "its type is ref, an input holds numbers");
  if (s->channels == 0) return true;
  int64_t channels = v->rank ? v->shape[v->rank - 1] : 1;
  if (s->channels != 1 && s->channels != channels)
    return err_set(e, "source: %lld means and deviations for %lld channels", (long long)s->channels,
                   (long long)channels);
  for (int64_t c = 0; c < s->channels; c++)
    if (!isfinite(s->mean[c]) || !isfinite(s->std[c]) || !(s->std[c] > 0))
      return err_set(e, "source: mean %g, std %g of channel %lld", s->mean[c], s->std[c],
                     (long long)c);
  if (type_is_integer(&v->type) != (s->tables > 0))
    return err_set(e, "source: an integer input, and only that, has a pixel table");
  if (s->tables > 1 && s->tables != channels)
    return err_set(e, "source: %lld tables for %lld channels", (long long)s->tables,
                   (long long)channels);
  bool taken[RANK_MAX] = {false};
  for (int d = 0; s->axes && d < v->rank; d++) {
    int64_t axis = s->axes[d];
    if (axis < 0 || axis >= v->rank || taken[axis])
      return err_set(e, "source: axes: expected each of 0 to %d once", v->rank - 1);
    taken[axis] = true;
  }
  for (int64_t i = 0; i < s->tables * 256; i++) {
    int64_t code = type_code(&v->type, s->table[i]);
    if (!type_is_code(&v->type, code))
      return err_set(e, "source: table entry %lld is %lld, outside of the input's type",
                     (long long)i, (long long)code);
  }
  return true;
}

static bool verify_order(const struct graph *g, struct err *e) {
  struct arena a = {0};
  bool ok = graph_order(g, ARENA_NEW(&a, uint32_t, g->n_nodes));
  arena_free(&a);
  return ok || err_set(e, "the graph has a cycle without a delay");
}

bool graph_verify(const struct graph *g, struct err *e) {
  if (!verify_names(g, e)) return false;
  for (uint32_t i = 0; i < g->n_values; i++)
    if (!verify_value(&g->values[i], e) || !verify_cuts(g, i, e)) return false;
  if (!verify_used(g, e) || !verify_accumulators(g, e)) return false;
  for (uint32_t i = 0; i < g->n_inputs; i++)
    if (!verify_source(g, &g->inputs[i], e))
      return err_within(e, "input \"%s\"", g->values[g->inputs[i].value].name);
  for (uint32_t i = 0; i < g->n_nodes; i++)
    if (!verify_node(g, &g->nodes[i], e)) return err_within(e, "layer \"%s\"", g->nodes[i].name);
  return verify_order(g, e) && races_verify(g, e);
}
