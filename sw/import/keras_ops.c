// SPDX-License-Identifier: Apache-2.0
// Functions of keras.ops, and Python's operators, on the tensors of a functional model: a file has
// each call as a layer without weights. What they are called with beside streams stands in their
// configuration, or among the arguments of the call. Axis 0 is the batch.
#include "sw/import/keras.h"
#include "sw/import/reduce.h"

#include <math.h>
#include <string.h>

// ---- which there are

enum way { WAY_LAYER, WAY_ACTIVATION, WAY_TERM };

static const struct operation {
  const char *name;
  enum way way;
  keras_layer *import;
  const char *activation;
  enum function function;
} operations[] = {
#define KERAS_OP(name, function) {name, WAY_LAYER, keras_##function, NULL, FUNCTION_X},
#define KERAS_ACTIVATION(name, activation) {name, WAY_ACTIVATION, NULL, activation, FUNCTION_X},
#define KERAS_TERM(name, function) {name, WAY_TERM, NULL, NULL, FUNCTION_##function},
#include "sw/import/keras_ops.def"
#undef KERAS_OP
#undef KERAS_ACTIVATION
#undef KERAS_TERM
};

static const struct operation *find(const char *name) {
  for (size_t i = 0; i < sizeof operations / sizeof *operations; i++)
    if (strcmp(operations[i].name, name) == 0) return &operations[i];
  return NULL;
}

// .keras files say the module. In .h5 files a layer has its type and whether it is trained, a
// function neither.
bool keras_is_operation(const json_t *layer) {
  const json_t *config = json_object_get(layer, "config"),
               *call = json_array_get(json_object_get(layer, "inbound_nodes"), 0);
  const char *module = json_string_value(json_object_get(layer, "module")),
             *cls = json_string_value(json_object_get(layer, "class_name"));
  if (module)
    return strncmp(module, "keras.src.ops", 13) == 0 || strncmp(module, "keras.ops", 9) == 0;
  return cls && json_object_get(call, "args") && !json_object_get(config, "dtype") &&
         !json_object_get(config, "trainable") && (find(cls) || !keras_find(cls));
}

bool keras_knows_operation(const char *name) {
  return find(name);
}

// ---- constants among the arguments

// Arguments of a call that aren't streams, {"args": [2.0, {..}]}: numbers, and arrays or the like.
struct constants {
  int numbers, others;
  double number;
  bool first; // the number is in front of the stream
};

static void constants_of(const json_t *j, int streams, struct constants *c) {
  size_t i;
  json_t *v;
  const char *cls = json_string_value(json_object_get(j, "class_name"));
  if (json_is_number(j)) {
    c->numbers++;
    c->number = json_number_value(j);
    c->first = streams == 0;
  }
  if (json_is_object(j) && (!cls || strcmp(cls, "__keras_tensor__") != 0)) c->others++;
  if (json_is_array(j)) json_array_foreach((json_t *)j, i, v) constants_of(v, streams + (int)i, c);
}

static bool refuse_constants(struct keras *k) {
  return keras_refuse(k, "use layers (Rescaling, Normalization) instead of constants",
                      "it is called with constants");
}

// x + c, c - x, c x, x / c, as a model's formula has them: a scale and a shift.
static bool is_formula(const char *op, const struct constants *c) {
  bool divides = (strcmp(op, "Divide") == 0 || strcmp(op, "TrueDivide") == 0) && !c->first;
  return divides || strcmp(op, "Subtract") == 0 || strcmp(op, "Multiply") == 0 ||
         strcmp(op, "Add") == 0;
}

static bool with_number(struct keras *k, const struct constants *c, struct stream *y) {
  const char *op = k->builder.op;
  bool less = strcmp(op, "Subtract") == 0, times = strcmp(op, "Multiply") == 0;
  bool divides = !less && !times && strcmp(op, "Add") != 0;
  if (!is_formula(op, c) || c->others || c->numbers != 1 || k->n_in != 1 ||
      (divides && c->number == 0))
    return refuse_constants(k);
  double scale = less && c->first ? -1 : times ? c->number : divides ? 1 / c->number : 1;
  double shift = times || divides ? 0 : less && !c->first ? -c->number : c->number;
  return keras_plain(k, y) && term_affine(&k->builder, y, 1, &scale, &shift);
}

