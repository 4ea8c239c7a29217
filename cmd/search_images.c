// SPDX-License-Identifier: Apache-2.0
// The images of a search: those that trials are judged by, and which mustn't calibrate them.
#include "cmd/search.h"

#include "sw/data/sets.h"

#include <string.h>

enum { IMAGES = 1000 };

// The last of the training images; never those that a result is judged by.
bool search_open_images(struct search *s, struct err *e) {
  const struct options *o = s->options;
  const char *set = o->data.count ? o->data.word[0] : "mnist-train";
  int64_t most = o->images ? o->images : IMAGES;
  if (!objectives_need(&s->objectives, METRIC_errors) &&
      !objectives_need(&s->objectives, METRIC_snr))
    return true;
  if (strcmp(set, "mnist") == 0)
    return err_set(e, "--data mnist: those are the test images; search with mnist-train, and judge "
                      "with nngen search best --data mnist STUDY");
  struct options of = *o;
  of.data = (struct option_list){1, {set}};
  of.images = 0;
  if (!command_images(s->arena, &of, s->whole, 0, &s->set, e)) return false;
  if (!s->set.has_labels && objectives_need(&s->objectives, METRIC_errors))
    return err_set(e, "%s: it has no labels: --objective errors needs the right answers", set);
  s->evaluator.set = &s->set;
  s->evaluator.images = s->set.count < most ? s->set.count : most;
  s->evaluator.first = s->set.count - s->evaluator.images;
  return true;
}

// What points are judged by in the end helps neither to choose them nor to calibrate.
bool search_check_calibration(struct arena *a, const struct options *o, struct err *e) {
  for (int i = 0; i < o->calibrate.count; i++) {
    const char *word = o->calibrate.word[i], *equal = strchr(word, '=');
    if (strcmp(sets_whole(a, equal ? equal + 1 : word), "mnist") == 0)
      return err_set(e,
                     "--calibrate %s: those images are what the point that is chosen is judged by; "
                     "choose others, as in mnist-train:1000",
                     word);
  }
  return true;
}

// Nor do the images that trials are judged by calibrate them.
bool search_check_validation(struct search *s, struct err *e) {
  const struct options *o = s->options;
  const char *set = o->data.count ? o->data.word[0] : "mnist-train";
  int64_t first = s->evaluator.first, last = first + s->evaluator.images - 1;
  for (int i = 0; s->evaluator.set && i < o->calibrate.count; i++) {
    const char *word = o->calibrate.word[i], *equal = strchr(word, '=');
    const char *own = equal ? equal + 1 : word, *whole = sets_whole(s->arena, own);
    if (strcmp(whole, set) != 0 || sets_last(s->arena, own, s->set.count) < first) continue;
    return err_set(
        e,
        "--calibrate %s: has images of %s from %lld to %lld, which trials are judged by; "
        "choose others, as in %s:%lld",
        word, set, (long long)first, (long long)last, set,
        (long long)(first < 1000 ? first : 1000));
  }
  return true;
}
