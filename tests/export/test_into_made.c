// SPDX-License-Identifier: Apache-2.0
// export --into Keras files that are made here: types of arrays, and networks that are almost the
// model's.
#include "sw/base/file.h"
#include "sw/export/export.h"
#include "tests/cmd/helper_shell.h"
#include "tests/export/helper_into.h"

#include <hdf5.h>
#include <string.h>

#define SEQUENTIAL(layers)                                                                         \
  "{\"class_name\":\"Sequential\",\"config\":{\"name\":\"s\",\"layers\":[" INPUT layers "]}}"
#define INPUT                                                                                      \
  "{\"class_name\":\"InputLayer\",\"config\":{\"name\":\"i\",\"batch_shape\":[null,4]}},"
#define LAYER(cls, name, more)                                                                     \
  "{\"class_name\":\"" cls "\",\"config\":{\"name\":\"" name "\"" more "}}"
#define TWO SEQUENTIAL(LAYER("Dense", "a", "") "," LAYER("Dense", "b", ""))

static hid_t single(void) {
  return H5T_IEEE_F32LE;
}

static hid_t turned(void) {
  return H5T_IEEE_F32BE;
}

static hid_t longer(void) {
  return H5T_IEEE_F64LE;
}

static hid_t whole(void) {
  return H5T_STD_I32LE;
}

static hid_t half(void) {
  hid_t t = H5Tcopy(H5T_IEEE_F32LE);
  H5Tset_fields(t, 15, 10, 5, 0, 10);
  H5Tset_size(t, 2);
  H5Tset_ebias(t, 15);
  return t;
}

// An .h5 of layers a and b, whose kernels (4, 4) and biases (4) are 1, 2, 3, .. in a type.
struct made {
  const char *config;
  hid_t (*type)(void);
  bool chunked, linked; // linked: b has a's arrays
};

static void text_list(hid_t at, const char *name, hsize_t count, const char *const *list) {
  hid_t text = H5Tcopy(H5T_C_S1), space = H5Screate_simple(1, &count, NULL);
  H5Tset_size(text, H5T_VARIABLE);
  if (count == 1) space = H5Screate(H5S_SCALAR);
  H5Awrite(H5Acreate2(at, name, text, space, H5P_DEFAULT, H5P_DEFAULT), text, list);
}

static void add_array(hid_t group, const char *name, int rank, const struct made *m) {
  static const hsize_t dims[2] = {4, 4};
  float x[16];
  hid_t how = H5Pcreate(H5P_DATASET_CREATE);
  for (int i = 0; i < 16; i++) x[i] = (float)(i + 1);
  if (m->chunked) {
    H5Pset_chunk(how, rank, (const hsize_t[]){2, 2});
    H5Pset_shuffle(how);
    H5Pset_deflate(how, 9);
  }
  hid_t set = H5Dcreate2(group, name, m->type(), H5Screate_simple(rank, dims, NULL), H5P_DEFAULT,
                         how, H5P_DEFAULT);
  H5Dwrite(set, H5T_NATIVE_FLOAT, H5S_ALL, H5S_ALL, H5P_DEFAULT, x);
}

static const char *make_h5(struct shell *s, const struct made *m) {
  static const char *const layers[] = {"a", "b"}, *const arrays[] = {"kernel", "bias"};
  const char *path = arena_printf(&s->arena, "%s/made.h5", s->dir);
  hid_t file = H5Fcreate(path, H5F_ACC_TRUNC, H5P_DEFAULT, H5P_DEFAULT),
        all = H5Gcreate2(file, "model_weights", H5P_DEFAULT, H5P_DEFAULT, H5P_DEFAULT), first = 0;
  text_list(file, "model_config", 1, &m->config);
  text_list(all, "layer_names", 2, layers);
  for (int i = 0; i < 2; i++) {
    hid_t g = H5Gcreate2(all, layers[i], H5P_DEFAULT, H5P_DEFAULT, H5P_DEFAULT);
    text_list(g, "weight_names", 2, arrays);
    for (int k = 0; k < 2; k++)
      if (i && m->linked)
        H5Lcreate_hard(first, arrays[k], g, arrays[k], H5P_DEFAULT, H5P_DEFAULT);
      else
        add_array(g, arrays[k], 2 - k, m);
    first = g;
  }
  H5Fclose(file);
  H5close();
  return path;
}

