/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The virtual machine control block, and the MSRs and CPUID bits of SVM, in the
 * order and with the names of APM vol. 2, "Layout of VMCB" and "SVM Intercept
 * Exit Codes".
 */
#pragma once

#include <kernel/types.h>

/* ---- CPUID, MSRs --------------------------------------------------------------- */

#define CPUID_EXT_SVM           BIT(2)     /* 8000_0001 ECX */
#define CPUID_SVM_LEAF          0x8000000a /* EBX: number of ASIDs; EDX: */
#define CPUID_SVM_NP            BIT(0)
#define CPUID_SVM_NRIPS         BIT(3)
#define CPUID_SVM_DECODE_ASSIST BIT(7)

#define MSR_VM_CR       0xc0010114
#define VM_CR_SVMDIS    BIT(4)
#define MSR_VM_HSAVE_PA 0xc0010117

/* ---- "VMCB Layout, Control Area" ------------------------------------------------- */

/* intercept_cr, intercept_dr: reads in bits 0-15, writes in 16-31 */
#define INTERCEPT_READ(n)  BIT(n)
#define INTERCEPT_WRITE(n) BIT(16 + (n))

#define INTERCEPT_INTR        BIT(0) /* intercept_misc1 */
#define INTERCEPT_NMI         BIT(1)
#define INTERCEPT_SMI         BIT(2)
#define INTERCEPT_VINTR       BIT(4)
#define INTERCEPT_RDPMC       BIT(15)
#define INTERCEPT_CPUID       BIT(18)
#define INTERCEPT_IRET        BIT(20)
#define INTERCEPT_INVD        BIT(22)
#define INTERCEPT_HLT         BIT(24)
#define INTERCEPT_INVLPGA     BIT(26)
#define INTERCEPT_IOIO_PROT   BIT(27)
#define INTERCEPT_MSR_PROT    BIT(28)
#define INTERCEPT_TASK_SWITCH BIT(29)
#define INTERCEPT_SHUTDOWN    BIT(31)

#define INTERCEPT_VMRUN      BIT(0) /* intercept_misc2 */
#define INTERCEPT_VMMCALL    BIT(1)
#define INTERCEPT_VMLOAD     BIT(2)
#define INTERCEPT_VMSAVE     BIT(3)
#define INTERCEPT_STGI       BIT(4)
#define INTERCEPT_CLGI       BIT(5)
#define INTERCEPT_SKINIT     BIT(6)
#define INTERCEPT_WBINVD     BIT(9)
#define INTERCEPT_MONITOR    BIT(10)
#define INTERCEPT_MWAIT      BIT(11)
#define INTERCEPT_MWAIT_COND BIT(12)
#define INTERCEPT_XSETBV     BIT(13)
#define INTERCEPT_RDPRU      BIT(14)

#define TLB_CONTROL_NOTHING   0
#define TLB_CONTROL_FLUSH_ALL 1 /* every ASID's entries, also global ones */

#define V_IRQ          BIT(8) /* virtual_interrupt */
#define V_INTR_PRIO    (0xfULL << 16)
#define V_IGN_TPR      BIT(20)
#define V_INTR_MASKING BIT(24) /* host's IF rules physical interrupts, CR8 is V_TPR */

#define INTERRUPT_SHADOW BIT(0) /* interrupt_state */
#define NP_ENABLE        BIT(0) /* nested_control */

/* EVENTINJ and EXITINTINFO: "Event Injection" */
#define EVENT_VECTOR         0xffULL
#define EVENT_TYPE           (7ULL << 8)
#define EVENT_TYPE_INTR      (0ULL << 8)
#define EVENT_TYPE_NMI       (2ULL << 8)
#define EVENT_TYPE_EXCEPTION (3ULL << 8)
#define EVENT_TYPE_SOFT_INT  (4ULL << 8)
#define EVENT_ERROR_VALID    BIT(11)
#define EVENT_VALID          BIT(31) /* the rest may be garbage while this is clear */
#define EVENT_ERROR_SHIFT    32

struct vmcb_control {
    uint32_t intercept_cr;
    uint32_t intercept_dr;
    uint32_t intercept_exceptions;
    uint32_t intercept_misc1;
    uint32_t intercept_misc2;
    uint32_t intercept_misc3;
    uint8_t reserved018[0x24];
    uint16_t pause_filter_threshold;
    uint16_t pause_filter_count;
    uint64_t iopm_base_pa;
    uint64_t msrpm_base_pa;
    uint64_t tsc_offset;
    uint32_t guest_asid;
    uint8_t tlb_control;
    uint8_t reserved05d[3];
    uint64_t virtual_interrupt;
    uint64_t interrupt_state;
    uint64_t exitcode;
    uint64_t exitinfo1;
    uint64_t exitinfo2;
    uint64_t exitintinfo;
    uint64_t nested_control;
    uint64_t avic_apic_bar;
    uint64_t ghcb_pa;
    uint64_t eventinj;
    uint64_t n_cr3;
    uint64_t lbr_control;
    uint32_t clean_bits; /* 0: the CPU may not rely on anything it remembers */
    uint32_t reserved0c4;
    uint64_t nrip;
    uint8_t fetched_count;
    uint8_t fetched_bytes[15];
    uint8_t reserved0e0[0x320];
} __packed;

/* ---- "VMCB Layout, State Save Area" ------------------------------------------------ */

struct vmcb_segment {
    uint16_t selector;
    uint16_t attrib; /* descriptor bits 40-47 and 52-55 */
    uint32_t limit;
    uint64_t base;
} __packed;

