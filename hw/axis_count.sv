// SPDX-License-Identifier: MIT-0
// Frames by count, for a source whose TLAST is that of a transfer of several frames, or none at all:
// every BEATS beats are a frame and leave with TLAST on the last of them.
//
// s_axis_tlast decides nothing. Inside of a frame it says that the source has ended a transfer that
// isn't a whole number of frames: frame_error is set by it, and cleared by reset.
//
// Latency 1 cycle, throughput 1 beat per cycle. tready depends combinationally on m_axis_tready.
`default_nettype none

module axis_count #(
  // bits of the payload; >= 1
  parameter int WIDTH = 8,
  // beats of a frame; >= 1
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
  generate
    if (WIDTH < 1 || BEATS < 1) begin : gen_illegal
      axis_count_needs_WIDTH_and_BEATS_of_1_or_more stop ();
    end
  endgenerate

  localparam int COUNT = BEATS < 2 ? 1 : $clog2(BEATS);

  logic [COUNT-1:0] beat;  // index in its frame of the next beat
  logic at_end;
  logic awake;
  logic accept;

  assign at_end = beat == COUNT'(BEATS - 1);
  assign s_axis_tready = awake && (!m_axis_tvalid || m_axis_tready);
  assign accept = s_axis_tvalid && s_axis_tready;

  always_ff @(posedge aclk) begin
    if (accept) begin
      m_axis_tdata <= s_axis_tdata;
      m_axis_tlast <= at_end;
    end

    awake <= 1'b1;
    if (accept || m_axis_tready) m_axis_tvalid <= accept;
    if (accept) beat <= at_end ? '0 : beat + 1'b1;
    if (accept && s_axis_tlast && !at_end) frame_error <= 1'b1;
    if (!aresetn) begin
      awake <= 1'b0;
      m_axis_tvalid <= 1'b0;
      beat <= '0;
      frame_error <= 1'b0;
    end
  end
endmodule

`default_nettype wire
