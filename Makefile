# SPDX-License-Identifier: BSD-2-Clause
#
# Bulkhead. What a newcomer needs:
#
#   make run     set up what is missing, build, boot; the console is this terminal
#   make test    every test, on AMD SVM (QEMU) and on Intel VT-x (Bochs)
#
# and for work on it: make (build only), make check (minutes, before every
# commit), make debug, make unit, make soak, make bench, make format, make clean; V=1 shows commands.
#
# Each folder lists its own objects in a files.mk; everything made goes under build/.

BUILD ?= build
CC    ?= gcc
HOSTCC ?= $(CC)
NASM  ?= nasm
PYTHON ?= /usr/bin/python3
Q = $(if $(V),,@)
say = $(if $(V),,@printf '  %-6s %s\n' $(1) $(2))

.PHONY: all run debug check test soak bench unit setup format clean check-headers
all: image

# What is missing on this machine comes first: make restarts itself once this exists.
ifneq ($(filter-out clean format,$(or $(MAKECMDGOALS),all)),)
include $(BUILD)/setup.mk
endif
$(BUILD)/setup.mk: tools/setup
	$(Q)tools/setup $(BUILD)
	@echo '# made by tools/setup; remove this file to look again' > $@

WARN := -Wall -Wextra -Wshadow -Wstrict-prototypes -Wmissing-prototypes -Wundef -Wvla \
        -Wimplicit-fallthrough -Werror
DEPS  = -MMD -MP

kernel-y :=
programs :=
unit-tests :=
-include boot/files.mk kernel/files.mk kernel/*/files.mk kernel/*/*/files.mk hv/files.mk hv/*/files.mk containers/files.mk
-include userland/files.mk userland/*/files.mk tools/files.mk tests/files.mk tests/*/files.mk

# ---- kernel ---------------------------------------------------------------

KERNEL_CFLAGS := -std=gnu11 -O2 -g -ffreestanding -fno-pic -mcmodel=kernel -mno-red-zone \
        -mgeneral-regs-only -fno-omit-frame-pointer -fno-strict-aliasing -fno-common \
        -fstack-protector-strong -mstack-protector-guard=global \
        -fno-asynchronous-unwind-tables $(WARN) \
        -Ikernel/include -I. $(KERNEL_EXTRA_CFLAGS)
KERNEL_OBJS := $(addprefix $(BUILD)/,$(kernel-y))

kernel: $(BUILD)/kernel.elf
.PHONY: kernel
$(BUILD)/kernel.elf: $(KERNEL_OBJS) linker.ld
	$(call say,LD,$@)
	$(Q)ld -nostdlib -static -z max-page-size=4096 -z noexecstack --build-id=none -T linker.ld -o $@ $(KERNEL_OBJS)

# Offsets for assembly come from C: one fact, one place.
ASM_OFFSETS := $(BUILD)/kernel/x86/asm_offsets.s $(BUILD)/hv/asm_offsets.s
$(ASM_OFFSETS): $(BUILD)/%.s: %.c
	@mkdir -p $(@D)
	$(Q)$(CC) $(KERNEL_CFLAGS) $(DEPS) -S -o $@ $<
$(BUILD)/asm_offsets.inc: $(ASM_OFFSETS)
	$(call say,OFFS,$@)
	$(Q)sed -n 's/.*->\([A-Za-z0-9_]*\) \$$*\(-\{0,1\}[0-9]*\).*/%define \1 \2/p' $^ > $@

$(KERNEL_OBJS): | $(BUILD)/asm_offsets.inc
$(BUILD)/kernel/%.o $(BUILD)/hv/%.o $(BUILD)/containers/%.o: EXTRA = $(KERNEL_CFLAGS)
$(BUILD)/%.o: %.c
	@mkdir -p $(@D)
	$(call say,CC,$<)
	$(Q)$(CC) $(EXTRA) $(DEPS) -c -o $@ $<
$(BUILD)/%.o: %.asm $(BUILD)/asm_offsets.inc
	@mkdir -p $(@D)
	$(call say,NASM,$<)
	$(Q)$(NASM) -f elf64 -g -F dwarf -i$(BUILD)/ -MD $(@:.o=.d) -o $@ $<

# ---- userland: ordinary static Linux programs ------------------------------
# A program P lists P-objs (.o names below build/) and P-libs; it lands in build/bin/P.

USER_CFLAGS := -std=gnu11 -O2 -g -D_GNU_SOURCE $(WARN) -Iuserland/include -I.
$(BUILD)/userland/%.o: EXTRA = $(USER_CFLAGS)
$(BUILD)/tests/%.o: EXTRA = $(USER_CFLAGS)
define program_rule
$(BUILD)/bin/$(1): $$(addprefix $(BUILD)/,$$($(1)-objs))
	@mkdir -p $$(@D)
	$$(call say,LINK,$$@)
	$$(Q)$$(CC) -static -o $$@ $$^ $$($(1)-libs)
endef
$(foreach p,$(programs),$(eval $(call program_rule,$(p))))
PROGRAMS := $(addprefix $(BUILD)/bin/,$(programs))
userland: $(PROGRAMS)
.PHONY: userland

# ---- unit tests: pure code on the build host under ASan and UBSan ----------
# A test T lists T-srcs and T-libs (and T-cflags).

UNIT_CFLAGS := -std=gnu11 -O1 -g -D_GNU_SOURCE -DUNIT_TEST -Wall -Wextra -Werror -fsanitize=address,undefined \
        -fno-sanitize-recover=all -I. -Iuserland/include
