// SPDX-License-Identifier: Apache-2.0
// run --compare: the outputs beside those of another program, element by element.
#include "cmd/run_expected.h"
#include "sw/base/file.h"
#include "sw/base/json.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

// Relative to the largest number of the file.
static const double default_tolerance = 1e-4;

// What the file holds for the only output, (frames, ..).
static bool read_expected(struct arena *a, const char *spec, const char *output, struct array *x,
                          struct err *e) {
  const char *const names[] = {output, "output", NULL};
  return array_read(a, spec, names, x, e);
}

// ---- comparing

static double found_at(const struct run *r, const struct run_output *o, int64_t i, bool codes) {
  const struct value *y = &r->graph->values[o->value];
  if (o->tensor->dtype == DTYPE_F32) return tensor_real(o->tensor, i);
  int64_t code = type_code(&y->type, ((const int32_t *)o->tensor->data)[i]);
  return codes ? (double)code : type_value(&y->type, run_channel(y, i), code);
}

// Of those that are finite.
static double largest(const struct expected *x) {
  double most = 0;
  for (int64_t i = 0; i < x->array.elements; i++) {
    double at = fabs(run_expected_at(x, i));
    if (isfinite(at)) most = fmax(most, at);
  }
  return most;
}

static void note(struct comparison *c, const char *output, int64_t frame, int64_t element,
                 double found, double expected) {
  double off = found == expected ? 0 : fabs(found - expected); // also of two infinities
  struct difference d = {output, frame, element, found, expected};
  c->elements++;
  bool differs = !(off <= c->tolerance);
  if (differs && !c->different++) c->first = d;
  if (!(off <= c->worst_by)) {
    c->worst = d;
    c->worst_by = isnan(off) ? INFINITY : off;
  }
}

static bool compare_output(struct run *r, uint32_t output, struct expected *x, struct err *e) {
  struct comparison *c = r->comparison;
  const struct run_output *o = &r->outputs[output];
  const struct value *y = &r->graph->values[o->value];
  int64_t elements = value_elements(y), frames = x->array.shape[0], ours = o->tensor->shape[0];
  if (frames == 0 || x->array.elements / frames != elements)
    return err_set(e, "%s: %lld frames of %lld elements, output \"%s\" of the model has %lld",
                   c->file, (long long)frames, (long long)(frames ? x->array.elements / frames : 0),
                   y->name, (long long)elements);
  if (frames < ours)
    return err_set(e, "%s: %lld frames, the model has run %lld: give --images %lld", c->file,
                   (long long)frames, (long long)ours, (long long)frames);
  if (!run_expected(r->arena, y, o->tensor->dtype == DTYPE_F32, &c->said, x, e)) return false;
  c->forms[output] = x->form;
  if (!c->given) c->tolerance = x->as_codes ? 0 : default_tolerance * largest(x);
  c->least = fmin(c->least, c->tolerance);
  c->most = fmax(c->most, c->tolerance);
  for (int64_t i = 0; i < ours * elements; i++)
    note(c, y->name, i / elements, i % elements, found_at(r, o, i, x->as_codes),
         run_expected_at(x, i));
  return true;
}

static const char *output_name(const struct run *r, uint32_t i) {
  return r->graph->values[r->outputs[i].value].name;
}

static bool no_output(struct run *r, const char *file, struct err *e) {
  const char *names = "";
  for (uint32_t i = 0; i < r->n_outputs; i++)
    names = arena_printf(r->arena, "%s%s\"%s\"", names, i ? ", " : "", output_name(r, i));
  return err_set(e,
                 "%s: it has none of the outputs %s: a safetensors file or an .npz holds them by "
                 "these names",
                 file, names);
}

// Each output with the array of its name; those that the file hasn't are told.
static bool compare_several(struct run *r, struct err *e) {
  struct comparison *c = r->comparison;
  c->absent = ARENA_NEW(r->arena, const char *, r->n_outputs);
  for (uint32_t i = 0; i < r->n_outputs; i++) {
    struct err why = {0};
    struct expected x = {0};
    if (!array_read_named(r->arena, c->file, output_name(r, i), &x.array, &why))
      c->absent[c->n_absent++] = output_name(r, i);
    else if (!compare_output(r, i, &x, e))
      return false;
    if (why.text[0] && !file_exists(c->file)) return err_set(e, "%s", why.text);
  }
  return c->n_absent < r->n_outputs || no_output(r, c->file, e);
}

bool run_compare(struct run *r, const struct options *o, struct err *e) {
  struct comparison *c = ARENA_NEW(r->arena, struct comparison, 1);
  struct expected x = {0};
  *c = (struct comparison){.file = o->compare,
                           .said = {o->compare, o->expect, o->codes},
                           .forms = ARENA_NEW(r->arena, const char *, r->n_outputs),
                           .given = o->tolerance != NULL,
                           .worst_by = -1,
                           .least = INFINITY};
  if (o->tolerance) c->tolerance = strtod(o->tolerance, NULL);
  r->comparison = c;
  if (r->n_outputs > 1) return compare_several(r, e);
  return read_expected(r->arena, o->compare, output_name(r, 0), &x.array, e) &&
         compare_output(r, 0, &x, e);
}

