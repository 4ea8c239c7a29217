// SPDX-License-Identifier: Apache-2.0
// Images as a network takes them: their shape against its input's, and their numbers as floats and
// as codes.
#include "sw/data/array.h"
#include "sw/graph/graph.h"

#include <math.h>
#include <string.h>

double images_real(const struct images *set, int64_t at) {
  return array_real(set->numbers, at);
}

const struct images *images_part(const struct images *set, uint32_t input) {
  return set->n_parts ? &set->parts[input] : set;
}

bool images_join(struct arena *a, uint32_t n, const struct images *of, struct images *out,
                 struct err *e) {
  *out = of[0];
  out->n_parts = n;
  out->parts = arena_copy(a, of, n * sizeof *of);
  out->elements = 0;
  out->pixels = NULL;
  out->numbers = NULL;
  for (uint32_t i = 0; i < n; i++) {
    out->elements += of[i].elements;
    if (of[i].count != of[0].count)
      return err_set(e, "%s: %lld images, %s has %lld: every input takes as many", of[i].name,
                     (long long)of[i].found, of[0].name, (long long)of[0].found);
  }
  return true;
}

static uint32_t parts_of(const struct images *set) {
  return set->n_parts ? set->n_parts : 1;
}

// One image of one input.
static bool image_floats(const struct graph *g, const struct images *part, uint32_t input,
                         int64_t image, float *to, struct err *e) {
  int64_t n = part->elements, from = image * n;
  for (int64_t i = 0; i < n; i++) {
    double v = part->pixels ? source_real(&g->inputs[input].source, i, part->pixels[from + i])
                            : images_real(part, from + i);
    to[i] = (float)v;
    if (!isfinite(to[i]))
      return err_set(e, "%s: image %lld holds %g, more than a float of the float model holds",
                     part->name, (long long)image, v);
  }
  return true;
}

bool images_floats(const struct graph *g, const struct images *set, int64_t first, int64_t count,
                   float *to, struct err *e) {
  if (set->numbers && set->numbers->type == ARRAY_F32) {
    memcpy(to, set->numbers->data + (size_t)(first * set->elements) * sizeof *to,
           (size_t)(count * set->elements) * sizeof *to);
    return true;
  }
  for (int64_t image = first; image < first + count; image++)
    for (uint32_t k = 0; k < parts_of(set); k++) {
      const struct images *part = images_part(set, k);
      if (!image_floats(g, part, k, image, to, e)) return false;
      to += part->elements;
    }
  return true;
}

// One image of one input.
static void image_codes(const struct graph *g, const struct images *part, uint32_t input,
                        int64_t image, int32_t *to) {
  const struct source *source = &g->inputs[input].source;
  const struct type *t = &g->values[g->inputs[input].value].type;
  bool integers = part->numbers && array_is_integer(part->numbers);
  int64_t from = image * part->elements;
  for (int64_t i = 0; i < part->elements; i++)
    to[i] = part->codes    ? (int32_t)array_integer(part->numbers, from + i)
            : part->pixels ? source_code(source, i, part->pixels[from + i])
            : integers     ? (int32_t)type_encode_integer(t, array_integer(part->numbers, from + i))
                           : (int32_t)type_encode(t, images_real(part, from + i));
}

int32_t *images_codes(struct arena *a, const struct graph *g, const struct images *set,
                      int64_t first, int64_t count) {
  int32_t *codes = ARENA_NEW(a, int32_t, count * set->elements), *to = codes;
  for (int64_t image = first; image < first + count; image++)
    for (uint32_t k = 0; k < parts_of(set); k++) {
      image_codes(g, images_part(set, k), k, image, to);
      to += images_part(set, k)->elements;
    }
  return codes;
}

// ---- codes

bool images_as_codes(struct images *set, struct err *e) {
  if (!set->array || !array_is_integer(set->array))
    return err_set(
        e,
        "%s: --codes takes integers, the codes of the input's type, from a .npy or .npz; found %s",
        set->name, set->array ? "floats" : "drawn images");
  set->numbers = set->array;
  set->pixels = NULL;
  set->codes = true;
  return true;
}

