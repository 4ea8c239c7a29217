// SPDX-License-Identifier: Apache-2.0
#include "cmd/run.h"
#include "sw/base/json.h"
#include "sw/base/listing.h"

#include <math.h>

// ---- figures

double run_snr_db(const struct layer_loss *l) {
  return l->of.noise > 0 ? 10 * log10(l->of.signal / l->of.noise) : INFINITY;
}

static double rate(const struct run *r) {
  return r->seconds > 0 ? (double)r->set.count / r->seconds : NAN;
}

static int64_t elements(const struct run *r) {
  int64_t sum = 0;
  for (uint32_t i = 0; i < r->n_outputs; i++)
    sum += value_elements(&r->graph->values[r->outputs[i].value]);
  return sum;
}

static struct listing losses(const struct run *r) {
  static const struct field fields[] = {{"<layer", "name", FIELD_NAME, 0, 0},
                                        {"SNR dB", "snr_db", FIELD_REAL, 2, 2},
                                        {"saturated %", "saturated", FIELD_SHARE, 3, 6}};
  struct listing t = listing_new(r->arena, fields, 3);
  for (uint32_t i = 0; i < r->n_losses; i++) {
    const struct stream_loss *l = &r->losses[i].of;
    listing_row(&t, (struct figure[]){{.text = r->losses[i].name},
                                      {.real = run_snr_db(&r->losses[i])},
                                      {.real = (double)l->saturated / (double)l->elements}});
  }
  return t;
}

void run_print_json(const struct run *r) {
  struct text t = {0};
  text_puts(&t, "{\"model\":");
  json_put_string(&t, r->model);
  text_printf(&t, ",\"executor\":\"%s\",\"images\":%lld", r->executor, (long long)r->set.count);
  if (r->answers.classes)
    text_printf(&t, ",\"correct\":%lld,\"accuracy\":%.6f", (long long)r->score.correct,
                (double)r->score.correct / (double)r->set.count);
  else
    text_puts(&t, ",\"correct\":null,\"accuracy\":null");
  if (r->answers.targets) {
    json_put_figure(&t, "r2", 6, verdict_r2(&r->verdict, &r->answers, &r->score));
    json_put_figure(&t, "mae", -1, verdict_mae(&r->verdict, &r->answers, &r->score));
  }
  if (r->exit) run_early_put_json(r, &t);
  json_put_figure(&t, "images_per_second", 0, rate(r));
  text_printf(&t, ",\"outputs\":%lld,\"layers\":[", (long long)elements(r));
  struct listing layers = losses(r);
  listing_put_json(&layers, &t);
  text_puts(&t, "]");
  if (r->comparison) run_compare_put_json(r, &t);
  warnings_put_json(&t, r->warnings);
  text_puts(&t, "}\n");
  fwrite(t.data, 1, t.size, stdout);
  text_free(&t);
}

static void put_score(struct text *t, const struct run *r) {
  double r2 = verdict_r2(&r->verdict, &r->answers, &r->score);
  double mae = verdict_mae(&r->verdict, &r->answers, &r->score);
  if (r->answers.classes)
    text_printf(t, "accuracy  %.2f %% (%lld correct)\n",
                100 * (double)r->score.correct / (double)r->set.count, (long long)r->score.correct);
  if (isfinite(r2)) text_printf(t, "R2        %.6f\n", r2);
  if (isfinite(mae)) text_printf(t, "MAE       %.6g\n", mae);
  if (r->n_outputs > 1 && (r->answers.classes || r->answers.targets)) {
    text_puts(t, "judged    output ");
    text_put_escaped(t, listing_name(r->arena, r->verdict.name));
    text_puts(t, "\n");
  }
}

void run_print_text(const struct run *r) {
  struct text t = {0};
  text_put_escaped(&t, r->model);
  text_printf(&t, ", %s, %lld images of ", r->executor, (long long)r->set.count);
  text_put_escaped(&t, r->set.name);
  text_puts(&t, "\n");
  put_score(&t, r);
  if (r->exit) run_early_put(r, &t);
  if (r->comparison) run_compare_put(r, &t);
  if (isfinite(rate(r))) text_printf(&t, "speed     %.0f images/s\n", rate(r));
  if (r->n_losses) {
    struct listing layers = losses(r);
    text_puts(&t, "\nagainst the float model:\n");
    listing_put(&layers, &t);
  }
  fwrite(t.data, 1, t.size, stdout);
  text_free(&t);
}
