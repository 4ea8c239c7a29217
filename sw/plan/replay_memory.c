// SPDX-License-Identifier: Apache-2.0
// The channels of all blocks while a plan is replayed: where they are, who holds them, who is still
// to read them. A channel of a block is a cell.
#include "sw/plan/replay_parts.h"

#include <assert.h>
#include <stdlib.h>

// ---- rows

static const struct replay_operator *operator_of(const struct replay_sim *s, uint32_t op) {
  return &s->net->plan->operators[op];
}

static void row(struct replay_sim *s, enum replay_action action, uint32_t op, int block,
                const struct replay_channels *channels) {
  struct replay_result *r = s->net->result;
  if (r->n_rows == r->rows_room) {
    r->rows_room = r->rows_room ? 2 * r->rows_room : 64;
    struct replay_row *more = ARENA_NEW(s->net->arena, struct replay_row, r->rows_room);
    if (r->n_rows) memcpy(more, r->rows, r->n_rows * sizeof *more);
    r->rows = more;
  }
  if (s->used > r->peak) r->peak = s->used;
  r->rows[r->n_rows++] =
      (struct replay_row){.at = s->now,
                          .action = action,
                          .op = op,
                          .block = block,
                          .channeled = channels != NULL,
                          .channels = channels ? *channels : (struct replay_channels){0},
                          .bytes = s->used};
}

static void change(struct replay_sim *s, double bytes) {
  s->used += bytes;
  if (!s->net->mode->peak_sorted) return;
  if (s->n_changes == s->changes_room) {
    s->changes_room = s->changes_room ? 2 * s->changes_room : 64;
    struct replay_change *more = ARENA_NEW(s->net->arena, struct replay_change, s->changes_room);
    if (s->n_changes) memcpy(more, s->changes, s->n_changes * sizeof *more);
    s->changes = more;
  }
  s->changes[s->n_changes++] = (struct replay_change){s->now, bytes};
}

static bool refuse(struct replay_sim *s, const char *rule, const struct replay_decision *d,
                   const char *why) {
  return replay_refuse(s->net, rule, s->now, operator_of(s, d->op)->name, "%s", why);
}

static bool refuse_cell(struct replay_sim *s, const char *rule, const struct replay_decision *d,
                        const struct replay_span *span, uint32_t cell) {
  return replay_refuse(s->net, rule, s->now, operator_of(s, d->op)->name, "%s.%s[%u]",
                       operator_of(s, span->op)->name, replay_block_names[span->block],
                       cell - s->jobs.base[span->op][span->block]);
}

// What was decided has happened; with issue the bytes were granted before.
static bool decided(struct replay_sim *s, const struct replay_decision *d) {
  row(s, d->action, d->op, d->block, &d->channels);
  double limit = s->net->plan->limit;
  if (s->net->mode->issue || s->used <= limit) return true;
  return replay_refuse(s->net, "limit", s->now, operator_of(s, d->op)->name,
                       "%s%s%s: %.9g bytes of %.9g", replay_action_names[d->action],
                       d->block == REPLAY_NONE ? "" : " ",
                       d->block == REPLAY_NONE ? "" : replay_block_names[d->block], s->used, limit);
}

// ---- what is asked of a cell

static bool is_written(const struct replay_sim *s, const struct replay_span *span,
                       const struct replay_cell *c) {
  uint32_t runs = 1;
  if (span->block == REPLAY_PASS_GRAD && !operator_of(s, span->op)->one)
    runs = s->net->backward_runs[span->op];
  return c->writes >= runs;
}

// What a run, or a store, can't do with a cell; NULL: nothing is wrong.
static const char *wrong(const struct replay_sim *s, const struct replay_span *span,
                         const struct replay_cell *c) {
  const struct replay_mode *m = s->net->mode;
  bool alone = span->access & ACCESS_WRITE;
  if (c->place != PLACE_FAST || c->locked) return "not ready";
  if (c->arrives) return "in flight";
  if (alone && (c->leaves || c->readers)) return "not ready";
  bool reads = (span->access & (ACCESS_READ | ACCESS_COPY)) == ACCESS_READ;
  return !m->whole_neighbors && reads && !is_written(s, span, c) ? "not written" : NULL;
}

