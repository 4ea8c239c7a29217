// SPDX-License-Identifier: Apache-2.0
#include "cmd/command.h"

#include "gen/verilog.h"
#include "sim/simulate.h"
#include "sw/base/pool.h"
#include "sw/exec/kernels.h"

#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

enum { LOOKED_AT = 1 << 12 }; // images that tell whether the input's type fits

static struct load words(const struct options *o) {
  return (struct load){.precision = o->precision,
                       .weight_precision = o->weight_precision,
                       .input_precision = o->input_precision,
                       .rounding = o->rounding,
                       .overflow = o->overflow,
                       .formats = o->formats,
                       .input_mean = o->input_mean,
                       .input_std = o->input_std};
}

// Options that leave each other nothing to do.
static bool check_together(const struct options *o, struct err *e) {
  const char *types = o->precision          ? "--precision"
                      : o->weight_precision ? "--weight-precision"
                      : o->input_precision  ? "--input-precision"
                      : o->rounding         ? "--rounding"
                      : o->overflow         ? "--overflow"
                      : o->formats          ? "--formats"
                                            : NULL;
  if (o->real && types)
    return err_set(
        e, "%s changes nothing with --real, which runs the float model: give one of them", types);
  if (o->real && o->plain)
    return err_set(e, "--plain changes nothing with --real: it is a form of the C model");
  if (o->jobs > 1 && o->simulator && strcmp(o->simulator, "icarus") == 0)
    return err_set(e, "--jobs %lld: icarus simulates in one process, verilator in many",
                   (long long)o->jobs);
  return true;
}

// Notes about options that this model leaves nothing to do.
static void note_idle(const struct options *o, const struct graph *g) {
  bool weights = false, rounds = false;
  for (uint32_t i = 0; i < g->n_nodes; i++) {
    const struct node *n = &g->nodes[i];
    const struct value *y = node_out(g, n, 0);
    weights |= op_is(n->op, TRAIT_WEIGHTS);
    rounds |= n->n_rq && op_info(n->op)->curve == NONE && y && type_is_fixed(&y->type);
  }
  if (o->weight_precision && !weights)
    command_note(o, "%s: --weight-precision changes nothing, there are no weights", o->model);
  for (int i = 0; i < 2 && !rounds; i++)
    if (i ? o->overflow : o->rounding)
      command_note(o,
                   "%s: --%s changes nothing, no layer rounds with it (tables and bipolar "
                   "outputs have their own rounding)",
                   o->model, i ? "overflow" : "rounding");
}

bool command_environment(struct err *e) {
  int threads;
  return kernels_check(e) && pool_threads(&threads, e);
}

bool command_check(struct arena *a, const struct options *o, struct err *e) {
  int in, out;
  char *end = NULL;
  double clock = o->clock ? strtod(o->clock, &end) : 1;
  if (!(clock >= 1 && clock <= 2000) || (end && *end))
    return err_set(e, "--clock %s: expected MHz, 1 to 2000", o->clock);
  const char *s = o->simulator;
  if (s && strcmp(s, "verilator") != 0 && strcmp(s, "icarus") != 0)
    return err_set(e, "--simulator %s: expected verilator or icarus", s);
  if (o->rom_style && strcmp(o->rom_style, "file") != 0 && strcmp(o->rom_style, "case") != 0)
    return err_set(e, "--rom-style %s: expected file or case", o->rom_style);
  int64_t transfer;
  if (!command_framing(o, &transfer, e)) return false;
  if (o->name && !verilog_module_name(o->name))
    return err_set(e,
                   "--name %s: expected letters, digits and single _ between them, a letter first, "
                   "and none of the "
                   "words that SystemVerilog, the library and the benches use",
                   o->name);
  struct load l = words(o);
  return check_together(o, e) && (!o->stall || simulate_stall(o->stall, &in, &out, e)) &&
         load_check(a, &l, e);
}

void command_note(const struct options *o, const char *format, ...) {
  char line[ERR_TEXT];
  struct err note = {0};
  va_list args;
  va_start(args, format);
  vsnprintf(line, sizeof line, format, args);
  va_end(args);
  err_put(&note, "%s", line);
  if (!o->quiet) err_print(stderr, &note);
}

void command_warn(const struct options *o, const struct warnings *w, uint32_t first) {
  for (uint32_t i = first; i < w->count; i++) {
    struct err line = {0};
    err_put(&line, "warning: %s: \"%s\": %s", o->model, w->list[i].layer, w->list[i].text);
    err_print(stderr, &line);
  }
}

bool command_model(struct arena *a, const struct options *o, struct model *m, struct err *e) {
  struct load l = words(o);
  if (!load_model(a, o->model, &l, m, e)) return false;
  if (m->fixed && m->real) note_idle(o, m->fixed);
  command_warn(o, &m->warnings, 0);
  return true;
}

// --input-mean and --input-std are about pixels.
static bool check_source(const struct options *o, const struct images *set, struct err *e) {
  const char *given = o->input_mean ? "--input-mean" : o->input_std ? "--input-std" : NULL;
  return !given || set->pixels ||
         err_set(e,
                 "%s: %s holds numbers, which are taken as they are: only bytes are pixels "
                 "(np.save(FILE, x.astype(np.uint8)))",
                 given, set->name);
}

void command_note_data(const struct options *o, const struct images *set) {
  if (set->note)
    command_note(o, "%s", set->note);
  else if (o->images > set->count)
    command_note(o, "%s: %lld images asked for, %lld are there", set->name, (long long)o->images,
                 (long long)set->count);
}

bool command_images(struct arena *a, const struct options *o, const struct graph *g, int64_t limit,
                    struct images *out, struct err *e) {
  if (!data_open(a, o->data ? o->data : "mnist", limit, out, e)) return false;
  command_note_data(o, out);
  return images_fit(out, g, e) && check_source(o, out, e);
}

void command_warn_input(struct arena *a, const struct options *o, const struct graph *g,
                        const struct images *set, struct warnings *w) {
  const struct value *x = &g->values[g->inputs[0].value];
  struct stream_loss loss = {0};
  int64_t count = set->count < LOOKED_AT ? set->count : LOOKED_AT;
  uint32_t before = w->count;
  if (set->pixels) return; // the model's table tells
  struct arena scratch = {0};
  const int32_t *codes = images_codes(&scratch, g, set, 0, count);
  for (int64_t i = 0; i < count * set->elements; i++)
    stream_loss_add(&loss, &x->type, codes[i], images_real(set, i));
  warnings_stream(a, w, x->name, &x->type, &loss, true);
  command_warn(o, w, before);
  arena_free(&scratch);
}
