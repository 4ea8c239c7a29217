// SPDX-License-Identifier: Apache-2.0
// The command line, parsed by the table in options.def.
#ifndef NNGEN_CMD_OPTIONS_H
#define NNGEN_CMD_OPTIONS_H

#include "sw/base/err.h"

#include <stdint.h>

enum command_bit { GENERATE = 1, RUN = 2, SIM = 4, INFO = 8, DOCTOR = 16 };

// What an option holds: the given word, the number (0: not given), or true.
struct options {
  const char *model; // the one positional argument
#define TEXT const char *
#define NUMBER int64_t
#define FLAG bool
#define OPTION(field, kind, ...) kind field;
#include "cmd/options.def"
#undef OPTION
#undef TEXT
#undef NUMBER
#undef FLAG
};

// Parses argv[1..] for one command; false on a usage error (exit status 2).
bool options_parse(struct options *o, unsigned command, int argc, char **argv, struct err *e);

// Prints the options of a command, aligned.
void options_print(FILE *to, unsigned command);

#endif
