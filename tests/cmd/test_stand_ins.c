// SPDX-License-Identifier: Apache-2.0
// Commands with stand-ins for the simulators: what one says and how it ends decides what `sim` and
// `doctor` say, a simulator that says nothing, or dies, never passes. No circuit is simulated here.
#include "sw/base/file.h"
#include "tests/cmd/helper_hostile.h"
#include "tests/sim/helper_bench.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

// $D/bin/verilator makes a program that runs $D/says; vvp runs it too. What they were called with
// is in $D/called.
static void prepare(struct shell *c) {
  hostile_model(c, "m.bin", "plain ", "", "");
  hostile_images(c, "x.idx");
  hostile_put(c, "compiler",
              "#!/bin/sh\necho \"$0 $OBJCACHE $*\" >>\"${0%/bin/*}/called\"\n"
              "while [ $# -gt 0 ]; do [ \"$1\" = -o ] && p=$2; shift; done\n"
              "printf '#!/bin/sh\\n. %s/says\\n' \"${0%/bin/*}\" >\"$p\"; /bin/chmod +x \"$p\"\n");
  cli_expect(c,
             "mkdir $D/bin && for p in verilator iverilog; do cp $D/compiler $D/bin/$p; done; "
             "printf '#!/bin/sh\\n. %s/says\\n' $D >$D/bin/vvp; chmod +x $D/bin/*; "
             "printf '\\0\\0\\10\\1\\0\\0\\0\\4\\1\\0\\1\\0' >$D/l.idx",
             0, "");
}

#define STAT "STAT images=2 elements=24 mismatches=0 cycles=100 ii=50 latency=60 correct=1"
#define GOOD "echo " STAT "; echo PASS 2 frames"
#define SIM "PATH=$D/bin:$PATH $N sim -q -p 8,3 --data $D/x.idx,$D/l.idx -o $D/w "

// What `sim` says with these options when the simulator runs this script.
static void says(struct shell *c, const char *script, const char *options, int status,
                 const char *words) {
  hostile_put(c, "says", script);
  cli_expect(c, arena_printf(&c->arena, SIM "%s $D/m.bin", options), status, words);
}

static void test_verdicts(void **state) {
  struct shell *c = *state;
  prepare(c);
  says(c, GOOD, "", 0, "PASS   24 elements compared, 0 mismatches\naccuracy           50.00 %");
  says(c, GOOD "; exit 3", "", 1, "rtl: the simulator ended early: it said nothing");
  says(c, "echo oops; echo", "", 1, "rtl: the simulator ended early: oops\n");
  says(c, GOOD "; kill -9 $$", "", 1, "the simulator ended early: it said nothing");
  says(c, "printf 'Aborted'", "", 1, "the simulator ended early: Aborted\n");
  says(c, "echo FAIL first; echo FAIL second; " GOOD, "", 1, "rtl: first\n");
  says(c, "echo STAT images=2 elements=3; echo PASS", "--json", 0,
       "{\"images\":0,\"elements\":0,\"mismatches\":0,\"correct\":null");
}

static void test_figures(void **state) {
  struct shell *c = *state;
  prepare(c);
  says(c, "echo AT 1; " GOOD, "--json", 0,
       "\"images\":2,\"elements\":24,\"mismatches\":0,\"correct\":1,\"accuracy\":0.500000,"
       "\"cycles\":100,\"ii\":null,\"latency\":60,");
  says(c, GOOD, "--json --jobs 2", 0,
       "\"images\":4,\"elements\":48,\"mismatches\":0,\"correct\":2,\"accuracy\":0.500000,"
       "\"cycles\":200,\"ii\":null,\"latency\":60,");
  says(c, GOOD, "--json", 0, "\"waveform\":null,\"failure\":null,\"warnings\":[]}");
  says(c, "echo 'FAIL a \"word\"'", "--json", 1, "\"failure\":\"a \\\"word\\\"\",\"warnings\":[]}");
  says(c, GOOD, "--stall random50/long", 0, "without stalls)\nstalls             random50/long\n");
  says(c,
       "echo STAT images=1 elements=9 mismatches=0 cycles=70 ii=0 latency=60 correct=0; echo PASS",
       "--images 1 --simulator verilator", 0, "cycles per image   not measured with one image");
  cli_expect(c, "PATH=$D/bin:$PATH $N sim -q -p 8,3 --data $D/x.idx -o $D/w --json $D/m.bin", 0,
             "\"correct\":null,\"accuracy\":null");
}

