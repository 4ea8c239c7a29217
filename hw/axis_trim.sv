// SPDX-License-Identifier: MIT-0
// Zeroes the unused lanes of a frame's last beat: lanes USED .. LANES-1 where tlast is set. Inside
// the circuit they are unspecified; at the circuit's output they are not.
//
// Combinational in both directions, latency 0. The clock and the reset of the common port list are
// absent: nothing is stored.
`default_nettype none

module axis_trim #(
  // bits of an element; >= 1
  parameter int WIDTH = 8,
  // elements of a beat; >= 1
  parameter int LANES = 4,
  // elements of a frame's last beat; 1 .. LANES
  parameter int USED = 4
) (
  input  logic [LANES*WIDTH-1:0] s_axis_tdata,
  input  logic                   s_axis_tvalid,
  output logic                   s_axis_tready,
  input  logic                   s_axis_tlast,
  output logic [LANES*WIDTH-1:0] m_axis_tdata,
  output logic                   m_axis_tvalid,
  input  logic                   m_axis_tready,
  output logic                   m_axis_tlast
);
  generate
    if (WIDTH < 1 || USED < 1 || USED > LANES) begin : gen_illegal
      axis_trim_needs_USED_between_1_and_LANES stop ();
    end
    if (USED < LANES) begin : gen_trim
      assign m_axis_tdata[LANES*WIDTH-1:USED*WIDTH] =
          s_axis_tlast ? '0 : s_axis_tdata[LANES*WIDTH-1:USED*WIDTH];
    end
  endgenerate

  assign m_axis_tdata[USED*WIDTH-1:0] = s_axis_tdata[USED*WIDTH-1:0];
  assign m_axis_tvalid = s_axis_tvalid;
  assign m_axis_tlast = s_axis_tlast;
  assign s_axis_tready = m_axis_tready;
endmodule

`default_nettype wire
