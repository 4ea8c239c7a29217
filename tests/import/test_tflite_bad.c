// SPDX-License-Identifier: Apache-2.0
// Files that aren't read: damaged ones at every byte, shapes beyond all bounds, operators without a
// counterpart, which are all listed, and floats, with what to do.
#include "sw/base/file.h"
#include "sw/graph/interval.h"
#include "sw/import/flatbuffer.h"
#include "sw/import/tflite.h"
#include "tests/import/helper_flat.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include <string.h>

enum { ADD = 0, CONV = 3, FULLY_CONNECTED = 9, RELU = 19, RESHAPE = 22, SOFTMAX = 25 };
enum { HARD_SWISH = 117, CUSTOM = 32, VAR_HANDLE = 142, READ = 143, RESIZE_BILINEAR = 23 };
enum { FLOAT32 = 0, INT32 = 2, INT16 = 7, INT8 = 9, RESOURCE = 13 };

// What is said of bytes: the error, or the first refusal; "" if a graph comes of them.
static const char *said(struct arena *a, const void *data, size_t size, uint32_t *refused) {
  struct refusals r = {0};
  struct err e = {0};
  struct graph *g = tflite_parse(a, "made", data, size, &r, &e);
  *refused = r.count;
  if (g && !r.count && graph_verify(g, &e)) return "";
  if (g && r.count)
    return arena_printf(a, "%s: %s; %s", r.list[0].op, r.list[0].reason, r.list[0].remedy);
  assert_true(e.text[0] != 0);
  return arena_printf(a, "%s", e.text);
}

static void says(const struct made_graph *g, int graphs, uint32_t refused, const char *words) {
  struct arena a = {0};
  struct flat *f = test_malloc(sizeof *f);
  uint32_t count;
  flat_make(f, g, graphs);
  const char *text = said(&a, f->data, f->size, &count);
  if (!strstr(text, words) || count != refused)
    fail_msg("\"%s\", %u refusals, expected \"%s\"", text, count, words);
  test_free(f);
  arena_free(&a);
}

// ---- a small network, which is good

static const int8_t weights[3 * 4] = {1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12};
static const int32_t bias[3] = {1, -2, 3};

struct small {
  struct made_tensor tensors[6];
  struct made_op ops[2];
  struct made_graph graph;
};

static struct small small(void) {
  return (struct small){{{"x", INT8, 3, {1, 2, 2}, 0, 0.5F, 1, NULL, 0},
                         {"w", INT8, 2, {3, 4}, 0, 0.25F, 0, weights, sizeof weights},
                         {"b", INT32, 1, {3}, 0, 0.125F, 0, bias, sizeof bias},
                         {"logits", INT8, 2, {1, 3}, 0, 1, 0, NULL, 0},
                         {"y", INT8, 2, {1, 3}, 0, 1 / 256.0F, -128, NULL, 0}},
                        {{FULLY_CONNECTED, 3, {0, 1, 2}, 1, {3}, {{0, MADE_BYTE, 1, 0, NULL}}},
                         {SOFTMAX, 1, {3}, 1, {4}, {{0, MADE_REAL, 0, 1, NULL}}}},
                        {5, 2, 1, 1, NULL, NULL, {0}, {4}}};
}

static const struct made_graph *finish(struct small *s) {
  s->graph.tensors = s->tensors;
  s->graph.ops = s->ops;
  return &s->graph;
}

static void it_is_good(void **state) {
  (void)state;
  struct small s = small();
  says(finish(&s), 1, 0, "");
}

// ---- damaged

// Every length below the whole, and every byte with other bits: a message or a graph, nothing else.
static void every_length(void **state) {
  (void)state;
  struct small s = small();
  struct flat *f = test_malloc(sizeof *f);
  flat_make(f, finish(&s), 1);
  int refused = 0;
  for (size_t size = 0; size < f->size; size++) {
    struct arena a = {0};
    uint32_t count;
    void *own = test_malloc(size + 1); // so that a sanitizer sees what is read beyond
    memcpy(own, f->data, size);
    refused += said(&a, own, size, &count)[0] != 0;
    test_free(own);
    arena_free(&a);
  }
  assert_true(refused > (int)f->size - 64); // but for empty buffers at its end
  test_free(f);
}

static void every_byte(void **state) {
  (void)state;
  static const uint8_t bits[] = {0x01, 0x80, 0xff, 0x7f};
  struct small s = small();
  struct flat *f = test_malloc(sizeof *f);
  flat_make(f, finish(&s), 1);
  for (size_t at = 0; at < f->size; at++)
    for (size_t k = 0; k < sizeof bits; k++) {
      struct arena a = {0};
      uint32_t count;
      f->data[at] ^= bits[k];
      said(&a, f->data, f->size, &count);
      f->data[at] ^= bits[k];
      arena_free(&a);
    }
  test_free(f);
}

