// SPDX-License-Identifier: Apache-2.0
// Where MNIST is looked for, what is said when it isn't whole, and scripts/get-mnist.
#include "sw/base/file.h"
#include "sw/data/mnist.h"
#include "tests/data/helper_data.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>
#include <zlib.h>

static const unsigned char idx3[] = {0, 0, 8, 3, 0, 0, 0, 2, 0, 0, 0,
                                     1, 0, 0, 0, 3, 1, 2, 3, 4, 5, 6};
static const unsigned char idx1[] = {0, 0, 8, 1, 0, 0, 0, 2, 7, 9};

static void make_folder(struct fixture *f, const char *name) {
  assert_int_equal(system(arena_printf(&f->arena, "mkdir -p %s", path_in(f, name))), 0);
}

// No set in the environment.
static void nothing_set(struct fixture *f) {
  make_folder(f, "home");
  unsetenv("NNGEN_DATA");
  setenv("HOME", path_in(f, "home"), 1);
}

// With no folder of its own, `mnist` is the excerpt, and says so when it isn't enough.
static void it_comes_with_the_program(void **state) {
  struct fixture *f = *state;
  struct images m;
  struct mnist_files files;
  nothing_set(f);
  opens(f, "mnist", 1000, &m);
  assert_int_equal(m.count, 1000);
  assert_int_equal(m.elements, 784);
  const int first[] = {7, 2, 1, 0, 4, 1, 4, 9, 5, 9};
  for (int i = 0; i < 10; i++) assert_int_equal(m.labels[i], first[i]);
  assert_int_equal(crc32(0, m.pixels, 784000), 0x87ab9190);
  assert_null(m.note);
  if (mnist_find(&f->arena, false, &files)) return; // the whole set lies near the program
  static const char *const excerpt = "mnist: the excerpt of 1000 images is used; scripts/get-mnist "
                                     "fetches all 10,000";
  opens(f, "mnist", 0, &m);
  assert_string_equal(m.note, excerpt);
  opens(f, "mnist", 1001, &m);
  assert_string_equal(m.note, excerpt);
  refused(f, "mnist-train", "mnist-train: not found; scripts/get-mnist fetches it");
}

static void it_is_looked_for_in_nngen_data(void **state) {
  struct fixture *f = *state;
  struct images m;
  make_folder(f, "mnist");
  put_gzip(f, "mnist/t10k-images-idx3-ubyte.gz", idx3, sizeof idx3);
  put(f, "mnist/t10k-labels-idx1-ubyte", idx1, sizeof idx1);
  put(f, "mnist/train-images-idx3-ubyte", idx3, sizeof idx3);
  put(f, "mnist/train-labels-idx1-ubyte", idx1, sizeof idx1);
  setenv("NNGEN_DATA", f->folder, 1);
  opens(f, "mnist", 0, &m);
  assert_int_equal(m.count, 2);
  assert_string_equal(m.name, "mnist");
  opens(f, "mnist-train", 3, &m);
  assert_int_equal(m.labels[1], 9);
  assert_string_equal(m.name, "mnist-train");
  assert_null(m.note);
  // A broken file is an error, never a reason to look further.
  put(f, "mnist/t10k-labels-idx1-ubyte", idx1, sizeof idx1 - 1);
  refused(f, "mnist", "t10k-labels-idx1-ubyte: size");
  unsetenv("NNGEN_DATA");
}

static void found_at(struct fixture *f, const char *images, const char *labels) {
  struct mnist_files files;
  assert_true(mnist_find(&f->arena, false, &files));
  assert_string_equal(files.images, path_in(f, images));
  assert_string_equal(files.labels, path_in(f, labels));
}

