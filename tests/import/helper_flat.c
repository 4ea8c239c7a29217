// SPDX-License-Identifier: Apache-2.0
#include "tests/import/helper_flat.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>

#include <cmocka.h>

#include <string.h>

enum { SLOT = 8, HEAD = 4 }; // bytes of every field, so that all are aligned

static void put(struct flat *f, size_t at, const void *data, size_t bytes) {
  assert_true(at + bytes <= FLAT_ROOM);
  memcpy(f->data + at, data, bytes);
}

static void put32(struct flat *f, size_t at, uint32_t v) {
  put(f, at, &v, sizeof v);
}

static void put16(struct flat *f, size_t at, uint16_t v) {
  put(f, at, &v, sizeof v);
}

// So many zeros, from a multiple of 8 on; where.
static size_t room(struct flat *f, size_t bytes) {
  size_t at = (f->size + SLOT - 1) / SLOT * SLOT;
  assert_true(at + bytes <= FLAT_ROOM);
  f->size = at + bytes;
  return at;
}

// A table of so many fields, all absent, that the reference at `from` leads to.
static size_t table(struct flat *f, size_t from, int fields) {
  size_t vtable = room(f, HEAD + 2 * (size_t)fields), at = room(f, SLOT + SLOT * (size_t)fields);
  put16(f, vtable, (uint16_t)(HEAD + 2 * fields));
  put16(f, vtable + 2, (uint16_t)(SLOT + SLOT * fields));
  put32(f, at, (uint32_t)(at - vtable));
  put32(f, from, (uint32_t)(at - from));
  return at;
}

// Where a field of a table lies, which now is there.
static size_t field(struct flat *f, size_t t, int number) {
  uint32_t back;
  memcpy(&back, f->data + t, sizeof back);
  put16(f, t - back + HEAD + 2 * (size_t)number, (uint16_t)(SLOT + SLOT * number));
  return t + SLOT + SLOT * (size_t)number;
}

// A vector of so many elements of so many bytes; where element 0 is.
static size_t vector(struct flat *f, size_t t, int number, size_t count, size_t size) {
  size_t from = field(f, t, number), at = room(f, SLOT + count * size) + HEAD;
  put32(f, from, (uint32_t)(at - from));
  put32(f, at, (uint32_t)count);
  return at + HEAD;
}

static void numbers(struct flat *f, size_t t, int number, int count, const int *values) {
  size_t at = vector(f, t, number, (size_t)count, 4);
  for (int i = 0; i < count; i++) put32(f, at + 4 * (size_t)i, (uint32_t)values[i]);
}

static void text(struct flat *f, size_t t, int number, const char *s) {
  put(f, vector(f, t, number, strlen(s), 1), s, strlen(s));
}

static void quantization(struct flat *f, size_t t, const struct made_tensor *m) {
  int count = m->scales ? m->scales : 1;
  size_t q = table(f, field(f, t, 4), 7), at = vector(f, q, 2, (size_t)count, 4);
  for (int i = 0; i < count; i++) put(f, at + 4 * (size_t)i, &m->scale, 4);
  at = vector(f, q, 3, (size_t)count, 8);
  for (int i = 0; i < count; i++) put(f, at + 8 * (size_t)i, &m->zero, 8);
}

static void tensor(struct flat *f, size_t from, const struct made_tensor *m, uint32_t buffer) {
  size_t t = table(f, from, 5);
  numbers(f, t, 0, m->rank, m->shape);
  f->data[field(f, t, 1)] = (uint8_t)m->type;
  put32(f, field(f, t, 2), m->data ? buffer : 0);
  if (m->name) text(f, t, 3, m->name);
  if (m->scale != 0) quantization(f, t, m);
}

static void options(struct flat *f, size_t from, const struct made_option *o) {
  size_t t = table(f, from, 8);
  for (; o->kind; o++) {
    if (o->kind == MADE_TEXT)
      text(f, t, o->field, o->text);
    else if (o->kind == MADE_REAL)
      put(f, field(f, t, o->field), &o->real, 4);
    else if (o->kind == MADE_BYTE)
      f->data[field(f, t, o->field)] = (uint8_t)o->number;
    else
      put32(f, field(f, t, o->field), (uint32_t)o->number);
  }
}

// Operator codes are one for each operator.
static void op(struct flat *f, size_t from, const struct made_op *o, uint32_t code) {
  size_t t = table(f, from, 5);
  put32(f, field(f, t, 0), code);
  numbers(f, t, 1, o->n_in, o->in);
  numbers(f, t, 2, o->n_out, o->out);
  if (o->options[0].kind) options(f, field(f, t, 4), o->options);
}

struct totals {
  uint32_t codes, buffers;
};

static void subgraph(struct flat *f, size_t from, const struct made_graph *g, struct totals *n) {
  size_t t = table(f, from, 4), at = vector(f, t, 0, (size_t)g->n_tensors, 4);
  for (int i = 0; i < g->n_tensors; i++)
    tensor(f, at + 4 * (size_t)i, &g->tensors[i], ++n->buffers);
  numbers(f, t, 1, g->n_in, g->in);
  numbers(f, t, 2, g->n_out, g->out);
  at = vector(f, t, 3, (size_t)g->n_ops, 4);
  for (int i = 0; i < g->n_ops; i++) op(f, at + 4 * (size_t)i, &g->ops[i], n->codes++);
}

static void code(struct flat *f, size_t from, int number) {
  size_t t = table(f, from, 4);
  f->data[field(f, t, 0)] = (uint8_t)(number < 127 ? number : 127);
  put32(f, field(f, t, 3), (uint32_t)number);
}

static void codes(struct flat *f, size_t model, const struct made_graph *graphs, int count) {
  size_t all = 0;
  for (int i = 0; i < count; i++) all += (size_t)graphs[i].n_ops;
  size_t at = vector(f, model, 1, all, 4);
  for (int i = 0; i < count; i++)
    for (int k = 0; k < graphs[i].n_ops; k++, at += 4) code(f, at, graphs[i].ops[k].code);
}

// Buffer 0 is empty, and each tensor has its own.
static void buffers(struct flat *f, size_t model, const struct made_graph *graphs, int count) {
  size_t all = 1;
  for (int i = 0; i < count; i++) all += (size_t)graphs[i].n_tensors;
  size_t at = vector(f, model, 4, all, 4);
  table(f, at, 1);
  for (int i = 0; i < count; i++)
    for (int k = 0; k < graphs[i].n_tensors; k++) {
      const struct made_tensor *m = &graphs[i].tensors[k];
      size_t t = table(f, at += 4, 1);
      if (m->data) put(f, vector(f, t, 0, m->bytes, 1), m->data, m->bytes);
    }
}

void flat_make(struct flat *f, const struct made_graph *graphs, int count) {
  struct totals n = {0};
  memset(f, 0, sizeof *f);
  f->size = 8;
  memcpy(f->data + 4, "TFL3", 4);
  size_t model = table(f, 0, 5);
  put32(f, field(f, model, 0), 3);
  codes(f, model, graphs, count);
  size_t at = vector(f, model, 2, (size_t)count, 4);
  for (int i = 0; i < count; i++) subgraph(f, at + 4 * (size_t)i, &graphs[i], &n);
  buffers(f, model, graphs, count);
}
