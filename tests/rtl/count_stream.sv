// SPDX-License-Identifier: MIT-0
// axis_count and axis_group as one stream cell. TLAST at the input is any bit of the data: it must
// decide nothing but frame_error. Behind axis_group TLAST must come with each FRAMES-th frame. Where one
// of them doesn't, the data are inverted from then on.
`default_nettype none

module count_stream #(
  parameter int WIDTH = 8,
  parameter int BEATS = 4,
  parameter int FRAMES = 3
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
  output logic             m_axis_tlast
);
  logic [WIDTH-1:0] tdata;
  logic frame_error;
  logic last;
  // what they must be
  logic wrong;
  logic [$clog2(FRAMES+1)-1:0] frame;
  logic bad;
  logic found;

  axis_count #(.WIDTH(WIDTH), .BEATS(BEATS)) count (
    .aclk(aclk), .aresetn(aresetn),
    .s_axis_tdata(s_axis_tdata), .s_axis_tvalid(s_axis_tvalid), .s_axis_tready(s_axis_tready),
    .s_axis_tlast(s_axis_tdata[0]),
    .m_axis_tdata(tdata), .m_axis_tvalid(m_axis_tvalid), .m_axis_tready(m_axis_tready),
    .m_axis_tlast(m_axis_tlast), .frame_error(frame_error)
  );
  axis_group #(.FRAMES(FRAMES)) group (
    .aclk(aclk), .aresetn(aresetn), .tvalid(m_axis_tvalid), .tready(m_axis_tready),
    .s_axis_tlast(m_axis_tlast), .m_axis_tlast(last)
  );

  assign bad = frame_error != wrong || last != (m_axis_tlast && frame == FRAMES - 1);
  assign m_axis_tdata = bad || found ? ~tdata : tdata;

  always_ff @(posedge aclk) begin
    if (m_axis_tvalid) found <= found || bad;
    // the source's own TLAST is where a frame ends
    if (s_axis_tvalid && s_axis_tready && s_axis_tdata[0] && !s_axis_tlast) wrong <= 1'b1;
    if (m_axis_tvalid && m_axis_tready && m_axis_tlast) begin
      frame <= frame == FRAMES - 1 ? '0 : frame + 1'b1;
    end
    if (!aresetn) begin
      wrong <= 1'b0;
      frame <= '0;
      found <= 1'b0;
    end
  end
endmodule

`default_nettype wire
