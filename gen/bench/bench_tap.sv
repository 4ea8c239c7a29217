// SPDX-License-Identifier: MIT-0
// Watches one stream: shows each accepted beat to the harness and checks the protocol.
`default_nettype none

module bench_tap #(
  // number of the stream, as the harness counts: layers, then the circuit's output
  parameter int STREAM = 0,
  parameter NAME = "stream",
  // bits of tdata
  parameter int WIDTH = 8
) (
  input logic             aclk,
  input logic             aresetn,
  input logic [63:0]      cycle,
  input logic [WIDTH-1:0] tdata,
  input logic             tvalid,
  input logic             tready,
  input logic             tlast
);
  import "DPI-C" function int bench_beat(input int stream, input longint cycle,
                                         input bit [WIDTH-1:0] data, input bit last);

  bench_protocol #(.NAME(NAME), .WIDTH(WIDTH)) protocol (
    .aclk(aclk), .aresetn(aresetn), .cycle(cycle), .tdata(tdata), .tvalid(tvalid),
    .tready(tready), .tlast(tlast)
  );

  always @(posedge aclk) begin
    if (aresetn && tvalid && tready) begin
      if (bench_beat(STREAM, cycle, tdata, tlast) == 0) $fatal(1, "%0s", NAME);
    end
  end
endmodule

`default_nettype wire
