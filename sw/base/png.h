// SPDX-License-Identifier: Apache-2.0
// Pixels as a PNG file (ISO/IEC 15948), for pictures of data.
#ifndef NNGEN_BASE_PNG_H
#define NNGEN_BASE_PNG_H

#include "sw/base/text.h"

#include <stdint.h>

// pixels (height, width, channels), bytes; one channel is grey, three are red, green and blue.
void png_put(struct text *t, int64_t height, int64_t width, int channels, const uint8_t *pixels);

#endif
