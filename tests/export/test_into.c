// SPDX-License-Identifier: Apache-2.0
// export --into: files of Keras and PyTorch with other weights in them, which come back from them
// to the bit; files of other networks, of other kinds, damaged ones.
#include "sw/base/file.h"
#include "sw/base/rng.h"
#include "sw/export/export.h"
#include "sw/graph/model.h"
#include "sw/import/formats.h"
#include "tests/cmd/helper_shell.h"

#include <hdf5.h>
#include <math.h>
#include <string.h>

#define FILES "tests/import/files/"

// Of a tensor's name without the number that tells calls of one layer apart: "conv.weight.1".
static uint64_t stream_of(const char *name) {
  uint64_t h = 0;
  const char *dot = strrchr(name, '.');
  bool numbered = dot && dot[1] >= '0' && dot[1] <= '9';
  for (; *name && !(numbered && name == dot); name++) h = rng_mix(h + (unsigned char)*name);
  return h;
}

// Other numbers in all tensors but those that are no arrays of the file: "rescaling". Variances
// stay positive, and calls of one layer have the same.
static void change(struct graph *g, uint64_t seed) {
  for (uint32_t i = 0; i < g->n_values; i++) {
    struct value *v = &g->values[i];
    float *x = v->init ? v->init->data : NULL;
    uint64_t stream = stream_of(v->name);
    bool variance = strstr(v->name, "variance") != NULL;
    for (int64_t k = 0; x && k < v->init->count && !strstr(v->name, "rescaling"); k++) {
      float more = (float)(int64_t)(rng_at(seed, stream, (uint64_t)k) % 2048) / 1024 - 1;
      x[k] = variance ? fabsf(x[k]) + more + 1.01F : x[k] * 0.75F + more;
    }
  }
}

static struct graph *imported(struct arena *a, const char *path) {
  struct refusals r = {0};
  struct err e = {0};
  struct graph *g = import_read(a, path, &r, &e);
  if (!g) fail_msg("%s", e.text);
  return g;
}

static void write_model(const char *path, const struct graph *g) {
  struct err e = {0};
  if (!model_write(path, g, &e)) fail_msg("%s", e.text);
}

// How many numbers of two graphs of the same tensors differ.
static int64_t different(const struct graph *x, const struct graph *y) {
  int64_t n = 0;
  assert_int_equal(x->n_values, y->n_values);
  for (uint32_t i = 0; i < x->n_values; i++) {
    const struct tensor *a = x->values[i].init, *b = y->values[i].init;
    assert_true(!a == !b);
    for (int64_t k = 0; a && k < a->count; k++)
      n += memcmp((const float *)a->data + k, (const float *)b->data + k, sizeof(float)) != 0;
  }
  return n;
}

static const char *const keras_files[] = {"keras2_mlp.h5", "keras3_cnn.h5", "keras3_cnn.keras",
                                          "keras3_nested.h5", "keras3_nested.keras"};
enum { KERAS_FILES = sizeof keras_files / sizeof *keras_files };

// A file's own weights: the same bytes.
static void test_identity(void **state) {
  struct shell *s = *state;
  for (int i = 0; i < KERAS_FILES; i++)
    cli_expect(s,
               arena_printf(&s->arena,
                            "f=" FILES "%s; $N import -q $f -o $D/m.bin && $N export $D/m.bin "
                            "--into $f -o $D/copy && cmp $f $D/copy",
                            keras_files[i]),
               0, "has these weights already");
}

