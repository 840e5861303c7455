/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * KVM's user-visible interface, API version 12, for x86-64: the part that hv
 * implements. Names, numbers and layouts are those that programs were built
 * against, so they are kept as they are; tests/unit/test_kvm_abi.c compares
 * them with the build host's <linux/kvm.h>.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

#define KVM_API_VERSION 12

/* ---- request numbers: direction, size, 0xae, number -------------------------------- */

#define KVM_ABI_IOCTL(dir, nr, size) (((uint32_t)(dir) << 30) | ((uint32_t)(size) << 16) | 0xae00u | (nr))
#define KVM_ABI_IO(nr)               KVM_ABI_IOCTL(0, nr, 0)
#define KVM_ABI_IOW(nr, type)        KVM_ABI_IOCTL(1, nr, sizeof(type))
#define KVM_ABI_IOR(nr, type)        KVM_ABI_IOCTL(2, nr, sizeof(type))
#define KVM_ABI_IOWR(nr, type)       KVM_ABI_IOCTL(3, nr, sizeof(type))

/* System file */
#define KVM_GET_API_VERSION            KVM_ABI_IO(0x00)
#define KVM_CREATE_VM                  KVM_ABI_IO(0x01)
#define KVM_GET_MSR_INDEX_LIST         KVM_ABI_IOWR(0x02, struct kvm_msr_list)
#define KVM_CHECK_EXTENSION            KVM_ABI_IO(0x03) /* VM file too */
#define KVM_GET_VCPU_MMAP_SIZE         KVM_ABI_IO(0x04)
#define KVM_GET_SUPPORTED_CPUID        KVM_ABI_IOWR(0x05, struct kvm_cpuid2)
#define KVM_GET_EMULATED_CPUID         KVM_ABI_IOWR(0x09, struct kvm_cpuid2)
#define KVM_GET_MSR_FEATURE_INDEX_LIST KVM_ABI_IOWR(0x0a, struct kvm_msr_list)
#define KVM_X86_GET_MCE_CAP_SUPPORTED  KVM_ABI_IOR(0x9d, uint64_t)
#define KVM_GET_DEVICE_ATTR            KVM_ABI_IOW(0xe2, struct kvm_device_attr)
#define KVM_HAS_DEVICE_ATTR            KVM_ABI_IOW(0xe3, struct kvm_device_attr)

/* VM file */
#define KVM_CREATE_VCPU                KVM_ABI_IO(0x41)
#define KVM_GET_DIRTY_LOG              KVM_ABI_IOW(0x42, struct kvm_dirty_log)
#define KVM_SET_USER_MEMORY_REGION     KVM_ABI_IOW(0x46, struct kvm_userspace_memory_region)
#define KVM_SET_TSS_ADDR               KVM_ABI_IO(0x47)
#define KVM_SET_IDENTITY_MAP_ADDR      KVM_ABI_IOW(0x48, uint64_t)
#define KVM_CREATE_IRQCHIP             KVM_ABI_IO(0x60)
#define KVM_IRQ_LINE                   KVM_ABI_IOW(0x61, struct kvm_irq_level)
#define KVM_GET_IRQCHIP                KVM_ABI_IOWR(0x62, struct kvm_irqchip)
#define KVM_SET_IRQCHIP                KVM_ABI_IOR(0x63, struct kvm_irqchip)
#define KVM_REGISTER_COALESCED_MMIO    KVM_ABI_IOW(0x67, struct kvm_coalesced_mmio_zone)
#define KVM_IRQ_LINE_STATUS            KVM_ABI_IOWR(0x67, struct kvm_irq_level)
#define KVM_UNREGISTER_COALESCED_MMIO  KVM_ABI_IOW(0x68, struct kvm_coalesced_mmio_zone)
#define KVM_SET_GSI_ROUTING            KVM_ABI_IOW(0x6a, struct kvm_irq_routing)
#define KVM_REINJECT_CONTROL           KVM_ABI_IO(0x71)
#define KVM_IRQFD                      KVM_ABI_IOW(0x76, struct kvm_irqfd)
#define KVM_CREATE_PIT2                KVM_ABI_IOW(0x77, struct kvm_pit_config)
#define KVM_SET_BOOT_CPU_ID            KVM_ABI_IO(0x78)
#define KVM_IOEVENTFD                  KVM_ABI_IOW(0x79, struct kvm_ioeventfd)
#define KVM_SET_CLOCK                  KVM_ABI_IOW(0x7b, struct kvm_clock_data)
#define KVM_GET_CLOCK                  KVM_ABI_IOR(0x7c, struct kvm_clock_data)
#define KVM_GET_PIT2                   KVM_ABI_IOR(0x9f, struct kvm_pit_state2)
#define KVM_SET_PIT2                   KVM_ABI_IOW(0xa0, struct kvm_pit_state2)
#define KVM_SET_TSC_KHZ                KVM_ABI_IO(0xa2) /* vCPU file too */
#define KVM_GET_TSC_KHZ                KVM_ABI_IO(0xa3)
#define KVM_ENABLE_CAP                 KVM_ABI_IOW(0xa3, struct kvm_enable_cap)
#define KVM_SIGNAL_MSI                 KVM_ABI_IOW(0xa5, struct kvm_msi)
#define KVM_X86_SET_MSR_FILTER         KVM_ABI_IOW(0xc6, struct kvm_msr_filter)

