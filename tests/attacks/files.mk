# SPDX-License-Identifier: BSD-2-Clause
# Programs that a container must survive, and its neighbours: build/attacks/NAME, not in the initrd.
attack-programs := $(patsubst tests/attacks/%.c,$(BUILD)/attacks/%,$(wildcard tests/attacks/*.c))
attacks: $(attack-programs)
.PHONY: attacks
$(attack-programs): $(BUILD)/attacks/%: tests/attacks/%.c $(wildcard tests/attacks/*.h) kernel/include/kernel/syscalls.def
	@mkdir -p $(@D)
	$(call say,ATTACK,$@)
	$(Q)$(CC) -std=gnu11 -O1 -g -D_GNU_SOURCE $(WARN) -I. -static -o $@ $< -lpthread

check test soak: $(attack-programs)
