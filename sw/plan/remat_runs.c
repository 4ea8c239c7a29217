// SPDX-License-Identifier: Apache-2.0
// The runs and transfers that choices make, and the bytes in use at each run where all that waits
// elsewhere is gone at once and comes back with the run that reads it.
#include "sw/plan/remat_parts.h"

// ---- room

static uint64_t **masks_new(struct arena *a, const struct remat_net *n, bool in) {
  uint64_t **masks = ARENA_NEW(a, uint64_t *, n->plan->n_operators);
  for (uint32_t i = 0; i < n->plan->n_operators; i++)
    masks[i] = ARENA_NEW(a, uint64_t, in ? n->ops[i].in_words : n->ops[i].out_words);
  return masks;
}

void remat_runs_new(struct remat_runs *r, const struct remat_net *n, struct arena *a) {
  uint32_t count = n->plan->n_operators, runs = 3 * count, widest = 0;
  for (uint32_t i = 0; i < count; i++) {
    runs += n->ops[i].n_before;
    if (n->ops[i].out_words > widest) widest = n->ops[i].out_words;
  }
  *r = (struct remat_runs){.net = n};
  r->runs_room = runs;
  r->runs = ARENA_NEW(a, struct remat_run, runs);
  r->loads = ARENA_NEW(a, struct remat_move, 2 * count + n->n_values);
  r->stores = ARENA_NEW(a, struct remat_move, count + n->n_values);
  r->input_left = masks_new(a, n, true);
  r->made = masks_new(a, n, true);
  r->param_left = masks_new(a, n, false);
  r->is_made = ARENA_NEW(a, bool, count);
  r->masked = ARENA_NEW(a, bool, count);
  r->store_of = ARENA_NEW(a, int32_t, n->n_values);
  r->forward_at = ARENA_NEW(a, uint32_t, count);
  r->backward_at = ARENA_NEW(a, uint32_t, count);
  r->begins = ARENA_NEW(a, uint32_t, runs);
  r->ends = ARENA_NEW(a, uint32_t, runs);
  r->begins_too = ARENA_NEW(a, uint32_t, n->n_values);
  r->ends_too = ARENA_NEW(a, uint32_t, n->n_values);
  r->first_again = ARENA_NEW(a, uint32_t, count);
  r->channels = ARENA_NEW(a, uint64_t, widest);
}

// ---- in which order

static struct remat_run *push(struct remat_runs *r, int kind, uint32_t op) {
  struct remat_run *run = &r->runs[r->n_runs++];
  if (kind == REPLAY_AGAIN)
    *run = (struct remat_run){.kind = REPLAY_AGAIN, .op = op};
  else
    *run = r->net->ops[op].runs[kind];
  return run;
}

static enum remat_choice input_choice(const struct remat_runs *r, uint32_t op) {
  uint32_t v = r->net->input_value[op];
  return v == UINT32_MAX ? REMAT_KEEP : (enum remat_choice)r->choice[v];
}

// What has to be made again for an input, from the earliest on.
static void make_input(struct remat_runs *r, uint32_t op) {
  const struct remat_op *x = &r->net->ops[op];
  uint32_t first = r->n_runs;
  r->is_made[op] = r->masked[op] = true;
  for (uint32_t k = 0; k < x->n_before; k++) {
    uint32_t from = x->before[k];
    if (input_choice(r, from) == REMAT_AGAIN && !r->is_made[from]) make_input(r, from);
    r->masked[from] = true;
    if (!k) first = r->n_runs;
    push(r, REPLAY_AGAIN, from)->to = op;
  }
  r->runs[first].opens = true;
  r->runs[r->n_runs - 1].closes = true;
}

static void line_up(struct remat_runs *r) {
  const struct remat_net *n = r->net;
  uint32_t count = n->plan->n_operators;
  r->n_runs = 0;
  memset(r->is_made, 0, count * sizeof *r->is_made);
  memset(r->masked, 0, count * sizeof *r->masked);
  for (uint32_t k = 0; k < count; k++) {
    r->forward_at[n->order[k]] = r->n_runs;
    push(r, REPLAY_FORWARD, n->order[k]);
  }
  for (uint32_t k = count; k-- > 0;) {
    uint32_t i = n->order[k];
    if (!n->ops[i].n_kept) continue;
    if (input_choice(r, i) == REMAT_AGAIN && !r->is_made[i]) make_input(r, i);
    r->backward_at[i] = r->n_runs;
    push(r, REPLAY_BACKWARD, i);
    push(r, REPLAY_OPTIMIZE, i);
  }
}

// ---- what is still read behind each run, from the last on

// Adds a mask to what is left to be read; how many channels nobody reads later.
static uint32_t merge(uint64_t *left, const uint64_t *mask, uint32_t words) {
  uint32_t fresh = 0;
  for (uint32_t w = 0; w < words; w++) {
    fresh += (uint32_t)__builtin_popcountll(mask[w] & ~left[w]);
    left[w] |= mask[w];
  }
  return fresh;
}

