// SPDX-License-Identifier: Apache-2.0
// nngen train as a user meets it: the same model from every way of running it, states that survive
// being killed, and messages for bad input. Digits drawn by code stand in for MNIST.
#include "sw/exec/kernels.h"
#include "sw/graph/model.h"
#include "tests/cmd/helper_shell.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define DIGITS " --data synthetic:900:5 --batch 50 "
#define TRAIN "$N train --quiet --net mnist-mlp" DIGITS

// A network with dropout.
#define DROPOUT(rate)                                                                              \
  "$N train --quiet --net '{\"input\":{\"shape\":[28,28,1]},\"layers\":[{\"op\":\"flatten\"},"     \
  "{\"op\":\"linear\",\"out\":40},{\"op\":\"relu\"},{\"op\":\"dropout\",\"rate\":" rate            \
  "},{\"op\":\"linear\",\"out\":10}]}'" DIGITS

// The hash that a run of these options prints.
static const char *hash_of(struct shell *c, const char *line) {
  const char *said = cli_expect(c, line, 0, "\"sha256\":\""), *at = strstr(said, "\"sha256\":\"");
  return arena_printf(&c->arena, "%.64s", at + strlen("\"sha256\":\""));
}

static void every_way_gives_the_same_model(void **state) {
  struct shell *c = *state;
  const char *first = hash_of(c, TRAIN "--epochs 2 --json -o $D/a.bin");
  static const char *const same[] = {TRAIN "--epochs 2 --threads 2 --json -o $D/a.bin",
                                     TRAIN "--epochs 2 --threads 4 --json -o $D/a.bin",
                                     TRAIN
                                     "--epochs 2 --json --log $D/l --checkpoint $D/c -o $D/b"};
  static const char *const others[] = {TRAIN "--epochs 2 --seed 2 --json -o $D/a.bin",
                                       TRAIN "--epochs 3 --json -o $D/a.bin",
                                       TRAIN "--epochs 2 --optimizer adamw --json -o $D/a.bin",
                                       TRAIN "--epochs 2 --rate 0.002 --json -o $D/a.bin"};
  const struct kernels *list[KERNELS_MAX];
  for (size_t i = 0; i < sizeof same / sizeof *same; i++)
    assert_string_equal(hash_of(c, same[i]), first);
  for (int k = kernels_list(list); k-- > 0;)
    assert_string_equal(
        hash_of(c,
                arena_printf(&c->arena, "NNGEN_KERNELS=%s " TRAIN "--epochs 2 --json -o $D/a.bin",
                             list[k]->name)),
        first);
  for (size_t i = 0; i < sizeof others / sizeof *others; i++)
    assert_string_not_equal(hash_of(c, others[i]), first);
  assert_string_equal(first,
                      arena_printf(&c->arena, "%.64s", cli_expect(c, "sha256sum <$D/b", 0, "")));
}

// A trained model is a fact: these are the bits that every machine must come to.
static void the_bits_are_known(void **state) {
  struct shell *c = *state;
  assert_string_equal(hash_of(c, TRAIN "--epochs 2 --json -o $D/a.bin"),
                      "be5da9bbe2519a4d6fb0c2118cfccce39499ea7fa40f45f9cdd1809fad44fd2d");
  assert_string_equal(
      hash_of(c, "$N train --quiet --net mnist-acts" DIGITS "--epochs 2 --json -o $D/a.bin"),
      "ee3f7b14f06a887244ee92b5aaec1debbeb71b49957f6c526bd8ddbf3cc76322");
  assert_string_equal(hash_of(c, DROPOUT("0.3") "--optimizer nesterov --decay 0.001 --epochs 2 "
                                                "--json -o $D/a.bin"),
                      "70f8363e4f1e54a094e787fb02f1d9c7b85f6885e1b5a1eb67f70c2d3da99e8e");
}

