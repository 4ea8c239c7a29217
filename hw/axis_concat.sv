// SPDX-License-Identifier: MIT-0
// Streams one behind the other: a group of ELEMENTS elements of input 0, one of input 1, ..., then
// the next of input 0. Each group begins with a beat, its last beat may be partial; the output has
// groups of OUT_ELEMENTS elements without gaps, which begin with a beat as well; unused lanes of
// their last beat are zero. With one input it
// takes a packed frame apart into groups, or packs groups into a frame.
//
//     s_axis (the one whose turn it is) --> placed behind the `held` elements --> [ buffer ] --> m_axis
//
// The buffer counts in units of the largest number of elements that divides LANES and all groups.
//
// State `held` = elements in the buffer, `need` = elements of the next output beat.
//   m_axis_tvalid = held >= need
//   s_axis_tready = awake && it is the input's turn && rest <= LANES, where
//   rest = held - (m_axis_tvalid && m_axis_tready ? need : 0)
// Latency 1 cycle from the beat that completes an output beat, at most 1 beat in and 1 out per
// cycle. tready depends combinationally on m_axis_tready; tvalid and payload come from registers.
`default_nettype none

module axis_concat #(
  // bits of an element; >= 1
  parameter int WIDTH = 8,
  // elements of a beat; >= 1
  parameter int LANES = 4,
  // streams; >= 1
  parameter int INPUTS = 2,
  // elements of a group of each, 32 bits each, input 0 in the low bits; >= 1
  parameter logic [INPUTS*32-1:0] ELEMENTS = {INPUTS{32'd6}},
  // elements of an output group, and groups of a frame; >= 1
  parameter int OUT_ELEMENTS = 12,
  parameter int OUT_GROUPS = 1
) (
  input  logic                          aclk,
  input  logic                          aresetn,
  // input 0 in the low bits
  input  logic [INPUTS*LANES*WIDTH-1:0] s_axis_tdata,
  input  logic [INPUTS-1:0]             s_axis_tvalid,
  output logic [INPUTS-1:0]             s_axis_tready,
  input  logic [INPUTS-1:0]             s_axis_tlast,
  output logic [LANES*WIDTH-1:0]        m_axis_tdata,
  output logic                          m_axis_tvalid,
  input  logic                          m_axis_tready,
  output logic                          m_axis_tlast
);
  // the largest number that divides LANES, OUT_ELEMENTS and each of ELEMENTS
  function automatic int common(input logic [INPUTS*32-1:0] groups);
    int x;
    int y;
    int t;
    x = LANES;
    for (int i = 0; i <= INPUTS; i = i + 1) begin
      y = OUT_ELEMENTS;
      if (i < INPUTS) y = groups[i*32 +: 32];
      while (y != 0) begin
        t = x % y;
        x = y;
        y = t;
      end
    end
    common = x;
  endfunction

  // beats of the longest group
  function automatic int longest(input logic [INPUTS*32-1:0] groups);
    int beats;
    longest = 1;
    for (int i = 0; i < INPUTS; i = i + 1) begin
      beats = groups[i*32 +: 32];
      beats = (beats + LANES - 1) / LANES;
      if (beats > longest) longest = beats;
    end
  endfunction

  localparam int UNIT = common(ELEMENTS);
  localparam int BEAT = LANES / UNIT;  // units
  localparam int PLACES = 2 * BEAT;    // units of the buffer
  localparam int COUNT = $clog2(PLACES + 1);
  localparam int BITS = UNIT * WIDTH;
  localparam int TURN = INPUTS < 2 ? 1 : $clog2(INPUTS);
  localparam int LONGEST = longest(ELEMENTS);
  localparam int IN_BEAT = LONGEST < 2 ? 1 : $clog2(LONGEST);
  localparam int OUT_BEATS = (OUT_ELEMENTS + LANES - 1) / LANES;
  localparam int OUT_LAST = OUT_ELEMENTS / UNIT - (OUT_BEATS - 1) * BEAT;  // units
  localparam int OUT_BEAT = OUT_BEATS < 2 ? 1 : $clog2(OUT_BEATS);
  localparam int OUT_GROUP = OUT_GROUPS < 2 ? 1 : $clog2(OUT_GROUPS);

  generate
    if (WIDTH < 1 || LANES < 1 || INPUTS < 1 || OUT_ELEMENTS < 1 || OUT_GROUPS < 1) begin : gen_illegal
      axis_concat_needs_sizes_of_1_or_more stop ();
    end
    for (genvar i = 0; i < INPUTS; i = i + 1) begin : gen_check
      if (ELEMENTS[i*32 +: 32] == 32'd0) begin : gen_illegal
        axis_concat_needs_ELEMENTS_of_1_or_more stop ();
      end
    end
  endgenerate

  logic [PLACES*BITS-1:0] buffer;
  logic [PLACES*BITS-1:0] rest_data;
  logic [PLACES*BITS-1:0] next_data;
  logic [COUNT-1:0] held;
  logic [COUNT-1:0] rest;
  logic [COUNT-1:0] need;
  logic [COUNT-1:0] gain;
  logic [TURN-1:0] turn;
  logic [IN_BEAT-1:0] in_beat;
  logic [OUT_BEAT-1:0] out_beat;
  logic [OUT_GROUP-1:0] out_group;
  logic [LANES*WIDTH-1:0] data;
  logic group_end;
  logic awake;
  logic space;
  logic accept;
  logic emit;
  logic out_end;
  logic unused_tlast;

  // where a frame ends follows from the groups
  assign unused_tlast = &{1'b0, s_axis_tlast};

  // ---- the input whose turn it is

  always_comb begin
    data = '0;
    accept = 1'b0;
    gain = COUNT'(BEAT);
    group_end = 1'b0;
    for (int i = 0; i < INPUTS; i = i + 1) begin
      if (turn == TURN'(i)) begin
        data = s_axis_tdata[i*LANES*WIDTH +: LANES*WIDTH];
        accept = s_axis_tvalid[i] && space;
        if (in_beat == IN_BEAT'((ELEMENTS[i*32 +: 32] - 32'd1) / LANES)) begin
          gain = COUNT'(((ELEMENTS[i*32 +: 32] - 32'd1) % LANES + 32'd1) / UNIT);
          group_end = 1'b1;
        end
      end
    end
  end

  generate
    for (genvar i = 0; i < INPUTS; i = i + 1) begin : gen_ready
      assign s_axis_tready[i] = space && turn == TURN'(i);
    end
  endgenerate

  // ---- the buffer

  assign out_end = out_beat == OUT_BEAT'(OUT_BEATS - 1);
  assign need = out_end ? COUNT'(OUT_LAST) : COUNT'(BEAT);
  assign m_axis_tdata[OUT_LAST*BITS-1:0] = buffer[OUT_LAST*BITS-1:0];
  assign m_axis_tvalid = held >= need;
  assign m_axis_tlast = out_end && out_group == OUT_GROUP'(OUT_GROUPS - 1);
  assign emit = m_axis_tvalid && m_axis_tready;
  assign rest = emit ? held - need : held;

  // behind a group's end the next one's elements may come while it waits
  generate
    if (OUT_LAST < BEAT) begin : gen_unused
      assign m_axis_tdata[BEAT*BITS-1:OUT_LAST*BITS] = out_end ? '0 : buffer[BEAT*BITS-1:OUT_LAST*BITS];
    end
  endgenerate

  assign rest_data = !emit ? buffer : out_end ? buffer >> (OUT_LAST * BITS) : buffer >> (BEAT * BITS);
  assign space = awake && rest <= COUNT'(BEAT);

  always_comb begin
    next_data = rest_data;
    for (int place = 0; place <= BEAT; place = place + 1) begin
      if (accept && rest == COUNT'(place)) next_data[place*BITS +: BEAT*BITS] = data;
    end
  end

  always_ff @(posedge aclk) begin
    buffer <= next_data;

    awake <= 1'b1;
    held <= rest;
    if (accept) begin
      held <= rest + gain;
      in_beat <= in_beat + 1'b1;
      if (group_end) begin
        in_beat <= '0;
        turn <= turn == TURN'(INPUTS - 1) ? '0 : turn + 1'b1;
      end
    end
    if (emit) begin
      out_beat <= out_beat + 1'b1;
      if (out_end) begin
        out_beat <= '0;
        out_group <= m_axis_tlast ? '0 : out_group + 1'b1;
      end
    end
    if (!aresetn) begin
      awake <= 1'b0;
      held <= '0;
      turn <= '0;
      in_beat <= '0;
      out_beat <= '0;
      out_group <= '0;
    end
  end
endmodule

`default_nettype wire
