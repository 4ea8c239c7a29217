// SPDX-License-Identifier: Apache-2.0
// schedule: tables and JSON of networks on nodes, and what is refused.
#include "tests/cmd/helper_shell.h"

#include "sw/base/json.h"

#include <string.h>

#define MLP "$N schedule -p 8,3 models/mnist-mlp.bin "

static void test_text(void **state) {
  struct shell *c = *state;
  const char *said = cli_expect(c, MLP "--nodes 4", 0,
                                "\n924 actors with 102426 edges on 4 nodes (mesh): 2745 tokens "
                                "over links\n26259 cycles from the image to the outputs\n");
  assert_non_null(strstr(said,
                         "node  actors   busy  of cycles  from     to  received  sent  slots\n"
                         "   0      36  26256      100.0     0  26257       102  1634    909\n"));
  assert_non_null(strstr(said,
                         "no schedule takes less than 26257 (packing): 0.0 % above it\n"
                         "bounds: work 25408, critical path 912, link 1953, packing 26257\n"));
  assert_non_null(strstr(said, "busiest link 1 > 3: 849 frames\n"));
  cli_expect(c, MLP "--nodes 1 --topology ring", 0,
             "102426 edges on 1 node (ring): 0 tokens over links\n101632 cycles");
  cli_expect(c, MLP "--nodes 20", 0, "\nthe busiest, and 4 more\n");
  cli_expect(c, MLP "--nodes 2 --macs 4", 0, "bounds: work 12704,");
}

static void test_json(void **state) {
  struct shell *c = *state;
  struct err e = {0};
  const char *said =
      cli_expect(c, MLP "--nodes 64 --topology hypercube --grain 2 --link-bits 16 --json", 0, "");
  json_t *found = json_parse(said, strlen(said), &e);
  assert_non_null(found);
  assert_int_equal(json_integer_value(json_object_get(found, "nodes")), 64);
  assert_string_equal(json_string_value(json_object_get(found, "topology")), "hypercube");
  assert_string_equal(json_string_value(json_object_get(found, "grain")), "2");
  // 392 pairs of pixels, 64 and 5 actors of two channels, the source and the sink
  assert_int_equal(json_integer_value(json_object_get(found, "actors")), 392 + 64 + 5 + 2);
  assert_int_equal(json_array_size(json_object_get(found, "per_node")), 64);
  assert_int_equal(json_array_size(json_object_get(found, "utilisation")), 64);
  assert_in_range(json_integer_value(json_object_get(found, "slots")), 392, 392 + 64 + 5);
  double ratio = json_real_value(json_object_get(found, "ratio"));
  json_int_t length = json_integer_value(json_object_get(found, "length"));
  json_int_t packing =
      json_integer_value(json_object_get(json_object_get(found, "bounds"), "packing"));
  assert_true(ratio >= 1 && ratio < 1.2);
  assert_true(length >= packing && packing > 784);
  json_decref(found);
}

// Images, windows and sums by channels, everything by layers.
static void test_models(void **state) {
  struct shell *c = *state;
  cli_expect(c, "$N schedule -p 8,3 models/lenet5.bin --nodes 16", 0,
             "261 actors with 12975 edges on 16 nodes (mesh)");
  cli_expect(c, "$N schedule -p 8,3 models/resnet-mini.bin --nodes 16", 0, "229 actors with");
  cli_expect(c, "$N schedule -p 8,3 models/resnet-mini.bin --nodes 3 --grain layer", 0,
             "17 actors with 19 edges on 3 nodes");
  cli_expect(c, "$N schedule -p 8,4 models/resnet8.json --nodes 9 --topology torus", 0,
             "actors with");
}

