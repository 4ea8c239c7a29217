// SPDX-License-Identifier: Apache-2.0
#include "tests/sim/helper_batch.h"

#include "sw/base/file.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>

enum { SAID = 1 << 16, TEXT_MAX = 1 << 22 };

void batch_new(struct batch *b, const char *dir) {
  *b = (struct batch){.dir = dir};
}

void batch_free(struct batch *b) {
  if (system(arena_printf(&b->arena, "rm -rf %s/*", b->dir)) != 0) fail_msg("%s", b->dir);
  arena_free(&b->arena);
}

const char *batch_name(struct batch *b, int i) {
  return arena_printf(&b->arena, "n%d", i);
}

// The exit status of a line that runs in the batch's folder, and what it said.
static int shell(struct batch *b, const char *line, const char **said) {
  FILE *f = popen(arena_printf(&b->arena, "cd %s && { %s\n} 2>&1", b->dir, line), "r");
  assert_non_null(f);
  char *text = arena_alloc(&b->arena, SAID, 1);
  text[fread(text, 1, SAID - 1, f)] = 0;
  while (fgetc(f) != EOF) continue;
  int status = pclose(f);
  *said = text;
  return WIFEXITED(status) ? WEXITSTATUS(status) : 128;
}

// NULL if the line succeeds and prints nothing, or what it said.
static const char *quiet(struct batch *b, const char *line) {
  const char *said;
  return shell(b, line, &said) != 0 || *said ? arena_printf(&b->arena, "%s\n%s", line, said) : NULL;
}

// Copies a file with the first `from` replaced.
static void rewrite(struct batch *b, const char *path, const char *from, const char *to) {
  struct err e = {0};
  struct bytes file;
  if (!file_read(&b->arena, path, TEXT_MAX, &file, &e)) fail_msg("%s", e.text);
  char *text = arena_alloc(&b->arena, file.size + 1, 1);
  memcpy(text, file.data, file.size);
  char *at = strstr(text, from);
  assert_non_null(at);
  *at = 0;
  const char *all = arena_printf(&b->arena, "%s%s%s", text, to, at + strlen(from));
  if (!file_write(path, all, strlen(all), &e)) fail_msg("%s", e.text);
}

void batch_add(struct batch *b, const struct circuit *p, const int32_t *frames) {
  struct err e = {0};
  const char *name = batch_name(b, b->count);
  const char *folder = arena_printf(&b->arena, "%s/%s", b->dir, name);
  if (!folder_write(p, folder, &(struct folder_content){.frames = frames}, &e))
    fail_msg("%s", e.text);
  const char *own = arena_printf(&b->arena, "%s/%s_tb.sv", b->dir, name);
  const char *words = quiet(b, arena_printf(&b->arena, "cp %s/tb/tb.sv %s_tb.sv", name, name));
  if (words) fail_msg("%s", words);
  rewrite(b, own, "module tb ", arena_printf(&b->arena, "module %s_tb ", name));
  rewrite(b, own, "bench_clock clock",
          arena_printf(&b->arena, "bench_clock #(.TURN(%d)) clock", b->count));
  b->count++;
}

static void write_top(struct batch *b) {
  struct text t = {0};
  struct err e = {0};
  text_puts(&t, "`default_nettype none\nmodule batch;\n");
  for (int i = 0; i < b->count; i++)
    text_printf(&t, "  n%d_tb #(.VECTORS(\"n%d/vectors\"), .ROM_DIR(\"n%d/rom\")) t%d ();\n", i, i,
                i, i);
  text_puts(&t, "endmodule\n");
  if (!file_write(arena_printf(&b->arena, "%s/batch.sv", b->dir), t.data, t.size, &e))
    fail_msg("%s", e.text);
  text_free(&t);
}

// The library's modules are the same in every folder: the first that has one gives it.
void batch_build(struct batch *b) {
  const char *said;
  write_top(b);
  char *precompiled = realpath("tests/precompiled.mk", NULL);
  assert_non_null(precompiled);
  const char *line = arena_printf(
      &b->arena,
      "mkdir -p library; for f in n*/*.sv n*/tb/*.sv; do"
      " case $f in */tb/tb.sv|n*/n*.sv) ;; *) cp -n $f library/;; esac; done;"
      "CCACHE_SLOPPINESS=pch_defines,time_macros OBJCACHE=$(command -v ccache)"
      " verilator --binary --timing -fno-const-bit-op-tree"
      " --unroll-count 2048 -Wno-fatal -Wno-lint -Wno-style --x-assign unique --x-initial unique"
      " -O1 -j 2 -MAKEFLAGS '-s -f %s OPT_FAST=-O0' --top-module batch --Mdir obj -o ../simulation"
      " library/*.sv n*/n*.sv n*_tb.sv batch.sv >build.log 2>&1 || tail -n 30 build.log",
      precompiled);
  free(precompiled);
  if (shell(b, line, &said) != 0 || *said) fail_msg("%s", said);
}

// The bench's verdict: PASS, or the line that says why not.
static const char *verdict(struct batch *b, int status, const char *said, int64_t *elements) {
  const char *fail_line = strstr(said, "FAIL"), *stat = strstr(said, " elements=");
  if (stat && elements) *elements += strtoll(stat + strlen(" elements="), NULL, 10);
  if (status == 0 && strstr(said, "PASS")) return NULL;
  const char *words = fail_line ? fail_line : said;
  return arena_printf(&b->arena, "%.*s", (int)strcspn(words, "\n"), words);
}

const char *batch_run(struct batch *b, int i, const char *arguments, int64_t *elements) {
  const char *said;
  int status = shell(b, arena_printf(&b->arena, "./simulation +turn=%d %s", i, arguments), &said);
  return verdict(b, status, said, elements);
}

const char *batch_icarus(struct batch *b, int i, const char *arguments) {
  const char *said;
  int status =
      shell(b, arena_printf(&b->arena, "make -s -C n%d/tb icarus ARGS='%s'", i, arguments), &said);
  return verdict(b, status, said, NULL);
}

const char *batch_netlist(struct batch *b, int i) {
  const char *said;
  char *here = realpath("tests/netlist", NULL);
  int status = shell(b, arena_printf(&b->arena, "%s n%d", here, i), &said);
  free(here);
  return verdict(b, status, said, NULL);
}

const char *batch_lint(struct batch *b, int i, bool yosys) {
  if (getenv("NNGEN_TEST_NO_LINT")) return NULL;
  const char *words =
      quiet(b, arena_printf(&b->arena,
                            "cd n%d && verilator --lint-only -Wall -f n%d.f --top-module n%d &&"
                            " iverilog -g2012 -Wall -s n%d -tnull -f n%d.f",
                            i, i, i, i, i));
  if (words || !yosys) return words;
  return quiet(
      b, arena_printf(&b->arena,
                      "cd n%d && yosys -q -p 'read_verilog -sv *.sv; hierarchy -check -top n%d;"
                      " proc; opt; check -assert'",
                      i, i));
}
