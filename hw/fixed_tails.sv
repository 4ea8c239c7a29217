// SPDX-License-Identifier: MIT-0
// One lane of a function that is stored (or computed) between two tails:
//
//      sat(LOW_SLOPE*n + LOW_OFFSET) | sat(entry of n - FIRST) | sat(HIGH_SLOPE*n + HIGH_OFFSET)
//      ------------------------------+-------------------------+-------------------------------> n
//                                  FIRST                 FIRST + DEPTH
//
// ODD: the same for the magnitude m = abs(n), negated for negative n, then saturated.
//
//     code --> [ m ] --> [ index, inside? ] --> caller, BODY cycles --> entry --> [ choose ]
//               ODD               +---> [ tail ] --> delay ----------------------------^  |
//                                                  y <-- [ negate ] <-- [ saturate ] <----+
//                                                            ODD
//
// LATENCY = 3 + BODY + (ODD ? 2 : 0) cycles; `index` is a register, 1 + ODD cycles after code, and
// entry must follow it by BODY cycles. Every stage is enabled by `enable`.
`default_nettype none

module fixed_tails #(
  // bits of code; its type: signed unsigned
  parameter int IN_WIDTH = 8,
  parameter IN_TYPE = "signed",
  // bits of y; its type: signed unsigned
  parameter int OUT_WIDTH = 8,
  parameter OUT_TYPE = "signed",
  // 1: odd function of signed codes, both zero points 0
  parameter int ODD = 0,
  // lowest code (ODD: magnitude) with an entry, and how many have one; DEPTH >= 0
  parameter logic signed [63:0] FIRST = -64'sd128,
  parameter int DEPTH = 256,
  // slopes 0 or 1
  parameter int LOW_SLOPE = 0,
  parameter logic signed [63:0] LOW_OFFSET = 64'sd0,
  parameter int HIGH_SLOPE = 0,
  parameter logic signed [63:0] HIGH_OFFSET = 64'sd0,
  // bits of entry, two's complement
  parameter int ENTRY_WIDTH = 9,
  // cycles from index to entry; >= 2
  parameter int BODY = 2
) (
  input  logic                                        aclk,
  input  logic                                        enable,
  input  logic [IN_WIDTH-1:0]                         code,
  output logic [(DEPTH < 2 ? 1 : $clog2(DEPTH))-1:0]  index,
  input  logic [ENTRY_WIDTH-1:0]                      entry,
  output logic [OUT_WIDTH-1:0]                        y
);
  localparam int SIGNED = 80'(IN_TYPE) == 80'("signed") ? 1 : 0;
  localparam int OUT_SIGNED = 80'(OUT_TYPE) == 80'("signed") ? 1 : 0;
  localparam int INDEX = DEPTH < 2 ? 1 : $clog2(DEPTH);
  localparam int N = IN_WIDTH + 1;  // bits of n and of m, two's complement

  generate
    if (SIGNED == 0 && (80'(IN_TYPE) != 80'("unsigned") || ODD != 0)) begin : gen_in
      fixed_tails_has_no_such_IN_TYPE_or_ODD_is_unsigned stop ();
    end
    if (OUT_SIGNED == 0 && 80'(OUT_TYPE) != 80'("unsigned")) begin : gen_out
      fixed_tails_has_no_such_OUT_TYPE stop ();
    end
    if (DEPTH < 0 || BODY < 2 || LOW_SLOPE < 0 || LOW_SLOPE > 1 || HIGH_SLOPE < 0 || HIGH_SLOPE > 1)
    begin : gen_range
      fixed_tails_needs_DEPTH_of_0_or_more_and_slopes_of_0_or_1 stop ();
    end
  endgenerate

  // bits of a two's complement number
  function automatic int bits_of(input logic signed [63:0] value);
    bits_of = 1;
    for (int i = 0; i < 63; i = i + 1) if (value[i] != value[63]) bits_of = i + 2;
  endfunction

  function automatic int larger(input int a, input int b);
    larger = a > b ? a : b;
  endfunction

  // Signed numbers as unsigned ones of the same order: yosys' cmp2lut takes short signed constants,
  // which others are compared with, for unsigned ones.
  localparam logic [N:0] TURN = (N+1)'(1) << N;

  // bits of a tail, and of anything before it is saturated
  localparam int TAIL = larger(N, larger(bits_of(LOW_OFFSET), bits_of(HIGH_OFFSET))) + 1;
  localparam int V = larger(TAIL, larger(ENTRY_WIDTH, OUT_WIDTH + 2));

  // magnitude
  logic signed [N-1:0] n;
  logic signed [N-1:0] m;
  logic negative;

  assign n = $signed({SIGNED != 0 && code[IN_WIDTH-1], code});

  generate
    if (ODD != 0) begin : gen_magnitude
      // kept, as in fixed_delay
      (* keep *) logic [BODY+2:0] sign;

      always_ff @(posedge aclk) begin
        if (enable) begin
          m <= n[N-1] ? -n : n;
          sign <= (BODY+3)'({sign, n[N-1]});
        end
      end
      assign negative = sign[BODY+2];
    end else begin : gen_code
      assign m = n;
      assign negative = 1'b0;
    end
  endgenerate

  // index and tail
  localparam logic signed [63:0] END = FIRST + 64'(DEPTH);
  localparam logic signed [63:0] MOST = 64'sd1 <<< IN_WIDTH;
  localparam logic signed [N:0] LOWEST_INSIDE =
      (N+1)'(FIRST < -MOST ? -MOST : FIRST > MOST ? MOST : FIRST);
  localparam logic signed [N:0] LOWEST_ABOVE =
      (N+1)'(END < -MOST ? -MOST : END > MOST ? MOST : END);
  logic below;
  logic above;
  logic signed [N-1:0] m_1;
  (* keep *) logic signed [TAIL-1:0] tail;
  (* keep *) logic [BODY-1:0] outside;
  logic signed [V-1:0] waiting_tail;

  always_ff @(posedge aclk) begin
    if (enable) begin
      index <= INDEX'((N+INDEX)'(m) - (N+INDEX)'(FIRST));
      below <= ($unsigned((N+1)'(m)) ^ TURN) < ($unsigned(LOWEST_INSIDE) ^ TURN);
      above <= ($unsigned((N+1)'(m)) ^ TURN) >= ($unsigned(LOWEST_ABOVE) ^ TURN);
      m_1 <= m;
      tail <= ((below ? LOW_SLOPE != 0 : HIGH_SLOPE != 0) ? TAIL'(m_1) : '0) +
          (below ? TAIL'(LOW_OFFSET) : TAIL'(HIGH_OFFSET));
      outside <= BODY'({outside, below || above});
    end
  end

  fixed_delay #(.WIDTH(V), .STAGES(BODY - 1)) delay_tail (
    .aclk(aclk), .enable(enable), .d(V'(tail)), .q(waiting_tail)
  );

  // choose, saturate, negate: of a negative code the bounds are mirrored first
  localparam logic signed [V-1:0] LOWEST = OUT_SIGNED != 0 ? -(V'(1) <<< (OUT_WIDTH - 1)) : '0;
  localparam logic signed [V-1:0] HIGHEST =
      (V'(1) <<< (OUT_SIGNED != 0 ? OUT_WIDTH - 1 : OUT_WIDTH)) - V'(1);
  logic signed [V-1:0] chosen;
  logic signed [V-1:0] upper;
  logic signed [V-1:0] lower;
  logic [OUT_WIDTH-1:0] saturated;

  function automatic logic [V-1:0] rank(input logic signed [V-1:0] value);
    rank = $unsigned(value) ^ (V'(1) << (V - 1));
  endfunction

  assign upper = negative ? -LOWEST : HIGHEST;
  assign lower = negative ? -HIGHEST : LOWEST;

  always_ff @(posedge aclk) begin
    if (enable) begin
      chosen <= outside[BODY-1] ? waiting_tail : V'($signed(entry));
      saturated <= OUT_WIDTH'(rank(chosen) > rank(upper) ? upper :
                              rank(chosen) < rank(lower) ? lower : chosen);
    end
  end

  generate
    if (ODD != 0) begin : gen_negate
      logic negate;

      always_ff @(posedge aclk) begin
        if (enable) begin
          negate <= negative;
          y <= negate ? -saturated : saturated;
        end
      end
    end else begin : gen_done
      assign y = saturated;
    end
  endgenerate
endmodule

`default_nettype wire
