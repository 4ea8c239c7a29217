// SPDX-License-Identifier: Apache-2.0
// export: a model -> a file of another program, a picture.
#include "sw/export/export.h"
#include "cmd/command.h"
#include "sw/base/file.h"
#include "sw/base/json.h"
#include "sw/graph/model.h"

#include <string.h>

bool export_check(struct arena *a, const struct options *o, struct err *e) {
  return command_check(a, o, e);
}

// ---- files

// The user's own file with the weights of the float model.
static bool put_into(struct arena *a, const struct options *o, const struct model *m,
                     struct text *t, struct err *e) {
  struct bytes file;
  if (!m->real)
    return err_set(e, "%s: holds integers: --into takes the weights of a float model", o->model);
  return file_read(a, o->into, MODEL_BYTES_MAX, &file, e) &&
         (export_into(a, m->real, o->into, &file, t, e) || err_within(e, "%s", o->into));
}

int command_export(struct arena *a, const struct options *o, struct err *e) {
  struct model m;
  struct text t = {0};
  if (!command_model(a, o, &m, e)) return EXIT_USER;
  bool ok = put_into(a, o, &m, &t, e) && file_write(o->output, t.data, t.size, e);
  text_free(&t);
  return ok ? EXIT_GOOD : EXIT_USER;
}
