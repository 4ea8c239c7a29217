// SPDX-License-Identifier: Apache-2.0
// sim: the circuit in a simulator against the C model, every element of every layer.
#include "cmd/command.h"
#include "cmd/paths.h"
#include "gen/emit_bench.h"
#include "gen/folder.h"
#include "sim/simulate.h"
#include "sw/base/file.h"
#include "sw/base/json.h"
#include "sw/exec/golden.h"

#include <math.h>
#include <string.h>
#include <unistd.h>

enum { IMAGES_DEFAULT = 1000, ICARUS_IMAGES = 4, JOBS_DEFAULT = 1 };

struct sim {
  struct arena *arena;
  const struct options *options;
  const char *folder; // of the circuit
  const char *work;
  int held, folder_held; // locks on both until the last file is read
  struct circuit *circuit;
  struct images set;
  struct verdict verdict;
  struct warnings warnings;
  struct simulate_job job;
  struct simulate_result result;
};

static void say_waiting(const char *work, const void *context) {
  const struct sim *s = context;
  command_note(s->options, "%s: another simulation works there, this one waits for it", work);
}

// The images, checked against a circuit whose names are the user's as far as they are known.
static bool open_data(struct sim *s, const struct circuit *p, struct err *e) {
  const struct options *o = s->options;
  int64_t images = o->images ? o->images : s->job.icarus ? ICARUS_IMAGES : IMAGES_DEFAULT;
  uint32_t judged = p->outputs[simulate_judged(p)].value;
  s->verdict = verdict_of_value(p->graph, judged);
  if (!command_images(s->arena, o, p->graph, images, &s->set, e) ||
      !verdict_answers(s->arena, &s->verdict, &s->set, &s->job.answers, e))
    return false;
  if (s->job.answers.targets && verdict_of(p->graph).value != judged) {
    command_note(o,
                 "%s: the labels are targets of \"%s\", which the host computes behind the "
                 "circuit: not compared",
                 o->model, verdict_of(p->graph).name);
    s->job.answers.targets = NULL;
  }
  command_warn_input(s->arena, o, p->graph, &s->set, &s->warnings);
  return true;
}

// A model is generated into the work folder, once everything else is known to be right.
static bool generate(struct sim *s, struct err *e) {
  struct folder_content content = {0};
  struct model m;
  struct circuit *p = command_circuit(s->arena, s->options, &m, NULL, &content.model_sha256, e);
  if (!p) return false;
  s->warnings = m.warnings;
  if (!open_data(s, p, e)) return false;
  s->folder = arena_printf(s->arena, "%s/rtl", s->work);
  s->held = simulate_hold(s->work, say_waiting, s, e);
  return s->held >= 0 && folder_write(p, s->folder, &content, e);
}

// A generated folder is checked and used as it is.
static bool circuit(struct sim *s, struct err *e) {
  bool folder = paths_is_folder(s->options->model);
  s->work = paths_work(s->arena, s->options);
  s->folder = s->options->model;
  if (folder ? !command_no_circuit_options(s->options, e) : !generate(s, e)) return false;
  s->folder_held = folder_hold(s->folder, e);
  if (s->folder_held < 0 || !folder_check(s->folder, e)) return false;
  s->circuit = folder_circuit(s->arena, s->folder, e);
  if (!s->circuit) return err_within(e, "%s", s->folder);
  if (!folder) return true;
  warnings_find(s->arena, NULL, s->circuit->graph, false, &s->warnings);
  command_warn(s->options, &s->warnings, 0);
  if (!open_data(s, s->circuit, e)) return false;
  s->held = simulate_hold(s->work, say_waiting, s, e);
  return s->held >= 0;
}

// What command_check leaves of the words of the command line.
static bool read_options(struct sim *s, struct err *e) {
  const struct options *o = s->options;
  s->job.icarus = o->simulator && strcmp(o->simulator, "icarus") == 0;
  if (o->clock && !o->target_fps)
    return err_set(e, "--clock has no effect: cycles are simulated; it goes with --target-fps");
  if (o->jobs > SIMULATE_JOBS_MAX)
    return err_set(e, "--jobs %lld: at most %d", (long long)o->jobs, SIMULATE_JOBS_MAX);
  return !o->stall || simulate_stall(o->stall, &s->job.stall_in, &s->job.stall_out, e);
}