static void it_learns(void **state) {
  struct shell *c = *state;
  static const char *const optimizers[] = {"sgd", "momentum", "nesterov", "adam", "adamw"};
  for (size_t i = 0; i < sizeof optimizers / sizeof *optimizers; i++) {
    const char *said = cli_expect(
        c,
        arena_printf(&c->arena,
                     TRAIN "--epochs 8 --optimizer %s --test synthetic:500:9 --json -o $D/m.bin",
                     optimizers[i]),
        0, "\"test_accuracy\":");
    double accuracy = strtod(strstr(said, "\"test_accuracy\":") + 16, NULL);
    if (accuracy < 0.9) fail_msg("%s: accuracy %g", optimizers[i], accuracy);
  }
}

// Distances from pictures of the digits: they learn, the pictures stay, and of wrong ones it is
// said what is wrong.
static void distances_from_pictures(void **state) {
  struct shell *c = *state;
  struct err e = {0};
  const char *said = cli_expect(c,
                                "$N train --quiet --net mnist-rbf" DIGITS
                                "--epochs 8 --test synthetic:500:9 --json -o $D/m.bin",
                                0, "\"test_accuracy\":");
  double accuracy = strtod(strstr(said, "\"test_accuracy\":") + 16, NULL);
  if (accuracy < 0.9) fail_msg("accuracy %g", accuracy);
  struct graph *g = model_read(&c->arena, arena_printf(&c->arena, "%s/m.bin", c->dir), &e);
  if (!g) fail_msg("%s", e.text);
  const struct tensor *t = g->values[graph_find_value(g, "rbf1.weight")].init;
  for (int64_t i = 0; i < t->count; i++) assert_true(tensor_real(t, i) * tensor_real(t, i) == 1);
  cli_expect(c,
             "mkdir -p $D/p/build $D/p/data/codes && cp $N $D/p/build && printf '#.\\n#x' "
             ">$D/p/data/codes/bad.txt && $D/p/build/nngen train --net '{\"input\":{\"shape\":[4]},"
             "\"layers\":[{\"op\":\"rbf\",\"out\":1,\"weights\":\"bad\"}]}'",
             1, "layer 1: weights: code \"bad\": byte 4 is 120, expected # or .");
}

// Killed after a few hundredths of a second, and a little later each time, until it comes to its
// end. (What a coverage build counts goes elsewhere: its files may be half written, too.)
static void killed_at_any_moment_it_ends_the_same(void **state) {
  struct shell *c = *state;
  const char *expected =
      hash_of(c, TRAIN "--epochs 6 --validation 100 --patience 9 --json -o $D/a");
  cli_expect(
      c,
      "export GCOV_PREFIX=$D/counts; i=0; until timeout -s KILL $(printf '0.%03d' $((30 + i % 9 * "
      "10 + i * 3))) " TRAIN
      "--epochs 6 --validation 100 --patience 9 --checkpoint $D/c --checkpoint-every 1 -o $D/b "
      ">$D/said; do i=$((i + 1)); [ $i -lt 290 ] || exit 1; done; echo killed $i times; "
      "[ $i -ge 2 ]",
      0, "killed");
  assert_string_equal(expected,
                      arena_printf(&c->arena, "%.64s", cli_expect(c, "sha256sum <$D/b", 0, "")));
  cli_expect(c, "ls $D | grep -c '^c$'", 0, "1");
}

// A finished run goes on when it is given more epochs, if the rates are the same.
static void more_epochs_later(void **state) {
  struct shell *c = *state;
  const char *expected = hash_of(c, TRAIN "--epochs 4 --schedule constant --json -o $D/a");
  cli_expect(c, TRAIN "--epochs 2 --schedule constant --checkpoint $D/c -o $D/b", 0, "sha256");
  const char *said =
      cli_expect(c,
                 "$N train --net mnist-mlp" DIGITS
                 "--epochs 4 --schedule constant --checkpoint $D/c --log $D/log -o $D/b",
                 0, "goes on after epoch 2, step 0");
  assert_non_null(strstr(said, expected));
  cli_expect(c, "wc -l <$D/log", 0, "5"); // what was trained before is there too
}