// QKeras rounds what its file holds: its own weights stay as they are there, others are refused.
static void test_rounded(void **state) {
  struct shell *s = *state;
  struct graph *g = imported(&s->arena, FILES "qkeras_mlp.h5");
  write_model(arena_printf(&s->arena, "%s/m.bin", s->dir), g);
  cli_expect(s,
             "f=" FILES "qkeras_mlp.h5; $N export $D/m.bin --into $f -o $D/copy && cmp $f $D/copy",
             0, "has these weights already");
  for (uint32_t i = 0; i < g->n_values; i++)
    if (g->values[i].init && g->values[i].rank == 2)
      tensor_set_int(g->values[i].init, 3, tensor_int(g->values[i].init, 3) > 0 ? -1 : 1);
  write_model(arena_printf(&s->arena, "%s/m.bin", s->dir), g);
  cli_expect(s, "$N export $D/m.bin --into " FILES "qkeras_mlp.h5 -o $D/new", 1,
             "the file's layer rounds it with a quantizer of its own");
}

// Other weights come back from the copy, every one.
static void test_changed(void **state) {
  struct shell *s = *state;
  for (int i = 0; i < KERAS_FILES; i++) {
    const char *file = arena_printf(&s->arena, FILES "%s", keras_files[i]),
               *model = arena_printf(&s->arena, "%s/m.bin", s->dir),
               *copy = arena_printf(&s->arena, "%s/copy", s->dir);
    struct graph *g = imported(&s->arena, file);
    change(g, (uint64_t)i);
    assert_true(different(g, imported(&s->arena, file)) > 100);
    write_model(model, g);
    cli_expect(s, arena_printf(&s->arena, "$N export $D/m.bin --into %s -o $D/copy", file), 0,
               "/copy: a copy of " FILES);
    assert_int_equal(different(g, imported(&s->arena, copy)), 0);
  }
}

// The tensors of two graphs in the order in which their layers stand.
static void same_tensors(const struct graph *x, const struct graph *y) {
  uint32_t k = 0, n = 0;
  for (uint32_t i = 0; i < x->n_values; i++) {
    const struct tensor *t = x->values[i].init;
    if (!t) continue;
    while (k < y->n_values && !y->values[k].init) k++;
    assert_true(k < y->n_values);
    assert_int_equal(t->count, y->values[k].init->count);
    assert_memory_equal(t->data, y->values[k++].init->data, (size_t)t->count * sizeof(float));
    n++;
  }
  assert_true(n > 0);
}

// A network that was trained from a recipe, in a file of the same layers under other names, and
// with a softmax.
static void test_recipe(void **state) {
  struct shell *s = *state;
  cli_expect(s, "$N export models/mnist-mlp.bin --into " FILES "keras2_mlp.h5 -o $D/copy.h5", 0,
             "copy.h5: a copy of " FILES "keras2_mlp.h5 with 101770 numbers of "
             "models/mnist-mlp.bin in 4 arrays");
  same_tensors(imported(&s->arena, "models/mnist-mlp.bin"),
               imported(&s->arena, arena_printf(&s->arena, "%s/copy.h5", s->dir)));
}

// The usual way: import, train, export; the copy computes what the trained model does.
static void test_trained(void **state) {
  struct shell *s = *state;
  cli_expect(s,
             "f=" FILES
             "keras3_cnn.keras; $N import -q $f -o $D/m.bin && $N train -q --net $D/m.bin "
             "--data synthetic:256 --epochs 1 -o $D/t.bin >$D/log && $N export $D/t.bin --into $f "
             "-o $D/copy.keras",
             0, "copy.keras: a copy of " FILES "keras3_cnn.keras with 10050 numbers of ");
  cli_expect(
      s,
      "$N run --real -q --images 20 -o $D/o $D/t.bin >$D/log && $N run --real -q --images 20 "
      "--tolerance 0 --compare $D/o $D/copy.keras",
      0, "200 elements with");
  cli_expect(s, "$N run --real -q --images 20 --compare $D/o " FILES "keras3_cnn.keras", 1,
             "further apart");
}

