// SPDX-License-Identifier: Apache-2.0
#include "sim/compare.h"

#include "sw/data/verdict.h"
#include "sw/exec/golden.h"
#include "sw/graph/model.h"

#include <inttypes.h>
#include <stdarg.h>

enum { BLOCK = 256, BLOCKS = 2, AT_LINES = 200, WORD = 32 };

// The expected integers of BLOCK images; stream i's are at of[i]: (BLOCK, elements).
struct block {
  int64_t index; // images index * BLOCK ...; -1: empty
  int32_t **of;
};

// Where a stream is, and the first image in which it differs.
struct reached {
  int64_t frame, beat;
  int64_t surplus;                                 // beats beyond the last frame
  int64_t bad_image, bad_element, expected, found; // bad_image -1: none
};

struct compare {
  struct bench_job job;
  FILE *to;
  const struct graph *graph;
  const struct golden *golden;
  int64_t next;            // block that a sequence comes to
  struct golden_tap *taps; // (n_streams) what golden computes, one per value
  uint32_t n_taps;
  struct block blocks[BLOCKS];
  struct reached *at;                   // (n_streams)
  int64_t *sent;                        // (n_inputs) beats
  int64_t accepted;                     // beats of the first input
  int64_t began, previous, ii, latency; // cycles
  int64_t wrong; // the first distance of frames that isn't II once it must be, cycles; 0: none
  int64_t compared, mismatches;
  struct verdict verdict;
  struct answers answers;
  struct score score;
  int32_t *output; // (elements of the output) of the frame so far
  uint32_t noise;
};

static bool fail(struct compare *c, const char *format, ...) __attribute__((format(printf, 2, 3)));
static bool fail(struct compare *c, const char *format, ...) {
  va_list list;
  va_start(list, format);
  fputs("FAIL ", c->to);
  vfprintf(c->to, format, list);
  fputs("\n", c->to);
  fflush(c->to);
  va_end(list);
  return false;
}

// ---- golden results, block by block

// Streams that carry the same value share its integers.
static int32_t *shared(const struct compare *c, const struct block *b, uint32_t stream) {
  for (uint32_t i = 0; i < stream; i++)
    if (c->job.streams[i].value == c->job.streams[stream].value) return b->of[i];
  return NULL;
}

static void block_new(struct compare *c, struct arena *a, struct block *b) {
  b->index = -1;
  b->of = ARENA_NEW(a, int32_t *, c->job.n_streams);
  for (uint32_t i = 0; i < c->job.n_streams; i++) {
    b->of[i] = shared(c, b, i);
    if (!b->of[i]) b->of[i] = ARENA_NEW(a, int32_t, c->job.streams[i].elements * BLOCK);
  }
}

// A sequence computes every block on the way, from the first again if it is behind.
static void go_to_block(struct compare *c, int64_t index) {
  if (!golden_is_sequence(c->graph)) return;
  if (c->next > index) {
    golden_restart(c->golden);
    c->next = 0;
  }
  for (; c->next < index; c->next++)
    golden_run_codes(c->golden, BLOCK, c->job.codes + c->next * BLOCK * c->job.elements, NULL, 0);
}

static void block_fill(struct compare *c, struct block *b, int64_t index) {
  int64_t from = index * BLOCK, left = c->job.images - from;
  c->n_taps = 0;
  for (uint32_t i = 0; i < c->job.n_streams; i++)
    if (shared(c, b, i) == NULL)
      c->taps[c->n_taps++] = (struct golden_tap){c->job.streams[i].value, b->of[i]};
  go_to_block(c, index);
  golden_run_codes(c->golden, left < BLOCK ? left : BLOCK, c->job.codes + from * c->job.elements,
                   c->taps, c->n_taps);
  c->next = index + 1;
  b->index = index;
}

static const int32_t *expected(struct compare *c, uint32_t stream, int64_t image) {
  int64_t index = image / BLOCK;
  struct block *b = &c->blocks[index % BLOCKS];
  if (b->index != index) block_fill(c, b, index);
  return b->of[stream] + image % BLOCK * c->job.streams[stream].elements;
}

struct compare *compare_new(struct arena *a, const struct bench_job *j, FILE *to, struct err *e) {
  struct compare *c = ARENA_NEW(a, struct compare, 1);
  struct graph *g = model_read(a, j->model, e);
  *c = (struct compare){.job = *j, .graph = g, .to = to, .noise = 1};
  c->golden = g ? golden_new(a, g, e) : NULL;
  if (!c->golden) return NULL;
  c->taps = ARENA_NEW(a, struct golden_tap, j->n_streams);
  c->verdict = verdict_of_value(g, j->streams[j->judged].value);
  c->answers.classes = j->has_labels ? j->labels : NULL;
  c->answers.targets = j->has_targets ? j->targets : NULL;
  c->output = ARENA_NEW(a, int32_t, j->streams[j->judged].elements);
  c->sent = ARENA_NEW(a, int64_t, j->n_inputs);
  c->at = ARENA_NEW(a, struct reached, j->n_streams);
  for (int i = 0; i < BLOCKS; i++) block_new(c, a, &c->blocks[i]);
  compare_restart(c);
  return c;
}

