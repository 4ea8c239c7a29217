# SPDX-License-Identifier: Apache-2.0
# How well estimates say what was measured (cells of scripts/fit-resources). Fails unless blocks are
# exact in 90 % of the layers, and LUTs and flip-flops differ by 10 % in the median, 30 % at most.
# table=1: a line of Markdown for each cell, too.
function error(estimate, found) { return found ? 100 * (estimate - found) / found : estimate ? 100 : 0 }
function size(v) { return v < 0 ? -v : v }

# of v[1..count]: the middle of the sorted ones
function median(v, count,    i, k, t) {
  for (i = 2; i <= count; i++) {
    t = v[i]
    for (k = i - 1; k > 0 && v[k] > t; k--) v[k + 1] = v[k]
    v[k + 1] = t
  }
  return count ? (v[int((count + 1) / 2)] + v[int(count / 2) + 1]) / 2 : 0
}

BEGIN {
  if (table) {
    print "\n| circuit, cell | LUT | measured | % | FF | measured | % | DSP | measured | block RAM | measured |"
    print "|---|---|---|---|---|---|---|---|---|---|---|"
  }
}

{
  lut = error($11, $2); ff = error($12, $3)
  cells++
  exact_cells += $4 == $8 && $5 == $9
  if (table)
    printf "| %s %s | %d | %d | %+.1f | %d | %d | %+.1f | %d | %d | %d | %d |\n", $1, $6, $11, $2, lut,
           $12, $3, ff, $8, $4, $9, $5
  # what is between layers has no number of its own in the network
  between = $7 ~ /^(frame|resize|register|trim|fork|queue)$/
  if (between) { other[++others] = size(lut); other_ff[others] = size(ff); next }
  layers++
  exact += $4 == $8 && $5 == $9
  luts[layers] = size(lut); ffs[layers] = size(ff)
  if (size(lut) > worst_lut) { worst_lut = size(lut); where_lut = $1 " " $6 }
  if (size(ff) > worst_ff) { worst_ff = size(ff); where_ff = $1 " " $6 }
}

END {
  if (!layers) exit 1
  lut = median(luts, layers); ff = median(ffs, layers)
  print ""
  printf "%d layers and windows: DSP blocks and block RAMs exact in %.1f %%; LUTs: median %.1f %%, worst %.1f %% (%s); flip-flops: median %.1f %%, worst %.1f %% (%s)\n\n",
         layers, 100 * exact / layers, lut, worst_lut, where_lut, ff, worst_ff, where_ff
  printf "%d cells of all kinds: exact in %.1f %%; %d between layers: LUTs: median %.1f %%, flip-flops: median %.1f %%\n",
         cells, 100 * exact_cells / cells, others, median(other, others), median(other_ff, others)
  exit exact < 0.9 * layers || lut > 10 || ff > 10 || worst_lut > 30 || worst_ff > 30
}
