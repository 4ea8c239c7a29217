// SPDX-License-Identifier: Apache-2.0
// Child processes without a shell: one that is waited for, or several whose lines are read as they
// come. A child dies with its parent and leaves no core file.
#ifndef NNGEN_SW_BASE_PROCESS_H
#define NNGEN_SW_BASE_PROCESS_H

#include "sw/base/err.h"
#include "sw/base/text.h"

#include <sys/types.h>

struct process {
  pid_t pid;
  int out;          // standard output and error of the child
  struct text line; // the last line, as far as it has come
  bool ended;
  int status; // of waitpid, once ended
};

// Starts argv[0], found in PATH, in folder `cwd` (NULL: here) with variables "NAME=VALUE" added
// (NULL-terminated, or NULL).
bool process_start(struct process *p, const char *const *argv, const char *cwd,
                   const char *const *environment, struct err *e);

// Reads all children to their end, calling `take` with every line.
void process_read(struct process *list, int count,
                  void (*take)(void *context, int child, const char *line), void *context);

// Runs one child to its end, what it prints goes to `said`. False, with its first error in the
// message, unless it exits with 0.
bool process_run(const char *const *argv, const char *cwd, const char *const *environment,
                 struct text *said, struct err *e);

// The program is in PATH.
bool process_exists(const char *program);

#endif
