// SPDX-License-Identifier: Apache-2.0
#include "sw/base/sandbox.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/landlock.h>
#include <poll.h>
#include <seccomp.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

enum { WORKED = 'w', FAILED = 'f' }; // the first byte that comes back

// ---- the child

static bool limit(__rlimit_resource_t resource, rlim_t most) {
  return setrlimit(resource, &(struct rlimit){most, most}) == 0;
}

static bool limit_all(const struct sandbox *l) {
  bool ok = limit(RLIMIT_CORE, 0) && limit(RLIMIT_FSIZE, 0) && limit(RLIMIT_NOFILE, 0) &&
            limit(RLIMIT_CPU, l->seconds);
#ifndef __SANITIZE_ADDRESS__ // which reserves terabytes
  ok = ok && limit(RLIMIT_AS, l->memory);
#endif
  return ok;
}

// No right to any file, where the kernel has Landlock.
static bool lock_files(void) {
  struct landlock_ruleset_attr all = {.handled_access_fs = (LANDLOCK_ACCESS_FS_MAKE_SYM << 1) -
                                                           1}; // of its first version
  long rules = syscall(SYS_landlock_create_ruleset, &all, sizeof all, 0);
  if (rules < 0) return errno == ENOSYS || errno == EOPNOTSUPP;
  bool ok = syscall(SYS_landlock_restrict_self, (int)rules, 0) == 0;
  close((int)rules);
  return ok;
}

// Calls that a computation needs, and writing to what is open already. There are no files: a
// library that looks for one is told so.
static bool lock_calls(void) {
  static const int allowed[] = {
      SCMP_SYS(write),         SCMP_SYS(brk),          SCMP_SYS(mmap),
      SCMP_SYS(munmap),        SCMP_SYS(mremap),       SCMP_SYS(mprotect),
      SCMP_SYS(madvise),       SCMP_SYS(futex),        SCMP_SYS(exit),
      SCMP_SYS(exit_group),    SCMP_SYS(rt_sigreturn), SCMP_SYS(rt_sigprocmask),
      SCMP_SYS(getpid),        SCMP_SYS(gettid),       SCMP_SYS(getrandom),
      SCMP_SYS(sysinfo),    // how much memory there is: qsort asks that
#ifdef __SANITIZE_ADDRESS__ // its own
      SCMP_SYS(sigaltstack),
#endif
      SCMP_SYS(clock_gettime), SCMP_SYS(gettimeofday), SCMP_SYS(time)};
  static const int absent[] = {SCMP_SYS(openat), SCMP_SYS(open),       SCMP_SYS(getcwd),
                               SCMP_SYS(stat),   SCMP_SYS(newfstatat), SCMP_SYS(access)};
  scmp_filter_ctx c = seccomp_init(SCMP_ACT_KILL_PROCESS);
  bool ok = c != NULL;
  for (size_t i = 0; ok && i < sizeof allowed / sizeof *allowed; i++)
    ok = seccomp_rule_add(c, SCMP_ACT_ALLOW, allowed[i], 0) == 0;
  for (size_t i = 0; ok && i < sizeof absent / sizeof *absent; i++)
    ok = seccomp_rule_add(c, SCMP_ACT_ERRNO(ENOENT), absent[i], 0) == 0;
  ok = ok && seccomp_load(c) == 0;
  seccomp_release(c);
  return ok;
}

static bool put_all(int fd, const char *data, size_t size) {
  while (size) {
    ssize_t n = write(fd, data, size);
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0) return false;
    data += n;
    size -= (size_t)n;
  }
  return true;
}

_Noreturn static void child(int fd, const struct sandbox *l, sandbox_work *work, const void *data,
                            size_t size) {
  static const int ends[] = {SIGSEGV, SIGBUS, SIGILL, SIGFPE, SIGABRT, SIGXCPU};
  struct text out = {0};
  struct err e = {0};
  for (size_t i = 0; i < sizeof ends / sizeof *ends; i++)
    signal(ends[i], SIG_DFL); // no handlers of ours
  bool ok =
      prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0 && lock_files() && limit_all(l) && lock_calls();
  ok = ok ? work(data, size, &out, &e) : err_set(&e, "the sandbox can't be closed");
  char state = ok ? WORKED : FAILED;
  ok = put_all(fd, &state, 1) &&
       (ok ? put_all(fd, out.data, out.size) : put_all(fd, e.text, strlen(e.text)));
  _exit(ok ? 0 : 1);
}

// ---- the parent

static bool get_all(int fd, size_t most, struct text *to) {
  char part[1 << 16];
  for (;;) {
    ssize_t n = read(fd, part, sizeof part);
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0) return n == 0;
    if (to->size + (size_t)n > most + 1) return false;
    text_put(to, part, (size_t)n);
  }
}

static bool ended(pid_t pid, struct err *e) {
  int status;
  while (waitpid(pid, &status, 0) < 0)
    if (errno != EINTR) return err_set(e, "its reader was lost: %s", strerror(errno));
  if (!WIFSIGNALED(status)) return true;
  int by = WTERMSIG(status);
  if (by == SIGSYS)
    return err_set(
        e, "its reader was stopped when it wanted more than bytes: the file is made to do harm");
  return err_set(e,
                 "its reader was ended by signal %d (%s): the file is damaged, or made to do harm",
                 by, strsignal(by));
}

static bool taken(struct arena *a, const struct text *back, struct bytes *out, struct err *e) {
  if (!back->size)
    return err_set(e, "its reader gave nothing: the file needs more memory than it may have");
  if (back->data[0] == FAILED) return err_set(e, "%.*s", (int)back->size - 1, back->data + 1);
  out->size = back->size - 1;
  out->data = arena_copy(a, back->data + 1, out->size + 1);
  return true;
}

bool sandbox_run(struct arena *a, const struct sandbox *limits, sandbox_work *work,
                 const void *data, size_t size, struct bytes *out, struct err *e) {
  int ends[2];
  struct text back = {0};
  if (pipe2(ends, O_CLOEXEC) != 0) return err_set(e, "no pipe: %s", strerror(errno));
  fflush(NULL);
  pid_t pid = fork();
  if (pid == 0) {
    close(ends[0]);
    child(ends[1], limits, work, data, size);
  }
  close(ends[1]);
  bool whole = pid > 0 && get_all(ends[0], limits->most, &back);
  close(ends[0]);
  struct err behind = {0}; // of a child that is cut short, which then can't go on
  bool ok =
      pid > 0 ? ended(pid, whole ? e : &behind) : err_set(e, "no process: %s", strerror(errno));
  if (pid > 0 && !whole) err_put(e, "its reader gives more than %zu bytes", limits->most);
  ok = ok && whole && taken(a, &back, out, e);
  text_free(&back);
  return ok;
}
