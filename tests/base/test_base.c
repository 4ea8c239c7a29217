// SPDX-License-Identifier: Apache-2.0
// The leaf helpers: errors, arena, text, files, random numbers, JSON, the progress line.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "sw/base/arena.h"
#include "sw/base/bits.h"
#include "sw/base/err.h"
#include "sw/base/file.h"
#include "sw/base/json.h"
#include "sw/base/listing.h"
#include "sw/base/nearest_word.h"
#include "sw/base/progress.h"
#include "sw/base/rng.h"
#include "sw/base/text.h"

#include <dirent.h>
#include <fcntl.h>
#include <math.h>
#include <signal.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

// Every width: its largest number, and the next.
static void bits_hold_a_number_and_not_the_next(void **state) {
  (void)state;
  assert_int_equal(bits_unsigned(0), 1);
  assert_int_equal(bits_unsigned(UINT64_MAX), 64);
  assert_int_equal(bits_signed(0), 1);
  assert_int_equal(bits_signed(-1), 1);
  assert_int_equal(bits_clog2(0), 0);
  assert_int_equal(bits_clog2(1), 0);
  assert_int_equal(bits_clog2(INT64_MAX), 63);
  for (int b = 1; b < 63; b++) {
    int64_t end = (int64_t)1 << b;
    assert_int_equal(bits_unsigned((uint64_t)end - 1), b);
    assert_int_equal(bits_unsigned((uint64_t)end), b + 1);
    assert_int_equal(bits_signed(end - 1), b + 1);
    assert_int_equal(bits_signed(end), b + 2);
    assert_int_equal(bits_signed(-end), b + 1);
    assert_int_equal(bits_signed(-end - 1), b + 2);
    assert_int_equal(bits_clog2(end), b);
    assert_int_equal(bits_clog2(end + 1), b + 1);
  }
}

static void the_first_error_wins_and_gets_context(void **state) {
  (void)state;
  struct err e = {0};
  assert_false(err_set(&e, "size %d", 3));
  assert_false(err_set(&e, "later"));
  assert_string_equal(e.text, "size 3");
  assert_false(err_within(&e, "layer \"%s\"", "fc1"));
  assert_false(err_within(&e, "m.bin"));
  assert_string_equal(e.text, "m.bin: layer \"fc1\": size 3");
}

static void a_long_error_is_cut_not_overrun(void **state) {
  (void)state;
  struct err e = {0};
  char word[2 * ERR_TEXT];
  memset(word, 'x', sizeof word - 1);
  word[sizeof word - 1] = 0;
  err_put(&e, "%s", word);
  assert_int_equal(strlen(e.text), ERR_TEXT - 1);
  err_put_within(&e, "abc");
  assert_int_equal(strlen(e.text), ERR_TEXT - 1);
  assert_memory_equal(e.text, "abc: xx", 7);
  err_put_within(&e, "%s", word);
  assert_int_equal(strlen(e.text), ERR_TEXT - 1);
  e = (struct err){0};
  err_put(&e, "what was wrong");
  err_put_within(&e, "%s", word);
  assert_non_null(strstr(e.text, "xx...xx"));
  assert_non_null(strstr(e.text, "xx: what was wrong"));
  e = (struct err){0};
  err_put(&e, "layer \"%s\": what was wrong", word);
  assert_non_null(strstr(e.text, "xx...xx"));
  assert_non_null(strstr(e.text, "xx\": what was wrong"));
}

static void control_bytes_are_printed_escaped(void **state) {
  (void)state;
  struct err e = {0};
  char *found = NULL;
  size_t size = 0;
  FILE *to = open_memstream(&found, &size);
  err_put(&e, "layer \"\033[2J\n\x7f\"");
  err_print(to, &e);
  fclose(to);
  assert_string_equal(found, "nngen: layer \"\\x1b[2J\\x0a\\x7f\"\n");
  free(found);
}

