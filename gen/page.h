// SPDX-License-Identifier: Apache-2.0
// The report of a circuit as one page of HTML that needs nothing else: no network, no other file.
// Whoever calls has the figures; the page prints them, and decides nothing.
#ifndef NNGEN_GEN_PAGE_H
#define NNGEN_GEN_PAGE_H

#include "quant/warnings.h"
#include "sw/circuit/facts.h"
#include "sw/circuit/planner.h"
#include "sw/plan/plan.h"

enum { PAGE_BINS = 64, PAGE_CLASSES = 40, PAGE_WRONG = 24 };

// The codes of a layer, or of an input, over some images.
struct page_stream {
  const char *name, *type;
  double snr;           // dB against the float model; INFINITY: exact, NAN: there is none
  double saturated;     // share of the values that lie beyond the type; NAN: no float model
  int64_t least, most;  // codes that there were
  int64_t lowest, step; // bin i has the codes from lowest + i * step on
  int bins;
  const int64_t *count; // (bins)
};

struct page_streams {
  const char *why;      // NULL, or why there are none
  const char *why_real; // NULL, or why they aren't compared with the float model
  int64_t images;
  uint32_t count;
  const struct page_stream *stream; // (count)
};

// An image that is classed wrong.
struct page_wrong {
  int64_t image, label, answer;
  const uint8_t *pixels; // (height, width, channels); NULL: it can't be shown
};

// What the C model says of the images: bit for bit what the circuit says.
struct page_answers {
  const char *why;  // NULL, or why there are none
  const char *data; // what was opened
  int64_t images, correct;
  bool classes;             // labels are classes: `correct` counts
  double r2, mae;           // of targets; NAN: none
  int64_t n_classes;        // 0: more than PAGE_CLASSES
  const int64_t *confusion; // (label, answer)
  int64_t height, width, channels;
  int64_t n_wrong; // of which the first are here
  const struct page_wrong *wrong;
};

// What `nngen sim` left.
struct page_simulation {
  const char *data, *simulator, *stall; // stall: NULL: none
  const char *failure;                  // what was wrong first, or NULL
  int64_t images, elements, mismatches, cycles;
  int64_t correct, ii, latency; // NONE: not known
};

struct page_block {
  const char *name;
  double figures[6]; // LUT, carry, LUT-RAM, FF, DSP, block RAM
};

// What scripts/synth left of a family of FPGAs.
struct page_family {
  const char *name, *why; // why: no fmax, or NULL
  double fmax;            // MHz
  uint32_t n_blocks;
  const struct page_block *blocks; // the last one is the whole, "all"
};

struct page {
  struct arena *arena;
  const struct circuit *circuit;
  const char *name;         // of the model
  const char *source;       // as the user named it
  const char *sha256;       // of its file
  const char *version;      // of nngen
  const char *const *names; // (n_cells) of layers, in the user's file; NULL of the others
  const struct span *spans; // (n_cells)
  const int64_t *least;     // (n_cells) queues_least
  const struct warnings *warnings;
  const char *why_plan;          // NULL, or why there is no
  const struct plan *plan;       // of the circuit (circuit_plan)
  const char *why_arena;         // NULL, or why there is no
  const struct plan *arena_plan; // of the same network in an arena of bytes (memory_plan)
  uint32_t n_plans;
  const struct lane_plan *plans; // (n_plans) of its graph (planner_sweep)
  struct page_streams streams;
  struct page_answers answers;
  const struct page_simulation *simulation; // NULL: none
  uint32_t n_families;
  const struct page_family *families; // (n_families)
};

// The whole page. False if the style or the script that belong to the program can't be read.
bool page_put(struct text *out, const struct page *p, struct err *e);

#endif
