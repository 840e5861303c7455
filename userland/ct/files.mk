# SPDX-License-Identifier: BSD-2-Clause
programs += ct
ct-objs = $(patsubst %.c,%.o,$(wildcard userland/ct/*.c)) $(client-lib-objs)
ct-libs = -larchive -lz -lzstd -ljansson -lmbedcrypto
