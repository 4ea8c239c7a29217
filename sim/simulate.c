// SPDX-License-Identifier: Apache-2.0
#include "sim/simulate.h"
#include "sw/base/clock.h"

#include "gen/emit_bench.h"
#include "gen/folder.h"
#include "sim/bench_job.h"
#include "sim/build.h"
#include "sim/paths.h"
#include "sw/base/file.h"
#include "sw/base/lock.h"
#include "sw/base/near.h"
#include "sw/base/process.h"
#include "sw/base/progress.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#define WAVEFORM "wave.fst"

enum { TRACED_IMAGES = 3, ARGUMENTS_MAX = 24 };

// ---- stall patterns

static const char *const patterns[STALL_PATTERNS] = {"none",     "alternate", "1110", "random10",
                                                     "random50", "random90",  "long", "after"};

static int find_pattern(const char *name, size_t length) {
  for (int i = 0; i < STALL_PATTERNS; i++)
    if (strlen(patterns[i]) == length && memcmp(patterns[i], name, length) == 0) return i;
  return -1;
}

bool simulate_stall(const char *text, int *in, int *out, struct err *e) {
  const char *slash = strchr(text, '/');
  *in = find_pattern(text, slash ? (size_t)(slash - text) : strlen(text));
  *out = slash ? find_pattern(slash + 1, strlen(slash + 1)) : *in;
  if (*in >= 0 && *out >= 0) return true;
  return err_set(e,
                 "--stall %s: expected none, alternate, 1110, random10, random50, random90, long "
                 "or after, or two of them as INPUT/OUTPUT",
                 text);
}

// ---- jobs for processes

static struct bench_job_stream stream_of(const struct stream *s, bool top, const char *name) {
  struct bench_job_stream j = {.value = s->value,
                               .width = s->width,
                               .coding = type_coding(&s->type),
                               .trimmed = top,
                               .elements = s->elements,
                               .lanes = s->lanes,
                               .beats = s->beats,
                               .ahead = s->ahead,
                               .bits = top ? 8 * stream_bytes(s) : s->lanes * s->width};
  snprintf(j.name, sizeof j.name, "%s", name);
  return j;
}

static void add_streams(struct arena *a, const struct circuit *p, struct bench_job *j) {
  j->n_inputs = p->n_inputs;
  j->n_streams = bench_streams(p);
  j->n_outputs = p->n_outputs;
  j->inputs = ARENA_NEW(a, struct bench_job_stream, j->n_inputs);
  j->streams = ARENA_NEW(a, struct bench_job_stream, j->n_streams);
  for (uint32_t i = 0; i < j->n_inputs; i++) {
    j->inputs[i] = stream_of(&p->inputs[i], true, p->inputs[i].signal);
    j->inputs[i].first = j->elements;
    j->elements += p->inputs[i].elements;
  }
  for (uint32_t i = 0; i < j->n_streams; i++)
    j->streams[i] = stream_of(bench_stream(p, i), i >= p->n_taps, bench_name(p, i));
  j->judged = p->n_taps + simulate_judged(p);
  j->outputs = j->streams[j->judged].elements;
}

// The job of images first .. first + images - 1.
static bool write_job(struct arena *a, const struct simulate_job *job, int64_t first,
                      int64_t images, const char *path, struct err *e) {
  const struct circuit *p = job->circuit;
  struct bench_job j = {.first = first,
                        .images = images,
                        .check_time = job->stall_in == STALL_NONE && job->stall_out == STALL_NONE,
                        .has_labels = job->answers.classes != NULL,
                        .has_targets = job->answers.targets != NULL,
                        .ii = p->ii,
                        .latency = p->latency,
                        .steady = p->steady,
                        .transfer = p->transfer,
                        .limit = bench_limit(p)};
  add_streams(a, p, &j);
  j.codes = (int32_t *)(uintptr_t)(job->codes + first * j.elements);
  if (j.has_labels) j.labels = (int32_t *)(uintptr_t)(job->answers.classes + first);
  if (j.has_targets) j.targets = (double *)(uintptr_t)(job->answers.targets + first * j.outputs);
  snprintf(j.model, sizeof j.model, "%s/model.bin", job->folder);
  return bench_job_write(path, &j, e);
}

uint32_t simulate_judged(const struct circuit *p) {
  const struct graph *g = p->graph;
  uint32_t value = verdict_of(g).value, found = 0;
  while (g->values[value].node != NONE && g->nodes[g->values[value].node].where != WHERE_CIRCUIT)
    value = g->nodes[g->values[value].node].in[0].value;
  for (uint32_t i = 0; i < p->n_outputs; i++)
    if (p->outputs[i].value == value) found = i;
  return found;
}

