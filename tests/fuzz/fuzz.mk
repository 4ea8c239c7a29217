# SPDX-License-Identifier: Apache-2.0
# Fuzzing: `make fuzz` runs every target for FUZZ_SECONDS; `make test` runs the corpus through the
# same targets (tests/cmd/test_corpus.c).
FUZZ_TARGETS := model graph folding formats idx images folder tflite state space journal $(if $(ONNX),onnx) $(if $(KERAS),keras)
FUZZ_SECONDS ?= 60
FUZZ_BUILD ?= $(BUILD)/fuzz
FUZZ_REPLAYS = $(FUZZ_TARGETS:%=$(BUILD)/tests/fuzz/replay_%) $(BUILD)/tests/fuzz/walk
FUZZ_PARTS = $(BUILD)/tests/fuzz/use.o $(BUILD)/tests/fuzz/tree.o

$(BUILD)/tests/fuzz/replay_%: $(BUILD)/tests/fuzz/fuzz_%.o $(FUZZ_PARTS) \
  $(BUILD)/tests/fuzz/replay.o $(BUILD)/libnngen.a
	@echo "  LD $@"
	@$(CC) $(CFLAGS_ALL) -o $@ $^ $(LIBS)

$(BUILD)/tests/fuzz/target_%: $(BUILD)/tests/fuzz/fuzz_%.o $(FUZZ_PARTS) $(BUILD)/libnngen.a
	@echo "  LD $@"
	@$(CC) $(CFLAGS_ALL) -fsanitize=fuzzer -o $@ $^ $(LIBS)

$(BUILD)/tests/fuzz/walk: $(BUILD)/tests/fuzz/walk.o $(BUILD)/tests/fuzz/fuzz_graph.o $(FUZZ_PARTS) \
  $(BUILD)/libnngen.a
	@echo "  LD $@"
	@$(CC) $(CFLAGS_ALL) -o $@ $^ $(LIBS)

$(BUILD)/tests/fuzz/seed: $(BUILD)/tests/fuzz/seed.o $(BUILD)/tests/net/helper_netgen.o \
  $(BUILD)/tests/net/helper_netgen_joins.o $(BUILD)/tests/net/helper_netgen_windows.o \
  $(BUILD)/tests/net/helper_netgen_reorder.o $(BUILD)/tests/net/helper_netgen_softmax.o $(BUILD)/libnngen.a
	@$(CC) $(CFLAGS_ALL) -o $@ $^ $(LIBS)

fuzz-targets:
	@$(MAKE) --no-print-directory -j2 BUILD=$(FUZZ_BUILD) CC=clang \
	  CFLAGS="-O1 -g -DNNGEN_FUZZ -fsanitize=fuzzer-no-link,address,undefined -fno-sanitize-recover=all" \
	  $(FUZZ_TARGETS:%=$(FUZZ_BUILD)/tests/fuzz/target_%)

fuzz: setup-test ## fuzz every reader of files, FUZZ_SECONDS=60 each
	@$(MAKE) --no-print-directory fuzz-targets
	@tests/fuzz/run $(FUZZ_BUILD) $(FUZZ_SECONDS) $(FUZZ_TARGETS)

# Each target finds a fault that is put into its reader.
fuzz-seeded:
	@$(MAKE) --no-print-directory fuzz-targets
	@tests/fuzz/seeded $(FUZZ_BUILD) $(FUZZ_SECONDS)

-include $(wildcard $(BUILD)/tests/fuzz/*.d)
.PHONY: fuzz fuzz-targets fuzz-seeded
.PRECIOUS: $(BUILD)/tests/fuzz/%.o
