// SPDX-License-Identifier: MIT-0
// What a pool knows of its windows so far: `found` is that of the window to which the beat at its input
// belongs; once the beat is taken, `result`.
//
// IN_H = 0: windows come one by one, the beats of one in a row, TLAST with the last (axis_window), and
// a register is enough. Otherwise the image comes as it is, and a memory has a place for each window
// that is open (fixed_tiles):
//
//     a b c d      a, b: place 0    c, d: place 1          IN 2 x 4, KERNEL 2 x 2: two places,
//     e f g h      e, f: place 0    g, h: place 1          where the rows above would take 6 pixels
//
// A place is read while the beat before is taken; one that this beat writes is handed over instead.
//
// State: that of fixed_windows or of fixed_tiles, and what is known, which a window's first beat makes
// anew. Reset begins a frame.
`default_nettype none

module fixed_partials #(
  // bits of what is known of a beat's windows; >= 1
  parameter int WIDTH = 8,
  // beats of a frame that leave; >= 1
  parameter int WINDOWS = 6,
  // 0: windows come one by one; otherwise see fixed_tiles, whose windows are WINDOWS
  parameter int IN_H = 0,
  parameter int IN_W = 1,
  parameter int KERNEL_H = 1,
  parameter int KERNEL_W = 1,
  parameter int STRIDE_H = KERNEL_H,
  parameter int STRIDE_W = KERNEL_W,
  parameter int BEATS = 1
) (
  input  logic             aclk,
  input  logic             aresetn,
  // a beat is taken; with TLAST
  input  logic             taken,
  input  logic             tlast,
  input  logic [WIDTH-1:0] result,
  output logic [WIDTH-1:0] found,
  // the next beat begins a window, ends it; the last of all
  output logic             fresh,
  output logic             ends,
  output logic             last_window
);
  generate
    if (IN_H == 0) begin : gen_windows
      logic [WIDTH-1:0] known;

      fixed_windows #(.WINDOWS(WINDOWS)) windows (
        .aclk(aclk), .aresetn(aresetn), .taken(taken), .last(tlast), .fresh(fresh),
        .last_window(last_window)
      );

      assign ends = tlast;
      assign found = known;
      always_ff @(posedge aclk) if (taken) known <= result;
    end else begin : gen_tiles
      localparam int OUT_H = (IN_H - KERNEL_H) / STRIDE_H + 1;
      localparam int OUT_W = (IN_W - KERNEL_W) / STRIDE_W + 1;
      localparam int PLACES = (KERNEL_H > 1 ? OUT_W : 1) * BEATS;
      localparam int PLACE = PLACES < 2 ? 1 : $clog2(PLACES);

      logic in_window;
      logic [PLACE-1:0] place;
      logic [PLACE-1:0] next;
      logic [WIDTH-1:0] known;   // what was written last, of BEATS = 1
      logic unused_tlast;

      if (WINDOWS != OUT_H * OUT_W * BEATS) begin : gen_illegal
        fixed_partials_needs_WINDOWS_of_all_tiles stop ();
      end

      assign unused_tlast = tlast;

      fixed_tiles #(
        .BEATS(BEATS), .IN_H(IN_H), .IN_W(IN_W), .KERNEL_H(KERNEL_H), .KERNEL_W(KERNEL_W),
        .STRIDE_H(STRIDE_H), .STRIDE_W(STRIDE_W)
      ) tiles (
        .aclk(aclk), .aresetn(aresetn), .taken(taken), .in_window(in_window), .first(fresh), .last(ends),
        .last_window(last_window), .place(place), .next(next)
      );

      if (BEATS == 1) begin : gen_known
        always_ff @(posedge aclk) if (taken && in_window) known <= result;
      end else begin : gen_no_known
        assign known = '0;
      end

      if (PLACES == 1) begin : gen_one
        logic unused_place;

        assign unused_place = &{1'b0, place, next};
        assign found = known;
      end else begin : gen_places
        (* no_rw_check *) logic [WIDTH-1:0] memory[0:2**PLACE-1];
        logic [WIDTH-1:0] read;
        logic again;  // the beat before was in the same place

        always_ff @(posedge aclk) begin
          if (taken && in_window) memory[place] <= result;
          if (taken) read <= memory[next];
        end

        if (BEATS == 1) begin : gen_again
          always_ff @(posedge aclk) if (taken) again <= in_window && next == place;
        end else begin : gen_never
          assign again = 1'b0;
        end
        assign found = again ? known : read;
      end
    end
  endgenerate
endmodule

`default_nettype wire