struct vmcb_save {
    struct vmcb_segment es, cs, ss, ds, fs, gs, gdtr, ldtr, idtr, tr;
    uint8_t reserved0a0[0x2b];
    uint8_t cpl;
    uint32_t reserved0cc;
    uint64_t efer;
    uint8_t reserved0d8[0x70];
    uint64_t cr4;
    uint64_t cr3;
    uint64_t cr0;
    uint64_t dr7;
    uint64_t dr6;
    uint64_t rflags;
    uint64_t rip;
    uint8_t reserved180[0x58];
    uint64_t rsp;
    uint64_t s_cet, ssp, isst_addr;
    uint64_t rax;
    uint64_t star, lstar, cstar, sfmask;
    uint64_t kernel_gs_base;
    uint64_t sysenter_cs, sysenter_esp, sysenter_eip;
    uint64_t cr2;
    uint8_t reserved248[0x20];
    uint64_t g_pat;
    uint64_t dbgctl, br_from, br_to, lastexcp_from, lastexcp_to;
    uint8_t reserved298[0x968];
} __packed;

struct vmcb {
    struct vmcb_control control;
    struct vmcb_save save;
} __packed;

#define VMCB_AT(member, offset)                                                                    \
    _Static_assert(offsetof(struct vmcb, member) == (offset), "APM: VMCB layout: " #member)
VMCB_AT(control.intercept_misc1, 0x00c);
VMCB_AT(control.pause_filter_threshold, 0x03c);
VMCB_AT(control.iopm_base_pa, 0x040);
VMCB_AT(control.guest_asid, 0x058);
VMCB_AT(control.virtual_interrupt, 0x060);
VMCB_AT(control.interrupt_state, 0x068);
VMCB_AT(control.exitcode, 0x070);
VMCB_AT(control.exitintinfo, 0x088);
VMCB_AT(control.nested_control, 0x090);
VMCB_AT(control.eventinj, 0x0a8);
VMCB_AT(control.n_cr3, 0x0b0);
VMCB_AT(control.clean_bits, 0x0c0);
VMCB_AT(control.nrip, 0x0c8);
VMCB_AT(control.fetched_count, 0x0d0);
VMCB_AT(save, 0x400);
VMCB_AT(save.tr, 0x490);
VMCB_AT(save.cpl, 0x4cb);
VMCB_AT(save.efer, 0x4d0);
VMCB_AT(save.cr4, 0x548);
VMCB_AT(save.rip, 0x578);
VMCB_AT(save.rsp, 0x5d8);
VMCB_AT(save.rax, 0x5f8);
VMCB_AT(save.star, 0x600);
VMCB_AT(save.cr2, 0x640);
VMCB_AT(save.g_pat, 0x668);
VMCB_AT(save.dbgctl, 0x670);
_Static_assert(sizeof(struct vmcb) == PAGE_SIZE, "APM: the VMCB is one page");

/* ---- "SVM Intercept Exit Codes" ------------------------------------------------------ */

enum vmexit_code {
    VMEXIT_CR_READ = 0x00, /* + number; EXITINFO1 with decode assists */
    VMEXIT_CR_WRITE = 0x10,
    VMEXIT_DR_READ = 0x20,
    VMEXIT_DR_WRITE = 0x30,
    VMEXIT_EXCEPTION = 0x40, /* + vector; EXITINFO1 is the error code */
    VMEXIT_INTR = 0x60,
    VMEXIT_NMI = 0x61,
    VMEXIT_SMI = 0x62,
    VMEXIT_VINTR = 0x64,
    VMEXIT_RDPMC = 0x6f,
    VMEXIT_CPUID = 0x72,
    VMEXIT_IRET = 0x74,
    VMEXIT_INVD = 0x76,
    VMEXIT_HLT = 0x78,
    VMEXIT_INVLPGA = 0x7a,
    VMEXIT_IOIO = 0x7b,
    VMEXIT_MSR = 0x7c,
    VMEXIT_TASK_SWITCH = 0x7d,
    VMEXIT_SHUTDOWN = 0x7f,
    VMEXIT_VMRUN = 0x80,
    VMEXIT_VMMCALL = 0x81,
    VMEXIT_VMLOAD = 0x82,
    VMEXIT_VMSAVE = 0x83,
    VMEXIT_STGI = 0x84,
    VMEXIT_CLGI = 0x85,
    VMEXIT_SKINIT = 0x86,
    VMEXIT_WBINVD = 0x89,
    VMEXIT_MONITOR = 0x8a,
    VMEXIT_MWAIT = 0x8b,
    VMEXIT_MWAIT_COND = 0x8c,
    VMEXIT_XSETBV = 0x8d,
    VMEXIT_RDPRU = 0x8e,
    VMEXIT_LOW_CODES = 0x90,
    VMEXIT_NPF = 0x400,
};
#define VMEXIT_INVALID 0xffffffffU /* in the low half: not every CPU model sets the upper one */

/* EXITINFO1 of CR and DR accesses with decode assists */
#define CR_INFO_IS_MOV BIT(63)
#define CR_INFO_GPR    0xfULL

/* EXITINFO1 of IOIO */
#define IOIO_TYPE_IN    BIT(0)
#define IOIO_STR        BIT(2)
#define IOIO_REP        BIT(3)
#define IOIO_SIZE_SHIFT 4 /* SZ8, SZ16, SZ32: the size in bytes */
#define IOIO_SIZE       7
#define IOIO_PORT_SHIFT 16

#define MSR_INFO_WRITE BIT(0) /* EXITINFO1 of MSR */

/* EXITINFO1 of NPF: the page-fault error code and where it happened */
#define NPF_WRITE      BIT(1)
#define NPF_RESERVED   BIT(3)
#define NPF_FETCH      BIT(4)
#define NPF_TABLE_WALK BIT(33)
