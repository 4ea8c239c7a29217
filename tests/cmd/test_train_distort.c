// SPDX-License-Identifier: Apache-2.0
// Training on distorted images as a user meets it: the same model from every way of running it,
// images to be judged by that stay as they are, and the sheet to look at.
#include "sw/base/file.h"
#include "sw/data/synthetic.h"
#include "tests/cmd/helper_npy.h"
#include "tests/cmd/helper_shell.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>

#define DIGITS " --data synthetic:600:5 --batch 50 "
#define TRAIN "$N train --quiet --net mnist-mlp" DIGITS
#define WORDS "rotate:20,shift:2,elastic:20:3,share:0.8"
#define DISTORTED TRAIN "--distort " WORDS " "

static const char *hash_of(struct shell *c, const char *line) {
  const char *said = cli_expect(c, line, 0, "\"sha256\":\""), *at = strstr(said, "\"sha256\":\"");
  return arena_printf(&c->arena, "%.64s", at + strlen("\"sha256\":\""));
}

static void every_way_gives_the_same_model(void **state) {
  struct shell *c = *state;
  const char *first = hash_of(c, DISTORTED "--epochs 2 --json -o $D/a");
  assert_string_equal(first, "f7a60ad7ea76dff9cdca2661a04871094f50650b5d2c5ce32f6c72b90472e586");
  static const char *const same[] = {
      DISTORTED "--epochs 2 --threads 2 --json -o $D/a",
      DISTORTED "--epochs 2 --threads 3 --json -o $D/a",
      "NNGEN_KERNELS=plain " DISTORTED "--epochs 2 --threads 2 --json -o $D/a",
      "sed 's/\"layers\"/\"distort\": \"" WORDS "\", &/' models/mnist-mlp.json >$D/r.json && "
      "$N train --quiet --net $D/r.json" DIGITS "--epochs 2 --json -o $D/a"};
  for (size_t i = 0; i < sizeof same / sizeof *same; i++)
    assert_string_equal(hash_of(c, same[i]), first);
  assert_string_equal(
      hash_of(c, "$N train --quiet --net $D/r.json" DIGITS "--distort none --json -e 2 -o $D/a"),
      hash_of(c, TRAIN "--epochs 2 --json -o $D/a"));
  assert_string_not_equal(hash_of(c, TRAIN "--epochs 2 --json -o $D/a"), first);
}

// Killed at any moment: copies are those of the epoch and the image, not of what was done before.
static void interrupted_it_ends_the_same(void **state) {
  struct shell *c = *state;
  const char *expected = hash_of(c, DISTORTED "--epochs 4 --json -o $D/a");
  cli_expect(c,
             "export GCOV_PREFIX=$D/counts; i=0; until timeout -s KILL $(printf '0.%03d' $((40 + i "
             "* 5))) " DISTORTED "--epochs 4 --checkpoint $D/c --checkpoint-every 1 -o $D/b "
             ">$D/said; do i=$((i + 1)); [ $i -lt 190 ] || exit 1; done; [ $i -ge 2 ]",
             0, "");
  assert_string_equal(expected,
                      arena_printf(&c->arena, "%.64s", cli_expect(c, "sha256sum <$D/b", 0, "")));
  cli_expect(c, TRAIN "--epochs 4 --checkpoint $D/c -o $D/b", 1, "a checkpoint of other options");
}

static double number_of(const char *json, const char *key) {
  const char *at = strstr(json, key);
  if (!at) fail_msg("no %s in %s", key, json);
  return strtod(at + strlen(key), NULL);
}

// With weights that hardly move only what is trained on makes a difference.
static void what_judges_is_never_distorted(void **state) {
  struct shell *c = *state;
#define STILL "--rate 1e-30 --epochs 1 --validation 100 --test synthetic:200:9 --json -o $D/a"
  const char *plain = cli_expect(c, TRAIN STILL, 0, "");
  const char *moved = cli_expect(c, DISTORTED STILL, 0, "");
  static const char *const same[] = {
      "\"validation_loss\":", "\"validation_accuracy\":", "\"test_accuracy\":"};
  for (size_t i = 0; i < sizeof same / sizeof *same; i++)
    assert_true(number_of(plain, same[i]) == number_of(moved, same[i]));
  assert_true(number_of(plain, "\"epoch\":1,\"loss\":") !=
              number_of(moved, "\"epoch\":1,\"loss\":"));
}

static void what_is_no_image_is_refused(void **state) {
  struct shell *c = *state;
  float x[40];
  uint8_t y[4] = {0, 1, 0, 1};
  for (int i = 0; i < 40; i++) x[i] = (float)i;
  npy_write(c, "x.npy", "<f4", "(4, 10)", x, sizeof x);
  npy_write(c, "y.npy", "|u1", "(4,)", y, sizeof y);
  cli_expect(c,
             "$N train --net '{\"input\":{\"shape\":[10]},\"layers\":[{\"op\":\"linear\",\"out\":2}"
             "]}' --data $D/x.npy,$D/y.npy --batch 2 --distort shift -o $D/m",
             1, "x.npy: distortions are of images, rows x columns x channels; neither the data");
  cli_expect(c, "[ ! -e $D/m ]", 0, "");
  cli_expect(c, TRAIN "--distort shift,background:1.5 -o $D/m", 1,
             "background 1.5, the images of synthetic are bytes: 0 to 255");
  cli_expect(c, TRAIN "--distort shift:28 -o $D/m", 1,
             "shift:28 moves images of 28 x 28 out of sight");
  cli_expect(c, TRAIN "--distort rotat:15 -o $D/m", 2,
             "--distort: \"rotat\": did you mean rotate? expected shift, ");
  cli_expect(c, "$N train --net '{\"input\":{\"shape\":[4]},\"distort\":\"sheer\",\"layers\":[]}'",
             1, "--net: distort: \"sheer\": did you mean shear? ");
  cli_expect(c, "$N train --net '{\"input\":{\"shape\":[4]},\"distort\":2,\"layers\":[]}'", 1,
             "distort: expected words");
  cli_expect(c, "$N prune --kind weight --amount 0.5 --distort shift -o $D/m models/mnist-mlp.bin",
             2, "--distort is about training: give --finetune E");
  cli_expect(c, "$N fit --distort shift -o $D/f models/mnist-mlp.bin", 2,
             "--distort changes nothing");
}

