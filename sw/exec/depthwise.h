// SPDX-License-Identifier: Apache-2.0
// Depthwise convolutions in floats: what real_conv.c does, channels side by side in vectors. Every
// sum has the same order.
#ifndef NNGEN_EXEC_DEPTHWISE_H
#define NNGEN_EXEC_DEPTHWISE_H

#include "sw/exec/patches.h"

// Whether each output sees one channel, its own.
bool depthwise_is(const struct taps *t);

// Pixels begin..end of all frames'.
void depthwise_forward(struct patches *p, int64_t begin, int64_t end);

// Gradients are added: to frames begin..end of the image (all of dy's, if the image has none);
// of channels begin..end to the weights, one chain per `block` pixels of a frame.
void depthwise_image(struct patches *p, const float *dy, float *dx, int64_t begin, int64_t end);
void depthwise_weights(struct patches *p, const float *dy, float *dw, int64_t begin, int64_t end,
                       int64_t block);

#endif
