// SPDX-License-Identifier: Apache-2.0
// Pictures inside of a text.
#ifndef NNGEN_GEN_PICTURE_H
#define NNGEN_GEN_PICTURE_H

#include "sw/base/text.h"

void picture_base64(struct text *t, const void *data, size_t size);

// A picture of bytes (height, width, channels) as data:image/png, stored without compression, so
// that every zlib gives the same; channels are 1 (grey) or 3 (red, green, blue).
void picture_png(struct text *t, int64_t width, int64_t height, int64_t channels,
                 const uint8_t *pixels);

#endif
