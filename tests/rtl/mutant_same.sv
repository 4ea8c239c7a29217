// SPDX-License-Identifier: MIT-0
// A mutant of a cell beside the cell itself, for scripts/mutate-rtl: same handshakes, and while valid
// the same TLAST and elements; `more` is what a cell shows besides. Capital words are replaced. The
// source keeps what it offers until it is taken and, unless BEATS is 0, sends frames of BEATS beats.
// That, and the reset at first, is made and not assumed: scorr doesn't use assumptions.
module mutant_same (
  input logic          aclk,
  input logic          aresetn,
  input logic IN_RANGE s_axis_tdata,
  input logic          s_axis_tvalid,
  input logic          s_axis_tlast,
  input logic          m_axis_tready
);
  logic IN_RANGE data_in;
  logic valid_in, last_in, run;
  logic [1:0] tvalid, tready, tlast, more;

  for (genvar i = 0; i < 2; i = i + 1) begin : gen_cell
    logic OUT_RANGE data;
    CELL dut (
      .mutant(12'(i * NUMBER)), .aclk(aclk), .aresetn(run),
      .s_axis_tdata(data_in), .s_axis_tvalid(valid_in), .s_axis_tready(tready[i]),
      .s_axis_tlast(last_in),
      .m_axis_tdata(data), .m_axis_tvalid(tvalid[i]), .m_axis_tready(m_axis_tready),
      .m_axis_tlast(tlast[i]), .more(more[i])
    );
  end

  logic OUT_RANGE unequal;
  logic OUT_RANGE counts;  // bits that are no unused lane
  logic begun;
  logic waiting;
  logic IN_RANGE data_before;
  logic last_before;
  logic [13:0] beat;       // of the frame, that is offered

  initial begun = 1'b0;
  assign run = begun && aresetn;
  assign valid_in = waiting || s_axis_tvalid;
  assign data_in = waiting ? data_before : s_axis_tdata;
  assign last_in = BEATS != 0 ? beat == 14'(BEATS - 1) : waiting ? last_before : s_axis_tlast;
  assign unequal = gen_cell[0].data ^ gen_cell[1].data;

  always_comb begin
    counts = '0;
    for (int i = 0; i < $bits(counts); i = i + 1) counts[i] = !tlast[0] || i < LAST_BITS;
  end

  always_ff @(posedge aclk) begin
    begun <= 1'b1;
    waiting <= run && valid_in && !tready[0];
    data_before <= data_in;
    last_before <= last_in;
    if (valid_in && tready[0]) beat <= last_in ? '0 : beat + 1'b1;
    if (!run) beat <= '0;
  end

  always @(posedge aclk) begin
    if (begun) begin
      assert (tvalid[0] == tvalid[1] && tready[0] == tready[1] && more[0] == more[1]);
    end
    if (begun && tvalid[0]) assert ((unequal & counts) == '0 && tlast[0] == tlast[1]);
  end
endmodule
