// SPDX-License-Identifier: Apache-2.0
// What the options of `export` ask for.
#ifndef NNGEN_CMD_EXPORT_H
#define NNGEN_CMD_EXPORT_H

#include "cmd/command.h"

// The words of its options.
bool export_check(struct arena *a, const struct options *o, struct err *e);

#endif
