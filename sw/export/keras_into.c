// SPDX-License-Identifier: Apache-2.0
// Weights into a Keras file. The file is imported, which tells where the elements of each tensor of
// its graph are in its arrays; the model's are put there, the sandbox writes them over the file's,
// and the copy is read again: what it doesn't hold was not exported.
#include "sw/export/into.h"

#include "sw/graph/norm.h"
#include "sw/import/keras.h"

#include <math.h>
#include <string.h>

struct target {
  struct arena *arena;
  const struct graph *model, *graph; // ours; the file's
  struct safetensors file;           // its arrays
  struct keras_sources sources;
  struct tensor **wanted; // (values of its graph) what the tensor is to be, F32; NULL: not a tensor
  struct tensor **arrays; // (file.count) an array's new content; NULL: as it is
  struct err *err;
};

// The file's name of an array: that of its lists, or the path of its group:
// "layers/a/layers/b/vars/0" of "a/b/0".
static const char *array_text(const struct target *t, uint32_t i) {
  const char *path =
      safetensors_metadata(&t->file, arena_printf(t->arena, "path:%s", t->file.tensors[i].name));
  char *key = arena_strdup(t->arena, t->file.tensors[i].name), *slash;
  if (path) return path;
  for (path = ""; (slash = strchr(key, '/')); key = slash + 1)
    path = arena_printf(t->arena, "%slayers/%.*s/", path, (int)(slash - key), key);
  return arena_printf(t->arena, "%svars/%s", path, key);
}

// ---- reading

static bool dump(struct arena *a, const void *data, size_t size, struct bytes *back,
                 struct err *e) {
  return sandbox_run(a, &keras_limits, keras_dump, data, size, back, e);
}

static bool open_target(struct target *t, const struct bytes *back) {
  struct refusals r = {0};
  struct graph *g =
      keras_build_traced(t->arena, back->data, back->size, &t->file, &t->sources, &r, t->err);
  if (g && r.count) return refusals_err(&r, "import", t->err);
  if (!g || !graph_verify(g, t->err)) return false;
  t->graph = g;
  t->wanted = ARENA_NEW(t->arena, struct tensor *, g->n_values);
  t->arrays = ARENA_NEW(t->arena, struct tensor *, t->file.count);
  return true;
}

static bool has_source(const struct target *t, uint32_t value) {
  for (uint32_t i = 0; i < t->sources.count; i++)
    if (t->sources.list[i].value == value) return true;
  return false;
}

// ---- what the tensors of the file's graph are to be

static struct tensor *numbers(struct target *t, const struct value *v) {
  struct tensor *to = tensor_new(t->arena, DTYPE_F32, v->rank, v->shape);
  for (int64_t i = 0; i < to->count; i++) ((float *)to->data)[i] = (float)into_number(v, i);
  return to;
}

static bool all_zero(const struct value *v) {
  bool zero = true;
  for (int64_t i = 0; i < value_elements(v); i++) zero &= into_number(v, i) == 0;
  return zero;
}

static bool want_plain(struct target *t, const struct into_pair *p) {
  const struct node *m = p->model, *f = p->file;
  for (uint32_t i = 1; i < m->n_in || i < f->n_in; i++) {
    const struct value *v = i < m->n_in ? node_in(t->model, m, i) : NULL;
    bool there = i < f->n_in;
    if (v && !v->init) continue;
    if (!there && !all_zero(v))
      return err_set(t->err,
                     "its layer \"%s\" has no bias, the model's \"%s\" has one that isn't 0: set "
                     "use_bias=True in it",
                     f->name, m->name);
    if (there && node_in(t->graph, f, i)->init)
      t->wanted[f->in[i].value] = v ? numbers(t, v)
                                    : tensor_new(t->arena, DTYPE_F32, node_in(t->graph, f, i)->rank,
                                                 node_in(t->graph, f, i)->shape);
  }
  return true;
}

