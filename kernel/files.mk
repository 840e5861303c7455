# SPDX-License-Identifier: BSD-2-Clause
kernel-y += kernel/main.o kernel/cmdline.o kernel/log.o kernel/syslog.o kernel/panic.o kernel/timer.o

unit-tests += test_timer_heap
test_timer_heap-srcs := tests/unit/test_timer_heap.c
test_timer_heap-cflags := -Itests/unit -idirafter kernel/include
