// SPDX-License-Identifier: Apache-2.0
// A study as one page of HTML that needs nothing else: the best so far, the front, which
// parameters matter, the best points.
#include "cmd/search_page.h"

#include "cmd/search_chart.h"
#include "cmd/search_result.h"
#include "gen/page_parts.h"
#include "search/importance.h"
#include "sw/base/file.h"
#include "sw/base/library.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { FILE_MAX = 1 << 20, SHOWN_MOST = 200, PARAMS_SHOWN = 24, BAR = 260, SLICES_SHOWN = 6 };
enum { CHOICES_SHOWN = 12 };

struct study_page {
  struct arena *arena;
  const struct journal *journal;
  const struct journal_study *study;
  uint32_t n_best;
  uint32_t *best; // (n_best) numbers
  struct text *to;
};

static const struct trial *trial_at(const struct study_page *p, uint32_t number) {
  return &p->journal->trials[p->study->trials[number]];
}

static bool is_best(const struct study_page *p, uint32_t number) {
  for (uint32_t i = 0; i < p->n_best; i++)
    if (p->best[i] == number) return true;
  return false;
}

static bool shows(const struct trial *t, int i) {
  return t->state == TRIAL_COMPLETE && isfinite(t->values[i]);
}

// ---- sections

static void put_tile(struct text *t, const char *name, int64_t v) {
  text_printf(t, "<div><dt>%s</dt><dd>", name);
  page_count(t, v);
  text_puts(t, "</dd></div>\n");
}

static void put_head(const struct study_page *p) {
  struct study_counts c = study_counts(p->journal, p->study);
  struct text *t = p->to;
  const char *model = json_string_value(json_object_get(p->study->user, "model_file"));
  const char *data = json_string_value(json_object_get(p->study->user, "data"));
  text_puts(t, "<header>\n<p class=\"brand\">nngen study</p>\n<h1>");
  page_escape(t, p->study->name);
  text_puts(t, "</h1>\n<p class=\"of\">");
  page_escape(t, model ? model : p->journal->path);
  if (data) text_puts(t, "<br>errors of ");
  if (data) page_escape(t, data);
  text_puts(t, "</p>\n<dl class=\"tiles\">\n");
  put_tile(t, "Complete", c.complete);
  put_tile(t, "Stopped early", c.pruned);
  put_tile(t, "Failed", c.failed + c.died);
  put_tile(t, "Running", c.running);
  if (p->study->n_directions > 1)
    put_tile(t, "In the front", p->n_best);
  else if (p->n_best)
    put_tile(t, "Best trial", p->best[0]);
  text_puts(t, "</dl>\n</header>\n");
}

// One objective over the trials, and the best so far of those that keep the limits.
static void put_history(const struct study_page *p, int i) {
  struct chart c = {.x = "trial", .y = result_name(p->arena, p->study, i)};
  c.points = ARENA_NEW(p->arena, struct chart_point, p->study->n_trials + 1);
  c.line = ARENA_NEW(p->arena, struct chart_point, p->study->n_trials + 1);
  for (uint32_t k = 0; k < p->study->n_trials; k++) {
    const struct trial *t = trial_at(p, k);
    if (!shows(t, i)) continue;
    struct chart_point at = {(double)k, t->values[i], k, is_best(p, k)};
    c.points[c.n++] = at;
    if (study_violation(t) > 0) continue;
    double before = c.n_line ? c.line[c.n_line - 1].y : at.y;
    if (p->study->maximize[i] ? before > at.y : before < at.y) at.y = before;
    c.line[c.n_line++] = at;
  }
  chart_put(p->arena, p->to, &c);
}

static void put_histories(const struct study_page *p) {
  page_section(p->to, "history", "Trials", "Every complete trial, and the best so far.");
  for (int i = 0; i < p->study->n_directions; i++) put_history(p, i);
  page_section_end(p->to);
}