static bool want_norm(struct target *t, const struct into_pair *p) {
  struct into_norm n = {.channels = value_elements(node_in(t->graph, p->file, 1)),
                        .epsilon = node_real(p->model, ATTR_epsilon, NORM_EPSILON),
                        .file_epsilon = node_real(p->file, ATTR_epsilon, NORM_EPSILON)};
  if (!has_source(t, p->file->in[NORM_VARIANCE].value)) return want_plain(t, p);
  for (uint32_t i = 0; i < 4; i++) {
    const struct value *v = node_in(t->model, p->model, NORM_GAMMA + i);
    uint32_t value = p->file->in[NORM_GAMMA + i].value;
    n.model[i] = numbers(t, v)->data;
    n.there[i] = has_source(t, value);
    t->wanted[value] = tensor_new(t->arena, DTYPE_F32, v->rank, v->shape);
    n.file[i] = t->wanted[value]->data;
  }
  return into_norm(&n, t->err) ||
         err_within(t->err, "its layer \"%s\", the model's \"%s\"", p->file->name, p->model->name);
}

static bool want_all(struct target *t) {
  struct into_pairs pairs;
  if (!into_match(t->arena, t->model, t->graph, &pairs, t->err)) return false;
  for (uint32_t i = 0; i < pairs.count; i++) {
    const struct into_pair *p = &pairs.list[i];
    bool norm = op_is(p->file->op, TRAIT_AVERAGES);
    if (!(norm ? want_norm(t, p) : want_plain(t, p))) return false;
  }
  return true;
}

// ---- and the arrays

// Where element i of a tensor is in the array.
static int64_t place(const struct keras_source *s, const struct tensor *w, int64_t i) {
  int64_t at = 0;
  for (int d = w->rank - 1; d >= 0; i /= w->shape[d--]) at += i % w->shape[d] * s->step[d];
  return at;
}

static bool changes(const struct value *v, const struct tensor *w) {
  for (int64_t i = 0; i < w->count; i++)
    if ((float)value_real(v, i) != ((const float *)w->data)[i]) return true;
  return false;
}

// An array that several layers have gets what all of them ask for.
static bool agree(struct target *t, const struct keras_source *s, const struct tensor *w) {
  const float *array = t->arrays[s->array]->data;
  for (int64_t i = 0; i < w->count; i++)
    if (array[place(s, w, i)] != ((const float *)w->data)[i])
      return err_set(t->err,
                     "array \"%s\" is one for several calls of a layer, for which the model has "
                     "different weights: save the network with a layer for each call",
                     array_text(t, s->array));
  return true;
}

static bool put_source(struct target *t, const struct keras_source *s) {
  const struct value *v = &t->graph->values[s->value];
  const struct tensor *w = t->wanted[s->value];
  if (!w) return true; // it leads to no output
  if (t->arrays[s->array]) return agree(t, s, w);
  if (s->rounded && changes(v, w))
    return err_set(t->err,
                   "array \"%s\": the file's layer rounds it with a quantizer of its own: export "
                   "into the same network without quantizers",
                   array_text(t, s->array));
  const struct tensor *old = t->file.tensors[s->array].tensor;
  t->arrays[s->array] = tensor_new(t->arena, DTYPE_F32, old->rank, old->shape);
  float *array = t->arrays[s->array]->data;
  memcpy(array, old->data, (size_t)old->count * sizeof *array);
  for (int64_t i = 0; i < w->count && !s->rounded; i++)
    array[place(s, w, i)] = ((const float *)w->data)[i];
  return true;
}

// What is no array of the file, as the numbers of Rescaling, must be what it is there.
static bool check_constant(struct target *t, uint32_t value) {
  const struct value *v = &t->graph->values[value];
  const float *w = t->wanted[value]->data;
  for (int64_t i = 0; i < t->wanted[value]->count; i++) {
    double is = value_real(v, i);
    if (!(fabs(is - w[i]) <= 1e-6 * (fabs(is) + fabs((double)w[i]))))
      return err_set(t->err,
                     "\"%s\" follows from the layer's configuration, where element %lld is %.9g; "
                     "the model has %.9g, as training learns it as a normalisation: put a "
                     "BatchNormalization in its place",
                     v->name, (long long)i, is, (double)w[i]);
  }
  return true;
}

