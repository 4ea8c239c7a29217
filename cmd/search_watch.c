// SPDX-License-Identifier: Apache-2.0
// What is done for a search that is interrupted or killed: its trials don't stay RUNNING.
#include "cmd/search.h"

#include "search/study.h"
#include "sw/base/file.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

enum { WATCHES = 20, WATCH_MICROSECONDS = 100000 };

// In the process that outlives the search: all ends of the pipe but its own are closed when the
// search and its workers are gone, interrupted or killed; a byte says that all ended well.
static void watch_over(struct search *s, int end) {
  struct study study;
  struct err e = {0};
  char byte;
  ssize_t n;
  setpgid(0, 0); // not of what a terminal interrupts
  close(s->watched);
  for (int fd = STDIN_FILENO; fd <= STDERR_FILENO; fd++) close(fd);
  do n = read(end, &byte, 1);
  while (n < 0 && errno == EINTR);
  // who has just closed its files is there for a moment more
  bool opened = n == 0 && file_exists(s->path) && study_open(&study, s->path, &s->setup, &e);
  for (int i = 0; opened && i < WATCHES && study_bury(&study, &e); i++) usleep(WATCH_MICROSECONDS);
  _exit(0);
}

// Trials of a search that is interrupted don't stay RUNNING. Without this process the next search
// says it of them.
pid_t search_watch_start(struct search *s) {
  int end[2];
  s->watched = -1;
  if (pipe2(end, O_CLOEXEC) != 0) return -1;
  s->watched = end[1];
  pid_t child = fork();
  if (child == 0) watch_over(s, end[0]);
  close(end[0]);
  return child;
}

void search_watch_end(struct search *s, pid_t child) {
  if (s->watched < 0) return;
  void (*before)(int) = signal(SIGPIPE, SIG_IGN); // it may have been killed
  bool told = child > 0 && write(s->watched, "", 1) == 1;
  signal(SIGPIPE, before);
  close(s->watched);
  if (told) waitpid(child, NULL, 0);
}
