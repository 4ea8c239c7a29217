// SPDX-License-Identifier: MIT-0
// A mutant of a cell beside the cell itself, for scripts/mutate-rtl: same handshakes, and while valid
// the same payload. Capital words are replaced.
module mutant_same (
  input logic          aclk,
  input logic          aresetn,
  input logic IN_RANGE s_axis_tdata,
  input logic          s_axis_tvalid,
  input logic          s_axis_tlast,
  input logic          m_axis_tready
);
  logic [1:0] tvalid, tready, tlast;

  for (genvar i = 0; i < 2; i = i + 1) begin : gen_cell
    logic OUT_RANGE data;
    CELL dut (
      .mutant(12'(i * NUMBER)), .aclk(aclk), .aresetn(aresetn),
      .s_axis_tdata(s_axis_tdata), .s_axis_tvalid(s_axis_tvalid), .s_axis_tready(tready[i]),
      .s_axis_tlast(s_axis_tlast),
      .m_axis_tdata(data), .m_axis_tvalid(tvalid[i]), .m_axis_tready(m_axis_tready),
      .m_axis_tlast(tlast[i])
    );
  end

  logic begun;
  initial begun = 1'b0;
  always_ff @(posedge aclk) begun <= 1'b1;

  always @(posedge aclk) begin
    if (!begun) assume (!aresetn);
    if (begun) assert (tvalid[0] == tvalid[1] && tready[0] == tready[1]);
    if (begun && tvalid[0]) assert (gen_cell[0].data == gen_cell[1].data && tlast[0] == tlast[1]);
  end
endmodule