static void checkpoints_of_other_runs(void **state) {
  struct shell *c = *state;
  cli_expect(c, TRAIN "--epochs 2 --checkpoint $D/c -o $D/m.bin", 0, "sha256");
  cli_expect(c, "cp $D/c $D/kept", 0, "");
  static const struct {
    const char *options, *message;
  } rows[] = {{"--optimizer sgd", "of another network, optimiser or schedule"},
              {"--rate 0.001", "of another network, optimiser or schedule"},
              {"--freeze fc1.bias", "of another network, optimiser or schedule"},
              {"--seed 2", "go on with the words that it was written with, or give another"},
              {"--batch 45", "of another network, optimiser or schedule"},
              {"--schedule constant --batch 45", "of another network, optimiser or schedule"},
              {"--validation 9", "of other options"},
              {"--data synthetic:900:6", "of another data set"},
              {"--net mnist-acts", "of another network"},
              {"--epochs 1 --schedule 0.003", "of another network"}};
  for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
    cli_expect(c,
               arena_printf(&c->arena, TRAIN "--epochs 2 --checkpoint $D/c -o $D/n.bin %s",
                            rows[i].options),
               1, rows[i].message);
  cli_expect(c, "cmp $D/c $D/kept && test ! -e $D/n.bin", 0, "");
}

static void damaged_checkpoints(void **state) {
  struct shell *c = *state;
  cli_expect(c, TRAIN "--epochs 1 --checkpoint $D/kept -o $D/m.bin", 0, "sha256");
  static const char *const damage[] = {
      "head -c 0 $D/kept >$D/c",
      "head -c 7 $D/kept >$D/c",
      "head -c 900 $D/kept >$D/c",
      "head -c -1 $D/kept >$D/c",
      "(cat $D/kept; echo) >$D/c",
      "cp models/mnist-mlp.bin $D/c",
      "sed 's/nngen-checkpoint/nngen-checkpaint/' $D/kept >$D/c",
      "sed 's/\\\\\"epoch\\\\\":1/\\\\\"epoch\\\\\":9/' $D/kept >$D/c",
      "sed 's/\\\\\"step\\\\\":0/\\\\\"step\\\\\":99/; s/,\\\\\"best_e/,\\\\\"be/' $D/kept >$D/c",
      "sed 's/fc1.weight.m/fc1.weight.n/' $D/kept >$D/c"};
  for (size_t i = 0; i < sizeof damage / sizeof *damage; i++)
    cli_expect(c,
               arena_printf(&c->arena,
                            "rm -f $D/m.bin; %s; cmp -s $D/c $D/kept && exit 9; " TRAIN
                            "--epochs 1 --checkpoint $D/c -o $D/m.bin",
                            damage[i]),
               1, "/c: ");
  cli_expect(c, "test ! -e $D/m.bin", 0, "");
}

static void early_stopping_keeps_the_best(void **state) {
  struct shell *c = *state;
  const char *said =
      cli_expect(c,
                 "$N train --quiet --net mnist-mlp --data synthetic:300:5 --batch 30 --epochs 60 "
                 "--schedule constant --rate 0.02 --validation 100 --patience 2 --json -o $D/m.bin",
                 0, "\"stopped_early\":true");
  int best = atoi(strstr(said, "\"best_epoch\":") + 13);
  const char *row = strstr(said, arena_printf(&c->arena, "{\"epoch\":%d,", best));
  assert_non_null(row);
  assert_null(strstr(said, arena_printf(&c->arena, "{\"epoch\":%d,", best + 3)));
  assert_non_null(strstr(said, arena_printf(&c->arena, "{\"epoch\":%d,", best + 2)));
  // The same run without patience, cut at the best epoch, has the same weights.
  const char *stopped = arena_printf(&c->arena, "%.64s", strstr(said, "\"sha256\":\"") + 10);
  const char *cut =
      hash_of(c, arena_printf(&c->arena,
                              "$N train --quiet --net mnist-mlp --data synthetic:300:5 --batch 30 "
                              "--epochs %d --schedule constant --rate 0.02 --validation 100 --json "
                              "-o $D/n.bin",
                              best));
  assert_string_equal(stopped, cut);
}

