// SPDX-License-Identifier: Apache-2.0
// The page of `report`: its figures are those of the other commands, results belong to the circuit,
// and a browser has nothing to complain of, on a phone or on a desk.
#include "sw/base/file.h"
#include "sw/base/process.h"
#include "sw/graph/model.h"
#include "sw/graph/safetensors.h"
#include "sw/train/recipe.h"
#include "tests/cmd/helper_hostile.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MLP "models/mnist-mlp.bin"
#define HOSTILE "</script><img src=x onerror=\\\"document.title='bad'\\\">"

// How often words stand in the page $D/NAME.
static int count(struct shell *c, const char *name, const char *words) {
  struct bytes bytes;
  struct err e = {0};
  if (!file_read(&c->arena, arena_printf(&c->arena, "%s/%s", c->dir, name), 1 << 26, &bytes, &e))
    fail_msg("%s", e.text);
  const char *page = arena_printf(&c->arena, "%.*s", (int)bytes.size, (char *)bytes.data);
  int n = 0;
  for (const char *p = page; (p = strstr(p, words)); p++) n++;
  return n;
}

static void expect_words(struct shell *c, const char *name, const char *const *words) {
  for (; *words; words++)
    if (!count(c, name, *words)) fail_msg("%s: no %s", name, *words);
}

// The recipe's network, with its weights as they are drawn.
static void draw(struct shell *c, const char *name) {
  struct bytes text;
  struct recipe r;
  struct err e = {0};
  if (!file_read(&c->arena, arena_printf(&c->arena, "models/%s.json", name), 1 << 20, &text, &e) ||
      !recipe_parse(&c->arena, (const char *)text.data, text.size, 1, &r, &e) ||
      !model_write(arena_printf(&c->arena, "%s/%s.bin", c->dir, name), r.model, &e))
    fail_msg("%s", e.text);
}

// Figures that run and generate print, too; the same bytes again, and from generate.
static void test_model(void **state) {
  struct shell *c = *state;
  cli_expect(c, "$N report -q -p 8,3 -o $D/a.html " MLP, 0, "II 6272 cycles, latency 6357");
  cli_expect(c, "$N report -q -p 8,3 -o $D/b.html " MLP " && cmp $D/a.html $D/b.html", 0, "");
  cli_expect(c,
             "$N -q -p 8,3 -o $D/rtl --report $D/c.html " MLP " && cmp $D/a.html $D/c.html && "
             "$N run -q -p 8,3 --images 1000 " MLP,
             0, "fc2     25.52        1.150");
  static const char *const words[] = {
      "<title>mnist-mlp - nngen report</title>",
      "15ff573e508cf0a17e2ae2cf374444ad4bc52d251b3fe2cd4f74727f7f613c02",
      "<dd>6,272 <small>cycles",
      "<dd>6,357 <small>cycles",
      "<dd>816,352 <small>bits",
      "<td data-v=\"803968\">803,968</td>",
      "<td data-v=\"100352\">100,352</td>",
      ">25.5</td>",
      ">1.150</td>",
      "97.80 %",
      "978 of 1,000 images of mnist",
      "22 images.",
      "queue 32",
      NULL};
  expect_words(c, "a.html", words);
  assert_int_equal(count(c, "a.html", "data:image/png;base64,"), 22);
  assert_int_equal(count(c, "a.html", "class=\"histogram\""), 4);
}

// The codes of the last layer are those that run writes: the least and the most, and as many in
// all.
static void test_codes(void **state) {
  struct shell *c = *state;
  struct safetensors file;
  struct err e = {0};
  cli_expect(c,
             "$N report -q -p 8,3 -o $D/a.html " MLP
             " && $N run -q -p 8,3 --images 1000 -o $D/out " MLP,
             0, "97.80 %");
  struct bytes bytes;
  if (!file_read(&c->arena, arena_printf(&c->arena, "%s/out", c->dir), 1 << 24, &bytes, &e) ||
      !safetensors_parse(&c->arena, bytes.data, bytes.size, &file, &e))
    fail_msg("%s", e.text);
  const struct tensor *t = file.tensors[file.count - 1].tensor;
  int64_t least = INT64_MAX, most = INT64_MIN;
  assert_int_equal(t->count, 1000 * 10);
  for (int64_t i = 0; i < t->count; i++) {
    if (tensor_int(t, i) < least) least = tensor_int(t, i);
    if (tensor_int(t, i) > most) most = tensor_int(t, i);
  }
  const char *ends = arena_printf(&c->arena, "\"Codes from %lld to %lld of -128 to 127\"",
                                  (long long)least, (long long)most);
  assert_int_equal(count(c, "a.html", ends), 1);
}

