// SPDX-License-Identifier: Apache-2.0
// export --into: files of Keras and PyTorch with other weights in them, which come back from them
// to the bit; files of other networks, of other kinds, damaged ones.
#include "sw/base/file.h"
#include "sw/export/export.h"
#include "tests/cmd/helper_shell.h"
#include "tests/export/helper_into.h"

#include <math.h>
#include <string.h>

#define FILES "tests/import/files/"

static const char *const keras_files[] = {
    "keras2_mlp.h5",       "keras3_cnn.h5",  "keras3_cnn.keras", "keras3_nested.h5",
    "keras3_nested.keras", "keras3_time.h5", "keras3_time.keras"};
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
  struct graph *g = into_imported(&s->arena, FILES "qkeras_mlp.h5");
  into_write(arena_printf(&s->arena, "%s/m.bin", s->dir), g);
  cli_expect(s,
             "f=" FILES "qkeras_mlp.h5; $N export $D/m.bin --into $f -o $D/copy && cmp $f $D/copy",
             0, "has these weights already");
  for (uint32_t i = 0; i < g->n_values; i++)
    if (g->values[i].init && g->values[i].rank == 2)
      tensor_set_int(g->values[i].init, 3, tensor_int(g->values[i].init, 3) > 0 ? -1 : 1);
  into_write(arena_printf(&s->arena, "%s/m.bin", s->dir), g);
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
    struct graph *g = into_imported(&s->arena, file);
    into_change(g, (uint64_t)i);
    assert_true(into_different(g, into_imported(&s->arena, file)) > 100);
    into_write(model, g);
    cli_expect(s, arena_printf(&s->arena, "$N export $D/m.bin --into %s -o $D/copy", file), 0,
               "/copy: a copy of " FILES);
    assert_int_equal(into_different(g, into_imported(&s->arena, copy)), 0);
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
  same_tensors(into_imported(&s->arena, "models/mnist-mlp.bin"),
               into_imported(&s->arena, arena_printf(&s->arena, "%s/copy.h5", s->dir)));
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
  struct graph *g = into_imported(&s->arena, FILES "keras3_cnn.keras");
  int norms = 0;
  into_change(g, 9);
  for (uint32_t i = 0; i < g->n_nodes; i++)
    for (uint32_t k = 0; k < g->nodes[i].n_attr; k++)
      if (g->nodes[i].attr[k].name == ATTR_epsilon) g->nodes[i].attr[k].real = 0.25;
  into_write(arena_printf(&s->arena, "%s/m.bin", s->dir), g);
  cli_expect(s, "$N export $D/m.bin --into " FILES "keras3_cnn.keras -o $D/copy.keras", 0, "");
  struct graph *h = into_imported(&s->arena, arena_printf(&s->arena, "%s/copy.keras", s->dir));
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

// One of several calls of a layer in a model within the model has other weights.
static void test_array_names(void **state) {
  struct shell *s = *state;
  static const char *const files[][2] = {
      {FILES "keras3_nested.h5", "array \"conv/kernel\" is one for several calls"},
      {FILES "keras3_nested.keras",
       "array \"layers/functional/layers/conv2d/vars/0\" is one for several calls"}};
  for (int i = 0; i < 2; i++) {
    struct graph *g = into_imported(&s->arena, files[i][0]);
    for (uint32_t k = 0; k < g->n_values; k++)
      if (g->values[k].init && strstr(g->values[k].name, "conv.weight.1"))
        ((float *)g->values[k].init->data)[0] += 1;
    into_write(arena_printf(&s->arena, "%s/m.bin", s->dir), g);
    cli_expect(s, arena_printf(&s->arena, "$N export $D/m.bin --into %s -o $D/c", files[i][0]), 1,
               files[i][1]);
  }
}

// A byte of a file changed, at places all over: a message, or a copy that has every weight.
static void test_damaged(void **state) {
  struct shell *s = *state;
  for (int i = 3; i < KERAS_FILES; i++) {
    struct bytes file;
    struct err e = {0};
    const char *path = arena_printf(&s->arena, FILES "%s", keras_files[i]);
    struct graph *g = into_imported(&s->arena, path);
    into_change(g, 1);
    int copies = 0, refused = 0;
    assert_true(file_read(&s->arena, path, 1 << 20, &file, &e));
    for (size_t at = 5; at < file.size; at += file.size / 40) {
      struct into_result r;
      struct text copy = {0};
      unsigned char kept = file.data[at];
      e = (struct err){0};
      file.data[at] ^= 0x5A;
      bool ok = export_into(&s->arena, g, &file, &r, &copy, &e);
      file.data[at] = kept;
      assert_true(ok ? copy.size > 0 && r.numbers > 0 : e.text[0] != 0);
      copies += ok;
      refused += !ok;
      text_free(&copy);
    }
    assert_true(copies > 0 && refused > 0);
  }
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
      {"$N export $D/m.bin --into $D/k.h5 -o $D/c --svg $D/c", 2,
       "--svg draws the model, --into writes a copy: give each a line of its own"},
      {"$N export $D/m.bin --into $D/k.h5 -o $D/c --form qdq", 2, "--form changes nothing with"},
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

// The same bytes at another time and in another place; archives keep the times of their parts.
static void test_bytes(void **state) {
  struct shell *s = *state;
  cli_expect(
      s,
      "f=" FILES "keras3_cnn.keras; $N import -q $f -o $D/k.bin && $N train -q --net $D/k.bin "
      "--data synthetic:256 --epochs 1 -o $D/t.bin >$D/log && $N export -q $D/t.bin --into $f "
      "-o $D/a && sleep 2.1 && TZ=Asia/Tokyo LC_ALL=C $N export -q $D/t.bin --into $f -o $D/b "
      "&& cmp $D/a $D/b && ! cmp -s $D/a $f && wc -c <$D/a",
      0, "196058");
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
      SHELL_CASE(test_identity),    SHELL_CASE(test_changed), SHELL_CASE(test_rounded),
      SHELL_CASE(test_recipe),      SHELL_CASE(test_trained), SHELL_CASE(test_epsilon),
      SHELL_CASE(test_array_names), SHELL_CASE(test_damaged), SHELL_CASE(test_refused),
      SHELL_CASE(test_bytes),       SHELL_CASE(test_json)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