// What the made file becomes with a model that is the file's own network with other weights.
static bool into_made(struct shell *s, const struct made *m, struct graph *g, struct into_result *r,
                      struct err *e) {
  struct bytes file;
  struct text copy = {0};
  const char *path = make_h5(s, m);
  *e = (struct err){0};
  assert_true(file_read(&s->arena, path, 1 << 20, &file, e));
  bool ok = export_into(&s->arena, g, &file, r, &copy, e);
  if (ok)
    assert_true(file_write(arena_printf(&s->arena, "%s/copy.h5", s->dir), copy.data, copy.size, e));
  text_free(&copy);
  return ok;
}

// Doubles, the other order of bytes, halves, arrays that are packed: each keeps its type.
static void test_types(void **state) {
  struct shell *s = *state;
  static const struct made rows[] = {{TWO, longer, false, false},
                                     {TWO, turned, false, false},
                                     {TWO, single, true, false},
                                     {TWO, half, false, false},
                                     {TWO, half, true, false}};
  for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
    struct into_result r;
    struct err e;
    struct graph *g = into_imported(&s->arena, make_h5(s, &rows[i]));
    into_change(g, i + 1);
    ((float *)g->values[graph_find_value(g, "a.bias")].init->data)[2] = 0.1F;
    if (!into_made(s, &rows[i], g, &r, &e)) fail_msg("%s", e.text);
    int64_t off =
        into_different(g, into_imported(&s->arena, arena_printf(&s->arena, "%s/copy.h5", s->dir)));
    assert_int_equal(r.arrays, 4);
    assert_int_equal(r.numbers, 40);
    assert_int_equal(off, r.rounded);
    assert_true(rows[i].type == half ? off > 0 : off == 0);
  }
}

// One layer, called twice; one that is rounded; one without a bias; one that has no arrays.
#define TWICE                                                                                      \
  "{\"class_name\":\"Functional\",\"config\":{\"name\":\"f\",\"layers\":[" INPUT                   \
  "{\"class_name\":\"Dense\",\"config\":{\"name\":\"a\"},\"inbound_nodes\":[[[\"i\",0,0,{}]],"     \
  "[[\"a\",0,0,{}]]]}],\"input_layers\":[[\"i\",0,0]],\"output_layers\":[[\"a\",1,0]]}}"
#define ROUNDED                                                                                    \
  SEQUENTIAL(LAYER("QDense", "a",                                                                  \
                   ",\"kernel_quantizer\":\"quantized_bits(4,2,1)\"") "," LAYER("Dense", "b", ""))
#define BARE SEQUENTIAL(LAYER("Dense", "a", ",\"use_bias\":false") "," LAYER("Dense", "b", ""))
#define RESCALED                                                                                   \
  SEQUENTIAL(LAYER("Rescaling", "r", ",\"scale\":0.5") "," LAYER("Dense", "a",                     \
                                                                 "") "," LAYER("Dense", "b", ""))

