# SPDX-License-Identifier: Apache-2.0
# Reads a bench of cell_gen.c and prints it with the cells mutable_<number> behind a wrapper wrap_<number>,
# which becomes a netlist with mutants, chosen by +mutant=; the other cells are left out.
# +cell= is the one that runs, the rest stay in reset. The wrappers go to the file `wraps`, the numbers
# to `chosen`, and to `facts` for each number its beats per frame and the bits of a frame's last beat that
# are no unused lane.
#
#   awk -v wraps=FILE -v chosen=FILE -v facts=FILE -f tests/rtl/mutable.awk bench.sv
function number(line) {
  sub(/.*_/, "", line)
  sub(/ .*/, "", line)
  return line
}

function parameter(text, name) {
  sub(".*\\." name "\\(", "", text)
  sub(/\).*/, "", text)
  return text
}

function wrapper(text) {
  sub(/mutable_[0-9]+ \($/, "", text)
  printf "module wrap_%s (\n  input logic aclk, aresetn, s_axis_tvalid, s_axis_tlast, m_axis_tready,\n", id >wraps
  printf "  input logic %s s_axis_tdata, output logic %s m_axis_tdata,\n", width["s" id], width["m" id] >wraps
  printf "  output logic s_axis_tready, m_axis_tvalid, m_axis_tlast, more\n);\n%s cell (.*);\nassign more = 1'b0;\nendmodule\n", text >wraps
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
/^  [a-z_]+ #\(.*(cell|mutable)_[0-9]+ \($/ {
  id = number($0)
  kept = /mutable_[0-9]+ \($/
  if (kept) {
    print id >chosen
    wrapper($0)
    printf "  wrap_%s cell_%s (.mutant(12'(mutant)), .more(),\n", id, id
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

/stream_test #/ { test = $0 }

kept && /^    \.OUT_WIDTH\(/ {
  test = test $0
  beats = int((parameter(test, "IN_ELEMENTS") + parameter(test, "IN_LANES") - 1) / parameter(test, "IN_LANES"))
  lanes = parameter(test, "OUT_LANES")
  print id, beats, ((parameter(test, "OUT_ELEMENTS") - 1) % lanes + 1) * parameter(test, "OUT_WIDTH") >facts
}

/^endmodule/ {
  close(wraps ".done")
  while ((getline line <(wraps ".done")) > 0) print line
}

{ print }
