// SPDX-License-Identifier: Apache-2.0
// The training loop against sums computed here, in doubles, on a linear layer; models that can't be
// trained; and checkpoints in which one thing is different: each is refused by its name.
#include "sw/base/file.h"
#include "sw/base/rng.h"
#include "sw/data/array.h"
#include "sw/graph/safetensors.h"
#include "sw/train/checkpoint.h"
#include "sw/train/recipe.h"
#include "tests/data/helper_data.h"

#include <math.h>
#include <string.h>

enum { IMAGES = 11, VALIDATION = 3, BATCH = 4, ELEMENTS = 4, CLASSES = 3 };

// Two channels, pixels or floats, one linear layer.
static const char small[] =
    "{\"input\":{\"shape\":[2,2],\"mean\":[0.25,0.5],\"std\":[0.5,2]},"
    "\"layers\":[{\"op\":\"reshape\",\"shape\":[4]},{\"op\":\"linear\",\"out\":3}],"
    "\"loss\":\"mse\",\"targets\":[-1,1]}";

struct course {
  struct arena *arena;
  struct recipe recipe;
  struct images set;
  struct array numbers; // of the set
  float *floats;
  struct optimizer optimizer;
  struct fit_options options;
  struct training *training;
  struct fit *fit;
};

static void fill_set(struct course *c, bool floats) {
  struct rng r = {5, 0};
  struct images *s = &c->set;
  *s = (struct images){
      .name = "drawn", .count = IMAGES, .rank = 2, .shape = {2, 2}, .elements = ELEMENTS};
  s->pixels = floats ? NULL : ARENA_NEW(c->arena, uint8_t, IMAGES * ELEMENTS);
  c->floats = floats ? ARENA_NEW(c->arena, float, IMAGES *ELEMENTS) : NULL;
  c->numbers = (struct array){.type = ARRAY_F32,
                              .rank = 2,
                              .shape = {IMAGES, ELEMENTS},
                              .elements = IMAGES * ELEMENTS,
                              .data = (unsigned char *)c->floats};
  s->numbers = floats ? &c->numbers : NULL;
  s->labels = ARENA_NEW(c->arena, int32_t, IMAGES);
  s->has_labels = true;
  for (int i = 0; i < IMAGES * ELEMENTS; i++) {
    if (floats)
      c->floats[i] = (float)(rng_unit(&r) * 2 - 1);
    else
      s->pixels[i] = (uint8_t)rng_range(&r, 0, 255);
  }
  for (int i = 0; i < IMAGES; i++) s->labels[i] = (int32_t)rng_range(&r, 0, CLASSES - 1);
}

static void course_new(struct course *c, struct arena *a, bool floats) {
  static const float rate = 0.01f;
  struct err e = {0};
  *c = (struct course){.arena = a};
  c->optimizer = (struct optimizer){
      .function = ASSIGN_momentum, .momentum = 0.9, .n_rates = 1, .every = 1, .rates = &rate};
  if (!recipe_parse(a, small, strlen(small), 1, &c->recipe, &e)) fail_msg("%s", e.text);
  fill_set(c, floats);
  c->options = (struct fit_options){.optimizer = &c->optimizer,
                                    .epochs = 3,
                                    .batch = BATCH,
                                    .validation = VALIDATION,
                                    .patience = 9,
                                    .seed = 1,
                                    .threads = 1,
                                    .loss = {LOSS_MSE, 0},
                                    .target = {-1, 1}};
}

static void begin(struct course *c) {
  struct err e = {0};
  c->training =
      training_new(c->arena, c->recipe.model, c->options.loss, &c->optimizer, 1, NULL, 0, &e);
  if (!c->training) fail_msg("%s", e.text);
  c->fit = fit_new(c->arena, c->recipe.model, c->training, &c->set, &c->options, &e);
  if (!c->fit) fail_msg("%s", e.text);
}

// ---- sums

static const struct tensor *tensor_of(const struct course *c, const char *name) {
  return c->recipe.model->values[graph_find_value(c->recipe.model, name)].init;
}

static double input_of(const struct course *c, int64_t image, int k) {
  static const double mean[] = {0.25, 0.5}, std[] = {0.5, 2};
  int64_t at = image * ELEMENTS + k;
  return c->set.numbers ? (double)c->floats[at]
                        : (c->set.pixels[at] / 255.0 - mean[k % 2]) / std[k % 2];
}

