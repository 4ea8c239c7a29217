// SPDX-License-Identifier: Apache-2.0
// Which weights are cut or kept together, what a grain is worth, and which are worth least.
#include "quant/prune_parts.h"
#include "sw/base/rng.h"
#include "sw/graph/weights.h"

#include <math.h>
#include <stdlib.h>

// A rectangle of the weights of a layer (outs, ins).
struct block {
  int64_t o, i; // its first weight
  int64_t height, width;
};

static int64_t least(int64_t a, int64_t b) {
  return a < b ? a : b;
}

// The block's norm; a number of its own with random scores; 0 if nothing is left of it.
static double block_score(const struct grains *l, const struct value *w,
                          const struct prune_how *how, struct block b) {
  double sum = 0;
  bool there = false;
  for (int64_t o = b.o; o < least(b.o + b.height, l->outs); o++)
    for (int64_t i = b.i; i < least(b.i + b.width, l->ins); i++) {
      double x = fabs(value_real(w, o * l->ins + i));
      sum += how->score == PRUNE_L2 ? x * x : x;
      there |= !value_is_cut(w, o * l->ins + i);
    }
  if (how->score == PRUNE_RANDOM) {
    uint64_t random = rng_at(how->seed, l->node, (uint64_t)(b.o * l->ins + b.i));
    return there ? (double)((random >> 11) + 1) * 0x1p-53 : 0;
  }
  return how->score == PRUNE_L2 ? sqrt(sum) : sum;
}

// Blocks side by side; those at the edges are smaller.
static void make_blocks(struct arena *a, struct grains *l, const struct value *w,
                        const struct prune_how *how, int64_t height, int64_t width) {
  int64_t across = (l->ins + width - 1) / width, down = (l->outs + height - 1) / height;
  l->count = across * down;
  l->score = ARENA_NEW(a, double, l->count);
  for (int64_t k = 0; k < l->count; k++) {
    struct block b = {k / across * height, k % across * width, height, width};
    l->score[k] = block_score(l, w, how, b);
  }
  for (int64_t k = 0; k < l->outs * l->ins; k++)
    l->of[k] = (int32_t)(k / l->ins / height * across + k % l->ins / width);
}

// Of layers whose neurons have more or fewer inputs, those are compared by what a weight is.
static void per_weight(struct grains *l, const struct prune_how *how) {
  double by = how->score == PRUNE_L1   ? (double)l->ins
              : how->score == PRUNE_L2 ? sqrt((double)l->ins)
                                       : 1;
  for (int64_t k = 0; k < l->count; k++) l->score[k] /= by;
}

struct vector {
  double score;
  int64_t output;
};

static int by_worth(const void *a, const void *b) {
  const struct vector *x = a, *y = b;
  if (x->score != y->score) return x->score > y->score ? -1 : 1;
  return x->output < y->output ? -1 : 1;
}

// Of one beat and one lane: the k-th largest vector belongs to the k-th slot of the beat.
static void add_lane(struct grains *l, const struct value *w, const struct prune_how *how,
                     int64_t beat, int64_t lane, int64_t slots, struct vector *v) {
  int64_t count = 0, from = beat * how->lanes_in, to = least(from + how->lanes_in, l->ins);
  for (int64_t o = lane; o < l->outs; o += how->lanes_out, count++)
    v[count] =
        (struct vector){block_score(l, w, how, (struct block){o, from, 1, how->lanes_in}), o};
  qsort(v, (size_t)count, sizeof *v, by_worth);
  for (int64_t k = 0; k < count; k++) {
    l->score[beat * slots + k] += v[k].score;
    for (int64_t i = from; i < to; i++)
      l->of[v[k].output * l->ins + i] = (int32_t)(beat * slots + k);
  }
}

static void make_slots(struct arena *a, struct grains *l, const struct value *w,
                       const struct prune_how *how) {
  int64_t beats = (l->ins + how->lanes_in - 1) / how->lanes_in;
  int64_t slots = (l->outs + how->lanes_out - 1) / how->lanes_out;
  struct vector *v = ARENA_NEW(a, struct vector, slots);
  l->count = beats * slots;
  l->score = ARENA_NEW(a, double, l->count);
  for (int64_t b = 0; b < beats; b++)
    for (int64_t lane = 0; lane < how->lanes_out; lane++) add_lane(l, w, how, b, lane, slots, v);
}

struct grains grains_new(struct arena *a, const struct graph *g, uint32_t node,
                         const struct prune_how *how) {
  const struct value *w = node_in(g, &g->nodes[node], 1);
  struct grains l = {.node = node, .outs = w->shape[0], .ins = fan_in(w->rank, w->shape)};
  int64_t pi = how->lanes_in, po = how->lanes_out;
  l.of = ARENA_NEW(a, int32_t, l.outs * l.ins);
  switch (how->kind) {
  case PRUNE_WEIGHT:
  case PRUNE_N_OF_M:
    make_blocks(a, &l, w, how, 1, 1);
    break;
  case PRUNE_VECTOR:
    make_blocks(a, &l, w, how, 1, pi);
    break;
  case PRUNE_TILE:
    make_blocks(a, &l, w, how, po, pi);
    break;
  case PRUNE_NEURON:
    make_blocks(a, &l, w, how, 1, l.ins);
    break;
  case PRUNE_SLOT:
    make_slots(a, &l, w, how);
    break;
  }
  if (how->kind == PRUNE_NEURON) per_weight(&l, how);
  l.cut = ARENA_NEW(a, bool, l.count);
  return l;
}

// ---- the least

struct candidate {
  double score;
  uint32_t layer;
  int64_t grain;
};

static int by_score(const void *a, const void *b) {
  const struct candidate *x = a, *y = b;
  if (x->score != y->score) return x->score < y->score ? -1 : 1;
  if (x->layer != y->layer) return x->layer > y->layer ? -1 : 1;
  return x->grain > y->grain ? -1 : x->grain < y->grain;
}

void grains_cut_least(struct grains *list, uint32_t count, double amount) {
  struct arena scratch = {0};
  int64_t all = 0, n = 0;
  for (uint32_t k = 0; k < count; k++) all += list[k].count;
  struct candidate *c = ARENA_NEW(&scratch, struct candidate, all);
  for (uint32_t k = 0; k < count; k++)
    for (int64_t i = 0; i < list[k].count; i++) c[n++] = (struct candidate){list[k].score[i], k, i};
  qsort(c, (size_t)all, sizeof *c, by_score);
  for (int64_t i = 0; i < llround(amount * (double)all); i++)
    list[c[i].layer].cut[c[i].grain] = true;
  arena_free(&scratch);
}

void grains_cut_n_of_m(struct grains *l, int64_t n, int64_t m) {
  struct grains part = *l;
  part.count = m;
  for (int64_t k = 0; k < l->count; k += m) {
    part.score = l->score + k;
    part.cut = l->cut + k;
    grains_cut_least(&part, 1, (double)(m - n) / (double)m);
  }
}