/* vCPU file */
#define KVM_RUN                        KVM_ABI_IO(0x80)
#define KVM_GET_REGS                   KVM_ABI_IOR(0x81, struct kvm_regs)
#define KVM_SET_REGS                   KVM_ABI_IOW(0x82, struct kvm_regs)
#define KVM_GET_SREGS                  KVM_ABI_IOR(0x83, struct kvm_sregs)
#define KVM_SET_SREGS                  KVM_ABI_IOW(0x84, struct kvm_sregs)
#define KVM_TRANSLATE                  KVM_ABI_IOWR(0x85, struct kvm_translation)
#define KVM_INTERRUPT                  KVM_ABI_IOW(0x86, struct kvm_interrupt)
#define KVM_GET_MSRS                   KVM_ABI_IOWR(0x88, struct kvm_msrs) /* system file too */
#define KVM_SET_MSRS                   KVM_ABI_IOW(0x89, struct kvm_msrs)
#define KVM_SET_SIGNAL_MASK            KVM_ABI_IOW(0x8b, struct kvm_signal_mask)
#define KVM_GET_FPU                    KVM_ABI_IOR(0x8c, struct kvm_fpu)
#define KVM_SET_FPU                    KVM_ABI_IOW(0x8d, struct kvm_fpu)
#define KVM_GET_LAPIC                  KVM_ABI_IOR(0x8e, struct kvm_lapic_state)
#define KVM_SET_LAPIC                  KVM_ABI_IOW(0x8f, struct kvm_lapic_state)
#define KVM_SET_CPUID2                 KVM_ABI_IOW(0x90, struct kvm_cpuid2)
#define KVM_GET_CPUID2                 KVM_ABI_IOWR(0x91, struct kvm_cpuid2)
#define KVM_TPR_ACCESS_REPORTING       KVM_ABI_IOWR(0x92, struct kvm_tpr_access_ctl)
#define KVM_SET_VAPIC_ADDR             KVM_ABI_IOW(0x93, struct kvm_vapic_addr)
#define KVM_GET_MP_STATE               KVM_ABI_IOR(0x98, struct kvm_mp_state)
#define KVM_SET_MP_STATE               KVM_ABI_IOW(0x99, struct kvm_mp_state)
#define KVM_NMI                        KVM_ABI_IO(0x9a)
#define KVM_SET_GUEST_DEBUG            KVM_ABI_IOW(0x9b, struct kvm_guest_debug)
#define KVM_X86_SETUP_MCE              KVM_ABI_IOW(0x9c, uint64_t)
#define KVM_GET_VCPU_EVENTS            KVM_ABI_IOR(0x9f, struct kvm_vcpu_events)
#define KVM_SET_VCPU_EVENTS            KVM_ABI_IOW(0xa0, struct kvm_vcpu_events)
#define KVM_GET_DEBUGREGS              KVM_ABI_IOR(0xa1, struct kvm_debugregs)
#define KVM_SET_DEBUGREGS              KVM_ABI_IOW(0xa2, struct kvm_debugregs)
#define KVM_GET_XSAVE                  KVM_ABI_IOR(0xa4, struct kvm_xsave)
#define KVM_SET_XSAVE                  KVM_ABI_IOW(0xa5, struct kvm_xsave)
#define KVM_GET_XCRS                   KVM_ABI_IOR(0xa6, struct kvm_xcrs)
#define KVM_SET_XCRS                   KVM_ABI_IOW(0xa7, struct kvm_xcrs)
#define KVM_KVMCLOCK_CTRL              KVM_ABI_IO(0xad)
#define KVM_GET_SREGS2                 KVM_ABI_IOR(0xcc, struct kvm_sregs2)
#define KVM_SET_SREGS2                 KVM_ABI_IOW(0xcd, struct kvm_sregs2)
#define KVM_GET_XSAVE2                 KVM_ABI_IOR(0xcf, struct kvm_xsave)