// The first objective against each of the others.
static void put_fronts(const struct study_page *p) {
  if (p->study->n_directions < 2) return;
  page_section(p->to, "front", "Front", "Large dots: no trial is better in everything.");
  for (int i = 1; i < p->study->n_directions; i++) {
    struct chart c = {.x = result_name(p->arena, p->study, i),
                      .y = result_name(p->arena, p->study, 0)};
    c.points = ARENA_NEW(p->arena, struct chart_point, p->study->n_trials + 1);
    for (uint32_t k = 0; k < p->study->n_trials; k++) {
      const struct trial *t = trial_at(p, k);
      if (shows(t, i) && shows(t, 0))
        c.points[c.n++] = (struct chart_point){t->values[i], t->values[0], k, is_best(p, k)};
    }
    chart_put(p->arena, p->to, &c);
  }
  page_section_end(p->to);
}

static void put_shares(const struct study_page *p, int i) {
  struct importance list[IMPORTANCE_PARAMS_MOST];
  uint32_t n = importance_of(p->arena, p->journal, p->study, i, list);
  struct text *t = p->to;
  text_puts(t, "<h3>");
  page_escape(t, result_name(p->arena, p->study, i));
  text_puts(t, "</h3>\n<div class=\"box\"><table><caption>Importance</caption>\n<tbody>\n");
  for (uint32_t k = 0; k < n && k < PARAMS_SHOWN; k++) {
    text_puts(t, "<tr><th scope=\"row\" style=\"text-align:left\">");
    page_escape(t, list[k].name);
    text_printf(t,
                "</th><td>%.1f %%</td><td style=\"width:100%%;text-align:left\"><svg width=\"%d\" "
                "height=\"10\"><rect width=\"%.1f\" height=\"10\" rx=\"2\" "
                "style=\"fill:var(--mul)\"/></svg></td></tr>\n",
                100 * list[k].share, BAR, list[k].share * BAR);
  }
  text_puts(t, "</tbody></table></div>\n");
}

// ---- one parameter

// Of a choice of texts its index, of numbers the number.
static double along(const struct param *is, double value, bool *texts) {
  *texts = false;
  if (is->kind != PARAM_CHOICE) return value;
  for (uint32_t i = 0; i < is->n_choices; i++) {
    char *end;
    strtod(is->choices[i].json, &end);
    *texts |= *end || end == is->choices[i].json;
  }
  return *texts ? value : strtod(is->choices[(uint32_t)value].json, NULL);
}

// Its name; behind it what the numbers of texts mean.
static const char *axis_name(struct arena *a, const struct param *is, const char *name) {
  bool texts;
  along(is, 0, &texts);
  if (!texts) return name;
  for (uint32_t i = 0; i < is->n_choices && i < CHOICES_SHOWN; i++)
    name = arena_printf(a, "%s%s%u %.24s", name, i ? ", " : ": ", i, is->choices[i].plain);
  return is->n_choices > CHOICES_SHOWN ? arena_printf(a, "%s, ..", name) : name;
}

// An objective over one parameter, whatever the others are.
static void put_slice(const struct study_page *p, int i, const char *name) {
  struct chart c = {.y = result_name(p->arena, p->study, i)};
  c.points = ARENA_NEW(p->arena, struct chart_point, p->study->n_trials + 1);
  for (uint32_t k = 0; k < p->study->n_trials; k++) {
    const struct trial *t = trial_at(p, k);
    for (uint32_t n = 0; n < t->n_params && shows(t, i); n++) {
      bool texts;
      if (strcmp(t->params[n].name, name) != 0) continue;
      double x = along(t->params[n].is, t->params[n].value, &texts);
      c.x = axis_name(p->arena, t->params[n].is, name);
      c.points[c.n++] = (struct chart_point){x, t->values[i], k, is_best(p, k)};
    }
  }
  chart_put(p->arena, p->to, &c);
}

