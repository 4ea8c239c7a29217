// SPDX-License-Identifier: Apache-2.0
// How files look: those that aren't read, and those that a build may lack the libraries to read.
#include "sw/import/formats.h"

#include <ctype.h>
#include <stdint.h>
#include <string.h>

static bool has(const void *data, size_t size, const char *word) {
  return memmem(data, size, word, strlen(word)) != NULL;
}

// A zip archive with such a name in it: its list stands at the end.
static bool zip_has(const void *data, size_t size, const char *word) {
  size_t tail = size < 1 << 20 ? size : 1 << 20;
  return size > 4 && memcmp(data, "PK\3\4", 4) == 0 &&
         has((const char *)data + size - tail, tail, word);
}

bool hdf5_is(const void *data, size_t size) {
  return size > 8 && memcmp(data, "\x89HDF\r\n\x1a\n", 8) == 0;
}

bool zip_is_keras(const void *data, size_t size) {
  return zip_has(data, size, "model.weights.") && zip_has(data, size, "config.json");
}

bool zip_is_export(const void *data, size_t size) {
  return zip_has(data, size, "archive_format") ||
         zip_has(data, size, "serialized_exported_program");
}

bool zip_is_script(const void *data, size_t size) {
  return zip_has(data, size, "constants.pkl");
}

bool zip_is_torch(const void *data, size_t size) {
  return zip_has(data, size, "data.pkl");
}

bool zip_is_numpy(const void *data, size_t size) {
  return zip_has(data, size, ".npy");
}

// ---- pickles

// What follows an instruction of protocols 0 and 1: so many bytes or lines, or as many bytes as a
// count of one or four bytes says; NULL: there is no such one.
static const char *operand_of(unsigned char code) {
  static const struct {
    const char *codes, *operand;
  } kinds[] = {{"(.012NQRabde]}lost)u", "0"},
               {"KUhq", "1"},
               {"M", "2"},
               {"JTXjr", "4"},
               {"G", "8"},
               {"FILPSVgp", "l"},
               {"ci", "ll"}};
  for (size_t i = 0; code && i < sizeof kinds / sizeof *kinds; i++)
    if (strchr(kinds[i].codes, code)) return kinds[i].operand;
  return NULL;
}

// The instruction behind that at `at`; 0: there is none.
static size_t next_instruction(const unsigned char *p, size_t size, size_t at) {
  unsigned char code = p[at++];
  const char *operand = operand_of(code);
  uint64_t bytes = operand && isdigit((unsigned char)*operand) ? (uint64_t)(*operand - '0') : 0;
  if (!operand) return 0;
  for (; *operand == 'l'; operand++) {
    const unsigned char *end = memchr(p + at, '\n', size - at);
    if (!end) return 0;
    at = (size_t)(end - p) + 1;
  }
  if (size - at < bytes) return 0;
  if (code == 'U') bytes += p[at];
  for (int i = 3; i >= 0 && (code == 'T' || code == 'X'); i--)
    bytes += (uint64_t)p[at + (size_t)i] << 8 * i;
  return size - at < bytes ? 0 : at + (size_t)bytes;
}

// Of protocols 0 and 1 nothing is said in front: instructions up to a stop, of which one makes an
// object or a list, or is a long number (the first thing that torch.save wrote).
static bool old_pickle_is(const unsigned char *p, size_t size) {
  bool makes = false;
  for (size_t at = 0; at < size;) {
    if (p[at] == '.') return makes;
    makes |= strchr("cdi]}lL", p[at]) != NULL;
    at = next_instruction(p, size, at);
    if (!at) return false;
  }
  return false;
}

bool pickle_is(const void *data, size_t size) {
  const unsigned char *p = data;
  bool said = size > 2 && p[0] == 0x80 && p[1] >= 2 && p[1] <= 5;
  return said || (size > 2 && p[0] && old_pickle_is(p, size));
}

// The first field of a message, and that its length fits.
static bool first_field(const unsigned char *p, size_t size, unsigned char key, const char *word) {
  return size > 16 && p[0] == key && has(p, size < 4096 ? size : 4096, word);
}

bool saved_model_is(const void *data, size_t size) {
  const unsigned char *p = data;
  return size > 8 && p[0] == 0x08 && p[2] == 0x12 && has(data, size, "serve");
}

bool frozen_graph_is(const void *data, size_t size) {
  return first_field(data, size, 0x0A, "Placeholder");
}

// ---- protocol buffers, by the fields that they have

// A field of a message: its number, its wire type, and its content if it has a length.
struct pb_field {
  uint64_t number;
  int wire;
  const unsigned char *data;
  size_t size; // of what is there: a file may be cut off
};

enum { VARINT, FIXED64, LENGTH, FIXED32 = 5 };

