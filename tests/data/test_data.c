// SPDX-License-Identifier: Apache-2.0
// Data sets: good files give their numbers, every damaged file one message and no crash.
#include "sw/base/file.h"
#include "sw/data/array.h"
#include "tests/data/helper_data.h"

#include <string.h>
#include <zlib.h>

static const unsigned char idx3[] = {0, 0, 8, 3, 0, 0, 0, 2, 0, 0, 0,
                                     1, 0, 0, 0, 3, 1, 2, 3, 4, 5, 6};
static const unsigned char idx1[] = {0, 0, 8, 1, 0, 0, 0, 2, 7, 9};

static void idx_plain_and_gzip_give_the_same(void **state) {
  struct fixture *f = *state;
  char *labels = put(f, "l.idx", idx1, sizeof idx1);
  const char *files[] = {put(f, "a.idx", idx3, sizeof idx3), put_gzip(f, "b", idx3, sizeof idx3)};
  for (int i = 0; i < 2; i++) {
    struct images m;
    opens(f, arena_printf(&f->arena, "%s,%s", files[i], labels), 0, &m);
    assert_int_equal(m.count, 2);
    assert_int_equal(m.rank, 3);
    assert_int_equal(m.shape[0] * 100 + m.shape[1] * 10 + m.shape[2], 131);
    assert_int_equal(m.elements, 3);
    assert_memory_equal(m.pixels, idx3 + 16, 6);
    assert_null(m.numbers);
    assert_true(m.has_labels && m.labels[0] == 7 && m.labels[1] == 9);
    assert_null(m.note);
  }
}

static void limit_truncates_and_a_shortage_is_said(void **state) {
  struct fixture *f = *state;
  struct images m;
  char *path = put(f, "a.idx", idx3, sizeof idx3);
  opens(f, path, 1, &m);
  assert_int_equal(m.count, 1);
  assert_null(m.note);
  assert_false(m.has_labels);
  opens(f, path, 3, &m);
  assert_int_equal(m.count, 2);
  assert_null(m.note);
}

static void a_comma_may_be_in_a_file_name(void **state) {
  struct fixture *f = *state;
  struct images m;
  opens(f, put(f, "a,b.idx", idx3, sizeof idx3), 0, &m);
  assert_int_equal(m.count, 2);
}

static void idx_cut_at_every_length_is_refused(void **state) {
  struct fixture *f = *state;
  for (size_t n = 0; n < sizeof idx3; n++) refused(f, put(f, "cut", idx3, n), "cut: ");
  struct err e = {0};
  struct bytes gz;
  assert_true(file_read(&f->arena, put_gzip(f, "g", idx3, sizeof idx3), 1000, &gz, &e));
  for (size_t n = 0; n < gz.size; n++) refused(f, put(f, "cut", gz.data, n), "cut: ");
}

static void idx_every_flipped_gzip_byte_is_refused_or_harmless(void **state) {
  struct fixture *f = *state;
  struct err e = {0};
  struct bytes gz;
  assert_true(file_read(&f->arena, put_gzip(f, "g", idx3, sizeof idx3), 1000, &gz, &e));
  for (size_t n = 0; n < gz.size; n++) {
    gz.data[n] ^= 0x55;
    struct err found = {0};
    struct images m;
    // Time, extra flags and system of the gzip header carry no data.
    bool free_byte = n >= 4 && n < 10;
    bool ok = data_open(&f->arena, put(f, "flip", gz.data, gz.size), 0, &m, &found);
    assert_true(ok ? free_byte : found.text[0] != 0);
    gz.data[n] ^= 0x55;
  }
}

static void idx_bad_headers_are_refused(void **state) {
  struct fixture *f = *state;
  unsigned char bad[sizeof idx3 + 1];
  struct {
    size_t at;
    unsigned char value;
    const char *message;
  } rows[] = {{0, 1, "magic"},
              {2, 0x0a, "magic"},
              {3, 0, "rank"},
              {3, 9, "rank"},
              {4, 0x80, "dimension 0"},
              {7, 0, "dimension 0"},
              {7, 3, "size: "},
              {5, 0xff, "at most"},
              {7, 1, "more bytes than the header"},
              {9, 0xff, "size: "},
              {3, 2, "more bytes than the header"}};
  for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
    memcpy(bad, idx3, sizeof idx3);
    bad[rows[i].at] = rows[i].value;
    refused(f, put(f, "bad", bad, sizeof idx3), rows[i].message);
    refused(f, put_gzip(f, "bad.gz", bad, sizeof idx3), "bad.gz: ");
  }
  memcpy(bad, idx3, sizeof idx3);
  bad[sizeof idx3] = 0;
  refused(f, put(f, "long", bad, sizeof bad), "more bytes than the header");
  refused(f, put_gzip(f, "long.gz", bad, sizeof bad), "more bytes than the header");
  const unsigned char large[] = {0, 0, 8, 1, 1, 0, 0, 0, 5};
  refused(f, put(f, "large", large, sizeof large), "size: expected 16777216 bytes of data");
}

