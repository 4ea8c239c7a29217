// SPDX-License-Identifier: MIT-0
// Clock, reset and the run's settings. Plus-arguments, all optional:
//   +stall_in=P +stall_out=P   stall pattern of the source and of the sink, see bench_stall
//   +seed=N                    of the random patterns and of the noise
//   +reset=N                   cycles of reset, default 1
//   +reset_at=N                another reset after N cycles, after which everything starts anew
//   +trace=FILE                waveform, in a build that can write one
//   +turn=N                    of several circuits in one simulation only number N runs
// `cycle` counts the clock edges since the reset.
`default_nettype none

module bench_clock #(
  // this circuit's number
  parameter int TURN = 0
) (
  output logic        aclk,
  output logic        aresetn,
  output logic [63:0] cycle,
  output logic [2:0]  stall_in,
  output logic [2:0]  stall_out,
  output logic [31:0] seed
);
  string trace;
  integer reset;
  integer reset_at;
  integer turn;

  task ticks(input integer count);
    repeat (count) begin
      #5 aclk = 1'b1;
      #5 aclk = 1'b0;
    end
  endtask

  initial begin
    if (!$value$plusargs("stall_in=%d", stall_in)) stall_in = 3'd0;
    if (!$value$plusargs("stall_out=%d", stall_out)) stall_out = 3'd0;
    if (!$value$plusargs("seed=%d", seed)) seed = 32'd1;
    if (!$value$plusargs("reset=%d", reset)) reset = 1;
    if (!$value$plusargs("reset_at=%d", reset_at)) reset_at = 0;
    if (!$value$plusargs("turn=%d", turn)) turn = TURN;
    if ($value$plusargs("trace=%s", trace)) begin
      $dumpfile(trace);
      $dumpvars;
    end
    aclk = 1'b0;
    aresetn = 1'b0;
    if (turn == TURN) begin
      ticks(reset);
      aresetn = 1'b1;
      if (reset_at != 0) begin
        ticks(reset_at);
        aresetn = 1'b0;
        ticks(reset);
        aresetn = 1'b1;
      end
      while (aresetn) ticks(1);
    end
  end

  always @(posedge aclk) cycle <= aresetn ? cycle + 64'd1 : 64'd0;
endmodule

`default_nettype wire
