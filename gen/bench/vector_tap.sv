// SPDX-License-Identifier: MIT-0
// Watches one stream and compares each accepted beat with a file, one beat per line, TLAST above
// the data: every element, TLAST, and the number of beats. Checks the protocol as well.
`default_nettype none

module vector_tap #(
  parameter NAME = "stream",
  parameter FILE = "expected.mem",
  // bits of an element, elements of a beat and of a frame
  parameter int ELEMENT = 8,
  parameter int LANES = 1,
  parameter int ELEMENTS = 1,
  // bits of tdata; 1: unused lanes and bits must be zero
  parameter int WIDTH = 8,
  parameter int TRIMMED = 0,
  // 0 unsigned, 1 signed, 2 bipolar: how elements are printed
  parameter int TYPE = 1,
  parameter int FRAMES = 1,
  // frames that may come beyond them, of a layer that reads what was some frames ago
  parameter int AHEAD = 0
) (
  input  logic             aclk,
  input  logic             aresetn,
  input  logic [63:0]      cycle,
  input  logic [WIDTH-1:0] tdata,
  input  logic             tvalid,
  input  logic             tready,
  input  logic             tlast,
  output logic [31:0]      frames,      // that have come whole
  output logic [31:0]      mismatches,  // elements
  output logic [31:0]      compared,    // elements
  output logic [31:0]      bad_frame,   // of the first mismatch; FRAMES: none
  output logic [31:0]      bad_element,
  output logic signed [63:0] expected,
  output logic signed [63:0] found,
  output logic [63:0]      first_done   // cycle of the first frame's last beat
);
  localparam int BEATS = (ELEMENTS + LANES - 1) / LANES;

  logic [WIDTH:0] beat [0:FRAMES*BEATS-1];
  logic [WIDTH:0] want;  // of the beat that comes next
  logic [LANES-1:0] used;
  logic [LANES-1:0] wrong;
  integer frame;
  integer at;  // beat of the frame
  integer surplus;  // beats beyond FRAMES

  bench_protocol #(.NAME(NAME), .WIDTH(WIDTH), .CHECK_DATA(TRIMMED)) protocol (
    .aclk(aclk), .aresetn(aresetn), .cycle(cycle), .tdata(tdata), .tvalid(tvalid),
    .tready(tready), .tlast(tlast)
  );

  initial $readmemh(FILE, beat);

  assign frames = frame;
  assign want = frame < FRAMES ? beat[frame*BEATS + at] : '0;

  always_comb begin
    for (int i = 0; i < LANES; i = i + 1) begin
      used[i] = at * LANES + i < ELEMENTS;
      wrong[i] = used[i] && tdata[i*ELEMENT +: ELEMENT] !== want[i*ELEMENT +: ELEMENT];
    end
  end

  function automatic logic [31:0] ones(input logic [LANES-1:0] x);
    ones = 32'd0;
    for (int i = 0; i < LANES; i = i + 1) ones = ones + 32'(x[i]);
  endfunction

  function automatic int lowest(input logic [LANES-1:0] x);
    lowest = 0;
    for (int i = LANES - 1; i >= 0; i = i - 1) if (x[i]) lowest = i;
  endfunction

  function automatic logic signed [63:0] value(input logic [ELEMENT-1:0] code);
    value = 64'(code);
    if (TYPE == 2) value = code == '0 ? -64'sd1 : 64'sd1;
    if (TYPE == 1 && code[ELEMENT-1]) value = 64'(code) - (64'sd1 <<< ELEMENT);
  endfunction

  task check_shape;
    if (frame == FRAMES) begin
      $display("FAIL %0s: a beat more than the %0d frames have", NAME, FRAMES);
      $fatal(1, "surplus");
    end
    if (tlast !== want[WIDTH]) begin
      $display("FAIL %0s: image %0d: TLAST is %b on beat %0d of %0d", NAME, frame, tlast, at + 1,
               BEATS);
      $fatal(1, "TLAST");
    end
    if (TRIMMED != 0 && wrong == '0 && tdata !== want[WIDTH-1:0]) begin
      $display("FAIL %0s: image %0d: unused lanes or bits are not zero", NAME, frame);
      $fatal(1, "padding");
    end
  endtask

  always @(posedge aclk) begin
    if (!aresetn) begin
      frame <= 0;
      at <= 0;
      surplus <= 0;
      mismatches <= 32'd0;
      compared <= 32'd0;
      bad_frame <= FRAMES;
      bad_element <= 32'd0;
      expected <= 64'sd0;
      found <= 64'sd0;
      first_done <= 64'd0;
    end else if (tvalid && tready && frame == FRAMES && surplus < AHEAD * BEATS) begin
      surplus <= surplus + 1;
    end else if (tvalid && tready) begin
      check_shape;
      compared <= compared + ones(used);
      mismatches <= mismatches + ones(wrong);
      if (wrong != '0 && bad_frame == FRAMES) begin
        bad_frame <= frame;
        bad_element <= at * LANES + lowest(wrong);
        expected <= value(want[lowest(wrong)*ELEMENT +: ELEMENT]);
        found <= value(tdata[lowest(wrong)*ELEMENT +: ELEMENT]);
      end
      at <= at == BEATS - 1 ? 0 : at + 1;
      if (at == BEATS - 1) begin
        frame <= frame + 1;
        if (frame == 0) first_done <= cycle;
        if (TRIMMED != 0) $display("AT %0d", frame + 1);
      end
    end
  end
endmodule

`default_nettype wire
