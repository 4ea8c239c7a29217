// SPDX-License-Identifier: Apache-2.0
// Variables: VAR_HANDLE names one, CALL_ONCE runs the subgraph that gives all their first contents,
// READ_VARIABLE and ASSIGN_VARIABLE follow each other as the file has them.
#include "sw/import/tflite_parts.h"

#include <string.h>

enum { VAR_HANDLE = 142, ASSIGN_VARIABLE = 144 };

struct tflite_variable {
  const char *name;                 // that handles share, of the file
  const struct tflite_tensor *init; // NULL: nothing assigns it once
  int32_t ref;                      // value of the graph; NONE: not yet
  int32_t assign;                   // the node that assigns it; NONE
  uint32_t n_reads, room;           // nodes that read it before
  uint32_t *reads;
};

// A new or a known one, by what its handle says; its number.
static uint32_t variable_of(struct tflite *t, const struct tflite_op *handle) {
  enum { CONTAINER, SHARED_NAME };
  const char *name =
      arena_printf(t->arena, "%s/%s", flat_text(handle->options, t->arena, CONTAINER),
                   flat_text(handle->options, t->arena, SHARED_NAME));
  for (uint32_t i = 0; i < t->n_variables; i++)
    if (strcmp(t->variables[i].name, name) == 0) return i;
  struct tflite_variable *all = ARENA_NEW(t->arena, struct tflite_variable, t->n_variables + 1);
  if (t->n_variables) memcpy(all, t->variables, t->n_variables * sizeof *all);
  all[t->n_variables] = (struct tflite_variable){.name = name, .ref = NONE, .assign = NONE};
  t->variables = all;
  return t->n_variables++;
}

// ---- first contents

static bool init_op(struct tflite *t, const struct tflite_subgraph *s, const struct tflite_op *op,
                    int32_t *handles) {
  if (op->code == VAR_HANDLE && op->n_out == 1) {
    handles[op->out[0]] = (int32_t)variable_of(t, op);
    return true;
  }
  bool assigns = op->code == ASSIGN_VARIABLE && op->n_in == 2 && op->in[0] != NONE &&
                 op->in[1] != NONE && handles[op->in[0]] != NONE;
  if (!assigns || !s->tensors[op->in[1]].data.count)
    return tflite_refuse(t, "initialise variables with constants", "its subgraph has a %s",
                         tflite_op_text(op));
  t->variables[handles[op->in[0]]].init = &s->tensors[op->in[1]];
  return true;
}

bool tflite_call_once(struct tflite *t) {
  enum { SUBGRAPH, VARIABLES_MOST = 4096 };
  int64_t index = flat_int(t->op->options, SUBGRAPH, FLAT_I32, 0);
  if (index < 1 || index >= t->file->n_subgraphs)
    return err_set(t->err, "subgraph %lld of %u", (long long)index, t->file->n_subgraphs);
  const struct tflite_subgraph *s = &t->file->subgraphs[index];
  if (s->n_ops > 2 * VARIABLES_MOST || s->n_tensors > 4 * VARIABLES_MOST)
    return err_set(t->err, "%u operators and %u tensors in a subgraph of first contents", s->n_ops,
                   s->n_tensors);
  int32_t *handles = ARENA_NEW(t->arena, int32_t, s->n_tensors + 1);
  for (uint32_t i = 0; i < s->n_tensors; i++) handles[i] = NONE;
  for (uint32_t i = 0; i < s->n_ops; i++)
    if (!init_op(t, s, &s->ops[i], handles)) return false;
  return true;
}

// ---- the model

bool tflite_var_handle(struct tflite *t) {
  if (tflite_out(t, 0)->type != TFLITE_RESOURCE) return err_set(t->err, "a handle of another type");
  t->variable[t->op->out[0]] = (int32_t)variable_of(t, t->op);
  return true;
}

