// SPDX-License-Identifier: Apache-2.0
// Words of a layer's configuration. What has another type than Keras gives it is refused, never
// taken for the default: null alone is.
#include "sw/import/keras.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

// ---- encodings

// Tuples and NumPy's arrays as what they hold.
static const json_t *bare(const json_t *v) {
  for (int depth = 0; json_is_object(v) && depth < 4; depth++) {
    const char *cls = json_string_value(json_object_get(v, "class_name")),
               *type = json_string_value(json_object_get(v, "type"));
    const json_t *config = json_object_get(v, "config"), *in = NULL;
    if (cls && (strcmp(cls, "__tuple__") == 0 || strcmp(cls, "ListWrapper") == 0))
      in = json_object_get(v, "items");
    else if (cls && (strcmp(cls, "__numpy__") == 0 || strcmp(cls, "__ndarray__") == 0))
      in = json_is_object(config) ? json_object_get(config, "value") : config;
    else if (type && strcmp(type, "ndarray") == 0)
      in = json_object_get(v, "value");
    if (!in) return v;
    v = in;
  }
  return v;
}

// A list of one number is that number.
static const json_t *single(const json_t *v) {
  v = bare(v);
  return json_array_size(v) == 1 ? bare(json_array_get(v, 0)) : v;
}

static bool whole(const json_t *v, int64_t *to) {
  double real = json_number_value(v);
  if (json_is_integer(v))
    *to = json_integer_value(v);
  else if (json_is_real(v) && fabs(real) <= DIM_MAX && real == rint(real))
    *to = (int64_t)real;
  else
    return false;
  return true;
}

static bool is_none(const json_t *v) {
  return !v || json_is_null(v);
}

// ---- refusal

static void odd(struct keras *k, const char *key, const char *expected, const json_t *found) {
  char *text = json_dumps(found, JSON_ENCODE_ANY | JSON_ENSURE_ASCII | JSON_COMPACT);
  if (!k->odd)
    keras_refuse(k, "check the file", "%s: expected %s, found %.60s", key, expected,
                 text ? text : "?");
  k->odd = true;
  free(text);
}

// ---- words

int64_t keras_int(struct keras *k, const char *key, int64_t otherwise) {
  const json_t *v = single(json_object_get(k->config, key));
  int64_t n = otherwise;
  if (!is_none(v) && !whole(v, &n)) odd(k, key, "an integer", v);
  return n;
}

double keras_real(struct keras *k, const char *key, double otherwise) {
  const json_t *v = single(json_object_get(k->config, key));
  if (json_is_number(v)) return json_number_value(v);
  if (!is_none(v)) odd(k, key, "a number", v);
  return otherwise;
}

bool keras_true(struct keras *k, const char *key, bool otherwise) {
  const json_t *v = json_object_get(k->config, key);
  int64_t n = otherwise;
  if (json_is_boolean(v)) return json_is_true(v);
  if (v && (!whole(v, &n) || n < 0 || n > 1)) odd(k, key, "true or false", v);
  return n == 1;
}

const char *keras_text(struct keras *k, const char *key, const char *otherwise) {
  const json_t *v = json_object_get(k->config, key);
  if (json_is_string(v)) return json_string_value(v);
  if (!is_none(v)) odd(k, key, "a word", v);
  return otherwise;
}

bool keras_is_list(const struct keras *k, const char *key) {
  return json_is_array(bare(json_object_get(k->config, key)));
}

// The integers of v from to[n] on; -1 if there are others or more than `most`.
static int integers(const json_t *v, int64_t *to, int n, int most) {
  v = bare(v);
  if (!json_is_array(v)) return n < most && whole(v, to + n) ? n + 1 : -1;
  for (size_t i = 0; n >= 0 && i < json_array_size(v); i++)
    n = integers(json_array_get(v, i), to, n, most);
  return n;
}

int keras_list(struct keras *k, const char *key, int most, int64_t *to) {
  const json_t *v = json_object_get(k->config, key);
  int n = is_none(v) ? 0 : integers(v, to, 0, most);
  if (n < 0) odd(k, key, "a list of integers", v);
  return n;
}

static int reals(const json_t *v, double *to, int n, int most) {
  v = bare(v);
  if (json_is_number(v) && n < most) to[n] = json_number_value(v);
  if (!json_is_array(v)) return json_is_number(v) && n < most ? n + 1 : -1;
  for (size_t i = 0; n >= 0 && i < json_array_size(v); i++)
    n = reals(json_array_get(v, i), to, n, most);
  return n;
}

int keras_reals(struct keras *k, const char *key, int most, double *to) {
  const json_t *v = json_object_get(k->config, key);
  int n = is_none(v) ? 0 : reals(v, to, 0, most);
  if (n < 0) odd(k, key, "a list of numbers", v);
  return n;
}

bool keras_numbers(struct keras *k, const char *key, int count, int64_t otherwise, int64_t *to) {
  int n = keras_list(k, key, count, to);
  if (n < 0) return false;
  if (n > 1 && n != count)
    return keras_refuse(k, "check the file", "%s: expected %d numbers", key, count);
  if (n == 0) to[0] = otherwise;
  for (int i = 0; i < count; i++) {
    if (n < 2) to[i] = to[0];
    if (to[i] < 0 || to[i] > DIM_MAX)
      return keras_refuse(k, "check the file", "%s: expected %d numbers", key, count);
  }
  return true;
}

const char *keras_object(struct keras *k, const char *key, const json_t **config) {
  const json_t *v = json_object_get(k->config, key);
  *config = json_object_get(v, "config");
  const char *name = json_is_string(v) ? json_string_value(v)
                     : json_is_string(*config)
                         ? json_string_value(*config) // a function
                         : json_string_value(json_object_get(v, "class_name"));
  if (!name && !is_none(v)) odd(k, key, "a name or an object with one", v);
  return name ? name : "";
}
