// SPDX-License-Identifier: MIT-0
// Issue control of fixed_linear: holds one input beat and steps through its output groups.
//
// x holds a beat while x_full. A step issues iff x_full && (!last_beat || credit != 0); tready =
// awake && (!x_full || (step && last_group)). `credit` starts at CREDITS, falls with each step of a
// frame's last beat and rises with credit_back. No combinational path from one side to the other.
// All outputs but tready and step are registers or compares of one register.
`default_nettype none

module fixed_linear_issue #(
  // beats of a frame; >= 1
  parameter int BEATS = 4,
  // steps of a beat; >= 1
  parameter int GROUPS = 4,
  // places for results; >= 1
  parameter int CREDITS = 16,
  // bits of a beat; >= 1
  parameter int WIDTH = 32
) (
  input  logic                                                  aclk,
  input  logic                                                  aresetn,
  input  logic [WIDTH-1:0]                                      s_axis_tdata,
  input  logic                                                  s_axis_tvalid,
  output logic                                                  s_axis_tready,
  input  logic                                                  s_axis_tlast,
  output logic [WIDTH-1:0]                                      x,
  // a step issues in this cycle, with these coordinates
  output logic                                                  step,
  output logic                                                  first_beat,
  output logic                                                  last_beat,
  output logic                                                  last_group,
  output logic [(GROUPS < 2 ? 1 : $clog2(GROUPS))-1:0]          group,
  // beat * GROUPS + group
  output logic [(BEATS*GROUPS < 2 ? 1 : $clog2(BEATS*GROUPS))-1:0] address,
  // a result has left its place
  input  logic                                                  credit_back
);
  localparam int GROUP = GROUPS < 2 ? 1 : $clog2(GROUPS);
  localparam int CREDIT = $clog2(CREDITS + 1);

  logic [CREDIT-1:0] credit;
  logic x_full;
  logic awake;
  logic accept;
  logic done;    // the beat's last step issues
  logic spend;   // a step of the frame's last beat issues

  assign step = x_full && (!last_beat || credit != '0);
  assign last_group = group == GROUP'(GROUPS - 1);
  assign done = step && last_group;
  assign spend = step && last_beat;
  assign s_axis_tready = awake && (!x_full || done);
  assign accept = s_axis_tvalid && s_axis_tready;

  always_ff @(posedge aclk) begin
    if (accept) begin
      x <= s_axis_tdata;
      last_beat <= s_axis_tlast;
    end

    awake <= 1'b1;
    x_full <= accept || (x_full && !done);
    if (step) group <= last_group ? '0 : group + 1'b1;
    if (step) address <= last_beat && last_group ? '0 : address + 1'b1;
    if (done) first_beat <= last_beat;
    if (spend && !credit_back) credit <= credit - 1'b1;
    if (credit_back && !spend) credit <= credit + 1'b1;
    if (!aresetn) begin
      awake <= 1'b0;
      x_full <= 1'b0;
      group <= '0;
      address <= '0;
      first_beat <= 1'b1;
      credit <= CREDIT'(CREDITS);
    end
  end
endmodule

`default_nettype wire
