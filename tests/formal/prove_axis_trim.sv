// SPDX-License-Identifier: MIT-0
// axis_trim is combinational: the handshake passes, and a last beat's lanes from USED on are zero.
`default_nettype none

module prove #(
  parameter int WIDTH = 3,
  parameter int LANES = 4,
  parameter int USED = 3
) (
  input logic                   aclk,
  input logic [LANES*WIDTH-1:0] s_axis_tdata,
  input logic                   s_axis_tvalid,
  input logic                   s_axis_tlast,
  input logic                   m_axis_tready
);
  (* anyseq *) logic [7:0] lane;  // that the solver picks
  logic [LANES*WIDTH-1:0] m_axis_tdata;
  logic [WIDTH-1:0] came;
  logic [WIDTH-1:0] left;
  logic s_axis_tready;
  logic m_axis_tvalid;
  logic m_axis_tlast;
  (* keep *) logic [2:0] reached;

  axis_trim #(.WIDTH(WIDTH), .LANES(LANES), .USED(USED)) dut (
    .s_axis_tdata(s_axis_tdata), .s_axis_tvalid(s_axis_tvalid), .s_axis_tready(s_axis_tready),
    .s_axis_tlast(s_axis_tlast),
    .m_axis_tdata(m_axis_tdata), .m_axis_tvalid(m_axis_tvalid), .m_axis_tready(m_axis_tready),
    .m_axis_tlast(m_axis_tlast)
  );

  assign came = WIDTH'(s_axis_tdata >> (lane * WIDTH));
  assign left = WIDTH'(m_axis_tdata >> (lane * WIDTH));
  always @(posedge aclk) begin
    assert (m_axis_tvalid == s_axis_tvalid && m_axis_tlast == s_axis_tlast);
    assert (s_axis_tready == m_axis_tready);
    if (lane < LANES) assert (left == (s_axis_tlast && lane >= USED ? '0 : came));
  end

  always_ff @(posedge aclk) begin
    reached <= {m_axis_tvalid && m_axis_tlast && m_axis_tready,
                    lane == LANES - 1 && came != 0 && !s_axis_tlast, lane < USED && left != 0};
  end
endmodule

`default_nettype wire