static bool check_codes(const struct images *set, const struct value *x, struct err *e) {
  const struct type *t = &x->type;
  if (!type_is_integer(t))
    return err_set(e, "%s: codes, but input \"%s\" of the model is real", set->name, x->name);
  for (int64_t i = 0; i < set->count * set->elements; i++) {
    fix_wide code = array_integer(set->numbers, i);
    if (code < type_lowest(t) || code > type_highest(t) || !type_is_code(t, (int64_t)code))
      return err_set(
          e, "%s: image %lld holds the code %lld, the codes of input \"%s\" are %lld to %lld",
          set->name, (long long)(i / set->elements), (long long)code, x->name,
          (long long)type_lowest(t), (long long)type_highest(t));
  }
  return true;
}

// ---- shapes

// Whether a set has the axes of the file that the model came from, or is flat: one axis, in the
// order of that file.
static bool is_foreign(const struct images *set, const struct value *x, const int64_t *axes) {
  const struct array *v = set->array; // (images, ..)
  if (v->rank == 2 && v->shape[1] == value_elements(x)) return true;
  bool foreign = v->rank == x->rank + 1;
  for (int d = 0; foreign && d < x->rank; d++) foreign = v->shape[axes[d] + 1] == x->shape[d];
  return foreign;
}

static struct array *transposed(struct arena *a, const struct images *set, const struct value *x,
                                const int64_t *axes) {
  struct array *to = arena_copy(a, set->array, sizeof *to);
  size_t width = array_type_bytes(to->type);
  int64_t file[RANK_MAX], stride[RANK_MAX], at[RANK_MAX] = {0}, step = 1, from = 0;
  for (int d = 0; d < x->rank; d++) file[axes[d]] = x->shape[d];
  for (int d = x->rank - 1; d >= 0; d--) {
    stride[d] = step;
    step *= file[d];
  }
  to->data = arena_alloc(a, (size_t)to->elements, width);
  for (int64_t i = 0; i < to->elements; i++) {
    memcpy(to->data + (size_t)i * width, set->array->data + (size_t)from * width, width);
    int d = x->rank - 1;
    for (; d >= 0; d--) {
      from += stride[axes[d]];
      if (++at[d] < x->shape[d]) break;
      from -= stride[axes[d]] * x->shape[d];
      at[d] = 0;
    }
    if (d < 0) from += set->elements;
  }
  return to;
}

static void arrange(struct arena *a, struct images *set, const struct graph *g, uint32_t input) {
  const struct value *x = &g->values[g->inputs[input].value];
  const int64_t *axes = g->inputs[input].source.axes;
  if (!axes || !set->array || !is_foreign(set, x, axes)) return;
  struct array *to = transposed(a, set, x, axes);
  set->array = to;
  if (set->pixels) set->pixels = to->data;
  if (set->numbers) set->numbers = to;
  set->rank = x->rank;
  memcpy(set->shape, x->shape, (size_t)x->rank * sizeof *set->shape);
}

void images_arrange(struct arena *a, struct images *set, const struct graph *g) {
  struct images *parts =
      set->n_parts ? arena_copy(a, set->parts, set->n_parts * sizeof *parts) : set;
  for (uint32_t i = 0; i < g->n_inputs && i < parts_of(set); i++) arrange(a, &parts[i], g, i);
  if (set->n_parts) set->parts = parts;
}

// The dimensions above 1: those of 1 change no order.
static int squeeze(int rank, const int64_t *shape, int64_t *out, int *axis) {
  int n = 0;
  for (int i = 0; i < rank; i++)
    if (shape[i] != 1) {
      axis[n] = i;
      out[n++] = shape[i];
    }
  return n;
}

// Finds which axis of `from` each axis of `to` is, the first free one of its size.
static bool permutation(int n, const int64_t *from, const int64_t *to, int *which) {
  unsigned used = 0;
  for (int i = 0; i < n; i++) {
    int k = i && which[i - 1] + 1 < n ? which[i - 1] + 1 : 0; // axes that are neighbours stay so
    for (int tried = 0; tried < n && (used >> k & 1 || from[k] != to[i]); tried++) k = (k + 1) % n;
    if (used >> k & 1 || from[k] != to[i]) return false;
    used |= 1u << k;
    which[i] = k;
  }
  return true;
}

