# SPDX-License-Identifier: Apache-2.0
# Tests of hw/: `make test-rtl` (part of `make test`), `make test-rtl-deep`, `make lint-hw`.
#
# A suite is one bench with many cells: cell_gen prints it and writes the memory images, Verilator
# builds it with the C harness, the run compares.
RTL_BUILD := build/rtl
RTL_SUITES := axis linear pointwise table requant
RTL_C := cell cells_axis cells_linear cells_pointwise cells_table cells_polynomial cells_requant
RTL_CFLAGS := -std=c11 -O2 -g -I. -Wall -Wextra -Wconversion -Wshadow -Wstrict-prototypes
RTL_OBJECTS := $(RTL_C:%=$(RTL_BUILD)/%.o) $(RTL_BUILD)/fix.o
RTL_SEED ?= 1
RTL_VERILATOR := OBJCACHE=ccache verilator --binary --timing -fno-const-bit-op-tree -Wno-fatal \
  -Wno-lint -Wno-style -j 1 --unroll-count 2048 -MAKEFLAGS -s

.PHONY: test-rtl test-rtl-deep lint-hw

$(RTL_BUILD)/%.o: tests/rtl/%.c tests/rtl/cell.h sw/graph/fix.h
	@mkdir -p $(@D)
	$(CC) $(RTL_CFLAGS) -c -o $@ $<

$(RTL_BUILD)/fix.o: sw/graph/fix.c sw/graph/fix.h
	@mkdir -p $(@D)
	$(CC) $(RTL_CFLAGS) -c -o $@ $<

$(RTL_BUILD)/cell_gen: $(RTL_BUILD)/cell_gen.o $(RTL_OBJECTS)
	$(CC) -o $@ $^ -lm

$(RTL_BUILD)/%/bench.sv: $(RTL_BUILD)/cell_gen
	@mkdir -p $(@D)/rom
	$(RTL_BUILD)/cell_gen $* $(@D)

$(RTL_BUILD)/%/sim: $(RTL_BUILD)/%/bench.sv $(wildcard hw/*.sv tests/rtl/*.sv) $(RTL_OBJECTS) \
  $(RTL_BUILD)/cell_dpi.o
	$(RTL_VERILATOR) --top-module bench --Mdir $(@D)/obj -o ../sim -Ihw -Itests/rtl $< \
	  $(abspath $(RTL_OBJECTS) $(RTL_BUILD)/cell_dpi.o) -LDFLAGS -lm

.PRECIOUS: $(RTL_BUILD)/%/bench.sv $(RTL_BUILD)/%/sim

run-rtl-%: $(RTL_BUILD)/%/sim
	cd $(<D) && ./sim +verilator+seed+$(RTL_SEED)

test-rtl: $(RTL_SUITES:%=run-rtl-%) run-rtl-frame

lint-hw:
	scripts/lint-hw

$(RTL_BUILD)/frame/sim: tests/rtl/frame_test.sv tests/rtl/stream_monitor.sv hw/axis_frame.sv
	@mkdir -p $(@D)
	$(RTL_VERILATOR) --top-module bench --Mdir $(@D)/obj -o ../sim -Ihw -Itests/rtl $<
