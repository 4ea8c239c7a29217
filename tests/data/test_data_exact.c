// SPDX-License-Identifier: Apache-2.0
// Numbers of a file reach the input's integers exactly: every type that numpy writes, in either
// order of bytes and axes, against an oracle in 128-bit integers; archives; and what files of other
// programs are told to do.
#include "sw/base/text.h"
#include "sw/data/array.h"
#include "sw/graph/graph.h"
#include "tests/data/helper_data.h"

#include <math.h>
#include <string.h>
#include <zlib.h>

// ---- codes

static struct graph *input_of(struct arena *a, int width, double scale, int32_t zero, int64_t n) {
  struct graph *g = graph_new(a, "g");
  struct type t = type_fixed(a, width, true, scale, zero);
  graph_add_input(g, graph_add_value(g, "x", 1, &n, t, true), (struct source){0});
  return g;
}

// The code of v * 2^fraction, |fraction| <= 32, rounded half to even by division.
static int64_t oracle(fix_wide v, int fraction, int width) {
  fix_wide step = (fix_wide)1 << (fraction < 0 ? -fraction : 0), most = (fix_wide)1 << (width - 1);
  fix_wide n = v * ((fix_wide)1 << (fraction > 0 ? fraction : 0));
  fix_wide q = n / step - (n % step < 0), twice = 2 * (n - q * step);
  q += twice > step || (twice == step && q % 2 != 0);
  return (int64_t)(q < -most ? -most : q > most - 1 ? most - 1 : q);
}

static void check_integers(struct fixture *f, const char *type, const void *data, size_t bytes,
                           int64_t n, const fix_wide *exact) {
  static const int fractions[] = {0, 3, 30, -1, -8, -20, -32};
  const char *header = arena_printf(
      &f->arena, "{'descr':'%s','fortran_order':False,'shape':(1,%lld)}", type, (long long)n);
  struct images m;
  opens(f, put_npy(f, 1, header, data, bytes), 0, &m);
  for (size_t k = 0; k < sizeof fractions / sizeof *fractions; k++)
    for (int width = 8; width <= 32; width += 24) {
      struct graph *g = input_of(&f->arena, width, ldexp(1, -fractions[k]), 0, n);
      const int32_t *codes = images_codes(&f->arena, g, &m, 0, 1);
      for (int64_t i = 0; i < n; i++)
        assert_int_equal(codes[i], oracle(exact[i], fractions[k], width));
    }
}

static void integers_are_exact(void **state) {
  struct fixture *f = *state;
  const int64_t wide[] = {
      16777217, -16777217, 2147483647, 123456789, ((int64_t)1 << 53) + 1,
      // ties of a step of 2^32, and their neighbours beyond a double's reach
      ((int64_t)5 << 32) + ((int64_t)1 << 31), ((int64_t)1073741823 << 32) + ((int64_t)1 << 31) + 1,
      ((int64_t)1073741824 << 32) + ((int64_t)1 << 31) - 1, INT64_MAX, INT64_MIN};
  const uint64_t large[] = {UINT64_MAX, (uint64_t)1 << 63, 3};
  const int16_t small[] = {-32768, 32767, 5, -1};
  fix_wide exact[10];
  for (int i = 0; i < 10; i++) exact[i] = wide[i];
  check_integers(f, "<i8", wide, sizeof wide, 10, exact);
  for (int i = 0; i < 3; i++) exact[i] = large[i];
  check_integers(f, "<u8", large, sizeof large, 3, exact);
  for (int i = 0; i < 4; i++) exact[i] = small[i];
  check_integers(f, "<i2", small, sizeof small, 4, exact);
}

static void doubles_are_exact(void **state) {
  struct fixture *f = *state;
  const double v[] = {0.5 + 1e-9, 0.5 - 1e-9, 1.5 - 1e-9, 2.5 + 1e-9, -0.5 - 1e-9,
                      0.5,        1.5,        1e300,      -1e300,     1e-320};
  const int32_t expected[] = {1, 0, 1, 3, -1, 0, 2, 127, -128, 0};
  struct images m;
  opens(f, put_npy(f, 1, "{'descr':'<f8','fortran_order':False,'shape':(1,10)}", v, sizeof v), 0,
        &m);
  struct graph *g = input_of(&f->arena, 8, 1, 0, 10);
  assert_memory_equal(images_codes(&f->arena, g, &m, 0, 1), expected, sizeof expected);
  g = input_of(&f->arena, 32, 0x1p-60, 0, 10);
  assert_int_equal(images_codes(&f->arena, g, &m, 0, 1)[7], INT32_MAX);
  g = input_of(&f->arena, 8, 0.1, 3, 10); // (v / 0.1) in double, as weights have it
  assert_int_equal(images_codes(&f->arena, g, &m, 0, 1)[5], 8);
}

