// SPDX-License-Identifier: MIT-0
// E = table[largest - element] for each lane, 0 beyond the table. LATENCY = 4 cycles, always
// enabled: distance, index, ROM. Each ROM serves two lanes.
//
// Image, with fixed_rom's suffix _<bank>.mem: DEPTH words of 21 bits, word d 2**20 exp(-d s).
`default_nettype none

module fixed_softmax_exps #(
  // elements of a beat; >= 1
  parameter int LANES = 2,
  // bits of an element, 1 .. 12; its type: signed unsigned
  parameter int WIDTH = 8,
  parameter IN_TYPE = "signed",
  // words; 1 .. 2**WIDTH
  parameter int DEPTH = 117,
  // base name of the image
  parameter TABLE_FILE = ""
) (
  input  logic                   aclk,
  input  logic [LANES*WIDTH-1:0] word,
  // two's complement; no element is larger
  input  logic [WIDTH:0]         largest,
  output logic [LANES*21-1:0]    exps
);
  localparam int SIGNED = 80'(IN_TYPE) == 80'("signed") ? 1 : 0;
  localparam int INDEX = DEPTH < 2 ? 1 : $clog2(DEPTH);
  localparam int EXP = 21;

  generate
    if (WIDTH > 12 || DEPTH < 1 || DEPTH > 2**WIDTH) begin : gen_illegal
      fixed_softmax_needs_DEPTH_of_1_to_2_to_the_WIDTH_which_is_12_at_most stop ();
    end
  endgenerate

  logic [LANES*INDEX-1:0] index;
  logic [LANES*EXP-1:0] entry;

  generate
    for (genvar pair = 0; pair < LANES; pair = pair + 2) begin : gen_rom
      localparam int PORTS = pair + 1 < LANES ? 2 : 1;

      fixed_rom #(
        .WIDTH(EXP), .DEPTH(DEPTH), .PORTS(PORTS), .FILE(TABLE_FILE)
      ) rom (
        .aclk(aclk), .enable(1'b1), .address(index[pair*INDEX +: PORTS*INDEX]),
        .word(entry[pair*EXP +: PORTS*EXP])
      );
    end

    for (genvar lane = 0; lane < LANES; lane = lane + 1) begin : gen_lane
      logic [WIDTH-1:0] code;
      logic [WIDTH:0] distance;  // not negative
      logic beyond;
      logic [2:0] zero;

      assign code = word[lane*WIDTH +: WIDTH];
      assign beyond = distance >= (WIDTH+1)'(DEPTH);
      assign exps[lane*EXP +: EXP] = zero[2] ? '0 : entry[lane*EXP +: EXP];

      always_ff @(posedge aclk) begin
        distance <= largest - {SIGNED != 0 && code[WIDTH-1], code};
        index[lane*INDEX +: INDEX] <= beyond ? '0 : INDEX'(distance);
        zero <= {zero[1:0], beyond};
      end
    end
  endgenerate
endmodule

`default_nettype wire
