// SPDX-License-Identifier: Apache-2.0
#include "tests/fuzz/fuzz.h"

#include "gen/emit.h"
#include "quant/quantize.h"
#include "sw/base/rng.h"
#include "sw/circuit/circuit.h"
#include "sw/exec/dataflow.h"
#include "sw/exec/golden.h"
#include "sw/exec/real.h"
#include "sw/graph/interval.h"
#include "sw/graph/model.h"
#include "sw/graph/slice.h"
#include "sw/pass/fuse.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

enum { ELEMENTS_RUN = 1 << 12, MACS_RUN = 1 << 18, FRAMES = 2 };

_Noreturn void fuzz_broken(const char *fact, const char *file, int line) {
  fprintf(stderr, "%s:%d: doesn't hold: %s\n", file, line, fact);
  abort();
}

const char *fuzz_path(const uint8_t *data, size_t size) {
  static int fd = -1;
  static char path[64];
  if (fd < 0) fd = memfd_create("input", 0);
  FUZZ_CHECK(fd >= 0 && ftruncate(fd, 0) == 0);
  FUZZ_CHECK(pwrite(fd, data, size, 0) == (ssize_t)size);
  snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
  return path;
}

void fuzz_check_message(const char *text) {
  struct text t = {0};
  FUZZ_CHECK(text[0]);
  text_put_escaped(&t, text);
  for (const char *s = t.data; *s;) {
    uint32_t code;
    size_t bytes = text_character(s, &code);
    FUZZ_CHECK(bytes && code >= 0x20 && code != 0x7f);
    s += bytes;
  }
  text_free(&t);
}

// Points of a node's space: of a window every tap.
static int64_t points(const struct graph *g, const struct node *n) {
  struct space s;
  struct err e = {0};
  int64_t count = 1;
  if (!space_of(g, n, &s, &e)) return 0;
  for (int a = 0; a < s.axes && count < MACS_RUN; a++) count *= s.size[a];
  return count;
}

static bool is_small(const struct graph *g) {
  int64_t elements = 0, macs = 0;
  for (uint32_t i = 0; i < g->n_values; i++) elements += value_elements(&g->values[i]);
  for (uint32_t i = 0; i < g->n_nodes; i++) macs += points(g, &g->nodes[i]);
  return g->n_nodes < 64 && elements < ELEMENTS_RUN && macs < MACS_RUN;
}

// Written and read, it is written as the same bytes again.
static void round_trip(const struct graph *g) {
  struct arena a = {0};
  struct err e = {0};
  struct text first = {0}, second = {0};
  model_put(&first, g);
  struct graph *back = model_parse(&a, first.data, first.size, &e);
  if (!back) fprintf(stderr, "%s\n", e.text);
  FUZZ_CHECK(back);
  model_put(&second, back);
  FUZZ_CHECK(first.size == second.size && memcmp(first.data, second.data, first.size) == 0);
  text_free(&first);
  text_free(&second);
  arena_free(&a);
}

static bool is_executed(const struct graph *g, unsigned executor) {
  for (uint32_t i = 0; i < g->n_nodes; i++)
    if (!(op_info(g->nodes[i].op)->executors & executor)) return false;
  return true;
}

// Codes of an input, extremes among them.
static int64_t *codes_of(struct arena *a, const struct value *v, uint64_t seed) {
  int64_t count = FRAMES * value_elements(v), lo = type_lowest(&v->type),
          hi = type_highest(&v->type);
  int64_t *codes = ARENA_NEW(a, int64_t, count);
  for (int64_t i = 0; i < count; i++) {
    uint64_t r = rng_at(seed, 0, (uint64_t)i);
    codes[i] = r % 4 == 0 ? lo : r % 4 == 1 ? hi : lo + (int64_t)(r / 4 % (uint64_t)(hi - lo + 1));
    if (v->type.cls == TYPE_BIPOLAR && codes[i] == 0) codes[i] = 1;
  }
  return codes;
}

static void run_plain(struct arena *a, const struct graph *g, struct golden_ref *ref) {
  const int64_t **inputs = ARENA_NEW(a, const int64_t *, g->n_inputs + 1);
  for (uint32_t i = 0; i < g->n_inputs; i++)
    inputs[i] = codes_of(a, &g->values[g->inputs[i].value], i);
  golden_ref_step(ref, inputs);
}

// Both models agree on every value that the fast one has.
static void run_both(struct arena *a, const struct graph *g, const struct golden *fast,
                     struct golden_ref *ref) {
  int64_t all = 0, from = 0;
  for (uint32_t k = 0; k < g->n_inputs; k++) all += value_elements(&g->values[g->inputs[k].value]);
  int32_t *codes = ARENA_NEW(a, int32_t, FRAMES * all);
  for (uint32_t k = 0; k < g->n_inputs; k++) {
    const struct value *x = &g->values[g->inputs[k].value];
    int64_t *wide = codes_of(a, x, k), n = value_elements(x);
    for (int64_t i = 0; i < FRAMES * n; i++) codes[i / n * all + from + i % n] = (int32_t)wide[i];
    from += n;
  }
  for (uint32_t i = 0; i < g->n_nodes; i++) {
    struct golden_tap tap = {g->nodes[i].out[0], NULL};
    const int64_t *expected = golden_ref_value(ref, tap.value);
    int64_t size = FRAMES * value_elements(&g->values[tap.value]);
    tap.to = ARENA_NEW(a, int32_t, size);
    golden_run_codes(fast, FRAMES, codes, &tap, 1);
    for (int64_t k = 0; k < size; k++) FUZZ_CHECK(tap.to[k] == expected[k]);
  }
}