static void arena_memory_is_zeroed_aligned_and_apart(void **state) {
  (void)state;
  struct arena a = {0};
  unsigned char *last = NULL;
  for (size_t n = 0; n < 300; n++) {
    size_t bytes = n * n * 3;
    unsigned char *p = arena_alloc(&a, n * n, 3);
    assert_int_equal((uintptr_t)p % 64, 0);
    for (size_t i = 0; i < bytes; i++) assert_int_equal(p[i], 0);
    memset(p, 0xff, bytes);
    assert_true(p != last || bytes == 0);
    if (bytes) last = p;
  }
  assert_string_equal(arena_printf(&a, "%d-%s", 7, "x"), "7-x");
  char *copy = arena_strdup(&a, "word");
  assert_string_equal(copy, "word");
  assert_non_null(arena_copy(&a, NULL, 0));
  arena_free(&a);
  assert_null(a.chunk);
}

static void text_grows_and_keeps_its_end(void **state) {
  (void)state;
  struct text t = {0};
  size_t expected = 0;
  for (int i = 0; i < 1000; i++) {
    text_printf(&t, "%d,", i);
    text_puts(&t, "ab");
    text_put(&t, "\0", 1);
    expected += (size_t)(5 + (i >= 10) + (i >= 100));
    assert_int_equal(t.size, expected);
    assert_int_equal(t.data[t.size], 0);
  }
  assert_memory_equal(t.data,
                      "0,ab\0"
                      "1,ab",
                      9);
  text_free(&t);
  assert_null(t.data);
}

static int entries_in(const char *folder) {
  int count = 0;
  DIR *d = opendir(folder);
  while (readdir(d)) count++;
  closedir(d);
  return count - 2;
}

static void files_are_replaced_whole(void **state) {
  (void)state;
  struct arena a = {0};
  struct err e = {0};
  struct bytes b;
  char *folder = arena_printf(&a, "%s/nngen_test_base_XXXXXX", file_scratch());
  assert_non_null(mkdtemp(folder));
  char *path = arena_printf(&a, "%s/f", folder), *link = arena_printf(&a, "%s/link", folder);
  assert_false(file_exists(path));
  assert_true(file_write(path, "one", 3, &e));
  assert_true(file_write(path, "second", 6, &e));
  assert_true(file_exists(path));
  assert_true(file_read(&a, path, 6, &b, &e));
  assert_int_equal(b.size, 6);
  assert_memory_equal(b.data, "second", 6);
  struct stat st;
  assert_int_equal(stat(path, &st), 0);
  assert_int_equal(st.st_mode & 0777, 0644);
  assert_false(file_read(&a, path, 5, &b, &e));
  assert_non_null(strstr(e.text, "has 6 bytes, at most 5"));
  assert_int_equal(symlink(path, link), 0);
  struct err twice = {0}, through = {0}, folder_error = {0};
  assert_false(file_create(path, "x", 1, &twice));
  assert_false(file_create(link, "x", 1, &through));
  assert_false(file_read(&a, folder, 100, &b, &folder_error));
  assert_non_null(strstr(folder_error.text, "not a regular file"));
  unlink(link);
  assert_int_equal(entries_in(folder), 1);
  unlink(path);
  rmdir(folder);
  arena_free(&a);
}

// A write that fails leaves the old file and no temporary one.
// A process that is ended while it writes leaves what was there, and nothing beside it.
static void an_ended_write_leaves_nothing(void **state) {
  (void)state;
  enum { SIZE = 32 << 20, TIMES = 6 };
  char folder[] = "/tmp/nngen-ended-XXXXXX", path[64];
  char *data = calloc(SIZE, 1);
  struct err e = {0};
  int ended = 0;
  assert_non_null(mkdtemp(folder));
  snprintf(path, sizeof path, "%s/net.bin", folder);
  assert_true(file_write(path, "one", 3, &e));
  for (int i = 0; i < TIMES; i++) {
    struct stat st;
    pid_t child = fork();
    if (child == 0) {
      signal(SIGINT, SIG_DFL); // a shell's background jobs ignore it
      _exit(!file_write(path, data, SIZE, &e));
    }
    nanosleep(&(struct timespec){.tv_nsec = (i + 1) * 1000000L}, NULL);
    kill(child, SIGINT);
    int status;
    waitpid(child, &status, 0);
    ended += WIFSIGNALED(status);
    assert_int_equal(stat(path, &st), 0);
    assert_true(st.st_size == 3 || st.st_size == SIZE);
    assert_int_equal(entries_in(folder), 1);
    if (st.st_size == SIZE) assert_true(file_write(path, "one", 3, &e));
  }
  assert_true(ended > 0);
  unlink(path);
  rmdir(folder);
  free(data);
}

