// SPDX-License-Identifier: Apache-2.0
#include "cmd/schedule.h"
#include "sw/base/json.h"
#include "sw/base/listing.h"

#include <stdlib.h>

enum { FIELDS = 9, SHOWN = 16 };

static const struct field fields[FIELDS] = {
    {"node", "node", FIELD_COUNT, 0, 0},         {"actors", "actors", FIELD_COUNT, 0, 0},
    {"busy", "busy_cycles", FIELD_COUNT, 0, 0},  {"of cycles", "utilisation", FIELD_SHARE, 1, 6},
    {"from", "first_cycle", FIELD_COUNT, 0, 0},  {"to", "last_cycle", FIELD_COUNT, 0, 0},
    {"received", "received", FIELD_COUNT, 0, 0}, {"sent", "sent", FIELD_COUNT, 0, 0},
    {"slots", "slots", FIELD_COUNT, 0, 0},
};

struct node_row {
  uint32_t node;
  int64_t actors, busy, from, to; // cycles from .. to
  int64_t received, sent;         // tokens
};

// What each node does, in their order: (nodes).
static struct node_row *node_rows(const struct schedule_report *r) {
  const struct schedule *s = r->schedule;
  const struct topology *t = s->machine->topology;
  struct node_row *rows = ARENA_NEW(r->arena, struct node_row, t->nodes);
  for (uint32_t n = 0; n < t->nodes; n++) rows[n].node = n;
  for (uint32_t i = 0; i < s->actors->n_actors; i++) {
    const struct firing *f = &s->firings[i];
    struct node_row *row = &rows[f->node];
    if (f->end == f->start) continue;
    if (!row->actors || f->start < row->from) row->from = f->start;
    if (f->end > row->to) row->to = f->end;
    row->actors++;
    row->busy += f->end - f->start;
  }
  for (uint32_t i = 0; i < s->n_hops; i++) {
    rows[t->from[s->hops[i].link]].sent++;
    rows[t->to[s->hops[i].link]].received++;
  }
  return rows;
}

static int by_busy(const void *x, const void *y) {
  const struct node_row *a = x, *b = y;
  if (a->busy != b->busy) return a->busy < b->busy ? 1 : -1;
  return a->node < b->node ? -1 : a->node > b->node;
}

static int by_node(const void *x, const void *y) {
  const struct node_row *a = x, *b = y;
  return a->node < b->node ? -1 : a->node > b->node;
}

// Cycles that the bounds are about.
static int64_t cycles_of(const struct schedule *s) {
  return s->period ? s->period : s->length;
}

// The busiest of all to the front, in the order of nodes; how many.
static uint32_t select_rows(const struct schedule_report *r, struct node_row *rows, uint32_t most) {
  uint32_t nodes = r->schedule->machine->topology->nodes, shown = nodes < most ? nodes : most;
  qsort(rows, nodes, sizeof *rows, by_busy);
  qsort(rows, shown, sizeof *rows, by_node);
  return shown;
}

uint32_t schedule_busiest(const struct schedule_report *r, uint32_t most, uint32_t *nodes) {
  struct node_row *rows = node_rows(r);
  uint32_t count = select_rows(r, rows, most);
  for (uint32_t i = 0; i < count; i++) nodes[i] = rows[i].node;
  return count;
}

static struct listing listing_of(const struct schedule_report *r, const struct node_row *rows,
                                 uint32_t count) {
  struct listing t = listing_new(r->arena, fields, FIELDS);
  double cycles = (double)cycles_of(r->schedule);
  for (uint32_t i = 0; i < count; i++)
    listing_row(&t, (struct figure[FIELDS]){{.count = rows[i].node},
                                            {.count = rows[i].actors},
                                            {.count = rows[i].busy},
                                            {.real = (double)rows[i].busy / cycles},
                                            {.count = rows[i].from},
                                            {.count = rows[i].to},
                                            {.count = rows[i].received},
                                            {.count = rows[i].sent},
                                            {.count = r->calendar->nodes[rows[i].node].slots}});
  return t;
}

