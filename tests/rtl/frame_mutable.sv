// SPDX-License-Identifier: MIT-0
// Stands for axis_frame in frame_test.sv: netlists wrap_<BEATS> with mutants, +mutant= chooses one in
// that of +cell= beats.
`default_nettype none

module axis_frame #(
  parameter int WIDTH = 8,
  parameter int BEATS = 4
) (
  input  logic             aclk,
  input  logic             aresetn,
  input  logic [WIDTH-1:0] s_axis_tdata,
  input  logic             s_axis_tvalid,
  output logic             s_axis_tready,
  input  logic             s_axis_tlast,
  output logic [WIDTH-1:0] m_axis_tdata,
  output logic             m_axis_tvalid,
  input  logic             m_axis_tready,
  output logic             m_axis_tlast,
  output logic             frame_error
);
  integer cell_number, chosen;
  logic [11:0] mutant;

  initial begin
    if ($value$plusargs("cell=%d", cell_number) == 0) $fatal(1, "which cell?");
    if ($value$plusargs("mutant=%d", chosen) == 0) $fatal(1, "which mutant?");
  end
  assign mutant = cell_number == BEATS ? 12'(chosen) : 12'd0;

  generate
    case (BEATS)
      1: wrap_1 frame (.more(frame_error), .*);
      2: wrap_2 frame (.more(frame_error), .*);
      3: wrap_3 frame (.more(frame_error), .*);
      4: wrap_4 frame (.more(frame_error), .*);
      7: wrap_7 frame (.more(frame_error), .*);
      default: wrap_12 frame (.more(frame_error), .*);
    endcase
  endgenerate
endmodule

`default_nettype wire
