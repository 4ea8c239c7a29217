// SPDX-License-Identifier: Apache-2.0
// Graph JSON to tensors, types, values and inputs.
#include "sw/graph/model_reader.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

struct tensor *reader_take(struct reader *r, const char *name) {
  int64_t at = safetensors_find(r->file, name);
  if (at < 0) {
    err_put(r->err, "tensor \"%s\" isn't in the file", name);
    return NULL;
  }
  r->used[at] = 1;
  return r->file->tensors[at].tensor;
}

struct tensor *reader_take_list(struct reader *r, const char *name, enum dtype dtype) {
  struct tensor *t = reader_take(r, name);
  if (!t) return NULL;
  if (t->dtype == dtype && t->rank == 1 && t->count > 0) return t;
  err_put(r->err, "tensor \"%s\": expected a list of %s, found %s of rank %d", name,
          dtype_text(dtype), dtype_text(t->dtype), t->rank);
  return NULL;
}

bool reader_add_name(struct reader *r, json_t *map, const char *name, uint32_t id) {
  if (json_object_get(map, name)) return err_set(r->err, "the name \"%s\" stands twice", name);
  json_put(map, name, json_integer(id));
  return true;
}

bool reader_find_value(struct reader *r, const json_t *name, uint32_t *id) {
  const char *text = json_string_value(name);
  const json_t *found = text ? json_object_get(r->values, text) : NULL;
  if (!found) return err_set(r->err, "there is no value named \"%s\"", text ? text : "?");
  *id = (uint32_t)json_integer_value(found);
  return true;
}

// ---- types

static bool read_scales(struct reader *r, const json_t *j, int64_t *count, const double **out) {
  if (json_is_string(j)) {
    const struct tensor *t = reader_take_list(r, json_string_value(j), DTYPE_F64);
    if (!t) return false;
    *count = t->count;
    *out = t->data;
    return true;
  }
  if (!json_is_number(j)) return err_set(r->err, "type: scale is neither a number nor a name");
  double *one = ARENA_NEW(r->arena, double, 1);
  *one = json_number_value(j);
  *count = 1;
  *out = one;
  return true;
}

static bool read_zeros(struct reader *r, const json_t *j, int64_t count, const int32_t **out) {
  if (json_is_string(j)) {
    const struct tensor *t = reader_take_list(r, json_string_value(j), DTYPE_I32);
    if (!t) return false;
    if (t->count != count)
      return err_set(r->err, "type: %lld zeros for %lld scales", (long long)t->count,
                     (long long)count);
    *out = t->data;
    return true;
  }
  json_int_t zero = json_integer_value(j);
  if ((j && !json_is_integer(j)) || zero < INT32_MIN || zero > INT32_MAX)
    return err_set(r->err, "type: zero is neither a 32-bit integer nor a name");
  int32_t *all = ARENA_NEW(r->arena, int32_t, count);
  for (int64_t i = 0; i < count; i++) all[i] = (int32_t)zero;
  *out = all;
  return true;
}

static bool read_axis(struct reader *r, const json_t *j, struct type *t) {
  const json_t *axis = json_object_get(j, "axis");
  if (axis && (!json_is_integer(axis) || json_integer_value(axis) < -1 ||
               json_integer_value(axis) >= RANK_MAX))
    return err_set(r->err, "type: axis, expected an integer from -1 to %d", RANK_MAX - 1);
  t->axis = axis ? (int8_t)json_integer_value(axis) : -1;
  return true;
}

static bool check_axis(struct reader *r, const struct type *t) {
  return t->axis >= 0 || t->channels == 1 ||
         err_set(r->err, "type: %lld scales but no axis", (long long)t->channels);
}

