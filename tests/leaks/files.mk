# SPDX-License-Identifier: BSD-2-Clause
# build/leaks/leaks: what comes and goes must leave nothing. Not in the initrd: tests add it.
leaks-objs := $(patsubst %.c,$(BUILD)/%.o,$(wildcard tests/leaks/*.c))
leaks: $(BUILD)/leaks/leaks $(BUILD)/tests/guests/tiny/kernel
.PHONY: leaks
$(BUILD)/leaks/leaks: $(leaks-objs)
	@mkdir -p $(@D)
	$(call say,LINK,$@)
	$(Q)$(CC) -static -o $@ $^ -lpthread
-include $(leaks-objs:.o=.d)

test soak: leaks
