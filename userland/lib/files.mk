# SPDX-License-Identifier: BSD-2-Clause
# The supervisor gets only what it needs: there is one per instance.
sup-lib-objs = $(addprefix userland/lib/,err.o io.o record.o ident.o instance.o cgroup.o \
        proto.o logring.o signame.o)
client-lib-objs = $(sup-lib-objs) $(addprefix userland/lib/,client.o command.o capname.o human.o \
        listing.o runtime.o session.o terminal.o)
