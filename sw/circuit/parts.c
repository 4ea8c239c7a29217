// SPDX-License-Identifier: Apache-2.0
#include "sw/circuit/builder.h"

static struct cell *cell_behind(const struct circuit *p, uint32_t input) {
  return &p->cells[p->streams[p->inputs[input].id]->to];
}

uint32_t part_of_input(const struct circuit *p, uint32_t i) {
  return cell_behind(p, i)->part;
}

uint32_t part_of_output(const struct circuit *p, uint32_t i) {
  return p->cells[p->ends[i]->from].part;
}

// Both ends of a stream get the lower one; whether that was news.
static bool link_ends(struct circuit *p, const struct stream *s) {
  if (s->from == NONE || s->to == NONE) return false;
  uint32_t *from = &p->cells[s->from].part, *to = &p->cells[s->to].part;
  bool news = *from != *to;
  if (*from < *to)
    *to = *from;
  else
    *from = *to;
  return news;
}

// Streams lie in the order of the data, more or less: a walk goes along a chain in one.
void parts_find(struct circuit *p) {
  for (uint32_t i = 0; i < p->n_cells; i++) p->cells[i].part = p->n_inputs;
  for (uint32_t i = 0; i < p->n_inputs; i++) cell_behind(p, i)->part = i;
  for (bool news = true; news;) {
    news = false;
    for (uint32_t i = 0; i < p->n_streams; i++) news |= link_ends(p, p->streams[i]);
    for (uint32_t i = p->n_streams; i-- > 0;) news |= link_ends(p, p->streams[i]);
  }
}