bool keras_constants(struct keras *k, bool *are, struct stream *y) {
  struct constants c = {0};
  constants_of(k->args, 0, &c);
  *are = c.numbers || c.others;
  return *are && with_number(k, &c, y);
}

// ---- of each element

static bool made(struct keras *k, struct term *t, struct stream *y) {
  struct stream x = *y;
  return keras_plain(k, &x) && term_make(&k->builder, t, &x, y);
}

static bool as_term(struct keras *k, enum function f, const struct constants *c, struct stream *y) {
  struct arena *a = k->arena;
  struct term *x = term_x(a), *n = c->numbers ? term_constant(a, c->number) : NULL;
  if (f == FUNCTION_ROUND && keras_int(k, "decimals", 0))
    return keras_refuse(k, "round to whole numbers", "decimals %lld",
                        (long long)keras_int(k, "decimals", 0));
  if (f == FUNCTION_MUL) n = x; // x x
  int operands = 1 + (n != NULL);
  if (k->n_in != 1 || c->numbers > 1 || operands != function_operands(f))
    return keras_refuse(k, "use layers with one input, or Multiply and Add",
                        "%u streams and %d numbers, which it isn't computed of", k->n_in,
                        c->numbers);
  return made(k, c->first ? term_of(a, f, n, x, NULL) : term_of(a, f, x, n, NULL), y);
}

// The larger, or the smaller, of a stream and a number.
static bool extreme(struct keras *k, const struct constants *c, struct stream *y) {
  struct arena *a = k->arena;
  enum function f = strcmp(k->builder.op, "Maximum") == 0 ? FUNCTION_MAX : FUNCTION_MIN;
  return made(k, term_of(a, f, term_x(a), term_constant(a, c->number), NULL), y);
}

bool keras_op_clip(struct keras *k, struct stream *y) {
  struct arena *a = k->arena;
  double lo = keras_real(k, "x_min", -INFINITY), hi = keras_real(k, "x_max", INFINITY);
  struct term *t = term_x(a);
  if (isfinite(lo)) t = term_of(a, FUNCTION_MAX, t, term_constant(a, lo), NULL);
  if (isfinite(hi)) t = term_of(a, FUNCTION_MIN, t, term_constant(a, hi), NULL);
  return (!isfinite(lo) && !isfinite(hi)) || made(k, t, y);
}

static bool with_real(struct keras *k, enum op op, enum attr_name name, double v,
                      struct stream *y) {
  uint32_t node = builder_node(&k->builder, op, 1, &y->value);
  graph_add_real(k->builder.graph, node, name, v);
  return keras_made(k, node, y);
}

bool keras_op_leaky_relu(struct keras *k, struct stream *y) {
  return keras_plain(k, y) &&
         with_real(k, OP_leaky_relu, ATTR_slope, keras_real(k, "negative_slope", 0.2), y);
}

bool keras_op_shrink(struct keras *k, struct stream *y) {
  bool soft = strcmp(k->builder.op, "SoftShrink") == 0;
  double threshold = keras_real(k, "threshold", 0.5);
  if (!(threshold > 0)) return keras_refuse(k, "use one above 0", "threshold %g", threshold);
  return keras_plain(k, y) &&
         with_real(k, soft ? OP_softshrink : OP_hardshrink, ATTR_lambda, threshold, y);
}

// max(x, 0) + min(0, alpha (e^(x / alpha) - 1)): elu of 1 alone is that, too.
bool keras_op_celu(struct keras *k, struct stream *y) {
  double alpha = keras_real(k, "alpha", 1);
  if (alpha != 1) return keras_refuse(k, "use elu, or an alpha of 1", "alpha %g", alpha);
  return keras_plain(k, y) && with_real(k, OP_elu, ATTR_alpha, 1, y);
}

bool keras_op_gelu(struct keras *k, struct stream *y) {
  if (!keras_plain(k, y)) return false;
  uint32_t node = builder_node(&k->builder, OP_gelu, 1, &y->value);
  if (keras_true(k, "approximate", true))
    graph_add_text(k->builder.graph, node, ATTR_approximate, "tanh");
  return keras_made(k, node, y);
}

