// SPDX-License-Identifier: Apache-2.0
// generate: model -> quantised graph -> circuit -> folder. This function is the architecture.
#include "cmd/command.h"
#include "gen/emit_bench.h"
#include "gen/folder.h"
#include "gen/report.h"

#include <stdlib.h>

// The frames that --data gives to vectors/; NULL, with no error, if it isn't given.
static const int32_t *vector_frames(struct arena *a, const struct options *o,
                                    const struct circuit *p, struct warnings *w, struct err *e) {
  struct images set;
  if (!o->data.count || !command_images(a, o, p->graph, BENCH_FRAMES, &set, e)) return NULL;
  command_warn_input(a, o, p->graph, &set, w);
  if (set.count == BENCH_FRAMES) return images_codes(a, p->graph, &set, 0, BENCH_FRAMES);
  err_put(e, "%s: %lld images, the vectors take %d", set.name, (long long)set.count, BENCH_FRAMES);
  return NULL;
}

int command_generate(struct arena *a, const struct options *o, struct err *e) {
  const char *dir = o->output ? o->output : "rtl", *sha256 = NULL;
  struct model m;
  struct circuit *p = command_circuit(a, o, &m, NULL, &sha256, e);
  const int32_t *frames = p ? vector_frames(a, o, p, &m.warnings, e) : NULL;
  const struct folder_content content = {sha256, frames, o->clock ? strtod(o->clock, NULL) : 0};
  if (!p || e->text[0] || !folder_write(p, dir, &content, e)) return EXIT_USER;
  if (o->report && !command_page(a, o, &m, p, sha256, e)) return EXIT_USER;
  struct text t = {0};
  if (o->json) {
    report_json(&t, p, dir);
    t.size -= 2; // behind the last entry: "}" and the newline
    warnings_put_json(&t, &m.warnings);
    text_puts(&t, "}\n");
    fwrite(t.data, 1, t.size, stdout);
  } else {
    text_put_escaped(&t, o->model);
    text_puts(&t, " -> ");
    text_put_escaped(&t, dir);
    text_puts(&t, "\n\n");
    report_text(&t, p);
    fwrite(t.data, 1, t.size, stdout);
  }
  text_free(&t);
  return EXIT_GOOD;
}