static void a_failed_write_changes_nothing(void **state) {
  (void)state;
  struct err e = {0}, full = {0};
  assert_false(file_write("no_such_folder/f", "x", 1, &e));
  assert_non_null(strstr(e.text, "no_such_folder/f: "));
  int fd = open("/dev/full", O_WRONLY);
  if (fd < 0) return;
  close(fd);
  assert_false(file_create("/dev/full", "x", 1, &full));
  assert_int_not_equal(full.text[0], 0);
}

static void random_numbers_depend_on_the_counter_alone(void **state) {
  (void)state;
  struct rng r = {42, 0};
  for (uint64_t i = 0; i < 100; i++) assert_true(rng_next(&r) == rng_at(42, 0, i));
  assert_true(rng_at(1, 0, 0) != rng_at(0, 1, 0) && rng_at(1, 2, 3) != rng_at(1, 3, 2));
  // Fixed, so that no seed changes its meaning unnoticed.
  assert_true(rng_at(1, 2, 3) == 0x9507d87fb06ab03au);
}

static void random_ranges_are_met_to_their_ends(void **state) {
  (void)state;
  struct rng r = {7, 0};
  int seen[7] = {0};
  double sum = 0;
  for (int i = 0; i < 7000; i++) {
    int64_t x = rng_range(&r, -3, 3);
    assert_true(x >= -3 && x <= 3);
    seen[x + 3]++;
    double u = rng_unit(&r);
    assert_true(u >= 0 && u < 1);
    sum += u;
  }
  for (int i = 0; i < 7; i++) assert_true(seen[i] > 850 && seen[i] < 1150);
  assert_true(sum > 3300 && sum < 3700);
  assert_true(rng_range(&r, INT64_MIN, INT64_MAX) != rng_range(&r, INT64_MIN, INT64_MAX));
  assert_int_equal(rng_range(&r, 5, 5), 5);
}

static bool json_good(const char *text) {
  struct err e = {0};
  json_t *j = json_parse(text, strlen(text), &e);
  bool good = j != NULL;
  assert_true(good ? !e.text[0] : e.text[0] != 0);
  json_decref(j);
  return good;
}

static void json_is_strict_and_bounded(void **state) {
  (void)state;
  assert_true(json_good("{\"a\":[1,2.5,\"[[[\\\"]\",null]}"));
  // brackets in a word don't nest, also behind a quotation mark that doesn't end it
  assert_true(json_good("[\"\\\"[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[\"]"));
  const char *bad[] = {"",           "{",     "{\"a\":1,\"a\":2}", "[1] x", "[1,]",
                       "[\"\xff\"]", "[NaN]", "[1e999]",           "['a']", "[01]"};
  for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
    if (json_good(bad[i])) fail_msg("accepted: %s", bad[i]);
  struct text t = {0};
  const int depths[] = {1, 32, 33, 100000};
  for (int k = 0; k < 4; k++) {
    int depth = depths[k];
    t.size = 0;
    for (int i = 0; i < depth; i++) text_puts(&t, "[");
    for (int i = 0; i < depth; i++) text_puts(&t, "]");
    assert_int_equal(json_good(t.data), depth <= JSON_DEPTH_MAX);
  }
  text_free(&t);
}