bool keras_op_softmax(struct keras *k, struct stream *y) {
  int64_t axis = keras_int(k, "axis", -1);
  if (axis != -1 && axis != y->layout.rank)
    return keras_refuse(k, "take the last axis", "axis %lld", (long long)axis);
  enum op op = strcmp(k->builder.op, "Softmax") == 0 ? OP_softmax : OP_log_softmax;
  return keras_plain(k, y) && keras_made(k, builder_node(&k->builder, op, 1, &y->value), y);
}

// ---- axes

static bool keep_apart(struct keras *k) {
  return keras_refuse(k, "keep the images of a batch apart", "it works along axis 0, the batch");
}

// An axis, of an array of `rank` beside the batch, without it.
static bool axis_of(struct keras *k, int64_t axis, int rank, int *found) {
  int64_t whole = axis < 0 ? axis + rank + 1 : axis;
  *found = whole >= 1 && whole <= rank ? (int)whole - 1 : 0;
  if (whole == 0) return keep_apart(k);
  return (whole >= 1 && whole <= rank) ||
         keras_refuse(k, "check the file", "axis %lld of an array of %d axes", (long long)axis,
                      rank + 1);
}

// The axes that it names; of none, of which `all` may be meant, how many is 0.
static bool axes_of(struct keras *k, int rank, bool named[RANK_MAX], int *count) {
  int64_t axes[RANK_MAX];
  int axis;
  *count = keras_list(k, "axis", RANK_MAX, axes);
  memset(named, 0, RANK_MAX * sizeof *named);
  for (int i = 0; i < *count; i++) {
    if (!axis_of(k, axes[i], rank, &axis)) return false;
    named[axis] = true;
  }
  return *count >= 0;
}

bool keras_op_concat(struct keras *k, struct stream *y) {
  return json_object_get(k->config, "axis") ? keras_concat(k, y) : keep_apart(k);
}

bool keras_op_reshape(struct keras *k, struct stream *y) {
  const json_t *to = json_object_get(k->config, "newshape");
  int64_t shape[RANK_MAX];
  int rank = (int)json_array_size(to) - 1;
  const json_t *batch = json_array_get(to, 0);
  bool keeps = json_is_null(batch) || (json_is_integer(batch) && json_integer_value(batch) == -1);
  if (rank < 1 || rank > RANK_MAX || !keeps)
    return keras_refuse(k, "keep the images of a batch apart: -1 in front",
                        "it reshapes the batch, axis 0");
  for (int d = 0; d < rank; d++) {
    const json_t *size = json_array_get(to, (size_t)d + 1);
    shape[d] = json_is_integer(size) ? json_integer_value(size) : 0;
  }
  return keras_reshape_to(k, rank, shape, y);
}

bool keras_op_transpose(struct keras *k, struct stream *y) {
  int64_t list[RANK_MAX + 1];
  int axes[RANK_MAX], n = keras_list(k, "axes", RANK_MAX + 1, list);
  unsigned taken = 0;
  if (n < 0) return false;
  if (n != y->layout.rank + 1 || list[0] != 0)
    return keras_refuse(k, "keep the images of a batch apart", "it moves axis 0, the batch");
  for (int d = 0; d < y->layout.rank; d++) {
    if (!axis_of(k, list[d + 1], y->layout.rank, &axes[d])) return false;
    if (taken >> axes[d] & 1) return keras_refuse(k, "check the file", "axes is no permutation");
    taken |= 1U << axes[d];
  }
  layout_permute(&y->layout, axes);
  return keras_plain(k, y);
}

bool keras_op_expand_dims(struct keras *k, struct stream *y) {
  bool added[RANK_MAX];
  int64_t shape[RANK_MAX];
  int count, rank = y->layout.rank, from = 0;
  int64_t axes[RANK_MAX];
  int more = keras_list(k, "axis", RANK_MAX, axes);
  if (more < 0) return false;
  if (more == 0 || rank + more > RANK_MAX)
    return keras_refuse(k, "use fewer axes", "it adds %d axes to %d", more, rank + 1);
  if (!axes_of(k, rank + more, added, &count)) return false;
  for (int d = 0; d < rank + more; d++)
    shape[d] = added[d] || from == rank ? 1 : y->layout.shape[from++];
  return keras_reshape_to(k, rank + more, shape, y);
}

