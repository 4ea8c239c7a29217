// SPDX-License-Identifier: Apache-2.0
// The training loop: batches of a shuffled set through the static executor, a row of figures per
// epoch, early stopping, and a state that can be saved after any step and goes on to the same bits.
#ifndef NNGEN_TRAIN_FIT_H
#define NNGEN_TRAIN_FIT_H

#include "sw/base/text.h"
#include "sw/data/data.h"
#include "sw/data/distort.h"
#include "sw/train/training.h"

// An image of a list, distorted as in an epoch (from 0).
struct fit_pick {
  int64_t image, epoch;
};

// A list that every epoch goes through instead of the whole set.
struct fit_picks {
  int64_t count;
  const struct fit_pick *pick; // (count) images that aren't watched
  uint64_t seed;               // of their distortions
};

struct fit_options {
  const struct optimizer *optimizer; // as the training graph has it
  int64_t epochs, batch;
  int64_t validation; // images at the end of the set that are not trained on; 0: none
  int64_t patience;   // epochs without a better validation loss before it stops; 0: never
  uint64_t seed;      // of the order of the images
  int threads;
  struct loss loss;
  double target[2];              // of other classes, of the right one
  struct distort distort;        // of the images that are trained on, anew in each epoch
  const struct fit_picks *picks; // NULL: all images that aren't watched
};

// One epoch.
struct fit_row {
  int64_t epoch;                               // from 1
  double loss, accuracy;                       // of the batches as they were trained, 0 .. 1
  double validation_loss, validation_accuracy; // after the epoch; NAN without validation
  double rate;                                 // the learning rate of its last step
  double seconds;
};

// Where a run is; with the variables everything that it goes on from.
struct fit_position {
  int64_t epoch, step;          // done: whole epochs, steps of the next one
  double loss, correct, images; // sums over those steps
  double best;                  // validation loss; INFINITY before the first
  int64_t best_epoch;           // 0: none
  double seconds;               // of the epoch so far
  int64_t rows;
  struct fit_row *row; // (epochs) those that are done
};

// The order in which an epoch (from 0) takes its entries; of the seed and the epoch alone.
void fit_order(uint64_t seed, int64_t epoch, int64_t count, int64_t *order);

struct fit;

// `model` is what training_new made t from; its weights are set by fit_export. False if the data
// don't fit: labels, shapes, fewer images than a batch, no images to distort.
struct fit *fit_new(struct arena *a, struct graph *model, const struct training *t,
                    const struct images *set, const struct fit_options *o, struct err *e);

enum fit_state { FIT_GOING, FIT_DONE, FIT_STOPPED_EARLY, FIT_FAILED };

// One step, with the end of the epoch if it is the last of one. FIT_FAILED if the loss isn't
// finite, with the step and the first layer whose output isn't. Nothing is done in another state.
enum fit_state fit_step(struct fit *f, struct err *e);

const struct fit_position *fit_at(const struct fit *f);
int64_t fit_entries(const struct images *set, const struct fit_options *o); // of an epoch
int64_t fit_steps(const struct fit *f);                                     // per epoch
void fit_free(struct fit *f);          // its threads; the memory is the arena's
size_t fit_bytes(const struct fit *f); // memory beyond the data

// Sets the model's weights to the variables, or to those of the best epoch if it stopped early.
void fit_export(struct fit *f);

// The state as the content of variables, by name; and back. False if names or shapes differ.
struct fit_variable {
  const char *name;
  int rank;
  const int64_t *shape;
  float *data;
};
uint32_t fit_variables(struct fit *f, struct fit_variable *list); // list NULL: their number
void fit_resume(struct fit *f, const struct fit_position *at);

// JSON: ,"key":v (null unless it is finite), a row as an object, all rows as a list.
void fit_put_number(struct text *t, const char *key, double v);
void fit_put_row(struct text *t, const struct fit_row *row);
void fit_put_rows(struct text *t, const struct fit_position *at);

#endif
