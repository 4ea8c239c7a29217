// SPDX-License-Identifier: MIT-0
// Index of a frame's largest element, or of its least; the lowest index wins a tie. Lanes without an
// element are ignored. One output beat per frame, with TLAST.
//
//     s_axis --> pairs [ ] --> pairs [ ] --> ... --> best so far [ ] --> m_axis
//
// LATENCY = 1 + clog2(LANES) cycles from the frame's last beat. A beat per cycle, no bubble between
// frames. The pipeline stops as a whole: advance = !m_axis_tvalid || m_axis_tready,
// tready = awake && advance.
`default_nettype none

module fixed_argmax #(
  // elements of a frame; >= 1
  parameter int ELEMENTS = 10,
  // elements of a beat; >= 1
  parameter int LANES = 4,
  // bits of an element; its type: signed unsigned
  parameter int WIDTH = 8,
  parameter IN_TYPE = "signed",
  // 1: the least element instead of the largest
  parameter int LEAST = 0,
  // bits of the index; clog2(ELEMENTS) or more
  parameter int OUT_WIDTH = 4
) (
  input  logic                   aclk,
  input  logic                   aresetn,
  input  logic [LANES*WIDTH-1:0] s_axis_tdata,
  input  logic                   s_axis_tvalid,
  output logic                   s_axis_tready,
  input  logic                   s_axis_tlast,
  output logic [OUT_WIDTH-1:0]   m_axis_tdata,
  output logic                   m_axis_tvalid,
  input  logic                   m_axis_tready,
  output logic                   m_axis_tlast
);
  localparam int SIGNED = 80'(IN_TYPE) == 80'("signed") ? 1 : 0;
  localparam int USED = ELEMENTS - (ELEMENTS - 1) / LANES * LANES;  // lanes of the last beat
  localparam int LEVELS = $clog2(LANES);
  localparam int KEY = WIDTH + 1;         // an element, two's complement; of the least -1 - element
  localparam int ITEM = KEY + OUT_WIDTH;  // {key, its lane}

  generate
    if (SIGNED == 0 && 80'(IN_TYPE) != 80'("unsigned")) begin : gen_type
      fixed_argmax_has_no_such_IN_TYPE stop ();
    end
    if (ELEMENTS < 1 || LANES < 1 || OUT_WIDTH < 1 || OUT_WIDTH < $clog2(ELEMENTS)) begin : gen_size
      fixed_argmax_needs_OUT_WIDTH_of_clog2_of_ELEMENTS stop ();
    end
  endgenerate

  // items that a level of the tree leaves
  function automatic int items(input int level);
    items = (LANES + 2**level - 1) / 2**level;
  endfunction

  logic [LEVELS:0] valid;  // bit k: at level k
  logic [LEVELS:0] last;
  logic [LEVELS:0] past_valid;
  // kept here and below, as in fixed_delay
  (* keep *) logic [LEVELS:0] past_last;
  logic awake;
  logic advance;

  assign advance = !m_axis_tvalid || m_axis_tready;
  assign s_axis_tready = awake && advance;
  assign valid = (LEVELS+1)'({past_valid, s_axis_tvalid && awake});
  assign last = (LEVELS+1)'({past_last, s_axis_tlast});

  generate
    for (genvar level = 0; level <= LEVELS; level = level + 1) begin : gen_level
      (* keep *) logic [items(level)*ITEM-1:0] item;
    end

    for (genvar lane = 0; lane < LANES; lane = lane + 1) begin : gen_lane
      logic [WIDTH-1:0] code;
      logic [KEY-1:0] key;

      assign code = s_axis_tdata[lane*WIDTH +: WIDTH];
      assign key = {SIGNED != 0 && code[WIDTH-1], code};
      assign gen_level[0].item[lane*ITEM +: ITEM] = {LEAST != 0 ? ~key : key, OUT_WIDTH'(lane)};
    end

    for (genvar level = 1; level <= LEVELS; level = level + 1) begin : gen_tree
      for (genvar i = 0; i < items(level); i = i + 1) begin : gen_pair
        logic [ITEM-1:0] left;

        assign left = gen_level[level-1].item[2*i*ITEM +: ITEM];
        if (2 * i + 1 < items(level - 1)) begin : gen_compare
          // the right item is there unless its first lane is beyond a last beat's elements
          localparam int ALWAYS = (2 * i + 1) * 2**(level - 1) < USED ? 1 : 0;
          logic [ITEM-1:0] right;
          logic wins;

          assign right = gen_level[level-1].item[(2*i+1)*ITEM +: ITEM];
          assign wins = (ALWAYS != 0 || !last[level-1]) &&
              $signed(right[ITEM-1:OUT_WIDTH]) > $signed(left[ITEM-1:OUT_WIDTH]);
          always_ff @(posedge aclk) begin
            if (advance) gen_level[level].item[i*ITEM +: ITEM] <= wins ? right : left;
          end
        end else begin : gen_odd
          always_ff @(posedge aclk) begin
            if (advance) gen_level[level].item[i*ITEM +: ITEM] <= left;
          end
        end
      end
    end
  endgenerate

  // best of the frame so far; `base` is the index of the beat's lane 0
  logic [ITEM-1:0] found;
  logic signed [KEY-1:0] best;
  logic [OUT_WIDTH-1:0] base;
  logic fresh;

  assign found = gen_level[LEVELS].item[ITEM-1:0];
  assign m_axis_tlast = 1'b1;

  always_ff @(posedge aclk) begin
    if (advance && valid[LEVELS] && (fresh || $signed(found[ITEM-1:OUT_WIDTH]) > best)) begin
      best <= $signed(found[ITEM-1:OUT_WIDTH]);
      m_axis_tdata <= base + found[OUT_WIDTH-1:0];
    end
    if (advance) past_last <= last;

    awake <= 1'b1;
    if (advance) begin
      past_valid <= valid;
      m_axis_tvalid <= valid[LEVELS] && last[LEVELS];
      if (valid[LEVELS]) begin
        fresh <= last[LEVELS];
        base <= last[LEVELS] ? '0 : base + OUT_WIDTH'(LANES);
      end
    end
    if (!aresetn) begin
      awake <= 1'b0;
      past_valid <= '0;
      m_axis_tvalid <= 1'b0;
      fresh <= 1'b1;
      base <= '0;
    end
  end
endmodule

`default_nettype wire
