// SPDX-License-Identifier: Apache-2.0
// Vectors for tb.sv from the golden model, and the folders tb/ and vectors/ that generate writes.
#include "gen/emit_bench.h"
#include "sw/base/file.h"
#include "sw/base/library.h"
#include "sw/base/rng.h"
#include "sw/exec/golden.h"

#include <assert.h>
#include <string.h>

typedef long long ll;

enum { HEX = 4, MODULE_MAX = 1 << 20 };

static void put_beat(struct text *out, const uint8_t *bits, ll digits) {
  for (ll d = digits - 1; d >= 0; d--) {
    int v = 0;
    for (int b = 0; b < HEX; b++) v |= bits[d * HEX + b] << b;
    text_printf(out, "%x", (unsigned)v);
  }
  text_puts(out, "\n");
}

void emit_vectors(struct text *out, const struct stream *s, bool top, int64_t transfer,
                  int64_t frames, const int32_t *codes) {
  struct arena a = {0};
  ll w = top ? 8 * stream_bytes(s) : s->lanes * s->width, digits = (w + 1 + HEX - 1) / HEX;
  uint8_t *bits = ARENA_NEW(&a, uint8_t, digits * HEX); // one per bit
  for (int64_t beat = 0; beat < frames * s->beats; beat++) {
    int64_t at = beat % s->beats * s->lanes;
    memset(bits, 0, (size_t)(digits * HEX));
    for (int64_t lane = 0; lane < s->lanes && at + lane < s->elements; lane++) {
      uint64_t code =
          type_wire(type_coding(&s->type), codes[beat / s->beats * s->elements + at + lane]);
      for (int b = 0; b < s->width; b++) bits[lane * s->width + b] = code >> b & 1;
    }
    bits[w] = (beat + 1) % (s->beats * transfer) == 0;
    put_beat(out, bits, digits);
  }
  arena_free(&a);
}

// ---- all streams of some frames

// The codes of one input: (frames, elements), out of those of all.
static const int32_t *codes_of(struct arena *a, const struct circuit *p, uint32_t input,
                               int64_t frames, const int32_t *codes) {
  int64_t all = circuit_input_elements(p), from = 0, n = p->inputs[input].elements;
  for (uint32_t i = 0; i < input; i++) from += p->inputs[i].elements;
  if (n == all) return codes;
  int32_t *own = ARENA_NEW(a, int32_t, frames * n);
  for (int64_t f = 0; f < frames; f++)
    memcpy(own + f * n, codes + f * all + from, (size_t)n * sizeof *own);
  return own;
}

// Streams that carry the same value share its integers.
static void golden_taps(struct arena *a, const struct circuit *p, const struct golden *m,
                        int64_t frames, const int32_t *codes, const int32_t **of) {
  uint32_t count = 0, streams = bench_streams(p);
  struct golden_tap *taps = ARENA_NEW(a, struct golden_tap, streams);
  for (uint32_t i = 0; i < streams; i++) {
    const struct stream *s = bench_stream(p, i);
    for (uint32_t k = 0; k < count && !of[i]; k++)
      if (taps[k].value == s->value) of[i] = taps[k].to;
    if (of[i]) continue;
    int32_t *to = ARENA_NEW(a, int32_t, frames * s->elements);
    taps[count++] = (struct golden_tap){s->value, to};
    of[i] = to;
  }
  golden_run_codes(m, frames, codes, taps, count);
}

static const char *vectors_name(struct arena *a, const char *stem, uint32_t i, uint32_t count) {
  return count == 1 ? arena_printf(a, "vectors/%s.mem", stem)
                    : arena_printf(a, "vectors/%s%u.mem", stem, i);
}

const int32_t *emit_all_vectors(struct emit_files *f, const struct circuit *p, int64_t frames,
                                const int32_t *codes, uint32_t output, struct err *e) {
  const struct golden *m = golden_new(f->arena, p->graph, e);
  const int32_t **of = ARENA_NEW(f->arena, const int32_t *, bench_streams(p));
  if (!m) return NULL;
  golden_taps(f->arena, p, m, frames, codes, of);
  // a circuit that counts gets all frames in one transfer
  for (uint32_t i = 0; i < p->n_inputs; i++)
    emit_vectors(emit_open(f, vectors_name(f->arena, "input", i, p->n_inputs)), &p->inputs[i], true,
                 p->transfer ? frames : 1, frames, codes_of(f->arena, p, i, frames, codes));
  for (uint32_t i = 0; i < p->n_outputs; i++)
    emit_vectors(emit_open(f, vectors_name(f->arena, "expected", i, p->n_outputs)), &p->outputs[i],
                 true, p->transfer ? p->transfer : 1, frames, of[p->n_taps + i]);
  for (uint32_t i = 0; i < p->n_taps; i++)
    emit_vectors(emit_open(f, arena_printf(f->arena, "vectors/%s.mem", p->taps[i].signal)),
                 &p->taps[i], false, 1, frames, of[i]);
  return of[p->n_taps + output];
}

// ---- the folders

// Frames for a circuit whose user gave no data: lowest, highest, then any integers of the type.
static const int32_t *any_frames(struct arena *a, const struct circuit *p) {
  int64_t all = circuit_input_elements(p), from = 0;
  int32_t *codes = ARENA_NEW(a, int32_t, BENCH_FRAMES * all);
  struct rng r = {1, 0};
  for (uint32_t k = 0; k < p->n_inputs; from += p->inputs[k++].elements) {
    const struct type *t = &p->inputs[k].type;
    int64_t n = p->inputs[k].elements;
    for (int64_t i = 0; i < BENCH_FRAMES * n; i++) {
      int64_t any = rng_range(&r, type_lowest(t), type_highest(t));
      int32_t code = (int32_t)(i < n ? type_lowest(t) : i < 2 * n ? type_highest(t) : any);
      codes[i / n * all + from + i % n] = type_is_bipolar(t) ? (code > 0 ? 1 : -1) : code;
    }
  }
  return codes;
}

static bool add_copy(struct emit_files *f, const char *from, const char *to, struct err *e) {
  const char *path = library_path(f->arena, arena_printf(f->arena, "gen/bench/%s", from));
  struct bytes bytes;
  if (!file_read(f->arena, path, MODULE_MAX, &bytes, e)) return false;
  text_put(emit_open(f, arena_printf(f->arena, "tb/%s", to)), (const char *)bytes.data, bytes.size);
  return true;
}

bool emit_bench_files(struct emit_files *f, const struct circuit *p, const int32_t *codes,
                      struct err *e) {
  if (!codes) codes = any_frames(f->arena, p);
  emit_bench_vectors(emit_open(f, "tb/tb.sv"), p);
  if (!add_copy(f, "tb.mk", "Makefile", e)) return false;
  for (int i = 0; bench_vector_modules[i]; i++)
    if (!add_copy(f, bench_vector_modules[i], bench_vector_modules[i], e)) return false;
  return emit_all_vectors(f, p, BENCH_FRAMES, codes, 0, e) != NULL;
}