/* ---- capabilities -------------------------------------------------------------------- */

#define KVM_CAP_IRQCHIP                     0
#define KVM_CAP_HLT                         1
#define KVM_CAP_USER_MEMORY                 3
#define KVM_CAP_SET_TSS_ADDR                4
#define KVM_CAP_EXT_CPUID                   7
#define KVM_CAP_CLOCKSOURCE                 8
#define KVM_CAP_NR_VCPUS                    9
#define KVM_CAP_NR_MEMSLOTS                 10
#define KVM_CAP_PIT                         11
#define KVM_CAP_NOP_IO_DELAY                12
#define KVM_CAP_MP_STATE                    14
#define KVM_CAP_COALESCED_MMIO              15
#define KVM_CAP_SYNC_MMU                    16
#define KVM_CAP_DESTROY_MEMORY_REGION_WORKS 21
#define KVM_CAP_USER_NMI                    22
#define KVM_CAP_SET_GUEST_DEBUG             23
#define KVM_CAP_REINJECT_CONTROL            24
#define KVM_CAP_IRQ_ROUTING                 25
#define KVM_CAP_IRQ_INJECT_STATUS           26
#define KVM_CAP_JOIN_MEMORY_REGIONS_WORKS   30
#define KVM_CAP_MCE                         31
#define KVM_CAP_IRQFD                       32
#define KVM_CAP_PIT2                        33
#define KVM_CAP_SET_BOOT_CPU_ID             34
#define KVM_CAP_PIT_STATE2                  35
#define KVM_CAP_IOEVENTFD                   36
#define KVM_CAP_SET_IDENTITY_MAP_ADDR       37
#define KVM_CAP_ADJUST_CLOCK                39
#define KVM_CAP_INTERNAL_ERROR_DATA         40
#define KVM_CAP_VCPU_EVENTS                 41
#define KVM_CAP_INTR_SHADOW                 49
#define KVM_CAP_DEBUGREGS                   50
#define KVM_CAP_X86_ROBUST_SINGLESTEP       51
#define KVM_CAP_ENABLE_CAP                  54
#define KVM_CAP_XSAVE                       55
#define KVM_CAP_XCRS                        56
#define KVM_CAP_TSC_CONTROL                 60
#define KVM_CAP_GET_TSC_KHZ                 61
#define KVM_CAP_MAX_VCPUS                   66
#define KVM_CAP_TSC_DEADLINE_TIMER          72
#define KVM_CAP_SYNC_REGS                   74
#define KVM_CAP_KVMCLOCK_CTRL               76
#define KVM_CAP_SIGNAL_MSI                  77
#define KVM_CAP_READONLY_MEM                81
#define KVM_CAP_IRQFD_RESAMPLE              82
#define KVM_CAP_ENABLE_CAP_VM               98
#define KVM_CAP_IOAPIC_POLARITY_IGNORED     97
#define KVM_CAP_IOEVENTFD_NO_LENGTH         100
#define KVM_CAP_CHECK_EXTENSION_VM          105
#define KVM_CAP_DISABLE_QUIRKS              116
#define KVM_CAP_SPLIT_IRQCHIP               121
#define KVM_CAP_IOEVENTFD_ANY_LENGTH        122
#define KVM_CAP_MAX_VCPU_ID                 128
#define KVM_CAP_X2APIC_API                  129
#define KVM_CAP_MSI_DEVID                   131
#define KVM_CAP_IMMEDIATE_EXIT              136
#define KVM_CAP_GET_MSR_FEATURES            153
#define KVM_CAP_EXCEPTION_PAYLOAD           164
#define KVM_CAP_SREGS2                      200
#define KVM_CAP_XSAVE2                      208
#define KVM_CAP_SYS_ATTRIBUTES              209

