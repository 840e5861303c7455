# SPDX-License-Identifier: BSD-2-Clause
kernel-y += hv/vmx/vmx.o hv/vmx/caps.o hv/vmx/exit.o hv/vmx/entry.o
