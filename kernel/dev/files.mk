# SPDX-License-Identifier: BSD-2-Clause
kernel-y += kernel/dev/ring.o kernel/dev/ldisc.o kernel/dev/ldisc_output.o
