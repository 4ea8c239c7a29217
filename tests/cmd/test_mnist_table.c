// SPDX-License-Identifier: Apache-2.0
// docs/mnist.md is what scripts/mnist-table makes of the results and recipes that are there.
#include "tests/cmd/helper_shell.h"

#define COPY                                                                                       \
  "mkdir -p $D/t/docs $D/t/models $D/t/scripts; cp models/*.json models/*.jsonl $D/t/models; "     \
  "cp docs/mnist.md $D/t/docs; cp scripts/mnist-table $D/t/scripts; N=$(realpath $N); cd $D/t; "
#define WRITE "NNGEN=$N scripts/mnist-table --write; "

static void the_page_is_of_the_results(void **state) {
  struct shell *c = *state;
  cli_expect(c,
             "P=$(realpath docs/mnist.md); " COPY
             "sed -i 's/^| LeNet.*//' docs/mnist.md; cmp -s docs/mnist.md $P && exit 1; " WRITE
             "cmp docs/mnist.md $P && grep -c '<svg' docs/mnist-energy.svg docs/mnist-cycles.svg",
             0, "docs/mnist-energy.svg:1");
}

static void another_result_is_another_page(void **state) {
  struct shell *c = *state;
  cli_expect(c,
             "P=$(realpath docs/mnist.md); " COPY
             "sed -i 's/\"errors\":/\"errors\":1/' models/mnist-results.jsonl; " WRITE
             "cmp -s docs/mnist.md $P",
             1, "");
}

// A recipe that isn't what its results were made of has no row.
static void of_another_recipe_nothing_is_known(void **state) {
  struct shell *c = *state;
  cli_expect(c, COPY "echo >>models/lenet1.json; " WRITE "grep -c 'LeNet-1' docs/mnist.md", 0, "1");
  cli_expect(c, COPY "rm models/mnist-results.jsonl; " WRITE, 1, "");
  cli_expect(c, COPY "NNGEN=$N scripts/mnist-table --wirte", 1,
             "expected --write, --check or nothing");
}

int main(void) {
  const struct CMUnitTest tests[] = {SHELL_CASE(the_page_is_of_the_results),
                                     SHELL_CASE(another_result_is_another_page),
                                     SHELL_CASE(of_another_recipe_nothing_is_known)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
