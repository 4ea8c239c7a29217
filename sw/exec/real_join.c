// SPDX-License-Identifier: Apache-2.0
// Joins, sums, matrix products, classification and assigns in floats; sums run in index order.
#include "sw/exec/job.h"

#include <math.h>
#include <string.h>

void real_join(const struct job *j) {
  for (int64_t f = 0, frames = job_frames(j, &j->out[0]); f < frames; f++) {
    const float *a = real_frame(&j->in[0], f), *b = real_frame(&j->in[1], f);
    float *y = real_frame(&j->out[0], f);
    for (int64_t i = 0; i < j->out[0].elements; i++) {
      float l = a[job_broadcast(&j->in[0], &j->out[0], i)];
      float r = b[job_broadcast(&j->in[1], &j->out[0], i)];
      y[i] = j->node->op == OP_mul ? l * r : j->node->op == OP_sub ? l - r : l + r;
    }
  }
}

void real_reduce(const struct job *j) {
  bool frames = node_int(j->node, ATTR_frames, 0) != 0;
  float *y = j->out[0].data;
  memset(y, 0, (size_t)(job_frames(j, &j->out[0]) * j->out[0].elements) * sizeof *y);
  for (int64_t f = 0; f < job_frames(j, &j->in[0]); f++)
    for (int64_t i = 0; i < j->in[0].elements; i++)
      real_frame(&j->out[0], frames ? 0 : f)[job_result(j, i)] += real_frame(&j->in[0], f)[i];
}

void real_matmul(const struct job *j) {
  const struct array *a = &j->in[0], *b = &j->in[1];
  bool ta = node_int(j->node, ATTR_transpose_a, 0) != 0;
  bool tb = node_int(j->node, ATTR_transpose_b, 0) != 0;
  bool frames = node_int(j->node, ATTR_frames, 0) != 0;
  int64_t inner = a->shape[!ta], columns = b->shape[!tb];
  for (int64_t f = 0; f < job_frames(j, &j->out[0]); f++)
    for (int64_t r = 0; r < j->out[0].elements; r++) {
      float acc = 0;
      for (int64_t s = frames ? 0 : f; s < (frames ? j->frames : f + 1); s++)
        for (int64_t k = 0; k < inner; k++)
          acc = fmaf(real_frame(a, s)[job_element(a, ta, r / columns, k)],
                     real_frame(b, s)[job_element(b, tb, k, r % columns)], acc);
      real_frame(&j->out[0], f)[r] = acc;
    }
}

static void softmax_row(const float *x, int64_t count, float *y) {
  double most = (double)x[0], sum = 0;
  for (int64_t i = 1; i < count; i++) most = fmax(most, (double)x[i]);
  for (int64_t i = 0; i < count; i++) sum += exp((double)x[i] - most);
  for (int64_t i = 0; i < count; i++) y[i] = (float)(exp((double)x[i] - most) / sum);
}

static void argmax_row(const float *x, int64_t count, float *index, float *value) {
  int64_t best = 0;
  for (int64_t i = 1; i < count; i++)
    if (x[i] > x[best]) best = i;
  *index = (float)best;
  if (value) *value = x[best];
}

void real_classify(const struct job *j) {
  int64_t count = j->in[0].shape[j->in[0].rank - 1];
  int64_t rows = job_frames(j, &j->in[0]) * j->in[0].elements / count;
  float *y = j->out[0].data, *value = j->out[1].data;
  for (int64_t r = 0; r < rows; r++) {
    const float *x = (const float *)j->in[0].data + r * count;
    if (j->node->op == OP_softmax)
      softmax_row(x, count, y + r * count);
    else
      argmax_row(x, count, y + r, value ? value + r : NULL);
  }
}

void real_assign(const struct job *j) {
  const char *f = node_attr(j->node, ATTR_function)->text;
  const struct array *t = &j->in[j->node->n_in - 1];
  const float *from = t->data, *factor = j->in[0].data;
  const struct node *variable = &j->graph->nodes[j->graph->values[j->node->ref[0]].node];
  int64_t count = value_elements(&j->graph->values[node_attr(variable, ATTR_init)->value]);
  float *x = j->held;
  for (int64_t i = 0; i < count; i++) {
    float v = from[t->elements == 1 ? 0 : i];
    if (strcmp(f, "write") == 0) x[i] = v;
    if (strcmp(f, "add") == 0) x[i] += v;
    if (strcmp(f, "sub") == 0) x[i] -= v;
    if (strcmp(f, "axpy") == 0) x[i] = fmaf(factor[0], v, x[i]);
    if (strcmp(f, "scale") == 0) x[i] *= v;
    if (strcmp(f, "min") == 0) x[i] = fminf(x[i], v);
    if (strcmp(f, "max") == 0) x[i] = fmaxf(x[i], v);
  }
}
