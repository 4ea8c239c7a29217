// SPDX-License-Identifier: Apache-2.0
// What is read is never written, whatever its name; what can't be written is said before anything
// is computed; processes that write the same place; and what killed ones left.
#include "tests/cmd/helper_hostile.h"
#include "tests/cmd/helper_npy.h"

#include <string.h>

#define MLP "models/mnist-mlp.bin"
#define TINY                                                                                       \
  "--data $D/set.idx,$D/labels.idx --batch 2 --epochs 1 --net "                                    \
  "'{\"input\":{\"shape\":[2,2,1]},\"layers\":[{\"op\":\"flatten\"},{\"op\":\"linear\",\"out\":"   \
  "2}]}' "

// x.idx (4 images of 2 x 2), labels.idx, m.bin for them, f.json, l.json, rtl/ and their checksums.
static void prepare(struct shell *c) {
  hostile_images(c, "x.idx");
  hostile_model(c, "m.bin", "m", "", "");
  hostile_put(c, "f.json", "{}");
  hostile_put(c, "l.json", "{}");
  cli_expect(c,
             "cd $D; printf '\\0\\0\\10\\1\\0\\0\\0\\4\\0\\1\\1\\0' >labels.idx; cp x.idx set.idx; "
             "ln -s m.bin soft.bin; ln m.bin hard.bin; ln -s . here; $OLDPWD/$N -q -p 8,3 -o rtl "
             "m.bin && s=$(find . -type f | sort | xargs sha256sum) && echo \"$s\" >sums",
             0, "");
}

static void refused(struct shell *c, const char *line, const char *words) {
  cli_expect(
      c, arena_printf(&c->arena, "R=$PWD; cd $D; N=$(realpath --relative-to=. $R/$N); %s", line), 1,
      words);
  cli_expect(c, "cd $D; sha256sum -c --quiet sums && cat rtl/SHA256SUMS | wc -l | grep -c .", 0,
             "1");
}

static void inputs_are_never_written(void **state) {
  struct shell *c = *state;
  prepare(c);
  static const char *const model[] = {"m.bin",    "./m.bin",      "here/m.bin", "soft.bin",
                                      "hard.bin", "rtl/../m.bin", "$D/m.bin"};
  for (size_t i = 0; i < sizeof model / sizeof *model; i++)
    refused(c, arena_printf(&c->arena, "$N run -p 8,3 -d x.idx -o %s m.bin", model[i]),
            "m.bin: would be overwritten, it is the model; choose another -o");
  refused(c, "$N run -p 8,3 -d x.idx -o m.bin soft.bin", "soft.bin: would be overwritten");
  refused(c, "$N run -p 8,3 -d x.idx,labels.idx -o x.idx m.bin", "x.idx: would be overwritten");
  refused(c, "$N run -p 8,3 -d x.idx,labels.idx -o labels.idx m.bin", "the file of --data");
  refused(c, "$N run -p 8,3 --formats f.json -d x.idx -o f.json m.bin", "the file of --formats");
  refused(c, "$N run -d x.idx -o rtl/model.bin rtl", "rtl/model.bin: lies in rtl");
  refused(c, "$N run -d x.idx -o rtl/model.bin rtl/model.bin", "would be overwritten");
  refused(c, "$N run -d x.idx -o rtl/new rtl", "rtl/new: lies in rtl, which is the model");
  refused(c, "$N run -d x.idx -o here/rtl/new rtl", "here/rtl/new: lies in rtl");
  refused(c, "$N -o rtl rtl", "rtl: would be overwritten, it is the model");
  refused(c, "$N rtl", "rtl: would be overwritten"); // the default
  refused(c, "$N -o rtl rtl/model.bin", "lies in the folder of the output, rtl");
  refused(c, "$N -o here rtl", "would be overwritten");
  refused(c, "$N -p 8,3 --folding l.json -o l.json m.bin", "the file of --folding");
  refused(c, "$N sim -d x.idx -o rtl rtl", "rtl: would be overwritten");
  refused(c, "$N sim -d x.idx -o rtl/work rtl", "rtl/work: lies in rtl");
  refused(c, "$N sim -d x.idx -o . rtl/model.bin", "rtl/model.bin: would be overwritten");
  refused(c, "$N train " TINY " -o set.idx", "set.idx: would be overwritten");
  refused(c, "$N train " TINY " --log labels.idx", "choose another --log");
  refused(c, "$N train " TINY " --test x.idx,labels.idx --plot x.idx", "choose another --plot");
  refused(c, "$N train --net m.bin --data set.idx,labels.idx --batch 2 -o hard.bin",
          "m.bin: would be overwritten, it is the file of --net");
  refused(c, "$N train " TINY " -o a --log here/a", "would write the same file");
  refused(c, "$N train " TINY " -o a --checkpoint ./a", "would write the same file");
}