// A folder has integers, and the names of the model; what is not there says why.
static void test_folder(void **state) {
  struct shell *c = *state;
  cli_expect(c, "$N -q -p 8,3 -o $D/rtl " MLP " && $N report -q --images 20 -o $D/a.html $D/rtl", 0,
             "II 6272 cycles");
  static const char *const words[] = {
      "<th scope=\"row\">fc1</th>",
      "Not compared with the float model: the model holds integers only",
      "100.00 %",
      "nngen sim has left no result",
      "scripts/synth has left no result",
      NULL};
  expect_words(c, "a.html", words);
  cli_expect(c,
             "cp $D/rtl/model.bin $D/rtl/top.sv $D; N=$(realpath $N); cd $D && $N report -q "
             "--images 20 model.bin",
             0, "model.bin -> report.html");
  cli_expect(c, "echo ' ' >>$D/rtl/top.sv; $N report -q -o $D/b.html $D/rtl", 1, "was changed");
  cli_expect(c, "ls $D", 0, "a.html\nmodel.bin\nreport.html\nrtl\ntop.sv\n");
}

// Of a model with other inputs than MNIST's, with names that try to be HTML.
static void test_results(void **state) {
  struct shell *c = *state;
  hostile_model(c, "m.bin", HOSTILE, "", "");
  hostile_images(c, "x.idx");
  cli_expect(c, "$N report -q -p 8,3 -o $D/a.html $D/m.bin", 0, "II ");
  assert_true(count(c, "a.html", "(--data SET gives images that fit)") == 2);
  assert_int_equal(count(c, "a.html", "<img"), 0);
  cli_expect(c, "$N report -q -p 8,3 -d mnist -o $D/b.html $D/m.bin", 1, "images of 784 elements");
  cli_expect(c, "$N sim -q -p 8,3 --simulator icarus -d $D/x.idx -o $D/w $D/m.bin", 0, "PASS");
  cli_expect(c,
             "$N report -q -d $D/x.idx -o $D/b.html $D/w && $N report -q -p 8,3 -d $D/x.idx --sim "
             "$D/w -o $D/c.html $D/m.bin",
             0, "c.html");
  static const char *const words[] = {"<b>PASS</b> 4 images of ", "icarus",
                                      "<dt>Mismatches</dt><dd>0",
                                      "has no labels that the output answers", NULL};
  expect_words(c, "b.html", words);
  expect_words(c, "c.html", words);
  cli_expect(c,
             "sed 's/\"failure\":null/\"failure\":\"image 0: first <b>\"/' $D/w/sim.json >$D/bad "
             "&& mv $D/bad $D/w/sim.json; $N report -q -d $D/x.idx -o $D/c.html $D/w",
             0, "c.html");
  static const char *const failure[] = {"<b>FAIL</b> 4 images", "image 0: first &lt;b&gt;", NULL};
  expect_words(c, "c.html", failure);
  cli_expect(c, "$N report -q -p 8,4 --sim $D/w -o $D/d.html $D/m.bin", 1,
             "w/sim.json: is of another circuit than ");
  cli_expect(c, "$N report -q --sim $D -o $D/d.html $D/w", 1, "sim.json: No such file");
  cli_expect(
      c,
      "mkdir $D/s; printf '{\"circuit\":\"%s\",\"families\":[{\"family\":\"ECP5\",\"blocks\":["
      "{\"name\":\"l0_linear\",\"lut\":711,\"carry\":1,\"lut_ram\":0,\"ff\":22,\"dsp\":4,\"block_"
      "ram\":0.5},"
      "{\"name\":\"all\",\"lut\":2345}],\"fmax_mhz\":null,\"why\":\"not placed\"},"
      "{\"family\":\"Xilinx 7 series\",\"blocks\":[{\"name\":\"all\",\"lut\":77}],"
      "\"fmax_mhz\":null,\"why\":\"no tool\"}]}' "
      "$(cat $D/w/rtl/manifest.json $D/w/rtl/model.bin | sha256sum | cut -d ' ' -f 1) "
      ">$D/s/synth.json;"
      "$N report -q -d $D/x.idx --synth $D/s -o $D/e.html $D/w",
      0, "e.html");
  static const char *const synthesis[] = {
      "<h3>ECP5</h3>",  "Fmax: not placed", ">711</td>",     ">0.5</td>",
      "the whole</th>", ">2345</td>",       "LUT estimated", NULL};
  expect_words(c, "e.html", synthesis);
  cli_expect(c, "echo '{}' >$D/s/synth.json; $N report -q --synth $D/s -o $D/f.html $D/w", 1,
             "s/synth.json: is of another circuit");
  cli_expect(c, "echo '{' >$D/w/sim.json; $N report -q -o $D/f.html $D/w", 1, "w/sim.json: ");
  cli_expect(c, "ls $D | grep -c html", 0, "4\n");
}

