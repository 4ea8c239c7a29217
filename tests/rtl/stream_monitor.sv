// SPDX-License-Identifier: MIT-0
// The protocol law of one stream, as the reader sees it: after reset valid is low, nothing valid is
// taken back or changed before it is taken, ready is low in reset.
`default_nettype none

module stream_monitor #(
  parameter int ID = 0,
  parameter int WIDTH = 8,
  // 1: tready is the cell's too, and must be low in reset
  parameter int CHECK_READY = 0
) (
  input logic             aclk,
  input logic             aresetn,
  input logic [WIDTH-1:0] tdata,
  input logic             tvalid,
  input logic             tready,
  input logic             tlast
);
  logic was_reset;
  logic waiting;
  logic [WIDTH-1:0] old_data;
  logic old_last;

  initial was_reset = 1'b0;
  initial waiting = 1'b0;

  always @(posedge aclk) begin
    was_reset <= !aresetn;
    waiting <= aresetn && tvalid && !tready;
    old_data <= tdata;
    old_last <= tlast;
    if (was_reset && tvalid !== 1'b0) $fatal(1, "cell %0d: valid after reset", ID);
    if (CHECK_READY != 0 && was_reset && tready !== 1'b0) $fatal(1, "cell %0d: ready in reset", ID);
    if (waiting && !tvalid) $fatal(1, "cell %0d: valid was taken back", ID);
    if (waiting && (tdata !== old_data || tlast !== old_last)) begin
      $fatal(1, "cell %0d: payload changed in a stall", ID);
    end
  end
endmodule

`default_nettype wire
