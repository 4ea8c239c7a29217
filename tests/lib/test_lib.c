// SPDX-License-Identifier: Apache-2.0
// libnngen: every layer that it shows equals the plain golden model, from several threads at once;
// what it is given wrongly it refuses with a reason and computes nothing.
#include "lib/nngen.h"

#include "quant/load.h"
#include "sw/base/rng.h"
#include "sw/exec/golden.h"
#include "sw/graph/model.h"

#include <math.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#define ACTS "models/mnist-acts.bin"
enum { IMAGES = 100, PIXELS = 784 };

// Zero points, odd scales and a scale per channel on the way.
static const struct nngen_options bits8 = {.precision = "8,3", .rounding = "half_up"};
static const struct nngen_options affine = {.formats = "tests/formats/affine.json"};

static struct nngen *opened(const struct nngen_options *o) {
  struct nngen_error e;
  struct nngen *net = nngen_open(ACTS, o, &e);
  if (!net) fail_msg("%s", e.text);
  return net;
}

static void random_pixels(uint64_t seed, uint8_t *pixels) {
  struct rng r = {seed, 0};
  for (int i = 0; i < IMAGES * PIXELS; i++) pixels[i] = (uint8_t)rng_range(&r, 0, 255);
}

// ---- equal to the plain model

struct taps {
  uint32_t count;
  struct nngen_tap *tap;
};

// A tap of every layer.
static struct taps taps_new(struct arena *a, const struct nngen *net) {
  struct taps t = {nngen_layers(net), ARENA_NEW(a, struct nngen_tap, nngen_layers(net))};
  for (uint32_t i = 0; i < t.count; i++)
    t.tap[i] = (struct nngen_tap){i, ARENA_NEW(a, int32_t, IMAGES * nngen_layer(net, i)->elements)};
  return t;
}

// The plain model, one image at a time, compared with what the taps hold.
static int64_t differences(struct arena *a, const struct nngen *net, const struct nngen_options *o,
                           const uint8_t *pixels, const struct taps *t) {
  struct load l = {.precision = o->precision, .rounding = o->rounding, .formats = o->formats};
  struct model m;
  struct err e = {0};
  if (!load_model(a, ACTS, &l, &m, &e)) fail_msg("%s", e.text);
  struct golden_ref *ref = golden_ref_new(a, m.fixed, 1);
  int64_t codes[PIXELS], different = 0;
  const int64_t *inputs[1] = {codes};
  for (int i = 0; i < IMAGES; i++) {
    for (int k = 0; k < PIXELS; k++)
      codes[k] = m.fixed->inputs[0].source.table[pixels[i * PIXELS + k]];
    golden_ref_step(ref, inputs);
    for (uint32_t n = 0; n < t->count; n++) {
      int64_t elements = nngen_layer(net, n)->elements;
      const int64_t *expected = golden_ref_value(ref, m.fixed->nodes[n].out[0]);
      for (int64_t k = 0; k < elements; k++)
        different += expected[k] != t->tap[n].codes[i * elements + k];
    }
  }
  return different;
}

static void test_every_layer(void **state) {
  static uint8_t pixels[IMAGES * PIXELS];
  struct arena a = {0};
  struct nngen *net = opened(&bits8);
  struct taps t = taps_new(&a, net);
  int32_t output[IMAGES * 10];
  (void)state;
  random_pixels(1, pixels);
  assert_int_equal(nngen_output(net)->elements, 10);
  assert_true(nngen_run_pixels(net, IMAGES, pixels, output, t.tap, t.count, NULL));
  assert_int_equal(differences(&a, net, &bits8, pixels, &t), 0);
  assert_memory_equal(output, t.tap[nngen_find(net, "fc6")].codes, sizeof output);
  // and a wrong element is seen
  t.tap[3].codes[7]++;
  assert_int_equal(differences(&a, net, &bits8, pixels, &t), 1);
  nngen_close(net);
  arena_free(&a);
}

static void test_affine(void **state) {
  static uint8_t pixels[IMAGES * PIXELS];
  struct arena a = {0};
  struct nngen *net = opened(&affine);
  struct taps t = taps_new(&a, net);
  (void)state;
  random_pixels(3, pixels);
  assert_true(nngen_run_pixels(net, IMAGES, pixels, NULL, t.tap, t.count, NULL));
  assert_int_equal(differences(&a, net, &affine, pixels, &t), 0);
  nngen_close(net);
  arena_free(&a);
}

