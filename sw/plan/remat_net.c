// SPDX-License-Identifier: Apache-2.0
// What the operators of a training step need and leave, with some of their channels pruned.
#include "sw/plan/remat_parts.h"

#include <stdlib.h>

static uint64_t *mask_new(struct arena *a, uint32_t words) {
  return ARENA_NEW(a, uint64_t, words);
}

// ---- channels

static bool read_prunes(struct remat_net *n, struct err *e) {
  const struct replay_plan *p = n->plan;
  for (uint32_t i = 0; i < p->n_decisions; i++) {
    const struct replay_decision *d = &p->decisions[i];
    if (d->action != REPLAY_PRUNE) continue;
    const struct remat_op *x = &n->ops[d->op];
    for (uint32_t k = 0; k < d->channels.ranges; k++) {
      if (d->channels.range[2 * k + 1] > x->o->out)
        return err_set(e, "decisions[%u]: pruned channels: \"%s\" has %u, found %u", i, x->o->name,
                       x->o->out, d->channels.range[2 * k + 1] - 1);
      for (uint32_t c = d->channels.range[2 * k]; c < d->channels.range[2 * k + 1]; c++)
        x->kept[c / 64] &= ~((uint64_t)1 << (c % 64));
    }
  }
  return true;
}

// Whose outputs an operator reads, each once. `seen`: (n_operators) the last that read it, + 1.
static void find_before(struct remat_net *n, uint32_t i, uint32_t *seen) {
  struct remat_op *x = &n->ops[i];
  x->before = ARENA_NEW(n->arena, uint32_t, x->o->n_from);
  for (uint32_t k = 0; k < x->o->n_from; k++) {
    uint32_t from = x->o->from[k];
    if (seen[from] != i + 1) x->before[x->n_before++] = from;
    seen[from] = i + 1;
  }
}

static void prepare(struct remat_net *n) {
  uint32_t *seen = ARENA_NEW(n->arena, uint32_t, n->plan->n_operators);
  for (uint32_t i = 0; i < n->plan->n_operators; i++) {
    const struct replay_operator *o = &n->plan->operators[i];
    struct remat_op *x = &n->ops[i];
    *x = (struct remat_op){.o = o, .in_words = mask_words(o->in), .out_words = mask_words(o->out)};
    x->every = mask_new(n->arena, x->out_words);
    x->kept = mask_new(n->arena, x->out_words);
    x->saved = mask_new(n->arena, x->in_words);
    x->passed = mask_new(n->arena, x->in_words);
    x->each_in = mask_new(n->arena, x->in_words);
    for (uint32_t c = 0; c < o->out; c++) mask_put(x->every, c);
    for (uint32_t c = 0; c < o->in; c++) mask_put(x->each_in, c);
    memcpy(x->kept, x->every, x->out_words * sizeof *x->kept);
    find_before(n, i, seen);
  }
}

// What no gradient reaches doesn't go backward.
static void cut_unreachable(struct remat_net *n) {
  for (uint32_t k = n->plan->n_operators; k-- > 0;) {
    uint32_t i = n->order[k];
    struct remat_op *x = &n->ops[i];
    bool feeds = n->links.n_to[i] == 0;
    for (uint32_t t = 0; t < n->links.n_to[i]; t++)
      feeds = feeds || n->ops[n->links.to[i][t].op].n_kept;
    x->n_kept = mask_count(x->kept, x->out_words);
    if (feeds) continue;
    n->cut += x->n_kept;
    x->n_kept = 0;
    memset(x->kept, 0, x->out_words * sizeof *x->kept);
  }
}

static void find_backward(struct remat_net *n, uint32_t i) {
  struct remat_op *x = &n->ops[i];
  const struct replay_operator *o = x->o;
  if (!x->n_kept) return;
  x->kept_bytes = replay_size(o, REPLAY_PARAM, x->n_kept);
  for (uint32_t c = 0; c < o->in; c++)
    if (!o->one || mask_has(x->kept, c)) mask_put(x->saved, c);
  for (uint32_t k = 0, offset = 0; k < o->n_from; offset += n->plan->operators[o->from[k++]].out)
    for (uint32_t c = 0; c < n->plan->operators[o->from[k]].out; c++)
      if (mask_has(n->ops[o->from[k]].kept, c) && mask_has(x->saved, offset + c))
        mask_put(x->passed, offset + c);
}