// Every output is the C model's, whenever clocks start.
static void test_run(void **state) {
  struct shell *c = *state;
  cli_expect(c, MLP "--nodes 7 --topology tree --run --images 30", 0,
             "\ncarried out on 30 images: 300 outputs, each the C model's; ");
  cli_expect(c,
             MLP
             "--nodes 64 --run --offsets 5 --data data/mnist-1000/t10k-1000-images-idx3-ubyte.gz,"
             "data/mnist-1000/t10k-1000-labels-idx1-ubyte.gz",
             0, "carried out on 1000 images: 10000 outputs, each the C model's; ");
  cli_expect(c, "$N schedule -p 8,3 models/resnet-mini.bin --nodes 5 --run --images 2", 0,
             "2 images: 20 outputs, each the C model's; ");
  cli_expect(c,
             "$N schedule tests/import/files/kws_ref_model.tflite --nodes 2 --grain layer --run "
             "--images 2",
             0, "2 images: 24 outputs, each the C model's; ");
  struct err e = {0};
  const char *said =
      cli_expect(c, MLP "--nodes 3 --run --images 8 --json --data synthetic:8", 0, "");
  json_t *found = json_parse(said, strlen(said), &e);
  const json_t *run = json_object_get(found, "run");
  assert_int_equal(json_integer_value(json_object_get(run, "images")), 8);
  assert_int_equal(json_integer_value(json_object_get(run, "mismatches")), 0);
  assert_in_range(json_integer_value(json_object_get(run, "correct")), 1, 8);
  json_decref(found);
  cli_expect(c, MLP "--nodes 3 --images 8", 2, "--images is about --run: give both");
  cli_expect(c, MLP "--nodes 3 --offsets 2", 2,
             "--offsets changes nothing without --run or --calendar");
  cli_expect(c, MLP "--nodes 3 --data mnist", 2, "--data is about --run: give both");
  cli_expect(c, MLP "--nodes 3 --run --data $D/none", 1, "none");
}

// Several images on their way, a new one in each period.
static void test_throughput(void **state) {
  struct shell *c = *state;
  const char *said = cli_expect(c, MLP "--nodes 16 --mode throughput --run --images 300", 0,
                                "periods of 6400, in each of which an image comes in\n"
                                "no period takes less than 6352 (work): 0.8 % above it\n");
  assert_non_null(strstr(said, "carried out on 300 images: 3000 outputs, each the C model's; "));
  struct err e = {0};
  said = cli_expect(c, MLP "--nodes 200 --topology line --mode throughput --json", 0, "");
  json_t *found = json_parse(said, strlen(said), &e);
  assert_string_equal(json_string_value(json_object_get(found, "mode")), "throughput");
  assert_int_equal(json_integer_value(json_object_get(found, "period")), 784);
  assert_true(json_integer_value(json_object_get(found, "length")) > 2 * 784);
  json_decref(found);
  cli_expect(c, MLP "--nodes 16 --mode fast", 2, "--mode fast: expected latency or throughput");
}

// Lists of nodes as files, from which it is then carried out; a waveform and a picture.
static void test_files(void **state) {
  struct shell *c = *state;
  cli_expect(c, MLP "--nodes 3 --calendar $D/c --run --offsets 2 --images 5", 0,
             "carried out on 5 images: 50 outputs, each the C model's; ");
  cli_expect(c, "ls $D/c", 0, "calendar.json\nnode0.mem\nnode1.mem\nnode2.mem\n");
  cli_expect(c, "grep -c '^0' $D/c/node1.mem", 0, "45\n"); // actors that it runs
  cli_expect(c, MLP "--nodes 3 --calendar $D/c", 1,
             "/c: exists and isn't an empty folder; choose another --calendar");
  cli_expect(c, MLP "--nodes 3 --calendar ''", 1, "the name of a folder is empty");
  cli_expect(c, MLP "--nodes 3 --vcd $D/w.vcd --svg $D/s.svg", 0, "cycles");
  cli_expect(c, "grep -c 'var wire' $D/w.vcd", 0, "21\n");
  cli_expect(c, "grep '^#' $D/w.vcd | tail -n 1", 0, "#35009\n");
  cli_expect(c, "head -n 3 $D/w.gtkw", 0, "[*] nngen schedule\n[dumpfile] \"w.vcd\"\n");
  cli_expect(c, "grep -c 'class=\"run\"' $D/s.svg", 0, "6\n"); // two layers on three nodes
  cli_expect(c, "tail -n 1 $D/s.svg", 0, "</svg>\n");
  cli_expect(c, MLP "--nodes 64 --mode throughput --svg $D/t.svg", 0, "cycles");
  cli_expect(c, "grep -c 'class=\"period\"' $D/t.svg", 0, "2\n");
  cli_expect(c, "grep -c 'and 48 more nodes' $D/t.svg", 0, "1\n");
  cli_expect(c, MLP "--nodes 3 --svg $D/w.vcd --vcd $D/w.vcd", 1, "would write the same file");
}

