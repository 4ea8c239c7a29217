// SPDX-License-Identifier: Apache-2.0
#include "cmd/plan.h"
#include "sw/base/json.h"
#include "sw/base/listing.h"
#include "sw/circuit/energy.h"

enum { LAYER_FIELDS = 13, SWEEP_FIELDS = 5, ROWS_MOST = 32 };

// Without a device estimates are of 7 series.
static enum family family_of(const struct device *d) {
  return d ? d->family : FAMILY_XC7;
}

static double frames(double clock, int64_t cycles) {
  return clock * 1e6 / (double)cycles;
}

// ---- a plan

static bool in_folding(const struct lane_plan *plan, const char *name) {
  for (uint32_t i = 0; i < plan->folding.n_layers; i++)
    if (strcmp(plan->folding.layers[i].name, name) == 0) return true;
  return false;
}

static const char *weighted_why(struct arena *a, const struct circuit *p, const struct choice *c) {
  const char *pace = c->cycles == p->ii ? "sets the pace; " : "";
  if (!c->slower) return arena_printf(a, "%sthe fewest lanes", pace);
  if (!c->fewer)
    return arena_printf(a, "%sfewer lanes would take %lld cycles", pace, (long long)c->slower);
  return arena_printf(a, "%s%lld multiplier%s would take %lld cycles", pace, (long long)c->fewer,
                      c->fewer == 1 ? "" : "s", (long long)c->slower);
}

static const char *why(struct arena *a, const struct circuit *p, const struct lane_plan *plan,
                       const struct node *n, const struct choice *c) {
  if (!plan->choices) return "as asked";
  if (op_is(n->op, TRAIT_WEIGHTS)) return weighted_why(a, p, c);
  const char *pace = c->cycles == p->ii ? "sets the pace; " : "";
  return arena_printf(a, "%s%s", pace,
                      in_folding(plan, n->name) ? "more lanes than it reads, to keep up"
                                                : "the lanes of what it reads");
}

static const struct field layer_fields[LAYER_FIELDS] = {
    {"<layer", "name", FIELD_NAME, 0, 0},
    {"<op", "op", FIELD_TEXT, 0, 0},
    {"lanes in", "lanes_in", FIELD_COUNT, 0, 0},
    {"out", "lanes_out", FIELD_COUNT, 0, 0},
    {"cycles", "cycles", FIELD_COUNT, 0, 0},
    {"busy %", "busy", FIELD_SHARE, 1, 4},
    {"multipliers", "multipliers", FIELD_SOME, 0, 0},
    {"memory bits", "memory_bits", FIELD_SOME, 0, 0},
    {"LUT", "lut", FIELD_SOME, 0, 0},
    {"FF", "ff", FIELD_SOME, 0, 0},
    {"DSP", "dsp", FIELD_SOME, 0, 0},
    {"block RAM", "block_ram", FIELD_SOME, 0, 0},
    {"<why", "why", FIELD_TEXT, 0, 0},
};

static struct listing layers(struct arena *a, const struct circuit *p, const struct lane_plan *plan,
                             enum family family) {
  struct listing t = listing_new(a, layer_fields, LAYER_FIELDS);
  for (uint32_t i = 0; i < p->n_cells; i++) {
    const struct cell *c = &p->cells[i];
    if (c->kind != CELL_LAYER) continue;
    const struct node *n = &p->graph->nodes[c->node];
    const struct choice *choice = plan->choices ? &plan->choices[c->node] : NULL;
    int64_t cycles = choice ? choice->cycles : c->cycles;
    struct resources r = resources_cell(p, c, family);
    listing_row(&t, (struct figure[LAYER_FIELDS]){{.text = n->name},
                                                  {.text = op_info(n->op)->name},
                                                  {.count = cell_lanes_in(p, c)},
                                                  {.count = c->out[0]->lanes},
                                                  {.count = cycles},
                                                  {.real = (double)cycles / (double)c->ii},
                                                  {.count = c->multipliers},
                                                  {.count = c->memory_bits},
                                                  {.count = r.lut},
                                                  {.count = r.ff},
                                                  {.count = r.dsp},
                                                  {.count = r.bram},
                                                  {.text = why(a, p, plan, n, choice)}});
  }
  return t;
}

