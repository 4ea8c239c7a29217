// SPDX-License-Identifier: Apache-2.0
// What the numbers of a file of --compare are, codes or values, and how they are held against an
// output that is codes or floats:
//
//   output   file                  compared
//   codes    codes, same type      as codes
//   codes    codes, another scale  as values
//   codes    values                as values
//   floats   codes with a scale    as values
//   floats   values                as values
//
// Integers of which neither the file nor an option says what they are are refused, unless the
// output's codes are its values.
#include "cmd/run_expected.h"
#include "sw/base/json.h"

#include <math.h>
#include <string.h>

// ---- the scales of a file

// Numbers of a JSON list, or a single one. NULL: it is something else.
static const double *numbers(struct arena *a, const char *text, int64_t *count) {
  struct err ignored = {0};
  const char *whole = arena_printf(a, "[%s]", text);
  json_t *all = json_parse(whole, strlen(whole), &ignored), *j = json_array_get(all, 0);
  bool list = json_is_array(j), ok = json_array_size(all) == 1 && (list || json_is_number(j));
  *count = list ? (int64_t)json_array_size(j) : 1;
  double *v = ARENA_NEW(a, double, *count + 1);
  for (int64_t i = 0; ok && i < *count; i++) {
    const json_t *item = list ? json_array_get(j, (size_t)i) : j;
    ok = json_is_number(item);
    v[i] = ok ? json_number_value(item) : 0;
  }
  json_decref(all);
  return ok && *count > 0 ? v : NULL;
}

static bool wrong_scale(const struct value *y, const char *file, struct err *e) {
  return err_set(e,
                 "%s: output \"%s\": its metadata scale and zero: expected a number, or a list of "
                 "as many as the output has channels",
                 file, y->name);
}

// Of several they are along the output's axis of that size: its type's, or else the last such.
static bool read_scale(struct arena *a, const struct value *y, const char *file, struct expected *x,
                       struct err *e) {
  int64_t zeros = 1;
  x->scale = numbers(a, x->array.scale, &x->channels);
  x->zero = x->array.zero ? numbers(a, x->array.zero, &zeros) : ARENA_NEW(a, double, x->channels);
  if (!x->array.zero) zeros = x->channels;
  if (!x->scale || !x->zero || zeros != x->channels) return wrong_scale(y, file, e);
  int axis = y->type.axis;
  if (axis < 0 || y->shape[axis] != x->channels)
    for (axis = y->rank - 1; axis >= 0 && y->shape[axis] != x->channels;) axis--;
  if (x->channels > 1 && axis < 0) return wrong_scale(y, file, e);
  x->inner = 1;
  for (int d = y->rank - 1; d > axis; d--) x->inner *= y->shape[d];
  return true;
}

static int64_t channel_at(const struct expected *x, int64_t i) {
  return x->channels > 1 ? i / x->inner % x->channels : 0;
}

int64_t run_channel(const struct value *y, int64_t i) {
  int64_t inner = 1;
  if (y->type.axis < 0) return 0;
  for (int d = y->rank - 1; d > y->type.axis; d--) inner *= y->shape[d];
  return i / inner % y->shape[y->type.axis];
}

// The same numbers, element by element of a frame.
static bool same_scale(const struct value *y, const struct expected *x) {
  for (int64_t i = 0; i < value_elements(y); i++) {
    int64_t c = channel_at(x, i), of_type = run_channel(y, i);
    if (x->scale[c] != type_scale(&y->type, of_type) || x->zero[c] != type_zero(&y->type, of_type))
      return false;
  }
  return true;
}

// ---- codes or values

static bool codes_are_values(const struct value *y) {
  if (!type_is_integer(&y->type)) return false;
  for (int64_t c = 0; c < y->type.channels; c++)
    if (type_scale(&y->type, c) != 1 || type_zero(&y->type, c) != 0) return false;
  return true;
}

static bool is_whole(const struct array *x, int64_t *fraction) {
  int64_t i = 0;
  while (i < x->elements && array_real(x, i) == floor(array_real(x, i))) i++;
  *fraction = i;
  return i == x->elements;
}

// The option's word against what the file says of itself and what the run has.
static bool check_stated(const struct value *y, bool floats, const struct expect *said,
                         const struct array *x, struct err *e) {
  int64_t at = 0;
  const char *file = said->file;
  bool codes = strcmp(said->stated, "codes") == 0;
  if (!codes && x->scale)
    return err_set(e,
                   "%s: --expect values: the file says that output \"%s\" is codes of scale %s; "
                   "leave --expect away",
                   file, y->name, x->scale);
  if (codes && !x->scale && floats)
    return err_set(e,
                   "%s: --expect codes: output \"%s\" is floats here, and the file has no scale of "
                   "its codes; run a quantised model (without --real, with --precision W,F)",
                   file, y->name);
  if (codes && !is_whole(x, &at))
    return err_set(e, "%s: --expect codes: element %lld of output \"%s\" is %.9g, no code", file,
                   (long long)at, y->name, array_real(x, at));
  return true;
}

static bool ambiguous(const struct value *y, const char *file, const struct array *x,
                      struct err *e) {
  return err_set(e,
                 "%s: output \"%s\": %s could be codes or values: give --expect codes or --expect "
                 "values",
                 file, y->name, array_is_integer(x) ? "its integers" : "its whole numbers");
}

// Whether the file has codes.
static bool find_form(const struct value *y, bool floats, const struct expect *said,
                      struct expected *x, struct err *e) {
  int64_t ignored;
  bool integers = array_is_integer(&x->array), codes = said->codes && !floats;
  if (said->stated && !check_stated(y, floats, said, &x->array, e)) return false;
  x->codes = x->array.scale || (said->stated && strcmp(said->stated, "codes") == 0);
  if (x->codes || said->stated) return true;
  if (codes_are_values(y) || (integers && codes)) {
    x->codes = codes;
    return true;
  }
  if (!integers && !(codes && is_whole(&x->array, &ignored))) return true;
  return ambiguous(y, said->file, &x->array, e);
}

static const char *words(const struct expected *x, bool floats) {
  if (x->as_codes) return "codes of both";
  if (floats)
    return x->codes ? "values of the output, codes of the file as values" : "values of both";
  return x->codes ? "codes of both, whose scales differ, as values"
                  : "codes of the output as values, values of the file";
}

bool run_expected(struct arena *a, const struct value *y, bool floats, const struct expect *said,
                  struct expected *x, struct err *e) {
  if (!find_form(y, floats, said, x, e)) return false;
  if (x->array.scale && !read_scale(a, y, said->file, x, e)) return false;
  x->as_codes = !floats && x->codes && (!x->scale || same_scale(y, x));
  x->form = words(x, floats);
  return true;
}

double run_expected_at(const struct expected *x, int64_t i) {
  double v = array_real(&x->array, i);
  if (x->as_codes || !x->scale) return v;
  int64_t c = channel_at(x, i);
  return (v - x->zero[c]) * x->scale[c];
}
