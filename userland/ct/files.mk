# SPDX-License-Identifier: BSD-2-Clause
programs += ct
ct-objs = $(patsubst %.c,%.o,$(wildcard userland/ct/*.c)) $(client-lib-objs) userland/lib/sha256.o
ct-libs = -larchive -lz -lzstd -ljansson -lmbedcrypto

unit-tests += test_ct_ref test_ct_layerpath test_ct_oci
test_ct_ref-srcs := tests/unit/test_ct_ref.c $(addprefix userland/,ct/ref.c lib/ident.c lib/err.c)
test_ct_layerpath-srcs := tests/unit/test_ct_layerpath.c userland/ct/layerpath.c
test_ct_oci-srcs := tests/unit/test_ct_oci.c userland/ct/oci.c \
        $(addprefix userland/lib/,record.c io.c ident.c err.c)
test_ct_oci-libs := -ljansson