// What the model gives for an image; its squared error.
static double error_of(const struct course *c, int64_t image, int *class) {
  const struct tensor *w = tensor_of(c, "fc1.weight"), *b = tensor_of(c, "fc1.bias");
  double sum = 0, most = -INFINITY;
  for (int i = 0; i < CLASSES; i++) {
    double y = tensor_real(b, i), target = i == c->set.labels[image] ? 1 : -1;
    for (int k = 0; k < ELEMENTS; k++)
      y += tensor_real(w, i * ELEMENTS + k) * input_of(c, image, k);
    sum += (y - target) * (y - target);
    if (y > most) *class = i;
    most = fmax(most, y);
  }
  return sum / CLASSES;
}

// Cross entropy of the negatives, in front of an argmin; with J an exponential more.
static double least_loss(const struct course *c, int64_t image, int *class) {
  const struct loss *loss = &c->options.loss;
  const struct tensor *w = tensor_of(c, "fc1.weight"), *b = tensor_of(c, "fc1.bias");
  double sum = 0, least = INFINITY, right = 0;
  for (int i = 0; i < CLASSES; i++) {
    double y = tensor_real(b, i);
    for (int k = 0; k < ELEMENTS; k++)
      y += tensor_real(w, i * ELEMENTS + k) * input_of(c, image, k);
    sum += exp(-y);
    if (i == c->set.labels[image]) right = y;
    if (y < least) *class = i;
    least = fmin(least, y);
  }
  return log(sum + (loss->kind == LOSS_RBF ? exp(-loss->rubbish) : 0)) + right;
}

// The validation of every epoch is that of the exported weights; the first epoch's first loss is
// that of the drawn ones.
static void sums_are_right(bool floats) {
  struct arena a = {0};
  struct course c;
  struct err e = {0};
  int class = 0;
  course_new(&c, &a, floats);
  c.options.batch = IMAGES - VALIDATION;
  double first = 0;
  for (int i = 0; i < IMAGES - VALIDATION; i++) first += error_of(&c, i, &class);
  begin(&c);
  for (int epoch = 0; epoch < 3; epoch++) {
    enum fit_state state = fit_step(c.fit, &e);
    assert_int_equal(state, epoch < 2 ? FIT_GOING : FIT_DONE);
    const struct fit_row *row = &fit_at(c.fit)->row[epoch];
    if (epoch == 0) assert_true(fabs(row->loss - first / (IMAGES - VALIDATION)) < 1e-5);
    double loss = 0, correct = 0;
    for (int i = IMAGES - VALIDATION; i < IMAGES; i++) {
      loss += error_of(&c, i, &class);
      correct += class == c.set.labels[i];
    }
    assert_true(fabs(row->validation_loss - loss / VALIDATION) < 1e-5);
    assert_true(row->validation_accuracy == correct / VALIDATION);
  }
  assert_int_equal(fit_step(c.fit, &e), FIT_DONE); // and nothing more is done
  assert_int_equal(fit_at(c.fit)->rows, 3);
  fit_free(c.fit);
  arena_free(&a);
}

static void losses_are_those_of_the_weights(void **state) {
  (void)state;
  sums_are_right(false);
  sums_are_right(true);
}

static void run_to_end(struct course *c) {
  struct err e = {0};
  while (fit_step(c->fit, &e) == FIT_GOING) continue;
  fit_export(c->fit);
  fit_free(c->fit);
}

// Weights that come as doubles are trained to the same bits.
static void doubles_become_floats(void **state) {
  (void)state;
  struct arena a = {0};
  struct course c, d;
  course_new(&c, &a, false);
  course_new(&d, &a, false);
  struct value *w = &d.recipe.model->values[graph_find_value(d.recipe.model, "fc1.weight")];
  struct tensor *wide = tensor_new(&a, DTYPE_F64, w->rank, w->shape);
  for (int64_t i = 0; i < wide->count; i++) ((double *)wide->data)[i] = tensor_real(w->init, i);
  w->init = wide;
  begin(&c);
  begin(&d);
  run_to_end(&c);
  run_to_end(&d);
  assert_int_equal(w->init->dtype, DTYPE_F32);
  assert_memory_equal(w->init->data, tensor_of(&c, "fc1.weight")->data, 12 * sizeof(float));
  arena_free(&a);
}