static bool pb_varint(const unsigned char *p, size_t size, size_t *at, uint64_t *v) {
  *v = 0;
  for (int shift = 0; shift < 64 && *at < size; shift += 7) {
    unsigned char byte = p[(*at)++];
    *v |= (uint64_t)(byte & 127) << shift;
    if (!(byte & 128)) return true;
  }
  return false;
}

// The field at *at, which goes behind it; false if there is none.
static bool pb_next(const unsigned char *p, size_t size, size_t *at, struct pb_field *f) {
  uint64_t key, length = 0;
  if (!pb_varint(p, size, at, &key)) return false;
  *f = (struct pb_field){.number = key >> 3, .wire = (int)(key & 7)};
  if (f->wire == VARINT) return pb_varint(p, size, at, &length);
  if (f->wire == FIXED64) length = 8;
  if (f->wire == FIXED32) length = 4;
  if (f->wire != FIXED64 && f->wire != FIXED32 &&
      (f->wire != LENGTH || !pb_varint(p, size, at, &length)))
    return false;
  f->data = p + *at;
  f->size = length < size - *at ? (size_t)length : size - *at;
  *at += f->size;
  return true;
}

static bool is_word(const struct pb_field *f) {
  bool word = f->wire == LENGTH && f->size > 0;
  for (size_t i = 0; word && i < f->size; i++) word = f->data[i] > ' ' && f->data[i] < 127;
  return word;
}

// A layer of NetParameter: `layer` (100) begins with a name and a type of words; the older `layers`
// (2) has its name in field 4, and its type is a number, field 5.
static bool is_caffe_layer(const struct pb_field *layer) {
  size_t at = 0;
  bool name = false, type = false, old = layer->number == 2;
  struct pb_field f;
  while (!(name && type) && pb_next(layer->data, layer->size, &at, &f)) {
    name |= f.number == (old ? 4 : 1) && f.wire == LENGTH;
    type |= old ? f.number == 5 && f.wire == VARINT : f.number == 2 && is_word(&f);
  }
  return name && type;
}

// NetParameter: name 1, layers 2, input 3, input_dim 4, input_shape 8, layer 100.
static bool is_caffe_net(const unsigned char *p, size_t size) {
  size_t at = 0;
  bool layer = false;
  struct pb_field f;
  for (int fields = 0; fields < 64 && !layer && pb_next(p, size, &at, &f); fields++) {
    if ((f.number < 1 || f.number > 8) && f.number != 100) return false;
    layer = f.wire == LENGTH && (f.number == 2 || f.number == 100) && is_caffe_layer(&f);
  }
  return layer;
}

bool caffe_is(const void *data, size_t size) {
  bool text = has(data, size < 4096 ? size : 4096, "layer {") ||
              has(data, size < 4096 ? size : 4096, "layers {");
  return is_caffe_net(data, size) || first_field(data, size, 'n', "layer {") ||
         (text && size > 16 && ((const unsigned char *)data)[0] < 128 && !memchr(data, 0, 16) &&
          has(data, size, "type:"));
}

// Model: specificationVersion 1, description 2, isUpdatable 10, and one kind of model, 200 and
// above.
bool coreml_is(const void *data, size_t size) {
  const unsigned char *p = data;
  size_t at = 0;
  bool version = false, description = false, kind = false;
  struct pb_field f;
  for (int fields = 0; fields < 8 && pb_next(p, size, &at, &f); fields++) {
    version |= f.number == 1 && f.wire == VARINT;
    description |= f.number == 2 && f.wire == LENGTH;
    kind |= f.number >= 200 && f.number <= 3000 && f.wire == LENGTH;
    if (f.number != 1 && f.number != 2 && f.number != 10 && f.number < 200) return false;
  }
  return version && description && (kind || has(data, size, "coremltools"));
}

// Fields of a ModelProto, one behind the other, a graph among them.
bool onnx_is(const void *data, size_t size) {
  const unsigned char *p = data;
  size_t at = 0;
  bool graph = false;
  for (int fields = 0; at < size; fields++) {
    uint64_t key = 0, length = 0;
    int shift = 0;
    do key |= (uint64_t)(p[at] & 127) << shift, shift += 7;
    while (p[at++] & 128 && at < size && shift < 28);
    uint64_t field = key >> 3;
    bool known =
        (field >= 1 && field <= 8) || field == 14 || field == 20 || field == 25 || field == 26;
    if (!known || ((key & 7) != 0 && (key & 7) != 2)) return false;
    shift = 0;
    if (at >= size) return graph;
    do length |= (uint64_t)(p[at] & 127) << shift, shift += 7;
    while (p[at++] & 128 && at < size && shift < 63);
    graph |= field == 7 && (key & 7) == 2;
    if ((key & 7) == 2) {
      if (length > size - at) return graph;
      at += length;
    }
  }
  return graph;
}
