// SPDX-License-Identifier: Apache-2.0
// .npy files: every type and version, and odd headers, each with its message.
#include "tests/data/helper_data.h"

#include "sw/data/array.h"
#include "sw/graph/graph.h"

#include <math.h>

static const unsigned char idx3[] = {0, 0, 8, 3, 0, 0, 0, 2, 0, 0, 0,
                                     1, 0, 0, 0, 3, 1, 2, 3, 4, 5, 6};

static void npy_types_and_versions(void **state) {
  struct fixture *f = *state;
  const float f32[] = {1.5f, -2, 0.25f, 4};
  const double f64[] = {1.5, -2, 0.25, 4};
  const int32_t i32[] = {1, -2, 3, 4};
  const int64_t i64[] = {1, -2, 3, 4};
  struct {
    const char *type;
    const void *data;
    size_t bytes;
    float first, third;
  } rows[] = {{"<f4", f32, 16, 1.5f, 0.25f},
              {"<f8", f64, 32, 1.5f, 0.25f},
              {"<i4", i32, 16, 1, 3},
              {"<i8", i64, 32, 1, 3}};
  for (int i = 0; i < 12; i++) {
    struct images m;
    int r = i % 4;
    const char *header = arena_printf(
        &f->arena, "{'descr': '%s', 'fortran_order': False, 'shape': (2, 2), }   \n", rows[r].type);
    opens(f, put_npy(f, 1 + i / 4, header, rows[r].data, rows[r].bytes), 0, &m);
    assert_int_equal(m.count * 10 + m.rank, 21);
    assert_int_equal(m.elements, 2);
    assert_null(m.pixels);
    assert_true(images_real(&m, 0) == (double)rows[r].first && images_real(&m, 1) == -2 &&
                images_real(&m, 2) == (double)rows[r].third);
  }
}

static void npy_bytes_are_pixels_and_shapes_are_kept(void **state) {
  struct fixture *f = *state;
  struct images m;
  opens(f,
        put_npy(f, 1, "{\"shape\":(2,1,3),\"fortran_order\":False,\"descr\":\"|u1\"}", "abcdef", 6),
        0, &m);
  assert_int_equal(m.shape[0] * 100 + m.shape[1] * 10 + m.shape[2], 131);
  assert_memory_equal(m.pixels, "abcdef", 6);
  opens(f, put_npy(f, 1, "{'descr':'|u1','fortran_order':False,'shape':(3,)}", "abc", 3), 0, &m);
  assert_int_equal(m.count * 100 + m.rank * 10 + m.shape[0], 311);
  const char *deep = "{'descr':'|u1','fortran_order':False,'shape':(1,1,1,1,1,1,1,2)}";
  opens(f, put_npy(f, 1, deep, "ab", 2), 0, &m);
  assert_int_equal(m.count * 100 + m.rank * 10 + m.shape[6], 172);
}

static void npy_odd_headers_are_refused(void **state) {
  struct fixture *f = *state;
  struct {
    const char *header, *message;
  } rows[] = {
      {"", "expected a dictionary"},
      {"{", "expected a key"},
      {"{'descr':'<f4'}", "one missing"},
      {"{'descr':'<f4','fortran_order':False,'shape':(1,)", "expected ',' or '}'"},
      {"{'descr':'<f4','fortran_order':False,'shape':(1,)} x", "found more text"},
      {"{'descr':'=f4','fortran_order':False,'shape':(1,)}", "found =f4"},
      {"{'descr':'|f4','fortran_order':False,'shape':(1,)}", "found |f4"},
      {"{'descr':'<f16','fortran_order':False,'shape':(1,)}", "x.astype(np.float64)"},
      {"{'descr':'|O','fortran_order':False,'shape':(1,)}", "found |O: Python objects"},
      {"{'descr':'<c8','fortran_order':False,'shape':(1,)}", "save x.real"},
      {"{'descr':'<U3','fortran_order':False,'shape':(1,)}", "found <U3: text"},
      {"{'descr':'|V2','fortran_order':False,'shape':(1,)}", "bfloat16 perhaps"},
      {"{'descr':'','fortran_order':False,'shape':(1,)}", "descr: expected b1"},
      {"{'descr':[('a','<f4')],'fortran_order':False,'shape':(1,)}", "x[NAME]"},
      {"{'descr':'<f4','fortran_order':0,'shape':(1,)}", "expected False or True"},
      {"{'descr':'<f4','fortran_order':False,'shape':()}", "rank"},
      {"{'descr':'<f4','fortran_order':False,'shape':(0,)}", "dimension 0"},
      {"{'descr':'<f4','fortran_order':False,'shape':(-1,)}", "expected a number"},
      {"{'descr':'<f4','fortran_order':False,'shape':(1 1)}", "expected ',' or ')'"},
      {"{'descr':'<f4','fortran_order':False,'shape':(1,1,1,1,1,1,1,1,1)}", "at most 8"},
      {"{'descr':'<f4','fortran_order':False,'shape':(99999999999999999999,)}", "dimension 0"},
      {"{'descr':'<f4','fortran_order':False,'shape':(16777216, 16777216)}", "at most"},
      {"{'descr':'<f4','fortran_order':False,'shape':(16777216, 17)}", "at most"},
      {"{'descr':'<f4','fortran_order':False,'shape':(2,)}", "expected 8 bytes of data, found 4"},
      {"{'descr':'<u1','fortran_order':False,'shape':(3,)}", "expected 3 bytes of data, found 4"},
      {"{'descr':'<f4','descr':'<f4','fortran_order':False,'shape':(1,)}", "twice"},
      {"{'descr':'<f4','system':'x','shape':(1,)}", "found system"},
      {"{'a_key_that_is_too_long':1}", "expected a key"},
      {"{'descr' '<f4'}", "expected ':'"},
      {"{descr:'<f4'}", "expected a key"},
      {"{xdescrx:'<f4','fortran_order':False,'shape':(1,)}", "expected a key"},
      {"{'descr':'123456789012345'}", "found 123456789012345"},
      {"{'descr':'1234567890123456'}", "expected a plain type"},
      {"{'descr':<f4}", "expected a plain type"},
      {"{'descr", "expected a key"},
  };
  for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
    refused(f, put_npy(f, 1, rows[i].header, "\0\0\0\0", 4), rows[i].message);
  refused(f, put_npy(f, 4, "{}", "", 0), "version");
  refused(f, put(f, "short", "\x93NUMPY\1\0", 8), "cut short");
  refused(f, put(f, "short", "\x93NUMPY\1\0\x0c\0{}", 12), "expected 12 bytes, found 2");
  refused(f, put(f, "huge", "\x93NUMPY\2\0\0\0\0\x80{}", 14), "at most 65536");
}

