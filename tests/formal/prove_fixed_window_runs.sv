// SPDX-License-Identifier: MIT-0
// fixed_window_runs: `place` is that of the runs which the row and the column of the next window are in,
// as counted from outside.
`default_nettype none

module prove #(
  parameter int BEATS = 1,
  parameter int RUNS_H = 2,
  parameter int RUNS_W = 2,
  parameter logic [RUNS_H*32-1:0] ROW_END = {32'd3, 32'd1},
  parameter logic [RUNS_W*32-1:0] COLUMN_END = {32'd3, 32'd2}
) (
  input logic aclk,
  input logic aresetn,
  input logic next
);
  localparam int ROWS = 32'(ROW_END[(RUNS_H-1)*32 +: 32]);
  localparam int COLUMNS = 32'(COLUMN_END[(RUNS_W-1)*32 +: 32]);
  localparam int PLACE = RUNS_H * RUNS_W < 2 ? 1 : $clog2(RUNS_H * RUNS_W);

  logic [PLACE-1:0] place;
  logic begun;
  logic was_reset;
  (* keep *) logic [2:0] reached;

  fixed_window_runs #(
    .BEATS(BEATS), .RUNS_H(RUNS_H), .RUNS_W(RUNS_W), .ROW_END(ROW_END), .COLUMN_END(COLUMN_END)
  ) dut (
    .aclk(aclk), .aresetn(aresetn), .next(next), .place(place)
  );
  reset_first first (.aclk(aclk), .aresetn(aresetn), .begun(begun), .was_reset(was_reset));

  logic [3:0] beat, row, column;
  logic again;  // a frame has ended
  logic last_beat, last_column, last_row;

  assign last_beat = beat == 4'(BEATS - 1);
  assign last_column = last_beat && column == 4'(COLUMNS - 1);
  assign last_row = last_column && row == 4'(ROWS - 1);
  always_ff @(posedge aclk) begin
    if (next) begin
      beat <= last_beat ? '0 : beat + 1'b1;
      if (last_beat) column <= last_column ? '0 : column + 1'b1;
      if (last_column) row <= last_row ? '0 : row + 1'b1;
      if (last_row) again <= 1'b1;
    end
    if (!aresetn) begin
      beat <= '0;
      column <= '0;
      row <= '0;
      again <= 1'b0;
    end
  end

  // how many runs have ended before it
  logic [RUNS_H-1:0] rows_over;
  logic [RUNS_W-1:0] columns_over;
  int due;

  generate
    for (genvar i = 0; i < RUNS_H; i = i + 1) begin : gen_row
      assign rows_over[i] = 32'(row) >= ROW_END[i*32 +: 32];
    end
    for (genvar i = 0; i < RUNS_W; i = i + 1) begin : gen_column
      assign columns_over[i] = 32'(column) >= COLUMN_END[i*32 +: 32];
    end
  endgenerate

  always_comb begin
    due = 0;
    for (int i = 0; i < RUNS_H; i = i + 1) due = due + (rows_over[i] ? RUNS_W : 0);
    for (int i = 0; i < RUNS_W; i = i + 1) due = due + (columns_over[i] ? 1 : 0);
  end

  always @(posedge aclk) if (begun && aresetn) assert (32'(place) == due);

  assign reached = {3{begun && aresetn}} & {again && next, due == RUNS_H * RUNS_W - 1, was_reset};
endmodule

`default_nettype wire