void compare_restart(struct compare *c) {
  for (uint32_t i = 0; i < c->job.n_streams; i++) c->at[i] = (struct reached){.bad_image = -1};
  for (uint32_t i = 0; i < c->job.n_inputs; i++) c->sent[i] = 0;
  c->accepted = c->began = c->previous = c->ii = c->latency = c->wrong = 0;
  c->compared = c->mismatches = 0;
  c->score = (struct score){0};
}

// ---- bits

static void put_bits(uint32_t *data, int64_t at, int width, uint64_t code) {
  for (int done = 0; done < width;) {
    int shift = (int)((at + done) % WORD), room = WORD - shift;
    int take = width - done < room ? width - done : room;
    uint32_t mask = (uint32_t)((((uint64_t)1 << take) - 1) << shift);
    uint32_t *word = &data[(at + done) / WORD];
    *word = (*word & ~mask) | ((uint32_t)((code >> done) << shift) & mask);
    done += take;
  }
}

static uint64_t get_bits(const uint32_t *data, int64_t at, int width) {
  uint64_t code = 0;
  for (int done = 0; done < width;) {
    int shift = (int)((at + done) % WORD), room = WORD - shift;
    int take = width - done < room ? width - done : room;
    code |= (data[(at + done) / WORD] >> shift & (((uint64_t)1 << take) - 1)) << done;
    done += take;
  }
  return code;
}

// The code that the golden model's 32 bits stand for.
static int64_t code_of(const struct bench_job_stream *s, int32_t element) {
  bool bits = s->coding == CODING_UNSIGNED && s->width == WORD;
  return bits ? (int64_t)(uint32_t)element : element;
}

static bool zero_above(const uint32_t *data, int64_t from, int64_t bits) {
  for (; from < bits; from++)
    if (data[from / WORD] >> from % WORD & 1) return false;
  return true;
}

// ---- the input side

static uint32_t next_noise(struct compare *c) {
  return c->noise = c->noise * 1664525u + 1013904223u;
}

bool compare_next(struct compare *c, uint32_t input, uint32_t *data, bool *last) {
  const struct bench_job *j = &c->job;
  const struct bench_job_stream *s = &j->inputs[input];
  int64_t image = c->sent[input] / s->beats, beat = c->sent[input] % s->beats;
  if (image == j->images) return false;
  const int32_t *codes = j->codes + image * j->elements + s->first;
  for (int64_t at = 0; at < s->bits; at += WORD)
    put_bits(data, at, (int)(s->bits - at < WORD ? s->bits - at : WORD), next_noise(c));
  for (int64_t lane = 0; lane < s->lanes; lane++) {
    int64_t i = beat * s->lanes + lane;
    if (i >= s->elements) break;
    uint32_t bits = type_wire((enum type_coding)s->coding, codes[i]);
    put_bits(data, lane * s->width, s->width, bits);
  }
  // a source that needs no TLAST sends all of a run's images in one transfer
  *last = beat == s->beats - 1 && (!j->transfer || image == j->images - 1);
  c->sent[input]++;
  return true;
}

void compare_accepted(struct compare *c, uint32_t input, int64_t cycle) {
  if (input) return;
  if (c->accepted % c->job.inputs[0].beats == 0) {
    if (c->accepted == 0)
      c->began = cycle;
    else
      c->ii = cycle - c->previous;
    bool steady = c->accepted / c->job.inputs[0].beats + 1 >= c->job.steady;
    if (steady && c->accepted && c->ii != c->job.ii && !c->wrong) c->wrong = c->ii;
    c->previous = cycle;
  }
  c->accepted++;
}

// ---- the output side

static void compare_element(struct compare *c, uint32_t stream, int64_t element, int64_t want,
                            int64_t found) {
  struct reached *p = &c->at[stream];
  c->compared++;
  if (want == found) return;
  c->mismatches++;
  if (p->bad_image >= 0) return;
  p->bad_image = p->frame;
  p->bad_element = element;
  p->expected = want;
  p->found = found;
}

static void frame_through(struct compare *c, uint32_t stream, int64_t cycle) {
  struct reached *p = &c->at[stream];
  int64_t every = c->job.images / AT_LINES + 1;
  p->beat = 0;
  p->frame++;
  bool output = stream >= c->job.n_streams - c->job.n_outputs;
  if (output && p->frame == 1 && cycle - c->began > c->latency) c->latency = cycle - c->began;
  if (stream != c->job.judged) return;
  verdict_judge_codes(&c->verdict, &c->answers, p->frame - 1, c->output, &c->score);
  if (p->frame % every == 0) {
    fprintf(c->to, "AT %" PRId64 "\n", p->frame);
    fflush(c->to);
  }
}

