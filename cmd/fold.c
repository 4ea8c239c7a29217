// SPDX-License-Identifier: Apache-2.0
// The circuit of a model with the lanes that the options ask for, or that they leave to the
// planner.
#include "cmd/command.h"
#include "sw/base/file.h"
#include "sw/base/sha256.h"
#include "sw/circuit/facts.h"
#include "sw/graph/model.h"

#include <stdlib.h>
#include <string.h>

#define CLOCK_DEFAULT 100.0 // MHz
#define CYCLES_MOST ((int64_t)1 << 40)

double command_clock(const struct options *o) {
  return o->clock ? strtod(o->clock, NULL) : CLOCK_DEFAULT;
}

// The frames per second that are asked for, in cycles of the clock.
static bool read_rate(const struct options *o, struct target *t, struct err *e) {
  char *end = NULL;
  double fps = o->target_fps ? strtod(o->target_fps, &end) : 0;
  double hertz = command_clock(o) * 1e6;
  if (!o->target_fps) return true;
  if (*end || !(fps > 0 && fps <= 1e12))
    return err_set(e, "--target-fps %s: expected frames per second, up to 1e12", o->target_fps);
  if (o->target_cycles) return err_set(e, "--target-cycles and --target-fps: give one of them");
  if (fps > hertz)
    return err_set(e, "--target-fps %s: more frames than --clock has cycles, %.0f per second",
                   o->target_fps, hertz);
  t->cycles = hertz / fps > (double)CYCLES_MOST ? CYCLES_MOST : (int64_t)(hertz / fps);
  return true;
}

bool command_target(const struct options *o, struct target *t, struct err *e) {
  *t = (struct target){.cycles = o->target_cycles,
                       .multipliers = o->max_multipliers,
                       .memory_bits = o->max_memory,
                       .what = {.pack = o->pack_products}};
  if (o->ram_style && !ram_style_read(o->ram_style, &t->what.ram_style))
    return err_set(e, "--ram-style %s: expected auto, block or distributed", o->ram_style);
  const char *asked = o->target_cycles     ? "--target-cycles"
                      : o->target_fps      ? "--target-fps"
                      : o->max_multipliers ? "--max-multipliers"
                      : o->max_memory      ? "--max-memory"
                      : o->device          ? "--device"
                                           : NULL;
  if (asked && (o->parallelism || o->folding))
    return err_set(e, "%s chooses the lanes of every layer: leave %s away", asked,
                   o->parallelism ? "--parallelism" : "--folding");
  if (o->device && !(t->device = device_find(o->device, e))) return false;
  if (o->pack_products && t->device && t->device->family != FAMILY_XC7)
    return err_set(e, "--pack-products: %s (%s) has no multipliers of 25 x 18 bits", o->device,
                   family_title(t->device->family));
  return read_rate(o, t, e);
}

bool command_wants(const struct options *o) {
  return o->target_cycles || o->target_fps || o->max_multipliers || o->max_memory || o->device;
}

// Lanes beyond a layer's elements were asked for: it has one for each.
static void note_lanes(const struct options *o, const struct circuit *p, const struct folding *f) {
  for (uint32_t i = 0; i < f->n_layers; i++)
    for (uint32_t k = 0; k < p->n_cells; k++) {
      const struct folding_entry *l = &f->layers[i];
      const struct cell *c = &p->cells[k];
      if (c->kind != CELL_LAYER || strcmp(p->graph->nodes[c->node].name, l->name) != 0) continue;
      if (l->in > cell_elements_in(c))
        command_note(o, "%s: \"%s\": %lld lanes in, but %lld elements: it gets %lld", o->folding,
                     l->name, (long long)l->in, (long long)cell_elements_in(c),
                     (long long)cell_lanes_in(p, c));
      if (l->out > c->out[0]->elements)
        command_note(o, "%s: \"%s\": %lld lanes out, but %lld elements: it gets %lld", o->folding,
                     l->name, (long long)l->out, (long long)c->out[0]->elements,
                     (long long)c->out[0]->lanes);
    }
}

// "tlast", "count" or "count:N" as struct circuit's transfer.
bool command_framing(const struct options *o, int64_t *transfer, struct err *e) {
  char *end = NULL;
  const char *text = o->framing ? o->framing : "tlast";
  *transfer = strcmp(text, "count") == 0;
  if (*transfer || strcmp(text, "tlast") == 0) return true;
  bool counted = strncmp(text, "count:", 6) == 0 && text[6] >= '1' && text[6] <= '9';
  if (counted) *transfer = strtoll(text + 6, &end, 10);
  return (counted && !*end && *transfer <= TRANSFER_MAX) ||
         err_set(e, "--framing %s: expected tlast, count or count:N with N from 1 to %d", text,
                 TRANSFER_MAX);
}

