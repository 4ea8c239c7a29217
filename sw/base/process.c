// SPDX-License-Identifier: Apache-2.0
#include "sw/base/process.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

enum { CHILDREN_MAX = 64, NOT_STARTED = 127 };

// In the child: never returns.
static void become(const char *const *argv, const char *cwd, const char *const *environment,
                   int out) {
  struct rlimit none = {0, 0};
  prctl(PR_SET_PDEATHSIG, SIGTERM);
  setrlimit(RLIMIT_CORE, &none);
  for (int i = 0; environment && environment[i]; i++) putenv((char *)(uintptr_t)environment[i]);
  int in = open("/dev/null", O_RDONLY);
  bool ok = in >= 0 && dup2(in, STDIN_FILENO) >= 0 && dup2(out, STDOUT_FILENO) >= 0 &&
            dup2(out, STDERR_FILENO) >= 0 && (!cwd || chdir(cwd) == 0);
  if (ok) execvp(argv[0], (char *const *)(uintptr_t)argv);
  dprintf(out, "%s: %s\n", ok ? argv[0] : cwd, strerror(errno));
  _exit(NOT_STARTED);
}

bool process_start(struct process *p, const char *const *argv, const char *cwd,
                   const char *const *environment, struct err *e) {
  int ends[2];
  *p = (struct process){0};
  if (pipe2(ends, O_CLOEXEC) != 0) return err_set(e, "%s: %s", argv[0], strerror(errno));
  p->out = ends[0];
  p->pid = fork();
  if (p->pid == 0) become(argv, cwd, environment, ends[1]);
  close(ends[1]);
  if (p->pid > 0) return true;
  close(ends[0]);
  return err_set(e, "%s: %s", argv[0], strerror(errno));
}

static void take_lines(struct process *p, int child, const char *data, size_t size,
                       void (*take)(void *context, int child, const char *line), void *context) {
  for (const char *end; size && (end = memchr(data, '\n', size));) {
    text_put(&p->line, data, (size_t)(end - data));
    take(context, child, p->line.data);
    p->line.size = 0;
    size -= (size_t)(end + 1 - data);
    data = end + 1;
  }
  text_put(&p->line, data, size);
}

// What was printed last may lack its newline.
static void end(struct process *p, int child,
                void (*take)(void *context, int child, const char *line), void *context) {
  if (p->line.size) take(context, child, p->line.data);
  close(p->out);
  while (waitpid(p->pid, &p->status, 0) < 0 && errno == EINTR) continue;
  text_free(&p->line);
  p->ended = true;
}

void process_read(struct process *list, int count,
                  void (*take)(void *context, int child, const char *line), void *context) {
  char data[1 << 16];
  for (int left = count; left > 0;) {
    struct pollfd fds[CHILDREN_MAX];
    for (int i = 0; i < count; i++)
      fds[i] = (struct pollfd){list[i].ended ? -1 : list[i].out, POLLIN, 0};
    if (poll(fds, (nfds_t)count, -1) < 0) continue;
    for (int i = 0; i < count; i++) {
      if (!fds[i].revents) continue;
      ssize_t size = read(list[i].out, data, sizeof data);
      if (size > 0) {
        take_lines(&list[i], i, data, (size_t)size, take, context);
      } else if (size == 0 || errno != EINTR) {
        end(&list[i], i, take, context);
        left--;
      }
    }
  }
}

static void append(void *context, int child, const char *line) {
  (void)child;
  text_printf(context, "%s\n", line);
}

// The first line that speaks of an error, or the first line.
static const char *telling(const char *text) {
  const char *at = strcasestr(text, "error");
  while (at && at > text && at[-1] != '\n') at--;
  return at ? at : text;
}

bool process_run(const char *const *argv, const char *cwd, const char *const *environment,
                 struct text *said, struct err *e) {
  struct process p;
  if (!process_start(&p, argv, cwd, environment, e)) return false;
  process_read(&p, 1, append, said);
  if (WIFEXITED(p.status) && WEXITSTATUS(p.status) == 0) return true;
  bool missing = WIFEXITED(p.status) && WEXITSTATUS(p.status) == NOT_STARTED;
  const char *text = said->data ? said->data : "", *line = telling(text);
  return err_set(e, "%s %s: %.*s", argv[0], missing ? "can't be started" : "failed",
                 (int)strcspn(line, "\n"), line);
}

bool process_exists(const char *program) {
  for (const char *dir = getenv("PATH"); dir;) {
    char name[4096];
    int length = (int)strcspn(dir, ":");
    snprintf(name, sizeof name, "%.*s/%s", length ? length : 1, length ? dir : ".", program);
    if (access(name, X_OK) == 0) return true;
    dir = dir[length] ? dir + length + 1 : NULL;
  }
  return false;
}
