// SPDX-License-Identifier: MIT-0
// Counts the windows of a frame for cells that make one beat of each: which beat begins one, and
// which is the frame's last.
//
// State: `fresh` and the window's number. Reset begins a frame.
`default_nettype none

module fixed_windows #(
  // of a frame; >= 1
  parameter int WINDOWS = 6
) (
  input  logic aclk,
  input  logic aresetn,
  // a beat is taken; it is a window's last
  input  logic taken,
  input  logic last,
  output logic fresh,
  output logic last_window
);
  localparam int WINDOW = WINDOWS < 2 ? 1 : $clog2(WINDOWS);

  generate
    if (WINDOWS < 1) begin : gen_illegal
      fixed_windows_needs_WINDOWS_of_1_or_more stop ();
    end
  endgenerate

  logic [WINDOW-1:0] window;

  assign last_window = window == WINDOW'(WINDOWS - 1);

  always_ff @(posedge aclk) begin
    if (taken) fresh <= last;
    if (taken && last) window <= window + 1'b1;
    if (!aresetn || (taken && last && last_window)) window <= '0;
    if (!aresetn) fresh <= 1'b1;
  end
endmodule

`default_nettype wire
