// SPDX-License-Identifier: Apache-2.0
// A graph to model.bin. Keys in the order of docs/model-file.md; what is empty or has its default
// is left out; arrays that belong to a type, a table or a requantisation are named after their
// owner.
#include "sw/base/file.h"
#include "sw/base/json.h"
#include "sw/graph/model.h"
#include "sw/graph/safetensors.h"

#include <math.h>
#include <string.h>

struct writer {
  struct arena *arena;
  const struct graph *graph;
  struct text text;
  struct named_tensor *tensors;
  uint32_t count, room;
};

static void add(struct writer *w, const char *name, struct tensor *t) {
  if (w->count == w->room) {
    uint32_t room = w->room ? w->room * 2 : 16;
    struct named_tensor *wider = ARENA_NEW(w->arena, struct named_tensor, room);
    if (w->count) memcpy(wider, w->tensors, w->count * sizeof *wider);
    w->tensors = wider;
    w->room = room;
  }
  w->tensors[w->count++] = (struct named_tensor){name, t};
}

static bool taken(const struct writer *w, const char *name) {
  for (uint32_t i = 0; i < w->count; i++)
    if (strcmp(w->tensors[i].name, name) == 0) return true;
  return graph_find_value(w->graph, name) != NONE;
}

// Stores an array under owner.suffix (made unique) and prints that name.
static void put_array(struct writer *w, const char *owner, const char *suffix, enum dtype dtype,
                      int rank, const int64_t *shape, const void *data) {
  char *name = arena_printf(w->arena, "%s.%s", owner, suffix);
  while (taken(w, name)) name = arena_printf(w->arena, "%s_", name);
  struct tensor *t = tensor_new(w->arena, dtype, rank, shape);
  memcpy(t->data, data, (size_t)t->count * dtype_size(dtype));
  add(w, name, t);
  json_put_string(&w->text, name);
}

// {"bipolar":{"scale":S,"axis":A}}
static void put_signs(struct writer *w, const char *owner, const struct type *t) {
  const struct type plain = type_of_class(t->cls);
  text_printf(&w->text, "{\"%s\":{\"scale\":", type_text(w->arena, &plain));
  if (t->axis < 0) {
    json_put_real(&w->text, t->scale[0]);
    text_puts(&w->text, "}}");
    return;
  }
  put_array(w, owner, "scale", DTYPE_F64, 1, &t->channels, t->scale);
  text_printf(&w->text, ",\"axis\":%d}}", t->axis);
}

// {"format":"e4m3","scale":S,"axis":A}: S times the format's numbers.
static void put_minifloat(struct writer *w, const char *owner, const struct type *t) {
  double usual = type_minifloat_scale(&t->minifloat, minifloat_bias(&t->minifloat));
  char name[MINIFLOAT_TEXT];
  minifloat_text(&t->minifloat, name);
  text_printf(&w->text, "{\"format\":\"%s\",\"scale\":", name);
  if (t->axis < 0) {
    json_put_real(&w->text, t->scale[0] / usual);
    text_puts(&w->text, "}");
    return;
  }
  double *scale = ARENA_NEW(w->arena, double, t->channels);
  for (int64_t c = 0; c < t->channels; c++) scale[c] = t->scale[c] / usual;
  put_array(w, owner, "scale", DTYPE_F64, 1, &t->channels, scale);
  text_printf(&w->text, ",\"axis\":%d}", t->axis);
}

// The exponent of a block's integers 1, where scales are powers of two that exponents can say, and
// what is left of the scale.
static int least_exponent(const struct type *t, double *rest) {
  int exponent;
  double unit = t->scale[0] / block_unit(&t->block);
  bool power = frexp(unit, &exponent) == 0.5 && exponent - 1 >= BLOCK_EXPONENT_MIN &&
               exponent - 1 + t->block.span <= BLOCK_EXPONENT_MAX;
  *rest = power ? 1 : unit;
  return power ? exponent - 1 : 0;
}

static void put_block(struct writer *w, const struct type *t) {
  double rest;
  least_exponent(t, &rest);
  if (rest == 1) {
    json_put_string(&w->text, type_text(w->arena, t));
    return;
  }
  text_printf(&w->text, "{\"format\":\"%s\",\"scale\":", type_text(w->arena, t));
  json_put_real(&w->text, rest);
  text_puts(&w->text, "}");
}

