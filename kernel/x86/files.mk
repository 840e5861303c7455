# SPDX-License-Identifier: BSD-2-Clause
kernel-y += kernel/x86/entry.o kernel/x86/switch.o kernel/x86/usercopy.o
kernel-y += kernel/x86/init.o kernel/x86/features.o kernel/x86/segments.o kernel/x86/trap.o kernel/x86/extable.o
kernel-y += kernel/x86/fpu.o kernel/x86/xstate.o kernel/x86/thread.o
kernel-y += kernel/x86/acpi.o kernel/x86/apic.o kernel/x86/ioapic.o kernel/x86/pic.o kernel/x86/irq.o kernel/x86/smp.o
kernel-y += kernel/x86/calibrate.o kernel/x86/refclock.o kernel/x86/clock.o
kernel-y += kernel/x86/serial.o kernel/x86/efi.o kernel/x86/power.o

unit-tests += test_calibrate test_xstate
test_calibrate-srcs := tests/unit/test_calibrate.c kernel/x86/calibrate.c
test_calibrate-cflags := -idirafter kernel/include
test_xstate-srcs := tests/unit/test_xstate.c kernel/x86/xstate.c
test_xstate-cflags := -idirafter kernel/include