static void fill_job(struct sim *s) {
  const struct options *o = s->options;
  struct simulate_job *j = &s->job;
  j->folder = s->folder;
  j->circuit = s->circuit;
  j->images = s->set.count;
  j->codes = images_codes(s->arena, s->circuit->graph, &s->set, 0, s->set.count);
  j->seed = 1;
  j->jobs = o->jobs ? (int)o->jobs : JOBS_DEFAULT;
  j->reset_every = o->reset_every;
  if (golden_is_sequence(s->circuit->graph) && !j->reset_every) j->jobs = 1;
  j->trace = o->trace;
  j->work = s->work;
  j->quiet = o->quiet;
}

// Frames that see earlier ones are one sequence from one reset to the next.
static bool check_jobs(const struct sim *s, struct err *e) {
  const struct options *o = s->options;
  bool sequence = golden_is_sequence(s->circuit->graph);
  if (o->reset_every && !sequence)
    return err_set(e, "--reset-every has no effect: the model has no variables and no delays");
  return o->jobs < 2 || !sequence || o->reset_every ||
         err_set(e,
                 "--jobs %lld: each frame depends on the one before, one process takes them all "
                 "(--reset-every N lets several)",
                 (long long)o->jobs);
}

// ---- reporting

static double rate(const struct simulate_result *r) {
  return r->run_seconds > 0 ? (double)r->cycles / r->run_seconds : NAN;
}

// The queues of a circuit swallow its first images faster than it works: what was measured last is
// the initiation interval only when it is the circuit's, or after many images of each process.
static bool settled(const struct sim *s) {
  int64_t share = s->job.images / (s->job.jobs < s->job.images ? s->job.jobs : s->job.images);
  if (s->job.reset_every && share > s->job.reset_every) share = s->job.reset_every;
  return s->result.ii > 0 && (s->result.ii == s->circuit->ii || share >= s->circuit->steady);
}

static void put_count(struct text *t, const char *key, bool known, int64_t v) {
  if (known)
    text_printf(t, ",\"%s\":%lld", key, (long long)v);
  else
    text_printf(t, ",\"%s\":null", key);
}

// No figure without all images: what hangs has no error.
static double r2(const struct sim *s) {
  bool all = s->result.score.images == s->job.images;
  return all ? verdict_r2(&s->verdict, &s->job.answers, &s->result.score) : NAN;
}

static double mae(const struct sim *s) {
  return verdict_mae(&s->verdict, &s->job.answers, &s->result.score);
}

// A string, or null.
static void put_word(struct text *t, const char *key, const char *word) {
  text_printf(t, ",\"%s\":", key);
  if (word)
    json_put_string(t, word);
  else
    text_puts(t, "null");
}

// The figures of an object, and its end.
static void put_figures(struct text *t, const struct sim *s) {
  const struct simulate_result *r = &s->result;
  text_printf(t, "\"images\":%lld,\"elements\":%lld,\"mismatches\":%lld", (long long)r->images,
              (long long)r->elements, (long long)r->mismatches);
  if (s->job.answers.classes && r->images)
    text_printf(t, ",\"correct\":%lld,\"accuracy\":%.6f", (long long)r->score.correct,
                (double)r->score.correct / (double)r->images);
  else
    text_puts(t, ",\"correct\":null,\"accuracy\":null");
  if (s->job.answers.targets) {
    json_put_figure(t, "r2", 6, r2(s));
    json_put_figure(t, "mae", -1, mae(s));
  }
  put_count(t, "cycles", true, r->cycles);
  put_count(t, "ii", settled(s), r->ii);
  put_count(t, "latency", r->latency > 0, r->latency);
  json_put_figure(t, "cycles_per_second", 0, rate(r));
  text_printf(t, ",\"build_seconds\":%.3f", r->build_seconds);
  put_word(t, "waveform", r->waveform);
  put_word(t, "failure", r->failure);
  warnings_put_json(t, &s->warnings);
  text_puts(t, "}\n");
}

