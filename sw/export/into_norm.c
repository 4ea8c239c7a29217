// SPDX-License-Identifier: Apache-2.0
// With s = gamma / sqrt(variance + epsilon) the model's layer is (x - mean) s + beta. Where the
// file has the same epsilon and all that isn't 1 or 0, its arrays are the model's. Otherwise
//
//   with gamma      gamma' = s sqrt(variance + epsilon')       and the model's variance
//   without         variance' = 1 / s^2 - epsilon'
//   without beta    mean' = mean - beta / s
#include "sw/export/into.h"

#include <math.h>
#include <string.h>

enum { GAMMA, BETA, MEAN, VARIANCE };

static bool as_it_is(const struct into_norm *n) {
  bool same = fabs(n->epsilon - n->file_epsilon) <= 1e-6 * n->epsilon;
  for (int64_t c = 0; same && c < n->channels; c++)
    same =
        (n->there[GAMMA] || n->model[GAMMA][c] == 1) && (n->there[BETA] || n->model[BETA][c] == 0);
  return same;
}

static bool channel(const struct into_norm *n, int64_t c, struct err *e) {
  double variance = n->model[VARIANCE][c], beta = n->model[BETA][c],
         s = n->model[GAMMA][c] / sqrt(variance + n->epsilon),
         other = 1 / (s * s) - n->file_epsilon;
  double to[4] = {s * sqrt(variance + n->file_epsilon), beta, n->model[MEAN][c], variance};
  if (!n->there[GAMMA]) {
    if (!(s > 0) || !(other >= 0))
      return err_set(e,
                     "channel %lld is scaled by %g, which a layer without gamma can't: set "
                     "scale=True in it",
                     (long long)c, s);
    to[GAMMA] = 1;
    to[VARIANCE] = other;
  }
  if (!n->there[BETA] && beta != 0) {
    if (s == 0)
      return err_set(e,
                     "channel %lld is %g for every input, which a layer without beta can't be: set "
                     "center=True in it",
                     (long long)c, beta);
    to[BETA] = 0;
    to[MEAN] -= beta / s;
  }
  for (int i = 0; i < 4; i++) {
    n->file[i][c] = (float)to[i];
    if (!isfinite(n->file[i][c]))
      return err_set(e, "channel %lld has no finite numbers: look at the model", (long long)c);
  }
  return true;
}

bool into_norm(const struct into_norm *n, struct err *e) {
  if (as_it_is(n)) {
    for (int i = 0; i < 4; i++)
      memcpy(n->file[i], n->model[i], (size_t)n->channels * sizeof(float));
    return true;
  }
  for (int64_t c = 0; c < n->channels; c++)
    if (!channel(n, c, e)) return false;
  return true;
}
