// SPDX-License-Identifier: Apache-2.0
// softmax and log_softmax, over the last axis: the host's is correctly rounded, the circuit's is
// the quotient of two whole numbers, that of rounding tflite TensorFlow Lite's.
#include "sw/graph/softmax.h"

#include "sw/exec/golden_prepare.h"
#include "sw/exec/job.h"
#include "sw/exec/softmax.h"
#include "sw/graph/softmax_tflite.h"

// The exponentials that rows have asked for.
struct exps {
  const struct type *x;
  int32_t *known; // (2^bits) by the distance from the largest; -1: not yet
};

static int64_t exp_of(struct exps *e, int64_t distance) {
  if (e->known[distance] < 0) e->known[distance] = softmax_exp(e->x, distance);
  return e->known[distance];
}

// Rows (rows, count) of codes.
static void quotients(const struct job *j, int64_t rows, int64_t count) {
  const struct type *x = &node_in(j->graph, j->node, 0)->type;
  const struct type *y = &node_out(j->graph, j->node, 0)->type;
  struct arena a = {0};
  int64_t codes = (int64_t)1 << type_width(x);
  struct exps e = {x, ARENA_NEW(&a, int32_t, codes)};
  int fraction = 0;
  softmax_fraction(y, &fraction);
  for (int64_t d = 0; d < codes; d++) e.known[d] = -1;
  for (int64_t r = 0; r < rows; r++) {
    const int64_t *in = (int64_t *)j->in[0].data + r * count;
    int64_t *out = (int64_t *)j->out[0].data + r * count, most = in[0], sum = 0;
    for (int64_t i = 1; i < count; i++) most = in[i] > most ? in[i] : most;
    for (int64_t i = 0; i < count; i++) sum += exp_of(&e, most - in[i]);
    for (int64_t i = 0; i < count; i++)
      out[i] = softmax_code(exp_of(&e, most - in[i]), sum, y, fraction);
  }
  arena_free(&a);
}

static void tflite(const struct job *j, int64_t rows, int64_t count) {
  const struct requant *rq = &j->node->rq[0];
  struct arena a = {0};
  int32_t *exps = ARENA_NEW(&a, int32_t, count);
  for (int64_t r = 0; r < rows; r++)
    softmax_tflite((int64_t *)j->in[0].data + r * count, count, rq->mul[0], rq->shift[0], exps,
                   (int64_t *)j->out[0].data + r * count);
  arena_free(&a);
}

void golden_softmax(const struct job *j) {
  const struct value *x = node_in(j->graph, j->node, 0), *y = node_out(j->graph, j->node, 0);
  int64_t count = x->shape[x->rank - 1];
  int64_t rows = job_frames(j, &j->in[0]) * j->in[0].elements / count;
  if (j->node->where == WHERE_CIRCUIT || j->node->rounding == FIX_TFLITE) {
    (j->node->where == WHERE_CIRCUIT ? quotients : tflite)(j, rows, count);
    return;
  }
  bool logarithm = j->node->op == OP_log_softmax;
  for (int64_t r = 0; r < rows; r++)
    (logarithm ? log_softmax_codes : softmax_codes)((int64_t *)j->in[0].data + r * count, count,
                                                    type_scale(&x->type, 0), &y->type,
                                                    (int64_t *)j->out[0].data + r * count);
}

// The exponentials, by the distance from a row's largest integer.
void golden_prepare_softmax(struct arena *a, const struct kernels *k, const struct graph *g,
                            const struct node *n, struct prepared *p) {
  (void)k;
  const struct value *x = node_in(g, n, 0);
  if (n->where != WHERE_CIRCUIT || x->init || !x->per_frame) return;
  struct softmax *s = ARENA_NEW(a, struct softmax, 1);
  int64_t depth;
  const int32_t *exps = softmax_exps(a, &x->type, &depth);
  softmax_fraction(&node_out(g, n, 0)->type, &s->fraction);
  s->exps = ARENA_NEW(a, int32_t, (int64_t)1 << type_width(&x->type));
  for (int64_t d = 0; d < depth; d++) s->exps[d] = exps[d];
  p->softmax = s;
}
