// SPDX-License-Identifier: Apache-2.0
// The circuit of a pool: hw/fixed_max_pool.sv or hw/fixed_avg_pool.sv, and in front of it
// hw/axis_window.sv if windows overlap or reach beyond the image.
#include "sw/base/bits.h"
#include "sw/circuit/facts.h"
#include "sw/circuit/resources.h"
#include "sw/graph/interval.h"
#include "sw/graph/pool.h"

enum { CARRY_BITS = 8, TILE_FACTS = 8 };

enum { MAGIC_BITS_MAX = 62, DIVIDES_STAGES = 2 };

static bool pool_lanes(const struct graph *g, const struct node *n, bool chosen, int64_t *in,
                       int64_t *out, struct err *e) {
  struct pool_window p;
  if (!pool_of(g, n, &p, e)) return false;
  if (chosen && *in != *out) return err_set(e, "its lanes in and out differ");
  if (chosen) return circuit_divides(p.window.channels, *in, "", e);
  *in = *out = circuit_divisor(p.window.channels, *in);
  return true;
}

static bool pads(const struct window *w) {
  bool any = false;
  for (int axis = 0; axis < WINDOW_AXES; axis++)
    any |= window_pads(w, axis, 0) || window_pads(w, axis, w->kernel[axis] - 1);
  return any;
}

// Whether each element is in one window at most: then what is known of those that are open takes
// less than the rows of the image that they need. Rows that are kept from frame to frame stay in a
// window.
static bool tiles(const struct graph *g, const struct node *n, const struct window *w) {
  struct circuit_line line;
  bool apart = true;
  for (int axis = 0; axis < WINDOW_AXES; axis++) {
    apart &= w->dilation[axis] == 1 || w->kernel[axis] == 1;
    apart &= w->stride[axis] >= w->kernel[axis] || w->out[axis] == 1;
  }
  return apart && !pads(w) && !circuit_line(g, n, &line);
}

// Of a maximum what is beside isn't 0.
static bool pool_windows(const struct graph *g, const struct node *n, struct window *w,
                         struct err *e) {
  struct pool_window p;
  if (!pool_of(g, n, &p, e)) return false;
  *w = p.window;
  return n->op != OP_max_pool || !pads(w);
}

// What stands beside the image never wins, or adds nothing.
static bool pool_shape(const struct graph *g, const struct node *n, int64_t in, int64_t out,
                       struct circuit_window *w, struct err *e) {
  const struct type *type = &node_in(g, n, 0)->type;
  struct pool_window p;
  (void)out;
  if (!pool_of(g, n, &p, e)) return false;
  *w = (struct circuit_window){.shape = p.window,
                               .lanes = in,
                               .taps = 1,
                               .beats = p.window.channels / in,
                               .groups = p.window.channels / in,
                               .steps = 1,
                               .pad = n->op == OP_max_pool ? type_lowest(type)
                                      : pool_of_codes(n)   ? 0
                                                           : type_from_integer(type, 0, 0)};
  circuit_line_keep(g, n, w);
  return true;
}

static bool pool_window(struct arena *a, const struct graph *g, const struct node *n, int64_t in,
                        int64_t out, struct circuit_window *w, struct err *e) {
  (void)a;
  if (!pool_shape(g, n, in, out, w, e)) return false;
  if (!tiles(g, n, &w->shape)) return circuit_window_size(w, e);
  *w = (struct circuit_window){0};
  return true;
}

static int64_t pool_cycles(const struct graph *g, const struct node *n, int64_t in, int64_t out) {
  struct circuit_window w;
  struct err e = {0};
  if (!pool_shape(g, n, in, out, &w, &e)) return 0;
  if (tiles(g, n, &w.shape)) return w.shape.in[ROWS] * w.shape.in[COLUMNS] * w.beats;
  return circuit_window_bound(&w);
}

// ---- averages