static void going_on_from_a_model(void **state) {
  struct shell *c = *state;
  cli_expect(c, TRAIN "--epochs 1 -o $D/a.bin", 0, "sha256");
  cli_expect(c,
             "$N train --quiet --net $D/a.bin" DIGITS
             "--epochs 1 --freeze fc1.weight,fc1.bias,fc2.weight,fc2.bias -o $D/b.bin",
             1, "all 4 weights stay as they are, nothing is left to train");
  cli_expect(c,
             "$N train --quiet --net $D/a.bin" DIGITS "--epochs 1 --freeze fc1.weight -o $D/c.bin",
             0, "sha256");
  cli_expect(c, "cmp -s $D/a.bin $D/c.bin", 1, "");
  cli_expect(c,
             "echo '{\"layers\":{\"fc11\":{\"stream\":\"8,3\"}}}' >$D/f.json; "
             "$N train --net $D/a.bin --qat -p 8,3 --formats $D/f.json" DIGITS,
             1, "formats: there is no layer \"fc11\" in the model, did you mean \"fc1\"?");
  cli_expect(c, "$N train --net $D/a.bin --freeze fc1.weigth" DIGITS, 1,
             "there is no weight \"fc1.weigth\" in the model, did you mean \"fc1.weight\"?");
  cli_expect(c, "$N train --net $D/a.bin --freeze fc9.weight" DIGITS, 1,
             "there is no weight \"fc9.weight\" in the model");
}

// Dropout trains, and leaves no trace in what is written.
static void dropout_is_for_training_only(void **state) {
  struct shell *c = *state;
  static const char with[] = DROPOUT("0.3") "--epochs 3 --json -o $D/m.bin";
  static const char without[] = DROPOUT("0") "--epochs 3 --json -o $D/m.bin";
  const char *first = hash_of(c, without);
  assert_string_not_equal(first, hash_of(c, with));
  cli_expect(c, "$N info $D/m.bin | grep -c dropout", 1, "0");
  cli_expect(c, "$N run --precision 8,4 --data synthetic:200 $D/m.bin", 0, "accuracy");
}

static void log_and_picture(void **state) {
  struct shell *c = *state;
  cli_expect(c, TRAIN "--epochs 3 --validation 100 --log $D/log --plot $D/p.svg -o $D/m.bin", 0,
             "valid loss");
  cli_expect(c, "cat $D/log", 0, "{\"epoch\":3,\"loss\":");
  cli_expect(c, "head -1 $D/log", 0, "\"data\":\"synthetic\",\"images\":800");
  cli_expect(c, "grep -q 'validation accuracy' $D/p.svg", 0, "");
  cli_expect(c,
             "mkdir $D/bin; PATH=$D/bin $N train --net mnist-mlp" DIGITS
             "--epochs 1 --plot $D/q.svg -o $D/m.bin",
             0, "gnuplot isn't installed");
  cli_expect(c, "ls $D | grep -c 'XX\\|\\.svg\\.'", 1, "0");
}