// The circuit with the lanes and memories that are asked for.
static struct circuit *fold(struct arena *a, const struct options *o, const struct graph *g,
                            const char *top, enum ram_style style, struct err *e) {
  struct folding f = {.parallelism = o->parallelism, .ram_style = style, .pack = o->pack_products};
  uint32_t left = 0;
  if (o->folding && !folding_read(a, o->folding, &f, e)) return NULL;
  if (!folding_resolve(&f, g, &left, e)) {
    err_put_within(e, "%s", o->folding);
    return NULL;
  }
  if (left)
    command_note(o, "%s: %u entries are about what isn't a layer with weights here: left alone",
                 o->folding, left);
  struct circuit *p = circuit_build(a, g, top, &f, e);
  if (!p) err_put_within(e, "%s", o->model);
  if (p) note_lanes(o, p, &f);
  return p;
}

// Case statements have no array to which an attribute belongs.
static bool leaves_memories(const struct circuit *p, struct err *e) {
  for (uint32_t i = 0; i < p->n_cells; i++)
    if (p->cells[i].ram_style > RAM_AUTO)
      return err_set(e, "\"%s\": %s memory: --rom-style case has no memory to put somewhere",
                     p->graph->nodes[p->cells[i].node].name, ram_style_text(p->cells[i].ram_style));
  return true;
}

// A mask that was made for other lanes leaves most steps with a weight.
static void warn_steps(struct arena *a, const struct circuit *p, struct warnings *w) {
  for (uint32_t i = 0; i < p->n_cells; i++) {
    const struct cell *c = &p->cells[i];
    if (c->kind != CELL_LAYER || c->timing.kind != TIMING_LINEAR) continue;
    const struct circuit_linear *l = c->facts;
    const struct node *n = &p->graph->nodes[c->node];
    const struct value *weights = node_in(p->graph, n, 1);
    double all = (double)value_elements(weights),
           cut = 1 - (double)value_connections(weights) / all;
    double left_out = l->sparse ? 1 - (double)l->words / (double)(l->ib * l->og) : 0;
    if (cut < 0.5 || left_out >= cut / 2) continue;
    long long in = c->in[0]->lanes, out = c->out[0]->lanes;
    const char *remedy =
        l->sets > 1 ? "a convolution with groups does all of them"
        : l->ib < 2 || l->og < SPARSE_GROUPS_LEAST
            ? "it needs several beats in and three out, so fewer lanes (--folding)"
            : arena_printf(a,
                           "prune it with --kind slot --lanes %lldx%lld, or give it the lanes "
                           "that it was pruned for (--folding)",
                           in, out);
    warnings_add(a, w, n->name,
                 "its mask cuts %.0f %% of its weights, but with %lld x %lld lanes %.0f %% of its "
                 "steps are left out: %s",
                 100 * cut, in, out, 100 * left_out, remedy);
  }
}

struct circuit *command_circuit(struct arena *a, const struct options *o, struct model *m,
                                struct lane_plan *plan, const char **model_sha256, struct err *e) {
  struct target target;
  struct lane_plan own;
  struct bytes file;
  const char *top = o->name ? o->name : "top";
  if (!command_target(o, &target, e) || !command_model(a, o, m, e) ||
      !file_read(a, load_path(a, o->model), MODEL_BYTES_MAX, &file, e))
    return NULL;
  *model_sha256 = sha256_hex(a, file.data, file.size);
  if (!m->fixed) {
    err_put(e, COMMAND_FLOAT, o->model);
    return NULL;
  }
  struct circuit *p = command_wants(o)
                          ? circuit_meet(a, m->fixed, top, &target, plan ? plan : &own, e)
                          : fold(a, o, m->fixed, top, target.what.ram_style, e);
  if (!p && command_wants(o)) err_put_within(e, "%s", o->model);
  if (p && o->rom_style && strcmp(o->rom_style, "case") == 0) p->rom_style = ROM_CASE;
  if (p && p->rom_style == ROM_CASE && !leaves_memories(p, e)) return NULL;
  uint32_t before = m->warnings.count;
  if (p) warn_steps(a, p, &m->warnings);
  command_warn(o, &m->warnings, before);
  if (p) command_framing(o, &p->transfer, e);
  return p;
}
