// SPDX-License-Identifier: MIT-0
// fixed_argmax: one beat per frame, in order, and of a frame that the solver picks it is the index
// of the largest element, or of the least, the lowest index of equals.
`default_nettype none

module prove #(
  parameter int ELEMENTS = 3,
  parameter int LANES = 2,
  parameter int WIDTH = 2,
  parameter int INDEX = 2,
  parameter IN_TYPE = "signed",
  parameter int LEAST = 0
) (
  input logic                   aclk,
  input logic                   aresetn,
  input logic [LANES*WIDTH-1:0] s_axis_tdata,
  input logic                   s_axis_tvalid,
  input logic                   s_axis_tlast,
  input logic                   m_axis_tready
);
  localparam int BEATS = (ELEMENTS + LANES - 1) / LANES;
  localparam int STAGES = 1 + $clog2(LANES);

  logic [INDEX-1:0] m_axis_tdata;
  logic s_axis_tready;
  logic m_axis_tvalid;
  logic m_axis_tlast;
  logic [7:0] in_beat;
  logic [7:0] held;
  logic awake;
  (* keep *) logic [3:0] reached;

  fixed_argmax #(
    .ELEMENTS(ELEMENTS), .LANES(LANES), .WIDTH(WIDTH), .IN_TYPE(IN_TYPE), .LEAST(LEAST),
    .OUT_WIDTH(INDEX)
  ) dut (
    .aclk(aclk), .aresetn(aresetn),
    .s_axis_tdata(s_axis_tdata), .s_axis_tvalid(s_axis_tvalid), .s_axis_tready(s_axis_tready),
    .s_axis_tlast(s_axis_tlast),
    .m_axis_tdata(m_axis_tdata), .m_axis_tvalid(m_axis_tvalid), .m_axis_tready(m_axis_tready),
    .m_axis_tlast(m_axis_tlast)
  );
  source_law #(.WIDTH(LANES*WIDTH), .BEATS(BEATS)) source (
    .aclk(aclk), .aresetn(aresetn), .tdata(s_axis_tdata), .tvalid(s_axis_tvalid),
    .tready(s_axis_tready), .tlast(s_axis_tlast), .beat(in_beat)
  );

  // the best of the frame up to this beat, one element after the other
  logic signed [WIDTH:0] best_before;
  logic [INDEX-1:0] found_before;
  logic signed [WIDTH:0] best;
  logic signed [WIDTH:0] element;
  logic [INDEX-1:0] found;

  always_comb begin
    best = best_before;
    found = found_before;
    element = '0;
    for (int lane = 0; lane < LANES; lane = lane + 1) begin
      element = $signed({s_axis_tdata[lane*WIDTH + WIDTH - 1], s_axis_tdata[lane*WIDTH +: WIDTH]});
      if (80'(IN_TYPE) == 80'("unsigned")) element[WIDTH] = 1'b0;
      if (in_beat * LANES + lane < ELEMENTS &&
          ((in_beat == 0 && lane == 0) || (LEAST != 0 ? element < best : element > best))) begin
        best = element;
        found = INDEX'(in_beat * LANES + lane);
      end
    end
  end
  always_ff @(posedge aclk) begin
    awake <= aresetn;
    if (s_axis_tvalid && s_axis_tready) begin
      best_before <= best;
      found_before <= found;
    end
  end

  // a frame counts from its last beat on
  stream_law #(
    .WIDTH(INDEX + 1), .CAPACITY((STAGES + BEATS - 1) / BEATS), .OFFERED_WITHIN(STAGES - 1), .TAKEN_WITHIN(1)
  ) law (
    .aclk(aclk), .aresetn(aresetn),
    .s_axis_tvalid(s_axis_tvalid && s_axis_tlast), .s_axis_tready(s_axis_tready),
    .result({1'b1, found}),
    .m_axis_tvalid(m_axis_tvalid), .m_axis_tready(m_axis_tready),
    .m_axis({m_axis_tlast, m_axis_tdata}), .held(held), .reached(reached)
  );

  always @(posedge aclk) begin
    if (aresetn && awake) assert (s_axis_tready == (!m_axis_tvalid || m_axis_tready));
  end
endmodule

`default_nettype wire
