// SPDX-License-Identifier: Apache-2.0
// Loaded before the C library: the N-th call of one kind fails, or kills the process.
//
//   NNGEN_FAULT=malloc:17        the 17th allocation returns NULL
//   NNGEN_FAULT=malloc:17:on     and so does every later one
//   NNGEN_FAULT=write:3:kill     the 3rd write ends the process by SIGKILL
//
// Kinds: malloc (and its like), open, read, write, change (rename, mkdir, unlink and their like),
// sync, start (of processes and threads, and the pipes and locks between them), stream (stdio, but
// for standard output and error). $NNGEN_FAULT_COUNT names a file that gets the number of calls
// when the process ends. With $NNGEN_FAULT_EXCHANGE the file system can't exchange names.
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

enum kind {
  KIND_MALLOC,
  KIND_OPEN,
  KIND_READ,
  KIND_WRITE,
  KIND_CHANGE,
  KIND_SYNC,
  KIND_START,
  KIND_STREAM,
  KINDS
};
static const char *const names[KINDS] = {"malloc", "open", "read",  "write",
                                         "change", "sync", "start", "stream"};
static const int errors[KINDS] = {ENOMEM, EIO, EIO, ENOSPC, ENOSPC, EIO, EAGAIN, ENOSPC};

static long wanted[KINDS], calls[KINDS];
static int kills, goes_on, awake, no_exchange;

static void parse(const char *fault) {
  const char *colon = fault ? strchr(fault, ':') : NULL;
  for (int k = 0; colon && k < KINDS; k++)
    if (strlen(names[k]) == (size_t)(colon - fault) && !strncmp(names[k], fault, strlen(names[k])))
      wanted[k] = strtol(colon + 1, NULL, 10);
  goes_on = colon && strstr(colon, ":on");
  kills = colon && strstr(colon, ":kill");
}

// Children are left alone.
__attribute__((constructor)) static void wake(void) {
  parse(getenv("NNGEN_FAULT"));
  no_exchange = getenv("NNGEN_FAULT_EXCHANGE") != NULL;
  unsetenv("NNGEN_FAULT");
  unsetenv("LD_PRELOAD");
}

__attribute__((destructor)) static void report(void) {
  const char *path = getenv("NNGEN_FAULT_COUNT");
  FILE *f = path ? fopen(path, "w") : NULL;
  for (int k = 0; f && k < KINDS; k++) fprintf(f, "%s %ld\n", names[k], calls[k]);
  if (f) fclose(f);
}

static int fails(enum kind k) {
  if (!awake) return 0;
  long n = ++calls[k];
  if (n != wanted[k] && !(goes_on && wanted[k] && n > wanted[k])) return 0;
  if (kills) raise(SIGKILL);
  errno = errors[k];
  return 1;
}

#define REAL(type, name, ...)                                                                      \
  static type (*real)(__VA_ARGS__);                                                                \
  if (!real) *(void **)&real = dlsym(RTLD_NEXT, name)

// ---- from main to its end: what the process does before and after is left alone

static int (*real_main)(int, char **, char **);

static int watched_main(int argc, char **argv, char **environment) {
  awake = 1;
  int status = real_main(argc, argv, environment);
  awake = 0;
  return status;
}

int __libc_start_main(int (*entry)(int, char **, char **), int argc, char **argv,
                      void (*init)(void), void (*fini)(void), void (*rtld)(void), void *stack) {
  REAL(int, "__libc_start_main", int (*)(int, char **, char **), int, char **, void (*)(void),
       void (*)(void), void (*)(void), void *);
  real_main = entry;
  return real(watched_main, argc, argv, init, fini, rtld, stack);
}

_Noreturn void exit(int status) {
  REAL(void, "exit", int);
  awake = 0;
  real(status);
  __builtin_unreachable();
}

// ---- memory: the C library's own, under its other names

void *__libc_malloc(size_t size);
void *__libc_calloc(size_t count, size_t size);
void *__libc_realloc(void *p, size_t size);
void *__libc_memalign(size_t align, size_t size);

void *malloc(size_t size) {
  return fails(KIND_MALLOC) ? NULL : __libc_malloc(size);
}

void *calloc(size_t count, size_t size) {
  return fails(KIND_MALLOC) ? NULL : __libc_calloc(count, size);
}

