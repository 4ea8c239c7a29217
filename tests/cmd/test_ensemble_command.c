// SPDX-License-Identifier: Apache-2.0
// ensemble puts models together, and run --early-exit gives, image by image, what net 1 or what all
// of them give, whichever the margin asks for.
#include "sw/base/file.h"
#include "sw/base/json.h"
#include "sw/base/rng.h"
#include "sw/graph/safetensors.h"
#include "tests/cmd/helper_npy.h"
#include "tests/cmd/helper_shell.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

enum { IMAGES = 300, CLASSES = 10 };

#define NET(out, act)                                                                              \
  "'{\"name\":\"small\",\"input\":{\"shape\":[28,28,1]},\"layers\":[{\"op\":\"flatten\"},"         \
  "{\"op\":\"linear\",\"out\":" #out "},{\"op\":\"" #act "\"},{\"op\":\"linear\",\"out\":10}]}'"
#define LAST "{\"op\":\"flatten\"},{\"op\":\"linear\",\"out\":10}"
#define TRAIN " --data synthetic:600 -b 32 -e 2 "
#define SET " --data synthetic:300:7 "

static void make_nets(struct shell *c) {
  cli_expect(c, "$N train -q" TRAIN "--net " NET(12, relu) " --seed 1 -o $D/a.bin", 0, "");
  cli_expect(c, "$N train -q" TRAIN "--net " NET(9, tanh) " --seed 2 -o $D/b.bin", 0, "");
  cli_expect(c, "$N train -q" TRAIN "--net " NET(7, relu) " --seed 3 -o $D/c.bin", 0, "");
  cli_expect(c, "$N ensemble -q --margin 0.5 -o $D/e.bin $D/a.bin $D/b.bin $D/c.bin && echo none",
             0, "none");
}

static void test_together(void **state) {
  struct shell *c = *state;
  make_nets(c);
  cli_expect(c, "$N ensemble -o $D/e.bin $D/a.bin $D/b.bin $D/c.bin", 0,
             "e.bin: 3 nets, 14 layers, 22290 parameters, 22232 multiplications a frame\n");
  cli_expect(c, "$N ensemble --json -o $D/e.bin $D/a.bin $D/b.bin", 0,
             "\"nets\":2,\"layers\":9,\"parameters\":16715,\"macs\":16674}");
  cli_expect(c, "$N info $D/e.bin", 0, "\nsum2           add");
  cli_expect(c, "$N train -q" TRAIN "--net $D/e.bin -o $D/t.bin && $N run" SET "$D/t.bin", 0,
             "acc");
}

// Towers of several depths in one circuit, with the queues that they need.
static void test_circuit(void **state) {
  struct shell *c = *state;
  make_nets(c);
  cli_expect(c,
             "$N train -q" TRAIN "--net '{\"input\":{\"shape\":[28,28,1]},\"layers\":["
             "{\"op\":\"conv2d\",\"out\":2,\"kernel\":[5,5],\"stride\":[3,3]},{\"op\":\"relu\"},"
             "{\"op\":\"max_pool\",\"kernel\":[2,2],\"stride\":[2,2]}," LAST "]}' -o $D/d.bin",
             0, "");
  cli_expect(c, "$N ensemble -q -o $D/e.bin $D/a.bin $D/d.bin $D/b.bin", 0, "");
  cli_expect(c, "$N sim --simulator icarus --images 3 -o $D/w -p 8,3" SET "$D/e.bin", 0,
             "0 mismatches");
  cli_expect(c, "$N ensemble -q -o $D/e.bin $D/d.bin $D/a.bin", 0, "");
  cli_expect(c, "$N sim --simulator icarus --images 3 -o $D/w -p 8,3" SET "$D/e.bin", 0,
             "0 mismatches");
}

// ---- early exit

