// SPDX-License-Identifier: MIT-0
// Exact frames: whatever TLAST the source sends, frames of exactly BEATS beats leave, as many as
// TLASTs have come in.
//
//   TLAST on beat BEATS   the frame passes unchanged, 1 cycle later
//   TLAST early           the rest of the frame is filled with zero beats (tready is low meanwhile)
//   TLAST late            the last beat of the frame is held back, the surplus is dropped through
//                         the next TLAST, then the last beat leaves
//
// So a frame never ends before the source has ended it, and a frame that was ended always leaves.
// frame_error is sticky: set by an early or a late TLAST, cleared by reset.
//
// Latency 1 cycle, throughput 1 beat per cycle. tready depends combinationally on m_axis_tready.
`default_nettype none

module axis_frame #(
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
      axis_frame_needs_WIDTH_and_BEATS_of_1_or_more stop ();
    end
  endgenerate

  localparam int COUNT = BEATS < 2 ? 1 : $clog2(BEATS);

  logic [COUNT-1:0] beat;  // index in its frame of the next beat that enters the output register
  logic at_end;
  logic fill;              // after an early TLAST, until the frame is full
  logic drop;              // after a frame without TLAST, until the TLAST; its last beat is held
  logic awake;
  logic free;
  logic accept;
  logic enter;

  assign at_end = beat == COUNT'(BEATS - 1);
  assign free = !drop && (!m_axis_tvalid || m_axis_tready);
  assign s_axis_tready = awake && !fill && (drop || free);
  assign accept = s_axis_tvalid && s_axis_tready;
  assign enter = free && (fill || accept);

  always_ff @(posedge aclk) begin
    if (enter) begin
      m_axis_tdata <= s_axis_tdata;
      m_axis_tlast <= at_end;
    end
    if (free && fill) m_axis_tdata <= '0;

    awake <= 1'b1;
    if (enter) beat <= beat + 1'b1;
    if (enter) fill <= !at_end && (fill || s_axis_tlast);
    if (free) m_axis_tvalid <= fill || (accept && (!at_end || s_axis_tlast));
    if (enter) drop <= at_end && !fill && !s_axis_tlast;
    if (accept && at_end != s_axis_tlast) frame_error <= 1'b1;
    if (drop && accept && s_axis_tlast) begin
      drop <= 1'b0;
      m_axis_tvalid <= 1'b1;
    end
    if (!aresetn || (enter && at_end)) beat <= '0;
    if (!aresetn) begin
      awake <= 1'b0;
      fill <= 1'b0;
      drop <= 1'b0;
      m_axis_tvalid <= 1'b0;
      frame_error <= 1'b0;
    end
  end
endmodule

`default_nettype wire
