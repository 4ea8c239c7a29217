// SPDX-License-Identifier: Apache-2.0
// Tensors of ONNX files: in the message, as raw bytes, or in a file beside it.
#include "sw/import/onnx.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

// ---- elements

static double half_value(uint16_t h) {
  int exponent = h >> 10 & 31, fraction = h & 1023;
  double v = exponent == 31 ? (fraction ? NAN : INFINITY)
             : exponent     ? ldexp(1024 + fraction, exponent - 25)
                            : ldexp(fraction, -24);
  return h >> 15 ? -v : v;
}

static double bfloat_value(uint16_t h) {
  uint32_t bits = (uint32_t)h << 16;
  float f;
  memcpy(&f, &bits, sizeof f);
  return (double)f;
}

// Bytes of an element of raw data, and what holds it here; 0: no such type.
static size_t element_of(int type, enum dtype *dtype) {
  switch (type) {
  case ONNX__TENSOR_PROTO__DATA_TYPE__FLOAT:
    *dtype = DTYPE_F32;
    return 4;
  case ONNX__TENSOR_PROTO__DATA_TYPE__FLOAT16:
  case ONNX__TENSOR_PROTO__DATA_TYPE__BFLOAT16:
    *dtype = DTYPE_F32;
    return 2;
  case ONNX__TENSOR_PROTO__DATA_TYPE__FLOAT8E4M3FN:
  case ONNX__TENSOR_PROTO__DATA_TYPE__FLOAT8E4M3FNUZ:
  case ONNX__TENSOR_PROTO__DATA_TYPE__FLOAT8E5M2:
  case ONNX__TENSOR_PROTO__DATA_TYPE__FLOAT8E5M2FNUZ:
  case ONNX__TENSOR_PROTO__DATA_TYPE__FLOAT8E8M0:
  case ONNX__TENSOR_PROTO__DATA_TYPE__FLOAT4E2M1:
    *dtype = DTYPE_F32;
    return 1;
  case ONNX__TENSOR_PROTO__DATA_TYPE__DOUBLE:
    *dtype = DTYPE_F64;
    return 8;
  case ONNX__TENSOR_PROTO__DATA_TYPE__INT8:
  case ONNX__TENSOR_PROTO__DATA_TYPE__INT4:
  case ONNX__TENSOR_PROTO__DATA_TYPE__INT2:
    *dtype = DTYPE_I8;
    return 1;
  case ONNX__TENSOR_PROTO__DATA_TYPE__UINT4:
  case ONNX__TENSOR_PROTO__DATA_TYPE__UINT2:
  case ONNX__TENSOR_PROTO__DATA_TYPE__UINT8:
  case ONNX__TENSOR_PROTO__DATA_TYPE__BOOL:
    *dtype = DTYPE_U8;
    return 1;
  case ONNX__TENSOR_PROTO__DATA_TYPE__INT16:
    *dtype = DTYPE_I16;
    return 2;
  case ONNX__TENSOR_PROTO__DATA_TYPE__UINT16:
    *dtype = DTYPE_I32;
    return 2;
  case ONNX__TENSOR_PROTO__DATA_TYPE__UINT32:
    *dtype = DTYPE_I64;
    return 4;
  case ONNX__TENSOR_PROTO__DATA_TYPE__INT32:
    *dtype = DTYPE_I32;
    return 4;
  case ONNX__TENSOR_PROTO__DATA_TYPE__INT64:
    *dtype = DTYPE_I64;
    return 8;
  }
  return 0;
}

int onnx_packed_bits(int type) {
  switch (type) {
  case ONNX__TENSOR_PROTO__DATA_TYPE__INT4:
  case ONNX__TENSOR_PROTO__DATA_TYPE__UINT4:
  case ONNX__TENSOR_PROTO__DATA_TYPE__FLOAT4E2M1:
    return 4;
  case ONNX__TENSOR_PROTO__DATA_TYPE__INT2:
  case ONNX__TENSOR_PROTO__DATA_TYPE__UINT2:
    return 2;
  }
  return 0;
}

// Words in which `count` elements lie: bytes of raw data, or numbers of a list.
static size_t words_of(int type, int64_t count, size_t width) {
  int packed = onnx_packed_bits(type);
  return packed ? ((size_t)count * (size_t)packed + 7) / 8 : (size_t)count * width;
}

// Element i of those that share a byte, the first in its low bits.
static void put_packed(struct tensor *to, int type, int64_t i, unsigned byte) {
  int bits = onnx_packed_bits(type), v = (int)(byte >> (i * bits % 8)) & ((1 << bits) - 1);
  if (onnx_is_coded(type))
    ((float *)to->data)[i] = (float)onnx_code_value(type, (unsigned)v);
  else
    tensor_set_int(to, i, to->dtype == DTYPE_I8 && v >> (bits - 1) ? v - (1 << bits) : v);
}

