// SPDX-License-Identifier: Apache-2.0
#include "sw/export/into.h"

#include "sw/import/formats.h"
#include "sw/import/state.h"

#include <string.h>

#ifdef NNGEN_KERAS
#define INTO_KERAS into_keras
#else
#define INTO_KERAS NULL
#endif

double into_number(const struct value *v, int64_t i) {
  return value_is_cut(v, i) ? 0 : value_real(v, i);
}

static bool is_keras(const struct bytes *file) {
  return hdf5_is(file->data, file->size) || zip_is_keras(file->data, file->size);
}

static bool other_kind(const struct bytes *file, struct err *e) {
  const struct import_format *f = import_format_of(file->data, file->size);
  const char *what = f ? f->name : "no file of a format that is known, or one that was cut short";
  if (memmem(file->data, file->size, "\"nngen.graph\"", 13)) what = "a model.bin";
  return err_set(
      e,
      "%s: --into takes a .keras, .h5 or safetensors file that the framework wrote, with "
      "the same network (nngen export MODEL -o net.onnx makes an ONNX file)",
      what);
}

bool export_into(struct arena *a, const struct graph *g, const struct bytes *file,
                 struct into_result *r, struct text *out, struct err *e) {
  bool (*const keras)(struct arena *, const struct graph *, const struct bytes *,
                      struct into_result *, struct text *, struct err *) = INTO_KERAS;
  *r = (struct into_result){0};
  if (state_is(file->data, file->size)) return into_state(a, g, file, r, out, e);
  if (!is_keras(file)) return other_kind(file, e);
  if (keras) return keras(a, g, file, r, out, e);
  return err_set(e, "a Keras file, which this nngen can't write: it was built without %s",
                 import_format_of(file->data, file->size)->library);
}
