// SPDX-License-Identifier: Apache-2.0
// What each decision reads and writes, in spans of cells, and what follows from that: what a job
// waits for, what is allocated with it, and, by the order of the list, what is freed behind it.
#include "sw/plan/replay_parts.h"

// ---- spans

static void touch(struct replay_jobs *j, struct replay_job *job, uint32_t op, int block,
                  uint32_t begin, uint32_t end, uint8_t access) {
  uint32_t base = j->base[op][block];
  j->work += end - begin + 1;
  struct replay_span *last = job->n_spans ? &job->spans[job->n_spans - 1] : NULL;
  if (last && last->op == op && last->block == block && last->access == access &&
      last->end == base + begin) {
    last->end = base + end;
    return;
  }
  if (job->n_spans && (job->n_spans & (job->n_spans - 1)) == 0) { // full at powers of two
    struct replay_span *more = ARENA_NEW(j->net->arena, struct replay_span, 2 * job->n_spans);
    memcpy(more, job->spans, job->n_spans * sizeof *more);
    job->spans = more;
  } else if (!job->n_spans) {
    job->spans = ARENA_NEW(j->net->arena, struct replay_span, 1);
  }
  job->spans[job->n_spans++] =
      (struct replay_span){base + begin, base + end, op, (uint8_t)block, access};
}

static void touch_channels(struct replay_jobs *j, struct replay_job *job, uint32_t op, int block,
                           const struct replay_channels *c, uint8_t access) {
  for (uint32_t i = 0; i < c->ranges; i++)
    touch(j, job, op, block, c->range[2 * i], c->range[2 * i + 1], access);
}

static void touch_input(struct replay_jobs *j, struct replay_job *job,
                        const struct replay_decision *d, uint8_t access) {
  const struct replay_operator *o = &j->net->plan->operators[d->op];
  if (o->one)
    touch_channels(j, job, d->op, REPLAY_INPUT, &d->channels, access);
  else
    touch(j, job, d->op, REPLAY_INPUT, 0, o->in, access);
}

// Of what an operator passes on or takes, the part that is in begin..end of its input.
static bool part(uint32_t offset, uint32_t count, uint32_t *begin, uint32_t *end) {
  if (*begin < offset) *begin = offset;
  if (*end > offset + count) *end = offset + count;
  return *begin < *end;
}

// Calls for the channels of the predecessors behind the input channels begin..end.
static void predecessors(struct replay_jobs *j, struct replay_job *job, uint32_t op, uint32_t from,
                         uint32_t to, bool gradients) {
  const struct replay_net *n = j->net;
  const struct replay_operator *o = &n->plan->operators[op];
  j->work += o->n_from;
  if (j->work > REPLAY_WORK_MAX) return; // the plan is refused
  for (uint32_t k = 0, offset = 0; k < o->n_from; offset += n->plan->operators[o->from[k++]].out) {
    uint32_t p = o->from[k], begin = from, end = to;
    if (!part(offset, n->plan->operators[p].out, &begin, &end)) continue;
    if (!gradients)
      touch(j, job, p, REPLAY_OUTPUT, begin - offset, end - offset, ACCESS_READ);
    else
      for (uint32_t c = begin; c < end; c++)
        if (!replay_is_pruned(n, p, c - offset))
          touch(j, job, op, REPLAY_PASS_GRAD, c, c + 1, ACCESS_WRITE);
  }
}

static void all_predecessors(struct replay_jobs *j, struct replay_job *job,
                             const struct replay_decision *d, bool gradients) {
  const struct replay_operator *o = &j->net->plan->operators[d->op];
  if (!o->one) {
    predecessors(j, job, d->op, 0, o->in, gradients);
    return;
  }
  for (uint32_t i = 0; i < d->channels.ranges; i++)
    predecessors(j, job, d->op, d->channels.range[2 * i], d->channels.range[2 * i + 1], gradients);
}

static void successors(struct replay_jobs *j, struct replay_job *job,
                       const struct replay_decision *d) {
  const struct replay_net *n = j->net;
  for (uint32_t t = 0; t < n->n_to[d->op]; t++) {
    const struct replay_link *to = &n->to[d->op][t];
    uint32_t offset = n->mode->no_offset ? 0 : to->offset;
    if (!n->mode->no_offset && !n->reachable[to->op]) continue;
    bool one = n->plan->operators[to->op].one && !n->mode->no_offset;
    for (uint32_t i = 0; i < d->channels.ranges; i++)
      for (uint32_t c = d->channels.range[2 * i]; c < d->channels.range[2 * i + 1]; c++)
        if (!one || !replay_is_pruned(n, to->op, offset + c))
          touch(j, job, to->op, REPLAY_PASS_GRAD, offset + c, offset + c + 1, ACCESS_READ);
  }
}

