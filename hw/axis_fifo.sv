// SPDX-License-Identifier: MIT-0
// Queue of DEPTH beats, with registered output.
//
//     s_axis --> memory (2^n words) --> [ read ] --> [ m ] --> m_axis      DEPTH > 64: block RAM
//     s_axis --> memory (2^n words) ---------------> [ m ] --> m_axis      DEPTH <= 64
//
// A block RAM's output is slow, so that it gets a register of its own before m_axis.
// Latency LATENCY = DEPTH > 64 ? 3 : 2 cycles when empty, throughput 1 beat per cycle. Capacity is
// exactly DEPTH, the output registers included: tready is high iff fewer than DEPTH beats are held
// (counted in registers, so that no path is combinational between the two sides).
`default_nettype none

module axis_fifo #(
  // bits of the payload; >= 1
  parameter int WIDTH = 8,
  // beats; >= 1
  parameter int DEPTH = 16
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
  generate
    if (WIDTH < 1 || DEPTH < 1) begin : gen_illegal
      axis_fifo_needs_WIDTH_and_DEPTH_of_1_or_more stop ();
    end
  endgenerate

  localparam int ADDRESS = DEPTH < 2 ? 1 : $clog2(DEPTH);
  localparam int COUNT = $clog2(DEPTH + 1);

  (* no_rw_check *) logic [WIDTH:0] memory[0:2**ADDRESS-1];
  // one bit more than an address: equal pointers mean an empty memory
  logic [ADDRESS:0] head;
  logic [ADDRESS:0] tail;
  logic [COUNT-1:0] held;
  logic awake;
  logic push;
  logic pop;
  logic load;
  logic fetch;

  assign s_axis_tready = awake && held != COUNT'(DEPTH);
  assign push = s_axis_tvalid && s_axis_tready;
  assign pop = m_axis_tvalid && m_axis_tready;
  assign load = !m_axis_tvalid || m_axis_tready;

  always_ff @(posedge aclk) begin
    if (push) memory[tail[ADDRESS-1:0]] <= {s_axis_tlast, s_axis_tdata};

    awake <= 1'b1;
    if (push) tail <= tail + 1'b1;
    if (fetch) head <= head + 1'b1;
    if (push && !pop) held <= held + 1'b1;
    if (pop && !push) held <= held - 1'b1;
    if (!aresetn) begin
      awake <= 1'b0;
      tail <= '0;
      head <= '0;
      held <= '0;
    end
  end

  generate
    if (DEPTH > 64) begin : gen_block
      logic [WIDTH:0] read;
      logic read_full;

      assign fetch = head != tail && (!read_full || load);

      always_ff @(posedge aclk) begin
        if (fetch) read <= memory[head[ADDRESS-1:0]];
        if (load && read_full) {m_axis_tlast, m_axis_tdata} <= read;

        read_full <= fetch || (read_full && !load);
        if (load) m_axis_tvalid <= read_full;
        if (!aresetn) begin
          read_full <= 1'b0;
          m_axis_tvalid <= 1'b0;
        end
      end
    end else begin : gen_small
      assign fetch = head != tail && load;

      always_ff @(posedge aclk) begin
        if (fetch) {m_axis_tlast, m_axis_tdata} <= memory[head[ADDRESS-1:0]];

        if (load) m_axis_tvalid <= fetch;
        if (!aresetn) m_axis_tvalid <= 1'b0;
      end
    end
  endgenerate
endmodule

`default_nettype wire