// Nothing is written that was named as an input, nor beside what can't be made.
static void test_refusals(void **state) {
  struct shell *c = *state;
  cli_expect(c, "cp " MLP " $D/m.bin; $N -q -p 8,3 -o $D/rtl $D/m.bin", 0, "II 6272");
  static const char *const cases[][2] = {
      {"-p 8,3 -o $D/m.bin $D/m.bin", "m.bin: would be overwritten"},
      {"-o $D/rtl/a.html $D/rtl", "a.html: lies in"},
      {"-o $D/no/a.html -p 8,3 $D/m.bin", "the folder"},
      {"-o $D/a.html $D/m.bin", "the model is float: give --precision"},
      {"-o $D/a.html -p 8,3 $D/rtl", "--precision changes nothing"},
      {"-o $D/a.html $D/s", "expected a folder that generate wrote"},
      {"-o $D/s/sim.json --sim $D/s -p 8,3 $D/m.bin", "it is the result of --sim"}};
  cli_expect(c, "mkdir $D/s; echo '{}' >$D/s/sim.json", 0, "");
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
    cli_expect(c, arena_printf(&c->arena, "$N report -q %s", cases[i][0]), 1, cases[i][1]);
  cli_expect(c, "$N report -o $D/a.html -p 8,3 -j 4 --target-cycles 9 $D/m.bin", 2,
             "--target-cycles chooses");
  cli_expect(c, "$N -q -p 8,3 -o $D/rtl --report $D/rtl/a.html $D/m.bin", 1, "replaced as a whole");
  cli_expect(c, "ls $D; cat $D/s/sim.json", 0, "m.bin\nrtl\ns\n{}\n");
}

// ---- in a browser

#define CHROMIUM                                                                                   \
  "timeout 60 chromium --headless --no-sandbox --disable-gpu --user-data-dir=$D/profile "          \
  "--window-size=2200,900 --virtual-time-budget=4000 --enable-logging=stderr --v=0 --dump-dom "

// $D/all.html has a frame for each copy, in windows of 360 and 1,600 pixels; below them stands what
// each says.
static void frame_pages(struct shell *c, const char *const *pages) {
  FILE *f = fopen(arena_printf(&c->arena, "%s/all.html", c->dir), "w");
  assert_non_null(f);
  fputs("<!DOCTYPE html><body><pre id=said></pre><script>\n"
        "const names = new Map();\n"
        "addEventListener('message', (e) => {\n"
        "  said.append(names.get(e.source) + ' ' + e.data + '\\n'); });\n"
        "const show = (name, width) => {\n"
        "  const frame = document.createElement('iframe');\n"
        "  frame.src = name + '.html'; frame.style = `border:0;height:900px;width:${width}px`;\n"
        "  document.body.append(frame); names.set(frame.contentWindow, name); };\n",
        f);
  for (; *pages; pages++) fprintf(f, "show('%s', 360); show('%s', 1600);\n", *pages, *pages);
  fputs("</script>", f);
  assert_int_equal(fclose(f), 0);
}

