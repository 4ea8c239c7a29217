// SPDX-License-Identifier: MIT-0
// Whole windows from columns of taps. Columns come row by row, IN_W of a row, BEATS beats each, and
// move through a shift register; for each of the OUT_W windows of a row leave its KERNEL_W columns
// at once, the left one in the low bits, BEATS beats, TLAST on the last of each group of them. A
// column beside the row is PAD.
//
//     s_axis --> [ | | | | | ] --> padding --> [ m ] --> m_axis
//                  shift
//
// `place` is where the newest column stands in its row. The last windows of a row reach TAIL columns
// beyond it: while they leave, `place` goes on beyond IN_W and columns of the next row, which the
// padding hides, come in already, `col` of them. If none waits before the first has come, columns
// are made up instead, so that a frame's last windows wait for nothing.
//   step = s_axis_tvalid and no column is being made up, or one is; if the shift register holds no
//          window, or that moves on to m
// Latency 2 cycles, a beat per cycle; columns without a window pass while m waits. s_axis_tready
// depends on m_axis_tready in the same cycle.
`default_nettype none

module axis_slide #(
  // bits of an element, elements of a column's beat, beats of a column; >= 1
  parameter int WIDTH = 8,
  parameter int LANES = 3,
  parameter int BEATS = 1,
  // columns and windows of a row; (OUT_W - 1) * STRIDE_W < IN_W, and the last window reaches to the
  // end of the row, or at most IN_W beyond it
  parameter int IN_W = 7,
  parameter int OUT_W = 7,
  // columns of a window, and from one window or column of it to the next; >= 1
  parameter int KERNEL_W = 3,
  parameter int STRIDE_W = 1,
  parameter int DILATION_W = 1,
  // padding to the left, less than the kernel's extent
  parameter int PAD_LEFT = 1,
  // the code of an element there
  parameter logic [31:0] PAD = 32'd0,
  // of the beats of a column, equal ones; divides BEATS
  parameter int GROUPS = 1
) (
  input  logic                            aclk,
  input  logic                            aresetn,
  input  logic [LANES*WIDTH-1:0]          s_axis_tdata,
  input  logic                            s_axis_tvalid,
  output logic                            s_axis_tready,
  input  logic                            s_axis_tlast,
  output logic [KERNEL_W*LANES*WIDTH-1:0] m_axis_tdata,
  output logic                            m_axis_tvalid,
  input  logic                            m_axis_tready,
  output logic                            m_axis_tlast
);
  localparam int SPAN = (KERNEL_W - 1) * DILATION_W;
  localparam int FIRST = SPAN - PAD_LEFT;               // place of a row's first window
  localparam int LAST = FIRST + (OUT_W - 1) * STRIDE_W;  // of its last one
  localparam int TAIL = LAST - (IN_W - 1);

  // bits of a counter of `count` values
  function automatic int bits(input int count);
    bits = count < 2 ? 1 : $clog2(count);
  endfunction

  localparam int PLACE = bits(LAST + 2);
  localparam int BEAT = bits(BEATS);
  localparam int SKIP = bits(STRIDE_W);
  localparam int INNER = BEATS / GROUPS;  // beats of a group
  localparam int INNER_BEAT = bits(INNER);
  localparam int BEAT_WIDTH = LANES * WIDTH;
  localparam int DEPTH = SPAN * BEATS + 1;

  generate
    if (WIDTH < 1 || WIDTH > 32 || LANES < 1 || BEATS < 1) begin : gen_sizes
      axis_slide_needs_LANES_and_BEATS_of_1_or_more_and_WIDTH_of_1_to_32 stop ();
    end
    if (IN_W < 1 || OUT_W < 1 || KERNEL_W < 1 || STRIDE_W < 1 || DILATION_W < 1) begin : gen_shape
      axis_slide_needs_a_shape_of_1_or_more stop ();
    end
    if (PAD_LEFT < 0 || FIRST < 0 || TAIL < 0 || TAIL > FIRST || TAIL > IN_W) begin : gen_padding
      axis_slide_needs_windows_that_end_with_the_row_or_beyond_and_no_more_than_columns stop ();
    end
    if (GROUPS < 1 || INNER * GROUPS != BEATS) begin : gen_groups
      axis_slide_needs_GROUPS_that_divide_BEATS stop ();
    end
  endgenerate

  logic awake;
  logic unused_tlast;
  logic held;  // a window stands in the shift register
  logic load_m;
  logic room;
  logic tail;     // windows of the last row leave
  logic begun;    // a column of the row after it has come, or comes
  logic [BEAT-1:0] beat;
  logic [PLACE-1:0] place;
  logic [PLACE-1:0] col;
  logic [SKIP-1:0] skip;  // places up to the next window
  logic making;
  logic take;
  logic make;
  logic step;
  logic last_beat;
  logic group_end;
  logic column_end;
  logic filled;  // a window's columns have come
  logic window;

  // where a row ends follows from its columns
  assign unused_tlast = &{1'b0, s_axis_tlast};

  assign load_m = !m_axis_tvalid || m_axis_tready;
  assign room = !held || load_m;
  assign tail = TAIL != 0 && place >= PLACE'(IN_W);
  assign last_beat = beat == BEAT'(BEATS - 1);
  assign s_axis_tready = awake && room && !making;
  assign take = s_axis_tvalid && s_axis_tready;
  assign make = room && tail && !begun && (making || !s_axis_tvalid);
  assign step = take || make;
  assign column_end = step && last_beat;
  assign filled = FIRST == 0 || place >= PLACE'(FIRST);
  assign window = filled && skip == '0;

  generate
    if (BEATS == 1) begin : gen_whole
      assign making = 1'b0;
      assign begun = col != '0;
    end else begin : gen_beats
      logic partly;  // beats of a column that is made up, of one that comes
      logic coming;

      assign making = partly;
      assign begun = col != '0 || coming;
      always_ff @(posedge aclk) begin
        if (step) begin
          partly <= make && !last_beat;
          coming <= take && !last_beat;
        end
        if (!aresetn) begin
          partly <= 1'b0;
          coming <= 1'b0;
        end
      end
    end

    if (INNER == 1) begin : gen_each
      assign group_end = 1'b1;
    end else if (GROUPS == 1) begin : gen_one
      assign group_end = last_beat;
    end else begin : gen_several
      logic [INNER_BEAT-1:0] inner;

      assign group_end = inner == INNER_BEAT'(INNER - 1);
      always_ff @(posedge aclk) begin
        if (step) inner <= group_end ? '0 : inner + 1'b1;
        if (!aresetn) inner <= '0;
      end
    end
  endgenerate

  logic [PLACE-1:0] next_col;

  assign next_col = col + PLACE'(take);

  always_ff @(posedge aclk) begin
    awake <= 1'b1;
    if (step) beat <= last_beat ? '0 : beat + 1'b1;
    if (column_end) begin
      if (place == PLACE'(LAST)) begin
        place <= tail ? next_col : '0;
        col <= '0;
      end else begin
        place <= place + 1'b1;
        if (tail) col <= next_col;
      end
      if (filled) begin
        skip <= place == PLACE'(LAST) ? '0 : window ? SKIP'(STRIDE_W - 1) : skip - 1'b1;
      end
    end
    if (!aresetn) begin
      awake <= 1'b0;
      beat <= '0;
      place <= '0;
      col <= '0;
      skip <= '0;
    end
  end

  // ---- columns, the newest first; which of a window's are beside the row

  logic [DEPTH*BEAT_WIDTH-1:0] shift;
  logic [KERNEL_W-1:0] in_row;

  generate
    if (DEPTH == 1) begin : gen_newest
      always_ff @(posedge aclk) if (step) shift <= s_axis_tdata;
    end else begin : gen_shift
      always_ff @(posedge aclk) begin
        if (step) shift <= {shift[(DEPTH-1)*BEAT_WIDTH-1:0], s_axis_tdata};
      end
    end

    for (genvar k = 0; k < KERNEL_W; k = k + 1) begin : gen_column
      localparam int BACK = (KERNEL_W - 1 - k) * DILATION_W;  // columns

      always_ff @(posedge aclk) begin
        if (step) begin
          in_row[k] <= (BACK == 0 || 32'(place) >= BACK) &&
              (TAIL <= BACK || place < PLACE'(IN_W + BACK));
        end
      end
      always_ff @(posedge aclk) begin
        if (load_m && held) begin
          m_axis_tdata[k*BEAT_WIDTH +: BEAT_WIDTH] <=
              in_row[k] ? shift[BACK*BEATS*BEAT_WIDTH +: BEAT_WIDTH] : {LANES{PAD[WIDTH-1:0]}};
        end
      end
    end
  endgenerate

  logic last;

  always_ff @(posedge aclk) begin
    if (step) last <= group_end;
    if (load_m && held) m_axis_tlast <= last;
    if (room) held <= step && window;
    if (load_m) m_axis_tvalid <= held;
    if (!aresetn) begin
      held <= 1'b0;
      m_axis_tvalid <= 1'b0;
    end
  end
endmodule

`default_nettype wire
