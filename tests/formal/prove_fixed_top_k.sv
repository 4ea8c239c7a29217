// SPDX-License-Identifier: MIT-0
// fixed_top_k: one beat per frame, in order, and of a frame that the solver picks it has the indices
// of the K largest elements: each index is that of an element which as many others go before as
// stand before it, the larger ones and, of equals, those of lower index.
`default_nettype none

module prove #(
  parameter int ELEMENTS = 3,
  parameter int K = 2,
  parameter int WIDTH = 2,
  parameter int INDEX = 2,
  parameter IN_TYPE = "signed"
) (
  input logic             aclk,
  input logic             aresetn,
  input logic [WIDTH-1:0] s_axis_tdata,
  input logic             s_axis_tvalid,
  input logic             s_axis_tlast,
  input logic             m_axis_tready
);
  logic [K*INDEX-1:0] m_axis_tdata;
  logic s_axis_tready;
  logic m_axis_tvalid;
  logic m_axis_tlast;
  logic [7:0] in_beat;
  logic [7:0] held;
  logic awake;
  (* keep *) logic [3:0] reached;

  fixed_top_k #(
    .ELEMENTS(ELEMENTS), .K(K), .WIDTH(WIDTH), .IN_TYPE(IN_TYPE), .OUT_WIDTH(INDEX)
  ) dut (
    .aclk(aclk), .aresetn(aresetn),
    .s_axis_tdata(s_axis_tdata), .s_axis_tvalid(s_axis_tvalid), .s_axis_tready(s_axis_tready),
    .s_axis_tlast(s_axis_tlast),
    .m_axis_tdata(m_axis_tdata), .m_axis_tvalid(m_axis_tvalid), .m_axis_tready(m_axis_tready),
    .m_axis_tlast(m_axis_tlast)
  );
  source_law #(.WIDTH(WIDTH), .BEATS(ELEMENTS)) source (
    .aclk(aclk), .aresetn(aresetn), .tdata(s_axis_tdata), .tvalid(s_axis_tvalid),
    .tready(s_axis_tready), .tlast(s_axis_tlast), .beat(in_beat)
  );

  // the elements of the frame so far, by index, and with the one that comes
  logic [ELEMENTS*(WIDTH+1)-1:0] before;
  logic [ELEMENTS*(WIDTH+1)-1:0] element;
  logic [K*INDEX-1:0] found;
  logic [7:0] ahead;
  logic signed [WIDTH:0] own;
  logic signed [WIDTH:0] other;

  always_comb begin
    element = before;
    for (int i = 0; i < ELEMENTS; i = i + 1) begin
      if (in_beat == 8'(i)) begin
        element[i*(WIDTH+1) +: WIDTH+1] =
            {80'(IN_TYPE) == 80'("signed") && s_axis_tdata[WIDTH-1], s_axis_tdata};
      end
    end
    found = '0;
    ahead = '0;
    own = '0;
    other = '0;
    for (int i = 0; i < ELEMENTS; i = i + 1) begin
      ahead = '0;
      own = $signed(element[i*(WIDTH+1) +: WIDTH+1]);
      for (int k = 0; k < ELEMENTS; k = k + 1) begin
        other = $signed(element[k*(WIDTH+1) +: WIDTH+1]);
        if (other > own || (other == own && k < i)) ahead = ahead + 8'd1;
      end
      for (int k = 0; k < K; k = k + 1) begin
        if (ahead == 8'(k)) found[k*INDEX +: INDEX] = INDEX'(i);
      end
    end
  end
  always_ff @(posedge aclk) begin
    awake <= aresetn;
    if (s_axis_tvalid && s_axis_tready) before <= element;
  end

  // a frame counts from its last beat on
  stream_law #(.WIDTH(K*INDEX + 1), .CAPACITY(1), .OFFERED_WITHIN(0), .TAKEN_WITHIN(1)) law (
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
