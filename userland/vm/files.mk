# SPDX-License-Identifier: BSD-2-Clause
programs += vm
vm-objs = $(patsubst %.c,%.o,$(wildcard userland/vm/*.c)) $(client-lib-objs)
