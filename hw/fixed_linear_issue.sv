// SPDX-License-Identifier: MIT-0
// Issue control of fixed_linear: steps through the output groups of the input beat that waits at
// s_axis, and takes it with the last step. The beat itself passes by: it holds until it is taken.
//
// A step issues iff awake && s_axis_tvalid && (!s_axis_tlast || credit != 0); s_axis_tready = step
// && last_group, which depends combinationally on tvalid. `credit` starts at CREDITS, falls with
// each step of a frame's last beat and rises with credit_back. No combinational path from one side
// to the other.
//
// With SKIP beats of a frame may be left out: s_axis_number says which one it is, times GROUPS, and
// holds while the beat waits.
//
// The weights of frame n are those of set n % SETS, which follow each other in the memories.
//
// With SCHEDULE a beat has as many steps as fixed_linear_schedule says: the last of them is where
// scheduled_last is, and `address` counts the steps of a frame, of which there are SCHEDULE. Of its
// last beat there are GROUPS, so that `group` is right there.
`default_nettype none

module fixed_linear_issue #(
  // beats of a frame; >= 1
  parameter int BEATS = 4,
  // steps of a beat; >= 1
  parameter int GROUPS = 4,
  // sets of weights; >= 1
  parameter int SETS = 1,
  // 1: a frame may have fewer beats; of one set
  parameter int SKIP = 0,
  // steps of a frame, if they aren't BEATS * GROUPS; of one set, without SKIP
  parameter int SCHEDULE = 0,
  // places for results; >= 1
  parameter int CREDITS = 16
) (
  input  logic                                                               aclk,
  input  logic                                                               aresetn,
  input  logic                                                               s_axis_tvalid,
  output logic                                                               s_axis_tready,
  input  logic                                                               s_axis_tlast,
  // with SKIP; which of the frame's BEATS, times GROUPS
  input  logic [(SETS*BEATS*GROUPS < 2 ? 1 : $clog2(SETS*BEATS*GROUPS))-1:0] s_axis_number,
  // with SCHEDULE: whether there is a word of it, and what it says of the step
  input  logic                                                               scheduled,
  input  logic                                                               scheduled_last,
  // a step issues in this cycle, with these coordinates
  output logic                                                               step,
  output logic                                                               first_beat,
  output logic                                                               last_group,
  output logic [(GROUPS < 2 ? 1 : $clog2(GROUPS))-1:0]                       group,
  // set * GROUPS + group
  output logic [(SETS*GROUPS < 2 ? 1 : $clog2(SETS*GROUPS))-1:0]             set_group,
  // (set * BEATS + beat) * GROUPS + group, or the step's number
  output logic [(SCHEDULE != 0 ? $clog2(SCHEDULE) :
      SETS*BEATS*GROUPS < 2 ? 1 : $clog2(SETS*BEATS*GROUPS))-1:0]            address,
  // a result has left its place
  input  logic                                                               credit_back
);
  localparam int GROUP = GROUPS < 2 ? 1 : $clog2(GROUPS);
  localparam int ADDRESS = SCHEDULE != 0 ? $clog2(SCHEDULE) :
      SETS * BEATS * GROUPS < 2 ? 1 : $clog2(SETS * BEATS * GROUPS);
  localparam int CREDIT = $clog2(CREDITS + 1);

  logic [CREDIT-1:0] credit;
  logic awake;
  logic spend;   // a step of the frame's last beat issues
  logic last_set;

  assign step = awake && s_axis_tvalid && (!s_axis_tlast || credit != '0);
  assign spend = step && s_axis_tlast;
  assign s_axis_tready = step && last_group;

  // a condition that clears stands beside the reset: it then costs no logic but its own
  generate
    if (SCHEDULE != 0) begin : gen_scheduled
      assign awake = scheduled;
      assign last_group = scheduled_last;
    end else begin : gen_every
      logic unused_schedule;

      assign unused_schedule = &{1'b0, scheduled, scheduled_last};
      assign last_group = group == GROUP'(GROUPS - 1);
      always_ff @(posedge aclk) awake <= aresetn;
    end
  endgenerate

  always_ff @(posedge aclk) begin
    if (step) group <= group + 1'b1;
    if (s_axis_tready) first_beat <= s_axis_tlast;
    if (spend && !credit_back) credit <= credit - 1'b1;
    if (credit_back && !spend) credit <= credit + 1'b1;
    if (!aresetn || s_axis_tready) group <= '0;
    if (!aresetn) begin
      first_beat <= 1'b1;
      credit <= CREDIT'(CREDITS);
    end
  end

  generate
    if (SKIP != 0 && SETS != 1) begin : gen_illegal
      fixed_linear_issue_needs_one_set_for_SKIP stop ();
    end
    if (SCHEDULE != 0 && (SETS != 1 || SKIP != 0 || GROUPS < 2)) begin : gen_illegal_schedule
      fixed_linear_issue_needs_one_set_and_several_groups_without_SKIP_for_SCHEDULE stop ();
    end

    if (SKIP != 0) begin : gen_numbered
      logic unused_set;

      assign unused_set = &{1'b0, last_set};
      assign address = s_axis_number + ADDRESS'(group);
    end else begin : gen_counted
      logic unused_number;

      assign unused_number = &{1'b0, s_axis_number};
      always_ff @(posedge aclk) begin
        if (step) address <= address + 1'b1;
        if (!aresetn || (s_axis_tready && s_axis_tlast && last_set)) address <= '0;
      end
    end

    if (SETS == 1) begin : gen_set
      assign last_set = 1'b1;
      assign set_group = group;
    end else begin : gen_sets
      localparam int SET = $clog2(SETS);
      localparam int SET_GROUP = $clog2(SETS * GROUPS);
      logic [SET-1:0] set;

      assign last_set = set == SET'(SETS - 1);
      always_ff @(posedge aclk) begin
        if (step) begin
          set_group <= last_group && !s_axis_tlast ? set_group - SET_GROUP'(GROUPS - 1) :
              set_group + 1'b1;
        end
        if (s_axis_tready && s_axis_tlast) set <= set + 1'b1;
        if (!aresetn || (s_axis_tready && s_axis_tlast && last_set)) begin
          set_group <= '0;
          set <= '0;
        end
      end
    end
  endgenerate
endmodule

`default_nettype wire
