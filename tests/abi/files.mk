# SPDX-License-Identifier: BSD-2-Clause
# Every .c here is a static program build/abi/NAME, not in the initrd: tests add what they run.
abi-programs := $(patsubst tests/abi/%.c,$(BUILD)/abi/%,$(wildcard tests/abi/*.c))
abi: $(abi-programs)
.PHONY: abi
$(abi-programs): $(BUILD)/abi/%: tests/abi/%.c $(wildcard tests/abi/*.h)
	@mkdir -p $(@D)
	$(call say,ABI,$@)
	$(Q)$(CC) -std=gnu11 -O1 -g -D_GNU_SOURCE $(WARN) -I. -static -o $@ $< -lpthread

# Once more as a position-independent program, which relocates itself.
abi-programs += $(BUILD)/abi/threads-pie
abi: $(BUILD)/abi/threads-pie
$(BUILD)/abi/threads-pie: tests/abi/threads.c $(wildcard tests/abi/*.h)
	@mkdir -p $(@D)
	$(call say,ABI,$@)
	$(Q)$(CC) -std=gnu11 -O1 -g -D_GNU_SOURCE $(WARN) -I. -fPIE -static-pie -o $@ $< -lpthread

check test soak: $(abi-programs)
