# SPDX-License-Identifier: BSD-2-Clause
programs += init
init-objs := $(addprefix userland/init/,init.o mounts.o console.o batch.o shutdown.o)