// ---- order

// The file's, if it is one in which they can go; else breadth first.
static void find_order(struct remat_net *n) {
  const struct replay_plan *p = n->plan;
  bool sorted = true;
  for (uint32_t i = 0; i < p->n_operators; i++)
    for (uint32_t k = 0; k < p->operators[i].n_from; k++)
      sorted = sorted && p->operators[i].from[k] < i;
  for (uint32_t i = 0; i < p->n_operators; i++) n->order[i] = sorted ? i : n->links.order[i];
  for (uint32_t i = 0; i < p->n_operators; i++) n->place[n->order[i]] = i;
}

// ---- what waits

static void add(struct remat_net *n, struct remat_value v) {
  if ((n->n_values & (n->n_values - 1)) == 0) { // full at powers of two
    struct remat_value *more =
        ARENA_NEW(n->arena, struct remat_value, n->n_values ? 2 * n->n_values : 1);
    if (n->n_values) memcpy(more, n->values, n->n_values * sizeof *more);
    n->values = more;
  }
  n->values[n->n_values++] = v;
}

static int by_number(const void *a, const void *b) {
  const uint32_t *x = a, *y = b;
  return (*x > *y) - (*x < *y);
}

// An output waits from its forward to those of its successors, one after the other.
static void add_outputs(struct remat_net *n, uint32_t i) {
  uint32_t count = n->links.n_to[i];
  uint32_t *reads = ARENA_NEW(n->arena, uint32_t, count);
  for (uint32_t t = 0; t < count; t++) reads[t] = n->place[n->links.to[i][t].op];
  if (count) qsort(reads, count, sizeof *reads, by_number);
  double bytes = (double)n->ops[i].o->bytes[REPLAY_OUTPUT];
  for (uint32_t t = 0, last = n->place[i]; t < count; last = reads[t++])
    if (reads[t] > last + 1 && bytes > 0)
      add(n, (struct remat_value){.kind = WAIT_OUTPUT,
                                  .op = i,
                                  .after = n->order[last],
                                  .before = n->order[reads[t]],
                                  .end = n->ops[i].o->out,
                                  .bytes = bytes});
  if (count) n->ops[n->order[reads[count - 1]]].spare += bytes;
  if (!count && n->ops[i].n_kept && bytes > 0 && n->place[i] + 1 < n->plan->n_operators)
    add(n, (struct remat_value){.kind = WAIT_OUTPUT,
                                .op = i,
                                .after = i,
                                .before = i,
                                .backward = true,
                                .end = n->ops[i].o->out,
                                .bytes = bytes});
}

// Whether nobody goes backward between two that do, the first of them later in the order.
static bool follows(const struct remat_net *n, uint32_t first, uint32_t second) {
  for (uint32_t k = n->place[second] + 1; k < n->place[first]; k++)
    if (n->ops[n->order[k]].n_kept) return false;
  return true;
}

static void add_gradients(struct remat_net *n, uint32_t i) {
  const struct remat_op *x = &n->ops[i];
  const struct replay_operator *o = x->o;
  if (!x->n_kept) return;
  for (uint32_t k = 0, offset = 0; k < o->n_from; offset += n->plan->operators[o->from[k++]].out) {
    uint32_t from = o->from[k], out = n->plan->operators[from].out, count = 0;
    for (uint32_t c = 0; c < out; c++) count += mask_has(x->passed, offset + c);
    double bytes = replay_size(o, REPLAY_PASS_GRAD, count);
    n->ops[from].read_grads += bytes;
    if (bytes > 0 && !follows(n, i, from))
      add(n, (struct remat_value){.kind = WAIT_GRADIENT,
                                  .op = i,
                                  .after = i,
                                  .before = from,
                                  .backward = true,
                                  .begin = offset,
                                  .end = offset + out,
                                  .bytes = bytes});
  }
}

static double saved_bytes(const struct remat_op *x) {
  return replay_size(x->o, REPLAY_INPUT, mask_count(x->saved, x->in_words));
}