static void wrong_words(void **state) {
  struct shell *c = *state;
  static const struct {
    const char *options, *message;
  } rows[] = {{"--rate 0", "--rate 0: expected a number above 0"},
              {"--rate -1", "--rate -1: expected a number above 0"},
              {"--rate nan", "--rate nan: expected"},
              {"--rate inf", "--rate inf: expected"},
              {"--rate 0.1x", "--rate 0.1x: expected"},
              {"--momentum 1", "--momentum 1: expected a number from 0 to less than 1"},
              {"--beta2 -0.1", "--beta2 -0.1: expected"},
              {"--decay -1", "--decay -1: expected"},
              {"--optimizer lion", "--optimizer lion: expected sgd, momentum"},
              {"--optimizer write", "--optimizer write: expected sgd, momentum"},
              {"--schedule linear", "--schedule linear: expected constant"},
              {"--schedule step:0:0.5", "--schedule step:0:0.5: expected"},
              {"--schedule cosine:2", "--schedule cosine:2: expected"},
              {"--schedule 0.1,,0.2", "--schedule 0.1,,0.2: expected"},
              {"--epochs 0", "--epochs 0: expected a number from 1"},
              {"--epochs 1000001", "--epochs 1000001: at most 1000000"},
              {"--threads 257", "--threads 257: at most 256"},
              {"--patience 2", "--patience: needs --validation N"},
              {"--checkpoint-every 2", "--checkpoint-every: needs --checkpoint FILE"},
              {"--loss hinge", "--loss: \"hinge\", expected cross_entropy, mse or rbf[:J]"},
              {"--loss msee", "--loss: \"msee\": did you mean mse? expected"},
              {"--loss rbf:x", "--loss: rbf:x: expected a number"},
              {"--targets 1", "--targets 1: expected two numbers"},
              {"--targets 0,1,2", "--targets 0,1,2: expected two numbers"},
              {"--targets 1,1", "--targets 1,1: the same twice, nothing would part the classes"},
              {"--targets 0,inf", "--targets 0,inf: expected two numbers"},
              {"--precision 8,3", "--precision is about integers: give --qat to train them"},
              {"-w ternary", "--weight-precision is about integers: give --qat"},
              {"--qat --precision 8x3", "precision \"8x3\""},
              {"--qat -w five", "weight"}};
  for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
    cli_expect(c, arena_printf(&c->arena, TRAIN "-o $D/m.bin %s", rows[i].options), 2,
               rows[i].message);
  cli_expect(c, "test ! -e $D/m.bin", 0, "");
}

static void wrong_data(void **state) {
  struct shell *c = *state;
  static const struct {
    const char *options, *message;
  } rows[] = {
      {"--data synthetic:20 --batch 50", "20 images to train on, fewer than a batch of 50"},
      {"--data synthetic:90 --validation 90", "90 images for validation, there are 90"},
      {"--data synthetic:90 --validation 60 --batch 50", "30 images to train on, fewer"},
      {"--data $D/images.idx,$D/labels.idx --batch 1", "label 12 of image 1, the model has 10"},
      {"--data $D/images.idx --batch 1", "the images have no labels"},
      {"--data $D/small.idx,$D/labels.idx --batch 1",
       "images of 1 elements, input \"image\" of the model has 784"},
      {"--data synthetic:90 --batch 9 --qat", "the model is float: give --precision W,F"},
      {"--data synthetic:90 --batch 9 --qat -p 8,3 -i u8", "scales that are powers of two"},
      {"--data synthetic:90 --batch 9 --qat -p 8,3 -w e4m3",
       "weights of minifloats, blocks and residuals"},
      {"--data $D/none", "No such file"}};
  cli_expect(c,
             "(printf '\\0\\0\\10\\3\\0\\0\\0\\2\\0\\0\\0\\34\\0\\0\\0\\34'; head -c 1568 "
             "/dev/zero) >$D/images.idx; "
             "printf '\\0\\0\\10\\1\\0\\0\\0\\2\\3\\14' >$D/labels.idx; "
             "printf '\\0\\0\\10\\1\\0\\0\\0\\2\\3\\14' >$D/small.idx",
             0, "");
  for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
    cli_expect(c,
               arena_printf(&c->arena, "$N train --net mnist-mlp -o $D/m.bin %s", rows[i].options),
               1, rows[i].message);
  cli_expect(c, "test ! -e $D/m.bin", 0, "");
}

