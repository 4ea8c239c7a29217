// SPDX-License-Identifier: Apache-2.0
// Rows of a run as JSON: in logs, reports and checkpoints.
#include "sw/base/json.h"
#include "sw/train/fit.h"

#include <math.h>

void fit_put_number(struct text *t, const char *key, double v) {
  text_printf(t, ",\"%s\":", key);
  if (isfinite(v))
    json_put_real(t, v);
  else
    text_puts(t, "null");
}

void fit_put_row(struct text *t, const struct fit_row *row) {
  text_printf(t, "{\"epoch\":%lld", (long long)row->epoch);
  fit_put_number(t, "loss", row->loss);
  fit_put_number(t, "accuracy", row->accuracy);
  fit_put_number(t, "validation_loss", row->validation_loss);
  fit_put_number(t, "validation_accuracy", row->validation_accuracy);
  fit_put_number(t, "rate", row->rate);
  fit_put_number(t, "seconds", row->seconds);
  text_puts(t, "}");
}

void fit_put_rows(struct text *t, const struct fit_position *at) {
  text_puts(t, "[");
  for (int64_t i = 0; i < at->rows; i++) {
    if (i) text_puts(t, ",");
    fit_put_row(t, &at->row[i]);
  }
  text_puts(t, "]");
}
