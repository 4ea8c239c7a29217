// SPDX-License-Identifier: Apache-2.0
#include "cmd/picture.h"
#include "cmd/train.h"
#include "sw/base/file.h"
#include "sw/base/json.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

// ---- for people

static void print_or_dash(double v, double factor, const char *format) {
  char cell[32] = "-";
  if (isfinite(v)) snprintf(cell, sizeof cell, format, v * factor);
  printf("  %10s", cell);
}

void train_print_row(const struct fit_row *row, int64_t trained, bool heading) {
  bool validated = isfinite(row->validation_loss);
  if (heading)
    printf("epoch  train loss     train %%%s        rate    images/s\n",
           validated ? "  valid loss     valid %" : "");
  printf("%5lld", (long long)row->epoch);
  print_or_dash(row->loss, 1, "%.5f");
  print_or_dash(row->accuracy, 100, "%.2f");
  if (validated) {
    print_or_dash(row->validation_loss, 1, "%.5f");
    print_or_dash(row->validation_accuracy, 100, "%.2f");
  }
  printf("  %10.3g", row->rate);
  print_or_dash(row->seconds > 0 ? (double)trained / row->seconds : NAN, 1, "%.0f");
  printf("\n");
  fflush(stdout);
}

static void put_test(struct text *t, const struct train_result *r, const char *what, double v) {
  text_printf(t, "%-10s%.6g (%lld images of ", what, v, (long long)r->score.images);
  text_put_escaped(t, r->test_name);
  text_puts(t, ")\n");
}

static void put_score(struct text *t, const struct train_result *r) {
  const struct score *s = &r->score;
  double r2 = verdict_r2(&r->verdict, &r->answers, s);
  double mae = verdict_mae(&r->verdict, &r->answers, s);
  if (r->test_name && r->answers.classes) {
    text_printf(t, "accuracy  %.2f %% (%lld of %lld images of ",
                100 * (double)s->correct / (double)s->images, (long long)s->correct,
                (long long)s->images);
    text_put_escaped(t, r->test_name);
    text_puts(t, ")\n");
  }
  if (isfinite(r2)) put_test(t, r, "R2", r2);
  if (isfinite(mae)) put_test(t, r, "MAE", mae);
}

void train_print_text(const struct train_result *r) {
  struct text t = {0};
  if (r->state == FIT_STOPPED_EARLY)
    text_printf(&t, "\nstopped early: epoch %lld was the best, its weights are kept\n",
                (long long)r->at->best_epoch);
  text_puts(&t, "\n");
  put_score(&t, r);
  if (r->boost) train_boost_put(r, &t);
  text_printf(&t, "memory    %.1f MB beyond the data\nmodel     ", (double)r->bytes / 1e6);
  text_put_escaped(&t, r->output);
  text_printf(&t, "\nsha256    %s\n", r->sha256);
  fwrite(t.data, 1, t.size, stdout);
  text_free(&t);
}

// ---- for machines

static void put_what(struct text *t, const struct train_result *r) {
  text_puts(t, "\"net\":");
  json_put_string(t, r->net);
  text_puts(t, ",\"data\":");
  json_put_string(t, r->data);
  text_printf(t, ",\"images\":%lld,\"loss\":\"", (long long)r->trained);
  loss_put(t, r->loss);
  text_puts(t, "\",\"distort\":\"");
  distort_put(t, &r->distort);
  text_puts(t, "\"");
}

