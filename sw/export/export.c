// SPDX-License-Identifier: Apache-2.0
#include "sw/export/export.h"

#ifdef NNGEN_ONNX

#include "sw/export/onnx_writer.h"

bool export_onnx(struct arena *a, const struct graph *g, enum onnx_form form, struct refusals *r,
                 struct export_notes *notes, struct text *out, struct err *e) {
  return onnx_write(a, g, form, r, notes, out, e);
}

#else

#include "sw/import/formats.h"

bool export_onnx(struct arena *a, const struct graph *g, enum onnx_form form, struct refusals *r,
                 struct export_notes *notes, struct text *out, struct err *e) {
  (void)a, (void)g, (void)form, (void)r, (void)notes, (void)out;
  return err_set(e, "an ONNX file, which this nngen can't write: it was built without %s",
                 ONNX_LACKS);
}

#endif