static void forward(struct replay_jobs *j, struct replay_job *job,
                    const struct replay_decision *d) {
  bool source = j->net->plan->operators[d->op].n_from == 0;
  touch_input(j, job, d, source ? ACCESS_READ : ACCESS_READ | ACCESS_COPY);
  touch_channels(j, job, d->op, REPLAY_PARAM, &d->channels, ACCESS_READ);
  touch_channels(j, job, d->op, REPLAY_OUTPUT, &d->channels, ACCESS_WRITE);
  all_predecessors(j, job, d, false);
}

static void backward(struct replay_jobs *j, struct replay_job *job,
                     const struct replay_decision *d) {
  const struct replay_operator *o = &j->net->plan->operators[d->op];
  touch_input(j, job, d, ACCESS_READ);
  touch_channels(j, job, d->op, REPLAY_PARAM, &d->channels, ACCESS_READ);
  touch_channels(j, job, d->op, REPLAY_GRAD, &d->channels, ACCESS_WRITE);
  all_predecessors(j, job, d, true);
  successors(j, job, d);
  if (j->net->n_to[d->op] == 0 && !j->net->mode->frees_by_list)
    touch(j, job, d->op, REPLAY_OUTPUT, 0, o->out, ACCESS_READ);
}

static void again(struct replay_jobs *j, struct replay_job *job, const struct replay_decision *d) {
  const struct replay_made *made = &j->net->made[d - j->net->plan->decisions];
  touch_input(j, job, d, ACCESS_READ);
  touch_channels(j, job, d->op, REPLAY_PARAM, &d->channels, ACCESS_READ);
  for (uint32_t k = 0; k < made->count; k++)
    touch(j, job, made->parts[k].op, REPLAY_INPUT, made->parts[k].begin, made->parts[k].end,
          ACCESS_WRITE);
}

static void optimize(struct replay_jobs *j, struct replay_job *job,
                     const struct replay_decision *d) {
  touch_channels(j, job, d->op, REPLAY_PARAM, &d->channels, ACCESS_READ | ACCESS_WRITE);
  touch_channels(j, job, d->op, REPLAY_GRAD, &d->channels, ACCESS_READ);
}

// ---- jobs

static void make(struct replay_jobs *j, const struct replay_decision *d, struct replay_job *job) {
  const struct replay_plan *p = j->net->plan;
  const struct replay_operator *o = &p->operators[d->op];
  uint32_t count = replay_count(&d->channels);
  if (replay_is_run(d->action)) {
    double share = (double)count / o->out;
    enum replay_action like = d->action == REPLAY_AGAIN ? REPLAY_FORWARD : d->action;
    job->duration = share * o->ms[like];
    job->bytes = share * o->extra[like];
  } else if (d->action != REPLAY_PRUNE) {
    job->bytes = replay_size(o, d->block, count);
    if (d->action != REPLAY_ALLOCATE) job->duration = job->bytes / p->rate[replay_queue(d->action)];
  }
  if (d->action == REPLAY_FORWARD) forward(j, job, d);
  if (d->action == REPLAY_BACKWARD) backward(j, job, d);
  if (d->action == REPLAY_OPTIMIZE) optimize(j, job, d);
  if (d->action == REPLAY_AGAIN) again(j, job, d);
  if (d->action == REPLAY_LOAD || d->action == REPLAY_ALLOCATE)
    touch_channels(j, job, d->op, d->block, &d->channels, ACCESS_WRITE);
  if (d->action == REPLAY_STORE)
    touch_channels(j, job, d->op, d->block, &d->channels, ACCESS_READ | ACCESS_WRITE);
}

bool replay_jobs_make(struct replay_jobs *j, struct err *e) {
  const struct replay_plan *p = j->net->plan;
  j->base = arena_alloc(j->net->arena, p->n_operators, sizeof *j->base);
  for (uint32_t i = 0; i < p->n_operators; i++)
    for (int b = 0; b < REPLAY_BLOCKS; b++) {
      j->base[i][b] = j->n_cells;
      j->n_cells += replay_total(&p->operators[i], b);
    }
  j->jobs = ARENA_NEW(j->net->arena, struct replay_job, p->n_decisions);
  for (uint32_t i = 0; i < p->n_decisions; i++) {
    make(j, &p->decisions[i], &j->jobs[i]);
    if (j->work > REPLAY_WORK_MAX)
      return err_set(e, "decisions[%u]: the decisions so far touch more than %d channels", i,
                     REPLAY_WORK_MAX);
  }
  return true;
}

