// SPDX-License-Identifier: Apache-2.0
#include "sw/data/sets.h"

#include "sw/base/rng.h"
#include "sw/data/array.h"

#include <stdlib.h>
#include <string.h>

// ---- which set is for which input

static const char *input_name(const struct graph *g, uint32_t i) {
  return g->values[g->inputs[i].value].name;
}

// "INPUT=SET": the set; NULL if the word isn't about this input.
static const char *set_of(const char *word, const char *input) {
  size_t length = strlen(input);
  return strncmp(word, input, length) == 0 && word[length] == '=' ? word + length + 1 : NULL;
}

static bool no_input(struct arena *a, const struct graph *g, const char *option, const char *word,
                     struct err *e) {
  const char *names = "";
  for (uint32_t i = 0; i < g->n_inputs; i++)
    names = arena_printf(a, "%s%s\"%s\"", names, i ? ", " : "", input_name(g, i));
  return err_set(e, "%s %s: expected INPUT=SET, as in %s=x.npy; the inputs are %s", option, word,
                 input_name(g, 0), names);
}

// A set whose name is no input's is told before the one that an input lacks.
static bool check_names(struct arena *a, const struct graph *g, const char *option, int n,
                        const char *const *words, struct err *e) {
  for (int k = 0; k < n; k++) {
    bool known = !strchr(words[k], '=');
    for (uint32_t i = 0; i < g->n_inputs; i++) known |= set_of(words[k], input_name(g, i)) != NULL;
    if (!known) return no_input(a, g, option, words[k], e);
  }
  return true;
}

static bool choose(struct arena *a, const struct graph *g, const char *option, int n,
                   const char *const *words, const char **set, struct err *e) {
  bool *used = ARENA_NEW(a, bool, n);
  if (!check_names(a, g, option, n, words, e)) return false;
  for (uint32_t i = 0; i < g->n_inputs; i++) {
    const char *input = input_name(g, i);
    set[i] = NULL;
    for (int k = 0; k < n; k++) {
      const char *one = set_of(words[k], input);
      if (one && set[i]) return err_set(e, "%s: two sets for input \"%s\"", option, input);
      if (one) set[i] = one;
      used[k] |= one != NULL;
    }
    if (!set[i])
      return err_set(e, "the model has %u inputs: %s %s=SET gives the images of \"%s\"",
                     g->n_inputs, option, input, input);
  }
  for (int k = 0; k < n; k++)
    if (!used[k]) return no_input(a, g, option, words[k], e);
  return true;
}

bool sets_choose(struct arena *a, const struct graph *g, const char *option, int n,
                 const char *const *words, const char *otherwise, const char **set, struct err *e) {
  if (!g->n_inputs) return err_set(e, "the model has 0 inputs, expected 1 or more");
  if (g->n_inputs > 1) return choose(a, g, option, n, words, set, e);
  const char *word = n ? words[n - 1] : otherwise, *named = set_of(word, input_name(g, 0));
  set[0] = named ? named : word;
  return true;
}

// ---- some of a set

// Cuts ":NUMBER" off; 0: there is none.
static int64_t cut_number(char *word) {
  char *colon = strrchr(word, ':'), *end;
  if (!colon || colon[1] < '1' || colon[1] > '9') return 0;
  long long number = strtoll(colon + 1, &end, 10);
  if (*end) return 0;
  *colon = 0;
  return number;
}

static bool is_drawn(const char *word) {
  return strncmp(word, "synthetic", strlen("synthetic")) == 0;
}

// "SET:N:SEED", "SET:N" or "SET".
static const char *parse(struct arena *a, const char *word, int64_t *count, int64_t *seed) {
  char *set = arena_strdup(a, word);
  *count = *seed = 0;
  if (is_drawn(word)) return set; // its own words say how many
  int64_t last = cut_number(set), before = last ? cut_number(set) : 0;
  *count = before ? before : last;
  *seed = before ? last : 0;
  return set;
}

const char *sets_whole(struct arena *a, const char *word) {
  int64_t count, seed;
  return parse(a, word, &count, &seed);
}

static int by_index(const void *a, const void *b) {
  int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;
  return (x > y) - (x < y);
}

// `count` of `all` indices, rising.
static int64_t *draw(struct arena *a, int64_t all, int64_t count, uint64_t seed) {
  int64_t *index = ARENA_NEW(a, int64_t, all);
  for (int64_t i = 0; i < all; i++) index[i] = i;
  for (int64_t i = 0; i < count; i++) {
    int64_t k = i + (int64_t)(rng_at(seed, 0, (uint64_t)i) % (uint64_t)(all - i)), kept = index[i];
    index[i] = index[k];
    index[k] = kept;
  }
  qsort(index, (size_t)count, sizeof *index, by_index);
  return index;
}

int64_t sets_last(struct arena *a, const char *word, int64_t all) {
  int64_t count, seed;
  parse(a, word, &count, &seed);
  if (!count || count > all) count = all;
  return (seed ? draw(a, all, count, (uint64_t)seed)[count - 1] : count - 1);
}

static void keep(struct arena *a, struct images *set, const int64_t *index, int64_t count) {
  size_t width = set->pixels ? 1 : array_type_bytes(set->numbers->type);
  size_t bytes = (size_t)set->elements * width;
  const unsigned char *from = set->pixels ? set->pixels : set->numbers->data;
  unsigned char *to = arena_alloc(a, (size_t)count, bytes);
  for (int64_t i = 0; i < count; i++)
    memcpy(to + (size_t)i * bytes, from + (size_t)index[i] * bytes, bytes);
  if (set->array) {
    struct array *array = arena_copy(a, set->array, sizeof *array);
    array->shape[0] = count;
    array->elements = count * set->elements;
    array->data = to;
    set->array = array;
    if (set->numbers) set->numbers = array;
  }
  if (set->pixels) set->pixels = to;
  set->count = count;
  set->has_labels = false;
  set->labels = NULL;
  set->answers = NULL;
}

bool sets_open_some(struct arena *a, const char *word, struct images *out, struct err *e) {
  int64_t count, seed;
  const char *set = parse(a, word, &count, &seed);
  if (!data_open(a, set, seed ? 0 : count, out, e)) return false;
  if (count > out->count)
    return err_set(e, "%s: %lld images asked for, %lld are there", out->name, (long long)count,
                   (long long)out->count);
  if (seed) keep(a, out, draw(a, out->count, count, (uint64_t)seed), count);
  return true;
}
