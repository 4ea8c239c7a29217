// SPDX-License-Identifier: Apache-2.0
// The file of a journal: lock, reading, appending, repair.
#include "search/journal_parts.h"

#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "sw/base/clock.h"

#define PATIENCE 30.0   // seconds
#define WAIT_MOST 0.016 // seconds between two looks at a lock
enum { CHUNK = 1 << 20 };

static const char *make_worker(struct arena *a) {
  char host[65] = "";
  uint32_t number = 0;
  gethostname(host, sizeof host - 1);
  for (char *c = host; *c; c++)
    if (*c == '-' || *c < '!' || *c > '~' || *c == '"' || *c == '\\') *c = '_';
  if (getrandom(&number, sizeof number, GRND_NONBLOCK) != sizeof number)
    number = (uint32_t)time(NULL);
  return arena_printf(a, "nngen-%s-%ld-%08x", host, (long)getpid(), (unsigned)number);
}

// ---- reading

// Applies the whole lines of `size` bytes; *used: how many bytes they were.
static bool apply_lines(struct journal *j, const char *data, size_t size, size_t *used,
                        struct err *e) {
  for (*used = 0; *used < size;) {
    const char *line = data + *used, *end = memchr(line, '\n', size - *used);
    if (!end) break;
    if (!journal_apply(j, line, (size_t)(end - line), e))
      return err_within(e, "%s: line %lld", j->path, (long long)j->line + 1);
    *used += (size_t)(end - line) + 1;
    j->line++;
  }
  return true;
}

// What a writer left that died in the middle of a line begins as a line does; anything else is a
// file of another kind, which nobody may cut.
static bool check_rest(const struct journal *j, const char *rest, size_t size, struct err *e) {
  static const char begin[] = "{\"op_code\"";
  size_t n = size < sizeof begin - 1 ? size : sizeof begin - 1;
  return memcmp(rest, begin, n) == 0 ||
         err_set(e, "%s: line %lld: not a journal of studies", j->path, (long long)j->line + 1);
}

static bool read_from(struct journal *j, int file, struct err *e) {
  size_t room = CHUNK, kept = 0, used;
  char *data = malloc(room);
  bool ok = data != NULL;
  if (!data) arena_out_of_memory();
  while (ok) {
    ssize_t got = pread(file, data + kept, room - kept, j->read + (int64_t)kept);
    if (got < 0 && errno == EINTR) continue;
    ok = got >= 0 || err_set(e, "%s: %s", j->path, strerror(errno));
    if (got <= 0) break;
    kept += (size_t)got;
    ok = apply_lines(j, data, kept, &used, e);
    j->read += (int64_t)used;
    kept -= used;
    memmove(data, data + used, kept);
    if (!ok || kept < room) continue;
    ok = room < JOURNAL_LINE_MOST ||
         err_set(e, "%s: line %lld: longer than %d MB: not a journal of studies", j->path,
                 (long long)j->line + 1, JOURNAL_LINE_MOST >> 20);
    char *larger = ok ? realloc(data, room *= 2) : data;
    if (!larger) arena_out_of_memory();
    data = larger;
  }
  ok = ok && check_rest(j, data, kept, e);
  free(data);
  return ok;
}

bool journal_sync(struct journal *j, struct err *e) {
  struct stat st;
  int file = open(j->path, O_RDONLY | O_CLOEXEC);
  if (file < 0 && errno == ENOENT && !j->read) return true;
  if (file < 0) return err_set(e, "%s: %s", j->path, strerror(errno));
  bool ok = (fstat(file, &st) == 0 && S_ISREG(st.st_mode)) ||
            err_set(e, "%s: not a regular file", j->path);
  ok = ok &&
       (st.st_size >= j->read || err_set(e, "%s: has become shorter while it was in use", j->path));
  ok = ok && read_from(j, file, e);
  close(file);
  return ok;
}