static void trailing_bytes_after_gzip_are_refused(void **state) {
  struct fixture *f = *state;
  struct err e = {0};
  struct bytes gz;
  assert_true(file_read(&f->arena, put_gzip(f, "g", idx3, sizeof idx3), 1000, &gz, &e));
  unsigned char *longer = arena_alloc(&f->arena, gz.size + 1, 1);
  memcpy(longer, gz.data, gz.size);
  refused(f, put(f, "t", longer, gz.size + 1), "expected the end of the file, found 1 more");
}

// zlib counts its input in 32 bits. Only the first two bytes are looked at.
static void gzip_of_4_gib_is_refused(void **state) {
  struct fixture *f = *state;
  const unsigned char magic[] = {0x1f, 0x8b};
  struct array out;
  struct err e = {0};
  assert_false(idx_parse(&f->arena, magic, (size_t)UINT32_MAX + 1, &out, &e));
  assert_string_equal(e.text, "gzip: expected less than 4 GiB, found 4294967296 bytes");
}

// A few bytes that promise 2^28 are refused before memory is taken for them, and a file that
// inflates without end is read no further than its header says.
static void gzip_bombs_are_refused(void **state) {
  struct fixture *f = *state;
  const unsigned char promise[] = {0, 0, 8, 3, 0, 0, 16, 0, 0, 0, 1, 0, 0, 0, 1, 0, 1};
  refused(f, put_gzip(f, "promise", promise, sizeof promise), "the file holds");
  size_t size = (size_t)1 << 24;
  unsigned char *zeros = arena_alloc(&f->arena, size, 1);
  memcpy(zeros, idx3, sizeof idx3);
  refused(f, put_gzip(f, "bomb", zeros, size), "more bytes than the header");
}

static void labels_must_fit_the_images(void **state) {
  struct fixture *f = *state;
  const unsigned char three[] = {0, 0, 8, 1, 0, 0, 0, 3, 7, 9, 1};
  char *images = put(f, "i", idx3, sizeof idx3);
  char *few = put(f, "few", three, sizeof three);
  refused(f, arena_printf(&f->arena, "%s,%s", images, few), "few: labels: expected 2");
  refused(f, arena_printf(&f->arena, "%s,%s/none", images, f->folder), "none: ");
  refused(f, arena_printf(&f->arena, "%s/none", f->folder), "none: ");
  refused(f, f->folder, "not a regular file");
}

// Whole numbers are labels, as far as they fit an int, whatever their type.
static void labels_have_their_types(void **state) {
  struct fixture *f = *state;
  const int64_t wide[] = {7, 2147483647}, large[] = {7, 2147483648};
  const double reals[] = {7, 2};
  char *images = put(f, "i", idx3, sizeof idx3),
       *both = arena_printf(&f->arena, "%s,%s/x.npy", images, f->folder);
  struct images m;
#define LABELS(type) "{'descr':'" type "','fortran_order':False,'shape':(2,)}"
  put_npy(f, 1, LABELS("<i8"), wide, sizeof wide);
  opens(f, both, 0, &m);
  assert_true(m.labels[0] == 7 && m.labels[1] == 2147483647);
  put_npy(f, 1, LABELS("<i8"), large, sizeof large);
  opens(f, both, 0, &m);
  assert_null(m.labels);
  put_npy(f, 1, LABELS("<f8"), reals, sizeof reals);
  opens(f, both, 0, &m);
  assert_true(m.labels[0] == 7 && m.labels[1] == 2);
}

