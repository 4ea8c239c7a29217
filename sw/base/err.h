// SPDX-License-Identifier: Apache-2.0
// Errors that the user caused: one line of text, carried up to main, which prints it and exits 1.
// A bug of our own is an assert, never an err.
#ifndef NNGEN_BASE_ERR_H
#define NNGEN_BASE_ERR_H

#include <stdbool.h>
#include <stdio.h>

enum { ERR_TEXT = 1024 };

struct err {
  char text[ERR_TEXT]; // empty: no error; may hold bytes from hostile files, print with err_print
};

// Records a message (the first one wins) and returns false: `return err_set(e, "...")`. What is too
// long loses its middle.
bool err_set(struct err *e, const char *format, ...) __attribute__((format(printf, 2, 3)));

// Puts "context: " before a recorded message; used on the way up (file, layer). Returns false.
bool err_within(struct err *e, const char *format, ...) __attribute__((format(printf, 2, 3)));

// Prints "nngen: <text>" and a newline, the text escaped (text.h).
void err_print(FILE *to, const struct err *e);

#endif
