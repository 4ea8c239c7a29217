// SPDX-License-Identifier: Apache-2.0
// What `train` shows of a run.
#ifndef NNGEN_CMD_TRAIN_H
#define NNGEN_CMD_TRAIN_H

#include "cmd/command.h"
#include "sw/data/verdict.h"
#include "sw/train/boost.h"
#include "sw/train/fit.h"
#include "sw/train/qat.h"
#include "sw/train/recipe.h"

// Everything that a finished run is reported by.
struct train_result {
  const char *net, *data, *output, *test_name; // test_name NULL: not tested
  struct graph *model;
  double rate; // the first learning rate
  struct loss loss;
  struct distort distort;
  const struct fit_position *at;
  int64_t trained; // images per epoch
  enum fit_state state;
  struct verdict verdict; // of the model, on the test set
  struct answers answers;
  struct score score;
  size_t bytes;                    // memory beyond the data
  const char *sha256;              // of the model's file
  const struct train_boost *boost; // NULL: one net was trained
};

// The words of the options: optimiser, constants, first learning rate (defaults as the papers and
// PyTorch have them). False on a usage error.
bool train_options(const struct options *o, struct optimizer *to, double *rate, struct err *e);

// --schedule, or its default.
const char *train_schedule(const struct options *o);

// The loss, the targets and the distortions as the options say them, over what the recipe says.
bool train_overrides(const struct options *o, struct recipe *r, struct err *e);

// The recipe that --net names, read with the seed of its weights, or the model to go on from. False
// with what is wrong in it, or the recipe that is near.
bool train_net(struct arena *a, const struct options *o, uint64_t seed, struct recipe *out,
               struct err *e);

// ---- the steps of it

struct train;

// Reads network, data and test data; nothing is trained yet. `set` is the data if they are open
// already, `picks` what is trained on instead of them; NULL: neither. NULL if something doesn't
// fit.
struct train *train_begin(struct arena *a, const struct options *o, const struct images *set,
                          const struct fit_picks *picks, struct err *e);

const struct images *train_set(const struct train *t);
const struct fit_options *train_fit_options(const struct train *t);
const struct graph *train_model(const struct train *t); // before it was trained

// Goes on from its checkpoint and trains; ends its threads. The model, for inference; NULL if a
// step failed.
struct graph *train_go(struct train *t, struct err *e);

// What a model of these inputs and outputs is worth on the test data; nothing without any.
bool train_score(struct train *t, struct graph *model, struct score *score, struct err *e);

// How its run went.
void train_ran(const struct train *t, const struct fit_position **at, enum fit_state *state);

// Writes a model and judges it by the test data. What is to be said of the run with it.
bool train_write(struct train *t, struct graph *model, struct train_result *r, struct err *e);

// ---- boosting (cmd/train_boost.c)

// What stands in a report besides the run of net 1 and the score of all nets.
struct train_boost {
  struct boost_list lists[BOOST_NETS];       // of nets 2 and 3; [0] is nothing
  const struct fit_position *at[BOOST_NETS]; // the run of each
  enum fit_state state[BOOST_NETS];
  struct score alone; // of net 1 on the test set
  struct boost_margin margin;
  int64_t macs, macs_all; // of net 1, of all nets
};

// Whether the other options go with --boost.
bool train_boost_check(const struct options *o, struct err *e);

// What train_file does, of three nets that become one.
bool train_boosted(struct arena *a, const struct options *o, struct train_result *r, struct err *e);

// The file of net k (from 1) that belongs to one of --checkpoint or --log.
const char *train_boost_file(struct arena *a, const char *path, int k);

// What the reports say of it: lines of text; members of an object.
void train_boost_put(const struct train_result *r, struct text *t);
void train_boost_put_json(const struct train_result *r, struct text *t);

// ---- quantisation-aware training (cmd/train_qat.c)

// Words of types are for --qat only, and it needs some.
bool train_qat_check(struct arena *a, const struct options *o, struct err *e);

// What is trained instead of `model`, whose open scales the first images of the data choose.
struct qat *train_qat_begin(struct arena *a, const struct options *o, const struct images *set,
                            struct graph *model, struct err *e);

// The training set of the options as a word for --calibrate, at most so many images of it.
const char *train_first_images(struct arena *a, const struct options *o, int64_t count,
                               int64_t most);

// The integers of r->model on the test set.
bool train_qat_test(struct arena *a, struct train_result *r, struct err *e);

// Asked after each epoch: false ends the training there.
struct train_watch {
  bool (*go_on)(void *context, const struct fit_row *row);
  void *context;
};

// Trains the model of a recipe as the options say; its tensors get the weights. A recipe that is
// measured may have another model then.
bool train_recipe(struct arena *a, const struct options *o, struct recipe *r,
                  const struct train_watch *watch, struct err *e);

// What the command does, but for what it prints at the end: the model is in its file.
bool train_file(struct arena *a, const struct options *o, struct train_result *r, struct err *e);

// Writes --show-distortions, a PNG file, of the first images; prints what is in it. `output` is the
// name of the model's value that the loss sees.
bool train_sheet(struct arena *a, const struct options *o, const struct graph *model,
                 const char *output, const struct images *set, const struct fit_options *of,
                 struct err *e);

// One line per epoch on stdout, the heading before the first.
void train_print_row(const struct fit_row *row, int64_t trained, bool heading);

void train_print_text(const struct train_result *r);
void train_print_json(const struct train_result *r);

// The log: a JSON object per line, first what is trained, then an object per epoch.
bool train_log(const char *path, const struct train_result *r, struct err *e);

// Loss and accuracy over the epochs, an SVG picture made by gnuplot; without gnuplot nothing.
bool train_plot(const char *path, const struct train_result *r, struct err *e);

#endif
