// SPDX-License-Identifier: Apache-2.0
// Every file that the program reads, cut at every length: refused with a message that names it.
#include "gen/folder.h"
#include "quant/formats.h"
#include "sw/base/file.h"
#include "sw/data/data.h"
#include "sw/graph/model.h"
#include "sw/train/recipe.h"
#include "tests/cmd/helper_hostile.h"
#include "tests/train/helper_fit.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

// One kind of file: writes it, reads it.
struct format_case {
  const char *name;
  void (*make)(struct shell *c, const char *file);
  bool (*read)(struct arena *a, const char *path, struct err *e);
};

static void make_model(struct shell *c, const char *file) {
  hostile_model(c, file, "plain ", "", "");
}

static bool read_model(struct arena *a, const char *path, struct err *e) {
  return model_read(a, path, e) != NULL;
}

static void make_folding(struct shell *c, const char *file) {
  hostile_put(c, file, "{\"defaults\":{\"parallelism\":2},\"layers\":{\"a\":{\"in\":4,\"PE\":2}}}");
}

static bool read_folding(struct arena *a, const char *path, struct err *e) {
  struct folding f = {0};
  return folding_read(a, path, &f, e);
}

static void make_formats(struct shell *c, const char *file) {
  hostile_put(c, file,
              "{\"defaults\":{\"stream\":\"8,3\",\"rounding\":\"floor\"},\"kinds\":{\"relu\":{"
              "\"stream\":{\"fixed\":\"u6\",\"scale\":0.1,\"zero\":3}}},\"layers\":{\"fc\":{"
              "\"weight\":\"6,channel\",\"overflow\":\"wrap\"}}}");
}

static bool read_formats(struct arena *a, const char *path, struct err *e) {
  struct formats f = formats_new();
  return formats_read(a, path, &f, e);
}

static void make_gzip(struct shell *c, const char *file) {
  hostile_images(c, "plain.idx");
  cli_expect(c, arena_printf(&c->arena, "gzip -nc $D/plain.idx >$D/%s", file), 0, "");
}

static void make_npy(struct shell *c, const char *file) {
  cli_expect(c,
             arena_printf(&c->arena,
                          "{ printf '\\223NUMPY\\1\\0\\74\\0'; printf '%%-59s\\n' \"{'descr': "
                          "'|u1', 'fortran_order': False, 'shape': (2,2), }\"; printf abcd; } "
                          ">$D/%s",
                          file),
             0, "");
}

static bool read_images(struct arena *a, const char *path, struct err *e) {
  struct images set;
  return data_open(a, path, 0, &set, e);
}

static void make_recipe(struct shell *c, const char *file) {
  hostile_put(c, file, "{\"input\":{\"shape\":[4]},\"layers\":[{\"op\":\"linear\",\"out\":3}]}");
}

static bool read_recipe(struct arena *a, const char *path, struct err *e) {
  struct bytes file;
  struct recipe r;
  return file_read(a, path, 1 << 20, &file, e) &&
         (recipe_parse(a, (const char *)file.data, file.size, 1, &r, e) ||
          err_within(e, "%s", path));
}

static void make_checkpoint(struct shell *c, const char *file) {
  struct fit_sample s;
  struct err e = {0};
  fit_sample_new(&s, &c->arena, 3);
  if (!checkpoint_write(arena_printf(&c->arena, "%s/%s", c->dir, file), s.fit, &s.run, &e))
    fail_msg("%s", e.text);
  fit_free(s.fit);
}

static bool read_checkpoint(struct arena *a, const char *path, struct err *e) {
  struct fit_sample s;
  fit_sample_new(&s, a, 0);
  bool ok = checkpoint_read(path, s.fit, &s.options, &s.run, e);
  fit_free(s.fit);
  return ok;
}

static const struct format_case formats[] = {
    {"recipe.json", make_recipe, read_recipe},    {"checkpoint", make_checkpoint, read_checkpoint},
    {"model.bin", make_model, read_model},        {"folding.json", make_folding, read_folding},
    {"formats.json", make_formats, read_formats}, {"images.idx", hostile_images, read_images},
    {"images.idx.gz", make_gzip, read_images},    {"images.npy", make_npy, read_images},
};

static void expect_cut(const struct format_case *f, const char *path, size_t length) {
  struct arena a = {0};
  struct err e = {0};
  if (f->read(&a, path, &e)) fail_msg("%s: %zu bytes are accepted", f->name, length);
  if (!strstr(e.text, f->name)) fail_msg("%zu bytes: %s", length, e.text);
  hostile_clean(e.text);
  arena_free(&a);
}

static void every_cut(struct shell *c, const struct format_case *f) {
  struct bytes whole;
  struct err e = {0};
  const char *path = arena_printf(&c->arena, "%s/%s", c->dir, f->name);
  f->make(c, f->name);
  if (!file_read(&c->arena, path, 1 << 20, &whole, &e)) fail_msg("%s", e.text);
  if (!f->read(&c->arena, path, &e)) fail_msg("%s", e.text);
  for (size_t length = whole.size; length-- > 0;) {
    assert_int_equal(truncate(path, (off_t)length), 0);
    expect_cut(f, path, length);
  }
}

static void test_every_cut(void **state) {
  for (size_t i = 0; i < sizeof formats / sizeof *formats; i++) every_cut(*state, &formats[i]);
}

// In a generated folder a file that lost its last byte is one that was changed.
static void test_every_file_of_a_folder(void **state) {
  struct shell *c = *state;
  make_model(c, "m.bin");
  cli_expect(c, "$N -q -p 8,3 -o $D/rtl $D/m.bin >$D/said && mkdir $D/cut && echo made", 0, "made");
  cli_expect(c,
             "cd $D/rtl && n=0 && for f in $(find . -type f ! -name SHA256SUMS); do "
             "n=$((n + 1)); cp -r ../rtl ../cut/$n && truncate -s -1 ../cut/$n/$f; done; "
             "cp -r ../rtl ../cut/0 && sed -i '$d' ../cut/0/SHA256SUMS && echo cut",
             0, "cut");
  struct outcome count = cli_run(c, "ls $D/cut | wc -l");
  int folders = atoi(count.text);
  assert_true(folders > 20);
  for (int i = 0; i < folders; i++) {
    struct err e = {0};
    assert_false(folder_check(arena_printf(&c->arena, "%s/cut/%d", c->dir, i), &e));
    if (!strstr(e.text, i ? "was changed" : "isn't listed")) fail_msg("%d: %s", i, e.text);
  }
  struct err e = {0};
  if (!folder_check(arena_printf(&c->arena, "%s/rtl", c->dir), &e)) fail_msg("%s", e.text);
}

int main(void) {
  const struct CMUnitTest tests[] = {SHELL_CASE(test_every_cut),
                                     SHELL_CASE(test_every_file_of_a_folder)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