static void test_sweep(void **state) {
  struct shell *c = *state;
  const char *said =
      cli_expect(c, MLP "--sweep 1..4", 0,
                 "nodes  cycles  period   bound  above  faster  tokens sent  slots\n"
                 "    1  101632          101632    0.0    1.00            0    911\n");
  assert_non_null(
      strstr(said, "\n    4   26259           26257    0.0    3.87         2745    909\n"));
  cli_expect(c, MLP "--sweep 16..17 --mode throughput", 0, "   16   13592    6400   6352    0.8");
  struct err e = {0};
  said = cli_expect(c, MLP "--sweep 2..3 --json", 0, "");
  json_t *found = json_parse(said, strlen(said), &e);
  assert_int_equal(json_array_size(json_object_get(found, "schedules")), 2);
  json_decref(found);
  cli_expect(c, MLP "--sweep 4", 2, "--sweep 4: expected K1..K2, as in 1..64");
  cli_expect(c, MLP "--sweep 9..4", 2, "--sweep 9..4: expected K1..K2");
  cli_expect(c, MLP "--sweep 1..5000", 2, "with at most 4096 nodes");
  cli_expect(c, MLP "--sweep 1..4 --nodes 3", 2, "leave --nodes away");
  cli_expect(c, MLP "--sweep 1..4 --run", 2, "leave --run away");
}

static void test_unscheduled(void **state) {
  struct shell *c = *state;
  const char *said = cli_expect(
      c, MLP "--nodes 64 --unscheduled", 0,
      "\nwithout a schedule, 4 places in a queue, 16 cycles of patience, 4 to take a packet:\n  ");
  assert_non_null(strstr(said, " packets sent, 11301 lost, 138 of 138 actors starve for ever, 10 "
                               "outputs never come, "));
  assert_non_null(strstr(said, "\n  from 948 places on no packet waits for one: 0 lost, "));
  cli_expect(c, MLP "--nodes 64 --unscheduled --queues 948", 0,
             " 0 lost, 0 of 138 actors starve for ever, 0 outputs never come, ");
  struct err e = {0};
  said = cli_expect(c, MLP "--nodes 8 --unscheduled --patience 3 --service 2 --json", 0, "");
  json_t *found = json_parse(said, strlen(said), &e);
  const json_t *u = json_object_get(found, "unscheduled");
  assert_int_equal(json_integer_value(json_object_get(u, "queues")), 4);
  assert_int_equal(json_integer_value(json_object_get(u, "patience")), 3);
  assert_int_equal(json_integer_value(json_object_get(u, "service")), 2);
  assert_true(json_integer_value(json_object_get(u, "lost")) > 0);
  assert_true(json_integer_value(json_object_get(u, "queues_needed")) > 4);
  json_decref(found);
  cli_expect(c, MLP "--nodes 8 --queues 3", 2, "--queues is about --unscheduled: give both");
  cli_expect(c, MLP "--nodes 8 --service 3", 2, "--service is about --unscheduled: give both");
  cli_expect(c, MLP "--nodes 8 --unscheduled --service 201", 2,
             "--service 201: expected 1 to 200 cycles");
  cli_expect(c, MLP "--nodes 8 --unscheduled --patience 100000000", 2,
             "--patience 100000000: expected 1 to 10000 cycles");
  cli_expect(c, MLP "--nodes 8 --latency 10001", 2, "--latency 10001: expected 1 to 10000 cycles");
  cli_expect(c, MLP "--sweep 1..2 --unscheduled", 2, "leave --unscheduled away");
}

