// SPDX-License-Identifier: Apache-2.0
#include "gen/folder.h"

#include "gen/emit_bench.h"
#include "gen/hardware.h"
#include "gen/package.h"
#include "gen/rename.h"
#include "gen/report.h"
#include "sw/base/file.h"
#include "sw/base/json.h"
#include "sw/base/lock.h"
#include "sw/base/sha256.h"
#include "sw/graph/model.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { SUMS_MAX = 1 << 24 };
#define FILE_LIMIT ((size_t)1 << 31)

// ---- writing

// All files are in memory before the first is written, and writing takes no more of it: what ends
// the program for want of memory leaves nothing behind.

static int by_name(const void *a, const void *b) {
  return strcmp(((const struct emit_file *)a)->name, ((const struct emit_file *)b)->name);
}

// SHA256SUMS becomes the last file.
static void put_sums(struct emit_files *f) {
  struct text sums = {0};
  qsort(f->files, f->count, sizeof *f->files, by_name);
  for (uint32_t i = 0; i < f->count; i++)
    text_printf(&sums, "%s  %s\n",
                sha256_hex(f->arena, f->files[i].text.data, f->files[i].text.size),
                f->files[i].name);
  *emit_open(f, "SHA256SUMS") = sums;
}

// DIR/NAME, or the folder of it if NAME has one.
static bool join(char path[PATH_MAX], const char *dir, const char *name, bool room, struct err *e) {
  int length = (int)(room ? strcspn(name, "/") : strlen(name));
  return snprintf(path, PATH_MAX, "%s/%.*s", dir, length, name) < PATH_MAX ||
         err_set(e, "%s: %s", dir, strerror(ENAMETOOLONG));
}

static bool write_file(const struct emit_file *f, const char *dir, struct err *e) {
  char path[PATH_MAX];
  if (strchr(f->name, '/')) {
    if (!join(path, dir, f->name, true, e)) return false;
    if (mkdir(path, 0755) != 0 && errno != EEXIST)
      return err_set(e, "%s: %s", path, strerror(errno));
  }
  return join(path, dir, f->name, false, e) && file_create(path, f->text.data, f->text.size, e);
}

static bool write_files(const struct emit_files *f, const char *dir, struct err *e) {
  for (uint32_t i = 0; i < f->count; i++)
    if (!write_file(&f->files[i], dir, e)) return false;
  return true;
}

// Removes what was written, which takes no memory either.
static void remove_files(const struct emit_files *f, const char *dir) {
  struct err ignored = {0};
  char path[PATH_MAX];
  for (uint32_t i = 0; i < f->count; i++)
    if (join(path, dir, f->files[i].name, false, &ignored)) unlink(path);
  for (uint32_t i = 0; i < f->count; i++)
    if (strchr(f->files[i].name, '/') && join(path, dir, f->files[i].name, true, &ignored))
      rmdir(path);
  rmdir(dir);
}

static int remove_one(const char *path, const struct stat *st, int kind, struct FTW *at) {
  (void)st;
  (void)kind;
  (void)at;
  return remove(path);
}

bool folder_remove(const char *dir, struct err *e) {
  return nftw(dir, remove_one, 16, FTW_DEPTH | FTW_PHYS) == 0 ||
         err_set(e, "%s: the folder can't be removed: %s", dir, strerror(errno));
}

static void remove_leftover(const char *leftover, bool folder) {
  struct err ignored = {0};
  if (folder) folder_remove(leftover, &ignored);
}

// A folder with a manifest that nngen wrote.
static bool is_ours(struct arena *a, const char *dir) {
  struct bytes bytes;
  struct err ignored = {0};
  const char *path = arena_printf(a, "%s/manifest.json", dir);
  if (!file_read(a, path, SUMS_MAX, &bytes, &ignored)) return false;
  json_t *root = json_parse((const char *)bytes.data, bytes.size, &ignored);
  const char *generator = json_string_value(json_object_get(root, "generator"));
  bool ours = generator && strcmp(generator, "nngen") == 0;
  json_decref(root);
  return ours;
}

enum { WAIT_MS = 10000, TRIES = 100 };

enum placing { PLACED, AGAIN, REFUSED };

// Without RENAME_EXCHANGE: in two steps, the old folder under a name of its own between them.
static bool exchange_slowly(const char *made, const char *dir) {
  char old[PATH_MAX];
  if (snprintf(old, sizeof old, "%s.old", made) >= (int)sizeof old || rename(dir, old) != 0)
    return false;
  if (rename(made, dir) == 0) return rename(old, made) == 0;
  int error = errno;
  rename(old, dir);
  errno = error;
  return false;
}

