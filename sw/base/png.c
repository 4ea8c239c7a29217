// SPDX-License-Identifier: Apache-2.0
#include "sw/base/png.h"

#include "sw/base/arena.h"

#include <string.h>
#include <zlib.h>

enum { GREY = 0, RGB = 2 }; // colour types

static void put_big_endian(uint8_t *to, uint32_t v) {
  for (int i = 0; i < 4; i++) to[i] = (uint8_t)(v >> (24 - 8 * i));
}

// Length, type, data, and the CRC of the last two.
static void put_chunk(struct text *t, const char *type, const uint8_t *data, size_t size) {
  uint8_t word[4];
  uLong crc = crc32(crc32(0, (const Bytef *)type, 4), data, (uInt)size);
  put_big_endian(word, (uint32_t)size);
  text_put(t, (const char *)word, 4);
  text_put(t, type, 4);
  text_put(t, (const char *)data, size);
  put_big_endian(word, (uint32_t)crc);
  text_put(t, (const char *)word, 4);
}

void png_put(struct text *t, int64_t height, int64_t width, int channels, const uint8_t *pixels) {
  struct arena a = {0};
  size_t row = (size_t)(width * channels), size = (row + 1) * (size_t)height;
  uint8_t *lines = arena_alloc(&a, size, 1),
          header[13] = {[8] = 8, [9] = channels == 3 ? RGB : GREY};
  // A byte in front of each row says that it is stored as it is.
  for (int64_t i = 0; i < height; i++) {
    lines[(size_t)i * (row + 1)] = 0;
    memcpy(lines + (size_t)i * (row + 1) + 1, pixels + (size_t)i * row, row);
  }
  uLongf packed = compressBound(size);
  uint8_t *data = arena_alloc(&a, packed, 1);
  compress(data, &packed, lines, size);
  put_big_endian(header, (uint32_t)width);
  put_big_endian(header + 4, (uint32_t)height);
  text_put(t, "\x89PNG\r\n\x1a\n", 8);
  put_chunk(t, "IHDR", header, sizeof header);
  put_chunk(t, "IDAT", data, packed);
  put_chunk(t, "IEND", data, 0);
  arena_free(&a);
}
