// SPDX-License-Identifier: Apache-2.0
#include "sw/import/flatbuffer.h"

#include <string.h>

enum { REFERENCE = 4, VISITS_PER_BYTE = 16, VISITS_LEAST = 1 << 16, TEXT_MOST = 1 << 16 };

// Whether `bytes` bytes lie at `at`; otherwise the buffer is broken.
static bool there(struct flatbuffer *b, size_t at, size_t bytes) {
  if (b->broken) return false;
  if (at <= b->size && bytes <= b->size - at) return true;
  b->broken = true;
  return err_set(b->err, "%zu bytes at byte %zu, the file has %zu: it is cut or damaged", bytes, at,
                 b->size);
}

static void damaged(struct flatbuffer *b, size_t at, const char *what) {
  if (b->broken) return;
  b->broken = true;
  err_put(b->err, "%s at byte %zu: the file is damaged", what, at);
}

static bool visit(struct flatbuffer *b, int64_t elements) {
  if (b->broken) return false;
  b->budget -= elements;
  if (b->budget >= 0) return true;
  b->broken = true;
  return err_set(b->err, "its parts are shared so often that they are far more than the file");
}

static uint64_t load(struct flatbuffer *b, size_t at, size_t bytes) {
  uint64_t v = 0;
  if (!there(b, at, bytes)) return 0;
  for (size_t i = 0; i < bytes; i++) v |= (uint64_t)b->data[at + i] << 8 * i;
  return v;
}

static size_t size_of(enum flat_kind kind) {
  static const uint8_t sizes[] = {[FLAT_I8] = 1,  [FLAT_U8] = 1,  [FLAT_I16] = 2, [FLAT_U16] = 2,
                                  [FLAT_I32] = 4, [FLAT_U32] = 4, [FLAT_I64] = 8, [FLAT_F32] = 4};
  return sizes[kind];
}

static int64_t number(struct flatbuffer *b, size_t at, enum flat_kind kind) {
  uint64_t v = load(b, at, size_of(kind));
  if (kind == FLAT_I8) return (int8_t)v;
  if (kind == FLAT_I16) return (int16_t)v;
  if (kind == FLAT_I32) return (int32_t)v;
  return (int64_t)v;
}

static float real(struct flatbuffer *b, size_t at) {
  uint32_t bits = (uint32_t)load(b, at, sizeof bits);
  float v;
  memcpy(&v, &bits, sizeof v);
  return v;
}

// Where the reference at `at` leads: forward, so never to itself.
static size_t follow(struct flatbuffer *b, size_t at) {
  size_t by = (size_t)load(b, at, REFERENCE);
  if (by < REFERENCE) damaged(b, at, "a reference leads to itself");
  return b->broken || !there(b, at + by, REFERENCE) ? 0 : at + by;
}

static struct flat_table table_at(struct flatbuffer *b, size_t at) {
  struct flat_table t = {.buffer = b};
  if (!at || !visit(b, 1)) return t;
  int64_t back = number(b, at, FLAT_I32), vtable = (int64_t)at - back;
  if (vtable < 0) damaged(b, at, "a table's fields lie before the file");
  if (b->broken) return t;
  t.vbytes = (uint32_t)load(b, (size_t)vtable, 2);
  t.tbytes = (uint32_t)load(b, (size_t)vtable + 2, 2);
  if (!there(b, (size_t)vtable, t.vbytes) || !there(b, at, t.tbytes)) return t;
  t.at = at;
  t.vtable = (size_t)vtable;
  return t;
}

// Where a field of so many bytes lies; 0 if it is absent.
static size_t field_at(struct flat_table t, uint32_t field, size_t bytes) {
  size_t entry = 4 + 2 * (size_t)field;
  if (!t.at || entry + 2 > t.vbytes) return 0;
  size_t offset = (size_t)load(t.buffer, t.vtable + entry, 2);
  if (!offset) return 0;
  if (offset + bytes > t.tbytes) damaged(t.buffer, t.at, "a field is outside of its table");
  return t.buffer->broken ? 0 : t.at + offset;
}

static struct flat_vector vector_at(struct flat_table t, uint32_t field, size_t element) {
  struct flat_vector v = {.buffer = t.buffer, .size = (uint32_t)element};
  size_t at = field_at(t, field, REFERENCE), from = at ? follow(t.buffer, at) : 0;
  uint32_t count = from ? (uint32_t)load(t.buffer, from, 4) : 0;
  if (!count || !there(t.buffer, from + 4, count * element)) return v;
  v.at = from + 4;
  v.count = count;
  return v;
}

// ---- public

struct flatbuffer flatbuffer_new(const void *data, size_t size, const char *identifier,
                                 struct err *e) {
  struct flatbuffer b = {.data = data, .size = size, .err = e};
  b.budget = VISITS_LEAST + VISITS_PER_BYTE * (int64_t)size;
  if (there(&b, 0, 8) && memcmp(b.data + 4, identifier, 4) != 0) {
    b.broken = true;
    err_put(e, "expected the identifier %s at byte 4", identifier);
  }
  return b;
}

bool flatbuffer_ok(const struct flatbuffer *b) {
  return !b->broken;
}

struct flat_table flatbuffer_root(struct flatbuffer *b) {
  return table_at(b, follow(b, 0));
}

bool flat_has(struct flat_table t, uint32_t field) {
  return field_at(t, field, 0) != 0;
}

int64_t flat_int(struct flat_table t, uint32_t field, enum flat_kind kind, int64_t otherwise) {
  size_t at = field_at(t, field, size_of(kind));
  return at ? number(t.buffer, at, kind) : otherwise;
}

float flat_real(struct flat_table t, uint32_t field, float otherwise) {
  size_t at = field_at(t, field, size_of(FLAT_F32));
  return at ? real(t.buffer, at) : otherwise;
}

struct flat_table flat_child(struct flat_table t, uint32_t field) {
  size_t at = field_at(t, field, REFERENCE);
  return table_at(t.buffer, at ? follow(t.buffer, at) : 0);
}

struct flat_vector flat_children(struct flat_table t, uint32_t field) {
  return vector_at(t, field, REFERENCE);
}

struct flat_vector flat_numbers(struct flat_table t, uint32_t field, enum flat_kind kind) {
  return vector_at(t, field, size_of(kind));
}

const char *flat_text(struct flat_table t, struct arena *a, uint32_t field) {
  struct flat_vector v = vector_at(t, field, 1);
  if (!visit(t.buffer, v.count / 8)) return "";
  if (v.count > TEXT_MOST) v.count = TEXT_MOST;
  char *text = arena_alloc(a, (size_t)v.count + 1, 1);
  if (v.count) memcpy(text, v.buffer->data + v.at, v.count);
  return text;
}

struct flat_table flat_child_at(struct flat_vector v, uint32_t i) {
  return table_at(v.buffer, i < v.count ? follow(v.buffer, v.at + (size_t)i * REFERENCE) : 0);
}

int64_t flat_int_at(struct flat_vector v, enum flat_kind kind, uint32_t i) {
  if (i >= v.count || !visit(v.buffer, 1)) return 0;
  return number(v.buffer, v.at + (size_t)i * v.size, kind);
}

float flat_real_at(struct flat_vector v, uint32_t i) {
  return i < v.count && visit(v.buffer, 1) ? real(v.buffer, v.at + (size_t)i * v.size) : 0;
}