// An array of a file of outputs, as numbers (IMAGES, columns).
static double *array(struct shell *c, const char *file, const char *name, int64_t columns) {
  struct bytes bytes;
  struct safetensors s;
  struct err e = {0};
  const char *path = arena_printf(&c->arena, "%s/%s", c->dir, file);
  if (!file_read(&c->arena, path, 1 << 20, &bytes, &e) ||
      !safetensors_parse(&c->arena, bytes.data, bytes.size, &s, &e))
    fail_msg("%s", e.text);
  int64_t at = safetensors_find(&s, name);
  assert_true(at >= 0 && s.tensors[at].tensor->count == IMAGES * columns);
  double *x = ARENA_NEW(&c->arena, double, IMAGES *columns);
  for (int64_t i = 0; i < IMAGES * columns; i++) x[i] = tensor_real(s.tensors[at].tensor, i);
  return x;
}

static double margin_of(const double *y) {
  double best = -INFINITY, second = -INFINITY;
  for (int k = 0; k < CLASSES; k++) {
    second = fmax(second, fmin(best, y[k]));
    best = fmax(best, y[k]);
  }
  return best - second;
}

static int64_t count_correct(const double *y, const double *label) {
  int64_t n = 0;
  for (int i = 0; i < IMAGES; i++, y += CLASSES) {
    int best = 0;
    for (int k = 1; k < CLASSES; k++)
      if (y[k] > y[best]) best = k;
    n += best == label[i];
  }
  return n;
}

// Every image has the outputs of net 1, or where these are closer than the margin of all. `more`
// words give the sums units that are `finer` times finer than those of net 1.
static void check_units(struct shell *c, const char *set, const char *words, const char *more,
                        double margin, double unit, double finer) {
  char line[512];
  const char *run = arena_printf(&c->arena, "$N run -q%s", set);
  snprintf(line, sizeof line, "%s%s -o $D/one.out $D/a.bin && %s%s%s -o $D/all.out $D/e.bin", run,
           words, run, words, more);
  cli_expect(c, line, 0, "");
  snprintf(line, sizeof line, "%s%s%s --early-exit --margin %g --json -o $D/exit.out $D/e.bin", run,
           words, more, margin);
  json_error_t unused;
  json_t *j = json_loads(cli_expect(c, line, 0, "\"early_exit\":"), 0, &unused);
  const double *one = array(c, "one.out", "output", CLASSES),
               *label = array(c, "all.out", "label", 1);
  const double *all = array(c, "all.out", "output", CLASSES);
  const double *out = array(c, "exit.out", "output", CLASSES),
               *nets = array(c, "exit.out", "nets", 1);
  int64_t needed = 0;
  for (int64_t i = 0; i < IMAGES; i++) {
    bool close = margin_of(one + i * CLASSES) * unit < margin;
    needed += close;
    assert_true(nets[i] == (close ? 3 : 1));
    for (int64_t k = i * CLASSES; k < (i + 1) * CLASSES; k++)
      assert_true(out[k] == (close ? all[k] : one[k] * finer));
  }
  const json_t *x = json_object_get(j, "early_exit");
  if (needed < 20 || needed > IMAGES - 20) fail_msg("one way: %lld", (long long)needed);
  assert_int_equal(json_integer_value(json_object_get(x, "needed")), needed);
  assert_int_equal(json_integer_value(json_object_get(j, "correct")), count_correct(out, label));
  double first = json_number_value(json_object_get(x, "macs_first"));
  double whole = json_number_value(json_object_get(x, "macs_all"));
  double macs = json_number_value(json_object_get(x, "macs"));
  assert_true(first == 784 * 12 + 12 * 10 && whole == 784 * 28 + 28 * 10);
  assert_true(fabs(macs - (first + (double)needed / IMAGES * (whole - first))) < 0.06);
  double part = json_number_value(json_object_get(x, "share"));
  assert_true(fabs(part - (double)needed / IMAGES) < 1e-6);
  json_decref(j);
}

