// SPDX-License-Identifier: Apache-2.0
#include "tests/train/helper_fit.h"

#include <string.h>

static void fill(struct fit_sample *s) {
  *s = (struct fit_sample){.labels = {0, 2, 1, 0, 1, 2}, .rates = {0.5f, 0.25f}};
  for (int i = 0; i < FIT_IMAGES * FIT_INPUTS; i++) s->x[i] = (float)(i * 7 % 11 - 5) / 4;
  s->optimizer = (struct optimizer){.function = ASSIGN_adam,
                                    .beta1 = 0.5,
                                    .beta2 = 0.5,
                                    .epsilon = 1,
                                    .n_rates = 2,
                                    .every = 2,
                                    .rates = s->rates};
  s->numbers = (struct array){.type = ARRAY_F32,
                              .rank = 2,
                              .shape = {FIT_IMAGES, FIT_INPUTS},
                              .elements = FIT_IMAGES * FIT_INPUTS,
                              .data = (unsigned char *)s->x};
  s->set = (struct images){.name = "x",
                           .count = FIT_IMAGES,
                           .rank = 1,
                           .shape = {FIT_INPUTS},
                           .elements = FIT_INPUTS,
                           .numbers = &s->numbers,
                           .has_labels = true,
                           .labels = s->labels};
  s->options = (struct fit_options){.optimizer = &s->optimizer,
                                    .epochs = 3,
                                    .batch = 2,
                                    .validation = 2,
                                    .patience = 3,
                                    .seed = 1,
                                    .threads = 1,
                                    .target = {0, 1}};
}

void fit_sample_new(struct fit_sample *s, struct arena *a, int steps) {
  static const char json[] =
      "{\"input\":{\"shape\":[4]},\"layers\":[{\"op\":\"linear\",\"out\":3}]}";
  struct err e = {0};
  fill(s);
  assert_true(recipe_parse(a, json, strlen(json), 1, &s->recipe, &e));
  const struct graph *m = s->recipe.model;
  s->training = training_new(a, m, s->recipe.loss, &s->optimizer, 1, NULL, 0, &e);
  s->fit = s->training ? fit_new(a, s->recipe.model, s->training, &s->set, &s->options, &e) : NULL;
  if (!s->fit) fail_msg("%s", e.text);
  for (int i = 0; i < steps; i++) assert_int_equal(fit_step(s->fit, &e), FIT_GOING);
  checkpoint_run(s->training, &s->options, &s->set, &s->run);
}