// Floats of 16 bits, or of 8.
static void put_half(struct tensor *to, int type, int64_t i, uint16_t bits) {
  bool brain = type == ONNX__TENSOR_PROTO__DATA_TYPE__BFLOAT16;
  double v = onnx_is_coded(type) ? onnx_code_value(type, bits & 255U)
             : brain             ? bfloat_value(bits)
                                 : half_value(bits);
  ((float *)to->data)[i] = (float)v;
}

// Unsigned words of 16 or 32 bits, in wider integers.
static void from_unsigned(struct tensor *to, size_t width, const unsigned char *raw) {
  for (int64_t i = 0; i < to->count; i++) {
    int64_t v = 0;
    for (size_t k = width; k-- > 0;) v = v << 8 | raw[(size_t)i * width + k];
    tensor_set_int(to, i, v);
  }
}

// Of an empty list there is no first element.
static void copy(struct tensor *to, const void *data, size_t bytes) {
  if (bytes) memcpy(to->data, data, bytes);
}

static void from_raw(struct tensor *to, int type, size_t width, const unsigned char *raw) {
  bool halves = to->dtype == DTYPE_F32 && width < 4;
  int packed = onnx_packed_bits(type);
  for (int64_t i = 0; packed && i < to->count; i++) put_packed(to, type, i, raw[i * packed / 8]);
  if (packed) return;
  if (!halves && width != dtype_size(to->dtype)) {
    from_unsigned(to, width, raw);
    return;
  }
  if (!halves) copy(to, raw, (size_t)to->count * width);
  for (int64_t i = 0; halves && i < to->count; i++)
    put_half(to, type, i, width == 1 ? raw[i] : (uint16_t)(raw[2 * i] | raw[2 * i + 1] << 8));
}

static bool from_lists(struct tensor *to, const Onnx__TensorProto *t, size_t width) {
  bool halves = to->dtype == DTYPE_F32 && width < 4;
  size_t count = (size_t)to->count;
  if (to->dtype == DTYPE_F32 && !halves) {
    if (t->n_float_data != count) return false;
    copy(to, t->float_data, count * sizeof(float));
  } else if (to->dtype == DTYPE_F64) {
    if (t->n_double_data != count) return false;
    copy(to, t->double_data, count * sizeof(double));
  } else if (to->dtype == DTYPE_I64 && width == 8) {
    if (t->n_int64_data != count) return false;
    copy(to, t->int64_data, count * sizeof(int64_t));
  } else if (to->dtype == DTYPE_I64) { // of 32 bits, without a sign
    if (t->n_uint64_data != count) return false;
    for (size_t i = 0; i < count; i++) tensor_set_int(to, (int64_t)i, (int64_t)t->uint64_data[i]);
  } else {
    int packed = onnx_packed_bits(t->data_type);
    if (t->n_int32_data != (packed ? words_of(t->data_type, to->count, 1) : count)) return false;
    for (size_t i = 0; i < count; i++)
      if (packed)
        put_packed(to, t->data_type, (int64_t)i, (unsigned)t->int32_data[i * (size_t)packed / 8]);
      else if (halves)
        put_half(to, t->data_type, (int64_t)i, (uint16_t)t->int32_data[i]);
      else
        tensor_set_int(to, (int64_t)i, t->int32_data[i]);
  }
  return true;
}

// ---- weights beside the file

static const char *external_word(const Onnx__TensorProto *t, const char *key) {
  for (size_t i = 0; i < t->n_external_data; i++)
    if (t->external_data[i]->key && strcmp(t->external_data[i]->key, key) == 0)
      return t->external_data[i]->value;
  return NULL;
}

const char *onnx_external_file(const Onnx__TensorProto *t) {
  bool external = t->data_location == ONNX__TENSOR_PROTO__DATA_LOCATION__EXTERNAL;
  return external ? external_word(t, "location") : NULL;
}

static bool external_number(const Onnx__TensorProto *t, const char *key, uint64_t *number) {
  const char *word = external_word(t, key);
  char *end = NULL;
  if (!word) return true;
  errno = 0;
  *number = strtoull(word, &end, 10);
  return *word >= '0' && *word <= '9' && !*end && !errno;
}

// A plain file in the model's own folder: no link, no other folder, no second name.
static int open_beside(const char *path, const char *name, struct err *e) {
  const char *slash = strrchr(path, '/');
  struct arena a = {0};
  const char *folder = slash ? arena_printf(&a, "%.*s", (int)(slash - path) + 1, path) : ".";
  int dir = open(folder, O_PATH | O_DIRECTORY | O_CLOEXEC);
  struct open_how how = {.flags = O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK,
                         .resolve = RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS | RESOLVE_NO_MAGICLINKS};
  int fd = dir < 0 ? -1 : (int)syscall(SYS_openat2, dir, name, &how, sizeof how);
  struct stat st;
  if (fd < 0) {
    err_put(e, "its weights lie in \"%s\", which can't be opened beside it: %s", name,
            strerror(errno));
  } else if (fstat(fd, &st) != 0 || !S_ISREG(st.st_mode) || st.st_nlink != 1) {
    err_put(e, "its weights lie in \"%s\", which isn't a plain file with one name", name);
    close(fd);
    fd = -1;
  }
  if (dir >= 0) close(dir);
  arena_free(&a);
  return fd;
}

