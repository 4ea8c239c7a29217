// SPDX-License-Identifier: Apache-2.0
// The clock of a replay: decisions at their times, or each as early as it can start.
#include "sw/plan/replay_parts.h"

#include <stdlib.h>

const struct replay_mode replay_modes[REPLAY_MODES] = {{.name = "compat",
                                                        .loads_at_once = true,
                                                        .stores_at_once = true,
                                                        .frees_by_list = true,
                                                        .no_offset = true,
                                                        .whole_neighbors = true,
                                                        .reads_lock = true,
                                                        .inputs_unlocked = true,
                                                        .peak_sorted = true,
                                                        .bare_ends = true},
                                                       {.name = "correct"},
                                                       {.name = "auto", .issue = true}};

// ---- begin and end

static uint32_t cells_of(const struct replay_job *job) {
  uint32_t count = 0;
  for (uint32_t k = 0; k < job->n_spans; k++) count += job->spans[k].end - job->spans[k].begin;
  return count;
}

// What is read of a cell; in version 2 of each of its lives, so that, from the last decision on, an
// allocation takes what was counted behind it.
static void count_reads(struct replay_sim *s) {
  const struct replay_plan *p = s->net->plan;
  for (uint32_t i = p->n_decisions; i-- > 0;) {
    struct replay_job *job = &s->jobs.jobs[i];
    uint32_t *reads = NULL;
    if (p->version > 1 && p->decisions[i].action == REPLAY_ALLOCATE)
      reads = job->reads = ARENA_NEW(s->net->arena, uint32_t, cells_of(job));
    for (uint32_t k = 0; k < job->n_spans; k++)
      for (uint32_t c = job->spans[k].begin; c < job->spans[k].end; c++)
        if (reads) {
          *reads++ = s->cells[c].reads;
          s->cells[c].reads = 0;
        } else {
          s->cells[c].reads += job->spans[k].access & ACCESS_READ;
        }
  }
}

static void begin(struct replay_sim *s) {
  const struct replay_plan *p = s->net->plan;
  s->cells = ARENA_NEW(s->net->arena, struct replay_cell, s->jobs.n_cells);
  s->ends = ARENA_NEW(s->net->arena, struct replay_end, p->n_decisions);
  s->forward_done = ARENA_NEW(s->net->arena, uint32_t, p->n_operators);
  s->backward_done = ARENA_NEW(s->net->arena, uint32_t, p->n_operators);
  for (uint32_t i = 0; i < p->n_operators; i++)
    for (int b = 0; b < REPLAY_BLOCKS; b++)
      if (b == REPLAY_PARAM || (b == REPLAY_INPUT && !p->operators[i].n_from))
        for (uint32_t c = 0; c < replay_total(&p->operators[i], b); c++)
          s->cells[s->jobs.base[i][b] + c] = (struct replay_cell){.place = PLACE_SLOW, .writes = 1};
  count_reads(s);
}

static bool all_stored(struct replay_sim *s) {
  const struct replay_plan *p = s->net->plan;
  for (uint32_t i = 0; i < p->n_operators; i++)
    for (uint32_t c = 0; c < p->operators[i].out; c++)
      if (!replay_is_pruned(s->net, i, c) &&
          s->cells[s->jobs.base[i][REPLAY_PARAM] + c].place != PLACE_SLOW)
        return replay_refuse(s->net, "unfinished", (double)NAN, p->operators[i].name,
                             "%s.param[%u] isn't in slow memory", p->operators[i].name, c);
  return true;
}

static void find_left(struct replay_sim *s) {
  const struct replay_plan *p = s->net->plan;
  struct replay_result *r = s->net->result;
  r->left = ARENA_NEW(s->net->arena, struct replay_row, (size_t)p->n_operators * REPLAY_BLOCKS);
  for (uint32_t i = 0; i < p->n_operators; i++)
    for (int b = 0; b < REPLAY_BLOCKS; b++) {
      uint32_t total = replay_total(&p->operators[i], b), ranges = 0, *range = NULL;
      for (uint32_t c = 0; c < total; c++) {
        if (s->cells[s->jobs.base[i][b] + c].place != PLACE_FAST) continue;
        if (!range) range = ARENA_NEW(s->net->arena, uint32_t, total + 2);
        if (!ranges || range[2 * ranges - 1] != c) range[2 * ranges++] = c;
        range[2 * ranges - 1] = c + 1;
      }
      if (!ranges) continue;
      struct replay_channels channels = {ranges, range};
      double bytes = replay_size(&p->operators[i], b, replay_count(&channels));
      r->left_bytes += bytes;
      r->left[r->n_left++] = (struct replay_row){
          .op = i, .block = b, .channeled = true, .channels = channels, .bytes = bytes};
    }
}