// {"bipolar":{"scale":S,"axis":A}}
static bool read_signs(struct reader *r, const json_t *j, enum type_class cls, struct type *t) {
  static const char *const outer[] = {"bipolar", "ternary", NULL}, *const keys[] = {"scale", "axis",
                                                                                    NULL};
  const json_t *inner = json_object_get(j, cls == TYPE_BIPOLAR ? "bipolar" : "ternary");
  *t = type_of_class(cls);
  if (!json_only(j, outer, "type", r->err) || !json_only(inner, keys, "type", r->err)) return false;
  if (json_object_size(j) != 1) return err_set(r->err, "type: both bipolar and ternary");
  return read_axis(r, inner, t) &&
         read_scales(r, json_object_get(inner, "scale"), &t->channels, &t->scale) &&
         check_axis(r, t);
}

// {"format":"e4m3","scale":S,"axis":A}: S times the format's numbers; of blocks without an axis.
static bool read_format(struct reader *r, const json_t *j, struct type *t) {
  static const char *const keys[] = {"format", "scale", "axis", NULL};
  const char *text = json_string_value(json_object_get(j, "format"));
  struct minifloat m;
  struct blocked b;
  const char *end = text ? minifloat_read(text, &m) : NULL,
             *block = text ? block_read(text, &b) : NULL;
  if (!json_only(j, keys, "type", r->err)) return false;
  if (!(end && !*end) && !(block && !*block))
    return err_set(r->err, "type: format \"%s\", expected eXmY, blockN:W, blockN:eXmY or residualN",
                   text ? text : "?");
  if (!(block ? block_check(&b, r->err) : minifloat_check(&m, r->err)))
    return err_within(r->err, "type");
  const double *scale;
  int64_t channels;
  if (!read_scales(r, json_object_get(j, "scale"), &channels, &scale)) return false;
  double *own = ARENA_NEW(r->arena, double, channels);
  double unit = block ? block_unit(&b) : type_minifloat_scale(&m, minifloat_bias(&m));
  for (int64_t c = 0; c < channels; c++) own[c] = scale[c] * unit;
  *t = block ? type_block(r->arena, &b, own[0]) : type_minifloat(r->arena, &m, -1, channels, own);
  if (block && (channels > 1 || json_object_get(j, "axis")))
    return err_set(r->err, "type: blocks have one scale");
  return read_axis(r, j, t) && check_axis(r, t);
}

// {"format":"residual2","factors":[128,61],"scale":S,"axis":A}: S times their sums.
static bool read_residual(struct reader *r, const json_t *j, struct type *t) {
  static const char *const keys[] = {"format", "factors", "scale", "axis", NULL};
  struct residual own;
  const json_t *factors = json_object_get(j, "factors");
  residual_read(json_string_value(json_object_get(j, "format")), &own);
  if (!json_only(j, keys, "type", r->err)) return false;
  if (!residual_check(&own, r->err)) return err_within(r->err, "type");
  for (size_t l = 0; l < own.planes; l++) {
    json_int_t factor = json_integer_value(json_array_get(factors, l));
    if (json_array_size(factors) != own.planes || factor < 1 || factor > RESIDUAL_FACTOR_MAX)
      return err_set(r->err, "type: factors, expected %d integers from 1 to %d", own.planes,
                     RESIDUAL_FACTOR_MAX);
    own.factor[l] = (uint8_t)factor;
  }
  const double *scale;
  int64_t channels;
  if (!read_scales(r, json_object_get(j, "scale"), &channels, &scale)) return false;
  *t = type_residual(r->arena, &own, -1, channels, scale);
  return read_axis(r, j, t) && check_axis(r, t);
}

// Whether the text of a format is all read.
static bool is_residual(const json_t *j) {
  struct residual own;
  const char *text = json_string_value(j), *end = text ? residual_read(text, &own) : NULL;
  return end && !*end;
}

