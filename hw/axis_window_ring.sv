// SPDX-License-Identifier: MIT-0
// The ring of axis_window: beats are written one behind the other, and read where the walk over the
// taps stands, which goes forward by constants.
//
// TAPS = 1 is one memory of CAPACITY pixels. For a column of taps it is one for each row of the ring,
// all read at one address. `read` is there in the cycle after `take`, until the next.
`default_nettype none

module axis_window_ring #(
  // bits of a beat, of each tap
  parameter int BEAT_WIDTH = 8,
  // see axis_window; rows and columns up to the last that a tap reads
  parameter int BEATS = 1,
  parameter int USED_H = 6,
  parameter int USED_W = 7,
  parameter int OUT_H = 6,
  parameter int OUT_W = 7,
  parameter int KERNEL_H = 3,
  parameter int KERNEL_W = 3,
  parameter int STRIDE_H = 1,
  parameter int STRIDE_W = 1,
  parameter int DILATION_H = 1,
  parameter int DILATION_W = 1,
  parameter int PAD_TOP = 1,
  parameter int PAD_LEFT = 1,
  parameter int CAPACITY = 17,
  parameter int TAPS = 1,
  parameter int GROUPS = 1
) (
  input  logic                       aclk,
  input  logic                       aresetn,
  input  logic                       write,
  input  logic [BEAT_WIDTH-1:0]      data,
  // the walk goes to the next beat; this one is read; it is the last of its group, of its kernel row,
  // of the kernel, of its output pixel, output row, frame
  input  logic                       step,
  input  logic                       take,
  input  logic                       group_end,
  input  logic                       row_end,
  input  logic                       taps_end,
  input  logic                       pixel_end,
  input  logic                       line_end,
  input  logic                       frame_end,
  output logic [TAPS*BEAT_WIDTH-1:0] read
);
  // bits of a counter of `count` values
  function automatic int bits(input int count);
    bits = count < 2 ? 1 : $clog2(count);
  endfunction

  function automatic int modulo(input int v, input int m);
    modulo = (v % m + m) % m;
  endfunction

  localparam int SPAN_H = (KERNEL_H - 1) * DILATION_H;
  localparam int SPAN_W = (KERNEL_W - 1) * DILATION_W;
  // the memories, and the words of each
  localparam int COLUMN = TAPS > 1 ? 1 : 0;
  localparam int BANKS = COLUMN != 0 ? CAPACITY / USED_W : 1;
  localparam int PLACES = COLUMN != 0 ? USED_W * BEATS : CAPACITY * BEATS;
  localparam int ADDRESS = bits(PLACES);
  localparam int BANK = bits(BANKS);
  localparam int BACK = BEATS - 1;
  localparam int TAP_BACK = BEATS / GROUPS - 1;

  logic [ADDRESS-1:0] write_address;
  logic [BANK-1:0] write_bank;
  logic write_wraps;

  assign write_wraps = write && write_address == ADDRESS'(PLACES - 1);

  always_ff @(posedge aclk) begin
    if (write) write_address <= write_address + 1'b1;
    if (write_wraps) write_bank <= write_bank + 1'b1;
    if (!aresetn || write_wraps) write_address <= '0;
    if (!aresetn || (write_wraps && write_bank == BANK'(BANKS - 1))) write_bank <= '0;
  end

  generate
    if (COLUMN == 0) begin : gen_ring
      // beats forward from one read to the next, modulo PLACES
      localparam int START = -(SPAN_H * USED_W + SPAN_W);  // pixels from the last tap to the first
      localparam int TO_BEAT = modulo(1, PLACES);
      localparam int TO_GROUP = modulo(START * BEATS + 1, PLACES);
      localparam int TO_TAP = modulo(DILATION_W * BEATS - TAP_BACK, PLACES);
      localparam int TO_ROW = modulo((DILATION_H * USED_W - SPAN_W) * BEATS - TAP_BACK, PLACES);
      localparam int TO_PIXEL = modulo((START + STRIDE_W) * BEATS - BACK, PLACES);
      localparam int TO_LINE =
          modulo((START + STRIDE_H * USED_W - (OUT_W - 1) * STRIDE_W) * BEATS - BACK, PLACES);
      localparam int TO_FRAME = modulo((START + (USED_H - (OUT_H - 1) * STRIDE_H) * USED_W -
          (OUT_W - 1) * STRIDE_W) * BEATS - BACK, PLACES);
      localparam int FIRST = modulo(-(PAD_TOP * USED_W + PAD_LEFT) * BEATS, PLACES);

      (* no_rw_check *) logic [BEAT_WIDTH-1:0] memory[0:2**ADDRESS-1];
      logic [ADDRESS-1:0] address;
      logic [ADDRESS:0] forward;
      logic [ADDRESS:0] next;

      always_comb begin
        if (frame_end) forward = (ADDRESS+1)'(TO_FRAME);
        else if (line_end) forward = (ADDRESS+1)'(TO_LINE);
        else if (pixel_end) forward = (ADDRESS+1)'(TO_PIXEL);
        else if (GROUPS != 1 && taps_end) forward = (ADDRESS+1)'(TO_GROUP);
        else if (!group_end) forward = (ADDRESS+1)'(TO_BEAT);
        else if (row_end) forward = (ADDRESS+1)'(TO_ROW);
        else forward = (ADDRESS+1)'(TO_TAP);
      end
      assign next = {1'b0, address} + forward;

      always_ff @(posedge aclk) begin
        if (write) memory[write_address] <= data;
        if (take) read <= memory[address];
        if (step) begin
          address <= next >= (ADDRESS+1)'(PLACES) ? ADDRESS'(next - (ADDRESS+1)'(PLACES)) :
              ADDRESS'(next);
        end
        if (!aresetn) address <= ADDRESS'(FIRST);
      end
    end else begin : gen_rows
      // a row begins at address 0; beside the image any address does
      localparam int FIRST = modulo(-PAD_LEFT * BEATS, 2**ADDRESS);
      localparam int TO_PIXEL = modulo((STRIDE_W - SPAN_W) * BEATS - BACK, 2**ADDRESS);
      localparam int TO_GROUP = modulo(1 - SPAN_W * BEATS, 2**ADDRESS);
      localparam int TO_TAP = modulo(DILATION_W * BEATS - TAP_BACK, 2**ADDRESS);
      localparam int DOWN = modulo(STRIDE_H, BANKS);
      localparam int TO_FRAME = modulo(USED_H - (OUT_H - 1) * STRIDE_H, BANKS);
      // apart by a power of two, words are chosen by multiplexers and not by shifters
      localparam int WORD = 2**$clog2(BEAT_WIDTH);

      logic [ADDRESS-1:0] address;
      logic [BANK-1:0] bank;  // of the top tap
      logic [BANK:0] next_bank;
      logic [2**BANK*WORD-1:0] words;
      logic unused_end;

      assign unused_end = &{1'b0, row_end};
      assign next_bank = {1'b0, bank} + (frame_end ? (BANK+1)'(TO_FRAME) : (BANK+1)'(DOWN));

      always_ff @(posedge aclk) begin
        if (step) begin
          address <= line_end ? ADDRESS'(FIRST) : pixel_end ? address + ADDRESS'(TO_PIXEL) :
              GROUPS != 1 && taps_end ? address + ADDRESS'(TO_GROUP) :
              group_end ? address + ADDRESS'(TO_TAP) : address + 1'b1;
        end
        if (step && line_end) begin
          bank <= next_bank >= (BANK+1)'(BANKS) ? BANK'(next_bank - (BANK+1)'(BANKS)) :
              BANK'(next_bank);
        end
        if (!aresetn) begin
          address <= ADDRESS'(FIRST);
          bank <= BANK'(modulo(-PAD_TOP, BANKS));
        end
      end

      for (genvar b = 0; b < 2**BANK; b = b + 1) begin : gen_bank
        if (b < BANKS) begin : gen_memory
          (* no_rw_check *) logic [BEAT_WIDTH-1:0] memory[0:2**ADDRESS-1];
          logic [BEAT_WIDTH-1:0] word;

          always_ff @(posedge aclk) begin
            if (write && write_bank == BANK'(b)) memory[write_address] <= data;
            if (take) word <= memory[address];
          end
          assign words[b*WORD +: WORD] = WORD'(word);
        end else begin : gen_none
          assign words[b*WORD +: WORD] = '0;
        end
      end

      for (genvar k = 0; k < TAPS; k = k + 1) begin : gen_tap_of
        localparam int BELOW = modulo(k * DILATION_H, BANKS);
        logic [BANK:0] sum;
        logic [BANK-1:0] which;

        assign sum = {1'b0, bank} + (BANK+1)'(BELOW);
        always_ff @(posedge aclk) begin
          if (take) which <= sum >= (BANK+1)'(BANKS) ? BANK'(sum - (BANK+1)'(BANKS)) : BANK'(sum);
        end
        assign read[k*BEAT_WIDTH +: BEAT_WIDTH] = words[32'(which)*WORD +: BEAT_WIDTH];
      end
    end
  endgenerate
endmodule

`default_nettype wire
