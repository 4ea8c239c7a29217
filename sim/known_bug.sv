// SPDX-License-Identifier: MIT-0
// The parity of 16 bits through a tree with inverted branches: some versions of Verilator get it
// wrong unless they are told -fno-const-bit-op-tree. Prints "right" or "wrong".
`default_nettype none

module known_bug;
  logic [15:0] a;
  logic parity;
  int wrong;

  assign parity =
      ~(a[0] ^ ~(a[1] ^ a[2])) ^ (~(a[3] ^ a[4]) ^ ~(a[5] ^ (~a[6] ^ a[7]))) ^
      ~((a[8] ^ ~a[9]) ^ ~(a[10] ^ a[11])) ^ (~a[12] ^ ~(a[13] ^ ~(a[14] ^ a[15])));

  initial begin
    wrong = 0;
    for (int i = 0; i < 256; i = i + 1) begin
      a = 16'(i * 40503);
      #1;
      if (parity != !(^a)) wrong = wrong + 1;
    end
    $display("%s", wrong == 0 ? "right" : "wrong");
    $finish;
  end
endmodule

`default_nettype wire
