// SPDX-License-Identifier: MIT-0
// Two circuits in one design, each against its own vectors: around_circuit is the source, the sink and the
// comparison of one circuit, two_networks has both and the verdict.
`default_nettype none

module around_circuit #(
  parameter NAME = "circuit",
  // folder that generate wrote
  parameter DIR = "",
  parameter int FRAMES = 4,
  // input: bits of tdata, beats of a frame
  parameter int IN_WIDTH = 8,
  parameter int IN_BEATS = 1,
  // output: bits of an element, elements of a beat and of a frame, bits of tdata
  parameter int ELEMENT = 8,
  parameter int LANES = 1,
  parameter int ELEMENTS = 1,
  parameter int OUT_WIDTH = 8
) (
  input  logic                 aclk,
  input  logic                 aresetn,
  input  logic [63:0]          cycle,
  input  logic [2:0]           stall_in,
  input  logic [2:0]           stall_out,
  input  logic [31:0]          seed,
  output logic [IN_WIDTH-1:0]  to_tdata,
  output logic                 to_tvalid,
  input  logic                 to_tready,
  output logic                 to_tlast,
  input  logic [OUT_WIDTH-1:0] from_tdata,
  input  logic                 from_tvalid,
  output logic                 from_tready,
  input  logic                 from_tlast,
  output logic                 done,
  output logic                 right
);
  logic [31:0] frames;
  logic [31:0] mismatches;
  logic [31:0] compared;
  logic [31:0] bad_frame;
  logic [31:0] bad_element;
  logic [63:0] expected;
  logic [63:0] found;
  logic [63:0] first_done;
  logic [63:0] began;
  logic [63:0] ii;

  vector_source #(
    .FILE({DIR, "/vectors/input.mem"}), .WIDTH(IN_WIDTH), .BEATS(IN_BEATS), .FRAMES(FRAMES)
  ) source (
    .aclk(aclk), .aresetn(aresetn), .cycle(cycle), .pattern(stall_in), .seed(seed),
    .tdata(to_tdata), .tvalid(to_tvalid), .tready(to_tready), .tlast(to_tlast),
    .began(began), .ii(ii)
  );

  bench_sink sink (
    .aclk(aclk), .aresetn(aresetn), .pattern(stall_out), .seed(seed),
    .tvalid(from_tvalid), .tready(from_tready)
  );

  vector_tap #(
    .NAME(NAME), .FILE({DIR, "/vectors/expected.mem"}), .ELEMENT(ELEMENT), .LANES(LANES),
    .ELEMENTS(ELEMENTS), .WIDTH(OUT_WIDTH), .TRIMMED(1), .FRAMES(FRAMES)
  ) tap (
    .aclk(aclk), .aresetn(aresetn), .cycle(cycle), .tdata(from_tdata), .tvalid(from_tvalid),
    .tready(from_tready), .tlast(from_tlast), .frames(frames), .mismatches(mismatches),
    .compared(compared), .bad_frame(bad_frame), .bad_element(bad_element), .expected(expected),
    .found(found), .first_done(first_done)
  );

  assign done = frames == FRAMES;
  assign right = compared == FRAMES * ELEMENTS && mismatches == 0;
endmodule

module two_networks #(
  parameter DIR = "."
);
  localparam int LIMIT = 100000;  // cycles

  logic aclk;
  logic aresetn;
  logic [63:0] cycle;
  logic [2:0] stall_in;
  logic [2:0] stall_out;
  logic [31:0] seed;

  bench_clock clock (
    .aclk(aclk), .aresetn(aresetn), .cycle(cycle),
    .stall_in(stall_in), .stall_out(stall_out), .seed(seed)
  );

  logic [23:0] a_tdata;
  logic [23:0] x_tdata;
  logic a_tvalid, a_tready, a_tlast, x_tvalid, x_tready, x_tlast;
  logic a_error, a_done, a_right;

  around_circuit #(
    .NAME("first"), .DIR({DIR, "/first"}), .IN_WIDTH(24), .IN_BEATS(3),
    .ELEMENT(8), .LANES(3), .ELEMENTS(3), .OUT_WIDTH(24)
  ) around_first (
    .aclk(aclk), .aresetn(aresetn), .cycle(cycle), .stall_in(stall_in), .stall_out(stall_out),
    .seed(seed), .to_tdata(a_tdata), .to_tvalid(a_tvalid), .to_tready(a_tready),
    .to_tlast(a_tlast), .from_tdata(x_tdata), .from_tvalid(x_tvalid), .from_tready(x_tready),
    .from_tlast(x_tlast), .done(a_done), .right(a_right)
  );

  first #(.ROM_DIR({DIR, "/first/rom"})) one (
    .aclk(aclk), .aresetn(aresetn),
    .s_axis_tdata(a_tdata), .s_axis_tvalid(a_tvalid),
    .s_axis_tready(a_tready), .s_axis_tlast(a_tlast),
    .m_axis_tdata(x_tdata), .m_axis_tvalid(x_tvalid),
    .m_axis_tready(x_tready), .m_axis_tlast(x_tlast),
    .frame_error(a_error)
  );

  logic [7:0] b_tdata;
  logic [7:0] y_tdata;
  logic b_tvalid, b_tready, b_tlast, y_tvalid, y_tready, y_tlast;
  logic b_error, b_done, b_right;

  around_circuit #(
    .NAME("second"), .DIR({DIR, "/second"}), .IN_WIDTH(8), .IN_BEATS(10),
    .ELEMENT(4), .LANES(2), .ELEMENTS(3), .OUT_WIDTH(8)
  ) around_second (
    .aclk(aclk), .aresetn(aresetn), .cycle(cycle), .stall_in(stall_in), .stall_out(stall_out),
    .seed(seed), .to_tdata(b_tdata), .to_tvalid(b_tvalid), .to_tready(b_tready),
    .to_tlast(b_tlast), .from_tdata(y_tdata), .from_tvalid(y_tvalid), .from_tready(y_tready),
    .from_tlast(y_tlast), .done(b_done), .right(b_right)
  );

  second #(.ROM_DIR({DIR, "/second/rom"})) two (
    .aclk(aclk), .aresetn(aresetn),
    .s_axis_tdata(b_tdata), .s_axis_tvalid(b_tvalid),
    .s_axis_tready(b_tready), .s_axis_tlast(b_tlast),
    .m_axis_tdata(y_tdata), .m_axis_tvalid(y_tvalid),
    .m_axis_tready(y_tready), .m_axis_tlast(y_tlast),
    .frame_error(b_error)
  );

  always @(posedge aclk) begin
    if (aresetn && (cycle == LIMIT || (a_done === 1'b1 && b_done === 1'b1))) begin
      $display("first: %0s, second: %0s", a_right ? "equal" : "different",
               b_right ? "equal" : "different");
      if (!a_right || !b_right || a_error !== 1'b0 || b_error !== 1'b0) $fatal(1, "two_networks");
      $finish;
    end
  end
endmodule

`default_nettype wire