static void json_keys_are_checked(void **state) {
  (void)state;
  static const char *const keys[] = {"a", "b", NULL};
  struct err e = {0};
  json_t *good = json_parse("{\"b\":1}", 7, &e), *bad = json_parse("{\"b\":1,\"c\":2}", 13, &e);
  assert_true(json_only(good, keys, "node", &e));
  assert_false(json_only(bad, keys, "node", &e));
  assert_non_null(strstr(e.text, "c"));
  json_decref(good);
  json_decref(bad);
}

static void json_numbers_are_the_shortest_that_read_back(void **state) {
  (void)state;
  struct text t = {0};
  const double values[] = {0.1, 0.1 + 0.2, 1.0 / 3, 1e300, 5e-324, 0.125, 123456789, -2.5};
  for (size_t i = 0; i < sizeof values / sizeof *values; i++) {
    t.size = 0;
    json_put_real(&t, values[i]);
    assert_true(strtod(t.data, NULL) == values[i]);
  }
  t.size = 0;
  json_put_real(&t, 0.1);
  assert_string_equal(t.data, "0.1");
  t.size = 0;
  json_put_real(&t, 0.1 + 0.2); // needs all 17 digits
  assert_string_equal(t.data, "0.30000000000000004");
  t.size = 0;
  json_put_string(&t, "a\xff"
                      "b");
  assert_string_equal(t.data, "\"a\\ufffdb\"");
  t.size = 0;
  json_put_string(&t, "a\"\\\n\x01");
  struct err e = {0};
  char *array = NULL;
  assert_true(asprintf(&array, "[%s]", t.data) > 0);
  json_t *back = json_parse(array, strlen(array), &e);
  assert_non_null(back);
  assert_string_equal(json_string_value(json_array_get(back, 0)), "a\"\\\n\x01");
  json_decref(back);
  free(array);
  text_free(&t);
}

static void the_progress_line_tells_rate_and_time_left(void **state) {
  (void)state;
  char line[100];
  struct progress p = {.what = "simulating", .total = 10000};
  progress_line(&p, 4200, 2, line, sizeof line);
  assert_string_equal(line, "simulating  4200 / 10000  42 %  2100 /s  3 s left");
  progress_line(&p, 0, 2, line, sizeof line);
  assert_string_equal(line, "simulating  0 / 10000");
  p.total = 0;
  progress_line(&p, 10, 4, line, sizeof line);
  assert_string_equal(line, "simulating  10  2 /s");
}

// Runs a progress with stderr on a new pseudo-terminal (or a pipe); returns what was written.
static char *shown(bool terminal, bool quiet, char *out, size_t size) {
  int master, slave, ends[2], kept = dup(STDERR_FILENO);
  if (terminal) {
    master = posix_openpt(O_RDWR | O_NOCTTY);
    assert_true(master >= 0 && grantpt(master) == 0 && unlockpt(master) == 0);
    slave = open(ptsname(master), O_RDWR | O_NOCTTY);
  } else {
    assert_int_equal(pipe(ends), 0);
    master = ends[0];
    slave = ends[1];
  }
  fcntl(master, F_SETFL, O_NONBLOCK);
  dup2(slave, STDERR_FILENO);
  struct progress p;
  progress_start(&p, "work", 30, quiet);
  for (int i = 1; i <= 30; i++) {
    nanosleep(&(struct timespec){.tv_nsec = 10000000}, NULL);
    progress_update(&p, i);
  }
  progress_end(&p);
  dup2(kept, STDERR_FILENO);
  ssize_t n = read(master, out, size - 1);
  out[n > 0 ? n : 0] = 0;
  close(kept);
  close(slave);
  close(master);
  return out;
}

