// SPDX-License-Identifier: Apache-2.0
#include "sw/base/lock.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

enum { PAUSE_MS = 20, TRIES = 100, RANDOM = 6 };
#define MARK ".nngen-"

static bool still_named(int fd, const char *path) {
  struct stat held, named;
  return fstat(fd, &held) == 0 && lstat(path, &named) == 0 && held.st_dev == named.st_dev &&
         held.st_ino == named.st_ino;
}

static void pause_ms(int ms) {
  nanosleep(&(struct timespec){.tv_nsec = ms * 1000000L}, NULL);
}

// A file system without locks lets everybody in, as it always did.
static bool lock_fd(int fd, int how, int milliseconds) {
  for (int waited = 0; flock(fd, how | LOCK_NB) != 0; waited += PAUSE_MS) {
    if (errno == ENOLCK || errno == EOPNOTSUPP || errno == ENOSYS) return true;
    if ((errno != EWOULDBLOCK && errno != EINTR) || (milliseconds >= 0 && waited >= milliseconds))
      return false;
    pause_ms(PAUSE_MS);
  }
  return true;
}

int lock_path(const char *path, int flags, bool shared, int milliseconds) {
  struct stat st;
  for (int tries = 0; tries < TRIES; tries++) {
    int fd = open(path, flags | O_CLOEXEC, 0644);
    if (fd < 0) return -1;
    bool locked = lock_fd(fd, shared ? LOCK_SH : LOCK_EX, milliseconds);
    // through a link the name isn't the thing itself: then what is locked is what was opened
    if (locked && (still_named(fd, path) || (lstat(path, &st) == 0 && S_ISLNK(st.st_mode))))
      return fd;
    int error = errno;
    close(fd);
    errno = error;
    if (!locked) return -1;
  }
  errno = EWOULDBLOCK;
  return -1;
}

// DIR/.NAME.nngen- of a path, and where the folder's part ends.
static char *prefix_of(struct arena *a, const char *path, size_t *folder) {
  const char *slash = strrchr(path, '/');
  *folder = slash ? (size_t)(slash - path) + 1 : 0;
  return arena_printf(a, "%.*s.%s" MARK, (int)*folder, path, path + *folder);
}

int lock_temporary(struct arena *a, const char *path, bool folder, char **name) {
  size_t at;
  const char *prefix = prefix_of(a, path, &at);
  for (int tries = 0; tries < TRIES; tries++) {
    *name = arena_printf(a, "%sXXXXXX", prefix);
    int fd = folder ? -1 : mkstemp(*name);
    if (folder && mkdtemp(*name)) fd = open(*name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0 && folder && errno == ENOENT) continue; // cleared up already
    if (fd < 0) return -1;
    // Whoever clears up may have been quicker than the lock. Where there are no locks nobody does.
    if (flock(fd, LOCK_EX) != 0 || still_named(fd, *name)) return fd;
    close(fd);
  }
  return -1;
}

static void offer(const char *leftover, void (*take)(const char *leftover, bool folder)) {
  int fd = open(leftover, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
  struct stat st;
  if (fd < 0) return;
  if (flock(fd, LOCK_EX | LOCK_NB) == 0 && still_named(fd, leftover) && fstat(fd, &st) == 0 &&
      (S_ISREG(st.st_mode) || S_ISDIR(st.st_mode)))
    take(leftover, S_ISDIR(st.st_mode));
  close(fd);
}

void lock_leftovers(const char *path, void (*take)(const char *leftover, bool folder)) {
  struct arena a = {0};
  size_t at;
  const char *prefix = prefix_of(&a, path, &at), *name = prefix + at;
  DIR *d = opendir(at ? arena_printf(&a, "%.*s", (int)at, path) : ".");
  bool there = access(path, F_OK) == 0;
  for (struct dirent *entry; d && (entry = readdir(d));) {
    size_t n = strlen(name) + RANDOM, length = strlen(entry->d_name);
    bool old = there && length == n + 4 && strcmp(entry->d_name + n, ".old") == 0;
    if (strncmp(entry->d_name, name, n - RANDOM) == 0 && (length == n || old))
      offer(arena_printf(&a, "%.*s%s", (int)at, path, entry->d_name), take);
  }
  if (d) closedir(d);
  arena_free(&a);
}
