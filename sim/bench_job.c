// SPDX-License-Identifier: Apache-2.0
// The file is the structure itself and its arrays: both sides are the same build of this program.
#include "sim/bench_job.h"

#include <errno.h>
#include <string.h>

static const char magic[8] = "nngenjob";

static bool put(FILE *f, const void *data, size_t size, int64_t count) {
  return count == 0 || fwrite(data, size, (size_t)count, f) == (size_t)count; // data may be NULL
}

bool bench_job_write(const char *path, const struct bench_job *j, struct err *e) {
  FILE *f = fopen(path, "wb");
  if (!f) return err_set(e, "%s: %s", path, strerror(errno));
  bool ok = put(f, magic, sizeof magic, 1) && put(f, j, sizeof *j, 1) &&
            put(f, j->inputs, sizeof *j->inputs, j->n_inputs) &&
            put(f, j->streams, sizeof *j->streams, j->n_streams) &&
            put(f, j->labels, sizeof *j->labels, j->has_labels ? j->images : 0) &&
            put(f, j->targets, sizeof *j->targets, j->has_targets ? j->images * j->outputs : 0) &&
            put(f, j->codes, sizeof *j->codes, j->images * j->elements);
  if (fclose(f) != 0 || !ok) return err_set(e, "%s: can't be written whole", path);
  return true;
}

static void *get(struct arena *a, FILE *f, size_t size, int64_t count, bool *ok) {
  void *data = arena_alloc(a, (size_t)count + 1, size);
  *ok = *ok && fread(data, size, (size_t)count, f) == (size_t)count;
  return data;
}

bool bench_job_read(struct arena *a, const char *path, struct bench_job *j, struct err *e) {
  char found[sizeof magic];
  FILE *f = fopen(path, "rb");
  if (!f) return err_set(e, "%s: %s", path, strerror(errno));
  bool ok = fread(found, sizeof found, 1, f) == 1 && memcmp(found, magic, sizeof magic) == 0 &&
            fread(j, sizeof *j, 1, f) == 1;
  if (ok) {
    j->inputs = get(a, f, sizeof *j->inputs, j->n_inputs, &ok);
    j->streams = get(a, f, sizeof *j->streams, j->n_streams, &ok);
    j->labels = get(a, f, sizeof *j->labels, j->has_labels ? j->images : 0, &ok);
    j->targets = get(a, f, sizeof *j->targets, j->has_targets ? j->images * j->outputs : 0, &ok);
    j->codes = get(a, f, sizeof *j->codes, j->images * j->elements, &ok);
  }
  fclose(f);
  return ok || err_set(e, "%s: isn't a whole job", path);
}
