// SPDX-License-Identifier: Apache-2.0
#include "search/param.h"

#include "sw/base/elementary.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

// ---- reading

static bool parse_choices(struct arena *a, const json_t *list, struct param *p, struct err *e) {
  size_t count = json_array_size(list);
  if (!json_is_array(list) || !count || count > PARAM_CHOICES_MOST)
    return err_set(e,
                   "\"choices\": expected a list of 1 to %d values, as in [\"8,auto\",\"4,auto\"]",
                   PARAM_CHOICES_MOST);
  p->kind = PARAM_CHOICE;
  p->choices = ARENA_NEW(a, struct param_choice, count);
  for (size_t i = 0; i < count; i++) {
    const json_t *v = json_array_get(list, i);
    struct param_choice *c = &p->choices[i];
    if (json_is_object(v) || json_is_array(v))
      return err_set(e, "\"choices\": value %zu isn't a text, a number, true, false or null",
                     i + 1);
    struct text t = {0};
    if (json_is_string(v))
      json_put_string(&t, json_string_value(v));
    else if (json_is_real(v))
      json_put_real(&t, json_real_value(v));
    else if (json_is_integer(v))
      text_printf(&t, "%lld", (long long)json_integer_value(v));
    else
      text_puts(&t, json_is_true(v) ? "true" : json_is_false(v) ? "false" : "null");
    c->json = arena_strdup(a, t.data);
    c->plain = json_is_string(v) ? arena_strdup(a, json_string_value(v)) : c->json;
    text_free(&t);
    for (uint32_t k = 0; k < p->n_choices; k++)
      if (strcmp(p->choices[k].json, c->json) == 0)
        return err_set(e, "\"choices\": %s stands there twice", c->json);
    p->n_choices++;
  }
  return true;
}

// low + k steps, as one would write it: 0.6 and not 0.6000000000000001.
static double step_at(const struct param *p, double k) {
  char digits[32];
  double x = p->low + k * p->step;
  snprintf(digits, sizeof digits, "%.12g", x);
  double short_one = strtod(digits, NULL);
  return fabs(short_one - x) <= 1e-10 * p->step ? short_one : x;
}

// Of a range of ints and of floats.
static bool check_range(struct param *p, struct err *e) {
  bool whole = p->kind == PARAM_INT;
  const char *word = whole ? "int" : "float";
  if (!isfinite(p->low) || !isfinite(p->high) || !isfinite(p->step))
    return err_set(e, "\"%s\": its ends and step must be finite", word);
  if (p->low > p->high)
    return err_set(e, "\"%s\": the range from %g to %g is empty: the smaller end comes first", word,
                   p->low, p->high);
  if (whole ? !(p->step >= 1) : !(p->step >= 0))
    return err_set(e, "\"%s\": step %g, expected %s", word, p->step,
                   whole ? "1 or more" : "a number above 0");
  if (whole && (fabs(p->low) > PARAM_INT_MOST || fabs(p->high) > PARAM_INT_MOST))
    return err_set(e, "\"int\": an end beyond 2^53");
  if (p->log && !(p->low > 0))
    return err_set(e, "\"%s\": with \"log\" a range begins above 0, found %g", word, p->low);
  if (p->log && (whole ? p->step != 1 : p->step != 0))
    return err_set(e, "\"%s\": \"log\" and a step exclude each other", word);
  if (!isfinite(p->high - p->low) || (p->step > 0 && (p->high - p->low) / p->step > PARAM_INT_MOST))
    return err_set(e, "\"%s\": the range from %g to %g is too long for %s", word, p->low, p->high,
                   p->step > 0 ? "its steps (2^53)" : "a double");
  if (p->step > 0) p->high = step_at(p, floor((p->high - p->low) / p->step + 1e-8));
  return true;
}

static bool parse_range(const json_t *list, struct param *p, struct err *e) {
  bool whole = p->kind == PARAM_INT;
  size_t n = json_array_size(list);
  double number[3] = {0, 0, whole ? 1 : 0};
  bool ok = json_is_array(list) && (n == 2 || n == 3);
  for (size_t i = 0; ok && i < n; i++) {
    const json_t *v = json_array_get(list, i);
    ok = whole ? json_is_integer(v) : json_is_number(v);
    number[i] = json_number_value(v);
  }
  if (!ok)
    return err_set(e, "\"%s\": expected [low,high] or [low,high,step]%s", whole ? "int" : "float",
                   whole ? " of whole numbers" : "");
  if (n == 3 && !whole && !(number[2] > 0))
    return err_set(e, "\"float\": step %g, expected a number above 0", number[2]);
  p->low = number[0];
  p->high = number[1];
  p->step = number[2];
  return check_range(p, e);
}

bool param_parse(struct arena *a, const json_t *entry, struct param *p, struct err *e) {
  const json_t *choices = json_object_get(entry, "choices"), *ints = json_object_get(entry, "int"),
               *floats = json_object_get(entry, "float"), *log = json_object_get(entry, "log");
  if (!json_is_object(entry) || !!choices + !!ints + !!floats != 1)
    return err_set(e, "expected one of {\"choices\":[..]}, {\"int\":[low,high,step]} and "
                      "{\"float\":[low,high,step]}");
  if (log && (!json_is_boolean(log) || choices))
    return err_set(e, "\"log\": expected true or false beside \"int\" or \"float\"");
  p->log = json_is_true(log);
  if (choices) return parse_choices(a, choices, p, e);
  p->kind = ints ? PARAM_INT : PARAM_FLOAT;
  return parse_range(ints ? ints : floats, p, e);
}

// ---- distributions

