# SPDX-License-Identifier: Apache-2.0
# Reads a bench of cell_gen.c and prints it with every seventh cell of a module behind a wrapper
# wrap_<number>, which becomes a netlist with mutants, chosen by +mutant=; the other cells are left out.
# +cell= is the one that runs, the rest stay in reset. The wrappers go to the file `wraps`, the numbers
# to `chosen`.
#
#   awk -v wraps=FILE -v chosen=FILE -f tests/rtl/mutable.awk bench.sv
function number(line) {
  sub(/.*cell_/, "", line)
  sub(/ .*/, "", line)
  return line
}

function wrapper(text) {
  sub(/cell_[0-9]+ \($/, "", text)
  printf "module wrap_%s (\n  input logic aclk, aresetn, s_axis_tvalid, s_axis_tlast, m_axis_tready,\n", id >wraps
  printf "  input logic %s s_axis_tdata, output logic %s m_axis_tdata,\n", width["s" id], width["m" id] >wraps
  printf "  output logic s_axis_tready, m_axis_tvalid, m_axis_tlast\n);\n%s cell (.*);\nendmodule\n", text >wraps
}

/^  logic \[[0-9]+:0\] [sm][0-9]+_tdata;/ {
  name = $3
  sub(/_tdata;/, "", name)
  width[name] = $2
}

/^  logic \[[0-9]+:0\] done;/ { sub(/done;/, "done, ready;") }

/^module bench/ {
  print
  print "  integer cell_number, mutant;"
  print "  initial begin"
  print "    if ($value$plusargs(\"cell=%d\", cell_number) == 0) $fatal(1, \"which cell?\");"
  print "    if ($value$plusargs(\"mutant=%d\", mutant) == 0) $fatal(1, \"which mutant?\");"
  print "  end"
  next
}

# the instance of a cell, its test follows
/^  [a-z_]+ #\(.*cell_[0-9]+ \($/ {
  id = number($0)
  kept = seen[$1]++ % 7 == 0 && seen[$1] < 40
  if (kept) {
    print id >chosen
    wrapper($0)
    printf "  wrap_%s cell_%s (.mutant(12'(mutant)),\n", id, id
    printf "  assign done[%s] = ready[%s] || cell_number != %s;\n", id, id, id >(wraps ".done")
  } else {
    printf "  assign done[%s] = 1'b1;\n", id
  }
  next
}

id != "" && !kept && !/^endmodule/ && !/^  logic/ { next }

id != "" && kept {
  gsub(/\.aresetn\(aresetn\)/, ".aresetn(aresetn \\&\\& cell_number == " id ")")
  gsub(/\.done\(done\[[0-9]+\]\)/, ".done(ready[" id "])")
}

/^endmodule/ {
  close(wraps ".done")
  while ((getline line <(wraps ".done")) > 0) print line
}

{ print }
