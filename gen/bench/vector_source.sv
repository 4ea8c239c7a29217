// SPDX-License-Identifier: MIT-0
// Drives the circuit's input from a file, one beat per line, TLAST above the data. Stalls by
// pattern (bench_stall); pattern 7 offers a beat only after it has seen ready. While not valid,
// data and last are noise. Measures II: the distance of the last two frames' first handshakes.
`default_nettype none

module vector_source #(
  parameter FILE = "input.mem",
  parameter int WIDTH = 8,
  // beats of a frame
  parameter int BEATS = 1,
  parameter int FRAMES = 1
) (
  input  logic             aclk,
  input  logic             aresetn,
  input  logic [63:0]      cycle,
  input  logic [2:0]       pattern,
  input  logic [31:0]      seed,
  output logic [WIDTH-1:0] tdata,
  output logic             tvalid,
  input  logic             tready,
  output logic             tlast,
  // the cycle of the very first handshake, and the measured II
  output logic [63:0]      began,
  output logic [63:0]      ii
);
  logic [WIDTH:0] beat [0:FRAMES*BEATS-1];
  logic stall;
  logic [WIDTH:0] noise;
  logic [63:0] previous;
  integer offered;   // beats offered so far
  integer accepted;  // beats accepted so far

  bench_stall #(.WIDTH(WIDTH + 1), .SEED(32'h243f6a88), .START(12'd1024)) stalls (
    .aclk(aclk), .aresetn(aresetn), .pattern(pattern), .seed(seed), .stall(stall), .noise(noise)
  );

  initial $readmemh(FILE, beat);

  always @(posedge aclk) begin
    if (!aresetn) begin
      tvalid <= 1'b0;
      offered <= 0;
      accepted <= 0;
      began <= 64'd0;
      ii <= 64'd0;
    end else begin
      if (tvalid && tready) begin
        if (accepted == 0) began <= cycle;
        if (accepted % BEATS == 0) begin
          ii <= accepted == 0 ? 64'd0 : cycle - previous;
          previous <= cycle;
        end
        accepted <= accepted + 1;
      end
      if (!tvalid || tready) begin
        if (offered < FRAMES * BEATS && (pattern == 3'd7 ? tready && !tvalid : !stall)) begin
          tvalid <= 1'b1;
          {tlast, tdata} <= beat[offered];
          offered <= offered + 1;
        end else begin
          tvalid <= 1'b0;
          {tlast, tdata} <= noise;
        end
      end
    end
  end
endmodule

`default_nettype wire