static void pixels_need_a_source(void **state) {
  (void)state;
  for (int channels = 0; channels <= 5; channels += 5) {
    struct arena a = {0};
    struct course c;
    struct err e = {0};
    course_new(&c, &a, false);
    begin(&c);
    fit_free(c.fit);
    c.recipe.model->inputs[0].source.channels = channels;
    assert_null(fit_new(&a, c.recipe.model, c.training, &c.set, &c.options, &e));
    assert_non_null(strstr(e.text, channels ? "drawn: bytes of 5 channels, at most 4"
                                            : "drawn: bytes, but input \"image\" of the model has "
                                              "no pixel source"));
    arena_free(&a);
  }
}

// ---- models that can't be trained

enum obstacle { STATE, CONTROL, DELAYED, OUTPUTS, SCALAR, PER_STEP };

// x (4) -> linear -> y (4), and an obstacle.
static struct graph *obstructed(struct arena *a, enum obstacle what) {
  struct graph *g = graph_new(a, "obstructed");
  int64_t shape[2] = {4, 4}, axis = 0;
  uint32_t x = graph_add_value(g, "x", 1, shape, type_real(), true);
  graph_add_input(g, x, (struct source){0});
  uint32_t w = graph_add_tensor(g, "w", tensor_new(a, DTYPE_F32, 2, shape), type_real());
  bool held = what == STATE || what == DELAYED;
  struct tensor *zeros = tensor_new(a, DTYPE_F32, 1, shape);
  uint32_t zero = held ? graph_add_tensor(g, "zero", zeros, type_real()) : 0;
  uint32_t fc = graph_add_node(g, OP_linear, "fc");
  graph_add_use(g, fc,
                what == DELAYED ? (struct use){x, 1, (int32_t)zero} : (struct use){x, 0, NONE});
  graph_add_use(g, fc, (struct use){w, 0, NONE});
  uint32_t y = graph_add_value(g, "y", 1, shape, type_real(), true);
  graph_add_out(g, fc, y);
  if (what == STATE) {
    uint32_t v = graph_add_node(g, OP_variable, "memory");
    graph_add_attr(g, v, ATTR_init)->value = zero;
    graph_add_out(g, v, graph_add_value(g, "memory", 1, shape, type_ref(), false));
  }
  if (what == CONTROL) graph_add_after(g, fc, (struct after){fc, 1});
  if (what == SCALAR || what == PER_STEP) {
    uint32_t sum = graph_add_node(g, OP_sum, "sum");
    graph_add_use(g, sum, (struct use){y, 0, NONE});
    if (what == SCALAR) graph_add_ints(g, sum, ATTR_axes, 1, &axis);
    if (what == PER_STEP) graph_add_int(g, sum, ATTR_frames, 1);
    y = graph_add_value(g, "s", what == PER_STEP, shape, type_real(), what == SCALAR);
    graph_add_out(g, sum, y);
  }
  graph_add_output(g, y);
  if (what == OUTPUTS) graph_add_output(g, y);
  return g;
}

static void models_that_cannot_be_trained(void **state) {
  (void)state;
  static const char *const messages[] = {"layer \"memory\": the model holds state already",
                                         "layer \"fc\": the model holds state already",
                                         "layer \"fc\": a delayed input",
                                         "1 inputs and 2 outputs, expected one of each",
                                         "output \"s\" has no classes to train for",
                                         "output \"s\" has no classes to train for"};
  for (int i = 0; i < 6; i++) {
    struct arena a = {0};
    struct err e = {0};
    struct course c;
    course_new(&c, &a, true);
    const struct graph *g = obstructed(&a, (enum obstacle)i);
    if (!graph_verify(g, &e)) fail_msg("%s", e.text);
    assert_null(training_new(&a, g, (struct loss){LOSS_MSE, 0}, &c.optimizer, 1, NULL, 0, &e));
    assert_string_equal(e.text, messages[i]);
    arena_free(&a);
  }
}

// ---- checkpoints

// A checkpoint file that is read, to be written with something else in it.
struct copy {
  struct fixture *f;
  struct course course;
  struct checkpoint_run run;
  struct safetensors file;
  const char *(*metadata)[2]; // (n_metadata) of the file as written
};

static void copy_new_checkpoint(struct copy *k, struct fixture *f) {
  struct err e = {0};
  struct bytes bytes;
  *k = (struct copy){.f = f};
  course_new(&k->course, &f->arena, false);
  begin(&k->course);
  checkpoint_run(k->course.training, &k->course.options, &k->course.set, &k->run);
  for (int i = 0; i < 3; i++) fit_step(k->course.fit, &e); // an epoch of two steps, and one step
  const char *path = path_in(f, "checkpoint");
  if (!checkpoint_write(path, k->course.fit, &k->run, &e) ||
      !file_read(&f->arena, path, 1 << 20, &bytes, &e) ||
      !safetensors_parse(&f->arena, bytes.data, bytes.size, &k->file, &e))
    fail_msg("%s", e.text);
  size_t size = k->file.n_metadata * sizeof *k->metadata;
  k->metadata = (const char *(*)[2])arena_alloc(&f->arena, size, 1);
  memcpy(k->metadata, k->file.metadata, size);
}