// The least shift whose multipliers give the quotients of hw/fixed_avg_pool.sv.
static bool find_magic(struct arena *a, struct circuit_pool *f, fix_wide most, struct err *e) {
  int64_t *magic = ARENA_NEW(a, int64_t, f->counts), largest = 0;
  for (int shift = 1; shift < 2 * MAGIC_BITS_MAX; shift++) {
    fix_wide power = (fix_wide)1 << shift;
    bool all = true;
    largest = 0;
    for (int64_t i = 0; i < f->counts && all; i++) {
      fix_wide own = power / f->divisor[i] + 1;
      all = most * (own * f->divisor[i] - power) < power;
      if (bits_unsigned((uint64_t)own) > MAGIC_BITS_MAX) all = false;
      magic[i] = (int64_t)own;
      largest = magic[i] > largest ? magic[i] : largest;
    }
    if (!all) continue;
    f->magic = magic;
    f->magic_shift = shift;
    f->magic_width = bits_unsigned((uint64_t)largest);
    return true;
  }
  return err_set(e, "its sums are too wide to be divided by %lld", (long long)f->divisor[0]);
}

// Each place its own factor, all at the largest shift.
static bool find_factors(struct arena *a, const struct node *n, struct circuit_pool *f,
                         const int64_t *counts, struct err *e) {
  int64_t *factor = ARENA_NEW(a, int64_t, f->counts), largest = 0;
  int shift = n->rq[0].shift[0];
  for (uint32_t i = 1; i < n->n_rq; i++)
    shift = n->rq[i].shift[0] > shift ? n->rq[i].shift[0] : shift;
  for (int64_t i = 0; i < f->counts; i++) {
    const struct requant *rq = n->rq;
    for (const int64_t *count = counts; *count != f->divisor[i]; count++) rq++;
    int up = shift - rq->shift[0];
    if (bits_unsigned((uint64_t)rq->mul[0]) + up > MAGIC_BITS_MAX)
      return err_set(e, "its requantisations are too far apart: multipliers of %d bits, at most %d",
                     bits_unsigned((uint64_t)rq->mul[0]) + up, MAGIC_BITS_MAX);
    factor[i] = rq->mul[0] << up;
    largest = factor[i] > largest ? factor[i] : largest;
  }
  f->magic = factor;
  f->magic_width = bits_unsigned((uint64_t)largest);
  f->requant.mul_width = 0;
  f->requant.mul = 1;
  f->requant.shift = shift;
  return true;
}

static int64_t count_along(const struct pool_window *p, int axis, int64_t o) {
  return axis == ROWS ? pool_count(p, o, 0) : pool_count(p, 0, o);
}

// Outputs of an axis whose windows have as many elements as the one before them are one run.
static void find_runs(struct arena *a, const struct pool_window *p, int axis,
                      struct circuit_pool *f) {
  int64_t outs = p->window.out[axis], *end = ARENA_NEW(a, int64_t, outs);
  for (int64_t o = 1; o <= outs; o++)
    if (o == outs || count_along(p, axis, o) != count_along(p, axis, o - 1))
      end[f->runs[axis]++] = o;
  f->end[axis] = end;
}

static void find_places(struct arena *a, const struct pool_window *p, struct circuit_pool *f) {
  for (int axis = 0; axis < WINDOW_AXES; axis++) find_runs(a, p, axis, f);
  f->counts = f->runs[ROWS] * f->runs[COLUMNS];
  int64_t *divisor = ARENA_NEW(a, int64_t, f->counts);
  for (int64_t i = 0; i < f->counts; i++)
    divisor[i] = pool_count(p, f->end[ROWS][i / f->runs[COLUMNS]] - 1,
                            f->end[COLUMNS][i % f->runs[COLUMNS]] - 1);
  f->divisor = divisor;
}

static bool divide(struct arena *a, const struct graph *g, const struct node *n,
                   struct circuit_pool *f, struct err *e) {
  struct pool_window p;
  int64_t n_counts;
  if (!pool_of(g, n, &p, e)) return false;
  const int64_t *counts = pool_counts(a, &p, &n_counts), count = counts[0];
  struct interval sum = interval_acc(g, n, KNOWN_PROVEN, 0);
  int least = type_stream_width(&node_in(g, n, 0)->type) + 2;
  find_places(a, &p, f);
  for (int64_t i = 0; type_is_bipolar(&node_in(g, n, 0)->type) && i < f->counts; i++)
    if (f->divisor[i] != p.window.kernel[ROWS] * p.window.kernel[COLUMNS])
      return err_set(e, "a window reaches beyond \"%s\", which is bipolar and has no 0 to pad with",
                     node_in(g, n, 0)->name);
  f->sum_width = interval_bits(sum) > least ? interval_bits(sum) : least;
  f->exact = n->rq[0].mul[0] == 1;
  f->scaled = f->counts > 1 || (f->exact && (count & (count - 1)) != 0);
  if (!f->exact && f->scaled) return find_factors(a, n, f, counts, e);
  if (!f->exact) return true;
  if (!f->scaled) {
    f->requant.shift = n->rq[0].shift[0] + bits_clog2(count);
    return true;
  }
  int shift = n->rq[0].shift[0];
  f->scale = shift < 0 ? 1 - shift : 1;
  f->requant.shift = shift + f->scale + 1;
  fix_wide most = -sum.lo > sum.hi ? -sum.lo : sum.hi;
  return find_magic(a, f, most << f->scale, e);
}

