// SPDX-License-Identifier: Apache-2.0
// A state dict as bytes, into which the weights of a network go: what comes out has them.
#include "sw/export/into.h"
#include "sw/import/state.h"
#include "sw/train/recipe.h"
#include "tests/fuzz/fuzz.h"

#include <string.h>

static const char net[] =
    "{\"name\":\"n\",\"input\":{\"shape\":[3,3,2],\"mean\":0,\"std\":1},\"layers\":["
    "{\"op\":\"conv2d\",\"name\":\"c\",\"out\":2,\"kernel\":[2,2]},"
    "{\"op\":\"batch_norm\",\"name\":\"b\"},{\"op\":\"flatten\"},"
    "{\"op\":\"linear\",\"name\":\"f\",\"out\":2}]}";

// A file that has the weights is left as it is, unless its numbers are rounded each time.
static void check_again(struct arena *a, const struct graph *g, const struct text *copy) {
  struct bytes file = {arena_copy(a, copy->data, copy->size), copy->size};
  struct into_result r;
  struct text again = {0};
  struct err e = {0};
  FUZZ_CHECK(export_into(a, g, &file, &r, &again, &e));
  FUZZ_CHECK(r.arrays == 0 || r.rounded > 0);
  FUZZ_CHECK(again.size == copy->size && memcmp(again.data, copy->data, copy->size) == 0);
  text_free(&again);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  struct arena a = {0};
  struct err e = {0};
  struct recipe recipe;
  struct into_result r;
  struct text copy = {0};
  struct bytes file = {arena_copy(&a, data, size), size};
  if (state_is(data, size) && recipe_parse(&a, net, sizeof net - 1, 1, &recipe, &e)) {
    if (export_into(&a, recipe.model, &file, &r, &copy, &e))
      check_again(&a, recipe.model, &copy);
    else
      fuzz_check_message(e.text);
  }
  text_free(&copy);
  arena_free(&a);
  return 0;
}