// {"format":"residual2","factors":[128,61],"scale":S,"axis":A}
static void put_residual(struct writer *w, const char *owner, const struct type *t) {
  char name[RESIDUAL_TEXT];
  residual_text(&t->residual, name);
  text_printf(&w->text, "{\"format\":\"%s\",\"factors\":[", name);
  for (int l = 0; l < t->residual.planes; l++)
    text_printf(&w->text, "%s%d", l ? "," : "", t->residual.factor[l]);
  text_puts(&w->text, "],\"scale\":");
  if (t->axis < 0) {
    json_put_real(&w->text, t->scale[0]);
    text_puts(&w->text, "}");
    return;
  }
  put_array(w, owner, "scale", DTYPE_F64, 1, &t->channels, t->scale);
  text_printf(&w->text, ",\"axis\":%d}", t->axis);
}

static void put_type(struct writer *w, const char *owner, const struct type *t) {
  int fraction, bias;
  if (type_is_block(t)) {
    put_block(w, t);
    return;
  }
  if (type_is_residual(t)) {
    put_residual(w, owner, t);
    return;
  }
  if (type_is_minifloat(t) && !type_bias(t, &bias)) {
    put_minifloat(w, owner, t);
    return;
  }
  bool bare = type_is_minifloat(t) || (t->axis < 0 && type_scale(t, 0) == 1);
  if (type_is_fixed(t) ? t->width <= 32 && type_fraction(t, &fraction) : bare) {
    json_put_string(&w->text, type_text(w->arena, t));
    return;
  }
  if (!type_is_fixed(t)) {
    put_signs(w, owner, t);
    return;
  }
  text_printf(&w->text, "{\"fixed\":\"%c%d\",\"scale\":", t->is_signed ? 's' : 'u', t->width);
  if (t->axis < 0) {
    json_put_real(&w->text, t->scale[0]);
    text_printf(&w->text, ",\"zero\":%d}", t->zero[0]);
    return;
  }
  put_array(w, owner, "scale", DTYPE_F64, 1, &t->channels, t->scale);
  text_puts(&w->text, ",\"zero\":");
  put_array(w, owner, "zero", DTYPE_I32, 1, &t->channels, t->zero);
  text_printf(&w->text, ",\"axis\":%d}", t->axis);
}

static void put_shape(struct text *t, const struct value *v) {
  text_puts(t, "\"shape\":[");
  for (int d = 0; d < v->rank; d++) text_printf(t, "%s%lld", d ? "," : "", (long long)v->shape[d]);
  text_puts(t, "]");
}

// {"name":..,"shape":..,"type":..   left open
static void open_value(struct writer *w, const struct value *v) {
  text_puts(&w->text, "{\"name\":");
  json_put_string(&w->text, v->name);
  text_puts(&w->text, ",");
  put_shape(&w->text, v);
  text_puts(&w->text, ",\"type\":");
  put_type(w, v->name, &v->type);
}

static void put_reals(struct text *t, int64_t count, const double *v) {
  text_puts(t, "[");
  for (int64_t i = 0; i < count; i++) {
    if (i) text_puts(t, ",");
    json_put_real(t, v[i]);
  }
  text_puts(t, "]");
}

static void put_input(struct writer *w, const struct input *in) {
  const struct value *v = &w->graph->values[in->value];
  const struct source *s = &in->source;
  open_value(w, v);
  if (s->channels) {
    text_puts(&w->text, ",\"source\":{\"type\":\"u8\",\"mean\":");
    put_reals(&w->text, s->channels, s->mean);
    text_puts(&w->text, ",\"std\":");
    put_reals(&w->text, s->channels, s->std);
    if (s->tables) {
      text_puts(&w->text, ",\"table\":");
      const int64_t shape[2] = {s->tables, 256};
      bool one = s->tables == 1;
      put_array(w, v->name, "pixels", DTYPE_I32, one ? 1 : 2, one ? shape + 1 : shape, s->table);
    }
    for (int d = 0; s->axes && d < v->rank; d++)
      text_printf(&w->text, "%s%lld", d ? "," : ",\"axes\":[", (long long)s->axes[d]);
    text_puts(&w->text, s->axes ? "]}" : "}");
  }
  text_puts(&w->text, "}");
}