// ---- the sheet

static uint32_t big_endian(const unsigned char *p) {
  return (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | p[3];
}

// The rows of pixels of a PNG file of one IDAT chunk, each behind a 0; checks every length and CRC.
static unsigned char *pixels_of(struct shell *c, const char *path, uint32_t *high, uint32_t *wide) {
  struct bytes file;
  struct err e = {0};
  if (!file_read(&c->arena, path, 1 << 20, &file, &e)) fail_msg("%s", e.text);
  assert_memory_equal(file.data, "\x89PNG\r\n\x1a\n", 8);
  const unsigned char *p = file.data + 8, *header = p + 8, *data = header + 13 + 4;
  assert_int_equal(big_endian(p), 13);
  assert_memory_equal(p + 4, "IHDR", 4);
  *wide = big_endian(header);
  *high = big_endian(header + 4);
  for (; p < file.data + file.size; p += 12 + big_endian(p))
    assert_int_equal(crc32(0, p + 4, big_endian(p) + 4), big_endian(p + 8 + big_endian(p)));
  assert_ptr_equal(p, file.data + file.size);
  int channels = header[9] == 2 ? 3 : 1;
  uLongf size = (uLongf)*high * (*wide * (uLongf)channels + 1), expected = size;
  unsigned char *pixels = arena_alloc(&c->arena, size, 1);
  assert_int_equal(uncompress(pixels, &size, data + 8, big_endian(data)), Z_OK);
  assert_int_equal(size, expected);
  return pixels;
}

static void a_sheet_shows_images_and_copies(void **state) {
  struct shell *c = *state;
  uint8_t digit[28 * 28];
  uint32_t high, wide;
  cli_expect(c, DISTORTED "--show-distortions $D/s.png -o $D/none", 0,
             "s.png: 10 images, each beside its copies of epochs 1 to 9");
  cli_expect(c,
             DISTORTED
             "--show-distortions $D/t.png --json && cmp $D/s.png $D/t.png && [ ! -e $D/none ]",
             0, "{\"images\":10,\"copies\":9}");
  const unsigned char *p = pixels_of(c, arena_printf(&c->arena, "%s/s.png", c->dir), &high, &wide);
  assert_int_equal(high, 4 + 10 * 60);
  assert_int_equal(wide, 8 + 10 * 60);
  bool moved = false;
  for (int image = 0; image < 10; image++) {
    synthetic_digit(5, image, digit);
    for (int i = 0; i < 56; i++)
      for (int j = 0; j < 56; j++) {
        const unsigned char *at = p + (uint32_t)(4 + image * 60 + i) * (wide + 1) + 1 + 4 + j;
        assert_int_equal(*at, digit[i / 2 * 28 + j / 2]);
        moved |= at[64] != *at;
      }
  }
  assert_true(moved);
  cli_expect(c, TRAIN "--show-distortions $D/u.png", 1, "--show-distortions: nothing is distorted");
  cli_expect(c, DISTORTED "--show-distortions $D/no/u.png", 1, "no/u.png");
}

// Three channels of floats are red, green and blue from the least to the largest of each.
static void a_sheet_in_colours(void **state) {
  struct shell *c = *state;
  static float x[2][64][64][3];
  uint8_t y[2] = {0, 1};
  uint32_t high, wide;
  for (int i = 0; i < 64; i++)
    for (int j = 0; j < 64; j++) {
      float v[3] = {(float)i / 63 - 1, (float)j / 63 * 10, 5};
      for (int k = 0; k < 3; k++) x[0][i][j][k] = x[1][i][j][k] = v[k];
    }
  npy_write(c, "x.npy", "<f4", "(2, 64, 64, 3)", x, sizeof x);
  npy_write(c, "y.npy", "|u1", "(2,)", y, sizeof y);
  cli_expect(c,
             "$N train --net '{\"input\":{\"shape\":[64,64,3]},\"layers\":[{\"op\":\"flatten\"},{"
             "\"op\":\"linear\",\"out\":2}]}' --data $D/x.npy,$D/y.npy --batch 2 --distort "
             "shift --show-distortions $D/s.png",
             0, "s.png: 2 images");
  const unsigned char *p = pixels_of(c, arena_printf(&c->arena, "%s/s.png", c->dir), &high, &wide);
  assert_int_equal(high, 4 + 2 * 68);
  assert_int_equal(wide, 8 + 10 * 68);
  for (uint32_t i = 0; i < 64; i++)
    for (uint32_t j = 0; j < 64; j++) {
      const unsigned char *at = p + (4 + i) * (3 * wide + 1) + 1 + 3 * (4 + j);
      assert_true(abs(at[0] - (int)(i * 255 / 63)) <= 1);
      assert_true(abs(at[1] - (int)(j * 255 / 63)) <= 1);
      assert_int_equal(at[2], 0);
    }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      SHELL_CASE(every_way_gives_the_same_model),  SHELL_CASE(interrupted_it_ends_the_same),
      SHELL_CASE(what_judges_is_never_distorted),  SHELL_CASE(what_is_no_image_is_refused),
      SHELL_CASE(a_sheet_shows_images_and_copies), SHELL_CASE(a_sheet_in_colours),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
