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
  bool told;           // standard output has an object of JSON that says so
};

// Records a message; the first one wins. What is too long loses its middle.
void err_put(struct err *e, const char *format, ...) __attribute__((format(printf, 2, 3)));

// Puts "context: " before a recorded message; used on the way up (file, layer).
void err_put_within(struct err *e, const char *format, ...) __attribute__((format(printf, 2, 3)));

// The same as expressions that are false: `return err_set(e, "...")`, `ok || err_set(e, "...")`.
// Macros, so that the compiler knows the value.
#define err_set(...) (err_put(__VA_ARGS__), false)
#define err_within(...) (err_put_within(__VA_ARGS__), false)

// Prints "nngen: <text>" and a newline, the text escaped (text.h).
void err_print(FILE *to, const struct err *e);

#endif
