// SPDX-License-Identifier: MIT-0
// Sum of products over the input lanes of one beat: products, then a tree of adders, a register
// behind each.
//
//     x, w --> [ product ] x LANES --> [ + ] --> [ + ] ... --> sum
//
// LATENCY = 1 + clog2(LANES) cycles, one sum per cycle, never stops. The sum is exact modulo
// 2^OUT_WIDTH, and no adder is wider. An operand of 1 or 2 bits selects and adds; only wider ones
// multiply.
//
// yosys' synth_ice40 -dsp packs a product, its register and the adder behind it into one block,
// takes the other product's register into it too, and then gives that away a second time: a product
// is lost. It looks for an adder of the register as it is, and for one register with the other
// operand. So operands are extended by their sign here, as unsigned numbers, which Xilinx' blocks
// still take; where that adds no bit, or one that may be constant, every other product has two
// registers. Two registers in a row, whole, make it crash.
`default_nettype none

module fixed_mac #(
  // products per cycle; >= 1
  parameter int LANES = 4,
  // bits of x; >= 1
  parameter int IN_WIDTH = 8,
  // 1: x is two's complement, 0: unsigned
  parameter int IN_SIGNED = 1,
  // bits of w; >= 1
  parameter int WEIGHT_WIDTH = 8,
  // signed unsigned bipolar
  parameter WEIGHT_TYPE = "signed",
  // bits of the sum; >= 1
  parameter int OUT_WIDTH = 18
) (
  input  logic                          aclk,
  // lane 0 in the low bits
  input  logic [LANES*IN_WIDTH-1:0]     x,
  input  logic [LANES*WEIGHT_WIDTH-1:0] w,
  output logic [OUT_WIDTH-1:0]          sum
);
  localparam logic [79:0] TYPE = 80'(WEIGHT_TYPE);
  localparam int BIPOLAR = TYPE == 80'("bipolar") ? 1 : 0;
  localparam int SIGNED = TYPE == 80'("signed") ? 1 : 0;

  generate
    if (SIGNED == 0 && BIPOLAR == 0 && TYPE != 80'("unsigned")) begin : gen_type
      fixed_mac_has_no_such_WEIGHT_TYPE stop ();
    end
    if (LANES < 1 || IN_WIDTH < 1 || WEIGHT_WIDTH < 1 || OUT_WIDTH < 1 ||
        (BIPOLAR != 0 && WEIGHT_WIDTH != 1)) begin : gen_illegal
      fixed_mac_needs_sizes_of_1_or_more_and_bipolar_weights_of_1_bit stop ();
    end
  endgenerate

  // bits that hold every product
  localparam int PRODUCT = IN_WIDTH + WEIGHT_WIDTH + (IN_SIGNED == 0 && SIGNED == 0 ? 1 : 0);
  localparam int LEVELS = $clog2(LANES);
  localparam int MULTIPLIES = BIPOLAR == 0 && WEIGHT_WIDTH > 2 && IN_WIDTH > 2 ? 1 : 0;

  // terms that a level of the tree leaves, and their bits, never more than the sum has
  function automatic int terms(input int level);
    terms = (LANES + 2**level - 1) / 2**level;
  endfunction

  function automatic int width(input int level);
    width = PRODUCT + level < OUT_WIDTH ? PRODUCT + level : OUT_WIDTH;
  endfunction

  generate
    for (genvar level = 0; level <= LEVELS; level = level + 1) begin : gen_level
      logic [terms(level)*width(level)-1:0] term;
    end

    for (genvar lane = 0; lane < LANES; lane = lane + 1) begin : gen_product
      localparam int WIDTH = width(0);
      logic [IN_WIDTH-1:0] x_code;
      logic [WEIGHT_WIDTH-1:0] w_code;
      logic [WIDTH-1:0] product;

      assign x_code = x[lane*IN_WIDTH +: IN_WIDTH];
      assign w_code = w[lane*WEIGHT_WIDTH +: WEIGHT_WIDTH];

      if (MULTIPLIES != 0) begin : gen_multiply
        fixed_multiply #(
          .A_WIDTH(IN_WIDTH), .B_WIDTH(WEIGHT_WIDTH), .A_SIGNED(IN_SIGNED), .B_SIGNED(SIGNED),
          .OUT_WIDTH(WIDTH)
        ) multiply (
          .a(x_code), .b(w_code), .product(product)
        );
      end else begin : gen_add
        logic signed [PRODUCT-1:0] a;
        logic signed [PRODUCT-1:0] b;

        assign a = IN_SIGNED != 0 ? PRODUCT'($signed(x_code)) : $signed(PRODUCT'(x_code));
        assign b = SIGNED != 0 ? PRODUCT'($signed(w_code)) : $signed(PRODUCT'(w_code));

        if (BIPOLAR != 0) begin : gen_sign
          assign product = WIDTH'(b != '0 ? a : -a);
        end else begin : gen_select
          // one operand has 2 bits (or 1, sign-extended): its low bit adds the other operand once,
          // its high bit adds it twice, or takes it away twice if it is a sign
          localparam int BY_WEIGHT = WEIGHT_WIDTH <= 2 ? 1 : 0;
          localparam int NEGATE = BY_WEIGHT != 0 ? SIGNED : IN_SIGNED;
          logic signed [PRODUCT-1:0] once;
          logic signed [PRODUCT-1:0] twice;

          assign once = BY_WEIGHT != 0 ? (b[0] ? a : '0) : (a[0] ? b : '0);
          assign twice = BY_WEIGHT != 0 ? (b[1] ? a <<< 1 : '0) : (a[1] ? b <<< 1 : '0);
          assign product = WIDTH'(NEGATE != 0 ? once - twice : once + twice);
        end
      end

      if (MULTIPLIES != 0 && WIDTH > 1 && lane % 2 == 1 && (IN_SIGNED == 0 || width(1) == WIDTH))
      begin : gen_parts
        always_ff @(posedge aclk) gen_level[0].term[lane*WIDTH] <= product[0];
        always_ff @(posedge aclk) begin
          gen_level[0].term[lane*WIDTH+1 +: WIDTH-1] <= product[WIDTH-1:1];
        end
      end else begin : gen_whole
        always_ff @(posedge aclk) gen_level[0].term[lane*WIDTH +: WIDTH] <= product;
      end
    end

    for (genvar level = 1; level <= LEVELS; level = level + 1) begin : gen_tree
      localparam int WIDTH = width(level);
      localparam int FROM = width(level - 1);

      for (genvar i = 0; i < terms(level); i = i + 1) begin : gen_term
        logic signed [FROM-1:0] left;

        assign left = gen_level[level-1].term[2*i*FROM +: FROM];
        if (2 * i + 1 < terms(level - 1)) begin : gen_add
          logic signed [FROM-1:0] right;

          assign right = gen_level[level-1].term[(2*i+1)*FROM +: FROM];
          always_ff @(posedge aclk) begin
            gen_level[level].term[i*WIDTH +: WIDTH] <=
                $unsigned(WIDTH'(left)) + $unsigned(WIDTH'(right));
          end
        end else begin : gen_odd
          logic [WIDTH-1:0] term;

          assign term = WIDTH'(left);
          always_ff @(posedge aclk) gen_level[level].term[i*WIDTH] <= term[0];
          if (WIDTH > 1) begin : gen_rest
            always_ff @(posedge aclk) begin
              gen_level[level].term[i*WIDTH+1 +: WIDTH-1] <= term[WIDTH-1:1];
            end
          end
        end
      end
    end
  endgenerate

  localparam int LAST = width(LEVELS);
  assign sum = OUT_WIDTH'($signed(gen_level[LEVELS].term[LAST-1:0]));
endmodule

`default_nettype wire
