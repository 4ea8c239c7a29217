// SPDX-License-Identifier: Apache-2.0
// What the parts of the calendar's executor share: calendar_run.c plays the lists, calendar_fire.c
// computes actors.
#ifndef NNGEN_EXEC_CALENDAR_PARTS_H
#define NNGEN_EXEC_CALENDAR_PARTS_H

#include "sw/exec/calendar_run.h"
#include "sw/exec/job.h"

// What a node computes of one stage of a layer: the stage as a network, node 1 + i of which is
// actor i; node 0 alone, where it has one actor.
struct calendar_stage {
  struct graph *own;
  uint32_t out;         // its output there
  int64_t *const *data; // (n_in) tensors; NULL for streams
  int64_t *whole;       // (most, elements) of output 0, in which an actor's channels are
};

// A token's content, which nobody changes once it is there.
struct content {
  int64_t batch, images;
  bool fetched;
  int64_t *data; // (images, elements)
};

struct slot {
  uint32_t token;
  int64_t batch;      // NONE: nothing
  int64_t head, full; // cycles from which its first frame, and all of it, can be used
};

struct calendar_executor {
  struct arena *arena;
  const struct calendar *calendar;
  const struct actors *actors;
  int64_t most, in_flight;            // images of a batch; batches at a time
  struct calendar_stage **stages;     // (layers) (n_stages)
  struct slot **slots;                // (nodes) (slots)
  struct content *contents;           // (in_flight, tokens)
  int64_t **rows;                     // (n_streams) (most, elements) as an array for kernels
  int64_t *gathered;                  // (n_tokens) the batch whose content is in there; NONE
  const struct calendar_move **where; // (nodes, tokens) what brings it there; NULL
  struct moment *moments;             // (n_moments) of a batch, by time
  uint32_t n_moments;
  struct err *err;
};

struct content *calendar_content(const struct calendar_executor *x, uint32_t token, int64_t batch);

void calendar_prepare(struct calendar_executor *x);

// The elements of a token into the array of its stream, or out of it, frame by frame.
void calendar_scatter(const struct actors *v, uint32_t token, int64_t images, const int64_t *from,
                      int64_t *array);
void calendar_gather(const struct actors *v, uint32_t token, int64_t images, const int64_t *array,
                     int64_t *to);

// Computes the tokens of an actor from the contents of those that it needs, which are at its node.
void calendar_fire(struct calendar_executor *x, uint32_t actor, int64_t batch, int64_t images);

#endif