/* ---- exits to ring 3 ------------------------------------------------------------------- */

#define KVM_EXIT_UNKNOWN        0
#define KVM_EXIT_EXCEPTION      1
#define KVM_EXIT_IO             2
#define KVM_EXIT_HYPERCALL      3
#define KVM_EXIT_DEBUG          4
#define KVM_EXIT_HLT            5
#define KVM_EXIT_MMIO           6
#define KVM_EXIT_IRQ_WINDOW_OPEN 7
#define KVM_EXIT_SHUTDOWN       8
#define KVM_EXIT_FAIL_ENTRY     9
#define KVM_EXIT_INTR           10
#define KVM_EXIT_SET_TPR        11
#define KVM_EXIT_INTERNAL_ERROR 17
#define KVM_EXIT_SYSTEM_EVENT   24
#define KVM_EXIT_IOAPIC_EOI     26

#define KVM_EXIT_IO_IN  0
#define KVM_EXIT_IO_OUT 1

#define KVM_INTERNAL_ERROR_EMULATION            1
#define KVM_INTERNAL_ERROR_DELIVERY_EV          3
#define KVM_INTERNAL_ERROR_UNEXPECTED_EXIT_REASON 4

#define KVM_INTERNAL_ERROR_EMULATION_FLAG_INSTRUCTION_BYTES (1ULL << 0)

/* ---- registers ---------------------------------------------------------------------------- */

#define KVM_NR_INTERRUPTS 256

struct kvm_regs {
    uint64_t rax, rbx, rcx, rdx;
    uint64_t rsi, rdi, rsp, rbp;
    uint64_t r8, r9, r10, r11;
    uint64_t r12, r13, r14, r15;
    uint64_t rip, rflags;
};

struct kvm_segment {
    uint64_t base;
    uint32_t limit;
    uint16_t selector;
    uint8_t type;
    uint8_t present, dpl, db, s, l, g, avl;
    uint8_t unusable;
    uint8_t padding;
};

struct kvm_dtable {
    uint64_t base;
    uint16_t limit;
    uint16_t padding[3];
};

struct kvm_sregs {
    struct kvm_segment cs, ds, es, fs, gs, ss;
    struct kvm_segment tr, ldt;
    struct kvm_dtable gdt, idt;
    uint64_t cr0, cr2, cr3, cr4, cr8;
    uint64_t efer;
    uint64_t apic_base;
    uint64_t interrupt_bitmap[(KVM_NR_INTERRUPTS + 63) / 64];
};

#define KVM_SREGS2_FLAGS_PDPTRS_VALID 1

struct kvm_sregs2 {
    struct kvm_segment cs, ds, es, fs, gs, ss;
    struct kvm_segment tr, ldt;
    struct kvm_dtable gdt, idt;
    uint64_t cr0, cr2, cr3, cr4, cr8;
    uint64_t efer;
    uint64_t apic_base;
    uint64_t flags;
    uint64_t pdptrs[4];
};

struct kvm_fpu {
    uint8_t fpr[8][16];
    uint16_t fcw;
    uint16_t fsw;
    uint8_t ftwx; /* abridged, as FXSAVE has it */
    uint8_t pad1;
    uint16_t last_opcode;
    uint64_t last_ip;
    uint64_t last_dp;
    uint8_t xmm[16][16];
    uint32_t mxcsr;
    uint32_t pad2;
};