// The link with the most frames, and how many they are; false if nothing is sent.
static bool busiest_link(const struct schedule_report *r, uint32_t *link, int64_t *frames) {
  const struct schedule *s = r->schedule;
  int64_t *sum = ARENA_NEW(r->arena, int64_t, s->machine->topology->n_links + 1);
  *link = 0;
  for (uint32_t i = 0; i < s->n_hops; i++) {
    const struct hop *h = &s->hops[i];
    sum[h->link] += schedule_frames(s, h->token);
    if (sum[h->link] > sum[*link] || (sum[h->link] == sum[*link] && h->link < *link))
      *link = h->link;
  }
  *frames = sum[*link];
  return s->n_hops > 0;
}

static const char *largest_bound(const struct schedule_bounds *b) {
  return b->most == b->work       ? "work"
         : b->most == b->critical ? "critical path"
         : b->most == b->link     ? "link"
                                  : "packing";
}

static double ratio(const struct schedule_report *r) {
  return (double)cycles_of(r->schedule) / (double)r->bounds.most;
}

static void put_loose(struct text *t, const struct schedule_report *r) {
  const struct unscheduled *u = &r->loose;
  if (!r->routers) return;
  text_printf(t,
              "without a schedule, %lld places in a queue, %lld cycles of patience, %lld to take a "
              "packet:\n"
              "  %lld packets sent, %lld lost, %u of %u actors starve for ever, %lld outputs never "
              "come, %lld cycles\n"
              "  from %lld places on no packet waits for one: %lld lost, %lld cycles\n",
              (long long)r->routers->queues, (long long)r->routers->patience,
              (long long)r->routers->service, (long long)u->packets, (long long)u->lost, u->starved,
              u->actors, (long long)u->missing, (long long)u->cycles, (long long)r->deep.fullest,
              (long long)r->deep.lost, (long long)r->deep.cycles);
}

static void put_trial(struct text *t, const struct schedule_report *r) {
  const struct schedule_trial *o = &r->trial;
  if (!o->images) return;
  text_printf(t, "carried out on %lld images: %lld outputs, each the C model's",
              (long long)o->images, (long long)o->elements);
  if (o->judged)
    text_printf(t, "; %lld correct, %.2f %%", (long long)o->correct,
                100 * (double)o->correct / (double)o->images);
  text_printf(t, "; %.4g images/s\n", (double)o->images / o->seconds);
}

static void put_bounds(struct text *t, const struct schedule_report *r) {
  const struct schedule_bounds *b = &r->bounds;
  if (!r->cut) {
    text_printf(t, "bounds: work %lld, critical path %lld, link %lld, packing %lld\n",
                (long long)b->work, (long long)b->critical, (long long)b->link,
                (long long)b->packing);
    return;
  }
  text_printf(
      t,
      "bounds, however it is cut: work %lld, link %lld\n"
      "%lld channel%s in an actor, %u layer%s in %u parts, %u region%s: the best of %d ways to "
      "cut it\n",
      (long long)b->work, (long long)b->link, (long long)r->cut->grain,
      r->cut->grain > 1 ? "s" : "", r->cut->layers, r->cut->layers == 1 ? "" : "s", r->cut->parts,
      r->cut->regions, r->cut->regions > 1 ? "s" : "", r->cut->tried);
}

void schedule_text(struct text *t, const struct schedule_report *r) {
  const struct schedule *s = r->schedule;
  const struct topology *topology = s->machine->topology;
  struct node_row *rows = node_rows(r);
  uint32_t shown = select_rows(r, rows, SHOWN), link;
  int64_t frames;
  struct listing table = listing_of(r, rows, shown);
  listing_put(&table, t);
  if (shown < topology->nodes)
    text_printf(t, "the busiest, and %u more\n", topology->nodes - shown);
  text_printf(t, "\n%u actors with %lld edges on %u node%s (%s): %u tokens over links\n",
              s->actors->n_actors + 2, (long long)s->actors->edges, topology->nodes,
              topology->nodes > 1 ? "s" : "", topology_name(topology->kind), s->n_hops);
  text_printf(t, "%lld cycles from the image to the outputs", (long long)s->length);
  if (s->period)
    text_printf(t, ", %.1f periods of %lld, in each of which an image comes in",
                (double)s->length / (double)s->period, (long long)s->period);
  text_printf(t, "\nno %s takes less than %lld (%s): %.1f %% above it\n",
              s->period ? "period" : "schedule", (long long)r->bounds.most,
              largest_bound(&r->bounds), 100 * (ratio(r) - 1));
  put_bounds(t, r);
  if (busiest_link(r, &link, &frames))
    text_printf(t, "busiest link %u > %u: %lld frames\n", topology->from[link], topology->to[link],
                (long long)frames);
  put_trial(t, r);
  put_loose(t, r);
}

