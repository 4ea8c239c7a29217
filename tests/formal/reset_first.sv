// SPDX-License-Identifier: MIT-0
// The one assumption of every proof: the first cycle is a reset. Before it, all registers hold what
// the solver likes; after it, the solver resets again when it likes.
`default_nettype none

module reset_first (
  input  logic aclk,
  input  logic aresetn,
  // not the first cycle
  output logic begun,
  // the cycle before was a reset
  output logic was_reset
);
  initial begun = 1'b0;

  always_ff @(posedge aclk) begin
    begun <= 1'b1;
    was_reset <= !aresetn;
  end

  always @(posedge aclk) if (!begun) assume (!aresetn);
endmodule

`default_nettype wire