// Exchanges the finished folder with the old one, which nobody else reads or writes meanwhile.
static enum placing exchange(const char *made, const char *dir, struct err *e) {
  int held = lock_path(dir, O_RDONLY | O_DIRECTORY, false, WAIT_MS);
  if (held < 0 && errno == ENOENT) return AGAIN;
  if (held < 0) {
    bool busy = errno == EWOULDBLOCK;
    err_put(e, "%s: %s", dir,
            busy ? "another nngen uses the folder; wait for it, or choose another with -o"
                 : strerror(errno));
    return REFUSED;
  }
  bool ok = renameat2(AT_FDCWD, made, AT_FDCWD, dir, RENAME_EXCHANGE) == 0;
  if (!ok && (errno == EINVAL || errno == ENOSYS)) ok = exchange_slowly(made, dir);
  if (ok)
    folder_remove(made, e);
  else
    err_put(e, "%s: %s", dir, strerror(errno));
  close(held);
  return ok ? PLACED : REFUSED;
}

// Puts the finished folder in its place, in one step where the file system can exchange names. The
// old one may be in the way, or one that somebody else put there meanwhile. An error together with
// PLACED: the old folder couldn't be removed.
static enum placing place(struct arena *a, const char *made, const char *dir, bool ours,
                          struct err *e) {
  enum placing done = AGAIN;
  for (int tries = 0; done == AGAIN && tries < TRIES; tries++) {
    if (rename(made, dir) == 0) return PLACED; // there was none, or it was empty
    bool full = errno == ENOTEMPTY || errno == EEXIST;
    if (full && (ours || is_ours(a, dir))) {
      done = exchange(made, dir, e);
      continue;
    }
    err_put(e, "%s: %s", dir,
            full ? "exists and isn't a folder that nngen wrote" : strerror(errno));
    return REFUSED;
  }
  if (done == AGAIN) err_put(e, "%s: other processes replace it all the time", dir);
  return done;
}

static bool fill(struct emit_files *f, const struct circuit *p, const struct folder_content *c,
                 struct err *e) {
  struct emit_files roms = {.arena = f->arena};
  emit_roms(&roms, p);
  bool ok = hardware_files(f, p, &roms, e);
  emit_free(&roms);
  if (!ok) return false;
  if (!emit_bench_files(f, p, c->frames, e)) return false;
  report_text(emit_open(f, "report.txt"), p);
  report_manifest(emit_open(f, "manifest.json"), p, c->model_sha256 ? c->model_sha256 : "");
  model_put(emit_open(f, "model.bin"), graph_renamed(f->arena, p));
  if (!package_files(f, p, c->clock > 0 ? c->clock : CLOCK_DEFAULT, e)) return false;
  put_sums(f);
  return true;
}

bool folder_make(const char *path, struct err *e) {
  struct arena a = {0};
  char *part = arena_strdup(&a, path);
  bool ok = true;
  for (char *p = part + 1; ok; p++) {
    if (*p != '/' && *p) continue;
    char end = *p;
    *p = 0;
    ok = mkdir(part, 0755) == 0 || errno == EEXIST || err_set(e, "%s: %s", part, strerror(errno));
    *p = end;
    if (!end) break;
  }
  arena_free(&a);
  return ok;
}

// What `path` is in, made if it isn't there.
static bool make_parent(struct arena *a, const char *path, struct err *e) {
  const char *slash = strrchr(path, '/');
  return !slash || slash == path ||
         folder_make(arena_printf(a, "%.*s", (int)(slash - path), path), e);
}

bool folder_is_empty(const char *dir) {
  DIR *d = opendir(dir);
  int entries = 0;
  while (d && readdir(d)) entries++;
  if (d) closedir(d);
  return d && entries == 2;
}

bool folder_free(const char *dir, struct err *e) {
  struct arena a = {0};
  struct stat st;
  bool exists = lstat(dir, &st) == 0, is_dir = exists && S_ISDIR(st.st_mode);
  bool ok = !exists || (is_dir && (is_ours(&a, dir) || folder_is_empty(dir)));
  arena_free(&a);
  return ok || err_set(e, "%s: exists and isn't a folder that nngen wrote", dir);
}

