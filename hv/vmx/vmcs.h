/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The virtual-machine control structure and everything else that VT-x numbers, in
 * the order of SDM vol. 3: field encodings (appendix "Field Encoding in VMCS"), the
 * bits of control fields ("VM-Execution Control Fields" and on), exit reasons
 * (appendix "VMX Basic Exit Reasons"), capability MSRs (appendix "VMX Capability
 * Reporting Facility").
 */
#pragma once

#include <kernel/types.h>

/* ---- field encodings ------------------------------------------------------------- */

enum vmcs_field {
    /* 16-bit control fields */
    VMCS_VPID = 0x0000,

    /* 16-bit guest-state fields; selectors in the order of enum segment_index */
    VMCS_GUEST_ES_SELECTOR = 0x0800,

    /* 16-bit host-state fields */
    VMCS_HOST_ES_SELECTOR = 0x0c00,
    VMCS_HOST_CS_SELECTOR = 0x0c02,
    VMCS_HOST_SS_SELECTOR = 0x0c04,
    VMCS_HOST_DS_SELECTOR = 0x0c06,
    VMCS_HOST_FS_SELECTOR = 0x0c08,
    VMCS_HOST_GS_SELECTOR = 0x0c0a,
    VMCS_HOST_TR_SELECTOR = 0x0c0c,

    /* 64-bit control fields */
    VMCS_MSR_BITMAP = 0x2004,
    VMCS_TSC_OFFSET = 0x2010,
    VMCS_EPTP = 0x201a,

    /* 64-bit read-only data field */
    VMCS_GUEST_PHYSICAL_ADDRESS = 0x2400,

    /* 64-bit guest-state fields */
    VMCS_LINK_POINTER = 0x2800,
    VMCS_GUEST_DEBUGCTL = 0x2802,
    VMCS_GUEST_PAT = 0x2804,
    VMCS_GUEST_EFER = 0x2806,
    VMCS_GUEST_PDPTE0 = 0x280a,

    /* 64-bit host-state fields */
    VMCS_HOST_PAT = 0x2c00,
    VMCS_HOST_EFER = 0x2c02,

    /* 32-bit control fields */
    VMCS_PIN_CONTROLS = 0x4000,
    VMCS_CPU_CONTROLS = 0x4002,
    VMCS_EXCEPTION_BITMAP = 0x4004,
    VMCS_PF_ERROR_MASK = 0x4006,
    VMCS_PF_ERROR_MATCH = 0x4008,
    VMCS_CR3_TARGET_COUNT = 0x400a,
    VMCS_EXIT_CONTROLS = 0x400c,
    VMCS_EXIT_MSR_STORE_COUNT = 0x400e,
    VMCS_EXIT_MSR_LOAD_COUNT = 0x4010,
    VMCS_ENTRY_CONTROLS = 0x4012,
    VMCS_ENTRY_MSR_LOAD_COUNT = 0x4014,
    VMCS_ENTRY_INTR_INFO = 0x4016,
    VMCS_ENTRY_ERROR_CODE = 0x4018,
    VMCS_ENTRY_INSN_LEN = 0x401a,
    VMCS_CPU_CONTROLS2 = 0x401e,

    /* 32-bit read-only data fields */
    VMCS_INSTRUCTION_ERROR = 0x4400,
    VMCS_EXIT_REASON = 0x4402,
    VMCS_EXIT_INTR_INFO = 0x4404,
    VMCS_EXIT_ERROR_CODE = 0x4406,
    VMCS_IDT_VECTORING_INFO = 0x4408,
    VMCS_IDT_VECTORING_ERROR = 0x440a,
    VMCS_EXIT_INSN_LEN = 0x440c,

    /* 32-bit guest-state fields; segments in the order of enum segment_index */
    VMCS_GUEST_ES_LIMIT = 0x4800,
    VMCS_GUEST_GDTR_LIMIT = 0x4810,
    VMCS_GUEST_IDTR_LIMIT = 0x4812,
    VMCS_GUEST_ES_ACCESS = 0x4814,
    VMCS_GUEST_INTERRUPTIBILITY = 0x4824,
    VMCS_GUEST_ACTIVITY = 0x4826,
    VMCS_GUEST_SYSENTER_CS = 0x482a,
    VMCS_PREEMPTION_TIMER = 0x482e,

    /* 32-bit host-state field */
    VMCS_HOST_SYSENTER_CS = 0x4c00,

    /* natural-width control fields */
    VMCS_CR0_MASK = 0x6000,
    VMCS_CR4_MASK = 0x6002,
    VMCS_CR0_SHADOW = 0x6004,
    VMCS_CR4_SHADOW = 0x6006,

    /* natural-width read-only data field */
    VMCS_EXIT_QUALIFICATION = 0x6400,

    /* natural-width guest-state fields; bases in the order of enum segment_index */
    VMCS_GUEST_CR0 = 0x6800,
    VMCS_GUEST_CR3 = 0x6802,
    VMCS_GUEST_CR4 = 0x6804,
    VMCS_GUEST_ES_BASE = 0x6806,
    VMCS_GUEST_GDTR_BASE = 0x6816,
    VMCS_GUEST_IDTR_BASE = 0x6818,
    VMCS_GUEST_DR7 = 0x681a,
    VMCS_GUEST_RSP = 0x681c,
    VMCS_GUEST_RIP = 0x681e,
    VMCS_GUEST_RFLAGS = 0x6820,
    VMCS_GUEST_PENDING_DEBUG = 0x6822,
    VMCS_GUEST_SYSENTER_ESP = 0x6824,
    VMCS_GUEST_SYSENTER_EIP = 0x6826,

    /* natural-width host-state fields */
    VMCS_HOST_CR0 = 0x6c00,
    VMCS_HOST_CR3 = 0x6c02,
    VMCS_HOST_CR4 = 0x6c04,
    VMCS_HOST_FS_BASE = 0x6c06,
    VMCS_HOST_GS_BASE = 0x6c08,
    VMCS_HOST_TR_BASE = 0x6c0a,
    VMCS_HOST_GDTR_BASE = 0x6c0c,
    VMCS_HOST_IDTR_BASE = 0x6c0e,
    VMCS_HOST_SYSENTER_ESP = 0x6c10,
    VMCS_HOST_SYSENTER_EIP = 0x6c12,
    VMCS_HOST_RSP = 0x6c14,
    VMCS_HOST_RIP = 0x6c16,
};

/* The field of the same kind for the next segment, PDPTE... */
#define VMCS_STEP 2

/* ---- guest state ------------------------------------------------------------------- */

/* Access rights of a segment */
#define ACCESS_LOW      0x000000ffu /* type, S, DPL, P as in guest_segment.attr */
#define ACCESS_HIGH     0x0001f000u /* AVL, L, D/B, G, unusable: 4 bits further up than in attr */
#define ACCESS_SHIFT    4
#define ACCESS_UNUSABLE BIT(16)

/* Interruptibility state */
#define BLOCKING_BY_STI    BIT(0)
#define BLOCKING_BY_MOV_SS BIT(1)
#define BLOCKING_BY_NMI    BIT(3)

#define ACTIVITY_ACTIVE 0

/* Pending debug exceptions */
#define PENDING_DEBUG_BS BIT(14)

#define LINK_POINTER_NONE UINT64_MAX

/* ---- VM-execution control fields ----------------------------------------------------- */

#define PIN_EXTERNAL_INTERRUPT BIT(0)
#define PIN_NMI                BIT(3)
#define PIN_VIRTUAL_NMIS       BIT(5)
#define PIN_PREEMPTION_TIMER   BIT(6)

#define CPU_IRQ_WINDOW       BIT(2)
#define CPU_TSC_OFFSETTING   BIT(3)
#define CPU_HLT              BIT(7)
#define CPU_INVLPG           BIT(9)
#define CPU_MWAIT            BIT(10)
#define CPU_RDPMC            BIT(11)
#define CPU_RDTSC            BIT(12)
#define CPU_CR3_LOAD         BIT(15)
#define CPU_CR3_STORE        BIT(16)
#define CPU_CR8_LOAD         BIT(19)
#define CPU_CR8_STORE        BIT(20)
#define CPU_NMI_WINDOW       BIT(22)
#define CPU_MOV_DR           BIT(23)
#define CPU_UNCONDITIONAL_IO BIT(24)
#define CPU_MSR_BITMAPS      BIT(28)
#define CPU_MONITOR          BIT(29)
#define CPU_PAUSE            BIT(30)
#define CPU_SECONDARY        BIT(31)

#define CPU2_EPT                BIT(1)
#define CPU2_RDTSCP             BIT(3)
#define CPU2_VPID               BIT(5)
#define CPU2_WBINVD             BIT(6)
#define CPU2_UNRESTRICTED_GUEST BIT(7)

/* Extended-page-table pointer */
#define EPTP_WRITE_BACK  6
#define EPTP_FOUR_LEVELS (3 << 3)

/* MSR bitmaps: one page of four */
#define MSR_BITMAP_READ_LOW   0x000
#define MSR_BITMAP_READ_HIGH  0x400
#define MSR_BITMAP_WRITE_LOW  0x800
#define MSR_BITMAP_WRITE_HIGH 0xc00
#define MSR_BITMAP_MSRS       0x2000u
#define MSR_BITMAP_HIGH_BASE  0xc0000000u

/* ---- VM-exit and VM-entry control fields ------------------------------------------------ */

#define EXIT_CTL_SAVE_DEBUG BIT(2)
#define EXIT_CTL_HOST_64    BIT(9)
#define EXIT_CTL_ACK_IRQ    BIT(15)
#define EXIT_CTL_SAVE_PAT   BIT(18)
#define EXIT_CTL_LOAD_PAT   BIT(19)
#define EXIT_CTL_LOAD_EFER  BIT(21)

#define ENTRY_CTL_LOAD_DEBUG BIT(2)
#define ENTRY_CTL_GUEST_64   BIT(9)
#define ENTRY_CTL_LOAD_PAT   BIT(14)
#define ENTRY_CTL_LOAD_EFER  BIT(15)

/* Interruption information: of an entry, of an exit, and of IDT vectoring */
#define INTR_VECTOR          0x000000ffu
#define INTR_TYPE            0x00000700u
#define INTR_TYPE_EXTERNAL   0x00000000u
#define INTR_TYPE_NMI        0x00000200u
#define INTR_TYPE_HARDWARE   0x00000300u
#define INTR_TYPE_SOFT_INT   0x00000400u
#define INTR_TYPE_PRIVILEGED 0x00000500u /* INT1 */
#define INTR_TYPE_SOFT_EXC   0x00000600u /* INT3, INTO */
#define INTR_HAS_ERROR       BIT(11)
#define INTR_NMI_UNBLOCKED   BIT(12) /* exits: the instruction was an IRET that ended NMI blocking \
                                      */
#define INTR_VALID BIT(31)

/* ---- VM-exit information fields ------------------------------------------------------------ */

#define EXIT_REASON_BASIC        0x0000ffffu
#define EXIT_REASON_ENTRY_FAILED BIT(31)

/* Exit qualification: debug exceptions */
#define QUAL_DB_DR6 0x600fULL /* B0-B3, BD, BS */

/* ... control-register accesses */
#define QUAL_CR_NUMBER    0x0000000fULL
#define QUAL_CR_ACCESS    0x00000030ULL
#define QUAL_CR_MOV_TO    0x00000000ULL
#define QUAL_CR_MOV_FROM  0x00000010ULL
#define QUAL_CR_CLTS      0x00000020ULL
#define QUAL_CR_LMSW      0x00000030ULL
#define QUAL_CR_GPR(q)    ((uint8_t)((q) >> 8 & 0xf))
#define QUAL_CR_SOURCE(q) ((uint16_t)((q) >> 16))

/* ... MOV DR */
#define QUAL_DR_NUMBER 0x00000007ULL
#define QUAL_DR_FROM   BIT(4)
#define QUAL_DR_GPR(q) ((uint8_t)((q) >> 8 & 0xf))

/* ... I/O instructions */
#define QUAL_IO_SIZE(q) ((uint8_t)(((q)&7) + 1))
#define QUAL_IO_IN      BIT(3)
#define QUAL_IO_STRING  BIT(4)
#define QUAL_IO_REP     BIT(5)
#define QUAL_IO_PORT(q) ((uint16_t)((q) >> 16))

/* ... EPT violations */
#define QUAL_EPT_READ          BIT(0)
#define QUAL_EPT_WRITE         BIT(1)
#define QUAL_EPT_EXEC          BIT(2)
#define QUAL_EPT_LINEAR_VALID  BIT(7)
#define QUAL_EPT_IS_FINAL      BIT(8) /* the access itself, not the walk of the guest's tables */
#define QUAL_EPT_NMI_UNBLOCKED BIT(12)

enum vmx_reason {
    VMX_REASON_EXCEPTION_NMI = 0,
    VMX_REASON_EXTERNAL_INTERRUPT = 1,
    VMX_REASON_TRIPLE_FAULT = 2,
    VMX_REASON_IRQ_WINDOW = 7,
    VMX_REASON_NMI_WINDOW = 8,
    VMX_REASON_TASK_SWITCH = 9,
    VMX_REASON_CPUID = 10,
    VMX_REASON_GETSEC = 11,
    VMX_REASON_HLT = 12,
    VMX_REASON_INVD = 13,
    VMX_REASON_INVLPG = 14,
    VMX_REASON_RDPMC = 15,
    VMX_REASON_RDTSC = 16,
    VMX_REASON_VMCALL = 18,
    VMX_REASON_VMCLEAR = 19,
    VMX_REASON_VMLAUNCH = 20,
    VMX_REASON_VMPTRLD = 21,
    VMX_REASON_VMPTRST = 22,
    VMX_REASON_VMREAD = 23,
    VMX_REASON_VMRESUME = 24,
    VMX_REASON_VMWRITE = 25,
    VMX_REASON_VMXOFF = 26,
    VMX_REASON_VMXON = 27,
    VMX_REASON_CR = 28,
    VMX_REASON_MOV_DR = 29,
    VMX_REASON_IO = 30,
    VMX_REASON_RDMSR = 31,
    VMX_REASON_WRMSR = 32,
    VMX_REASON_MWAIT = 36,
    VMX_REASON_MONITOR = 39,
    VMX_REASON_PAUSE = 40,
    VMX_REASON_ENTRY_MACHINE_CHECK = 41,
    VMX_REASON_EPT_VIOLATION = 48,
    VMX_REASON_EPT_MISCONFIG = 49,
    VMX_REASON_INVEPT = 50,
    VMX_REASON_PREEMPTION_TIMER = 52,
    VMX_REASON_INVVPID = 53,
    VMX_REASON_WBINVD = 54,
    VMX_REASON_XSETBV = 55,
    VMX_REASON_VMFUNC = 59,
    VMX_REASON_SEAMCALL = 76,
    VMX_REASON_TDCALL = 77,
    VMX_REASONS,
};

/* ---- VMX capability reporting facility --------------------------------------------------------
 */

#define MSR_VMX_BASIC      0x480
#define MSR_VMX_PIN        0x481
#define MSR_VMX_CPU        0x482
#define MSR_VMX_EXIT       0x483
#define MSR_VMX_ENTRY      0x484
#define MSR_VMX_MISC       0x485
#define MSR_VMX_CR0_FIXED0 0x486
#define MSR_VMX_CR0_FIXED1 0x487
#define MSR_VMX_CR4_FIXED0 0x488
#define MSR_VMX_CR4_FIXED1 0x489
#define MSR_VMX_CPU2       0x48b
#define MSR_VMX_EPT_VPID   0x48c
#define MSR_VMX_TRUE_PIN   0x48d
#define MSR_VMX_TRUE_CPU   0x48e
#define MSR_VMX_TRUE_EXIT  0x48f
#define MSR_VMX_TRUE_ENTRY 0x490

#define BASIC_REVISION      0x7fffffffULL
#define BASIC_SIZE(v)       ((v) >> 32 & 0x1fff)
#define BASIC_MEMTYPE(v)    ((v) >> 50 & 0xf)
#define BASIC_WRITE_BACK    6
#define BASIC_TRUE_CONTROLS BIT(55)

#define MISC_TIMER_SHIFT(v) ((v)&0x1f) /* the preemption timer counts TSC >> this */

#define EPT_CAP_FOUR_LEVELS    BIT(6)
#define EPT_CAP_WRITE_BACK     BIT(14)
#define EPT_CAP_LARGE_2M       BIT(16)
#define EPT_CAP_INVEPT         BIT(20)
#define EPT_CAP_INVEPT_SINGLE  BIT(25)
#define EPT_CAP_INVEPT_ALL     BIT(26)
#define EPT_CAP_INVVPID        BIT(32)
#define EPT_CAP_INVVPID_SINGLE BIT(41)
#define EPT_CAP_INVVPID_ALL    BIT(42)

/* IA32_FEATURE_CONTROL */
#define FEATURE_CONTROL_LOCK BIT(0)
#define FEATURE_CONTROL_VMX  BIT(2) /* outside SMX */

#define CPUID1_ECX_VMX (1u << 5)

/* ---- instructions ------------------------------------------------------------------------------
 */

enum invalidation { INVALIDATE_SINGLE = 1, INVALIDATE_ALL = 2 };
