// SPDX-License-Identifier: Apache-2.0
// Searches that train: each trial makes a recipe of its point, and the float model of the recipe.
#ifndef NNGEN_CMD_SEARCH_NET_H
#define NNGEN_CMD_SEARCH_NET_H

#include "cmd/search.h"
#include "cmd/train.h"

// Reads --net into s->recipe and s->whole, its network before training.
bool search_net_read(struct search *s, struct err *e);

// Every name that begins with "train." is a field of training or of a layer; "compress" is known.
bool search_net_check(struct search *s, struct err *e);

// How a point is trained, as JSON from which it can be done again:
// {"recipe":{..},"options":{"epochs":3,..},"data":"mnist-train","validation":1000,"finetune":0}.
// Without a recipe only what trains the model further. finetune: epochs, 0: as "compress" says.
// NULL with a message.
const char *search_net_plan(struct arena *a, const struct search *s, const double *x,
                            int64_t finetune, struct err *e);

// Whether a plan has a recipe, of which it makes the model.
bool search_net_makes(const char *plan);

// Trains as a plan says; NULL with a message.
struct graph *search_net_train(struct arena *a, const char *plan, const struct train_watch *watch,
                               struct err *e);

// Trains what pruning has left, as long as the plan says.
bool search_net_tune(struct arena *a, const char *plan, struct graph **g, struct err *e);

#endif
