// SPDX-License-Identifier: MIT-0
// Source, sink and checks around one cell: sends FRAMES frames, stalls as `pattern` says, compares
// every element of every beat, TLAST, and without stalls the II and the latency.
`default_nettype none

module stream_test #(
  parameter int ID = 0,
  parameter int IN_LANES = 1,
  parameter int IN_WIDTH = 8,
  parameter int IN_ELEMENTS = 1,
  parameter int OUT_LANES = 1,
  parameter int OUT_WIDTH = 8,
  parameter int OUT_ELEMENTS = 1,
  parameter int FRAMES = 4,
  // cycles, -1: not checked
  parameter int II = -1,
  parameter int LATENCY = -1,
  // beats for which the cell has room: it is ready if and only if it holds less; -1: not checked
  parameter int HOLDS = -1
) (
  input  logic                           aclk,
  input  logic                           aresetn,
  input  logic [3:0]                     pattern,
  output logic                           done,
  output logic [IN_LANES*IN_WIDTH-1:0]   s_axis_tdata,
  output logic                           s_axis_tvalid,
  input  logic                           s_axis_tready,
  output logic                           s_axis_tlast,
  input  logic [OUT_LANES*OUT_WIDTH-1:0] m_axis_tdata,
  input  logic                           m_axis_tvalid,
  output logic                           m_axis_tready,
  input  logic                           m_axis_tlast
);
`ifdef __ICARUS__
  // no DPI: the first frames from the files that cell_gen wrote, and X instead of noise
  localparam int VECTORS = 1;
  localparam logic [23:0] NUMBER =
      {8'(48 + ID / 100), 8'(48 + ID / 10 % 10), 8'(48 + ID % 10)};
  logic [63:0] inputs[0:FRAMES*IN_ELEMENTS-1];
  logic [63:0] outputs[0:FRAMES*OUT_ELEMENTS-1];
  initial begin
    $readmemh({"rom/in_", NUMBER, ".mem"}, inputs);
    $readmemh({"rom/out_", NUMBER, ".mem"}, outputs);
  end

  function automatic logic [63:0] bench_input(input int id, input int frame, input int element);
    bench_input = inputs[frame * IN_ELEMENTS + element];
  endfunction

  function automatic logic [63:0] bench_expected(input int id, input int frame,
                                                 input int element);
    bench_expected = outputs[frame * OUT_ELEMENTS + element];
  endfunction

  function automatic logic [63:0] noise(input int id);
    noise = 'x;
  endfunction
`else
  localparam int VECTORS = 0;
  import "DPI-C" function longint bench_input(input int id, input int frame, input int element);
  import "DPI-C" function longint bench_expected(input int id, input int frame, input int element);

  function automatic logic [63:0] noise(input int id);
    noise = {$urandom, $urandom};
  endfunction
`endif

  localparam int IN_BEATS = (IN_ELEMENTS + IN_LANES - 1) / IN_LANES;
  localparam int OUT_BEATS = (OUT_ELEMENTS + OUT_LANES - 1) / OUT_LANES;

  stream_monitor #(.ID(ID), .WIDTH(IN_LANES*IN_WIDTH), .CHECK_READY(1)) watch_in (
    .aclk(aclk), .aresetn(aresetn), .tdata({(IN_LANES*IN_WIDTH){1'b0}}), .tvalid(1'b0),
    .tready(s_axis_tready), .tlast(1'b0)
  );
  stream_monitor #(.ID(ID), .WIDTH(OUT_LANES*OUT_WIDTH)) watch_out (
    .aclk(aclk), .aresetn(aresetn), .tdata(m_axis_tdata), .tvalid(m_axis_tvalid),
    .tready(m_axis_tready), .tlast(m_axis_tlast)
  );

  integer in_frame, in_beat;    // of the beat that waits, or comes next
  integer out_frame, out_beat;  // of the beat that is expected
  integer cycle, first_in, last_first_in, long_stall;
  integer held;                 // beats in the cell
  integer element, lane;
  logic pick;

  // the later half of many frames has no stalls: what the earlier ones left must not slow it down
  localparam int CALM = FRAMES < 12 ? FRAMES + 1 : FRAMES / 2;

  assign done = out_frame == FRAMES && in_frame == FRAMES;

  // a different set of frames for each pattern, so that no stale result can pass
  function automatic int frame_number(input integer frame);
    frame_number = VECTORS != 0 ? frame : int'(pattern) * FRAMES + frame;
  endfunction

  task check_beat;
    if (out_frame == FRAMES) $fatal(1, "cell %0d: a beat too many", ID);
    for (lane = 0; lane < OUT_LANES; lane = lane + 1) begin
      element = out_beat * OUT_LANES + lane;
      if (element < OUT_ELEMENTS && m_axis_tdata[lane*OUT_WIDTH +: OUT_WIDTH] !==
          OUT_WIDTH'(bench_expected(ID, frame_number(out_frame), element))) begin
        $fatal(1, "cell %0d: pattern %b frame %0d element %0d: expected %h, found %h", ID, pattern,
               out_frame, element,
               OUT_WIDTH'(bench_expected(ID, frame_number(out_frame), element)),
               m_axis_tdata[lane*OUT_WIDTH +: OUT_WIDTH]);
      end
    end
    if (m_axis_tlast !== (out_beat == OUT_BEATS - 1)) $fatal(1, "cell %0d: TLAST misplaced", ID);
  endtask

  // without stalls: distance of frames at steady state, and the first frame's whole way
  task check_ii;
    if (II >= 0 && (pattern == 0 || FRAMES >= 12) && in_frame == FRAMES - 1 &&
        cycle - last_first_in != II) begin
      $fatal(1, "cell %0d: II %0d, expected %0d", ID, cycle - last_first_in, II);
    end
  endtask

  task check_latency;
    if (LATENCY >= 0 && pattern == 0 && cycle - first_in != LATENCY) begin
      $fatal(1, "cell %0d: latency %0d, expected %0d", ID, cycle - first_in, LATENCY);
    end
  endtask

  // the next input beat; its unused lanes, and all of it while not valid, are noise
  task offer;
    for (lane = 0; lane < IN_LANES; lane = lane + 1) begin
      element = in_beat * IN_LANES + lane;
      s_axis_tdata[lane*IN_WIDTH +: IN_WIDTH] <= pick && element < IN_ELEMENTS ?
          IN_WIDTH'(bench_input(ID, frame_number(in_frame), element)) :
          IN_WIDTH'(noise(ID));
    end
    s_axis_tvalid <= pick;
    s_axis_tlast <= pick ? in_beat == IN_BEATS - 1 : 1'(noise(ID));
  endtask

  always @(posedge aclk) begin
    cycle = cycle + 1;
    if (!aresetn) begin
      in_frame = 0;
      in_beat = 0;
      out_frame = 0;
      out_beat = 0;
      cycle = 0;
      first_in = -1;
      last_first_in = 0;
      long_stall = 0;
      held = 0;
      // offered, or not, from the reset on
      pick = !pattern[0];
      offer;
      m_axis_tready <= 1'b0;
    end else begin
      // the first cycle after a reset is its last
      if (HOLDS >= 0 && s_axis_tready !== (cycle > 1 && held < HOLDS)) begin
        $fatal(1, "cell %0d: ready %b with %0d beats", ID, s_axis_tready, held);
      end
      if (m_axis_tvalid && m_axis_tready) begin
        check_beat;
        held = held - 1;
        out_beat = out_beat + 1;
        if (out_beat == OUT_BEATS) begin
          if (out_frame == 0) check_latency;
          out_beat = 0;
          out_frame = out_frame + 1;
        end
      end
      if (s_axis_tvalid && s_axis_tready) begin
        if (in_beat == 0) begin
          check_ii;
          last_first_in = cycle;
          if (in_frame == 0) first_in = cycle;
        end
        held = held + 1;
        in_beat = in_beat + 1;
        if (in_beat == IN_BEATS) begin
          in_beat = 0;
          in_frame = in_frame + 1;
        end
      end

      if (long_stall > 0) long_stall = long_stall - 1;
      else if (pattern[2] && 6'($urandom) == 0) long_stall = 150;
      if (!s_axis_tvalid || s_axis_tready) begin
        pick = in_frame < FRAMES &&
            (!pattern[0] || in_frame >= CALM || (pattern[2] ? long_stall == 0 : 1'($urandom)));
        offer;
      end
      m_axis_tready <= in_frame >= CALM ? 1'b1 : pattern[3] ? m_axis_tvalid && !m_axis_tready :
          !pattern[1] || (pattern[2] ? long_stall == 0 : 1'($urandom));
    end
  end
endmodule

`default_nettype wire
