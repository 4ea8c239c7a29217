// SPDX-License-Identifier: Apache-2.0
// What the parts of the Keras reader share. Shapes are without the batch; channels are last, as
// here.
#ifndef NNGEN_IMPORT_KERAS_H
#define NNGEN_IMPORT_KERAS_H

#include "sw/base/sandbox.h"
#include "sw/graph/safetensors.h"
#include "sw/import/term.h"

// In the sandbox (keras_child.c): an HDF5 file or a zip archive with one, as a safetensors file.
bool keras_dump(const void *data, size_t size, struct text *out, struct err *e);

// In the sandbox, of what keras_pack makes: the same file again, with other numbers in arrays of it
// that bear the names which they have in what keras_dump gives.
bool keras_put(const void *data, size_t size, struct text *out, struct err *e);
void keras_pack(struct text *out, const void *data, size_t size, const struct safetensors *arrays);

// What the child may take.
extern const struct sandbox keras_limits;

// The graph of what comes out of it.
struct graph *keras_build(struct arena *a, const void *data, size_t size, struct refusals *r,
                          struct err *e);

// Where the elements of a tensor of the graph are in the file: (i, j, ..) at i * step[0] + j *
// step[1] + .. of array `array` of the dump.
struct keras_source {
  uint32_t value;
  uint32_t array;
  int64_t step[RANK_MAX];
  bool rounded; // a quantizer makes integers of them
};

struct keras_sources {
  uint32_t count, room;
  struct keras_source *list;
};

// The same, with the arrays and the way from each to the graph.
struct graph *keras_build_traced(struct arena *a, const void *data, size_t size,
                                 struct safetensors *file, struct keras_sources *sources,
                                 struct refusals *r, struct err *e);

// Which layer's output a stream is.
struct keras_output {
  const char *layer;
  int64_t node; // which call of the layer
  struct stream stream;
  bool lost; // of a layer that was refused
};

// The model whose layers are being read: the file's, or one that is a layer.
struct keras_scope {
  struct keras_output *outputs;
  uint32_t n_outputs, room;
  int depth;         // models around it
  const char *name;  // its name; NULL of the file's model
  const char *label; // in front of the names of its layers: "outer/inner/"
  const char *group; // "" of the file's model; else its group with '/' at the end, of .h5 the group
                     // of the outermost model that is a layer
};

struct keras {
  struct arena *arena;
  struct safetensors file;
  struct builder builder;
  struct keras_scope scope;
  uint32_t nested;      // calls of models that are layers
  const json_t *config; // of the current layer
  const char *group;    // of its arrays; NULL: none
  const char *folder;   // the part of the group whose paths begin so; NULL: all of it
  bool twice;           // it could be two
  bool odd;             // a word of its configuration was refused
  struct stream in[64]; // its inputs
  uint32_t n_in;
  const json_t *args, *words;    // of the current call; NULL: it has none
  struct keras_sources *sources; // NULL: nobody asks
  struct {                       // the last array whose elements changed their places
    const struct tensor *from, *to;
    int64_t step[RANK_MAX];
  } moved;
  struct err *err;
};

#define keras_refuse(k, ...) builder_refuse(&(k)->builder, __VA_ARGS__)

// Words of the layer's configuration, `otherwise` if it has none or null (which is no truth value).
// One of another type is refused: the layer is then, whatever becomes of it (`odd`).
int64_t keras_int(struct keras *k, const char *key, int64_t otherwise);
double keras_real(struct keras *k, const char *key, double otherwise);
bool keras_true(struct keras *k, const char *key, bool otherwise);
const char *keras_text(struct keras *k, const char *key, const char *otherwise);
bool keras_is_list(const struct keras *k, const char *key);
// The integers of a list and of the lists in it, or one alone; how many, -1 if it was refused.
int keras_list(struct keras *k, const char *key, int most, int64_t *to);
int keras_reals(struct keras *k, const char *key, int most, double *to);
// Numbers for rows and columns, one for both or a list.
bool keras_numbers(struct keras *k, const char *key, int count, int64_t otherwise, int64_t *to);
// The name of an activation or another object: a word, or {"class_name": ..}; "" if there is none.
const char *keras_object(struct keras *k, const char *key, const json_t **config);

