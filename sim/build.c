// SPDX-License-Identifier: Apache-2.0
#include "sim/build.h"

#include "gen/emit_bench.h"
#include "gen/folder.h"
#include "sw/base/file.h"
#include "sw/base/library.h"
#include "sw/base/process.h"
#include "sw/base/sha256.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

// CYCLES_FEW: g++ takes longer for -O3 than that saves in so many cycles
enum { ARGUMENTS = 4096, SOURCE_MAX = 1 << 24, CYCLES_FEW = 1 << 23 };
#define TRACED "traced"

// A command line that grows.
struct command {
  struct arena *arena;
  int count;
  const char *argv[ARGUMENTS + 1];
};

static void add(struct command *c, const char *argument) {
  if (c->count < ARGUMENTS) c->argv[c->count++] = argument;
}

static void add_list(struct command *c, const char *const *list) {
  for (int i = 0; list[i]; i++) add(c, list[i]);
}

// The folder's own sources, as its <top>.f lists them.
static bool add_sources(struct command *c, const struct simulate_job *job, struct err *e) {
  struct bytes list;
  const char *folder = job->folder, *name = job->circuit->top;
  const char *path = arena_printf(c->arena, "%s/%s.f", folder, name);
  if (!file_read(c->arena, path, SOURCE_MAX, &list, e)) return false;
  char *rest = arena_printf(c->arena, "%.*s", (int)list.size, (const char *)list.data);
  for (char *line; (line = strsep(&rest, "\n"));)
    if (*line) add(c, arena_printf(c->arena, "%s/%s", folder, line));
  return c->count < ARGUMENTS || err_set(e, "%s: too many files", path);
}

static void add_bench(struct command *c, const char *const *modules) {
  for (int i = 0; modules[i]; i++)
    add(c, library_path(c->arena, arena_printf(c->arena, "gen/bench/%s", modules[i])));
}

// ---- what a build depends on, as text: if it is the same as last time, so is the build

static bool stamp_file(struct arena *a, const char *path, struct text *stamp, struct err *e) {
  struct bytes bytes;
  if (!file_read(a, path, SOURCE_MAX, &bytes, e)) return false;
  text_printf(stamp, "%s %s\n", sha256_hex(a, bytes.data, bytes.size), path);
  return true;
}

static bool stamp_of(struct command *c, const char *library, struct text *stamp, struct err *e) {
  struct stat st;
  if (library && stat(library, &st) != 0) return err_set(e, "%s: %s", library, strerror(errno));
  if (library)
    text_printf(stamp, "%lld %lld.%09ld\n", (long long)st.st_size, (long long)st.st_mtim.tv_sec,
                st.st_mtim.tv_nsec);
  for (int i = 0; i < c->count; i++) {
    size_t length = strlen(c->argv[i]);
    bool source = length > 3 && strcmp(c->argv[i] + length - 3, ".sv") == 0;
    if (!source) text_printf(stamp, "%s\n", c->argv[i]);
    if (source && !stamp_file(c->arena, c->argv[i], stamp, e)) return false;
  }
  return true;
}

static bool same_stamp(struct arena *a, const char *path, const struct text *stamp) {
  struct bytes old;
  struct err ignored = {0};
  return file_read(a, path, SOURCE_MAX, &old, &ignored) && old.size == stamp->size &&
         memcmp(old.data, stamp->data, old.size) == 0;
}

// Sets whether `program` is what the command would make.
static bool is_built(struct command *c, const char *library, const char *program, bool *built,
                     struct err *e) {
  struct text stamp = {0};
  const char *path = arena_printf(c->arena, "%s.stamp", program);
  bool ok = stamp_of(c, library, &stamp, e);
  *built = ok && file_exists(program) && same_stamp(c->arena, path, &stamp);
  text_free(&stamp);
  return ok;
}

// Runs the command unless `program` is there with the same stamp.
static bool build(struct command *c, const char *library, const char *program, struct err *e) {
  struct text stamp = {0}, said = {0};
  const char *path = arena_printf(c->arena, "%s.stamp", program);
  const char *const environment[] = {process_exists("ccache") ? "OBJCACHE=ccache" : NULL, NULL};
  bool ok = stamp_of(c, library, &stamp, e);
  if (ok && !(file_exists(program) && same_stamp(c->arena, path, &stamp))) {
    unlink(path);
    ok = process_run(c->argv, NULL, environment, &said, e);
    const char *log = arena_printf(c->arena, "%s.log", program);
    struct err ignored = {0};
    file_write(log, said.data ? said.data : "", said.size, &ignored);
    if (!ok) err_put_within(e, "%s", log);
    ok = ok && file_write(path, stamp.data, stamp.size, e);
  }
  text_free(&stamp);
  text_free(&said);
  return ok;
}

