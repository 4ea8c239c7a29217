// SPDX-License-Identifier: Apache-2.0
// A generated folder that a stranger wrote: manifest.json, a NUL byte, SHA256SUMS, around a good
// model.bin. Without the second part the sums are those of the files.
#include "gen/folder.h"
#include "gen/verilog.h"
#include "sw/base/file.h"
#include "sw/base/sha256.h"
#include "sw/graph/model.h"
#include "tests/fuzz/fuzz.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static char folder[] = "/tmp/nngen-fuzz-XXXXXX";

static void write_in(struct arena *a, const char *name, const void *data, size_t size) {
  struct err e = {0};
  const char *path = arena_printf(a, "%s/%s", folder, name);
  unlink(path);
  FUZZ_CHECK(file_create(path, data, size, &e));
}

static void clean(void) {
  struct arena a = {0};
  static const char *const names[] = {"model.bin", "manifest.json", "SHA256SUMS"};
  for (int i = 0; i < 3; i++) unlink(arena_printf(&a, "%s/%s", folder, names[i]));
  rmdir(folder);
  arena_free(&a);
}

// x (3) -> relu -> y (3)
static void prepare(struct arena *a) {
  static bool ready;
  int64_t size[1] = {3};
  if (ready) return;
  struct graph *g = graph_new(a, "small");
  struct type t = type_fixed(a, 8, true, 0.125, 0);
  uint32_t x = graph_add_value(g, "x", 1, size, t, true);
  graph_add_input(g, x, (struct source){0});
  uint32_t n = graph_add_node(g, OP_relu, "l0_relu");
  graph_add_use(g, n, (struct use){.value = x, .initial = NONE});
  uint32_t y = graph_add_value(g, "y", 1, size, t, true);
  graph_add_out(g, n, y);
  graph_add_output(g, y);
  struct text model = {0};
  model_put(&model, g);
  FUZZ_CHECK(mkdtemp(folder) && atexit(clean) == 0);
  write_in(a, "model.bin", model.data, model.size);
  text_free(&model);
  ready = true;
}

static void write_sums(struct arena *a, const uint8_t *manifest, size_t size, const uint8_t *rest,
                       size_t left) {
  struct bytes model;
  struct err e = {0};
  FUZZ_CHECK(file_read(a, arena_printf(a, "%s/model.bin", folder), 1 << 20, &model, &e));
  const char *sums =
      arena_printf(a, "%s  manifest.json\n%s  model.bin\n", sha256_hex(a, manifest, size),
                   sha256_hex(a, model.data, model.size));
  write_in(a, "SHA256SUMS", left ? (const void *)rest : sums, left ? left : strlen(sums));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  struct arena a = {0};
  struct err checked = {0}, planned = {0};
  const uint8_t *end = size ? memchr(data, 0, size) : NULL;
  size_t length = end ? (size_t)(end - data) : size;
  prepare(&a);
  write_in(&a, "manifest.json", data, length);
  write_sums(&a, data, length, end ? end + 1 : NULL, end ? size - length - 1 : 0);
  if (!folder_check(folder, &checked)) fuzz_check_message(checked.text);
  FUZZ_CHECK(end || !checked.text[0]);
  const struct circuit *p = folder_circuit(&a, folder, &planned);
  if (!p) fuzz_check_message(planned.text);
  FUZZ_CHECK(!p || verilog_module_name(p->top));
  arena_free(&a);
  return 0;
}
