// SPDX-License-Identifier: MIT-0
// What `d` was STAGES enabled cycles ago. Data only: nothing is reset.
`default_nettype none

module fixed_delay #(
  // bits; >= 1
  parameter int WIDTH = 1,
  // cycles; >= 1
  parameter int STAGES = 1,
  // 1: enable is always 1
  parameter int FREE = 0
) (
  input  logic             aclk,
  input  logic             enable,
  input  logic [WIDTH-1:0] d,
  output logic [WIDTH-1:0] q
);
  generate
    if (WIDTH < 1 || STAGES < 1) begin : gen_illegal
      fixed_delay_needs_STAGES_of_1_or_more stop ();
    end
  endgenerate

  generate
    if (FREE != 0) begin : gen_free
      logic [STAGES*WIDTH-1:0] past;

      assign q = past[STAGES*WIDTH-1:(STAGES-1)*WIDTH];
      always_ff @(posedge aclk) if (enable) past <= (STAGES*WIDTH)'({past, d});
    end else begin : gen_held
      // kept: synth_xilinx of yosys makes a shift register of it that ignores the enable
      (* keep *) logic [STAGES*WIDTH-1:0] past;

      assign q = past[STAGES*WIDTH-1:(STAGES-1)*WIDTH];
      always_ff @(posedge aclk) if (enable) past <= (STAGES*WIDTH)'({past, d});
    end
  endgenerate
endmodule

`default_nettype wire