// ---- files made for it

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
    struct graph *g = imported(&s->arena, make_h5(s, &rows[i]));
    change(g, i + 1);
    ((float *)g->values[graph_find_value(g, "a.bias")].init->data)[2] = 0.1F;
    if (!into_made(s, &rows[i], g, &r, &e)) fail_msg("%s", e.text);
    int64_t off = different(g, imported(&s->arena, arena_printf(&s->arena, "%s/copy.h5", s->dir)));
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
       "\"a\" (LSTM): there is no layer like it"},
  };
  for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
    struct into_result r;
    struct err e;
    struct graph *g = imported(&s->arena, make_h5(s, &rows[i].from));
    change(g, 7);
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
  struct graph *g = imported(&s->arena, make_h5(s, &bare));
  if (!into_made(s, &two, g, &r, &e)) fail_msg("%s", e.text);
  assert_int_equal(r.numbers, 4);
  g = imported(&s->arena, arena_printf(&s->arena, "%s/copy.h5", s->dir));
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
  struct graph *g = imported(&s->arena, make_h5(s, &two));
  struct value *v = &g->values[graph_find_value(g, "a.weight")];
  v->mask = tensor_new(&s->arena, DTYPE_U8, 2, shape);
  for (int64_t i = 0; i < 4; i++) tensor_set_int(v->mask, i, i != 2);
  if (!into_made(s, &two, g, &r, &e)) fail_msg("%s", e.text);
  g = imported(&s->arena, arena_printf(&s->arena, "%s/copy.h5", s->dir));
  for (int64_t i = 0; i < 16; i++)
    assert_true((value_real(&g->values[graph_find_value(g, "a.weight")], i) == 0) == (i / 4 == 2));
}

// scale and shift of channel c of a batch_norm.
static void line_of(const struct graph *g, const struct node *n, int64_t c, double line[2]) {
  double p[4];
  for (uint32_t i = 0; i < 4; i++) p[i] = value_real(node_in(g, n, 1 + i), c);
  line[0] = p[0] / sqrt(p[3] + node_real(n, ATTR_epsilon, 1e-5));
  line[1] = p[1] - p[2] * line[0];
}

// A model whose normalisations add another epsilon than the file's layers.
static void test_epsilon(void **state) {
  struct shell *s = *state;
  struct graph *g = imported(&s->arena, FILES "keras3_cnn.keras");
  int norms = 0;
  change(g, 9);
  for (uint32_t i = 0; i < g->n_nodes; i++)
    for (uint32_t k = 0; k < g->nodes[i].n_attr; k++)
      if (g->nodes[i].attr[k].name == ATTR_epsilon) g->nodes[i].attr[k].real = 0.25;
  write_model(arena_printf(&s->arena, "%s/m.bin", s->dir), g);
  cli_expect(s, "$N export $D/m.bin --into " FILES "keras3_cnn.keras -o $D/copy.keras", 0, "");
  struct graph *h = imported(&s->arena, arena_printf(&s->arena, "%s/copy.keras", s->dir));
  for (uint32_t i = 0; i < g->n_nodes; i++) {
    if (!op_is(g->nodes[i].op, TRAIT_AVERAGES)) continue;
    assert_float_equal(node_real(&h->nodes[i], ATTR_epsilon, 0), 1e-3, 1e-9);
    for (int64_t c = 0; c < value_elements(node_in(g, &g->nodes[i], 1)); c++) {
      double was[2], is[2];
      line_of(g, &g->nodes[i], c, was);
      line_of(h, &h->nodes[i], c, is);
      for (int k = 0; k < 2; k++)
        assert_float_equal(is[k], was[k], 1e-5F * (1 + (float)fabs(was[k])));
    }
    norms++;
  }
  assert_int_equal(norms, 2);
}

// ---- what is typed