// Reads the file as it is now; the message without its path, "" if it is taken.
static const char *reads(struct copy *k) {
  struct err e = {0};
  const char *path = path_in(k->f, "changed");
  if (!safetensors_write(path, &k->file, &e)) fail_msg("%s", e.text);
  bool ok = checkpoint_read(path, k->course.fit, &k->course.options, &k->run, &e);
  assert_int_equal(ok, e.text[0] == 0);
  if (!ok) assert_memory_equal(e.text, path, strlen(path));
  return arena_strdup(&k->f->arena, ok ? "" : e.text + strlen(path) + 2);
}

// The file with another text for a key, or without it (text NULL).
static const char *reads_with(struct copy *k, const char *key, const char *text) {
  memcpy(k->file.metadata, k->metadata, k->file.n_metadata * sizeof *k->metadata);
  for (uint32_t i = 0; i < k->file.n_metadata; i++)
    if (strcmp(k->metadata[i][0], key) == 0) {
      if (!text) k->file.metadata[i][0] = "other";
      k->file.metadata[i][1] = text ? text : "other";
    }
  return reads(k);
}

static void refused_with(struct copy *k, const char *key, const char *text, const char *message) {
  const char *said = reads_with(k, key, text);
  if (strncmp(said, message, strlen(message)) != 0 || !*said)
    fail_msg("%s = %s: \"%s\", expected \"%s\"", key, text, said, message);
}

static void words_of_checkpoints(void **state) {
  struct copy k;
  copy_new_checkpoint(&k, *state);
  assert_string_equal(reads(&k), "");
  refused_with(&k, "format", NULL, "not a checkpoint: format \"\"");
  refused_with(&k, "format", "nngen", "not a checkpoint: format \"nngen\"");
  refused_with(&k, "nngen.version", NULL, "checkpoint version \"\", expected 1");
  refused_with(&k, "nngen.version", "2", "checkpoint version \"2\", expected 1");
  refused_with(&k, "nngen.network", NULL,
               "a checkpoint of another network, optimiser or schedule (nngen.network: none, ");
  refused_with(&k, "nngen.options", "00", "a checkpoint of other options (nngen.options: 00, ");
  refused_with(&k, "nngen.data", "00", "a checkpoint of another data set (nngen.data: 00, ");
  refused_with(&k, "nngen.position", NULL, "there is no position");
  refused_with(&k, "nngen.position", "{", "JSON line 1");
  fit_free(k.course.fit);
}

static void positions(void **state) {
  struct copy k;
  copy_new_checkpoint(&k, *state);
  static const char *const bad[] = {
      "[]",
      "{}",
      "{\"epoch\":\"1\",\"step\":1,\"best_epoch\":0,\"rows\":[{}]}",
      "{\"epoch\":-1,\"step\":1,\"best_epoch\":0,\"rows\":[{}]}",
      "{\"epoch\":4,\"step\":1,\"best_epoch\":0,\"rows\":[{},{},{},{}]}",
      "{\"epoch\":1,\"step\":2,\"best_epoch\":0,\"rows\":[{}]}",
      "{\"epoch\":1,\"step\":-1,\"best_epoch\":0,\"rows\":[{}]}",
      "{\"epoch\":1,\"step\":1,\"best_epoch\":-1,\"rows\":[{}]}",
      "{\"epoch\":1,\"step\":1,\"best_epoch\":2,\"rows\":[{}]}",
      "{\"epoch\":1,\"step\":1,\"best_epoch\":0,\"rows\":[]}",
      "{\"epoch\":1,\"step\":1,\"best_epoch\":0,\"rows\":[{},{}]}",
      "{\"epoch\":1,\"step\":1,\"best_epoch\":0}",
  };
  for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
    refused_with(&k, "nngen.position", bad[i], "position: epoch ");
  const struct fit_position *at = fit_at(k.course.fit);
  assert_true(at->epoch == 1 && at->step == 1 && at->rows == 1); // refused ones change nothing
  assert_string_equal(reads_with(&k, "nngen.position",
                                 "{\"epoch\":2,\"step\":0,\"best_epoch\":1,\"best\":0.5,\"rows\":"
                                 "[{\"loss\":0.25,\"rate\":1},{\"loss\":null,\"seconds\":\"9\"}]}"),
                      "");
  assert_true(at->epoch == 2 && at->best == 0.5 && at->rows == 2 && at->row[0].loss == 0.25);
  assert_true(isnan(at->row[1].loss) && isnan(at->row[1].seconds));
  fit_free(k.course.fit);
}

