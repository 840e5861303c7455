# SPDX-License-Identifier: BSD-2-Clause
programs += kvmtest
kvmtest-objs := $(addprefix tests/guests/, kvmtest.o harness.o images.o test_api.o test_modes.o \
        test_ports.o test_mmio.o test_faults.o test_cpu.o test_irqs.o test_memory.o test_hostile.o)

# The tiny kernel in a folder of its own, as `vm run` wants a guest: tests add the folder.
tiny-guest := $(BUILD)/tests/guests/tiny/kernel
$(tiny-guest): $(BUILD)/tests/guests/tiny_kernel.bin
	@mkdir -p $(@D)
	$(Q): >$(@D)/initrd; : >$(@D)/cmdline
	$(Q)cp $< $@
check test soak: $(tiny-guest)

$(BUILD)/tests/guests/tiny_kernel.bin: tests/guests/tiny_hostile.inc

guest-images := $(patsubst %.asm,$(BUILD)/%.bin,$(wildcard tests/guests/*.asm))
$(BUILD)/tests/guests/%.bin: tests/guests/%.asm tests/guests/guest.inc tests/guests/long.inc
	@mkdir -p $(@D)
	$(call say,GUEST,$@)
	$(Q)$(NASM) -f bin -i tests/guests/ -o $@ $<
$(BUILD)/tests/guests/images.o: EXTRA = $(USER_CFLAGS) -Wa,-I$(BUILD)/tests/guests
$(BUILD)/tests/guests/images.o: $(guest-images)