struct kvm_xsave {
    uint32_t region[1024];
    uint32_t extra[];
};

#define KVM_MAX_XCRS 16

struct kvm_xcr {
    uint32_t xcr;
    uint32_t reserved;
    uint64_t value;
};

struct kvm_xcrs {
    uint32_t nr_xcrs;
    uint32_t flags;
    struct kvm_xcr xcrs[KVM_MAX_XCRS];
    uint64_t padding[16];
};

struct kvm_debugregs {
    uint64_t db[4];
    uint64_t dr6;
    uint64_t dr7;
    uint64_t flags;
    uint64_t reserved[9];
};

struct kvm_msr_entry {
    uint32_t index;
    uint32_t reserved;
    uint64_t data;
};

struct kvm_msrs {
    uint32_t nmsrs;
    uint32_t pad;
    struct kvm_msr_entry entries[];
};

struct kvm_msr_list {
    uint32_t nmsrs;
    uint32_t indices[];
};

#define KVM_MSR_FILTER_READ          (1 << 0)
#define KVM_MSR_FILTER_WRITE         (1 << 1)
#define KVM_MSR_FILTER_MAX_RANGES    16
#define KVM_MSR_FILTER_DEFAULT_DENY  (1 << 0)

struct kvm_msr_filter_range {
    uint32_t flags;
    uint32_t nmsrs;
    uint32_t base;
    uint32_t pad;
    uint64_t bitmap; /* user address */
};

struct kvm_msr_filter {
    uint32_t flags;
    uint32_t pad;
    struct kvm_msr_filter_range ranges[KVM_MSR_FILTER_MAX_RANGES];
};

#define KVM_CPUID_FLAG_SIGNIFCANT_INDEX (1u << 0)

struct kvm_cpuid_entry2 {
    uint32_t function;
    uint32_t index;
    uint32_t flags;
    uint32_t eax;
    uint32_t ebx;
    uint32_t ecx;
    uint32_t edx;
    uint32_t padding[3];
};

struct kvm_cpuid2 {
    uint32_t nent;
    uint32_t padding;
    struct kvm_cpuid_entry2 entries[];
};

#define KVM_VCPUEVENT_VALID_NMI_PENDING  0x01
#define KVM_VCPUEVENT_VALID_SIPI_VECTOR  0x02
#define KVM_VCPUEVENT_VALID_SHADOW       0x04
#define KVM_VCPUEVENT_VALID_SMM          0x08
#define KVM_VCPUEVENT_VALID_PAYLOAD      0x10
#define KVM_VCPUEVENT_VALID_TRIPLE_FAULT 0x20

#define KVM_X86_SHADOW_INT_MOV_SS 0x01
#define KVM_X86_SHADOW_INT_STI    0x02

struct kvm_vcpu_events {
    struct {
        uint8_t injected;
        uint8_t nr;
        uint8_t has_error_code;
        uint8_t pending;
        uint32_t error_code;
    } exception;
    struct {
        uint8_t injected;
        uint8_t nr;
        uint8_t soft;
        uint8_t shadow;
    } interrupt;
    struct {
        uint8_t injected;
        uint8_t pending;
        uint8_t masked;
        uint8_t pad;
    } nmi;
    uint32_t sipi_vector;
    uint32_t flags;
    struct {
        uint8_t smm;
        uint8_t pending;
        uint8_t smm_inside_nmi;
        uint8_t latched_init;
    } smi;
    struct {
        uint8_t pending;
    } triple_fault;
    uint8_t reserved[26];
    uint8_t exception_has_payload;
    uint64_t exception_payload;
};

#define KVM_MP_STATE_RUNNABLE      0
#define KVM_MP_STATE_UNINITIALIZED 1
#define KVM_MP_STATE_INIT_RECEIVED 2
#define KVM_MP_STATE_HALTED        3
#define KVM_MP_STATE_SIPI_RECEIVED 4

struct kvm_mp_state {
    uint32_t mp_state;
};

struct kvm_interrupt {
    uint32_t irq;
};

struct kvm_translation {
    uint64_t linear_address;
    uint64_t physical_address;
    uint8_t valid;
    uint8_t writeable;
    uint8_t usermode;
    uint8_t pad[5];
};

