// SPDX-License-Identifier: MIT-0
// axis_concat of one input or of two: an element that the solver picks, of either, leaves in its
// beat and lane; valid and ready are the functions of the elements held that the header gives.
`default_nettype none

module prove #(
  parameter int WIDTH = 1,
  parameter int LANES = 2,
  // elements of a group of each input; INPUTS = 1: the first alone
  parameter int INPUTS = 2,
  parameter int FIRST = 3,
  parameter int SECOND = 2,
  // groups of each in a frame
  parameter int GROUPS = 1,
  parameter int OUT_ELEMENTS = 5
) (
  input logic                          aclk,
  input logic                          aresetn,
  input logic [INPUTS*LANES*WIDTH-1:0] s_axis_tdata,
  input logic [INPUTS-1:0]             s_axis_tvalid,
  input logic [INPUTS-1:0]             s_axis_tlast,
  input logic                          m_axis_tready
);
  localparam int BOTH = FIRST + (INPUTS > 1 ? SECOND : 0);
  localparam int OUT_GROUPS = GROUPS * BOTH / OUT_ELEMENTS;
  localparam int OB = (OUT_ELEMENTS + LANES - 1) / LANES;  // beats of an output group
  localparam int LAST = OUT_ELEMENTS - (OB - 1) * LANES;

  (* anyseq *) logic pick;
  (* anyseq *) logic [7:0] lane;  // of the picked beat
  logic [LANES*WIDTH-1:0] m_axis_tdata;
  logic [INPUTS-1:0] s_axis_tready;
  logic m_axis_tvalid;
  logic m_axis_tlast;
  logic begun;
  logic stalled;
  (* keep *) logic [3:0] reached;

  axis_concat #(
    .WIDTH(WIDTH), .LANES(LANES), .INPUTS(INPUTS), .ELEMENTS((INPUTS*32)'({32'(SECOND), 32'(FIRST)})),
    .OUT_ELEMENTS(OUT_ELEMENTS), .OUT_GROUPS(OUT_GROUPS)
  ) dut (
    .aclk(aclk), .aresetn(aresetn),
    .s_axis_tdata(s_axis_tdata), .s_axis_tvalid(s_axis_tvalid), .s_axis_tready(s_axis_tready),
    .s_axis_tlast(s_axis_tlast),
    .m_axis_tdata(m_axis_tdata), .m_axis_tvalid(m_axis_tvalid), .m_axis_tready(m_axis_tready),
    .m_axis_tlast(m_axis_tlast)
  );

  output_law #(.WIDTH(LANES*WIDTH + 1)) law (
    .aclk(aclk), .aresetn(aresetn), .s_axis_tready(|s_axis_tready), .m_axis_tvalid(m_axis_tvalid),
    .m_axis_tready(m_axis_tready), .m_axis({m_axis_tlast, m_axis_tdata}), .begun(begun),
    .stalled(stalled)
  );

  // ---- the inputs

  logic [INPUTS*8-1:0] beats;  // of the beat that each offers, in its frame
  generate
    for (genvar i = 0; i < INPUTS; i = i + 1) begin : gen_source
      localparam int SIZE = i == 0 ? FIRST : SECOND;
      source_law #(.WIDTH(LANES*WIDTH), .BEATS(GROUPS * ((SIZE + LANES - 1) / LANES))) source (
        .aclk(aclk), .aresetn(aresetn), .tdata(s_axis_tdata[i*LANES*WIDTH +: LANES*WIDTH]),
        .tvalid(s_axis_tvalid[i]), .tready(s_axis_tready[i]), .tlast(s_axis_tlast[i]),
        .beat(beats[i*8 +: 8])
      );
    end
  endgenerate

  logic turn;            // the input whose group it is
  logic [7:0] size;      // elements of its group
  logic [7:0] in_beat;   // of the beat in its group
  logic [7:0] group;     // of the frame
  logic [7:0] used;      // elements of the beat
  logic group_end;
  logic enter;
  logic [LANES*WIDTH-1:0] data;

  assign size = turn ? 8'(SECOND) : 8'(FIRST);
  assign in_beat = 8'(beats >> (turn * 8)) % ((size + 8'(LANES - 1)) / 8'(LANES));
  assign group = 8'(beats >> (turn * 8)) / ((size + 8'(LANES - 1)) / 8'(LANES));
  assign group_end = (in_beat + 8'd1) * 8'(LANES) >= size;
  assign used = group_end ? size - in_beat * 8'(LANES) : 8'(LANES);
  assign enter = 1'(s_axis_tvalid >> turn) && 1'(s_axis_tready >> turn);
  assign data = (LANES*WIDTH)'(s_axis_tdata >> (turn * (LANES * WIDTH)));

  // ---- what is held, and the picked element

  logic awake;
  logic leave;
  logic [7:0] held;       // elements
  logic [7:0] need;
  logic [7:0] rest;
  logic [7:0] frames;     // begun at the inputs, not ended at m_axis
  logic [7:0] out_beat;   // of the frame
  logic [7:0] element;    // the picked one's place in the output frame
  logic watching;
  logic [7:0] ahead;      // output beats before its own
  logic [7:0] out_lane;
  logic [WIDTH-1:0] value;
  logic seen;
  logic full;
  logic begins;

  assign leave = m_axis_tvalid && m_axis_tready;
  assign need = out_beat % 8'(OB) == 8'(OB - 1) ? 8'(LAST) : 8'(LANES);
  assign rest = leave ? held - need : held;
  assign element = group * 8'(BOTH) + (turn ? 8'(FIRST) : 8'd0) + in_beat * 8'(LANES) + lane;
  assign begins = enter && !turn && group == 0 && in_beat == 0;

  always_ff @(posedge aclk) begin
    awake <= aresetn;
    held <= enter ? rest + used : rest;
    if (enter && group_end) turn <= INPUTS > 1 && !turn;
    frames <= frames + 8'(begins) - 8'(leave && m_axis_tlast);
    if (leave) out_beat <= m_axis_tlast ? '0 : out_beat + 1'b1;
    if (leave) ahead <= ahead - 1'b1;
    if (leave && watching && ahead == 0) begin
      watching <= 1'b0;
      seen <= 1'b1;
    end
    if (enter && pick && !watching && lane < used) begin
      watching <= 1'b1;
      ahead <= (frames + 8'(begins) - 8'd1) * 8'(OB * OUT_GROUPS) + element / 8'(OUT_ELEMENTS) * 8'(OB) +
          element % 8'(OUT_ELEMENTS) / 8'(LANES) - out_beat - 8'(leave);
      out_lane <= element % 8'(OUT_ELEMENTS) % 8'(LANES);
      value <= WIDTH'(data >> (lane * WIDTH));
    end
    if (!enter && |s_axis_tvalid) full <= 1'b1;
    if (!aresetn) begin
      held <= '0;
      turn <= 1'b0;
      frames <= '0;
      out_beat <= '0;
      watching <= 1'b0;
      seen <= 1'b0;
      full <= 1'b0;
    end
  end

  always @(posedge aclk) begin
    if (begun && aresetn && awake) begin
      assert (m_axis_tvalid == (held >= need));
      assert (s_axis_tready == INPUTS'({1'b0, rest <= 8'(LANES)} << turn));
      assert (m_axis_tvalid || |s_axis_tready);
      if (m_axis_tvalid) assert (m_axis_tlast == (out_beat == 8'(OB * OUT_GROUPS - 1)));
      if (m_axis_tvalid) assert (frames != 0);
      if (watching && ahead == 0 && m_axis_tvalid) begin
        assert (WIDTH'(m_axis_tdata >> (out_lane * WIDTH)) == value);
      end
    end
  end

  assign reached = {4{begun && aresetn}} &
      {stalled, seen && full && held == 0, full, seen && m_axis_tvalid && m_axis_tlast};
endmodule

`default_nettype wire
