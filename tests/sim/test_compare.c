// SPDX-License-Identifier: Apache-2.0
// The comparison with the golden model, fed with the beats of a circuit that is played in software:
// right ones pass, and each fault of a beat, of TLAST, of time or of what is missing has its words.
// Jobs are read back as written, or refused.
#include "sim/compare.h"
#include "sw/base/file.h"
#include "sw/graph/model.h"
#include "tests/data/helper_data.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

// relu from 6 bits to 6 bits: 3 elements in 2 lanes, so that a frame has 2 beats of 12 bits, padded
// to 16 at the output.
enum { ELEMENTS = 3, LANES = 2, BEATS = 2, WIDTH = 6, IMAGES = 70, STEADY = 64, DELAY = 5 };

// What goes wrong: at image `image`, beat `beat`; image -1: nothing, or by `what` alone.
enum fault {
  NOTHING,
  WRONG_ELEMENT,
  WRONG_LAYER,   // in the inner stream only
  WRONG_UNUSED,  // a bit of an unused lane
  WRONG_PADDING, // a bit above the lanes
  EARLY_LAST,
  LATE_LAST,
  SURPLUS,  // a beat after all frames
  MISSING,  // the last beat doesn't come
  LATE,     // the whole circuit is a cycle late
  SLOW,     // one frame comes a cycle late
  SLOW_END, // every frame from the last but one on
  STICKY    // frame_error is set
};

struct player {
  struct fixture *f;
  struct bench_job job;
  struct bench_job_stream input, streams[2];
  int32_t codes[IMAGES * ELEMENTS], labels[IMAGES];
  struct compare *compare;
  FILE *to;
  char *said;
  size_t size;
};

static void write_model(struct player *p) {
  struct err e = {0};
  struct graph *g = graph_new(&p->f->arena, "played");
  struct type type = type_fixed(&p->f->arena, WIDTH, true, 1, 0);
  int64_t size = ELEMENTS;
  uint32_t x = graph_add_value(g, "x", 1, &size, type, true);
  graph_add_input(g, x, (struct source){0});
  uint32_t n = graph_add_node(g, OP_relu, "relu");
  graph_add_use(g, n, (struct use){x, 0, NONE});
  graph_add_out(g, n, graph_add_value(g, "y", 1, &size, type, true));
  graph_add_output(g, g->nodes[n].out[0]);
  snprintf(p->job.model, sizeof p->job.model, "%s", path_in(p->f, "model.bin"));
  if (!model_write(p->job.model, g, &e)) fail_msg("%s", e.text);
}

static void begin(struct player *p, struct fixture *f) {
  *p = (struct player){.f = f};
  p->job = (struct bench_job){.images = IMAGES,
                              .first = 1000,
                              .elements = ELEMENTS,
                              .check_time = 1,
                              .has_labels = 1,
                              .ii = BEATS,
                              .latency = DELAY + BEATS - 1,
                              .steady = STEADY,
                              .limit = 99,
                              .n_inputs = 1,
                              .n_streams = 2,
                              .n_outputs = 1,
                              .inputs = &p->input,
                              .streams = p->streams,
                              .judged = 1,
                              .labels = p->labels,
                              .codes = p->codes};
  write_model(p);
  for (int i = 0; i < 2; i++) {
    p->streams[i] = (struct bench_job_stream){.value = 1,
                                              .width = WIDTH,
                                              .coding = CODING_SIGNED,
                                              .trimmed = i,
                                              .elements = ELEMENTS,
                                              .lanes = LANES,
                                              .beats = BEATS,
                                              .bits = i ? 16 : LANES * WIDTH};
    strcpy(p->streams[i].name, i ? "m_axis" : "l0_relu");
  }
  p->input = p->streams[0];
  for (int i = 0; i < IMAGES * ELEMENTS; i++) p->codes[i] = i * 29 % 64 - 32;
  for (int i = 0; i < IMAGES; i++) p->labels[i] = i % ELEMENTS;
  p->to = open_memstream(&p->said, &p->size);
}

static void end(struct player *p) {
  fclose(p->to);
  free(p->said);
}

