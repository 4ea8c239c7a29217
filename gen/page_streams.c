// SPDX-License-Identifier: Apache-2.0
// What quantisation does to each layer, and which codes it has.
#include "gen/page_parts.h"

#include <math.h>

enum { WIDTH = 4, HEIGHT = 36 }; // of a bin

static int64_t most_of(const struct page_stream *s) {
  int64_t most = 1;
  for (int i = 0; i < s->bins; i++)
    if (s->count[i] > most) most = s->count[i];
  return most;
}

// Heights are square roots: what is rare can be seen beside what is common.
static void put_histogram(struct text *t, const struct page_stream *s) {
  int64_t most = most_of(s);
  text_printf(
      t,
      "<td class=\"t\"><svg class=\"histogram\" role=\"img\" aria-label=\"Codes from %lld to "
      "%lld of %lld to %lld\" viewBox=\"0 0 %d %d\" width=\"%d\" height=\"%d\"><path d=\"M0 %d",
      (long long)s->least, (long long)s->most, (long long)s->lowest,
      (long long)(s->lowest + s->bins * s->step - 1), s->bins * WIDTH, HEIGHT, s->bins * WIDTH,
      HEIGHT, HEIGHT);
  for (int i = 0; i < s->bins; i++) {
    double height = (HEIGHT - 1) * sqrt((double)s->count[i] / (double)most);
    text_printf(t, "V%.1fh%d", HEIGHT - height, WIDTH);
  }
  text_printf(t, "V%dz\"/></svg></td>", HEIGHT);
}

static void put_stream(struct text *t, const struct page_stream *s, bool real) {
  page_row(t, s->name);
  page_td(t, s->type);
  if (real) {
    page_td_real(t, s->snr, 1, "");
    page_td_real(t, 100 * s->saturated, 3, "");
  }
  put_histogram(t, s);
  page_td_count(t, s->least);
  page_td_count(t, s->most);
  page_row_end(t);
}

void page_put_streams(struct text *t, const struct page *p) {
  static const struct page_column columns[] = {
      {"Layer", true}, {"Type", true},  {"SNR dB", false}, {"Beyond the type %", false},
      {"Codes", true}, {"From", false}, {"To", false}};
  static const struct page_column alone[] = {
      {"Layer", true}, {"Type", true}, {"Codes", true}, {"From", false}, {"To", false}};
  const struct page_streams *s = &p->streams;
  page_section(t, "quantisation", "Quantisation",
               "Each stream's signal-to-noise ratio against the float model, the share of its "
               "values that lie beyond its type, and how often it has which codes (heights are "
               "square roots).");
  if (s->why) {
    page_absent(t, "Not shown", s->why);
  } else {
    if (s->why_real) page_absent(t, "Not compared with the float model", s->why_real);
    text_puts(t, "<p>Over ");
    page_count(t, s->images);
    text_puts(t, " images.</p>\n");
    page_table(t, "Quantisation by layer", s->why_real ? alone : columns, s->why_real ? 5 : 7);
    for (uint32_t i = 0; i < s->count; i++) put_stream(t, &s->stream[i], !s->why_real);
    page_table_end(t);
  }
  page_section_end(t);
}
