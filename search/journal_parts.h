// SPDX-License-Identifier: Apache-2.0
// Within the journal: lines, and what they change.
#ifndef NNGEN_SEARCH_JOURNAL_PARTS_H
#define NNGEN_SEARCH_JOURNAL_PARTS_H

#include "search/journal.h"

// Applies one line without its newline. False with the reason.
bool journal_apply(struct journal *j, const char *line, size_t size, struct err *e);

// A number as JSON has it, or the texts "Infinity", "-Infinity" and "NaN", which stand for Python's
// bare words once a line was read.
bool journal_number(const json_t *v, double *out);

void journal_put_number(struct text *t, double v);

#endif
