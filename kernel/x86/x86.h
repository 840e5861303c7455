/* SPDX-License-Identifier: BSD-2-Clause */
/* Between the files of kernel/x86. */
#pragma once

#include <kernel/boot_info.h>
#include <kernel/trap.h>
#include <kernel/types.h>
#include <kernel/x86/cpu.h>

/* ---- registers, as the manuals name them ---- */

#define CR0_MP BIT(1)
#define CR0_EM BIT(2)
#define CR0_TS BIT(3)
#define CR0_NE BIT(5)
#define CR0_WP BIT(16)
#define CR0_AM BIT(18)

#define CR4_DE         BIT(3)
#define CR4_PAE        BIT(5)
#define CR4_MCE        BIT(6)
#define CR4_PGE        BIT(7)
#define CR4_OSFXSR     BIT(9)
#define CR4_OSXMMEXCPT BIT(10)
#define CR4_UMIP       BIT(11)
#define CR4_OSXSAVE    BIT(18)
#define CR4_SMEP       BIT(20)
#define CR4_SMAP       BIT(21)

#define RFLAGS_RF 0x00010000ULL
#define RFLAGS_NT 0x00004000ULL
#define RFLAGS_IOPL 0x00003000ULL
#define RFLAGS_AC 0x00040000ULL

#define MSR_APIC_BASE      0x1b
#define MSR_SYSENTER_CS    0x174
#define MSR_TSC_DEADLINE   0x6e0
#define MSR_X2APIC         0x800
#define MSR_EFER           0xc0000080
#define MSR_STAR           0xc0000081
#define MSR_LSTAR          0xc0000082
#define MSR_CSTAR          0xc0000083
#define MSR_SFMASK         0xc0000084
#define MSR_FS_BASE        0xc0000100
#define MSR_GS_BASE        0xc0000101
#define MSR_KERNEL_GS_BASE 0xc0000102
#define MSR_TSC_AUX        0xc0000103

#define EFER_SCE BIT(0)
#define EFER_NXE BIT(11)

/* SDM vol. 3, "Page-Fault Exception": error code */
#define PF_PRESENT  BIT(0)
#define PF_WRITE    BIT(1)
#define PF_USER     BIT(2)
#define PF_RESERVED BIT(3)
#define PF_FETCH    BIT(4)

enum exception_vector {
    VECTOR_DE = 0,
    VECTOR_DB = 1,
    VECTOR_NMI = 2,
    VECTOR_BP = 3,
    VECTOR_OF = 4,
    VECTOR_BR = 5,
    VECTOR_UD = 6,
    VECTOR_NM = 7,
    VECTOR_DF = 8,
    VECTOR_TS = 10,
    VECTOR_NP = 11,
    VECTOR_SS = 12,
    VECTOR_GP = 13,
    VECTOR_PF = 14,
    VECTOR_MF = 16,
    VECTOR_AC = 17,
    VECTOR_MC = 18,
    VECTOR_XM = 19,
    EXCEPTION_VECTORS = 32,
};

/* Interrupt vectors: the upper half-byte is the priority in the local APIC. */
enum interrupt_vector {
    VECTOR_PIC = 0x20,    /* 16 of them, when the PICs are in use; else only spurious ones */
    VECTOR_IOAPIC = 0x30, /* 16 of them: ISA interrupts 0 to 15 */
    VECTOR_TIMER = 0xe0,
    VECTOR_DEFERRED = 0xe1, /* to ourselves: work that could not be done where it arose */
    VECTOR_IPI = 0xf0,      /* + enum ipi */
    VECTOR_APIC_ERROR = 0xfe,
    VECTOR_SPURIOUS = 0xff,
};

/* ---- features.c ---- */

struct cpu_features {
    bool has_smep, has_smap, has_umip, has_pge;
    bool has_xsave, has_xsaveopt;
    bool has_x2apic, has_tsc_deadline, has_invariant_tsc, has_rdtscp;
};
extern struct cpu_features cpu_features;

