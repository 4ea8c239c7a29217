// SPDX-License-Identifier: Apache-2.0
// nngen: the commands, and nothing else.
#include "cmd/command.h"
#include "cmd/export.h"
#include "cmd/paths.h"
#include "cmd/plan.h"
#include "cmd/schedule.h"
#include "cmd/train.h"
#include "sw/base/file.h"
#include "sw/base/json.h"

#include <gmp.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>

static int (*const commands[COMMANDS])(struct arena *a, const struct options *o, struct err *e) = {
#define COMMAND(name, ...) command_##name,
#include "cmd/commands.def"
#undef COMMAND
};

static bool (*const checks[COMMANDS])(struct arena *a, const struct options *o, struct err *e) = {
#define COMMAND(name, bit, check, ...) check,
#include "cmd/commands.def"
#undef COMMAND
};

// COMMANDS if there is none of this name.
static enum command find(const char *name) {
  int i = 0;
  while (i < COMMANDS && strcmp(command_rows[i].name, name) != 0) i++;
  return (enum command)i;
}

static void print_usage(FILE *to) {
  fputs("usage: nngen [COMMAND] [OPTIONS] MODEL\n\n"
        "Turns a neural network into a streaming fixed-point circuit and proves that the circuit\n"
        "computes what its C model computes.\n\n",
        to);
  for (int i = 0; i < COMMANDS; i++)
    fprintf(to, "  %-12s%s%s\n", command_rows[i].name, command_rows[i].summary,
            i ? "" : " (default)");
  fputs("\nnngen help COMMAND lists the options of a command; nngen --version prints the version.\n"
        "Example: nngen --precision 8,3 --parallelism 4 models/mnist-mlp.bin\n",
        to);
}

static int print_help(enum command c) {
  if (c == COMMANDS) {
    print_usage(stdout);
  } else {
    const struct command_row *r = &command_rows[c];
    printf("usage: nngen %s [OPTIONS]%s%s\n\n%s\n\n", r->name, r->argument[0] ? " " : "",
           r->argument, r->summary);
    options_print(stdout, c);
  }
  return EXIT_GOOD;
}

// With --json standard output has an object, also where a command came to none.
static void print_error(const struct err *e, bool json) {
  struct text t = {0};
  if (e->text[0]) err_print(stderr, e);
  if (!e->text[0] || !json || e->told) return;
  text_puts(&t, "{\"error\":");
  json_put_string(&t, e->text);
  text_puts(&t, "}\n");
  fwrite(t.data, 1, t.size, stdout);
  text_free(&t);
}

static int usage_error(const struct err *e, bool json) {
  print_error(e, json);
  fputs("nngen: try nngen --help\n", stderr);
  return EXIT_USAGE;
}

static int help_command(int argc, char **argv) {
  enum command c = argc > 2 ? find(argv[2]) : COMMANDS;
  struct err e = {0};
  if (argc <= 2 || c < COMMANDS) return print_help(c);
  err_put(&e, "there is no command \"%s\"", argv[2]);
  return usage_error(&e, false);
}

static int run_command(enum command c, int argc, char **argv) {
  struct arena a = {0};
  struct err e = {0};
  struct options o = {0};
  if (!options_parse(&o, c, argc, argv, &e)) return usage_error(&e, o.json);
  if (o.help) return print_help(c);
  if (!command_environment(&e) || !checks[c](&a, &o, &e)) {
    arena_free(&a);
    return usage_error(&e, o.json);
  }
  int status = paths_check(&a, c, &o, &e) ? commands[c](&a, &o, &e) : EXIT_USER;
  print_error(&e, o.json);
  arena_free(&a);
  if (fflush(stdout) || ferror(stdout)) {
    fputs("nngen: standard output can't be written\n", stderr);
    status = EXIT_USER;
  }
  return status;
}

// GMP would abort, and jansson would call the file wrong: the program ends with a message and 1.
static void *get_memory(size_t size) {
  void *p = malloc(size);
  if (!p) arena_out_of_memory();
  return p;
}

static void *resize_memory(void *p, size_t before, size_t size) {
  (void)before;
  p = realloc(p, size);
  if (!p) arena_out_of_memory();
  return p;
}

static void free_memory(void *p, size_t size) {
  (void)size;
  free(p);
}

int main(int argc, char **argv) {
  mp_set_memory_functions(get_memory, resize_memory, free_memory);
  json_set_alloc_funcs(get_memory, free);
  if (argc < 2) {
    print_usage(stderr);
    return EXIT_USAGE;
  }
  if (strcmp(argv[1], "--version") == 0) return puts("nngen " NNGEN_VERSION) < 0;
  if (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-h") == 0) return print_help(COMMANDS);
  if (strcmp(argv[1], "help") == 0) return help_command(argc, argv);
  enum command c = find(argv[1]);
  if (c < COMMANDS) return run_command(c, argc - 1, argv + 1);
  struct err e = {0};
  bool word = argv[1][strspn(argv[1], "abcdefghijklmnopqrstuvwxyz")] == 0;
  if (!word || file_exists(argv[1])) return run_command(COMMAND_GENERATE, argc, argv);
  err_put(&e, "there is no command or file \"%s\"", argv[1]);
  return usage_error(&e, false);
}
