// SPDX-License-Identifier: MIT-0
// Where in an image the next window lies, for pools whose windows at the border have fewer elements.
// Rows whose windows reach equally far into the image are a run, and so are columns:
//
//     row 0        run 0      COUNT  4 6 6 6 4      ROW_END    = {32'd6, 32'd5, 32'd1}
//     row 1 .. 4   run 1             6 9 9 9 6      COLUMN_END = {32'd5, 32'd4, 32'd1}
//     row 5        run 2             4 6 6 6 4      place = row's run * RUNS_W + column's run
//
// State: a window's beat, row and column, and their runs. Reset begins a frame.
`default_nettype none

module fixed_window_runs #(
  // windows of a pixel; >= 1
  parameter int BEATS = 1,
  // runs of rows and columns; >= 1
  parameter int RUNS_H = 1,
  parameter int RUNS_W = 1,
  // what stands behind each, 32 bits each, the first in the low bits; rising
  parameter logic [RUNS_H*32-1:0] ROW_END = {RUNS_H{32'd6}},
  parameter logic [RUNS_W*32-1:0] COLUMN_END = {RUNS_W{32'd5}},
  // bits of `place`
  parameter int PLACE = RUNS_H * RUNS_W < 2 ? 1 : $clog2(RUNS_H * RUNS_W)
) (
  input  logic             aclk,
  input  logic             aresetn,
  // a window ends
  input  logic             next,
  output logic [PLACE-1:0] place
);
  // bits of a counter of `count` values
  function automatic int bits(input int count);
    bits = count < 2 ? 1 : $clog2(count);
  endfunction

  localparam int BEAT = bits(BEATS);
  localparam int ROW = bits(32'(ROW_END[(RUNS_H-1)*32 +: 32]));
  localparam int COLUMN = bits(32'(COLUMN_END[(RUNS_W-1)*32 +: 32]));
  localparam int RUN_H = bits(RUNS_H);
  localparam int RUN_W = bits(RUNS_W);

  generate
    if (BEATS < 1 || RUNS_H < 1 || RUNS_W < 1) begin : gen_illegal
      fixed_window_runs_needs_BEATS_and_runs_of_1_or_more stop ();
    end
  endgenerate

  logic [BEAT-1:0] beat;
  logic [ROW-1:0] row;
  logic [COLUMN-1:0] column;
  logic [RUN_H-1:0] row_run;
  logic [RUN_W-1:0] column_run;
  logic last_beat, run_ends, row_ends;  // of the pixel, of the column's run, of the row
  logic rows_end, frame_ends;           // of the row's run, of the frame

  assign last_beat = beat == BEAT'(BEATS - 1);
  assign run_ends = column == COLUMN'(COLUMN_END[column_run*32 +: 32] - 1);
  assign row_ends = run_ends && column_run == RUN_W'(RUNS_W - 1);
  assign rows_end = row == ROW'(ROW_END[row_run*32 +: 32] - 1);
  assign frame_ends = rows_end && row_run == RUN_H'(RUNS_H - 1);
  assign place = PLACE'(row_run) * PLACE'(RUNS_W) + PLACE'(column_run);

  always_ff @(posedge aclk) begin
    if (next) beat <= last_beat ? '0 : beat + 1'b1;
    if (next && last_beat) begin
      column <= row_ends ? '0 : column + 1'b1;
      if (run_ends) column_run <= row_ends ? '0 : column_run + 1'b1;
      if (row_ends) row <= frame_ends ? '0 : row + 1'b1;
      if (row_ends && rows_end) row_run <= frame_ends ? '0 : row_run + 1'b1;
    end
    if (!aresetn) begin
      beat <= '0;
      row <= '0;
      column <= '0;
      row_run <= '0;
      column_run <= '0;
    end
  end
endmodule

`default_nettype wire
