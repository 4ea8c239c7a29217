// SPDX-License-Identifier: MIT-0
// Drives an input of the circuit with the beats that the harness gives. Stalls by pattern
// (bench_stall); pattern 7 offers a beat only after it has seen ready. While not valid, data and
// last are noise.
`default_nettype none

module bench_source #(
  // number of the input, as the harness counts
  parameter int INPUT = 0,
  // bits of tdata
  parameter int WIDTH = 8
) (
  input  logic             aclk,
  input  logic             aresetn,
  input  logic [63:0]      cycle,
  input  logic [2:0]       pattern,
  input  logic [31:0]      seed,
  output logic [WIDTH-1:0] tdata,
  output logic             tvalid,
  input  logic             tready,
  output logic             tlast
);
  import "DPI-C" function int bench_next(input int number, output bit [WIDTH-1:0] data,
                                         output bit last);
  import "DPI-C" function void bench_accepted(input int number, input longint cycle);

  logic stall;
  logic [WIDTH:0] noise;
  bit [WIDTH-1:0] data;
  bit last;

  bench_stall #(.WIDTH(WIDTH + 1), .SEED(32'h243f6a88), .START(12'd1024)) stalls (
    .aclk(aclk), .aresetn(aresetn), .pattern(pattern), .seed(seed), .stall(stall), .noise(noise)
  );

  always @(posedge aclk) begin
    if (!aresetn) begin
      tvalid <= 1'b0;
    end else begin
      if (tvalid && tready) bench_accepted(INPUT, cycle);
      if (!tvalid || tready) begin
        if (pattern == 3'd7 ? tready && !tvalid : !stall) begin
          tvalid <= bench_next(INPUT, data, last) != 0;
          tdata <= data;
          tlast <= last;
        end else if (tvalid || pattern != 3'd0) begin
          tvalid <= 1'b0;
          {tlast, tdata} <= noise;
        end
      end
    end
  end
endmodule

`default_nettype wire
