# SPDX-License-Identifier: Apache-2.0
# Targets: all, sim, test, test-deep, bench, lint, format, install, clean, help.

CC ?= gcc
CFLAGS ?= -O2 -g
BUILD ?= build
WARN = -Wall -Wextra -Wconversion -Wshadow -Wstrict-prototypes
CPPFLAGS_ALL = -I. -D_GNU_SOURCE -DNNGEN_ROOT='"$(CURDIR)"' -MMD -MP
CFLAGS_ALL = -std=c11 $(WARN) -ffp-contract=off -fno-math-errno -fopenmp $(CFLAGS) $(EXTRA)
LIBS = -ljansson -lz -lmpfr -lgmp -lmd -lm

ROOMS = sw/base sw/graph sw/data sw/exec sw/plan quant gen sim
SOURCES = $(filter-out sim/harness.c,$(wildcard $(ROOMS:%=%/*.c)))
OBJECTS = $(SOURCES:%.c=$(BUILD)/%.o)
COMMANDS = $(patsubst %.c,$(BUILD)/%.o,$(wildcard cmd/*.c))
TESTS = $(patsubst tests/%.c,$(BUILD)/tests/%,$(wildcard tests/test_*.c))

all: $(BUILD)/nngen

$(BUILD)/nngen: $(COMMANDS) $(OBJECTS)
	$(CC) $(CFLAGS_ALL) -o $@ $^ $(LIBS)

$(BUILD)/%.o: %.c
	@mkdir -p $(@D)
	$(CC) $(CPPFLAGS_ALL) $(CFLAGS_ALL) -c -o $@ $<

# The kernels are compiled once per instruction set and chosen when the program runs.
ifeq ($(shell uname -m),x86_64)
$(BUILD)/sw/exec/kernels_avx2.o: CFLAGS_ALL += -mavx2 -mfma
$(BUILD)/sw/exec/kernels_avx512.o: CFLAGS_ALL += -mavx512f -mavx512bw -mavx512vl -mavx512dq -mprefer-vector-width=512
endif
$(BUILD)/sw/exec/kernels_%.o: CFLAGS_ALL += -O3

TEST_HELPERS = $(patsubst %.c,$(BUILD)/%.o,$(wildcard tests/helper_*.c))
$(BUILD)/tests/test_%: $(BUILD)/tests/test_%.o $(TEST_HELPERS) $(OBJECTS)
	$(CC) $(CFLAGS_ALL) -o $@ $^ -lcmocka $(LIBS)

.PRECIOUS: $(BUILD)/tests/%.o
-include $(OBJECTS:.o=.d) $(COMMANDS:.o=.d) $(wildcard $(BUILD)/tests/*.d)
