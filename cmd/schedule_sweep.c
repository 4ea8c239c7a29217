// SPDX-License-Identifier: Apache-2.0
// schedule --sweep: the same network on one number of nodes after another.
#include "cmd/schedule.h"
#include "sw/base/json.h"
#include "sw/base/listing.h"
#include "sw/base/progress.h"

#include <stdlib.h>
#include <string.h>

enum { FIELDS = 8 };

static const struct field fields[FIELDS] = {
    {"nodes", "nodes", FIELD_COUNT, 0, 0},          {"cycles", "length", FIELD_COUNT, 0, 0},
    {"period", "period", FIELD_SOME, 0, 0},         {"bound", "bound", FIELD_COUNT, 0, 0},
    {"above", "ratio", FIELD_SHARE, 1, 6},          {"faster", "speedup", FIELD_REAL, 2, 6},
    {"tokens sent", "messages", FIELD_COUNT, 0, 0}, {"slots", "slots", FIELD_COUNT, 0, 0},
};

bool schedule_range(const char *word, int64_t *from, int64_t *to) {
  char *end;
  if (!word || *word < '1' || *word > '9') return false;
  *from = strtoll(word, &end, 10);
  if (strncmp(end, "..", 2) != 0 || end[2] < '1' || end[2] > '9') return false;
  *to = strtoll(end + 2, &end, 10);
  return !*end && *from <= *to && *to <= NODES_MAX;
}

static int64_t most_slots(const struct calendar *c) {
  int64_t most = 0;
  for (uint32_t n = 0; n < c->machine->topology->nodes; n++)
    if (c->nodes[n].slots > most) most = c->nodes[n].slots;
  return most;
}

// `alone`: cycles of one node, which has all the work.
static bool add_row(struct listing *table, const struct options *o, const struct actors *v,
                    int64_t nodes, double alone, struct err *e) {
  struct arena a = {0};
  struct node_machine m = schedule_machine(&a, o, nodes);
  struct schedule_bounds b;
  const struct schedule *s = schedule_checked(&a, o, v, &m, &b, e);
  if (s) {
    double cycles = (double)(s->period ? s->period : s->length);
    double ratio = cycles / (double)b.most - (o->json ? 0 : 1);
    listing_row(table, (struct figure[FIELDS]){{.count = nodes},
                                               {.count = s->length},
                                               {.count = s->period},
                                               {.count = b.most},
                                               {.real = ratio},
                                               {.real = alone / cycles},
                                               {.count = s->n_hops},
                                               {.count = most_slots(calendar_of(&a, s, NULL))}});
  }
  arena_free(&a);
  return s != NULL;
}

static double work_of(struct arena *a, const struct options *o, const struct actors *v) {
  struct node_machine m = schedule_machine(a, o, 1);
  return (double)schedule_bounds(v, &m).work;
}

bool schedule_sweep(struct arena *a, const struct options *o, const struct actors *v,
                    struct text *t, struct err *e) {
  int64_t from, to;
  bool ok = schedule_range(o->range, &from, &to);
  double alone = work_of(a, o, v);
  struct progress line;
  struct listing table = listing_new(a, fields, FIELDS);
  progress_start(&line, "schedules", to - from + 1, o->quiet || o->json);
  for (int64_t k = from; ok && k <= to; k++) {
    ok = add_row(&table, o, v, k, alone, e);
    progress_update(&line, k - from + 1);
  }
  progress_end(&line);
  if (o->json) {
    text_puts(t, "{\"model\":");
    json_put_string(t, o->model);
    text_puts(t, ",\"schedules\":[");
    listing_put_json(&table, t);
    text_puts(t, "]}\n");
  } else {
    listing_put(&table, t);
  }
  return ok;
}
