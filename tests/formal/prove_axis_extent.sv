// SPDX-License-Identifier: MIT-0
// axis_extent of two dimensions: an input beat that the solver picks leaves at its place of the output
// frame, or not at all where the output has no place for it; any other beat is PAD; valid and ready
// are what the header says.
`default_nettype none

module prove #(
  parameter int WIDTH = 2,
  // of the fast dimension and of the slow one
  parameter int IN_0 = 3,
  parameter int IN_1 = 2,
  parameter int IN_FROM_0 = 0,
  parameter int IN_FROM_1 = 0,
  parameter int OUT_0 = 2,
  parameter int OUT_1 = 1,
  parameter int OUT_FROM_0 = 0,
  parameter int OUT_FROM_1 = 1,
  parameter int STEP_0 = 2,
  parameter int STEP_1 = 1
) (
  input logic             aclk,
  input logic             aresetn,
  input logic [WIDTH-1:0] s_axis_tdata,
  input logic             s_axis_tvalid,
  input logic             s_axis_tlast,
  input logic             m_axis_tready
);
  localparam int PAD = 1;

  (* anyseq *) logic pick;
  logic [WIDTH-1:0] m_axis_tdata;
  logic s_axis_tready;
  logic m_axis_tvalid;
  logic m_axis_tlast;
  logic begun;
  logic stalled;
  (* keep *) logic [3:0] reached;

  axis_extent #(
    .WIDTH(WIDTH), .LANES(1), .DIMS(2), .IN_SIZE({32'(IN_1), 32'(IN_0)}),
    .IN_FROM({32'(IN_FROM_1), 32'(IN_FROM_0)}), .OUT_SIZE({32'(OUT_1), 32'(OUT_0)}),
    .OUT_FROM({32'(OUT_FROM_1), 32'(OUT_FROM_0)}), .STEP({32'(STEP_1), 32'(STEP_0)}), .PAD(32'(PAD))
  ) dut (
    .aclk(aclk), .aresetn(aresetn),
    .s_axis_tdata(s_axis_tdata), .s_axis_tvalid(s_axis_tvalid), .s_axis_tready(s_axis_tready),
    .s_axis_tlast(s_axis_tlast),
    .m_axis_tdata(m_axis_tdata), .m_axis_tvalid(m_axis_tvalid), .m_axis_tready(m_axis_tready),
    .m_axis_tlast(m_axis_tlast)
  );

  output_law #(.WIDTH(WIDTH + 1)) law (
    .aclk(aclk), .aresetn(aresetn), .s_axis_tready(s_axis_tready), .m_axis_tvalid(m_axis_tvalid),
    .m_axis_tready(m_axis_tready), .m_axis({m_axis_tlast, m_axis_tdata}), .begun(begun),
    .stalled(stalled)
  );

  logic [7:0] in_beat;
  source_law #(.WIDTH(WIDTH), .BEATS(IN_0 * IN_1)) source (
    .aclk(aclk), .aresetn(aresetn), .tdata(s_axis_tdata), .tvalid(s_axis_tvalid),
    .tready(s_axis_tready), .tlast(s_axis_tlast), .beat(in_beat)
  );

  // ---- where the offered beat goes, and what the next one that leaves is

  logic enter;
  logic leave;
  logic [7:0] out_beat;
  logic [7:0] ahead;     // output frames before that of the next input beat
  logic [7:0] x;         // of the offered beat, as an output's place times STEP
  logic [7:0] y;
  logic kept;
  logic [7:0] place;
  logic watching;
  logic [7:0] frames;    // before its own
  logic [7:0] at;
  logic [WIDTH-1:0] value;
  logic seen;
  logic real_beat;       // the beat at m_axis is one of the input
  logic [7:0] from_x;
  logic [7:0] from_y;

  assign enter = s_axis_tvalid && s_axis_tready;
  assign leave = m_axis_tvalid && m_axis_tready;
  assign x = in_beat % 8'(IN_0) + 8'(IN_FROM_0) - 8'(OUT_FROM_0);
  assign y = in_beat / 8'(IN_0) + 8'(IN_FROM_1) - 8'(OUT_FROM_1);
  assign kept = !x[7] && !y[7] && x % 8'(STEP_0) == 0 && y % 8'(STEP_1) == 0 &&
      x / 8'(STEP_0) < 8'(OUT_0) && y / 8'(STEP_1) < 8'(OUT_1);
  assign place = y / 8'(STEP_1) * 8'(OUT_0) + x / 8'(STEP_0);
  assign from_x = out_beat % 8'(OUT_0) * 8'(STEP_0) + 8'(OUT_FROM_0) - 8'(IN_FROM_0);
  assign from_y = out_beat / 8'(OUT_0) * 8'(STEP_1) + 8'(OUT_FROM_1) - 8'(IN_FROM_1);
  assign real_beat = !from_x[7] && from_x < 8'(IN_0) && !from_y[7] && from_y < 8'(IN_1);

  always_ff @(posedge aclk) begin
    if (leave) out_beat <= m_axis_tlast ? '0 : out_beat + 1'b1;
    ahead <= ahead + 8'(enter && in_beat == 8'(IN_0 * IN_1 - 1)) - 8'(leave && m_axis_tlast);
    if (leave && m_axis_tlast) frames <= frames - 1'b1;
    if (leave && watching && frames == 0 && out_beat == at) begin
      watching <= 1'b0;
      seen <= 1'b1;
    end
    if (enter && pick && kept && !watching) begin
      watching <= 1'b1;
      frames <= ahead - 8'(leave && m_axis_tlast);
      at <= place;
      value <= s_axis_tdata;
    end
    if (!aresetn) begin
      out_beat <= '0;
      ahead <= '0;
      watching <= 1'b0;
      seen <= 1'b0;
    end
  end

  always @(posedge aclk) begin
    if (begun && aresetn && m_axis_tvalid) begin
      assert (m_axis_tlast == (out_beat == 8'(OUT_0 * OUT_1 - 1)));
      if (!real_beat) assert (m_axis_tdata == WIDTH'(PAD));
      if (watching && frames == 0 && out_beat == at) assert (m_axis_tdata == value);
      if (real_beat && ahead == 0) assert (in_beat != 0);
    end
    if (begun && aresetn && watching) assert (!frames[7]);
  end

  assign reached = {4{begun && aresetn}} &
      {stalled, seen && m_axis_tvalid && m_axis_tlast, seen, watching};
endmodule

`default_nettype wire