static bool read_long_type(struct reader *r, const json_t *j, struct type *t) {
  static const char *const keys[] = {"fixed", "scale", "zero", "axis", NULL};
  if (json_object_get(j, "bipolar")) return read_signs(r, j, TYPE_BIPOLAR, t);
  if (json_object_get(j, "ternary")) return read_signs(r, j, TYPE_TERNARY, t);
  const json_t *format = json_object_get(j, "format");
  if (format) return (is_residual(format) ? read_residual : read_format)(r, j, t);
  if (!json_only(j, keys, "type", r->err)) return false;
  const char *fixed = json_string_value(json_object_get(j, "fixed"));
  char *end = NULL;
  bool is_signed = fixed && fixed[0] == 's';
  bool digit = fixed && (fixed[0] == 's' || fixed[0] == 'u') && fixed[1] >= '1' && fixed[1] <= '9';
  long width = digit ? strtol(fixed + 1, &end, 10) : 0;
  if (!digit || *end || width > 62 || width < (is_signed ? 2 : 1))
    return err_set(r->err, "type: \"%s\", expected s2..s62 or u1..u62", fixed ? fixed : "?");
  *t = (struct type){.cls = TYPE_FIXED, .width = (uint8_t)width, .is_signed = is_signed};
  if (!read_axis(r, j, t) ||
      !read_scales(r, json_object_get(j, "scale"), &t->channels, &t->scale) ||
      !read_zeros(r, json_object_get(j, "zero"), t->channels, &t->zero))
    return false;
  if (!check_axis(r, t)) return false;
  for (int64_t i = 0; i < t->channels; i++)
    if (t->zero[i] < type_lowest(t) || t->zero[i] > type_highest(t))
      return err_set(r->err, "type: zero %d lies outside of %s", t->zero[i], fixed);
  return true;
}

bool reader_type(struct reader *r, const json_t *j, struct type *t) {
  static const enum type_class classes[] = {TYPE_REAL, TYPE_REF, TYPE_BIPOLAR, TYPE_TERNARY};
  const char *text = json_string_value(j);
  if (!text) return read_long_type(r, j, t);
  for (size_t i = 0; i < sizeof classes / sizeof *classes; i++) {
    *t = type_of_class(classes[i]);
    if (strcmp(text, type_text(r->arena, t)) == 0) return true;
  }
  if (type_parse_short(r->arena, text, t)) return true;
  return err_set(r->err,
                 "type \"%s\", expected real, ref, bipolar, ternary, W,F, uW,F, eXmY, "
                 "eXmY,B, blockN:W or blockN:eXmY, or an object such as "
                 "{\"format\":\"residual2\",\"factors\":[2,1],\"scale\":0.1}",
                 text);
}

static bool read_shape(struct reader *r, const json_t *j, int *rank, int64_t *shape) {
  if (!json_is_array(j) || json_array_size(j) > RANK_MAX)
    return err_set(r->err, "shape: expected a list of at most %d dimensions", RANK_MAX);
  *rank = (int)json_array_size(j);
  for (int d = 0; d < *rank; d++) {
    const json_t *size = json_array_get(j, (size_t)d);
    shape[d] = json_is_integer(size) ? json_integer_value(size) : 0;
    if (shape[d] < 1 || shape[d] > DIM_MAX)
      return err_set(r->err, "shape: dimension %d, expected 1 to %lld", d, (long long)DIM_MAX);
  }
  return true;
}

// ---- values

bool reader_tensor(struct reader *r, const char *name, const json_t *j) {
  static const char *const keys[] = {"type", "axis_of_out", "mask", NULL};
  struct type type;
  if (!json_only(j, keys, "entry", r->err) || !reader_type(r, json_object_get(j, "type"), &type))
    return false;
  const json_t *axis = json_object_get(j, "axis_of_out"), *mask = json_object_get(j, "mask");
  if (axis && (!json_is_integer(axis) || json_integer_value(axis) != 0))
    return err_set(r->err, "axis_of_out: expected 0, weights are (OUT, IN)");
  struct tensor *t = reader_take(r, name);
  if (t && type_is_coded(&type)) t = reader_decode(r, name, t, &type);
  if (!t) return false;
  uint32_t id = graph_add_tensor(r->graph, name, t, type);
  if (mask && !json_is_string(mask)) return err_set(r->err, "mask: expected a name");
  if (mask && !(r->graph->values[id].mask = reader_take(r, json_string_value(mask)))) return false;
  return reader_add_name(r, r->values, name, id);
}

