# SPDX-License-Identifier: MIT-0
# Runs the vectors: PASS, or FAIL and a non-zero exit.
#
#   make verilator, make icarus
#   make netlist NETLIST=FILE.v [CELLS="FILE.v ..."]
#
# netlist has, in Icarus, a synthesised netlist in place of the circuit's sources and compares its output;
# CELLS are models of the cells in it. Paths are those of the folder where make is called.
# ARGS="+stall_in=4 +stall_out=5" adds stalls (bench_stall.sv lists the patterns).
SOURCES = $(wildcard *.sv ../*.sv ../rom/*.sv)
NETLIST =
CELLS =
ARGS =
OUT = build

.PHONY: verilator icarus netlist clean

verilator: $(OUT)/verilated
	$(OUT)/verilated $(ARGS)

icarus: $(OUT)/tb.vvp
	vvp -N $(OUT)/tb.vvp $(ARGS)

# What Verilator writes can't be built in a folder with a blank in its path.
$(OUT)/verilated: $(SOURCES)
	mkdir -p $(OUT)
	obj=$(OUT)/obj; case "$$(pwd)" in *[!A-Za-z0-9/._+@,=-]*) obj=$$(mktemp -d) ;; esac && \
	trap '[ "$$obj" = $(OUT)/obj ] || rm -rf "$$obj"' EXIT && \
	verilator --binary --timing -fno-const-bit-op-tree --unroll-count 2048 -Wno-fatal -Wno-lint \
	  -Wno-style --top-module tb --Mdir "$$obj" -o verilated $(SOURCES) && \
	cp "$$obj/verilated" $@

$(OUT)/tb.vvp: $(SOURCES)
	mkdir -p $(OUT)
	iverilog -g2012 -s tb -o $@ $(SOURCES)

netlist:
	@[ -n "$(NETLIST)" ] || { echo 'which netlist? NETLIST=FILE.v CELLS="FILE.v ..."' >&2; exit 2; }
	mkdir -p $(OUT)
	here=$$(pwd) && cd "$(PWD)" && iverilog -g2012 -DNETLIST -DNO_ICE40_DEFAULT_ASSIGNMENTS -s tb \
	  -o "$$here/$(OUT)/netlist.vvp" $(addprefix -I,$(dir $(CELLS))) "$$here"/*.sv $(NETLIST) $(CELLS)
	vvp -N $(OUT)/netlist.vvp $(ARGS)

clean:
	rm -rf $(OUT)