static void progress_is_for_terminals_only(void **state) {
  (void)state;
  char out[4096];
  unsetenv("NO_COLOR");
  setenv("TERM", "xterm", 1);
  assert_string_equal(shown(false, false, out, sizeof out), "");
  assert_string_equal(shown(true, true, out, sizeof out), "");
  struct timespec from, to;
  clock_gettime(CLOCK_MONOTONIC, &from);
  shown(true, false, out, sizeof out);
  clock_gettime(CLOCK_MONOTONIC, &to);
  assert_non_null(strstr(out, "\rwork  "));
  assert_non_null(strstr(out, " / 30  "));
  assert_non_null(strstr(out, "\033[K"));
  int lines = 0;
  for (char *at = out; (at = strstr(at, "\rwork")); at++) lines++;
  long tenths = 10 * (to.tv_sec - from.tv_sec) + (to.tv_nsec - from.tv_nsec) / 100000000;
  assert_true(lines >= 1 && lines <= tenths + 1);
  setenv("NO_COLOR", "1", 1);
  shown(true, false, out, sizeof out);
  assert_non_null(strstr(out, "\rwork  "));
  assert_null(strchr(out, '\033'));
  unsetenv("NO_COLOR");
}

// Out of memory, a thread goes on at its rescue, and what its arenas took since is freed; what was
// there before, and what a rescue that ended leaves, stays with its arena.
static void test_rescue(void **state) {
  (void)state;
  struct arena before = {0};
  static struct arena kept, lost; // as they are after longjmp
  struct arena_rescue r;
  char *old = arena_strdup(&before, "before");
  assert_false(arena_is_rescued());
  if (setjmp(r.at) == 0) {
    arena_rescue_begin(&r);
    struct arena scratch = {0};
    assert_true(arena_is_rescued());
    arena_strdup(&kept, "kept");
    arena_alloc(&scratch, 1 << 20, 1);
    arena_free(&scratch);
    arena_rescue_end(&r);
  } else {
    fail();
  }
  volatile bool rescued = false;
  if (setjmp(r.at) == 0) {
    arena_rescue_begin(&r);
    for (int i = 0; i < 100; i++) arena_alloc(&lost, 1 << 20, 1);
    arena_alloc(&lost, SIZE_MAX / 4, 1);
  } else {
    rescued = true;
  }
  assert_true(rescued && !arena_is_rescued());
  assert_string_equal(old, "before");
  arena_free(&kept);
  arena_free(&before);
}

// ---- rows

static void rows_are_a_table_and_objects(void **state) {
  (void)state;
  static const struct field fields[] = {
      {"<layer", "name", FIELD_NAME, 0, 0}, {"<kind", "op", FIELD_TEXT, 0, 0},
      {"in", "in", FIELD_COUNT, 0, 0},      {"bits", "bits", FIELD_SOME, 0, 0},
      {"SNR dB", "snr", FIELD_REAL, 1, 3},  {"busy %", "busy", FIELD_SHARE, 1, 4},
      {NULL, "good", FIELD_YES, 0, 0},      {"good", NULL, FIELD_YES, 0, 0}};
  struct arena a = {0};
  struct text t = {0};
  struct listing rows = listing_new(&a, fields, sizeof fields / sizeof *fields);
  const struct {
    const char *name;
    double snr;
  } cases[] = {{"f\x1b\"c", 31.25},
               {"a name of more than forty characters, as some are", INFINITY},
               {"\xc3\xa4", -INFINITY},
               {"x", NAN}};
  for (int i = 0; i < 4; i++)
    listing_row(&rows, (struct figure[]){{.text = cases[i].name},
                                         {.text = "linear"},
                                         {.count = i},
                                         {.count = 5 * i},
                                         {.real = cases[i].snr},
                                         {.real = 0.125 * i},
                                         {.count = i % 2},
                                         {.count = i % 2}});
  listing_total(&rows, (struct figure[]){{.text = "total"},
                                         {.blank = true},
                                         {.count = 6},
                                         {.count = 0},
                                         {.blank = true},
                                         {.blank = true},
                                         {.blank = true},
                                         {.blank = true}});
  listing_put(&rows, &t);
  assert_string_equal(
      t.data,
      "layer                                     kind    in  bits  SNR dB  busy %  good\n"
      "f\\x1b\"c                                   linear   0          31.2     0.0    no\n"
      "a name of more than forty characters,...  linear   1     5   exact    12.5   yes\n"
      "\xc3\xa4                                         linear   2    10       -    25.0    no\n"
      "x                                         linear   3    15            37.5   yes\n"
      "total                                              6     0\n");
  text_free(&t);
  listing_put_json(&rows, &t);
  assert_string_equal(
      t.data,
      "{\"name\":\"f\\u001b\\\"c\",\"op\":\"linear\",\"in\":0,\"bits\":0,\"snr\":31.250,\"busy\":0."
      "0000,\"good\":false},"
      "{\"name\":\"a name of more than forty characters, as some "
      "are\",\"op\":\"linear\",\"in\":1,\"bits\":5,\"snr\":null,\"busy\":0.1250,\"good\":true},"
      "{\"name\":\"\xc3\xa4\",\"op\":\"linear\",\"in\":2,\"bits\":10,\"snr\":null,\"busy\":0.2500,"
      "\"good\":false},"
      "{\"name\":\"x\",\"op\":\"linear\",\"in\":3,\"bits\":15,\"snr\":null,\"busy\":0.3750,"
      "\"good\":true}");
  text_free(&t);
  listing_put_json_row(&rows, 3, &t);
  assert_string_equal(t.data, "\"name\":\"x\",\"op\":\"linear\",\"in\":3,\"bits\":15,\"snr\":null,"
                              "\"busy\":0.3750,\"good\":true");
  text_free(&t);
  arena_free(&a);
}

