// SPDX-License-Identifier: Apache-2.0
// fit: train -> run -> sim -> synth -> report, each as the command of that name does it, in one
// folder:
//
//   DIR/model.bin      what was trained
//   DIR/rtl, sim.json  the circuit, and what its simulation found
//   DIR/synth          what an FPGA needs for it, where yosys and nextpnr-ecp5 are there
//   DIR/report.html    the page
#include "cmd/paths.h"
#include "cmd/run.h"
#include "cmd/train.h"
#include "gen/folder.h"
#include "quant/load.h"
#include "sw/base/file.h"
#include "sw/base/json.h"
#include "sw/base/library.h"
#include "sw/base/process.h"
#include "sw/data/sets.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { CALIBRATION_IMAGES = 1000, JSON_MAX = 1 << 20 };
static const char default_precision[] = "8";

struct fitting {
  struct arena *arena;
  const struct options *options;
  const char *dir, *model; // folder; file of the network that becomes a circuit
  const char *test;        // set that it is judged by
  bool one_set;            // it is what trains, too
  bool trained;
  struct train_result training; // if it was trained
  struct options types;         // words of types and lanes, for everything behind training
  struct run real, fixed;       // on the test set; real.graph NULL: there is no float model
  struct circuit *circuit;
  int64_t images, elements, mismatches, correct, ii, latency; // of the simulation
  double fmax;                                                // MHz, NAN: not placed
  const char *clock;                                          // what the summary says of it
  const char *synth; // folder of the results of synthesis; NULL: none
};

static bool ends_with(const char *text, const char *suffix) {
  size_t n = strlen(text), m = strlen(suffix);
  return n >= m && strcmp(text + n - m, suffix) == 0;
}

// A recipe has no weights and is trained.
static bool is_recipe(struct arena *a, const char *net) {
  if (net[0] == '{' || ends_with(net, ".json")) return true;
  const char *path = library_path(a, arena_printf(a, "models/%s.json", net));
  return !strchr(net, '/') && !file_exists(net) && (file_exists(path) || !strchr(net, '.'));
}

static bool trains(struct arena *a, const struct options *o) {
  return is_recipe(a, o->model) || o->epochs || o->qat;
}

// The options of training: words of types are what --qat trains for, and otherwise come later.
static struct options training_of(const struct options *o) {
  struct options t = *o;
  t.net = o->model;
  t.model = NULL;
  if (o->qat) return t;
  t.precision = t.weight_precision = t.input_precision = t.rounding = t.overflow = NULL;
  t.formats = t.method = NULL;
  t.calibrate.count = 0;
  t.keep_output = 0;
  return t;
}

bool fit_check(struct arena *a, const struct options *o, struct err *e) {
  struct options t = training_of(o);
  if (!o->qat) {
    // A width alone is calibrated by images of the training set.
    struct options types = *o;
    if (!types.calibrate.count) types.calibrate = (struct option_list){1, {"mnist-train:1000"}};
    if (!command_check(a, &types, e)) return false;
  }
  const struct {
    const char *name;
    bool given;
  } idle[] = {
      {"--optimizer", o->optimizer}, {"--rate", o->rate},       {"--schedule", o->schedule},
      {"--batch", o->batch},         {"--seed", o->seed},       {"--decay", o->decay},
      {"--loss", o->loss},           {"--targets", o->targets}, {"--distort", o->distort},
      {"--boost", o->boost},         {"--images", o->images},   {"--momentum", o->momentum}};
  bool is_file = o->model && !trains(a, o);
  for (size_t i = 0; is_file && i < sizeof idle / sizeof *idle; i++)
    if (idle[i].given)
      return err_set(e, "%s changes nothing: %s is a trained network; give --epochs N to train on",
                     idle[i].name, o->model);
  return train_check(a, &t, e);
}

// ---- the steps

// Its lock, which sim has in its folders, says that it may be written anew.
static bool make_folder(struct arena *a, const char *dir, struct err *e) {
  bool is_new = mkdir(dir, 0777) == 0;
  if (!is_new && (errno != EEXIST || !paths_is_folder(dir)))
    return err_set(e, "%s: %s", dir, strerror(errno));
  FILE *lock = fopen(arena_printf(a, "%s/lock", dir), "a");
  if (!lock) return err_set(e, "%s/lock: %s", dir, strerror(errno));
  fclose(lock);
  return true;
}