static void put_slices(const struct study_page *p) {
  struct importance list[IMPORTANCE_PARAMS_MOST];
  page_section(p->to, "parameters", "Each parameter",
               "The objectives over the parameters that matter most, whatever the others are.");
  for (int i = 0; i < p->study->n_directions; i++) {
    uint32_t n = importance_of(p->arena, p->journal, p->study, i, list);
    for (uint32_t k = 0; k < n && k < SLICES_SHOWN; k++) put_slice(p, i, list[k].name);
  }
  page_section_end(p->to);
}

static void put_importance(const struct study_page *p) {
  page_section(p->to, "importance", "Which parameters matter",
               "Share of the values' variance that a parameter explains by itself, among the "
               "trials that the sampler chose.");
  for (int i = 0; i < p->study->n_directions; i++) put_shares(p, i);
  page_section_end(p->to);
}

static void put_point(struct text *t, const struct trial *trial) {
  for (uint32_t i = 0; i < trial->n_params; i++) {
    struct text value = {0};
    param_put_plain(&value, trial->params[i].is, trial->params[i].value);
    text_puts(t, i ? ", " : "");
    page_escape(t, trial->params[i].name);
    text_puts(t, " ");
    page_escape(t, value.data);
    text_free(&value);
  }
}

static void put_best(const struct study_page *p) {
  struct text *t = p->to;
  page_section(t, "best", p->study->n_directions > 1 ? "The front's points" : "The best point",
               "<code>nngen search formats N STUDY -o DIR</code> writes the files of one.");
  text_puts(t, "<div class=\"box\"><table><caption>Points</caption>\n<thead><tr><th>trial</th>");
  for (int i = 0; i < p->study->n_directions; i++) {
    text_puts(t, "<th>");
    page_escape(t, result_name(p->arena, p->study, i));
    text_puts(t, "</th>");
  }
  text_puts(t, "<th style=\"text-align:left\">parameters</th></tr></thead>\n<tbody>\n");
  for (uint32_t k = 0; k < p->n_best && k < SHOWN_MOST; k++) {
    const struct trial *trial = trial_at(p, p->best[k]);
    text_printf(t, "<tr><td>%lld</td>", (long long)trial->number);
    for (uint32_t i = 0; i < trial->n_values; i++)
      text_printf(t, "<td>%.10g</td>", trial->values[i]);
    text_puts(t, "<td style=\"text-align:left\">");
    put_point(t, trial);
    text_puts(t, "</td></tr>\n");
  }
  text_puts(t, "</tbody></table></div>\n");
  page_section_end(t);
}

// ---- the page

static bool put_page(const struct study_page *p, struct err *e) {
  struct bytes style;
  struct text *t = p->to;
  if (!file_read(p->arena, library_path(p->arena, "gen/page/page.css"), FILE_MAX, &style, e))
    return false;
  text_puts(t, "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n"
               "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; "
               "style-src 'unsafe-inline'\">\n<meta name=\"viewport\" "
               "content=\"width=device-width, initial-scale=1\">\n<meta name=\"color-scheme\" "
               "content=\"light dark\">\n<title>");
  page_escape(t, p->study->name);
  text_puts(t, " - nngen study</title>\n<style>\n");
  text_put(t, (const char *)style.data, style.size);
  text_puts(t, "</style>\n</head>\n<body>\n");
  put_head(p);
  text_puts(t, "<main>\n");
  put_histories(p);
  put_fronts(p);
  put_importance(p);
  put_slices(p);
  put_best(p);
  text_puts(t, "</main>\n<footer><p>nngen " NNGEN_VERSION "</p></footer>\n</body>\n</html>\n");
  return true;
}

bool search_page(struct arena *a, const struct journal *j, const struct journal_study *s,
                 const char *path, struct err *e) {
  struct text t = {0};
  struct study_page p = {.arena = a, .journal = j, .study = s, .to = &t};
  p.best = ARENA_NEW(a, uint32_t, s->n_trials + 1);
  p.n_best = study_best(j, s, p.best);
  if (s->n_directions == 1 && p.n_best) p.n_best = 1;
  bool ok = put_page(&p, e) && file_write(path, t.data, t.size, e);
  text_free(&t);
  return ok;
}
