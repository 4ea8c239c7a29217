// SPDX-License-Identifier: Apache-2.0
// export --into: a model's weights in a copy of the user's own file.
#ifndef NNGEN_CMD_INTO_H
#define NNGEN_CMD_INTO_H

#include "cmd/command.h"

// The words of the options that go with it.
bool into_check(const struct options *o, struct err *e);

// Writes the copy and says what is in it.
int command_into(struct arena *a, const struct options *o, struct err *e);

#endif
