// SPDX-License-Identifier: Apache-2.0
// sim: the circuit in a simulator against the C model, every element of every layer.
#include "cmd/command.h"
#include "gen/folder.h"
#include "sim/build.h"
#include "sim/simulate.h"
#include "sw/base/json.h"

#include <string.h>
#include <sys/stat.h>

enum { IMAGES_DEFAULT = 1000, ICARUS_IMAGES = 4, JOBS_DEFAULT = 1 };

struct sim {
  struct arena *arena;
  const struct options *options;
  const char *folder; // of the circuit
  const char *work;
  struct plan *plan;
  struct images set;
  struct simulate_job job;
  struct simulate_result result;
};

static bool is_folder(const char *path) {
  struct stat st;
  return stat(path, &st) == 0 && S_ISDIR(st.st_mode);
}

// build/sim/<name of the model>, unless -o says where.
static const char *work_folder(struct arena *a, const struct options *o) {
  size_t length = strlen(o->model);
  while (length > 1 && o->model[length - 1] == '/') length--;
  const char *path = arena_printf(a, "%.*s", (int)length, o->model);
  const char *slash = strrchr(path, '/'), *name = slash ? slash + 1 : path;
  const char *dot = is_folder(path) ? NULL : strrchr(name, '.');
  int stem = dot && dot > name ? (int)(dot - name) : (int)strlen(name);
  return o->output ? o->output : arena_printf(a, "build/sim/%.*s", stem, name);
}

// A generated folder is checked and used as it is; a model is generated first.
static bool circuit(struct sim *s, struct err *e) {
  const struct options *o = s->options;
  s->work = work_folder(s->arena, o);
  s->folder = o->model;
  if (!is_folder(o->model)) {
    struct folder_content content = {0};
    struct plan *p = command_plan(s->arena, o, &content.model_sha256, e);
    s->folder = arena_printf(s->arena, "%s/rtl", s->work);
    if (!p || !build_folder(s->work, e) || !folder_write(p, s->folder, &content, e)) return false;
  } else if (o->precision || o->parallelism || o->folding || o->rom_style || o->framing) {
    return err_set(e, "%s: a generated folder has its types and lanes already", o->model);
  }
  if (!folder_check(s->folder, e)) return false;
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
  if (!command_images(s->arena, o, s->plan->graph, images, &s->set, e)) return false;
  *j = (struct simulate_job){.folder = s->folder,
                             .plan = s->plan,
                             .images = s->set.count,
                             .codes =
                                 command_codes(s->arena, s->plan->graph, &s->set, 0, s->set.count),
                             .labels = s->set.has_labels ? s->set.labels : NULL,
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

static void print_json(const struct sim *s) {
  const struct simulate_result *r = &s->result;
  struct text t = {0};
  text_printf(&t, "{\"images\":%lld,\"elements\":%lld,\"mismatches\":%lld", (long long)r->images,
              (long long)r->elements, (long long)r->mismatches);
  if (s->job.labels && r->images)
    text_printf(&t, ",\"correct\":%lld,\"accuracy\":%.6f", (long long)r->correct,
                (double)r->correct / (double)r->images);
  else
    text_puts(&t, ",\"correct\":null,\"accuracy\":null");
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
  if (s->job.labels && r->images)
    text_printf(&t, "accuracy           %.2f %% (%lld correct)\n",
                100 * (double)r->correct / (double)r->images, (long long)r->correct);
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
  struct sim s = {.arena = a, .options = o};
  if (!read_options(&s, e)) return EXIT_USAGE;
  if (!circuit(&s, e) || !fill_job(&s, e)) return EXIT_USER;
  if (!simulate(a, &s.job, &s.result, e)) return EXIT_USER;
  if (o->json)
    print_json(&s);
  else
    print_text(&s);
  if (s.result.failure) err_put(e, "%s: %s", s.folder, s.result.failure);
  return s.result.failure ? EXIT_USER : EXIT_GOOD;
}
