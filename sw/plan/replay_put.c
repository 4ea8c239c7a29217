// SPDX-License-Identifier: Apache-2.0
// A plan as the file that the reader takes: the same numbers, to the last bit.
#include "sw/base/json.h"
#include "sw/plan/replay_parts.h"

static void put_channels(struct text *t, const struct replay_channels *c) {
  text_puts(t, "[");
  for (uint32_t i = 0; i < 2 * c->ranges; i++) text_printf(t, "%s%u", i ? "," : "", c->range[i]);
  text_puts(t, "]");
}

static void put_run(struct text *t, const struct replay_operator *o, enum replay_action run) {
  text_printf(t, ",\"%s\":{\"ms\":", replay_action_names[run]);
  json_put_real(t, o->ms[run]);
  if (run != REPLAY_OPTIMIZE) {
    text_puts(t, ",\"extra\":");
    json_put_real(t, o->extra[run]);
  }
  text_puts(t, "}");
}

static void put_operator(struct text *t, const struct replay_plan *p,
                         const struct replay_operator *o) {
  text_puts(t, "{\"name\":");
  json_put_string(t, o->name);
  text_puts(t, ",\"from\":[");
  for (uint32_t k = 0; k < o->n_from; k++) {
    if (k) text_puts(t, ",");
    json_put_string(t, p->operators[o->from[k]].name);
  }
  text_printf(t, "],\"relation\":\"%s\",\"in\":%u,\"out\":%u,\"bytes\":{", o->one ? "one" : "all",
              o->in, o->out);
  for (int b = 0; b < REPLAY_BLOCKS; b++)
    text_printf(t, "%s\"%s\":%lld", b ? "," : "", replay_block_names[b], (long long)o->bytes[b]);
  text_puts(t, "}");
  for (int k = 0; k < REPLAY_RUNS; k++) put_run(t, o, (enum replay_action)k);
  bool same = true;
  for (uint32_t c = 1; c < o->out; c++) same = same && o->loss[c] == o->loss[0];
  text_puts(t, same ? ",\"loss\":" : ",\"loss\":[");
  for (uint32_t c = 0; c < (same ? 1 : o->out); c++) {
    if (c) text_puts(t, ",");
    json_put_real(t, o->loss[c]);
  }
  text_puts(t, same ? "}" : "]}");
}

static void put_decision(struct text *t, const struct replay_plan *p,
                         const struct replay_decision *d) {
  text_puts(t, "[");
  json_put_real(t, d->at);
  text_printf(t, ",\"%s\",", replay_action_names[d->action]);
  json_put_string(t, p->operators[d->op].name);
  if (d->block == REPLAY_NONE)
    text_puts(t, ",null,");
  else
    text_printf(t, ",\"%s\",", replay_block_names[d->block]);
  put_channels(t, &d->channels);
  text_puts(t, "]");
}

void replay_put(struct text *t, const struct replay_plan *p) {
  text_printf(t, "{\"format\":\"plan fixture\",\"version\":%u,\"name\":", p->version);
  json_put_string(t, p->name);
  text_puts(t, ",\n\"machine\":{\"fast_bytes\":");
  json_put_real(t, p->limit);
  text_puts(t, ",\"read_bytes_per_ms\":");
  json_put_real(t, p->rate[REPLAY_IN]);
  text_puts(t, ",\"write_bytes_per_ms\":");
  json_put_real(t, p->rate[REPLAY_OUT]);
  text_puts(t, "},\n\"target_accuracy\":");
  json_put_real(t, p->target);
  text_puts(t, ",\n\"operators\":[");
  for (uint32_t i = 0; i < p->n_operators; i++) {
    text_puts(t, i ? ",\n" : "\n");
    put_operator(t, p, &p->operators[i]);
  }
  text_puts(t, "],\n\"decisions\":[");
  for (uint32_t i = 0; i < p->n_decisions; i++) {
    text_puts(t, i ? ",\n" : "\n");
    put_decision(t, p, &p->decisions[i]);
  }
  text_puts(t, "]}\n");
}
