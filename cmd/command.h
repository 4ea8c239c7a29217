// SPDX-License-Identifier: Apache-2.0
// What the commands share: loading a model, quantising it as the options say, opening the data.
#ifndef NNGEN_CMD_COMMAND_H
#define NNGEN_CMD_COMMAND_H

#include "cmd/options.h"
#include "lib/nngen.h"
#include "quant/load.h"
#include "sw/circuit/meet.h"
#include "sw/data/data.h"
#include "sw/import/refusals.h"

enum exit_status { EXIT_GOOD = 0, EXIT_USER = 1, EXIT_USAGE = 2 };

// --framing as struct circuit's transfer.
bool command_framing(const struct options *o, int64_t *transfer, struct err *e);

// The words of environment variables.
bool command_environment(struct err *e);

// The words that the options of a command on models take: types, modes, names. False on a usage
// error.
bool command_check(struct arena *a, const struct options *o, struct err *e);

// The first option that is given and says something of types; NULL: none is.
const char *command_types(const struct options *o);

// Refuses the options that make a circuit, of which a generated folder is one already.
bool command_no_circuit_options(const struct options *o, struct err *e);

// Loads o->model (a model.bin or a folder that generate wrote), applies the options, and warns of
// what quantisation has destroyed.
bool command_model(struct arena *a, const struct options *o, struct model *m, struct err *e);

// The words of the options about types and calibration.
struct load command_load(const struct options *o);

// What is said of a model, whose file is an argument, without integers.
#define COMMAND_FLOAT "%s: the model is float: give --precision W,F, as in --precision 8,3"

// MHz of --clock, or 100.
double command_clock(const struct options *o);

// What the options want of a circuit, and whether they do.
bool command_wants(const struct options *o);
bool command_target(const struct options *o, struct target *t, struct err *e);

// The circuit of a model as the options fold it, the model itself, and the hash of its file; if
// something is wanted of it and `plan` isn't NULL, what was planned. NULL on error.
struct circuit *command_circuit(struct arena *a, const struct options *o, struct model *m,
                                struct lane_plan *plan, const char **model_sha256, struct err *e);

// Opens the images and checks that they fit the graph's input.
bool command_images(struct arena *a, const struct options *o, const struct graph *g, int64_t limit,
                    struct images *out, struct err *e);

// Prints why layers weren't imported or exported: as a table, or as a JSON object.
void command_put_refused(struct arena *a, const struct refusals *r, bool json);

// A line on stderr, unless --quiet.
void command_note(const struct options *o, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

// What is to be said of a data set that was opened.
void command_note_data(const struct options *o, const struct images *set);

// The warnings from `first` on, on stderr, --quiet or not: without them the results mislead.
void command_warn(const struct options *o, const struct warnings *w, uint32_t first);

// Adds, and prints, what the numbers of a data set lose at the input.
void command_warn_input(struct arena *a, const struct options *o, const struct graph *g,
                        const struct images *set, struct warnings *w);

// The page of `report` as o->report, of a circuit that was made.
bool command_page(struct arena *a, const struct options *o, const struct model *m,
                  struct circuit *p, const char *model_sha256, struct err *e);

// The words that the options of training take.
bool train_check(struct arena *a, const struct options *o, struct err *e);

// Trains a float graph as the options say; its tensors get the weights.
bool train_graph(struct arena *a, const struct options *o, struct graph *g, struct err *e);

// The words that the options of prune take, those of its training among them.
bool prune_check(struct arena *a, const struct options *o, struct err *e);

// The words of run: those of a command on models, and --margin.
bool run_check(struct arena *a, const struct options *o, struct err *e);

// How many models ensemble takes, and its margin.
bool ensemble_check(struct arena *a, const struct options *o, struct err *e);

// --margin as a number, NAN without it.
bool command_margin(const struct options *o, double *margin, struct err *e);

// The words that the options of search take.
bool fit_check(struct arena *a, const struct options *o, struct err *e);
bool search_check(struct arena *a, const struct options *o, struct err *e);

int command_generate(struct arena *a, const struct options *o, struct err *e);
int command_run(struct arena *a, const struct options *o, struct err *e);
int command_sim(struct arena *a, const struct options *o, struct err *e);
int command_report(struct arena *a, const struct options *o, struct err *e);
int command_train(struct arena *a, const struct options *o, struct err *e);
int command_fit(struct arena *a, const struct options *o, struct err *e);
int command_quantize(struct arena *a, const struct options *o, struct err *e);
int command_prune(struct arena *a, const struct options *o, struct err *e);
int command_ensemble(struct arena *a, const struct options *o, struct err *e);
int command_search(struct arena *a, const struct options *o, struct err *e);
int command_plan(struct arena *a, const struct options *o, struct err *e);
int command_schedule(struct arena *a, const struct options *o, struct err *e);
int command_export(struct arena *a, const struct options *o, struct err *e);
int command_import(struct arena *a, const struct options *o, struct err *e);
int command_info(struct arena *a, const struct options *o, struct err *e);
int command_doctor(struct arena *a, const struct options *o, struct err *e);
int command_manual(struct arena *a, const struct options *o, struct err *e);
int command_completion(struct arena *a, const struct options *o, struct err *e);

#endif
