// SPDX-License-Identifier: MIT-0
// axis_frame, whatever TLAST the source sends: frames of BEATS beats leave, one per TLAST and none
// before it; beat k of a frame is what came as its beat k, or zero if it had none; frame_error is
// set by a TLAST on another beat than BEATS.
`default_nettype none

module prove #(
  parameter int WIDTH = 2,
  parameter int BEATS = 3
) (
  input logic             aclk,
  input logic             aresetn,
  input logic [WIDTH-1:0] s_axis_tdata,
  input logic             s_axis_tvalid,
  input logic             s_axis_tlast,
  input logic             m_axis_tready
);
  (* anyseq *) logic pick;
  (* anyseq *) logic [7:0] place;  // of the picked beat in its frame
  logic [WIDTH-1:0] m_axis_tdata;
  logic s_axis_tready;
  logic m_axis_tvalid;
  logic m_axis_tlast;
  logic frame_error;
  logic begun;
  logic stalled;
  logic enter;
  logic leave;
  (* keep *) logic [5:0] reached;

  axis_frame #(.WIDTH(WIDTH), .BEATS(BEATS)) dut (
    .aclk(aclk), .aresetn(aresetn),
    .s_axis_tdata(s_axis_tdata), .s_axis_tvalid(s_axis_tvalid), .s_axis_tready(s_axis_tready),
    .s_axis_tlast(s_axis_tlast),
    .m_axis_tdata(m_axis_tdata), .m_axis_tvalid(m_axis_tvalid), .m_axis_tready(m_axis_tready),
    .m_axis_tlast(m_axis_tlast), .frame_error(frame_error)
  );
  output_law #(.WIDTH(WIDTH + 1)) law (
    .aclk(aclk), .aresetn(aresetn), .s_axis_tready(s_axis_tready), .m_axis_tvalid(m_axis_tvalid),
    .m_axis_tready(m_axis_tready), .m_axis({m_axis_tlast, m_axis_tdata}), .begun(begun),
    .stalled(stalled)
  );

  logic [7:0] in_beat;   // BEATS: surplus
  logic [7:0] out_beat;
  logic [7:0] frames;    // ended at s_axis, not at m_axis
  logic wrong;
  logic came;            // the picked beat came, or is a zero after an early TLAST
  logic filled;
  logic watching;
  logic [7:0] ahead;
  logic [WIDTH-1:0] value;
  logic [7:0] idle;
  logic [7:0] refused;
  logic seen;
  logic seen_filled;
  logic early;
  logic late;

  assign enter = s_axis_tvalid && s_axis_tready;
  assign leave = m_axis_tvalid && m_axis_tready;
  assign came = place == in_beat && place < BEATS;
  assign filled = s_axis_tlast && place > in_beat && place < BEATS;

  always_ff @(posedge aclk) begin
    if (enter) in_beat <= s_axis_tlast ? '0 : in_beat == BEATS ? in_beat : in_beat + 1'b1;
    if (leave) out_beat <= m_axis_tlast ? '0 : out_beat + 1'b1;
    frames <= frames + 8'(enter && s_axis_tlast) - 8'(leave && m_axis_tlast);
    if (enter && s_axis_tlast && in_beat < BEATS - 1) early <= 1'b1;
    if (enter && !s_axis_tlast && in_beat == BEATS - 1) late <= 1'b1;
    if (enter && s_axis_tlast != (in_beat == BEATS - 1)) wrong <= wrong || in_beat >= BEATS - 1 || s_axis_tlast;
    idle <= m_axis_tvalid || frames == 0 ? '0 : idle + 8'(m_axis_tready);
    refused <= !s_axis_tvalid || s_axis_tready ? '0 : refused + 8'(m_axis_tready);
    if (leave) ahead <= ahead - 1'b1;
    if (leave && watching && ahead == 0) begin
      watching <= 1'b0;
      seen <= 1'b1;
    end
    if (enter && pick && !watching && (came || filled)) begin
      watching <= 1'b1;
      ahead <= frames * 8'(BEATS) + place - out_beat - 8'(leave);
      value <= came ? s_axis_tdata : '0;
      if (filled) seen_filled <= 1'b1;
    end
    if (!aresetn) begin
      in_beat <= '0;
      out_beat <= '0;
      frames <= '0;
      wrong <= 1'b0;
      idle <= '0;
      refused <= '0;
      watching <= 1'b0;
      seen <= 1'b0;
      seen_filled <= 1'b0;
      early <= 1'b0;
      late <= 1'b0;
    end
  end

  always @(posedge aclk) begin
    if (begun && aresetn) begin
      assert (frame_error == wrong);
      assert (idle <= 1);
      assert (refused <= BEATS + 1);
      if (m_axis_tvalid) assert (m_axis_tlast == (out_beat == BEATS - 1));
      if (m_axis_tvalid && m_axis_tlast) assert (frames != 0);
      if (watching && ahead == 0 && m_axis_tvalid) assert (m_axis_tdata == value);
    end
  end

  // BEATS = 1 has no early TLAST
  assign reached = {6{begun && aresetn}} &
      {BEATS == 1 || (seen && seen_filled), BEATS == 1 || (early && late && leave), late && leave, stalled,
       seen && !wrong && leave && m_axis_tlast, frame_error && frames == 0 && seen};
endmodule

`default_nettype wire
