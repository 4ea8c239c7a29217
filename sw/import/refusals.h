// SPDX-License-Identifier: Apache-2.0
// Why a file isn't imported, or a model exported: every layer of it that has no counterpart, all at
// once, with what to do instead. Nothing is dropped or approximated in silence.
#ifndef NNGEN_IMPORT_REFUSALS_H
#define NNGEN_IMPORT_REFUSALS_H

#include "sw/base/arena.h"
#include "sw/base/err.h"
#include "sw/base/text.h"

#include <stdint.h>

struct refusal {
  const char *node, *op; // hostile names of the file
  const char *reason, *remedy;
};

// What a file means that its graph doesn't: of the first node that a text is about.
struct import_note {
  const char *node, *text;
  uint32_t others; // nodes that it is also about
  bool training;   // only training finds out
};

struct refusals {
  uint32_t count, room;
  struct refusal *list;
  uint32_t n_notes;
  struct import_note notes[8];
};

// Adds one that isn't there yet; the reason is formatted, the others are copied. Always false.
bool refuse(struct arena *a, struct refusals *r, const char *node, const char *op,
            const char *remedy, const char *format, ...) __attribute__((format(printf, 6, 7)));

// Notes a constant text about a node.
void refusals_note(struct arena *a, struct refusals *r, const char *node, const char *text,
                   bool training);

// As a table for people; as the member "unsupported" of a JSON object.
void refusals_put(struct arena *a, const struct refusals *r, struct text *out);
void refusals_put_json(struct arena *a, const struct refusals *r, struct text *out);

// The first one, and how many there are that `command` (import, export) can't do, as an error.
// Always false.
bool refusals_err(const struct refusals *r, const char *command, struct err *e);

#endif
