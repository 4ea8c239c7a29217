// SPDX-License-Identifier: Apache-2.0
// Quantisation in ONNX files: on a stream it is a requant of the float graph, on a constant
// integers of it.
#ifndef NNGEN_IMPORT_ONNX_GRID_H
#define NNGEN_IMPORT_ONNX_GRID_H

#include "sw/import/onnx.h"

// Input i, which must be a constant; `what` names it in the refusal. NULL if it is none.
struct item *grid_constant(struct onnx *o, size_t i, const char *what);

// Positive numbers; and whether all entries are one number, which a stream asks for.
bool grid_check(struct onnx *o, const struct tensor *scale);
bool grid_number(struct onnx *o, const struct tensor *t, const char *what, double *v);

// Output 0 becomes the integers that a float constant is rounded to; those that the file has,
// `axis` being that of a list of scales.
bool grid_quantize(struct onnx *o, const struct tensor *x, const struct grid *g, int axis);
bool grid_dequantize(struct onnx *o, const struct item *x, const struct grid *g, int axis);

// The integers of a type of ONNX: that of the zero point, or the node's output_dtype, or uint8.
bool grid_range(struct onnx *o, const struct item *zero, struct grid *g);

// Scale and zero point of blocks along an axis become those of each element of x; block 0: they are
// none of blocks.
bool grid_unfold(struct onnx *o, struct grid *g, const struct tensor *x, int axis, int64_t block);

// A stream's values on a grid of one scale or one for each channel, rounded where the grid says.
bool grid_to(struct onnx *o, struct item x, const struct grid *g, struct stream *s);

// The narrowest type that has the codes of a grid; a requant to a type.
struct type grid_type(struct onnx *o, const struct grid *g, double scale, double zero);
bool grid_add_requant(struct onnx *o, struct stream *x, struct type type,
                      enum fix_rounding rounding, enum fix_overflow overflow);

bool grid_zero_fits(struct onnx *o, const struct grid *g, double zero);

// Grids that no type has (onnx_grid_channels.c).
bool grid_has_channels(const struct grid *g);
bool grid_per_channel(struct onnx *o, struct item x, const struct grid *g, struct stream *s);
bool grid_about_zero(struct onnx *o, struct item x, const struct grid *g, struct stream *s);

// Output 0 becomes a stream's values on the grid.
bool grid_requantise(struct onnx *o, struct item x, const struct grid *g);

#endif
