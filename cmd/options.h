// SPDX-License-Identifier: Apache-2.0
// The command line, parsed by the tables in commands.def and options.def.
#ifndef NNGEN_CMD_OPTIONS_H
#define NNGEN_CMD_OPTIONS_H

#include "sw/base/err.h"

#include <stddef.h>
#include <stdint.h>

enum command {
#define COMMAND(name, bit, ...) COMMAND_##bit,
#include "cmd/commands.def"
#undef COMMAND
  COMMANDS
};

enum command_bit {
#define COMMAND(name, bit, ...) bit = 1 << COMMAND_##bit,
#include "cmd/commands.def"
#undef COMMAND
};

struct command_row {
  const char *name;
  enum command_bit bit;
  const char *argument; // the positional one; "": none
  const char *summary;
};
extern const struct command_row command_rows[COMMANDS];

// The words of an option that may be given several times.
enum { LIST_MOST = 16 };
struct option_list {
  int count;
  const char *word[LIST_MOST];
};

// Words behind the first, of a command that takes some: of one with a choice of them MORE_CHOICE.
enum { MORE_MOST = 15, MORE_CHOICE = 2 };

// What an option holds: the given word, the number (0: not given), true, or all words.
struct options {
  const char *model; // the first positional argument
  int n_more;
  const char *more[MORE_MOST]; // (n_more)
#define TEXT const char *
#define NUMBER int64_t
#define FLAG bool
#define LIST struct option_list
#define OPTION(field, kind, ...) kind field;
#include "cmd/options.def"
#undef OPTION
#undef TEXT
#undef NUMBER
#undef FLAG
#undef LIST
};

enum option_kind { TEXT, NUMBER, FLAG, LIST };

struct option_row {
  size_t offset; // of the field in struct options
  enum option_kind kind;
  const char *name;
  int letter;           // 0: none
  const char *argument; // NULL: none; FILE and PATH are completed as paths
  const char *words;    // what the argument can be, or begins with; "": anything
  unsigned commands;
  const char *help; // "": the words tell
};
extern const struct option_row option_rows[];
extern const int option_count;

// Parses argv[1..] for one command; false on a usage error (exit status 2).
bool options_parse(struct options *o, enum command command, int argc, char **argv, struct err *e);

// Prints the options of a command, aligned.
void options_print(FILE *to, enum command command);

#endif
