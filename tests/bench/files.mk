# SPDX-License-Identifier: BSD-2-Clause
# Every .c here is a static program build/bench/NAME, not in the initrd: bench.py adds them.
bench-programs := $(patsubst tests/bench/%.c,$(BUILD)/bench/%,$(wildcard tests/bench/*.c))
$(bench-programs): $(BUILD)/bench/%: tests/bench/%.c tests/bench/bench.h
	@mkdir -p $(@D)
	$(call say,BENCH,$@)
	$(Q)$(CC) -std=gnu11 -O2 -g -D_GNU_SOURCE $(WARN) -static -o $@ $< -lpthread -lutil

# A guest in the form of a Linux kernel, in a folder as `vm run` wants it.
$(BUILD)/bench/guest/kernel: tests/bench/guest.asm tests/bench/files.mk
	@mkdir -p $(@D)
	$(call say,NASM,$@)
	$(Q)$(NASM) -f bin -o $@ $<
	$(Q): >$(@D)/initrd; : >$(@D)/cmdline

bench-files := $(bench-programs) $(BUILD)/bench/guest/kernel
bench-programs: $(bench-files)
.PHONY: bench-programs
check test soak: $(bench-files)

# PEER=1: the same programs on Debian's kernel. PARTS="calls exits": only these.
bench: image $(bench-files)
	$(Q)$(PYTHON) tests/bench/bench.py --build $(BUILD) $(if $(PEER),--peer) $(PARTS)
