// SPDX-License-Identifier: MIT-0
// axis_resize: an element that the solver picks leaves in its beat and lane; valid and ready are
// the functions of the elements held that the header gives.
`default_nettype none

module prove #(
  parameter int WIDTH = 1,
  parameter int ELEMENTS = 5,
  parameter int IN_LANES = 3,
  parameter int OUT_LANES = 2
) (
  input logic                      aclk,
  input logic                      aresetn,
  input logic [IN_LANES*WIDTH-1:0] s_axis_tdata,
  input logic                      s_axis_tvalid,
  input logic                      s_axis_tlast,
  input logic                      m_axis_tready
);
  localparam int IB = (ELEMENTS + IN_LANES - 1) / IN_LANES;
  localparam int OB = (ELEMENTS + OUT_LANES - 1) / OUT_LANES;
  localparam int LAST = OB * OUT_LANES - (IB - 1) * IN_LANES;
  localparam int MOST = IN_LANES <= OUT_LANES ? OUT_LANES : OUT_LANES - 1;

  (* anyseq *) logic pick;
  (* anyseq *) logic [7:0] lane;  // of the picked beat
  logic [OUT_LANES*WIDTH-1:0] m_axis_tdata;
  logic s_axis_tready;
  logic m_axis_tvalid;
  logic m_axis_tlast;
  logic begun;
  logic stalled;
  logic enter;
  logic leave;
  (* keep *) logic [3:0] reached;

  axis_resize #(
    .WIDTH(WIDTH), .ELEMENTS(ELEMENTS), .IN_LANES(IN_LANES), .OUT_LANES(OUT_LANES)
  ) dut (
    .aclk(aclk), .aresetn(aresetn),
    .s_axis_tdata(s_axis_tdata), .s_axis_tvalid(s_axis_tvalid), .s_axis_tready(s_axis_tready),
    .s_axis_tlast(s_axis_tlast),
    .m_axis_tdata(m_axis_tdata), .m_axis_tvalid(m_axis_tvalid), .m_axis_tready(m_axis_tready),
    .m_axis_tlast(m_axis_tlast)
  );

  logic [7:0] in_beat;
  source_law #(.WIDTH(IN_LANES*WIDTH), .BEATS(IB)) source (
    .aclk(aclk), .aresetn(aresetn), .tdata(s_axis_tdata), .tvalid(s_axis_tvalid),
    .tready(s_axis_tready), .tlast(s_axis_tlast), .beat(in_beat)
  );
  output_law #(.WIDTH(OUT_LANES*WIDTH + 1)) law (
    .aclk(aclk), .aresetn(aresetn), .s_axis_tready(s_axis_tready), .m_axis_tvalid(m_axis_tvalid),
    .m_axis_tready(m_axis_tready), .m_axis({m_axis_tlast, m_axis_tdata}), .begun(begun),
    .stalled(stalled)
  );

  logic awake;
  logic [7:0] held;      // elements
  logic [7:0] rest;
  logic [7:0] frames;    // ended at s_axis, not at m_axis
  logic [7:0] out_beat;
  logic [7:0] element;   // index of the picked one in its frame
  logic watching;
  logic [7:0] ahead;     // output beats before that of the picked element
  logic [7:0] out_lane;
  logic [WIDTH-1:0] value;
  logic seen;
  logic full;

  assign enter = s_axis_tvalid && s_axis_tready;
  assign leave = m_axis_tvalid && m_axis_tready;
  assign rest = leave ? held - 8'(OUT_LANES) : held;
  assign element = in_beat * IN_LANES + lane;

  always_ff @(posedge aclk) begin
    awake <= aresetn;
    held <= !enter ? rest : s_axis_tlast ? rest + 8'(LAST) : rest + 8'(IN_LANES);
    frames <= frames + 8'(enter && s_axis_tlast) - 8'(leave && m_axis_tlast);
    if (leave) out_beat <= m_axis_tlast ? '0 : out_beat + 1'b1;
    if (leave) ahead <= ahead - 1'b1;
    if (leave && watching && ahead == 0) begin
      watching <= 1'b0;
      seen <= 1'b1;
    end
    if (enter && pick && !watching && lane < IN_LANES && element < ELEMENTS) begin
      watching <= 1'b1;
      ahead <= frames * 8'(OB) + element / OUT_LANES - out_beat - 8'(leave);
      out_lane <= element % OUT_LANES;
      value <= WIDTH'(s_axis_tdata >> (lane * WIDTH));
    end
    if (!s_axis_tready) full <= 1'b1;
    if (!aresetn) begin
      held <= '0;
      frames <= '0;
      out_beat <= '0;
      watching <= 1'b0;
      seen <= 1'b0;
      full <= 1'b0;
    end
  end

  always @(posedge aclk) begin
    if (begun && aresetn && awake) begin
      assert (m_axis_tvalid == (held >= 8'(OUT_LANES)));
      assert (s_axis_tready == (rest <= 8'(MOST)));
      assert (m_axis_tvalid || s_axis_tready);
      if (m_axis_tvalid) assert (m_axis_tlast == (out_beat == 8'(OB - 1)));
      if (m_axis_tvalid && m_axis_tlast) assert (frames != 0);
      if (watching && ahead == 0 && m_axis_tvalid) begin
        assert (WIDTH'(m_axis_tdata >> (out_lane * WIDTH)) == value);
      end
    end
  end

  assign reached = {4{begun && aresetn}} &
      {stalled, seen && full && held == 0, full, seen && m_axis_tvalid && m_axis_tlast};
endmodule

`default_nettype wire
