# SPDX-License-Identifier: BSD-2-Clause
# The UEFI loader: a position-independent shared object that objcopy turns into a PE file.

BOOT_OBJS := $(addprefix $(BUILD)/boot/,main.o files.o elf.o memory.o memory_map.o paging.o madt.o \
        cpus.o entropy.o clock.o video.o string.o enter.o)
EFI_INCLUDE ?= /usr/include/efi
EFI_LIB     ?= /usr/lib
EFI_CFLAGS  := -std=gnu11 -O2 -ffreestanding -fpic -fshort-wchar -mno-red-zone -mgeneral-regs-only \
        -fno-stack-protector -fno-tree-loop-distribute-patterns -maccumulate-outgoing-args -DGNU_EFI_USE_MS_ABI $(WARN) \
        -isystem $(EFI_INCLUDE) -isystem $(EFI_INCLUDE)/x86_64
EFI_SECTIONS := .text .sdata .data .dynamic .dynsym .rel .rela .rel.* .rela.* .rodata .reloc

loader: $(BUILD)/BOOTX64.EFI
.PHONY: loader
$(BUILD)/boot/%.o: EXTRA = $(EFI_CFLAGS)
$(BUILD)/boot/%.o: boot/%.asm
	@mkdir -p $(@D)
	$(call say,NASM,$<)
	$(Q)$(NASM) -f elf64 -o $@ $<
# muldefs: our memcpy and memset come first, libefi's copy byte by byte.
$(BUILD)/boot/loader.so: $(BOOT_OBJS)
	$(call say,LD,$@)
	$(Q)ld -nostdlib -znocombreloc -z muldefs -shared -Bsymbolic -T $(EFI_LIB)/elf_x86_64_efi.lds \
	    $(EFI_LIB)/crt0-efi-x86_64.o $^ -o $@ -L$(EFI_LIB) -lefi -lgnuefi
$(BUILD)/BOOTX64.EFI: $(BUILD)/boot/loader.so
	$(call say,EFI,$@)
	$(Q)objcopy $(foreach s,$(EFI_SECTIONS),-j '$(s)') --target=efi-app-x86_64 $< $@
-include $(BOOT_OBJS:.o=.d)

unit-tests += test_loader
test_loader-srcs := tests/unit/test_loader.c boot/elf.c boot/memory_map.c boot/madt.c
test_loader-cflags := -fshort-wchar -DGNU_EFI_USE_MS_ABI -isystem $(EFI_INCLUDE) -isystem $(EFI_INCLUDE)/x86_64
