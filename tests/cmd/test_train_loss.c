// SPDX-License-Identifier: Apache-2.0
// Losses, targets and data of the user's own in nngen train.
#include "tests/cmd/helper_shell.h"

#include <string.h>

#define DIGITS " --data synthetic:900:5 --batch 50 "
#define TRAIN "$N train --quiet --net mnist-mlp" DIGITS

// The hash that a run of these options prints.
static const char *hash_of(struct shell *c, const char *line) {
  const char *said = cli_expect(c, line, 0, "\"sha256\":\""), *at = strstr(said, "\"sha256\":\"");
  return arena_printf(&c->arena, "%.64s", at + strlen("\"sha256\":\""));
}

// What --loss and --targets say is as if the recipe said it; a model has its own loss as well.
static void losses_of_the_command(void **state) {
  struct shell *c = *state;
#define SAID(words)                                                                                \
  "$N train --quiet --net '{\"input\":{\"shape\":[28,28,1]}," words                                \
  "\"layers\":[{\"op\":\"flatten\"},{\"op\":\"linear\",\"out\":84},{\"op\":\"scaled_tanh\"},"      \
  "{\"op\":\"rbf\",\"out\":10,\"weights\":\"digits\"}]}'" DIGITS "--epochs 2 --json -o $D/m.bin "
  static const char *const same[][2] = {
      {SAID("\"loss\":\"rbf:9\","), SAID("") "--loss rbf:9"},
      {SAID(""), SAID("\"loss\":\"mse\",") "--loss cross_entropy"},
      {SAID(""), SAID("") "--loss rbf:1000000"},
      {SAID("\"targets\":[0.1,0.9],"), SAID("\"targets\":[3,4],") "--targets 0.1,0.9"},
      {SAID("\"loss\":\"mse\","), SAID("") "--loss mse --targets 1,0"}};
  for (size_t i = 0; i < sizeof same / sizeof *same; i++)
    assert_string_equal(hash_of(c, same[i][0]), hash_of(c, same[i][1]));
  assert_string_equal(hash_of(c, same[0][0]),
                      "1e7174ce760e392d21544037fa0594ec47b7a9aaa880cb88941f446f199a02bf");
  assert_string_not_equal(hash_of(c, same[0][0]), hash_of(c, same[1][0]));
  cli_expect(c, TRAIN "--epochs 1 -o $D/m.bin", 0, "");
  const char *going_on = "$N train --quiet --net $D/m.bin" DIGITS "--epochs 1 --json -o $D/n.bin ";
  assert_string_not_equal(hash_of(c, arena_printf(&c->arena, "%s --loss mse", going_on)),
                          hash_of(c, going_on));
  cli_expect(c, TRAIN "--loss rbf -o $D/no.bin", 1,
             "mnist-mlp: loss rbf: output \"fc2\" is no distance of which the least is the class");
  cli_expect(c, "test ! -e $D/no.bin", 0, "");
}

int main(void) {
  const struct CMUnitTest tests[] = {SHELL_CASE(losses_of_the_command)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