// The real files, cut at many places.
static void files_cut(void **state) {
  (void)state;
  static const char *const names[] = {"tflite_cnn_int8", "alexa"};
  for (int i = 0; i < 2; i++) {
    struct arena a = {0};
    struct bytes b;
    struct err e = {0};
    if (!file_read(&a, arena_printf(&a, "tests/import/files/%s.tflite", names[i]), 1 << 20, &b, &e))
      fail_msg("%s", e.text);
    for (size_t size = 0; size < b.size; size += 1 + size / 400) {
      struct arena own = {0};
      uint32_t count;
      said(&own, b.data, size, &count);
      arena_free(&own);
    }
    arena_free(&a);
  }
}

// A reference to itself, a table before the file, a vector of four thousand million.
static void broken_references(void **state) {
  (void)state;
  static const struct {
    size_t at;
    uint32_t value;
    const char *words;
  } cases[] = {{0, 0, "a reference leads to itself"},
               {0, 0xfffffff0, "it is cut or damaged"},
               {4, 0x41414141, "expected the identifier TFL3"}};
  struct small s = small();
  struct flat *f = test_malloc(sizeof *f);
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    struct arena a = {0};
    uint32_t count;
    flat_make(f, finish(&s), 1);
    memcpy(f->data + cases[i].at, &cases[i].value, 4);
    const char *text = said(&a, f->data, f->size, &count);
    if (!strstr(text, cases[i].words)) fail_msg("%s", text);
    arena_free(&a);
  }
  test_free(f);
}

// So many outputs that are all one tensor, of so many operators: what is visited is more than the
// file.
static void shared_parts(void **state) {
  (void)state;
  enum { OPS = 200, LENGTH = 15000 };
  struct small s = small();
  struct made_op *ops = test_calloc(OPS, sizeof *ops);
  for (int i = 0; i < OPS; i++) ops[i] = s.ops[0];
  s.graph.n_ops = OPS;
  s.graph.tensors = s.tensors;
  s.graph.ops = ops;
  struct flat *f = test_malloc(sizeof *f);
  flat_make(f, &s.graph, 1);
  // every operator becomes the first one, whose inputs become a long list of zeros behind the file
  struct flatbuffer b = flatbuffer_new(f->data, f->size, "TFL3", &(struct err){0});
  struct flat_table model = flatbuffer_root(&b), first = flat_child_at(flat_children(model, 2), 0);
  struct flat_vector all = flat_children(first, 3);
  size_t op = flat_child_at(all, 0).at, list = f->size, inputs = op + 8 + 8;
  uint32_t length = LENGTH, to = (uint32_t)(list - inputs), count;
  size_t size = f->size + 4 + 4 * LENGTH;
  uint8_t *data = test_calloc(size, 1);
  memcpy(data, f->data, f->size);
  memcpy(data + inputs, &to, 4);
  memcpy(data + list, &length, 4);
  for (uint32_t i = 0; i < OPS; i++) {
    to = (uint32_t)(op - (all.at + 4 * i));
    memcpy(data + all.at + 4 * i, &to, 4);
  }
  struct arena a = {0};
  const char *text = said(&a, data, size, &count);
  if (!strstr(text, "shared so often")) fail_msg("%s", text);
  test_free(data);
  test_free(ops);
  test_free(f);
  arena_free(&a);
}

// ---- shapes

static void absurd_shapes(void **state) {
  (void)state;
  static const struct {
    int shape[3];
    const char *words;
  } cases[] = {{{1, 0, 2}, "dimension 1 is 0, expected 1 to"},
               {{1, -5, 2}, "dimension 1 is -5, expected 1 to"},
               {{1, 1 << 25, 1}, "dimension 1 is 33554432, expected 1 to 16777216"},
               {{1, 1 << 20, 1 << 20}, "and 268435456 elements at most"},
               {{1, 3, 3}, "9 elements in and 3 out, weights (3, 4)"}};
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    struct small s = small();
    memcpy(s.tensors[0].shape, cases[i].shape, sizeof cases[i].shape);
    says(finish(&s), 1, 0, cases[i].words);
  }
}

