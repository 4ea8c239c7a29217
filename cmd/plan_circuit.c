// SPDX-License-Identifier: Apache-2.0
// plan of a folder that generate wrote: its circuit as timed events, under the checker of all
// plans; as a file, and the replay of one.
#include "cmd/paths.h"
#include "cmd/plan.h"
#include "gen/emit.h"
#include "gen/folder.h"
#include "sw/base/file.h"
#include "sw/base/json.h"
#include "sw/base/listing.h"
#include "sw/circuit/circuit_plan.h"
#include "sw/plan/check.h"
#include "sw/plan/plan_file.h"
#include "sw/plan/simulate.h"

#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { FILE_MAX = 256 << 20, LAYER_FIELDS = 8, STREAM_FIELDS = 8 };

struct board {
  struct arena *arena;
  const struct options *options;
  const char *folder, *identity;
  struct circuit *circuit;
  struct plan *plan;
  struct faults faults;
};

// ---- the words of the options

bool plan_is_circuit(const char *path) {
  struct arena a = {0};
  bool is = paths_is_folder(path) && file_exists(arena_printf(&a, "%s/manifest.json", path));
  arena_free(&a);
  return is;
}

bool plan_circuit_check(const struct options *o, struct err *e) {
  static const char *const own[] = {"output", "trace", "json", "quiet"};
  for (int i = 0; i < option_count; i++) {
    bool known = false;
    for (size_t k = 0; k < sizeof own / sizeof *own; k++)
      known = known || strcmp(option_rows[i].name, own[k]) == 0;
    if (!known && plan_given(o, &option_rows[i]))
      return err_set(e, "%s is a circuit already, whose plan is printed: leave --%s away", o->model,
                     option_rows[i].name);
  }
  return true;
}

// ---- the plan

// Nobody replaces the folder meanwhile.
static bool open_circuit(struct board *b, struct err *e) {
  int held = folder_hold(b->folder, e);
  bool ok = held >= 0 && folder_check(b->folder, e);
  b->circuit = ok ? folder_circuit(b->arena, b->folder, e) : NULL;
  if (ok && !b->circuit) err_put_within(e, "%s", b->folder);
  b->identity = b->circuit ? folder_identity(b->arena, b->folder, e) : NULL;
  if (held >= 0) close(held);
  return b->identity != NULL;
}

static bool make_plan(struct board *b, struct err *e) {
  b->plan = circuit_plan(b->arena, b->circuit, e);
  if (!b->plan || !plan_find_after(b->plan, e)) return err_within(e, "%s", b->folder);
  b->faults = plan_check(b->arena, b->plan);
  return !b->faults.count ||
         err_set(e, "the plan has %u faults, which is a bug of this program: %s", b->faults.count,
                 b->faults.faults->text);
}

// ---- the file

// From the folder of a file to `path`: "../a/rtl". NULL if one of them isn't there.
static const char *relative(struct arena *a, const char *path, const char *file) {
  const char *slash = strrchr(file, '/'), *found = NULL;
  char *to = realpath(path, NULL);
  char *from = realpath(slash ? arena_printf(a, "%.*s/", (int)(slash - file), file) : ".", NULL);
  if (to && from) {
    size_t same = 0;
    for (size_t i = 0;; i++) {
      bool ends = (to[i] == '/' || !to[i]) && (from[i] == '/' || !from[i]);
      if (ends) same = i;
      if (!to[i] || to[i] != from[i]) break;
    }
    found = arena_strdup(a, to[same] ? to + same + 1 : "");
    for (const char *up = from + same; (up = strchr(up, '/')) && up[1]; up++)
      found = arena_printf(a, *found ? "../%s" : "..", found);
  }
  free(to);
  free(from);
  return found && !*found ? "." : found;
}

static bool write_plan(const struct board *b, struct err *e) {
  struct text t = {0};
  const char *of = relative(b->arena, b->folder, b->options->output);
  if (!of) return err_set(e, "%s: there is no such folder", b->options->output);
  const struct plan_head h = {of, b->identity, "cycles", "bits"};
  plan_file_put(&t, b->plan, &h);
  bool ok = file_write(b->options->output, t.data, t.size, e);
  text_free(&t);
  return ok;
}

