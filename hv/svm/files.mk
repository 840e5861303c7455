# SPDX-License-Identifier: BSD-2-Clause
kernel-y += hv/svm/svm.o hv/svm/state.o hv/svm/events.o hv/svm/exit.o hv/svm/entry.o
