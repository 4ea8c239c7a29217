// SPDX-License-Identifier: MIT-0
// Lanes to lanes, any ratio. A frame of ELEMENTS elements comes in IN_LANES and leaves OUT_LANES at
// a time; both last beats may be partial, and no beat holds elements of two frames.
//
//     s_axis --> placed behind the `held` elements --> [ buffer ] --> lowest OUT_LANES --> m_axis
//
// The buffer counts in units of gcd(IN_LANES, OUT_LANES) elements. A frame's last input beat counts
// as if it were long enough to fill the last output beat, so that the next frame starts aligned.
//
// State `held` = elements in the buffer, a multiple of the unit.
//   m_axis_tvalid = held >= OUT_LANES
//   s_axis_tready = awake && rest <= (IN_LANES <= OUT_LANES ? OUT_LANES : OUT_LANES - 1), where
//   rest = held - (m_axis_tvalid && m_axis_tready ? OUT_LANES : 0)
//   an accepted beat adds IN_LANES, a frame's last one OB*OUT_LANES - (IB-1)*IN_LANES
// with IB, OB the beats of a frame in and out. Throughput: max(IB, OB) cycles per frame, exactly,
// without a bubble between frames. Latency 1 cycle from the beat that completes an output beat.
// tready depends combinationally on m_axis_tready; tvalid and payload come from registers.
`default_nettype none

module axis_resize #(
  // bits of an element; >= 1
  parameter int WIDTH = 8,
  // elements of a frame; >= 1
  parameter int ELEMENTS = 10,
  // elements of an input beat; >= 1
  parameter int IN_LANES = 4,
  // elements of an output beat; >= 1
  parameter int OUT_LANES = 3
) (
  input  logic                       aclk,
  input  logic                       aresetn,
  input  logic [IN_LANES*WIDTH-1:0]  s_axis_tdata,
  input  logic                       s_axis_tvalid,
  output logic                       s_axis_tready,
  input  logic                       s_axis_tlast,
  output logic [OUT_LANES*WIDTH-1:0] m_axis_tdata,
  output logic                       m_axis_tvalid,
  input  logic                       m_axis_tready,
  output logic                       m_axis_tlast
);
  generate
    if (WIDTH < 1 || ELEMENTS < 1 || IN_LANES < 1 || OUT_LANES < 1) begin : gen_illegal
      axis_resize_needs_sizes_of_1_or_more stop ();
    end
  endgenerate

  function automatic int gcd(input int a, input int b);
    int x;
    int y;
    int t;
    x = a;
    y = b;
    while (y != 0) begin
      t = x % y;
      x = y;
      y = t;
    end
    gcd = x;
  endfunction

  localparam int UNIT = gcd(IN_LANES, OUT_LANES);
  localparam int IN = IN_LANES / UNIT;    // units of an input beat
  localparam int OUT = OUT_LANES / UNIT;  // units of an output beat
  localparam int IN_BEATS = (ELEMENTS + IN_LANES - 1) / IN_LANES;
  localparam int OUT_BEATS = (ELEMENTS + OUT_LANES - 1) / OUT_LANES;
  localparam int LAST = OUT_BEATS * OUT - (IN_BEATS - 1) * IN;  // units the last input beat counts
  localparam int MOST = IN <= OUT ? OUT : OUT - 1;              // units that may remain in front
  localparam int PLACES = ((MOST + IN + OUT - 1) / OUT) * OUT;  // units of the buffer
  localparam int COUNT = $clog2(PLACES + 1);
  localparam int BITS = UNIT * WIDTH;
  localparam int BEAT = OUT_BEATS < 2 ? 1 : $clog2(OUT_BEATS);

  logic [PLACES*BITS-1:0] buffer;
  logic [PLACES*BITS-1:0] rest_data;
  logic [PLACES*BITS-1:0] next_data;
  logic [COUNT-1:0] held;
  logic [COUNT-1:0] rest;
  logic [BEAT-1:0] beat;
  logic awake;
  logic accept;
  logic emit;

  assign m_axis_tdata = buffer[OUT*BITS-1:0];
  assign m_axis_tvalid = held >= COUNT'(OUT);
  assign m_axis_tlast = beat == BEAT'(OUT_BEATS - 1);
  assign emit = m_axis_tvalid && m_axis_tready;
  assign s_axis_tready = awake && rest <= COUNT'(MOST);
  assign accept = s_axis_tvalid && s_axis_tready;

  assign rest = emit ? held - COUNT'(OUT) : held;
  assign rest_data = emit ? buffer >> (OUT * BITS) : buffer;

  always_comb begin
    next_data = rest_data;
    for (int place = 0; place <= MOST; place = place + 1) begin
      if (accept && rest == COUNT'(place)) next_data[place*BITS +: IN*BITS] = s_axis_tdata;
    end
  end

  always_ff @(posedge aclk) begin
    buffer <= next_data;

    awake <= 1'b1;
    held <= rest;
    if (accept) held <= rest + (s_axis_tlast ? COUNT'(LAST) : COUNT'(IN));
    if (emit) beat <= m_axis_tlast ? '0 : beat + 1'b1;
    if (!aresetn) begin
      awake <= 1'b0;
      held <= '0;
      beat <= '0;
    end
  end
endmodule

`default_nettype wire
