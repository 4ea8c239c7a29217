// SPDX-License-Identifier: Apache-2.0
// Layers of Keras over steps of time, axis 1 of the file: TimeDistributed is another layer at each
// step. One that works on the last axis alone is the same on all of them.
#include "sw/import/compose.h"
#include "sw/import/keras.h"

#include <string.h>

static bool works_on_last_axis(const char *cls) {
  static const char *const list[] = {"Dense",         "QDense",
                                     "Activation",    "QActivation",
                                     "ReLU",          "LeakyReLU",
                                     "ELU",           "ThresholdedReLU",
                                     "Softmax",       "BatchNormalization",
                                     "Rescaling",     "Dropout",
                                     "AlphaDropout",  "GaussianDropout",
                                     "GaussianNoise", "ActivityRegularization",
                                     "Identity"};
  for (size_t i = 0; i < sizeof list / sizeof *list; i++)
    if (strcmp(list[i], cls) == 0) return true;
  return false;
}

// Each step becomes one axis, or that many.
static bool steps_reshaped(struct keras *k, bool flat, struct stream *y) {
  int64_t shape[RANK_MAX] = {y->layout.shape[0], -1};
  int n = flat ? 1 : keras_list(k, "target_shape", RANK_MAX - 1, shape + 1);
  if (n < 1) return keras_refuse(k, "check the file", "a shape of no or too many axes");
  if (strcmp(keras_text(k, "data_format", "channels_last"), "channels_last") != 0)
    return keras_refuse(k, "use channels_last", "its channels come first");
  return keras_reshape_to(k, n + 1, shape, y);
}

bool keras_time_distributed(struct keras *k, struct stream *y) {
  const json_t *layer = json_object_get(k->config, "layer"), *outer = k->config;
  const char *cls = json_string_value(json_object_get(layer, "class_name"));
  if (!cls || y->layout.rank < 2)
    return keras_refuse(k, "check the file", "it has no layer inside, or no steps");
  bool flat = strcmp(cls, "Flatten") == 0, moves = flat || strcmp(cls, "Reshape") == 0;
  if (!moves && !works_on_last_axis(cls))
    return keras_refuse(k, "use a layer that works on all steps at once (Conv1D, Conv2D)",
                        "it applies \"%s\" to each of %lld steps", cls,
                        (long long)y->layout.shape[0]);
  keras_group_wrapped(k, keras_name(layer));
  k->config = json_object_get(layer, "config");
  bool ok = moves ? steps_reshaped(k, flat, y) : keras_plain(k, y) && keras_find(cls)(k, y);
  k->config = outer;
  return ok;
}

// (F) to (n, F): the same at each step.
bool keras_repeat_vector(struct keras *k, struct stream *y) {
  int64_t n = keras_int(k, "n", 0), shape[2] = {1, layout_elements(&y->layout)};
  if (y->layout.rank != 1 || n < 1 || n > DIM_MAX)
    return keras_refuse(k, "check the file", "n is %lld, its input has %d axes", (long long)n,
                        y->layout.rank);
  if (!keras_reshape_to(k, 2, shape, y)) return false;
  shape[0] = n;
  if (!compose_spread(&k->builder, &y->value, shape)) return false;
  y->layout = layout_new(2, shape, NULL);
  return true;
}