// A header as long as two bytes of its length say, and none of the data's bytes belongs to it.
static void npy_headers_end_where_they_say(void **state) {
  struct fixture *f = *state;
  struct images m;
  const float data[] = {1, 2};
  const char *entries = "{'descr':'<f4','fortran_order':False,'shape':(2,)";
  for (int major = 1; major <= 3; major++) {
    opens(f, put_npy(f, major, arena_printf(&f->arena, "%s%*s}", entries, 700, ""), data, 8), 0,
          &m);
    assert_int_equal(m.count, 2);
    assert_true(images_real(&m, 1) == 2);
  }
  refused(f, put_npy(f, 1, "{'descr':'<f4','fortran_order':False,'shape':(2", "),}\n12345678", 12),
          "expected ',' or ')'");
  refused(f, put_npy(f, 1, entries, "}1234567", 8), "header: expected ',' or '}'");
}

static void npy_values_that_are_no_numbers_are_refused(void **state) {
  struct fixture *f = *state;
  const float bad[] = {1, NAN};
  const double bad64[] = {1, -INFINITY};
  const unsigned char bad16[] = {0, 0, 0, 0x7c};
  refused(f, put_npy(f, 1, "{'descr':'<f4','fortran_order':False,'shape':(2,)}", bad, 8),
          "image 1: expected a finite value");
  refused(f, put_npy(f, 1, "{'descr':'<f8','fortran_order':False,'shape':(2,)}", bad64, 16),
          "image 1: expected a finite value");
  refused(f, put_npy(f, 1, "{'descr':'<f2','fortran_order':False,'shape':(2,)}", bad16, 4),
          "image 1: expected a finite value");
}

static void npy_labels(void **state) {
  struct fixture *f = *state;
  struct images m;
  const int64_t good[] = {3, 1000}, large[] = {3, (int64_t)1 << 31};
  const float floats[] = {1, 2}, targets[] = {1.5f, 2};
  char *images = put(f, "i", idx3, sizeof idx3);
  const char *i64 = "{'descr':'<i8','fortran_order':False,'shape':(2,)}";
  opens(f, arena_printf(&f->arena, "%s,%s", images, put_npy(f, 1, i64, good, 16)), 0, &m);
  assert_int_equal(m.labels[1], 1000);
  opens(f, arena_printf(&f->arena, "%s,%s", images, put_npy(f, 1, i64, large, 16)), 0, &m);
  assert_true(m.has_labels && !m.labels && m.answers);
  const char *f32 = "{'descr':'<f4','fortran_order':False,'shape':(2,)}";
  opens(f, arena_printf(&f->arena, "%s,%s", images, put_npy(f, 1, f32, floats, 8)), 0, &m);
  assert_true(m.labels[0] == 1 && m.labels[1] == 2);
  opens(f, arena_printf(&f->arena, "%s,%s", images, put_npy(f, 1, f32, targets, 8)), 0, &m);
  assert_null(m.labels);
}

// What is written is read again, numpy's alignment too.
static void npy_written(void **state) {
  struct fixture *f = *state;
  const int64_t shapes[2][2] = {{4, 3}, {12, 0}};
  for (int i = 0; i < 8; i++) {
    const enum dtype types[] = {DTYPE_F32, DTYPE_I32, DTYPE_I64, DTYPE_I8};
    struct tensor *t = tensor_new(&f->arena, types[i / 2], 2 - i % 2, shapes[i % 2]);
    struct text file = {0};
    struct images m;
    for (int k = 0; k < 12; k++)
      if (types[i / 2] == DTYPE_F32)
        ((float *)t->data)[k] = (float)k / 4 - 1;
      else
        tensor_set_int(t, k, k == 3 && i / 2 == 2 ? INT64_C(-9007199254740991) : k - 4);
    npy_put(&file, t);
    assert_int_equal((file.size - 12 * dtype_size(t->dtype)) % 64, 0);
    opens(f, put(f, "x.npy", file.data, file.size), 0, &m);
    text_free(&file);
    assert_int_equal(m.count * 100 + m.rank * 10 + m.shape[0], i % 2 ? 1211 : 413);
    for (int k = 0; k < 12; k++) assert_true(images_real(&m, k) == tensor_real(t, k));
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      DATA_CASE(npy_types_and_versions),
      DATA_CASE(npy_bytes_are_pixels_and_shapes_are_kept),
      DATA_CASE(npy_odd_headers_are_refused),
      DATA_CASE(npy_headers_end_where_they_say),
      DATA_CASE(npy_values_that_are_no_numbers_are_refused),
      DATA_CASE(npy_labels),
      DATA_CASE(npy_written),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