static void wrong_contents(void **state) {
  (void)state;
  struct small s = small();
  s.tensors[1].bytes = 11;
  says(finish(&s), 1, 0, "11 bytes of data, its shape and type take 12");
  s = small();
  s.ops[0].in[1] = 77;
  says(finish(&s), 1, 0, "tensor 77 of 5");
  s = small();
  s.ops[1].in[0] = 4;
  says(finish(&s), 1, 0, "input \"y\" has no content: no operator before gives it");
  s = small();
  s.ops[1].out[0] = 3;
  says(finish(&s), 1, 0, "output \"logits\" has a content already");
  s = small();
  s.ops[1].n_in = 0;
  says(finish(&s), 1, 0, "0 inputs and 1 outputs, expected 1 to 1");
  s = small();
  s.graph.out[0] = 1;
  says(finish(&s), 1, 0, "output \"w\" is given by no operator");
}

// ---- what has no counterpart

static void all_at_once(void **state) {
  (void)state;
  struct small s = small();
  struct made_op ops[] = {{HARD_SWISH, 1, {0}, 1, {3}, {{0}}},
                          {RESIZE_BILINEAR, 1, {3}, 1, {4}, {{0}}},
                          {CUSTOM, 1, {4}, 1, {5}, {{0}}}};
  s.tensors[5] = s.tensors[4];
  s.graph = (struct made_graph){6, 3, 1, 1, s.tensors, ops, {0}, {5}};
  says(&s.graph, 1, 3, "HARD_SWISH: it has no counterpart");
}

static void types(void **state) {
  (void)state;
  static const struct {
    int tensor, type;
    float scale;
    int zero;
    const char *words;
  } cases[] = {
      {3, INT16, 1, 0, "\"logits\" is of type INT16, expected INT8; convert it with full integer"},
      {3, INT8, 1, 300, "\"logits\" has the zero point 300, expected -128 to 127"},
      {3, INT8, -1, 0, "\"logits\" has the scale -1, expected a positive number"},
      {1, INT8, 0.25F, 3,
       "weights \"w\" have scale 0.25 and zero point 3 in channel 0, expected a"},
      {2, INT32, 0.5F, 0,
       "bias \"b\" has scale 0.5 and zero point 0 in channel 0, expected that of"},
      {4, INT8, 0.5F, 0, "its output has scale 0.5 and zero point 0, expected 1/256 and -128"}};
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    struct small s = small();
    struct made_tensor *t = &s.tensors[cases[i].tensor];
    t->type = cases[i].type;
    t->scale = cases[i].scale;
    t->zero = cases[i].zero;
    says(finish(&s), 1, cases[i].tensor == 3 ? 2 : 1, cases[i].words);
  }
}

static void floats(void **state) {
  (void)state;
  struct small s = small();
  for (int i = 0; i < 5; i++) s.tensors[i].type = FLOAT32;
  s.tensors[1].data = s.tensors[2].data = NULL;
  says(finish(&s), 1, 0,
       "is of type FLOAT32, expected INT8 or UINT8: convert it with full integer");
}

static void batches(void **state) {
  (void)state;
  struct small s = small();
  s.tensors[0].shape[0] = 2;
  says(finish(&s), 1, 0, "has a batch of 2, expected 1");
}

static void variables_without_content(void **state) {
  (void)state;
  struct made_tensor tensors[] = {{"x", INT8, 2, {1, 2}, 0, 1, 0, NULL, 0},
                                  {"v", RESOURCE, 0, {0}, 0, 0, 0, NULL, 0},
                                  {"old", INT8, 2, {1, 2}, 0, 1, 0, NULL, 0},
                                  {"y", INT8, 2, {1, 2}, 0, 1, 0, NULL, 0}};
  struct made_op ops[] = {{VAR_HANDLE, 0, {0}, 1, {1}, {{1, MADE_TEXT, 0, 0, "state"}}},
                          {READ, 1, {1}, 1, {2}, {{0}}},
                          {ADD, 2, {0, 2}, 1, {3}, {{0}}}};
  struct made_graph g = {4, 3, 1, 1, tensors, ops, {0}, {3}};
  says(&g, 1, 1, "variable \"v\" has no first content; initialise it in the model's CALL_ONCE");
  ops[1].in[0] = 0;
  says(&g, 1, 0, "\"x\" is no handle of a variable");
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(it_is_good),
      cmocka_unit_test(every_length),
      cmocka_unit_test(every_byte),
      cmocka_unit_test(files_cut),
      cmocka_unit_test(broken_references),
      cmocka_unit_test(shared_parts),
      cmocka_unit_test(absurd_shapes),
      cmocka_unit_test(wrong_contents),
      cmocka_unit_test(all_at_once),
      cmocka_unit_test(types),
      cmocka_unit_test(floats),
      cmocka_unit_test(batches),
      cmocka_unit_test(variables_without_content),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