static void check_exits(struct shell *c, const char *set, const char *words, double margin,
                        double unit) {
  check_units(c, set, words, "", margin, unit, 1);
}

static void test_exits(void **state) {
  struct shell *c = *state;
  make_nets(c);
  check_exits(c, SET, " --real", 0.5, 1);
  check_exits(c, SET, " -p 12,6", 0.5, 0x1p-6);
  check_exits(c, SET, " -p 12,6 -b 7", 0.5, 0x1p-6);
  check_exits(c, SET, " -p 8,3 -i u8,8", 0.75, 0x1p-3);
  cli_expect(c, "echo '{\"layers\":{\"sum3\":{\"stream\":\"16,6\"}}}' >$D/f.json", 0, "");
  check_units(c, SET, " -p 8,3", " --formats $D/f.json", 0.75, 0x1p-3, 8);
}

// Numbers of the user's own, and codes.
static void test_numbers(void **state) {
  struct shell *c = *state;
  enum { ELEMENTS = 784 };
  float *x = ARENA_NEW(&c->arena, float, IMAGES *ELEMENTS);
  int8_t *codes = ARENA_NEW(&c->arena, int8_t, IMAGES * ELEMENTS);
  uint8_t labels[IMAGES];
  for (int64_t i = 0; i < IMAGES * ELEMENTS; i++) {
    codes[i] = (int8_t)(rng_at(3, 0, (uint64_t)i) % 16 * (rng_at(4, 0, (uint64_t)i) % 4 == 0));
    x[i] = (float)codes[i] / 16;
  }
  for (int i = 0; i < IMAGES; i++) labels[i] = (uint8_t)(i % CLASSES);
  npy_write(c, "x.npy", "<f4", "(300, 28, 28, 1)", x, IMAGES * ELEMENTS * sizeof *x);
  npy_write(c, "codes.npy", "|i1", "(300, 28, 28, 1)", codes, IMAGES * ELEMENTS);
  npy_write(c, "y.npy", "|u1", "(300,)", labels, IMAGES);
  make_nets(c);
  check_exits(c, " --data $D/x.npy,$D/y.npy ", " --real", 0.25, 1);
  check_exits(c, " --data $D/x.npy,$D/y.npy ", " -p 12,6", 0.25, 0x1p-6);
  check_exits(c, " --codes --data $D/codes.npy,$D/y.npy ", " -p 12,6 -i 8,4", 0.25, 0x1p-6);
}

// All nets, one net; the margin that the model keeps; numbers and codes as data.
static void test_margins(void **state) {
  struct shell *c = *state;
  make_nets(c);
  cli_expect(c, "$N run -q" SET "--real -o $D/all.out $D/e.bin", 0, "");
  cli_expect(
      c, "$N run" SET "--early-exit --margin 1000 --tolerance 0 --compare $D/all.out $D/e.bin", 0,
      "margin    1000: 100.00 % of the images (300) need nets 2 and 3\n"
      "MACs      22232 an image, 2.33 times net 1 (9528); all nets 22232\n");
  cli_expect(c, "$N run" SET "--early-exit --margin 0 --compare $D/all.out $D/e.bin", 1,
             "margin    0: 0.00 % of the images (0) need nets 2 and 3\n"
             "MACs      9528 an image, 1.00 times net 1 (9528); all nets 22232\n");
  cli_expect(c, "$N run" SET "--early-exit $D/e.bin", 0, "margin    0.5: ");
  cli_expect(c,
             "$N quantize -q -p 8 --calibrate synthetic:200:3 -o $D/q.bin $D/e.bin && "
             "$N run" SET "--early-exit $D/q.bin",
             0, "margin    0.5: ");
  cli_expect(c, "$N -q -p 8,3 -o $D/rtl $D/e.bin && $N run" SET "--early-exit $D/rtl", 0,
             "margin    0.5: ");
}

// ---- what is refused

