// SPDX-License-Identifier: Apache-2.0
// Which array of the file a tensor of the graph comes from: what export needs to go back.
#include "sw/import/keras.h"

#include <string.h>

void keras_moved(struct keras *k, const struct tensor *from, const struct tensor *to,
                 const int64_t *step) {
  k->moved.from = from;
  k->moved.to = to;
  memcpy(k->moved.step, step, (size_t)to->rank * sizeof *step);
}

static uint32_t array_of(const struct keras *k, const struct tensor *t) {
  uint32_t i = 0;
  while (k->file.tensors[i].tensor != t) i++;
  return i;
}

static struct keras_source *another(struct keras *k) {
  struct keras_sources *s = k->sources;
  if (s->count == s->room) {
    s->room = s->room ? 2 * s->room : 32;
    struct keras_source *list = ARENA_NEW(k->arena, struct keras_source, s->room);
    if (s->count) memcpy(list, s->list, s->count * sizeof *list);
    s->list = list;
  }
  return &s->list[s->count++];
}

void keras_came(struct keras *k, const struct tensor *from, uint32_t value) {
  bool moved = from == k->moved.to;
  if (!k->sources) return;
  struct keras_source *s = another(k);
  *s = (struct keras_source){.value = value, .array = array_of(k, moved ? k->moved.from : from)};
  if (moved) {
    memcpy(s->step, k->moved.step, sizeof s->step);
    return;
  }
  int64_t step = 1;
  for (int d = from->rank - 1; d >= 0; step *= from->shape[d--]) s->step[d] = step;
}