// ---- what is printed

static const struct field layer_fields[LAYER_FIELDS] = {
    {"<layer", "name", FIELD_NAME, 0, 0},
    {"<module", "module", FIELD_TEXT, 0, 0},
    {"multipliers", "multipliers", FIELD_SOME, 0, 0},
    {"ROM bits", "memory_bits", FIELD_SOME, 0, 0},
    {"from", "from", FIELD_COUNT, 0, 0},
    {"to", "to", FIELD_COUNT, 0, 0},
    {"cycles", "cycles", FIELD_COUNT, 0, 0},
    {"of period", "share", FIELD_SHARE, 1, 6},
};

static const struct field stream_fields[STREAM_FIELDS] = {
    {"<stream", "name", FIELD_NAME, 0, 0},   {"<from", "from_cell", FIELD_NAME, 0, 0},
    {"<to", "to_cell", FIELD_NAME, 0, 0},    {"bits", "bits", FIELD_COUNT, 0, 0},
    {"from", "from", FIELD_COUNT, 0, 0},     {"to", "to", FIELD_COUNT, 0, 0},
    {"cycles", "cycles", FIELD_COUNT, 0, 0}, {"of period", "share", FIELD_SHARE, 1, 6},
};

static const struct cell *cell_of(const struct board *b, uint32_t node) {
  for (uint32_t i = 0; i < b->circuit->n_cells; i++)
    if (b->circuit->cells[i].kind == CELL_LAYER && b->circuit->cells[i].node == node)
      return &b->circuit->cells[i];
  return NULL;
}

static double share(const struct board *b, const struct event *e) {
  return (e->end - e->start) / (b->plan->period > 0 ? b->plan->period : plan_length(b->plan));
}

// A row per run. What only renames its input, or is the host's, has no cell.
static struct listing layer_rows(const struct board *b) {
  struct listing t = listing_new(b->arena, layer_fields, LAYER_FIELDS);
  const struct plan *p = b->plan;
  for (uint32_t i = 0; i < p->n_events; i++) {
    const struct event *e = &p->events[i];
    if (e->action != ACTION_RUN) continue;
    const struct cell *c = cell_of(b, e->id);
    const struct node *n = &p->graph->nodes[e->id];
    if (op_is(n->op, TRAIT_ALIAS)) continue;
    listing_row(&t,
                (struct figure[LAYER_FIELDS]){{.text = n->name},
                                              {.text = c ? emit_module(b->circuit, c) : "(host)"},
                                              {.count = c ? c->multipliers : 0},
                                              {.count = c ? c->memory_bits : 0},
                                              {.count = (int64_t)e->start},
                                              {.count = (int64_t)e->end},
                                              {.count = (int64_t)(e->end - e->start)},
                                              {.real = share(b, e)}});
  }
  return t;
}

static struct listing stream_rows(const struct board *b) {
  struct listing t = listing_new(b->arena, stream_fields, STREAM_FIELDS);
  const struct plan *p = b->plan;
  for (uint32_t i = 0; i < p->n_events; i++) {
    const struct event *e = &p->events[i];
    const struct resource *r = &p->machine.resources[e->resource];
    if (e->action != ACTION_SEND) continue;
    listing_row(&t, (struct figure[STREAM_FIELDS]){{.text = r->name},
                                                   {.text = p->machine.resources[r->from].name},
                                                   {.text = p->machine.resources[r->to].name},
                                                   {.count = p->bytes[e->id]},
                                                   {.count = (int64_t)e->start},
                                                   {.count = (int64_t)e->end},
                                                   {.count = (int64_t)(e->end - e->start)},
                                                   {.real = share(b, e)}});
  }
  return t;
}