// relu in each lane; the noise of unused lanes is left where it may be.
static uint32_t circuit(uint32_t in, bool last, bool trimmed) {
  uint32_t out = 0;
  for (int lane = 0; lane < LANES; lane++) {
    uint32_t code = in >> (lane * WIDTH) & 63;
    if (last && lane && trimmed) break;
    if (last && lane)
      out |= code << WIDTH;
    else if (code < 32)
      out |= code << (lane * WIDTH);
  }
  return out;
}

// Plays all beats with a fault at one image; the text.
static const char *play(struct player *p, enum fault fault, int64_t image) {
  uint32_t data[1] = {0};
  bool last, running = true;
  int64_t cycle = 10, beats = 0;
  for (; running && compare_next(p->compare, 0, data, &last); beats++, cycle++) {
    int64_t at = beats / BEATS;
    bool here = at == image && (fault == EARLY_LAST) == !last;
    if (fault == SLOW && here) cycle++;
    if (fault == SLOW_END && at >= IMAGES - 1 && !last) cycle++;
    compare_accepted(p->compare, 0, cycle);
    int64_t out_cycle = cycle + DELAY + (fault == LATE);
    for (uint32_t s = 0; running && s < 2; s++) {
      uint32_t out = circuit(data[0], last, s == 1);
      bool out_last = last != (here && (fault == EARLY_LAST || fault == LATE_LAST));
      if (here && (fault == WRONG_ELEMENT || (fault == WRONG_LAYER && s == 0))) out ^= 1;
      if (here && fault == WRONG_UNUSED && s == 1) out |= 1u << WIDTH;
      if (here && fault == WRONG_PADDING && s == 1) out |= 1u << 15;
      if (here && fault == MISSING && s == 1) continue;
      running = compare_beat(p->compare, s, out_cycle - (s == 0), &out, out_last);
    }
  }
  if (running && fault == SURPLUS) running = compare_beat(p->compare, 1, cycle, data, false);
  if (running) {
    bool passed = compare_finish(p->compare, cycle, fault == STICKY);
    assert_int_equal(passed, fault == NOTHING);
    assert_int_equal(compare_complete(p->compare), fault != MISSING);
  }
  fflush(p->to);
  return p->said;
}

static const char *played(struct player *p, enum fault fault, int64_t image) {
  struct err e = {0};
  p->compare = compare_new(&p->f->arena, &p->job, p->to, &e);
  if (!p->compare) fail_msg("%s", e.text);
  return play(p, fault, image);
}

static void says(struct fixture *f, enum fault fault, int64_t image, const char *words) {
  struct player p;
  begin(&p, f);
  const char *said = played(&p, fault, image);
  if (!strstr(said, words)) fail_msg("fault %d: expected \"%s\", got \"%s\"", fault, words, said);
  assert_true((strstr(said, "FAIL ") != NULL) == (fault != NOTHING));
  assert_true((strstr(said, "PASS ") != NULL) == (fault == NOTHING));
  end(&p);
}

static void test_verdicts(void **state) {
  struct fixture *f = *state;
  says(f, NOTHING, -1, "PASS 70 frames\n");
  says(f, NOTHING, -1,
       "STAT images=70 elements=420 mismatches=0 cycles=150 ii=2 latency=6 correct=");
  says(f, NOTHING, -1, "AT 1\n");
  says(f, WRONG_ELEMENT, 3,
       "FAIL image 1003: first layer that differs: l0_relu, element 2: expected ");
  says(f, WRONG_ELEMENT, 0, "FAIL image 1000: first layer that differs: l0_relu, element 2");
  says(f, WRONG_LAYER, 69, "FAIL image 1069: first layer that differs: l0_relu, element 2");
  says(f, WRONG_UNUSED, 4, "FAIL m_axis: image 1004: unused lanes or bits are not zero");
  says(f, WRONG_PADDING, 5, "FAIL m_axis: image 1005: unused lanes or bits are not zero");
  says(f, EARLY_LAST, 6, "FAIL l0_relu: image 1006: TLAST is 1 on beat 1 of 2");
  says(f, LATE_LAST, 7, "FAIL l0_relu: image 1007: TLAST is 0 on beat 2 of 2");
  says(f, SURPLUS, -1, "FAIL m_axis: a beat more than the 70 frames have");
  says(f, MISSING, 69, "FAIL m_axis: 69 of 70 frames have come, then nothing moved for 99 cycles");
  says(f, STICKY, -1, "FAIL frame_error is set, but every frame was exact");
  says(f, LATE, -1, "FAIL latency is 7 cycles, the plan says 6");
  says(f, SLOW, 66, "FAIL II is 3 cycles, the plan says 2");
  says(f, SLOW_END, -1, "FAIL II is 3 cycles, the plan says 2");
}

