// SPDX-License-Identifier: Apache-2.0
#include "quant/load.h"

#include "quant/calibrate.h"
#include "quant/equalize.h"
#include "quant/quantize.h"
#include "sw/base/pool.h"
#include "sw/data/sets.h"
#include "sw/graph/model.h"
#include "sw/import/import.h"
#include "sw/pass/branch_lines.h"
#include "sw/pass/fold_norm.h"
#include "sw/pass/fuse.h"
#include "sw/pass/remember.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static bool parse_list(struct arena *a, const char *text, int64_t *count, double **out) {
  double *list = ARENA_NEW(a, double, strlen(text) / 2 + 1);
  int64_t n = 0;
  for (const char *p = text;; p++) {
    char *end;
    list[n++] = strtod(p, &end);
    if (end == p || !isfinite(list[n - 1]) || (*end && *end != ',')) return false;
    p = end;
    if (!*end) break;
  }
  *count = n;
  *out = list;
  return true;
}

static bool option_list(struct arena *a, const char *name, const char *text, int64_t *count,
                        double **out, struct err *e) {
  *count = 0;
  return !text || parse_list(a, text, count, out) ||
         err_set(e, "--%s %s: expected numbers with commas between", name, text);
}

static double entry(const double *list, int64_t count, int64_t c) {
  return list[count > 1 ? c : 0];
}

bool load_source(struct arena *a, const struct load *l, struct graph *g, struct err *e) {
  int64_t means, deviations;
  double *mean = NULL, *std = NULL;
  if (!option_list(a, "input-mean", l->input_mean, &means, &mean, e) ||
      !option_list(a, "input-std", l->input_std, &deviations, &std, e))
    return false;
  for (uint32_t i = 0; i < g->n_inputs && (mean || std); i++) {
    struct source *s = &g->inputs[i].source;
    if (s->tables) return err_set(e, "--input-mean: the pixel table of an integer model is fixed");
    static const double zero = 0, one = 1; // of a model that has none of its own
    int64_t own = s->channels ? s->channels : 1;
    int64_t m = mean ? means : own, d = std ? deviations : own;
    int64_t count = m > d ? m : d;
    double *both = ARENA_NEW(a, double, 2 * count);
    if ((m > 1 && m < count) || (d > 1 && d < count))
      return err_set(
          e,
          "--input-mean and --input-std: %lld means and %lld deviations, expected one or "
          "one per channel of each",
          (long long)m, (long long)d);
    for (int64_t c = 0; c < count; c++) {
      both[c] = entry(mean ? mean : s->channels ? s->mean : &zero, m, c);
      both[count + c] = entry(std ? std : s->channels ? s->std : &one, d, c);
    }
    *s = (struct source){.channels = count, .mean = both, .std = both + count, .axes = s->axes};
    const struct type *type = &g->values[g->inputs[i].value].type;
    if (type_is_integer(type)) quantize_pixels(a, type, s);
  }
  return graph_verify(g, e);
}

// ---- calibration

enum { OUTPUT_WIDTH = 16, OUTPUT_WIDTH_MOST = 32 };

static bool one_of(const char *option, const char *text, const char *no, const char *yes,
                   bool otherwise, bool *out, struct err *e) {
  *out = text ? strcmp(text, yes) == 0 : otherwise;
  return !text || *out || strcmp(text, no) == 0 ||
         err_set(e, "%s %s: expected %s or %s", option, text, no, yes);
}

static bool parse_how(const struct load *l, struct calibrate_how *how, struct err *e) {
  const struct {
    const char *name;
    bool given;
  } options[] = {{"--method", l->method != NULL},
                 {"--scales", l->scales != NULL},
                 {"--bias-correct", l->bias_correct != NULL},
                 {"--equalize", l->equalize != NULL},
                 {"--keep-output", l->output_width != 0}};
  for (size_t i = 0; !l->n_calibrate && i < sizeof options / sizeof *options; i++)
    if (options[i].given)
      return err_set(e, "%s is about calibration: give --calibrate SET, as in mnist-train:1000",
                     options[i].name);
  *how =
      (struct calibrate_how){.output_width = l->output_width ? (int)l->output_width : OUTPUT_WIDTH};
  if (l->output_width > OUTPUT_WIDTH_MOST)
    return err_set(e, "--keep-output %lld: expected 1 to %d bits", (long long)l->output_width,
                   OUTPUT_WIDTH_MOST);
  if (!calibrate_method_parse(l->method ? l->method : "gptq", how))
    return err_set(
        e, "--method %s: expected gptq, mse, max, percentile[:P] or entropy (50 <= P <= 100)",
        l->method);
  return one_of("--scales", l->scales, "pow2", "any", false, &how->any_scale, e) &&
         one_of("--bias-correct", l->bias_correct, "off", "on", how->method == CALIBRATE_MSE,
                &how->correct_bias, e) &&
         one_of("--equalize", l->equalize, "off", "on", false, &how->equalize, e);
}