static void test_slots(void **state) {
  struct shell *c = *state;
  cli_expect(c, MLP "--nodes 4 --slots 909", 0, "cycles");
  cli_expect(c, MLP "--nodes 4 --slots 800", 1,
             "node 0 needs 909 slots, has 800: the first too many is taken in cycle 3924; all "
             "nodes have enough with --slots 909");
}

static void test_refused(void **state) {
  struct shell *c = *state;
  cli_expect(c, MLP, 2, "on how many nodes? give --nodes K, 1 to 4096");
  cli_expect(c, MLP "--nodes 0", 2, "--nodes 0: expected a number from 1");
  cli_expect(c, MLP "--nodes 4097", 2, "--nodes 4097: expected 1 to 4096");
  cli_expect(c, MLP "--nodes 4 --topology grid", 2,
             "--topology grid: expected full, line, ring, mesh, torus, tree or hypercube");
  cli_expect(c, MLP "--nodes 4 --grain 0", 2,
             "--grain 0: expected layer, neuron, auto or a number of channels");
  cli_expect(c, MLP "--nodes 4 --grain fine", 2, "--grain fine: expected layer");
  cli_expect(c, "$N schedule models/mnist-mlp.bin --nodes 4", 1, "the model is float");
  cli_expect(c, "$N schedule -p 8,3 $D/none.bin --nodes 4", 1, "none.bin");
  cli_expect(c, "$N schedule tests/import/files/okay_nabu.tflite --nodes 4", 1,
             "keeps values from frame to frame: frames that stand alone are scheduled");
  cli_expect(c, "$N schedule tests/import/files/kws_ref_model.tflite --nodes 4", 1,
             "softmax can't be cut into channels; give --grain layer");
  cli_expect(c, "$N schedule tests/import/files/kws_ref_model.tflite --nodes 4 --grain layer", 0,
             "on 4 nodes (mesh)");
}

// Steps of a training: as a table and as JSON, exact and stale, carried out; what has no meaning
// then.
static void test_train(void **state) {
  struct shell *c = *state;
  struct err e = {0};
#define TRAIN "$N schedule --train models/mnist-mlp.json --nodes "
  cli_expect(
      c, TRAIN "1", 0,
      "\n38 firings a step of 128 images on 1 node (mesh): 0 tokens over links\na step every "
      "26762701 cycles, each done in 26762701; staleness 0\nno period is shorter than 26762701 "
      "(work): 0.0 % above it\n");
  cli_expect(c, TRAIN "4 --topology ring --batch 16 --optimizer sgd --run --images 40", 0,
             "carried out: 3 steps, 5 variables with 101771 numbers, each as the token executor "
             "leaves it\n");
  const char *said =
      cli_expect(c, TRAIN "16 --grain 32 --batch 32 --staleness 2 --run --json", 0, "");
  json_t *found = json_parse(said, strlen(said), &e);
  assert_non_null(found);
  const json_t *bounds = json_object_get(found, "bounds"), *run = json_object_get(found, "run");
  json_int_t period = json_integer_value(json_object_get(found, "period"));
  assert_int_equal(json_integer_value(json_object_get(found, "parts")), 4);
  assert_true(period >= json_integer_value(json_object_get(bounds, "most")));
  assert_true(json_integer_value(json_object_get(bounds, "cycle")) > 0);
  assert_true(json_real_value(json_object_get(found, "faster")) > 2);
  assert_true(json_integer_value(json_object_get(found, "exact_period")) > 2 * period);
  assert_int_equal(json_integer_value(json_object_get(run, "steps")), 4);
  assert_int_equal(json_integer_value(json_object_get(run, "mismatches")), 0);
  assert_int_equal(json_array_size(json_object_get(found, "per_node")), 16);
  json_decref(found);
  cli_expect(c, "$N schedule --train --nodes 4 --grain 1 models/lfc.json", 1,
             "parts of layers, at most 1000: give a larger --grain");
  static const char *const others[] = {
      "--mode throughput", "--sweep 1..4", "--calendar $D/c", "--svg $D/x.svg", "--vcd $D/x.vcd",
      "--slots 4",         "-p 8,3",       "--unscheduled",   "--offsets 3"};
  for (size_t i = 0; i < sizeof others / sizeof *others; i++)
    cli_expect(c, arena_printf(&c->arena, TRAIN "4 %s", others[i]), 2,
               "--train schedules steps of a training: leave --");
  cli_expect(c, TRAIN "4 --staleness 65", 2, "--staleness 65: expected 1 to 64 steps");
  cli_expect(c, TRAIN "4 --batch 70000", 2, "--batch 70000: expected 1 to 65536 images");
  cli_expect(c, TRAIN "4 --optimizer fast", 2, "--optimizer fast: expected sgd, momentum");
  cli_expect(c, MLP "--nodes 4 --staleness 1", 2, "--staleness is about --train: give both");
  cli_expect(c, MLP "--nodes 4 --batch 4", 2, "--batch is about --train: give both");
  cli_expect(c, "$N schedule --train --nodes 4 tests/import/files/kws_ref_model.tflite", 1,
             "the model holds integers, train the float model");
}