// ---- running

// One run: what its processes have said.
struct processes {
  struct arena *arena;
  struct simulate_result *result;
  struct progress *progress;
  int64_t before;                     // images of earlier processes
  int64_t through[SIMULATE_JOBS_MAX]; // images, by process
  bool passed[SIMULATE_JOBS_MAX];
  const char *failed[SIMULATE_JOBS_MAX]; // its first FAIL line
  const char *last[SIMULATE_JOBS_MAX];   // its last line of another kind
};

static void take_stat(struct simulate_result *r, const char *line) {
  long long v[7] = {0};
  double absolute = 0, squared = 0;
  int n = sscanf(line,
                 "STAT images=%lld elements=%lld mismatches=%lld cycles=%lld ii=%lld "
                 "latency=%lld correct=%lld absolute=%la squared=%la",
                 &v[0], &v[1], &v[2], &v[3], &v[4], &v[5], &v[6], &absolute, &squared);
  if (n < 6) return;
  r->images += v[0];
  r->elements += v[1];
  r->mismatches += v[2];
  r->cycles += v[3];
  r->ii = v[4] > r->ii ? v[4] : r->ii;
  r->latency = v[5] > r->latency ? v[5] : r->latency;
  r->score.images += v[0];
  r->score.correct += v[6];
  r->score.absolute += absolute;
  r->score.squared += squared;
}

// What a $fatal says; both simulators say more after it.
static bool is_fatal(const char *line) {
  return line && (strstr(line, "Assertion failed") || strncmp(line, "FATAL:", 6) == 0);
}

static void take_line(void *context, int child, const char *line) {
  struct processes *r = context;
  int64_t sum = r->before;
  if (strncmp(line, "AT ", 3) == 0) {
    r->through[child] = strtoll(line + 3, NULL, 10);
    for (int i = 0; i < SIMULATE_JOBS_MAX; i++) sum += r->through[i];
    progress_update(r->progress, sum);
  } else if (strncmp(line, "STAT ", 5) == 0) {
    take_stat(r->result, line);
  } else if (strncmp(line, "FAIL ", 5) == 0) {
    if (!r->failed[child]) r->failed[child] = arena_strdup(r->arena, line + 5);
  } else if (strncmp(line, "PASS", 4) == 0) {
    r->passed[child] = true;
  } else if (*line && !is_fatal(r->last[child])) {
    r->last[child] = arena_strdup(r->arena, line);
  }
}

// A process is good only if it said PASS and ended with 0.
static const char *failure_of(struct processes *r, const struct process *list, int count) {
  for (int i = 0; i < count; i++) {
    bool good = WIFEXITED(list[i].status) && WEXITSTATUS(list[i].status) == 0;
    if (r->failed[i]) return r->failed[i];
    if (!good || !r->passed[i])
      return arena_printf(r->arena, "the simulator ended early: %s",
                          r->last[i] ? r->last[i] : "it said nothing");
  }
  return NULL;
}

static const char *const quiet_threads[] = {"OMP_NUM_THREADS=1", NULL};

// Runs `count` command lines at once in the generated folder and merges what they say, `before`
// images of earlier ones.
static bool run_all(struct arena *a, const struct simulate_job *job, const char *const *const *argv,
                    int count, int64_t before, struct progress *p, struct simulate_result *r,
                    struct err *e) {
  struct processes run = {.arena = a, .result = r, .progress = p, .before = before};
  struct process list[SIMULATE_JOBS_MAX];
  int started = 0;
  double begin = clock_seconds();
  while (started < count &&
         process_start(&list[started], argv[started], job->folder, quiet_threads, e))
    started++;
  process_read(list, started, take_line, &run);
  r->run_seconds += clock_seconds() - begin;
  if (started < count) return false;
  const char *failure = failure_of(&run, list, count);
  if (!r->failure) r->failure = failure;
  return true;
}

static const char *const *arguments(struct arena *a, const struct simulate_job *job,
                                    const char *const *program, const char *path, const char *trace,
                                    bool after) {
  const char **argv = ARENA_NEW(a, const char *, ARGUMENTS_MAX);
  int n = 0;
  while (*program) argv[n++] = *program++;
  argv[n++] = arena_printf(a, "+stall_in=%d", job->stall_in);
  argv[n++] = arena_printf(a, "+stall_out=%d", job->stall_out);
  argv[n++] = arena_printf(a, "+seed=%u", job->seed);
  for (int i = 0; job->plusargs && job->plusargs[i]; i++) argv[n++] = job->plusargs[i];
  // where a reset stands before the images, the circuit is in the midst of some then
  if (after)
    argv[n++] = arena_printf(a, "+reset_at=%lld", (long long)(1 + job->circuit->latency / 2));
  if (path) argv[n++] = arena_printf(a, "+job=%s", path);
  if (trace) argv[n++] = arena_printf(a, "+trace=%s", trace);
  return argv;
}