// Elements of blocks, and their exponents as owner.shared.
static struct tensor *stored_blocks(struct writer *w, const struct value *v) {
  const struct blocked *b = &v->type.block;
  int64_t outs = v->shape[0], taps = v->init->count / outs, blocks = block_count(b, taps);
  const int8_t *exponents = tensor_exponents(w->arena, b, v->init);
  struct tensor *t = tensor_new(w->arena, b->is_float ? DTYPE_U8 : DTYPE_I8, v->rank, v->shape),
                *shared = tensor_new(w->arena, DTYPE_I8, 2, (int64_t[]){outs, blocks});
  bool *any = ARENA_NEW(w->arena, bool, outs *blocks);
  double rest;
  int least = least_exponent(&v->type, &rest), lowest = INT8_MAX;
  for (int64_t i = 0; i < t->count; i++) {
    int64_t at = i / taps * blocks + i % taps / b->size;
    int64_t element = tensor_int(v->init, i) / ((int64_t)1 << exponents[at]);
    any[at] |= element != 0;
    tensor_set_int(t, i, b->is_float ? block_code(b, element) : element);
  }
  // blocks of zeros have the least of the others
  for (int64_t k = 0; k < outs * blocks; k++)
    if (any[k] && exponents[k] < lowest) lowest = exponents[k];
  if (lowest == INT8_MAX) lowest = 0;
  for (int64_t k = 0; k < outs * blocks; k++)
    tensor_set_int(shared, k, (any[k] ? exponents[k] : lowest) + least);
  add(w, arena_printf(w->arena, "%s.shared", v->name), shared);
  return t;
}

// What the file holds of a tensor: of minifloats, blocks and residuals codes.
static struct tensor *stored(struct writer *w, const struct value *v) {
  if (type_is_block(&v->type)) return stored_blocks(w, v);
  if (!type_is_coded(&v->type)) return v->init;
  bool is_float = type_is_minifloat(&v->type);
  struct tensor *t = tensor_new(w->arena, DTYPE_U8, v->rank, v->shape);
  for (int64_t i = 0; i < t->count; i++) {
    int64_t integer = tensor_int(v->init, i);
    tensor_set_int(t, i,
                   is_float ? minifloat_code(&v->type.minifloat, integer)
                            : residual_code(&v->type.residual, integer));
  }
  return t;
}

static void put_tensors(struct writer *w) {
  bool first = true;
  text_puts(&w->text, "],\"tensors\":{");
  for (uint32_t i = 0; i < w->graph->n_values; i++) {
    const struct value *v = &w->graph->values[i];
    if (!v->init) continue;
    add(w, v->name, stored(w, v));
    if (!first) text_puts(&w->text, ",");
    first = false;
    json_put_string(&w->text, v->name);
    text_puts(&w->text, ":{\"type\":");
    put_type(w, v->name, &v->type);
    if (v->mask) {
      text_puts(&w->text, ",\"mask\":");
      put_array(w, v->name, "mask", DTYPE_U8, v->rank, v->mask->shape, v->mask->data);
    }
    text_puts(&w->text, "}");
  }
  text_puts(&w->text, "}");
}

static void put_use(struct writer *w, const struct use *u) {
  const char *name = w->graph->values[u->value].name;
  if (!u->delay) {
    json_put_string(&w->text, name);
    return;
  }
  text_puts(&w->text, "{\"value\":");
  json_put_string(&w->text, name);
  text_printf(&w->text, ",\"delay\":%u,\"initial\":", u->delay);
  json_put_string(&w->text, w->graph->values[u->initial].name);
  text_puts(&w->text, "}");
}

static void put_attr(struct writer *w, const struct node *n, const struct attr *a) {
  text_printf(&w->text, "\"%s\":", attr_text(a->name));
  switch (attr_kind(a->name)) {
  case ATTR_INT:
    text_printf(&w->text, "%lld", (long long)a->ints[0]);
    return;
  case ATTR_INTS:
    for (int64_t i = 0; i < a->count; i++)
      text_printf(&w->text, "%c%lld", i ? ',' : '[', (long long)a->ints[i]);
    text_puts(&w->text, "]");
    return;
  case ATTR_REAL:
    json_put_real(&w->text, a->real);
    return;
  case ATTR_TENSOR:
    put_array(w, n->name, attr_text(a->name), a->tensor->dtype, 1, &a->tensor->count,
              a->tensor->data);
    return;
  case ATTR_VALUE:
    json_put_string(&w->text, w->graph->values[a->value].name);
    return;
  case ATTR_NODE:
    json_put_string(&w->text, w->graph->nodes[a->value].name);
    return;
  case ATTR_TEXT:
    json_put_string(&w->text, a->text);
    return;
  case ATTR_TYPE:
    put_type(w, n->name, &a->type);
    return;
  }
}

static void put_requant(struct writer *w, const struct node *n, uint32_t i) {
  const struct requant *rq = &n->rq[i];
  if (rq->count == 1) {
    text_printf(&w->text, "{\"mul\":%lld,\"shift\":%d}", (long long)rq->mul[0], rq->shift[0]);
    return;
  }
  text_puts(&w->text, "{\"mul\":");
  put_array(w, n->name, "mul", DTYPE_I64, 1, &rq->count, rq->mul);
  text_puts(&w->text, ",\"shift\":");
  put_array(w, n->name, "shift", DTYPE_I32, 1, &rq->count, rq->shift);
  text_puts(&w->text, "}");
}