// The network of `from` with other weights in a file `to`: what is said.
static void test_made(void **state) {
  struct shell *s = *state;
  static const struct {
    struct made from, to;
    const char *said; // NULL: it works
  } rows[] = {
      {{TWO, single, false, false}, {TWO, whole, false, false}, "holds integers, expected floats"},
      {{TWO, single, false, false},
       {TWO, single, false, true},
       "array \"kernel\": its type or its place in the file doesn't hold the number"},
      {{TWICE, single, false, false}, {TWICE, single, false, false}, NULL},
      {{TWO, single, false, false},
       {TWICE, single, false, false},
       "array \"kernel\" is one for several calls of a layer"},
      {{TWO, single, false, false},
       {ROUNDED, single, false, false},
       "array \"kernel\": the file's layer rounds it with a quantizer of its own"},
      {{TWO, single, false, false},
       {BARE, single, false, false},
       "its layer \"a\" has no bias, the model's \"a\" has one that isn't 0: set use_bias=True"},
      {{RESCALED, single, false, false},
       {RESCALED, single, false, false},
       "\"r.scale\" follows from the layer's configuration, where element 0 is 0.5; the model has"},
      {{TWO, single, false, false},
       {SEQUENTIAL(LAYER("Dense", "a", "")), single, false, false},
       "its input \"i\" (4) stands where the model has \"a\" (linear, gives 4)"},
      {{TWO, single, false, false},
       {SEQUENTIAL(LAYER("LSTM", "a", "")), single, false, false},
       "\"a\" (LSTM): there are no recurrent layers"},
      {{TWO, single, false, false},
       {SEQUENTIAL(LAYER("Dense", "a", "") "," LAYER("Dense", "c", "")), single, false, false},
       "\"c\" (Dense): the file has no array 0 of it; save the whole model, with its weights"},
      {{TWO, single, false, false},
       {SEQUENTIAL(LAYER("Dense", "a", "") "," LAYER("Dense", "b", ",\"units\":5")), single, false,
        false},
       "\"b\" (Dense): units is 5, its weights have 4; save the model again"},
  };
  for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
    struct into_result r;
    struct err e;
    struct graph *g = into_imported(&s->arena, make_h5(s, &rows[i].from));
    into_change(g, 7);
    bool ok = into_made(s, &rows[i].to, g, &r, &e);
    if (ok != !rows[i].said || !strstr(e.text, ok ? "" : rows[i].said))
      fail_msg("row %zu: %d %s", i, ok, e.text);
  }
}

// A bias that the model doesn't have is 0 in the file; a number that a half can't be is refused.
static void test_bias(void **state) {
  struct shell *s = *state;
  static const struct made bare = {BARE, single, false, false}, two = {TWO, single, false, false},
                           halves = {TWO, half, false, false};
  struct into_result r;
  struct err e;
  struct graph *g = into_imported(&s->arena, make_h5(s, &bare));
  if (!into_made(s, &two, g, &r, &e)) fail_msg("%s", e.text);
  assert_int_equal(r.numbers, 4);
  g = into_imported(&s->arena, arena_printf(&s->arena, "%s/copy.h5", s->dir));
  float *bias = g->values[graph_find_value(g, "a.bias")].init->data;
  for (int i = 0; i < 4; i++) assert_float_equal(bias[i], 0, 0);
  bias[3] = 70000;
  assert_false(into_made(s, &halves, g, &r, &e));
  assert_non_null(strstr(e.text,
                         "array \"bias\": its type or its place in the file doesn't hold the "
                         "number 70000: save the model as float32"));
}

// Connections that pruning has cut are 0 in the file, whatever the model's numbers there are.
static void test_cut(void **state) {
  struct shell *s = *state;
  static const struct made two = {TWO, single, false, false};
  static const int64_t shape[] = {4, 1};
  struct into_result r;
  struct err e;
  struct graph *g = into_imported(&s->arena, make_h5(s, &two));
  struct value *v = &g->values[graph_find_value(g, "a.weight")];
  v->mask = tensor_new(&s->arena, DTYPE_U8, 2, shape);
  for (int64_t i = 0; i < 4; i++) tensor_set_int(v->mask, i, i != 2);
  if (!into_made(s, &two, g, &r, &e)) fail_msg("%s", e.text);
  g = into_imported(&s->arena, arena_printf(&s->arena, "%s/copy.h5", s->dir));
  for (int64_t i = 0; i < 16; i++)
    assert_true((value_real(&g->values[graph_find_value(g, "a.weight")], i) == 0) == (i / 4 == 2));
}

int main(void) {
  const struct CMUnitTest tests[] = {SHELL_CASE(test_types), SHELL_CASE(test_made),
                                     SHELL_CASE(test_bias), SHELL_CASE(test_cut)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