// Nothing is left of a folder in which nothing came to be.
static void remove_folder(struct arena *a, const char *dir) {
  DIR *d = opendir(dir);
  bool empty = d;
  for (struct dirent *entry; d && (entry = readdir(d));)
    empty &= entry->d_name[0] == '.' || strcmp(entry->d_name, "lock") == 0;
  if (d) closedir(d);
  if (!empty) return;
  unlink(arena_printf(a, "%s/lock", dir));
  rmdir(dir);
}

static void say(const char *step) {
  printf("== %s\n", step);
  fflush(stdout);
}

// Nobody sees what the steps print: a descriptor to go back to, or -1. Programs that they start
// don't inherit it: make would take it for its jobserver.
static int mute(void) {
  fflush(stdout);
  int kept = fcntl(STDOUT_FILENO, F_DUPFD_CLOEXEC, 0),
      nowhere = open("/dev/null", O_WRONLY | O_CLOEXEC);
  if (nowhere >= 0) dup2(nowhere, STDOUT_FILENO);
  if (nowhere >= 0) close(nowhere);
  return kept;
}

static void unmute(int kept) {
  fflush(stdout);
  if (kept < 0) return;
  dup2(kept, STDOUT_FILENO);
  close(kept);
}

static bool train(struct fitting *f, struct err *e) {
  struct options t = training_of(f->options);
  f->trained = trains(f->arena, f->options);
  f->model = f->options->model;
  if (!f->trained) return true;
  t.json = false;
  t.output = f->model = arena_printf(f->arena, "%s/model.bin", f->dir);
  t.test = f->test;
  say("train");
  return train_file(f->arena, &t, &f->training, e);
}

static const char *training_set(const struct options *o) {
  const char *data = o->data.count ? o->data.word[o->data.count - 1] : "mnist-train";
  return strcmp(data, "mnist") == 0 ? "mnist-train" : data;
}

// The set that judges, which is no help for choosing types.
static bool choose(struct fitting *f, struct err *e) {
  const struct options *o = f->options;
  const char *data = training_set(o);
  f->test = o->test ? o->test : strcmp(data, "mnist-train") == 0 ? "mnist" : data;
  f->one_set = load_same_set(f->arena, data, f->test);
  if (f->one_set)
    command_note(o,
                 o->test ? "--test: %s judges, and trains, too"
                         : "without --test SET it is %s that judges",
                 data);
  for (int i = 0; !f->one_set && !o->qat && i < o->calibrate.count; i++)
    if (load_same_set(f->arena, sets_whole(f->arena, o->calibrate.word[i]), f->test))
      return err_set(e,
                     "--calibrate %s: %s judges, too: choose others for one of them (--test SET)",
                     o->calibrate.word[i], f->test);
  return true;
}

// 8 bits for a network of which nothing says a type; a width alone is calibrated.
static bool words_of_types(struct fitting *f, struct err *e) {
  struct options *t = &f->types;
  struct images set;
  struct load none = {0};
  struct model m;
  *t = *f->options;
  t->model = f->model;
  t->output = NULL;
  t->images = 0;
  t->data = (struct option_list){1, {f->test}};
  t->force |= f->one_set; // it is all there is
  if (f->options->qat) {
    t->precision = t->weight_precision = t->input_precision = t->rounding = t->overflow = NULL;
    t->formats = t->method = NULL;
    t->calibrate.count = 0;
    t->keep_output = 0;
    return true;
  }
  if (!load_model(f->arena, f->model, &none, &m, e)) return false;
  if (!m.fixed && !t->precision && !t->formats) t->precision = default_precision;
  bool open = t->precision && !strchr(t->precision, ',') && strcmp(t->precision, "bipolar") != 0;
  if (!open || t->calibrate.count) return true;
  if (!data_open(f->arena, training_set(f->options), 0, &set, e)) return false;
  t->calibrate = (struct option_list){
      1, {train_first_images(f->arena, f->options, set.count, CALIBRATION_IMAGES)}};
  return true;
}

static bool judge(struct fitting *f, struct err *e) {
  struct options o = f->types, real = {.model = f->model, .quiet = true, .real = true};
  struct model *m = ARENA_NEW(f->arena, struct model, 1);
  o.quiet = true;
  real.data = o.data;
  say("quantise");
  f->real = f->fixed = (struct run){.arena = f->arena, .model = f->model, .warnings = &m->warnings};
  if (!command_model(f->arena, &o, m, e)) return false;
  if (!m->fixed) return err_set(e, COMMAND_FLOAT, f->model);
  bool floats = m->real && !f->options->qat; // of the integers there are none beside them
  if (floats && !run_model(&f->real, &real, m, e)) return false;
  return run_model(&f->fixed, &o, m, e);
}