static void find_values(struct remat_net *n) {
  for (uint32_t k = 0; k < n->plan->n_operators; k++) {
    uint32_t i = n->order[k];
    const struct replay_operator *o = n->ops[i].o;
    n->input_value[i] = n->param_value[i] = UINT32_MAX;
    if (o->bytes[REPLAY_INPUT]) {
      n->input_value[i] = n->n_values;
      add(n, (struct remat_value){.kind = WAIT_INPUT, .op = i, .bytes = saved_bytes(&n->ops[i])});
    }
    if (o->bytes[REPLAY_PARAM]) {
      n->param_value[i] = n->n_values;
      add(n, (struct remat_value){.kind = WAIT_PARAM, .op = i, .bytes = n->ops[i].kept_bytes});
    }
    add_outputs(n, i);
    add_gradients(n, i);
  }
}

static bool small_enough(const struct replay_plan *p, struct err *e) {
  uint64_t links = 0;
  for (uint32_t i = 0; i < p->n_operators; i++) links += p->operators[i].n_from;
  if (p->n_operators > REMAT_OPERATORS_MAX)
    return err_set(e, "operators: at most %d are planned, found %u", REMAT_OPERATORS_MAX,
                   p->n_operators);
  return links <= REMAT_LINKS_MAX ||
         err_set(e, "operators: at most %d entries of all `from` are planned, found %llu",
                 REMAT_LINKS_MAX, (unsigned long long)links);
}

static void find_runs(struct remat_net *n, uint32_t i) {
  struct remat_op *x = &n->ops[i];
  const struct replay_operator *o = x->o;
  bool sink = n->links.n_to[i] == 0;
  for (int k = 0; k < REPLAY_RUNS; k++) {
    double share = k == REPLAY_FORWARD ? 1 : (double)x->n_kept / o->out;
    x->runs[k] = (struct remat_run){
        .kind = (uint8_t)k, .op = i, .ms = share * o->ms[k], .extra = share * o->extra[k]};
  }
  struct remat_run *f = &x->runs[REPLAY_FORWARD], *b = &x->runs[REPLAY_BACKWARD];
  double grad = replay_size(o, REPLAY_GRAD, x->n_kept);
  f->takes = (double)o->bytes[REPLAY_OUTPUT] + (o->n_from ? (double)o->bytes[REPLAY_INPUT] : 0);
  f->gives = (double)o->bytes[REPLAY_INPUT] - saved_bytes(x) + x->spare +
             replay_size(o, REPLAY_PARAM, o->out - x->n_kept);
  b->takes = grad + replay_size(o, REPLAY_PASS_GRAD, mask_count(x->passed, x->in_words));
  b->gives = saved_bytes(x) + x->read_grads + (sink ? (double)o->bytes[REPLAY_OUTPUT] : 0);
  x->runs[REPLAY_OPTIMIZE].gives = grad;
}

bool remat_net_make(struct remat_net *n, struct arena *a, const struct replay_plan *p,
                    struct err *e) {
  *n = (struct remat_net){.arena = a, .plan = p};
  struct replay_result broken = {.refused = NULL};
  n->links = (struct replay_net){
      .arena = a, .plan = p, .mode = &replay_modes[REPLAY_MODES - 1], .result = &broken};
  if (!small_enough(p, e)) return false;
  if (!replay_connect(&n->links))
    return err_set(e, "%s: %s%s%s", broken.refused, broken.op ? broken.op : "",
                   broken.op ? ": " : "", broken.why);
  n->ops = ARENA_NEW(a, struct remat_op, p->n_operators);
  n->order = ARENA_NEW(a, uint32_t, p->n_operators);
  n->place = ARENA_NEW(a, uint32_t, p->n_operators);
  n->input_value = ARENA_NEW(a, uint32_t, p->n_operators);
  n->param_value = ARENA_NEW(a, uint32_t, p->n_operators);
  prepare(n);
  find_order(n);
  if (!read_prunes(n, e)) return false;
  cut_unreachable(n);
  for (uint32_t i = 0; i < p->n_operators; i++) find_backward(n, i);
  find_values(n);
  for (uint32_t i = 0; i < p->n_operators; i++) find_runs(n, i);
  return true;
}