static void what_can_be_written_is_checked_first(void **state) {
  struct shell *c = *state;
  prepare(c);
  refused(c, "$N train " TINY " -o no/such/m.bin", "no/such/m.bin: the folder no/such can't be");
  refused(c, "$N train " TINY " -o no/m.bin | grep -c epoch", "0"); // nothing was trained
  refused(c, "$N train " TINY " -o rtl", "rtl: exists and isn't a regular file");
  refused(c, "$N train " TINY " -o t --log /proc/log",
          "/proc/log: the folder /proc can't be written");
  refused(c, "$N train " TINY " -o t --plot no/p.svg", "no/p.svg: the folder no can't be written");
  refused(c, "$N train " TINY " -o t --checkpoint /dev/null", "isn't a regular file");
  refused(c, "$N run -p 8,3 -d x.idx -o no/y m.bin | grep -c speed", "0");
  refused(c, "$N run -p 8,3 -d x.idx -o no/y m.bin", "No such file or directory");
  refused(c, "$N sim -p 8,3 -d x.idx -o m.bin/work m.bin", "m.bin/work: the folder");
  refused(c, "$N sim -p 8,3 -d x.idx -o /proc/work m.bin", "/proc/work: the folder /proc can't be");
  refused(c, "$N -p 8,3 -o . m.bin", "");
}

// What a dead process left goes; what a living one writes stays, and so does what isn't ours.
static void leftovers_of_the_dead(void **state) {
  struct shell *c = *state;
  prepare(c);
  cli_expect(c,
             "cd $D; mkdir .rtl.nngen-aaaaaa .rtl.nngen-bbbbbb.old .rtl.nngen-long name; mkdir "
             "rtl.backup; touch .rtl.nngen-aaaaaa/x .y.nngen-cccccc .y.nngen-dddddd y.abcdef "
             ".rtl.nngen-aaaaaa/y; ls -A | sort >before",
             0, "");
  cli_expect(
      c,
      "flock -F -x $D/.y.nngen-dddddd sleep 30 & p=$!; sleep 0.3; $N -q -p 8,3 -o $D/rtl $D/m.bin "
      "&& $N run -q -p 8,3 -d $D/x.idx -o $D/y $D/m.bin >$D/log; ls -A $D | sort >$D/after; "
      "kill $p; diff $D/before $D/after; true",
      0, "< .rtl.nngen-aaaaaa\n");
  cli_expect(c, "cd $D; ls -d .rtl.nngen-bbbbbb.old .y.nngen-cccccc 2>/dev/null | wc -l", 0, "0");
  cli_expect(c, "cd $D; ls -d .y.nngen-dddddd y.abcdef rtl.backup .rtl.nngen-long | wc -l", 0, "4");
}

static void two_generates_in_one_folder(void **state) {
  struct shell *c = *state;
  prepare(c);
  cli_expect(
      c,
      "for i in $(seq 15); do $N -q -p 8,3 -o $D/r $D/m.bin >$D/a 2>&1 & p=$!; $N -q -p 9,3 "
      "-o $D/r $D/m.bin >$D/b 2>&1 & q=$!; wait $p || cat $D/a; wait $q || cat $D/b; (cd $D/r "
      "&& sha256sum -c --quiet SHA256SUMS) || echo broken; done; ls -A $D | grep -c nngen-",
      1, "0\n");
}

