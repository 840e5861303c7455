# SPDX-License-Identifier: BSD-2-Clause
programs += ct
ct-objs = $(patsubst %.c,%.o,$(wildcard userland/ct/*.c)) $(client-lib-objs) userland/lib/sha256.o
ct-libs = -larchive -lz -lzstd -ljansson -lmbedcrypto