// Codes and pixels are two ways to the same result; no images are none.
static void test_codes(void **state) {
  static uint8_t pixels[IMAGES * PIXELS];
  static double reals[IMAGES * PIXELS];
  static int32_t codes[IMAGES * PIXELS];
  int32_t by_pixels[IMAGES * 10], by_codes[IMAGES * 10];
  struct nngen *net = opened(&bits8);
  (void)state;
  random_pixels(2, pixels);
  for (int i = 0; i < IMAGES * PIXELS; i++) reals[i] = pixels[i] / 255.0;
  assert_true(nngen_encode(nngen_input(net), IMAGES * PIXELS, reals, codes, NULL));
  assert_true(nngen_run_pixels(net, IMAGES, pixels, by_pixels, NULL, 0, NULL));
  assert_true(nngen_run_codes(net, IMAGES, codes, by_codes, NULL, 0, NULL));
  assert_memory_equal(by_pixels, by_codes, sizeof by_codes);
  assert_true(nngen_run_pixels(net, 0, pixels, NULL, NULL, 0, NULL));
  nngen_close(net);
}

struct share {
  const struct nngen *net;
  uint8_t pixels[IMAGES * PIXELS];
  int32_t output[IMAGES * 10];
};

static void *run_share(void *share) {
  struct share *s = share;
  nngen_run_pixels(s->net, IMAGES, s->pixels, s->output, NULL, 0, NULL);
  return NULL;
}

static void test_threads(void **state) {
  enum { THREADS = 4 };
  struct share *s = calloc(THREADS, sizeof *s);
  int32_t alone[IMAGES * 10];
  pthread_t id[THREADS];
  (void)state;
  struct nngen *net = opened(&bits8);
  for (int i = 0; i < THREADS; i++) {
    s[i].net = net;
    random_pixels((uint64_t)i, s[i].pixels);
    assert_int_equal(pthread_create(&id[i], NULL, run_share, &s[i]), 0);
  }
  for (int i = 0; i < THREADS; i++) {
    pthread_join(id[i], NULL);
    nngen_run_pixels(net, IMAGES, s[i].pixels, alone, NULL, 0, NULL);
    assert_memory_equal(alone, s[i].output, sizeof alone);
  }
  nngen_close(net);
  free(s);
}

// ---- descriptions and numbers

static void test_streams(void **state) {
  (void)state;
  struct nngen *net = opened(&bits8);
  const struct nngen_stream *x = nngen_input(net), *y = nngen_output(net);
  uint32_t tanh = nngen_find(net, "tanh");
  assert_int_equal(x->rank, 3);
  assert_int_equal(x->shape[0], 28);
  assert_int_equal(x->elements, PIXELS);
  assert_int_equal(y->width, 8);
  assert_true(y->is_signed && y->axis == -1 && y->scale[0] == 0.125 && y->zero[0] == 0);
  assert_string_equal(nngen_layer(net, tanh)->op, "tanh");
  assert_true(nngen_layer(net, tanh)->highest <= 8);
  assert_null(nngen_layer(net, nngen_layers(net)));
  assert_int_equal(nngen_find(net, "nothing"), nngen_layers(net));
  int32_t codes[2] = {-128, 5};
  double reals[2];
  struct nngen_stream two = *y;
  two.elements = 2;
  nngen_decode(&two, 1, codes, reals);
  assert_true(reals[0] == -16 && reals[1] == 0.625);
  double big[2] = {1e9, -0.0625};
  assert_true(nngen_encode(y, 2, big, codes, NULL));
  assert_true(codes[0] == 127 && codes[1] == 0); // saturated; a tie goes to the even code
  assert_string_equal(nngen_version(), NNGEN_VERSION);
  nngen_close(net);
  nngen_close(NULL);
}

