// SPDX-License-Identifier: Apache-2.0
// Where the program finds MNIST: the variable, the user's cache, beside the program, in the current
// folder, then the excerpt that comes with it. What it says of what it found, and what `train`
// makes of it. $P is a copy of the program, far from its sources.
#include "tests/cmd/helper_shell.h"

// Pictures of `n` digits, all black, labels 0 to n - 1, as SET in FOLDER.
#define DIGITS(n, set, folder)                                                                     \
  "mkdir -p " folder "; { printf '\\0\\0\\10\\3\\0\\0\\0\\" #n "\\0\\0\\0\\34\\0\\0\\0\\34'; "     \
  "head -c $((784 * " #n ")) /dev/zero; } >" folder "/" set "-images-idx3-ubyte; "                 \
  "{ printf '\\0\\0\\10\\1\\0\\0\\0\\" #n "'; printf '\\0\\1\\2\\3\\4' | head -c " #n              \
  "; } >" folder "/" set "-labels-idx1-ubyte; "
#define PLACE "cd $D/here; unset NNGEN_DATA; export HOME=$D/home; P=$D/a/b/c/nngen; "
#define RUN "$P run -p 8,3 $D/m.bin"

static void prepare(struct shell *c) {
  cli_expect(
      c, "mkdir -p $D/a/b/c $D/here $D/bin && cp $N $D/a/b/c && cp models/mnist-mlp.bin $D/m.bin",
      0, "");
}

static void test_excerpt(void **state) {
  struct shell *c = *state;
  prepare(c);
  cli_expect(c, PLACE RUN, 0, "nngen: mnist: the excerpt of 1000 images is used; ");
  cli_expect(c, PLACE RUN " | head -1", 0, "golden, 1000 images of mnist\n");
  cli_expect(c, PLACE RUN " -q 2>&1 >$D/out | wc -c", 0, "0\n");
  cli_expect(c, PLACE RUN " --images 1001 2>&1 | grep -c 'the excerpt of'", 0, "1\n");
  cli_expect(c, PLACE RUN " --images 1000 2>&1 | grep -c 'the excerpt of'", 1, "0\n");
  cli_expect(c, PLACE "PATH=$D/bin $P doctor", 1, "1,000 test images");
  cli_expect(c, PLACE "$P train --net mnist-mlp -o $D/t.bin", 1,
             "mnist-train: not found; scripts/get-mnist fetches it, or use --data synthetic:60000");
  cli_expect(c, PLACE DIGITS(2, "t10k-1000", "data/mnist-1000") RUN, 0, "2 images of mnist");
  cli_expect(c, PLACE DIGITS(3, "t10k-1000", "$D/a/data/mnist-1000") RUN, 0, "3 images of mnist");
}

static void test_places(void **state) {
  struct shell *c = *state;
  prepare(c);
  cli_expect(c, PLACE DIGITS(2, "t10k", "../shared/data/mnist") RUN, 0, "2 images of mnist");
  cli_expect(c, PLACE DIGITS(3, "t10k", "$D/a/shared/data/mnist") RUN, 0, "3 images of mnist");
  cli_expect(
      c,
      PLACE DIGITS(4, "t10k", "$D/home/.cache/nngen/mnist") "gzip $HOME/.cache/nngen/mnist/*;" RUN,
      0, "4 images of mnist");
  cli_expect(c, PLACE DIGITS(5, "t10k", "$D/n/mnist") "NNGEN_DATA=$D/n " RUN, 0,
             "5 images of mnist");
  cli_expect(c, PLACE "NNGEN_DATA= " RUN, 0, "4 images of mnist");
  cli_expect(c, PLACE "rm $D/n/mnist/*labels*; NNGEN_DATA=$D/n " RUN, 0, "4 images of mnist");
  cli_expect(c, PLACE "NNGEN_DATA=$D/n " RUN, 0, "/n, which has no such set in mnist/; ");
  cli_expect(c, PLACE "PATH=$D/bin $P doctor", 1, "10,000 test images");
  cli_expect(c, PLACE "unset HOME; " RUN, 0, "3 images of mnist");
  cli_expect(c, PLACE "head -c 9 $D/m.bin >$D/n/mnist/t10k-labels-idx1-ubyte; NNGEN_DATA=$D/n " RUN,
             1, "t10k-labels-idx1-ubyte: magic");
}

#define TRAIN "export NNGEN_DATA=$D/n; $P train --net mnist-mlp --epochs 1 --batch 2 -o $D/t.bin "

// Without --data: the training set; then the accuracy on the test set.
static void test_training(void **state) {
  struct shell *c = *state;
  prepare(c);
  cli_expect(c, PLACE DIGITS(4, "train", "$D/n/mnist") DIGITS(3, "t10k", "$D/n/mnist") "echo made",
             0, "made");
  cli_expect(c, PLACE TRAIN "--json", 0, "\"data\":\"mnist-train\",\"images\":4,");
  cli_expect(c, PLACE TRAIN "--json", 0, "\"test\":\"mnist\",\"test_images\":3,");
  cli_expect(c, PLACE TRAIN, 0, "of 3 images of mnist)\n");
  cli_expect(c, PLACE TRAIN "--images 2 --json", 0, "\"images\":2,");
  cli_expect(c, PLACE TRAIN "--images 9", 0,
             "nngen: mnist-train: 9 images asked for, 4 are there\n");
  cli_expect(c, PLACE TRAIN "-q --images 9 2>&1 | grep -c asked", 1, "0\n");
  cli_expect(c, PLACE TRAIN "--data mnist-train --json | grep -c '\"test\"'", 1, "0\n");
  cli_expect(c, PLACE TRAIN "--test $D/n/mnist/t10k-images-idx3-ubyte", 1,
             "the images have no labels");
  cli_expect(c, PLACE TRAIN "--test $D/n/mnist/t10k-labels-idx1-ubyte", 1, "images of 1 elements");
  cli_expect(c, PLACE TRAIN "--test $D/none", 1, "none: No such file");
}

int main(void) {
  const struct CMUnitTest tests[] = {SHELL_CASE(test_excerpt), SHELL_CASE(test_places),
                                     SHELL_CASE(test_training)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
