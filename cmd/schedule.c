// SPDX-License-Identifier: Apache-2.0
// schedule: a network on K nodes, cycle by cycle.
#include "cmd/schedule.h"
#include "cmd/plan.h"
#include "gen/folder.h"
#include "sw/base/file.h"
#include "sw/plan/calendar_file.h"
#include "sw/plan/schedule_check.h"
#include "sw/plan/schedule_vcd.h"

#include <stdlib.h>
#include <string.h>

enum { LATENCY_MAX = 10000, PATIENCE_MAX = 10000, SERVICE_MAX = 200 };

// ---- the words of the options

static bool is_auto(const struct options *o) {
  return o->grain && strcmp(o->grain, "auto") == 0;
}

// 0: a layer; -1: no such grain.
static int64_t grain_of(const char *word) {
  char *end;
  if (!word || strcmp(word, "neuron") == 0) return 1;
  if (strcmp(word, "layer") == 0) return GRAIN_LAYER;
  long long n = strtoll(word, &end, 10);
  return *word >= '1' && *word <= '9' && !*end && n <= DIM_MAX ? n : -1;
}

static bool is_throughput(const struct options *o) {
  return o->pace && strcmp(o->pace, "throughput") == 0;
}

// More would only be waited for.
static bool check_cycles(const struct options *o, struct err *e) {
  const struct {
    const char *name;
    int64_t given, most;
  } all[] = {{"--latency", o->latency, LATENCY_MAX},
             {"--patience", o->give_up, PATIENCE_MAX},
             {"--service", o->service, SERVICE_MAX}};
  for (size_t i = 0; i < sizeof all / sizeof *all; i++)
    if (all[i].given > all[i].most)
      return err_set(e, "%s %lld: expected 1 to %lld cycles", all[i].name, (long long)all[i].given,
                     (long long)all[i].most);
  return true;
}

static bool check_nodes(const struct options *o, struct err *e) {
  int64_t from, to;
  if (o->range && !schedule_range(o->range, &from, &to))
    return err_set(e, "--sweep %s: expected K1..K2, as in 1..64, with at most %d nodes", o->range,
                   NODES_MAX);
  const char *one = o->nodes         ? "--nodes"
                    : o->execute     ? "--run"
                    : o->svg         ? "--svg"
                    : o->vcd         ? "--vcd"
                    : o->calendar    ? "--calendar"
                    : o->slots       ? "--slots"
                    : o->unscheduled ? "--unscheduled"
                    : o->offsets     ? "--offsets"
                                     : NULL;
  if (o->range && one)
    return err_set(e, "--sweep has one number of nodes after another: leave %s away", one);
  if (!o->range && !o->nodes)
    return err_set(e, "on how many nodes? give --nodes K, 1 to %d, or --sweep K1..K2", NODES_MAX);
  return o->nodes <= NODES_MAX ||
         err_set(e, "--nodes %lld: expected 1 to %d", (long long)o->nodes, NODES_MAX);
}

bool schedule_command_check(struct arena *a, const struct options *o, struct err *e) {
  if (!schedule_train_check(o, e) || !check_nodes(o, e) || !check_cycles(o, e)) return false;
  if (o->topology && topology_find(o->topology) == NONE)
    return err_set(e, "--topology %s: expected full, line, ring, mesh, torus, tree or hypercube",
                   o->topology);
  if (!is_auto(o) && grain_of(o->grain) < 0)
    return err_set(e, "--grain %s: expected layer, neuron, auto or a number of channels", o->grain);
  const char *other = is_throughput(o) ? "--mode throughput"
                      : o->range       ? "--sweep"
                      : o->train       ? "--train"
                                       : NULL;
  if (is_auto(o) && other)
    return err_set(e, "--grain auto is for one image on one number of nodes: leave %s away", other);
  if (o->pace && !is_throughput(o) && strcmp(o->pace, "latency") != 0)
    return err_set(e, "--mode %s: expected latency or throughput", o->pace);
  const char *loose = o->queues ? "--queues" : o->give_up ? "--patience" : "--service";
  if (!o->unscheduled && (o->queues || o->give_up || o->service))
    return err_set(e, "%s is about --unscheduled: give both", loose);
  if (o->offsets && !o->execute && !o->calendar)
    return err_set(e, "--offsets changes nothing without --run or --calendar");
  if (!o->execute && (o->images || o->data.count))
    return err_set(e, "%s is about --run: give both", o->images ? "--images" : "--data");
  return command_check(a, o, e);
}

// ---- a schedule

struct node_machine schedule_machine(struct arena *a, const struct options *o, int64_t nodes) {
  int kind = o->topology ? topology_find(o->topology) : TOPOLOGY_MESH;
  return (struct node_machine){.topology =
                                   topology_new(a, (enum topology_kind)kind, (uint32_t)nodes),
                               .macs = o->macs ? o->macs : 1,
                               .link_bits = o->link_bits ? o->link_bits : 8,
                               .latency = o->latency ? o->latency : 1};
}