// The most slots of a node, and how much of the time each is busy.
static void put_nodes(struct text *t, const struct schedule_report *r) {
  const struct node_row *rows = node_rows(r);
  uint32_t nodes = r->schedule->machine->topology->nodes, most = 0;
  for (uint32_t n = 0; n < nodes; n++)
    if (r->calendar->nodes[n].slots > most) most = r->calendar->nodes[n].slots;
  text_printf(t, ",\"slots\":%u,\"utilisation\":[", most);
  for (uint32_t n = 0; n < nodes; n++)
    text_printf(t, "%s%.6g", n ? "," : "", (double)rows[n].busy / (double)cycles_of(r->schedule));
  text_puts(t, "]");
}

void schedule_json(struct text *t, const struct schedule_report *r) {
  const struct schedule *s = r->schedule;
  const struct topology *topology = s->machine->topology;
  uint32_t link;
  int64_t frames;
  struct listing table = listing_of(r, node_rows(r), topology->nodes);
  text_puts(t, "{\"model\":");
  json_put_string(t, r->model);
  text_printf(t, ",\"nodes\":%u,\"topology\":\"%s\",\"grain\":", topology->nodes,
              topology_name(topology->kind));
  json_put_string(t, r->grain);
  text_printf(t,
              ",\"mode\":\"%s\",\"actors\":%u,\"edges\":%lld,\"messages\":%u,"
              "\"length\":%lld",
              s->period ? "throughput" : "latency", s->actors->n_actors + 2,
              (long long)s->actors->edges, s->n_hops, (long long)s->length);
  if (s->period) text_printf(t, ",\"period\":%lld", (long long)s->period);
  text_printf(t, ",\"bounds\":{\"work\":%lld,\"critical\":%lld,\"link\":%lld,\"packing\":%lld}",
              (long long)r->bounds.work, (long long)r->bounds.critical, (long long)r->bounds.link,
              (long long)r->bounds.packing);
  if (r->cut)
    text_printf(
        t, ",\"cut\":{\"grain\":%lld,\"layers\":%u,\"parts\":%u,\"regions\":%u,\"tried\":%d}",
        (long long)r->cut->grain, r->cut->layers, r->cut->parts, r->cut->regions, r->cut->tried);
  json_put_figure(t, "ratio", 6, ratio(r));
  if (busiest_link(r, &link, &frames))
    text_printf(t, ",\"busiest\":{\"from\":%u,\"to\":%u,\"frames\":%lld}", topology->from[link],
                topology->to[link], (long long)frames);
  put_nodes(t, r);
  text_puts(t, ",\"per_node\":[");
  listing_put_json(&table, t);
  text_puts(t, "]");
  if (r->trial.images)
    text_printf(t, ",\"run\":{\"images\":%lld,\"elements\":%lld,\"mismatches\":%lld",
                (long long)r->trial.images, (long long)r->trial.elements,
                (long long)r->trial.mismatches);
  if (r->trial.judged) text_printf(t, ",\"correct\":%lld", (long long)r->trial.correct);
  if (r->trial.images)
    text_printf(t, ",\"images_per_second\":%.6g}", (double)r->trial.images / r->trial.seconds);
  if (r->routers)
    text_printf(t,
                ",\"unscheduled\":{\"queues\":%lld,\"patience\":%lld,\"service\":%lld,"
                "\"packets\":%lld,\"lost\":%lld,\"starved\":%u,\"missing\":%lld,"
                "\"cycles\":%lld,\"queues_needed\":%lld,\"cycles_needed\":%lld}",
                (long long)r->routers->queues, (long long)r->routers->patience,
                (long long)r->routers->service, (long long)r->loose.packets,
                (long long)r->loose.lost, r->loose.starved, (long long)r->loose.missing,
                (long long)r->loose.cycles, (long long)r->deep.fullest, (long long)r->deep.cycles);
  text_puts(t, "}\n");
}
