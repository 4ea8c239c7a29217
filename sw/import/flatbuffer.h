// SPDX-License-Identifier: Apache-2.0
// FlatBuffers, read where they lie and never trusted (the format: flatbuffers.dev, "Internals"):
//
//   root -> table:  i32 back to its vtable | fields ...         vtable:  u16 bytes of itself
//           field of a reference: u32 forward to it                      u16 bytes of the table
//           vector: u32 count | elements                                 u16 place of field 0, 1 ..
//
// Every place is checked before it is read; places are never pointers outside of flatbuffer.c. What
// doesn't fit is recorded in `err`, once, and from then on everything reads as absent, so that a
// reader looks at flatbuffer_ok when it is done. References lead forward and readers follow a
// schema without recursion: nothing loops. What is visited is counted, as parts may be shared:
// files that would cost much more than they hold are refused.
#ifndef NNGEN_IMPORT_FLATBUFFER_H
#define NNGEN_IMPORT_FLATBUFFER_H

#include "sw/base/arena.h"
#include "sw/base/err.h"

#include <stdint.h>

struct flatbuffer {
  const uint8_t *data;
  size_t size;
  int64_t budget; // elements that may still be visited
  struct err *err;
  bool broken;
};

enum flat_kind { FLAT_I8, FLAT_U8, FLAT_I16, FLAT_U16, FLAT_I32, FLAT_U32, FLAT_I64, FLAT_F32 };

struct flat_table {
  struct flatbuffer *buffer;
  size_t at;               // 0: there is none, all its fields are absent
  size_t vtable;           // where it lies
  uint32_t vbytes, tbytes; // of the vtable and of the table
};

struct flat_vector {
  struct flatbuffer *buffer;
  size_t at;      // of element 0
  uint32_t count; // 0: absent or empty
  uint32_t size;  // bytes of an element
};

// `data` outlives it; `identifier` are the four bytes behind the root's place.
struct flatbuffer flatbuffer_new(const void *data, size_t size, const char *identifier,
                                 struct err *e);
bool flatbuffer_ok(const struct flatbuffer *b);
struct flat_table flatbuffer_root(struct flatbuffer *b);

// ---- fields, by their number in the schema; `otherwise` if absent

bool flat_has(struct flat_table t, uint32_t field);
int64_t flat_int(struct flat_table t, uint32_t field, enum flat_kind kind, int64_t otherwise);
float flat_real(struct flat_table t, uint32_t field, float otherwise);
struct flat_table flat_child(struct flat_table t, uint32_t field);
struct flat_vector flat_children(struct flat_table t, uint32_t field); // of tables
struct flat_vector flat_numbers(struct flat_table t, uint32_t field, enum flat_kind kind);
const char *flat_text(struct flat_table t, struct arena *a, uint32_t field); // "" if absent

// ---- elements, i < count

struct flat_table flat_child_at(struct flat_vector v, uint32_t i);
int64_t flat_int_at(struct flat_vector v, enum flat_kind kind, uint32_t i);
float flat_real_at(struct flat_vector v, uint32_t i);

#endif
