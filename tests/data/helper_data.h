// SPDX-License-Identifier: Apache-2.0
// A folder of broken and good data files, for one test.
#ifndef NNGEN_TESTS_HELPER_DATA_H
#define NNGEN_TESTS_HELPER_DATA_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "sw/data/data.h"

struct fixture {
  struct arena arena;
  char folder[64];
};

int data_setup(void **state);
int data_teardown(void **state);

#define DATA_CASE(name) cmocka_unit_test_setup_teardown(name, data_setup, data_teardown)

char *path_in(struct fixture *f, const char *name);

// Writes a file into the folder, plain or gzip; returns its path.
char *put(struct fixture *f, const char *name, const void *bytes, size_t size);
char *put_gzip(struct fixture *f, const char *name, const void *bytes, size_t size);

// Writes x.npy of the given version around a header and data.
char *put_npy(struct fixture *f, int major, const char *header, const void *data, size_t bytes);

// The spec opens; or it is refused with a message that holds `part`.
void opens(struct fixture *f, const char *spec, int64_t limit, struct images *out);
void refused(struct fixture *f, const char *spec, const char *part);

#endif
