// SPDX-License-Identifier: MIT-0
// Activation by table: between two tails, which are constant or n + c, the value is read from a
// ROM. See fixed_tails for the definition, and for odd functions. Each ROM serves two lanes.
//
// LATENCY = 3 + ROM + (ODD ? 2 : 0) cycles with ROM = DEPTH > 8192 ? 3 : 2; 1 beat per cycle.
// Control is axis_pipe's: ready is combinational through the cell, it stops as a whole.
//
// Image, with fixed_rom's suffix _<bank>.mem: DEPTH words of ENTRY_WIDTH bits, word i the value of
// code FIRST + i in the output's type (ODD: of magnitude i, unsigned, FIRST being 0). ENTRY_WIDTH
// is at most OUT_WIDTH unless ODD.
`default_nettype none

module fixed_table #(
  // elements of a beat; >= 1
  parameter int LANES = 4,
  // bits of an input; its type: signed unsigned
  parameter int IN_WIDTH = 8,
  parameter IN_TYPE = "signed",
  // bits of an output; its type: signed unsigned
  parameter int OUT_WIDTH = 8,
  parameter OUT_TYPE = "signed",
  // see fixed_tails
  parameter int ODD = 0,
  parameter logic signed [63:0] FIRST = -64'sd128,
  parameter int DEPTH = 256,
  // bits of a ROM word
  parameter int ENTRY_WIDTH = 8,
  parameter int LOW_SLOPE = 0,
  parameter logic signed [63:0] LOW_OFFSET = 64'sd0,
  parameter int HIGH_SLOPE = 0,
  parameter logic signed [63:0] HIGH_OFFSET = 64'sd0,
  // base name of the image
  parameter TABLE_FILE = ""
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
  localparam int INDEX = DEPTH < 2 ? 1 : $clog2(DEPTH);
  localparam int ROM = DEPTH > 8192 ? 3 : 2;
  localparam int STAGES = 3 + ROM + (ODD != 0 ? 2 : 0);
  localparam int ENTRY_SIGNED = ODD == 0 && 80'(OUT_TYPE) == 80'("signed") ? 1 : 0;

  generate
    if (ENTRY_WIDTH < 1 || (ODD == 0 && ENTRY_WIDTH > OUT_WIDTH) ||
        (ODD != 0 && FIRST != 64'sd0)) begin : gen_illegal
      fixed_table_needs_ENTRY_WIDTH_up_to_OUT_WIDTH_and_FIRST_of_0_if_ODD stop ();
    end
  endgenerate

  logic [LANES*INDEX-1:0] index;
  logic [LANES*ENTRY_WIDTH-1:0] word;
  logic advance;

  axis_pipe #(.STAGES(STAGES)) pipe (
    .aclk(aclk), .aresetn(aresetn),
    .s_axis_tvalid(s_axis_tvalid), .s_axis_tready(s_axis_tready), .s_axis_tlast(s_axis_tlast),
    .m_axis_tvalid(m_axis_tvalid), .m_axis_tready(m_axis_tready), .m_axis_tlast(m_axis_tlast),
    .advance(advance)
  );

  generate
    if (DEPTH > 0) begin : gen_table
      for (genvar pair = 0; pair < LANES; pair = pair + 2) begin : gen_rom
        localparam int PORTS = pair + 1 < LANES ? 2 : 1;

        fixed_rom #(
          .WIDTH(ENTRY_WIDTH), .DEPTH(DEPTH), .PORTS(PORTS), .FILE(TABLE_FILE)
        ) rom (
          .aclk(aclk), .enable(advance), .address(index[pair*INDEX +: PORTS*INDEX]),
          .word(word[pair*ENTRY_WIDTH +: PORTS*ENTRY_WIDTH])
        );
      end
    end else begin : gen_no_table
      assign word = {LANES{ENTRY_WIDTH'(index)}} & '0;
    end

    for (genvar lane = 0; lane < LANES; lane = lane + 1) begin : gen_lane
      logic [ENTRY_WIDTH-1:0] entry;

      assign entry = word[lane*ENTRY_WIDTH +: ENTRY_WIDTH];

      fixed_tails #(
        .IN_WIDTH(IN_WIDTH), .IN_TYPE(IN_TYPE), .OUT_WIDTH(OUT_WIDTH), .OUT_TYPE(OUT_TYPE),
        .ODD(ODD), .FIRST(FIRST), .DEPTH(DEPTH), .LOW_SLOPE(LOW_SLOPE), .LOW_OFFSET(LOW_OFFSET),
        .HIGH_SLOPE(HIGH_SLOPE), .HIGH_OFFSET(HIGH_OFFSET), .ENTRY_WIDTH(ENTRY_WIDTH + 1),
        .BODY(ROM)
      ) tails (
        .aclk(aclk), .enable(advance), .code(s_axis_tdata[lane*IN_WIDTH +: IN_WIDTH]),
        .index(index[lane*INDEX +: INDEX]),
        .entry({ENTRY_SIGNED != 0 && entry[ENTRY_WIDTH-1], entry}),
        .y(m_axis_tdata[lane*OUT_WIDTH +: OUT_WIDTH])
      );
    end
  endgenerate
endmodule

`default_nettype wire
