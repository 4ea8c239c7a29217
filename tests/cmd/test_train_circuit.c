// SPDX-License-Identifier: Apache-2.0
// The README's way from data to the circuit, with digits drawn by code.
#include "tests/cmd/helper_shell.h"

#include <stdlib.h>
#include <string.h>

// What train writes goes through the whole program.
static void from_training_to_the_circuit(void **state) {
  struct shell *c = *state;
  cli_expect(
      c,
      "N=$(realpath $N); cd $D && "
      "$N train --quiet --net mnist-mlp --data synthetic:900:5 --batch 50 --epochs 4 -o model.bin",
      0, "sha256");
  cli_expect(c, "N=$(realpath $N); cd $D && $N --precision 8,3 --parallelism 4 model.bin", 0,
             "II 6272 cycles");
  cli_expect(c, "N=$(realpath $N); cd $D && $N sim --data synthetic --images 20 rtl", 0,
             "PASS   5520 elements compared");
}

// A connection table and sub-sampling on the way: LeNet-1, some steps of whose training do.
static void lenet1_becomes_a_circuit(void **state) {
  struct shell *c = *state;
  cli_expect(c,
             "N=$(realpath $N); cd $D && $N train --quiet --net lenet1 --data synthetic:600:5 "
             "--batch 50 --epochs 2 -o lenet1.bin && $N info lenet1.bin | grep '^total'",
             0, " 2578 ");
  cli_expect(c,
             "N=$(realpath $N); cd $D && $N sim --precision 8,3 --target-cycles 14400 --images 20 "
             "-o lenet1 lenet1.bin",
             0, "PASS   ");
}

// Trained as integers, with whatever number of threads: the circuit needs no word of types, and the
// accuracy that training tells is the C model's.
static void trained_integers_become_a_circuit(void **state) {
  struct shell *c = *state;
  static const char *const words[] = {"-p 8,3", "-p 2", "-p 3 -w bipolar -i u8,8"};
  for (size_t i = 0; i < sizeof words / sizeof *words; i++) {
    cli_expect(c,
               arena_printf(&c->arena,
                            "N=$(realpath $N); cd $D && for t in 1 2; do $N train -q --net tfc "
                            "--qat %s --data synthetic:900:5 --batch 50 --epochs 2 --threads $t "
                            "--test synthetic:200:9 -o qat$t.bin || exit; done | grep accuracy | "
                            "sort -u | wc -l && cmp qat1.bin qat2.bin",
                            words[i]),
               0, "1");
    cli_expect(c, "N=$(realpath $N); cd $D && $N sim --data synthetic --images 20 -o q qat1.bin", 0,
               "PASS   ");
  }
  cli_expect(c,
             "N=$(realpath $N); cd $D && $N train -q --net tfc --qat -p 2 --data synthetic:900:5 "
             "--batch 50 --epochs 1 --test synthetic:200:9 -o again.bin | grep -o "
             "'accuracy.*%' >a && $N run -q --data synthetic:200:9 again.bin | grep -o "
             "'accuracy.*%' >b && cmp a b",
             0, "");
}

// What watches the training of integers sees what the C model gives for the same images.
static void integers_are_watched(void **state) {
  struct shell *c = *state;
  static const char *const words[] = {"-p 4", "-p 8,3", "-p 2 -w bipolar"};
  for (size_t i = 0; i < sizeof words / sizeof *words; i++) {
    const char *said = cli_expect(
        c,
        arena_printf(&c->arena,
                     "$N train -q --json --net tfc --qat %s --data synthetic:600:5 --batch 20 "
                     "--epochs 2 --validation 100 --patience 2 --threads 2 -o $D/v.bin",
                     words[i]),
        0, "\"epoch\":2,");
    double watched = strtod(strstr(strstr(said, "\"epoch\":2,"), "validation_accuracy") + 21, NULL);
    long count[2];
    static const char *const images[] = {"600", "500"};
    for (int k = 0; k < 2; k++) {
      said = cli_expect(c,
                        arena_printf(&c->arena,
                                     "$N run -q --json --data synthetic:600:5 --images %s "
                                     "$D/v.bin",
                                     images[k]),
                        0, "\"correct\":");
      count[k] = strtol(strstr(said, "\"correct\":") + 10, NULL, 10);
    }
    assert_int_equal((long)(watched * 100 + 0.5), count[0] - count[1]);
  }
}

// Probabilities leave the circuit: of pictures that come with the project, equal in all of them;
// the same network has its softmax on the host unless a recipe or a formats file says otherwise.
static void softmax_in_the_circuit(void **state) {
  struct shell *c = *state;
  cli_expect(
      c,
      "N=$(realpath $N); cd $D && for w in circuit host; do $N train --quiet --net '{\"input\":"
      "{\"shape\":[28,28,1]},\"layers\":[{\"op\":\"flatten\"},{\"op\":\"linear\",\"out\":32},"
      "{\"op\":\"relu\"},{\"op\":\"linear\",\"out\":10},{\"op\":\"softmax\",\"where\":\"'$w"
      "'\"}]}' --data synthetic:900:5 --batch 50 --epochs 3 -o $w.bin || exit; done",
      0, "sha256");
  cli_expect(c,
             "N=$(realpath $N); cd $D && $N sim -p 8,3 --parallelism 4 --data mnist --images 60 "
             "--stall random50/alternate -o softmax circuit.bin",
             0, "PASS   5640 elements compared, 0 mismatches");
  cli_expect(c, "cd $D && cat softmax/rtl/report.txt", 0, "fixed_softmax");
  cli_expect(c,
             "N=$(realpath $N); cd $D && $N sim -p 8,3 --data mnist --images 9 -o hosted host.bin",
             0, "PASS   756 elements compared, 0 mismatches");
  cli_expect(c,
             "N=$(realpath $N); cd $D && echo '{\"kinds\":{\"softmax\":{\"where\":\"circuit\"}}}' "
             ">f.json && $N sim -p 8,3 --formats f.json --data mnist --images 9 -o asked host.bin",
             0, "PASS   846 elements compared, 0 mismatches");
  cli_expect(c, "N=$(realpath $N); cd $D && $N generate -p 16,8 -o wide circuit.bin", 1,
             "layer \"softmax1\": input \"fc2\" has type 16,8, expected a fixed type of at most 12 "
             "bits");
}

int main(void) {
  const struct CMUnitTest tests[] = {
      SHELL_CASE(from_training_to_the_circuit), SHELL_CASE(lenet1_becomes_a_circuit),
      SHELL_CASE(trained_integers_become_a_circuit), SHELL_CASE(integers_are_watched),
      SHELL_CASE(softmax_in_the_circuit)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