static int64_t number(const json_t *j, const char *key) {
  return json_integer_value(json_object_get(j, key));
}

static bool simulate_circuit(struct fitting *f, struct err *e) {
  struct options o = f->types;
  struct bytes bytes;
  const char *path = arena_printf(f->arena, "%s/sim.json", f->dir);
  o.output = f->dir;
  o.json = false;
  say("simulate");
  if (command_sim(f->arena, &o, e) != EXIT_GOOD) return false;
  if (!file_read(f->arena, path, JSON_MAX, &bytes, e)) return false;
  json_t *j = json_parse((const char *)bytes.data, bytes.size, e);
  if (!j) return false;
  f->images = number(j, "images");
  f->elements = number(j, "elements");
  f->mismatches = number(j, "mismatches");
  f->correct = number(j, "correct");
  f->ii = number(j, "ii");
  f->latency = number(j, "latency");
  json_decref(j);
  f->circuit = folder_circuit(f->arena, arena_printf(f->arena, "%s/rtl", f->dir), e);
  return f->circuit;
}

// The clock that nextpnr reaches on an ECP5, of one seed; what stands in the way is said, it is no
// failure.
static void find_clock(struct fitting *f) {
  const char *script = library_path(f->arena, "scripts/synth");
  const char *rtl = arena_printf(f->arena, "%s/rtl", f->dir);
  const char *out = arena_printf(f->arena, "%s/synth", f->dir);
  f->fmax = NAN;
  f->clock = arena_printf(f->arena, "not synthesised: scripts/synth %s", rtl);
  if (!process_exists("yosys") || !process_exists("nextpnr-ecp5") || !file_exists(script)) return;
  const char *const argv[] = {script, "-c", "-w", "-f", "ecp5", "-s", "1", "-o", out, rtl, NULL};
  struct text said = {0};
  struct err e = {0};
  struct bytes bytes;
  say("place");
  bool ran =
      process_run(argv, NULL, NULL, &said, &e) &&
      file_read(f->arena, arena_printf(f->arena, "%s/synth.json", out), JSON_MAX, &bytes, &e);
  text_free(&said);
  json_t *j = ran ? json_parse((const char *)bytes.data, bytes.size, &e) : NULL;
  if (!j) {
    f->clock = arena_printf(f->arena, "not found: %s", e.text);
    return;
  }
  const json_t *family = json_array_get(json_object_get(j, "families"), 0);
  const json_t *fmax = json_object_get(family, "fmax_mhz");
  const char *why = json_string_value(json_object_get(family, "why"));
  if (json_is_number(fmax)) f->fmax = json_number_value(fmax);
  f->clock = isfinite(f->fmax)
                 ? arena_printf(f->arena, "%.1f MHz on an ECP5-45, one seed", f->fmax)
                 : arena_printf(f->arena, "not placed on an ECP5-45: %s", why ? why : "no room");
  f->synth = out;
  json_decref(j);
}

static bool report(struct fitting *f, struct err *e) {
  struct options o = {.model = f->dir, .quiet = true};
  o.output = arena_printf(f->arena, "%s/report.html", f->dir);
  o.data = f->types.data;
  o.synth = f->synth;
  say("report");
  return command_report(f->arena, &o, e) == EXIT_GOOD;
}

// ---- the summary

static double accuracy(const struct run *r) {
  return r->answers.classes ? (double)r->score.correct / (double)r->score.images : NAN;
}

static void put_run(struct text *t, const char *what, const struct run *r) {
  double share = accuracy(r), r2 = verdict_r2(&r->verdict, &r->answers, &r->score);
  if (!r->graph) return;
  text_printf(t, "%-12s", what);
  if (isfinite(share))
    text_printf(t, "%.2f %%, error %.2f %%", 100 * share, 100 * (1 - share));
  else if (isfinite(r2))
    text_printf(t, "R2 %.6f, mean absolute error %.6g", r2,
                verdict_mae(&r->verdict, &r->answers, &r->score));
  else
    text_puts(t, "no labels to judge by");
  text_printf(t, " (%lld images of ", (long long)r->set.count);
  text_put_escaped(t, r->set.name);
  text_puts(t, ")\n");
}

