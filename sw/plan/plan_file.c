// SPDX-License-Identifier: Apache-2.0
#include "sw/plan/plan_file.h"

#include "sw/base/json.h"

#include <math.h>

const char *const plan_file_kinds[RESOURCE_KINDS + 1] = {"pe",     "channel", "link",
                                                         "stream", "memory",  NULL};
const char *const plan_file_actions[ACTIONS + 1] = {"alloc", "free", "run",  "load",
                                                    "store", "send", "recv", NULL};

static void put_whole(struct text *t, int64_t n) {
  if (n == NONE)
    text_puts(t, "null");
  else
    text_printf(t, "%lld", (long long)n);
}

// A whole number, if it is one.
static void put_time(struct text *t, double at) {
  if (at == floor(at) && fabs(at) <= 9007199254740992.0)
    text_printf(t, "%.0f", at);
  else
    json_put_real(t, at);
}

static void put_resource(struct text *t, const struct resource *r) {
  text_puts(t, "{\"name\":");
  json_put_string(t, r->name);
  text_printf(t, ",\"kind\":\"%s\"", plan_file_kinds[r->kind]);
  switch (r->kind) {
  case RESOURCE_PE:
    text_printf(t, ",\"memory\":%d,\"constants\":", r->memory);
    put_whole(t, r->constants);
    break;
  case RESOURCE_LINK:
  case RESOURCE_CHANNEL:
  case RESOURCE_STREAM:
    text_printf(t, ",\"from\":%d,\"to\":%d", r->from, r->to);
    if (r->kind != RESOURCE_LINK) break;
    text_printf(t, ",\"slots\":%lld,\"latency\":", (long long)r->slots);
    put_time(t, r->latency);
    break;
  case RESOURCE_MEMORY:
    text_puts(t, ",\"bytes\":");
    put_whole(t, r->bytes);
    text_printf(t, ",\"align\":%lld,\"home\":%s,\"passes\":%s", (long long)r->align,
                r->home ? "true" : "false", r->passes ? "true" : "false");
    break;
  }
  text_puts(t, "}");
}

static void put_slice(struct text *t, const struct slice *s) {
  if (!s->ranges) {
    text_puts(t, "null");
    return;
  }
  text_printf(t, "[%d", s->axis);
  for (int64_t k = 0; k < 2 * s->ranges; k++) text_printf(t, ",%lld", (long long)s->range[k]);
  text_puts(t, "]");
}

void plan_file_put_event(struct text *t, const struct plan *p, const struct event *e) {
  const struct graph *g = p->graph;
  text_puts(t, "[");
  put_time(t, e->start);
  text_puts(t, ",");
  put_time(t, e->end);
  text_printf(t, ",\"%s\",%u,", plan_file_actions[e->action], e->resource);
  json_put_string(t, e->action == ACTION_RUN ? g->nodes[e->id].name : g->values[e->id].name);
  text_printf(t, ",%d,%lld,", e->step, (long long)e->bytes);
  put_whole(t, e->address);
  text_puts(t, ",");
  put_slice(t, &e->slice);
  text_puts(t, ",[");
  for (uint32_t k = 0; k < e->n_after; k++) text_printf(t, "%s%u", k ? "," : "", e->after[k]);
  text_puts(t, "]]");
}

static void put_bytes(struct text *t, const struct plan *p) {
  bool first = true;
  for (uint32_t v = 0; v < p->graph->n_values; v++) {
    if (!p->bytes[v]) continue;
    text_puts(t, first ? "" : ",");
    json_put_string(t, p->graph->values[v].name);
    text_printf(t, ":%lld", (long long)p->bytes[v]);
    first = false;
  }
}

void plan_file_put(struct text *t, const struct plan *p, const struct plan_head *h) {
  text_puts(t, "{\"format\":\"plan\",\"version\":1,\"of\":");
  json_put_string(t, h->of);
  text_puts(t, ",\"identity\":");
  json_put_string(t, h->identity);
  text_puts(t, ",\"unit\":");
  json_put_string(t, h->unit);
  text_puts(t, ",\"size\":");
  json_put_string(t, h->size);
  text_puts(t, ",\"period\":");
  put_time(t, p->period);
  text_printf(t, ",\"steps\":%d,\n\"resources\":[", p->steps);
  for (uint32_t i = 0; i < p->machine.count; i++) {
    text_puts(t, i ? ",\n" : "\n");
    put_resource(t, &p->machine.resources[i]);
  }
  text_puts(t, "],\n\"bytes\":{");
  put_bytes(t, p);
  text_puts(t, "},\n\"events\":[");
  for (uint32_t i = 0; i < p->n_events; i++) {
    text_puts(t, i ? ",\n" : "\n");
    plan_file_put_event(t, p, &p->events[i]);
  }
  text_puts(t, "]}\n");
}
