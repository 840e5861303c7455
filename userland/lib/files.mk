# SPDX-License-Identifier: BSD-2-Clause
# The supervisor gets only what it needs: there is one per instance.
sup-lib-objs = $(addprefix userland/lib/,err.o io.o record.o ident.o instance.o cgroup.o \
        proto.o logring.o signame.o)
client-lib-objs = $(sup-lib-objs) $(addprefix userland/lib/,client.o command.o capname.o human.o \
        listing.o runtime.o session.o terminal.o)

unit-tests += test_ct_logring test_ct_command test_ct_ident
test_ct_logring-srcs := tests/unit/test_ct_logring.c userland/lib/logring.c
test_ct_command-srcs := tests/unit/test_ct_command.c \
        $(addprefix userland/lib/,command.c capname.c terminal.c err.c)
test_ct_ident-srcs := tests/unit/test_ct_ident.c \
        $(addprefix userland/lib/,ident.c signame.c record.c io.c human.c err.c)
