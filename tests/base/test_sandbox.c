// SPDX-License-Identifier: Apache-2.0
// The sandbox: bytes come back, and nothing else gets out.
#include "sw/base/sandbox.h"

#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

static const struct sandbox limits = {(size_t)4 << 30, 1 << 20, 1};

static bool echo(const void *data, size_t size, struct text *out, struct err *e) {
  (void)e;
  text_put(out, data, size);
  return true;
}

// Sorting much, for which the library asks how much memory there is.
static int by_size(const void *a, const void *b) {
  return (*(const int *)a > *(const int *)b) - (*(const int *)a < *(const int *)b);
}

static bool sort(const void *data, size_t size, struct text *out, struct err *e) {
  enum { MANY = 1 << 16 };
  int *list = malloc(MANY * sizeof *list);
  (void)data;
  (void)size;
  (void)e;
  for (int i = 0; i < MANY; i++) list[i] = i * 7919 % MANY;
  qsort(list, MANY, sizeof *list, by_size);
  text_printf(out, "%d %d", list[0], list[MANY - 1]);
  free(list);
  return true;
}

static bool complain(const void *data, size_t size, struct text *out, struct err *e) {
  (void)out;
  return err_set(e, "%.*s is wrong", (int)size, (const char *)data);
}

// What it could open of the system's files.
static bool open_passwd(const void *data, size_t size, struct text *out, struct err *e) {
  (void)data;
  (void)size;
  int fd = open("/etc/passwd", O_RDONLY);
  text_printf(out, "%d %d", fd, errno);
  (void)e;
  return true;
}

static bool open_socket(const void *data, size_t size, struct text *out, struct err *e) {
  (void)data;
  (void)size;
  (void)e;
  text_printf(out, "%d", socket(AF_INET, SOCK_STREAM, 0));
  return true;
}

static bool start_process(const void *data, size_t size, struct text *out, struct err *e) {
  (void)data;
  (void)size;
  (void)e;
  text_printf(out, "%d", (int)fork());
  return true;
}

static bool run_program(const void *data, size_t size, struct text *out, struct err *e) {
  (void)data;
  (void)size;
  (void)e;
  execl("/bin/true", "true", (char *)NULL);
  text_puts(out, "still here");
  return true;
}

static bool go_on(const void *data, size_t size, struct text *out, struct err *e) {
  (void)data;
  (void)size;
  (void)out;
  (void)e;
  for (volatile unsigned i = 0; i < 4000000000; i += !data) {
  }
  return false;
}

static bool crash(const void *data, size_t size, struct text *out, struct err *e) {
  (void)data;
  (void)size;
  (void)out;
  (void)e;
  __builtin_trap();
}

static bool flood(const void *data, size_t size, struct text *out, struct err *e) {
  (void)e;
  for (int i = 0; i < 2 << 20; i++) text_put(out, data, size);
  return true;
}

static bool ran(sandbox_work *work, const char *data, struct arena *a, struct bytes *back,
                struct err *e) {
  *e = (struct err){0};
  return sandbox_run(a, &limits, work, data, strlen(data), back, e);
}

static void test_bytes(void **state) {
  (void)state;
  struct arena a = {0};
  struct bytes back;
  struct err e;
  assert_true(ran(echo, "words", &a, &back, &e));
  assert_int_equal(back.size, 5);
  assert_memory_equal(back.data, "words", 5);
  assert_false(ran(complain, "this", &a, &back, &e));
  assert_string_equal(e.text, "this is wrong");
  assert_true(ran(sort, "", &a, &back, &e));
  assert_memory_equal(back.data, "0 65535", 7);
  arena_free(&a);
}

// /etc/passwd isn't there; a socket, a process and a program end it.
static void test_closed(void **state) {
  (void)state;
  struct arena a = {0};
  struct bytes back;
  struct err e;
  assert_true(ran(open_passwd, "", &a, &back, &e));
  assert_string_equal(arena_printf(&a, "%.*s", (int)back.size, (const char *)back.data),
                      arena_printf(&a, "-1 %d", ENOENT));
  sandbox_work *const works[] = {open_socket, start_process, run_program};
  for (size_t i = 0; i < sizeof works / sizeof *works; i++) {
    assert_false(ran(works[i], "", &a, &back, &e));
    assert_non_null(strstr(e.text, "stopped when it wanted more than bytes"));
  }
  arena_free(&a);
}

static void test_ended(void **state) {
  (void)state;
  struct arena a = {0};
  struct bytes back;
  struct err e;
  assert_false(ran(crash, "", &a, &back, &e));
  assert_non_null(strstr(e.text, "ended by signal 4"));
  assert_false(ran(go_on, "", &a, &back, &e));
  assert_non_null(strstr(e.text, "ended by signal"));
  assert_false(ran(flood, "x", &a, &back, &e));
  assert_non_null(strstr(e.text, "gives more than 1048576 bytes"));
  arena_free(&a);
}

// The same works outside of it do what is kept from them: the sandbox is what keeps it.
static void test_open_outside(void **state) {
  (void)state;
  struct text out = {0};
  struct err e = {0};
  assert_true(open_passwd("", 0, &out, &e));
  assert_true(out.data[0] != '-');
  text_free(&out);
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(test_bytes), cmocka_unit_test(test_closed),
                                     cmocka_unit_test(test_ended),
                                     cmocka_unit_test(test_open_outside)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