bool param_parse_distribution(struct arena *a, const char *text, struct param *p, struct err *e) {
  json_t *root = json_parse(text, strlen(text), e);
  const json_t *of = json_object_get(root, "attributes");
  const char *name = json_string_value(json_object_get(root, "name"));
  bool ok = false;
  if (root && name && strcmp(name, "CategoricalDistribution") == 0) {
    ok = parse_choices(a, json_object_get(of, "choices"), p, e);
  } else if (root && name &&
             (strcmp(name, "IntDistribution") == 0 || strcmp(name, "FloatDistribution") == 0)) {
    const json_t *low = json_object_get(of, "low"), *high = json_object_get(of, "high"),
                 *step = json_object_get(of, "step");
    p->kind = *name == 'I' ? PARAM_INT : PARAM_FLOAT;
    p->log = json_is_true(json_object_get(of, "log"));
    p->low = json_number_value(low);
    p->high = json_number_value(high);
    p->step = json_number_value(step); // null: 0
    ok = (json_is_number(low) && json_is_number(high)) || err_set(e, "%s without its ends", name);
    ok = ok && check_range(p, e);
  } else if (root) {
    err_put(e, "distribution \"%s\", expected an Int-, Float- or CategoricalDistribution",
            name ? name : "");
  }
  json_decref(root);
  return ok;
}

void param_put_distribution(struct text *t, const struct param *p) {
  if (p->kind == PARAM_CHOICE) {
    text_puts(t, "{\"name\": \"CategoricalDistribution\", \"attributes\": {\"choices\": [");
    for (uint32_t i = 0; i < p->n_choices; i++)
      text_printf(t, "%s%s", i ? ", " : "", p->choices[i].json);
    text_puts(t, "]}}");
  } else if (p->kind == PARAM_INT) {
    text_printf(t,
                "{\"name\": \"IntDistribution\", \"attributes\": {\"log\": %s, \"step\": %.0f, "
                "\"low\": %.0f, \"high\": %.0f}}",
                p->log ? "true" : "false", p->step, p->low, p->high);
  } else {
    text_puts(t, "{\"name\": \"FloatDistribution\", \"attributes\": {\"step\": ");
    p->step > 0 ? json_put_real(t, p->step) : text_puts(t, "null");
    text_puts(t, ", \"low\": ");
    json_put_real(t, p->low);
    text_puts(t, ", \"high\": ");
    json_put_real(t, p->high);
    text_printf(t, ", \"log\": %s}}", p->log ? "true" : "false");
  }
}

bool param_equal(const struct param *p, const struct param *q) {
  if (p->kind != q->kind || p->n_choices != q->n_choices) return false;
  for (uint32_t i = 0; i < p->n_choices; i++)
    if (strcmp(p->choices[i].json, q->choices[i].json) != 0) return false;
  return p->kind == PARAM_CHOICE ||
         (p->low == q->low && p->high == q->high && p->step == q->step && p->log == q->log);
}

// ---- values

bool param_contains(const struct param *p, double x) {
  if (p->kind == PARAM_CHOICE) return x >= 0 && x < p->n_choices && x == floor(x);
  if (!(x >= p->low && x <= p->high)) return false;
  return p->step == 0 || fabs(param_round(p, x) - x) <= 1e-8 * p->step;
}

double param_find(const struct param *p, const json_t *value) {
  if (p->kind != PARAM_CHOICE)
    return json_is_number(value) && param_contains(p, json_number_value(value))
               ? json_number_value(value)
               : NAN;
  struct arena scratch = {0};
  struct param one = {0};
  struct err e = {0};
  json_t *list = json_pack("[O]", (json_t *)value);
  double found = NAN;
  if (list && parse_choices(&scratch, list, &one, &e))
    for (uint32_t i = 0; i < p->n_choices; i++)
      if (strcmp(p->choices[i].json, one.choices[0].json) == 0) found = i;
  json_decref(list);
  arena_free(&scratch);
  return found;
}

void param_put_json(struct text *t, const struct param *p, double x) {
  if (p->kind == PARAM_CHOICE)
    text_puts(t, p->choices[(uint32_t)x].json);
  else if (p->kind == PARAM_INT)
    text_printf(t, "%.0f", x);
  else
    json_put_real(t, x);
}

void param_put_plain(struct text *t, const struct param *p, double x) {
  if (p->kind == PARAM_CHOICE)
    text_puts(t, p->choices[(uint32_t)x].plain);
  else
    param_put_json(t, p, x);
}

int64_t param_count(const struct param *p) {
  if (p->kind == PARAM_CHOICE) return p->n_choices;
  if (p->low == p->high) return 1;
  return p->step > 0 ? (int64_t)((p->high - p->low) / p->step + 0.5) + 1 : 0;
}

double param_at(const struct param *p, int64_t k) {
  return p->kind == PARAM_CHOICE ? (double)k : step_at(p, (double)k);
}

double param_round(const struct param *p, double x) {
  if (p->step > 0) x = step_at(p, floor((x - p->low) / p->step + 0.5));
  return x < p->low ? p->low : x > p->high ? p->high : x;
}

void param_range(const struct param *p, double *low, double *high) {
  *low = p->low - p->step / 2;
  *high = p->high + p->step / 2;
  if (!p->log) return;
  *low = elementary_log(*low);
  *high = elementary_log(*high);
}

double param_into(const struct param *p, double x) {
  return p->log ? elementary_log(x) : x;
}

double param_back(const struct param *p, double t) {
  return param_round(p, p->log ? elementary_exp(t) : t);
}

double param_uniform(const struct param *p, double unit) {
  double low, high;
  if (p->kind == PARAM_CHOICE) return floor(unit * p->n_choices);
  param_range(p, &low, &high);
  return param_back(p, low + unit * (high - low));
}
