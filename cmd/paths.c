// SPDX-License-Identifier: Apache-2.0
#include "cmd/paths.h"

#include "cmd/schedule.h"
#include "cmd/train.h"

#include "gen/folder.h"
#include "quant/load.h"
#include "sim/simulate.h"
#include "sw/base/file.h"
#include "sw/base/library.h"
#include "sw/base/lock.h"
#include "sw/data/sets.h"
#include "sw/import/import.h"

#include <dirent.h>
#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

enum { MOST = 64 };

struct place {
  const char *option;  // what it is: "the model", "the file of --data", "-o"
  const char *path;    // as the user spelt it
  const char *real;    // absolute, without links
  bool exists, folder; // folder: with a model in it
  struct stat st;
};

struct places {
  struct arena *arena;
  int n_inputs, n_outputs;
  struct place inputs[MOST], outputs[MOST];
};

bool paths_is_folder(const char *path) {
  struct stat st;
  return stat(path, &st) == 0 && S_ISDIR(st.st_mode);
}

const char *paths_work(struct arena *a, const struct options *o) {
  size_t length = strlen(o->model);
  while (length > 1 && o->model[length - 1] == '/') length--;
  const char *path = arena_printf(a, "%.*s", (int)length, o->model);
  const char *slash = strrchr(path, '/'), *name = slash ? slash + 1 : path;
  const char *dot = paths_is_folder(path) ? NULL : strrchr(name, '.');
  int stem = dot && dot > name ? (int)(dot - name) : (int)strlen(name);
  if (!stem) return o->output ? o->output : "build/sim/root"; // of the folder /
  return o->output ? o->output : arena_printf(a, "build/sim/%.*s", stem, name);
}

static const char *folder_of(struct arena *a, const char *path) {
  const char *slash = strrchr(path, '/');
  if (!slash) return ".";
  return slash == path ? "/" : arena_printf(a, "%.*s", (int)(slash - path), path);
}

// What exists of a path, resolved, and the rest as it is spelt.
static const char *resolved(struct arena *a, const char *path) {
  char whole[PATH_MAX];
  if (realpath(path, whole)) return arena_strdup(a, whole);
  size_t length = strlen(path);
  while (length > 1 && path[length - 1] == '/') length--;
  const char *bare = arena_printf(a, "%.*s", (int)length, path), *slash = strrchr(bare, '/');
  const char *name = slash ? slash + 1 : bare, *folder = folder_of(a, bare);
  if (strcmp(folder, path) == 0) return path;
  const char *above = resolved(a, folder);
  return arena_printf(a, "%s/%s", strcmp(above, "/") == 0 ? "" : above, name);
}

static void fill(struct arena *a, struct place *p, const char *option, const char *path) {
  *p = (struct place){.option = option, .path = path};
  p->exists = stat(path, &p->st) == 0;
  p->folder = p->exists && S_ISDIR(p->st.st_mode) && file_exists(load_path(a, path));
  p->real = resolved(a, path);
}

static void input(struct places *p, const char *option, const char *path) {
  if (path && *path && p->n_inputs < MOST) fill(p->arena, &p->inputs[p->n_inputs++], option, path);
}

static void output(struct places *p, const char *option, const char *path) {
  if (path && p->n_outputs < MOST) fill(p->arena, &p->outputs[p->n_outputs++], option, path);
}

// A set, or INPUT=SET.
static void data(struct places *p, const char *option, const char *spec) {
  const char *named = strchr(spec, '='), *sets[] = {spec, named ? named + 1 : NULL};
  for (int i = 0; i < 2 && sets[i]; i++) {
    const char *files[2];
    data_files(p->arena, sets[i], files);
    input(p, option, files[0]);
    input(p, option, files[1]);
  }
}

enum { BESIDE_MOST = 16 };

static void weights_beside(struct places *p, const char *path) {
  const char *names[BESIDE_MOST];
  uint32_t n =
      path && !paths_is_folder(path) ? import_beside(p->arena, path, BESIDE_MOST, names) : 0;
  for (uint32_t i = 0; i < n; i++) input(p, "a file of the model's weights", names[i]);
}

