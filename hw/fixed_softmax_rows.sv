// SPDX-License-Identifier: MIT-0
// Rows of a stream, two at a time, each with its largest element: one is written while the other is
// read, in any order and as often as wanted.
//
//     s_axis --> [ row | row ] --> word
//        \--> largest of pairs [ ] --> ... --> largest so far [ ] --> largest
//
// A row is `there` 1 + clog2(LANES) cycles after its last beat; word is that of `at`, a cycle later.
// tready = a row is free: a register. The row is free from the cycle after `done` on.
`default_nettype none

module fixed_softmax_rows #(
  // elements of a beat; >= 1
  parameter int LANES = 2,
  // beats of a row; >= 1
  parameter int BEATS = 5,
  // bits of an element; its type: signed unsigned
  parameter int WIDTH = 8,
  parameter IN_TYPE = "signed"
) (
  input  logic                                       aclk,
  input  logic                                       aresetn,
  input  logic [LANES*WIDTH-1:0]                     s_axis_tdata,
  input  logic                                       s_axis_tvalid,
  output logic                                       s_axis_tready,
  input  logic                                       s_axis_tlast,
  // the row in front, which is there: its largest element, two's complement; TLAST of its last beat
  output logic                                       there,
  output logic [WIDTH:0]                             largest,
  output logic                                       last,
  // of that row
  input  logic [(BEATS < 2 ? 1 : $clog2(BEATS))-1:0] at,
  output logic [LANES*WIDTH-1:0]                     word,
  input  logic                                       done
);
  localparam int SIGNED = 80'(IN_TYPE) == 80'("signed") ? 1 : 0;
  localparam int AT = BEATS < 2 ? 1 : $clog2(BEATS);
  localparam int LEVELS = $clog2(LANES);
  localparam int KEY = WIDTH + 1;  // an element, two's complement

  generate
    if (SIGNED == 0 && 80'(IN_TYPE) != 80'("unsigned")) begin : gen_type
      fixed_softmax_has_no_such_IN_TYPE stop ();
    end
  endgenerate

  // keys that a level of the tree leaves
  function automatic int keys(input int level);
    keys = (LANES + 2**level - 1) / 2**level;
  endfunction

  // ---- what comes in

  (* no_rw_check *) logic [LANES*WIDTH-1:0] memory[0:2**(AT+1)-1];
  logic awake;
  logic accept;
  logic ends;
  logic [1:0] free;   // rows
  logic [AT-1:0] beat;
  logic into;         // the row that is written
  logic front;        // the row that is read

  assign s_axis_tready = awake && free != 2'd0;
  assign accept = s_axis_tvalid && s_axis_tready;
  assign ends = accept && beat == AT'(BEATS - 1);

  always_ff @(posedge aclk) begin
    if (accept) memory[{into, beat}] <= s_axis_tdata;
    word <= memory[{front, at}];

    awake <= 1'b1;
    if (accept) beat <= ends ? '0 : beat + 1'b1;
    if (ends) into <= !into;
    if (ends && !done) free <= free - 2'd1;
    if (done && !ends) free <= free + 2'd1;
    if (!aresetn) begin
      awake <= 1'b0;
      beat <= '0;
      into <= 1'b0;
      free <= 2'd2;
    end
  end

  // ---- the largest of it

  logic [LEVELS:0] valid;  // bit k: at level k
  logic [LEVELS:0] end_of_row;
  logic [LEVELS:0] end_of_frame;
  logic [LEVELS:0] past_valid;
  logic [LEVELS:0] past_row;
  logic [LEVELS:0] past_frame;

  assign valid = (LEVELS+1)'({past_valid, accept});
  assign end_of_row = (LEVELS+1)'({past_row, ends});
  assign end_of_frame = (LEVELS+1)'({past_frame, s_axis_tlast});

  generate
    for (genvar level = 0; level <= LEVELS; level = level + 1) begin : gen_level
      logic [keys(level)*KEY-1:0] key;
    end

    for (genvar lane = 0; lane < LANES; lane = lane + 1) begin : gen_lane
      logic [WIDTH-1:0] code;

      assign code = s_axis_tdata[lane*WIDTH +: WIDTH];
      assign gen_level[0].key[lane*KEY +: KEY] = {SIGNED != 0 && code[WIDTH-1], code};
    end

    for (genvar level = 1; level <= LEVELS; level = level + 1) begin : gen_tree
      for (genvar i = 0; i < keys(level); i = i + 1) begin : gen_pair
        logic [KEY-1:0] left;

        assign left = gen_level[level-1].key[2*i*KEY +: KEY];
        if (2 * i + 1 < keys(level - 1)) begin : gen_compare
          logic [KEY-1:0] right;

          assign right = gen_level[level-1].key[(2*i+1)*KEY +: KEY];
          always_ff @(posedge aclk) begin
            gen_level[level].key[i*KEY +: KEY] <= $signed(right) > $signed(left) ? right : left;
          end
        end else begin : gen_odd
          always_ff @(posedge aclk) gen_level[level].key[i*KEY +: KEY] <= left;
        end
      end
    end
  endgenerate

  logic [KEY-1:0] found;
  logic [KEY-1:0] best;  // of the row so far
  logic [KEY-1:0] more;
  logic fresh;
  logic whole;           // the row's last
  logic [2*KEY-1:0] most;
  logic [1:0] frame;
  logic made;            // the row whose largest is being found
  logic [1:0] held;      // rows that are there

  assign found = gen_level[LEVELS].key;
  assign more = fresh || $signed(found) > $signed(best) ? found : best;
  assign whole = end_of_row[LEVELS];
  assign there = held != 2'd0;
  assign largest = most[front*KEY +: KEY];
  assign last = frame[front];

  always_ff @(posedge aclk) begin
    if (valid[LEVELS]) best <= more;
    if (whole) most[made*KEY +: KEY] <= more;
    if (whole) frame[made] <= end_of_frame[LEVELS];
    past_frame <= end_of_frame;

    past_valid <= valid;
    past_row <= end_of_row;
    if (valid[LEVELS]) fresh <= whole;
    if (whole) made <= !made;
    if (done) front <= !front;
    if (whole && !done) held <= held + 2'd1;
    if (done && !whole) held <= held - 2'd1;
    if (!aresetn) begin
      past_valid <= '0;
      past_row <= '0;
      fresh <= 1'b1;
      made <= 1'b0;
      front <= 1'b0;
      held <= 2'd0;
    end
  end
endmodule

`default_nettype wire