// ---- Verilator

// A process each from reset: as many as there are jobs share the images, or there is one for as
// many images as are between two resets.
static int64_t spans(const struct simulate_job *job) {
  if (job->reset_every) return (job->images + job->reset_every - 1) / job->reset_every;
  return job->jobs < job->images ? job->jobs : job->images;
}

static int64_t span_begin(const struct simulate_job *job, int64_t i) {
  int64_t n = spans(job);
  if (!job->reset_every) return job->images * i / n;
  return i == n ? job->images : i * job->reset_every;
}

static bool run_fast(struct arena *a, const struct simulate_job *job, const char *program,
                     struct simulate_result *r, struct err *e) {
  const char *const command[] = {program, NULL};
  const char *const *argv[SIMULATE_JOBS_MAX];
  struct progress p;
  bool ok = true;
  progress_start(&p, "simulating", job->images, job->quiet);
  for (int64_t i = 0, n = spans(job); ok && !r->failure && i < n; i += job->jobs) {
    int count = n - i < job->jobs ? (int)(n - i) : job->jobs;
    for (int k = 0; ok && k < count; k++) {
      int64_t first = span_begin(job, i + k), end = span_begin(job, i + k + 1);
      const char *path = arena_printf(a, "%s/job%d.bin", job->work, k);
      ok = write_job(a, job, first, end - first, path, e);
      argv[k] = arguments(a, job, command, path, NULL, job->reset_every && first > 0);
    }
    ok = ok && run_all(a, job, argv, count, span_begin(job, i), &p, r, e);
  }
  progress_end(&p);
  return ok;
}

static bool put_gtkw(struct arena *a, const struct simulate_job *job, const char *bench,
                     struct err *e) {
  struct text t = {0};
  emit_bench_gtkw(&t, job->circuit, bench);
  bool ok = file_write(arena_printf(a, "%s/wave.gtkw", job->work), t.data, t.size, e);
  text_free(&t);
  return ok;
}

// The first images once more, in the build that writes waveforms.
static bool run_traced(struct arena *a, const struct simulate_job *job, const char *program,
                       struct simulate_result *r, struct err *e) {
  struct simulate_job few = *job;
  struct simulate_result traced = {0};
  const char *path = arena_printf(a, "%s/traced.bin", job->work);
  const char *wave = arena_printf(a, "%s/%s", job->work, WAVEFORM);
  const char *const command[] = {program, NULL};
  few.images = job->images < TRACED_IMAGES ? job->images : TRACED_IMAGES;
  if (job->reset_every && few.images > job->reset_every) few.images = job->reset_every;
  if (!write_job(a, &few, 0, few.images, path, e)) return false;
  const char *const *argv = arguments(a, job, command, path, wave, false);
  struct progress p;
  progress_start(&p, "tracing", few.images, job->quiet);
  bool ok = run_all(a, &few, &argv, 1, 0, &p, &traced, e);
  progress_end(&p);
  if (!ok || !put_gtkw(a, job, "TOP.bench", e)) return false;
  if (!r->failure) r->failure = traced.failure;
  r->waveform = wave;
  return true;
}

static bool with_verilator(struct arena *a, const struct simulate_job *job,
                           struct simulate_result *r, struct err *e) {
  double begin = clock_seconds();
  const char *fast = build_verilator(a, job, false, e);
  const char *traced = fast && job->trace ? build_verilator(a, job, true, e) : NULL;
  if (!fast || (job->trace && !traced)) return false;
  r->build_seconds = clock_seconds() - begin;
  return run_fast(a, job, fast, r, e) && (!traced || run_traced(a, job, traced, r, e));
}

// ---- Icarus

// What every layer must give goes to WORK/vectors; the outputs are judged.
static bool put_vectors(struct arena *a, const struct simulate_job *job, struct score *score,
                        struct err *e) {
  struct emit_files files = {.arena = a};
  const struct stream *judged = &job->circuit->outputs[simulate_judged(job->circuit)];
  bool ok = folder_make(arena_printf(a, "%s/vectors", job->work), e);
  const int32_t *y = ok ? emit_all_vectors(&files, job->circuit, job->images, job->codes,
                                           simulate_judged(job->circuit), e)
                        : NULL;
  for (uint32_t i = 0; y && ok && i < files.count; i++)
    ok = file_write(arena_printf(a, "%s/%s", job->work, files.files[i].name),
                    files.files[i].text.data, files.files[i].text.size, e);
  struct verdict v = verdict_of_value(job->circuit->graph, judged->value);
  for (int64_t i = 0; y && i < job->images; i++)
    verdict_judge_codes(&v, &job->answers, i, y + i * judged->elements, score);
  emit_free(&files);
  return y && ok;
}

