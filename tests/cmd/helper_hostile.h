// SPDX-License-Identifier: Apache-2.0
// Files with hostile contents for the program, and what may be said about them.
#ifndef NNGEN_TESTS_HELPER_HOSTILE_H
#define NNGEN_TESTS_HELPER_HOSTILE_H

#include "tests/cmd/helper_shell.h"

#include <jansson.h>
#include <stdbool.h>

// Writes text into the scratch folder.
void hostile_put(struct shell *c, const char *file, const char *text);

// Writes a model file of a graph's JSON, the JSON of its tensors' entries, and their data.
void hostile_container(struct shell *c, const char *file, const char *graph, const char *entries,
                       const void *data, size_t bytes);

// Writes a float model, (2, 2, 1) pixels -> flatten -> linear -> relu -> linear -> (2), in which
// every name is `name`, spelled as in JSON, and a letter; the first `from` in its graph, if any,
// becomes `to`.
void hostile_model(struct shell *c, const char *file, const char *name, const char *from,
                   const char *to);

// Writes an IDX file of four such images.
void hostile_images(struct shell *c, const char *file);

// Text is valid UTF-8 with no control character but newlines, and nothing that changes the
// direction of text.
bool hostile_is_clean(const char *text);
void hostile_clean(const char *text);

// Parses JSON; the caller drops it.
json_t *hostile_json(const char *text);

#endif
