// SPDX-License-Identifier: MIT-0
// Bound to a bench, it writes the coverage when the simulation ends.
module coverage;
  import "DPI-C" function void coverage_write();
  final coverage_write();
endmodule

bind bench coverage coverage_i ();