// $NNGEN_DATA, then the cache at home; a folder with half of the set has none.
static void folders_are_asked_in_order(void **state) {
  struct fixture *f = *state;
  nothing_set(f);
  make_folder(f, "home/.cache/nngen/mnist");
  put(f, "home/.cache/nngen/mnist/t10k-images-idx3-ubyte", "", 0);
  put(f, "home/.cache/nngen/mnist/t10k-labels-idx1-ubyte.gz", "", 0);
  static const char *const home[] = {"home/.cache/nngen/mnist/t10k-images-idx3-ubyte",
                                     "home/.cache/nngen/mnist/t10k-labels-idx1-ubyte.gz"};
  found_at(f, home[0], home[1]);
  setenv("NNGEN_DATA", "", 1);
  found_at(f, home[0], home[1]);
  setenv("NNGEN_DATA", f->folder, 1);
  found_at(f, home[0], home[1]);
  make_folder(f, "mnist");
  put(f, "mnist/t10k-images-idx3-ubyte", "", 0);
  found_at(f, home[0], home[1]);
  put(f, "mnist/t10k-labels-idx1-ubyte", "", 0);
  found_at(f, "mnist/t10k-images-idx3-ubyte", "mnist/t10k-labels-idx1-ubyte");
  put(f, "mnist/t10k-images-idx3-ubyte.gz", "", 0);
  found_at(f, "mnist/t10k-images-idx3-ubyte.gz", "mnist/t10k-labels-idx1-ubyte");
  unsetenv("NNGEN_DATA");
}

// ---- near the program: a copy of this one, which prints what it finds

static int print_excerpt(void) {
  struct arena a = {0};
  struct mnist_files files;
  bool found = mnist_find_excerpt(&a, &files);
  puts(found && files.images ? files.images : "none");
  arena_free(&a);
  return 0;
}

static void excerpt_is(struct fixture *f, const char *path) {
  char line[4096] = "";
  FILE *said =
      popen(arena_printf(&f->arena, "cd %s/empty && ../bin/program excerpt", f->folder), "r");
  assert_non_null(said);
  assert_non_null(fgets(line, sizeof line, said));
  assert_int_equal(pclose(said), 0);
  line[strcspn(line, "\n")] = 0;
  assert_string_equal(line, path);
}

static void the_excerpt_lies_near_the_program(void **state) {
  struct fixture *f = *state;
  char self[4096] = "";
  assert_true(readlink("/proc/self/exe", self, sizeof self - 1) > 0);
  make_folder(f, "bin");
  make_folder(f, "empty");
  make_folder(f, "data/mnist-1000");
  assert_int_equal(system(arena_printf(&f->arena, "cp %s %s/bin/program", self, f->folder)), 0);
  const char *built = NNGEN_DATADIR "/mnist-1000/t10k-1000-images-idx3-ubyte.gz";
  excerpt_is(f, built); // an empty folder near it is none
  put(f, "data/mnist-1000/t10k-1000-images-idx3-ubyte", "", 0);
  excerpt_is(f, built);
  put(f, "data/mnist-1000/t10k-1000-labels-idx1-ubyte", "", 0);
  excerpt_is(f, path_in(f, "data/mnist-1000/t10k-1000-images-idx3-ubyte"));
}

// ---- fetching

// Runs scripts/get-mnist with a download that is `script`; returns its exit status.
static int get_mnist(struct fixture *f, const char *script) {
  char *curl = put(f, "curl", script, strlen(script));
  assert_int_equal(chmod(curl, 0755), 0);
  char *command = arena_printf(&f->arena, "PATH=%s:$PATH scripts/get-mnist %s/mnist >%s/log 2>&1",
                               f->folder, f->folder, f->folder);
  return WEXITSTATUS(system(command));
}

// Offline, or with another content than MNIST's, nothing is left behind and the message says so.
static void get_mnist_leaves_nothing_half_written(void **state) {
  struct fixture *f = *state;
  const char *scripts[] = {"#!/bin/sh\nexit 6\n",
                           "#!/bin/sh\nwhile [ $# -gt 1 ]; do [ $1 = -o ] && o=$2; shift; done\n"
                           "echo something else | gzip >$o\n"};
  if (access("scripts/get-mnist", X_OK)) skip();
  for (int i = 0; i < 2; i++) {
    struct err e = {0};
    struct bytes log;
    assert_int_equal(get_mnist(f, scripts[i]), 1);
    assert_true(file_read(&f->arena, path_in(f, "log"), 10000, &log, &e));
    assert_non_null(strstr((char *)log.data, "no mirror gave it"));
    assert_int_equal(rmdir(path_in(f, "mnist")), 0); // it is empty
  }
}

int main(int argc, char **argv) {
  if (argc == 2 && strcmp(argv[1], "excerpt") == 0) return print_excerpt();
  const struct CMUnitTest tests[] = {
      DATA_CASE(it_comes_with_the_program),
      DATA_CASE(it_is_looked_for_in_nngen_data),
      DATA_CASE(folders_are_asked_in_order),
      DATA_CASE(the_excerpt_lies_near_the_program),
      DATA_CASE(get_mnist_leaves_nothing_half_written),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