static bool same_file(const char *a, const char *b) {
  struct stat x, y;
  return a && b && stat(a, &x) == 0 && stat(b, &y) == 0 && x.st_dev == y.st_dev &&
         x.st_ino == y.st_ino;
}

bool load_same_set(struct arena *a, const char *x, const char *y) {
  const char *of_x[2], *of_y[2];
  data_files(a, x, of_x);
  data_files(a, y, of_y);
  return strcmp(x, y) == 0 || same_file(of_x[0], of_y[0]);
}

// What is judged by is no help for choosing: the result would say nothing of other images.
static bool refuse_judge(struct arena *a, const struct load *l, const char *set, struct err *e) {
  const char *whole = sets_whole(a, set);
  for (int i = 0; i < l->n_data; i++) {
    const char *equal = strchr(l->data[i], '='), *judge = equal ? equal + 1 : l->data[i];
    if (load_same_set(a, whole, judge))
      return err_set(e,
                     "--calibrate %s: those images are what --data judges by; choose others, as in "
                     "mnist-train:1000",
                     set);
  }
  return true;
}

static bool open_calibration(struct arena *a, const struct load *l, const struct graph *g,
                             struct images *out, struct err *e) {
  const char **set = ARENA_NEW(a, const char *, g->n_inputs + 1);
  struct images *of = ARENA_NEW(a, struct images, g->n_inputs + 1);
  if (!sets_choose(a, g, "--calibrate", l->n_calibrate, l->calibrate, NULL, set, e)) return false;
  for (uint32_t i = 0; i < g->n_inputs; i++)
    if (!refuse_judge(a, l, set[i], e) || !sets_open_some(a, set[i], &of[i], e)) return false;
  *out = of[0];
  if (g->n_inputs > 1 && !images_join(a, g->n_inputs, of, out, e)) return false;
  images_arrange(a, out, g);
  return images_fit(out, g, e) || err_within(e, "--calibrate");
}

static bool calibrated(struct arena *a, const struct load *l, struct model *m, struct formats *f,
                       struct err *e) {
  struct calibrate_how how;
  struct images *set = ARENA_NEW(a, struct images, 1);
  if (!parse_how(l, &how, e) || !pool_threads(&how.threads, e) ||
      !open_calibration(a, l, m->real, set, e))
    return false;
  uint32_t pairs;
  if (how.equalize) m->real = equalize(a, m->real, &pairs);
  struct calibrator *c = calibrator_new(a, m->real, set, &how, e);
  if (!c) return false;
  m->fixed = quantize_calibrated(a, m->real, f, c, e);
  m->calibrated = set;
  calibrator_free(c);
  if (!m->fixed) return false;
  m->fixed = branch_lines(a, m->fixed);
  warnings_find(a, m->real, m->fixed, true, &m->warnings);
  const char *const *constant;
  for (uint32_t i = 0, n = calibrate_constant(c, &constant); i < n; i++)
    warnings_add(a, &m->warnings, constant[i],
                 "it gives 0 on all calibration images, which say nothing of its scale (1)");
  return true;
}

static bool quantized(struct arena *a, const struct load *l, struct model *m, struct formats *f,
                      struct err *e) {
  if (l->n_calibrate) return calibrated(a, l, m, f, e);
  m->fixed = quantize(a, m->real, f, e);
  if (!m->fixed) return false;
  m->fixed = branch_lines(a, m->fixed);
  warnings_find(a, m->real, m->fixed, false, &m->warnings);
  return true;
}

// A width alone is a type with calibration only.
static bool check_open(const struct load *l, const struct formats *f, struct err *e) {
  bool stream = l->precision && f->defaults.stream_auto;
  bool input = l->input_precision && f->input_auto;
  if (l->n_calibrate || !(stream || input)) return true;
  return err_set(e,
                 "%sprecision \"%s\", expected W,F, as in 8,3, or --calibrate SET beside a width, "
                 "as in --calibrate mnist-train:1000",
                 stream ? "" : "input ", stream ? l->precision : l->input_precision);
}

static bool parse_formats(struct arena *a, const struct load *l, struct formats *f, struct err *e) {
  *f = formats_new();
  return (!l->precision || formats_set_stream(a, &f->defaults, l->precision, e)) &&
         (!l->weight_precision || formats_set_weight(a, &f->defaults, l->weight_precision, e)) &&
         (!l->input_precision || formats_set_input(a, f, l->input_precision, e)) &&
         (!l->rounding || formats_set_rounding(&f->defaults, l->rounding, e)) &&
         (!l->overflow || formats_set_overflow(&f->defaults, l->overflow, e)) &&
         check_open(l, f, e);
}

