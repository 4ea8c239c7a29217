// SPDX-License-Identifier: MIT-0
// axis_count and axis_group, whatever TLAST the source sends: each beat leaves one cycle after it was
// taken, unchanged, with TLAST on every BEATS-th; axis_group passes every FRAMES-th of them;
// frame_error is set by a TLAST inside of a frame.
`default_nettype none

module prove #(
  parameter int WIDTH = 2,
  parameter int BEATS = 3,
  parameter int FRAMES = 2
) (
  input logic             aclk,
  input logic             aresetn,
  input logic [WIDTH-1:0] s_axis_tdata,
  input logic             s_axis_tvalid,
  input logic             s_axis_tlast,
  input logic             m_axis_tready
);
  logic [WIDTH-1:0] m_axis_tdata;
  logic s_axis_tready;
  logic m_axis_tvalid;
  logic m_axis_tlast;
  logic frame_error;
  logic last;
  logic begun;
  logic stalled;
  (* keep *) logic [3:0] reached;

  axis_count #(.WIDTH(WIDTH), .BEATS(BEATS)) dut (
    .aclk(aclk), .aresetn(aresetn),
    .s_axis_tdata(s_axis_tdata), .s_axis_tvalid(s_axis_tvalid), .s_axis_tready(s_axis_tready),
    .s_axis_tlast(s_axis_tlast),
    .m_axis_tdata(m_axis_tdata), .m_axis_tvalid(m_axis_tvalid), .m_axis_tready(m_axis_tready),
    .m_axis_tlast(m_axis_tlast), .frame_error(frame_error)
  );
  axis_group #(.FRAMES(FRAMES)) group (
    .aclk(aclk), .aresetn(aresetn), .tvalid(m_axis_tvalid), .tready(m_axis_tready),
    .s_axis_tlast(m_axis_tlast), .m_axis_tlast(last)
  );
  output_law #(.WIDTH(WIDTH + 1)) law (
    .aclk(aclk), .aresetn(aresetn), .s_axis_tready(s_axis_tready), .m_axis_tvalid(m_axis_tvalid),
    .m_axis_tready(m_axis_tready), .m_axis({m_axis_tlast, m_axis_tdata}), .begun(begun),
    .stalled(stalled)
  );

  logic enter;
  logic leave;
  logic [WIDTH-1:0] value;  // of the beat that waits
  logic full;
  logic [7:0] in_beat;
  logic [7:0] out_beat;
  logic [7:0] frame;
  logic wrong;

  assign enter = s_axis_tvalid && s_axis_tready;
  assign leave = m_axis_tvalid && m_axis_tready;

  always_ff @(posedge aclk) begin
    if (enter) value <= s_axis_tdata;
    full <= enter || (full && !leave);
    if (enter) in_beat <= in_beat == BEATS - 1 ? '0 : in_beat + 1'b1;
    if (leave) out_beat <= out_beat == BEATS - 1 ? '0 : out_beat + 1'b1;
    if (leave && out_beat == BEATS - 1) frame <= frame == FRAMES - 1 ? '0 : frame + 1'b1;
    if (enter && s_axis_tlast && in_beat != BEATS - 1) wrong <= 1'b1;
    if (!aresetn) begin
      full <= 1'b0;
      in_beat <= '0;
      out_beat <= '0;
      frame <= '0;
      wrong <= 1'b0;
    end
  end

  always @(posedge aclk) begin
    if (begun && aresetn) begin
      assert (m_axis_tvalid == full);
      assert (frame_error == wrong);
      if (m_axis_tvalid) begin
        assert (m_axis_tdata == value);
        assert (m_axis_tlast == (out_beat == BEATS - 1));
        assert (last == (m_axis_tlast && frame == FRAMES - 1));
      end
    end
  end

  // BEATS = 1 has no inside
  assign reached = {4{begun && aresetn}} &
      {stalled, leave && last, leave && m_axis_tlast && (FRAMES == 1 || !last), BEATS == 1 || (frame_error && leave)};
endmodule

`default_nettype wire
