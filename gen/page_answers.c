// SPDX-License-Identifier: Apache-2.0
// How right the answers are: accuracy, confusion, the images that are classed wrong.
#include "gen/page_parts.h"
#include "gen/picture.h"

#include <math.h>

static void put_accuracy(struct text *t, const struct page_answers *s) {
  text_puts(t, "<p>");
  if (s->classes)
    text_printf(t, "<b class=\"figure\">%.2f %%</b> ",
                100 * (double)s->correct / (double)s->images);
  if (s->classes) page_count(t, s->correct);
  text_puts(t, s->classes ? " of " : "");
  page_count(t, s->images);
  text_puts(t, " images of ");
  page_escape(t, s->data);
  text_puts(t, s->classes ? " are classed right.</p>\n" : "</p>\n");
  if (!isnan(s->r2)) text_printf(t, "<p>R2 <b class=\"figure\">%.6f</b></p>\n", s->r2);
  if (!isnan(s->mae)) text_printf(t, "<p>Mean absolute error <b>%.6g</b></p>\n", s->mae);
}

// ---- confusion

// As dark as its share of the label's images.
static void put_pair(struct text *t, int64_t images, int64_t of, bool right) {
  double share = of ? (double)images / (double)of : 0;
  if (images)
    text_printf(t, "<td class=\"%s%s\" style=\"--s:%.0f%%\">", right ? "right" : "wrong",
                share > 0.5 ? " strong" : "", 8 + 42 * share);
  else
    text_puts(t, "<td>");
  if (images) page_count(t, images);
  text_puts(t, "</td>");
}

static void put_label(struct text *t, const struct page_answers *s, int64_t label) {
  const int64_t *row = s->confusion + label * s->n_classes;
  int64_t of = 0;
  for (int64_t k = 0; k < s->n_classes; k++) of += row[k];
  text_printf(t, "<tr><th scope=\"row\">%lld</th>", (long long)label);
  for (int64_t k = 0; k < s->n_classes; k++) put_pair(t, row[k], of, k == label);
  page_td_real(t, of ? 100 * (double)row[label] / (double)of : NAN, 1, "");
  text_puts(t, "</tr>\n");
}

static void put_confusion(struct text *t, const struct page_answers *s) {
  text_puts(
      t, "<h3>Confusion</h3>\n<div class=\"box tight\" role=\"region\" aria-label=\"Confusion\" "
         "tabindex=\"0\">\n<table class=\"confusion\">\n<caption>Images by label (row) and answer "
         "(column)</caption>\n<thead><tr><th scope=\"col\">Label</th>");
  for (int64_t k = 0; k < s->n_classes; k++)
    text_printf(t, "<th scope=\"col\">%lld</th>", (long long)k);
  text_puts(t, "<th scope=\"col\">Right %</th></tr></thead>\n<tbody>\n");
  for (int64_t k = 0; k < s->n_classes; k++) put_label(t, s, k);
  page_table_end(t);
}

// ---- wrong images

static void put_picture(struct text *t, const struct page_answers *s, const struct page_wrong *w) {
  if (!w->pixels) return;
  text_puts(t, "<img src=\"");
  picture_png(t, s->width, s->height, s->channels, w->pixels);
  text_printf(t, "\" width=\"%lld\" height=\"%lld\" alt=\"Image %lld\">", (long long)s->width,
              (long long)s->height, (long long)w->image);
}

static void put_wrong(struct text *t, const struct page_answers *s) {
  int64_t shown = s->n_wrong < PAGE_WRONG ? s->n_wrong : PAGE_WRONG;
  text_puts(t, "<h3>Classed wrong</h3>\n<p>");
  if (shown < s->n_wrong) text_puts(t, "The first of ");
  page_count(t, s->n_wrong);
  text_puts(t, s->n_wrong == 1 ? " image.</p>\n" : " images.</p>\n");
  text_puts(t, "<ul class=\"images\">\n");
  for (int64_t i = 0; i < shown; i++) {
    const struct page_wrong *w = &s->wrong[i];
    text_puts(t, "<li><figure>");
    put_picture(t, s, w);
    text_printf(t, "<figcaption><b>%lld</b> taken for <b>%lld</b><br><small>image ",
                (long long)w->label, (long long)w->answer);
    page_count(t, w->image);
    text_puts(t, "</small></figcaption></figure></li>\n");
  }
  text_puts(t, "</ul>\n");
}

void page_put_answers(struct text *t, const struct page *p) {
  const struct page_answers *s = &p->answers;
  page_section(t, "accuracy", "Accuracy",
               "What the C model answers, which is bit for bit what the circuit answers.");
  if (s->why) {
    page_absent(t, "Not shown", s->why);
  } else {
    put_accuracy(t, s);
    if (s->classes && s->n_classes) put_confusion(t, s);
    if (s->classes && s->n_wrong) put_wrong(t, s);
  }
  page_section_end(t);
}
