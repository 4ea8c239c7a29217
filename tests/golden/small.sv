// SPDX-License-Identifier: MIT-0
// small: 7 -> 1. II 6 cycles, latency 41 cycles, 13 multipliers.
//
//   l0_linear            7 -> 5      6,3
//   l1_tanh              5 -> 5      6,3
//   l2_linear            5 -> 3      u6 scale 0.1 zero 9
//   l3_argmax            3 -> 1      u2,0
//
// Streams are AXI4-Stream without TKEEP: a beat carries the next elements of a frame (row, column,
// channel; channel fastest), the first in the low bits; TLAST is on a frame's last beat.
`default_nettype none

module small #(
  // folder of the memory images, as the tool that reads them sees it; ".": it
  // finds them by their bare names
  parameter ROM_DIR = "rom"
) (
  (* X_INTERFACE_INFO = "xilinx.com:signal:clock:1.0 aclk CLK" *)
  (* X_INTERFACE_PARAMETER = "ASSOCIATED_BUSIF s_axis:m_axis, ASSOCIATED_RESET aresetn" *)
  input  logic        aclk,
  (* X_INTERFACE_INFO = "xilinx.com:signal:reset:1.0 aresetn RST" *)
  (* X_INTERFACE_PARAMETER = "POLARITY ACTIVE_LOW" *)
  input  logic        aresetn,  // synchronous, active low
  // frame in: 3 beats of 3 elements of 6,3, 1 in the last
  input  logic [23:0] s_axis_tdata,
  input  logic        s_axis_tvalid,
  output logic        s_axis_tready,
  input  logic        s_axis_tlast,
  // frame out: 1 beat of 1 element of u2,0
  output logic  [7:0] m_axis_tdata,
  output logic        m_axis_tvalid,
  input  logic        m_axis_tready,
  output logic        m_axis_tlast,
  // a frame with a misplaced TLAST has come in; cleared by reset
  output logic        frame_error
);
  // what stands before an image's name
  localparam ROM = ROM_DIR == "." ? "" : {ROM_DIR, "/"};

`ifndef SYNTHESIS
  // synthesis translate_off
  small_rom_check #(.ROM(ROM)) rom_check ();
  // synthesis translate_on
