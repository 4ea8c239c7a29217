// SPDX-License-Identifier: Apache-2.0
// run --output: the outputs as a file.
#define _POSIX_C_SOURCE 200809L
#include "cmd/run.h"
#include "sw/base/file.h"
#include "sw/base/json.h"
#include "sw/data/array.h"
#include "sw/graph/safetensors.h"

#include <string.h>
#include <strings.h>

// A number, or a list of one per channel.
static const char *list_text(struct arena *a, const struct type *t, bool zero) {
  struct text list = {0};
  text_puts(&list, t->axis >= 0 ? "[" : "");
  for (int64_t c = 0; c < (t->axis >= 0 ? t->channels : 1); c++) {
    if (c) text_puts(&list, ",");
    if (zero)
      text_printf(&list, "%d", type_zero(t, c));
    else
      json_put_real(&list, type_scale(t, c));
  }
  text_puts(&list, t->axis >= 0 ? "]" : "");
  const char *text = arena_strdup(a, list.data);
  text_free(&list);
  return text;
}

static const char *shape_text(struct arena *a, const struct value *v) {
  const char *text = "[";
  for (int d = 0; d < v->rank; d++)
    text = arena_printf(a, "%s%s%lld", text, d ? "," : "", (long long)v->shape[d]);
  return arena_printf(a, "%s]", text);
}

// I32 codes as they are, but those beyond its range in I64.
static struct tensor *code_tensor(const struct run *r, const struct run_output *o) {
  const struct type *t = &r->graph->values[o->value].type;
  if (o->tensor->dtype != DTYPE_I32 || type_highest(t) <= INT32_MAX) return o->tensor;
  struct tensor *wide = tensor_new(r->arena, DTYPE_I64, o->tensor->rank, o->tensor->shape);
  for (int64_t i = 0; i < wide->count; i++)
    tensor_set_int(wide, i, type_code(t, ((const int32_t *)o->tensor->data)[i]));
  return wide;
}

static struct tensor *label_tensor(const struct run *r) {
  const int32_t *labels = r->set.labels ? r->set.labels : r->answers.classes;
  if (!labels) return NULL;
  struct tensor *t = tensor_new(r->arena, DTYPE_I32, 1, &r->set.count);
  memcpy(t->data, labels, (size_t)r->set.count * sizeof *labels);
  return t;
}

static bool write_container(const struct run *r, const char *path, struct err *e) {
  uint32_t n = r->n_outputs, pairs = 0;
  struct named_tensor *tensors = ARENA_NEW(r->arena, struct named_tensor, n + 2);
  const char *(*metadata)[2] = arena_alloc(r->arena, 3 * n + 1, sizeof *metadata);
  for (uint32_t i = 0; i < n; i++) {
    const struct value *y = &r->graph->values[r->outputs[i].value];
    const char *before = n > 1 ? arena_printf(r->arena, "%s.", y->name) : "";
    tensors[i] = (struct named_tensor){n > 1 ? y->name : "output", code_tensor(r, &r->outputs[i])};
    metadata[pairs][0] = arena_printf(r->arena, "%sshape", before);
    metadata[pairs++][1] = shape_text(r->arena, y);
    if (r->outputs[i].tensor->dtype == DTYPE_F32) continue;
    metadata[pairs][0] = arena_printf(r->arena, "%sscale", before);
    metadata[pairs++][1] = list_text(r->arena, &y->type, false);
    metadata[pairs][0] = arena_printf(r->arena, "%szero", before);
    metadata[pairs++][1] = list_text(r->arena, &y->type, true);
  }
  if (n == 1) {
    metadata[pairs][0] = "name";
    metadata[pairs++][1] = r->graph->values[r->outputs[0].value].name;
  }
  if (r->exit) {
    struct tensor *nets = tensor_new(r->arena, DTYPE_I32, 1, &r->set.count);
    memcpy(nets->data, r->exit->nets, (size_t)r->set.count * sizeof *r->exit->nets);
    tensors[n++] = (struct named_tensor){"nets", nets};
  }
  struct tensor *label = label_tensor(r);
  for (uint32_t i = 0; label && i < n; i++)
    if (strcmp(tensors[i].name, "label") == 0) label = NULL; // an output's own name comes first
  if (label) tensors[n++] = (struct named_tensor){"label", label};
  struct safetensors file = {n, tensors, pairs, metadata};
  return safetensors_write(path, &file, e);
}

// ---- .npy

static bool ends_with(const char *path, const char *end) {
  size_t n = strlen(path), m = strlen(end);
  return n >= m && strcasecmp(path + n - m, end) == 0;
}

bool run_write_check(const struct run *r, const struct options *o, struct err *e) {
  const char *path = o->output;
  uint32_t n = r->graph->n_outputs;
  if (ends_with(path, ".npz"))
    return err_set(e,
                   "%s: outputs are written as a safetensors file, or one as a .npy: give "
                   "%.*s.safetensors%s",
                   path, (int)strlen(path) - 4, path, n == 1 ? " or a .npy" : "");
  if (!ends_with(path, ".npy")) return true;
  if (n > 1)
    return err_set(e, "%s: a .npy holds one array, the model has %u outputs: give %.*s.safetensors",
                   path, n, (int)strlen(path) - 4, path);
  return !o->early_exit ||
         err_set(e,
                 "%s: a .npy holds one array, --early-exit gives the nets of each "
                 "image, too: give %.*s.safetensors",
                 path, (int)strlen(path) - 4, path);
}

static bool write_npy(const struct run *r, const char *path, struct err *e) {
  const struct value *y = &r->graph->values[r->outputs[0].value];
  struct tensor t = *code_tensor(r, &r->outputs[0]);
  struct text file = {0};
  if (y->rank < RANK_MAX) { // or else (images, elements), which it is
    t.rank = y->rank + 1;
    memcpy(t.shape + 1, y->shape, (size_t)y->rank * sizeof *t.shape);
  }
  npy_put(&file, &t);
  bool ok = file_write(path, file.data, file.size, e);
  text_free(&file);
  return ok;
}

bool run_write(const struct run *r, const char *path, struct err *e) {
  return ends_with(path, ".npy") ? write_npy(r, path, e) : write_container(r, path, e);
}
