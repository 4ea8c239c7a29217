// SPDX-License-Identifier: Apache-2.0
// Texts that are kept in tests/golden, byte for byte. NNGEN_GOLDEN_UPDATE=1 writes them anew, to be
// read before they are committed.
#ifndef NNGEN_TESTS_HELPER_GOLDEN_H
#define NNGEN_TESTS_HELPER_GOLDEN_H

#include "sw/base/arena.h"
#include "sw/base/text.h"

// The text is that of tests/golden/NAME, or the test fails with the first line that differs.
void golden_text(struct arena *a, const char *name, const struct text *t);

#endif
