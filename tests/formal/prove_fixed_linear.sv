// SPDX-License-Identifier: MIT-0
// Handshake, credits and queue of fixed_linear. In place of fixed_linear_array is one that answers a
// step with the number of its group. For each frame of BEATS beats the groups leave in order, TLAST
// with the last; at any time the credits, the answers under way and those in the queue are QUEUE. With
// SCHEDULE, of two beats, the first has the steps that the last leaves, see fixed_linear_array.sv.
`default_nettype none

module prove #(
  parameter int BEATS = 2,
  parameter int GROUPS = 3,
  parameter int QUEUE = 4,
  parameter int SCHEDULE = 0
) (
  input logic aclk,
  input logic aresetn,
  input logic s_axis_tdata,
  input logic s_axis_tvalid,
  input logic s_axis_tlast,
  input logic m_axis_tready
);
  localparam int GROUP = GROUPS < 2 ? 1 : $clog2(GROUPS);
  localparam int SEND = 6;          // cycles from a step to the queue
  localparam int LATENCY = SEND + 2;
  localparam int COUNT = 5;         // bits of a counter
  // steps of a beat that isn't the last
  localparam int STEPS = SCHEDULE != 0 ? SCHEDULE - GROUPS : GROUPS;

  logic [GROUP-1:0] m_axis_tdata;
  logic s_axis_tready;
  logic m_axis_tvalid;
  logic m_axis_tlast;
  logic begun;
  logic stalled;
  logic leave;
  (* keep *) logic [3:0] reached;

  fixed_linear #(
    .IN_FEATURES(BEATS), .OUT_FEATURES(GROUPS), .IN_LANES(1), .OUT_LANES(1), .IN_WIDTH(1),
    .IN_TYPE("unsigned"), .SCHEDULE(SCHEDULE), .OUT_WIDTH(GROUP), .QUEUE(QUEUE)
  ) dut (
    .aclk(aclk), .aresetn(aresetn),
    .s_axis_tdata(s_axis_tdata), .s_axis_tvalid(s_axis_tvalid), .s_axis_tready(s_axis_tready),
    .s_axis_tlast(s_axis_tlast),
    .m_axis_tdata(m_axis_tdata), .m_axis_tvalid(m_axis_tvalid), .m_axis_tready(m_axis_tready),
    .m_axis_tlast(m_axis_tlast)
  );

  // inside the cell
  (* hierconn *) logic \dut.step ;
  (* hierconn *) logic [GROUP-1:0] \dut.group ;
  (* hierconn *) logic [SEND-1:0] \dut.sending ;
  (* hierconn *) logic \dut.queue_ready ;
  (* hierconn *) logic [SEND-1:0] \dut.delay_last.gen_free.past ;
  (* hierconn *) logic [SEND*GROUP-1:0] \dut.array.answer.gen_held.past ;
  (* hierconn *) logic [$clog2(QUEUE+1)-1:0] \dut.issue.credit ;
  (* hierconn *) logic [$clog2(QUEUE+1)-1:0] \dut.queue.held ;

  logic [7:0] in_beat;
  source_law #(.WIDTH(1), .BEATS(BEATS)) source (
    .aclk(aclk), .aresetn(aresetn), .tdata(s_axis_tdata), .tvalid(s_axis_tvalid),
    .tready(s_axis_tready), .tlast(s_axis_tlast), .beat(in_beat)
  );
  output_law #(.WIDTH(GROUP + 1)) law (
    .aclk(aclk), .aresetn(aresetn), .s_axis_tready(s_axis_tready), .m_axis_tvalid(m_axis_tvalid),
    .m_axis_tready(m_axis_tready), .m_axis({m_axis_tlast, m_axis_tdata}), .begun(begun),
    .stalled(stalled)
  );

  logic [COUNT-1:0] under_way;  // answers that are not in the queue
  logic [COUNT-1:0] owed;       // answers of steps that issued
  logic [GROUP-1:0] group;      // of the next step
  logic [GROUP-1:0] out_beat;
  logic [COUNT-1:0] idle;
  logic [COUNT-1:0] starved;    // cycles in which a beat waits, the reader takes and no step issues
  logic full;
  logic [SEND*GROUP-1:0] order;  // of the answer in each stage under way
  logic [GROUP-1:0] next;
  logic [GROUP-1:0] answer;      // group of the next answer

  assign leave = m_axis_tvalid && m_axis_tready;
  always_comb begin
    under_way = '0;
    for (int i = 0; i < SEND; i = i + 1) under_way = under_way + COUNT'(\dut.sending [i]);
    next = answer;
    for (int i = 0; i < SEND; i = i + 1) begin
      if (\dut.sending [i]) next = next == 0 ? GROUP'(GROUPS - 1) : next - 1'b1;
      order[i*GROUP +: GROUP] = next;
    end
    for (int i = 0; i < QUEUE; i = i + 1) begin
      if (i < \dut.queue.held ) next = next == 0 ? GROUP'(GROUPS - 1) : next - 1'b1;
    end
  end

  always_ff @(posedge aclk) begin
    owed <= owed + COUNT'(\dut.step && s_axis_tlast) - COUNT'(leave);
    if (\dut.step ) group <= s_axis_tready ? '0 : group + 1'b1;
    if (\dut.step && s_axis_tlast) answer <= answer == GROUP'(GROUPS - 1) ? '0 : answer + 1'b1;
    if (leave) out_beat <= out_beat == GROUP'(GROUPS - 1) ? '0 : out_beat + 1'b1;
    idle <= m_axis_tvalid || owed == 0 ? '0 : idle + COUNT'(m_axis_tready);
    starved <= \dut.step || !s_axis_tvalid ? '0 : starved + COUNT'(m_axis_tready);
    if (owed == COUNT'(QUEUE)) full <= 1'b1;
    if (!aresetn) begin
      owed <= '0;
      group <= '0;
      out_beat <= '0;
      answer <= '0;
      idle <= '0;
      starved <= '0;
      full <= 1'b0;
    end
  end

  always @(posedge aclk) begin
    if (begun && aresetn) begin
      assert (COUNT'(\dut.issue.credit ) + owed == COUNT'(QUEUE));
      assert (under_way + COUNT'(\dut.queue.held ) == owed);
      assert (!\dut.sending [SEND-1] || \dut.queue_ready );
      if (\dut.step ) assert (\dut.group == group && s_axis_tvalid);
      assert (s_axis_tready == (\dut.step && group == GROUP'(s_axis_tlast ? GROUPS - 1 : STEPS - 1)));
      if (!s_axis_tvalid || in_beat != 8'(BEATS - 1)) assert (group <= GROUP'(STEPS - 1));
      assert (idle <= COUNT'(LATENCY - 1));
      assert (starved <= COUNT'(LATENCY));
      // lemmas: where the oldest answer is, and that an answer is that of its place in the order
      if (owed != 0 && !m_axis_tvalid && \dut.queue.held == 0) assert ((\dut.sending >> idle) != 0);
      if (\dut.issue.credit == 0) assert (starved <= (m_axis_tvalid ? COUNT'(LATENCY - 1) : idle));
      assert (next == out_beat);
      assert (answer == (in_beat == 8'(BEATS - 1) ? group : '0));
      for (int i = 0; i < SEND; i = i + 1) begin
        if (\dut.sending [i]) assert (\dut.array.answer.gen_held.past [i*GROUP +: GROUP] == order[i*GROUP +: GROUP]);
        if (\dut.sending [i]) begin
          assert (\dut.delay_last.gen_free.past [i] == (order[i*GROUP +: GROUP] == GROUP'(GROUPS - 1)));
        end
      end
      if (m_axis_tvalid) assert (m_axis_tdata == out_beat);
      if (m_axis_tvalid) assert (m_axis_tlast == (out_beat == GROUP'(GROUPS - 1)));
    end
  end

  // full, stalled, and all frames out again
  assign reached = {4{begun && aresetn}} &
      {full && stalled && owed == 0 && group == 0, full, stalled, m_axis_tvalid && m_axis_tlast};
endmodule

`default_nettype wire
