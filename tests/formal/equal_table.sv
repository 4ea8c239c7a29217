// SPDX-License-Identifier: MIT-0
// fixed_table, folded into tails, a body and perhaps one half, equals the table of all codes, which
// is read from an image of its own. Both images are made by scripts/formal.
`default_nettype none

module equal #(
  parameter int IN_WIDTH = 8,
  parameter IN_TYPE = "signed",
  parameter int OUT_WIDTH = 8,
  parameter OUT_TYPE = "signed",
  parameter int ODD = 0,
  parameter int FIRST = 0,
  parameter int DEPTH = 1,
  parameter int ENTRY_WIDTH = 8,
  parameter int LOW_SLOPE = 0,
  parameter int LOW_OFFSET = 0,
  parameter int HIGH_SLOPE = 0,
  parameter int HIGH_OFFSET = 0
) (
  input logic                aclk,
  input logic                aresetn,
  input logic [IN_WIDTH-1:0] code
);
  localparam int LATENCY = 5 + (ODD != 0 ? 2 : 0);

  logic [OUT_WIDTH-1:0] full[0:2**IN_WIDTH-1];  // by code
  logic [LATENCY*IN_WIDTH-1:0] codes;           // of the last cycles
  logic [LATENCY-1:0] begun;
  logic [OUT_WIDTH-1:0] found;
  logic [IN_WIDTH-1:0] answered;  // code of the output
  (* keep *) logic [2:0] reached;

  initial $readmemh("full_000.mem", full);
  initial begun = '0;

  fixed_table #(
    .LANES(1), .IN_WIDTH(IN_WIDTH), .IN_TYPE(IN_TYPE), .OUT_WIDTH(OUT_WIDTH), .OUT_TYPE(OUT_TYPE),
    .ODD(ODD), .FIRST(64'(FIRST)), .DEPTH(DEPTH), .ENTRY_WIDTH(ENTRY_WIDTH),
    .LOW_SLOPE(LOW_SLOPE), .LOW_OFFSET(64'(LOW_OFFSET)), .HIGH_SLOPE(HIGH_SLOPE),
    .HIGH_OFFSET(64'(HIGH_OFFSET)), .TABLE_FILE("body")
  ) dut (
    .aclk(aclk), .aresetn(aresetn),
    .s_axis_tdata(code), .s_axis_tvalid(1'b1), .s_axis_tready(), .s_axis_tlast(1'b0),
    .m_axis_tdata(found), .m_axis_tvalid(), .m_axis_tready(1'b1), .m_axis_tlast()
  );

  assign answered = codes[(LATENCY-1)*IN_WIDTH +: IN_WIDTH];
  // zero and both ends
  assign reached = {3{begun[LATENCY-1]}} & {answered == 0, answered == {1'b1, (IN_WIDTH-1)'(0)},
                                            answered == {1'b0, {(IN_WIDTH-1){1'b1}}}};

  always_ff @(posedge aclk) begin
    codes <= (LATENCY*IN_WIDTH)'({codes, code});
    begun <= LATENCY'({begun, 1'b1});
  end
  always @(posedge aclk) begin
    if (begun[LATENCY-1]) assert (found == full[answered]);
  end
endmodule

`default_nettype wire
