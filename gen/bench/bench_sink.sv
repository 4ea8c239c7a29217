// SPDX-License-Identifier: MIT-0
// The reader at the circuit's output: tready by pattern (bench_stall). Pattern 7 is ready one cycle
// after it has seen valid.
`default_nettype none

module bench_sink (
  input  logic        aclk,
  input  logic        aresetn,
  input  logic [2:0]  pattern,
  input  logic [31:0] seed,
  input  logic        tvalid,
  output logic        tready
);
  logic stall;
  logic unused_noise;

  bench_stall #(.WIDTH(1), .SEED(32'h9e3779b9)) stalls (
    .aclk(aclk), .aresetn(aresetn), .pattern(pattern), .seed(seed), .stall(stall), .noise(unused_noise)
  );

  always @(posedge aclk) begin
    tready <= aresetn && (pattern == 3'd7 ? tvalid && !tready : !stall);
  end
endmodule

`default_nettype wire
