// SPDX-License-Identifier: Apache-2.0
// export --into: model and file -> copy of the file -> what was written.
#include "cmd/into.h"

#include "quant/quantize.h"
#include "sw/base/file.h"
#include "sw/base/json.h"
#include "sw/export/export.h"
#include "sw/graph/model.h"
#include "sw/import/import.h"

bool into_check(const struct options *o, struct err *e) {
  const struct {
    const char *name;
    bool given;
  } idle[] = {{"--precision", o->precision},
              {"--weight-precision", o->weight_precision},
              {"--input-precision", o->input_precision},
              {"--rounding", o->rounding},
              {"--overflow", o->overflow},
              {"--formats", o->formats},
              {"--form", o->form}};
  if (!o->into) return true;
  if (!o->output)
    return err_set(e, "--into leaves %s as it is: give the copy a name with -o", o->into);
  for (size_t i = 0; i < sizeof idle / sizeof *idle; i++)
    if (idle[i].given)
      return err_set(e,
                     "%s changes nothing with --into, which writes the weights as floats: leave it "
                     "out",
                     idle[i].name);
  if (o->svg || o->dot)
    return err_set(e, "%s draws the model, --into writes a copy: give each a line of its own",
                   o->svg ? "--svg" : "--dot");
  return true;
}

static bool has_codes(const struct graph *g) {
  for (uint32_t i = 0; i < g->n_values; i++)
    if (g->values[i].init && type_is_integer(&g->values[i].type)) return true;
  return false;
}

// Whether weights are codes, which the file has none of: one of QKeras may.
static bool lost_codes(struct arena *a, const struct options *o, const struct graph *g) {
  struct refusals refused = {0};
  struct err ignored = {0};
  const struct graph *file = has_codes(g) ? import_read(a, o->into, &refused, &ignored) : NULL;
  return file && !has_codes(file);
}

static struct graph *read_float(struct arena *a, const struct options *o, struct err *e) {
  struct refusals refused = {0};
  struct graph *g = import_read(a, load_path(a, o->model), &refused, e);
  if (!g || (graph_is_real(g) && !lost_codes(a, o, g))) return g;
  if (graph_is_real(g))
    err_put(e,
            "%s: was trained for its integers, which such a file has no place for: --into takes a "
            "float model (a model.bin that nngen train wrote without --qat)",
            o->model);
  else
    err_put(e,
            "%s: holds integers, and normalisations are folded into them: --into takes the float "
            "model that they were made of (a model.bin that nngen train wrote)",
            o->model);
  return NULL;
}

static void put_done(const struct options *o, const struct into_result *r, struct text *t) {
  if (o->json) {
    text_puts(t, "{\"output\":");
    json_put_string(t, o->output);
    text_printf(t, ",\"arrays\":%u,\"numbers\":%lld,\"rounded\":%lld,\"optimizer\":%s}\n",
                r->arrays, (long long)r->numbers, (long long)r->rounded,
                r->trained ? "true" : "false");
    return;
  }
  text_put_escaped(t, o->output);
  text_puts(t, ": a copy of ");
  text_put_escaped(t, o->into);
  text_printf(t, " with %lld numbers of ", (long long)r->numbers);
  text_put_escaped(t, o->model);
  text_printf(t, " in %u arrays\n", r->arrays);
}

static void notes(const struct options *o, const struct into_result *r) {
  if (!r->arrays) command_note(o, "%s: has these weights already", o->into);
  if (r->rounded)
    command_note(o, "%s: %lld numbers are rounded to the file's types", o->output,
                 (long long)r->rounded);
  if (r->trained && r->arrays)
    command_note(o,
                 "%s: the optimizer's state is that of the old weights: compile the model anew "
                 "before you train it further",
                 o->output);
}

int command_into(struct arena *a, const struct options *o, struct err *e) {
  struct bytes file;
  struct into_result r;
  struct text copy = {0}, said = {0};
  const struct graph *g = read_float(a, o, e);
  bool ok = g && file_read(a, o->into, MODEL_BYTES_MAX, &file, e) &&
            (export_into(a, g, &file, &r, &copy, e) || err_within(e, "%s", o->into)) &&
            file_write(o->output, copy.data, copy.size, e);
  if (ok) {
    put_done(o, &r, &said);
    if (!o->quiet) fwrite(said.data, 1, said.size, stdout);
    notes(o, &r);
  }
  text_free(&copy);
  text_free(&said);
  return ok ? EXIT_GOOD : EXIT_USER;
}
