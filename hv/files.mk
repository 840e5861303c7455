# SPDX-License-Identifier: BSD-2-Clause

# Pure code, also built for the unit tests
kernel-y += hv/decode.o hv/execute.o hv/lapic.o hv/ioapic.o hv/pic.o hv/pit.o

unit-tests += test_kvm_abi test_decode test_lapic test_pic_pit
test_kvm_abi-srcs := tests/unit/test_kvm_abi.c tests/unit/kvm_abi_linux.c
test_decode-srcs := tests/unit/test_decode.c hv/decode.c hv/execute.c
test_decode-libs := -lcapstone
test_lapic-srcs := tests/unit/test_lapic.c hv/lapic.c hv/ioapic.c
test_pic_pit-srcs := tests/unit/test_pic_pit.c hv/pic.c hv/pit.c

kernel-y += hv/stage2.o hv/paging.o
unit-tests += test_stage2 test_guest_paging
test_stage2-srcs := tests/unit/test_stage2.c hv/stage2.c
test_stage2-cflags := -DKERNEL_DEBUG
test_guest_paging-srcs := tests/unit/test_guest_paging.c hv/paging.c

kernel-y += hv/kvm.o hv/vm.o hv/vcpu.o hv/vcpu_state.o hv/memory.o hv/stage2_pages.o hv/irq.o hv/eventfd.o \
            hv/exit.o hv/fetch.o hv/pio.o hv/mmio.o hv/cr.o hv/cpuid.o hv/msr.o hv/kvmclock.o

# Everything generic under a back end for tests, with stand-ins for the kernel
hv-generic-srcs := $(addprefix tests/unit/hv_fake/, services.c backend.c) \
        hv/kvm.c hv/vm.c hv/vcpu.c hv/vcpu_state.c hv/memory.c hv/stage2_pages.c hv/irq.c hv/eventfd.c \
        hv/exit.c hv/fetch.c hv/pio.c hv/mmio.c hv/cr.c hv/cpuid.c hv/msr.c hv/kvmclock.c \
        hv/decode.c hv/execute.c hv/lapic.c hv/ioapic.c hv/pic.c hv/pit.c hv/stage2.c hv/paging.c
hv-generic-cflags := -UUNIT_TEST -ffreestanding -Itests/unit -Itests/unit/hv_fake -Ikernel/include

unit-tests += test_hv test_svm_exit
test_hv-srcs := $(wildcard tests/unit/test_hv*.c) tests/unit/hv_fake/scripted_vm.c $(hv-generic-srcs)
test_hv-cflags := $(hv-generic-cflags)
test_svm_exit-srcs := tests/unit/test_svm_exit.c hv/svm/exit.c hv/svm/events.c $(hv-generic-srcs)
test_svm_exit-cflags := $(hv-generic-cflags)
