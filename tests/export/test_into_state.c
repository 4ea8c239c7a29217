// SPDX-License-Identifier: Apache-2.0
// export --into a state dict of PyTorch: names, orders and types of the file stay, and so does all
// that isn't a weight.
#include "sw/base/file.h"
#include "sw/export/into.h"
#include "sw/export/into_float.h"
#include "sw/graph/model.h"
#include "sw/import/state.h"
#include "sw/train/recipe.h"
#include "tests/cmd/helper_shell.h"
#include "tests/export/helper_into.h"

#include <math.h>
#include <string.h>

// A convolution, a norm, a dense layer behind the flattened image.
#define NET                                                                                        \
  "{\"name\":\"n\",\"input\":{\"shape\":[5,6,2],\"mean\":0,\"std\":1},\"layers\":["                \
  "{\"op\":\"conv2d\",\"name\":\"c\",\"out\":3,\"kernel\":[2,3]},"                                 \
  "{\"op\":\"batch_norm\",\"name\":\"bn\"},{\"op\":\"flatten\"},"                                  \
  "{\"op\":\"linear\",\"name\":\"net.fc\",\"out\":4}]}"

static struct graph *network(struct arena *a, uint64_t seed) {
  struct recipe r;
  struct err e = {0};
  if (!recipe_parse(a, NET, strlen(NET), seed, &r, &e)) fail_msg("%s", e.text);
  for (uint32_t i = 0; i < r.model->n_values; i++) {
    struct tensor *t = r.model->values[i].init;
    for (int64_t k = 0; t && k < t->count; k++)
      ((float *)t->data)[k] += (float)(k + 1) / 32 + (float)seed;
  }
  return r.model;
}

static const struct row {
  const char *name, *shape;
  int64_t count;
} rows[] = {
    {"net.fc.weight", "4,48", 192}, {"net.fc.bias", "4", 4},     {"bn.num_batches_tracked", "", 1},
    {"bn.running_var", "3", 3},     {"bn.running_mean", "3", 3}, {"bn.bias", "3", 3},
    {"bn.weight", "3", 3},          {"c.bias", "3", 3},          {"c.weight", "3,2,2,3", 36}};
enum { ROWS = sizeof rows / sizeof *rows };

// The state dict: zeros in a type, a count of steps, in an order of its own. `but` isn't there.
static struct bytes state_dict(struct arena *a, const char *type, const char *but) {
  struct text t = {0}, header = {0};
  int64_t at = 0;
  text_puts(&header, "{\"__metadata__\":{\"format\":\"pt\"}");
  for (int i = 0; i < ROWS; i++) {
    bool steps = !*rows[i].shape;
    int64_t bytes = steps ? 8 : rows[i].count * into_float_find(type)->bytes;
    if (strcmp(rows[i].name, but) == 0) continue;
    text_printf(&header, ",\"%s\":{\"dtype\":\"%s\",\"shape\":[%s],\"data_offsets\":[%lld,%lld]}",
                rows[i].name, steps ? "I64" : type, rows[i].shape, (long long)at,
                (long long)(at + bytes));
    at += bytes;
  }
  text_puts(&header, "}");
  uint64_t n = header.size;
  text_put(&t, (const char *)&n, sizeof n);
  text_put(&t, header.data, header.size);
  while (at--) text_put(&t, "\7", 1);
  struct bytes file = {arena_copy(a, t.data, t.size), t.size};
  text_free(&t);
  text_free(&header);
  return file;
}

static bool into(struct arena *a, const struct graph *g, const struct bytes *file,
                 struct into_result *r, struct bytes *copy, struct err *e) {
  struct text t = {0};
  *e = (struct err){0};
  bool ok = export_into(a, g, file, r, &t, e);
  if (ok) *copy = (struct bytes){arena_copy(a, t.data, t.size), t.size};
  text_free(&t);
  return ok;
}

// What `nngen import --graph` makes of a file.
static struct graph *filled(struct arena *a, const struct bytes *file) {
  struct safetensors s;
  struct err e = {0};
  struct graph *g = network(a, 0);
  if (!safetensors_parse(a, file->data, file->size, &s, &e) ||
      !state_fill(a, g, &s, &(struct refusals){0}, &e))
    fail_msg("%s", e.text);
  return g;
}

static int64_t different(const struct graph *x, const struct graph *y) {
  int64_t n = 0;
  for (uint32_t i = 0; i < x->n_values; i++) {
    const struct tensor *a = x->values[i].init, *b = y->values[i].init;
    for (int64_t k = 0; a && k < a->count; k++)
      n += ((const float *)a->data)[k] != ((const float *)b->data)[k];
  }
  return n;
}

static uint64_t header_of(const struct bytes *file) {
  uint64_t n;
  memcpy(&n, file->data, sizeof n);
  return n;
}