static bool read_at(int fd, void *to, size_t bytes, uint64_t offset) {
  for (size_t done = 0; done < bytes;) {
    ssize_t n = pread(fd, (char *)to + done, bytes - done, (off_t)(offset + done));
    if (n <= 0 && !(n < 0 && errno == EINTR)) return false;
    if (n > 0) done += (size_t)n;
  }
  return true;
}

bool onnx_external(struct onnx *o, const Onnx__TensorProto *t, size_t bytes, void *to,
                   struct err *e) {
  const char *name = external_word(t, "location");
  uint64_t offset = 0, length = bytes;
  if (!name || !*name || strchr(name, '/') || strcmp(name, "..") == 0)
    return err_set(e, "external data \"%s\": expected the name of a file in the model's own folder",
                   name ? name : "");
  if (!external_number(t, "offset", &offset) || !external_number(t, "length", &length) ||
      offset > INT64_MAX - bytes)
    return err_set(e, "external data: offset and length must be numbers");
  if (length != bytes)
    return err_set(e, "external data: length %llu, its shape takes %zu bytes",
                   (unsigned long long)length, bytes);
  int fd = open_beside(o->path, name, e);
  if (fd < 0) return false;
  bool ok = read_at(fd, to, bytes, offset);
  close(fd);
  return ok ||
         err_set(e, "\"%s\" has no %zu bytes at %llu: it belongs to another model, or was cut off",
                 name, bytes, (unsigned long long)offset);
}

// ---- a tensor

static bool shape_of(const Onnx__TensorProto *t, int64_t shape[RANK_MAX], struct err *e) {
  int64_t count = 1;
  if (t->n_dims > RANK_MAX) return err_set(e, "%zu axes, at most %d", t->n_dims, RANK_MAX);
  for (size_t d = 0; d < t->n_dims; d++) {
    shape[d] = t->dims[d];
    if (shape[d] < 0 || shape[d] > ELEMENTS_MAX || (shape[d] && count > ELEMENTS_MAX / shape[d]))
      return err_set(e, "axis %zu has %lld elements; a tensor has at most %lld", d,
                     (long long)shape[d], (long long)ELEMENTS_MAX);
    count *= shape[d];
  }
  return true;
}

// What is in the message must be there before memory is taken for it.
static bool is_there(const Onnx__TensorProto *t, int64_t count, size_t width) {
  if (t->data_location == ONNX__TENSOR_PROTO__DATA_LOCATION__EXTERNAL) return true;
  if (t->has_raw_data) return t->raw_data.len == words_of(t->data_type, count, width);
  if (onnx_packed_bits(t->data_type)) return t->n_int32_data == words_of(t->data_type, count, 1);
  return t->n_float_data == (size_t)count || t->n_uint64_data == (size_t)count ||
         t->n_double_data == (size_t)count || t->n_int32_data == (size_t)count ||
         t->n_int64_data == (size_t)count;
}

static struct tensor *filled(struct onnx *o, const Onnx__TensorProto *t, struct tensor *to,
                             size_t width, struct err *e) {
  bool external = t->data_location == ONNX__TENSOR_PROTO__DATA_LOCATION__EXTERNAL;
  size_t bytes = words_of(t->data_type, to->count, width);
  unsigned char *raw = external ? arena_alloc(o->arena, bytes + 1, 1) : t->raw_data.data;
  if (external && !onnx_external(o, t, bytes, raw, e)) return NULL;
  if (external || t->has_raw_data)
    from_raw(to, t->data_type, width, raw);
  else if (!from_lists(to, t, width))
    err_put(e, "its data isn't of its type");
  return e->text[0] ? NULL : to;
}

struct tensor *onnx_tensor(struct onnx *o, const Onnx__TensorProto *t, struct err *e) {
  int64_t shape[RANK_MAX];
  enum dtype dtype = DTYPE_F32;
  size_t width = element_of(t->data_type, &dtype);
  if (!width) {
    err_put(e,
            "data type %d isn't read: floats of 4, 8, 16, 32 and 64 bits and integers of 2 to 64 "
            "bits are",
            t->data_type);
    return NULL;
  }
  if (!shape_of(t, shape, e)) return NULL;
  int64_t count = shape_elements((int)t->n_dims, shape);
  if (!is_there(t, count, width)) {
    err_put(e, "its data isn't the %lld elements of its shape", (long long)count);
    return NULL;
  }
  return filled(o, t, tensor_new(o->arena, dtype, (int)t->n_dims, shape), width, e);
}