static void test_refused(void **state) {
  struct shell *s = *state;
  static const struct {
    const char *line;
    int status;
    const char *said;
  } rows[] = {
      {"$N export $D/m.bin --into $D/k.h5", 2,
       "--into leaves $D/k.h5 as it is: give the copy a name with -o"},
      {"$N export $D/m.bin --into $D/k.h5 -o $D/k.h5", 1,
       "k.h5: would be overwritten, it is the file of --into; choose another -o"},
      {"ln $D/k.h5 $D/l; $N export $D/m.bin --into $D/k.h5 -o $D/l", 1, "it is the file of --into"},
      {"$N export $D/m.bin --into $D/k.h5 -o $D/m.bin", 1, "it is the model"},
      {"$N export $D/m.bin --into $D/k.h5 -o $D/c -p 8,3", 2,
       "--precision changes nothing with --into, which writes the weights as floats: leave it out"},
      {"$N export $D/m.bin --into $D/no.h5 -o $D/c", 1, "no.h5: No such file"},
      {"$N export $D/m.bin --into $D/m.bin -o $D/c", 1,
       "m.bin: a model.bin: --into takes a .keras, .h5 or safetensors file that the framework "
       "wrote"},
      {"$N export $D/m.bin --into " FILES "torch_acts_ts.onnx -o $D/c", 1,
       "an ONNX file: --into takes a .keras, .h5 or safetensors"},
      {"$N export $D/m.bin --into README.md -o $D/c", 1, "no file of a format that is known"},
      {"head -c 99999 $D/k.h5 >$D/cut.h5; $N export $D/m.bin --into $D/cut.h5 -o $D/c", 1,
       "cut.h5: not a whole HDF5 file"},
      {"head -c 9999 " FILES "keras3_cnn.keras >$D/cut; $N export $D/m.bin --into $D/cut -o $D/c",
       1, "cut: no file of a format that is known, or one that was cut short: --into takes"},
      {"$N export models/lenet5.bin --into $D/k.h5 -o $D/c", 1,
       "k.h5: its \"dense.relu\" (relu, gives 128) stands where the model has \"relu4\" (relu, "
       "gives 84)"},
      {"$N export " FILES "tflite_mlp_int8.tflite --into $D/k.h5 -o $D/c", 1,
       "tflite_mlp_int8.tflite: holds integers, and normalisations are folded into them: --into "
       "takes the "
       "float model"},
      {"$N export $D/m.bin --into " FILES "keras3_cnn.h5 -o $D/c", 1, "of the same network"},
  };
  cli_expect(s, "cp " FILES "keras2_mlp.h5 $D/k.h5; cp models/mnist-mlp.bin $D/m.bin", 0, "");
  for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
    const char *at = strstr(rows[i].said, "$D"), *said = rows[i].said;
    if (at) said = arena_printf(&s->arena, "%.*s%s%s", (int)(at - said), said, s->dir, at + 2);
    cli_expect(s, rows[i].line, rows[i].status, said);
    cli_expect(s, "test ! -e $D/c && cmp $D/k.h5 " FILES "keras2_mlp.h5", 0, "");
  }
}

static void test_json(void **state) {
  struct shell *s = *state;
  cli_expect(s,
             "$N export --json models/mnist-mlp.bin --into " FILES "keras2_mlp.h5 -o $D/c 2>$D/e; "
             "$N export -q models/mnist-mlp.bin --into " FILES "keras2_mlp.h5 -o $D/q 2>&1",
             0, "/c\",\"arrays\":4,\"numbers\":101770,\"rounded\":0,\"optimizer\":true}\n");
  cli_expect(s, "cmp $D/c $D/q && grep -c 'compile the model anew' $D/e", 0, "1\n");
}

int main(void) {
  const struct CMUnitTest tests[] = {
      SHELL_CASE(test_identity), SHELL_CASE(test_changed), SHELL_CASE(test_rounded),
      SHELL_CASE(test_recipe),   SHELL_CASE(test_types),   SHELL_CASE(test_trained),
      SHELL_CASE(test_made),     SHELL_CASE(test_bias),    SHELL_CASE(test_cut),
      SHELL_CASE(test_epsilon),  SHELL_CASE(test_refused), SHELL_CASE(test_json)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
