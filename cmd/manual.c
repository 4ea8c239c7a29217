// SPDX-License-Identifier: Apache-2.0
// manual: the manual page, made from the tables of commands and options, in roff's man macros.
#include "cmd/command.h"

#include <string.h>

// Text that roff must not interpret.
static void put(struct text *t, const char *s) {
  for (; *s; s++) {
    if (*s == '\\' || *s == '-') text_puts(t, *s == '-' ? "\\-" : "\\e");
    if (*s != '\\' && *s != '-') text_printf(t, "%c", *s);
  }
}

static void put_option(struct text *t, const struct option_row *r) {
  text_puts(t, ".TP\n");
  if (r->letter) text_printf(t, "\\fB\\-%c\\fR, ", r->letter);
  text_puts(t, "\\fB\\-\\-");
  put(t, r->name);
  text_puts(t, "\\fR");
  if (r->argument) {
    text_puts(t, " \\fI");
    put(t, r->argument);
    text_puts(t, "\\fR");
  }
  text_puts(t, "\n");
  put(t, r->help[0] ? r->help : r->words);
  text_puts(t, "\n");
}

static void put_command(struct text *t, enum command c) {
  const struct command_row *row = &command_rows[c];
  text_printf(t, ".SS nngen %s [\\fIOPTIONS\\fR] \\fI%s\\fR\n", row->name, row->argument);
  put(t, row->summary);
  text_printf(t, "%s.\n", c ? "" : " (default)");
  for (int i = 0; i < option_count; i++)
    if (option_rows[i].commands & row->bit) put_option(t, &option_rows[i]);
}

static const char head[] =
    ".TH NNGEN 1 \"\" \"nngen " NNGEN_VERSION "\" \"User Commands\"\n"
    ".SH NAME\n"
    "nngen \\- turn a neural network into a streaming fixed\\-point circuit\n"
    ".SH SYNOPSIS\n"
    ".B nngen\n"
    "[\\fICOMMAND\\fR] [\\fIOPTIONS\\fR] \\fIMODEL\\fR\n"
    ".SH DESCRIPTION\n"
    "Turns a quantised neural network into a circuit in plain SystemVerilog with AXI4\\-Stream\n"
    "ports, and proves in a simulation that the circuit computes, bit for bit, what its C model\n"
    "computes. \\fIMODEL\\fR is a model.bin or a folder that \\fBnngen generate\\fR wrote. "
    "Results\n"
    "go to the standard output, notes and progress to the standard error.\n"
    ".SH COMMANDS\n";

static const char foot[] =
    ".SH ENVIRONMENT\n"
    ".TP\n"
    "\\fBNNGEN_DATA\\fR\n"
    "folder of data sets; MNIST is looked for in its folder mnist, then in\n"
    "~/.cache/nngen/mnist\n"
    ".TP\n"
    "\\fBNNGEN_KERNELS\\fR\n"
    "instruction set of the C model, instead of the best: plain, avx2, avx512, avx512\\-vnni,\n"
    "avx512\\-vbmi\n"
    ".TP\n"
    "\\fBOMP_NUM_THREADS\\fR\n"
    "number of threads of the C model\n"
    ".SH EXIT STATUS\n"
    ".TP\n"
    "0\n"
    "good\n"
    ".TP\n"
    "1\n"
    "the input is wrong, or the circuit is\n"
    ".TP\n"
    "2\n"
    "the command line is wrong\n"
    ".SH EXAMPLES\n"
    ".nf\n"
    "nngen \\-\\-precision 8,3 \\-\\-parallelism 4 model.bin\n"
    "nngen run rtl\n"
    "nngen sim \\-\\-images 100 \\-\\-stall random50 \\-\\-trace rtl\n"
    ".fi\n";

int command_manual(struct arena *a, const struct options *o, struct err *e) {
  struct text t = {0};
  (void)a, (void)o, (void)e;
  text_puts(&t, head);
  for (int c = 0; c < COMMANDS; c++) put_command(&t, (enum command)c);
  text_puts(&t, foot);
  fwrite(t.data, 1, t.size, stdout);
  text_free(&t);
  return EXIT_GOOD;
}
