# SPDX-License-Identifier: BSD-2-Clause
kernel-y += kernel/main.o kernel/cmdline.o kernel/log.o kernel/lock_order.o kernel/syslog.o kernel/panic.o kernel/timer.o

unit-tests += test_timer_heap test_lock_order
test_timer_heap-srcs := tests/unit/test_timer_heap.c
test_timer_heap-cflags := -Itests/unit -idirafter kernel/include
test_lock_order-srcs := tests/unit/test_lock_order.c
test_lock_order-cflags := -DKERNEL_DEBUG -I. -Itests/unit -Itests/unit/mm_host -idirafter kernel/include \
        -Wno-builtin-declaration-mismatch