bool folder_write(const struct circuit *p, const char *dir, const struct folder_content *content,
                  struct err *e) {
  struct arena a = {0};
  struct emit_files files = {.arena = &a};
  size_t length = strlen(dir);
  while (length > 1 && dir[length - 1] == '/') length--;
  const char *to = arena_printf(&a, "%.*s", (int)length, dir);
  char *made;
  bool ok = folder_free(to, e) && fill(&files, p, content, e), ours = is_ours(&a, to);
  ok = ok && make_parent(&a, to, e);
  if (ok) lock_leftovers(to, remove_leftover);
  int held = ok ? lock_temporary(&a, to, true, &made) : -1;
  if (ok && held < 0) ok = err_set(e, "%s: %s", dir, strerror(errno));
  if (ok) {
    fchmod(held, 0755);
    bool placed = write_files(&files, made, e) && place(&a, made, to, ours, e) == PLACED;
    if (!placed) remove_files(&files, made);
    ok = placed && !e->text[0];
  }
  if (held >= 0) close(held);
  emit_free(&files);
  arena_free(&a);
  return ok;
}

int folder_hold(const char *dir, struct err *e) {
  int fd = lock_path(dir, O_RDONLY | O_DIRECTORY, true, WAIT_MS);
  if (fd < 0 && errno == EWOULDBLOCK)
    err_put(e, "%s: another nngen is replacing the folder; try again when it has ended", dir);
  else if (fd < 0)
    err_put(e, "%s: %s", dir, strerror(errno));
  return fd;
}

// ---- reading back

// The names in a SHA256SUMS, each checked against its file.
struct sums {
  struct arena *arena;
  const char *dir;
  json_t *listed;
};

static bool check_line(struct sums *s, char *line, struct err *e) {
  char *name = strstr(line, "  ");
  struct arena a = {0};
  struct bytes bytes;
  if (!name || name - line != SHA256_DIGITS)
    return err_set(e, "%s/SHA256SUMS: a line isn't HASH  FILE", s->dir);
  *name = 0;
  name += 2;
  if (name[0] == '/' || strstr(name, "..")) return err_set(e, "%s/SHA256SUMS: %s", s->dir, name);
  const char *path = arena_printf(s->arena, "%s/%s", s->dir, name);
  bool ok = file_read(&a, path, FILE_LIMIT, &bytes, e);
  if (ok && strcmp(sha256_hex(&a, bytes.data, bytes.size), line) != 0)
    ok = err_set(e, "%s: was changed after it was generated (SHA256SUMS doesn't match)", path);
  json_put(s->listed, name, json_true());
  arena_free(&a);
  return ok;
}

// Every file of a sub-folder ("" is the folder itself) is listed, SHA256SUMS apart.
static bool check_listed(struct sums *s, const char *room, struct err *e) {
  DIR *d = opendir(arena_printf(s->arena, "%s/%s", s->dir, room));
  if (!d) return err_set(e, "%s/%s: %s", s->dir, room, strerror(errno));
  bool ok = true;
  for (struct dirent *entry; ok && (entry = readdir(d));) {
    struct stat st;
    const char *name = arena_printf(s->arena, "%s%s", room, entry->d_name);
    const char *path = arena_printf(s->arena, "%s/%s", s->dir, name);
    if (strcmp(name, "SHA256SUMS") == 0 || stat(path, &st) != 0 || S_ISDIR(st.st_mode)) continue;
    if (!json_object_get(s->listed, name)) ok = err_set(e, "%s: isn't listed in SHA256SUMS", path);
  }
  closedir(d);
  return ok;
}

// The sub-folders that files are listed in, each once.
static bool check_rooms(struct sums *s, struct err *e) {
  json_t *rooms = json_map(), *ignored;
  const char *name;
  json_object_foreach(s->listed, name, ignored) {
    const char *slash = strrchr(name, '/');
    if (slash)
      json_put(rooms, arena_printf(s->arena, "%.*s", (int)(slash + 1 - name), name), json_true());
  }
  bool ok = true;
  json_object_foreach(rooms, name, ignored) ok = ok && check_listed(s, name, e);
  json_decref(rooms);
  return ok;
}

bool folder_check(const char *dir, struct err *e) {
  struct arena a = {0};
  struct bytes bytes;
  struct sums s = {&a, dir, json_map()};
  bool ok = file_read(&a, arena_printf(&a, "%s/SHA256SUMS", dir), SUMS_MAX, &bytes, e);
  char *rest = ok ? (char *)bytes.data : NULL;
  for (char *line; ok && (line = strsep(&rest, "\n"));)
    if (*line) ok = check_line(&s, line, e);
  ok = ok && check_listed(&s, "", e) && check_rooms(&s, e);
  json_decref(s.listed);
  arena_free(&a);
  return ok;
}

static bool read_lanes(const json_t *j, const char *key, int64_t *out, struct err *e) {
  *out = json_integer_value(json_object_get(j, key));
  return (*out >= 1 && *out <= DIM_MAX) ||
         err_set(e, "%s: expected 1 to %lld", key, (long long)DIM_MAX);
}

