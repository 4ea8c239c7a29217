// SPDX-License-Identifier: MIT-0
// Ends a run of the vector bench and says what came out of it: DRAIN cycles after the last expected
// beat, so that surplus beats show, or when nothing has moved for LIMIT cycles.
//
//   STAT images=.. elements=.. mismatches=.. cycles=.. ii=.. latency=..
//   PASS ...   or   FAIL ... and $fatal
`default_nettype none

module vector_end #(
  // layers, then the circuit's outputs; stream 0 in the low bits of every port and of NAMES
  parameter int STREAMS = 1,
  parameter int OUTPUTS = 1,
  parameter logic [STREAMS*256-1:0] NAMES = 256'd0,
  parameter int FRAMES = 1,
  // what the generator promises, cycles; II holds from frame STEADY on
  parameter int II = 1,
  parameter int LATENCY = 1,
  parameter int STEADY = 64,
  parameter int DRAIN = 100,
  parameter int LIMIT = 100000
) (
  input logic                  aclk,
  input logic                  aresetn,
  input logic [63:0]           cycle,
  input logic                  moved,      // a handshake at the circuit's input or output
  input logic                  unstalled,  // neither side has a stall pattern
  input logic                  frame_error,
  input logic [63:0]           began,
  input logic [63:0]           ii,
  input logic [STREAMS*32-1:0] frames,
  input logic [STREAMS*32-1:0] mismatches,
  input logic [STREAMS*32-1:0] compared,
  input logic [STREAMS*32-1:0] bad_frame,
  input logic [STREAMS*32-1:0] bad_element,
  input logic [STREAMS*64-1:0] expected,
  input logic [STREAMS*64-1:0] found,
  input logic [OUTPUTS*64-1:0] first_done
);
  logic [63:0] latency;
  integer still;  // cycles since the last handshake

  initial still = 0;
  assign latency = latest(first_done) - began;

  function automatic logic [63:0] latest(input logic [OUTPUTS*64-1:0] cycles);
    latest = 64'd0;
    for (int k = 0; k < OUTPUTS; k = k + 1) begin
      if (cycles[k*64 +: 64] > latest) latest = cycles[k*64 +: 64];
    end
  endfunction

  function automatic logic all_there();
    all_there = 1'b1;
    for (int k = 0; k < STREAMS; k = k + 1) begin
      if (frames[k*32 +: 32] != FRAMES) all_there = 1'b0;
    end
  endfunction

  function automatic logic [63:0] total(input logic [STREAMS*32-1:0] counts);
    total = 64'd0;
    for (int k = 0; k < STREAMS; k = k + 1) total = total + 64'(counts[k*32 +: 32]);
  endfunction

  // the stream with the lowest number, the first of equals
  function automatic int lowest(input logic [STREAMS*32-1:0] numbers);
    lowest = 0;
    for (int k = 1; k < STREAMS; k = k + 1) begin
      if (numbers[k*32 +: 32] < numbers[lowest*32 +: 32]) lowest = k;
    end
  endfunction

  task say_statistics;
    $display("STAT images=%0d elements=%0d mismatches=%0d cycles=%0d ii=%0d latency=%0d",
             frames[(STREAMS-1)*32 +: 32], total(compared), total(mismatches), cycle, ii,
             latency);
  endtask

  task say_mismatch(input int k);
    $display("FAIL image %0d: first layer that differs: %0s, element %0d: expected %0d, found %0d",
             bad_frame[k*32 +: 32], NAMES[k*256 +: 256], bad_element[k*32 +: 32],
             $signed(expected[k*64 +: 64]), $signed(found[k*64 +: 64]));
  endtask

  task say_missing(input int k);
    $display("FAIL %0s: %0d of %0d frames have come, then nothing moved for %0d cycles",
             NAMES[k*256 +: 256], frames[k*32 +: 32], FRAMES, LIMIT);
  endtask

  logic right_time;
  assign right_time = !unstalled || (latency == 64'(LATENCY) &&
      (ii == 64'(II) || FRAMES < STEADY));

  task say_failure;
    if (total(mismatches) != 64'd0) say_mismatch(lowest(bad_frame));
    else if (!all_there()) say_missing(lowest(frames));
    else if (frame_error !== 1'b0) $display("FAIL frame_error is set, but every frame was exact");
    else if (latency != 64'(LATENCY))
      $display("FAIL latency is %0d cycles, the plan says %0d", latency, LATENCY);
    else $display("FAIL II is %0d cycles, the plan says %0d", ii, II);
    $fatal(1, "the circuit is wrong");
  endtask

  always @(posedge aclk) begin
    still <= aresetn && !moved ? still + 1 : 0;
    if ((still == DRAIN && all_there()) || still == LIMIT) begin
      say_statistics;
      if (total(mismatches) != 64'd0 || !all_there() || frame_error !== 1'b0 || !right_time) begin
        say_failure;
      end else begin
        $display("PASS %0d frames, %0d elements equal", FRAMES, total(compared));
        $finish;
      end
    end
  end
endmodule

`default_nettype wire
