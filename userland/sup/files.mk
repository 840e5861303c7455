# SPDX-License-Identifier: BSD-2-Clause
programs += bulkhead-sup
bulkhead-sup-objs = $(patsubst %.c,%.o,$(wildcard userland/sup/*.c)) $(sup-lib-objs)
