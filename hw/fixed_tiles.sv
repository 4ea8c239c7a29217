// SPDX-License-Identifier: MIT-0
// Which window of a pool a beat of the image belongs to, where windows don't overlap: rows and columns
// of STRIDE are a tile, of which the first KERNEL are the window.
//
//     KERNEL 2        | x x . | x x . |     x is in a window, . is between windows, and so are the rows
//     STRIDE 3        | x x . | x x . |     and columns behind the last window
//                     | . . . | . . . |
//
// Windows that are open at once have places: a row of windows, or one where they have a single row;
// times BEATS. `place` is that of this beat; those of the two behind it are known as well, so that what is
// in a memory can be read in time.
//
// State: beat, row and column of the next beat in the image, row and column in its tile, its place;
// and what this one is. Reset begins a frame.
`default_nettype none

module fixed_tiles #(
  // beats of a pixel; >= 1
  parameter int BEATS = 1,
  // of the image, of a window, and from one window to the next; 1 <= KERNEL <= STRIDE, KERNEL <= IN
  parameter int IN_H = 4,
  parameter int IN_W = 4,
  parameter int KERNEL_H = 2,
  parameter int KERNEL_W = 2,
  parameter int STRIDE_H = KERNEL_H,
  parameter int STRIDE_W = KERNEL_W,
  // bits of a place
  parameter int PLACES = (KERNEL_H > 1 ? (IN_W - KERNEL_W) / STRIDE_W + 1 : 1) * BEATS,
  parameter int PLACE = PLACES < 2 ? 1 : $clog2(PLACES)
) (
  input  logic             aclk,
  input  logic             aresetn,
  // a beat is taken
  input  logic             taken,
  // this beat is in a window, the first of its place there, the last; the last of all windows
  output logic             in_window,
  output logic             first,
  output logic             last,
  output logic             last_window,
  // of this beat, of the next, and of the one behind that
  output logic [PLACE-1:0] place,
  output logic [PLACE-1:0] next_place,
  output logic [PLACE-1:0] third_place
);
  // bits of a counter of `count` values
  function automatic int bits(input int count);
    bits = count < 2 ? 1 : $clog2(count);
  endfunction

  // windows, and what stands behind the last of them
  localparam int OUT_H = (IN_H - KERNEL_H) / STRIDE_H + 1;
  localparam int OUT_W = (IN_W - KERNEL_W) / STRIDE_W + 1;
  localparam int USED_H = (OUT_H - 1) * STRIDE_H + KERNEL_H;
  localparam int USED_W = (OUT_W - 1) * STRIDE_W + KERNEL_W;
  localparam int BEAT = bits(BEATS);
  localparam int ROW = bits(IN_H);
  localparam int COL = bits(IN_W);
  localparam int DOWN = bits(STRIDE_H);
  localparam int ALONG = bits(STRIDE_W);

  generate
    if (BEATS < 1 || KERNEL_H < 1 || KERNEL_W < 1) begin : gen_sizes
      fixed_tiles_needs_BEATS_and_KERNEL_of_1_or_more stop ();
    end
    if (STRIDE_H < KERNEL_H || STRIDE_W < KERNEL_W) begin : gen_overlap
      fixed_tiles_has_no_windows_that_overlap stop ();
    end
    if (IN_H < KERNEL_H || IN_W < KERNEL_W) begin : gen_image
      fixed_tiles_needs_an_image_of_KERNEL_or_more stop ();
    end
  endgenerate

  // the second beat of a frame, with which the walk begins; a frame may have a single one
  localparam int START_COL = BEATS == 1 && IN_W > 1 ? 1 : 0;
  localparam int START_ROW = BEATS == 1 && IN_W == 1 && IN_H > 1 ? 1 : 0;
  localparam int START_PLACE = BEATS > 1 ? 1 : KERNEL_H > 1 ? START_COL / STRIDE_W : 0;
  localparam int ONE = KERNEL_H == 1 && KERNEL_W == 1 ? 1 : 0;  // the first beat ends a window

  // of the next beat
  logic [BEAT-1:0] beat;
  logic [ROW-1:0] row;
  logic [COL-1:0] col;
  logic [DOWN-1:0] down;    // of the tile
  logic [ALONG-1:0] along;
  logic pixel_end, line_end, frame_end;  // it is the last of its pixel, row, frame
  logic tile_end, tiles_end;             // of its row of a tile, of its rows of tiles
  logic inner;

  assign pixel_end = beat == BEAT'(BEATS - 1);
  assign line_end = pixel_end && col == COL'(IN_W - 1);
  assign frame_end = line_end && row == ROW'(IN_H - 1);
  assign tile_end = along == ALONG'(STRIDE_W - 1);
  assign tiles_end = down == DOWN'(STRIDE_H - 1);
  assign inner = (KERNEL_H == STRIDE_H || down < DOWN'(KERNEL_H)) &&
      (KERNEL_W == STRIDE_W || along < ALONG'(KERNEL_W)) &&
      (USED_H == IN_H || row < ROW'(USED_H)) && (USED_W == IN_W || col < COL'(USED_W));

  always_comb begin
    if (line_end) third_place = '0;
    else if (!pixel_end || (tile_end && KERNEL_H > 1)) third_place = next_place + 1'b1;
    else third_place = next_place - PLACE'(BEATS - 1);
  end

  always_ff @(posedge aclk) begin
    if (taken) begin
      in_window <= inner;
      first <= down == '0 && along == '0;
      last <= inner && down == DOWN'(KERNEL_H - 1) && along == ALONG'(KERNEL_W - 1);
      last_window <= pixel_end && row == ROW'(USED_H - 1) && col == COL'(USED_W - 1);
      place <= next_place;
      next_place <= third_place;
      beat <= pixel_end ? '0 : beat + 1'b1;
      if (pixel_end) begin
        col <= line_end ? '0 : col + 1'b1;
        along <= line_end || tile_end ? '0 : along + 1'b1;
      end
      if (line_end) begin
        row <= frame_end ? '0 : row + 1'b1;
        down <= frame_end || tiles_end ? '0 : down + 1'b1;
      end
    end
    if (!aresetn) begin
      in_window <= 1'b1;
      first <= 1'b1;
      last <= 1'(ONE);
      last_window <= 1'(BEATS == 1 && USED_H == 1 && USED_W == 1);
      place <= '0;
      next_place <= PLACE'(START_PLACE);
      beat <= BEAT'(BEATS > 1 ? 1 : 0);
      col <= COL'(START_COL);
      along <= ALONG'(START_COL % STRIDE_W);
      row <= ROW'(START_ROW);
      down <= DOWN'(START_ROW % STRIDE_H);
    end
  end
endmodule

`default_nettype wire
