// SPDX-License-Identifier: MIT-0
// Clock, reset and the stall patterns of a bench in turn: for each a reset, some cycles that
// another reset ends, then until every cell is done.
//   pattern[0] source idles, [1] sink stalls, at random; [2] in long runs; [3] ready after valid
`default_nettype none

module stream_phases #(
  parameter SUITE = "linear",
  parameter int CELLS = 1
) (
  output logic             aclk,
  output logic             aresetn,
  output logic [3:0]       pattern,
  input  logic [CELLS-1:0] done
);
`ifdef __ICARUS__
  localparam int PATTERNS = 4;
`else
  localparam int PATTERNS = 7;
  import "DPI-C" function void bench_suite(input string name);
`endif

  localparam int LIMIT = 400000;  // cycles of one pattern

  localparam int EARLY = 47;      // until the first reset within frames

  integer cycles;
  integer index;

  function automatic logic [3:0] pattern_of(input integer i);
    case (i)
      0: pattern_of = 4'b0000;
      1: pattern_of = 4'b0001;
      2: pattern_of = 4'b0010;
      3: pattern_of = 4'b0011;
      4: pattern_of = 4'b0110;
      5: pattern_of = 4'b0101;
      default: pattern_of = 4'b1001;
    endcase
  endfunction

  task clock;
    #5 aclk = 1'b1;
    #5 aclk = 1'b0;
  endtask

  // one cycle suffices; longer ones are legal
  task reset(input integer longer);
    aresetn = 1'b0;
    repeat (longer == 0 ? 1 : longer) clock;
    aresetn = 1'b1;
  endtask

  initial begin
`ifndef __ICARUS__
    bench_suite(SUITE);
`endif
    aclk = 1'b0;
    for (index = 0; index < PATTERNS; index = index + 1) begin
      pattern = pattern_of(index);
      reset(index);
      repeat (EARLY * (index + 1)) clock;
      reset(index);
      cycles = 0;
      while (done != {CELLS{1'b1}} || cycles < 10) begin
        clock;
        cycles = cycles + 1;
        if (cycles == LIMIT) $fatal(1, "pattern %b: time-out, done %b", pattern, done);
      end
    end
    $display("%0s: %0d cells, %0d stall patterns: equal", SUITE, CELLS, PATTERNS);
    $finish;
  end
endmodule

`default_nettype wire
