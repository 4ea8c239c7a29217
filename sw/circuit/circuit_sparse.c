// SPDX-License-Identifier: Apache-2.0
// Of a layer that was pruned, which outputs have a weight for which beat.
#include "sw/circuit/facts.h"
#include "sw/graph/weights.h"

// A schedule is worth it that leaves so many steps of so many.
enum { PAYS = 7, PAYS_OF = 8 };

static bool is_zero(const struct weights *w, int64_t o, int64_t i) {
  if (w->value->type.cls != TYPE_REAL) return weight_of(w, o, i) == 0;
  return value_real(w->value, o * w->row + i * w->step) == 0;
}

// (beats, outs)
static const bool *kept(struct arena *a, const struct weights *w, int64_t in,
                        const int64_t *order) {
  bool *list = ARENA_NEW(a, bool, (w->taps + in - 1) / in * w->outs);
  for (int64_t o = 0; o < w->outs; o++)
    for (int64_t i = 0; i < w->taps; i++)
      if (!is_zero(w, o, order ? order[i] : i)) list[i / in * w->outs + o] = true;
  return list;
}

const struct sparse *circuit_sparse(struct arena *a, const struct graph *g, const struct node *n,
                                    int64_t in, int64_t out, const int64_t *order) {
  struct weights w = weights_of(node_in(g, n, 1));
  int64_t beats = (w.taps + in - 1) / in, groups = (w.outs + out - 1) / out;
  // to a distance a zero adds as much as any other weight
  if (op_is(n->op, TRAIT_LEAST) || !w.value->mask || !w.value->init || groups < SPARSE_GROUPS_LEAST)
    return NULL;
  if (!type_has_zero(&w.value->type)) return NULL; // a lane that waits multiplies by zeros
  const struct sparse *s = sparse_new(a, kept(a, &w, in, order), beats, w.outs, out);
  // what fewer save in cycles the words of the schedule cost in memory
  return s->words * PAYS_OF <= beats * groups * PAYS ? s : NULL;
}

// Rows of a frame, and whether all inputs of a row meet all its outputs. Of windows the lanes
// become those that divide their channels.
static int64_t rows_of(const struct graph *g, const struct node *n, const struct weights *w,
                       bool *whole, int64_t *in, int64_t *out) {
  const struct circuit_column *column = circuit_column(n->op);
  struct window s;
  struct err e = {0};
  *whole = true;
  if (!column->windows) return circuit_rows(g, n);
  if (!column->windows(g, n, &s, &e)) return 1;
  *whole = w->taps == s.kernel[ROWS] * s.kernel[COLUMNS] * s.channels;
  int64_t channels = w->taps / (s.kernel[ROWS] * s.kernel[COLUMNS]);
  if (w->taps % *in) *in = circuit_divisor(channels, *in);
  *out = circuit_divisor(w->outs, *out);
  return window_pixels(&s);
}

struct circuit_steps circuit_steps(const struct graph *g, const struct node *n, int64_t in,
                                   int64_t out, int weight_bits) {
  struct arena scratch = {0};
  struct weights w = weights_of(node_in(g, n, 1));
  bool whole;
  int64_t rows = rows_of(g, n, &w, &whole, &in, &out);
  in = in < w.taps ? in : w.taps;
  out = out < w.outs ? out : w.outs;
  int64_t groups = (w.outs + out - 1) / out, words = (w.taps + in - 1) / in * groups, bits = 0;
  const struct sparse *s = whole ? circuit_sparse(&scratch, g, n, in, out, NULL) : NULL;
  if (s) {
    words = s->words;
    bits = sparse_word_bits(s, groups);
  }
  arena_free(&scratch);
  return (struct circuit_steps){rows * words, words * (in * out * weight_bits + bits)};
}