// ---- types and orders

// (2, 2, 3): 0 1 2 ... 11 in C's order, by index in every type.
static void types_and_orders(void **state) {
  struct fixture *f = *state;
  static const struct {
    const char *type;
    int bytes;
    bool real;
  } types[] = {{"i1", 1, 0}, {"i2", 2, 0}, {"u2", 2, 0}, {"i4", 4, 0}, {"u4", 4, 0},
               {"i8", 8, 0}, {"u8", 8, 0}, {"f2", 2, 1}, {"f4", 4, 1}, {"f8", 8, 1}};
  for (size_t k = 0; k < 4 * sizeof types / sizeof *types; k++) {
    bool big = k & 1, fortran = k & 2;
    int bytes = types[k / 4].bytes;
    unsigned char data[12 * 8] = {0};
    for (int i = 0; i < 12; i++) {
      int at = fortran ? i / 6 + 2 * (i / 3 % 2) + 4 * (i % 3) : i; // where element i stands
      uint64_t bits = (uint64_t)i;
      float f32 = (float)i;
      double f64 = i;
      if (types[k / 4].real && bytes == 8) memcpy(&bits, &f64, 8);
      if (types[k / 4].real && bytes == 4) memcpy(&bits, &f32, 4);
      if (types[k / 4].real && bytes == 2 && i) {
        int exponent = ilogb(i);
        bits = (uint64_t)(exponent + 15) << 10 | (uint64_t)(ldexp(i, 10 - exponent) - 1024);
      }
      for (int b = 0; b < bytes; b++)
        data[at * bytes + (big ? bytes - 1 - b : b)] = (unsigned char)(bits >> (8 * b));
    }
    struct images m;
    const char *header =
        arena_printf(&f->arena, "{'descr':'%c%s','fortran_order':%s,'shape':(2,2,3)}",
                     big ? '>' : '<', types[k / 4].type, fortran ? "True" : "False");
    opens(f, put_npy(f, 1, header, data, (size_t)(12 * bytes)), 0, &m);
    for (int i = 0; i < 12; i++) assert_true(images_real(&m, i) == i);
  }
  struct images m;
  opens(f, put_npy(f, 1, "{'descr':'|b1','fortran_order':False,'shape':(1,3)}", "\1\0\1", 3), 0,
        &m);
  assert_true(images_real(&m, 0) == 1 && images_real(&m, 1) == 0 && !m.pixels);
  opens(f, put_npy(f, 1, "{'descr':'|u1','fortran_order':True,'shape':(2,3)}", "adbecf", 6), 0, &m);
  assert_memory_equal(m.pixels, "abcdef", 6);
  const unsigned char halves[] = {0, 0xbc, 1, 0, 0xff, 0x7b}; // -1, 2^-24, 65504
  opens(f, put_npy(f, 1, "{'descr':'<f2','fortran_order':False,'shape':(1,3)}", halves, 6), 0, &m);
  assert_true(images_real(&m, 0) == -1 && images_real(&m, 1) == 0x1p-24 &&
              images_real(&m, 2) == 65504);
}

// ---- archives

static void put_le(struct text *t, uint64_t v, int bytes) {
  for (int i = 0; i < bytes; i++) text_put(t, (char[]){(char)(v >> (8 * i))}, 1);
}

struct archive {
  struct text file, directory;
  int members;
};