static void test_refused(void **state) {
  struct shell *c = *state;
  static const struct {
    const char *line;
    int status;
    const char *words;
  } rows[] = {
      {"$N ensemble $D/a.bin", 2, "a.bin: one model, expected 2 to 16 of them"},
      {"$N ensemble", 2, "ensemble needs an argument: MODEL MODEL.."},
      {"$N ensemble --margin -1 $D/a.bin $D/b.bin", 2,
       "--margin -1: expected a number of at least 0"},
      {"$N ensemble -o $D/b.bin $D/a.bin $D/b.bin", 1, "b.bin: would be overwritten, it is one of"},
      {"$N ensemble -o $D/x.bin $D/a.bin $D/no.bin", 1, "no.bin: "},
      {"$N ensemble -o $D/x.bin $D/a.bin $D/q.bin", 1,
       "q.bin: holds integers: put the float models"},
      {"$N ensemble -o $D/x.bin $D/a.bin $D/rbf.bin", 1,
       "rbf.bin: of its outputs the least is the class, of those of "},
      {"$N run --early-exit $D/a.bin", 1, "a.bin: no ensemble: output "},
      {"$N run --early-exit $D/two.bin", 1, "the model keeps no margin: give --margin M"},
      {"$N run --early-exit --margin x $D/e.bin", 2, "--margin x: expected a number"},
      {"$N run --margin 1 $D/e.bin", 2, "--margin 1 changes nothing without --early-exit"},
      {"$N run --early-exit --plain -p 8,3 $D/e.bin", 1, "--plain runs the model as a whole"},
      {"$N run 1 2", 2, "two arguments: 1 and 2"}};
  make_nets(c);
  cli_expect(c, "$N quantize -q -p 8,3 -o $D/q.bin $D/b.bin", 0, "");
  cli_expect(c, "$N ensemble -q -o $D/two.bin $D/a.bin $D/b.bin", 0, "");
  cli_expect(c,
             "$N train -q" TRAIN "--net '{\"input\":{\"shape\":[28,28,1]},\"layers\":["
             "{\"op\":\"flatten\"},{\"op\":\"rbf\",\"out\":10}]}' -o $D/rbf.bin",
             0, "");
  for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
    cli_expect(c, rows[i].line, rows[i].status, rows[i].words);
  cli_expect(c, "test -e $D/x.bin", 1, "");
}

// Sums of distances mean what distances mean.
static void test_distances(void **state) {
  struct shell *c = *state;
  const char *net =
      "--net '{\"input\":{\"shape\":[28,28,1]},\"layers\":[{\"op\":\"flatten\"},"
      "{\"op\":\"linear\",\"out\":8},{\"op\":\"tanh\"},{\"op\":\"rbf\",\"out\":10}]}'";
  char line[512];
  for (int seed = 1; seed <= 2; seed++) {
    snprintf(line, sizeof line,
             "$N train -q --data synthetic:600 -b 32 -e 4 %s --seed %d -o $D/%d.bin", net, seed,
             seed);
    cli_expect(c, line, 0, "");
  }
  cli_expect(c, "$N ensemble -q -o $D/e.bin $D/1.bin $D/2.bin", 0, "");
  for (int i = 0; i < 2; i++) {
    const char *text = cli_expect(c,
                                  i ? "$N run --json" SET "$D/e.bin"
                                    : "$N run --json" SET "--early-exit --margin 0.5 $D/e.bin",
                                  0, "\"accuracy\":");
    double accuracy;
    assert_int_equal(sscanf(strstr(text, "\"accuracy\":"), "\"accuracy\":%lf", &accuracy), 1);
    assert_true(accuracy > 0.7);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {SHELL_CASE(test_together), SHELL_CASE(test_circuit),
                                     SHELL_CASE(test_exits),    SHELL_CASE(test_numbers),
                                     SHELL_CASE(test_margins),  SHELL_CASE(test_refused),
                                     SHELL_CASE(test_distances)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