// Cells between the layers: casts multiply, rings and queues remember.
static void put_between(struct listing *t, const struct circuit *p, enum family family) {
  struct figure row[LAYER_FIELDS];
  int64_t multipliers = 0, bits = 0;
  struct resources all = {0};
  for (uint32_t i = 0; i < p->n_cells; i++) {
    if (p->cells[i].kind == CELL_LAYER) continue;
    multipliers += p->cells[i].multipliers;
    bits += p->cells[i].memory_bits;
    resources_add(&all, resources_cell(p, &p->cells[i], family));
  }
  if (!all.ff) return;
  for (int i = 0; i < LAYER_FIELDS; i++) row[i] = (struct figure){.blank = true};
  row[0] = (struct figure){.text = "between them"};
  row[1] = (struct figure){.text = ""};
  row[6] = (struct figure){.count = multipliers};
  row[7] = (struct figure){.count = bits};
  row[8] = (struct figure){.count = all.lut};
  row[9] = (struct figure){.count = all.ff};
  row[10] = (struct figure){.count = all.dsp};
  row[11] = (struct figure){.count = all.bram};
  row[12] = (struct figure){.text = "streams, windows, queues, casts"};
  listing_row(t, row);
}

// ---- what a device has of it

static const char *share(struct arena *a, const char *what, int64_t own, int64_t of) {
  return arena_printf(a, "%lld of %lld %s (%.3g %%)", (long long)own, (long long)of, what,
                      100.0 * (double)own / (double)of);
}

static void put_estimate(struct arena *a, struct text *t, const struct circuit *p,
                         const struct device *d) {
  struct resources r = resources_circuit(p, family_of(d));
  if (!d) {
    text_printf(t,
                "about %lld LUTs, %lld flip-flops; %lld DSP blocks, %lld block RAMs of 18 kbit\n",
                (long long)r.lut, (long long)r.ff, (long long)r.dsp, (long long)r.bram);
    return;
  }
  text_printf(t, "%s (%s): about %s, %s; %s, %s\n", d->name, family_title(d->family),
              share(a, "LUTs", r.lut, d->has.lut), share(a, "flip-flops", r.ff, d->has.ff),
              share(a, "DSP blocks", r.dsp, d->has.dsp),
              share(a, arena_printf(a, "block RAMs of %d kbit", family_kbit(d->family)), r.bram,
                    d->has.bram));
}

static void put_blocks(struct text *t, const struct resources *r) {
  text_printf(t, "\"lut\":%lld,\"ff\":%lld,\"dsp\":%lld,\"block_ram\":%lld}", (long long)r->lut,
              (long long)r->ff, (long long)r->dsp, (long long)r->bram);
}

static void put_estimate_json(struct text *t, const struct circuit *p, const struct device *d) {
  struct resources r = resources_circuit(p, family_of(d));
  text_puts(t, ",\"estimate\":{");
  put_blocks(t, &r);
  if (!d) return;
  text_printf(t, ",\"device\":{\"name\":\"%s\",\"family\":\"%s\",", d->name, family_id(d->family));
  put_blocks(t, &d->has);
}

static void put_energy(struct text *t, const struct circuit *p) {
  struct energy e = energy_of(p->graph);
  text_printf(t,
              "about %.3g nJ a frame by the " ENERGY_MODEL
              ": arithmetic %.3g, on-chip reads %.3g, off-chip %.3g\n",
              energy_sum(e) / 1000, e.arithmetic / 1000, e.on_chip / 1000, e.off_chip / 1000);
}

static void put_energy_json(struct text *t, const struct circuit *p) {
  struct energy e = energy_of(p->graph);
  text_puts(t, ",\"energy_pj\":{\"model\":\"" ENERGY_MODEL "\"");
  json_put_figure(t, "arithmetic", 1, e.arithmetic);
  json_put_figure(t, "on_chip", 1, e.on_chip);
  json_put_figure(t, "off_chip", 1, e.off_chip);
  text_puts(t, "}");
}

void plan_text(struct arena *a, struct text *t, const char *model, const struct circuit *p,
               const struct lane_plan *plan, double clock, const struct device *device) {
  text_put_escaped(t, model);
  text_printf(t,
              ": II %lld cycles, latency %lld cycles, %.6g frames/s at %g MHz, %lld multipliers, "
              "%lld memory bits\n",
              (long long)p->ii, (long long)p->latency, frames(clock, p->ii), clock,
              (long long)p->multipliers, (long long)p->memory_bits);
  put_estimate(a, t, p, device);
  put_energy(t, p);
  text_puts(t, "\n");
  struct listing table = layers(a, p, plan, family_of(device));
  put_between(&table, p, family_of(device));
  listing_put(&table, t);
}