bool keras_op_squeeze(struct keras *k, struct stream *y) {
  bool gone[RANK_MAX];
  int count;
  if (!axes_of(k, y->layout.rank, gone, &count)) return false;
  for (int d = 0; d < y->layout.rank; d++) {
    if (count == 0) gone[d] = y->layout.shape[d] == 1;
    if (gone[d] && y->layout.shape[d] != 1)
      return keras_refuse(k, "check the file", "axis %d has %lld elements", d + 1,
                          (long long)y->layout.shape[d]);
  }
  return reduce_drop(&k->builder, gone, y) && keras_plain(k, y);
}

// The whole of an image or a sequence is a pool of its own.
static bool reduced(struct keras *k, enum reduction r, const bool *axes, struct stream *y) {
  int rank = y->layout.rank;
  bool image = (rank == 2 || rank == 3) && r != REDUCE_SUM;
  for (int d = 0; d < rank; d++) image &= axes[d] == (d < rank - 1);
  if (!image) return reduce_axes(&k->builder, r, axes, y);
  enum op op = r == REDUCE_MAX ? OP_max_pool : OP_avg_pool;
  return keras_plain(k, y) && keras_made(k, builder_node(&k->builder, op, 1, &y->value), y);
}

static bool negated(struct keras *k, const char *name, struct stream *y) {
  const char *node = k->builder.node;
  double scale = -1, shift = 0;
  if (name) k->builder.node = arena_printf(k->arena, "%s.%s", node, name);
  bool ok = keras_plain(k, y) && term_affine(&k->builder, y, 1, &scale, &shift);
  k->builder.node = node;
  return ok;
}

// The least is -max(-x).
bool keras_op_reduce(struct keras *k, struct stream *y) {
  const char *op = k->builder.op;
  bool axes[RANK_MAX], least = strcmp(op, "Min") == 0;
  enum reduction r = strcmp(op, "Mean") == 0  ? REDUCE_MEAN
                     : strcmp(op, "Sum") == 0 ? REDUCE_SUM
                                              : REDUCE_MAX;
  int count;
  const json_t *initial = json_object_get(k->config, "initial");
  if (initial && !json_is_null(initial))
    return keras_refuse(k, "leave it away, and use maximum behind it", "it has an initial value");
  if (!axes_of(k, y->layout.rank, axes, &count)) return false;
  if (count == 0) return keras_refuse(k, "name the axes", "it also reduces axis 0, the batch");
  if ((least && !negated(k, "in", y)) || !reduced(k, r, axes, y) || (least && !negated(k, NULL, y)))
    return false;
  return keras_true(k, "keepdims", false) ? keras_plain(k, y)
                                          : reduce_drop(&k->builder, axes, y) && keras_plain(k, y);
}

// ---- x[:, 1:4, ::2, 0]

static bool is_class(const json_t *item, const char *cls) {
  const char *found = json_string_value(json_object_get(item, "class_name"));
  return found && strcmp(found, cls) == 0;
}

// One number of a slice; false if it isn't one.
static bool bound(const json_t *slice, const char *key, int64_t otherwise, int64_t *to) {
  const json_t *v = json_object_get(json_object_get(slice, "config"), key);
  *to = json_is_integer(v) ? json_integer_value(v) : otherwise;
  return !v || json_is_null(v) || json_is_integer(v);
}

// As Python counts: from the end if it is below 0, cut at the ends.
static int64_t within(int64_t at, int64_t size) {
  at = at < 0 ? at + size : at;
  return at < 0 ? 0 : at > size ? size : at;
}

struct part {
  int64_t begin[RANK_MAX], end[RANK_MAX], step[RANK_MAX];
  bool single[RANK_MAX]; // an index: the axis goes
};

