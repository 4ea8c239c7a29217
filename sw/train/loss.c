// SPDX-License-Identifier: Apache-2.0
#include "sw/train/loss.h"

#include "sw/base/nearest_word.h"

#include <stdlib.h>
#include <string.h>

#define RUBBISH 10
#define RUBBISH_MAX 1e6

static const char *const names[] = {"cross_entropy", "mse", "rbf"};
enum { NAMES = sizeof names / sizeof *names };

static bool read_rubbish(const char *text, struct loss *out, struct err *e) {
  char *end;
  out->rubbish = strtod(text, &end);
  return (end != text && !*end && out->rubbish >= 0 && out->rubbish <= RUBBISH_MAX) ||
         err_set(e, "rbf:%s: expected a number from 0 to %g", text, RUBBISH_MAX);
}

bool loss_parse(const char *words, struct loss *out, struct err *e) {
  size_t size = strcspn(words, ":");
  int i = 0;
  while (i < NAMES && (strlen(names[i]) != size || memcmp(names[i], words, size) != 0)) i++;
  if (i == NAMES || (words[size] && i != LOSS_RBF)) {
    const char *near = nearest_word(words, NAMES, names);
    return err_set(e, "\"%s\"%s%s%s expected cross_entropy, mse or rbf[:J]", words,
                   near ? ": did you mean " : ",", near ? near : "", near ? "?" : "");
  }
  *out = (struct loss){.kind = (enum loss_kind)i, .rubbish = i == LOSS_RBF ? RUBBISH : 0};
  return !words[size] || read_rubbish(words + size + 1, out, e);
}

void loss_put(struct text *t, struct loss loss) {
  text_puts(t, names[loss.kind]);
  if (loss.kind == LOSS_RBF) text_printf(t, ":%.17g", loss.rubbish);
}