// Floats and doubles come back to the bit; header and steps are the file's.
static void test_round(void **state) {
  (void)state;
  static const char *const types[] = {"F32", "F64"};
  for (int i = 0; i < 2; i++) {
    struct arena a = {0};
    struct bytes file = state_dict(&a, types[i], ""), copy;
    struct into_result r;
    struct err e;
    struct graph *g = network(&a, 2);
    assert_int_equal(different(g, filled(&a, &file)), 247);
    if (!into(&a, g, &file, &r, &copy, &e)) fail_msg("%s", e.text);
    assert_int_equal(different(g, filled(&a, &copy)), 0);
    assert_int_equal(r.arrays, 8);
    assert_int_equal(r.numbers, 247);
    assert_int_equal(r.rounded, 0);
    assert_int_equal(copy.size, file.size);
    assert_memory_equal(copy.data, file.data, 8 + header_of(&file));
    size_t steps = 8 + header_of(&file) + 196 * (size_t)into_float_find(types[i])->bytes;
    assert_memory_equal(copy.data + steps, "\7\7\7\7\7\7\7\7", 8);
    struct bytes again;
    assert_true(into(&a, g, &copy, &r, &again, &e));
    assert_int_equal(r.arrays, 0);
    assert_memory_equal(again.data, copy.data, copy.size);
    arena_free(&a);
  }
}

// Halves are the nearest ones, and counted where they aren't the number itself.
static void test_halves(void **state) {
  (void)state;
  static const char *const types[] = {"F16", "BF16"};
  for (int i = 0; i < 2; i++) {
    struct arena a = {0};
    const struct into_float *f = into_float_find(types[i]);
    struct bytes file = state_dict(&a, types[i], ""), copy;
    struct into_result r;
    struct err e;
    struct graph *g = network(&a, 2);
    int64_t off = 0;
    if (!into(&a, g, &file, &r, &copy, &e)) fail_msg("%s", e.text);
    const struct value *b = &g->values[graph_find_value(g, "net.fc.bias")];
    for (int64_t k = 0; k < 4; k++) {
      double is = into_float_get(f, copy.data + 8 + header_of(&copy) + (192 + k) * 2),
             was = value_real(b, k);
      assert_float_equal(is, was, (float)ldexp(was, -f->mantissa - 1));
      off += is != was;
    }
    assert_true(r.rounded >= off && r.rounded > 50 && r.rounded <= 247);
    ((float *)b->init->data)[1] = i ? 3.4e38F : 1e5F;
    assert_false(into(&a, g, &file, &r, &copy, &e));
    assert_non_null(
        strstr(e.text, arena_printf(&a, "tensor \"net.fc.bias\": %s can't hold", types[i])));
    arena_free(&a);
  }
}

static void put_word(struct bytes *file, const char *from, const char *to) {
  unsigned char *at = memmem(file->data, file->size, from, strlen(from));
  assert_non_null(at);
  assert_int_equal(strlen(from), strlen(to));
  memcpy(at, to, strlen(to));
}

// What is missing, of another shape or type, of no layer, cut.
static void test_bad(void **state) {
  (void)state;
  static const struct {
    const char *but, *from, *to, *said;
  } bad[] = {
      {"c.weight", NULL, NULL,
       "there is no tensor \"c.weight\" in it, for \"weight\" of the model's"},
      {"net.fc.bias", NULL, NULL, "there is no tensor \"net.fc.bias\" in it"},
      {"bn.running_mean", NULL, NULL, "there is no tensor \"bn.running_mean\" in it"},
      {"bn.num_batches_tracked", NULL, NULL, ""},
      {"", "net.fc.weight", "net.no.weight", "there is no tensor \"net.fc.weight\" in it"},
      {"", "num_batches_tracked", "num_batches_trackes",
       "its tensor \"bn.num_batches_trackes\" belongs to no layer of the model"},
      {"", "[3,2,2,3]", "[3,2,3,2]",
       "tensor \"c.weight\": another shape than the model's layer has there, (3, 2, 2, 3)"},
      {"", "[4,48]", "[48,4]", "tensor \"net.fc.weight\": another shape"},
      {"", "\"F32\",\"shape\":[4]", "\"I32\",\"shape\":[4]",
       "tensor \"net.fc.bias\": dtype I32, expected F32, F16, BF16 or F64"},
      {"", "\"F32\",\"shape\":[4]", "\"F64\",\"shape\":[4]",
       "tensor \"net.fc.bias\": its bytes, 768 to 784, aren't those of its shape"},
      {"", "[768,784]", "[968,984]", "its tensors lie over each other or leave holes"},
      {"", "[768,784]", "[998,999]", "its tensors lie over each other or leave holes"},
      {"", "[0,768]", "[-1,68]", "its tensors lie over"},
      {"", "{\"format", "[\"format", "its header: "},
  };
  for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
    struct arena a = {0};
    struct bytes file = state_dict(&a, "F32", bad[i].but), copy;
    struct into_result r;
    struct err e;
    if (bad[i].from) put_word(&file, bad[i].from, bad[i].to);
    bool ok = into(&a, network(&a, 2), &file, &r, &copy, &e);
    if (ok != !*bad[i].said || !strstr(e.text, bad[i].said)) fail_msg("row %zu: %s", i, e.text);
    arena_free(&a);
  }
}

