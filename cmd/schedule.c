// SPDX-License-Identifier: Apache-2.0
// schedule: a network on K nodes, cycle by cycle.
#include "cmd/schedule.h"
#include "cmd/plan.h"
#include "sw/plan/schedule_check.h"

#include <stdlib.h>
#include <string.h>

// 0: a layer; -1: no such grain.
static int64_t grain_of(const char *word) {
  char *end;
  if (!word || strcmp(word, "neuron") == 0) return 1;
  if (strcmp(word, "layer") == 0) return GRAIN_LAYER;
  long long n = strtoll(word, &end, 10);
  return *word >= '1' && *word <= '9' && !*end && n <= DIM_MAX ? n : -1;
}

bool schedule_command_check(struct arena *a, const struct options *o, struct err *e) {
  if (!o->nodes) return err_set(e, "on how many nodes? give --nodes K, 1 to %d", NODES_MAX);
  if (o->nodes > NODES_MAX)
    return err_set(e, "--nodes %lld: expected 1 to %d", (long long)o->nodes, NODES_MAX);
  if (o->topology && topology_find(o->topology) == NONE)
    return err_set(e, "--topology %s: expected full, line, ring, mesh, torus, tree or hypercube",
                   o->topology);
  if (grain_of(o->grain) < 0)
    return err_set(e, "--grain %s: expected layer, neuron or a number of channels", o->grain);
  if (o->pace && strcmp(o->pace, "latency") != 0 && strcmp(o->pace, "throughput") != 0)
    return err_set(e, "--mode %s: expected latency or throughput", o->pace);
  if (!o->execute && (o->images || o->data.count))
    return err_set(e, "%s is about --run: give both", o->images ? "--images" : "--data");
  return command_check(a, o, e);
}

static struct node_machine machine_of(struct arena *a, const struct options *o) {
  int kind = o->topology ? topology_find(o->topology) : TOPOLOGY_MESH;
  return (struct node_machine){.topology =
                                   topology_new(a, (enum topology_kind)kind, (uint32_t)o->nodes),
                               .macs = o->macs ? o->macs : 1,
                               .link_bits = o->link_bits ? o->link_bits : 8,
                               .latency = o->latency ? o->latency : 1};
}

// A fault would be ours, not the user's.
static bool sound(struct arena *a, const struct schedule *s, struct err *e) {
  struct faults f = schedule_check(a, s);
  return !f.count || err_set(e, "the schedule has %u faults, which is a bug of this program: %s",
                             f.count, f.faults[0].text);
}

static bool carry_out(struct schedule_report *r, const struct options *o, struct err *e) {
  struct schedule_trial *t = &r->trial;
  if (!schedule_run(r->arena, o, r->calendar, t, e)) return false;
  return !t->mismatches || err_set(e, "%lld of %lld outputs differ from the C model's",
                                   (long long)t->mismatches, (long long)t->elements);
}

int command_schedule(struct arena *a, const struct options *o, struct err *e) {
  struct model m;
  struct text t = {0};
  bool shapes = plan_is_shapes(o->model);
  if (!(shapes ? plan_shapes(a, o, &m, e) : command_model(a, o, &m, e))) return EXIT_USER;
  if (!m.fixed) return err_put(e, COMMAND_FLOAT, o->model), EXIT_USER;
  struct node_machine machine = machine_of(a, o);
  const struct actors *v = actors_of(a, m.fixed, grain_of(o->grain), machine.link_bits, e);
  if (!v) return err_put_within(e, "%s", o->model), EXIT_USER;
  bool period = o->pace && strcmp(o->pace, "throughput") == 0;
  struct schedule *s =
      period ? schedule_make_period(a, v, &machine, e) : schedule_make(a, v, &machine, e);
  if (!s || !sound(a, s, e) || (o->slots && !calendar_fits(s, o->slots, e)))
    return err_put_within(e, "%s", o->model), EXIT_USER;
  struct schedule_report r = {.arena = a,
                              .model = o->model,
                              .grain = o->grain ? o->grain : "neuron",
                              .schedule = s,
                              .calendar = schedule_calendar(a, o, s),
                              .bounds = period ? schedule_period_bounds(v, &machine)
                                               : schedule_bounds(v, &machine)};
  if (o->execute && !carry_out(&r, o, e)) return err_put_within(e, "%s", o->model), EXIT_USER;
  if (o->json)
    schedule_json(&t, &r);
  else
    schedule_text(&t, &r);
  fwrite(t.data, 1, t.size, stdout);
  text_free(&t);
  return EXIT_GOOD;
}
