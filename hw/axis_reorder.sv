// SPDX-License-Identifier: MIT-0
// Sends the beats of each block in another order, or more than once: a memory of two blocks, one of
// which is written while the other is read, at an address that goes through nested strides.
//
//     s_axis --> [ two blocks ] --> [ read ] --> [ m ] --> m_axis
//
//     BEATS = 6, SIZE = {3, 2}, STRIDE = {1, 3}    BEATS = 2, SIZE = {2, 2, 2}, STRIDE = {0, 1, 0}
//
//     s_axis    0 1 2 3 4 5                        s_axis    0 1
//     m_axis    0 3 1 4 2 5                        m_axis    0 0 1 1 0 0 1 1
//
// The walk goes through SIZE beats of each dimension, STRIDE apart, the last in the list the fastest,
// from a block's first beat to its last. `lead` counts the blocks that are complete and not yet left.
//   s_axis_tready = awake && lead != 2
//   a beat is read iff awake, it is there, and the read register is empty or moves on; it is there
//   iff lead > 0 or its address is below the writer's
// So each side goes on while the other works on another block: a block takes as many cycles as beats
// in or out, whichever are more, and none lie between blocks or frames. Latency 2 cycles from the
// read. TLAST is made anew. No combinational path from one side to the other.
`default_nettype none

module axis_reorder #(
  // bits of a beat, >= 1
  parameter int WIDTH = 8,
  // blocks of a frame, beats of a block; >= 1
  parameter int BLOCKS = 2,
  parameter int BEATS = 6,
  // dimensions, >= 1; the lists have 32 bits for each, those of the fastest in the low bits
  parameter int DIMS = 2,
  // beats, >= 1, and how far one is behind the other, >= 0; together they end at the block's last
  parameter logic [DIMS*32-1:0] SIZE = {32'd3, 32'd2},
  parameter logic [DIMS*32-1:0] STRIDE = {32'd1, 32'd3}
) (
  input  logic             aclk,
  input  logic             aresetn,
  input  logic [WIDTH-1:0] s_axis_tdata,
  input  logic             s_axis_tvalid,
  output logic             s_axis_tready,
  input  logic             s_axis_tlast,
  output logic [WIDTH-1:0] m_axis_tdata,
  output logic             m_axis_tvalid,
  input  logic             m_axis_tready,
  output logic             m_axis_tlast
);
  // bits of a counter of `count` values
  function automatic int bits(input int count);
    bits = count < 2 ? 1 : $clog2(count);
  endfunction

  // addresses from the first to the last of so many dimensions
  function automatic int reach(input int dims);
    reach = 0;
    for (int d = 0; d < dims; d = d + 1)
      reach = reach + (SIZE[d*32 +: 32] - 1) * STRIDE[d*32 +: 32];
  endfunction

  function automatic int shortest(input int dims);
    shortest = SIZE[31:0];
    for (int d = 1; d < dims; d = d + 1)
      if (SIZE[d*32 +: 32] < shortest) shortest = SIZE[d*32 +: 32];
  endfunction

  localparam int ADDRESS = bits(BEATS);
  localparam int BLOCK = bits(BLOCKS);

  generate
    if (WIDTH < 1 || BLOCKS < 1 || BEATS < 1 || DIMS < 1) begin : gen_sizes
      axis_reorder_needs_WIDTH_BLOCKS_BEATS_and_DIMS_of_1_or_more stop ();
    end
    if (shortest(DIMS) < 1 || reach(DIMS) != BEATS - 1) begin : gen_walk
      axis_reorder_needs_SIZE_of_1_or_more_and_a_walk_to_the_last_of_BEATS stop ();
    end
  endgenerate

  (* no_rw_check *) logic [WIDTH-1:0] memory[0:2**(ADDRESS+1)-1];
  logic [ADDRESS-1:0] write_address;
  logic write_bank;
  logic [1:0] lead;
  logic awake;
  logic write;
  logic write_end;
  logic unused_tlast;

  // where a frame ends follows from its blocks
  assign unused_tlast = &{1'b0, s_axis_tlast};

  assign s_axis_tready = awake && !lead[1];
  assign write = s_axis_tvalid && s_axis_tready;
  assign write_end = write && write_address == ADDRESS'(BEATS - 1);

  // ---- reader

  logic [ADDRESS-1:0] address;
  logic [ADDRESS-1:0] forward;            // to the beat that is read next
  logic [DIMS*ADDRESS-1:0] forward_of;    // if the dimension goes on, and those below begin anew
  logic [DIMS-1:0] ends;                  // each dimension is at its last
  logic [BLOCK-1:0] block;
  logic read_bank;
  logic there;
  logic step;
  logic read_end;
  logic load_m;
  logic read_valid;
  logic read_last;
  logic [WIDTH-1:0] read;

  assign there = lead != 2'd0 || address < write_address;
  assign load_m = !m_axis_tvalid || m_axis_tready;
  assign step = awake && there && (!read_valid || load_m);
  assign read_end = step && &ends;

  generate
    for (genvar d = 0; d < DIMS; d = d + 1) begin : gen_dim
      localparam int COUNT = SIZE[d*32 +: 32];
      localparam int FORWARD = STRIDE[d*32 +: 32] - reach(d);
      localparam int AT = bits(COUNT);

      logic [AT-1:0] at;
      logic moves;

      if (d == 0) begin : gen_fastest
        assign moves = step;
      end else begin : gen_slower
        assign moves = step && &ends[d-1:0];
      end

      assign ends[d] = at == AT'(COUNT - 1);
      assign forward_of[d*ADDRESS +: ADDRESS] = ADDRESS'(FORWARD);

      always_ff @(posedge aclk) begin
        if (moves) at <= ends[d] ? '0 : at + 1'b1;
        if (!aresetn) at <= '0;
      end
    end
  endgenerate

  always_comb begin
    forward = '0;
    for (int d = DIMS - 1; d >= 0; d = d - 1)
      if (!ends[d]) forward = forward_of[d*ADDRESS +: ADDRESS];
  end

  always_ff @(posedge aclk) begin
    if (write) memory[{write_bank, write_address}] <= s_axis_tdata;
    if (step) begin
      read <= memory[{read_bank, address}];
      read_last <= &ends && block == BLOCK'(BLOCKS - 1);
    end
    if (load_m && read_valid) begin
      m_axis_tdata <= read;
      m_axis_tlast <= read_last;
    end

    awake <= 1'b1;
    if (write) write_address <= write_end ? '0 : write_address + 1'b1;
    if (write_end) write_bank <= !write_bank;
    if (step) address <= read_end ? '0 : address + forward;
    if (read_end) read_bank <= !read_bank;
    if (read_end) block <= block == BLOCK'(BLOCKS - 1) ? '0 : block + 1'b1;
    lead <= lead + 2'(write_end) - 2'(read_end);
    if (step || load_m) read_valid <= step;
    if (load_m) m_axis_tvalid <= read_valid;
    if (!aresetn) begin
      awake <= 1'b0;
      write_address <= '0;
      write_bank <= 1'b0;
      address <= '0;
      read_bank <= 1'b0;
      block <= '0;
      lead <= '0;
      read_valid <= 1'b0;
      m_axis_tvalid <= 1'b0;
    end
  end
endmodule

`default_nettype wire
