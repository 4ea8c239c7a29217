// SPDX-License-Identifier: MIT-0
// Indices of a frame's K largest elements, the largest first, the lower index first of equals, in
// one output beat with TLAST.
//
//     s_axis --> [ place 0 ] [ place 1 ] .. [ place K-1 ] --> m_axis
//
// The places hold the best elements so far in order. An element goes into the first place whose
// element it beats, and those from there on move one place along.
//
// LATENCY = 1 cycle from the frame's last beat, of one element each. A beat per cycle, no bubble
// between frames. It stops as a whole: advance = !m_axis_tvalid || m_axis_tready,
// tready = awake && advance.
`default_nettype none

module fixed_top_k #(
  // elements of a frame; >= K
  parameter int ELEMENTS = 10,
  // indices of a frame; >= 1
  parameter int K = 3,
  // bits of an element; its type: signed unsigned
  parameter int WIDTH = 8,
  parameter IN_TYPE = "signed",
  // bits of an index; clog2(ELEMENTS) or more
  parameter int OUT_WIDTH = 4
) (
  input  logic                   aclk,
  input  logic                   aresetn,
  input  logic [WIDTH-1:0]       s_axis_tdata,
  input  logic                   s_axis_tvalid,
  output logic                   s_axis_tready,
  input  logic                   s_axis_tlast,
  // the largest in the low bits
  output logic [K*OUT_WIDTH-1:0] m_axis_tdata,
  output logic                   m_axis_tvalid,
  input  logic                   m_axis_tready,
  output logic                   m_axis_tlast
);
  localparam int SIGNED = 80'(IN_TYPE) == 80'("signed") ? 1 : 0;
  localparam int KEY = WIDTH + 1;         // an element, two's complement
  localparam int ITEM = KEY + OUT_WIDTH;  // {element, its index}

  generate
    if (SIGNED == 0 && 80'(IN_TYPE) != 80'("unsigned")) begin : gen_type
      fixed_top_k_has_no_such_IN_TYPE stop ();
    end
    if (K < 1 || ELEMENTS < K) begin : gen_size
      fixed_top_k_needs_K_of_1_to_ELEMENTS stop ();
    end
    if (OUT_WIDTH < 1 || OUT_WIDTH < $clog2(ELEMENTS)) begin : gen_width
      fixed_top_k_needs_OUT_WIDTH_of_clog2_of_ELEMENTS stop ();
    end
  endgenerate

  logic awake;
  logic advance;
  logic accept;
  logic [OUT_WIDTH-1:0] index;
  logic [ITEM-1:0] item;
  logic [K-1:0] filled;   // bit k: place k has an element of this frame
  logic [K-1:0] beaten;   // bit k: the element that comes is better, or first
  logic [K*ITEM-1:0] held;
  logic [K*ITEM-1:0] next;
  logic [K*OUT_WIDTH-1:0] found;

  assign advance = !m_axis_tvalid || m_axis_tready;
  assign s_axis_tready = awake && advance;
  assign accept = s_axis_tvalid && s_axis_tready;
  assign item = {SIGNED != 0 && s_axis_tdata[WIDTH-1], s_axis_tdata, index};
  assign m_axis_tlast = 1'b1;

  generate
    for (genvar k = 0; k < K; k = k + 1) begin : gen_place
      logic [ITEM-1:0] own;

      assign own = held[k*ITEM +: ITEM];
      assign beaten[k] = !filled[k] || $signed(item[ITEM-1:OUT_WIDTH]) > $signed(own[ITEM-1:OUT_WIDTH]);
      if (k == 0) begin : gen_first
        assign next[0 +: ITEM] = beaten[0] ? item : own;
      end else begin : gen_other
        assign next[k*ITEM +: ITEM] =
            !beaten[k] ? own : beaten[k-1] ? held[(k-1)*ITEM +: ITEM] : item;
      end
      assign found[k*OUT_WIDTH +: OUT_WIDTH] = next[k*ITEM +: OUT_WIDTH];
    end
  endgenerate

  always_ff @(posedge aclk) begin
    if (accept) held <= next;
    if (accept && s_axis_tlast) m_axis_tdata <= found;

    awake <= 1'b1;
    if (advance) m_axis_tvalid <= accept && s_axis_tlast;
    if (accept) begin
      index <= s_axis_tlast ? '0 : index + 1'b1;
      filled <= s_axis_tlast ? '0 : K'({filled, 1'b1});
    end
    if (!aresetn) begin
      awake <= 1'b0;
      m_axis_tvalid <= 1'b0;
      index <= '0;
      filled <= '0;
    end
  end
endmodule

`default_nettype wire