// Doubles, floats and integers, each as it is: the last are ties and their neighbours.
static void test_encode_is_exact(void **state) {
  (void)state;
  struct nngen_error e;
  struct nngen *eight = opened(&(struct nngen_options){.precision = "8,0"});
  const struct nngen_stream *x = nngen_input(eight);
  const double reals[] = {0.5 + 1e-9, 0.5, 1e300, 1.5 - 1e-12};
  const float floats[] = {0.5f, 1.5f, -1e30f};
  const int64_t integers[] = {INT64_MAX, INT64_MIN, -3};
  int32_t codes[4];
  assert_true(nngen_encode(x, 4, reals, codes, &e));
  assert_true(codes[0] == 1 && codes[1] == 0 && codes[2] == 127 && codes[3] == 1);
  assert_true(nngen_encode_floats(x, 3, floats, codes, &e));
  assert_true(codes[0] == 0 && codes[1] == 2 && codes[2] == -128);
  assert_true(nngen_encode_integers(x, 3, integers, codes, &e));
  assert_true(codes[0] == 127 && codes[1] == -128 && codes[2] == -3);
  assert_false(nngen_run_codes(eight, -1, codes, NULL, NULL, 0, &e));
  assert_string_equal(e.text, "-1 images, expected 0 or more");
  nngen_close(eight);
}

// The library says what quantisation has destroyed, and prints nothing.
static void test_warnings(void **state) {
  (void)state;
  const char *layer = NULL;
  struct nngen *good = opened(&bits8);
  assert_int_equal(nngen_warnings(good), 0);
  assert_null(nngen_warning(good, 0, &layer));
  nngen_close(good);
  struct nngen *bad =
      opened(&(struct nngen_options){.precision = "8,3", .weight_precision = "8,-8"});
  assert_true(nngen_warnings(bad) >= 1);
  assert_non_null(strstr(nngen_warning(bad, 0, &layer), "all weights are rounded to 0"));
  assert_string_equal(layer, "fc1");
  assert_non_null(nngen_warning(bad, 0, NULL));
  nngen_close(bad);
}

// A scale per channel: (4) elements in two rows of two channels.
static void test_decode_channels(void **state) {
  (void)state;
  int64_t shape[2] = {2, 2};
  double scale[2] = {1, 0.5}, reals[8];
  int32_t zero[2] = {0, 1}, codes[8] = {1, 1, 2, 2, 3, 3, 4, 4};
  struct nngen_stream s = {.name = "s",
                           .rank = 2,
                           .shape = shape,
                           .elements = 4,
                           .axis = 1,
                           .scale = scale,
                           .zero = zero};
  nngen_decode(&s, 2, codes, reals);
  double last[8] = {1, 0, 2, 0.5, 3, 1, 4, 1.5}, first[8] = {1, 1, 0.5, 0.5, 3, 3, 1.5, 1.5};
  assert_memory_equal(reals, last, sizeof last);
  s.axis = 0;
  nngen_decode(&s, 2, codes, reals);
  assert_memory_equal(reals, first, sizeof first);
  codes[3] = -1; // all 32 bits: 2^32 - 1, if the stream is unsigned
  s.width = 32;
  nngen_decode(&s, 2, codes, reals);
  assert_true(reals[3] == (4294967295.0 - 1) / 2);
  s.is_signed = 1;
  nngen_decode(&s, 2, codes, reals);
  assert_true(reals[3] == -1);
  struct nngen_error e;
  double x = 1;
  assert_false(nngen_encode(&s, 1, &x, codes, &e));
  assert_non_null(strstr(e.text, "a scale per channel"));
}

// ---- what is refused

static void refuses_to_open(const char *path, const struct nngen_options *o, const char *words) {
  struct nngen_error e = {""};
  assert_null(nngen_open(path, o, &e));
  if (!strstr(e.text, words)) fail_msg("expected \"%s\", got \"%s\"", words, e.text);
  assert_null(nngen_open(path, o, NULL));
}

static void test_refused_models(void **state) {
  (void)state;
  refuses_to_open("models/none.bin", &bits8, "models/none.bin");
  refuses_to_open(ACTS, NULL, "its precision must be given");
  refuses_to_open(ACTS, &(struct nngen_options){.precision = "8"}, "expected W,F");
  refuses_to_open(ACTS, &(struct nngen_options){.precision = "8,3", .input_std = "0"}, "above 0");
  refuses_to_open("README.md", &bits8, "README.md");
}

