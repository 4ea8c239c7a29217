// SPDX-License-Identifier: MIT-0
// Starts the harness with the job of +job=FILE and ends the run: DRAIN cycles after the last
// expected output beat, so that surplus beats show, or when nothing has moved for LIMIT cycles.
`default_nettype none

module bench_end #(
  parameter int DRAIN = 100,
  parameter int LIMIT = 100000
) (
  input logic        aclk,
  input logic        aresetn,
  input logic [63:0] cycle,
  // a handshake at the circuit's input or output
  input logic        moved,
  input logic        frame_error
);
  import "DPI-C" function int bench_start(input string job);
  import "DPI-C" function void bench_restart();
  import "DPI-C" function int bench_complete();
  import "DPI-C" function int bench_finish(input longint cycle, input bit frame_error);

  string job;
  integer still;  // cycles since the last handshake

  initial begin
    still = 0;
    if (!$value$plusargs("job=%s", job)) $fatal(1, "+job=FILE is missing");
    if (bench_start(job) == 0) $fatal(1, "no job");
  end

  always @(posedge aclk) begin
    if (!aresetn) bench_restart();
    still <= aresetn && !moved ? still + 1 : 0;
    if (still == DRAIN && bench_complete() != 0 || still == LIMIT) begin
      if (bench_finish(cycle, frame_error) == 0) $fatal(1, "the circuit is wrong");
      $finish;
    end
  end
endmodule

`default_nettype wire