struct kvm_signal_mask {
    uint32_t len;
    uint8_t sigset[];
};

#define KVM_GUESTDBG_ENABLE     0x00000001
#define KVM_GUESTDBG_SINGLESTEP 0x00000002
#define KVM_GUESTDBG_USE_SW_BP  0x00010000
#define KVM_GUESTDBG_USE_HW_BP  0x00020000

struct kvm_guest_debug {
    uint32_t control;
    uint32_t pad;
    uint64_t debugreg[8];
};

struct kvm_debug_exit_arch {
    uint32_t exception;
    uint32_t pad;
    uint64_t pc;
    uint64_t dr6;
    uint64_t dr7;
};

struct kvm_tpr_access_ctl {
    uint32_t enabled;
    uint32_t flags;
    uint32_t reserved[8];
};

struct kvm_vapic_addr {
    uint64_t vapic_addr;
};

/* ---- memory, devices, interrupts ------------------------------------------------------------ */

#define KVM_MEM_LOG_DIRTY_PAGES (1u << 0)
#define KVM_MEM_READONLY        (1u << 1)

struct kvm_userspace_memory_region {
    uint32_t slot;
    uint32_t flags;
    uint64_t guest_phys_addr;
    uint64_t memory_size; /* bytes; 0 removes the slot */
    uint64_t userspace_addr;
};

struct kvm_dirty_log {
    uint32_t slot;
    uint32_t padding1;
    uint64_t dirty_bitmap; /* user address */
};

struct kvm_irq_level {
    uint32_t irq; /* in: GSI; out (KVM_IRQ_LINE_STATUS): status */
    uint32_t level;
};

#define KVM_IRQCHIP_PIC_MASTER 0
#define KVM_IRQCHIP_PIC_SLAVE  1
#define KVM_IRQCHIP_IOAPIC     2
#define KVM_IOAPIC_NUM_PINS    24
#define KVM_APIC_REG_SIZE      0x400

struct kvm_pic_state {
    uint8_t last_irr; /* line levels, for edge detection */
    uint8_t irr;
    uint8_t imr;
    uint8_t isr;
    uint8_t priority_add;
    uint8_t irq_base;
    uint8_t read_reg_select;
    uint8_t poll;
    uint8_t special_mask;
    uint8_t init_state;
    uint8_t auto_eoi;
    uint8_t rotate_on_auto_eoi;
    uint8_t special_fully_nested_mode;
    uint8_t init4;
    uint8_t elcr;
    uint8_t elcr_mask;
};

struct kvm_ioapic_state {
    uint64_t base_address;
    uint32_t ioregsel;
    uint32_t id;
    uint32_t irr;
    uint32_t pad;
    uint64_t redirtbl[KVM_IOAPIC_NUM_PINS];
};

struct kvm_lapic_state {
    char regs[KVM_APIC_REG_SIZE];
};

struct kvm_irqchip {
    uint32_t chip_id;
    uint32_t pad;
    union {
        char dummy[512];
        struct kvm_pic_state pic;
        struct kvm_ioapic_state ioapic;
    } chip;
};

struct kvm_pit_channel_state {
    uint32_t count;
    uint16_t latched_count;
    uint8_t count_latched;
    uint8_t status_latched;
    uint8_t status;
    uint8_t read_state;
    uint8_t write_state;
    uint8_t write_latch;
    uint8_t rw_mode;
    uint8_t mode;
    uint8_t bcd;
    uint8_t gate;
    int64_t count_load_time;
};

#define KVM_PIT_FLAGS_HPET_LEGACY     0x1
#define KVM_PIT_FLAGS_SPEAKER_DATA_ON 0x2

struct kvm_pit_state2 {
    struct kvm_pit_channel_state channels[3];
    uint32_t flags;
    uint32_t reserved[9];
};

#define KVM_PIT_SPEAKER_DUMMY 1u

struct kvm_pit_config {
    uint32_t flags;
    uint32_t pad[15];
};

#define KVM_IRQ_ROUTING_IRQCHIP 1
#define KVM_IRQ_ROUTING_MSI     2