// ,"key":[   once, then commas
static void open_list(struct text *t, const char *key, uint32_t i) {
  if (i)
    text_puts(t, ",");
  else
    text_printf(t, ",\"%s\":[", key);
}

static void put_lists(struct writer *w, const struct node *n) {
  struct text *t = &w->text;
  const struct graph *g = w->graph;
  for (uint32_t i = 0; i < n->n_in; i++) open_list(t, "inputs", i), put_use(w, &n->in[i]);
  if (n->n_in) text_puts(t, "]");
  for (uint32_t i = 0; i < n->n_ref; i++)
    open_list(t, "refs", i), json_put_string(t, g->values[n->ref[i]].name);
  if (n->n_ref) text_puts(t, "]");
  for (uint32_t i = 0; i < n->n_out; i++) {
    open_list(t, "outputs", i);
    open_value(w, node_out(g, n, i));
    text_puts(t, node_out(g, n, i)->per_frame ? "}" : ",\"per_frame\":false}");
  }
  if (n->n_out) text_puts(t, "]");
}

static void put_node(struct writer *w, const struct node *n) {
  struct text *t = &w->text;
  text_printf(t, "{\"op\":\"%s\",\"name\":", op_info(n->op)->name);
  json_put_string(t, n->name);
  put_lists(w, n);
  for (uint32_t i = 0; i < n->n_attr; i++) {
    text_puts(t, i ? "," : ",\"attrs\":{");
    put_attr(w, n, &n->attr[i]);
  }
  if (n->n_attr) text_puts(t, "}");
  for (uint32_t i = 0; i < n->n_rq; i++) open_list(t, "requant", i), put_requant(w, n, i);
  if (n->n_rq) text_puts(t, "]");
  if (n->rounding != FIX_HALF_EVEN)
    text_printf(t, ",\"rounding\":\"%s\"", fix_rounding_text(n->rounding));
  if (n->overflow != FIX_SATURATE)
    text_printf(t, ",\"overflow\":\"%s\"", fix_overflow_text(n->overflow));
  for (uint32_t i = 0; i < n->n_after; i++) {
    open_list(t, "after", i);
    text_puts(t, "{\"node\":");
    json_put_string(t, w->graph->nodes[n->after[i].node].name);
    text_printf(t, ",\"delay\":%u}", n->after[i].delay);
  }
  if (n->n_after) text_puts(t, "]");
  for (uint32_t i = 0; i < n->n_origin; i++)
    open_list(t, "origin", i), json_put_string(t, n->origin[i]);
  if (n->n_origin) text_puts(t, "]");
  if (n->where == WHERE_HOST || op_is(n->op, TRAIT_HOST))
    text_printf(t, ",\"where\":\"%s\"", where_text(n->where));
  text_puts(t, "}");
}

static void put_graph(struct writer *w) {
  const struct graph *g = w->graph;
  text_puts(&w->text, "{\"name\":");
  json_put_string(&w->text, g->name);
  text_puts(&w->text, ",\"inputs\":[");
  for (uint32_t i = 0; i < g->n_inputs; i++) {
    if (i) text_puts(&w->text, ",");
    put_input(w, &g->inputs[i]);
  }
  put_tensors(w);
  text_puts(&w->text, ",\"nodes\":[");
  for (uint32_t i = 0; i < g->n_nodes; i++) {
    if (i) text_puts(&w->text, ",");
    put_node(w, &g->nodes[i]);
  }
  text_puts(&w->text, "],\"outputs\":[");
  for (uint32_t i = 0; i < g->n_outputs; i++) {
    if (i) text_puts(&w->text, ",");
    json_put_string(&w->text, g->values[g->outputs[i]].name);
  }
  text_puts(&w->text, "]}");
}

void model_put(struct text *out, const struct graph *g) {
  struct arena a = {0};
  struct writer w = {.arena = &a, .graph = g};
  put_graph(&w);
  const char *metadata[3][2] = {
      {"format", "nngen"}, {"nngen.version", "1"}, {"nngen.graph", w.text.data}};
  struct safetensors file = {w.count, w.tensors, 3, metadata};
  safetensors_put(out, &file);
  text_free(&w.text);
  arena_free(&a);
}

bool model_write(const char *path, const struct graph *g, struct err *e) {
  struct text file = {0};
  model_put(&file, g);
  bool ok = file_write(path, file.data, file.size, e);
  text_free(&file);
  return ok;
}
