// SPDX-License-Identifier: MIT-0
// The law of one stream, as its reader sees it: after reset valid is low; what is valid is neither
// taken back nor changed before it is taken; nothing that counts is unknown. A violation ends the
// run.
`default_nettype none

module bench_protocol #(
  parameter NAME = "stream",
  parameter int WIDTH = 8,
  // 1: tready is the circuit's own, and must be low in reset
  parameter int CHECK_READY = 0,
  // 1: all of tdata is defined; 0: unused lanes may be unknown
  parameter int CHECK_DATA = 0
) (
  input logic             aclk,
  input logic             aresetn,
  input logic [63:0]      cycle,
  input logic [WIDTH-1:0] tdata,
  input logic             tvalid,
  input logic             tready,
  input logic             tlast
);
  logic was_reset;
  logic waiting;
  logic [WIDTH-1:0] held_data;
  logic held_last;

  initial was_reset = 1'b0;
  initial waiting = 1'b0;

  task stop;
    $fatal(1, "protocol");
  endtask

  always @(posedge aclk) begin
    was_reset <= !aresetn;
    waiting <= aresetn && tvalid && !tready;
    if (tvalid && !tready) begin
      held_data <= tdata;
      held_last <= tlast;
    end
    if (was_reset) begin
      if (tvalid !== 1'b0) begin
        $display("FAIL %0s: valid right after reset", NAME);
        stop;
      end
      if (CHECK_READY != 0 && tready !== 1'b0) begin
        $display("FAIL %0s: ready in reset", NAME);
        stop;
      end
    end else if (aresetn && ((tvalid ^ tready) === 1'bx || (tvalid && tlast === 1'bx))) begin
      $display("FAIL %0s: valid, ready or last is unknown, cycle %0d", NAME, cycle);
      stop;
    end
    if (CHECK_DATA != 0 && aresetn && !was_reset && tvalid && ^tdata === 1'bx) begin
      $display("FAIL %0s: data is unknown, cycle %0d", NAME, cycle);
      stop;
    end
    if (waiting && !tvalid) begin
      $display("FAIL %0s: valid was taken back before ready, cycle %0d", NAME, cycle);
      stop;
    end
    if (waiting && tvalid && (tdata !== held_data || tlast !== held_last)) begin
      $display("FAIL %0s: payload changed while it waited for ready, cycle %0d", NAME, cycle);
      stop;
    end
  end
endmodule

`default_nettype wire
