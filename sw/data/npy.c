// SPDX-License-Identifier: Apache-2.0
// NumPy's .npy:
//
//   93 'NUMPY' | major | minor | length of header, u16 (version 1) or u32 | header | data
//
// The header is a Python dictionary of three entries,
//
//   {'descr': '<f4', 'fortran_order': False, 'shape': (1000, 28, 28), }
//
// read by a cursor that never passes its end; keys may come in any order. Big-endian elements are
// turned round, and arrays in Fortran's order are brought into C's.
#include "sw/data/array.h"
#include "sw/graph/graph.h"

#include <string.h>

enum { PREFIX = 8, HEADER_LIMIT = 1 << 16 };

struct cursor {
  const char *at, *end;
};

static void skip_spaces(struct cursor *c) {
  while (c->at < c->end && (*c->at == ' ' || *c->at == '\t' || *c->at == '\n')) c->at++;
}

// Takes `text` if it is next, after spaces.
static bool take(struct cursor *c, const char *text) {
  skip_spaces(c);
  size_t n = strlen(text);
  if ((size_t)(c->end - c->at) < n || memcmp(c->at, text, n) != 0) return false;
  c->at += n;
  return true;
}

// Takes a quoted word of at most size - 1 bytes.
static bool take_word(struct cursor *c, char *word, size_t size) {
  skip_spaces(c);
  if (c->at == c->end || (*c->at != '\'' && *c->at != '"')) return false;
  char quote = *c->at++;
  size_t n = 0;
  for (; c->at < c->end && *c->at != quote; c->at++) {
    if (n + 1 == size) return false;
    word[n++] = *c->at;
  }
  word[n] = 0;
  return c->at < c->end && c->at++;
}

// Takes a decimal number; anything beyond the limits of data.h stays beyond them.
static bool take_number(struct cursor *c, int64_t *number) {
  skip_spaces(c);
  const char *start = c->at;
  *number = 0;
  for (; c->at < c->end && *c->at >= '0' && *c->at <= '9'; c->at++)
    if (*number <= DATA_MAX_DIM) *number = *number * 10 + (*c->at - '0');
  return c->at > start;
}

// What the header says beside type and shape.
struct layout {
  bool big_endian, fortran;
};

// What to type in Python about a type that isn't read.
static const char *type_remedy(const char *word) {
  char kind = strchr("<>|=", word[0]) && word[0] ? word[1] : word[0];
  if (kind == 'O')
    return ": Python objects (rows of different lengths?); np.save(FILE, np.array(x, np.float32)) "
           "saves numbers";
  if (kind == 'c') return ": complex numbers; save x.real, x.imag or abs(x)";
  if (kind == 'V')
    return ": bytes without a meaning, bfloat16 perhaps; np.save(FILE, x.float().numpy()) in torch "
           "saves floats";
  if (kind == 'U' || kind == 'S')
    return ": text; np.save(FILE, x.astype(np.float64)) saves numbers";
  return "; np.save(FILE, x.astype(np.float64)) saves doubles";
}

static bool parse_type(struct cursor *c, struct array *out, struct layout *l, struct err *e) {
  static const struct {
    const char *name;
    enum array_type type;
  } types[] = {{"u1", ARRAY_U8},  {"b1", ARRAY_BOOL}, {"i1", ARRAY_I8},  {"i2", ARRAY_I16},
               {"u2", ARRAY_U16}, {"i4", ARRAY_I32},  {"u4", ARRAY_U32}, {"i8", ARRAY_I64},
               {"u8", ARRAY_U64}, {"f2", ARRAY_F16},  {"f4", ARRAY_F32}, {"f8", ARRAY_F64}};
  char word[16];
  if (take(c, "["))
    return err_set(e, "descr: expected a plain type, found a structure of several; np.save(FILE, "
                      "x[NAME]) saves one field");
  if (!take_word(c, word, sizeof word)) return err_set(e, "descr: expected a plain type");
  bool known_order = word[0] && strchr("<>|", word[0]);
  l->big_endian = word[0] == '>';
  for (size_t i = 0; known_order && i < sizeof types / sizeof *types; i++) {
    out->type = types[i].type;
    bool same = strcmp(word + 1, types[i].name) == 0;
    if (same && (word[0] != '|' || array_type_bytes(out->type) == 1)) return true;
  }
  return err_set(e, "descr: expected b1, i1 to i8, u1 to u8, f2, f4 or f8, found %s%s", word,
                 type_remedy(word));
}

static bool parse_order(struct cursor *c, struct layout *l, struct err *e) {
  l->fortran = take(c, "True");
  return l->fortran || take(c, "False") || err_set(e, "fortran_order: expected False or True");
}

static bool parse_shape(struct cursor *c, struct array *out, struct err *e) {
  if (!take(c, "(")) return err_set(e, "shape: expected a tuple");
  for (out->rank = 0; !take(c, ")"); out->rank++) {
    if (out->rank == DATA_MAX_RANK)
      return err_set(e, "shape: expected at most %d dimensions, found more", DATA_MAX_RANK);
    if (!take_number(c, &out->shape[out->rank])) return err_set(e, "shape: expected a number");
    if (!take(c, ",") && !(c->at < c->end && *c->at == ')'))
      return err_set(e, "shape: expected ',' or ')'");
  }
  return true;
}