// Cut anywhere, and with any byte of the header changed: a message or a file of the same size.
static void test_damaged(void **state) {
  (void)state;
  struct arena a = {0};
  struct bytes file = state_dict(&a, "F32", ""), copy;
  struct graph *g = network(&a, 2);
  struct into_result r;
  struct err e;
  for (size_t at = 0; at < file.size; at += at < 8 + header_of(&file) ? 1 : 37) {
    struct bytes cut = {file.data, at};
    assert_false(into(&a, g, &cut, &r, &copy, &e));
    assert_true(e.text[0]);
  }
  for (size_t at = 0; at < 8 + header_of(&file); at++) {
    unsigned char kept = file.data[at];
    file.data[at] = (unsigned char)(kept ^ (1 + at % 7));
    bool ok = into(&a, g, &file, &r, &copy, &e);
    assert_true(ok ? copy.size == file.size : e.text[0] != 0);
    file.data[at] = kept;
  }
  arena_free(&a);
}

// The program, from PyTorch's weights and back; and from ONNX, whose tensors bear PyTorch's names.
static void test_program(void **state) {
  struct shell *s = *state;
  cli_expect(s,
             "f=tests/import/files/torch_state; $N import -q $f.safetensors --graph $f.json -o "
             "$D/m.bin && $N export $D/m.bin --into $f.safetensors -o $D/same && cmp $D/same "
             "$f.safetensors",
             0, "torch_state.safetensors: has these weights already");
  cli_expect(
      s,
      "f=tests/import/files/torch_state; $N import -q tests/import/files/torch_acts_dynamo.onnx "
      "-o $D/o.bin && $N export $D/o.bin --into $f.safetensors -o $D/onnx && "
      "$N import -q $D/onnx --graph $f.json -o $D/b.bin && $N run --real -q $D/b.bin --compare "
      "tests/import/files/torch_acts_dynamo.onnx.expected.safetensors",
      0, "640 elements");
}

// An ONNX file of PyTorch with normalisations: its tensors bear the names of the state dict, which
// lies there with zeros in it.
static void test_onnx_names(void **state) {
  (void)state;
  struct arena a = {0};
  struct graph *g = into_imported(&a, "tests/import/files/torch_resnet_mini_bn.onnx");
  struct safetensors s = {.tensors = ARENA_NEW(&a, struct named_tensor, g->n_values)};
  struct text t = {0};
  struct bytes copy;
  struct into_result r;
  struct err e;
  for (uint32_t i = 0; i < g->n_values; i++) {
    const struct value *v = &g->values[i];
    int64_t shape[RANK_MAX];
    for (int d = 0; d < v->rank; d++)
      shape[d] = v->shape[v->rank < 3 || d == 0 ? d : d == 1 ? v->rank - 1 : d - 1];
    if (v->init)
      s.tensors[s.count++] =
          (struct named_tensor){v->name, tensor_new(&a, DTYPE_F32, v->rank, shape)};
  }
  safetensors_put(&t, &s);
  struct bytes file = {arena_copy(&a, t.data, t.size), t.size};
  text_free(&t);
  if (!into(&a, g, &file, &r, &copy, &e)) fail_msg("%s", e.text);
  assert_int_equal(r.arrays, s.count);
  assert_true(safetensors_parse(&a, copy.data, copy.size, &s, &e));
  const struct value *stem = &g->values[graph_find_value(g, "stem.weight")];
  const struct tensor *back = s.tensors[safetensors_find(&s, "stem.weight")].tensor;
  for (int64_t o = 0; o < stem->shape[0]; o++)
    for (int64_t k = 0; k < 9; k++)
      for (int64_t i = 0; i < stem->shape[3]; i++)
        assert_float_equal(tensor_real(back, (o * stem->shape[3] + i) * 9 + k),
                           value_real(stem, (o * 9 + k) * stem->shape[3] + i), 0);
  const struct value *var = &g->values[graph_find_value(g, "layer1.bn1.running_var")];
  back = s.tensors[safetensors_find(&s, "layer1.bn1.running_var")].tensor;
  for (int64_t c = 0; c < back->count; c++)
    assert_float_equal(tensor_real(back, c), value_real(var, c), 0);
  arena_free(&a);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_round),   cmocka_unit_test(test_halves),     cmocka_unit_test(test_bad),
      cmocka_unit_test(test_damaged), cmocka_unit_test(test_onnx_names), SHELL_CASE(test_program)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