// ---- Verilator

// What a build left that was killed or failed may hold half a file that looks new.
static void remove_unfinished(struct arena *a, const char *program, const char *objects) {
  struct err ignored = {0};
  if (!file_exists(arena_printf(a, "%s.stamp", program))) folder_remove(objects, &ignored);
}

// Writes text only if the file doesn't hold it already.
static bool put_text(struct arena *a, const char *path, const struct text *t, struct err *e) {
  return same_stamp(a, path, t) || file_write(path, t->data, t->size, e);
}

static const char *put_bench(struct arena *a, const struct simulate_job *job, struct err *e) {
  const char *path = arena_printf(a, "%s/bench.sv", job->build);
  struct text t = {0};
  emit_bench_dpi(&t, job->circuit);
  bool ok = put_text(a, path, &t, e);
  text_free(&t);
  return ok ? path : NULL;
}

// The command that builds a program; `optimise`: of g++, for what is hot.
static bool compile(struct command *c, const struct simulate_job *job, const char *bench,
                    const char *name, const char *optimise, struct err *e) {
  // The XOR trees of Verilator before 5.010 need -fno-const-bit-op-tree.
  // The circuit and the bench are hot, Verilator's runtime isn't: it keeps its own -Os.
  static const char *const flags[] = {
      "verilator",  "--binary",   "--timing",    "-O3",        "-fno-const-bit-op-tree",
      "--x-assign", "fast",       "--x-initial", "fast",       "--unroll-count",
      "2048",       "-Wno-fatal", "-Wno-lint",   "-Wno-style", "--top-module",
      "bench",      NULL};
  add_list(c, flags);
  add(c, "-MAKEFLAGS");
  add(c, arena_printf(c->arena, "-s OPT_FAST=%s", optimise));
  add(c, "-j");
  add(c, arena_printf(c->arena, "%ld", sysconf(_SC_NPROCESSORS_ONLN)));
  if (strcmp(name, TRACED) == 0) add(c, "--trace-fst");
  add(c, "--Mdir");
  add(c, arena_printf(c->arena, "%s/obj_%s", job->build, name));
  add(c, "-o");
  add(c, arena_printf(c->arena, "%s/%s", job->build, name));
  add(c, bench);
  add_bench(c, bench_dpi_modules);
  if (!add_sources(c, job, e)) return false;
  add(c, job->archive); // before the libraries it needs
  add(c, "-LDFLAGS");
  add(c, "-ljansson -lz -lmpfr -lgmp -lmd -lm");
  return true;
}

const char *build_verilator(struct arena *a, const struct simulate_job *job, bool trace,
                            struct err *e) {
  struct command quick = {.arena = a}, fast = {.arena = a};
  const char *name = trace ? TRACED : "fast";
  const char *program = arena_printf(a, "%s/%s", job->build, name);
  if (!simulate_tools(false, e)) return NULL;
  const char *bench = put_bench(a, job, e);
  if (!bench) return NULL;
  if (!compile(&fast, job, bench, name, "-O3", e) || !compile(&quick, job, bench, name, "-Og", e))
    return NULL;
  remove_unfinished(a, program, arena_printf(a, "%s/obj_%s", job->build, name));
  // what was made for more cycles serves, too
  bool few = trace || job->images * job->circuit->ii < CYCLES_FEW, built = false;
  if (few && !is_built(&fast, job->archive, program, &built, e)) return NULL;
  return build(few && !built ? &quick : &fast, job->archive, program, e) ? program : NULL;
}

// ---- Icarus

const char *build_icarus(struct arena *a, const struct simulate_job *job, struct err *e) {
  struct command c = {.arena = a};
  struct text t = {0};
  const char *tb = arena_printf(a, "%s/tb.sv", job->work);
  const char *program = arena_printf(a, "%s/tb.vvp", job->work);
  if (!simulate_tools(true, e)) return NULL;
  emit_bench_vectors(&t, job->circuit);
  bool ok = put_text(a, tb, &t, e);
  text_free(&t);
  static const char *const flags[] = {"iverilog", "-g2012", "-s", "tb", NULL};
  add_list(&c, flags);
  add(&c, arena_printf(a, "-Ptb.FRAMES=%lld", (long long)job->images));
  add(&c, arena_printf(a, "-Ptb.VECTORS=\"%s/vectors\"", job->work));
  if (job->circuit->rom_style == ROM_FILE) add(&c, "-Ptb.ROM_DIR=\"rom\"");
  add(&c, "-o");
  add(&c, program);
  add(&c, tb);
  add_bench(&c, bench_vector_modules);
  ok = ok && add_sources(&c, job, e) && build(&c, NULL, program, e);
  return ok ? program : NULL;
}