void *realloc(void *p, size_t size) {
  return fails(KIND_MALLOC) ? NULL : __libc_realloc(p, size);
}

void *aligned_alloc(size_t align, size_t size) {
  return fails(KIND_MALLOC) ? NULL : __libc_memalign(align, size);
}

// ---- files

int open(const char *path, int flags, ...) {
  REAL(int, "open", const char *, int, ...);
  va_list list;
  va_start(list, flags);
  mode_t mode = flags & O_CREAT ? va_arg(list, mode_t) : 0;
  va_end(list);
  return fails(KIND_OPEN) ? -1 : real(path, flags, mode);
}

ssize_t read(int fd, void *to, size_t size) {
  REAL(ssize_t, "read", int, void *, size_t);
  return fails(KIND_READ) ? -1 : real(fd, to, size);
}

ssize_t write(int fd, const void *from, size_t size) {
  REAL(ssize_t, "write", int, const void *, size_t);
  return fails(KIND_WRITE) ? -1 : real(fd, from, size);
}

int fsync(int fd) {
  REAL(int, "fsync", int);
  return fails(KIND_SYNC) ? -1 : real(fd);
}

int rename(const char *from, const char *to) {
  REAL(int, "rename", const char *, const char *);
  return fails(KIND_CHANGE) ? -1 : real(from, to);
}

int linkat(int old_dir, const char *from, int new_dir, const char *to, int flags) {
  REAL(int, "linkat", int, const char *, int, const char *, int);
  return fails(KIND_CHANGE) ? -1 : real(old_dir, from, new_dir, to, flags);
}

int renameat2(int old_dir, const char *from, int new_dir, const char *to, unsigned flags) {
  REAL(int, "renameat2", int, const char *, int, const char *, unsigned);
  if (no_exchange) {
    errno = EINVAL;
    return -1;
  }
  return fails(KIND_CHANGE) ? -1 : real(old_dir, from, new_dir, to, flags);
}

int mkdir(const char *path, mode_t mode) {
  REAL(int, "mkdir", const char *, mode_t);
  return fails(KIND_CHANGE) ? -1 : real(path, mode);
}

char *mkdtemp(char *path) {
  REAL(char *, "mkdtemp", char *);
  return fails(KIND_CHANGE) ? NULL : real(path);
}

int mkstemp(char *path) {
  REAL(int, "mkstemp", char *);
  return fails(KIND_OPEN) ? -1 : real(path);
}

int remove(const char *path) {
  REAL(int, "remove", const char *);
  return kills && fails(KIND_CHANGE) ? -1 : real(path);
}

int symlink(const char *to, const char *path) {
  REAL(int, "symlink", const char *, const char *);
  return fails(KIND_CHANGE) ? -1 : real(to, path);
}

// ---- processes, threads, locks

int pipe2(int ends[2], int flags) {
  REAL(int, "pipe2", int *, int);
  return fails(KIND_START) ? -1 : real(ends, flags);
}

pid_t fork(void) {
  REAL(pid_t, "fork", void);
  pid_t child = fails(KIND_START) ? -1 : real();
  if (child == 0) awake = 0;
  return child;
}

int flock(int fd, int how) {
  REAL(int, "flock", int, int);
  return fails(KIND_START) ? -1 : real(fd, how);
}

int pthread_create(pthread_t *id, const pthread_attr_t *attr, void *(*run)(void *), void *with) {
  REAL(int, "pthread_create", pthread_t *, const pthread_attr_t *, void *(*)(void *), void *);
  return fails(KIND_START) ? EAGAIN : real(id, attr, run, with);
}

// ---- stdio

FILE *fopen(const char *path, const char *mode) {
  REAL(FILE *, "fopen", const char *, const char *);
  return fails(KIND_STREAM) ? NULL : real(path, mode);
}

size_t fwrite(const void *from, size_t size, size_t count, FILE *f) {
  REAL(size_t, "fwrite", const void *, size_t, size_t, FILE *);
  return f != stdout && f != stderr && fails(KIND_STREAM) ? 0 : real(from, size, count, f);
}

int fclose(FILE *f) {
  REAL(int, "fclose", FILE *);
  int failed = fails(KIND_STREAM), error = errno;
  int status = real(f);
  if (failed) errno = error;
  return failed ? EOF : status;
}