bool run_compare_frames(struct arena *a, const struct options *o, int64_t *frames, struct err *e) {
  struct array x;
  char *end = NULL;
  double tolerance = o->tolerance ? strtod(o->tolerance, &end) : 0;
  *frames = 0;
  if (o->tolerance &&
      (!o->compare || end == o->tolerance || *end || !(tolerance >= 0) || !isfinite(tolerance)))
    return err_set(e,
                   o->compare ? "--tolerance %s: expected a number of at least 0"
                              : "--tolerance %s is about --compare, which isn't given",
                   o->tolerance);
  if (o->expect && (!o->compare || (strcmp(o->expect, "codes") && strcmp(o->expect, "values"))))
    return err_set(e,
                   o->compare ? "--expect %s: expected codes or values"
                              : "--expect %s is about --compare, which isn't given",
                   o->expect);
  if (!o->compare) return true;
  struct err none = {0}; // several outputs: each is asked for by its name
  if (read_expected(a, o->compare, "output", &x, &none)) *frames = x.shape[0];
  return true;
}

// ---- showing

static void put_difference(struct text *t, const char *which, const struct difference *d) {
  text_printf(t, "%-10soutput ", which);
  text_put_escaped(t, d->output);
  text_printf(t, ", frame %lld, element %lld: %.9g, expected %.9g\n", (long long)d->frame,
              (long long)d->element, d->found, d->expected);
}

// One line if they are all alike, or one for each output.
static void put_forms(const struct run *r, struct text *t) {
  const char *const *forms = r->comparison->forms, *one = NULL;
  bool alike = true;
  for (uint32_t i = 0; i < r->n_outputs; i++) {
    if (!one) one = forms[i];
    alike = alike && (!forms[i] || strcmp(forms[i], one) == 0);
  }
  for (uint32_t i = 0; !alike && i < r->n_outputs; i++) {
    if (!forms[i]) continue;
    text_puts(t, "form      output ");
    text_put_escaped(t, output_name(r, i));
    text_printf(t, ": %s\n", forms[i]);
  }
  if (alike) text_printf(t, "form      %s\n", one);
}

void run_compare_put(const struct run *r, struct text *t) {
  const struct comparison *c = r->comparison;
  text_printf(t, "compared  %lld elements with ", (long long)c->elements);
  text_put_escaped(t, c->file);
  bool each = c->least != c->most; // several outputs
  if (c->different)
    text_printf(t, ": %lld are further apart than %.3g", (long long)c->different, c->least);
  else
    text_printf(t, c->most > 0 ? ": equal within %.3g" : ": equal", c->least);
  if (each)
    text_printf(t, " to %.3g, %g of the largest of each output", c->most, default_tolerance);
  text_puts(t, "\n");
  put_forms(r, t);
  if (c->different) put_difference(t, "first", &c->first);
  if (c->worst_by > 0) put_difference(t, "worst", &c->worst);
  for (uint32_t i = 0; i < c->n_absent; i++) {
    text_puts(t, "absent    output ");
    text_put_escaped(t, c->absent[i]);
    text_puts(t, ", which the file doesn't have\n");
  }
}

static void put_json_difference(struct text *t, const char *key, const struct difference *d) {
  text_printf(t, ",\"%s\":{\"output\":", key);
  json_put_string(t, d->output);
  text_printf(t, ",\"frame\":%lld,\"element\":%lld", (long long)d->frame, (long long)d->element);
  json_put_figure(t, "found", -1, d->found);
  json_put_figure(t, "expected", -1, d->expected);
  text_puts(t, "}");
}

void run_compare_put_json(const struct run *r, struct text *t) {
  const struct comparison *c = r->comparison;
  text_puts(t, ",\"compare\":{\"file\":");
  json_put_string(t, c->file);
  text_printf(t, ",\"elements\":%lld,\"different\":%lld", (long long)c->elements,
              (long long)c->different);
  json_put_figure(t, "tolerance", -1, c->most);
  if (c->least != c->most) json_put_figure(t, "least_tolerance", -1, c->least);
  json_put_figure(t, "largest_difference", -1, c->worst_by);
  for (uint32_t i = 0; i < r->n_outputs; i++) {
    text_puts(t, i ? "," : ",\"forms\":[");
    if (c->forms[i])
      json_put_string(t, c->forms[i]);
    else
      text_puts(t, "null");
  }
  text_puts(t, "]");
  if (c->different) put_json_difference(t, "first", &c->first);
  if (c->worst_by > 0) put_json_difference(t, "worst", &c->worst);
  for (uint32_t i = 0; i < c->n_absent; i++) {
    text_puts(t, i ? "," : ",\"absent\":[");
    json_put_string(t, c->absent[i]);
  }
  text_puts(t, c->n_absent ? "]}" : "}");
}