// ---- frees by the order of the list

static void free_behind(struct replay_jobs *j, uint32_t place, uint32_t op, int block,
                        struct replay_channels channels) {
  struct replay_job *job = &j->jobs[place];
  if (job->n_frees == job->frees_room) {
    job->frees_room = job->frees_room ? 2 * job->frees_room : 4;
    struct replay_free *more = ARENA_NEW(j->net->arena, struct replay_free, job->frees_room);
    if (job->n_frees) memcpy(more, job->frees, job->n_frees * sizeof *more);
    job->frees = more;
  }
  job->frees[job->n_frees++] = (struct replay_free){op, block, channels};
}

static struct replay_channels some(struct arena *a, uint32_t count, const uint32_t *range) {
  return (struct replay_channels){count, arena_copy(a, range, 2 * count * sizeof *range)};
}

static struct replay_channels all(struct arena *a, uint32_t count) {
  return some(a, 1, (uint32_t[]){0, count});
}

static struct replay_channels pruned(const struct replay_net *n, uint32_t op) {
  uint32_t out = n->plan->operators[op].out, count = 0;
  uint32_t *range = ARENA_NEW(n->arena, uint32_t, out + 2);
  for (uint32_t c = 0; c < out; c++) {
    if (!replay_is_pruned(n, op, c)) continue;
    if (!count || range[2 * count - 1] != c) range[2 * count++] = c;
    range[2 * count - 1] = c + 1;
  }
  return (struct replay_channels){count, range};
}

// The last in time of an operator's decisions of an action, in the list the first of these.
static uint32_t last_of(const struct replay_net *n, uint32_t op, enum replay_action action) {
  uint32_t last = UINT32_MAX;
  for (uint32_t k = n->decisions_from[op]; k < n->decisions_from[op + 1]; k++) {
    uint32_t place = n->decisions_of[k];
    const struct replay_decision *d = n->plan->decisions;
    if (d[place].action == action && (last == UINT32_MAX || d[place].at > d[last].at)) last = place;
  }
  return last;
}

static void free_gradients(struct replay_jobs *j, uint32_t place) {
  const struct replay_net *n = j->net;
  const struct replay_decision *d = &n->plan->decisions[place];
  for (uint32_t t = 0; t < n->n_to[d->op]; t++) {
    struct replay_channels c = some(n->arena, d->channels.ranges, d->channels.range);
    uint32_t *range = (uint32_t *)c.range;
    for (uint32_t i = 0; i < 2 * c.ranges; i++) range[i] += n->to[d->op][t].offset;
    free_behind(j, place, n->to[d->op][t].op, REPLAY_PASS_GRAD, c);
  }
}

static void free_lasts(struct replay_jobs *j, uint32_t op) {
  const struct replay_net *n = j->net;
  const struct replay_operator *o = &n->plan->operators[op];
  uint32_t f = last_of(n, op, REPLAY_FORWARD), b = last_of(n, op, REPLAY_BACKWARD);
  free_behind(j, f, op, REPLAY_PARAM, pruned(n, op));
  if (!n->reachable[op]) free_behind(j, f, op, REPLAY_INPUT, all(n->arena, o->in));
  if (b == UINT32_MAX) return;
  free_behind(j, b, op, REPLAY_INPUT, all(n->arena, o->in));
  if (!n->n_to[op]) free_behind(j, b, op, REPLAY_OUTPUT, all(n->arena, o->out));
}

void replay_jobs_free(struct replay_jobs *j) {
  const struct replay_net *n = j->net;
  const struct replay_plan *p = n->plan;
  int64_t *uses = ARENA_NEW(n->arena, int64_t, p->n_operators);
  for (uint32_t i = 0; i < p->n_operators; i++) uses[i] = n->n_to[i];
  for (uint32_t i = 0; i < p->n_decisions; i++) {
    const struct replay_decision *d = &p->decisions[i];
    const struct replay_operator *o = &p->operators[d->op];
    if (d->action == REPLAY_FORWARD)
      for (uint32_t k = 0; k < o->n_from; k++)
        if (--uses[o->from[k]] == 0)
          free_behind(j, i, o->from[k], REPLAY_OUTPUT, all(n->arena, p->operators[o->from[k]].out));
    if (d->action == REPLAY_BACKWARD) free_gradients(j, i);
    if (d->action == REPLAY_OPTIMIZE) free_behind(j, i, d->op, REPLAY_GRAD, d->channels);
  }
  for (uint32_t i = 0; i < p->n_operators; i++) free_lasts(j, i);
}