// The run that writes a waveform is one more, and its failure counts, too.
static void test_traced(void **state) {
  struct shell *c = *state;
  prepare(c);
  says(c, GOOD, "--trace", 0, "w/wave.fst\n");
  says(c, GOOD, "--trace --json", 0, "/w/wave.fst\",\"failure\":null,\"warnings\":[]}");
  says(c, "case $* in *+trace=*) echo FAIL traced ;; *) " GOOD " ;; esac", "--trace", 1,
       "rtl: traced\n");
  says(c, "case $* in *+trace=*) echo FAIL traced ;; *) echo FAIL fast ;; esac", "--trace", 1,
       "rtl: fast\n");
  says(c, GOOD, "--simulator icarus --trace --json", 0,
       "/w/wave.fst\",\"failure\":null,\"warnings\":[]}");
  says(c, "echo FAIL other", "--simulator icarus --trace", 1, "rtl: other\n");
  cli_expect(c, "grep -c -- --trace-fst $D/called", 0, "1"); // the build is kept
}

static void test_builds(void **state) {
  struct shell *c = *state;
  prepare(c);
  hostile_put(c, "says", GOOD);
  // ccache only where it is; neither compiler is called again for the same circuit
  cli_expect(c, "PATH=$D/bin $N sim -q -p 8,3 --data $D/x.idx -o $D/v $D/m.bin && cat $D/called", 0,
             "/bin/verilator  --binary");
  cli_expect(c,
             "printf '#!/bin/sh\\n' >$D/bin/ccache; chmod +x $D/bin/ccache; " SIM
             "$D/m.bin >/dev/null && tail -1 $D/called",
             0, "/bin/verilator ccache --binary");
  cli_expect(c, SIM "$D/m.bin >/dev/null && wc -l <$D/called", 0, "2\n");
  cli_expect(c, SIM "--rom-style case $D/m.bin >/dev/null && wc -l <$D/called", 0, "3\n");
  cli_expect(c,
             "rm $D/bin/vvp; PATH=$D/bin $N sim -q -p 8,3 --simulator icarus --data $D/x.idx -o "
             "$D/w $D/m.bin",
             1, "icarus isn't installed");
  cli_expect(c,
             "rm $D/bin/iverilog; PATH=$D/bin $N sim -q -p 8,3 --simulator icarus --data "
             "$D/x.idx -o $D/w $D/m.bin",
             1, "icarus isn't installed");
}

// Where it works: -o, or build/sim and the name of the model without its ending.
static void test_work_folders(void **state) {
  struct shell *c = *state;
  prepare(c);
  hostile_put(c, "says", GOOD);
  cli_expect(c,
             "N=$(realpath $N); cd $D; cp m.bin .bin; cp m.bin plain; $N -q -p 8,3 -o rtl m.bin "
             ">/dev/null; export PATH=$D/bin:$PATH; for m in m.bin .bin plain; do "
             "$N sim -q -p 8,3 --data x.idx $m >/dev/null || exit 1; done; "
             "$N sim -q --data x.idx rtl// >/dev/null && ls -A build/sim",
             0, ".bin\nm\nplain\nrtl\n");
  cli_expect(c, "$N sim /", 1, "//SHA256SUMS: No such file");
  static const char *const options[] = {"-p 8,3", "-j 2", "--folding $D/f", "--rom-style case"};
  for (size_t i = 0; i < sizeof options / sizeof *options; i++)
    cli_expect(c, arena_printf(&c->arena, "$N sim -q %s $D/rtl", options[i]), 1, "already");
  cli_expect(c, "$N sim -q -p 8,3 -o $D/m.bin/w $D/m.bin", 1,
             "m.bin can't be written: Not a directory");
  cli_expect(c, "$N sim -q -p 8,3 -o /proc/w $D/m.bin", 1, "/proc can't be written");
  cli_expect(c, "mkdir -p $D/v/lock && PATH=$D/bin:$PATH $N sim -q --data $D/x.idx -o $D/v $D/rtl",
             1, "/v: Is a directory");
  cli_expect(c, "$N sim -q -p 8,3 --data $D/l.idx -o $D/w $D/m.bin", 1, "images of 1 elements");
}