static bool fill(struct target *t) {
  if (!want_all(t)) return false;
  for (uint32_t i = 0; i < t->sources.count; i++)
    if (!put_source(t, &t->sources.list[i])) return false;
  for (uint32_t i = 0; i < t->graph->n_values; i++)
    if (t->wanted[i] && !has_source(t, i) && !check_constant(t, i)) return false;
  return true;
}

// ---- writing

// The arrays that change, in the order of the file's list.
static struct safetensors changed(struct target *t) {
  struct safetensors s = {.tensors = ARENA_NEW(t->arena, struct named_tensor, t->file.count)};
  for (uint32_t i = 0; i < t->file.count; i++) {
    struct tensor *to = t->arrays[i], *old = t->file.tensors[i].tensor;
    if (!to || memcmp(to->data, old->data, (size_t)to->count * sizeof(float)) == 0) continue;
    s.tensors[s.count++] = (struct named_tensor){t->file.tensors[i].name, to};
  }
  return s;
}

// The copy has every array: the new ones up to the rounding of halves, the others to the bit.
static bool check_copy(struct target *t, const struct bytes *copy, struct into_result *r) {
  struct bytes back;
  struct safetensors file;
  if (!dump(t->arena, copy->data, copy->size, &back, t->err) ||
      !safetensors_parse(t->arena, back.data, back.size, &file, t->err))
    return err_within(t->err, "its copy");
  for (uint32_t i = 0; i < t->file.count; i++) {
    const struct tensor *old = t->file.tensors[i].tensor, *to = t->arrays[i] ? t->arrays[i] : old;
    int64_t at = safetensors_find(&file, t->file.tensors[i].name);
    const float *w = to->data, *is = at < 0 ? NULL : file.tensors[at].tensor->data;
    for (int64_t k = 0; k < to->count; k++) {
      double off = is ? fabs((double)w[k] - is[k]) : INFINITY;
      bool same = is && memcmp(&w[k], &is[k], sizeof *w) == 0;
      if (!same && !(t->arrays[i] && off <= fabs((double)w[k]) / 256 + 0x1p-24))
        return err_set(t->err,
                       "array \"%s\": its type or its place in the file doesn't hold the number "
                       "%.9g: save the model as float32",
                       array_text(t, i), (double)w[k]);
      r->rounded += !same;
    }
  }
  return true;
}

static bool rewrite(struct target *t, const struct bytes *file, const struct safetensors *arrays,
                    struct into_result *r, struct text *out) {
  struct text pack = {0};
  struct bytes copy;
  keras_pack(&pack, file->data, file->size, arrays);
  bool ok = sandbox_run(t->arena, &keras_limits, keras_put, pack.data, pack.size, &copy, t->err) &&
            check_copy(t, &copy, r);
  text_free(&pack);
  if (ok) text_put(out, (const char *)copy.data, copy.size);
  return ok;
}

static bool prepare(struct target *t, const struct bytes *back, struct safetensors *arrays) {
  if (!open_target(t, back) || !fill(t)) return false;
  *arrays = changed(t);
  return true;
}

static bool is_trained(const struct target *t) {
  return safetensors_metadata(&t->file, "trained") != NULL;
}

bool into_keras_arrays(struct arena *a, const struct graph *g, const struct bytes *back,
                       struct safetensors *arrays, bool *trained, struct err *e) {
  struct target t = {.arena = a, .model = g, .err = e};
  if (!prepare(&t, back, arrays)) return false;
  *trained = is_trained(&t);
  return true;
}

bool into_keras(struct arena *a, const struct graph *g, const struct bytes *file,
                struct into_result *r, struct text *out, struct err *e) {
  struct target t = {.arena = a, .model = g, .err = e};
  struct safetensors arrays;
  struct bytes back;
  if (!dump(a, file->data, file->size, &back, e) || !prepare(&t, &back, &arrays)) return false;
  r->trained = is_trained(&t);
  r->arrays = arrays.count;
  for (uint32_t i = 0; i < arrays.count; i++) r->numbers += arrays.tensors[i].tensor->count;
  if (arrays.count) return rewrite(&t, file, &arrays, r, out);
  text_put(out, (const char *)file->data, file->size);
  return true;
}