static void put_shape(char *to, size_t room, int rank, const int64_t *shape) {
  size_t n = 0;
  *to = 0;
  for (int i = 0; i < rank && n < room; i++)
    n += (size_t)snprintf(to + n, room - n, "%s%lld", i ? " x " : "", (long long)shape[i]);
}

static bool check_order(const struct images *set, const struct value *x, struct err *e) {
  int64_t from[DATA_MAX_RANK], to[DATA_MAX_RANK];
  int from_axis[DATA_MAX_RANK], to_axis[DATA_MAX_RANK], which[DATA_MAX_RANK];
  char found[200], expected[200], axes[100] = "0", sizes[200];
  int n = squeeze(set->rank, set->shape, from, from_axis);
  int m = squeeze(x->rank, x->shape, to, to_axis);
  if (n <= 1 || m <= 1 || (n == m && memcmp(from, to, (size_t)n * sizeof *to) == 0)) return true;
  put_shape(found, sizeof found, set->rank, set->shape);
  put_shape(expected, sizeof expected, x->rank, x->shape);
  if (n != m || !permutation(n, from, to, which))
    return err_set(e,
                   "%s: images of %s, input \"%s\" of the model is %s; if the elements are in the "
                   "model's order, np.save(FILE, x.reshape(len(x), -1)) says so",
                   set->name, found, x->name, expected);
  for (int i = 0; i < n; i++)
    snprintf(axes + strlen(axes), sizeof axes - strlen(axes), ", %d", which[i] + 1);
  *sizes = 0;
  if (n < set->rank) {
    snprintf(sizes, sizeof sizes, ".reshape(len(x)");
    for (int i = 0; i < n; i++)
      snprintf(sizes + strlen(sizes), sizeof sizes - strlen(sizes), ", %lld", (long long)from[i]);
    strcat(sizes, ")");
  }
  return err_set(e,
                 "%s: images of %s, input \"%s\" of the model is %s: the axes stand in another "
                 "order; np.save(FILE, x%s.transpose(%s)) brings them into this one",
                 set->name, found, x->name, expected, sizes, axes);
}

// Bytes that the circuit itself normalises (--input-precision raw): numbers, which are normalised
// already, have no code there.
static bool takes_bytes_only(const struct source *s, const struct type *t) {
  if (s->tables != 1 || !type_is_fixed(t) || t->scale[0] != 1 / 255.0 || t->zero[0] != 0)
    return false;
  for (int p = 0; p < 256; p++)
    if (s->table[p] != p) return false;
  return s->mean[0] != 0 || s->std[0] != 1;
}

static bool fits(const struct images *set, const struct graph *g, uint32_t input, struct err *e) {
  const struct value *x = &g->values[g->inputs[input].value];
  const struct source *source = &g->inputs[input].source;
  if (value_elements(x) != set->elements)
    return err_set(e,
                   "%s: images of %lld elements, input \"%s\" of the model has %lld; --data names "
                   "the images",
                   set->name, (long long)set->elements, x->name, (long long)value_elements(x));
  if (set->pixels && source->channels == 0)
    return err_set(e,
                   "%s: bytes, but input \"%s\" of the model has no pixel source; "
                   "np.save(FILE, x.astype(np.int16)) makes numbers of them",
                   set->name, x->name);
  if (set->numbers && !set->codes && takes_bytes_only(source, &x->type))
    return err_set(e,
                   "%s: numbers, but input \"%s\" takes bytes, which the circuit normalises "
                   "(--input-precision raw); np.save(FILE, x.astype(np.uint8)) saves bytes",
                   set->name, x->name);
  return check_order(set, x, e) && (!set->codes || check_codes(set, x, e));
}

bool images_fit(const struct images *set, const struct graph *g, struct err *e) {
  if (g->n_inputs != parts_of(set))
    return err_set(e, "%s: images for %u input%s, the model has %u", set->name, parts_of(set),
                   parts_of(set) == 1 ? "" : "s", g->n_inputs);
  for (uint32_t i = 0; i < g->n_inputs; i++)
    if (!fits(images_part(set, i), g, i, e)) return false;
  return true;
}
