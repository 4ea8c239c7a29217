// SPDX-License-Identifier: Apache-2.0
// concat whose inputs have other types than its output: each is cast.
#include "sw/exec/job.h"

// Rows `outer` of input i, `rows` a frame, each `part` elements, into rows of `row` elements.
static void cast_part(const struct job *j, uint32_t i, int64_t rows, int64_t outer, int64_t part,
                      int64_t row, int64_t *to) {
  const int64_t *from = j->parts[i];
  const struct type *type = &node_in(j->graph, j->node, i)->type;
  for (int64_t o = 0; o < outer; o++)
    for (int64_t k = 0; k < part; k++)
      to[o * row + k] =
          golden_requant(j, &j->node->rq[i],
                         type_integer(type, 0, from[job_part_row(j, i, rows, o) * part + k]), 0);
}

void golden_concat(const struct job *j) {
  int axis = concat_axis(j->graph, j->node);
  const struct array *y = &j->out[0];
  int64_t inner = shape_elements(y->rank - axis - 1, y->shape + axis + 1), at = 0;
  int64_t rows = shape_elements(axis, y->shape), row = y->shape[axis] * inner;
  int64_t outer = job_frames(j, y) * rows;
  for (uint32_t i = 0; i < j->node->n_in; i++) {
    int64_t part = node_in(j->graph, j->node, i)->shape[axis] * inner;
    cast_part(j, i, rows, outer, part, row, (int64_t *)y->data + at);
    at += part;
  }
}