// Finds the group of arrays of layer `index` of the scope (keras_groups.c).
void keras_group(struct keras *k, const json_t *layers, size_t index, const char *name);
// The same of the layer inside of one whose group was found.
void keras_group_wrapped(struct keras *k, const char *inner);
// The group of the layers of a model whose own group was found.
const char *keras_group_inside(const struct keras *k);
// Array i of the layer, of so many axes; NULL and a refusal if there is none such.
const struct tensor *keras_array(struct keras *k, int i, int rank);

// `to` has the elements of an array in other places; a value has those of an array, or of what was
// made of one (keras_sources.c).
void keras_moved(struct keras *k, const struct tensor *from, const struct tensor *to,
                 const int64_t *step);
void keras_came(struct keras *k, const struct tensor *from, uint32_t value);

// The output of a node, whose axes are the file's.
bool keras_made(struct keras *k, uint32_t node, struct stream *y);
// Refuses what is no image or sequence with its channels last.
bool keras_images(struct keras *k, const struct stream *x);
// One of our axes for each of the file's, in its order.
bool keras_plain(struct keras *k, struct stream *x);
// The activation that the layer has itself, behind it.
bool keras_own_activation(struct keras *k, struct stream *y);

// An activation by its Keras name, of the stream.
bool keras_activation(struct keras *k, const char *name, const json_t *config, struct stream *x);

// The same as a layer of that name.
bool keras_activation_as(struct keras *k, const char *name, const json_t *config, struct stream *y);

// The array as another, of which one axis may be -1.
bool keras_reshape_to(struct keras *k, int rank, int64_t *shape, struct stream *y);

// QKeras: a quantizer on a stream, and on weights. false and `is` false: there is none.
bool keras_quantize(struct keras *k, const char *name, const json_t *config, struct stream *x);
bool keras_weights(struct keras *k, const char *quantizer, const struct tensor *t, const char *name,
                   uint32_t *value);

// Layers by class and call (keras_read.c).
bool keras_call(struct keras *k, const json_t *layers, size_t index, const json_t *inbound,
                struct stream *y);
// Of a layer whose input isn't known: refuses it if there is none like it.
void keras_judge(struct keras *k, const json_t *layer);
// The layer of a class; NULL: there is none.
typedef bool keras_layer(struct keras *k, struct stream *y);
keras_layer *keras_find(const char *cls);
bool keras_is_input(const json_t *layer);
const char *keras_name(const json_t *layer);
// A function of keras.ops, on k->in, with k->args (keras_ops.c); whether a layer of the file is a
// call of one, and whether there is one of this name.
bool keras_operation(struct keras *k, struct stream *y);
bool keras_is_operation(const json_t *layer);
bool keras_knows_operation(const char *name);
// A layer called with numbers beside a stream; *are: whether it is.
bool keras_constants(struct keras *k, bool *are, struct stream *y);
// A model as a layer, on k->in (keras_models.c).
bool keras_is_model(const json_t *layer);
bool keras_nested(struct keras *k, const json_t *layer, struct stream *y);
// The file's model.
bool keras_model(struct keras *k, const json_t *root);

#define KERAS(name, function) bool keras_##function(struct keras *k, struct stream *y);
#include "sw/import/keras.def"
#undef KERAS

#define KERAS_OP(name, function) bool keras_##function(struct keras *k, struct stream *y);
#define KERAS_ACTIVATION(name, activation)
#define KERAS_TERM(name, function)
#include "sw/import/keras_ops.def"
#undef KERAS_OP
#undef KERAS_ACTIVATION
#undef KERAS_TERM

#endif
