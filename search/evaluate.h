// SPDX-License-Identifier: Apache-2.0
// What a point is worth: the float network pruned, quantised and folded as it says, run on images,
// built as a circuit. Every figure is that of the pass or the plan that the other commands use.
#ifndef NNGEN_SEARCH_EVALUATE_H
#define NNGEN_SEARCH_EVALUATE_H

#include "quant/load.h"
#include "search/binding.h"
#include "search/objective.h"
#include "sw/circuit/device.h"
#include "sw/data/data.h"

// The same for all points of a search.
struct evaluator {
  struct graph *whole;      // the float model
  struct load load;         // how it is quantised, beside what the point says
  const struct images *set; // NULL: no images are run
  int64_t first, images;    // which of the set are
  int64_t parallelism;      // of layers that the folding doesn't name; 0: the default
  enum family family;       // of luts, dsps, brams
  int threads;
  const struct objectives *objectives;
  const float *real; // (images, elements) of the float model's output, or NULL; evaluator_prepare
  const char *real_name;
  int64_t real_elements;
  // Trains what pruning has left; NULL: nobody does.
  bool (*tune)(struct arena *a, const char *plan, struct graph **g, struct err *e);
  const char *plan; // of tune
};

// Asked after `seen` of the images with `wrong` answers: false stops there.
struct watch {
  bool (*go_on)(void *context, const double *metrics, int64_t seen);
  void *context;
};

enum outcome { OUTCOME_COMPLETE, OUTCOME_STOPPED, OUTCOME_FAILED };

// Runs the float model, if an objective is about it.
bool evaluator_prepare(struct arena *a, struct evaluator *v, struct err *e);

// metrics (METRICS): NAN where there is none. With a watch it is asked after 1/8, 1/4 and 1/2 of
// the images, the errors so far extrapolated to all.
enum outcome evaluate(const struct evaluator *v, const struct assignment *s,
                      const struct watch *watch, double *metrics, struct err *e);

#endif
