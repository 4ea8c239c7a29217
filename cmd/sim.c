// SPDX-License-Identifier: Apache-2.0
// sim: the circuit in a simulator against the C model, every element of every layer.
#include "cmd/command.h"
#include "cmd/paths.h"
#include "gen/folder.h"
#include "sim/simulate.h"
#include "sw/base/json.h"

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
  struct plan *plan;
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

// A generated folder is checked and used as it is; a model is generated first.
static bool circuit(struct sim *s, struct err *e) {
  const struct options *o = s->options;
  s->work = paths_work(s->arena, o);
  s->folder = o->model;
  s->held = simulate_hold(s->work, say_waiting, s, e);
  if (s->held < 0) return false;
  if (!paths_is_folder(o->model)) {
    struct folder_content content = {0};
    struct model m;
    struct plan *p = command_plan(s->arena, o, &m, &content.model_sha256, e);
    if (p) s->warnings = m.warnings;
    s->folder = arena_printf(s->arena, "%s/rtl", s->work);
    if (!p || !folder_write(p, s->folder, &content, e)) return false;
  } else if (o->precision || o->parallelism || o->folding || o->rom_style) {
    return err_set(e, "%s: a generated folder has its types and lanes already", o->model);
  }
  s->folder_held = folder_hold(s->folder, e);
  if (s->folder_held < 0 || !folder_check(s->folder, e)) return false;
  s->plan = folder_plan(s->arena, s->folder, e);
  return s->plan || err_within(e, "%s", s->folder);
}

// What command_check leaves of the words of the command line.
static bool read_options(struct sim *s, struct err *e) {
  const struct options *o = s->options;
  s->job.icarus = o->simulator && strcmp(o->simulator, "icarus") == 0;
  if (o->jobs > SIMULATE_JOBS_MAX)
    return err_set(e, "--jobs %lld: at most %d", (long long)o->jobs, SIMULATE_JOBS_MAX);
  return !o->stall || simulate_stall(o->stall, &s->job.stall_in, &s->job.stall_out, e);
}

static bool fill_job(struct sim *s, struct err *e) {
  const struct options *o = s->options;
  struct simulate_job *j = &s->job;
  bool icarus = j->icarus;
  int64_t images = o->images ? o->images : icarus ? ICARUS_IMAGES : IMAGES_DEFAULT;
  struct answers answers;
  s->verdict = verdict_of_value(s->plan->graph, s->plan->output.value);
  if (!command_images(s->arena, o, s->plan->graph, images, &s->set, e) ||
      !verdict_answers(s->arena, &s->verdict, &s->set, &answers, e))
    return false;
  command_warn_input(s->arena, o, s->plan->graph, &s->set, &s->warnings);
  *j = (struct simulate_job){.folder = s->folder,
                             .plan = s->plan,
                             .images = s->set.count,
                             .codes =
                                 images_codes(s->arena, s->plan->graph, &s->set, 0, s->set.count),
                             .answers = answers,
                             .seed = 1,
                             .jobs = o->jobs ? (int)o->jobs : JOBS_DEFAULT,
                             .trace = o->trace,
                             .stall_in = j->stall_in,
                             .stall_out = j->stall_out,
                             .icarus = icarus,
                             .work = s->work,
                             .quiet = o->quiet};
  return true;
}

// ---- reporting

static double rate(const struct simulate_result *r) {
  return r->run_seconds > 0 ? (double)r->cycles / r->run_seconds : 0;
}

// No figure without all images: what hangs has no error.
static double r2(const struct sim *s) {
  bool all = s->result.score.images == s->job.images;
  return all ? verdict_r2(&s->verdict, &s->job.answers, &s->result.score) : NAN;
}

static double mae(const struct sim *s) {
  return verdict_mae(&s->verdict, &s->job.answers, &s->result.score);
}

static void print_json(const struct sim *s) {
  const struct simulate_result *r = &s->result;
  struct text t = {0};
  text_printf(&t, "{\"images\":%lld,\"elements\":%lld,\"mismatches\":%lld", (long long)r->images,
              (long long)r->elements, (long long)r->mismatches);
  if (s->job.answers.classes && r->images)
    text_printf(&t, ",\"correct\":%lld,\"accuracy\":%.6f", (long long)r->score.correct,
                (double)r->score.correct / (double)r->images);
  else
    text_puts(&t, ",\"correct\":null,\"accuracy\":null");
  if (s->job.answers.targets) {
    json_put_figure(&t, "r2", 6, r2(s));
    json_put_figure(&t, "mae", -1, mae(s));
  }
  text_printf(&t, ",\"cycles\":%lld,\"ii\":%lld,\"latency\":%lld", (long long)r->cycles,
              (long long)r->ii, (long long)r->latency);
  text_printf(&t, ",\"cycles_per_second\":%.0f,\"build_seconds\":%.3f,\"waveform\":", rate(r),
              r->build_seconds);
  if (r->waveform)
    json_put_string(&t, r->waveform);
  else
    text_puts(&t, "null");
  text_puts(&t, ",\"failure\":");
  if (r->failure)
    json_put_string(&t, r->failure);
  else
    text_puts(&t, "null");
  warnings_put_json(&t, &s->warnings);
  text_puts(&t, "}\n");
  fwrite(t.data, 1, t.size, stdout);
  text_free(&t);
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
  if (r->ii)
    text_printf(&t, "cycles per image   %lld (plan %lld)\n", (long long)r->ii,
                (long long)s->plan->ii);
  else
    text_printf(&t, "cycles per image   not measured with one image (plan %lld)\n",
                (long long)s->plan->ii);
  if (o->stall)
    text_printf(&t, "latency            %lld cycles (%lld without stalls)\nstalls             %s\n",
                (long long)r->latency, (long long)s->plan->latency, o->stall);
  else
    text_printf(&t, "latency            %lld cycles (plan %lld)\n", (long long)r->latency,
                (long long)s->plan->latency);
  text_printf(&t, "simulated          %lld cycles in %.2f s, %.2f M cycles/s\n",
              (long long)r->cycles, r->run_seconds, rate(r) / 1e6);
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
  bool ok = simulate_tools(s.job.icarus, e) && circuit(&s, e) && fill_job(&s, e) &&
            simulate(a, &s.job, &s.result, e);
  if (s.folder_held >= 0) close(s.folder_held);
  if (s.held >= 0) close(s.held);
  if (!ok) return EXIT_USER;
  if (o->json)
    print_json(&s);
  else
    print_text(&s);
  if (s.result.failure) err_put(e, "%s: %s", s.folder, s.result.failure);
  return s.result.failure ? EXIT_USER : EXIT_GOOD;
}