bool journal_open(struct journal *j, const char *path, struct err *e) {
  *j = (struct journal){.path = path, .patience = PATIENCE};
  j->worker = make_worker(&j->arena);
  return journal_sync(j, e);
}

void journal_close(struct journal *j) {
  if (j->locked) journal_unlock(j);
  for (uint32_t i = 0; i < j->n_studies; i++) {
    json_decref(j->studies[i].user);
    json_decref(j->studies[i].system);
    free(j->studies[i].trials);
  }
  for (uint32_t i = 0; i < j->n_trials; i++) {
    json_decref(j->trials[i].user);
    json_decref(j->trials[i].system);
  }
  free(j->studies);
  free(j->trials);
  free(j->distributions);
  arena_free(&j->arena);
}

// ---- the lock

static const char *lock_of(struct arena *a, const struct journal *j) {
  return arena_printf(a, "%s.lock", j->path);
}

static void release(struct arena *a, const struct journal *j) {
  const char *lock = lock_of(a, j);
  const char *own = arena_printf(a, "%s%s.%lld.rename", lock, j->worker, (long long)j->line);
  if (rename(lock, own) == 0) unlink(own);
}

static void pause_for(double seconds) {
  struct timespec t = {(time_t)seconds, (long)((seconds - floor(seconds)) * 1e9)};
  nanosleep(&t, NULL);
}

// What a lock looks like: another inode or time is another holder.
static bool unchanged(const char *lock, struct stat *before) {
  struct stat now;
  if (lstat(lock, &now) != 0) return false;
  bool same = now.st_ino == before->st_ino && now.st_mtim.tv_sec == before->st_mtim.tv_sec &&
              now.st_mtim.tv_nsec == before->st_mtim.tv_nsec;
  *before = now;
  return same;
}

static bool take(struct arena *a, struct journal *j, struct err *e) {
  const char *lock = lock_of(a, j);
  struct stat held = {0};
  double wait = 0.001, since = clock_seconds();
  while (symlink(j->path, lock) != 0) {
    if (errno != EEXIST) return err_set(e, "%s: can't be made: %s", lock, strerror(errno));
    if (!unchanged(lock, &held)) since = clock_seconds();
    if (clock_seconds() - since > j->patience) {
      release(a, j);
      wait = 0.001;
      continue;
    }
    pause_for(wait);
    wait = wait < WAIT_MOST ? 2 * wait : wait;
  }
  return true;
}

bool journal_lock(struct journal *j, struct err *e) {
  struct arena scratch = {0};
  j->locked = take(&scratch, j, e);
  arena_free(&scratch);
  if (!j->locked) return false;
  if (journal_sync(j, e)) return true;
  journal_unlock(j);
  return false;
}

void journal_unlock(struct journal *j) {
  struct arena scratch = {0};
  release(&scratch, j);
  j->locked = false;
  arena_free(&scratch);
}

// ---- appending

static bool write_all(int file, const char *data, size_t size) {
  while (size) {
    ssize_t put = write(file, data, size);
    if (put < 0 && errno == EINTR) continue;
    if (put < 0) return false;
    data += put;
    size -= (size_t)put;
  }
  return fsync(file) == 0;
}

// Behind the last newline there is what a writer left that died.
bool journal_append(struct journal *j, const struct text *lines, struct err *e) {
  int file = open(j->path, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0666);
  if (file < 0) return err_set(e, "%s: %s", j->path, strerror(errno));
  struct stat st;
  bool ok = fstat(file, &st) == 0 && (st.st_size == j->read || ftruncate(file, j->read) == 0) &&
            write_all(file, lines->data, lines->size);
  if (!ok) {
    err_put(e, "%s: %s: nothing was added to it", j->path, strerror(errno));
    if (ftruncate(file, j->read) != 0) err_put_within(e, "and can't be cut back");
  }
  close(file);
  return ok && journal_sync(j, e);
}
