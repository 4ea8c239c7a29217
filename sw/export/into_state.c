// SPDX-License-Identifier: Apache-2.0
// Weights into a state dict, a safetensors file of PyTorch's names: their bytes are written over
// the file's, in its types; the header and what else is there stay to the byte.
#include "sw/export/into.h"

#include "sw/base/json.h"
#include "sw/export/into_float.h"
#include "sw/graph/norm.h"
#include "sw/import/state.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { PREFIX = 8, HEADER_MAX = 16 << 20 };

struct state {
  struct arena *arena;
  const struct graph *graph;
  json_t *header, *used; // names of tensors
  unsigned char *data;   // behind the header
  size_t size;
  struct err *err;
};

// A tensor of the file.
struct place {
  const char *name;
  const struct into_float *type;
  int64_t begin; // bytes
};

// ---- the header

static bool shape_of(const json_t *j, int *rank, int64_t *shape) {
  *rank = (int)json_array_size(j);
  if (!json_is_array(j) || json_array_size(j) > RANK_MAX) return false;
  for (int d = 0; d < *rank; d++) shape[d] = json_integer_value(json_array_get(j, (size_t)d));
  return true;
}

static bool find_place(struct state *s, const struct value *w, struct place *p) {
  const json_t *j = json_object_get(s->header, p->name), *at = json_object_get(j, "data_offsets");
  const char *type = json_string_value(json_object_get(j, "dtype"));
  int rank;
  int64_t shape[RANK_MAX];
  p->type = into_float_find(type ? type : "?");
  p->begin = json_integer_value(json_array_get(at, 0));
  int64_t end = json_integer_value(json_array_get(at, 1));
  if (!p->type)
    return err_set(s->err, "dtype %s, expected F32, F16, BF16 or F64: save the floats of the model",
                   type ? type : "?");
  if (!shape_of(json_object_get(j, "shape"), &rank, shape) || !state_shape(w, rank, shape))
    return err_set(s->err,
                   "another shape than the model's layer has there, %s: it takes the state "
                   "dict of the same network",
                   state_shape_text(s->arena, w));
  if (p->begin < 0 || end < p->begin || (uint64_t)end > s->size ||
      end - p->begin != value_elements(w) * p->type->bytes)
    return err_set(s->err,
                   "its bytes, %lld to %lld, aren't those of its shape in the %zu bytes of "
                   "data: the file is damaged, save it again",
                   (long long)p->begin, (long long)end, s->size);
  return true;
}

struct extent {
  int64_t begin, end;
};

static int by_begin(const void *a, const void *b) {
  const struct extent *x = a, *y = b;
  if (x->begin != y->begin) return x->begin < y->begin ? -1 : 1;
  return (x->end > y->end) - (x->end < y->end);
}

// The tensors follow each other to the end, as the framework asks for: no write reaches another's.
static bool check_extents(struct state *s) {
  struct extent *list = ARENA_NEW(s->arena, struct extent, json_object_size(s->header) + 1);
  size_t count = 0;
  const char *key;
  json_t *v;
  json_object_foreach(s->header, key, v) {
    const json_t *at = json_object_get(v, "data_offsets");
    if (strcmp(key, "__metadata__") != 0)
      list[count++] = (struct extent){json_integer_value(json_array_get(at, 0)),
                                      json_integer_value(json_array_get(at, 1))};
  }
  qsort(list, count, sizeof *list, by_begin);
  int64_t end = 0;
  bool whole = true;
  for (size_t i = 0; i < count; end = list[i++].end) whole &= list[i].begin == end;
  return (whole && end == (int64_t)s->size) ||
         err_set(s->err,
                 "its tensors lie over each other or leave holes in its %zu bytes of data: "
                 "the file is damaged, save it again",
                 s->size);
}

// ---- one tensor

// Whether the layer is what it is without the tensor.
static bool is_neutral(const struct node *n, uint32_t i, const struct value *w) {
  bool norm = op_is(n->op, TRAIT_AVERAGES), neutral = norm ? i < NORM_MEAN : i == 2;
  for (int64_t k = 0; neutral && k < value_elements(w); k++)
    neutral = into_number(w, k) == (norm && i == NORM_GAMMA);
  return neutral;
}

