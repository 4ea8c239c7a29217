// SPDX-License-Identifier: Apache-2.0
// nngen: the commands, and nothing else.
#include "cmd/command.h"
#include "sw/base/file.h"

#include <string.h>

struct command {
  const char *name;
  enum command_bit bit;
  int (*run)(struct arena *a, const struct options *o, struct err *e);
  const char *summary;
};

// The first is the default.
static const struct command commands[] = {
    {"generate", GENERATE, command_generate, "write the circuit of a model as SystemVerilog"},
    {"sim", SIM, command_sim, "simulate the circuit and compare every element with the C model"},
    {"run", RUN, command_run, "run the C model on a data set: accuracy and speed"},
    {"info", INFO, command_info, "print the layers of a model"},
    {"doctor", DOCTOR, command_doctor, "check the tools and the data around the program"},
};
enum { COMMANDS = sizeof commands / sizeof *commands };

static const struct command *find(const char *name) {
  for (int i = 0; i < COMMANDS; i++)
    if (strcmp(commands[i].name, name) == 0) return &commands[i];
  return NULL;
}

static void print_usage(FILE *to) {
  fputs("usage: nngen [COMMAND] [OPTIONS] MODEL\n\n"
        "Turns a neural network into a streaming fixed-point circuit and proves that the circuit\n"
        "computes what its C model computes.\n\n",
        to);
  for (int i = 0; i < COMMANDS; i++)
    fprintf(to, "  %-10s%s%s\n", commands[i].name, commands[i].summary, i ? "" : " (default)");
  fputs("\nnngen help COMMAND lists the options of a command; nngen --version prints the version.\n"
        "Example: nngen --precision 8,3 --parallelism 4 models/mnist-mlp.bin\n",
        to);
}

static int print_help(const struct command *c) {
  if (!c) {
    print_usage(stdout);
  } else {
    printf("usage: nngen %s [OPTIONS]%s\n\n%s\n\n", c->name, c->bit == DOCTOR ? "" : " MODEL",
           c->summary);
    options_print(stdout, c->bit);
  }
  return EXIT_GOOD;
}

static int usage_error(const struct err *e) {
  err_print(stderr, e);
  fputs("nngen: try nngen --help\n", stderr);
  return EXIT_USAGE;
}

static int help_command(int argc, char **argv) {
  const struct command *c = argc > 2 ? find(argv[2]) : NULL;
  struct err e = {0};
  if (argc <= 2 || c) return print_help(c);
  err_set(&e, "there is no command \"%s\"", argv[2]);
  return usage_error(&e);
}

static int run_command(const struct command *c, int argc, char **argv) {
  struct arena a = {0};
  struct err e = {0};
  struct options o = {0};
  if (!options_parse(&o, c->bit, argc, argv, &e)) return usage_error(&e);
  if (o.help) return print_help(c);
  if (!command_check(&a, &o, &e)) {
    arena_free(&a);
    return usage_error(&e);
  }
  int status = c->run(&a, &o, &e);
  if (e.text[0]) err_print(stderr, &e);
  arena_free(&a);
  if (fflush(stdout) || ferror(stdout)) {
    fputs("nngen: standard output can't be written\n", stderr);
    status = EXIT_USER;
  }
  return status;
}

int main(int argc, char **argv) {
  if (argc < 2) {
    print_usage(stderr);
    return EXIT_USAGE;
  }
  if (strcmp(argv[1], "--version") == 0) return puts("nngen " NNGEN_VERSION) < 0;
  if (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-h") == 0) return print_help(NULL);
  if (strcmp(argv[1], "help") == 0) return help_command(argc, argv);
  const struct command *c = find(argv[1]);
  if (c) return run_command(c, argc - 1, argv + 1);
  struct err e = {0};
  bool word = argv[1][strspn(argv[1], "abcdefghijklmnopqrstuvwxyz")] == 0;
  if (!word || file_exists(argv[1])) return run_command(&commands[0], argc, argv);
  err_set(&e, "there is no command or file \"%s\"", argv[1]);
  return usage_error(&e);
}