struct kvm_irq_routing_irqchip {
    uint32_t irqchip;
    uint32_t pin;
};

struct kvm_irq_routing_msi {
    uint32_t address_lo;
    uint32_t address_hi;
    uint32_t data;
    uint32_t devid;
};

struct kvm_irq_routing_entry {
    uint32_t gsi;
    uint32_t type;
    uint32_t flags;
    uint32_t pad;
    union {
        struct kvm_irq_routing_irqchip irqchip;
        struct kvm_irq_routing_msi msi;
        uint32_t pad[8];
    } u;
};

struct kvm_irq_routing {
    uint32_t nr;
    uint32_t flags;
    struct kvm_irq_routing_entry entries[];
};

struct kvm_msi {
    uint32_t address_lo;
    uint32_t address_hi;
    uint32_t data;
    uint32_t flags;
    uint32_t devid;
    uint8_t pad[12];
};

#define KVM_IRQFD_FLAG_DEASSIGN (1u << 0)
#define KVM_IRQFD_FLAG_RESAMPLE (1u << 1)

struct kvm_irqfd {
    uint32_t fd;
    uint32_t gsi;
    uint32_t flags;
    uint32_t resamplefd;
    uint8_t pad[16];
};

#define KVM_IOEVENTFD_FLAG_DATAMATCH (1u << 0)
#define KVM_IOEVENTFD_FLAG_PIO       (1u << 1)
#define KVM_IOEVENTFD_FLAG_DEASSIGN  (1u << 2)

struct kvm_ioeventfd {
    uint64_t datamatch;
    uint64_t addr;
    uint32_t len; /* 0, 1, 2, 4, 8; 0: any length */
    int32_t fd;
    uint32_t flags;
    uint8_t pad[36];
};

#define KVM_CLOCK_TSC_STABLE 2u
#define KVM_CLOCK_REALTIME   (1u << 2)
#define KVM_CLOCK_HOST_TSC   (1u << 3)

struct kvm_clock_data {
    uint64_t clock;
    uint32_t flags;
    uint32_t pad0;
    uint64_t realtime;
    uint64_t host_tsc;
    uint32_t pad[4];
};

struct kvm_enable_cap {
    uint32_t cap;
    uint32_t flags;
    uint64_t args[4];
    uint8_t pad[64];
};

#define KVM_X86_XCOMP_GUEST_SUPP 0

struct kvm_device_attr {
    uint32_t flags;
    uint32_t group;
    uint64_t attr;
    uint64_t addr;
};

struct kvm_coalesced_mmio_zone {
    uint64_t addr;
    uint32_t size;
    uint32_t pio;
};

struct kvm_coalesced_mmio {
    uint64_t phys_addr;
    uint32_t len;
    uint32_t pio;
    uint8_t data[8];
};

struct kvm_coalesced_mmio_ring {
    uint32_t first, last;
    struct kvm_coalesced_mmio coalesced_mmio[];
};

/* ---- the shared page ------------------------------------------------------------------------- */

#define KVM_PIO_PAGE_OFFSET            1
#define KVM_COALESCED_MMIO_PAGE_OFFSET 2

struct kvm_sync_regs {
    struct kvm_regs regs;
    struct kvm_sregs sregs;
    struct kvm_vcpu_events events;
};

#define KVM_RUN_X86_SMM 1

#define KVM_SYSTEM_EVENT_SHUTDOWN 1
#define KVM_SYSTEM_EVENT_RESET    2
#define KVM_SYSTEM_EVENT_CRASH    3

struct kvm_run {
    uint8_t request_interrupt_window; /* in */
    uint8_t immediate_exit;           /* in */
    uint8_t padding1[6];

    uint32_t exit_reason; /* out */
    uint8_t ready_for_interrupt_injection;
    uint8_t if_flag;
    uint16_t flags;

    uint64_t cr8; /* in and out */
    uint64_t apic_base;

