// SPDX-License-Identifier: Apache-2.0
// export: a model -> a file of another program, a picture.
#include "cmd/export.h"
#include "cmd/into.h"

bool export_check(struct arena *a, const struct options *o, struct err *e) {
  if (!o->into)
    return err_set(e, "into what? --into FILE -o COPY puts the weights into a copy of a "
                      ".keras, .h5 or safetensors file");
  return command_check(a, o, e) && into_check(o, e);
}

int command_export(struct arena *a, const struct options *o, struct err *e) {
  return command_into(a, o, e);
}
