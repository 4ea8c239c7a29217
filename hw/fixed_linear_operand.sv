// SPDX-License-Identifier: MIT-0
// The operands of fixed_linear's products: a frame's last beat may have lanes without an input,
// which must count 0. A bipolar code can't say 0: it becomes two bits, two's complement.
//
// The operands of a step are there STAGES cycles after it, one step per cycle, never stops. A beat
// waits at s_axis for all its GROUPS steps, so that one register that follows it FOLLOW = min(GROUPS,
// STAGES) cycles later has it for each of them, if it doesn't load in the FOLLOW - 1 cycles after a
// beat was taken. With GROUPS = 4, FOLLOW = 2, beat A stepping in cycles u .. u+3:
//
//     cycle       u      u+1    u+2    u+3     u+4    u+5    u+6
//     x           A      A      A      A taken B      B      B
//     followed                  A      A       A      A      B
//
// (The first step of B is in u+4 and needs B in u+6.) The rest of STAGES is a delay.
`default_nettype none

module fixed_linear_operand #(
  // elements of a beat; >= 1
  parameter int LANES = 4,
  // elements of a frame's last beat; 1 .. LANES
  parameter int USED = 3,
  // bits of an element; >= 1
  parameter int IN_WIDTH = 8,
  // 1: an element is one bit, +1 or -1
  parameter int BIPOLAR = 0,
  // steps of a beat; >= 1
  parameter int GROUPS = 4,
  // cycles; >= 2
  parameter int STAGES = 2
) (
  input  logic                                             aclk,
  input  logic [LANES*IN_WIDTH-1:0]                        x,
  input  logic                                             last_beat,
  // the beat's last step issues
  input  logic                                             taken,
  output logic [LANES*(BIPOLAR != 0 ? 2 : IN_WIDTH)-1:0]   operand
);
  localparam int WIDTH = BIPOLAR != 0 ? 2 : IN_WIDTH;
  localparam logic [LANES-1:0] ALWAYS = {LANES{1'b1}} >> (LANES - USED);

  // cycles after which one register still has what a step needs
  localparam int FOLLOW = GROUPS < STAGES ? GROUPS : STAGES;

  logic [LANES*WIDTH-1:0] masked;
  logic [LANES*WIDTH-1:0] followed;

  generate
    if (STAGES < 2) begin : gen_illegal
      fixed_linear_operand_needs_STAGES_of_2_or_more stop ();
    end

    for (genvar lane = 0; lane < LANES; lane = lane + 1) begin : gen_lane
      logic [WIDTH-1:0] code;

      if (BIPOLAR != 0) begin : gen_bipolar
        assign code = {~x[lane], 1'b1};
      end else begin : gen_number
        assign code = x[lane*IN_WIDTH +: IN_WIDTH];
      end
      assign masked[lane*WIDTH +: WIDTH] = ALWAYS[lane] || !last_beat ? code : '0;
    end

    if (GROUPS == 1) begin : gen_take
      always_ff @(posedge aclk) if (taken) followed <= masked;
    end else begin : gen_follow
      logic [FOLLOW-2:0] recent;

      always_ff @(posedge aclk) begin
        recent <= (FOLLOW-1)'({recent, taken});
        if (recent == '0) followed <= masked;
      end
    end

    if (STAGES > FOLLOW) begin : gen_delay
      fixed_delay #(.WIDTH(LANES*WIDTH), .STAGES(STAGES-FOLLOW), .FREE(1)) delay (
        .aclk(aclk), .enable(1'b1), .d(followed), .q(operand)
      );
    end else begin : gen_now
      assign operand = followed;
    end
  endgenerate
endmodule

`default_nettype wire
