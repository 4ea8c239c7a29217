// SPDX-License-Identifier: Apache-2.0
#include "sw/plan/schedule_parts.h"

#include <stdlib.h>

static void add_hop(struct maker *m, uint32_t token, uint32_t link, int64_t start) {
  struct schedule *s = m->schedule;
  if (s->n_hops == s->room) {
    s->room = s->room ? 2 * s->room : 1024;
    s->hops = realloc(s->hops, s->room * sizeof *s->hops);
    if (!s->hops) arena_out_of_memory();
  }
  s->hops[s->n_hops++] = (struct hop){token, link, start};
}

// One link further: as soon as its first frame is there, and the link has room for all of them.
static void send(struct maker *m, uint32_t token, uint32_t producer, uint32_t link) {
  uint32_t from = m->machine->topology->from[link], to = m->machine->topology->to[link];
  int64_t frames = m->frames[token], at = *token_there(m, token, from);
  if (from != producer) at -= frames - 1;
  if (m->period) {
    int64_t fit = busy_fit_period(&m->link[link], at, frames, m->period);
    if (fit >= 0) busy_take_period(&m->link[link], fit, frames, m->period);
    m->stuck = m->stuck || fit < 0;
    at = fit < 0 ? at : fit;
  } else {
    at = busy_fit(&m->link[link], at, frames);
    busy_take(&m->link[link], at, frames);
  }
  add_hop(m, token, link, at);
  *token_there(m, token, to) = at + frames - 1 + m->machine->latency;
}

static void route_token(struct maker *m, uint32_t token) {
  uint32_t producer = m->schedule->firings[m->actors->tokens[token].actor].node;
  const struct topology *t = m->machine->topology;
  const struct routes *r = maker_routes(m, producer);
  for (uint32_t i = 0; i < t->nodes; i++) {
    uint32_t way[NODES_MAX], hops = 0;
    if (*token_there(m, token, r->order[i]) != TOKEN_WANTED) continue;
    for (uint32_t n = r->order[i]; *token_there(m, token, n) < 0; n = t->from[r->link[n]])
      way[hops++] = r->link[n];
    while (hops) send(m, token, producer, way[--hops]);
  }
}

// ---- tokens, the first that is ready first

struct ready_token {
  int64_t at;
  uint32_t token;
};

static int by_time(const void *x, const void *y) {
  const struct ready_token *a = x, *b = y;
  if (a->at != b->at) return a->at < b->at ? -1 : 1;
  return a->token < b->token ? -1 : a->token > b->token;
}

void route_stream(struct maker *m, uint32_t stream) {
  const struct token_stream *s = &m->actors->streams[stream];
  struct arena scratch = {0};
  struct ready_token *tokens = ARENA_NEW(&scratch, struct ready_token, s->count);
  for (uint32_t i = 0; i < s->count; i++) {
    uint32_t t = s->first + i;
    tokens[i] = (struct ready_token){m->schedule->firings[m->actors->tokens[t].actor].end, t};
  }
  qsort(tokens, s->count, sizeof *tokens, by_time);
  for (uint32_t i = 0; i < s->count; i++) route_token(m, tokens[i].token);
  arena_free(&scratch);
}