// Every type of IDX, big-endian: -2 and 3, or -1.5 and 0.25.
static void idx_has_its_types(void **state) {
  struct fixture *f = *state;
  static const struct {
    unsigned char type;
    size_t width;
    const char *data;
    double first, second;
  } rows[] = {{0x09, 1, "\xfe\3", -2, 3},
              {0x0b, 2, "\xff\xfe\0\3", -2, 3},
              {0x0c, 4, "\xff\xff\xff\xfe\0\0\0\3", -2, 3},
              {0x0d, 4, "\xbf\xc0\0\0\x3e\x80\0\0", -1.5, 0.25},
              {0x0e, 8, "\xbf\xf8\0\0\0\0\0\0\x3f\xd0\0\0\0\0\0\0", -1.5, 0.25}};
  for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
    unsigned char file[32] = {0, 0, rows[i].type, 1, 0, 0, 0, 2};
    size_t size = 8 + 2 * rows[i].width;
    struct images m;
    memcpy(file + 8, rows[i].data, 2 * rows[i].width);
    for (int gzip = 0; gzip < 2; gzip++) {
      opens(f, (gzip ? put_gzip : put)(f, "typed", file, size), 0, &m);
      assert_true(m.pixels == NULL && m.count == 2);
      assert_true(images_real(&m, 0) == rows[i].first && images_real(&m, 1) == rows[i].second);
    }
    refused(f, put(f, "short", file, size - 1), "size: expected ");
    refused(f, put(f, "long", file, size + 1), "more bytes than the header");
  }
}

// Doubles stay doubles; those that a float can't hold are refused by the float model alone.
static void reals_stay_doubles(void **state) {
  struct fixture *f = *state;
  const double reals[] = {0.1, 1e300};
  struct images m;
  struct err e = {0};
  float x[2];
  opens(f, put_npy(f, 1, LABELS("<f8"), reals, sizeof reals), 0, &m);
  assert_true(images_real(&m, 0) == 0.1 && images_real(&m, 1) == 1e300);
  assert_true(images_floats(NULL, &m, 0, 1, x, &e) && x[0] == 0.1f);
  assert_false(images_floats(NULL, &m, 0, 2, x, &e));
  assert_non_null(strstr(e.text, "x.npy: image 1 holds 1e+300, more than a float"));
}

static void synthetic_digits_are_reproducible(void **state) {
  struct fixture *f = *state;
  struct images a, b, c;
  opens(f, "synthetic:200", 0, &a);
  opens(f, "synthetic:100:1", 0, &b);
  opens(f, "synthetic:100:2", 0, &c);
  assert_int_equal(a.count, 200);
  assert_string_equal(a.name, "synthetic");
  assert_int_equal(a.rank * 1000 + a.shape[0] * 10 + a.shape[2], 3281);
  assert_int_equal(a.elements, 784);
  assert_memory_equal(a.pixels, b.pixels, 100 * 784);
  assert_memory_not_equal(b.pixels, c.pixels, 100 * 784);
  // The bytes themselves: another machine or compiler must draw the same.
  assert_int_equal(crc32(0, a.pixels, 200 * 784), 0xac20b9c3);
  unsigned seen = 0;
  for (int i = 0; i < 200; i++) seen |= 1u << a.labels[i];
  assert_int_equal(seen, 1023);
}

static void synthetic_options_are_checked(void **state) {
  struct fixture *f = *state;
  const char *bad[] = {"synthetic:",
                       "synthetic:0",
                       "synthetic:-1",
                       "synthetic:1x",
                       "synthetic:9999999999",
                       "synthetic:1:",
                       "synthetic:1:2:3",
                       "synthetic:262145",
                       "synthetic:1 :2",
                       "synthetic:1:/",
                       "synthetic:1:18446744073709551616",
                       "synthetic::1"};
  for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) refused(f, bad[i], "expected synthetic");
  refused(f, "synthetics", "synthetics: No such file"); // a file as any other
  struct images m;
  struct err e = {0};
  assert_false(data_open(&f->arena, "synthetic", 262145, &m, &e));
  assert_non_null(strstr(e.text, "with N from 1 to 262144"));
  opens(f, "synthetic:1", 0, &m);
  assert_int_equal(m.count, 1);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      DATA_CASE(idx_plain_and_gzip_give_the_same),
      DATA_CASE(limit_truncates_and_a_shortage_is_said),
      DATA_CASE(a_comma_may_be_in_a_file_name),
      DATA_CASE(idx_cut_at_every_length_is_refused),
      DATA_CASE(idx_every_flipped_gzip_byte_is_refused_or_harmless),
      DATA_CASE(idx_bad_headers_are_refused),
      DATA_CASE(trailing_bytes_after_gzip_are_refused),
      DATA_CASE(gzip_of_4_gib_is_refused),
      DATA_CASE(gzip_bombs_are_refused),
      DATA_CASE(labels_must_fit_the_images),
      DATA_CASE(labels_have_their_types),
      DATA_CASE(idx_has_its_types),
      DATA_CASE(reals_stay_doubles),
      DATA_CASE(synthetic_digits_are_reproducible),
      DATA_CASE(synthetic_options_are_checked),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
