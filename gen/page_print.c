// SPDX-License-Identifier: Apache-2.0
#include "gen/page_parts.h"

#include <math.h>
#include <string.h>

// ---- text

static const char *entity(char c) {
  return c == '&'    ? "&amp;"
         : c == '<'  ? "&lt;"
         : c == '>'  ? "&gt;"
         : c == '"'  ? "&quot;"
         : c == '\'' ? "&#39;"
                     : NULL;
}

void page_escape(struct text *t, const char *s) {
  struct text shown = {0};
  text_put_escaped(&shown, s);
  for (size_t i = 0; i < shown.size; i++) {
    const char *as = entity(shown.data[i]);
    if (as)
      text_puts(t, as);
    else
      text_put(t, &shown.data[i], 1);
  }
  text_free(&shown);
}

void page_count(struct text *t, int64_t v) {
  char digits[32];
  int n = snprintf(digits, sizeof digits, "%lld", (long long)v);
  for (int i = 0; i < n; i++) {
    bool group = i > (v < 0) && (n - i) % 3 == 0;
    text_printf(t, "%s%c", group ? "," : "", digits[i]);
  }
}

void page_shape(struct text *t, int rank, const int64_t *shape) {
  for (int d = 0; d < rank; d++) text_printf(t, "%s%lld", d ? "\u00d7" : "", (long long)shape[d]);
  if (!rank) text_puts(t, "1");
}

// ---- sections

void page_section(struct text *t, const char *id, const char *title, const char *lead) {
  text_printf(t, "<section id=\"%s\" aria-labelledby=\"%s-title\">\n<h2 id=\"%s-title\">%s</h2>\n",
              id, id, id, title);
  if (lead) text_printf(t, "<p class=\"lead\">%s</p>\n", lead);
}

void page_section_end(struct text *t) {
  text_puts(t, "</section>\n");
}

void page_absent(struct text *t, const char *what, const char *why) {
  text_printf(t, "<p class=\"absent\">%s: ", what);
  page_escape(t, why);
  text_puts(t, ".</p>\n");
}

// ---- tables

void page_table(struct text *t, const char *caption, const struct page_column *columns, int count) {
  text_printf(t,
              "<div class=\"box\" role=\"region\" aria-label=\"%s\" tabindex=\"0\">\n"
              "<table>\n<caption>%s</caption>\n<thead><tr>",
              caption, caption);
  for (int i = 0; i < count; i++)
    text_printf(t, "<th scope=\"col\"%s>%s</th>", columns[i].text ? " class=\"t\"" : "",
                columns[i].heading);
  text_puts(t, "</tr></thead>\n<tbody>\n");
}

void page_table_end(struct text *t) {
  text_puts(t, "</tbody>\n</table>\n</div>\n");
}

// A line of it may end behind each '_'.
void page_row(struct text *t, const char *name) {
  struct text escaped = {0};
  page_escape(&escaped, name);
  text_puts(t, "<tr><th scope=\"row\">");
  for (size_t i = 0; i < escaped.size; i++) {
    text_put(t, &escaped.data[i], 1);
    if (escaped.data[i] == '_') text_puts(t, "<wbr>");
  }
  text_puts(t, "</th>");
  text_free(&escaped);
}

void page_row_end(struct text *t) {
  text_puts(t, "</tr>\n");
}

void page_td(struct text *t, const char *s) {
  text_puts(t, "<td class=\"t\">");
  page_escape(t, s);
  text_puts(t, "</td>");
}

void page_td_count(struct text *t, int64_t v) {
  text_printf(t, "<td data-v=\"%lld\">", (long long)v);
  page_count(t, v);
  text_puts(t, "</td>");
}

void page_td_some(struct text *t, int64_t v) {
  if (v)
    page_td_count(t, v);
  else
    text_puts(t, "<td data-v=\"0\"></td>");
}

void page_td_real(struct text *t, double v, int decimals, const char *unit) {
  if (isnan(v))
    text_puts(t, "<td></td>");
  else if (isinf(v))
    text_puts(t, "<td data-v=\"1e300\">exact</td>");
  else
    text_printf(t, "<td data-v=\"%.9g\">%.*f%s</td>", v, decimals, v, unit);
}

static double within(double share) {
  return share < 0 || isnan(share) ? 0 : share > 1 ? 1 : share;
}

void page_td_bar(struct text *t, double share, const char *tone) {
  text_printf(t,
              "<td class=\"bar\" data-v=\"%.6f\"><i class=\"%s\" style=\"width:%.3f%%\"></i></td>",
              share, tone, 100 * within(share));
}

void page_td_span(struct text *t, double from, double middle, double to) {
  text_printf(t,
              "<td class=\"bar\" data-v=\"%.6f\"><i class=\"wait\" "
              "style=\"margin-left:%.3f%%;width:%.3f%%\">"
              "</i><i class=\"give\" style=\"width:%.3f%%\"></i></td>",
              from, 100 * within(from), 100 * within(middle - from), 100 * within(to - middle));
}