// As many channels and parts as make an image fastest, each output the uncut network's.
static void test_auto(void **state) {
  struct shell *c = *state;
  struct err e = {0};
  static const struct {
    int nodes;
    double most; // above its bound
  } cases[] = {{1, 1.01}, {16, 1.03}, {64, 1.10}};
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    const char *said =
        cli_expect(c,
                   arena_printf(&c->arena, MLP "--nodes %d --grain auto --run --images 20 --json",
                                cases[i].nodes),
                   0, "\"grain\":\"auto\"");
    json_t *found = json_parse(said, strlen(said), &e);
    const json_t *bounds = json_object_get(found, "bounds"), *run = json_object_get(found, "run");
    double ratio = json_real_value(json_object_get(found, "ratio"));
    assert_int_equal(json_integer_value(json_object_get(bounds, "work")),
                     (101632 + cases[i].nodes - 1) / cases[i].nodes);
    if (ratio < 1 || ratio > cases[i].most) fail_msg("%d nodes: %g", cases[i].nodes, ratio);
    assert_int_equal(json_integer_value(json_object_get(run, "mismatches")), 0);
    assert_int_equal(json_integer_value(json_object_get(run, "elements")), 200);
    json_decref(found);
  }
  cli_expect(c, "$N schedule -p 8,3 models/lenet5.bin --nodes 9 --grain auto --run --images 2", 0,
             "20 outputs, each the C model's; ");
  cli_expect(c, MLP "--nodes 64 --grain auto", 0, "\nbounds, however it is cut: work 15");
  cli_expect(c, MLP "--nodes 4 --grain auto --mode throughput", 2,
             "--grain auto is for one image on one number of nodes: leave --mode throughput away");
  cli_expect(c, MLP "--sweep 1..4 --grain auto", 2, "leave --sweep away");
  cli_expect(c, "$N schedule --train --nodes 4 --grain auto models/mnist-mlp.json", 2,
             "leave --train away");
  cli_expect(c, MLP "--nodes 4 --grain fine", 2,
             "--grain fine: expected layer, neuron, auto or a number of channels");
}

int main(void) {
  const struct CMUnitTest tests[] = {
      SHELL_CASE(test_text),    SHELL_CASE(test_json),       SHELL_CASE(test_models),
      SHELL_CASE(test_run),     SHELL_CASE(test_throughput), SHELL_CASE(test_files),
      SHELL_CASE(test_sweep),   SHELL_CASE(test_slots),      SHELL_CASE(test_unscheduled),
      SHELL_CASE(test_refused), SHELL_CASE(test_train),      SHELL_CASE(test_auto)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