// Images from one reset to the next, as a job of its own.
static struct simulate_job span_of(const struct simulate_job *job, int64_t first, int64_t end) {
  const struct circuit *p = job->circuit;
  struct simulate_job span = *job;
  span.images = end - first;
  span.codes += first * circuit_input_elements(p);
  if (span.answers.classes) span.answers.classes += first;
  if (span.answers.targets) span.answers.targets += first * p->outputs[simulate_judged(p)].elements;
  span.trace &= first == 0;
  return span;
}

static bool icarus_span(struct arena *a, const struct simulate_job *job, int64_t before,
                        struct progress *p, struct score *score, struct simulate_result *r,
                        struct err *e) {
  double begin = clock_seconds();
  const char *wave = job->trace ? arena_printf(a, "%s/%s", job->work, WAVEFORM) : NULL;
  if (!put_vectors(a, job, score, e)) return false;
  const char *program = build_icarus(a, job, e);
  if (!program) return false;
  r->build_seconds += clock_seconds() - begin;
  const char *const command[] = {"vvp", "-N", program, wave ? "-fst" : NULL, NULL};
  const char *const *argv = arguments(a, job, command, NULL, wave, before > 0);
  if (!run_all(a, job, &argv, 1, before, p, r, e)) return false;
  if (r->failure && before > 0)
    r->failure = arena_printf(a, "from image %lld on: %s", (long long)before, r->failure);
  if (wave) r->waveform = wave;
  return !wave || put_gtkw(a, job, "tb", e);
}

static bool with_icarus(struct arena *a, const struct simulate_job *job, struct simulate_result *r,
                        struct err *e) {
  struct score score = {0};
  struct progress p;
  bool ok = true;
  progress_start(&p, "simulating", job->images, job->quiet);
  for (int64_t i = 0, n = job->reset_every ? spans(job) : 1; ok && !r->failure && i < n; i++) {
    int64_t first = span_begin(job, i), end = i == n - 1 ? job->images : span_begin(job, i + 1);
    struct simulate_job span = span_of(job, first, end);
    ok = icarus_span(a, &span, first, &p, &score, r, e);
  }
  progress_end(&p);
  if (ok && !r->failure) r->score = score;
  return ok;
}

// ---- the whole

int simulate_hold(const char *work, void (*wait)(const char *work, const void *context),
                  const void *context, struct err *e) {
  struct arena a = {0};
  if (!folder_make(work, e)) return -1;
  const char *path = arena_printf(&a, "%s/lock", work);
  int fd = lock_path(path, O_CREAT | O_RDWR, false, 0);
  if (fd < 0 && errno == EWOULDBLOCK) {
    if (wait) wait(work, context);
    fd = lock_path(path, O_CREAT | O_RDWR, false, -1);
  }
  if (fd < 0)
    err_put(e, "%s: %s", work, strerror(errno));
  else
    fcntl(fd, F_SETFD, 0); // compilers that outlive a killed process keep it
  arena_free(&a);
  return fd;
}

bool simulate_tools(bool icarus, struct err *e) {
  struct arena a = {0};
  const char *setup = near_script(&a, "setup");
  bool there =
      icarus ? process_exists("iverilog") && process_exists("vvp") : process_exists("verilator");
  if (!there && icarus) err_put(e, "icarus isn't installed: %s sim installs it", setup);
  if (!there && !icarus)
    err_put(e, "verilator isn't installed: %s sim installs it, --simulator icarus is slower",
            setup);
  arena_free(&a);
  return there;
}

bool simulate_writes(const char *name, bool model) {
  static const char *const first[] = {"lock", "vectors", "obj_", "job",   "traced",
                                      "fast", "bench.",  "tb.",  "wave.", "sim.json"};
  for (size_t i = 0; i < sizeof first / sizeof *first; i++)
    if (strncmp(name, first[i], strlen(first[i])) == 0) return true;
  return model && strncmp(name, "rtl", 3) == 0;
}

bool simulate(struct arena *a, const struct simulate_job *job, struct simulate_result *r,
              struct err *e) {
  struct simulate_job j = *job;
  *r = (struct simulate_result){0};
  if (!folder_make(job->work, e) || !paths_make_plain(a, &j, e)) return false;
  bool ok = job->icarus ? with_icarus(a, &j, r, e) : with_verilator(a, &j, r, e);
  if (r->waveform) r->waveform = arena_printf(a, "%s/%s", job->work, WAVEFORM);
  return ok;
}
