// SPDX-License-Identifier: MIT-0
// A fork and a join as one stream cell: an element of the input holds one of each side, b above a.
// A queue stands on each side, behind one of them a pipe, so that this side comes later. A pipe that
// stalls is full or has bubbles: this side has room for less or for more than the other, and either
// queue gets full before the other and lets the fork wait.
`default_nettype none

module join_stream #(
  parameter KIND = "add",
  parameter int LANES = 4,
  parameter int IN0_WIDTH = 8,
  parameter IN0_TYPE = "signed",
  parameter logic signed [63:0] IN0_ZERO = 64'sd0,
  parameter int IN1_WIDTH = 8,
  parameter IN1_TYPE = "signed",
  parameter logic signed [63:0] IN1_ZERO = 64'sd0,
  parameter int MUL_WIDTH = 1,
  parameter logic [39:0] MUL0 = 40'd1,
  parameter logic [39:0] MUL1 = 40'd1,
  parameter int SHIFT0 = 31,
  parameter int SHIFT1 = 31,
  parameter int SUM_MUL_WIDTH = 0,
  parameter logic [39:0] SUM_MUL = 40'd1,
  parameter int SHIFT = 0,
  parameter logic signed [63:0] ZERO = 64'sd0,
  parameter int OUT_WIDTH = 8,
  parameter OUT_TYPE = "signed",
  parameter ROUNDING = "half_even",
  parameter OVERFLOW = "saturate",
  // side with the pipe: 0 or 1
  parameter int LATE = 0
) (
  input  logic                                   aclk,
  input  logic                                   aresetn,
  input  logic [LANES*(IN0_WIDTH+IN1_WIDTH)-1:0] s_axis_tdata,
  input  logic                                   s_axis_tvalid,
  output logic                                   s_axis_tready,
  input  logic                                   s_axis_tlast,
  output logic [LANES*OUT_WIDTH-1:0]             m_axis_tdata,
  output logic                                   m_axis_tvalid,
  input  logic                                   m_axis_tready,
  output logic                                   m_axis_tlast
);
  localparam int BOTH = IN0_WIDTH + IN1_WIDTH;
  localparam int WIDTH = LANES * BOTH;
  localparam int STAGES = 5;
  // beats: the other side's must last until the first is through the pipe
  localparam int LATE_DEPTH = 4;
  localparam int OTHER_DEPTH = 8;

  logic [2*WIDTH-1:0] forked;
  logic [1:0] forked_valid;
  logic [1:0] forked_ready;
  logic [1:0] forked_last;
  logic [2*WIDTH-1:0] queued;
  logic [1:0] queued_valid;
  logic [1:0] queued_ready;
  logic [1:0] queued_last;
  logic [WIDTH-1:0] late;
  logic late_valid, late_ready, late_last, advance;
  logic [WIDTH-1:0] left;
  logic left_valid, left_ready, left_last;
  logic [WIDTH-1:0] right;
  logic right_valid, right_ready, right_last;
  logic [LANES*IN0_WIDTH-1:0] a;
  logic [LANES*IN1_WIDTH-1:0] b;

  axis_fork #(.WIDTH(WIDTH), .READERS(2)) split (
    .aclk(aclk), .aresetn(aresetn),
    .s_axis_tdata(s_axis_tdata), .s_axis_tvalid(s_axis_tvalid), .s_axis_tready(s_axis_tready),
    .s_axis_tlast(s_axis_tlast),
    .m_axis_tdata(forked), .m_axis_tvalid(forked_valid), .m_axis_tready(forked_ready),
    .m_axis_tlast(forked_last)
  );
  axis_fifo #(.WIDTH(WIDTH), .DEPTH(LATE == 0 ? LATE_DEPTH : OTHER_DEPTH)) queue0 (
    .aclk(aclk), .aresetn(aresetn),
    .s_axis_tdata(forked[WIDTH-1:0]), .s_axis_tvalid(forked_valid[0]),
    .s_axis_tready(forked_ready[0]), .s_axis_tlast(forked_last[0]),
    .m_axis_tdata(queued[WIDTH-1:0]), .m_axis_tvalid(queued_valid[0]),
    .m_axis_tready(queued_ready[0]), .m_axis_tlast(queued_last[0])
  );
  axis_fifo #(.WIDTH(WIDTH), .DEPTH(LATE == 0 ? OTHER_DEPTH : LATE_DEPTH)) queue1 (
    .aclk(aclk), .aresetn(aresetn),
    .s_axis_tdata(forked[2*WIDTH-1:WIDTH]), .s_axis_tvalid(forked_valid[1]),
    .s_axis_tready(forked_ready[1]), .s_axis_tlast(forked_last[1]),
    .m_axis_tdata(queued[2*WIDTH-1:WIDTH]), .m_axis_tvalid(queued_valid[1]),
    .m_axis_tready(queued_ready[1]), .m_axis_tlast(queued_last[1])
  );
  axis_pipe #(.STAGES(STAGES)) stages (
    .aclk(aclk), .aresetn(aresetn),
    .s_axis_tvalid(queued_valid[LATE]), .s_axis_tready(queued_ready[LATE]),
    .s_axis_tlast(queued_last[LATE]),
    .m_axis_tvalid(late_valid), .m_axis_tready(late_ready), .m_axis_tlast(late_last),
    .advance(advance)
  );
  fixed_delay #(.WIDTH(WIDTH), .STAGES(STAGES)) beats (
    .aclk(aclk), .enable(advance), .d(queued[LATE*WIDTH +: WIDTH]), .q(late)
  );

  generate
    if (LATE == 0) begin : gen_left_late
      assign {left, left_valid, left_last} = {late, late_valid, late_last};
      assign late_ready = left_ready;
      assign right = queued[2*WIDTH-1:WIDTH];
      assign right_valid = queued_valid[1];
      assign right_last = queued_last[1];
      assign queued_ready[1] = right_ready;
    end else begin : gen_right_late
      assign {right, right_valid, right_last} = {late, late_valid, late_last};
      assign late_ready = right_ready;
      assign left = queued[WIDTH-1:0];
      assign left_valid = queued_valid[0];
      assign left_last = queued_last[0];
      assign queued_ready[0] = left_ready;
    end

    for (genvar lane = 0; lane < LANES; lane = lane + 1) begin : gen_lane
      assign a[lane*IN0_WIDTH +: IN0_WIDTH] = left[lane*BOTH +: IN0_WIDTH];
      assign b[lane*IN1_WIDTH +: IN1_WIDTH] = right[lane*BOTH+IN0_WIDTH +: IN1_WIDTH];
    end

    if (80'(KIND) == 80'("mul")) begin : gen_mul
      fixed_mul #(
        .LANES(LANES), .IN0_WIDTH(IN0_WIDTH), .IN0_TYPE(IN0_TYPE), .IN0_ZERO(IN0_ZERO),
        .IN1_WIDTH(IN1_WIDTH), .IN1_TYPE(IN1_TYPE), .IN1_ZERO(IN1_ZERO),
        .MUL_WIDTH(MUL_WIDTH > 1 ? MUL_WIDTH : 0), .MUL(MUL0),
        .SHIFT(SHIFT), .ZERO(ZERO), .OUT_WIDTH(OUT_WIDTH), .OUT_TYPE(OUT_TYPE),
        .ROUNDING(ROUNDING), .OVERFLOW(OVERFLOW)
      ) join_mul (
        .aclk(aclk), .aresetn(aresetn),
        .s0_axis_tdata(a), .s0_axis_tvalid(left_valid), .s0_axis_tready(left_ready),
        .s0_axis_tlast(left_last),
        .s1_axis_tdata(b), .s1_axis_tvalid(right_valid), .s1_axis_tready(right_ready),
        .s1_axis_tlast(right_last),
        .m_axis_tdata(m_axis_tdata), .m_axis_tvalid(m_axis_tvalid), .m_axis_tready(m_axis_tready),
        .m_axis_tlast(m_axis_tlast)
      );
    end else begin : gen_add
      fixed_add #(
        .LANES(LANES), .IN0_WIDTH(IN0_WIDTH), .IN0_TYPE(IN0_TYPE), .IN0_ZERO(IN0_ZERO),
        .IN1_WIDTH(IN1_WIDTH), .IN1_TYPE(IN1_TYPE), .IN1_ZERO(IN1_ZERO),
        .SUBTRACT(80'(KIND) == 80'("sub") ? 1 : 0), .MUL_WIDTH(MUL_WIDTH), .MUL0(MUL0),
        .MUL1(MUL1), .SHIFT0(SHIFT0), .SHIFT1(SHIFT1), .SUM_MUL_WIDTH(SUM_MUL_WIDTH),
        .SUM_MUL(SUM_MUL), .SHIFT(SHIFT), .ZERO(ZERO), .OUT_WIDTH(OUT_WIDTH), .OUT_TYPE(OUT_TYPE),
        .ROUNDING(ROUNDING), .OVERFLOW(OVERFLOW)
      ) join_add (
        .aclk(aclk), .aresetn(aresetn),
        .s0_axis_tdata(a), .s0_axis_tvalid(left_valid), .s0_axis_tready(left_ready),
        .s0_axis_tlast(left_last),
        .s1_axis_tdata(b), .s1_axis_tvalid(right_valid), .s1_axis_tready(right_ready),
        .s1_axis_tlast(right_last),
        .m_axis_tdata(m_axis_tdata), .m_axis_tvalid(m_axis_tvalid), .m_axis_tready(m_axis_tready),
        .m_axis_tlast(m_axis_tlast)
      );
    end
  endgenerate
endmodule

`default_nettype wire