static void circuit_of_seed(struct arena *a, const struct graph *g) {
  for (int64_t lanes = 1; lanes <= 3; lanes += 2) {
    struct folding f = {.parallelism = lanes};
    struct err e = {0};
    struct text top = {0};
    struct circuit *p = circuit_build(a, g, "top", &f, &e);
    if (!p) fuzz_check_message(e.text);
    if (p) emit_top(&top, p);
    text_free(&top);
  }
}

// Requantisations out of the nodes and in again: valid graphs, and what fusing gave at once.
static void fuse_both_ways(struct arena *a, const struct graph *g) {
  struct err e = {0};
  struct text once = {0}, twice = {0};
  struct graph *open = unfuse(a, g), *fused = fuse(a, g);
  FUZZ_CHECK(graph_verify(open, &e) && graph_verify(fused, &e));
  model_put(&once, fused);
  model_put(&twice, fuse(a, open));
  FUZZ_CHECK(once.size == twice.size && memcmp(once.data, twice.data, once.size) == 0);
  text_free(&once);
  text_free(&twice);
}

static void use_integers(struct arena *a, struct graph *g) {
  struct err e = {0};
  graph_ranges(g);
  fuse_both_ways(a, g);
  if (is_executed(g, EXECUTOR_GOLDEN)) {
    struct golden_ref *ref = golden_ref_new(a, g, FRAMES);
    run_plain(a, g, ref);
    const struct golden *fast = golden_new(a, g, &e);
    // of a sequence a frame is a step, and the plain one is what runs it
    if (fast && !golden_is_sequence(g)) run_both(a, g, fast, ref);
  }
  circuit_of_seed(a, g);
}

static void use_reals(struct arena *a, struct graph *g) {
  struct err e = {0};
  struct formats f = formats_new();
  FUZZ_CHECK(formats_set_stream(a, &f.defaults, "8,3", &e));
  struct graph *fixed = quantize(a, g, &f, &e);
  if (!fixed) fuzz_check_message(e.text);
  if (fixed) use_integers(a, fixed);
  e = (struct err){0};
  if (g->n_inputs != 1 || g->n_outputs != 1) return;
  const struct value *x = &g->values[g->inputs[0].value], *y = &g->values[g->outputs[0]];
  float *floats = ARENA_NEW(a, float, FRAMES *value_elements(x));
  struct real_tap tap = {g->outputs[0], ARENA_NEW(a, float, FRAMES *value_elements(y))};
  for (int64_t i = 0; i < FRAMES * value_elements(x); i++) floats[i] = (float)(i % 5) - 2;
  struct real *real = real_new(a, g, &e);
  if (real)
    real_run(real, FRAMES, NULL, floats, &tap, 1);
  else
    fuzz_check_message(e.text);
}

// Input i of the graph, the same in every step.
static const void *input_of(void *context, int64_t step, uint32_t i) {
  (void)step;
  return ((const void *const *)context)[i];
}

static bool same(const float *x, const float *y, int64_t count) {
  for (int64_t i = 0; i < count; i++)
    if (memcmp(&x[i], &y[i], sizeof *x) != 0 && !(isnan(x[i]) && isnan(y[i]))) return false;
  return true;
}

// Steps of a graph with variables, in the static order and token by token: the same content.
static void use_steps(struct arena *a, const struct graph *g) {
  enum { STEPS = 3 };
  struct err e = {0};
  const void **inputs = ARENA_NEW(a, const void *, g->n_inputs + 1);
  for (uint32_t i = 0; i < g->n_inputs; i++) {
    int64_t count = FRAMES * value_elements(&g->values[g->inputs[i].value]);
    float *x = ARENA_NEW(a, float, count);
    for (int64_t k = 0; k < count; k++) x[k] = (float)((k + i) % 5) - 2;
    inputs[i] = x;
  }
  struct dataflow *d = dataflow_new(a, g, FRAMES, &real_kind, false, &e);
  if (!d) {
    fuzz_check_message(e.text);
    return;
  }
  struct steps *s = steps_planned(a, g, FRAMES, 1, &real_kind);
  for (int i = 0; i < STEPS; i++) steps_run(s, inputs);
  dataflow_run(d, STEPS, &(struct dataflow_caller){.context = inputs, .input = input_of});
  for (uint32_t i = 0; i < g->n_nodes; i++) {
    const struct attr *init = node_attr(&g->nodes[i], ATTR_init);
    if (!init) continue;
    uint32_t ref = g->nodes[i].out[0];
    int64_t count = value_elements(&g->values[init->value]);
    FUZZ_CHECK(same(steps_held(s, ref), dataflow_held(d, ref), count));
  }
  steps_free(s);
  dataflow_free(d);
}

// Reals throughout: nothing that holds integers but indices.
static bool is_of_floats(const struct graph *g) {
  for (uint32_t i = 0; i < g->n_values; i++)
    if (type_is_integer(&g->values[i].type)) return false;
  return is_executed(g, EXECUTOR_REAL);
}

void fuzz_use_graph(struct graph *g) {
  struct arena a = {0};
  round_trip(g);
  if (is_small(g) && graph_is_real(g)) use_reals(&a, g);
  if (is_small(g) && !graph_is_real(g)) use_integers(&a, g);
  if (is_small(g) && is_of_floats(g)) use_steps(&a, g);
  arena_free(&a);
}
