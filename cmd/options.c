// SPDX-License-Identifier: Apache-2.0
#include "cmd/options.h"

#include <errno.h>
#include <getopt.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

const struct command_row command_rows[COMMANDS] = {
#define COMMAND(name, bit, check, ...) {#name, bit, __VA_ARGS__},
#include "cmd/commands.def"
#undef COMMAND
};

const struct option_row option_rows[] = {
#define OPTION(field, ...) {offsetof(struct options, field), __VA_ARGS__},
#include "cmd/options.def"
#undef OPTION
};

enum { ROWS = sizeof option_rows / sizeof *option_rows, LONG_ONLY = 256 };
const int option_count = ROWS;

// "100000000" and no more: enough for lanes, images and jobs.
static bool parse_number(const char *text, int64_t *out) {
  char *end;
  errno = 0;
  long long v = strtoll(text, &end, 10);
  *out = v;
  return *text >= '0' && *text <= '9' && !*end && !errno && v >= 1 && v <= 100000000;
}

static bool store(struct options *o, const struct option_row *r, const char *text, struct err *e) {
  void *field = (char *)o + r->offset;
  struct option_list *list = field;
  switch (r->kind) {
  case TEXT:
    *(const char **)field = text;
    return true;
  case LIST:
    if (list->count == LIST_MOST)
      return err_set(e, "--%s: given more than %d times", r->name, LIST_MOST);
    list->word[list->count++] = text;
    return true;
  case FLAG:
    *(bool *)field = true;
    return true;
  case NUMBER:
    return parse_number(text, field) ||
           err_set(e, "--%s %s: expected a number from 1 to 100000000", r->name, text);
  }
  return false;
}

static bool check_positional(const struct options *o, const struct command_row *c, struct err *e) {
  if (o->help || (o->model != NULL) == (c->argument[0] != 0)) return true;
  if (!o->model && o->net && strchr(c->argument, '|')) return true; // what --net trains
  if (o->model) return err_set(e, "%s takes no argument, found %s", c->name, o->model);
  if (strcmp(c->argument, "MODEL") == 0)
    return err_set(e, "which model? give the path of a model.bin");
  return err_set(e, "%s needs an argument: %s", c->name, c->argument);
}

// Several words are for a command whose argument has a choice of them, or is a list.
static bool take(struct options *o, const struct command_row *c, const char *word, struct err *e) {
  int most = strchr(c->argument, '|') ? MORE_CHOICE : strstr(c->argument, "..") ? MORE_MOST : 0;
  if (!o->model)
    o->model = word;
  else if (o->n_more < most)
    o->more[o->n_more++] = word;
  else
    return err_set(e, "%s arguments: %s and %s", most ? "too many" : "two", o->model, word);
  return true;
}

bool options_parse(struct options *o, enum command command, int argc, char **argv, struct err *e) {
  unsigned bit = command_rows[command].bit;
  struct option longs[ROWS + 1] = {{0}};
  char shorts[2 * ROWS + 3] = "-:", *letter = shorts + 2;
  int n = 0;
  for (int i = 0; i < ROWS; i++) {
    if (!(option_rows[i].commands & bit)) continue;
    int takes = option_rows[i].argument ? required_argument : no_argument;
    longs[n++] = (struct option){option_rows[i].name, takes, NULL, LONG_ONLY + i};
    if (!option_rows[i].letter) continue;
    *letter++ = (char)option_rows[i].letter;
    if (takes == required_argument) *letter++ = ':';
  }
  opterr = 0;
  optind = 1;
  for (int c; (c = getopt_long(argc, argv, shorts, longs, NULL)) != -1;) {
    const struct option_row *r = c >= LONG_ONLY ? &option_rows[c - LONG_ONLY] : NULL;
    for (int i = 0; !r && c > 1 && i < ROWS; i++)
      if (option_rows[i].letter == c && (option_rows[i].commands & bit)) r = &option_rows[i];
    if (c == ':') return err_set(e, "%s: an argument is missing", argv[optind - 1]);
    if (c != 1 && !r) return err_set(e, "unknown option %s", argv[optind - 1]);
    if (c == 1 ? !take(o, &command_rows[command], optarg, e) : !store(o, r, optarg, e))
      return false;
  }
  for (; optind < argc; optind++)
    if (!take(o, &command_rows[command], argv[optind], e)) return false;
  return check_positional(o, &command_rows[command], e);
}

void options_print(FILE *to, enum command command) {
  for (int i = 0; i < ROWS; i++) {
    const struct option_row *r = &option_rows[i];
    char left[64];
    if (!(r->commands & command_rows[command].bit)) continue;
    const char *help = r->help[0] ? r->help : r->words;
    char letter[4] = {'-', (char)r->letter, ',', 0};
    snprintf(left, sizeof left, "  %-4s--%s %s", r->letter ? letter : "", r->name,
             r->argument ? r->argument : "");
    if (strlen(left) > 30)
      fprintf(to, "%s\n%-32s%s\n", left, "", help);
    else
      fprintf(to, "%-32s%s\n", left, help);
  }
}
