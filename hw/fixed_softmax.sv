// SPDX-License-Identifier: MIT-0
// softmax of each row of ELEMENTS, as the quotient of whole numbers:
//
//     y = saturate(OUT_ZERO + half_even(E[m - x] * 2**FRACTION / sum of E[m - x] over the row))
//
// with m the row's largest element and E a table (fixed_softmax_exps).
//
//     s_axis --> rows --> E [ ] --> sums of pairs [ ] --> ... --> sum [ ]
//                                \--> a serial divider for each lane [ ] --> m_axis
//
// The row in front is read twice: all beats for the sum, in BEATS + 5 + clog2(LANES) cycles, then
// beat after beat for the dividers. They begin with a beat as soon as
//
//   - the sum is known, or 6 cycles have passed since they began with the one before, and
//   - that one is done, FRACTION + 3 cycles after its begin, and the output register is free.
//
// Then it is at the output FRACTION + 4 cycles later. With the begin of its last beat the row makes
// room for another, whose first reading begins in the next cycle if it is there (fixed_softmax_rows).
//
// So a row takes max(BEATS + 6 + clog2(LANES), FRACTION + 3) + (BEATS - 1) * max(6, FRACTION + 3)
// cycles if neither side stalls. ready and valid are registers.
`default_nettype none

module fixed_softmax #(
  // elements of a row; a multiple of LANES
  parameter int ELEMENTS = 10,
  // elements of a beat; >= 1
  parameter int LANES = 2,
  // bits of an input, 1 .. 12; its type: signed unsigned
  parameter int WIDTH = 8,
  parameter IN_TYPE = "signed",
  // words of the table; 1 .. 2**WIDTH
  parameter int DEPTH = 117,
  // the output's scale is 2**-FRACTION; 0 .. 32
  parameter int FRACTION = 8,
  // bits of an output, which is unsigned; its zero
  parameter int OUT_WIDTH = 8,
  parameter logic signed [63:0] OUT_ZERO = 64'sd0,
  // base name of the image
  parameter TABLE_FILE = ""
) (
  input  logic                       aclk,
  input  logic                       aresetn,
  input  logic [LANES*WIDTH-1:0]     s_axis_tdata,
  input  logic                       s_axis_tvalid,
  output logic                       s_axis_tready,
  input  logic                       s_axis_tlast,
  output logic [LANES*OUT_WIDTH-1:0] m_axis_tdata,
  output logic                       m_axis_tvalid,
  input  logic                       m_axis_tready,
  output logic                       m_axis_tlast
);
  localparam int BEATS = ELEMENTS / LANES;
  localparam int AT = BEATS < 2 ? 1 : $clog2(BEATS);
  localparam int EXP = 21;                      // bits of E
  localparam int SUM = EXP + $clog2(ELEMENTS);  // bits of a sum
  localparam int READ = 5;                      // cycles from `at` to E
  localparam int STEPS = FRACTION + 3;          // from the begin of a beat to its end
  localparam int LEFT = $clog2(STEPS + 1);
  // an output before it is clamped
  localparam int WIDE = (FRACTION + 1 > OUT_WIDTH ? FRACTION + 1 : OUT_WIDTH) + 1;

  generate
    if (LANES < 1 || ELEMENTS < 1 || ELEMENTS % LANES != 0) begin : gen_size
      fixed_softmax_needs_ELEMENTS_that_are_a_multiple_of_LANES stop ();
    end
    if (FRACTION < 0 || FRACTION > 32 || OUT_WIDTH < 1 || OUT_WIDTH > 32) begin : gen_output
      fixed_softmax_needs_FRACTION_of_0_to_32_and_OUT_WIDTH_of_1_to_32 stop ();
    end
    if (OUT_ZERO < 0 || (OUT_ZERO >> OUT_WIDTH) != 0) begin : gen_zero
      fixed_softmax_needs_OUT_ZERO_within_OUT_WIDTH stop ();
    end
  endgenerate

  // ---- rows, exponentials

  logic there;
  logic last;
  logic [WIDTH:0] largest;
  logic [AT-1:0] at;
  logic [LANES*WIDTH-1:0] word;
  logic [LANES*EXP-1:0] exps;
  logic ends;   // the last beat of the row
  logic begins; // the dividers begin with a beat

  fixed_softmax_rows #(
    .LANES(LANES), .BEATS(BEATS), .WIDTH(WIDTH), .IN_TYPE(IN_TYPE)
  ) rows (
    .aclk(aclk), .aresetn(aresetn),
    .s_axis_tdata(s_axis_tdata), .s_axis_tvalid(s_axis_tvalid),
    .s_axis_tready(s_axis_tready), .s_axis_tlast(s_axis_tlast),
    .there(there), .largest(largest), .last(last), .at(at), .word(word), .done(begins && ends)
  );

  fixed_softmax_exps #(
    .LANES(LANES), .WIDTH(WIDTH), .IN_TYPE(IN_TYPE), .DEPTH(DEPTH), .TABLE_FILE(TABLE_FILE)
  ) table_of_exps (
    .aclk(aclk), .word(word), .largest(largest), .exps(exps)
  );

  // ---- the sum

  logic reads;                  // a beat, for the sum
  logic [READ-1:0] past_reads;  // bit k: k + 1 cycles ago
  logic [READ-1:0] past_ends;   // ... the row's last
  logic [SUM-1:0] sum;
  logic known;                  // since now

  fixed_softmax_sum #(
    .LANES(LANES), .WIDTH(EXP), .SUM_WIDTH(SUM)
  ) adder (
    .aclk(aclk), .aresetn(aresetn), .terms(exps), .adds(past_reads[READ-1]),
    .ends(past_ends[READ-1]), .sum(sum), .known(known)
  );

  // ---- which beat is read, and what for

  logic waits;               // for the sum of what was read
  logic divides;             // since an earlier cycle
  logic [2:0] settles;       // cycles until E is that of `at`
  logic [LEFT-1:0] left;     // cycles until the beat in the dividers is done, and 1; 0: there is none
  logic moves;               // it goes to the output
  logic closes;              // it is the frame's last
  logic [SUM-1:0] divisor;

  assign ends = at == AT'(BEATS - 1);
  assign reads = there && !waits && !divides;
  assign moves = left == LEFT'(1) && (!m_axis_tvalid || m_axis_tready);
  assign begins = (known || divides) && settles == 3'd0 && (left == '0 || moves);

  always_ff @(posedge aclk) begin
    if (begins) divisor <= sum;
    if (begins) closes <= ends && last;
    if (moves) m_axis_tlast <= closes;

    past_reads <= READ'({past_reads, reads});
    past_ends <= READ'({past_ends, reads && ends});
    if (reads || begins) at <= ends ? '0 : at + 1'b1;
    if (reads && ends) waits <= 1'b1;
    if (known) begin
      waits <= 1'b0;
      divides <= 1'b1;
    end
    if (begins && ends) divides <= 1'b0;
    if (settles != 3'd0) settles <= settles - 3'd1;
    if (left > LEFT'(1)) left <= left - 1'b1;
    if (moves) left <= '0;
    if (begins) begin
      settles <= 3'(READ);
      left <= LEFT'(STEPS);
    end
    if (!m_axis_tvalid || m_axis_tready) m_axis_tvalid <= left == LEFT'(1);
    if (!aresetn) begin
      past_reads <= '0;
      past_ends <= '0;
      at <= '0;
      waits <= 1'b0;
      divides <= 1'b0;
      settles <= 3'd0;
      left <= '0;
      m_axis_tvalid <= 1'b0;
    end
  end

  // ---- dividers

  generate
    for (genvar lane = 0; lane < LANES; lane = lane + 1) begin : gen_lane
      logic [FRACTION:0] quotient;
      logic [WIDE-1:0] wide;

      fixed_quotient #(.WIDTH(SUM), .FRACTION(FRACTION)) divider (
        .aclk(aclk), .load(begins), .step(left > LEFT'(2)), .round(left == LEFT'(2)),
        .numerator(SUM'(exps[lane*EXP +: EXP])), .denominator(divisor), .quotient(quotient)
      );

      assign wide = WIDE'(quotient) + WIDE'(OUT_ZERO);
      always_ff @(posedge aclk) begin
        if (moves) begin
          m_axis_tdata[lane*OUT_WIDTH +: OUT_WIDTH] <=
              (wide >> OUT_WIDTH) != '0 ? {OUT_WIDTH{1'b1}} : OUT_WIDTH'(wide);
        end
      end
    end
  endgenerate
endmodule

`default_nettype wire
