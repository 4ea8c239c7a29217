# SPDX-License-Identifier: Apache-2.0

CC ?= gcc
CFLAGS ?= -O2 -g
BUILD ?= build
IMAGES ?= 1000
# where hw/ and data/ are, unless they are found near the program
ROOT ?= $(CURDIR)
WARN = -Wall -Wextra -Werror=implicit-function-declaration -Wconversion -Wshadow -Wstrict-prototypes
CPPFLAGS_ALL = -I. -D_GNU_SOURCE -DNNGEN_ROOT='"$(ROOT)"' -DNNGEN_DATADIR='"$(ROOT)/data"' -MMD -MP
CFLAGS_ALL = -std=c11 -pthread $(WARN) -fPIC -fvisibility=hidden -ffp-contract=off -fno-math-errno \
  $(CFLAGS)
LIBS = -ljansson -lz -lmpfr -lgmp -lmd -lm

ROOMS = sw/base sw/graph sw/plan sw/pass sw/data sw/exec sw/import sw/export sw/circuit sw/train quant search gen sim lib
# what isn't there is left out, and what needs it says so
ONNX := $(shell pkg-config --exists libprotobuf-c && command -v protoc-c >/dev/null && echo yes)
KERAS := $(shell pkg-config --exists hdf5 libzip libseccomp && echo yes)
SOURCES = $(filter-out lib/example.c $(if $(ONNX),,sw/import/onnx% sw/export/onnx%) $(if $(KERAS),,sw/import/keras% sw/export/keras% sw/base/sandbox.c),$(wildcard $(ROOMS:%=%/*.c)))
OBJECTS = $(SOURCES:%.c=$(BUILD)/%.o) $(if $(ONNX),$(BUILD)/third_party/onnx.pb-c.o)
ifdef ONNX
CPPFLAGS_ALL += -DNNGEN_ONNX -isystem $(BUILD)/third_party
LIBS += $(shell pkg-config --libs libprotobuf-c)
endif
ifdef KERAS
CPPFLAGS_ALL += -DNNGEN_KERAS $(patsubst -I%,-isystem %,$(shell pkg-config --cflags hdf5))
LIBS += $(shell pkg-config --libs hdf5 libzip libseccomp)
endif
COMMANDS = $(patsubst %.c,$(BUILD)/%.o,$(wildcard cmd/*.c))
# in rooms as the sources; the programs lie side by side
TEST_SOURCES = $(wildcard tests/*/test_*.c)
TESTS = $(sort $(patsubst %.c,$(BUILD)/tests/%,$(notdir $(TEST_SOURCES))))

VERSION := $(shell sed -n 's/^.define NNGEN_VERSION "\(.*\)"/\1/p' lib/nngen.h)
SHARED = libnngen.so.$(VERSION)
SONAME = libnngen.so.$(firstword $(subst ., ,$(VERSION)))

all: $(BUILD)/nngen $(BUILD)/$(SHARED) ## build build/nngen and the library

# ---- what users call

sim: setup-sim ## simulate the networks of models/ at 8,3: make sim IMAGES=10000 for the full set
	@$(MAKE) --no-print-directory all
	@for net in mnist-mlp mnist-acts; do \
	  $(BUILD)/nngen sim --precision 8,3 --parallelism 4 --images $(IMAGES) --trace --jobs 2 \
	    -o $(BUILD)/simulation/$$net models/$$net.bin || exit 1; echo; done
	@$(BUILD)/nngen sim --precision 8,3 --target-cycles 19600 --images $(IMAGES) --trace --jobs 2 \
	  -o $(BUILD)/simulation/lenet5 models/lenet5.bin

# Seeded, and the same bits on every machine: models/SHA256SUMS has the hashes that must come out.
MODELS = mnist-mlp mnist-acts lenet5 resnet-mini
models: all ## train the models in models/ anew from MNIST and check their hashes
	@mkdir -p $(BUILD)/models
	@for net in $(MODELS); do \
	  $(BUILD)/nngen train --net $$net --optimizer adamw --decay 0.2 -o $(BUILD)/models/$$net.bin || exit 1; echo; done
	@cp models/SHA256SUMS $(BUILD)/models && cd $(BUILD)/models && sha256sum -c SHA256SUMS
	@cp $(MODELS:%=$(BUILD)/models/%.bin) models

sim-systemc: setup-systemc ## simulate mnist-mlp as an sc_module between a source and a sink in SystemC
	@$(MAKE) --no-print-directory all
	@mkdir -p $(BUILD)/systemc
	@$(BUILD)/nngen -q --precision 8,3 --parallelism 4 -o $(BUILD)/systemc/rtl models/mnist-mlp.bin >/dev/null
	@BUILD=$(BUILD) scripts/sim-systemc -o $(BUILD)/systemc $(BUILD)/systemc/rtl

test: setup-test ## everything that every change must pass
	@$(MAKE) --no-print-directory check

test-deep: setup-test ## the same at full width and depth
	@$(MAKE) --no-print-directory check-deep

mnist-table: all ## docs/mnist.md: train what its results don't have yet, write tables and pictures
	@scripts/mnist-table

bench: all $(patsubst %.c,$(BUILD)/tests/%,$(notdir $(wildcard tests/*/bench_*.c))) ## figures of speed, printed
	@scripts/bench

synth: setup-synth ## what mnist-mlp at 8,3 and 4 lanes needs in FPGAs, and Fmax where nextpnr is found
	@$(MAKE) --no-print-directory all
	@mkdir -p $(BUILD)/synth
	@$(BUILD)/nngen -q --precision 8,3 --parallelism 4 -o $(BUILD)/synth/rtl models/mnist-mlp.bin
	@scripts/synth -o $(BUILD)/synth/result $(BUILD)/synth/rtl

PREFIX ?= /usr/local
LIBDIR ?= $(PREFIX)/lib
SHARE = "$(DESTDIR)$(PREFIX)"/share
# Programs that are linked with the library find it again: by ldconfig, which root may call, in the folders
# that it knows, and by the path that pkg-config names, unless it is the system's own.
RPATH = $(if $(filter /usr/lib%,$(LIBDIR)),,-Wl,-rpath,$(LIBDIR) )
install: all ## install under PREFIX, default /usr/local; DESTDIR goes in front
	install -D -m 755 $(BUILD)/nngen "$(DESTDIR)$(PREFIX)"/bin/nngen
	install -D -m 644 $(BUILD)/libnngen.a "$(DESTDIR)$(PREFIX)"/lib/nngen/libnngen.a
	install -m 644 $(BUILD)/libnngen.libs "$(DESTDIR)$(PREFIX)"/lib/nngen/libnngen.libs
	install -D -m 644 $(BUILD)/$(SHARED) "$(DESTDIR)$(LIBDIR)"/$(SHARED)
	ln -sf $(SHARED) "$(DESTDIR)$(LIBDIR)"/$(SONAME)
	ln -sf $(SONAME) "$(DESTDIR)$(LIBDIR)"/libnngen.so
	install -D -m 644 lib/nngen.h "$(DESTDIR)$(PREFIX)"/include/nngen.h
	install -d "$(DESTDIR)$(LIBDIR)"/pkgconfig $(SHARE)/man/man1 $(SHARE)/bash-completion/completions \
	  $(SHARE)/zsh/site-functions $(SHARE)/fish/vendor_completions.d $(SHARE)/doc/nngen/examples \
	  $(SHARE)/nngen/hw $(SHARE)/nngen/data/mnist-1000 $(SHARE)/nngen/data/codes $(SHARE)/nngen/models
	printf '%s\n' 'prefix=$(PREFIX)' 'Name: nngen' 'Version: $(VERSION)' \
	  'Description: Integer models of neural networks, as their circuits compute them' \
	  'Libs: -L$(LIBDIR) $(RPATH)-lnngen' 'Cflags: -I$(PREFIX)/include' \
	  >"$(DESTDIR)$(LIBDIR)"/pkgconfig/nngen.pc
	$(BUILD)/nngen manual >$(SHARE)/man/man1/nngen.1
	$(BUILD)/nngen completion bash >$(SHARE)/bash-completion/completions/nngen
	$(BUILD)/nngen completion zsh >$(SHARE)/zsh/site-functions/_nngen
	$(BUILD)/nngen completion fish >$(SHARE)/fish/vendor_completions.d/nngen.fish
	install -m 644 lib/example.c $(SHARE)/doc/nngen/examples
	install -m 644 README.md LICENSE docs/*.md docs/*.svg $(SHARE)/doc/nngen
	install -D -m 644 -t $(SHARE)/doc/nngen/residuals docs/residuals/*
	install -m 644 hw/* $(SHARE)/nngen/hw
	install -D -m 644 -t $(SHARE)/nngen/sim sim/known_bug.sv
	install -D -m 644 -t $(SHARE)/nngen/gen/bench gen/bench/*
	install -D -m 644 -t $(SHARE)/nngen/gen/tcl gen/tcl/*.tcl
	install -D -m 644 -t $(SHARE)/nngen/gen/page gen/page/*
	install -m 644 data/mnist-1000/* $(SHARE)/nngen/data/mnist-1000
	install -m 644 data/codes/* $(SHARE)/nngen/data/codes
	install -m 644 models/* $(SHARE)/nngen/models
	install -D -m 644 -t $(SHARE)/nngen/machines machines/*
	install -D -m 755 -t $(SHARE)/nngen/scripts scripts/get-mnist scripts/setup scripts/synth
	[ -n "$(DESTDIR)" ] || [ "$$(id -u)" != 0 ] || ldconfig

mutate: setup-test ## token mutants of the C sources: how many do the tests kill
	@scripts/mutate

formal: setup-test ## prove what the cells of hw/ promise: induction, covers, a seeded bug per proof
	@scripts/formal

formal-quick:
	@scripts/formal quick

mutate-rtl: setup-test ## mutants of the cells of hw/: how many do their benches kill
	@$(MAKE) --no-print-directory $(RTL_BUILD)/cell_gen $(BUILD)/tests/rtl/cell_dpi.o
	@BUILD=$(BUILD) scripts/mutate-rtl

seeded-bugs: setup-test ## which tests see which seeded bug
	@tests/bad/run -a

deb: setup-deb ## a Debian package of it: build/nngen_VERSION_ARCHITECTURE.deb
	@scripts/deb $(BUILD)

clean: ## remove what was built
	rm -rf $(BUILD)

help: ## this list
	@sed -n 's/^\([a-z-]*\):.*## \(.*\)/  make \1|\2/p' $(MAKEFILE_LIST) | column -t -s '|'

setup-%:
	@scripts/setup $*

# ---- building

$(BUILD)/nngen: $(COMMANDS) $(BUILD)/libnngen.a
	@echo "  LD $@"
	@$(CC) $(CFLAGS_ALL) -o $@ $^ $(LIBS)

# what programs that are linked with it need besides stands in libnngen.libs
$(BUILD)/libnngen.a: $(OBJECTS)
	@rm -f $@
	@echo '$(LIBS)' >$(@:.a=.libs)
	@$(AR) rcs $@ $^

# Only what lib/nngen.h declares is visible.
$(BUILD)/$(SHARED): $(BUILD)/lib/nngen.o $(BUILD)/libnngen.a
	@echo "  LD $@"
	@$(CC) $(CFLAGS_ALL) -shared -Wl,-soname,$(SONAME) -Wl,--as-needed -Wl,--no-undefined -o $@ $^ $(LIBS)
	@ln -sf $(SHARED) $(BUILD)/$(SONAME)
	@ln -sf $(SONAME) $(BUILD)/libnngen.so

$(BUILD)/third_party/onnx.pb-c.c: third_party/onnx/onnx.proto
	@mkdir -p $(@D)
	@echo "  PROTOC $<"
	@protoc-c --proto_path=$(<D) --c_out=$(@D) $<

$(BUILD)/third_party/%.o: $(BUILD)/third_party/%.c
	@echo "  CC $<"
	@$(CC) -std=c11 -fPIC -fvisibility=hidden $(CFLAGS) -c -o $@ $<

$(patsubst %.c,$(BUILD)/%.o,$(wildcard sw/import/onnx*.c sw/export/onnx*.c)): | $(BUILD)/third_party/onnx.pb-c.c

$(BUILD)/%.o: %.c Makefile
	@mkdir -p $(@D)
	@echo "  CC $<"
	@$(CC) $(CPPFLAGS_ALL) $(CFLAGS_ALL) -c -o $@ $<

# The kernels are compiled once per instruction set and chosen when the program runs.
ifeq ($(shell uname -m),x86_64)
$(BUILD)/sw/exec/kernels_avx2.o: CFLAGS_ALL += -mavx2 -mfma
AVX512 = -mavx512f -mavx512bw -mavx512vl -mavx512dq -mprefer-vector-width=512
$(BUILD)/sw/exec/kernels_avx512.o: CFLAGS_ALL += $(AVX512)
$(BUILD)/sw/exec/kernels_vnni.o: CFLAGS_ALL += $(AVX512) -mavx512vnni
endif
$(BUILD)/sw/exec/kernels_%.o $(BUILD)/sw/exec/real_%.o $(BUILD)/quant/second_order.o $(BUILD)/sw/data/distort.o: CFLAGS_ALL += -O3

# ---- testing

include tests/fuzz/fuzz.mk

HELPERS = $(patsubst %.c,$(BUILD)/%.o,$(wildcard tests/*/helper_*.c))
BENCH_SOURCES = $(wildcard tests/*/bench_*.c)
BENCHES = $(patsubst %.c,$(BUILD)/tests/%,$(notdir $(BENCH_SOURCES)))
$(foreach t,$(BENCH_SOURCES:.c=),$(eval $(BUILD)/tests/$(notdir $t): $(BUILD)/$t.o))
$(BUILD)/tests/bench_search: $(BUILD)/tests/search/helper_spaces.o
$(BENCHES): $(BUILD)/libnngen.a
	@echo "  LD $@"
	@$(CC) $(CFLAGS_ALL) -o $@ $(filter %.o,$^) $(BUILD)/libnngen.a $(LIBS)

$(foreach t,$(TEST_SOURCES:.c=),$(eval $(BUILD)/tests/$(notdir $t): $(BUILD)/$t.o))
$(TESTS): $(HELPERS) $(BUILD)/libnngen.a
	@echo "  LD $@"
	@$(CC) $(CFLAGS_ALL) -o $@ $(filter %.o,$^) $(BUILD)/libnngen.a -lcmocka $(LIBS)

# The slow ones first, the slowest at the very beginning: two run at a time.
SLOW = test_networks test_shapes test_docs test_netlists test_rom_case test_synth test_sim test_packages test_install test_activations \
  test_circuits test_cli test_faults test_curve test_sim_bugs test_hostile test_determinism test_tflite_sim
ORDERED = $(foreach t,$(SLOW),$(filter %/$(t),$(TESTS))) $(filter-out $(SLOW:%=$(BUILD)/tests/%),$(TESTS))

check-units: $(TESTS) $(BUILD)/nngen $(FUZZ_REPLAYS)
	@NNGEN=$(BUILD)/nngen tests/run $(ORDERED)

check:
	@$(MAKE) --no-print-directory -j2 all $(TESTS) $(FUZZ_REPLAYS)
	@scripts/lint-format
	@scripts/lint-kinds
	@scripts/lint-rooms
	@$(MAKE) --no-print-directory -j2 test-rtl formal-quick
	@NNGEN=$(BUILD)/nngen BUILD=$(BUILD) tests/sweep
	@$(MAKE) --no-print-directory check-units

# The same tests under AddressSanitizer and UndefinedBehaviorSanitizer, those apart that link the
# program into something else or mostly wait for other tools.
SIMULATES = test_sim test_shapes test_state test_ports test_docs test_framing test_netlists test_sim_bugs test_circuits test_activations test_networks test_two_networks \
  test_rom_case test_packages test_systemc test_synth test_install test_train_circuit test_tflite_sim
sanitize: ## the unit tests under ASan and UBSan
	@$(MAKE) --no-print-directory -j2 BUILD=$(BUILD)/sanitize \
	  CFLAGS="-O1 -g -fsanitize=address,undefined -fno-sanitize-recover=all" check-sanitized
check-sanitized: export ASAN_OPTIONS = allocator_may_return_null=1
check-sanitized: $(filter-out $(SIMULATES:%=$(BUILD)/tests/%),$(TESTS)) $(BUILD)/nngen $(FUZZ_REPLAYS)
	@NNGEN=$(BUILD)/nngen tests/run \
	  $(filter-out $(SIMULATES:%=$(BUILD)/tests/%),$(TESTS))

# Apart: tests that spend their time in simulators and other tools, and the one that builds anew.
COVERAGE_APART = test_networks test_netlists test_docs test_circuits test_synth test_systemc test_packages test_two_networks test_install
coverage: setup-coverage ## what the tests reach of the C sources and of hw/
	@rm -rf $(BUILD)/coverage/rtl && find $(BUILD)/coverage -name '*.gcda' -delete 2>/dev/null || true
	@$(MAKE) --no-print-directory -j2 BUILD=$(BUILD)/coverage CFLAGS="-O0 -g --coverage -std=gnu11" LDFLAGS=--coverage check-covered
	@$(MAKE) --no-print-directory -j2 RTL_BUILD=$(BUILD)/coverage/rtl RTL_MORE="--coverage-toggle --coverage-line -MAKEFLAGS OPT_FAST=-O0 -MAKEFLAGS OPT_GLOBAL=-O0 \
	  $(CURDIR)/tests/rtl/coverage.sv $(CURDIR)/tests/rtl/coverage.cpp" $(RTL_SUITES:%=run-rtl-%) run-rtl-frame
	@scripts/coverage $(BUILD)/coverage
check-covered: $(filter-out $(COVERAGE_APART:%=$(BUILD)/tests/%),$(TESTS)) $(BUILD)/nngen $(FUZZ_REPLAYS)
	@NNGEN=$(BUILD)/nngen tests/run \
	  $(filter-out $(COVERAGE_APART:%=$(BUILD)/tests/%),$(ORDERED))

# Seeded bugs and mutants must be seen by the tests as every change runs them.
check-deep: export NNGEN_TEST_DEEP = 1
check-deep:
	@$(MAKE) --no-print-directory check sanitize
	@$(MAKE) --no-print-directory lint-hw test-rtl-deep
	@$(MAKE) --no-print-directory fuzz fuzz-seeded
	@NNGEN=$(BUILD)/nngen BUILD=$(BUILD) IMAGES=10000 tests/sweep deep
	@BUILD=$(BUILD) tests/bare
	@BUILD=$(BUILD) scripts/fit-resources --check acts4
	@$(MAKE) --no-print-directory formal mutate-rtl
	@BUILD=$(BUILD) tests/rtl/mutants
	@env -u NNGEN_TEST_DEEP tests/bad/run
	@env -u NNGEN_TEST_DEEP scripts/mutate

lint: lint-hw ## lint hw/ in three tools, and the format of the sources
	@scripts/lint-format
	@scripts/lint-kinds
	@scripts/lint-rooms

format: ## clang-format all sources
	@scripts/lint-format fix

include tests/rtl/rtl.mk

.PHONY: models mnist-table coverage check-covered install deb formal formal-quick mutate mutate-rtl seeded-bugs sanitize check-sanitized all sim sim-systemc synth test test-deep bench clean help check-units check check-deep lint format
.PRECIOUS: $(BUILD)/%.o
-include $(OBJECTS:.o=.d) $(COMMANDS:.o=.d) $(wildcard $(BUILD)/tests/*/*.d)