void plan_json(struct arena *a, struct text *t, const struct circuit *p,
               const struct lane_plan *plan, double clock, const struct device *device,
               const struct warnings *w) {
  struct listing table = layers(a, p, plan, family_of(device));
  text_printf(t, "{\"ii\":%lld,\"latency\":%lld", (long long)p->ii, (long long)p->latency);
  json_put_figure(t, "frames_per_second", 3, frames(clock, p->ii));
  text_printf(t, ",\"multipliers\":%lld,\"memory_bits\":%lld,\"input_lanes\":%lld",
              (long long)p->multipliers, (long long)p->memory_bits, (long long)p->inputs[0].lanes);
  put_estimate_json(t, p, device);
  put_energy_json(t, p);
  text_puts(t, ",\"layers\":[");
  listing_put_json(&table, t);
  text_puts(t, "]");
  warnings_put_json(t, w);
  text_puts(t, "}\n");
}

// ---- all plans

static const char *slowest(const struct graph *g, const struct lane_plan *plan) {
  for (uint32_t i = 0; i < g->n_nodes; i++)
    if (plan->choices[i].cycles == plan->cycles) return g->nodes[i].name;
  return "";
}

static const struct field sweep_fields[SWEEP_FIELDS] = {
    {"cycles", "cycles", FIELD_COUNT, 0, 0},
    {"frames/s", "frames_per_second", FIELD_REAL, 0, 3},
    {"multipliers", "multipliers", FIELD_COUNT, 0, 0},
    {"weight bits", "weight_bits", FIELD_COUNT, 0, 0},
    {"<slowest layer", "slowest", FIELD_NAME, 0, 0},
};

static void add_plan(struct listing *t, const struct graph *g, const struct lane_plan *p,
                     double clock) {
  listing_row(t, (struct figure[SWEEP_FIELDS]){{.count = p->cycles},
                                               {.real = frames(clock, p->cycles)},
                                               {.count = p->multipliers},
                                               {.count = p->weight_bits},
                                               {.text = slowest(g, p)}});
}

// Rows whose cycles lie at least by such a factor apart that they are few.
static bool apart(const struct lane_plan *plans, uint32_t count, uint32_t last, uint32_t i) {
  if (i == 0 || i + 1 == count || count <= ROWS_MOST) return true;
  double whole = (double)plans[0].cycles / (double)plans[count - 1].cycles;
  double own = (double)plans[last].cycles / (double)plans[i].cycles, power = 1;
  for (int k = 0; k < ROWS_MOST - 2; k++) power *= own;
  return power >= whole;
}

void plan_sweep_text(struct arena *a, struct text *t, const char *model, const struct graph *g,
                     const struct lane_plan *plans, uint32_t count, double clock) {
  struct listing table = listing_new(a, sweep_fields, SWEEP_FIELDS);
  uint32_t last = 0, shown = 0;
  for (uint32_t i = 0; i < count; i++) {
    if (!apart(plans, count, last, i)) continue;
    add_plan(&table, g, &plans[i], clock);
    last = i;
    shown++;
  }
  text_put_escaped(t, model);
  text_printf(t, ": %u plans, none both faster and cheaper than another", count);
  if (shown < count) text_printf(t, ", %u of them shown", shown);
  text_printf(t, "; frames/s at %g MHz\n\n", clock);
  listing_put(&table, t);
}

void plan_sweep_json(struct arena *a, struct text *t, const struct graph *g,
                     const struct lane_plan *plans, uint32_t count, double clock,
                     const struct warnings *w) {
  struct listing table = listing_new(a, sweep_fields, SWEEP_FIELDS);
  for (uint32_t i = 0; i < count; i++) add_plan(&table, g, &plans[i], clock);
  text_puts(t, "{\"plans\":[");
  listing_put_json(&table, t);
  text_puts(t, "]");
  warnings_put_json(t, w);
  text_puts(t, "}\n");
}

// A name of the user's in quotes, in which gnuplot would take some characters for markup.
void plan_put_title(struct text *t, const char *name) {
  for (; *name; name++)
    text_printf(t, "%c", *name == '\'' || *name == '\\' || *name < ' ' ? '?' : *name);
}

void plan_script(struct text *t, const char *model, const struct lane_plan *plans, uint32_t count) {
  text_puts(t, "set terminal svg size 640,400 dynamic font 'sans-serif,12' name 'plan' noenhanced\n"
               "set title '");
  plan_put_title(t, model);
  text_puts(t, "'\nset xlabel 'cycles per frame'\nset ylabel 'multipliers'\nset logscale xy\n"
               "set grid\nset key off\n"
               "plot '-' using 1:2 with steps lc 1, '-' using 1:2 with points lc 1 pt 7 ps 0.4\n");
  for (int twice = 0; twice < 2; twice++) {
    for (uint32_t i = count; i-- > 0;)
      text_printf(t, "%lld %lld\n", (long long)plans[i].cycles, (long long)plans[i].multipliers);
    text_puts(t, "e\n");
  }
}