static void add_member(struct archive *z, const char *name, const void *data, size_t size,
                       bool deflated, int flags) {
  unsigned char packed[4096];
  size_t length = size, at = z->file.size, n = strlen(name);
  memcpy(packed, data, size);
  if (deflated) {
    z_stream s = {.next_in = (z_const Bytef *)(uintptr_t)data, .avail_in = (uInt)size};
    s.next_out = packed;
    s.avail_out = sizeof packed;
    assert_int_equal(deflateInit2(&s, 9, Z_DEFLATED, -15, 8, Z_DEFAULT_STRATEGY), Z_OK);
    assert_int_equal(deflate(&s, Z_FINISH), Z_STREAM_END);
    length = sizeof packed - s.avail_out;
    deflateEnd(&s);
  }
  for (int central = 0; central < 2; central++) {
    struct text *t = central ? &z->directory : &z->file;
    text_puts(t, central ? "PK\1\2" : "PK\3\4");
    put_le(t, 20, central ? 4 : 2);
    put_le(t, (uint64_t)flags, 2);
    put_le(t, deflated ? 8 : 0, 2);
    put_le(t, 0, 4); // time
    put_le(t, crc32(0, data, (uInt)size), 4);
    put_le(t, central ? length : UINT32_MAX, 4); // numpy has the sizes in the extra field here
    put_le(t, central ? size : UINT32_MAX, 4);
    put_le(t, n, 2);
    put_le(t, central ? 0 : 4, 2);
    if (central) put_le(t, 0, 8);
    if (central) put_le(t, 0, 2);
    if (central) put_le(t, at, 4);
    text_puts(t, name);
    if (!central) put_le(t, 0, 4);
  }
  text_put(&z->file, (char *)packed, length);
  z->members++;
}

static char *archive_put(struct fixture *f, struct archive *z) {
  size_t at = z->file.size;
  text_put(&z->file, z->directory.data ? z->directory.data : "", z->directory.size);
  text_puts(&z->file, "PK\5\6");
  put_le(&z->file, 0, 4);
  put_le(&z->file, (uint64_t)z->members, 2);
  put_le(&z->file, (uint64_t)z->members, 2);
  put_le(&z->file, z->directory.size, 4);
  put_le(&z->file, at, 4);
  put_le(&z->file, 0, 2);
  char *path = put(f, "a.npz", z->file.data, z->file.size);
  text_free(&z->file);
  text_free(&z->directory);
  return path;
}

#define NPY(shape, data)                                                                           \
  "\x93NUMPY\1\0\x3b\0{'descr':'|i1','fortran_order':False,'shape':" shape "}       \n" data

static void archives(void **state) {
  struct fixture *f = *state;
  static const char x[] = NPY("(2,3)", "\1\2\3\4\5\6"), y[] = NPY("(2, )", "\7\5");
  struct images m;
  for (int deflated = 0; deflated < 2; deflated++) {
    struct archive one = {0}, two = {0};
    add_member(&one, "x.npy", x, sizeof x - 1, deflated, 0);
    opens(f, archive_put(f, &one), 0, &m);
    assert_true(images_real(&m, 5) == 6 && m.elements == 3);
    add_member(&two, "readme", "hello", 5, false, 0);
    add_member(&two, "x.npy", x, sizeof x - 1, deflated, 0);
    add_member(&two, "y.npy", y, sizeof y - 1, deflated, 0);
    char *path = archive_put(f, &two);
    refused(f, path, "a.npz: 2 arrays: which? FILE.npz:NAME takes one of x, y");
    refused(f, arena_printf(&f->arena, "%s:z", path), "there is no array \"z\" in it, only x, y");
    opens(f, arena_printf(&f->arena, "%s:x,%s:y", path, path), 0, &m);
    assert_true(images_real(&m, 0) == 1 && m.labels[0] == 7 && m.labels[1] == 5);
  }
  refused(f, arena_printf(&f->arena, "%s:x", put(f, "x.npy", x, sizeof x - 1)), "names an array");
}

static void damaged_archives_are_refused(void **state) {
  struct fixture *f = *state;
  static const char x[] = NPY("(2,3)", "\1\2\3\4\5\6");
  struct archive none = {0}, secret = {0}, whole = {0};
  add_member(&none, "a/data.pkl", "hello", 5, false, 0);
  refused(f, archive_put(f, &none), "a PyTorch file: np.save(");
  add_member(&secret, "x.npy", x, sizeof x - 1, true, 1);
  refused(f, archive_put(f, &secret), "a.npz: x: zip: encrypted");
  add_member(&whole, "x.npy", x, sizeof x - 1, true, 0);
  struct bytes {
    unsigned char data[4096];
    size_t size;
  } b = {{0}, 0};
  char *path = archive_put(f, &whole);
  FILE *file = fopen(path, "rb");
  b.size = fread(b.data, 1, sizeof b.data, file);
  fclose(file);
  // every cut, and every byte changed: a message or the same numbers, and never more memory
  for (size_t n = 4; n < b.size; n++) refused(f, put(f, "cut", b.data, n), "cut");
  struct images m;
  struct err e;
  for (size_t i = 4; i < b.size; i++) {
    b.data[i] ^= 0x41;
    e = (struct err){0};
    bool ok = data_open(&f->arena, put(f, "changed", b.data, b.size), 0, &m, &e);
    assert_true(ok ? images_real(&m, 5) == 6 : e.text[0]);
    b.data[i] ^= 0x41;
  }
  // 2 GB out of a few bytes
  memcpy(b.data + b.size - 22 - 51 + 24, "\0\0\0\x7f", 4);
  refused(f, put(f, "bomb", b.data, b.size), "which can't be");
}

