// SPDX-License-Identifier: MIT-0
// axis_fork: from reset on every reader takes every beat once, unchanged, and never waits for
// another reader; the source's beat is gone when all have it.
`default_nettype none

module prove #(
  parameter int WIDTH = 2,
  parameter int READERS = 2
) (
  input logic               aclk,
  input logic               aresetn,
  input logic [WIDTH-1:0]   s_axis_tdata,
  input logic               s_axis_tvalid,
  input logic               s_axis_tlast,
  input logic [READERS-1:0] m_axis_tready
);
  (* anyconst *) logic [7:0] reader;  // that the solver picks

  logic [READERS*WIDTH-1:0] m_axis_tdata;
  logic [READERS-1:0] m_axis_tvalid;
  logic [READERS-1:0] m_axis_tlast;
  logic s_axis_tready;
  logic valid, ready, last;           // of that reader
  logic [WIDTH-1:0] data;
  logic begun, was_reset;
  logic stays;                        // the source has offered what it must go on offering
  logic waits;                        // likewise the fork to the reader
  logic [WIDTH:0] before;
  logic has;                          // the reader has the beat that the source offers
  (* keep *) logic [3:0] reached;

  axis_fork #(.WIDTH(WIDTH), .READERS(READERS)) dut (
    .aclk(aclk), .aresetn(aresetn),
    .s_axis_tdata(s_axis_tdata), .s_axis_tvalid(s_axis_tvalid), .s_axis_tready(s_axis_tready),
    .s_axis_tlast(s_axis_tlast),
    .m_axis_tdata(m_axis_tdata), .m_axis_tvalid(m_axis_tvalid), .m_axis_tready(m_axis_tready),
    .m_axis_tlast(m_axis_tlast)
  );
  reset_first first (.aclk(aclk), .aresetn(aresetn), .begun(begun), .was_reset(was_reset));

  assign valid = 1'(m_axis_tvalid >> reader);
  assign ready = 1'(m_axis_tready >> reader);
  assign last = 1'(m_axis_tlast >> reader);
  assign data = WIDTH'(m_axis_tdata >> (reader * WIDTH));

  always_ff @(posedge aclk) begin
    stays <= aresetn && s_axis_tvalid && !s_axis_tready;
    waits <= aresetn && valid && !ready;
    before <= {s_axis_tlast, s_axis_tdata};
    has <= aresetn && (has || (valid && ready)) && !(s_axis_tvalid && s_axis_tready);
  end

  always @(posedge aclk) begin
    assume (reader < READERS);
    if (stays && aresetn) assume (s_axis_tvalid && {s_axis_tlast, s_axis_tdata} == before);
    if (begun && aresetn) begin
      // offered as soon as the source has it, whatever the others do, and not twice
      assert (valid == (s_axis_tvalid && !has));
      if (valid) assert (data == s_axis_tdata && last == s_axis_tlast);
      if (waits) assert (valid && {last, data} == before);
      // gone only when this reader has it or takes it now, and at once when every reader would take
      if (s_axis_tvalid && s_axis_tready) assert (has || ready);
      if (&m_axis_tready) assert (s_axis_tready);
    end
  end

  always_ff @(posedge aclk) begin
    reached <= {4{begun && aresetn}} &
        {was_reset && valid, has && stays, has && s_axis_tvalid && s_axis_tready && !ready,
         waits && ready && last};
  end
endmodule

`default_nettype wire