bool load_check(struct arena *a, const struct load *l, struct err *e) {
  struct formats f;
  struct calibrate_how how;
  int64_t count;
  double *list;
  if (!parse_how(l, &how, e) || !option_list(a, "input-mean", l->input_mean, &count, &list, e) ||
      !option_list(a, "input-std", l->input_std, &count, &list, e))
    return false;
  for (int64_t i = 0; i < count; i++)
    if (!(list[i] > 0)) return err_set(e, "--input-std %s: expected numbers above 0", l->input_std);
  return parse_formats(a, l, &f, e);
}

static bool wants_formats(const struct load *l) {
  return l->precision || l->weight_precision || l->input_precision || l->rounding || l->overflow ||
         l->formats || l->n_calibrate;
}

// Whether a float model says of some streams which type they have.
static bool says_types(const struct graph *g) {
  for (uint32_t i = 0; i < g->n_nodes; i++)
    if (op_is(g->nodes[i].op, TRAIT_NARROWS)) return true;
  return false;
}

const char *load_path(struct arena *a, const char *path) {
  struct stat st;
  bool folder = stat(path, &st) == 0 && S_ISDIR(st.st_mode);
  const char *own = arena_printf(a, "%s/model.bin", path);
  return folder && (access(own, F_OK) == 0 || !import_in_folder(a, path)) ? own : path;
}

static void idle_formats(struct arena *a, const struct formats *f, struct warnings *w) {
  for (uint32_t i = 0; i < f->n_kinds; i++)
    if (!f->kinds[i].used)
      warnings_add(a, w, f->kinds[i].name,
                   "its entry in the formats file changes nothing: no layer is of this kind");
}

void load_notes(struct arena *a, const struct refusals *r, bool training, struct warnings *w) {
  for (uint32_t i = 0; i < r->n_notes; i++) {
    const struct import_note *n = &r->notes[i];
    if (n->training && !training) continue;
    if (n->others)
      warnings_add(a, w, n->node, "%s (and %u more)", n->text, n->others);
    else
      warnings_add(a, w, n->node, "%s", n->text);
  }
}

static bool load_float(struct arena *a, struct graph *g, const struct load *l, struct formats *f,
                       struct model *m, struct err *e) {
  m->real = remember(a, g, e);
  if (!m->real) return false;
  g = m->whole = m->real;
  if (l->floats || (!wants_formats(l) && !says_types(g))) return true;
  m->real = fold_norm(a, g, e);
  if (!m->real || !quantized(a, l, m, f, e)) return false;
  idle_formats(a, f, &m->warnings);
  return true;
}

bool load_formats(struct arena *a, const struct load *l, struct formats *f, struct err *e) {
  return parse_formats(a, l, f, e) && (!l->formats || formats_read(a, l->formats, f, e));
}

bool load_graph(struct arena *a, struct graph *g, const struct load *l, const char *formats,
                struct model *m, struct err *e) {
  struct formats f;
  *m = (struct model){0};
  if (!load_formats(a, l, &f, e) || (formats && !formats_parse(a, formats, strlen(formats), &f, e)))
    return false;
  struct load with = *l;
  if (formats && !with.formats) with.formats = "";
  return load_float(a, g, &with, &f, m, e);
}

bool load_model(struct arena *a, const char *path, const struct load *l, struct model *m,
                struct err *e) {
  struct formats f;
  if (!load_formats(a, l, &f, e)) return false;
  struct refusals refusals = {0};
  struct graph *g = import_read(a, load_path(a, path), &refusals, e);
  if (!g) return false;
  if ((l->input_mean || l->input_std) && !load_source(a, l, g, e)) return err_within(e, "%s", path);
  *m = (struct model){0};
  load_notes(a, &refusals, false, &m->warnings);
  if (!graph_is_real(g)) {
    if (wants_formats(l))
      return err_set(e, "%s: the model is quantised already, its types can't be chosen again",
                     path);
    g = remember(a, g, e);
    if (!g) return err_within(e, "%s", path);
    m->fixed = branch_lines(a, fuse_needed(g) ? fuse(a, g) : g);
    warnings_find(a, NULL, m->fixed, false, &m->warnings);
    return true;
  }
  return load_float(a, g, l, &f, m, e) || err_within(e, "%s", path);
}

bool load_same_graph(const struct graph *x, const struct graph *y) {
  struct text of_x = {0}, of_y = {0};
  model_put(&of_x, x);
  model_put(&of_y, y);
  bool same = of_x.size == of_y.size && memcmp(of_x.data, of_y.data, of_x.size) == 0;
  text_free(&of_x);
  text_free(&of_y);
  return same;
}

bool load_idle(struct arena *a, const struct load *l, const struct model *m) {
  struct load none = {0};
  struct model own;
  struct err ignored = {0};
  if (!wants_formats(l) || !m->whole || !m->fixed || !says_types(m->whole)) return false;
  return load_graph(a, m->whole, &none, NULL, &own, &ignored) &&
         load_same_graph(own.fixed, m->fixed);
}