static void collect(struct places *p, enum command c, const struct options *o) {
  bool reads = c == COMMAND_RUN || c == COMMAND_SIM || c == COMMAND_REPORT, fit = c == COMMAND_FIT,
       train = c == COMMAND_TRAIN || fit || (c == COMMAND_PRUNE && o->finetune);
  const char *mnist = train ? "mnist-train" : "mnist";
  bool set = o->data.count && !(train && strcmp(o->data.word[o->data.count - 1], "mnist") == 0);
  if (!fit || file_exists(o->model)) input(p, "the model", o->model);
  if (o->model && paths_is_folder(o->model)) input(p, "the model", load_path(p->arena, o->model));
  if (o->model && c == COMMAND_REPORT)
    input(p, "the model", arena_printf(p->arena, "%s/rtl", o->model));
  weights_beside(p, o->model);
  for (int i = 0; c == COMMAND_ENSEMBLE && i < o->n_more; i++) {
    input(p, "one of the models", o->more[i]);
    weights_beside(p, o->more[i]);
  }
  input(p, "the file of --compare", o->compare);
  input(p, "the file of --graph", o->graph);
  input(p, "the file of --into", o->into);
  input(p, "the file of --formats", o->formats);
  input(p, "the file of --folding", o->folding);
  if (o->space && o->space[0] != '{') input(p, "the file of --space", o->space);
  if (c == COMMAND_SEARCH) input(p, "the study", o->study ? o->study : "study.journal");
  if (c == COMMAND_SEARCH && o->n_more) input(p, "the study", o->more[o->n_more - 1]);
  if (o->net && o->net[0] != '{') {
    const char *recipe = arena_printf(p->arena, "models/%s.json", o->net);
    input(p, "the file of --net", file_exists(o->net) ? o->net : library_path(p->arena, recipe));
  }
  if (!set && (o->data.count || reads || train)) data(p, "the file of --data", mnist);
  for (int i = 0; set && i < o->data.count; i++) data(p, "the file of --data", o->data.word[i]);
  for (int i = 0; i < o->calibrate.count; i++)
    data(p, "the file of --calibrate", sets_whole(p->arena, o->calibrate.word[i]));
  if (o->test || (train && !set)) data(p, "the file of --test", o->test ? o->test : "mnist");
  if (o->sim) input(p, "the result of --sim", arena_printf(p->arena, "%s/sim.json", o->sim));
  if (o->synth)
    input(p, "the result of --synth", arena_printf(p->arena, "%s/synth.json", o->synth));
  for (int k = 1; o->boost && k <= BOOST_NETS; k++) {
    if (o->checkpoint) output(p, "--checkpoint", train_boost_file(p->arena, o->checkpoint, k));
    if (o->log) output(p, "--log", train_boost_file(p->arena, o->log, k));
  }
  if (o->boost && !fit)
    output(p, "-o", train_boost_file(p->arena, o->output ? o->output : "model.bin", 1));
  if (!o->boost) output(p, "--checkpoint", o->checkpoint);
  if (!o->boost) output(p, "--log", o->log);
  output(p, "--plot", o->plot);
  if (c == COMMAND_GENERATE) output(p, "-o", o->output ? o->output : "rtl");
  output(p, "--svg", o->svg);
  output(p, "--vcd", o->vcd);
  if (o->vcd) output(p, "--vcd", schedule_view(p->arena, o->vcd));
  output(p, "--calendar", o->calendar);
  output(p, "--dot", o->dot);
  if (c == COMMAND_RUN || c == COMMAND_PLAN || c == COMMAND_EXPORT) output(p, "-o", o->output);
  if (c == COMMAND_SIM) output(p, "-o", paths_work(p->arena, o));
  if (c == COMMAND_SEARCH && !(o->n_more == 2 && strcmp(o->model, "formats") == 0))
    output(p, "-o", o->output);
  if (c == COMMAND_REPORT) output(p, "-o", o->output ? o->output : "report.html");
  output(p, "--report", o->report);
  if (fit) output(p, "-o", o->output ? o->output : "fit");
  if ((train && !fit) || c == COMMAND_IMPORT || c == COMMAND_QUANTIZE || c == COMMAND_PRUNE ||
      c == COMMAND_ENSEMBLE)
    output(p, "-o", o->output ? o->output : "model.bin");
}

// ---- comparing

static bool same(const struct place *a, const struct place *b) {
  bool one = a->exists && b->exists && a->st.st_dev == b->st.st_dev && a->st.st_ino == b->st.st_ino;
  return one || strcmp(a->real, b->real) == 0;
}

// The part of `p` below `folder`, or NULL.
static const char *below(const struct place *folder, const struct place *p) {
  size_t n = strlen(folder->real);
  if (strcmp(folder->real, "/") == 0) return p->real + 1;
  return strncmp(folder->real, p->real, n) == 0 && p->real[n] == '/' ? p->real + n + 1 : NULL;
}

// Whether sim or fit writes `name` into its folder.
static bool writes(enum command c, const char *name, bool model) {
  static const char *const own[] = {"model.bin", "report.html", "synth"};
  for (size_t i = 0; c == COMMAND_FIT && i < sizeof own / sizeof *own; i++) {
    size_t n = strlen(own[i]);
    if (strncmp(name, own[i], n) == 0 && (!name[n] || name[n] == '/')) return true;
  }
  return (c == COMMAND_SIM || c == COMMAND_FIT) && simulate_writes(name, model);
}

