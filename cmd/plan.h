// SPDX-License-Identifier: Apache-2.0
// What `plan` prints.
#ifndef NNGEN_CMD_PLAN_H
#define NNGEN_CMD_PLAN_H

#include "cmd/command.h"

#include <string.h>

// The words of its options.
bool plan_command_check(struct arena *a, const struct options *o, struct err *e);

// --replay: the words of its options, and the replay of o->model.
bool plan_replay_check(const struct options *o, struct err *e);
int plan_replay(struct arena *a, const struct options *o, struct err *e);

// A row per device of a plan: its decisions, and how many ms of all it works.
struct replay_plan;
void plan_put_devices(struct text *t, const struct replay_plan *p, const double *busy,
                      double total);

// Whether a file is a training step on two memories; the words of its options; and the plans of it.
bool plan_is_steps(const char *path);
bool plan_steps_check(const struct options *o, struct err *e);
int plan_steps(struct arena *a, const struct options *o, struct err *e);

// Whether a path is a folder that generate wrote; the words of its options, and its circuit as a
// plan.
bool plan_is_circuit(const char *path);
bool plan_circuit_check(const struct options *o, struct err *e);
int plan_circuit(struct arena *a, const struct options *o, struct err *e);

// --replay of a plan file: false if o->model is none; otherwise the exit status.
bool plan_circuit_replays(struct arena *a, const struct options *o, int *status, struct err *e);

// --memory: the words of its options, and the plan of o->model in an arena.
bool plan_memory_check(const struct options *o, struct err *e);
int plan_memory(struct arena *a, const struct options *o, struct err *e);

// --train: the words of its options, and the training step of the recipe o->model.
bool plan_train_check(const struct options *o, struct err *e);
int plan_train(struct arena *a, const struct options *o, struct err *e);

// Whether a file is JSON, a network by its shapes; and that network with weights that are drawn.
bool plan_is_shapes(const char *path);
bool plan_shapes(struct arena *a, const struct options *o, struct model *m, struct err *e);

// Whether an option has been given.
bool plan_given(const struct options *o, const struct option_row *r);

// A row per layer: what it gets and why, and what it takes of an FPGA. `plan` without choices:
// lanes that were asked for. `clock`: MHz. `device`: whose shares are printed, or NULL.
void plan_text(struct arena *a, struct text *t, const char *model, const struct circuit *p,
               const struct lane_plan *plan, double clock, const struct device *device);
void plan_json(struct arena *a, struct text *t, const struct circuit *p,
               const struct lane_plan *plan, double clock, const struct device *device,
               const struct warnings *w);

// A row per plan, from the slowest on; of many, for people, some.
void plan_sweep_text(struct arena *a, struct text *t, const char *model, const struct graph *g,
                     const struct lane_plan *plans, uint32_t count, double clock);
void plan_sweep_json(struct arena *a, struct text *t, const struct graph *g,
                     const struct lane_plan *plans, uint32_t count, double clock,
                     const struct warnings *w);

// A name of the user's in a script for gnuplot, between quotes.
void plan_put_title(struct text *t, const char *name);

// The same as a script for gnuplot.
void plan_script(struct text *t, const char *model, const struct lane_plan *plans, uint32_t count);

#endif
