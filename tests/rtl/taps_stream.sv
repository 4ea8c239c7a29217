// SPDX-License-Identifier: MIT-0
// The frames of a stream of taps: TLAST with the last of OUT_BEATS beats, where the cell's own, at w_axis,
// must end each group of GROUP (0: of any number). Padding above a frame may leave a window before the frame comes in: not
// here. s_axis_* is watched.
`default_nettype none

module taps_stream #(
  // beats of a frame
  parameter int IN_BEATS = 1,
  parameter int OUT_BEATS = 1,
  parameter int GROUP = 1
) (
  input  logic aclk,
  input  logic aresetn,
  input  logic s_axis_tvalid,
  input  logic s_axis_tready,
  input  logic w_axis_tvalid,
  output logic w_axis_tready,
  input  logic w_axis_tlast,
  output logic m_axis_tvalid,
  input  logic m_axis_tready,
  output logic m_axis_tlast
);
  int beat;
  int in_beat;
  int ahead;  // frames that have begun to come in and not ended to leave
  logic move;
  logic enters;

  assign m_axis_tvalid = w_axis_tvalid && ahead > 0;
  assign w_axis_tready = m_axis_tready && ahead > 0;
  assign enters = s_axis_tvalid && s_axis_tready && in_beat == 0;
  assign m_axis_tlast = beat == OUT_BEATS - 1;
  assign move = m_axis_tvalid && m_axis_tready;

  always_ff @(posedge aclk) begin
    if (move) beat <= m_axis_tlast ? 0 : beat + 1;
    if (s_axis_tvalid && s_axis_tready) in_beat <= in_beat == IN_BEATS - 1 ? 0 : in_beat + 1;
    ahead <= ahead + 32'(enters) - 32'(move && m_axis_tlast);
    if (!aresetn) begin
      beat <= 0;
      in_beat <= 0;
      ahead <= 0;
    end
`ifndef SYNTHESIS
    // synthesis translate_off
    if (aresetn && move && GROUP != 0 && w_axis_tlast != ((beat + 1) % (GROUP == 0 ? 1 : GROUP) == 0))
    begin
      $fatal(1, "taps_stream: TLAST on beat %0d", beat);
    end
    // synthesis translate_on
`endif
  end
endmodule

`default_nettype wire
