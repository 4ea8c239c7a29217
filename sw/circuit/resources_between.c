// SPDX-License-Identifier: Apache-2.0
// The parts of the cells between layers.
#include "sw/base/bits.h"
#include "sw/circuit/resources.h"

static int64_t bits(const struct stream *s) {
  return s->lanes * s->width;
}

static int64_t common(int64_t a, int64_t b) {
  return b ? common(b, a % b) : a;
}

// hw/axis_resize.sv: a buffer of whole output beats, into which a beat goes at one of some places.
static void resize_bill(const struct cell *c, struct bill *n) {
  int64_t unit = common(c->in[0]->lanes, c->out[0]->lanes);
  int64_t in = c->in[0]->lanes / unit, out = c->out[0]->lanes / unit;
  int64_t most = in <= out ? out : out - 1, places = (most + in + out - 1) / out * out;
  n->part = PART_resize;
  n->term[TERM_STREAM] += (double)(places * unit * c->in[0]->width);
  n->term[TERM_SUMS] += (double)((most + 1) * in * unit * c->in[0]->width);
  if (in > out) n->term[TERM_DATA] += (double)(places * unit * c->in[0]->width);
  bill_counter(n, places + 1);
  bill_counter(n, c->out[0]->beats);
}

// hw/axis_window.sv: two walks over the image, one over the kernel, and the ring.
static void window_bill(const struct cell *c, struct bill *n) {
  const struct circuit_window *w = c->facts;
  const struct window *s = &w->shape;
  int64_t beat = w->lanes * c->in[0]->width,
          banks = w->taps > 1 ? w->capacity / w->used[COLUMNS] : 1;
  int64_t places = w->taps > 1 ? w->used[COLUMNS] * w->beats : w->capacity * w->beats;
  n->part = PART_window;
  for (int axis = 0; axis < WINDOW_AXES; axis++) {
    int64_t span = (s->kernel[axis] - 1) * s->dilation[axis];
    for (int walk = 0; walk < 2; walk++) bill_counter(n, s->in[axis] + s->before[axis] + span + 2);
    bill_counter(n, s->out[axis]);
    bill_counter(n, s->kernel[axis]);
  }
  for (int walk = 0; walk < 2; walk++) {
    bill_counter(n, w->beats);
    bill_counter(n, places);
  }
  if (w->kept) bill_counter(n, w->kept + 1);
  if (w->skips) bill_counter(n, (int64_t)1 << c->out[0]->number);
  bill_counter(n, w->capacity + (w->used[ROWS] + 1) * w->used[COLUMNS] + 1);
  bill_ram(n, banks, beat, places);
  n->term[TERM_STREAM] += (double)(w->taps * beat + 2 * c->out[0]->number);
  if (banks > 1) n->term[TERM_SUMS] += (double)(w->taps * banks * beat);
  n->term[TERM_LANES] += (double)w->taps;
}

enum { SHIFT_LEAST = 3, SHIFT_MOST = 32 }; // yosys' xilinx_srl

// The columns of a window that may be beside the row.
static int64_t hidden(const struct circuit_slide *s) {
  int64_t beyond = circuit_slide_last(s) - (s->in - 1), count = 0;
  for (int64_t k = 0; k < s->kernel; k++)
    count += k * s->dilation < s->before || (s->kernel - 1 - k) * s->dilation < beyond;
  return count;
}

// hw/axis_slide.sv: a shift register, of which multiplexers hide what is beside a row. What is
// between two columns of a window is LUTs of 7 series, of up to 32 places each, if there are
// enough.
static void slide_bill(const struct cell *c, struct bill *n) {
  const struct circuit_slide *s = c->facts;
  int64_t column = s->lanes * c->in[0]->width, gap = s->dilation * s->beats;
  bool shifts = n->family == FAMILY_XC7 && gap >= SHIFT_LEAST;
  n->part = PART_slide;
  n->term[TERM_STREAM] += (double)(s->kernel * s->lanes * c->in[0]->width);
  n->term[TERM_WORDS] += (double)(column + (shifts ? 0 : c->memory_bits));
  if (shifts) n->lut += (s->kernel - 1) * column * ((gap + SHIFT_MOST - 1) / SHIFT_MOST);
  n->term[TERM_SUMS] += (double)(hidden(s) * column);
  for (int walk = 0; walk < 2; walk++) bill_counter(n, circuit_slide_last(s) + 1);
  bill_counter(n, s->beats);
  bill_counter(n, s->stride);
}

// As fixed_cast: a value without its zero point, requantised.
static void cast_bill(const struct cell *c, struct bill *n) {
  const struct circuit_pointwise *p = c->facts;
  n->part = PART_exact;
  n->term[TERM_LANES] = (double)c->in[0]->lanes;
  n->term[TERM_DATA] += (double)(c->in[0]->lanes * (p->in_width + 2));
  bill_requant(n, c->in[0]->lanes, p->in_width + 2, &p->requant, false);
}

static void constant_bill(const struct cell *c, struct bill *n) {
  const struct circuit_constant *f = c->facts;
  n->part = PART_constant;
  bill_rom(n, 1, bits(c->out[0]), f->depth, 1);
  bill_counter(n, f->depth);
  bill_counter(n, c->out[0]->beats);
  n->term[TERM_STREAM] += (double)bits(c->out[0]);
}

static void state_bill(const struct cell *c, struct bill *n) {
  n->part = PART_queue;
  bill_queue(n, bits(c->out[0]), c->timing.queue);
  bill_counter(n, c->timing.ib + 1);
}

// A module that only holds or passes beats.
static void stream_bill(const struct cell *c, enum part part, struct bill *n) {
  n->part = part;
  n->term[TERM_STREAM] += (double)bits(c->in[0]) + 1;
  n->term[TERM_LANES] += c->n_out;
}

void bill_between(const struct cell *c, struct bill *n) {
  switch (c->kind) {
  case CELL_FRAME:
    stream_bill(c, PART_frame, n);
    bill_counter(n, c->in[0]->beats);
    return;
  case CELL_RESIZE:
    resize_bill(c, n);
    return;
  case CELL_REGISTER:
    stream_bill(c, PART_register, n);
    return;
  case CELL_TRIM:
    n->part = PART_trim;
    n->term[TERM_STREAM] +=
        (double)((c->in[0]->lanes - c->in[0]->elements % c->in[0]->lanes) * c->in[0]->width);
    return;
  case CELL_FORK:
    n->part = PART_fork;
    n->term[TERM_LANES] += c->n_out;
    return;
  case CELL_QUEUE:
    n->part = PART_queue;
    bill_queue(n, bits(c->in[0]), c->timing.queue);
    return;
  case CELL_GROUP:
    circuit_concat_bill(c, n);
    return;
  case CELL_CAST:
    cast_bill(c, n);
    return;
  case CELL_CONSTANT:
    constant_bill(c, n);
    return;
  case CELL_WINDOW:
    window_bill(c, n);
    return;
  case CELL_SLIDE:
    slide_bill(c, n);
    return;
  case CELL_STATE:
    state_bill(c, n);
    return;
  case CELL_LAYER:
    return;
  }
}
