// SPDX-License-Identifier: MIT-0
// Products with constant words whose bits 15 and 14 are 1, and all x: words are those of a netlist,
// netlist_words compares them.
`default_nettype none

module words (
  input  logic signed [7:0]  x,
  output logic        [31:0] product,
  output logic        [31:0] whole,
  output logic        [26:0] scaled
);
  fixed_multiply #(.A_WIDTH(24), .B_WIDTH(8), .OUT_WIDTH(32)) multiply (
    .a(24'h02c123), .b(x), .product(product)
  );
  fixed_multiply #(.A_WIDTH(8), .B_WIDTH(16), .B_SIGNED(0), .OUT_WIDTH(32)) unsigned_word (
    .a(x), .b(16'hc123), .product(whole)
  );
  fixed_product #(.IN_WIDTH(8), .FACTOR_WIDTH(19)) factor (
    .d(x), .factor(19'h4c123), .product(scaled)
  );
endmodule

`ifdef NETLIST
module netlist_words;
  logic signed [7:0] x;
  logic [31:0] product, whole;
  logic [26:0] scaled;
  integer i;

  words words (.x(x), .product(product), .whole(whole), .scaled(scaled));

  initial begin
    for (i = -128; i < 128; i = i + 1) begin
      x = 8'(i);
      #1;
      if (product != 32'(i * 180515) || whole != 32'(i * 49443) || scaled != 27'(i * 311587)) begin
        $display("FAIL x %0d: %0d %0d %0d", i, product, whole, scaled);
        $finish;
      end
    end
    $display("PASS");
    $finish;
  end
endmodule
`endif

`default_nettype wire
