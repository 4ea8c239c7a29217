// SPDX-License-Identifier: MIT-0
// fixed_linear_schedule, whose words are numbers here: two cycles after a reset there is word 0, from
// then on always the one that follows those that were used, in a circle.
`default_nettype none

module prove #(
  parameter int WORDS = 5,
  parameter int GROUPS = 3,
  parameter int LANES = 2
) (
  input logic aclk,
  input logic aresetn,
  input logic take
);
  localparam int GROUP = $clog2(GROUPS);
  localparam int WIDTH = LANES * (GROUP + 1) + 1;

  logic step;
  logic ready;
  logic last;
  logic [LANES-1:0] first;
  logic [LANES*GROUP-1:0] group;
  logic [WIDTH-1:0] word;
  logic [WIDTH-1:0] expected;
  logic begun;
  logic [1:0] awake;
  logic around;
  (* keep *) logic [2:0] reached;

  assign step = take && ready;

  fixed_linear_schedule #(
    .WORDS(WORDS), .GROUPS(GROUPS), .LANES(LANES)
  ) dut (
    .aclk(aclk), .aresetn(aresetn), .step(step), .ready(ready), .last(last), .first(first),
    .group(group)
  );
  reset_first first_reset (.aclk(aclk), .aresetn(aresetn), .begun(begun));

  // inside the cell
  (* hierconn *) logic [$clog2(WORDS)-1:0] \dut.address ;
  (* hierconn *) logic [WIDTH-1:0] \dut.rom.read ;

  assign word[WIDTH-1] = last;
  generate
    for (genvar lane = 0; lane < LANES; lane = lane + 1) begin : gen_lane
      assign word[lane*(GROUP+1) +: GROUP+1] = {first[lane], group[lane*GROUP +: GROUP]};
    end
  endgenerate

  function automatic logic [WIDTH-1:0] next(input logic [WIDTH-1:0] from);
    next = from == WIDTH'(WORDS - 1) ? '0 : from + 1'b1;
  endfunction

  always_ff @(posedge aclk) begin
    awake <= {awake[0], 1'b1};
    if (step) expected <= next(expected);
    if (step && expected == WIDTH'(WORDS - 1)) around <= 1'b1;
    if (!aresetn) begin
      awake <= '0;
      expected <= '0;
      around <= 1'b0;
    end
  end

  always @(posedge aclk) begin
    if (begun && aresetn) begin
      assert (ready == awake[1]);
      if (ready) assert (word == expected);
      // lemmas: what is behind the word
      assert (expected < WIDTH'(WORDS));
      if (ready) assert (\dut.rom.read == next(expected));
      if (ready) assert (WIDTH'(\dut.address ) == next(next(expected)));
      if (awake == 2'b00) assert (\dut.address == 0 && expected == 0);
      if (awake == 2'b01) assert (WIDTH'(\dut.address ) == 1 && \dut.rom.read == 0 && expected == 0);
    end
  end

  assign reached = {3{begun && aresetn}} & {around && step, ready && !step && around, ready && !take};
endmodule

`default_nettype wire