static int by_time_and_change(const void *a, const void *b) {
  const struct replay_change *x = a, *y = b;
  if (x->at != y->at) return x->at < y->at ? -1 : 1;
  return (x->bytes > y->bytes) - (x->bytes < y->bytes);
}

static void find_sorted_peak(struct replay_sim *s) {
  double used = 0, peak = 0;
  if (s->n_changes) qsort(s->changes, s->n_changes, sizeof *s->changes, by_time_and_change);
  for (uint32_t i = 0; i < s->n_changes; i++) {
    used += s->changes[i].bytes;
    if (used > peak) peak = used;
  }
  s->net->result->peak = peak;
}

static bool finish_all(struct replay_sim *s) {
  if (!all_stored(s)) return false;
  if (s->net->mode->peak_sorted) find_sorted_peak(s);
  find_left(s);
  return true;
}

static const struct replay_end *end_of(const struct replay_sim *s, int device) {
  return &s->ends[s->first[device] - 1];
}

// The device whose end comes next, of several at one time the one that started first; NONE.
static int next_end(const struct replay_sim *s) {
  int next = REPLAY_NONE;
  for (int d = 0; d < REPLAY_DEVICES; d++) {
    if (!s->first[d]) continue;
    const struct replay_end *end = &s->ends[s->first[d] - 1];
    if (next == REPLAY_NONE || end->at < end_of(s, next)->at ||
        (end->at == end_of(s, next)->at && end->turn < end_of(s, next)->turn))
      next = d;
  }
  return next;
}

// ---- times as given

// The order of what happens at one time; ends are before all of them.
enum turn { TURN_PRUNE, TURN_ALLOCATE, TURN_FREE, TURN_REST };

static enum turn turn_of(const struct replay_decision *d) {
  if (d->action == REPLAY_PRUNE) return TURN_PRUNE;
  return d->action == REPLAY_ALLOCATE ? TURN_ALLOCATE : TURN_REST;
}

static int by_time(const void *a, const void *b) {
  const struct replay_decision *x = *(const struct replay_decision *const *)a,
                               *y = *(const struct replay_decision *const *)b;
  if (x->at != y->at) return x->at < y->at ? -1 : 1;
  if (turn_of(x) != turn_of(y)) return turn_of(x) < turn_of(y) ? -1 : 1;
  return (x > y) - (x < y);
}

static const struct replay_decision **sorted(const struct replay_net *n) {
  uint32_t count = n->plan->n_decisions;
  const struct replay_decision **list = ARENA_NEW(n->arena, const struct replay_decision *, count);
  for (uint32_t i = 0; i < count; i++) list[i] = &n->plan->decisions[i];
  if (count && n->plan->version < 2) qsort(list, count, sizeof *list, by_time);
  return list;
}

static bool play_times(struct replay_sim *s) {
  const struct replay_plan *p = s->net->plan;
  const struct replay_decision **list = sorted(s->net);
  for (uint32_t i = 0;;) {
    const struct replay_decision *d = i < p->n_decisions ? list[i] : NULL;
    int end = next_end(s);
    double ends = end == REPLAY_NONE ? INFINITY : end_of(s, end)->at;
    // Frees of a run that has ended are at the time where the clock is.
    if (s->n_waiting && ends > s->now && !(d && d->at <= s->now && turn_of(d) < TURN_FREE)) {
      if (!replay_free_next(s)) return false;
    } else if (end != REPLAY_NONE && (!d || ends <= d->at)) {
      s->now = ends;
      if (!replay_finish(s, (enum replay_device)end)) return false;
    } else if (d) {
      s->now = d->at;
      i++;
      if (!replay_start(s, (uint32_t)(d - p->decisions))) return false;
    } else {
      return true;
    }
  }
}

// ---- issue

// Where each queue is in the list: prunes have the last one.
struct issue {
  struct replay_sim *sim;
  uint32_t head[REPLAY_DEVICES + 1];  // place of what is next; n_decisions: nothing is
  uint32_t ended[REPLAY_DEVICES + 1]; // place + 1 of what has ended last
  uint32_t granted;                   // place of the load or run that gets its bytes next
};

static uint32_t next_of(const struct replay_plan *p, uint32_t place, int queue) {
  while (place < p->n_decisions && replay_queue(p->decisions[place].action) != queue) place++;
  return place;
}

static uint32_t next_granted(const struct replay_plan *p, uint32_t place) {
  while (place < p->n_decisions && p->decisions[place].action > REPLAY_LOAD) place++;
  return place;
}

