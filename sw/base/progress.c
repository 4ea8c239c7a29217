// SPDX-License-Identifier: Apache-2.0
#define _POSIX_C_SOURCE 200809L
#include "sw/base/progress.h"
#include "sw/base/clock.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { LINE = 100, WIDTH = 79 };
static const double interval = 0.1; // seconds between two lines

void progress_start(struct progress *p, const char *what, int64_t total, bool quiet) {
  const char *no_color = getenv("NO_COLOR"), *terminal = getenv("TERM");
  bool dumb = terminal && strcmp(terminal, "dumb") == 0;
  *p = (struct progress){.what = what, .total = total};
  p->to = !quiet && isatty(STDERR_FILENO) ? stderr : NULL;
  p->plain = dumb || (no_color && *no_color);
  p->started = p->shown = clock_seconds();
}

void progress_line(const struct progress *p, int64_t done, double seconds, char *line,
                   size_t size) {
  double rate = seconds > 0 ? (double)done / seconds : 0;
  if (p->total <= 0)
    snprintf(line, size, "%s  %lld  %.0f /s", p->what, (long long)done, rate);
  else if (rate <= 0)
    snprintf(line, size, "%s  %lld / %lld", p->what, (long long)done, (long long)p->total);
  else
    snprintf(line, size, "%s  %lld / %lld  %.0f %%  %.*f /s  %.0f s left", p->what, (long long)done,
             (long long)p->total, 100 * (double)done / (double)p->total, rate < 10, rate,
             (double)(p->total - done) / rate);
}

// Back to the start of the line, over what stood there.
static void show(const struct progress *p, const char *line) {
  if (p->plain)
    fprintf(p->to, "\r%-*.*s", WIDTH, WIDTH, line);
  else
    fprintf(p->to, "\r%.*s\033[K", WIDTH, line);
  fflush(p->to);
}

void progress_update(struct progress *p, int64_t done) {
  char line[LINE];
  if (!p->to || done < p->next) return;
  double t = clock_seconds(), seconds = t - p->started;
  // Look again after a tenth of what an interval brings, so that slowing down is noticed.
  p->next = done + 1;
  if (seconds > 0) p->next += (int64_t)((double)done / seconds * interval / 10);
  if (t - p->shown < interval) return;
  p->shown = t;
  progress_line(p, done, seconds, line, sizeof line);
  show(p, line);
}

void progress_end(struct progress *p) {
  if (!p->to) return;
  show(p, "");
  fputs("\r", p->to);
  fflush(p->to);
  p->to = NULL;
}
