// SPDX-License-Identifier: Apache-2.0
#include "tests/data/helper_data.h"

#include "sw/base/file.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>

int data_setup(void **state) {
  struct fixture *f = calloc(1, sizeof *f);
  strcpy(f->folder, "/tmp/nngen_test_data_XXXXXX");
  assert_non_null(mkdtemp(f->folder));
  *state = f;
  return 0;
}

int data_teardown(void **state) {
  struct fixture *f = *state;
  char command[128];
  snprintf(command, sizeof command, "rm -rf %s", f->folder);
  int status = system(command);
  arena_free(&f->arena);
  free(f);
  return status;
}

char *path_in(struct fixture *f, const char *name) {
  return arena_printf(&f->arena, "%s/%s", f->folder, name);
}

char *put(struct fixture *f, const char *name, const void *bytes, size_t size) {
  struct err e = {0};
  char *path = path_in(f, name);
  if (!file_write(path, bytes, size, &e)) fail_msg("%s", e.text);
  return path;
}

char *put_gzip(struct fixture *f, const char *name, const void *bytes, size_t size) {
  char *path = path_in(f, name);
  gzFile g = gzopen(path, "wb9");
  assert_int_equal(gzwrite(g, bytes, (unsigned)size), size);
  assert_int_equal(gzclose(g), Z_OK);
  return path;
}

void opens(struct fixture *f, const char *spec, int64_t limit, struct images *out) {
  struct err e = {0};
  if (!data_open(&f->arena, spec, limit, out, &e)) fail_msg("%s", e.text);
}

// The spec is refused with a message that holds `part`.
void refused(struct fixture *f, const char *spec, const char *part) {
  struct err e = {0};
  struct images out;
  assert_false(data_open(&f->arena, spec, 0, &out, &e));
  if (!strstr(e.text, part)) fail_msg("expected \"%s\" in \"%s\"", part, e.text);
}

char *put_npy(struct fixture *f, int major, const char *header, const void *data, size_t bytes) {
  unsigned char *file = arena_alloc(&f->arena, 12 + strlen(header) + bytes, 1);
  size_t length = strlen(header), start = major == 1 ? 10 : 12;
  memcpy(file, "\x93NUMPY", 6);
  file[6] = (unsigned char)major;
  file[8] = (unsigned char)length;
  file[9] = (unsigned char)(length >> 8);
  memcpy(file + start, header, length);
  memcpy(file + start + length, data, bytes);
  return put(f, "x.npy", file, start + length + bytes);
}
