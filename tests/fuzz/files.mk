# SPDX-License-Identifier: BSD-2-Clause
# Programs that try to break the kernel: build/fuzz/NAME, not in the initrd.
fuzz-programs := $(patsubst tests/fuzz/%.c,$(BUILD)/fuzz/%,$(wildcard tests/fuzz/*.c))
fuzz: $(fuzz-programs)
.PHONY: fuzz
$(fuzz-programs): $(BUILD)/fuzz/%: tests/fuzz/%.c
	@mkdir -p $(@D)
	$(call say,FUZZ,$@)
	$(Q)$(CC) -std=gnu11 -O1 -g -D_GNU_SOURCE $(WARN) -static -o $@ $<

test soak: $(fuzz-programs)