static bool no_such(struct state *s, const struct node *n, uint32_t i, const char *name) {
  const char *others = "", *key;
  json_t *v;
  int left = 4;
  json_object_foreach(s->header, key, v) if (strcmp(key, "__metadata__") != 0 && left-- > 0)
      others = arena_printf(s->arena, "%s%s%.40s", others, *others ? ", " : "", key);
  return err_set(s->err,
                 "there is no tensor \"%s\" in it, for \"%s\" of the model's layer \"%s\"; it has "
                 "%s ..: give the model's layers the names of the modules (\"name\" in a recipe)",
                 name, state_word(n, i), n->name, others);
}

static bool write_tensor(struct state *s, const struct node *n, uint32_t i, const struct place *p,
                         struct into_result *r) {
  const struct value *w = node_in(s->graph, n, i);
  bool written = false;
  for (int64_t k = 0; k < value_elements(w); k++) {
    unsigned char *at =
        s->data + p->begin + state_place(s->graph, n, w, k) * (int64_t)p->type->bytes;
    double number = into_number(w, k), was = into_float_get(p->type, at);
    if ((float)was == (float)number) continue; // an F64 keeps what floats have lost
    into_float_put(p->type, at, number);
    double is = into_float_get(p->type, at);
    if (!isfinite(is))
      return err_set(s->err, "%s can't hold %.9g: save the model as F32", p->type->name, number);
    r->rounded += (float)is != (float)number;
    written = true;
  }
  r->arrays += written;
  r->numbers += written ? value_elements(w) : 0;
  return true;
}

static bool put_tensor(struct state *s, const struct node *n, uint32_t i, struct into_result *r) {
  const struct value *w = node_in(s->graph, n, i);
  struct place p = {.name = arena_printf(s->arena, "%s.%s", n->name, state_word(n, i))};
  if (!json_object_get(s->header, p.name) && json_object_get(s->header, w->name))
    p.name = w->name; // as ONNX files of PyTorch have them
  if (!json_object_get(s->header, p.name)) return is_neutral(n, i, w) || no_such(s, n, i, p.name);
  if (json_object_get(s->used, p.name))
    return err_set(
        s->err,
        "tensor \"%s\" would be that of two layers of the model, of which \"%s\" is one: "
        "give them different names",
        p.name, n->name);
  json_put(s->used, p.name, json_true());
  return (find_place(s, w, &p) && write_tensor(s, n, i, &p, r)) ||
         err_within(s->err, "tensor \"%s\"", p.name);
}

// ---- all

static bool check_used(struct state *s) {
  const char *key;
  json_t *v;
  json_object_foreach(s->header, key, v) {
    if (json_object_get(s->used, key) || state_is_count(key) || strcmp(key, "__metadata__") == 0)
      continue;
    return err_set(s->err,
                   "its tensor \"%s\" belongs to no layer of the model: it takes the state dict of "
                   "the same network",
                   key);
  }
  return true;
}

static bool put_all(struct state *s, struct into_result *r) {
  const struct graph *g = s->graph;
  for (uint32_t i = 0; i < g->n_nodes; i++)
    for (uint32_t k = 1; k < g->nodes[i].n_in && k < 5; k++)
      if (node_in(g, &g->nodes[i], k)->init && !put_tensor(s, &g->nodes[i], k, r)) return false;
  return check_used(s);
}

bool into_state(struct arena *a, const struct graph *g, const struct bytes *file,
                struct into_result *r, struct text *out, struct err *e) {
  struct state s = {.arena = a, .graph = g, .used = json_map(), .err = e};
  unsigned char *copy = arena_copy(a, file->data, file->size);
  uint64_t header = 0;
  for (int i = PREFIX - 1; i >= 0; i--) header = header << 8 | copy[i];
  bool ok = header <= HEADER_MAX && header <= file->size - PREFIX;
  if (!ok)
    err_put(e, "its header has %llu bytes, the file %zu: it is cut short",
            (unsigned long long)header, file->size);
  s.header = ok ? json_parse((const char *)copy + PREFIX, header, e) : NULL;
  if (ok && !s.header) err_put_within(e, "its header");
  s.data = copy + PREFIX + header;
  s.size = file->size - PREFIX - header;
  ok = s.header && check_extents(&s) && put_all(&s, r);
  if (ok) text_put(out, (const char *)copy, file->size);
  json_decref(s.header);
  json_decref(s.used);
  return ok;
}
