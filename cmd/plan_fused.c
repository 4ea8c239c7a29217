// SPDX-License-Identifier: Apache-2.0
// plan --memory --fused: a row per layer, with how many rows of its output live at a time; and as
// JSON every step, with the address that it writes to.
#include "cmd/plan_memory.h"
#include "sw/base/json.h"
#include "sw/base/listing.h"

enum { FIELDS = 8 };

static const struct field fields[FIELDS] = {
    {"group", "group", FIELD_COUNT, 0, 0},
    {"<layer", "name", FIELD_NAME, 0, 0},
    {"<op", "op", FIELD_TEXT, 0, 0},
    {"rows", "rows", FIELD_COUNT, 0, 0},
    {"of bytes", "row_bytes", FIELD_COUNT, 0, 0},
    {"at once", "rows_at_once", FIELD_COUNT, 0, 0},
    {"bytes", "bytes_at_once", FIELD_COUNT, 0, 0},
    {"in use", "in_use_bytes", FIELD_COUNT, 0, 0},
};

// Of a value: its blocks in the plan, of which bytes each, how many live at most, and the most that
// is in use while it is made.
struct kept {
  int64_t blocks, bytes, now, most, used;
};

static struct kept *find_kept(const struct board *b) {
  const struct graph *g = b->graph;
  struct kept *kept = ARENA_NEW(b->arena, struct kept, g->n_values);
  for (uint32_t i = 0; i < b->plan->n_events; i++) {
    const struct event *e = &b->plan->events[i];
    if (e->action == ACTION_RUN && g->nodes[e->id].n_out) {
      struct kept *k = &kept[g->nodes[e->id].out[0]];
      if (b->used[i] > k->used) k->used = b->used[i];
    } else if (e->resource == MEMORY_ARENA) {
      struct kept *k = &kept[e->id];
      k->blocks += e->action == ACTION_ALLOC;
      k->now += e->action == ACTION_ALLOC ? 1 : -1;
      k->bytes = e->bytes;
      if (k->now > k->most) k->most = k->now;
    }
  }
  return kept;
}

static void put_value(struct listing *t, const struct kept *k, uint32_t group, const char *name,
                      const char *op) {
  listing_row(t, (struct figure[FIELDS]){{.count = group},
                                         {.text = name},
                                         {.text = op},
                                         {.count = k->blocks},
                                         {.count = k->bytes},
                                         {.count = k->most},
                                         {.count = k->most * k->bytes},
                                         {.count = k->used, .blank = !k->used}});
}

struct listing fused_rows(const struct board *b) {
  const struct graph *g = b->graph;
  struct listing t = listing_new(b->arena, fields, FIELDS);
  struct kept *kept = find_kept(b);
  for (uint32_t i = 0; i < g->n_inputs; i++)
    put_value(&t, &kept[g->inputs[i].value], 1, g->values[g->inputs[i].value].name, "input");
  for (uint32_t i = 0; i < g->n_nodes; i++) {
    uint32_t id = b->rows.order[i];
    const struct node *n = &g->nodes[id];
    if (n->n_out && kept[n->out[0]].blocks)
      put_value(&t, &kept[n->out[0]], b->rows.group[id] + 1, n->name, op_info(n->op)->name);
  }
  return t;
}

void fused_put_text(const struct board *b, struct text *out) {
  if (!b->rows.groups) {
    text_printf(out, "\nlayer by layer: in groups it would have %lld bytes", (long long)b->fused);
    return;
  }
  text_printf(out,
              "\n%u %s of layers, %.1f %% less than layer by layer (%lld), nothing computed twice",
              b->rows.groups, b->rows.groups == 1 ? "group" : "groups",
              100 * (1 - (double)b->bytes / (double)b->whole), (long long)b->whole);
}

// ---- steps

static void put_row(struct text *out, const char *key, const char *name, const struct slice *s) {
  text_printf(out, "{\"%s\":", key);
  json_put_string(out, name);
  if (s->ranges) text_printf(out, ",\"row\":%lld", (long long)s->range[0]);
}

// What is allocated for a RUN stands before it.
static int64_t address_of(const struct board *b, uint32_t event) {
  const struct event *e = &b->plan->events[event];
  const struct node *n = &b->graph->nodes[e->id];
  for (uint32_t i = event; n->n_out && i-- > 0;) {
    const struct event *x = &b->plan->events[i];
    if (x->action == ACTION_ALLOC && x->resource == MEMORY_ARENA && x->id == n->out[0] &&
        x->start == e->start)
      return x->address;
  }
  return NONE;
}

// An input's row with its ALLOC, a layer's with its RUN.
void fused_put_json(const struct board *b, struct text *out) {
  bool first = true;
  text_printf(out, "\"groups\":%u,\"layer_by_layer_bytes\":%lld,\"fused_bytes\":%lld,\"steps\":[",
              b->rows.groups, (long long)b->whole, (long long)b->fused);
  for (uint32_t i = 0; i < b->plan->n_events; i++) {
    const struct event *e = &b->plan->events[i];
    bool given = e->action == ACTION_ALLOC && e->resource == MEMORY_ARENA &&
                 b->graph->values[e->id].node == NONE;
    if (!given && e->action != ACTION_RUN) continue;
    int64_t address = given ? e->address : address_of(b, i);
    if (address == NONE) continue;
    if (!first) text_puts(out, ",");
    first = false;
    put_row(out, given ? "input" : "layer",
            given ? b->graph->values[e->id].name : b->graph->nodes[e->id].name, &e->slice);
    text_printf(out, ",\"address\":%lld}", (long long)address);
  }
  text_puts(out, "],");
}