static bool check_pair(enum command c, bool model, const struct place *out, const struct place *in,
                       struct err *e) {
  const char *inside = below(out, in);
  bool replaced = c == COMMAND_GENERATE && inside;
  bool written = inside && writes(c, inside, model);
  if (same(out, in))
    return err_set(e, "%s: would be overwritten, it is %s; choose another %s", in->path, in->option,
                   out->option);
  if (replaced || written)
    return err_set(e,
                   "%s: would be overwritten, it is %s and lies in the folder of the output, %s; "
                   "choose another %s",
                   in->path, in->option, out->path, out->option);
  if (in->folder && below(in, out))
    return err_set(e, "%s: lies in %s, which is %s and stays as it is; choose another %s",
                   out->path, in->path, in->option, out->option);
  return true;
}

static bool check_apart(const struct place *a, const struct place *b, struct err *e) {
  if (same(a, b))
    return err_set(e, "%s: %s and %s would write the same file", b->path, a->option, b->option);
  return !below(a, b) ||
         err_set(
             e, "%s: lies in %s, the folder of %s, which is replaced as a whole; choose another %s",
             b->path, a->path, a->option, b->option);
}

// ---- writing

static bool probe(struct arena *a, const char *folder, const char *path, struct err *e) {
  char *name = arena_printf(a, "%s/.nngen-XXXXXX", folder);
  int fd = mkstemp(name);
  if (fd < 0)
    return err_set(e, "%s: the folder %s can't be written: %s", path, folder, strerror(errno));
  close(fd);
  unlink(name);
  return true;
}

// A folder that is there is one that the command made, or has nothing that it would write.
static bool check_work(struct arena *a, enum command c, const struct place *p, bool model,
                       struct err *e) {
  const char *taken = NULL;
  if (!p->exists || file_exists(arena_printf(a, "%s/lock", p->path))) return true;
  DIR *d = opendir(p->path);
  if (!d) return err_set(e, "%s: it is no folder; choose another -o", p->path);
  for (struct dirent *entry; (entry = readdir(d));)
    if (writes(c, entry->d_name, model)) taken = arena_strdup(a, entry->d_name);
  closedir(d);
  return !taken ||
         err_set(e,
                 "%s/%s: would be overwritten, and %s didn't make that folder; choose another -o",
                 p->path, taken, c == COMMAND_FIT ? "fit" : "sim");
}

// Of a folder that will be made, the nearest one above it that is there.
static bool check_folder(struct arena *a, enum command c, bool model, const struct place *p,
                         struct err *e) {
  const char *above = p->real;
  if (c == COMMAND_GENERATE && !folder_free(p->path, e)) return false;
  if (c != COMMAND_GENERATE && !check_work(a, c, p, model, e)) return false;
  if (c == COMMAND_GENERATE) above = folder_of(a, p->real);
  while (!file_exists(above) && strcmp(above, "/") != 0) above = folder_of(a, above);
  return probe(a, above, p->path, e);
}

// A folder that isn't there, or has nothing in it.
static bool check_new(struct arena *a, const struct place *p, struct err *e) {
  const char *above = p->real;
  if (!*p->path) return err_set(e, "%s \"\": the name of a folder is empty", p->option);
  if (p->exists && !folder_is_empty(p->path))
    return err_set(e, "%s: exists and isn't an empty folder; choose another %s", p->path,
                   p->option);
  while (!file_exists(above) && strcmp(above, "/") != 0) above = folder_of(a, above);
  return probe(a, above, p->path, e);
}

static bool check_writable(struct arena *a, enum command c, bool model, const struct place *p,
                           struct err *e) {
  bool folder = c == COMMAND_GENERATE || c == COMMAND_SIM || c == COMMAND_FIT;
  if (folder && strcmp(p->option, "-o") == 0) return check_folder(a, c, model, p, e);
  if (strcmp(p->option, "--calendar") == 0) return check_new(a, p, e);
  if (!*p->path) return err_set(e, "%s \"\": the name of a file is empty", p->option);
  if (p->exists && !S_ISREG(p->st.st_mode))
    return err_set(e, "%s: exists and isn't a regular file", p->path);
  return probe(a, folder_of(a, p->path), p->path, e);
}

bool paths_check(struct arena *a, enum command command, const struct options *o, struct err *e) {
  struct places p = {.arena = a};
  bool model = o->model && !paths_is_folder(o->model);
  collect(&p, command, o);
  for (int i = 0; i < p.n_outputs; i++) {
    for (int k = 0; k < p.n_inputs; k++)
      if (!check_pair(command, model, &p.outputs[i], &p.inputs[k], e)) return false;
    for (int k = 0; k < i; k++)
      if (!check_apart(&p.outputs[k], &p.outputs[i], e)) return false;
    if (!check_writable(a, command, model, &p.outputs[i], e)) return false;
  }
  return true;
}

bool paths_room(struct arena *a, const char *path, int64_t bytes, struct err *e) {
  struct statvfs s;
  if (statvfs(folder_of(a, path), &s) != 0) return true;
  double free = (double)s.f_bavail * (double)s.f_frsize;
  return (double)bytes <= free ||
         err_set(e, "%s: %lld bytes are to be written, %.0f are free there", path, (long long)bytes,
                 free);
}