// ---- what waits for what

// Places + 1 of what wrote and read a cell last, by device; and of an ALLOCATE that nobody touched.
// A device serves its decisions one after the other: the last one has ended after all of them.
struct past {
  uint32_t wrote[REPLAY_DEVICES], read[REPLAY_DEVICES], allocated;
};

static void later(uint32_t *need, const uint32_t *of) {
  for (int d = 0; d < REPLAY_DEVICES; d++)
    if (of[d] > need[d]) need[d] = of[d];
}

static void need(const struct replay_jobs *j, struct past *past, uint32_t *owner, uint32_t place) {
  struct replay_job *job = &j->jobs[place];
  int queue = replay_queue(j->net->plan->decisions[place].action);
  for (uint32_t k = 0; k < job->n_spans; k++)
    for (uint32_t c = job->spans[k].begin; c < job->spans[k].end; c++) {
      later(job->need, past[c].wrote);
      if (job->spans[k].access & (ACCESS_WRITE | ACCESS_COPY)) later(job->need, past[c].read);
      uint32_t allocate = past[c].allocated;
      if (allocate && owner[allocate - 1] == UINT32_MAX) owner[allocate - 1] = place;
      past[c].allocated = 0;
    }
  for (uint32_t k = 0; k < job->n_spans; k++)
    for (uint32_t c = job->spans[k].begin; c < job->spans[k].end; c++) {
      if (job->spans[k].access & (ACCESS_WRITE | ACCESS_COPY)) past[c].wrote[queue] = place + 1;
      if (job->spans[k].access & ACCESS_READ) past[c].read[queue] = place + 1;
    }
}

static void share_allocates(struct replay_jobs *j, const uint32_t *owner) {
  const struct replay_plan *p = j->net->plan;
  for (uint32_t i = 0; i < p->n_decisions; i++)
    if (owner[i] != UINT32_MAX) j->jobs[owner[i]].n_allocates++;
  for (uint32_t i = 0; i < p->n_decisions; i++) {
    j->jobs[i].allocates = ARENA_NEW(j->net->arena, uint32_t, j->jobs[i].n_allocates);
    j->jobs[i].n_allocates = 0;
  }
  for (uint32_t i = 0; i < p->n_decisions; i++)
    if (owner[i] != UINT32_MAX) {
      struct replay_job *job = &j->jobs[owner[i]];
      job->allocates[job->n_allocates++] = i;
    }
}

void replay_jobs_issue(struct replay_jobs *j) {
  const struct replay_plan *p = j->net->plan;
  struct past *past = ARENA_NEW(j->net->arena, struct past, j->n_cells);
  uint32_t *owner = ARENA_NEW(j->net->arena, uint32_t, p->n_decisions);
  uint32_t *forwards = ARENA_NEW(j->net->arena, uint32_t, p->n_operators);
  uint32_t *prunes = ARENA_NEW(j->net->arena, uint32_t, p->n_operators);
  memset(owner, 0xff, p->n_decisions * sizeof *owner);
  for (uint32_t i = 0; i < p->n_decisions; i++) {
    const struct replay_decision *d = &p->decisions[i];
    struct replay_job *job = &j->jobs[i];
    if (d->action == REPLAY_ALLOCATE)
      for (uint32_t k = 0; k < job->n_spans; k++)
        for (uint32_t c = job->spans[k].begin; c < job->spans[k].end; c++)
          past[c].allocated = i + 1;
    else if (d->action != REPLAY_PRUNE)
      need(j, past, owner, i);
    if (d->action == REPLAY_FORWARD) forwards[d->op] = i + 1;
    if (d->action == REPLAY_PRUNE) prunes[d->op] = i + 1;
    if (d->action == REPLAY_PRUNE) job->need[REPLAY_CPU] = forwards[d->op];
    if (d->action == REPLAY_BACKWARD) job->need[REPLAY_DEVICES] = prunes[d->op];
  }
  share_allocates(j, owner);
}
