// SPDX-License-Identifier: Apache-2.0
// What the parts of the ONNX writer share. ONNX has channels first, (N, C, H, W) and (N, C, L),
// where a graph has them last: a value is written in either order, and turned where it is read in
// the other.
#ifndef NNGEN_EXPORT_ONNX_WRITER_H
#define NNGEN_EXPORT_ONNX_WRITER_H

#include "sw/export/export.h"
#include "sw/export/onnx_file.h"

// CHANNELS: ONNX's order; PLAIN: the graph's. Of a rank other than 2 and 3 they are one.
enum order { ORDER_CHANNELS, ORDER_PLAIN, ORDERS };

struct written {
  const char *name[ORDERS]; // in the file; NULL: not in this order
  // Of an image that was flattened channels first: which of our elements each is; NULL: as ours.
  const int64_t *element;
  bool named; // a tensor: a constant of the file has its name
};

struct onnx_writer {
  struct arena *arena;
  const struct graph *graph;
  enum onnx_form form;
  struct onnx_file *file;
  struct refusals *refusals;
  struct export_notes *notes;
  struct written *values; // (values of the graph)
  const struct node *node;
  const char *op; // of ONNX, for the current node
};

// Refuses the current node. Always false.
#define writer_refuse(w, remedy, ...)                                                              \
  refuse((w)->arena, (w)->refusals, (w)->node->name, op_info((w)->node->op)->name, remedy,         \
         __VA_ARGS__)

// Notes that `name`, or the current node, is changed: a constant text.
void writer_note_of(struct onnx_writer *w, const char *name, const char *text);
#define writer_note(w, text) writer_note_of(w, (w)->node->name, text)

// ---- values

// Whether the two orders of a value differ.
bool writer_turns(const struct value *v);
// The order that a value is there in; both: CHANNELS.
enum order writer_order(const struct onnx_writer *w, uint32_t value);
// The name of a value in an order, a constant's too; a Transpose is put in if it has to be.
const char *writer_read(struct onnx_writer *w, uint32_t value, enum order order);
// The name that output `out` of the current node will have, which is in this order.
const char *writer_made(struct onnx_writer *w, uint32_t out, enum order order);
// The input of a node that is a function of each element; *out: its output, in the same order.
const char *writer_element(struct onnx_writer *w, const char **out);
// The name of a tensor of the graph, the first time it is asked for; then others.
const char *writer_own_name(struct onnx_writer *w, uint32_t value);
// The axis of the file that is axis `axis` of a value of the graph.
int64_t writer_axis(int rank, enum order order, int64_t axis);
// The file's shape, without the batch.
void writer_shape(const struct value *v, enum order order, int64_t shape[RANK_MAX]);

// ---- nodes

// The current node's last or only operator, with its name; and one before it, whose output it
// returns.
Onnx__NodeProto *writer_node(struct onnx_writer *w, const char *op, size_t n_in,
                             const char *const *in, const char *out);
const char *writer_before(struct onnx_writer *w, const char *op, const char *suffix, size_t n_in,
                          const char *const *in);

// ---- constants

// A tensor of the graph in another order: element i is that of index[i] (NULL: the same), as floats
// or, in the forms for them, as integers with their DequantizeLinear or Quant. `axis` is that of
// the file along which scales lie.
const char *writer_weights(struct onnx_writer *w, uint32_t value, int rank, const int64_t *shape,
                           const int64_t *index, int axis);

// export_onnx (export.h).
bool onnx_write(struct arena *a, const struct graph *g, enum onnx_form form, struct refusals *r,
                struct export_notes *notes, struct text *out, struct err *e);

#define ONNX(kind, function, ...) bool onnx_put_##function(struct onnx_writer *w);
#define NO_ONNX(...)
#include "sw/export/onnx_ops.def"
#undef ONNX
#undef NO_ONNX

#endif
