// SPDX-License-Identifier: Apache-2.0
// What other programs have computed (tests/formats): tensors, and in the metadata a list of cases
// that name theirs and say the parameters.
#ifndef NNGEN_TESTS_HELPER_RECORDED_H
#define NNGEN_TESTS_HELPER_RECORDED_H

#include "sw/base/json.h"
#include "sw/graph/safetensors.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

struct recorded {
  struct arena arena;
  struct safetensors file;
  json_t *cases;
};

struct recorded recorded_open(const char *path);
void recorded_close(struct recorded *r);

// A tensor that a case names; a number; whether a field is a word.
const struct tensor *recorded_of(const struct recorded *r, const json_t *c, const char *key);
int64_t recorded_integer(const json_t *c, const char *key);
bool recorded_is(const json_t *c, const char *key, const char *word);

// "none" "fn" "ieee"
enum minifloat_top recorded_top(const char *word);

#endif
