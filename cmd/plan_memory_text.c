// SPDX-License-Identifier: Apache-2.0
#include "cmd/plan_memory.h"
#include "sw/base/json.h"
#include "sw/graph/slice.h"

enum { FIELDS = 7 };

static const struct field fields[FIELDS] = {
    {"<layer", "name", FIELD_NAME, 0, 0},          {"<op", "op", FIELD_TEXT, 0, 0},
    {"bytes", "bytes", FIELD_COUNT, 0, 0},         {"at", "address", FIELD_COUNT, 0, 0},
    {"in use", "in_use_bytes", FIELD_COUNT, 0, 0}, {"scratch", "scratch_bytes", FIELD_SOME, 0, 0},
    {"<lies over", "over", FIELD_TEXT, 0, 0},
};

// The input that output 0 of a node lies on, or "".
static const char *over(const struct board *b, const int64_t *address, const struct event *e) {
  const struct node *n = &b->graph->nodes[e->id];
  for (uint32_t k = 0; k < n->n_in; k++) {
    bool may = plan_over(b->graph, n, k) || (k == 0 && e->bytes);
    if (may && address[n->in[k].value] == address[n->out[0]] && address[n->out[0]] != NONE)
      return listing_name(b->arena, b->graph->values[n->in[k].value].name);
  }
  return "";
}

static struct listing rows(const struct board *b) {
  const struct graph *g = b->graph;
  struct listing t = listing_new(b->arena, fields, FIELDS);
  const int64_t *address = memory_addresses(b->arena, b->plan);
  for (uint32_t i = 0; i < g->n_inputs; i++) {
    uint32_t v = g->inputs[i].value;
    listing_row(&t, (struct figure[FIELDS]){{.text = g->values[v].name},
                                            {.text = "input"},
                                            {.count = b->plan->bytes[v]},
                                            {.count = address[v]},
                                            {.count = b->plan->bytes[v]},
                                            {.count = 0},
                                            {.text = ""}});
  }
  for (uint32_t i = 0; i < b->plan->n_events; i++) {
    const struct event *e = &b->plan->events[i];
    if (e->action != ACTION_RUN) continue;
    const struct node *n = &g->nodes[e->id];
    if (!n->n_out || address[n->out[0]] == NONE) continue;
    listing_row(&t, (struct figure[FIELDS]){{.text = n->name},
                                            {.text = op_info(n->op)->name},
                                            {.count = b->plan->bytes[n->out[0]]},
                                            {.count = address[n->out[0]]},
                                            {.count = b->used[i]},
                                            {.count = e->bytes},
                                            {.text = over(b, address, e)}});
  }
  return t;
}

// No frame takes less time on its processor than its multiplications do.
static double least_time(const struct board *b) {
  return b->pe && b->pe->macs > 0 ? (double)graph_macs(b->graph) / b->pe->macs : 0;
}

static void put_machine(const struct board *b, struct text *out) {
  text_printf(out, "%s: ", b->machine.name);
  if (b->pe->constants != NONE && b->machine.memories[b->pe->constants].bytes != NONE)
    text_printf(out, "%s of %lld bytes for these, ", b->machine.memories[b->pe->constants].name,
                (long long)b->machine.memories[b->pe->constants].bytes);
  text_printf(out, "addresses in steps of %lld",
              (long long)b->machine.memories[b->pe->memory].align);
  if (least_time(b) > 0)
    text_printf(out, "; %lld multiplications, no frame takes less than %.4g %s",
                (long long)graph_macs(b->graph), least_time(b), b->machine.unit);
  text_puts(out, "\n");
}

static void put_order(const struct board *b, struct text *out) {
  text_printf(out, "\nin the file's order %lld, ", (long long)b->given);
  if (b->best.exact)
    text_printf(out, "in no other order less lives at once than %lld", (long long)b->best.peak);
  else
    text_printf(out, "of the other orders some were tried: %u nodes lie between two of one place",
                b->best.widest);
}

void board_put_text(const struct board *b, const struct plan_trial *t, struct text *out) {
  struct listing table = b->rows.groups ? fused_rows(b) : rows(b);
  listing_put(&table, out);
  text_printf(out, "\narena %lld bytes of %lld", (long long)b->bytes, (long long)b->limit);
  if (b->bytes == b->peak)
    text_puts(out, ", no placing needs less");
  else
    text_printf(out, "; %lld of them live at once", (long long)b->peak);
  if (b->options->fused) fused_put_text(b, out);
  if (b->best.order) put_order(b, out);
  text_printf(out, "\nmost lives at \"%s\": %s\n",
              b->graph->nodes[b->plan->events[b->most].id].name, board_alive(b));
  text_printf(out, "apart from it: weights and constants %lld bytes", (long long)b->constants);
  if (b->state) text_printf(out, ", state from frame to frame %lld", (long long)b->state);
  text_puts(out, "\n");
  if (b->pe) put_machine(b, out);
  if (t->frames)
    text_printf(out,
                "run in the arena: %lld frames of random codes, %lld values with %lld elements, "
                "each the C model's; %.4g frames/s\n",
                (long long)t->frames, (long long)t->values, (long long)t->elements,
                (double)t->frames / t->seconds);
}

void board_put_json(const struct board *b, const struct plan_trial *t, struct text *out) {
  struct listing table = b->rows.groups ? fused_rows(b) : rows(b);
  text_puts(out, "{\"model\":");
  json_put_string(out, b->options->model);
  text_printf(out,
              ",\"memory_bytes\":%lld,\"arena_bytes\":%lld,\"peak_bytes\":%lld,"
              "\"constant_bytes\":%lld,\"state_bytes\":%lld,",
              (long long)b->limit, (long long)b->bytes, (long long)b->peak, (long long)b->constants,
              (long long)b->state);
  if (b->best.order)
    text_printf(out, "\"file_order_bytes\":%lld,\"order_peak_bytes\":%lld,\"order_exact\":%s,",
                (long long)b->given, (long long)b->best.peak, b->best.exact ? "true" : "false");
  if (b->options->fused) fused_put_json(b, out);
  if (b->pe) {
    text_puts(out, "\"machine\":");
    json_put_string(out, b->machine.name);
    json_put_figure(out, "least_time", -1, least_time(b));
    text_puts(out, ",");
  }
  text_puts(out, "\"peak_layer\":");
  json_put_string(out, b->graph->nodes[b->plan->events[b->most].id].name);
  text_puts(out, ",\"layers\":[");
  listing_put_json(&table, out);
  text_puts(out, "]");
  if (t->frames)
    text_printf(out,
                ",\"run\":{\"frames\":%lld,\"values\":%lld,\"elements\":%lld,\"mismatches\":%lld,"
                "\"frames_per_second\":%.6g}",
                (long long)t->frames, (long long)t->values, (long long)t->elements,
                (long long)t->wrong, (double)t->frames / t->seconds);
  text_puts(out, "}\n");
}
