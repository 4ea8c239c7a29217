// SPDX-License-Identifier: MIT-0
// The largest of a window in each lane: y = requant(max(n) - IN_ZERO), or max(n).
//
//     s_axis --> max --> [ subtract ] --> fixed_requant --> m_axis
//                 ^-> [ largest so far ]
//
// A window's beats come in a row, TLAST with the last (axis_window, GROUPS = BEATS); or, IN_H > 0, the
// image comes as it is, and windows don't overlap (fixed_partials). A beat leaves for each window,
// TLAST with the last of WINDOWS, which are a frame.
//
// LATENCY = 1 + (CAST ? 2 + (MUL_WIDTH > 0) + (ROUNDING is tflite) : 0) cycles from a window's last
// beat, 1 beat in per cycle. Control is that of fixed_pointwise.
`default_nettype none

module fixed_max_pool #(
  // elements of a beat; >= 1
  parameter int LANES = 4,
  // beats of a frame that leave; >= 1
  parameter int WINDOWS = 6,
  // of an image that comes as it is, otherwise 0: see fixed_tiles
  parameter int IN_H = 0,
  parameter int IN_W = 1,
  parameter int KERNEL_H = 1,
  parameter int KERNEL_W = 1,
  parameter int STRIDE_H = KERNEL_H,
  parameter int STRIDE_W = KERNEL_W,
  parameter int BEATS = 1,
  // bits of an input; its type: signed unsigned, and bipolar if CAST = 1; what stands for zero
  parameter int IN_WIDTH = 8,
  parameter IN_TYPE = "signed",
  parameter logic signed [63:0] IN_ZERO = 64'sd0,
  // 0: input and output types are equal, no requantisation; otherwise see fixed_requant
  parameter int CAST = 1,
  parameter int MUL_WIDTH = 0,
  parameter logic [39:0] MUL = 40'd1,
  parameter int SHIFT = 0,
  parameter logic signed [63:0] ZERO = 64'sd0,
  parameter int OUT_WIDTH = 8,
  parameter OUT_TYPE = "signed",
  parameter ROUNDING = "half_even",
  parameter OVERFLOW = "saturate"
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
  localparam int N = IN_WIDTH + 2;
  localparam int ACC_WIDTH = CAST != 0 ? N : OUT_WIDTH;

  logic [LANES*N-1:0] codes;
  logic [LANES*IN_WIDTH-1:0] best;     // so far
  logic [LANES*IN_WIDTH-1:0] largest;  // with this beat
  logic [LANES*ACC_WIDTH-1:0] result;
  logic fresh;  // the next beat begins a window
  logic ends;   // it is the window's last
  logic last_window;
  logic unused_advance;

  fixed_partials #(
    .WIDTH(LANES * IN_WIDTH), .WINDOWS(WINDOWS), .IN_H(IN_H), .IN_W(IN_W), .KERNEL_H(KERNEL_H),
    .KERNEL_W(KERNEL_W), .STRIDE_H(STRIDE_H), .STRIDE_W(STRIDE_W), .BEATS(BEATS)
  ) partials (
    .aclk(aclk), .aresetn(aresetn), .taken(s_axis_tvalid && s_axis_tready), .tlast(s_axis_tlast),
    .result(largest), .found(best), .fresh(fresh), .ends(ends), .last_window(last_window)
  );

  fixed_pointwise #(
    .LANES(LANES), .IN_WIDTH(IN_WIDTH), .IN_TYPE(IN_TYPE), .BIPOLAR(CAST), .ACC_WIDTH(ACC_WIDTH),
    .CAST(CAST), .MUL_WIDTH(MUL_WIDTH), .MUL(MUL), .SHIFT(SHIFT), .ZERO(ZERO),
    .OUT_WIDTH(OUT_WIDTH), .OUT_TYPE(OUT_TYPE), .ROUNDING(ROUNDING), .OVERFLOW(OVERFLOW)
  ) shell (
    .aclk(aclk), .aresetn(aresetn),
    .s_axis_tdata(s_axis_tdata), .s_axis_tvalid(s_axis_tvalid && ends),
    .s_axis_tready(s_axis_tready), .s_axis_tlast(last_window),
    .m_axis_tdata(m_axis_tdata), .m_axis_tvalid(m_axis_tvalid), .m_axis_tready(m_axis_tready),
    .m_axis_tlast(m_axis_tlast), .advance(unused_advance), .n(codes), .result(result)
  );

  generate
    for (genvar lane = 0; lane < LANES; lane = lane + 1) begin : gen_lane
      logic signed [N-1:0] code;
      logic signed [N-1:0] found;
      logic taller;

      fixed_integer #(.WIDTH(IN_WIDTH), .TYPE(IN_TYPE)) decode (
        .code(best[lane*IN_WIDTH +: IN_WIDTH]), .value(found)
      );

      assign code = codes[lane*N +: N];
      assign taller = fresh || code > found;
      assign largest[lane*IN_WIDTH +: IN_WIDTH] = taller ? s_axis_tdata[lane*IN_WIDTH +: IN_WIDTH] :
          best[lane*IN_WIDTH +: IN_WIDTH];
      assign result[lane*ACC_WIDTH +: ACC_WIDTH] =
          ACC_WIDTH'((taller ? code : found) - (CAST != 0 ? N'(IN_ZERO) : '0));
    end
  endgenerate
endmodule

`default_nettype wire
