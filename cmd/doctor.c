// SPDX-License-Identifier: Apache-2.0
// doctor: what of the tools and data around the program is there, in which version, and what to do
// about the rest.
#include "cmd/command.h"
#include "gen/folder.h"
#include "sw/base/file.h"
#include "sw/base/library.h"
#include "sw/base/listing.h"
#include "sw/base/near.h"
#include "sw/base/process.h"
#include "sw/data/mnist.h"
#include "sw/exec/golden.h"
#include "sw/import/import.h"

#include <stdlib.h>
#include <string.h>

struct finding {
  const char *name, *state, *detail;
  bool good, needed;
};

enum { FINDINGS_MAX = 24 };

struct findings {
  struct arena *arena;
  int count;
  struct finding list[FINDINGS_MAX];
};

static void add(struct findings *f, const char *name, bool good, bool needed, const char *state,
                const char *detail) {
  f->list[f->count++] = (struct finding){name, state, detail, good, needed};
}

// The first line that a program prints about its version; NULL if it isn't there.
static const char *version_of(struct arena *a, const char *program, const char *flag) {
  const char *const argv[] = {program, flag, NULL};
  struct text said = {0};
  struct err ignored = {0};
  if (!process_exists(program)) return NULL;
  process_run(argv, NULL, NULL, &said, &ignored);
  const char *line =
      said.data ? arena_printf(a, "%.*s", (int)strcspn(said.data, "\n"), said.data) : "";
  text_free(&said);
  return strpbrk(line, "0123456789") ? line : "found";
}

struct tool {
  const char *program, *flag, *package, *purpose;
  bool needed;
};

static const struct tool tools[] = {
    {"verilator", "--version", "verilator", "simulates circuits", true},
    {"g++", "--version", "g++", "builds what verilator writes", true},
    {"make", "--version", "make", "builds what verilator writes", true},
    {"iverilog", "-V", "iverilog", "second simulator", false},
    {"ccache", "--version", "ccache", "makes later builds quick", false},
    {"yosys", "-V", "yosys", "synthesises circuits", false},
    {"gtkwave", "--version", "gtkwave", "shows waveforms", false},
};

static void check_tools(struct findings *f) {
  for (size_t i = 0; i < sizeof tools / sizeof *tools; i++) {
    const struct tool *t = &tools[i];
    const char *version = version_of(f->arena, t->program, t->flag);
    const char *how = arena_printf(f->arena, "%s; apt-get install %s", t->purpose, t->package);
    add(f, t->program, version != NULL, t->needed, version ? version : "missing",
        version ? t->purpose : how);
  }
}

// Builds and runs sim/known_bug.sv; "right", "wrong", or NULL if that failed.
static const char *parity(struct arena *a, const char *dir, const char *flag) {
  const char *source = library_path(a, "sim/known_bug.sv"), *verdict = NULL;
  const char *const build[] = {"verilator",  "--binary",     "--timing",  "-Wno-lint",
                               "-Wno-style", "--top-module", "known_bug", "--Mdir",
                               dir,          source,         flag,        NULL};
  const char *const cached[] = {process_exists("ccache") ? "OBJCACHE=ccache" : NULL, NULL};
  const char *const run[] = {arena_printf(a, "%s/Vknown_bug", dir), NULL};
  struct text said = {0};
  struct err ignored = {0};
  if (process_run(build, NULL, cached, &said, &ignored)) {
    text_free(&said);
    if (process_run(run, NULL, NULL, &said, &ignored))
      verdict = strncmp(said.data, "right", 5) == 0 ? "right" : "wrong";
  }
  text_free(&said);
  return verdict;
}