void train_print_json(const struct train_result *r) {
  struct text t = {0};
  double seconds = 0;
  for (int64_t i = 0; i < r->at->rows; i++) seconds += r->at->row[i].seconds;
  text_puts(&t, "{");
  put_what(&t, r);
  text_puts(&t, ",\"epochs\":");
  fit_put_rows(&t, r->at);
  text_printf(&t, ",\"stopped_early\":%s", r->state == FIT_STOPPED_EARLY ? "true" : "false");
  if (r->at->best_epoch) text_printf(&t, ",\"best_epoch\":%lld", (long long)r->at->best_epoch);
  fit_put_number(&t, "seconds", seconds);
  fit_put_number(&t, "images_per_second", (double)(r->trained * r->at->rows) / seconds);
  if (r->boost) train_boost_put_json(r, &t);
  if (r->test_name) {
    text_puts(&t, ",\"test\":");
    json_put_string(&t, r->test_name);
    text_printf(&t, ",\"test_images\":%lld", (long long)r->score.images);
    if (r->answers.classes)
      text_printf(&t, ",\"test_correct\":%lld", (long long)r->score.correct);
    else
      text_puts(&t, ",\"test_correct\":null");
    fit_put_number(&t, "test_accuracy",
                   r->answers.classes ? (double)r->score.correct / (double)r->score.images : NAN);
    if (r->answers.targets) {
      fit_put_number(&t, "r2", verdict_r2(&r->verdict, &r->answers, &r->score));
      fit_put_number(&t, "mae", verdict_mae(&r->verdict, &r->answers, &r->score));
    }
  }
  text_printf(&t, ",\"bytes\":%zu,\"model\":", r->bytes);
  json_put_string(&t, r->output);
  text_printf(&t, ",\"sha256\":\"%s\"}\n", r->sha256);
  fwrite(t.data, 1, t.size, stdout);
  text_free(&t);
}

bool train_log(const char *path, const struct train_result *r, struct err *e) {
  struct text t = {0};
  text_puts(&t, "{");
  put_what(&t, r);
  text_puts(&t, "}\n");
  for (int64_t i = 0; i < r->at->rows; i++) {
    fit_put_row(&t, &r->at->row[i]);
    text_puts(&t, "\n");
  }
  bool ok = file_write(path, t.data, t.size, e);
  text_free(&t);
  return ok;
}

// ---- the picture

static void put_series(struct text *t, const struct train_result *r, int field) {
  for (int64_t i = 0; i < r->at->rows; i++) {
    const struct fit_row *row = &r->at->row[i];
    const double v[] = {row->loss, row->validation_loss, 100 * row->accuracy,
                        100 * row->validation_accuracy};
    text_printf(t, "%lld %.9g\n", (long long)row->epoch, v[field]);
  }
  text_puts(t, "e\n");
}

// Loss on the left axis, accuracy on the right one; validation dashed.
static void put_script(struct text *t, const struct train_result *r) {
  bool validated = r->at->rows && isfinite(r->at->row[0].validation_loss);
  text_puts(t, "set terminal svg size 640,400 dynamic font 'sans-serif,12' name 'training'\n"
               "set xlabel 'epoch'\nset ylabel 'loss'\nset y2label 'accuracy %'\n"
               "set ytics nomirror\nset y2tics\nset grid\nset key center right\n"
               "set xrange [0.5:*]\nset yrange [0:*]\n"
               "plot '-' using 1:2 with linespoints lc 1 pt 7 ps 0.5 title 'loss',");
  if (validated)
    text_puts(t, " '-' using 1:2 with linespoints lc 1 dt 2 pt 6 ps 0.5 title 'validation loss',");
  bool classes = r->at->rows && isfinite(r->at->row[0].accuracy);
  if (classes)
    text_puts(t, " '-' using 1:2 axes x1y2 with linespoints lc 2 pt 7 ps 0.5 title 'accuracy'");
  if (classes && validated)
    text_puts(t, ", '-' using 1:2 axes x1y2 with linespoints lc 2 dt 2 pt 6 ps 0.5 title "
                 "'validation accuracy'");
  text_puts(t, "\n");
  for (int field = 0; field < 4; field++)
    if ((field % 2 == 0 || validated) && (field < 2 || classes)) put_series(t, r, field);
}

bool train_plot(const char *path, const struct train_result *r, struct err *e) {
  struct text script = {0};
  put_script(&script, r);
  bool ok = picture_draw(path, &script, e);
  text_free(&script);
  return ok;
}
