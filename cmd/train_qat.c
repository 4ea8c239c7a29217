// SPDX-License-Identifier: Apache-2.0
// train --qat: the words of its types, and what its integers are worth.
#include "cmd/run.h"
#include "cmd/train.h"

#include <string.h>

enum { FIRST_IMAGES = 512 }; // that choose the first scales

static struct load words_of(const struct options *o) {
  struct load l = command_load(o);
  l.n_data = 0; // training data may choose scales
  if (!l.method) l.method = "mse";
  return l;
}

const char *train_first_images(struct arena *a, const struct options *o, int64_t count,
                               int64_t most) {
  const char *data = o->data.count ? o->data.word[o->data.count - 1] : "mnist-train";
  bool drawn = strncmp(data, "synthetic", strlen("synthetic")) == 0; // it says how many
  if (strcmp(data, "mnist") == 0) data = "mnist-train";
  return drawn ? data : arena_printf(a, "%s:%lld", data, (long long)(count < most ? count : most));
}

// The words with the images that choose first scales, if a word leaves some open.
static struct load with_images(struct arena *a, const struct options *o, const struct images *set) {
  struct load l = words_of(o);
  if (l.n_calibrate) return l;
  const char **word = ARENA_NEW(a, const char *, 1);
  word[0] = train_first_images(a, o, set->count, FIRST_IMAGES);
  l.n_calibrate = 1;
  l.calibrate = word;
  return l;
}

bool train_qat_check(struct arena *a, const struct options *o, struct err *e) {
  const char *word = command_types(o);
  if (!word) word = o->method ? "--method" : o->keep_output ? "--keep-output" : NULL;
  if (!o->qat && word) return err_set(e, "%s is about integers: give --qat to train them", word);
  static const char *const some[] = {"mnist-train:512"};
  struct load l = words_of(o);
  if (!l.n_calibrate) {
    l.n_calibrate = 1;
    l.calibrate = some;
  }
  return !o->qat || load_check(a, &l, e);
}

struct qat *train_qat_begin(struct arena *a, const struct options *o, const struct images *set,
                            struct graph *model, struct err *e) {
  struct load l = with_images(a, o, set), none = {0};
  struct err ignored = {0};
  struct qat *q = qat_new(a, model, &l, e), *own;
  if (!q || !command_types(o) || !(own = qat_new(a, model, &none, &ignored))) return q;
  if (!load_same_graph(q->model, own->model)) return q;
  err_put(e,
          "the model says all its types itself, %s changes nothing: leave it out, or train the "
          "float model that it was made of",
          command_types(o));
  return NULL;
}

bool train_qat_test(struct arena *a, struct train_result *r, struct err *e) {
  struct load none = {0};
  struct model m;
  if (!load_graph(a, r->model, &none, NULL, &m, e)) return false;
  if (!r->test_name) return true;
  struct options judged = {.model = r->output, .quiet = true};
  judged.data = (struct option_list){1, {r->test_name}};
  struct warnings *w = &m.warnings;
  struct run run = {.arena = a, .model = r->output, .warnings = w};
  if (!run_model(&run, &judged, &m, e)) return false;
  r->verdict = run.verdict;
  r->answers = run.answers;
  r->score = run.score;
  return true;
}
