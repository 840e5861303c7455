# SPDX-License-Identifier: BSD-2-Clause
kernel-y += kernel/proc/sched.o kernel/proc/wait.o kernel/proc/thread.o kernel/proc/pid.o \
        kernel/proc/cred.o kernel/proc/ids.o kernel/proc/job.o kernel/proc/fork.o \
        kernel/proc/exec.o kernel/proc/exec_args.o kernel/proc/elf.o kernel/proc/exit.o \
        kernel/proc/reap.o kernel/proc/pidfd.o kernel/proc/signal.o kernel/proc/sigcalls.o \
        kernel/proc/sigdeliver.o kernel/proc/sigframe.o kernel/proc/clock.o kernel/proc/futex.o \
        kernel/proc/system.o kernel/proc/limits.o kernel/proc/prctl.o kernel/proc/itimer.o kernel/proc/posix_timer.o \
        kernel/proc/rseq.o

unit-tests += test_loadavg
test_loadavg-srcs := tests/unit/test_loadavg.c
test_loadavg-cflags := -idirafter kernel/include

unit-tests += test_exec test_sched_weight
test_exec-srcs := tests/unit/test_exec.c
test_exec-cflags := -idirafter kernel/include
test_sched_weight-srcs := tests/unit/test_sched_weight.c
test_sched_weight-cflags := -idirafter kernel/include