static bool take_item(struct keras *k, const json_t *item, int axis, int64_t size, struct part *p) {
  int64_t begin, end, step;
  if (json_is_integer(item)) {
    int64_t at = json_integer_value(item);
    if (at < -size || at >= size)
      return keras_refuse(k, "check the file", "index %lld of axis %d, which has %lld elements",
                          (long long)at, axis + 1, (long long)size);
    p->begin[axis] = at < 0 ? at + size : at;
    p->end[axis] = p->begin[axis] + 1;
    p->single[axis] = true;
    return true;
  }
  if (!is_class(item, "__slice__") || !bound(item, "start", 0, &begin) ||
      !bound(item, "stop", size, &end) || !bound(item, "step", 1, &step))
    return keras_refuse(k, "use slices and numbers, and ops.expand_dims for a new axis",
                        "an index that is neither a number nor a slice");
  if (step < 1 || step > DIM_MAX)
    return keras_refuse(k, "use a step of at least 1", "a slice of step %lld", (long long)step);
  p->begin[axis] = within(begin, size);
  p->end[axis] = within(end, size);
  p->step[axis] = step;
  return true;
}

static bool takes_whole(const json_t *item) {
  int64_t begin, end, step;
  return is_class(item, "__slice__") && bound(item, "start", 0, &begin) && begin == 0 &&
         bound(item, "stop", INT64_MAX, &end) && end == INT64_MAX &&
         bound(item, "step", 1, &step) && step == 1;
}

bool keras_op_get_item(struct keras *k, struct stream *y) {
  const json_t *key = json_array_get(k->args, 1);
  if (is_class(key, "__tuple__")) key = json_object_get(key, "items");
  int n = json_is_array(key) ? (int)json_array_size(key) : 1, rank = y->layout.rank, axis = 0;
  struct part p;
  for (int d = 0; d < rank; d++) {
    p.begin[d] = 0;
    p.end[d] = y->layout.shape[d];
    p.step[d] = 1;
    p.single[d] = false;
  }
  for (int i = 0; i < n; i++) {
    const json_t *item = json_is_array(key) ? json_array_get(key, (size_t)i) : key;
    if (is_class(item, "__ellipsis__")) {
      axis = rank + 1 - (n - 1 - i);
      continue;
    }
    if (axis == 0 && !takes_whole(item)) return keep_apart(k);
    if (axis > rank) return keras_refuse(k, "check the file", "more indices than axes");
    if (axis > 0 && !take_item(k, item, axis - 1, y->layout.shape[axis - 1], &p)) return false;
    axis++;
  }
  return builder_part(&k->builder, y, p.begin, p.end, p.step) &&
         reduce_drop(&k->builder, p.single, y) && keras_plain(k, y);
}

// ---- a call

// Words of a call are its configuration's, too, but for streams and constants, which stand in
// order.
static bool has_words(const json_t *words) {
  const char *key;
  json_t *v;
  json_object_foreach((json_t *)words, key, v) if (!json_is_null(v)) return true;
  return false;
}

bool keras_operation(struct keras *k, struct stream *y) {
  const char *op = k->builder.op;
  const struct operation *o = find(op);
  struct constants c = {0};
  if (!o)
    return keras_refuse(k, "replace it in the network, or split the network there",
                        "there is no layer like this function");
  if (has_words(k->words))
    return keras_refuse(k, "give its arguments in their order", "it is called with words");
  if (strcmp(op, "GetItem") == 0) return keras_op_get_item(k, y) && !k->odd;
  constants_of(k->args, 0, &c);
  if (c.others) return refuse_constants(k);
  bool larger = strcmp(op, "Maximum") == 0 || strcmp(op, "Minimum") == 0, ok;
  if (c.numbers == 1 && k->n_in == 1 && larger)
    ok = extreme(k, &c, y);
  else if (c.numbers && (o->way != WAY_TERM || is_formula(op, &c)))
    ok = with_number(k, &c, y);
  else if (o->way == WAY_TERM)
    ok = as_term(k, o->function, &c, y);
  else if (o->way == WAY_LAYER)
    ok = o->import(k, y);
  else
    ok = keras_plain(k, y) && keras_activation_as(k, o->activation, NULL, y);
  return ok && !k->odd;
}