uint32_t remat_again(const struct remat_runs *r, uint32_t op, uint32_t to, uint64_t *channels) {
  const struct remat_op *x = &r->net->ops[op];
  const struct replay_net *links = &r->net->links;
  memset(channels, 0, x->out_words * sizeof *channels);
  for (uint32_t t = 0; t < links->n_to[op]; t++) {
    const struct replay_link *l = &links->to[op][t];
    if (l->op != to) continue;
    for (uint32_t w = 0; w < x->out_words; w++) {
      uint32_t at = l->offset + 64 * w, low = at % 64;
      const uint64_t *from = r->made[to] + at / 64;
      uint64_t bits = from[0] >> low;
      if (low && at / 64 + 1 < r->net->ops[to].in_words) bits |= from[1] << (64 - low);
      channels[w] |= bits & x->every[w];
    }
  }
  return mask_count(channels, x->out_words);
}

static void size_again(struct remat_runs *r, struct remat_run *run) {
  const struct remat_op *x = &r->net->ops[run->op], *to = &r->net->ops[run->to];
  const struct replay_operator *o = x->o;
  if (run->closes) {
    memcpy(r->made[run->to], r->input_left[run->to], to->in_words * sizeof(uint64_t));
    memset(r->input_left[run->to], 0, to->in_words * sizeof(uint64_t));
  }
  uint32_t count = run->channels = remat_again(r, run->op, run->to, r->channels);
  if (count) r->first_again[run->to] = (uint32_t)(run - r->runs);
  uint32_t made = mask_count(r->made[run->to], to->in_words);
  if (run->opens && made)
    r->runs[r->first_again[run->to]].takes = replay_size(to->o, REPLAY_INPUT, made);
  if (!count) return;
  run->ms = remat_share(count, o->out, o->ms[REPLAY_FORWARD]);
  run->extra = remat_share(count, o->out, o->extra[REPLAY_FORWARD]);
  run->gives =
      replay_size(o, REPLAY_PARAM, merge(r->param_left[run->op], r->channels, x->out_words));
  const uint64_t *read = o->one ? r->channels : x->each_in;
  run->gives += replay_size(o, REPLAY_INPUT, merge(r->input_left[run->op], read, x->in_words));
  r->recomputed += run->ms;
}

// What is given back is what its backward doesn't read and no run makes anything of again.
static void size_forward(struct remat_runs *r, struct remat_run *run) {
  const struct remat_op *x = &r->net->ops[run->op];
  uint32_t input = x->o->in - mask_count(r->input_left[run->op], x->in_words),
           param = x->o->out - mask_count(r->param_left[run->op], x->out_words);
  run->gives =
      replay_size(x->o, REPLAY_INPUT, input) + replay_size(x->o, REPLAY_PARAM, param) + x->spare;
}

static void size_up(struct remat_runs *r) {
  const struct remat_net *n = r->net;
  r->recomputed = r->all = 0;
  for (uint32_t i = 0; i < n->plan->n_operators; i++) {
    if (!r->masked[i]) continue;
    memset(r->input_left[i], 0, n->ops[i].in_words * sizeof(uint64_t));
    memset(r->param_left[i], 0, n->ops[i].out_words * sizeof(uint64_t));
  }
  for (uint32_t q = r->n_runs; q-- > 0;) {
    struct remat_run *run = &r->runs[q];
    const struct remat_op *x = &n->ops[run->op];
    if (run->kind == REPLAY_AGAIN) size_again(r, run);
    if (r->masked[run->op]) {
      if (run->kind == REPLAY_FORWARD) size_forward(r, run);
      if (run->kind == REPLAY_BACKWARD) {
        merge(r->param_left[run->op], x->kept, x->out_words);
        merge(r->input_left[run->op], x->saved, x->in_words);
      }
    }
    run->left = r->all;
    r->all += run->ms;
  }
}

const uint64_t *remat_input_left(const struct remat_runs *r, uint32_t op) {
  return r->masked[op] ? r->input_left[op] : r->net->ops[op].saved;
}

const uint64_t *remat_param_left(const struct remat_runs *r, uint32_t op) {
  return r->masked[op] ? r->param_left[op] : r->net->ops[op].kept;
}

// ---- transfers

static double move(struct remat_runs *r, bool load, uint32_t run, uint32_t op, int block,
                   uint32_t value, double bytes) {
  struct remat_move *m = load ? &r->loads[r->n_loads] : &r->stores[r->n_stores];
  *m = (struct remat_move){.block = (uint8_t)block,
                           .op = op,
                           .run = run,
                           .value = value,
                           .bytes = bytes,
                           .store = load && value != UINT32_MAX ? r->store_of[value] : REPLAY_NONE};
  if (!load && value != UINT32_MAX) {
    r->store_of[value] = (int32_t)r->n_stores;
    r->spilt += bytes;
  }
  if (load)
    r->n_loads++;
  else
    r->n_stores++;
  return bytes;
}

static bool is_spilt(const struct remat_runs *r, uint32_t value) {
  return value != UINT32_MAX && r->choice[value] == REMAT_SPILL;
}

