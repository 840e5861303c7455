/* SPDX-License-Identifier: BSD-2-Clause */
/* Every guest: X(name) stands for name.asm. */
#define GUEST_LIST(X) \
    X(cpuid) \
    X(cr8) \
    X(execute_nothing) \
    X(faults) \
    X(fpu) \
    X(garbage_gdt) \
    X(garbage_idt) \
    X(halt) \
    X(hostile_instructions) \
    X(injected) \
    X(ioapic) \
    X(kvmclock) \
    X(lapic_priority) \
    X(lapic_timer) \
    X(long_mode) \
    X(memory_sweep) \
    X(mmio_read) \
    X(mmio_string) \
    X(mmio_update) \
    X(mmio_write) \
    X(msr) \
    X(msr_sweep) \
    X(nmi) \
    X(pic_real) \
    X(pit) \
    X(port_in) \
    X(port_out) \
    X(port_string) \
    X(port_sweep) \
    X(protected_mode) \
    X(real_mode) \
    X(real_to_long) \
    X(real_to_protected) \
    X(registers) \
    X(rom) \
    X(self_modifying) \
    X(spin) \
    X(touch) \
    X(triple_fault) \
    X(tsc_aux) \
    X(tsc_deadline) \
    X(vmcall) \
    X(x2apic)