// What works longest in a period, a layer rather than a stream: no period is shorter.
static const struct event *busiest(const struct plan *p) {
  const struct event *most = NULL;
  for (uint32_t i = 0; i < p->n_events; i++) {
    const struct event *e = &p->events[i];
    if (e->action != ACTION_RUN && e->action != ACTION_SEND) continue;
    double more = most ? (e->end - e->start) - (most->end - most->start) : 1;
    if (more > 0 || (more == 0 && e->action == ACTION_RUN && most->action == ACTION_SEND)) most = e;
  }
  return most;
}

static uint32_t count_of(const struct plan *p, enum resource_kind kind) {
  uint32_t count = 0;
  for (uint32_t i = 0; i < p->machine.count; i++) count += p->machine.resources[i].kind == kind;
  return count;
}

static void put_trace(const struct board *b, struct text *t) {
  text_printf(t, "%12s %12s  %s\n", "from", "to", "event");
  for (uint32_t i = 0; i < b->plan->n_events; i++) {
    const struct event *e = &b->plan->events[i];
    text_printf(t, "%12.10g %12.10g  ", e->start, e->end);
    text_put_escaped(t, plan_event_text(b->arena, b->plan, e));
    text_puts(t, "\n");
  }
  text_puts(t, "\n");
}

static void put_text(const struct board *b, struct text *t) {
  const struct plan *p = b->plan;
  const struct event *most = busiest(p);
  struct listing layers = layer_rows(b), streams = stream_rows(b);
  if (b->options->trace) put_trace(b, t);
  listing_put(&layers, t);
  text_puts(t, "\n");
  listing_put(&streams, t);
  text_printf(
      t, "\na frame every %.10g cycles, through in %.10g; %lld multipliers, %lld memory bits\n",
      p->period, plan_length(p), (long long)b->circuit->multipliers,
      (long long)b->circuit->memory_bits);
  if (most) {
    text_puts(t, "no period is shorter than what ");
    text_put_escaped(t, p->machine.resources[most->resource].name);
    text_printf(t, " does in one: %.10g cycles\n", most->end - most->start);
  }
  text_printf(t, "%u events on %u PEs, %u streams and %u memories: ", p->n_events,
              count_of(p, RESOURCE_PE), count_of(p, RESOURCE_STREAM), count_of(p, RESOURCE_MEMORY));
  if (b->faults.count)
    text_printf(t, "%u faults\n", b->faults.count);
  else
    text_puts(t, "the checker finds no fault\n");
  for (uint32_t i = 0; i < b->faults.count; i++) {
    text_puts(t, "  ");
    text_put_escaped(t, b->faults.faults[i].text);
    text_puts(t, "\n");
  }
}

static void json_faults(const struct board *b, struct text *t) {
  text_puts(t, ",\"faults\":[");
  for (uint32_t i = 0; i < b->faults.count; i++) {
    text_printf(t, "%s{\"event\":%lld,\"why\":", i ? "," : "",
                (long long)b->faults.faults[i].event);
    json_put_string(t, b->faults.faults[i].text);
    text_puts(t, "}");
  }
  text_puts(t, "]");
}

static void json_trace(const struct board *b, struct text *t) {
  text_puts(t, ",\"trace\":[");
  for (uint32_t i = 0; i < b->plan->n_events; i++) {
    text_puts(t, i ? ",\n" : "\n");
    plan_file_put_event(t, b->plan, &b->plan->events[i]);
  }
  text_puts(t, "]");
}

static void put_json(const struct board *b, struct text *t) {
  const struct plan *p = b->plan;
  struct listing layers = layer_rows(b), streams = stream_rows(b);
  text_puts(t, "{\"model\":");
  json_put_string(t, b->options->model);
  text_printf(t, ",\"identity\":\"%s\"", b->identity);
  const struct event *most = busiest(p);
  text_printf(t, ",\"period\":%.17g,\"length\":%.17g,\"bound\":%.17g", p->period, plan_length(p),
              most ? most->end - most->start : 0);
  text_printf(t, ",\"multipliers\":%lld,\"memory_bits\":%lld,\"events\":%u",
              (long long)b->circuit->multipliers, (long long)b->circuit->memory_bits, p->n_events);
  json_faults(b, t);
  text_puts(t, ",\"layers\":[");
  listing_put_json(&layers, t);
  text_puts(t, "],\"streams\":[");
  listing_put_json(&streams, t);
  text_puts(t, "]");
  if (b->options->trace) json_trace(b, t);
  text_puts(t, "}\n");
}