// What the browser says of a page in a window: "good", or what is wrong.
static void expect_said(const char *said, const char *page, int width, const char *words) {
  char line[64];
  snprintf(line, sizeof line, "%s %d ", page, width);
  const char *at = strstr(said, line), *end = at ? strchr(at, '\n') : NULL;
  const char *found = at ? strstr(at, words) : NULL;
  if (!found || found > end) fail_msg("expected \"%s%s\", got\n%s", line, words, said);
}

// Copies with what looks at them, of pages and of two that are broken; and the pages as they are,
// whose own policy must not be in their way.
static void make_copies(struct shell *c) {
  cli_expect(
      c,
      "cd $D; for i in mlp lenet resnet hostile; do"
      " sed '/Content-Security-Policy/d' $i.html >$i-seen.html;"
      " { echo '<script>'; cat $OLDPWD/tests/cmd/probe.js; echo '</script>'; } >>$i-seen.html;"
      " done;"
      " sed 's|<main>|<main><p style=\"width:1700px\">wide</p>|' mlp-seen.html >wide.html;"
      " sed 's|<main>|<main><script>nosuch()</script><img src=\"http://127.0.0.1:9/x.png\" "
      "alt=\"x\">|' mlp-seen.html "
      ">broken.html;"
      " sed '/class=\"block\"/{s/ y=\"[0-9.]*\"/ y=\"300\"/;:a;n;ba}' lenet-seen.html >moved.html;"
      " sed '0,/class=\"run\"/s/class=\"run\" x=\"[0-9.]*\"/class=\"run\" x=\"300\"/' "
      "lenet-seen.html >late.html;"
      " sed 's|<main>|<main><script>policy()</script>|' mlp.html >refused.html",
      0, "");
}

// Console messages of a page.
static int complaints(struct shell *c, const char *page) {
  return atoi(cli_expect(
      c, arena_printf(&c->arena, "grep CONSOLE $D/log | grep -c '/%s.html'; true", page), 0, ""));
}

static void test_browser(void **state) {
  struct shell *c = *state;
  static const char *const pages[] = {
      "mlp-seen", "lenet-seen", "resnet-seen", "hostile-seen", "wide", "broken", "mlp",
      "resnet",   "hostile",    "refused",     "moved",        "late", NULL};
  if (!process_exists("chromium")) {
    puts("chromium is not installed (scripts/setup test): not tested");
    skip();
  }
  draw(c, "resnet-mini");
  hostile_model(c, "m.bin", HOSTILE, "", "");
  hostile_images(c, "x.idx");
  cli_expect(c,
             "$N report -q -p 8,3 -o $D/mlp.html " MLP
             " && $N report -q -p 8,3 --images 10 -o $D/lenet.html "
             "models/lenet5.bin && $N report -q -p 8,3 -j 8 -d synthetic:4 -o $D/resnet.html "
             "$D/resnet-mini.bin && $N report -q -p 8,3 -d $D/x.idx -o $D/hostile.html $D/m.bin",
             0, "hostile.html");
  make_copies(c);
  frame_pages(c, pages);
  const char *said = cli_expect(c, CHROMIUM "file://$D/all.html 2>$D/log", 0, "good");
  for (int i = 0; i < 4; i++) {
    expect_said(said, pages[i], 360, "good");
    expect_said(said, pages[i], 1600, "good");
    assert_int_equal(complaints(c, pages[i]), 0);
  }
  for (int i = 6; i < 9; i++) assert_int_equal(complaints(c, pages[i]), 0);
  expect_said(said, "wide", 360, "the page scrolls sideways: 17");
  expect_said(said, "wide", 1600, "cut off: p");
  expect_said(said, "broken", 360,
              "a request for http://127.0.0.1:9/x.png; something of elsewhere: img");
  assert_true(complaints(c, "broken") > 0);
  assert_true(complaints(c, "refused") > 0);
  expect_said(said, "moved", 1600, "bytes of two values");
  expect_said(said, "late", 1600, "a layer at work on two frames");
}

int main(void) {
  const struct CMUnitTest tests[] = {SHELL_CASE(test_model),    SHELL_CASE(test_codes),
                                     SHELL_CASE(test_folder),   SHELL_CASE(test_results),
                                     SHELL_CASE(test_refusals), SHELL_CASE(test_browser)};
  cmocka_set_test_filter(getenv("NNGEN_TEST_ONLY"));
  return cmocka_run_group_tests(tests, NULL, NULL);
}