`endif

  // frame: exact frames, whatever TLAST the source sends
  logic [17:0] frame_tdata;
  logic frame_tvalid, frame_tready, frame_tlast;

  axis_frame #(
    .WIDTH(18), .BEATS(3)
  ) frame (
    .aclk(aclk), .aresetn(aresetn),
    .s_axis_tdata(s_axis_tdata[17:0]), .s_axis_tvalid(s_axis_tvalid),
    .s_axis_tready(s_axis_tready), .s_axis_tlast(s_axis_tlast),
    .m_axis_tdata(frame_tdata), .m_axis_tvalid(frame_tvalid),
    .m_axis_tready(frame_tready), .m_axis_tlast(frame_tlast),
    .frame_error(frame_error)
  );

  // l0_linear: 7 -> 5, 6,3 -> 6,3, 6 cycles, 3 x 3 lanes, accumulator 11 bits
  logic [17:0] l0_tdata;
  logic l0_tvalid, l0_tready, l0_tlast;

  fixed_linear #(
    .IN_FEATURES(7), .OUT_FEATURES(5), .IN_LANES(3), .OUT_LANES(3),
    .IN_WIDTH(6), .IN_TYPE("signed"), .WEIGHT_WIDTH(5), .WEIGHT_TYPE("signed"),
    .BIAS_WIDTH(5), .ACC_WIDTH(11), .OUT_WIDTH(6), .OUT_TYPE("signed"), .SHIFT(2),
    .ROUNDING("half_even"), .OVERFLOW("saturate"),
    .QUEUE(16), .WEIGHT_FILE({ROM, "l0_weight"}), .BIAS_FILE({ROM, "l0_bias"})
  ) l0_linear (
    .aclk(aclk), .aresetn(aresetn),
    .s_axis_tdata(frame_tdata), .s_axis_tvalid(frame_tvalid),
    .s_axis_tready(frame_tready), .s_axis_tlast(frame_tlast),
    .m_axis_tdata(l0_tdata), .m_axis_tvalid(l0_tvalid),
    .m_axis_tready(l0_tready), .m_axis_tlast(l0_tlast)
  );

  // l1_tanh: 5 -> 5, 6,3 -> 6,3, 2 cycles
  logic [17:0] l1_tdata;
  logic l1_tvalid, l1_tready, l1_tlast;

  fixed_tanh #(
    .LANES(3), .IN_WIDTH(6), .OUT_WIDTH(6), .DEPTH(14), .ENTRY_WIDTH(3), .HIGH_SLOPE(0),
    .HIGH_OFFSET(64'sd8), .TABLE_FILE({ROM, "l1_table"})
  ) l1_tanh (
    .aclk(aclk), .aresetn(aresetn),
    .s_axis_tdata(l0_tdata), .s_axis_tvalid(l0_tvalid),
    .s_axis_tready(l0_tready), .s_axis_tlast(l0_tlast),
    .m_axis_tdata(l1_tdata), .m_axis_tvalid(l1_tvalid),
    .m_axis_tready(l1_tready), .m_axis_tlast(l1_tlast)
  );

  // l2_register: cuts the ready path
  logic [17:0] l2_register_tdata;
  logic l2_register_tvalid, l2_register_tready, l2_register_tlast;

  axis_register #(
    .WIDTH(18)
  ) l2_register (
    .aclk(aclk), .aresetn(aresetn),
    .s_axis_tdata(l1_tdata), .s_axis_tvalid(l1_tvalid),
    .s_axis_tready(l1_tready), .s_axis_tlast(l1_tlast),
    .m_axis_tdata(l2_register_tdata), .m_axis_tvalid(l2_register_tvalid),
    .m_axis_tready(l2_register_tready), .m_axis_tlast(l2_register_tlast)
  );

  // l2_resize: lanes to lanes
  logic [11:0] l2_resize_tdata;
  logic l2_resize_tvalid, l2_resize_tready, l2_resize_tlast;

  axis_resize #(
    .WIDTH(6), .ELEMENTS(5), .IN_LANES(3), .OUT_LANES(2)
  ) l2_resize (
    .aclk(aclk), .aresetn(aresetn),
    .s_axis_tdata(l2_register_tdata), .s_axis_tvalid(l2_register_tvalid),
    .s_axis_tready(l2_register_tready), .s_axis_tlast(l2_register_tlast),
    .m_axis_tdata(l2_resize_tdata), .m_axis_tvalid(l2_resize_tvalid),
    .m_axis_tready(l2_resize_tready), .m_axis_tlast(l2_resize_tlast)
  );

  // l2_linear: 5 -> 3, 6,3 -> u6 scale 0.1 zero 9, 6 cycles, 2 x 2 lanes, accumulator 9 bits
  logic [11:0] l2_tdata;
  logic l2_tvalid, l2_tready, l2_tlast;

  fixed_linear #(
    .IN_FEATURES(5), .OUT_FEATURES(3), .IN_LANES(2), .OUT_LANES(2),
    .IN_WIDTH(6), .IN_TYPE("signed"), .WEIGHT_WIDTH(5), .WEIGHT_TYPE("signed"),
    .BIAS_WIDTH(1), .ACC_WIDTH(9), .OUT_WIDTH(6), .OUT_TYPE("unsigned"), .MUL_WIDTH(31),
    .MUL(40'd1342177280), .SHIFT(32), .ZERO(64'sd9), .ROUNDING("half_even"),
    .OVERFLOW("saturate"),
    .QUEUE(16), .WEIGHT_FILE({ROM, "l2_weight"}), .BIAS_FILE({ROM, "l2_bias"})
  ) l2_linear (
    .aclk(aclk), .aresetn(aresetn),
    .s_axis_tdata(l2_resize_tdata), .s_axis_tvalid(l2_resize_tvalid),
    .s_axis_tready(l2_resize_tready), .s_axis_tlast(l2_resize_tlast),
    .m_axis_tdata(l2_tdata), .m_axis_tvalid(l2_tvalid),
    .m_axis_tready(l2_tready), .m_axis_tlast(l2_tlast)
  );

  // l3_argmax: 3 -> 1, u6 scale 0.1 zero 9 -> u2,0, 2 cycles
  logic [1:0] l3_tdata;
  logic l3_tvalid, l3_tready, l3_tlast;

  fixed_argmax #(
    .ELEMENTS(3), .LANES(2), .WIDTH(6), .IN_TYPE("unsigned"), .OUT_WIDTH(2)
  ) l3_argmax (
    .aclk(aclk), .aresetn(aresetn),
    .s_axis_tdata(l2_tdata), .s_axis_tvalid(l2_tvalid),
    .s_axis_tready(l2_tready), .s_axis_tlast(l2_tlast),
    .m_axis_tdata(l3_tdata), .m_axis_tvalid(l3_tvalid),
    .m_axis_tready(l3_tready), .m_axis_tlast(l3_tlast)
  );

  assign m_axis_tdata = {6'd0, l3_tdata};
  assign m_axis_tvalid = l3_tvalid;
  assign l3_tready = m_axis_tready;
  assign m_axis_tlast = l3_tlast;

  // TDATA comes in whole bytes
  logic unused_tdata;
  assign unused_tdata = &{1'b0, s_axis_tdata[23:18]};
endmodule

`default_nettype wire