// Both are right, whoever comes second: with one name for two models, and with one folder.
static void two_simulations_in_one_folder(void **state) {
  struct shell *c = *state;
  hostile_images(c, "x.idx");
  cli_expect(c, "mkdir $D/a $D/b", 0, "");
  hostile_model(c, "a/m.bin", "a", "", "");
  hostile_model(c, "b/m.bin", "b", "", "");
  cli_expect(
      c,
      "N=$(realpath $N); cd $D; for i in 1 2 3 4; do for w in a b; do $N sim -p $((6 + i)),3 "
      "--simulator icarus -d x.idx $w/m.bin >out.$w 2>&1 & done; wait; grep -h PASS out.*; done "
      "| wc -l",
      0, "8\n");
  cli_expect(c, "cd $D; $OLDPWD/$N -q -p 8,3 -o rtl a/m.bin", 0, "");
  // what an earlier simulation generated can be simulated where it is
  cli_expect(c, "cd $D; $OLDPWD/$N sim -q -p 8,3 --simulator icarus -o w -d x.idx a/m.bin", 0,
             "PASS");
  cli_expect(c, "cd $D; $OLDPWD/$N sim -q --simulator icarus -o w -d x.idx w/rtl", 0, "PASS");
  // a folder that is simulated isn't replaced meanwhile
  cli_expect(
      c,
      "N=$(realpath $N); cd $D; flock -F -s rtl sleep 30 & p=$!; sleep 0.3; $N -q -p 9,3 -o rtl "
      "b/m.bin; s=$?; kill $p; exit $s",
      1, "rtl: another nngen uses the folder; wait for it, or choose another with -o");
}

// A folder with files of the user's that sim would write: named, and left alone.
static void work_of_others(void **state) {
  struct shell *c = *state;
  hostile_images(c, "x.idx");
  hostile_model(c, "m.bin", "m", "", "");
  cli_expect(c, "mkdir $D/own && echo mine >$D/own/bench.sv", 0, "");
  cli_expect(c, "$N sim -q -p 8,3 --simulator icarus -d $D/x.idx -o $D/own $D/m.bin", 1,
             "own/bench.sv: would be overwritten, and sim didn't make that folder");
  cli_expect(c, "cat $D/own/bench.sv; ls $D/own | wc -l", 0, "mine\n1");
  cli_expect(c, "mkdir $D/notes && echo mine >$D/notes/readme", 0, "");
  cli_expect(c,
             "for i in 1 2; do $N sim -q -p 8,3 --simulator icarus --images 1 -d $D/x.idx -o "
             "$D/notes $D/m.bin || exit; done; cat $D/notes/readme",
             0, "mine");
}

// A disk that is too small for the model is seen before the training.
static void no_room_for_the_model(void **state) {
  struct shell *c = *state;
  if (cli_run(c, "mkdir $D/small && mount -t tmpfs -o size=100k tmpfs $D/small").status != 0)
    skip();
  struct outcome o = cli_run(c, "$N train -q --net mnist-mlp --data synthetic:3000 --test "
                                "synthetic:10 -e 30 -o $D/small/m.bin");
  struct outcome p = cli_run(c, "$N prune -q --kind weight --amount 0.5 --finetune 30 --data "
                                "synthetic:3000 -o $D/small/m.bin models/mnist-mlp.bin");
  cli_expect(c, "umount $D/small", 0, "");
  if (p.status != 1 || !strstr(p.text, "bytes are to be written") || strstr(p.text, "epoch"))
    fail_msg("%d: %s", p.status, p.text);
  if (o.status != 1 || !strstr(o.text, "bytes are to be written") || strstr(o.text, "epoch"))
    fail_msg("%d: %s", o.status, o.text);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      SHELL_CASE(inputs_are_never_written),      SHELL_CASE(what_can_be_written_is_checked_first),
      SHELL_CASE(leftovers_of_the_dead),         SHELL_CASE(two_generates_in_one_folder),
      SHELL_CASE(two_simulations_in_one_folder), SHELL_CASE(work_of_others),
      SHELL_CASE(no_room_for_the_model)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