// The variable node, made when it is first asked for.
static bool add_variable(struct tflite *t, struct tflite_variable *v) {
  const struct tflite_tensor *init = v->init, *handle = tflite_in(t, 0);
  if (!init)
    return tflite_refuse(t, "initialise it in the model's CALL_ONCE",
                         "variable \"%s\" has no first content", handle->name);
  if (!tflite_is_stream(t, init, false)) return false;
  struct tflite_shape shape = tflite_frame(init);
  struct tensor *data = tensor_new(t->arena, DTYPE_I8, shape.rank, shape.size);
  if (!tflite_take(t, data->count)) return false;
  for (int64_t i = 0; i < data->count; i++) tensor_set_int(data, i, tflite_integer(init, i));
  const char *name = arena_printf(t->arena, "%s.init", handle->name);
  uint32_t content = graph_add_tensor(t->graph, name, data, tflite_type(t, init));
  uint32_t node = graph_add_node(t->graph, OP_variable, handle->name);
  graph_add_attr(t->graph, node, ATTR_init)->value = content;
  v->ref =
      (int32_t)graph_add_value(t->graph, handle->name, shape.rank, shape.size, type_ref(), false);
  graph_add_out(t->graph, node, (uint32_t)v->ref);
  return true;
}

// The variable of input 0, whose content is like this tensor.
static struct tflite_variable *held(struct tflite *t, const struct tflite_tensor *like) {
  const struct tflite_tensor *handle = tflite_in(t, 0);
  if (t->variable[t->op->in[0]] == NONE) {
    err_put(t->err, "\"%s\" is no handle of a variable", handle->name);
    return NULL;
  }
  struct tflite_variable *v = &t->variables[t->variable[t->op->in[0]]];
  if (v->ref == NONE && !add_variable(t, v)) return NULL;
  if (!tflite_is_stream(t, like, false)) return NULL;
  if (tflite_same(v->init, like) && tflite_elements(v->init) == tflite_elements(like)) return v;
  tflite_refuse(t, "give all that a variable holds one shape and scale",
                "\"%s\" is unlike the first content of the variable", like->name);
  return NULL;
}

static void follow(struct tflite *t, uint32_t node, uint32_t before, uint32_t delay) {
  graph_add_after(t->graph, node, (struct after){before, delay});
}

static void remember(struct tflite *t, struct tflite_variable *v, uint32_t read) {
  if (v->n_reads == v->room) {
    v->room = 2 * v->room + 4;
    uint32_t *reads = ARENA_NEW(t->arena, uint32_t, v->room);
    if (v->n_reads) memcpy(reads, v->reads, v->n_reads * sizeof *reads);
    v->reads = reads;
  }
  v->reads[v->n_reads++] = read;
}

bool tflite_read_variable(struct tflite *t) {
  const struct tflite_tensor *y = tflite_out(t, 0);
  struct tflite_variable *v = held(t, y);
  if (!v) return false;
  uint32_t node = graph_add_node(t->graph, OP_read, y->name);
  graph_add_ref(t->graph, node, (uint32_t)v->ref);
  graph_add_origin(t->graph, node, y->name);
  tflite_alias(t, 0, tflite_give(t, node, y->name, tflite_type(t, v->init), tflite_frame(v->init)));
  if (v->assign != NONE) follow(t, node, (uint32_t)v->assign, 0);
  if (v->assign == NONE)
    remember(t, v, node);
  else
    follow(t, (uint32_t)v->assign, node, 1);
  return true;
}

// Reads before it see the old content, also those of the step behind.
bool tflite_assign_variable(struct tflite *t) {
  struct tflite_variable *v = held(t, tflite_in(t, 1));
  if (!v) return false;
  if (v->assign != NONE)
    return tflite_refuse(t, "assign a variable once in a step", "the variable is assigned twice");
  uint32_t value = tflite_value(t, 1, tflite_frame(v->init));
  uint32_t node = graph_add_node(t->graph, OP_assign,
                                 arena_printf(t->arena, "%s.assign", tflite_in(t, 0)->name));
  graph_add_text(t->graph, node, ATTR_function, "write");
  graph_add_ref(t->graph, node, (uint32_t)v->ref);
  tflite_use(t, node, value);
  for (uint32_t i = 0; i < v->n_reads; i++) {
    follow(t, node, v->reads[i], 0);
    follow(t, v->reads[i], node, 1);
  }
  v->assign = (int32_t)node;
  return true;
}
