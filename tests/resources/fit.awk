# SPDX-License-Identifier: Apache-2.0
# From cells (scripts/fit-resources) to sw/circuit/resources_<family>.def: for each part the coefficients,
# none below zero, with the least sum of squared relative errors, large ones weighed more in some
# rounds so that the worst isn't far out. What is small counts as 16. A part that no circuit of the
# suite has gets a LUT for each bit that is computed, a flip-flop for each that is held.
BEGIN {
  terms = split("ONE CONTROL LANES STREAM WORDS PRODUCTS SUMS DATA REQUANT ROM READ", term)
  parts = split("linear packed depthwise subsample max_pool avg_pool max_tiles avg_tiles add mul exact product table polynomial argmax softmax concat " \
                "extent reorder constant slide frame resize register trim fork queue window", order)
  plain_lut = "COEFFICIENTS([TERM_ONE] = 8, [TERM_CONTROL] = 2, [TERM_SUMS] = 1, [TERM_ROM] = 1)"
  plain_ff = "COEFFICIENTS([TERM_ONE] = 4, [TERM_CONTROL] = 1, [TERM_STREAM] = 1, [TERM_WORDS] = 1, [TERM_DATA] = 1)"
  print "// SPDX-License-Identifier: Apache-2.0"
  print "// By scripts/fit-resources from what yosys made of the cells of tests/resources/" family ".cells: a row per"
  print "// kind of module, PART(name, LUTs of each term, flip-flops of each term)."
}

{
  n++
  of[n] = $7
  measured[$7]
  lut[n] = $2 - $10; lut_whole[n] = $2
  ff[n] = ff_whole[n] = $3
  for (i = 1; i <= terms; i++) x[n, i] = $(12 + i)
}

function weight(whole) { return 1 / (whole > 16 ? whole * whole : 16 * 16) }

# the normal equations of the terms that are in use, by Gauss and Jordan
function solve(part, y, whole, used,    m, i, k, r, f, at, A) {
  m = 0
  for (i = 1; i <= terms; i++) { coefficient[i] = 0; if (used[i]) at[++m] = i }
  for (i = 1; i <= m; i++) for (k = 1; k <= m + 1; k++) A[i, k] = 0
  for (r = 1; r <= n; r++) if (of[r] == part) {
    for (i = 1; i <= m; i++) {
      f = weight(whole[r]) * heavy[r] * x[r, at[i]]
      for (k = 1; k <= m; k++) A[i, k] += f * x[r, at[k]]
      A[i, m + 1] += f * y[r]
    }
  }
  for (i = 1; i <= m; i++) A[i, i] = A[i, i] * 1.000001
  for (i = 1; i <= m; i++) {
    f = A[i, i]
    for (k = i; k <= m + 1; k++) A[i, k] /= f
    for (r = 1; r <= m; r++) if (r != i) {
      f = A[r, i]
      for (k = i; k <= m + 1; k++) A[r, k] -= f * A[i, k]
    }
  }
  for (i = 1; i <= m; i++) coefficient[at[i]] = A[i, m + 1]
}

# what is far out weighs more
function bend(part, y, whole,    r, i, d) {
  for (r = 1; r <= n; r++) if (of[r] == part) {
    d = -y[r]
    for (i = 1; i <= terms; i++) d += coefficient[i] * x[r, i]
    heavy[r] *= 1 + 30 * d * d * weight(whole[r])
  }
}

function fit(part, y, whole,    round) {
  for (round = 1; round <= n; round++) heavy[round] = 1
  for (round = 1; round <= 3; round++) { fit_once(part, y, whole); bend(part, y, whole) }
}

# the term below zero that takes most away leaves, until none is there
function fit_once(part, y, whole,    i, r, used, worst, least, own) {
  for (i = 1; i <= terms; i++) {
    used[i] = 0
    for (r = 1; r <= n; r++) if (of[r] == part && x[r, i] != 0) used[i] = 1
  }
  do {
    solve(part, y, whole, used)
    worst = 0
    for (i = 1; i <= terms; i++) if (coefficient[i] < 0) {
      own = 0
      for (r = 1; r <= n; r++) if (of[r] == part) own -= coefficient[i] * x[r, i] * sqrt(weight(whole[r]))
      if (!worst || own > least) { worst = i; least = own }
    }
    if (worst) used[worst] = 0
  } while (worst)
}

function row(    i, text, comma) {
  for (i = 1; i <= terms; i++) if (coefficient[i] >= 0.001) {
    text = text comma sprintf("[TERM_%s] = %.3g", term[i], coefficient[i])
    comma = ", "
  }
  return "COEFFICIENTS(" (text == "" ? "0" : text) ")"
}

END {
  for (p = 1; p <= parts; p++) {
    if (!(order[p] in measured)) {
      printf "PART(%s,\n     %s,\n     %s)\n", order[p], plain_lut, plain_ff
      continue
    }
    fit(order[p], lut, lut_whole); own = row()
    fit(order[p], ff, ff_whole)
    printf "PART(%s,\n     %s,\n     %s)\n", order[p], own, row()
  }
}