static void print_json(const struct sim *s) {
  struct text t = {0};
  text_puts(&t, "{");
  put_figures(&t, s);
  fwrite(t.data, 1, t.size, stdout);
  text_free(&t);
}

// sim.json in the work folder: the same, and of what it is.
static bool write_result(const struct sim *s, struct err *e) {
  struct text t = {0};
  const char *path = arena_printf(s->arena, "%s/sim.json", s->work);
  const char *identity = folder_identity(s->arena, s->folder, e);
  if (!identity) return false;
  text_printf(&t, "{\"circuit\":\"%s\"", identity);
  put_word(&t, "data", s->set.name);
  put_word(&t, "simulator", s->job.icarus ? "icarus" : "verilator");
  put_word(&t, "stall", s->options->stall);
  text_puts(&t, ",");
  put_figures(&t, s);
  bool ok = file_write(path, t.data, t.size, e);
  text_free(&t);
  return ok;
}

static void print_text(const struct sim *s) {
  const struct simulate_result *r = &s->result;
  const struct options *o = s->options;
  struct text t = {0};
  text_put_escaped(&t, s->folder);
  text_printf(&t, " in %s, %lld images of ", s->job.icarus ? "icarus" : "verilator",
              (long long)r->images);
  text_put_escaped(&t, s->set.name);
  text_puts(&t, "\n\n");
  text_printf(&t, "%s   %lld elements compared, %lld mismatches\n", r->failure ? "FAIL" : "PASS",
              (long long)r->elements, (long long)r->mismatches);
  if (s->job.answers.classes && r->images)
    text_printf(&t, "accuracy           %.2f %% (%lld correct)\n",
                100 * (double)r->score.correct / (double)r->images, (long long)r->score.correct);
  if (isfinite(r2(s))) text_printf(&t, "R2                 %.6f\n", r2(s));
  if (isfinite(mae(s))) text_printf(&t, "MAE                %.6g\n", mae(s));
  if (settled(s))
    text_printf(&t, "cycles per image   %lld (plan %lld)\n", (long long)r->ii,
                (long long)s->circuit->ii);
  else
    text_printf(&t, "cycles per image   not %s with %s (plan %lld)\n",
                r->ii ? "settled" : "measured", s->job.images > 1 ? "so few images" : "one image",
                (long long)s->circuit->ii);
  if (!r->latency)
    text_printf(&t, "latency            not measured (plan %lld)\n",
                (long long)s->circuit->latency);
  else if (o->stall)
    text_printf(&t, "latency            %lld cycles (%lld without stalls)\nstalls             %s\n",
                (long long)r->latency, (long long)s->circuit->latency, o->stall);
  else
    text_printf(&t, "latency            %lld cycles (plan %lld)\n", (long long)r->latency,
                (long long)s->circuit->latency);
  text_printf(&t, "simulated          %lld cycles in %.2f s", (long long)r->cycles, r->run_seconds);
  if (isfinite(rate(r))) text_printf(&t, ", %.2f M cycles/s", rate(r) / 1e6);
  text_puts(&t, "\n");
  text_printf(&t, "build              %.2f s\n", r->build_seconds);
  if (r->waveform) {
    text_puts(&t, "waveform           ");
    text_put_escaped(&t, r->waveform);
    text_puts(&t, "\n");
  }
  fwrite(t.data, 1, t.size, stdout);
  text_free(&t);
}

int command_sim(struct arena *a, const struct options *o, struct err *e) {
  struct sim s = {.arena = a, .options = o, .held = -1, .folder_held = -1};
  if (!read_options(&s, e)) return EXIT_USAGE;
  bool ok = simulate_tools(s.job.icarus, e) && circuit(&s, e);
  ok = ok && check_jobs(&s, e);
  if (ok) fill_job(&s);
  ok = ok && simulate(a, &s.job, &s.result, e) && write_result(&s, e);
  if (s.folder_held >= 0) close(s.folder_held);
  if (s.held >= 0) close(s.held);
  if (!ok) return EXIT_USER;
  if (o->json)
    print_json(&s);
  else
    print_text(&s);
  if (s.result.failure) err_put(e, "%s: %s", s.folder, s.result.failure);
  e->told = true;
  return s.result.failure ? EXIT_USER : EXIT_GOOD;
}