static bool multiplies(const struct circuit_pool *f) {
  return f->scaled || f->requant.mul_width > 0;
}

// Codes as they are: their zero point plays no part, and halves go away from 0.
static struct circuit_requant requant_of(const struct graph *g, const struct node *n) {
  struct node rounding = *n;
  if (pool_of_codes(n)) rounding.rounding = FIX_HALF_AWAY;
  struct circuit_requant r =
      circuit_requant_of(&rounding, node_out(g, n, 0), n->n_rq ? &n->rq[0] : NULL);
  if (pool_of_codes(n)) r.zero = 0;
  return r;
}

static bool pool_unit(const struct graph *g, const struct node *n, struct circuit_unit *u,
                      struct err *e) {
  struct arena scratch = {0};
  struct circuit_pool f = {.requant = requant_of(g, n)};
  bool ok = n->op != OP_avg_pool || divide(&scratch, g, n, &f, e);
  *u = (struct circuit_unit){.multipliers = multiplies(&f)};
  arena_free(&scratch);
  return ok;
}

// Bits of what is known of a window's beat.
static int64_t known_bits(const struct circuit_pool *f, const struct cell *c) {
  return c->in[0]->lanes * (f->average ? f->sum_width : c->in[0]->width);
}

// Where one place is enough it is a register. The step from the only window to the next is any
// that the image has no room for.
static void find_open(struct circuit_pool *f, struct cell *c) {
  for (int axis = 0; axis < WINDOW_AXES; axis++)
    if (f->shape.out[axis] == 1 && f->shape.stride[axis] < f->shape.kernel[axis])
      f->shape.stride[axis] = f->shape.kernel[axis];
  f->row = f->shape.out[COLUMNS] * f->beats;
  f->places = f->shape.kernel[ROWS] > 1 ? f->row : f->beats;
  c->memory_bits = f->places > 1 ? f->places * known_bits(f, c) : 0;
}

static bool make_pool(struct arena *a, const struct graph *g, struct cell *c, struct err *e) {
  const struct node *n = &g->nodes[c->node];
  const struct value *x = node_in(g, n, 0), *y = node_out(g, n, 0);
  struct circuit_pool *f = ARENA_NEW(a, struct circuit_pool, 1);
  struct pool_window p;
  if (!pool_of(g, n, &p, e)) return false;
  if (x->type.axis >= 0 || y->type.axis >= 0) return err_set(e, "its types have channels");
  if (node_attr(n, ATTR_slice)) return err_set(e, "it is a slice");
  if (n->n_rq && n->rq[0].count > 1) return err_set(e, "its requantisation has channels");
  *f = (struct circuit_pool){.average = n->op == OP_avg_pool,
                             .codes = pool_of_codes(n),
                             .tiles = tiles(g, n, &p.window),
                             .shape = p.window,
                             .beats = p.window.channels / c->in[0]->lanes,
                             .windows = c->out[0]->beats,
                             .requant = requant_of(g, n)};
  if (f->average && !divide(a, g, n, f, e)) return false;
  c->facts = f;
  c->cycles = c->in[0]->beats;
  if (f->tiles) find_open(f, c);
  c->timing = (struct timing){
      .kind = f->tiles ? TIMING_TILES : TIMING_ARGMAX,
      .latency = 1 + (f->scaled ? DIVIDES_STAGES : 0) + circuit_requant_stages(&f->requant),
      .ib = f->tiles ? c->in[0]->beats : p.window.kernel[ROWS] * p.window.kernel[COLUMNS]};
  c->multipliers = multiplies(f) ? c->in[0]->lanes : 0;
  return true;
}

