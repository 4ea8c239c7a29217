// SPDX-License-Identifier: Apache-2.0
// Gradients of other nodes: each rule of gradients.def has its kernel beside the forward one.
#include "sw/exec/job.h"
#include "sw/graph/gradient.h"

#include <assert.h>
#include <string.h>

void real_backward(const struct job *j, const float *dy, float *const dx[JOB_INPUTS]) {
  static void (*const kernels[])(const struct job *, const float *, float *const[JOB_INPUTS]) = {
#define GRADIENT(id, kernel, ...) real_##kernel##_gradient,
#define NO_GRADIENT(...) NULL,
#include "sw/graph/gradients.def"
#undef GRADIENT
#undef NO_GRADIENT
  };
  assert(kernels[op_info(j->node->op)->gradient]);
  kernels[op_info(j->node->op)->gradient](j, dy, dx);
}

// The earlier firing as real_backward takes it: shapes of everything, data of what it reads.
static struct job earlier(struct arena *a, const struct job *j, const struct gradient *d,
                          struct array *dy) {
  void *in[JOB_INPUTS] = {NULL}, *out[JOB_OUTPUTS] = {NULL};
  for (uint32_t i = 0; i < d->n_reads; i++)
    *(d->reads[i] == NONE ? &out[0] : &in[d->reads[i]]) = j->in[i + 1].data;
  struct job f = {.graph = j->graph,
                  .node = d->of,
                  .frames = j->frames,
                  .share = j->share,
                  .shares = j->shares};
  for (uint32_t i = 0; i < d->of->n_in && i < JOB_INPUTS; i++)
    f.in[i] = array_of(node_in(j->graph, d->of, i), in[i]);
  f.out[0] = array_of(node_out(j->graph, d->of, 0), out[0]);
  struct space s;
  struct slice slice;
  struct err e = {0};
  const struct node *sliced = node_attr(d->of, ATTR_slice) ? d->of : j->node;
  if (op_has_space(d->of->op) && node_attr(sliced, ATTR_slice) &&
      space_of(j->graph, d->of, &s, &e) && slice_of(sliced, &s, &slice, &e)) {
    job_narrow(a, &f, &s, &slice, sizeof(float));
    struct needs own = {.ranges = slice.ranges, .range = slice.range};
    for (int k = 0; sliced == j->node && k < s.out_rank; k++)
      if (s.out_axis[k] == slice.axis) array_narrow(a, dy, j->frames, k, &own, sizeof(float));
    if (sliced == j->node) f.out[0] = *dy;
  }
  return f;
}

// The gradient of a slice's part, put where the part was: the rest is zero.
static void widen(struct arena *a, const struct job *j, const struct gradient *d,
                  struct array part) {
  const struct array *whole = &j->out[0];
  struct space s;
  struct slice slice;
  struct err e = {0};
  space_of(j->graph, d->of, &s, &e);
  slice_of(d->of, &s, &slice, &e);
  for (int k = 0; k < whole->rank; k++) {
    struct needs needs = slice_needs(a, &s, &slice, d->input, k);
    if (!needs.whole && form_axis(&s, d->input, k) != NONE)
      array_widen(a, &part, j->frames, k, &needs, whole->shape[k], sizeof(float));
  }
  memcpy(whole->data, part.data, (size_t)(job_frames(j, whole) * whole->elements) * sizeof(float));
}

// What the gradient is of. A kind with more inputs than a job has arrays for takes them as they
// are.
static struct array input_of(const struct job *f, uint32_t k) {
  return k < JOB_INPUTS ? f->in[k] : array_of(node_in(f->graph, f->node, k), NULL);
}

void real_gradient(const struct job *j) {
  struct arena a = {0};
  struct gradient d;
  struct err e = {0};
  if (!gradient_of(j->graph, j->node, &d, &e)) return;
  struct array dy = j->in[0];
  struct job f = earlier(&a, j, &d, &dy);
  bool scatter = node_attr(d.of, ATTR_slice) != NULL;
  f.fresh = gradient_fresh(d.of->op);
  if ((!f.fresh || scatter) && j->share) return;
  if (!f.fresh || scatter) f.share = f.shares = 0;
  struct array part = input_of(&f, d.input);
  int64_t count = job_frames(&f, &part) * part.elements;
  float *to = scatter ? ARENA_NEW(&a, float, count) : j->out[0].data;
  if (!f.fresh) memset(to, 0, (size_t)count * sizeof *to);
  float **dx = ARENA_NEW(&a, float *, d.of->n_in + JOB_INPUTS);
  dx[d.input] = to;
  real_backward(&f, dy.data, dx);
  part.data = to;
  if (scatter) widen(&a, j, &d, part);
  arena_free(&a);
}
