// SPDX-License-Identifier: MIT-0
// Ends a run of the vector bench and says what came out of it: DRAIN cycles after the last expected
// beat, so that surplus beats show, or when nothing has moved for LIMIT cycles.
//
//   STAT images=.. elements=.. mismatches=.. cycles=.. ii=.. latency=..
//   PASS ...   or   FAIL ... and $fatal
`default_nettype none

module vector_end #(
  // layers, then the circuit's output; stream 0 in the low bits of every port and of NAMES
  parameter int STREAMS = 1,
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
  input logic [63:0]           first_done
);
  integer still;  // cycles since the last handshake
  integer i;
  integer first;  // stream
  logic failed;
  logic [63:0] elements;
  logic [63:0] wrong;
  logic [63:0] latency;

  initial still = 0;
  assign latency = first_done - began;

  function automatic logic all_there();
    all_there = 1'b1;
    for (int k = 0; k < STREAMS; k = k + 1) begin
      if (frames[k*32 +: 32] != FRAMES) all_there = 1'b0;
    end
  endfunction

  task count;
    elements = 64'd0;
    wrong = 64'd0;
    first = 0;
    for (i = 0; i < STREAMS; i = i + 1) begin
      elements = elements + 64'(compared[i*32 +: 32]);
      wrong = wrong + 64'(mismatches[i*32 +: 32]);
      if (bad_frame[i*32 +: 32] < bad_frame[first*32 +: 32]) first = i;
    end
    $display("STAT images=%0d elements=%0d mismatches=%0d cycles=%0d ii=%0d latency=%0d",
             frames[(STREAMS-1)*32 +: 32], elements, wrong, cycle, ii, latency);
  endtask

  task check_values;
    if (wrong != 64'd0) begin
      failed = 1'b1;
      $display("FAIL image %0d: first layer that differs: %0s, element %0d: expected %0d, found %0d",
               bad_frame[first*32 +: 32], NAMES[first*256 +: 256], bad_element[first*32 +: 32],
               $signed(expected[first*64 +: 64]), $signed(found[first*64 +: 64]));
    end
    for (i = 0; i < STREAMS && !failed; i = i + 1) begin
      if (frames[i*32 +: 32] != FRAMES) begin
        failed = 1'b1;
        $display("FAIL %0s: %0d of %0d frames have come, then nothing moved for %0d cycles",
                 NAMES[i*256 +: 256], frames[i*32 +: 32], FRAMES, LIMIT);
      end
    end
    if (!failed && frame_error !== 1'b0) begin
      failed = 1'b1;
      $display("FAIL frame_error is set, but every frame was exact");
    end
  endtask

  task check_time;
    if (!failed && unstalled && latency != 64'(LATENCY)) begin
      failed = 1'b1;
      $display("FAIL latency is %0d cycles, the plan says %0d", latency, LATENCY);
    end
    if (!failed && unstalled && (ii > 64'(II) || (FRAMES >= STEADY && ii != 64'(II)))) begin
      failed = 1'b1;
      $display("FAIL II is %0d cycles, the plan says %0d", ii, II);
    end
  endtask

  always @(posedge aclk) begin
    still <= aresetn && !moved ? still + 1 : 0;
    if ((still == DRAIN && all_there()) || still == LIMIT) begin
      failed = 1'b0;
      count;
      check_values;
      check_time;
      if (failed) $fatal(1, "the circuit is wrong");
      $display("PASS %0d frames, %0d elements equal, latency %0d cycles", FRAMES, elements, latency);
      $finish;
    end
  end
endmodule

`default_nettype wire
