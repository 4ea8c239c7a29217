// SPDX-License-Identifier: Apache-2.0
// NumPy's .npz: a zip archive of .npy files, found from its end:
//
//   local header, data | .. | central directory: one entry per file | end: where the directory is
//
// Members are stored or deflated. The directory says how long each one is; more is never taken, and
// no length is believed that deflate couldn't reach from the bytes that are there.
#include "sw/data/array.h"

#include <string.h>
#include <zlib.h>

enum {
  END_BYTES = 22,
  COMMENT_MAX = 65535,
  ENTRY_BYTES = 46,
  LOCAL_BYTES = 30,
  MEMBERS_MAX = 4096,
  DEFLATE_MAX_RATIO = 1032,
  LISTED_MAX = 8
};
#define MEMBER_MAX ((uint64_t)DATA_MAX_ELEMENTS * 8 + (1 << 17))

enum method { STORED = 0, DEFLATED = 8 };

struct zip {
  const unsigned char *bytes;
  size_t size;
  size_t at; // of the next entry of the directory
  int left;  // entries
};

struct member {
  const char *name; // not terminated
  int length;       // of the name, without ".npy"
  bool npy;         // ends with it
  unsigned method, flags;
  uint32_t crc;
  uint64_t packed, whole; // bytes
  size_t local;           // offset of the local header
};

static uint32_t number(const unsigned char *p, int bytes) {
  uint32_t x = 0;
  while (bytes-- > 0) x = x << 8 | p[bytes];
  return x;
}

bool npz_is(const unsigned char *bytes, size_t size) {
  return size >= 4 && memcmp(bytes, "PK", 2) == 0 &&
         (memcmp(bytes + 2, "\3\4", 2) == 0 || memcmp(bytes + 2, "\5\6", 2) == 0);
}

static bool open_directory(struct zip *z, struct err *e) {
  size_t most = END_BYTES + COMMENT_MAX;
  for (size_t back = END_BYTES; back <= z->size && back <= most; back++) {
    const unsigned char *p = z->bytes + z->size - back;
    if (memcmp(p, "PK\5\6", 4) != 0 || number(p + 20, 2) != back - END_BYTES) continue;
    z->left = (int)number(p + 10, 2);
    z->at = number(p + 16, 4);
    return z->left <= MEMBERS_MAX ||
           err_set(e, "zip: %d members, at most %d are read", z->left, MEMBERS_MAX);
  }
  return err_set(e, "zip: the directory at its end is missing, the file is cut short");
}

static bool next_member(struct zip *z, struct member *m, struct err *e) {
  bool room = z->at <= z->size && z->size - z->at >= ENTRY_BYTES;
  const unsigned char *p = z->bytes + (room ? z->at : 0);
  if (!room || memcmp(p, "PK\1\2", 4) != 0) return err_set(e, "zip: the directory is damaged");
  size_t name = number(p + 28, 2), skipped = number(p + 30, 2) + number(p + 32, 2);
  if (z->size - z->at - ENTRY_BYTES < name + skipped)
    return err_set(e, "zip: the directory is damaged");
  *m = (struct member){.name = (const char *)p + ENTRY_BYTES,
                       .length = (int)name,
                       .flags = number(p + 8, 2),
                       .method = number(p + 10, 2),
                       .crc = number(p + 16, 4),
                       .packed = number(p + 20, 4),
                       .whole = number(p + 24, 4),
                       .local = number(p + 42, 4)};
  m->npy = name > 4 && memcmp(m->name + name - 4, ".npy", 4) == 0;
  if (m->npy) m->length -= 4;
  z->at += ENTRY_BYTES + name + skipped;
  z->left--;
  return true;
}

static bool check_member(const struct zip *z, const struct member *m, size_t *data, struct err *e) {
  if (m->flags & 1) return err_set(e, "zip: encrypted");
  if (m->method != STORED && m->method != DEFLATED)
    return err_set(e, "zip: compression method %u, expected stored or deflated", m->method);
  bool room = m->local <= z->size && z->size - m->local >= LOCAL_BYTES;
  const unsigned char *p = z->bytes + (room ? m->local : 0);
  if (!room || memcmp(p, "PK\3\4", 4) != 0) return err_set(e, "zip: its header is damaged");
  *data = m->local + LOCAL_BYTES + number(p + 26, 2) + number(p + 28, 2);
  if (*data > z->size || z->size - *data < m->packed)
    return err_set(e, "zip: expected %llu bytes of data, the file is cut short",
                   (unsigned long long)m->packed);
  uint64_t most = m->method == STORED ? m->packed : m->packed * DEFLATE_MAX_RATIO;
  if (m->whole > MEMBER_MAX || m->whole > most || (m->method == STORED && m->whole != m->packed))
    return err_set(e, "zip: %llu bytes out of %llu, which can't be", (unsigned long long)m->whole,
                   (unsigned long long)m->packed);
  return true;
}

static bool unpack(struct arena *a, const struct zip *z, const struct member *m,
                   unsigned char **out, struct err *e) {
  size_t data;
  if (!check_member(z, m, &data, e)) return false;
  *out = arena_alloc(a, (size_t)m->whole + 1, 1);
  if (m->method == STORED) {
    memcpy(*out, z->bytes + data, (size_t)m->whole);
  } else {
    z_stream s = {.next_in = (z_const Bytef *)(z->bytes + data), .avail_in = (uInt)m->packed};
    s.next_out = *out;
    s.avail_out = (uInt)m->whole;
    if (inflateInit2(&s, -15) != Z_OK) arena_out_of_memory();
    int status = inflate(&s, Z_FINISH);
    inflateEnd(&s);
    if (status == Z_MEM_ERROR) arena_out_of_memory();
    if (status != Z_STREAM_END || s.avail_out) return err_set(e, "zip: its data are damaged");
  }
  return crc32(0, *out, (uInt)m->whole) == m->crc || err_set(e, "zip: its checksum is wrong");
}

// The member that is meant; with several and no name, an error that lists them.
static bool find_member(struct arena *a, struct zip *z, const char *name, struct member *out,
                        struct err *e) {
  const char *list = "";
  int found = 0;
  while (z->left > 0) {
    struct member m;
    if (!next_member(z, &m, e)) return false;
    if (!m.npy) continue;
    if (found++ < LISTED_MAX)
      list = arena_printf(a, "%s%s%.*s", list, *list ? ", " : "", m.length, m.name);
    bool named = name && strlen(name) == (size_t)m.length && !memcmp(name, m.name, strlen(name));
    if (!name || named) *out = m;
    if (named) return true;
  }
  if (name) return err_set(e, "there is no array \"%s\" in it, only %s", name, list);
  if (found == 1) return true;
  if (found) return err_set(e, "%d arrays: which? FILE.npz:NAME takes one of %s", found, list);
  const char *remedy = foreign_remedy(z->bytes, z->size);
  return err_set(e, "%s", remedy ? remedy : "a zip archive without a .npy in it");
}

bool npz_parse(struct arena *a, const unsigned char *bytes, size_t size, const char *name,
               struct array *out, struct err *e) {
  struct zip z = {.bytes = bytes, .size = size};
  struct member m = {0};
  unsigned char *data = NULL;
  *out = (struct array){0};
  if (!open_directory(&z, e) || !find_member(a, &z, name, &m, e)) return false;
  bool ok = unpack(a, &z, &m, &data, e) && npy_parse(a, data, (size_t)m.whole, out, e);
  return ok || err_within(e, "%.*s", m.length, m.name);
}
