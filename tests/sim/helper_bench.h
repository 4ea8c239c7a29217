// SPDX-License-Identifier: Apache-2.0
// A small network as a circuit in a scratch folder, and what its simulation must say.
#ifndef NNGEN_TESTS_HELPER_BENCH_H
#define NNGEN_TESTS_HELPER_BENCH_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "sim/simulate.h"

// A circuit in a folder of its own, and how to simulate it.
struct bench {
  struct arena arena;
  const char *dir; // scratch, removed at the end
  struct circuit *circuit;
  struct simulate_job job;
};

// 7 -> linear -> 5 -> relu -> linear -> 3, streams 8,3, weights 8,6.
struct graph *bench_network(struct arena *a);
// The same with streams of other bits, and other numbers of inputs and hidden features.
struct graph *bench_network_of(struct arena *a, uint8_t bits, int64_t inputs, int64_t hidden);

// Blocks with branches: h = fc0(x); s = h + fc2(fc1(h)); y = fc3(s * s - h).
struct graph *bench_residual(struct arena *a);

// Two convolutions, and the image added to what they make.
struct graph *bench_residual_image(struct arena *a);

// A branch of casts, whose pipelines stop as a whole, beside a layer that needs all of a frame,
// both concatenated; and behind them a slow layer, with `slow`.
struct graph *bench_bubbles(struct arena *a, bool slow);

// Generates the circuit and fills the job with `images` random images.
void bench_new(struct bench *b, struct graph *g, int64_t lanes, int64_t images);
void bench_free(struct bench *b);

struct simulate_result bench_run(struct bench *b);

// Every element of every layer is compared and is equal; or the first failure holds `words`.
void bench_passes(struct bench *b);
void bench_fails(struct bench *b, const char *words);

// Replaces the first `from` of a file of the circuit's folder.
void bench_patch(struct bench *b, const char *file, const char *from, const char *to);

#endif