// The lanes of the circuit are those of its widest input.
static bool read_inputs(const json_t *root, struct folding *f, struct err *e) {
  const json_t *inputs = json_object_get(root, "inputs");
  if (!inputs) return read_lanes(json_object_get(root, "input"), "lanes", &f->parallelism, e);
  for (size_t i = 0; i == 0 || i < json_array_size(inputs); i++) {
    int64_t lanes;
    if (!read_lanes(json_array_get(inputs, i), "lanes", &lanes, e)) return false;
    if (lanes > f->parallelism) f->parallelism = lanes;
  }
  return true;
}

static bool read_manifest(struct arena *a, const json_t *root, struct folding *f, const char **top,
                          enum rom_style *style, int64_t *transfer, struct err *e) {
  const json_t *layers = json_object_get(root, "layers");
  const char *name = json_string_value(json_object_get(root, "top"));
  if (!json_is_array(layers) || !name || !verilog_module_name(name))
    return err_set(e, "manifest.json: layers or top is missing or wrong");
  *top = arena_strdup(a, name);
  const char *rom = json_string_value(json_object_get(root, "rom_style"));
  *style = rom && strcmp(rom, "case") == 0 ? ROM_CASE : ROM_FILE;
  const json_t *framing = json_object_get(root, "frames_per_tlast");
  *transfer = framing ? json_integer_value(framing) : 0;
  if (framing && (*transfer < 1 || *transfer > TRANSFER_MAX))
    return err_set(e, "manifest.json: frames_per_tlast: expected 1 to %d", TRANSFER_MAX);
  *f = (struct folding){.pack = json_is_true(json_object_get(root, "pack_products"))};
  if (!read_inputs(root, f, e)) return err_within(e, "manifest.json: input");
  f->layers = ARENA_NEW(a, struct folding_entry, json_array_size(layers));
  for (size_t i = 0; i < json_array_size(layers); i++) {
    const json_t *l = json_array_get(layers, i);
    const char *id = json_string_value(json_object_get(l, "id"));
    if (!id) return err_set(e, "manifest.json: layer %zu has no id", i);
    struct folding_entry *entry = &f->layers[f->n_layers++];
    entry->name = arena_strdup(a, id);
    if (!read_lanes(l, "lanes_in", &entry->in, e) || !read_lanes(l, "lanes_out", &entry->out, e))
      return err_within(e, "manifest.json: layer \"%s\"", id);
    const char *ram = json_string_value(json_object_get(l, "ram_style"));
    if (ram && !ram_style_read(ram, &entry->ram_style))
      return err_set(e, "manifest.json: layer \"%s\": ram_style", id);
  }
  return true;
}

struct circuit *folder_circuit(struct arena *a, const char *dir, struct err *e) {
  struct bytes bytes;
  struct folding folding = {0};
  enum rom_style style = ROM_FILE;
  int64_t transfer = 0;
  const char *top = NULL, *path = arena_printf(a, "%s/manifest.json", dir);
  if (!file_read(a, path, SUMS_MAX, &bytes, e)) return NULL;
  json_t *root = json_parse((const char *)bytes.data, bytes.size, e);
  bool ok = root && read_manifest(a, root, &folding, &top, &style, &transfer, e);
  json_decref(root);
  struct graph *g = ok ? model_read(a, arena_printf(a, "%s/model.bin", dir), e) : NULL;
  if (!g) return NULL;
  struct circuit *p = circuit_build(a, g, top, &folding, e);
  if (p) p->rom_style = style;
  if (p) p->transfer = transfer;
  return p;
}

const char *folder_identity(struct arena *a, const char *dir, struct err *e) {
  struct bytes manifest, model;
  struct text both = {0};
  if (!file_read(a, arena_printf(a, "%s/manifest.json", dir), SUMS_MAX, &manifest, e) ||
      !file_read(a, arena_printf(a, "%s/model.bin", dir), FILE_LIMIT, &model, e))
    return NULL;
  text_put(&both, (const char *)manifest.data, manifest.size);
  text_put(&both, (const char *)model.data, model.size);
  const char *hex = sha256_hex(a, both.data, both.size);
  text_free(&both);
  return hex;
}

const char *circuit_identity(struct arena *a, const struct circuit *p, const char *model_sha256) {
  struct text both = {0};
  report_manifest(&both, p, model_sha256);
  model_put(&both, graph_renamed(a, p));
  const char *hex = sha256_hex(a, both.data, both.size);
  text_free(&both);
  return hex;
}
