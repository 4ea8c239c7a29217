// SPDX-License-Identifier: Apache-2.0
#include "gen/picture.h"

#include <string.h>
#include <zlib.h>

enum { BLOCK = 65535 }; // bytes of a stored block

void picture_base64(struct text *t, const void *data, size_t size) {
  static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  const uint8_t *p = data;
  for (size_t i = 0; i < size; i += 3) {
    size_t n = size - i < 3 ? size - i : 3;
    uint32_t bits = (uint32_t)p[i] << 16;
    if (n > 1) bits |= (uint32_t)p[i + 1] << 8;
    if (n > 2) bits |= p[i + 2];
    for (size_t k = 0; k < 4; k++)
      text_put(t, k <= n ? &digits[bits >> (18 - 6 * k) & 63] : "=", 1);
  }
}

static void put_bytes(struct text *t, uint32_t v, int bytes, bool low_first) {
  for (int i = 0; i < bytes; i++) {
    char byte = (char)(v >> 8 * (low_first ? i : bytes - 1 - i));
    text_put(t, &byte, 1);
  }
}

// length, kind, content, CRC of the latter two
static void put_chunk(struct text *t, const char *kind, const struct text *content) {
  put_bytes(t, (uint32_t)content->size, 4, false);
  size_t from = t->size;
  text_put(t, kind, 4);
  text_put(t, content->data, content->size);
  put_bytes(t, (uint32_t)crc32(0, (const Bytef *)t->data + from, (uInt)(t->size - from)), 4, false);
}

// A zlib stream of stored blocks.
static void put_stored(struct text *t, const struct text *rows) {
  put_bytes(t, 0x7801, 2, false);
  for (size_t i = 0; i < rows->size; i += BLOCK) {
    size_t n = rows->size - i < BLOCK ? rows->size - i : BLOCK;
    put_bytes(t, i + n == rows->size, 1, false);
    put_bytes(t, (uint32_t)n, 2, true);
    put_bytes(t, ~(uint32_t)n, 2, true);
    text_put(t, rows->data + i, n);
  }
  put_bytes(t, (uint32_t)adler32(1, (const Bytef *)rows->data, (uInt)rows->size), 4, false);
}

void picture_png(struct text *t, int64_t width, int64_t height, int64_t channels,
                 const uint8_t *pixels) {
  struct text file = {0}, head = {0}, rows = {0}, data = {0}, none = {0};
  size_t row = (size_t)(width * channels);
  put_bytes(&head, (uint32_t)width, 4, false);
  put_bytes(&head, (uint32_t)height, 4, false);
  put_bytes(&head, channels == 3 ? 0x08020000 : 0x08000000, 4, false); // 8 bits; colour or grey
  put_bytes(&head, 0, 1, false);
  for (int64_t y = 0; y < height; y++) {
    put_bytes(&rows, 0, 1, false); // no filter
    text_put(&rows, (const char *)pixels + (size_t)y * row, row);
  }
  put_stored(&data, &rows);
  text_put(&file, "\x89PNG\r\n\x1a\n", 8);
  put_chunk(&file, "IHDR", &head);
  put_chunk(&file, "IDAT", &data);
  put_chunk(&file, "IEND", &none);
  text_puts(t, "data:image/png;base64,");
  picture_base64(t, file.data, file.size);
  text_free(&file);
  text_free(&head);
  text_free(&rows);
  text_free(&data);
}
