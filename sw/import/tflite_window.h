// SPDX-License-Identifier: Apache-2.0
// Windows over images (1, H, W, C), for the importer's convolutions and pools.
#ifndef NNGEN_IMPORT_TFLITE_WINDOW_H
#define NNGEN_IMPORT_TFLITE_WINDOW_H

#include "sw/import/tflite_parts.h"

// Which fields of the operator's options are what; dilation NONE: it has none.
struct tflite_window_fields {
  int padding, stride_w, stride_h, dilation_w, dilation_h;
};

struct tflite_window {
  int64_t kernel[2], stride[2], dilation[2]; // rows, columns
  int64_t pad[4];                            // top, left, bottom, right
};

// Whether input 0 and output 0 are images of one frame.
bool tflite_is_image(struct tflite *t);

bool tflite_window_of(struct tflite *t, const struct tflite_window_fields *f, int64_t kernel_h,
                      int64_t kernel_w, struct tflite_window *w);

// As attributes of a node.
void tflite_window_put(struct tflite *t, uint32_t node, const struct tflite_window *w);

#endif