double remat_bytes(const struct remat_runs *r, uint32_t value) {
  const struct remat_value *v = &r->net->values[value];
  const struct remat_op *x = &r->net->ops[v->op];
  if (v->kind > WAIT_PARAM || !r->masked[v->op]) return v->bytes;
  const uint64_t *input = r->is_made[v->op] ? r->made[v->op] : r->input_left[v->op];
  if (v->kind == WAIT_INPUT) return replay_size(x->o, REPLAY_INPUT, mask_count(input, x->in_words));
  return replay_size(x->o, REPLAY_PARAM, mask_count(r->param_left[v->op], x->out_words));
}

static const uint8_t blocks[] = {REPLAY_INPUT, REPLAY_PARAM, REPLAY_OUTPUT, REPLAY_PASS_GRAD};

static double store_value(struct remat_runs *r, uint32_t run, uint32_t value) {
  if (!is_spilt(r, value)) return 0;
  double bytes = remat_bytes(r, value);
  const struct remat_value *v = &r->net->values[value];
  return bytes > 0 ? move(r, false, run, v->op, blocks[v->kind], value, bytes) : 0;
}

// Loads what was stored and isn't there yet.
static double load_value(struct remat_runs *r, uint32_t run, uint32_t value) {
  if (!is_spilt(r, value) || r->store_of[value] == REPLAY_NONE) return 0;
  const struct remat_value *v = &r->net->values[value];
  double bytes =
      move(r, true, run, v->op, blocks[v->kind], value, r->stores[r->store_of[value]].bytes);
  r->store_of[value] = REPLAY_NONE;
  return bytes;
}

static double load_for(struct remat_runs *r, uint32_t q) {
  const struct remat_run *run = &r->runs[q];
  const struct replay_operator *o = r->net->ops[run->op].o;
  double bytes = 0;
  if (run->kind == REPLAY_FORWARD) {
    if (!o->n_from)
      bytes += move(r, true, q, run->op, REPLAY_INPUT, UINT32_MAX, (double)o->bytes[REPLAY_INPUT]);
    bytes += move(r, true, q, run->op, REPLAY_PARAM, UINT32_MAX, (double)o->bytes[REPLAY_PARAM]);
  } else if (run->kind == REPLAY_BACKWARD || (run->kind == REPLAY_AGAIN && run->channels)) {
    bytes += load_value(r, q, r->net->input_value[run->op]);
    bytes += load_value(r, q, r->net->param_value[run->op]);
  }
  for (uint32_t v = r->ends[q]; v != UINT32_MAX; v = r->ends_too[v]) bytes += load_value(r, q, v);
  return bytes;
}

static double store_behind(struct remat_runs *r, uint32_t q) {
  const struct remat_run *run = &r->runs[q];
  const struct remat_op *x = &r->net->ops[run->op];
  double bytes = 0;
  if (run->kind == REPLAY_FORWARD) {
    bytes += store_value(r, q, r->net->input_value[run->op]);
    bytes += store_value(r, q, r->net->param_value[run->op]);
  } else if (run->kind == REPLAY_OPTIMIZE) {
    bytes += move(r, false, q, run->op, REPLAY_PARAM, UINT32_MAX, x->kept_bytes);
  }
  for (uint32_t v = r->begins[q]; v != UINT32_MAX; v = r->begins_too[v])
    bytes += store_value(r, q, v);
  return bytes;
}

// Waits between runs that aren't an operator's own forward and backward.
static void find_waits(struct remat_runs *r) {
  memset(r->begins, 0xff, r->n_runs * sizeof *r->begins);
  memset(r->ends, 0xff, r->n_runs * sizeof *r->ends);
  for (uint32_t v = 0; v < r->net->n_values; v++) {
    const struct remat_value *x = &r->net->values[v];
    r->store_of[v] = REPLAY_NONE;
    if (x->kind < WAIT_OUTPUT || r->choice[v] != REMAT_SPILL) continue;
    uint32_t from = x->kind == WAIT_GRADIENT ? r->backward_at[x->after] : r->forward_at[x->after],
             to = x->backward ? r->backward_at[x->before] : r->forward_at[x->before];
    r->begins_too[v] = r->begins[from];
    r->begins[from] = v;
    r->ends_too[v] = r->ends[to];
    r->ends[to] = v;
  }
}

void remat_runs_make(struct remat_runs *r, const uint8_t *choice) {
  double used = 0;
  r->choice = choice;
  r->most = 0;
  r->n_loads = r->n_stores = 0;
  r->spilt = 0;
  line_up(r);
  size_up(r);
  find_waits(r);
  for (uint32_t q = 0; q < r->n_runs; q++) {
    struct remat_run *run = &r->runs[q];
    used += load_for(r, q) + run->takes;
    run->used = used + run->extra;
    if (run->used > r->runs[r->most].used) r->most = q;
    used -= run->gives + store_behind(r, q);
  }
}

double remat_excess(const struct remat_runs *r, double limit) {
  double excess = 0;
  for (uint32_t q = 0; q < r->n_runs; q++)
    if (r->runs[q].used > limit) excess += (r->runs[q].used - limit) * r->runs[q].ms;
  return excess;
}