// Without the check of time stalls are no fault; few images need not be steady.
static void test_time_is_optional(void **state) {
  struct player p;
  begin(&p, *state);
  p.job.check_time = 0;
  struct err e = {0};
  p.compare = compare_new(&p.f->arena, &p.job, p.to, &e);
  uint32_t data[1], out;
  bool last;
  for (int64_t cycle = 0; compare_next(p.compare, 0, data, &last); cycle += 3) {
    compare_accepted(p.compare, 0, cycle);
    for (uint32_t s = 0; s < 2; s++) {
      out = circuit(data[0], last, s == 1);
      assert_true(compare_beat(p.compare, s, cycle + 50, &out, last));
    }
  }
  assert_true(compare_finish(p.compare, 1000, false));
  end(&p);
  begin(&p, *state);
  p.job.ii = 9; // frames are quicker, but they are too few to be steady
  p.job.images = STEADY - 1;
  assert_non_null(strstr(played(&p, NOTHING, -1), "PASS 63 frames"));
  end(&p);
}

// ---- elements that lie in two words

enum { WIDE = 20, WIDE_BITS = ELEMENTS * WIDE, WIDE_WORDS = 3 };

static uint64_t wide_element(const uint32_t *data, int lane) {
  uint64_t code = 0;
  for (int bit = 0; bit < WIDE; bit++) {
    int at = lane * WIDE + bit;
    code |= (uint64_t)(data[at / 32] >> at % 32 & 1) << bit;
  }
  return code;
}

// relu of what came in.
static void wide_circuit(const uint32_t in[WIDE_WORDS], uint32_t out[WIDE_WORDS]) {
  memset(out, 0, WIDE_WORDS * sizeof *out);
  for (int lane = 0; lane < ELEMENTS; lane++) {
    uint64_t code = wide_element(in, lane);
    for (int bit = 0; bit < WIDE && !(code >> (WIDE - 1)); bit++) {
      int at = lane * WIDE + bit;
      out[at / 32] |= (uint32_t)(code >> bit & 1) << at % 32;
    }
  }
}

static void begin_wide(struct player *p, struct fixture *f) {
  struct err e = {0};
  begin(p, f);
  p->job.check_time = 0;
  for (int i = 0; i < 3; i++) {
    struct bench_job_stream *s = i < 2 ? &p->streams[i] : &p->input;
    s->width = WIDE;
    s->lanes = ELEMENTS;
    s->beats = 1;
    s->bits = WIDE_BITS;
  }
  p->compare = compare_new(&f->arena, &p->job, p->to, &e);
  if (!p->compare) fail_msg("%s", e.text);
}

// Each bit of an output beat, if it is wrong, is one of the element that it belongs to; only the
// bits of an input beat are written.
static void test_wide(void **state) {
  for (int wrong = -1; wrong < WIDE_BITS; wrong++) {
    struct player p;
    bool last;
    begin_wide(&p, *state);
    uint32_t in[WIDE_WORDS] = {~0u, ~0u, ~0u}, out[WIDE_WORDS];
    for (int64_t image = 0; compare_next(p.compare, 0, in, &last); image++) {
      assert_true(last && in[1] >> (WIDE_BITS - 32) == 15 && in[2] == ~0u);
      for (int i = 0; i < ELEMENTS; i++)
        assert_int_equal(wide_element(in, i), p.codes[image * ELEMENTS + i] & ((1 << WIDE) - 1));
      compare_accepted(p.compare, 0, image);
      wide_circuit(in, out);
      assert_true(compare_beat(p.compare, 0, image, out, true));
      if (wrong >= 0 && image == 2) out[wrong / 32] ^= 1u << wrong % 32;
      assert_true(compare_beat(p.compare, 1, image, out, true));
    }
    assert_int_equal(compare_finish(p.compare, IMAGES, false), wrong < 0);
    fflush(p.to);
    const char *words = "PASS 70 frames";
    if (wrong >= 0)
      words = arena_printf(&p.f->arena, "image 1002: first layer that differs: m_axis, element %d",
                           wrong / WIDE);
    if (!strstr(p.said, words)) fail_msg("bit %d: %s", wrong, p.said);
    end(&p);
  }
}

