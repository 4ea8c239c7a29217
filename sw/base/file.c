// SPDX-License-Identifier: Apache-2.0
#define _POSIX_C_SOURCE 200809L
#include "sw/base/file.h"

#include "sw/base/lock.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <stdlib.h>

static bool system_error(struct err *e, const char *path) {
  return err_set(e, "%s: %s", path, strerror(errno));
}

static bool read_all(int fd, unsigned char *data, size_t size) {
  for (size_t got = 0; got < size;) {
    ssize_t n = read(fd, data + got, size - got);
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0) return false;
    got += (size_t)n;
  }
  return true;
}

static bool prepare(struct arena *a, const char *path, size_t limit, struct bytes *out,
                    struct err *e) {
  struct stat st;
  if (stat(path, &st)) return system_error(e, path);
  if (!S_ISREG(st.st_mode)) return err_set(e, "%s: not a regular file", path);
  if ((uintmax_t)st.st_size > limit)
    return err_set(e, "%s: the file has %jd bytes, at most %zu are accepted", path,
                   (intmax_t)st.st_size, limit);
  out->size = (size_t)st.st_size;
  out->data = arena_alloc(a, out->size + 1, 1);
  return true;
}

static bool read_open(int fd, const char *path, struct bytes *out, struct err *e) {
  struct stat st;
  if (fstat(fd, &st)) return system_error(e, path);
  if (!S_ISREG(st.st_mode) || (uintmax_t)st.st_size != out->size)
    return err_set(e, "%s: was changed while it was read", path);
  if (!read_all(fd, out->data, out->size)) return err_set(e, "%s: can't be read to its end", path);
  return true;
}

bool file_read(struct arena *a, const char *path, size_t limit, struct bytes *out, struct err *e) {
  if (!prepare(a, path, limit, out, e)) return false; // no memory is taken while it is open
  int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
  if (fd < 0) return system_error(e, path);
  bool ok = read_open(fd, path, out, e);
  close(fd);
  return ok;
}

static bool write_all(int fd, const unsigned char *data, size_t size) {
  while (size) {
    ssize_t n = write(fd, data, size);
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0) return false;
    data += n;
    size -= (size_t)n;
  }
  return true;
}

bool file_create(const char *path, const void *data, size_t size, struct err *e) {
  int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0644);
  if (fd < 0) return system_error(e, path);
  bool ok = write_all(fd, data, size);
  int error = errno;
  if (close(fd) == 0 && ok) return true;
  if (!ok) errno = error;
  system_error(e, path);
  unlink(path);
  return false;
}

static void remove_file(const char *leftover, bool folder) {
  if (!folder) unlink(leftover);
}

// A file without a name in the folder of `path`: of a process that is ended nothing stays behind.
// -1 where there are none.
static int open_nameless(const char *path) {
  struct arena a = {0};
  const char *slash = strrchr(path, '/');
  const char *folder = slash ? arena_printf(&a, "%.*s", (int)(slash - path) + 1, path) : ".";
  int fd = access("/proc/self/fd", X_OK) == 0 ? open(folder, O_TMPFILE | O_WRONLY | O_CLOEXEC, 0644)
                                              : -1;
  arena_free(&a);
  return fd;
}

// Its content gets the name. A name that is there can only be taken by a file with another: the one
// that `spare` has, which is of no use any more.
static bool take_name(int fd, const char *path) {
  struct arena a = {0};
  const char *self = arena_printf(&a, "/proc/self/fd/%d", fd);
  bool ok = linkat(AT_FDCWD, self, AT_FDCWD, path, AT_SYMLINK_FOLLOW) == 0;
  if (!ok && errno == EEXIST) {
    char *spare;
    int held = lock_temporary(&a, path, false, &spare);
    flock(fd, LOCK_EX); // so that nobody clears it up; where there are no locks nobody does
    ok = held >= 0 && unlink(spare) == 0 &&
         linkat(AT_FDCWD, self, AT_FDCWD, spare, AT_SYMLINK_FOLLOW) == 0 &&
         rename(spare, path) == 0;
    int error = errno;
    if (held >= 0 && !ok) unlink(spare);
    if (held >= 0) close(held);
    errno = error;
  }
  arena_free(&a);
  return ok;
}

bool file_write(const char *path, const void *data, size_t size, struct err *e) {
  struct arena a = {0};
  struct stat st;
  char *temporary = NULL;
  if (stat(path, &st) == 0 && !S_ISREG(st.st_mode))
    return err_set(e, "%s: exists and isn't a regular file", path);
  lock_leftovers(path, remove_file);
  int fd = open_nameless(path);
  if (fd < 0) fd = lock_temporary(&a, path, false, &temporary);
  bool ok = fd >= 0;
  if (!ok) system_error(e, path);
  if (ok) {
    ok = fchmod(fd, 0644) == 0 && write_all(fd, data, size) && fsync(fd) == 0 &&
         (temporary ? rename(temporary, path) == 0 : take_name(fd, path));
    if (!ok) {
      system_error(e, path);
      if (temporary) unlink(temporary);
    }
    close(fd); // and with it the lock
  }
  arena_free(&a);
  return ok;
}

bool file_exists(const char *path) {
  return access(path, F_OK) == 0;
}

const char *file_scratch(void) {
  const char *own = getenv("TMPDIR");
  return own && *own == '/' ? own : P_tmpdir;
}