static bool find_wrong(struct replay_sim *s, const struct replay_decision *d,
                       const struct replay_job *job) {
  for (uint32_t k = 0; k < job->n_spans; k++)
    for (uint32_t c = job->spans[k].begin; c < job->spans[k].end; c++) {
      const char *rule = wrong(s, &job->spans[k], &s->cells[c]);
      if (rule) return refuse_cell(s, rule, d, &job->spans[k], c);
    }
  return true;
}

static bool all_in(struct replay_sim *s, const struct replay_decision *d,
                   const struct replay_job *job, enum replay_place place) {
  for (uint32_t k = 0; k < job->n_spans; k++)
    for (uint32_t c = job->spans[k].begin; c < job->spans[k].end; c++)
      if (s->cells[c].place != place) return refuse_cell(s, "state", d, &job->spans[k], c);
  return true;
}

// ---- decisions

static void occupy(struct replay_sim *s, enum replay_device d, uint32_t place, bool ends) {
  const struct replay_job *job = &s->jobs.jobs[place];
  s->net->result->busy[d] += job->duration;
  s->until[d] = s->now + job->duration;
  if (s->until[d] > s->net->result->total) s->net->result->total = s->until[d];
  if (!ends) return;
  s->ends[place] = (struct replay_end){.at = s->until[d], .turn = s->turns++};
  if (s->first[d])
    s->ends[s->last[d] - 1].behind = place + 1;
  else
    s->first[d] = place + 1;
  s->last[d] = place + 1;
}

static bool load(struct replay_sim *s, const struct replay_decision *d,
                 const struct replay_job *job, uint32_t place) {
  bool at_once = s->net->mode->loads_at_once;
  if (!all_in(s, d, job, PLACE_SLOW)) return false;
  for (uint32_t k = 0; k < job->n_spans; k++)
    for (uint32_t c = job->spans[k].begin; c < job->spans[k].end; c++) {
      s->cells[c].place = PLACE_FAST;
      s->cells[c].arrives = !at_once;
    }
  change(s, job->bytes);
  occupy(s, REPLAY_IN, place, !at_once);
  return decided(s, d);
}

static bool can_leave(struct replay_sim *s, const struct replay_decision *d,
                      const struct replay_job *job) {
  for (uint32_t k = 0; k < job->n_spans; k++)
    for (uint32_t i = job->spans[k].begin; i < job->spans[k].end; i++) {
      const struct replay_cell *c = &s->cells[i];
      const char *rule = NULL;
      if (c->place != PLACE_FAST || c->locked || c->leaves)
        rule = "state";
      else if (c->arrives)
        rule = "in flight";
      else if (!s->net->mode->whole_neighbors && !is_written(s, &job->spans[k], c))
        rule = "not written";
      if (rule) return refuse_cell(s, rule, d, &job->spans[k], i);
    }
  return true;
}

static bool store(struct replay_sim *s, const struct replay_decision *d,
                  const struct replay_job *job, uint32_t place) {
  bool at_once = s->net->mode->stores_at_once;
  if (!can_leave(s, d, job)) return false;
  for (uint32_t k = 0; k < job->n_spans; k++)
    for (uint32_t c = job->spans[k].begin; c < job->spans[k].end; c++) {
      s->cells[c].place = at_once ? PLACE_SLOW : PLACE_FAST;
      s->cells[c].leaves = !at_once;
      if (at_once) s->cells[c].reads--;
    }
  if (at_once) change(s, -job->bytes);
  occupy(s, REPLAY_OUT, place, !at_once);
  row(s, d->action, d->op, d->block, &d->channels);
  return true;
}

static bool allocate(struct replay_sim *s, const struct replay_decision *d,
                     const struct replay_job *job) {
  const uint32_t *reads = job->reads;
  if (!all_in(s, d, job, PLACE_NOWHERE)) return false;
  for (uint32_t k = 0; k < job->n_spans; k++)
    for (uint32_t c = job->spans[k].begin; c < job->spans[k].end; c++) {
      s->cells[c].place = PLACE_FAST;
      s->cells[c].writes = 0;
      if (job->reads) s->cells[c].reads = *reads++;
    }
  change(s, job->bytes);
  return decided(s, d);
}

