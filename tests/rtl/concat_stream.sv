// SPDX-License-Identifier: MIT-0
// axis_concat as one stream cell: a fork, and for each reader a copy of the frame whose elements
// are changed by the reader's number, taken apart into groups (axis_concat of one input), queued,
// and put together again, a group of each in turn.
`default_nettype none

module concat_stream #(
  parameter int WIDTH = 8,
  parameter int LANES = 4,
  parameter int ELEMENTS = 10,
  parameter int GROUPS = 1,
  parameter int INPUTS = 2
) (
  input  logic                   aclk,
  input  logic                   aresetn,
  input  logic [LANES*WIDTH-1:0] s_axis_tdata,
  input  logic                   s_axis_tvalid,
  output logic                   s_axis_tready,
  input  logic                   s_axis_tlast,
  output logic [LANES*WIDTH-1:0] m_axis_tdata,
  output logic                   m_axis_tvalid,
  input  logic                   m_axis_tready,
  output logic                   m_axis_tlast
);
  localparam int BEAT = LANES * WIDTH;
  localparam int SIZE = ELEMENTS / GROUPS;

  logic [INPUTS*BEAT-1:0] forked, grouped, queued;
  logic [INPUTS-1:0] forked_valid, forked_ready, forked_last;
  logic [INPUTS-1:0] grouped_valid, grouped_ready, grouped_last;
  logic [INPUTS-1:0] queued_valid, queued_ready, queued_last;

  generate
    if (INPUTS > 1) begin : gen_fork
      axis_fork #(.WIDTH(BEAT), .READERS(INPUTS)) split (
        .aclk(aclk), .aresetn(aresetn),
        .s_axis_tdata(s_axis_tdata), .s_axis_tvalid(s_axis_tvalid),
        .s_axis_tready(s_axis_tready), .s_axis_tlast(s_axis_tlast),
        .m_axis_tdata(forked), .m_axis_tvalid(forked_valid), .m_axis_tready(forked_ready),
        .m_axis_tlast(forked_last)
      );
    end else begin : gen_single
      assign forked = s_axis_tdata;
      assign forked_valid = s_axis_tvalid;
      assign forked_last = s_axis_tlast;
      assign s_axis_tready = forked_ready;
    end

    for (genvar i = 0; i < INPUTS; i = i + 1) begin : gen_input
      axis_concat #(
        .WIDTH(WIDTH), .LANES(LANES), .INPUTS(1), .ELEMENTS(32'(ELEMENTS)), .OUT_ELEMENTS(SIZE),
        .OUT_GROUPS(GROUPS)
      ) group (
        .aclk(aclk), .aresetn(aresetn),
        .s_axis_tdata(forked[i*BEAT +: BEAT] ^ {LANES{WIDTH'(i)}}), .s_axis_tvalid(forked_valid[i]),
        .s_axis_tready(forked_ready[i]), .s_axis_tlast(forked_last[i]),
        .m_axis_tdata(grouped[i*BEAT +: BEAT]), .m_axis_tvalid(grouped_valid[i]),
        .m_axis_tready(grouped_ready[i]), .m_axis_tlast(grouped_last[i])
      );
      axis_fifo #(.WIDTH(BEAT), .DEPTH(32)) queue (
        .aclk(aclk), .aresetn(aresetn),
        .s_axis_tdata(grouped[i*BEAT +: BEAT]), .s_axis_tvalid(grouped_valid[i]),
        .s_axis_tready(grouped_ready[i]), .s_axis_tlast(grouped_last[i]),
        .m_axis_tdata(queued[i*BEAT +: BEAT]), .m_axis_tvalid(queued_valid[i]),
        .m_axis_tready(queued_ready[i]), .m_axis_tlast(queued_last[i])
      );
    end
  endgenerate

  axis_concat #(
    .WIDTH(WIDTH), .LANES(LANES), .INPUTS(INPUTS), .ELEMENTS({INPUTS{32'(SIZE)}}),
    .OUT_ELEMENTS(INPUTS * ELEMENTS), .OUT_GROUPS(1)
  ) concat (
    .aclk(aclk), .aresetn(aresetn),
    .s_axis_tdata(queued), .s_axis_tvalid(queued_valid), .s_axis_tready(queued_ready),
    .s_axis_tlast(queued_last),
    .m_axis_tdata(m_axis_tdata), .m_axis_tvalid(m_axis_tvalid), .m_axis_tready(m_axis_tready),
    .m_axis_tlast(m_axis_tlast)
  );
endmodule

`default_nettype wire
