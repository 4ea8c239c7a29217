# SPDX-License-Identifier: Apache-2.0
# For the make of what Verilator writes of many circuits at once, with -MAKEFLAGS "-f ..": the
# headers, which are most of what g++ reads for such a file, are compiled once for all (GCC manual,
# "Using Precompiled Headers": of several in a folder the one is taken that has the file's options).
# With few files it doesn't pay.
PRECOMPILE = $(OBJCACHE) $(CXX) $(CXXFLAGS) $(filter-out -MMD,$(CPPFLAGS)) -x c++-header -c

$(VK_OBJS): CPPFLAGS += -include precompiled.h
$(VK_OBJS): precompiled.h.gch

precompiled.h.gch: $(VM_PREFIX).mk
	printf '#include "%s"\n' verilated.h $(VM_PREFIX)__Syms.h >precompiled.h
	rm -rf $@ $@.new && mkdir $@.new
	$(PRECOMPILE) $(OPT_FAST) -o $@.new/fast precompiled.h
	$(if $(filter-out -O0,$(OPT_FAST)),$(PRECOMPILE) $(OPT_SLOW) -o $@.new/slow precompiled.h)
	mv $@.new $@