bool compare_beat(struct compare *c, uint32_t stream, int64_t cycle, const uint32_t *data,
                  bool last) {
  const struct bench_job_stream *s = &c->job.streams[stream];
  struct reached *p = &c->at[stream];
  if (p->frame == c->job.images && p->surplus < s->ahead * s->beats) {
    p->surplus++;
    return true;
  }
  if (p->frame == c->job.images)
    return fail(c, "%s: a beat more than the %" PRId64 " frames have", s->name, c->job.images);
  const int32_t *want = expected(c, stream, p->frame);
  int64_t from = p->beat * s->lanes, left = s->elements - from;
  int64_t used = left < s->lanes ? left : s->lanes;
  for (int64_t lane = 0; lane < used; lane++) {
    int64_t found = type_unwire((enum type_coding)s->coding, s->width,
                                (uint32_t)get_bits(data, lane * s->width, s->width));
    compare_element(c, stream, from + lane, code_of(s, want[from + lane]), found);
    if (stream == c->job.judged) c->output[from + lane] = (int32_t)found;
  }
  if (s->trimmed && !zero_above(data, used * s->width, s->bits))
    return fail(c, "%s: image %" PRId64 ": unused lanes or bits are not zero", s->name,
                c->job.first + p->frame);
  int64_t every = s->trimmed && c->job.transfer ? c->job.transfer : 1;
  bool end = p->beat == s->beats - 1 && (p->frame + 1) % every == 0;
  if (last != end)
    return fail(c, "%s: image %" PRId64 ": TLAST is %d on beat %" PRId64 " of %" PRId64, s->name,
                c->job.first + p->frame, last, p->beat + 1, s->beats);
  if (++p->beat == s->beats) frame_through(c, stream, cycle);
  return true;
}

bool compare_complete(const struct compare *c) {
  for (uint32_t i = 0; i < c->job.n_streams; i++)
    if (c->at[i].frame < c->job.images) return false;
  return true;
}

// ---- the verdict

// The first layer, in the order of the data, that differs in the first bad image.
static uint32_t first_bad(const struct compare *c) {
  uint32_t first = 0;
  for (uint32_t i = 1; i < c->job.n_streams; i++)
    if (c->at[i].bad_image >= 0 &&
        (c->at[first].bad_image < 0 || c->at[i].bad_image < c->at[first].bad_image))
      first = i;
  return first;
}

static bool fail_mismatch(struct compare *c) {
  uint32_t i = first_bad(c);
  const struct reached *p = &c->at[i];
  return fail(c,
              "image %" PRId64 ": first layer that differs: %s, element %" PRId64
              ": expected %" PRId64 ", found %" PRId64,
              c->job.first + p->bad_image, c->job.streams[i].name, p->bad_element, p->expected,
              p->found);
}

static bool fail_missing(struct compare *c) {
  uint32_t i = 0;
  while (c->at[i].frame == c->job.images) i++;
  return fail(c,
              "%s: %" PRId64 " of %" PRId64 " frames have come, then nothing moved for %" PRId64
              " cycles",
              c->job.streams[i].name, c->at[i].frame, c->job.images, c->job.limit);
}

static bool check_time(struct compare *c) {
  const struct bench_job *j = &c->job;
  if (!j->check_time) return true;
  if (c->latency != j->latency)
    return fail(c, "latency is %" PRId64 " cycles, the plan says %" PRId64, c->latency, j->latency);
  // while queues fill, distances may be longer as well as shorter
  if (c->wrong) return fail(c, "II is %" PRId64 " cycles, the plan says %" PRId64, c->wrong, j->ii);
  return true;
}

bool compare_finish(struct compare *c, int64_t cycle, bool frame_error) {
  fprintf(c->to,
          "STAT images=%" PRId64 " elements=%" PRId64 " mismatches=%" PRId64 " cycles=%" PRId64
          " ii=%" PRId64 " latency=%" PRId64 " correct=%" PRId64 " absolute=%a squared=%a\n",
          c->at[c->job.judged].frame, c->compared, c->mismatches, cycle, c->ii, c->latency,
          c->score.correct, c->score.absolute, c->score.squared);
  if (c->mismatches) return fail_mismatch(c);
  if (!compare_complete(c)) return fail_missing(c);
  if (frame_error) return fail(c, "frame_error is set, but every frame was exact");
  if (!check_time(c)) return false;
  fprintf(c->to, "PASS %" PRId64 " frames\n", c->job.images);
  fflush(c->to);
  return true;
}
