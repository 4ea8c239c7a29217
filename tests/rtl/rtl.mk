# SPDX-License-Identifier: Apache-2.0
# Tests of hw/: `make test-rtl` (part of `make test`), `make test-rtl-deep`, `make lint-hw`.
#
# A suite is one bench with many cells: cell_gen prints it and writes the memory images, Verilator
# builds it with the C harness, the run compares. One module alone: RTL_ONLY=fixed_linear
# with an RTL_BUILD of its own. Another noise in the stalls: RTL_SEED=n.
RTL_HW ?= hw
RTL_BUILD ?= $(BUILD)/rtl
RTL_SEED ?= 1
RTL_SUITES := axis join linear pointwise table requant window reorder
RTL_OBJECTS := $(patsubst %,$(BUILD)/tests/rtl/%.o,cell cells_axis cells_grouped cells_join cells_linear cells_pointwise \
  cells_polynomial cells_reduced cells_reorder cells_requant cells_shape cells_softmax cells_table cells_window) $(BUILD)/sw/graph/fix.o $(BUILD)/tests/net/helper_rational.o
# What g++ may do: little, where that takes longer than the run.
RTL_OPTIMISE = -O$(if $(findstring requant,$@),1,0)
RTL_VERILATOR = CCACHE_SLOPPINESS=pch_defines,time_macros OBJCACHE=ccache verilator --binary --timing \
  -fno-const-bit-op-tree -Wno-lint -Wno-style --x-assign unique --x-initial unique -j 1 --unroll-count 2048 \
  -MAKEFLAGS '-s -f $(abspath tests/precompiled.mk) OPT_FAST=$(RTL_OPTIMISE)' --top-module bench -o ../sim \
  -I$(RTL_HW) -Itests/rtl

-include $(wildcard $(BUILD)/tests/rtl/*.d)

$(RTL_BUILD)/cell_gen: $(BUILD)/tests/rtl/cell_gen.o $(RTL_OBJECTS)
	@mkdir -p $(@D)
	$(CC) -o $@ $^ -lgmp -lm

$(RTL_BUILD)/%/bench.sv: $(RTL_BUILD)/cell_gen
	@mkdir -p $(@D)/rom
	$< $* $(@D)

$(RTL_BUILD)/%/sim: $(RTL_BUILD)/%/bench.sv $(wildcard $(RTL_HW)/*.sv tests/rtl/*.sv) \
  $(RTL_OBJECTS) $(BUILD)/tests/rtl/cell_dpi.o
	$(RTL_VERILATOR) $(RTL_MORE) --Mdir $(@D)/obj $< \
	  $(abspath $(RTL_OBJECTS) $(BUILD)/tests/rtl/cell_dpi.o) -LDFLAGS "-lgmp -lm" >$(@D)/build.log

$(RTL_BUILD)/frame/sim: tests/rtl/frame_test.sv tests/rtl/stream_monitor.sv $(RTL_HW)/axis_frame.sv
	@mkdir -p $(@D)
	$(RTL_VERILATOR) $(RTL_MORE) --Mdir $(@D)/obj $< >$(@D)/build.log

run-rtl-%: $(RTL_BUILD)/%/sim
	cd $(<D) && ./sim +verilator+seed+$(RTL_SEED) +verilator+rand+reset+2 >run.log || { tail -n 5 run.log; exit 1; }
	@grep -h equal $(<D)/run.log

test-rtl: $(RTL_SUITES:%=run-rtl-%) run-rtl-frame
	tests/rtl/rom-images $(RTL_BUILD)/rom-images
	tests/rtl/pair-cases $(RTL_BUILD)/pair-cases

# The same cells in a four-state simulator, with X where the others have noise.
run-icarus-%: $(RTL_BUILD)/%/bench.sv $(wildcard $(RTL_HW)/*.sv tests/rtl/stream_*.sv)
	iverilog -g2012 -y $(RTL_HW) -y tests/rtl -Y .sv -s bench -o $(<D)/icarus.vvp $<
	cd $(<D) && vvp -n icarus.vvp >icarus.log || { tail -n 5 icarus.log; exit 1; }
	@grep -h equal $(<D)/icarus.log || { tail -n 5 $(<D)/icarus.log; exit 1; }

# Seeded bugs, each of which must be caught; the whole grid of requantisations; more noise.
test-rtl-deep: test-rtl $(RTL_SUITES:%=run-icarus-%)
	tests/rtl/seeded-bugs
	$(MAKE) RTL_BUILD=$(RTL_BUILD)/grid RTL_GRID=full run-rtl-requant
	for seed in 2 3 4 5 6 7 8 9; do $(MAKE) RTL_SEED=$$seed test-rtl || exit 1; done

export RTL_GRID

lint-hw:
	scripts/lint-hw

.PHONY: test-rtl test-rtl-deep lint-hw
.PRECIOUS: $(RTL_BUILD)/%/bench.sv $(RTL_BUILD)/%/sim
.SECONDARY: $(BUILD)/tests/rtl/cell_dpi.o $(BUILD)/tests/rtl/cell_gen.o $(RTL_OBJECTS)
