// SPDX-License-Identifier: Apache-2.0
// The circuit of bench_network, 2 lanes, behind sources that send TLAST as boards do: four frames of
// four beats. +mode=0 with each frame, 1 never, 2 with each beat, 3 with the last frame only.
`default_nettype none

module framing #(
  parameter ROM_DIR = "rom"
);
  logic aclk, aresetn;
  logic [15:0] s_tdata;
  logic s_tvalid, s_tready, s_tlast;
  logic [15:0] m_tdata;
  logic m_tvalid, m_tlast, frame_error;
  integer mode, beats, lasts, i;

  top #(.ROM_DIR(ROM_DIR)) dut (
    .aclk(aclk), .aresetn(aresetn), .s_axis_tdata(s_tdata), .s_axis_tvalid(s_tvalid),
    .s_axis_tready(s_tready), .s_axis_tlast(s_tlast), .m_axis_tdata(m_tdata),
    .m_axis_tvalid(m_tvalid), .m_axis_tready(1'b1), .m_axis_tlast(m_tlast), .frame_error(frame_error)
  );

  task tick;
    #5 aclk = 1'b1;
    if (aresetn && m_tvalid) beats = beats + 1;
    if (aresetn && m_tvalid && m_tlast) lasts = lasts + 1;
    #5 aclk = 1'b0;
  endtask

  initial begin
    if (!$value$plusargs("mode=%d", mode)) mode = 0;
    aclk = 1'b0;
    aresetn = 1'b0;
    s_tvalid = 1'b0;
    beats = 0;
    lasts = 0;
    tick;
    tick;
    aresetn = 1'b1;
    for (i = 0; i < 16; i = i + 1) begin
      s_tvalid = 1'b1;
      s_tdata = 16'(i * 259);
      s_tlast = mode == 0 ? i % 4 == 3 : mode == 1 ? 1'b0 : mode == 2 ? 1'b1 : i == 15;
      while (!s_tready) tick;
      tick;
    end
    s_tvalid = 1'b0;
    for (i = 0; i < 300; i = i + 1) tick;
    $display("%0d beats, %0d TLASTs, frame_error %b", beats, lasts, frame_error);
    $finish;
  end
endmodule

`default_nettype wire