static void wrong_networks(void **state) {
  struct shell *c = *state;
  static const struct {
    const char *net, *message;
  } rows[] = {
      {"mnist-mpl", "there is no recipe and no file of this name (did you mean mnist-mlp? recipes: "
                    "autoencoder, "},
      {"'{'", "--net: "},
      {"'{}'", "input: expected {\"shape\": [..]}"},
      {"'{\"inputs\":{}}'", "\"inputs\""},
      {"'{\"input\":{\"shape\":[0]},\"layers\":[]}'", "input: shape: dimension 0"},
      {"'{\"input\":{\"shape\":[4]},\"layers\":[]}'", "layers: expected a list of layers"},
      {"'{\"input\":{\"shape\":[4]},\"layers\":[{\"op\":\"lstm\"}]}'",
       "layer 1: op: unknown kind \"lstm\""},
      {"'{\"input\":{\"shape\":[4]},\"layers\":[{\"op\":\"add\"}]}'",
       "layer 1: from: add takes a list of two layers"},
      {"'{\"input\":{\"shape\":[4]},\"layers\":[{\"op\":\"linear\"}]}'", "layer 1: out: expected"},
      {"'{\"input\":{\"shape\":[4]},\"layers\":[{\"op\":\"relu\",\"speed\":1}]}'",
       "unknown field \"speed\""},
      {"'{\"input\":{\"shape\":[4]},\"layers\":[{\"op\":\"dropout\",\"rate\":1}]}'",
       "rate: 1, expected"},
      {"'{\"input\":{\"shape\":[4]},\"layers\":[{\"op\":\"relu\"}]}'",
       "the model has no weights to train"},
      {"'{\"input\":{\"shape\":[4]},\"loss\":\"hinge\",\"layers\":[{\"op\":\"relu\"}]}'",
       "loss: \"hinge\""},
      {"$D/integers.bin", "the model holds integers"},
      {"$D/none.bin", "No such file"}};
  cli_expect(c,
             "$N -q -p 8,3 -o $D/rtl models/mnist-mlp.bin && cp $D/rtl/model.bin $D/integers.bin",
             0, "");
  for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
    cli_expect(c, arena_printf(&c->arena, "$N train -o $D/m.bin --net %s" DIGITS, rows[i].net), 1,
               rows[i].message);
  cli_expect(c, "test ! -e $D/m.bin", 0, "");
}

// The step, and the first layer whose output isn't finite.
static void a_loss_that_explodes(void **state) {
  struct shell *c = *state;
  cli_expect(c,
             "$N train --quiet --net mnist-mlp" DIGITS
             "--optimizer sgd --rate 1e30 --checkpoint $D/c --checkpoint-every 1 -o $D/m.bin",
             1, "epoch 1, step ");
  const char *said = cli_expect(
      c, "$N train --quiet --net mnist-mlp" DIGITS "--optimizer sgd --rate 1e30 -o $D/m.bin", 1,
      "the loss isn't finite; layer \"fc");
  assert_non_null(strstr(said, "a lower --rate may help"));
  cli_expect(c, "test ! -e $D/m.bin", 0, "");
}

int main(void) {
  const struct CMUnitTest tests[] = {SHELL_CASE(every_way_gives_the_same_model),
                                     SHELL_CASE(the_bits_are_known),
                                     SHELL_CASE(distances_from_pictures),
                                     SHELL_CASE(it_learns),
                                     SHELL_CASE(killed_at_any_moment_it_ends_the_same),
                                     SHELL_CASE(more_epochs_later),
                                     SHELL_CASE(checkpoints_of_other_runs),
                                     SHELL_CASE(damaged_checkpoints),
                                     SHELL_CASE(early_stopping_keeps_the_best),
                                     SHELL_CASE(going_on_from_a_model),
                                     SHELL_CASE(dropout_is_for_training_only),
                                     SHELL_CASE(log_and_picture),
                                     SHELL_CASE(wrong_words),
                                     SHELL_CASE(wrong_data),
                                     SHELL_CASE(wrong_networks),
                                     SHELL_CASE(a_loss_that_explodes)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