static double bytes_of(const struct issue *x, uint32_t place) {
  const struct replay_sim *s = x->sim;
  const struct replay_job *job = &s->jobs.jobs[place];
  double bytes = s->net->plan->decisions[place].action <= REPLAY_LOAD ? job->bytes : 0;
  for (uint32_t k = 0; k < job->n_allocates; k++) bytes += s->jobs.jobs[job->allocates[k]].bytes;
  return bytes;
}

static bool can_start(const struct issue *x, int queue) {
  const struct replay_sim *s = x->sim;
  uint32_t place = x->head[queue];
  if (queue < REPLAY_DEVICES && s->until[queue] > s->now) return false;
  const struct replay_job *job = &s->jobs.jobs[place];
  for (int q = 0; q <= REPLAY_DEVICES; q++)
    if (job->need[q] > x->ended[q]) return false;
  if (s->net->plan->decisions[place].action <= REPLAY_LOAD && place != x->granted) return false;
  double bytes = bytes_of(x, place);
  return !(bytes > 0) || s->used + bytes <= s->net->plan->limit;
}

// The queue whose head can start and is first in the list; NONE.
static int choose(const struct issue *x) {
  int best = REPLAY_NONE;
  for (int q = 0; q <= REPLAY_DEVICES; q++)
    if (x->head[q] < x->sim->net->plan->n_decisions &&
        (best == REPLAY_NONE || x->head[q] < x->head[best]) && can_start(x, q))
      best = q;
  return best;
}

static bool start_head(struct issue *x, int queue) {
  struct replay_sim *s = x->sim;
  const struct replay_plan *p = s->net->plan;
  uint32_t place = x->head[queue];
  const struct replay_job *job = &s->jobs.jobs[place];
  for (uint32_t k = 0; k < job->n_allocates; k++)
    if (!replay_start(s, job->allocates[k])) return false;
  if (!replay_start(s, place)) return false;
  if (queue == REPLAY_DEVICES) x->ended[queue] = place + 1;
  if (place == x->granted) x->granted = next_granted(p, place + 1);
  x->head[queue] = next_of(p, place + 1, queue);
  return true;
}

static bool stuck(const struct issue *x) {
  const struct replay_sim *s = x->sim;
  const struct replay_plan *p = s->net->plan;
  uint32_t place = p->n_decisions;
  for (int q = 0; q <= REPLAY_DEVICES; q++)
    if (x->head[q] < place) place = x->head[q];
  if (place == p->n_decisions) return true;
  const struct replay_decision *d = &p->decisions[place];
  return replay_refuse(s->net, "deadlock", s->now, p->operators[d->op].name,
                       "%s needs %.15g more, %.15g of %.15g in use", replay_action_names[d->action],
                       bytes_of(x, place), s->used, p->limit);
}

static bool play_issue(struct replay_sim *s) {
  const struct replay_plan *p = s->net->plan;
  struct issue x = {.sim = s, .granted = next_granted(p, 0)};
  for (int q = 0; q <= REPLAY_DEVICES; q++) x.head[q] = next_of(p, 0, q);
  for (;;) {
    for (int queue; (queue = choose(&x)) != REPLAY_NONE;)
      if (!start_head(&x, queue)) return false;
    int end = next_end(s);
    if (end == REPLAY_NONE) return stuck(&x);
    // All ends of a time; what takes no time and starts then ends after what else starts.
    for (s->now = end_of(s, end)->at; end != REPLAY_NONE && end_of(s, end)->at <= s->now;
         end = next_end(s)) {
      x.ended[end] = s->first[end];
      if (!replay_finish(s, (enum replay_device)end)) return false;
    }
  }
}

// ---- all of it

bool replay_run(struct arena *a, const struct replay_plan *p, const struct replay_mode *m,
                struct replay_result *r, struct err *e) {
  *r = (struct replay_result){.at = (double)NAN};
  if (p->version > 1 && m->frees_by_list)
    return err_set(e, "version 2 is about runs that happen again: --mode %s knows version 1 alone",
                   m->name);
  r->started = ARENA_NEW(a, double, p->n_decisions);
  for (uint32_t i = 0; i < p->n_decisions; i++) r->started[i] = (double)NAN;
  struct replay_net n = {.arena = a, .plan = p, .mode = m, .result = r};
  if (!replay_judge(&n)) return true;
  struct replay_sim s = {.net = &n, .jobs = {.net = &n}};
  if (!replay_jobs_make(&s.jobs, e)) return false;
  if (m->frees_by_list) replay_jobs_free(&s.jobs);
  if (m->issue) replay_jobs_issue(&s.jobs);
  begin(&s);
  if (m->issue ? play_issue(&s) : play_times(&s)) finish_all(&s);
  return true;
}
