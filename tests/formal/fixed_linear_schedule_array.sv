// SPDX-License-Identifier: MIT-0
// In the place of fixed_linear_schedule's memory: each word is its address.
`default_nettype none

module fixed_rom #(
  parameter int WIDTH = 8,
  parameter int DEPTH = 16,
  parameter FILE = ""
) (
  input  logic                                       aclk,
  input  logic                                       enable,
  input  logic [(DEPTH < 2 ? 1 : $clog2(DEPTH))-1:0] address,
  output logic [WIDTH-1:0]                           word
);
  logic [WIDTH-1:0] read;

  always_ff @(posedge aclk) begin
    if (enable) begin
      read <= WIDTH'(address);
      word <= read;
    end
  end
endmodule

`default_nettype wire
