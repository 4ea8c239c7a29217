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
// A place is read two beats before it is needed, and so has a register of its own behind the memory; what
// the two beats in between write there is handed over instead.
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
      logic [PLACE-1:0] next_place;
      logic [PLACE-1:0] third_place;
      logic unused_tlast;

      if (WINDOWS != OUT_H * OUT_W * BEATS) begin : gen_illegal
        fixed_partials_needs_WINDOWS_of_all_tiles stop ();
      end

      assign unused_tlast = tlast;

      fixed_tiles #(
        .BEATS(BEATS), .IN_H(IN_H), .IN_W(IN_W), .KERNEL_H(KERNEL_H), .KERNEL_W(KERNEL_W),
        .STRIDE_H(STRIDE_H), .STRIDE_W(STRIDE_W)
      ) tiles (
        .aclk(aclk), .aresetn(aresetn), .taken(taken), .in_window(in_window), .first(fresh),
        .last(ends), .last_window(last_window), .place(place), .next_place(next_place),
        .third_place(third_place)
      );

      if (PLACES == 1) begin : gen_one
        logic [WIDTH-1:0] known;
        logic unused_place;

        assign unused_place = &{1'b0, place, next_place, third_place};
        assign found = known;
        always_ff @(posedge aclk) if (taken && in_window) known <= result;
      end else begin : gen_places
        // whether a place can be that of the last beat, of the one before it
        localparam int AGAIN = BEATS == 1 ? 1 : 0;
        localparam int ALTERNATES = BEATS == 2 || PLACES == 2 ? 1 : 0;

        (* no_rw_check *) logic [WIDTH-1:0] memory[0:2**PLACE-1];
        logic [WIDTH-1:0] read;
        logic [WIDTH-1:0] known;
        logic [WIDTH-1:0] recent;   // results of the last beat, of the one before it
        logic [WIDTH-1:0] earlier;
        logic again;
        logic alternates;
        logic unused_next;

        assign unused_next = &{1'b0, next_place};
        always_ff @(posedge aclk) begin
          if (taken && in_window) memory[place] <= result;
          if (taken) begin
            read <= memory[third_place];
            known <= read;
          end
        end

        if (AGAIN != 0 || ALTERNATES != 0) begin : gen_recent
          always_ff @(posedge aclk) if (taken) recent <= result;
        end else begin : gen_no_recent
          assign recent = '0;
        end
        if (AGAIN != 0) begin : gen_again
          always_ff @(posedge aclk) if (taken) again <= in_window && next_place == place;
        end else begin : gen_not_again
          assign again = 1'b0;
        end
        if (ALTERNATES != 0) begin : gen_alternates
          logic was_in_window;
          logic [PLACE-1:0] last_place;

          always_ff @(posedge aclk) begin
            if (taken) begin
              earlier <= recent;
              was_in_window <= in_window;
              last_place <= place;
              alternates <= was_in_window && next_place == last_place;
            end
          end
        end else begin : gen_not_alternates
          assign earlier = '0;
          assign alternates = 1'b0;
        end

        assign found = again ? recent : alternates ? earlier : known;
      end
    end
  endgenerate
endmodule

`default_nettype wire