static void arrays_of_checkpoints(void **state) {
  struct copy k;
  copy_new_checkpoint(&k, *state);
  struct named_tensor *first = &k.file.tensors[0];
  struct tensor *kept = first->tensor, other = *kept;
  const char *name = first->name;
  first->name = "aaa";
  assert_string_equal(reads(&k), arena_printf(&k.f->arena, "variable \"%s\" is missing", name));
  first->name = name;
  first->tensor = &other;
  const char *message =
      arena_printf(&k.f->arena, "variable \"%s\" has another type or shape", name);
  other.dtype = DTYPE_I32;
  assert_string_equal(reads(&k), message);
  other = *kept;
  other.rank = 2;
  other.shape[1] = 1;
  assert_string_equal(reads(&k), message);
  struct named_tensor *matrix = first;
  for (uint32_t i = 0; i < k.file.count; i++)
    if (k.file.tensors[i].tensor->rank == 2) matrix = &k.file.tensors[i];
  first->tensor = kept;
  other = *matrix->tensor;
  other.shape[0] = matrix->tensor->shape[1];
  other.shape[1] = matrix->tensor->shape[0];
  matrix->tensor = &other;
  assert_non_null(strstr(reads(&k), "has another type or shape"));
  k.file.count--;
  assert_non_null(strstr(reads(&k), "arrays, this run has "));
  fit_free(k.course.fit);
}

// The loss of the first step, in front of an argmin, and the validation of each epoch.
static void least_is_the_class(struct loss of) {
  static const char json[] =
      "{\"input\":{\"shape\":[2,2],\"mean\":[0.25,0.5],\"std\":[0.5,2]},"
      "\"layers\":[{\"op\":\"reshape\",\"shape\":[4]},{\"op\":\"linear\",\"out\":3},"
      "{\"op\":\"argmin\"}]}";
  struct arena a = {0};
  struct course c;
  struct err e = {0};
  int class = 0;
  course_new(&c, &a, false);
  if (!recipe_parse(&a, json, strlen(json), 1, &c.recipe, &e)) fail_msg("%s", e.text);
  c.options.batch = IMAGES - VALIDATION;
  c.options.loss = of;
  c.options.target[0] = 0;
  double first = 0, last = 0, correct = 0;
  for (int i = 0; i < IMAGES - VALIDATION; i++) {
    first += least_loss(&c, i, &class);
    correct += class == c.set.labels[i];
  }
  begin(&c);
  for (int epoch = 0; epoch < 3; epoch++) {
    assert_int_equal(fit_step(c.fit, &e), epoch < 2 ? FIT_GOING : FIT_DONE);
    const struct fit_row *row = &fit_at(c.fit)->row[epoch];
    double loss = 0;
    for (int i = IMAGES - VALIDATION; i < IMAGES; i++) loss += least_loss(&c, i, &class);
    assert_true(fabs(row->validation_loss - loss / VALIDATION) < 1e-5);
    if (epoch == 0) {
      assert_true(fabs(row->loss - first / (IMAGES - VALIDATION)) < 1e-5);
      assert_true(row->accuracy == correct / (IMAGES - VALIDATION));
    }
    last = row->loss;
  }
  assert_true(last < first / (IMAGES - VALIDATION));
  fit_free(c.fit);
  arena_free(&a);
}

static void the_least_is_the_class(void **state) {
  (void)state;
  least_is_the_class((struct loss){LOSS_CROSS_ENTROPY, 0});
  least_is_the_class((struct loss){LOSS_RBF, 1.5});
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(losses_are_those_of_the_weights),
      cmocka_unit_test(the_least_is_the_class),
      cmocka_unit_test(doubles_become_floats),
      cmocka_unit_test(pixels_need_a_source),
      cmocka_unit_test(models_that_cannot_be_trained),
      DATA_CASE(words_of_checkpoints),
      DATA_CASE(positions),
      DATA_CASE(arrays_of_checkpoints),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
