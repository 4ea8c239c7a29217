// SPDX-License-Identifier: MIT-0
// fixed_partials of an image that comes as it is, and fixed_tiles: which beats begin and end a window,
// as counted from outside; and what is found for one of a row of windows, any, is what was last known
// of it.
`default_nettype none

module prove #(
  parameter int WIDTH = 1,
  parameter int BEATS = 1,
  parameter int IN_H = 2,
  parameter int IN_W = 4,
  parameter int KERNEL_H = 2,
  parameter int KERNEL_W = 2,
  parameter int STRIDE_H = KERNEL_H,
  parameter int STRIDE_W = KERNEL_W
) (
  input logic             aclk,
  input logic             aresetn,
  input logic             taken,
  input logic             tlast,
  input logic [WIDTH-1:0] result
);
  localparam int OUT_H = (IN_H - KERNEL_H) / STRIDE_H + 1;
  localparam int OUT_W = (IN_W - KERNEL_W) / STRIDE_W + 1;

  logic [WIDTH-1:0] found;
  logic fresh, ends, last_window;
  logic begun;
  logic was_reset;
  (* keep *) logic [3:0] reached;

  fixed_partials #(
    .WIDTH(WIDTH), .WINDOWS(OUT_H * OUT_W * BEATS), .IN_H(IN_H), .IN_W(IN_W), .KERNEL_H(KERNEL_H),
    .KERNEL_W(KERNEL_W), .STRIDE_H(STRIDE_H), .STRIDE_W(STRIDE_W), .BEATS(BEATS)
  ) dut (
    .aclk(aclk), .aresetn(aresetn), .taken(taken), .tlast(tlast), .result(result), .found(found),
    .fresh(fresh), .ends(ends), .last_window(last_window)
  );
  reset_first first (.aclk(aclk), .aresetn(aresetn), .begun(begun), .was_reset(was_reset));

  // the walk, and which window that is
  logic [3:0] beat, col, row;
  logic last_beat, last_col, last_row;
  logic again;  // a frame has ended

  assign last_beat = beat == 4'(BEATS - 1);
  assign last_col = last_beat && col == 4'(IN_W - 1);
  assign last_row = last_col && row == 4'(IN_H - 1);
  always_ff @(posedge aclk) begin
    if (taken) begin
      beat <= last_beat ? '0 : beat + 1'b1;
      if (last_beat) col <= last_col ? '0 : col + 1'b1;
      if (last_col) row <= last_row ? '0 : row + 1'b1;
      if (last_row) again <= 1'b1;
    end
    if (!aresetn) begin
      beat <= '0;
      col <= '0;
      row <= '0;
      again <= 1'b0;
    end
  end

  logic [3:0] across, down, kw, kh;
  logic inner;  // it is in a window

  assign across = col / 4'(STRIDE_W);
  assign down = row / 4'(STRIDE_H);
  assign kw = col % 4'(STRIDE_W);
  assign kh = row % 4'(STRIDE_H);
  assign inner = across < 4'(OUT_W) && down < 4'(OUT_H) && kw < 4'(KERNEL_W) && kh < 4'(KERNEL_H);

  // one window of a row, and a beat of it
  (* anyconst *) logic [3:0] which;
  (* anyconst *) logic [3:0] which_beat;
  logic [WIDTH-1:0] known;
  logic here;

  assign here = inner && across == which && beat == which_beat;
  always_ff @(posedge aclk) if (taken && here) known <= result;

  always @(posedge aclk) begin
    if (begun && aresetn) begin
      if (inner) assert (fresh == (kw == '0 && kh == '0));
      assert (ends == (inner && kw == 4'(KERNEL_W - 1) && kh == 4'(KERNEL_H - 1)));
      if (ends) begin
        assert (last_window ==
            (last_beat && across == 4'(OUT_W - 1) && down == 4'(OUT_H - 1)));
      end
      if (here && !fresh) assert (found == known);
    end
  end

  assign reached =
      {4{begun && aresetn}} & {again && taken && here, ends && !last_window, last_window, was_reset};
endmodule

`default_nettype wire
