// SPDX-License-Identifier: MIT-0
// Activation whose table would be too long: between the tails of fixed_tails, segments of
// 2^SEGMENT_BITS codes hold a quadratic each, and a stored correction of -1, 0 or 1 makes every
// value exact. With i = n - FIRST (ODD: the magnitude), k = i >> SEGMENT_BITS, d its low bits:
//
//     value = ((c0[k] + c1[k]*d + c2[k]*d*d) >>> SHIFT) + correction[i], then as in fixed_tails
//
// Each ROM serves two lanes.
// LATENCY = 7 + ROM + (ODD ? 2 : 0) cycles, ROM = ceil(DEPTH / 2^SEGMENT_BITS) > 8192 ? 3 : 2;
// 1 beat per cycle. Control is axis_pipe's: ready is combinational through the cell, it stops as a
// whole.
//
// Images, with fixed_rom's suffix _<bank>.mem: COEFFICIENT_FILE has ceil(DEPTH / 2^SEGMENT_BITS)
// words {c2, c1, c0}, c0 in the low bits; CORRECTION_FILE has DEPTH words of 2 bits.
`default_nettype none

module fixed_polynomial #(
  // elements of a beat; >= 1
  parameter int LANES = 4,
  // bits of an input; its type: signed unsigned
  parameter int IN_WIDTH = 16,
  parameter IN_TYPE = "signed",
  // bits of an output; its type: signed unsigned
  parameter int OUT_WIDTH = 16,
  parameter OUT_TYPE = "signed",
  // see fixed_tails; DEPTH >= 1
  parameter int ODD = 0,
  parameter logic signed [63:0] FIRST = -64'sd32768,
  parameter int DEPTH = 65536,
  parameter int LOW_SLOPE = 0,
  parameter logic signed [63:0] LOW_OFFSET = 64'sd0,
  parameter int HIGH_SLOPE = 0,
  parameter logic signed [63:0] HIGH_OFFSET = 64'sd0,
  // codes of a segment, as a power of two; >= 1
  parameter int SEGMENT_BITS = 8,
  // bits of the coefficients, two's complement; the shift of the sum
  parameter int C0_WIDTH = 30,
  parameter int C1_WIDTH = 20,
  parameter int C2_WIDTH = 10,
  parameter int SHIFT = 12,
  // base names of the images
  parameter COEFFICIENT_FILE = "",
  parameter CORRECTION_FILE = ""
) (
  input  logic                       aclk,
  input  logic                       aresetn,
  input  logic [LANES*IN_WIDTH-1:0]  s_axis_tdata,
  input  logic                       s_axis_tvalid,
  output logic                       s_axis_tready,
  input  logic                       s_axis_tlast,
  output logic [LANES*OUT_WIDTH-1:0] m_axis_tdata,
  output logic                       m_axis_tvalid,
  input  logic                       m_axis_tready,
  output logic                       m_axis_tlast
);
  localparam int SEGMENTS = (DEPTH + 2**SEGMENT_BITS - 1) / 2**SEGMENT_BITS;
  localparam int INDEX = DEPTH < 2 ? 1 : $clog2(DEPTH);
  localparam int SEGMENT = SEGMENTS < 2 ? 1 : $clog2(SEGMENTS);
  localparam int WORD = C0_WIDTH + C1_WIDTH + C2_WIDTH;
  localparam int ROM = SEGMENTS > 8192 ? 3 : 2;
  localparam int CORRECTION_ROM = DEPTH > 8192 ? 3 : 2;
  localparam int BODY = ROM + 4;
  localparam int STAGES = 3 + BODY + (ODD != 0 ? 2 : 0);
  // bits of the value: the widest of the three terms, and their carries
  localparam int LINEAR = C1_WIDTH + SEGMENT_BITS;
  localparam int QUADRATIC = C2_WIDTH + 2 * SEGMENT_BITS;
  localparam int TERM = LINEAR > QUADRATIC ? LINEAR : QUADRATIC;
  localparam int VALUE = (TERM > C0_WIDTH ? TERM : C0_WIDTH) + 4;

  generate
    if (DEPTH < 1 || SEGMENT_BITS < 1 || SEGMENT_BITS > 16 || SHIFT < 0) begin : gen_range
      fixed_polynomial_needs_DEPTH_and_SEGMENT_BITS_of_1_or_more_and_SHIFT_of_0_or_more stop ();
    end
    if (C0_WIDTH < 1 || C1_WIDTH < 1 || C2_WIDTH < 1 || (ODD != 0 && FIRST != 64'sd0))
    begin : gen_illegal
      fixed_polynomial_needs_coefficients_of_1_bit_and_FIRST_of_0_if_ODD stop ();
    end
  endgenerate

  logic [LANES*INDEX-1:0] index;
  logic [LANES*INDEX-1:0] index_then;  // when the correction is read
  logic [LANES*SEGMENT-1:0] segment;
  logic [LANES*WORD-1:0] coefficients;
  logic [LANES*2-1:0] correction;
  logic advance;

  axis_pipe #(.STAGES(STAGES)) pipe (
    .aclk(aclk), .aresetn(aresetn),
    .s_axis_tvalid(s_axis_tvalid), .s_axis_tready(s_axis_tready), .s_axis_tlast(s_axis_tlast),
    .m_axis_tvalid(m_axis_tvalid), .m_axis_tready(m_axis_tready), .m_axis_tlast(m_axis_tlast),
    .advance(advance)
  );
  fixed_delay #(.WIDTH(LANES*INDEX), .STAGES(BODY - 1 - CORRECTION_ROM)) delay_index (
    .aclk(aclk), .enable(advance), .d(index), .q(index_then)
  );

  generate
    for (genvar pair = 0; pair < LANES; pair = pair + 2) begin : gen_rom
      localparam int PORTS = pair + 1 < LANES ? 2 : 1;

      fixed_rom #(
        .WIDTH(WORD), .DEPTH(SEGMENTS), .PORTS(PORTS), .FILE(COEFFICIENT_FILE)
      ) coefficient_rom (
        .aclk(aclk), .enable(advance), .address(segment[pair*SEGMENT +: PORTS*SEGMENT]),
        .word(coefficients[pair*WORD +: PORTS*WORD])
      );
      fixed_rom #(
        .WIDTH(2), .DEPTH(DEPTH), .PORTS(PORTS), .FILE(CORRECTION_FILE)
      ) correction_rom (
        .aclk(aclk), .enable(advance), .address(index_then[pair*INDEX +: PORTS*INDEX]),
        .word(correction[pair*2 +: PORTS*2])
      );
    end

    for (genvar lane = 0; lane < LANES; lane = lane + 1) begin : gen_lane
      logic [VALUE-1:0] value;

      if (SEGMENT_BITS < INDEX) begin : gen_segment
        assign segment[lane*SEGMENT +: SEGMENT] =
            SEGMENT'({SEGMENT'(0), index[lane*INDEX +: INDEX]} >> SEGMENT_BITS);
      end else begin : gen_only
        assign segment[lane*SEGMENT +: SEGMENT] = '0;
      end

      fixed_quadratic #(
        .D_WIDTH(SEGMENT_BITS), .C0_WIDTH(C0_WIDTH), .C1_WIDTH(C1_WIDTH), .C2_WIDTH(C2_WIDTH),
        .SHIFT(SHIFT), .COEFFICIENT(ROM), .VALUE_WIDTH(VALUE)
      ) curve (
        .aclk(aclk), .enable(advance), .d(SEGMENT_BITS'(index[lane*INDEX +: INDEX])),
        .coefficients(coefficients[lane*WORD +: WORD]), .correction(correction[lane*2 +: 2]),
        .value(value)
      );
      fixed_tails #(
        .IN_WIDTH(IN_WIDTH), .IN_TYPE(IN_TYPE), .OUT_WIDTH(OUT_WIDTH), .OUT_TYPE(OUT_TYPE),
        .ODD(ODD), .FIRST(FIRST), .DEPTH(DEPTH), .LOW_SLOPE(LOW_SLOPE), .LOW_OFFSET(LOW_OFFSET),
        .HIGH_SLOPE(HIGH_SLOPE), .HIGH_OFFSET(HIGH_OFFSET), .ENTRY_WIDTH(VALUE), .BODY(BODY)
      ) tails (
        .aclk(aclk), .enable(advance), .code(s_axis_tdata[lane*IN_WIDTH +: IN_WIDTH]),
        .index(index[lane*INDEX +: INDEX]), .entry(value),
        .y(m_axis_tdata[lane*OUT_WIDTH +: OUT_WIDTH])
      );
    end
  endgenerate
endmodule

`default_nettype wire