// ---- jobs

static void same_job(const struct bench_job *a, const struct bench_job *b) {
  assert_string_equal(a->model, b->model);
  assert_int_equal(a->images, b->images);
  assert_int_equal(a->latency, b->latency);
  assert_int_equal(a->n_streams, b->n_streams);
  assert_memory_equal(a->streams, b->streams, a->n_streams * sizeof *a->streams);
  assert_memory_equal(a->codes, b->codes, IMAGES * ELEMENTS * sizeof *a->codes);
  if (a->has_labels) assert_memory_equal(a->labels, b->labels, IMAGES * sizeof *a->labels);
}

static void test_jobs(void **state) {
  struct fixture *f = *state;
  struct player p;
  struct bench_job back;
  struct err e = {0};
  struct bytes bytes;
  begin(&p, f);
  const char *path = path_in(f, "job"), *cut = path_in(f, "cut");
  for (int labels = 0; labels < 2; labels++) {
    p.job.has_labels = labels;
    assert_true(bench_job_write(path, &p.job, &e) && bench_job_read(&f->arena, path, &back, &e));
    same_job(&p.job, &back);
  }
  assert_true(file_read(&f->arena, path, 1 << 20, &bytes, &e));
  for (size_t size = 0; size < bytes.size; size += size < 64 ? 1 : 131) {
    struct err why = {0};
    assert_true(file_write(cut, bytes.data, size, &e));
    assert_false(bench_job_read(&f->arena, cut, &back, &why));
    assert_non_null(strstr(why.text, "cut: isn't a whole job"));
  }
  ((char *)bytes.data)[0] ^= 1;
  struct err magic = {0}, none = {0}, folder = {0}, full = {0};
  assert_true(file_write(cut, bytes.data, bytes.size, &e));
  assert_false(bench_job_read(&f->arena, cut, &back, &magic));
  assert_non_null(strstr(magic.text, "cut: isn't a whole job"));
  assert_false(bench_job_read(&f->arena, path_in(f, "none"), &back, &none));
  assert_non_null(strstr(none.text, "none: No such file"));
  assert_false(bench_job_write(path_in(f, "no/such"), &p.job, &folder));
  assert_non_null(strstr(folder.text, "no/such: No such file"));
  assert_false(bench_job_write("/dev/full", &p.job, &full));
  assert_string_equal(full.text, "/dev/full: can't be written whole");
  end(&p);
}

// More files than a process may have open at once, one after the other.
static void test_files_are_closed(void **state) {
  struct fixture *f = *state;
  struct player p;
  struct bench_job back;
  struct rlimit before, few = {40, 40};
  struct err e = {0};
  begin(&p, f);
  const char *path = path_in(f, "job");
  assert_int_equal(getrlimit(RLIMIT_NOFILE, &before), 0);
  few.rlim_max = before.rlim_max;
  assert_int_equal(setrlimit(RLIMIT_NOFILE, &few), 0);
  for (int i = 0; i < 50; i++)
    if (!bench_job_write(path, &p.job, &e) || !bench_job_read(&f->arena, path, &back, &e))
      fail_msg("%s", e.text);
  assert_int_equal(setrlimit(RLIMIT_NOFILE, &before), 0);
  end(&p);
}

static void test_no_model(void **state) {
  struct player p;
  struct err e = {0};
  begin(&p, *state);
  strcat(p.job.model, ".none");
  assert_null(compare_new(&p.f->arena, &p.job, p.to, &e));
  assert_non_null(strstr(e.text, "model.bin.none: No such file"));
  end(&p);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      DATA_CASE(test_verdicts), DATA_CASE(test_time_is_optional), DATA_CASE(test_wide),
      DATA_CASE(test_jobs),     DATA_CASE(test_files_are_closed), DATA_CASE(test_no_model)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