static void print(const struct board *b) {
  struct text t = {0};
  if (b->options->json)
    put_json(b, &t);
  else
    put_text(b, &t);
  fwrite(t.data, 1, t.size, stdout);
  text_free(&t);
}

int plan_circuit(struct arena *a, const struct options *o, struct err *e) {
  struct board b = {.arena = a, .options = o, .folder = o->model};
  if (!open_circuit(&b, e) || !make_plan(&b, e)) return EXIT_USER;
  if (o->output && !write_plan(&b, e)) return EXIT_USER;
  print(&b);
  return EXIT_GOOD;
}

// ---- a file of one

// The object of a plan file; NULL if it is none, whatever else it is.
static json_t *open_file(struct arena *a, const char *path) {
  struct bytes file;
  struct err none = {0};
  if (paths_is_folder(path) || !file_read(a, path, FILE_MAX, &file, &none)) return NULL;
  json_t *root = json_parse((const char *)file.data, file.size, &none);
  if (root && plan_file_is(root)) return root;
  json_decref(root);
  return NULL;
}

static bool read_plan(struct board *b, const json_t *root, struct err *e) {
  struct plan_head h;
  const char *slash = strrchr(b->options->model, '/');
  if (!plan_file_head(b->arena, root, &h, e)) return false;
  b->folder = slash && *h.of != '/'
                  ? arena_printf(b->arena, "%.*s/%s", (int)(slash - b->options->model),
                                 b->options->model, h.of)
                  : h.of;
  if (!plan_is_circuit(b->folder))
    return err_set(e, "of: expected a folder that generate wrote, found \"%s\": generate it again",
                   b->folder);
  if (!open_circuit(b, e)) return false;
  if (strcmp(h.identity, b->identity) != 0)
    return err_set(e,
                   "identity: expected that of \"%s\", %.12s.., found %.12s..: it has become "
                   "another circuit since, whose plan `nngen plan` prints",
                   b->folder, b->identity, h.identity);
  b->plan = plan_file_read(b->arena, root, b->circuit->graph, e);
  return b->plan != NULL;
}

// Times as they are, or each event as early as it can in their order.
static bool judge(struct board *b, struct err *e) {
  bool again = b->options->mode && strcmp(b->options->mode, "auto") == 0;
  if (b->options->mode && strcmp(b->options->mode, "compat") == 0)
    return err_set(e, "--mode compat is about decisions: a plan of events has correct and auto");
  b->faults = plan_check(b->arena, b->plan);
  if (!again) return true;
  for (uint32_t i = 0; i < b->faults.count; i++)
    if (b->faults.faults[i].kind == FAULT_FORM) return true;
  if (!plan_simulate(b->plan, e)) return false;
  plan_sort(b->plan);
  b->faults = plan_check(b->arena, b->plan);
  return true;
}

bool plan_circuit_replays(struct arena *a, const struct options *o, int *status, struct err *e) {
  struct board b = {.arena = a, .options = o};
  json_t *root = open_file(a, o->model);
  if (!root) return false;
  bool ok = read_plan(&b, root, e) && judge(&b, e);
  json_decref(root);
  *status = EXIT_USER;
  if (!ok) {
    err_put_within(e, "%s", o->model);
    return true;
  }
  print(&b);
  if (!b.faults.count) *status = EXIT_GOOD;
  if (b.faults.count)
    err_put(e, "%s: refused: %u faults, the first: %s", o->model, b.faults.count,
            b.faults.faults->text);
  e->told = o->json && b.faults.count;
  return true;
}