// hw/fixed_avg_pool.sv divides by a product, and again for the rest; several places choose.
// Of the largest divisor, with a sign: of a table of a few constants yosys drops the bits above.
static int divisor_bits(const struct circuit_pool *f) {
  int64_t most = 1;
  for (int64_t i = 0; i < f->counts; i++)
    if (f->divisor[i] > most) most = f->divisor[i];
  return bits_unsigned((uint64_t)most) + 1;
}

static void average_bill(const struct circuit_pool *f, int64_t lanes, struct bill *n) {
  int num = f->sum_width + f->scale, product = num + f->magic_width + 1;
  int acc = !f->scaled ? f->sum_width : f->exact ? num + 1 : product;
  n->part = PART_avg_pool;
  n->term[TERM_DATA] += (double)(lanes * (f->sum_width + acc));
  n->term[TERM_SUMS] += (double)(lanes * f->sum_width);
  bill_requant(n, lanes, acc, &f->requant, false);
  if (!f->scaled) return;
  n->term[TERM_DATA] += (double)(lanes * (3 * num + f->magic_width + 1));
  if (f->exact) n->term[TERM_SUMS] += (double)(lanes * 3 * num);
  if (f->counts == 1) {
    bill_constant(n, lanes, num, f->magic_width + 1, f->magic[0]);
    bill_constant(n, lanes, num + 1, bits_unsigned((uint64_t)f->divisor[0]) + 1, f->divisor[0]);
    return;
  }
  for (int axis = 0; axis < WINDOW_AXES; axis++) {
    bill_counter(n, f->end[axis][f->runs[axis] - 1]);
    bill_counter(n, f->runs[axis]);
  }
  n->term[TERM_DATA] += (double)(f->magic_width + (f->exact ? 2 * num : 0));
  bill_multiply(n, lanes, num, f->magic_width + 1);
  if (f->exact) bill_multiply(n, lanes, num, divisor_bits(f));
}

// hw/fixed_partials.sv, hw/fixed_tiles.sv: a walk over the image and one over a window, places of
// three beats and what two of them are; and what is known of windows that are open, in a memory
// with a register behind it, beside which stands what it doesn't have yet.
static void tiles_bill(const struct cell *c, struct bill *n) {
  const struct circuit_pool *f = c->facts;
  bool again = f->beats == 1, alternates = f->beats == 2 || f->places == 2;
  n->part = f->average ? PART_avg_tiles : PART_max_tiles;
  for (int axis = 0; axis < WINDOW_AXES; axis++) {
    bill_counter(n, f->shape.in[axis]);
    bill_counter(n, f->shape.stride[axis]);
  }
  bill_counter(n, f->beats);
  n->term[TERM_CONTROL] += TILE_FACTS;
  if (f->places == 1) return;
  for (int beat = 0; beat < 3; beat++) bill_counter(n, f->places);
  bill_ram(n, 1, known_bits(f, c), f->places);
  n->term[TERM_DATA] += (double)(known_bits(f, c) * ((again || alternates) + alternates));
  // what is handed over is chosen in front of such a comparison
  if (!f->average && c->in[0]->width <= CARRY_BITS)
    n->term[TERM_PRODUCTS] += (double)(known_bits(f, c) * (again + alternates));
}

static void pool_bill(const struct cell *c, struct bill *n) {
  const struct circuit_pool *f = c->facts;
  int64_t lanes = c->in[0]->lanes;
  if (!f->tiles) bill_counter(n, f->windows);
  n->term[TERM_LANES] = (double)lanes;
  if (f->average) {
    average_bill(f, lanes, n);
    if (f->tiles) tiles_bill(c, n);
    return;
  }
  int width = c->in[0]->width;
  n->part = PART_max_pool;
  n->term[TERM_STREAM] += (double)(lanes * (f->requant.cast ? width + 2 : width));
  n->term[TERM_DATA] += (double)(lanes * width);
  // of more bits yosys makes a comparison of carries, of ECP5 at twice the price; of others LUTs
  n->term[width > CARRY_BITS ? TERM_SUMS : TERM_PRODUCTS] += (double)(lanes * width);
  bill_requant(n, lanes, width + 2, &f->requant, false);
  if (f->tiles) tiles_bill(c, n);
}

const struct circuit_column circuit_pool = {.make = make_pool,
                                            .lanes = pool_lanes,
                                            .cycles = pool_cycles,
                                            .unit = pool_unit,
                                            .windows = pool_windows,
                                            .bill = pool_bill,
                                            .window = pool_window};
