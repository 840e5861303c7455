# SPDX-License-Identifier: BSD-2-Clause
programs += kvmtest
kvmtest-objs := $(addprefix tests/guests/, kvmtest.o harness.o images.o test_api.o test_modes.o \
        test_ports.o test_mmio.o test_faults.o test_cpu.o test_irqs.o test_memory.o test_hostile.o)

guest-images := $(patsubst %.asm,$(BUILD)/%.bin,$(wildcard tests/guests/*.asm))
$(BUILD)/tests/guests/%.bin: tests/guests/%.asm tests/guests/guest.inc tests/guests/long.inc
	@mkdir -p $(@D)
	$(call say,GUEST,$@)
	$(Q)$(NASM) -f bin -i tests/guests/ -o $@ $<
$(BUILD)/tests/guests/images.o: EXTRA = $(USER_CFLAGS) -Wa,-I$(BUILD)/tests/guests
$(BUILD)/tests/guests/images.o: $(guest-images)

# Tiny kernels for `vm run`: build/guests/tiny/NAME, each a guest's folder, not in the initrd.
tiny-guests := $(patsubst tests/guests/kernels/%.asm,$(BUILD)/guests/tiny/%/kernel,$(wildcard tests/guests/kernels/*.asm))
tiny-guests: $(tiny-guests)
.PHONY: tiny-guests
$(tiny-guests): $(BUILD)/guests/tiny/%/kernel: tests/guests/kernels/%.asm tests/guests/kernels/kernel.inc
	@mkdir -p $(@D)
	$(call say,GUEST,$(@D))
	$(Q)$(NASM) -f bin -i tests/guests/kernels/ -o $@ $<
	$(Q): >$(@D)/initrd; : >$(@D)/cmdline

test soak: $(tiny-guests)
