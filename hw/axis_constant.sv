// SPDX-License-Identifier: MIT-0
// A source: frames of BEATS beats from a memory, whose DEPTH words come over and over and from the
// first with every frame. It offers a beat in every cycle from LATENCY after reset on.
//
//     count --> fixed_rom --> m_axis
//
// LATENCY = DEPTH > 8192 ? 3 : 2 cycles, 1 beat per cycle. It stops as a whole while a beat waits.
`default_nettype none

module axis_constant #(
  // bits of a beat; >= 1
  parameter int WIDTH = 32,
  // beats of a frame; >= 1
  parameter int BEATS = 4,
  // words; 1 .. BEATS
  parameter int DEPTH = 4,
  // base name of the images, see fixed_rom
  parameter FILE = ""
) (
  input  logic             aclk,
  input  logic             aresetn,
  output logic [WIDTH-1:0] m_axis_tdata,
  output logic             m_axis_tvalid,
  input  logic             m_axis_tready,
  output logic             m_axis_tlast
);
  generate
    if (DEPTH < 1 || DEPTH > BEATS) begin : gen_illegal
      axis_constant_needs_DEPTH_between_1_and_BEATS stop ();
    end
  endgenerate

  localparam int LATENCY = DEPTH > 8192 ? 3 : 2;
  localparam int COUNT = BEATS < 2 ? 1 : $clog2(BEATS);
  localparam int ADDRESS = DEPTH < 2 ? 1 : $clog2(DEPTH);

  logic [COUNT-1:0] beat;
  logic [ADDRESS-1:0] address;
  logic [LATENCY-1:0] valid;
  logic [LATENCY-1:0] last;
  logic at_end;
  logic enable;

  assign at_end = beat == COUNT'(BEATS - 1);
  assign enable = !m_axis_tvalid || m_axis_tready;
  assign m_axis_tvalid = valid[LATENCY-1];
  assign m_axis_tlast = last[LATENCY-1];

  fixed_rom #(.WIDTH(WIDTH), .DEPTH(DEPTH), .FILE(FILE)) rom (
    .aclk(aclk), .enable(enable), .address(address), .word(m_axis_tdata)
  );

  always_ff @(posedge aclk) begin
    if (enable) begin
      last <= {last[LATENCY-2:0], at_end};
      valid <= {valid[LATENCY-2:0], 1'b1};
      beat <= at_end ? '0 : beat + 1'b1;
      address <= at_end || address == ADDRESS'(DEPTH - 1) ? '0 : address + 1'b1;
    end
    if (!aresetn) begin
      valid <= '0;
      beat <= '0;
      address <= '0;
    end
  end
endmodule

`default_nettype wire
