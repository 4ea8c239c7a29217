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
// State: beat, row and column in the image of the third beat, row and column in its tile; the places of
// all three, and what the first two are. Reset begins a frame.
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
  // this beat is in a window's columns, the first of its place there, the last; the last of all windows
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

  // of a frame's beat i; a frame may have fewer than three
  function automatic int col_of(input int i);
    col_of = i / BEATS % IN_W;
  endfunction

  function automatic int row_of(input int i);
    row_of = i / BEATS / IN_W % IN_H;
  endfunction

  function automatic int place_of(input int i);
    place_of = (KERNEL_H > 1 ? col_of(i) / STRIDE_W : 0) * BEATS + i % BEATS;
  endfunction

  // {it is the last of all windows, its window's last, its window's first, in its columns}
  function automatic int facts_of(input int i);
    int inner, first_tap, last_tap, end_of_all;
    inner = col_of(i) % STRIDE_W < KERNEL_W && col_of(i) < USED_W ? 1 : 0;
    first_tap = row_of(i) % STRIDE_H == 0 && col_of(i) % STRIDE_W == 0 ? 2 : 0;
    last_tap = inner != 0 && row_of(i) % STRIDE_H == KERNEL_H - 1 &&
        col_of(i) % STRIDE_W == KERNEL_W - 1 ? 4 : 0;
    end_of_all = i % BEATS == BEATS - 1 && row_of(i) == USED_H - 1 && col_of(i) == USED_W - 1 ? 8 : 0;
    facts_of = end_of_all + last_tap + first_tap + inner;
  endfunction

  // of the third beat
  logic [BEAT-1:0] beat;
  logic [ROW-1:0] row;
  logic [COL-1:0] col;
  logic [DOWN-1:0] down;    // of the tile
  logic [ALONG-1:0] along;
  logic pixel_end, line_end, frame_end;  // it is the last of its pixel, row, frame
  logic tile_end, tiles_end;             // of its row of a tile, of its rows of tiles
  logic [3:0] third;
  logic [3:0] second;
  logic inner;

  assign pixel_end = beat == BEAT'(BEATS - 1);
  assign line_end = pixel_end && col == COL'(IN_W - 1);
  assign frame_end = line_end && row == ROW'(IN_H - 1);
  assign tile_end = along == ALONG'(STRIDE_W - 1);
  assign tiles_end = down == DOWN'(STRIDE_H - 1);
  // rows between windows and behind the last one leave what the next window begins anew
  assign inner = (KERNEL_W == STRIDE_W || along < ALONG'(KERNEL_W)) &&
      (USED_W == IN_W || col < COL'(USED_W));
  assign third[0] = inner;
  assign third[1] = down == '0 && along == '0;
  assign third[2] = inner && down == DOWN'(KERNEL_H - 1) && along == ALONG'(KERNEL_W - 1);
  assign third[3] = pixel_end && row == ROW'(USED_H - 1) && col == COL'(USED_W - 1);

  always_ff @(posedge aclk) begin
    if (taken) begin
      {last_window, last, first, in_window} <= second;
      second <= third;
      place <= next_place;
      next_place <= third_place;
      if (line_end) third_place <= '0;
      else if (!pixel_end || (tile_end && KERNEL_H > 1)) third_place <= third_place + 1'b1;
      else third_place <= third_place - PLACE'(BEATS - 1);
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
      {last_window, last, first, in_window} <= 4'(facts_of(0));
      second <= 4'(facts_of(1));
      place <= PLACE'(place_of(0));
      next_place <= PLACE'(place_of(1));
      third_place <= PLACE'(place_of(2));
      beat <= BEAT'(2 % BEATS);
      col <= COL'(col_of(2));
      along <= ALONG'(col_of(2) % STRIDE_W);
      row <= ROW'(row_of(2));
      down <= DOWN'(row_of(2) % STRIDE_H);
    end
  end
endmodule

`default_nettype wire