bool reader_value(struct reader *r, const json_t *j, bool per_frame, uint32_t *id) {
  struct type type;
  int rank = 0;
  int64_t shape[RANK_MAX];
  const char *name = json_string_value(json_object_get(j, "name"));
  if (!name) return err_set(r->err, "name: expected a string");
  if (!read_shape(r, json_object_get(j, "shape"), &rank, shape) ||
      !reader_type(r, json_object_get(j, "type"), &type))
    return err_within(r->err, "value \"%s\"", name);
  *id = graph_add_value(r->graph, name, rank, shape, type, per_frame);
  return reader_add_name(r, r->values, name, *id);
}

static bool read_reals(struct reader *r, const json_t *j, const char *what, int64_t *count,
                       const double **out) {
  size_t n = json_array_size(j);
  if (n < 1 || n > DIM_MAX) return err_set(r->err, "%s: expected a list of numbers", what);
  double *list = ARENA_NEW(r->arena, double, n);
  for (size_t i = 0; i < n; i++) {
    if (!json_is_number(json_array_get(j, i)))
      return err_set(r->err, "%s: element %zu isn't a number", what, i);
    list[i] = json_number_value(json_array_get(j, i));
  }
  *count = (int64_t)n;
  *out = list;
  return true;
}

// How users' arrays have the axes; which they are, the verifier asks.
static bool read_axes(struct reader *r, const json_t *j, struct source *s) {
  if (!j) return true;
  int64_t *axes = ARENA_NEW(r->arena, int64_t, RANK_MAX);
  if (!json_is_array(j) || json_array_size(j) > RANK_MAX)
    return err_set(r->err, "source: axes: expected a list of at most %d axes", RANK_MAX);
  for (size_t i = 0; i < RANK_MAX; i++) {
    const json_t *v = json_array_get(j, i);
    if (i < json_array_size(j) && !json_is_integer(v))
      return err_set(r->err, "source: axes: expected integers");
    axes[i] = v ? json_integer_value(v) : NONE;
  }
  s->axes = axes;
  return true;
}

static bool read_source(struct reader *r, const json_t *j, struct source *s) {
  static const char *const keys[] = {"type", "mean", "std", "table", "axes", NULL};
  *s = (struct source){0};
  if (!j) return true;
  if (!json_only(j, keys, "source", r->err)) return false;
  const char *type = json_string_value(json_object_get(j, "type"));
  if (!type || strcmp(type, "u8") != 0)
    return err_set(r->err, "source: type \"%s\", expected u8", type ? type : "?");
  int64_t deviations;
  if (!read_reals(r, json_object_get(j, "mean"), "source: mean", &s->channels, &s->mean) ||
      !read_reals(r, json_object_get(j, "std"), "source: std", &deviations, &s->std))
    return false;
  if (deviations != s->channels)
    return err_set(r->err, "source: %lld means, %lld deviations", (long long)s->channels,
                   (long long)deviations);
  if (!read_axes(r, json_object_get(j, "axes"), s)) return false;
  const json_t *table = json_object_get(j, "table");
  if (!table) return true;
  if (!json_is_string(table)) return err_set(r->err, "source: table: expected a name");
  const struct tensor *t = reader_take(r, json_string_value(table));
  if (!t) return false;
  if (t->dtype != DTYPE_I32 || t->rank < 1 || t->rank > 2 || t->shape[t->rank - 1] != 256 ||
      t->count == 0)
    return err_set(r->err, "source: table \"%s\": expected I32 (256) or (channels, 256)",
                   json_string_value(table));
  s->tables = t->count / 256;
  s->table = t->data;
  return true;
}

bool reader_input(struct reader *r, const json_t *j) {
  static const char *const keys[] = {"name", "shape", "type", "source", NULL};
  struct source source;
  uint32_t id;
  if (!json_only(j, keys, "input", r->err) || !reader_value(r, j, true, &id) ||
      !read_source(r, json_object_get(j, "source"), &source))
    return false;
  graph_add_input(r->graph, id, source);
  return true;
}
