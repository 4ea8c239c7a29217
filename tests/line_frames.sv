// SPDX-License-Identifier: MIT-0
// The spotter_three of helper_spotter.c, 1 lane, over 16 frames of 12 beats, of which the sixth ends after its third
// beat: +early=1 by TLAST, +early=0 in zeros that the source sends. Prints what leaves.
`default_nettype none

module line_frames #(
  parameter ROM_DIR = "rom"
);
  logic aclk, aresetn;
  logic [7:0] s_tdata;
  logic s_tvalid, s_tready, s_tlast;
  logic [7:0] m_tdata;
  logic m_tvalid, m_tlast, frame_error;
  integer early, frame, beat, i;
  logic cut;

  top #(.ROM_DIR(ROM_DIR)) dut (
    .aclk(aclk), .aresetn(aresetn), .s_axis_tdata(s_tdata), .s_axis_tvalid(s_tvalid),
    .s_axis_tready(s_tready), .s_axis_tlast(s_tlast), .m_axis_tdata(m_tdata),
    .m_axis_tvalid(m_tvalid), .m_axis_tready(1'b1), .m_axis_tlast(m_tlast), .frame_error(frame_error)
  );

  task tick;
    #5 aclk = 1'b1;
    if (aresetn && m_tvalid) $display("%h %b", m_tdata, m_tlast);
    #5 aclk = 1'b0;
  endtask

  initial begin
    if (!$value$plusargs("early=%d", early)) early = 0;
    aclk = 1'b0;
    aresetn = 1'b0;
    s_tvalid = 1'b0;
    tick;
    tick;
    aresetn = 1'b1;
    for (frame = 0; frame < 16; frame = frame + 1) begin
      for (beat = 0; beat < 12; beat = beat + 1) begin
        cut = frame == 5 && beat > 2;
        s_tvalid = !(cut && early != 0);
        s_tdata = cut ? 8'd0 : 8'(frame * 37 + beat * 11);
        s_tlast = beat == 11 || (frame == 5 && beat == 2 && early != 0);
        while (s_tvalid && !s_tready) tick;
        tick;
      end
    end
    s_tvalid = 1'b0;
    for (i = 0; i < 600; i = i + 1) tick;
    if (frame_error !== (early != 0)) $display("frame_error %b", frame_error);
    $finish;
  end
endmodule

`default_nettype wire
