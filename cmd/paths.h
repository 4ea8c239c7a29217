// SPDX-License-Identifier: Apache-2.0
// What a command reads and what it writes, before anything is computed: nothing that the user named
// as an input is ever written, no two outputs are the same, and every output has a place that can
// be written. Links, other spellings and files inside of folders are seen through.
#ifndef NNGEN_CMD_PATHS_H
#define NNGEN_CMD_PATHS_H

#include "cmd/options.h"
#include "sw/base/arena.h"

bool paths_check(struct arena *a, enum command command, const struct options *o, struct err *e);

// The folder that sim works in: that of -o, or build/sim/<name of the model>.
const char *paths_work(struct arena *a, const struct options *o);

bool paths_is_folder(const char *path);

// There is room for so many bytes beside `path`.
bool paths_room(struct arena *a, const char *path, int64_t bytes, struct err *e);

#endif
