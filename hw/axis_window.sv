// SPDX-License-Identifier: MIT-0
// The window that slides over an image: for each pixel of the output its taps, a beat at a time.
// Pixels come in row by row, BEATS beats of LANES channels each, and wait in a ring of CAPACITY
// pixels, in which frames follow each other without a gap, until no tap reads them any more.
//
//     s_axis --> [ ring ] --> [ read ] --> padding --> [ m ] --> m_axis
//
// For each output pixel, row by row, leave group of beats, kernel row, kernel column, beat of the
// group; TLAST ends each group, and a tap beside the image is PAD. One group is what a convolution
// needs, BEATS of them (the taps of each beat in a row) what works on each channel alone. Rows and
// columns that no tap reads are taken and dropped.
//
// TAPS = KERNEL_H sends a column of taps at a time, the top one in the low bits: for each output pixel
// group, kernel column, beat. The ring is then a memory for each of its rows, which are read at one
// address.
//
// SKIP leaves padded taps out, for a cell behind that takes SKIP >= 2 cycles for a beat: the walk goes
// over them in a cycle each, also while beats wait, TLAST is at the last tap inside, and above a beat's
// elements stands SKIP times its number in its output pixel, those left out counted.
//
//     m_axis_tdata = {SKIP * number, lane LANES - 1, ..., lane 0}
//
// KEEP is a line buffer along time: nothing is between the rows of a frame and those of the frames
// before, whose last PAD_TOP rows windows see above it. They hold their places from reset on, and
// read PAD while there was no such row; a frame frees IN_H rows, and has no padding below.
//
// The writer stands at {row, column, beat} of its frame and is `lead` frames ahead, -1 to 2; `space`
// counts places for pixels. The last beat of an output pixel frees the pixels in front of those that
// later ones read.
//   s_axis_tready = awake && lead != 2 && (space != 0 || beat != 0 || nobody reads the pixel)
//   a beat is read iff awake, it is there, and the read register is empty or moves on, or it is left
//   out; it is there
//   iff it is padding, lead > 0, or lead = 0 and {row, column, beat} < the writer's; of a column the
//   bottom tap counts, or the last row that is read; with KEEP rows above a frame aren't padding
// Latency 2 cycles from the read, a beat per cycle. No combinational path from one side to the
// other.
`default_nettype none

module axis_window #(
  // bits of an element, elements of a beat, beats of a pixel; >= 1
  parameter int WIDTH = 8,
  parameter int LANES = 1,
  parameter int BEATS = 1,
  // pixels of a frame in and out
  parameter int IN_H = 6,
  parameter int IN_W = 7,
  parameter int OUT_H = 6,
  parameter int OUT_W = 7,
  // taps, and pixels from one window or tap to the next; >= 1
  parameter int KERNEL_H = 3,
  parameter int KERNEL_W = 3,
  parameter int STRIDE_H = 1,
  parameter int STRIDE_W = 1,
  parameter int DILATION_H = 1,
  parameter int DILATION_W = 1,
  // padding above and to the left, less than a kernel's extent, as that below and to the right
  parameter int PAD_TOP = 1,
  parameter int PAD_LEFT = 1,
  // the code of an element there
  parameter logic [31:0] PAD = 32'd0,
  // pixels of the ring; from the first that a window reads to the last, or more
  parameter int CAPACITY = 17,
  // taps of a beat: 1, or KERNEL_H for a CAPACITY of whole rows
  parameter int TAPS = 1,
  // of the beats of a pixel, equal ones; divides BEATS
  parameter int GROUPS = 1,
  // 1: the PAD_TOP rows above a frame are those of the frames before, for a CAPACITY of more of them
  parameter int KEEP = 0,
  // 0, or more than 1: padded taps aren't sent, see above; of one tap a beat, one group, no KEEP
  parameter int SKIP = 0
) (
  input  logic                        aclk,
  input  logic                        aresetn,
  input  logic [LANES*WIDTH-1:0]      s_axis_tdata,
  input  logic                        s_axis_tvalid,
  output logic                        s_axis_tready,
  input  logic                        s_axis_tlast,
  output logic [TAPS*LANES*WIDTH+(SKIP == 0 ? 0 : $clog2(KERNEL_H*KERNEL_W*BEATS*SKIP))-1:0] m_axis_tdata,
  output logic                        m_axis_tvalid,
  input  logic                        m_axis_tready,
  output logic                        m_axis_tlast
);
  localparam int SPAN_H = (KERNEL_H - 1) * DILATION_H;
  localparam int SPAN_W = (KERNEL_W - 1) * DILATION_W;

  // rows or columns up to the last that a tap reads
  function automatic int used(input int size, input int outs, input int kernel, input int stride,
                              input int dilation, input int pad);
    int at;
    used = 1;
    for (int o = 0; o < outs; o = o + 1) begin
      for (int k = 0; k < kernel; k = k + 1) begin
        at = o * stride + k * dilation - pad;
        if (at < size && at >= used) used = at + 1;
      end
    end
  endfunction

  function automatic int positive(input int v);
    positive = v < 0 ? 0 : v;
  endfunction

  function automatic int more(input int a, input int b);
    more = a > b ? a : b;
  endfunction

  // bits of a counter of `count` values
  function automatic int bits(input int count);
    bits = count < 2 ? 1 : $clog2(count);
  endfunction

  localparam int USED_H =
      KEEP != 0 ? IN_H : used(IN_H, OUT_H, KERNEL_H, STRIDE_H, DILATION_H, PAD_TOP);
  localparam int USED_W = used(IN_W, OUT_W, KERNEL_W, STRIDE_W, DILATION_W, PAD_LEFT);
  // the memories of the ring
  localparam int COLUMN = TAPS > 1 ? 1 : 0;
  localparam int BANKS = COLUMN != 0 ? CAPACITY / USED_W : 1;

  // coordinates are counted from the corner of the padded image, so that none is negative
  localparam int ROW =
      bits(more(IN_H + PAD_TOP + SPAN_H, (OUT_H - 1) * STRIDE_H + SPAN_H) + DILATION_H + 1);
  localparam int COL = bits(more(IN_W + PAD_LEFT, (OUT_W - 1) * STRIDE_W + SPAN_W + 1) + DILATION_W);
  localparam int BEAT = bits(BEATS);
  localparam int INNER = BEATS / GROUPS;  // beats of a group
  localparam int INNER_BEAT = bits(INNER);
  localparam int BEAT_WIDTH = LANES * WIDTH;

  generate
    if (WIDTH < 1 || WIDTH > 32 || LANES < 1 || BEATS < 1) begin : gen_sizes
      axis_window_needs_LANES_and_BEATS_of_1_or_more_and_WIDTH_of_1_to_32 stop ();
    end
    if (IN_H < 1 || IN_W < 1 || OUT_H < 1 || OUT_W < 1 || KERNEL_H < 1 || KERNEL_W < 1 ||
        STRIDE_H < 1 || STRIDE_W < 1 || DILATION_H < 1 || DILATION_W < 1) begin : gen_shape
      axis_window_needs_a_shape_of_1_or_more stop ();
    end
    if (PAD_TOP < 0 || PAD_LEFT < 0 || PAD_TOP > SPAN_H || PAD_LEFT > SPAN_W ||
        (OUT_H - 1) * STRIDE_H >= PAD_TOP + IN_H || (OUT_W - 1) * STRIDE_W >= PAD_LEFT + IN_W)
    begin : gen_padding
      axis_window_needs_less_padding_than_a_kernel stop ();
    end
    if (KEEP != 0 && ((OUT_H - 1) * STRIDE_H + SPAN_H >= PAD_TOP + IN_H ||
        CAPACITY <= PAD_TOP * USED_W)) begin : gen_keep
      axis_window_needs_KEEP_without_padding_below_and_more_CAPACITY_than_PAD_TOP_rows stop ();
    end
    if (CAPACITY < 1) begin : gen_capacity
      axis_window_needs_CAPACITY_of_1_or_more stop ();
    end
    if (GROUPS < 1 || INNER * GROUPS != BEATS) begin : gen_groups
      axis_window_needs_GROUPS_that_divide_BEATS stop ();
    end
    if (SKIP != 0 && (SKIP < 2 || TAPS != 1 || GROUPS != 1 || KEEP != 0)) begin : gen_skip_illegal
      axis_window_needs_SKIP_of_2_or_more_with_TAPS_and_GROUPS_of_1_and_no_KEEP stop ();
    end
    if (TAPS < 1 || (TAPS > 1 && (TAPS != KERNEL_H || BANKS * USED_W != CAPACITY))) begin : gen_taps
      axis_window_needs_TAPS_of_1_or_of_KERNEL_H_with_whole_rows stop ();
    end
  endgenerate

  // ---- writer

  logic [ROW-1:0] write_row;
  logic [COL-1:0] write_col;
  logic [BEAT-1:0] write_beat;
  logic [1:0] lead;  // 3 is -1
  logic awake;
  logic full;
  logic stored;
  logic accept;
  logic write;
  logic write_pixel_end;
  logic write_row_end;
  logic write_frame_end;
  logic unused_tlast;

  // where a frame ends follows from its pixels
  assign unused_tlast = &{1'b0, s_axis_tlast};

  assign stored = (USED_H == IN_H || write_row < ROW'(PAD_TOP + USED_H)) &&
      (USED_W == IN_W || write_col < COL'(PAD_LEFT + USED_W));
  assign s_axis_tready = awake && lead != 2'd2 && (!full || write_beat != '0 || !stored);
  assign accept = s_axis_tvalid && s_axis_tready;
  assign write = accept && stored;
  assign write_pixel_end = accept && write_beat == BEAT'(BEATS - 1);
  assign write_row_end = write_pixel_end && write_col == COL'(PAD_LEFT + IN_W - 1);
  assign write_frame_end = write_row_end && write_row == ROW'(PAD_TOP + IN_H - 1);

  always_ff @(posedge aclk) begin
    if (accept) write_beat <= write_beat + 1'b1;
    if (write_pixel_end) write_col <= write_col + 1'b1;
    if (write_row_end) write_row <= write_row + 1'b1;
    if (!aresetn || write_pixel_end) write_beat <= '0;
    if (!aresetn || write_row_end) write_col <= COL'(PAD_LEFT);
    if (!aresetn || write_frame_end) write_row <= ROW'(PAD_TOP);
  end

  // ---- reader: where the tap of the next beat is

  localparam int KH = bits(KERNEL_H);
  localparam int KW = bits(KERNEL_W);
  localparam int OH = bits(OUT_H);
  localparam int OW = bits(OUT_W);

  logic [OH-1:0] oh;
  logic [OW-1:0] ow;
  logic [KH-1:0] kh;
  logic [KW-1:0] kw;
  logic [BEAT-1:0] beat;
  logic [ROW-1:0] row;  // of a column the bottom tap's
  logic [ROW-1:0] wanted;
  logic [COL-1:0] col;
  logic last_beat;
  logic taps_end;  // the last tap of the kernel, of its row
  logic row_end;
  logic group_end;  // the last beat of a tap's
  logic pixel_end;
  logic line_end;
  logic frame_end;
  logic [ROW-1:0] blank;     // rows above the frame that there haven't been since reset
  logic beside;              // left or right of the image
  logic [TAPS-1:0] padding;  // of each tap
  logic there;
  logic skipped;  // the tap isn't sent
  logic step;
  logic take;
  logic load_read;
  logic load_m;
  logic read_valid;

  assign last_beat = beat == BEAT'(BEATS - 1);
  assign row_end = group_end && kw == KW'(KERNEL_W - 1);
  assign taps_end = row_end && (COLUMN != 0 || kh == KH'(KERNEL_H - 1));
  assign pixel_end = taps_end && last_beat;
  assign line_end = pixel_end && ow == OW'(OUT_W - 1);
  assign frame_end = line_end && oh == OH'(OUT_H - 1);

  assign beside = (PAD_LEFT != 0 && col < COL'(PAD_LEFT)) || col >= COL'(PAD_LEFT + IN_W);

  generate
    if (GROUPS == 1) begin : gen_group
      assign group_end = last_beat;
    end else if (INNER == 1) begin : gen_beats
      assign group_end = 1'b1;
    end else begin : gen_groups_of
      logic [INNER_BEAT-1:0] inner;

      assign group_end = inner == INNER_BEAT'(INNER - 1);
      always_ff @(posedge aclk) begin
        if (step) inner <= group_end ? '0 : inner + 1'b1;
        if (!aresetn) inner <= '0;
      end
    end

    for (genvar k = 0; k < TAPS; k = k + 1) begin : gen_padding_of
      // rows from this tap down to the bottom one
      localparam int DOWN = COLUMN != 0 ? (KERNEL_H - 1 - k) * DILATION_H : 0;

      assign padding[k] = beside || (PAD_TOP + DOWN != 0 && row < blank + ROW'(DOWN)) ||
          (KEEP == 0 && row >= ROW'(PAD_TOP + IN_H + DOWN));
    end

    if (KEEP != 0) begin : gen_blank
      always_ff @(posedge aclk) begin
        if (step && frame_end) blank <= blank < ROW'(IN_H) ? '0 : blank - ROW'(IN_H);
        if (!aresetn) blank <= ROW'(PAD_TOP);
      end
    end else begin : gen_above
      assign blank = ROW'(PAD_TOP);
    end

    if (COLUMN != 0) begin : gen_bottom
      assign wanted = row < ROW'(PAD_TOP + USED_H) ? row : ROW'(PAD_TOP + USED_H - 1);
      assign there = beside || lead == 2'd1 || lead == 2'd2 ||
          (KEEP == 0 && PAD_TOP != 0 && row < ROW'(PAD_TOP)) ||
          (lead == 2'd0 && {wanted, col, beat} < {write_row, write_col, write_beat});
    end else begin : gen_tap
      assign wanted = row;
      assign there = (KEEP != 0 ? beside : padding[0]) || lead == 2'd1 || lead == 2'd2 ||
          (lead == 2'd0 && {wanted, col, beat} < {write_row, write_col, write_beat});
    end
  endgenerate

  assign load_m = !m_axis_tvalid || m_axis_tready;
  assign load_read = !read_valid || load_m;
  assign skipped = SKIP != 0 && padding[0];
  assign step = awake && there && (load_read || skipped);
  assign take = step && !skipped;

  always_ff @(posedge aclk) begin
    if (step) begin
      beat <= (GROUPS == 1 ? last_beat : pixel_end) ? '0 :
          GROUPS != 1 && group_end && !taps_end ? beat - BEAT'(INNER - 1) : beat + 1'b1;
    end
    if (step && group_end) begin
      kw <= row_end ? '0 : kw + 1'b1;
      col <= line_end ? '0 : pixel_end ? col - COL'(SPAN_W) + COL'(STRIDE_W) :
          row_end ? col - COL'(SPAN_W) : col + COL'(DILATION_W);
    end
    if (step && row_end && COLUMN == 0) begin
      kh <= taps_end ? '0 : kh + 1'b1;
      row <= frame_end ? '0 : line_end ? row - ROW'(SPAN_H) + ROW'(STRIDE_H) :
          taps_end ? row - ROW'(SPAN_H) : row + ROW'(DILATION_H);
    end
    if (step && line_end && COLUMN != 0) begin
      row <= frame_end ? ROW'(SPAN_H) : row + ROW'(STRIDE_H);
    end
    if (step && pixel_end) ow <= line_end ? '0 : ow + 1'b1;
    if (step && line_end) oh <= frame_end ? '0 : oh + 1'b1;
    if (!aresetn) begin
      beat <= '0;
      kw <= '0;
      kh <= '0;
      ow <= '0;
      oh <= '0;
      col <= '0;
      row <= COLUMN != 0 ? ROW'(SPAN_H) : '0;
    end
  end

  // ---- places that an output pixel frees

  localparam int ABOVE = KEEP != 0 ? 0 : PAD_TOP;  // rows above that aren't in the ring
  localparam int SPACE = $clog2(CAPACITY + (USED_H + 1) * USED_W + 1);
  // of a line, those that its last pixel no longer reads
  localparam int FREED = positive((OUT_W - 1) * STRIDE_W - PAD_LEFT);
  // where the first line, the first pixel, is that frees a whole stride; and what the one before does
  localparam int LINE = ABOVE / STRIDE_H;
  localparam int PIXEL = PAD_LEFT / STRIDE_W;
  localparam int LINE_PART = STRIDE_H - ABOVE % STRIDE_H;
  localparam int PIXEL_PART = STRIDE_W - PAD_LEFT % STRIDE_W;
  localparam int REST = USED_H - positive((OUT_H - 1) * STRIDE_H - ABOVE);

  logic [SPACE-1:0] space;
  logic [SPACE-1:0] freed;
  logic line_frees;
  logic pixel_frees;

  // the lines below read what is to the left of this one's window, unless it moves down
  assign line_frees = LINE == 0 || 32'(oh) >= LINE || oh == OH'(OUT_H - 1);
  assign pixel_frees = PIXEL == 0 || 32'(ow) >= PIXEL;
  assign full = space == '0;

  always_comb begin
    freed = '0;
    if (frame_end) freed = SPACE'(REST * USED_W - FREED);
    else if (line_end && line_frees) begin
      freed = 32'(oh) == LINE ? SPACE'(LINE_PART * USED_W - FREED) :
          SPACE'(STRIDE_H * USED_W - FREED);
    end else if (pixel_end && !line_end && line_frees && pixel_frees) begin
      freed = 32'(ow) == PIXEL ? SPACE'(PIXEL_PART) : SPACE'(STRIDE_W);
    end
  end

  always_ff @(posedge aclk) begin
    awake <= 1'b1;
    space <= space + (step ? freed : '0) - SPACE'(write && write_beat == '0);
    lead <= lead + 2'(write_frame_end) - 2'(step && frame_end);
    if (!aresetn) begin
      awake <= 1'b0;
      space <= SPACE'(CAPACITY - (PAD_TOP - ABOVE) * USED_W);
      lead <= '0;
    end
  end

  // ---- ring

  logic [TAPS*BEAT_WIDTH-1:0] read;
  logic sent_last;  // the walk stands at the last tap that is sent
  logic read_last;

  axis_window_ring #(
    .BEAT_WIDTH(BEAT_WIDTH), .BEATS(BEATS), .USED_H(USED_H), .USED_W(USED_W), .OUT_H(OUT_H),
    .OUT_W(OUT_W), .KERNEL_H(KERNEL_H), .KERNEL_W(KERNEL_W), .STRIDE_H(STRIDE_H),
    .STRIDE_W(STRIDE_W), .DILATION_H(DILATION_H), .DILATION_W(DILATION_W), .PAD_TOP(PAD_TOP),
    .PAD_LEFT(PAD_LEFT), .CAPACITY(CAPACITY), .TAPS(TAPS), .GROUPS(GROUPS)
  ) ring (
    .aclk(aclk), .aresetn(aresetn), .write(write), .data(s_axis_tdata), .step(step), .take(take),
    .group_end(group_end), .row_end(row_end), .taps_end(taps_end), .pixel_end(pixel_end),
    .line_end(line_end), .frame_end(frame_end), .read(read)
  );

  generate
    if (SKIP != 0) begin : gen_skip
      localparam int INDEX = $clog2(KERNEL_H * KERNEL_W * BEATS * SKIP);
      // from here on the next tap is below, or right of, the image
      localparam int LAST_ROW = positive(PAD_TOP + IN_H - DILATION_H);
      localparam int LAST_COL = positive(PAD_LEFT + IN_W - DILATION_W);
      logic [INDEX-1:0] index;
      logic [INDEX-1:0] read_index;

      assign sent_last = last_beat &&
          (kw == KW'(KERNEL_W - 1) || LAST_COL == 0 || col >= COL'(LAST_COL)) &&
          (kh == KH'(KERNEL_H - 1) || LAST_ROW == 0 || row >= ROW'(LAST_ROW));
      always_ff @(posedge aclk) begin
        if (step) index <= pixel_end ? '0 : index + INDEX'(SKIP);
        if (take) read_index <= index;
        if (load_m && read_valid) m_axis_tdata <= {read_index, read};
        if (!aresetn) index <= '0;
      end
    end else begin : gen_pad
      logic [TAPS-1:0] read_padding;

      assign sent_last = taps_end;
      always_ff @(posedge aclk) if (take) read_padding <= padding;
      for (genvar k = 0; k < TAPS; k = k + 1) begin : gen_out
        always_ff @(posedge aclk) begin
          if (load_m && read_valid) begin
            m_axis_tdata[k*BEAT_WIDTH +: BEAT_WIDTH] <=
                read_padding[k] ? {LANES{PAD[WIDTH-1:0]}} : read[k*BEAT_WIDTH +: BEAT_WIDTH];
          end
        end
      end
    end
  endgenerate

  always_ff @(posedge aclk) begin
    if (take) read_last <= sent_last;
    if (load_m && read_valid) m_axis_tlast <= read_last;
    if (load_read) read_valid <= take;
    if (load_m) m_axis_tvalid <= read_valid;
    if (!aresetn) begin
      read_valid <= 1'b0;
      m_axis_tvalid <= 1'b0;
    end
  end
endmodule

`default_nettype wire