static bool phase(struct replay_sim *s, const struct replay_decision *d) {
  if ((d->action == REPLAY_PRUNE || d->action == REPLAY_BACKWARD || d->action == REPLAY_AGAIN) &&
      s->forward_done[d->op] < operator_of(s, d->op)->out)
    return refuse(s, "phase", d, "its forward isn't complete");
  if (d->action == REPLAY_OPTIMIZE && s->backward_done[d->op] < s->net->n_backward[d->op])
    return refuse(s, "phase", d, "its backward isn't complete");
  return true;
}

static bool neighbors_are_done(struct replay_sim *s, const struct replay_decision *d) {
  const struct replay_net *n = s->net;
  const struct replay_operator *o = operator_of(s, d->op);
  if (d->action == REPLAY_FORWARD)
    for (uint32_t k = 0; k < o->n_from; k++)
      if (s->forward_done[o->from[k]] < operator_of(s, o->from[k])->out)
        return refuse(s, "not ready", d, "the forward of a predecessor isn't complete");
  if (d->action == REPLAY_BACKWARD)
    for (uint32_t t = 0; t < n->n_to[d->op]; t++)
      if (s->backward_done[n->to[d->op][t].op] < n->n_backward[n->to[d->op][t].op])
        return refuse(s, "not ready", d, "the backward of a successor isn't complete");
  return true;
}

// Whether a run holds a span for itself.
static bool locks(const struct replay_mode *m, const struct replay_span *span) {
  if (span->access & ACCESS_WRITE) return true;
  return m->reads_lock && !(m->inputs_unlocked && span->block == REPLAY_INPUT);
}

static bool run(struct replay_sim *s, const struct replay_decision *d, const struct replay_job *job,
                uint32_t place) {
  if (!phase(s, d)) return false;
  if (s->net->mode->whole_neighbors && !neighbors_are_done(s, d)) return false;
  if (!find_wrong(s, d, job)) return false;
  for (uint32_t k = 0; k < job->n_spans; k++)
    for (uint32_t c = job->spans[k].begin; c < job->spans[k].end; c++) {
      const struct replay_span *span = &job->spans[k];
      if (span->access & ACCESS_COPY) s->cells[c].writes = 1;
      if (locks(s->net->mode, span)) s->cells[c].locked = true;
      if (span->access & ACCESS_READ) s->cells[c].readers++;
    }
  change(s, job->bytes);
  occupy(s, REPLAY_CPU, place, true);
  return decided(s, d);
}

static bool prune(struct replay_sim *s, const struct replay_decision *d) {
  if (!phase(s, d)) return false;
  row(s, d->action, d->op, d->block, &d->channels);
  return true;
}

bool replay_start(struct replay_sim *s, uint32_t place) {
  const struct replay_decision *d = &s->net->plan->decisions[place];
  const struct replay_job *job = &s->jobs.jobs[place];
  int device = replay_queue(d->action);
  s->net->result->started[place] = s->now;
  if (device == REPLAY_NONE) return allocate(s, d, job);
  if (device == REPLAY_DEVICES) return prune(s, d);
  if (s->now < s->until[device])
    return replay_refuse(s->net, "busy", s->now, operator_of(s, d->op)->name,
                         "%s works until %.17g", replay_device_names[device], s->until[device]);
  if (d->action == REPLAY_LOAD) return load(s, d, job, place);
  if (d->action == REPLAY_STORE) return store(s, d, job, place);
  return run(s, d, job, place);
}

// ---- frees

static void give_back(struct replay_sim *s, uint32_t op, int block,
                      const struct replay_channels *channels) {
  change(s, -replay_size(operator_of(s, op), block, replay_count(channels)));
  row(s, REPLAY_FREE, op, block, channels);
}

bool replay_free_next(struct replay_sim *s) {
  const struct replay_job *job = &s->jobs.jobs[s->waiting_job];
  const struct replay_free *f = &job->frees[s->waiting_next++];
  s->n_waiting--;
  uint32_t base = s->jobs.base[f->op][f->block];
  for (uint32_t i = 0; i < f->channels.ranges; i++)
    for (uint32_t c = f->channels.range[2 * i]; c < f->channels.range[2 * i + 1]; c++) {
      if (s->cells[base + c].place != PLACE_FAST || s->cells[base + c].locked)
        return replay_refuse(s->net, "state", s->now, operator_of(s, f->op)->name,
                             "free of %s.%s[%u], which isn't in fast memory",
                             operator_of(s, f->op)->name, replay_block_names[f->block], c);
      s->cells[base + c].place = PLACE_NOWHERE;
    }
  give_back(s, f->op, f->block, &f->channels);
  return true;
}