// The bug itself is no fault, because nngen always passes the flag; a flag that doesn't help is.
static void check_bug(struct findings *f) {
  char *dir = arena_printf(f->arena, "%s/nngen-doctor-XXXXXX", file_scratch());
  if (!process_exists("verilator") || !mkdtemp(dir)) return;
  const char *bare = parity(f->arena, arena_printf(f->arena, "%s/bare", dir), NULL);
  const char *guarded =
      parity(f->arena, arena_printf(f->arena, "%s/guarded", dir), "-fno-const-bit-op-tree");
  struct err ignored = {0};
  folder_remove(dir, &ignored);
  bool good = guarded && strcmp(guarded, "right") == 0;
  bool has = bare && strcmp(bare, "wrong") == 0;
  add(f, "parity bug", good, true,
      !guarded ? "not tried"
      : !good  ? "wrong results"
      : has    ? "there, avoided"
               : "not there",
      !guarded ? "verilator doesn't build a small case"
      : !good  ? "don't trust this simulator"
      : has    ? "this verilator needs -fno-const-bit-op-tree, which nngen passes"
               : "tried with a small case");
}

static void check_data(struct findings *f) {
  struct mnist_files files;
  if (mnist_find(f->arena, false, &files))
    add(f, "MNIST", true, false, "10,000 test images", files.images);
  else if (mnist_find_excerpt(f->arena, &files))
    add(f, "MNIST", true, false, "1,000 test images",
        arena_printf(f->arena, "%s fetches all of them", near_script(f->arena, "get-mnist")));
  else
    add(f, "MNIST", false, false, "missing",
        arena_printf(f->arena, "%s fetches it", near_script(f->arena, "get-mnist")));
}

static void print(const struct findings *f, bool json) {
  static const struct field fields[] = {
      {"<", NULL, FIELD_TEXT, 0, 0},         {"<", "name", FIELD_TEXT, 0, 0},
      {NULL, "ok", FIELD_YES, 0, 0},         {NULL, "needed", FIELD_YES, 0, 0},
      {"<found", "found", FIELD_TEXT, 0, 0}, {"<", "detail", FIELD_TEXT, 0, 0}};
  struct text t = {0};
  struct listing table = listing_new(f->arena, fields, sizeof fields / sizeof *fields);
  for (int i = 0; i < f->count; i++) {
    const struct finding *x = &f->list[i];
    listing_row(&table, (struct figure[]){{.text = x->good     ? "ok"
                                                   : x->needed ? "FAULT"
                                                               : "-"},
                                          {.text = x->name},
                                          {.count = x->good},
                                          {.count = x->needed},
                                          {.text = x->state},
                                          {.text = x->detail}});
  }
  if (json) text_puts(&t, "{\"findings\":[");
  (json ? listing_put_json : listing_put)(&table, &t);
  if (json) text_puts(&t, "]}\n");
  fwrite(t.data, 1, t.size, stdout);
  text_free(&t);
}

// Formats that this build can read, and what it lacks for the others.
static void check_formats(struct findings *f) {
  const struct import_format *format;
  for (uint32_t i = 0; (format = import_format_at(i)); i++)
    if (format->parse || format->library)
      add(f, arena_printf(f->arena, "reads %s", format->name), format->parse != NULL, false,
          format->parse ? "built in" : "missing",
          format->library ? arena_printf(f->arena, "built without %s", format->library)
                          : "nngen import");
}

int command_doctor(struct arena *a, const struct options *o, struct err *e) {
  struct findings f = {.arena = a};
  add(&f, "nngen", true, true, NNGEN_VERSION, "");
  add(&f, "CPU kernels", true, true, golden_kernels(), "golden model and float executor");
  check_tools(&f);
  check_bug(&f);
  check_data(&f);
  check_formats(&f);
  print(&f, o->json);
  bool fault = false;
  for (int i = 0; i < f.count; i++) fault |= f.list[i].needed && !f.list[i].good;
  if (fault)
    err_put(e, "something that simulation needs is missing; %s installs it",
            near_script(a, "setup"));
  return fault ? EXIT_USER : EXIT_GOOD;
}
