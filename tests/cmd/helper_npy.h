// SPDX-License-Identifier: Apache-2.0
// .npy files for tests of the program.
#ifndef NNGEN_TESTS_HELPER_NPY_H
#define NNGEN_TESTS_HELPER_NPY_H

#include "tests/cmd/helper_shell.h"

// Writes NAME in the scratch folder: descr "<f8", shape "(3, 2)", and the data as they stand.
void npy_write(struct shell *s, const char *name, const char *descr, const char *shape,
               const void *data, size_t bytes);

#endif