static void the_nearest_word_is_found(void **state) {
  (void)state;
  static const char *const words[] = {"linear", "relu", "relu6", "conv2d", "conv1d", "a"};
  static const struct {
    const char *word, *nearest;
  } cases[] = {{"lineer", "linear"},
               {"linera", "linear"},
               {"linar", "linear"},
               {"linearr", "linear"},
               {"rleu", "relu"},
               {"relu", "relu"},
               {"conv3d", "conv2d"},
               {"b", "a"},
               {"lstm", NULL},
               {"convolution", NULL},
               {"", "a"}};
  char longest[200];
  memset(longest, 'x', sizeof longest - 1);
  longest[sizeof longest - 1] = 0;
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    const char *found = nearest_word(cases[i].word, sizeof words / sizeof *words, words);
    if (!cases[i].nearest)
      assert_null(found);
    else
      assert_string_equal(found, cases[i].nearest);
  }
  assert_null(nearest_word(longest, sizeof words / sizeof *words, words));
  assert_null(nearest_word("relu", 1, (const char *const[]){longest}));
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_rescue),
      cmocka_unit_test(bits_hold_a_number_and_not_the_next),
      cmocka_unit_test(the_first_error_wins_and_gets_context),
      cmocka_unit_test(a_long_error_is_cut_not_overrun),
      cmocka_unit_test(control_bytes_are_printed_escaped),
      cmocka_unit_test(arena_memory_is_zeroed_aligned_and_apart),
      cmocka_unit_test(text_grows_and_keeps_its_end),
      cmocka_unit_test(files_are_replaced_whole),
      cmocka_unit_test(an_ended_write_leaves_nothing),
      cmocka_unit_test(a_failed_write_changes_nothing),
      cmocka_unit_test(random_numbers_depend_on_the_counter_alone),
      cmocka_unit_test(random_ranges_are_met_to_their_ends),
      cmocka_unit_test(json_is_strict_and_bounded),
      cmocka_unit_test(json_keys_are_checked),
      cmocka_unit_test(json_numbers_are_the_shortest_that_read_back),
      cmocka_unit_test(the_progress_line_tells_rate_and_time_left),
      cmocka_unit_test(progress_is_for_terminals_only),
      cmocka_unit_test(rows_are_a_table_and_objects),
      cmocka_unit_test(the_nearest_word_is_found),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
