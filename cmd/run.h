// SPDX-License-Identifier: Apache-2.0
// What `run` shows of a run.
#ifndef NNGEN_CMD_RUN_H
#define NNGEN_CMD_RUN_H

#include "cmd/command.h"
#include "sw/data/verdict.h"
#include "sw/graph/graph.h"

enum { LOSS_BINS = 64 };

// How often a stream has which codes: bin i has those from lowest + i * step on.
struct histogram {
  int64_t lowest, step;
  int64_t least, most; // codes that there were
  int bins;
  int64_t count[LOSS_BINS]; // (bins)
};

// What quantisation costs a layer, or the input, against the float model.
struct layer_loss {
  const char *name;
  uint32_t value;
  struct stream_loss of;       // nothing without a float model
  struct histogram *histogram; // NULL: nobody asks
};

struct run_output {
  uint32_t value;
  struct tensor *tensor; // (images or, of a value without frames, steps, elements) I32 codes or F32
};

// Where an output isn't what a file says.
struct difference {
  const char *output;
  int64_t frame, element;
  double found, expected;
};

// What the user has said of the numbers of --compare.
struct expect {
  const char *file;
  const char *stated; // --expect codes or values; NULL: nothing
  bool codes;         // --codes
};

struct comparison {
  const char *file;
  struct expect said;
  const char **forms; // (outputs) what was held against what; NULL: the file doesn't have it
  bool given;         // the tolerance
  double tolerance;   // of the output that is compared; each has its own unless it is given
  double least, most; // of all outputs' tolerances
  double worst_by;
  int64_t elements, different;
  struct difference first, worst;
  uint32_t n_absent;
  const char **absent; // (n_absent) outputs of several that the file doesn't have
};

// What --early-exit has found.
struct early_exit {
  double margin;  // net 1 answers where its two best outputs are so far apart or farther
  uint32_t all;   // nets
  int64_t needed; // images that all nets answered
  int32_t *nets;  // (images) how many answered
  int64_t macs_first, macs_rest; // of net 1, of the others
};

struct run {
  struct arena *arena;
  const char *model;         // as the user named it
  const struct graph *graph; // that is executed
  const struct graph *real;  // to compare with, or NULL
  struct images set;
  int64_t batch;       // images per call, frames per step
  int64_t reset_every; // frames of a sequence; 0: never
  bool sequence;       // of frames, in steps
  bool histograms;     // of the layers beside the losses
  const char *executor;
  uint32_t n_outputs;
  struct run_output *outputs;
  struct verdict verdict;
  struct answers answers;
  struct score score;
  double seconds;
  uint32_t n_losses;
  struct layer_loss *losses;
  struct warnings *warnings;
  struct comparison *comparison; // NULL: none was asked for
  struct early_exit *exit;       // NULL: all nets on all images, if there are several
};

struct golden;

// True if what an image gives depends on others: variables, delays, sums over frames.
bool run_is_sequence(const struct graph *g);

// Steps that the images are.
int64_t run_steps(const struct run *r);

// Runs them in the plain executor, or in floats, into the tensors of the outputs.
bool run_sequence(struct run *r, bool real, bool quiet, struct err *e);

// Runs the images of --data through the model that the options ask for, and judges its outputs.
// r->arena, model and warnings are set.
bool run_model(struct run *r, const struct options *o, const struct model *m, struct err *e);

// Codes and floats of both models, layer by layer, on the first images; without a float model the
// codes alone. False on error.
bool run_losses(struct run *r, const struct golden *m, int threads, struct err *e);

// --compare: the outputs beside a file's. False if it can't be read, or is of another shape.
bool run_compare(struct run *r, const struct options *o, struct err *e);

// Checks its words; the frames of its file, 0: unknown.
bool run_compare_frames(struct arena *a, const struct options *o, int64_t *frames, struct err *e);
void run_compare_put(const struct run *r, struct text *t);
void run_compare_put_json(const struct run *r, struct text *t);

// --early-exit: the images through net 1 of an ensemble and, where that is needed, the others, into
// the tensor of the output, and judges them. What it has cost is in r->exit.
bool run_early(struct run *r, const struct options *o, bool real, int threads, struct err *e);
void run_early_put(const struct run *r, struct text *t);
void run_early_put_json(const struct run *r, struct text *t);

// Whether the file of --output can hold the outputs: a .npy one, no .npz.
bool run_write_check(const struct run *r, const struct options *o, struct err *e);

// Writes every output as a safetensors file, or the only one as a .npy of codes or floats, (images,
// ..) in the order of the model's axes.
bool run_write(const struct run *r, const char *path, struct err *e);

double run_snr_db(const struct layer_loss *l);

void run_print_json(const struct run *r);
void run_print_text(const struct run *r);

#endif