static bool is_over(const struct replay_cell *c) {
  return c->place == PLACE_FAST && !c->reads && !c->leaves;
}

static int by_begin(const void *a, const void *b) {
  const struct replay_span *x = a, *y = b;
  return (x->begin > y->begin) - (x->begin < y->begin);
}

static void free_unread(struct replay_sim *s, const struct replay_job *job) {
  struct replay_span *spans = arena_copy(s->net->arena, job->spans, job->n_spans * sizeof *spans);
  qsort(spans, job->n_spans, sizeof *spans, by_begin);
  for (uint32_t k = 0; k < job->n_spans;) {
    uint32_t first = k, base = s->jobs.base[spans[k].op][spans[k].block], ranges = 0, most = 0;
    for (;
         k < job->n_spans && spans[k].op == spans[first].op && spans[k].block == spans[first].block;
         k++)
      most += spans[k].end - spans[k].begin;
    uint32_t *range = NULL;
    for (uint32_t i = first; i < k; i++)
      for (uint32_t c = spans[i].begin; c < spans[i].end; c++) {
        if (!(spans[i].access & ACCESS_READ) || !is_over(&s->cells[c])) continue;
        if (!range) range = ARENA_NEW(s->net->arena, uint32_t, 2 * most); // each may be one
        if (!ranges || range[2 * ranges - 1] != c - base) range[2 * ranges++] = c - base;
        range[2 * ranges - 1] = c - base + 1;
        s->cells[c].place = PLACE_NOWHERE;
      }
    struct replay_channels channels = {ranges, range};
    if (ranges) give_back(s, spans[first].op, spans[first].block, &channels);
  }
}

// ---- ends

static void end_run(struct replay_sim *s, uint32_t place) {
  const struct replay_decision *d = &s->net->plan->decisions[place];
  const struct replay_job *job = &s->jobs.jobs[place];
  for (uint32_t k = 0; k < job->n_spans; k++)
    for (uint32_t c = job->spans[k].begin; c < job->spans[k].end; c++) {
      s->cells[c].locked = false;
      if (job->spans[k].access & ACCESS_WRITE) s->cells[c].writes++;
      if (!(job->spans[k].access & ACCESS_READ)) continue;
      s->cells[c].readers--;
      s->cells[c].reads--;
    }
  if (d->action == REPLAY_FORWARD) s->forward_done[d->op] += replay_count(&d->channels);
  if (d->action == REPLAY_BACKWARD) s->backward_done[d->op] += replay_count(&d->channels);
  change(s, -job->bytes);
  row(s, REPLAY_END, d->op, REPLAY_NONE, s->net->mode->bare_ends ? NULL : &d->channels);
  if (!s->net->mode->frees_by_list) {
    free_unread(s, job);
    return;
  }
  assert(!s->n_waiting); // the cpu starts nothing before what hung on its last run is freed
  s->waiting_job = place;
  s->waiting_next = 0;
  s->n_waiting = job->n_frees;
}

static bool end_transfer(struct replay_sim *s, uint32_t place) {
  const struct replay_decision *d = &s->net->plan->decisions[place];
  const struct replay_job *job = &s->jobs.jobs[place];
  bool leaves = d->action == REPLAY_STORE;
  for (uint32_t k = 0; k < job->n_spans; k++)
    for (uint32_t c = job->spans[k].begin; c < job->spans[k].end; c++) {
      if (leaves && s->cells[c].readers)
        return refuse_cell(s, "not ready", d, &job->spans[k], c); // a run still reads it
      s->cells[c].arrives = s->cells[c].leaves = false;
      if (!leaves) continue;
      s->cells[c].place = PLACE_SLOW;
      s->cells[c].reads--;
    }
  if (leaves) change(s, -job->bytes);
  row(s, REPLAY_END, d->op, d->block, &d->channels);
  return true;
}

bool replay_finish(struct replay_sim *s, enum replay_device d) {
  uint32_t place = s->first[d] - 1;
  s->first[d] = s->ends[place].behind;
  if (d != REPLAY_CPU) return end_transfer(s, place);
  end_run(s, place);
  return true;
}