// A fault would be ours, not the user's.
const struct schedule *schedule_checked(struct arena *a, const struct options *o,
                                        const struct actors *v, const struct node_machine *m,
                                        struct schedule_bounds *bounds, struct err *e) {
  const struct schedule *s =
      is_throughput(o) ? schedule_make_period(a, v, m, e) : schedule_make(a, v, m, e);
  if (!s) return NULL;
  struct faults f = schedule_check(a, s);
  if (f.count)
    return err_put(e, "the schedule has %u faults, which is a bug of this program: %s", f.count,
                   f.faults[0].text),
           NULL;
  *bounds = is_throughput(o) ? schedule_period_bounds(v, m) : schedule_bounds(v, m);
  return s;
}

// ---- what comes of it

// Into a new folder, and what then is there.
static bool write_calendar(struct schedule_report *r, const struct options *o, struct err *e) {
  if (!folder_make(o->calendar, e) || !calendar_write(r->calendar, o->calendar, r->model, e))
    return false;
  r->calendar = calendar_read(r->arena, o->calendar, r->schedule->actors, r->schedule->machine, e);
  return r->calendar != NULL;
}

static bool write_wave(const struct schedule_report *r, const struct options *o, struct err *e) {
  struct text t = {0};
  const char *slash = strrchr(o->vcd, '/');
  schedule_vcd(&t, r->schedule);
  bool ok = file_write(o->vcd, t.data, t.size, e);
  t.size = 0;
  schedule_gtkw(&t, r->schedule, slash ? slash + 1 : o->vcd);
  ok = ok && file_write(schedule_view(r->arena, o->vcd), t.data, t.size, e);
  text_free(&t);
  return ok;
}

const char *schedule_view(struct arena *a, const char *vcd) {
  size_t n = strlen(vcd);
  bool ends = n > 4 && strcmp(vcd + n - 4, ".vcd") == 0;
  return arena_printf(a, "%.*s.gtkw", (int)(ends ? n - 4 : n), vcd);
}

static bool carry_out(struct schedule_report *r, const struct options *o, struct err *e) {
  struct schedule_trial *t = &r->trial;
  if (!schedule_run(r->arena, o, r->graph, r->calendar, t, e)) return false;
  return !t->mismatches || err_set(e, "%lld of %lld outputs differ from the C model's",
                                   (long long)t->mismatches, (long long)t->elements);
}

// The same without a schedule.
static void let_loose(struct schedule_report *r, const struct options *o) {
  struct routers *routers = ARENA_NEW(r->arena, struct routers, 1);
  *routers = (struct routers){.queues = o->queues ? o->queues : 4,
                              .patience = o->give_up ? o->give_up : 16,
                              .service = o->service ? o->service : 4};
  struct routers deep = *routers;
  deep.queues = 0;
  r->routers = routers;
  r->loose = unscheduled_run(r->schedule, routers);
  r->deep = unscheduled_run(r->schedule, &deep);
}

static bool one_schedule(struct arena *a, const struct options *o, const struct graph *g,
                         const struct node_machine *m, struct text *t, struct err *e) {
  struct schedule_cut cut = {0};
  struct schedule_report r = {
      .arena = a, .model = o->model, .grain = o->grain ? o->grain : "neuron", .graph = g};
  if (is_auto(o) && !schedule_auto(a, g, m, &cut, e)) return false;
  const struct actors *v =
      is_auto(o) ? cut.actors : actors_of(a, g, grain_of(o->grain), m->link_bits, e);
  if (!v) return false;
  r.cut = is_auto(o) ? &cut : NULL;
  r.schedule = schedule_checked(a, o, v, m, &r.bounds, e);
  if (r.schedule && r.cut && !schedule_auto_bounds(a, g, m, &r.bounds, e)) return false;
  if (!r.schedule || (o->slots && !calendar_fits(r.schedule, o->slots, e))) return false;
  r.calendar = schedule_calendar(a, o, r.schedule);
  if ((o->calendar && !write_calendar(&r, o, e)) || (o->execute && !carry_out(&r, o, e)) ||
      (o->svg && !schedule_picture(&r, o->svg, e)) || (o->vcd && !write_wave(&r, o, e)))
    return false;
  if (o->unscheduled) let_loose(&r, o);
  if (o->json)
    schedule_json(t, &r);
  else
    schedule_text(t, &r);
  return true;
}

int command_schedule(struct arena *a, const struct options *o, struct err *e) {
  if (o->train) return schedule_train(a, o, e);
  struct model m;
  struct text t = {0};
  bool shapes = plan_is_shapes(o->model);
  if (!(shapes ? plan_shapes(a, o, &m, e) : command_model(a, o, &m, e))) return EXIT_USER;
  if (!m.fixed) return err_put(e, COMMAND_FLOAT, o->model), EXIT_USER;
  struct node_machine machine = schedule_machine(a, o, o->nodes ? o->nodes : 1);
  const struct actors *v =
      o->range ? actors_of(a, m.fixed, grain_of(o->grain), machine.link_bits, e) : NULL;
  bool ok =
      o->range ? v && schedule_sweep(a, o, v, &t, e) : one_schedule(a, o, m.fixed, &machine, &t, e);
  if (ok)
    fwrite(t.data, 1, t.size, stdout);
  else
    err_put_within(e, "%s", o->model);
  text_free(&t);
  return ok ? EXIT_GOOD : EXIT_USER;
}
