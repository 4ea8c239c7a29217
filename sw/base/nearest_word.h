// SPDX-License-Identifier: Apache-2.0
#ifndef NNGEN_BASE_NEAREST_WORD_H
#define NNGEN_BASE_NEAREST_WORD_H

#include <stddef.h>

// Of `count` words the one that takes the fewest letters put in, left out, changed or swapped with
// their neighbour to come from `word`; the first of equals. NULL if that is more than a third of
// its letters, and more than one.
const char *nearest_word(const char *word, size_t count, const char *const *words);

#endif