// One entry; `seen` has a bit per key, so that none comes twice.
static bool parse_entry(struct cursor *c, struct array *out, struct layout *l, unsigned *seen,
                        struct err *e) {
  static const char *const keys[] = {"descr", "fortran_order", "shape"};
  char key[16] = "";
  unsigned k = 0;
  if (!take_word(c, key, sizeof key)) return err_set(e, "header: expected a key");
  while (k < 3 && strcmp(key, keys[k]) != 0) k++;
  if (k == 3) return err_set(e, "header: expected descr, fortran_order or shape, found %s", key);
  if (*seen & 1u << k) return err_set(e, "header: %s: found twice", key);
  *seen |= 1u << k;
  if (!take(c, ":")) return err_set(e, "header: %s: expected ':'", key);
  return k == 0 ? parse_type(c, out, l, e) : k == 1 ? parse_order(c, l, e) : parse_shape(c, out, e);
}

static bool parse_header(struct cursor *c, struct array *out, struct layout *l, struct err *e) {
  unsigned seen = 0;
  if (!take(c, "{")) return err_set(e, "header: expected a dictionary");
  while (!take(c, "}")) {
    if (!parse_entry(c, out, l, &seen, e)) return false;
    skip_spaces(c);
    if (!take(c, ",") && !(c->at < c->end && *c->at == '}'))
      return err_set(e, "header: expected ',' or '}'");
  }
  skip_spaces(c);
  if (seen != 7) return err_set(e, "header: expected descr, fortran_order and shape, one missing");
  if (c->at != c->end) return err_set(e, "header: expected its end, found more text");
  return array_check_shape(out, e);
}

bool npy_is(const unsigned char *bytes, size_t size) {
  return size >= 6 && memcmp(bytes, "\x93NUMPY", 6) == 0;
}

// Finds the header's text; `*data` is the offset of what follows it.
static bool find_header(const unsigned char *bytes, size_t size, struct cursor *c, size_t *data,
                        struct err *e) {
  if (size < PREFIX + 4) return err_set(e, "header: the file is cut short");
  int major = bytes[6];
  if (major < 1 || major > 3) return err_set(e, "version: expected 1 to 3, found %d", major);
  size_t start = PREFIX + (major == 1 ? 2 : 4);
  size_t length = bytes[8] | (size_t)bytes[9] << 8;
  if (major > 1) length |= (size_t)bytes[10] << 16 | (size_t)bytes[11] << 24;
  if (length > HEADER_LIMIT)
    return err_set(e, "header: expected at most %d bytes, found %zu", HEADER_LIMIT, length);
  if (length > size - start)
    return err_set(e, "header: expected %zu bytes, found %zu", length, size - start);
  c->at = (const char *)bytes + start;
  c->end = c->at + length;
  *data = start + length;
  return true;
}

static void turn_bytes(struct array *v) {
  size_t bytes = array_type_bytes(v->type);
  for (unsigned char *p = v->data; p < v->data + (size_t)v->elements * bytes; p += bytes)
    for (size_t i = 0; i < bytes / 2; i++) {
      unsigned char x = p[i];
      p[i] = p[bytes - 1 - i];
      p[bytes - 1 - i] = x;
    }
}

// From the first axis fastest to the last axis fastest.
static void order_axes(struct arena *a, struct array *v) {
  size_t bytes = array_type_bytes(v->type);
  unsigned char *to = arena_alloc(a, (size_t)v->elements, bytes);
  int64_t at[DATA_MAX_RANK] = {0}, step[DATA_MAX_RANK], from = 0;
  for (int d = 0; d < v->rank; d++) step[d] = d ? step[d - 1] * v->shape[d - 1] : 1;
  for (int64_t i = 0; i < v->elements; i++) {
    memcpy(to + (size_t)i * bytes, v->data + (size_t)from * bytes, bytes);
    for (int d = v->rank - 1; d >= 0; d--) {
      from += step[d];
      if (++at[d] < v->shape[d]) break;
      from -= step[d] * v->shape[d];
      at[d] = 0;
    }
  }
  v->data = to;
}

bool npy_parse(struct arena *a, unsigned char *bytes, size_t size, struct array *out,
               struct err *e) {
  struct cursor c;
  struct layout l = {0};
  size_t start = 0;
  *out = (struct array){0};
  if (!npy_is(bytes, size)) return err_set(e, "magic: expected .npy");
  if (!find_header(bytes, size, &c, &start, e) || !parse_header(&c, out, &l, e)) return false;
  size_t expected = (size_t)out->elements * array_type_bytes(out->type);
  if (size - start != expected)
    return err_set(e, "size: expected %zu bytes of data, found %zu", expected, size - start);
  out->data = bytes + start;
  if (l.big_endian) turn_bytes(out);
  if (l.fortran && out->rank > 1) order_axes(a, out);
  return true;
}

// ---- writing

void npy_put(struct text *out, const struct tensor *t) {
  static const char *const descr[] = {"<f4", "<f8", "|i1", "<i2", "<i4", "<i8", "|u1"};
  enum { ALIGN = 64, BEFORE = PREFIX + 2 };
  struct text header = {0};
  text_printf(&header, "{'descr': '%s', 'fortran_order': False, 'shape': (", descr[t->dtype]);
  for (int d = 0; d < t->rank; d++)
    text_printf(&header, d ? ", %lld" : "%lld", (long long)t->shape[d]);
  text_puts(&header, t->rank == 1 ? ",), }" : "), }");
  while ((BEFORE + header.size + 1) % ALIGN) text_puts(&header, " ");
  text_puts(&header, "\n");
  const char prefix[BEFORE] = {
      '\x93', 'N', 'U', 'M', 'P', 'Y', 1, 0, (char)(header.size & 255), (char)(header.size >> 8)};
  text_put(out, prefix, sizeof prefix);
  text_put(out, header.data, header.size);
  text_put(out, t->data, (size_t)t->count * dtype_size(t->dtype));
  text_free(&header);
}