void features_init(void);      /* CPUID; writes STAC and CLAC into the kernel's text */
void features_enable(void);    /* control registers of this CPU */
void features_log(void);

/* ---- segments.c ---- */

enum ist { IST_NMI = 1, IST_DB, IST_DF, IST_MC, IST_COUNT = 4 };

void segments_init(void);      /* GDT, TSS, IDT, GS base and SYSCALL of the boot CPU */
void segments_guard_stacks(void); /* exception stacks with guard pages, once mm is there */
void segments_set_stack(uint64_t top); /* where entries from user mode start */

#define BOOT_STACK_SIZE 16384

/* ---- entry.asm, switch.asm ---- */

extern uint8_t trap_stubs[];
#define TRAP_STUB_SIZE 16
void kernel_entry(void);
void syscall_entry(void);
void user_return(void);
void thread_start(void);
void fork_return(void);
void enter_user(struct trapframe *frame) __noreturn;
void switch_stacks(uint64_t *save_sp, uint64_t load_sp);
void reload_segments(void);

/* ---- trap.c: called by entry.asm ---- */

void trap_exception(struct trapframe *frame);
void trap_page_fault(struct trapframe *frame);
void trap_interrupt(struct trapframe *frame);
void trap_bad_return(struct trapframe *frame);
void nmi_report(void); /* from an ordinary interrupt: logs that there was an NMI */

/* ---- kernel/panic.c ---- */

void panic_frame(const struct trapframe *frame, const char *fmt, ...) __printf(2, 3) __noreturn;

/* ---- fpu.c, xstate.c ---- */

void fpu_init(void); /* after features_enable() */
int fpu_exception_code(bool is_simd); /* si_code of the #MF or #XM just taken */
void fpu_switch_out(struct thread *prev);
void fpu_switch_in(struct thread *next);
void fpu_load_current(struct trapframe *frame);

/* ---- acpi.c: the static tables; no AML ---- */

struct acpi_header {
    char signature[4];
    uint32_t length;
    uint8_t revision, checksum;
    char oem[6], oem_table[8];
    uint32_t oem_revision, creator, creator_revision;
} __packed;
_Static_assert(sizeof(struct acpi_header) == 36, "ACPI: table header");

void acpi_init(void);
const struct acpi_header *acpi_find(const char *signature); /* NULL: no such table */

/* ---- apic.c, ioapic.c, pic.c, irq.c, smp.c ---- */

void apic_init(void);
bool apic_is_up(void);
uint32_t apic_id(void);
void apic_eoi(void);
void apic_send_ipi(uint32_t dest_apic_id, uint8_t vector);
void apic_send_self(uint8_t vector);
void apic_accept_pic(void);       /* PIC mode: LINT0 takes the PICs' interrupts */
void apic_calibrate_timer(void);

/* The machine's own; hv's virtual ones have the plain names. */
void x86_ioapic_init(void);
bool x86_ioapic_is_present(void);
void x86_ioapic_enable(unsigned isa_irq, uint8_t vector);

void x86_pic_init(void); /* both PICs moved to VECTOR_PIC and masked */
void x86_pic_enable(unsigned isa_irq);
void x86_pic_eoi(unsigned isa_irq);
bool x86_pic_is_spurious(unsigned isa_irq);

void x86_irq_init(void);
void smp_log(void);
void ipi_handle(enum ipi what);

/* ---- clocks ---- */

void clock_init(void);   /* calibrates; ktime_ns() works from here on */
void clock_late_init(void);

/* ---- serial.c, efi.c ---- */

void early_console_init(void);
/* ResetSystem() of the UEFI runtime services; returns if there is none or it failed. */
enum efi_reset { EFI_RESET_COLD, EFI_RESET_WARM, EFI_RESET_SHUTDOWN };
void efi_reset(enum efi_reset type);
