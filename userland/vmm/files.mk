# SPDX-License-Identifier: BSD-2-Clause
programs += vmm
vmm-objs := $(addprefix userland/vmm/, main.o options.o report.o sandbox.o seccomp.o terminal.o io.o \
        vm.o vcpu.o cpuid.o memory.o bus.o serial.o sink.o guest_status.o cmos.o i8042.o pci.o \
        acpi_pm.o acpi.o mptable.o linux_boot.o bzimage.o cpio.o)
vmm-libs := -pthread

unit-tests += test_vmm_serial test_vmm_bzimage test_vmm_firmware test_vmm_command
test_vmm_serial-srcs := tests/unit/test_vmm_serial.c userland/vmm/serial.c
test_vmm_bzimage-srcs := tests/unit/test_vmm_bzimage.c userland/vmm/bzimage.c
test_vmm_firmware-srcs := tests/unit/test_vmm_firmware.c userland/vmm/acpi.c userland/vmm/mptable.c
test_vmm_command-srcs := $(addprefix userland/vmm/, cpio.c guest_status.c bus.c) \
        tests/unit/test_vmm_command.c