// ---- foreign files, and axes

static void foreign_files_have_a_remedy(void **state) {
  struct fixture *f = *state;
  static const struct {
    const char *content, *words;
  } rows[] = {{"1.5,2,3\n4,5,6\n", "found text: np.save(\"x.npy\", np.loadtxt(FILE"},
              {"\x80\4\x95", "a Python pickle"},
              {"\x89PNG\r\n", "a PNG picture"},
              {"\xff\xd8\xff\xe0", "a JPEG picture"},
              {"\x89HDF\r\n", "an HDF5 file"},
              {"PAR1", "a Parquet file"},
              {"PK\3\4rubbish", "zip: the directory at its end is missing"}};
  for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
    refused(f, put(f, "foreign", rows[i].content, strlen(rows[i].content)), rows[i].words);
  refused(f, put(f, "odd", "\0\0\x0a\1\0\0\0\1\0\0\0\0", 12),
          "expected IDX (00 00, then 08 for bytes, 09, 0b, 0c, 0d or 0e), .npy or .npz, found 00 "
          "00 0a");
  refused(f, "", "--data \"\": the name of a file is empty");
  refused(f, ",y.npy", "the name of a file is empty");
  refused(f, "x.npy,", "no file is named after the comma");
}

static void fits(struct arena *a, int rank, const int64_t *shape, int found_rank,
                 const int64_t *found, const char *words) {
  struct graph *g = graph_new(a, "g");
  struct err e = {0};
  struct images m = {.name = "x.npy", .rank = found_rank};
  graph_add_input(g, graph_add_value(g, "x", rank, shape, type_real(), true), (struct source){0});
  memcpy(m.shape, found, (size_t)found_rank * sizeof *found);
  m.elements = shape_elements(found_rank, found);
  bool ok = images_fit(&m, g, &e);
  if (ok != !*words || !strstr(e.text, words))
    fail_msg("expected \"%s\", got \"%s\"", words, e.text);
}

static void axes_in_another_order_are_noticed(void **state) {
  struct fixture *f = *state;
  struct arena *a = &f->arena;
  const int64_t hwc[] = {32, 32, 3}, chw[] = {3, 32, 32}, wide[] = {20, 30, 3},
                turned[] = {3, 30, 20}, grey[] = {28, 28, 1}, grey_first[] = {1, 28, 28},
                flat[] = {784}, rgb[] = {3072}, other[] = {48, 64}, column[] = {784, 1},
                first[] = {3, 20, 30};
  fits(a, 3, hwc, 3, hwc, "");
  fits(a, 3, hwc, 1, rgb, "");
  fits(a, 1, rgb, 3, hwc, "");
  fits(a, 3, hwc, 3, chw, "np.save(FILE, x.transpose(0, 2, 3, 1))");
  fits(a, 3, wide, 3, first, "images of 3 x 20 x 30, input \"x\" of the model is 20 x 30 x 3");
  fits(a, 3, wide, 3, first, "x.transpose(0, 2, 3, 1)");
  fits(a, 3, wide, 3, turned, "x.transpose(0, 3, 2, 1)");
  fits(a, 3, (int64_t[]){4, 5, 1}, 3, (int64_t[]){5, 4, 1},
       "np.save(FILE, x.reshape(len(x), 5, 4).transpose(0, 2, 1))"); // of an array without the 1
  fits(a, 3, grey, 3, grey_first, "");                               // the same order
  fits(a, 3, grey, 1, flat, "");
  fits(a, 3, grey, 2, column, "");
  fits(a, 3, hwc, 2, other, "x.reshape(len(x), -1)");
  fits(a, 3, grey, 1, rgb, "images of 3072 elements, input \"x\" of the model has 784");
}

int main(void) {
  const struct CMUnitTest tests[] = {
      DATA_CASE(integers_are_exact),
      DATA_CASE(doubles_are_exact),
      DATA_CASE(types_and_orders),
      DATA_CASE(archives),
      DATA_CASE(damaged_archives_are_refused),
      DATA_CASE(foreign_files_have_a_remedy),
      DATA_CASE(axes_in_another_order_are_noticed),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
