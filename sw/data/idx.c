// SPDX-License-Identifier: Apache-2.0
// IDX, the format of MNIST:
//
//   00 00 | type | rank | dimension, big-endian u32, rank times | elements, big-endian, C order
//
// The types are 08 unsigned bytes, 09 signed ones, 0b and 0c integers of 16 and 32 bits, 0d and 0e
// floats of 32 and 64.
//
// A gzip file is inflated in two steps, header then data: the header says how many bytes follow,
// so that no more memory is taken than the file promised, and it can't promise more than deflate
// can hold.
#include "sw/data/array.h"

#include <string.h>
#include <zlib.h>

enum { NO_TYPE = -1, MAGIC_BYTES = 4, DEFLATE_MAX_RATIO = 1032, GZIP_WINDOW = 15 + 16 };

// A reader over bytes in memory, inflating them if they are gzip.
struct source {
  bool gzip, ended; // ended: inflate saw the end of its stream
  const unsigned char *next;
  size_t left;    // bytes from `next` on, plain files only
  size_t content; // bytes that the file can hold at most once it is inflated
  z_stream z;
};

static bool source_open(struct source *s, const unsigned char *bytes, size_t size, struct err *e) {
  *s = (struct source){.next = bytes, .left = size, .content = size};
  s->gzip = size >= 2 && bytes[0] == 0x1f && bytes[1] == 0x8b;
  if (!s->gzip) return true;
  if (size > UINT32_MAX) return err_set(e, "gzip: expected less than 4 GiB, found %zu bytes", size);
  s->content = size * DEFLATE_MAX_RATIO;
  s->z.next_in = (z_const Bytef *)bytes;
  s->z.avail_in = (uInt)size;
  if (inflateInit2(&s->z, GZIP_WINDOW) != Z_OK) arena_out_of_memory();
  return true;
}

static void source_close(struct source *s) {
  if (s->gzip) inflateEnd(&s->z);
}

static size_t plain_read(struct source *s, unsigned char *to, size_t bytes) {
  size_t n = bytes < s->left ? bytes : s->left;
  memcpy(to, s->next, n);
  s->next += n;
  s->left -= n;
  return n;
}

// Returns the bytes read, fewer than asked for at the end or where the stream is damaged.
static size_t source_read(struct source *s, unsigned char *to, size_t bytes) {
  if (!s->gzip) return plain_read(s, to, bytes);
  s->z.next_out = to;
  s->z.avail_out = (uInt)bytes;
  while (s->z.avail_out && !s->ended) {
    int status = inflate(&s->z, Z_NO_FLUSH);
    if (status == Z_MEM_ERROR) arena_out_of_memory();
    s->ended = status == Z_STREAM_END;
    if (status != Z_OK && status != Z_STREAM_END) break;
  }
  return bytes - s->z.avail_out;
}

// The data was read: nothing may follow it, and a gzip stream must come to its checked end.
static bool source_finish(struct source *s, struct err *e) {
  unsigned char extra;
  if (source_read(s, &extra, 1)) return err_set(e, "size: more bytes than the header says");
  if (!s->gzip) return true;
  if (!s->ended) return err_set(e, "gzip: damaged or cut short at its end");
  if (s->z.avail_in)
    return err_set(e, "gzip: expected the end of the file, found %u more bytes", s->z.avail_in);
  return true;
}

static int idx_type(const unsigned char *magic) {
  static const struct {
    unsigned char code;
    enum array_type type;
  } types[] = {{0x08, ARRAY_U8},  {0x09, ARRAY_I8},  {0x0b, ARRAY_I16},
               {0x0c, ARRAY_I32}, {0x0d, ARRAY_F32}, {0x0e, ARRAY_F64}};
  for (size_t i = 0; !magic[0] && !magic[1] && i < sizeof types / sizeof *types; i++)
    if (types[i].code == magic[2]) return (int)types[i].type;
  return NO_TYPE;
}

static bool read_header(struct source *s, struct array *out, struct err *e) {
  unsigned char magic[MAGIC_BYTES], dims[4 * DATA_MAX_RANK];
  if (source_read(s, magic, sizeof magic) != sizeof magic)
    return err_set(e, "header: expected %d bytes, the file is cut short", MAGIC_BYTES);
  if (memcmp(magic, "\x93NUM", MAGIC_BYTES) == 0)
    return err_set(e, "magic: a .npy file behind gzip, which only IDX files may be; gunzip it");
  int type = idx_type(magic);
  if (type == NO_TYPE)
    return err_set(e,
                   "magic: expected IDX (00 00, then 08 for bytes, 09, 0b, 0c, 0d or 0e), .npy or "
                   ".npz, found %02x %02x %02x; np.save(FILE, x) makes a .npy of any numbers",
                   magic[0], magic[1], magic[2]);
  out->type = (enum array_type)type;
  out->rank = magic[3];
  if (out->rank < 1 || out->rank > DATA_MAX_RANK) return array_check_shape(out, e);
  size_t bytes = 4 * (size_t)out->rank;
  if (source_read(s, dims, bytes) != bytes)
    return err_set(e, "header: expected %d dimensions, the file is cut short", out->rank);
  for (int i = 0; i < out->rank; i++) {
    const unsigned char *d = dims + 4 * i;
    out->shape[i] = (int64_t)d[0] << 24 | d[1] << 16 | d[2] << 8 | d[3];
  }
  return array_check_shape(out, e);
}

static void to_little_endian(unsigned char *data, size_t bytes, size_t width) {
  for (size_t at = 0; width > 1 && at < bytes; at += width)
    for (size_t i = 0; i < width / 2; i++) {
      unsigned char x = data[at + i];
      data[at + i] = data[at + width - 1 - i];
      data[at + width - 1 - i] = x;
    }
}

static bool read_data(struct arena *a, struct source *s, struct array *out, struct err *e) {
  size_t width = array_type_bytes(out->type), bytes = (size_t)out->elements * width;
  if (bytes > s->content)
    return err_set(e, "size: expected %zu bytes of data, the file holds %zu at most", bytes,
                   s->content);
  unsigned char *data = arena_alloc(a, bytes, 1);
  out->data = data;
  size_t got = source_read(s, data, bytes);
  if (got != bytes) return err_set(e, "size: expected %zu bytes of data, found %zu", bytes, got);
  to_little_endian(data, bytes, width);
  return source_finish(s, e);
}

bool idx_parse(struct arena *a, const unsigned char *bytes, size_t size, struct array *out,
               struct err *e) {
  struct source s;
  *out = (struct array){0};
  if (!source_open(&s, bytes, size, e)) return false;
  bool ok = read_header(&s, out, e) && read_data(a, &s, out, e);
  source_close(&s);
  return ok;
}