// Paths that make doesn't understand are reached through a folder of the user's own in /tmp, which
// nobody else may have made.
static void test_link_folder(void **state) {
  struct shell *c = *state;
  prepare(c);
  hostile_put(c, "says", GOOD);
#define SPACE "PATH=$D/bin:$PATH $N sim -q -p 8,3 --data $D/x.idx -o \"$D/a b\" $D/m.bin; "
  cli_expect(c,
             SPACE "F=$(grep -o '/tmp/nngen-[0-9]*-[0-9a-f]*' $D/called | head -1); "
                   "echo $F >$D/F; stat -c '%a %F' $F; readlink $F/work",
             0, "700 directory\n");
#define FOLDER "F=$(cat $D/F); [ -n \"$F\" ] || exit 9; "
  cli_expect(c, FOLDER "chmod 755 $F; " SPACE, 1, "exists and isn't this user's own folder");
  cli_expect(c, FOLDER "chmod 700 $F; rm $F/work && mkdir -p $F/work/x; " SPACE, 1,
             "/work: File exists");
  cli_expect(c, FOLDER "rm -r $F; echo >$F; " SPACE, 1, "exists and isn't this user's own folder");
  cli_expect(c, FOLDER "rm $F; ln -s $D $F; " SPACE, 1, "exists and isn't this user's own folder");
  cli_expect(c, FOLDER "rm $F; " SPACE "rm -r $F", 0, "PASS");
}

// ---- the list of sources

static void refused_sources(struct bench *b, const char *words) {
  struct simulate_result r;
  struct err e = {0};
  assert_false(simulate(&b->arena, &b->job, &r, &e));
  if (!strstr(e.text, words)) fail_msg("%s", e.text);
}

static void test_sources(void **state) {
  struct shell *c = *state;
  struct bench b = {0};
  struct text list = {0};
  struct err e = {0};
  prepare(c);
  char *before = arena_strdup(&c->arena, getenv("PATH"));
  setenv("PATH", arena_printf(&c->arena, "%s/bin:%s", c->dir, before), 1);
  bench_new(&b, bench_network(&b.arena), 2, 2);
  const char *path = arena_printf(&b.arena, "%s/%s.f", b.job.folder, b.circuit->top);
  for (int i = 0; i < 5000; i++) text_puts(&list, "top.sv\n");
  assert_true(file_write(path, list.data, list.size, &e));
  for (int icarus = 0; icarus < 2; icarus++) {
    b.job.icarus = icarus;
    refused_sources(&b, ".f: too many files");
  }
  remove(path);
  for (int icarus = 0; icarus < 2; icarus++) {
    b.job.icarus = icarus;
    refused_sources(&b, ".f: No such file or directory");
  }
  setenv("PATH", before, 1);
  text_free(&list);
  bench_free(&b);
}

// ---- doctor

// The small case that the bug of some versions gets wrong, with and without the flag against it.
static void doctor_says(struct shell *c, const char *verilator, int status, const char *words) {
  hostile_put(c, "bin/verilator", verilator);
  cli_expect(c,
             "chmod +x $D/bin/verilator; PATH=$D/bin:$PATH $N doctor >$D/says; s=$?; "
             "tr -s ' ' <$D/says; exit $s",
             status, words);
}

static void test_doctor(void **state) {
  struct shell *c = *state;
  prepare(c);
#define BUILDS(what)                                                                               \
  "#!/bin/sh\n[ $1 = --version ] && exit 0\nwhile [ $# -gt 0 ]; do [ \"$1\" = --Mdir ] && d=$2; "  \
  "f=$1; shift; done\nmkdir -p $d\n{ echo '#!/bin/sh'; " what                                      \
  "; } >$d/Vknown_bug\nchmod +x $d/Vknown_bug\n"
  doctor_says(c, BUILDS("echo echo right"), 0, "not there");
  doctor_says(c, BUILDS("echo echo right"), 0, "verilator found");
  doctor_says(c, BUILDS("case $f in -f*) echo echo right;; *) echo echo wrong;; esac"), 0,
              "there, avoided");
  doctor_says(c, BUILDS("echo echo wrong"), 1, "don't trust this simulator");
  doctor_says(c, BUILDS("echo exit 1"), 1, "verilator doesn't build a small case");
  doctor_says(c, "#!/bin/sh\nexit 1\n", 1, "verilator doesn't build a small case");
  cli_expect(c, "PATH=$D/bin:$PATH $N doctor --json", 1,
             "{\"name\":\"parity bug\",\"ok\":false,\"needed\":true,\"found\":\"not tried\"");
}

int main(void) {
  const struct CMUnitTest tests[] = {SHELL_CASE(test_verdicts),     SHELL_CASE(test_figures),
                                     SHELL_CASE(test_traced),       SHELL_CASE(test_builds),
                                     SHELL_CASE(test_work_folders), SHELL_CASE(test_link_folder),
                                     SHELL_CASE(test_sources),      SHELL_CASE(test_doctor)};
  cmocka_set_test_filter(getenv("NNGEN_TEST_ONLY"));
  return cmocka_run_group_tests(tests, NULL, NULL);
}