static void print_text(const struct fitting *f) {
  struct text t = {0};
  const struct circuit *p = f->circuit;
  const struct fit_position *at = f->training.at;
  text_printf(&t, "\n%-12s", "network");
  text_put_escaped(&t, f->fixed.graph->name);
  if (f->trained)
    text_printf(&t, ", %lld epochs of %lld images, loss %.5f", (long long)at->rows,
                (long long)f->training.trained, at->row[at->rows - 1].loss);
  text_puts(&t, "\n");
  put_run(&t, "float", &f->real);
  put_run(&t, "integers", &f->fixed);
  text_printf(&t, "%-12s%lld of %lld elements of %lld images are the C model's", "circuit",
              (long long)(f->elements - f->mismatches), (long long)f->elements,
              (long long)f->images);
  if (f->fixed.answers.classes)
    text_printf(&t, ", error %.2f %%", 100 * (1 - (double)f->correct / (double)f->images));
  text_printf(&t, "\n%-12s%lld an image, latency %lld\n%-12s%lld\n%-12s%lld bits\n", "cycles",
              (long long)p->ii, (long long)p->latency, "multipliers", (long long)p->multipliers,
              "memory", (long long)p->memory_bits);
  text_printf(&t, "%-12s", "clock");
  text_put_escaped(&t, f->clock);
  text_printf(&t, "\n%-12s", "files");
  if (f->trained) {
    text_put_escaped(&t, f->model);
    text_puts(&t, ", ");
  }
  text_put_escaped(&t, f->dir);
  text_puts(&t, "/rtl, ");
  text_put_escaped(&t, f->dir);
  text_puts(&t, "/report.html\n");
  fwrite(t.data, 1, t.size, stdout);
  text_free(&t);
}

static void print_json(const struct fitting *f) {
  struct text t = {0};
  const struct circuit *p = f->circuit;
  const struct fit_position *at = f->training.at;
  text_puts(&t, "{\"net\":");
  json_put_string(&t, f->options->model);
  text_puts(&t, ",\"model\":");
  json_put_string(&t, f->model);
  text_printf(&t, ",\"epochs\":%lld", f->trained ? (long long)at->rows : 0LL);
  json_put_figure(&t, "loss", 6, f->trained ? at->row[at->rows - 1].loss : NAN);
  json_put_figure(&t, "float_accuracy", 6, f->real.graph ? accuracy(&f->real) : NAN);
  json_put_figure(&t, "accuracy", 6, accuracy(&f->fixed));
  json_put_figure(&t, "circuit_accuracy", 6,
                  f->fixed.answers.classes ? (double)f->correct / (double)f->images : NAN);
  text_printf(&t,
              ",\"images\":%lld,\"elements\":%lld,\"mismatches\":%lld,\"ii\":%lld,\"latency\":%lld,"
              "\"multipliers\":%lld,\"memory_bits\":%lld,\"rtl\":",
              (long long)f->images, (long long)f->elements, (long long)f->mismatches,
              (long long)p->ii, (long long)p->latency, (long long)p->multipliers,
              (long long)p->memory_bits);
  json_put_string(&t, arena_printf(f->arena, "%s/rtl", f->dir));
  json_put_figure(&t, "fmax_mhz", 2, f->fmax);
  text_puts(&t, ",\"report\":");
  json_put_string(&t, arena_printf(f->arena, "%s/report.html", f->dir));
  text_puts(&t, "}\n");
  fwrite(t.data, 1, t.size, stdout);
  text_free(&t);
}

int command_fit(struct arena *a, const struct options *o, struct err *e) {
  struct fitting f = {.arena = a, .options = o, .dir = o->output ? o->output : "fit"};
  if (!choose(&f, e) || !make_folder(a, f.dir, e)) return EXIT_USER;
  bool silent = o->json || o->quiet;
  int kept = silent ? mute() : -1;
  bool ok = train(&f, e) && words_of_types(&f, e) && judge(&f, e) && simulate_circuit(&f, e);
  if (ok) find_clock(&f);
  ok = ok && report(&f, e);
  if (silent) unmute(kept);
  if (!ok) {
    remove_folder(a, f.dir);
    return EXIT_USER;
  }
  if (o->json)
    print_json(&f);
  else
    print_text(&f);
  return EXIT_GOOD;
}
