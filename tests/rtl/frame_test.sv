// SPDX-License-Identifier: MIT-0
// axis_frame with TLAST in its place, early, late and very late, under random stalls: every TLAST
// that goes in makes one exact frame, which holds what was sent and zeros where nothing was, and no
// frame comes out before its TLAST. frame_error tells of the first bad frame and stays.
`default_nettype none

module frame_test #(
  parameter int BEATS = 3,
  parameter int FRAMES = 400
) (
  input  logic       aclk,
  input  logic       aresetn,
  // [0] source idles, [1] sink stalls, [2] all frames are exact, [3] ready after valid
  input  logic [3:0] pattern,
  output logic       done
);
  logic [7:0] s_tdata, m_tdata;
  logic s_tvalid, s_tready, s_tlast;
  logic m_tvalid, m_tready, m_tlast;
  logic frame_error;

  axis_frame #(.WIDTH(8), .BEATS(BEATS)) cell_under_test (
    .aclk(aclk), .aresetn(aresetn),
    .s_axis_tdata(s_tdata), .s_axis_tvalid(s_tvalid), .s_axis_tready(s_tready),
    .s_axis_tlast(s_tlast),
    .m_axis_tdata(m_tdata), .m_axis_tvalid(m_tvalid), .m_axis_tready(m_tready),
    .m_axis_tlast(m_tlast), .frame_error(frame_error)
  );
  stream_monitor #(.ID(BEATS), .WIDTH(8)) watch_out (
    .aclk(aclk), .aresetn(aresetn), .tdata(m_tdata), .tvalid(m_tvalid), .tready(m_tready),
    .tlast(m_tlast)
  );
  stream_monitor #(.ID(BEATS), .WIDTH(8), .CHECK_READY(1)) watch_in (
    .aclk(aclk), .aresetn(aresetn), .tdata(8'd0), .tvalid(1'b0), .tready(s_tready), .tlast(1'b0)
  );

  integer length[0:FRAMES];   // beats of each input frame
  integer in_frame, in_beat;  // of the beat that waits, or comes next; in_frame = TLASTs accepted
  integer out_frame, out_beat;
  integer quiet;              // cycles without a handshake, to catch a hang and a surplus beat
  integer cycle, first_in;
  logic bad;
  logic pick;

  assign done = in_frame == FRAMES && out_frame == FRAMES && quiet > 20;

  // never zero, so that a filled beat differs, and no bit always one
  function automatic logic [7:0] sent(input integer frame, input integer beat);
    sent = 8'(frame * 37 + beat * 11);
    if (sent == 8'd0) sent = 8'd255;
  endfunction

  task check_beat;
    // all but the last beat may leave while the frame is still coming in
    if (out_frame > in_frame || (m_tlast && out_frame == in_frame)) begin
      $fatal(1, "BEATS %0d: a frame without a TLAST", BEATS);
    end
    if (m_tdata !== (out_beat < length[out_frame] ? sent(out_frame, out_beat) : 8'd0)) begin
      $fatal(1, "BEATS %0d: frame %0d beat %0d is %h", BEATS, out_frame, out_beat, m_tdata);
    end
    if (m_tlast !== (out_beat == BEATS - 1)) $fatal(1, "BEATS %0d: TLAST misplaced", BEATS);
    if (pattern == 4'b0100 && cycle - first_in != 1 + out_frame * BEATS + out_beat) begin
      $fatal(1, "BEATS %0d: an exact frame was late", BEATS);
    end
  endtask

  task offer;
    s_tvalid <= pick;
    s_tdata <= pick ? sent(in_frame, in_beat) : 8'($urandom);
    s_tlast <= pick ? in_beat == length[in_frame] - 1 : 1'($urandom);
  endtask

  integer i;
  logic [31:0] draw;

  always @(posedge aclk) begin
    cycle = cycle + 1;
    quiet = quiet + 1;
    if (!aresetn) begin
      // not in the condition: there Verilator 5.006 draws once for the whole loop
      for (i = 0; i <= FRAMES; i = i + 1) begin
        draw = $urandom;
        length[i] = pattern[2] || draw[0] ? BEATS : 1 + int'(draw[31:1]) % (2 * BEATS + 3);
      end
      in_frame = 0;
      in_beat = 0;
      out_frame = 0;
      out_beat = 0;
      quiet = 0;
      cycle = 0;
      first_in = 0;
      bad = 1'b0;
      // offered, or not, from the reset on
      pick = !pattern[0];
      offer;
      m_tready <= 1'b0;
    end else begin
      if (frame_error !== bad) $fatal(1, "BEATS %0d: frame_error %b", BEATS, frame_error);
      if (s_tvalid && s_tready) begin
        quiet = 0;
        if (in_frame == 0 && in_beat == 0) first_in = cycle;
        in_beat = in_beat + 1;
        if (s_tlast ? in_beat < BEATS : in_beat >= BEATS) bad = 1'b1;
        if (s_tlast && in_beat > BEATS) bad = 1'b1;
        if (s_tlast) begin
          in_beat = 0;
          in_frame = in_frame + 1;
        end
      end
      if (m_tvalid && m_tready) begin
        quiet = 0;
        check_beat;
        out_beat = out_beat + 1;
        if (out_beat == BEATS) begin
          out_beat = 0;
          out_frame = out_frame + 1;
        end
      end
      if (quiet == 200 && !done) $fatal(1, "BEATS %0d: hangs", BEATS);

      if (!s_tvalid || s_tready) begin
        pick = in_frame < FRAMES && (!pattern[0] || 1'($urandom));
        offer;
      end
      m_tready <= pattern[3] ? m_tvalid && !m_tready : !pattern[1] || 1'($urandom);
    end
  end
endmodule

// All sizes under all patterns.
module bench;
  localparam int SIZES = 6;

  logic aclk, aresetn;
  logic [3:0] pattern;
  logic [SIZES-1:0] done;
  integer cycles;

  generate
    for (genvar size = 0; size < SIZES; size = size + 1) begin : gen_size
      frame_test #(.BEATS(size < 4 ? size + 1 : 5 * size - 13)) test (
        .aclk(aclk), .aresetn(aresetn), .pattern(pattern), .done(done[size])
      );
    end
  endgenerate

  initial begin
    aclk = 1'b0;
    for (integer p = 0; p < 16; p = p + 1) begin
      pattern = 4'(p);
      aresetn = 1'b0;
      #5 aclk = 1'b1;
      #5 aclk = 1'b0;
      aresetn = 1'b1;
      cycles = 0;
      while (done != {SIZES{1'b1}} || cycles < 10) begin
        #5 aclk = 1'b1;
        #5 aclk = 1'b0;
        cycles = cycles + 1;
        if (cycles == 100000) $fatal(1, "time-out, done %b", done);
      end
    end
    $display("frame: %0d sizes, 16 patterns: equal", SIZES);
    $finish;
  end
endmodule

`default_nettype wire
