// SPDX-License-Identifier: Apache-2.0
#include "cmd/command.h"

#include "gen/verilog.h"
#include "sim/simulate.h"
#include "sw/base/pool.h"
#include "sw/data/sets.h"
#include "sw/exec/kernels.h"

#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

enum { LOOKED_AT = 1 << 12 }; // images that tell whether the input's type fits

// Without --data a model is judged by mnist.
struct load command_load(const struct options *o) {
  static const char *const otherwise[] = {"mnist"};
  bool given = o->data.count > 0;
  return (struct load){.precision = o->precision,
                       .weight_precision = o->weight_precision,
                       .input_precision = o->input_precision,
                       .rounding = o->rounding,
                       .overflow = o->overflow,
                       .formats = o->formats,
                       .input_mean = o->input_mean,
                       .input_std = o->input_std,
                       .n_calibrate = o->calibrate.count,
                       .calibrate = o->calibrate.word,
                       .method = o->method,
                       .scales = o->scales,
                       .bias_correct = o->bias_correct,
                       .equalize = o->equalize,
                       .output_width = o->keep_output,
                       .n_data = o->force ? 0
                                 : given  ? o->data.count
                                          : 1,
                       .data = given ? o->data.word : otherwise};
}

const char *command_types(const struct options *o) {
  return o->precision          ? "--precision"
         : o->weight_precision ? "--weight-precision"
         : o->input_precision  ? "--input-precision"
         : o->rounding         ? "--rounding"
         : o->overflow         ? "--overflow"
         : o->formats          ? "--formats"
         : o->calibrate.count  ? "--calibrate"
                               : NULL;
}

// Options that leave each other nothing to do.
static bool check_together(const struct options *o, struct err *e) {
  const char *types = command_types(o);
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

bool command_no_circuit_options(const struct options *o, struct err *e) {
  const struct {
    const char *name;
    bool given;
  } options[] = {{"--precision", o->precision},
                 {"--weight-precision", o->weight_precision},
                 {"--input-precision", o->input_precision},
                 {"--rounding", o->rounding},
                 {"--overflow", o->overflow},
                 {"--formats", o->formats},
                 {"--calibrate", o->calibrate.count},
                 {"--parallelism", o->parallelism},
                 {"--folding", o->folding},
                 {"--target-cycles", o->target_cycles},
                 {"--target-fps", o->target_fps},
                 {"--max-multipliers", o->max_multipliers},
                 {"--max-memory", o->max_memory},
                 {"--rom-style", o->rom_style},
                 {"--ram-style", o->ram_style},
                 {"--pack-products", o->pack_products},
                 {"--framing", o->framing},
                 {"--input-mean", o->input_mean},
                 {"--input-std", o->input_std}};
  for (size_t i = 0; i < sizeof options / sizeof *options; i++)
    if (options[i].given)
      return err_set(e,
                     "%s: a generated folder has its types and lanes already, %s changes nothing; "
                     "give the model itself",
                     o->model, options[i].name);
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
  struct target target;
  if (!command_framing(o, &transfer, e) || !command_target(o, &target, e)) return false;
  if (o->name && !verilog_module_name(o->name))
    return err_set(e,
                   "--name %s: expected letters, digits and single _ between them, a letter first, "
                   "and none of the "
                   "words that SystemVerilog, the library and the benches use",
                   o->name);
  struct load l = command_load(o);
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
  struct load l = command_load(o);
  if (!load_model(a, o->model, &l, m, e)) return false;
  if (load_idle(a, &l, m))
    return err_set(e, "%s: the model says all its types itself, %s changes nothing: leave it out",
                   o->model, command_types(o));
  if (m->fixed && m->real) note_idle(o, m->fixed);
  command_warn(o, &m->warnings, 0);
  return true;
}

// --input-mean and --input-std are about pixels.
static bool check_source(const struct options *o, const struct images *set, struct err *e) {
  const char *given = o->input_mean ? "--input-mean" : o->input_std ? "--input-std" : NULL;
  bool pixels = false;
  for (uint32_t i = 0; i == 0 || i < set->n_parts; i++)
    pixels |= images_part(set, i)->pixels != NULL;
  return !given || pixels ||
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

static bool open_sets(struct arena *a, const struct options *o, const struct graph *g,
                      int64_t limit, struct images *out, struct err *e) {
  const char **set = ARENA_NEW(a, const char *, g->n_inputs + 1);
  struct images *of = ARENA_NEW(a, struct images, g->n_inputs + 1);
  if (!sets_choose(a, g, "--data", o->data.count, o->data.word, "mnist", set, e))
    return g->n_inputs > 1 ? err_within(e, "%s", o->model) : false;
  for (uint32_t i = 0; i < g->n_inputs; i++) {
    if (!data_open(a, set[i], limit, &of[i], e) || (o->codes && !images_as_codes(&of[i], e)))
      return false;
    command_note_data(o, &of[i]);
  }
  *out = of[0];
  return g->n_inputs == 1 || images_join(a, g->n_inputs, of, out, e);
}

bool command_images(struct arena *a, const struct options *o, const struct graph *g, int64_t limit,
                    struct images *out, struct err *e) {
  if (!open_sets(a, o, g, limit, out, e)) return false;
  images_arrange(a, out, g);
  return images_fit(out, g, e) && check_source(o, out, e);
}

static void warn_input(struct arena *a, const struct graph *g, uint32_t input,
                       const struct images *set, struct warnings *w) {
  const struct value *x = &g->values[g->inputs[input].value];
  struct stream_loss loss = {0};
  int64_t count = set->count < LOOKED_AT ? set->count : LOOKED_AT;
  if (set->pixels || set->codes) return; // the model's table tells, or nothing is lost
  struct graph one = *g;
  struct arena scratch = {0};
  one.inputs = &g->inputs[input];
  one.n_inputs = 1;
  const int32_t *codes = images_codes(&scratch, &one, set, 0, count);
  for (int64_t i = 0; i < count * set->elements; i++)
    stream_loss_add(&loss, &x->type, codes[i], images_real(set, i));
  warnings_stream(a, w, x->name, &x->type, &loss, true);
  arena_free(&scratch);
}

void command_warn_input(struct arena *a, const struct options *o, const struct graph *g,
                        const struct images *set, struct warnings *w) {
  uint32_t before = w->count;
  for (uint32_t i = 0; i < g->n_inputs; i++) warn_input(a, g, i, images_part(set, i), w);
  command_warn(o, w, before);
}