define unit_rule
$(BUILD)/unit/$(1): $$($(1)-srcs)
	@mkdir -p $$(@D)
	$$(call say,UNIT,$$@)
	$$(Q)$$(HOSTCC) $$(UNIT_CFLAGS) $$($(1)-cflags) -MM -MP -MT $$@ $$($(1)-srcs) >$$@.tmp && mv $$@.tmp $$@.d
	$$(Q)$$(HOSTCC) $$(UNIT_CFLAGS) $$($(1)-cflags) -o $$@ $$($(1)-srcs) -lcmocka $$($(1)-libs)
endef
$(foreach t,$(unit-tests),$(eval $(call unit_rule,$(t))))
unit: $(addprefix $(BUILD)/unit/,$(unit-tests))
	@set -e; for t in $^; do $$t; done

-include $(KERNEL_OBJS:.o=.d) $(ASM_OFFSETS:.s=.d) $(foreach p,$(programs),$(addprefix $(BUILD)/,$($(p)-objs:.o=.d)))
-include $(foreach t,$(unit-tests),$(BUILD)/unit/$(t).d)

# ---- what is booted ---------------------------------------------------------
# build/esp is the EFI system partition: copied to a FAT file system it also boots a real machine.

IMAGES := $(BUILD)/images/busybox.tar
GUESTS := $(BUILD)/guests/linux
TOOL_LIBS := $(wildcard tools/lib/*.py)

image: $(BUILD)/esp/EFI/BOOT/BOOTX64.EFI $(BUILD)/esp/bulkhead/kernel.elf $(BUILD)/esp/bulkhead/initrd.cpio \
        $(BUILD)/linux-modules.cpio
.PHONY: image
$(BUILD)/images/busybox.tar: tools/mkimage $(TOOL_LIBS) $(BUILD)/setup.mk
	@mkdir -p $(@D)
	$(call say,IMAGE,$@)
	$(Q)tools/mkimage --build $(BUILD) $@
$(BUILD)/guests/linux/initrd: tools/mkguest $(TOOL_LIBS) $(shell find userland/guest -type f) $(BUILD)/setup.mk
	$(call say,GUEST,$(@D))
	$(Q)tools/mkguest --build $(BUILD) $(@D)
$(BUILD)/initrd.cpio: tools/mkinitrd $(TOOL_LIBS) $(wildcard userland/etc/*) $(PROGRAMS) $(IMAGES) \
        $(addsuffix /initrd,$(GUESTS))
	$(call say,INITRD,$@)
	$(Q)tools/mkinitrd --build $(BUILD) $(addprefix --image=,$(IMAGES)) $(addprefix --guest=,$(GUESTS)) \
	    $@ $(PROGRAMS)
$(BUILD)/linux-modules.cpio: tools/mklinuxmodules $(TOOL_LIBS) $(BUILD)/setup.mk
	$(call say,CPIO,$@)
	$(Q)tools/mklinuxmodules --build $(BUILD) $@
$(BUILD)/esp/EFI/BOOT/BOOTX64.EFI: $(BUILD)/BOOTX64.EFI
	@mkdir -p $(@D)
	$(Q)cp $< $@
$(BUILD)/esp/bulkhead/initrd.cpio: $(BUILD)/initrd.cpio
	@mkdir -p $(@D)
	$(Q)cp $< $@
$(BUILD)/esp/bulkhead/kernel.elf: $(BUILD)/kernel.elf
	@mkdir -p $(@D)
	$(Q)objcopy --strip-debug $< $@

# The kernel once more, checking itself: kernel/include/kernel/lock_order.h. For tools/boot --debug.
debug: image $(BUILD)/debug/setup.mk
	$(Q)$(MAKE) --no-print-directory BUILD=$(BUILD)/debug KERNEL_EXTRA_CFLAGS="$(KERNEL_EXTRA_CFLAGS) -DKERNEL_DEBUG" \
	    $(BUILD)/debug/esp/bulkhead/kernel.elf
$(BUILD)/debug/setup.mk: $(BUILD)/setup.mk
	@mkdir -p $(@D)
	$(Q)cp $< $@

run: image
	$(Q)tools/boot --build $(BUILD) $(BOOT_ARGS)
setup:
	$(Q)tools/setup $(BUILD)

# ---- tests --------------------------------------------------------------------
# Each ends with a line "N passed, N failed, N skipped"; T= passes arguments to pytest.

UNIT_TESTS := $(addprefix $(BUILD)/unit/,$(unit-tests))
# T=--debug-kernel wants that kernel, too.
check test soak: $(if $(findstring --debug-kernel,$(T)),debug)
RUN_TESTS = $(PYTHON) tools/run-tests --build $(BUILD) $(addprefix --unit=,$(UNIT_TESTS))
check: image check-headers $(UNIT_TESTS)
	$(Q)$(RUN_TESTS) -- -m check $(T)
test: image debug check-headers $(UNIT_TESTS)
	$(Q)$(RUN_TESTS) -- -m 'not soak' $(T)
soak: image $(UNIT_TESTS)
	$(Q)$(RUN_TESTS) -- -m soak $(T)

# Every header compiles alone.
PUBLIC_HEADERS = $(shell git ls-files 'kernel/include/*.h')
check-headers:
	$(Q)set -e; for h in $(PUBLIC_HEADERS); do \
	    echo "#include \"$$h\"" | $(CC) $(KERNEL_CFLAGS) -fsyntax-only -x c -; done

format:
	clang-format -i $$(git ls-files '*.c' '*.h')
clean:
	rm -rf $(BUILD)