    union {
        struct {
            uint64_t hardware_exit_reason;
        } hw;
        struct {
            uint64_t hardware_entry_failure_reason;
            uint32_t cpu;
        } fail_entry;
        struct {
            uint32_t exception;
            uint32_t error_code;
        } ex;
        struct {
            uint8_t direction;
            uint8_t size;
            uint16_t port;
            uint32_t count;
            uint64_t data_offset; /* from the start of kvm_run */
        } io;
        struct {
            struct kvm_debug_exit_arch arch;
        } debug;
        struct {
            uint64_t phys_addr;
            uint8_t data[8];
            uint32_t len;
            uint8_t is_write;
        } mmio;
        struct {
            uint64_t nr;
            uint64_t args[6];
            uint64_t ret;
            uint32_t longmode;
            uint32_t pad;
        } hypercall;
        struct {
            uint32_t suberror;
            uint32_t ndata;
            uint64_t data[16];
        } internal;
        struct {
            uint32_t suberror;
            uint32_t ndata;
            uint64_t flags;
            uint8_t insn_size;
            uint8_t insn_bytes[15];
        } emulation_failure;
        struct {
            uint32_t type;
            uint32_t ndata;
            uint64_t data[16];
        } system_event;
        struct {
            uint8_t vector;
        } eoi;
        char padding[256];
    };

    uint64_t kvm_valid_regs;
    uint64_t kvm_dirty_regs;
    union {
        struct kvm_sync_regs regs;
        char padding[2048];
    } s;
};

/* ---- paravirtual interface towards the guest ---------------------------------------------------- */

#define KVM_CPUID_SIGNATURE 0x40000000
#define KVM_CPUID_FEATURES  0x40000001

#define KVM_FEATURE_CLOCKSOURCE            0
#define KVM_FEATURE_NOP_IO_DELAY           1
#define KVM_FEATURE_CLOCKSOURCE2           3
#define KVM_FEATURE_MSI_EXT_DEST_ID        15
#define KVM_FEATURE_CLOCKSOURCE_STABLE_BIT 24

#define MSR_KVM_WALL_CLOCK      0x11
#define MSR_KVM_SYSTEM_TIME     0x12
#define MSR_KVM_WALL_CLOCK_NEW  0x4b564d00
#define MSR_KVM_SYSTEM_TIME_NEW 0x4b564d01

#define PVCLOCK_TSC_STABLE_BIT (1 << 0)
#define PVCLOCK_GUEST_STOPPED  (1 << 1)

/* In guest memory; version is odd while the hypervisor writes. */
struct pvclock_vcpu_time_info {
    uint32_t version;
    uint32_t pad0;
    uint64_t tsc_timestamp;
    uint64_t system_time;
    uint32_t tsc_to_system_mul;
    int8_t tsc_shift;
    uint8_t flags;
    uint8_t pad[2];
};

struct pvclock_wall_clock {
    uint32_t version;
    uint32_t sec;
    uint32_t nsec;
};

_Static_assert(sizeof(struct kvm_regs) == 144, "KVM ABI");
_Static_assert(sizeof(struct kvm_sregs) == 312, "KVM ABI");
_Static_assert(sizeof(struct kvm_sregs2) == 320, "KVM ABI");
_Static_assert(sizeof(struct kvm_fpu) == 416, "KVM ABI");
_Static_assert(sizeof(struct kvm_xsave) == 4096, "KVM ABI");
_Static_assert(sizeof(struct kvm_vcpu_events) == 64, "KVM ABI");
_Static_assert(sizeof(struct kvm_irqchip) == 520, "KVM ABI");
_Static_assert(sizeof(struct kvm_ioapic_state) == 216, "KVM ABI");
_Static_assert(sizeof(struct kvm_pit_state2) == 112, "KVM ABI");
_Static_assert(sizeof(struct kvm_msr_filter) == 0x188, "KVM ABI");
_Static_assert(offsetof(struct kvm_run, io) == 32, "KVM ABI");
_Static_assert(offsetof(struct kvm_run, kvm_valid_regs) == 288, "KVM ABI");
_Static_assert(sizeof(struct kvm_run) == 2352, "KVM ABI");
_Static_assert(sizeof(struct pvclock_vcpu_time_info) == 32, "KVM ABI");
