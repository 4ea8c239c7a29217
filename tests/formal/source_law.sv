// SPDX-License-Identifier: MIT-0
// Assumptions about a source of exact frames, which is what axis_frame makes of any: what it offers
// stays until it is taken, and TLAST is on beat BEATS of each frame.
`default_nettype none

module source_law #(
  parameter int WIDTH = 8,
  // beats of a frame
  parameter int BEATS = 4
) (
  input  logic             aclk,
  input  logic             aresetn,
  input  logic [WIDTH-1:0] tdata,
  input  logic             tvalid,
  input  logic             tready,
  input  logic             tlast,
  // of the beat that is offered
  output logic [7:0]       beat
);
  logic waiting;
  logic [WIDTH-1:0] before;

  always_ff @(posedge aclk) begin
    waiting <= aresetn && tvalid && !tready;
    before <= tdata;
    if (tvalid && tready) beat <= tlast ? '0 : beat + 1'b1;
    if (!aresetn) beat <= '0;
  end

  always @(posedge aclk) begin
    if (waiting && aresetn) assume (tvalid && tdata == before);
    if (tvalid) assume (tlast == (beat == 8'(BEATS - 1)));
  end
endmodule

`default_nettype wire