static void test_refused_input(void **state) {
  static int32_t codes[PIXELS];
  static uint8_t pixels[PIXELS];
  struct nngen_error e;
  int32_t output[10] = {42};
  (void)state;
  struct nngen *net = opened(&bits8);
  struct nngen_tap tap = {nngen_layers(net), codes};
  assert_false(nngen_run_pixels(net, 1, pixels, output, &tap, 1, &e));
  assert_non_null(strstr(e.text, "tap 0: layer 12, expected 0 to 11"));
  codes[5] = 128;
  assert_false(nngen_run_codes(net, 1, codes, output, NULL, 0, &e));
  assert_string_equal(e.text, "image 0, element 5: code 128, expected -128 to 127");
  assert_int_equal(output[0], 42);
  double bad = NAN;
  assert_false(nngen_encode(nngen_input(net), 1, &bad, codes, &e));
  assert_string_equal(e.text, "element 0 isn't a finite number");
  nngen_close(net);
}

// ---- models of another kind

enum oddity { NOTHING, TWO_OUTPUTS, NO_LAYER, A_SLICE };

// Two bipolar elements through flatten; or relu of 8 bits, sliced.
static const char *odd_model(struct arena *a, enum oddity what) {
  struct graph *g = graph_new(a, "odd");
  struct err e = {0};
  int64_t two = 2, one = 1, slice[] = {0, 0, 1};
  struct type t = what == A_SLICE ? type_fixed(a, 8, true, 1, 0) : type_of_class(TYPE_BIPOLAR);
  uint32_t x = graph_add_value(g, "x", 1, &two, t, true);
  graph_add_input(g, x, (struct source){0});
  uint32_t n = graph_add_node(g, what == A_SLICE ? OP_relu : OP_flatten, "layer");
  graph_add_use(g, n, (struct use){x, 0, NONE});
  uint32_t y = graph_add_value(g, "y", 1, what == A_SLICE ? &one : &two, t, true);
  graph_add_out(g, n, y);
  if (what == A_SLICE) graph_add_ints(g, n, ATTR_slice, 3, slice);
  graph_add_output(g, what == NO_LAYER ? x : y);
  if (what == TWO_OUTPUTS) graph_add_output(g, x);
  const char *path = arena_printf(a, "/tmp/nngen-test-lib-%d-%d.bin", (int)getpid(), (int)what);
  if (!model_write(path, g, &e)) fail_msg("%s", e.text);
  return path;
}

static void test_odd_models(void **state) {
  static const char *const words[] = {NULL, "2 outputs, expected 1", "there is no layer",
                                      "it is a slice"};
  (void)state;
  for (int i = TWO_OUTPUTS; i <= A_SLICE; i++) {
    struct arena a = {0};
    const char *path = odd_model(&a, (enum oddity)i);
    refuses_to_open(path, NULL, words[i]);
    refuses_to_open(path, NULL, path);
    unlink(path);
    arena_free(&a);
  }
}

// Bipolar codes are -1 and 1; a network whose input has no pixels takes none.
static void test_bipolar(void **state) {
  struct arena a = {0};
  struct nngen_error e = {""};
  const int32_t good[4] = {1, -1, -1, 1};
  int32_t bad[3][2] = {{1, 0}, {-2, 1}, {1, 2}}, found[4];
  (void)state;
  const char *path = odd_model(&a, NOTHING);
  struct nngen *net = nngen_open(path, NULL, &e);
  unlink(path);
  if (!net) fail_msg("%s", e.text);
  assert_true(nngen_run_codes(net, 2, good, found, NULL, 0, &e));
  assert_memory_equal(found, good, sizeof good);
  for (int i = 0; i < 3; i++) {
    assert_false(nngen_run_codes(net, 1, bad[i], found, NULL, 0, &e));
    assert_non_null(strstr(e.text, i ? "expected -1 to 1" : "element 1: code 0, expected -1 to 1"));
  }
  struct nngen_tap tap = {9, found};
  assert_false(nngen_run_codes(net, 2, good, NULL, &tap, 1, NULL));
  assert_false(nngen_run_pixels(net, 1, (const uint8_t *)"ab", found, NULL, 0, &e));
  assert_string_equal(e.text, "the network's input doesn't come from pixels");
  nngen_close(net);
  arena_free(&a);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_every_layer),     cmocka_unit_test(test_affine),
      cmocka_unit_test(test_codes),           cmocka_unit_test(test_threads),
      cmocka_unit_test(test_streams),         cmocka_unit_test(test_decode_channels),
      cmocka_unit_test(test_encode_is_exact), cmocka_unit_test(test_warnings),
      cmocka_unit_test(test_refused_models),  cmocka_unit_test(test_refused_input),
      cmocka_unit_test(test_odd_models),      cmocka_unit_test(test_bipolar),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
