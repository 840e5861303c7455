/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The tables that tell a CPU how to enter the kernel: GDT, TSS, IDT and the
 * SYSCALL registers, and the per-CPU area that GS base points at.
 *
 * Isolation begins here: only vectors 3 and 4 may be raised by an INT
 * instruction in user mode, there is no 32-bit code segment, and the TSS has no
 * I/O permission bitmap, so every port access in user mode faults.
 */
#include <kernel/mm.h>
#include <kernel/proc.h>
#include <kernel/string.h>

#include "x86.h"

struct tss {
    uint32_t reserved0;
    uint64_t rsp[3];
    uint64_t reserved1;
    uint64_t ist[7]; /* ist[n - 1] is IST n */
    uint64_t reserved2;
    uint16_t reserved3;
    uint16_t iomap_base;
} __packed;
_Static_assert(sizeof(struct tss) == 104, "SDM: 64-bit TSS");

struct idt_gate {
    uint16_t offset_low;
    uint16_t selector;
    uint8_t ist;
    uint8_t type;
    uint16_t offset_middle;
    uint32_t offset_high;
    uint32_t reserved;
} __packed;
_Static_assert(sizeof(struct idt_gate) == 16, "SDM: 64-bit IDT gate");

#define GATE_INTERRUPT 0x8e /* present, interrupts off on entry */
#define GATE_DPL3      0x60

#define GDT_KERNEL_CODE 0x00af9b000000ffffULL
#define GDT_KERNEL_DATA 0x00cf93000000ffffULL
#define GDT_USER_DATA   0x00cff3000000ffffULL
#define GDT_USER_CODE   0x00affb000000ffffULL
#define GDT_TSS         0x0000890000000000ULL /* available 64-bit TSS */
#define GDT_ENTRIES     7                     /* null, 4 segments, TSS takes two */

struct table_register {
    uint16_t limit;
    uint64_t base;
} __packed;

/* What each CPU has for itself. Aligned so that two CPUs never share a cache line. */
struct cpu_area {
    struct cpu cpu;
    struct tss tss;
    uint64_t gdt[GDT_ENTRIES];
} __aligned(64);

static struct cpu_area boot_area;
static struct idt_gate idt[256] __aligned(16);
/* Until mm can allocate stacks with guard pages. */
static uint8_t early_ist_stacks[IST_COUNT][PAGE_SIZE] __aligned(16);

unsigned cpu_count(void)
{
    return 1;
}

struct cpu *cpu_get(unsigned number)
{
    return number == 0 ? &boot_area.cpu : NULL;
}

static void gdt_load(struct cpu_area *area)
{
    uint64_t base = (uint64_t)&area->tss;
    struct table_register gdtr = {sizeof(area->gdt) - 1, (uint64_t)area->gdt};

    area->gdt[KERNEL_CS / 8] = GDT_KERNEL_CODE;
    area->gdt[KERNEL_DS / 8] = GDT_KERNEL_DATA;
    area->gdt[USER_DS / 8] = GDT_USER_DATA;
    area->gdt[USER_CS / 8] = GDT_USER_CODE;
    area->gdt[TSS_SEL / 8] = GDT_TSS | (sizeof(struct tss) - 1) | (base & 0xffffff) << 16 |
                             (base >> 24 & 0xff) << 56;
    area->gdt[TSS_SEL / 8 + 1] = base >> 32;

    __asm__ volatile("lgdt %0" : : "m"(gdtr));
    reload_segments();
    __asm__ volatile("ltr %w0" : : "r"(TSS_SEL));
}

static void gate_set(unsigned vector, uint8_t ist, uint8_t type)
{
    uint64_t stub = (uint64_t)trap_stubs + vector * TRAP_STUB_SIZE;

    idt[vector] = (struct idt_gate){
        .offset_low = (uint16_t)stub,
        .offset_middle = (uint16_t)(stub >> 16),
        .offset_high = (uint32_t)(stub >> 32),
        .selector = KERNEL_CS,
        .ist = ist,
        .type = type,
    };
}

static void idt_load(void)
{
    struct table_register idtr = {sizeof(idt) - 1, (uint64_t)idt};

    for (unsigned v = 0; v < ARRAY_SIZE(idt); v++)
        gate_set(v, 0, GATE_INTERRUPT);
    gate_set(VECTOR_BP, 0, GATE_INTERRUPT | GATE_DPL3);
    gate_set(VECTOR_OF, 0, GATE_INTERRUPT | GATE_DPL3);
    gate_set(VECTOR_NMI, IST_NMI, GATE_INTERRUPT);
    gate_set(VECTOR_DB, IST_DB, GATE_INTERRUPT);
    gate_set(VECTOR_DF, IST_DF, GATE_INTERRUPT);
    gate_set(VECTOR_MC, IST_MC, GATE_INTERRUPT);
    __asm__ volatile("lidt %0" : : "m"(idtr));
}

/* SDM vol. 3, "SYSCALL and SYSRET": SYSRET's selectors are STAR[63:48] + 16 for code, + 8 for data. */
static void syscall_load(void)
{
    uint64_t sysret_base = USER_DS - 8;

    wrmsr(MSR_STAR, sysret_base << 48 | (uint64_t)KERNEL_CS << 32);
    wrmsr(MSR_LSTAR, (uint64_t)syscall_entry);
    wrmsr(MSR_CSTAR, 0);
    wrmsr(MSR_SYSENTER_CS, 0); /* SYSENTER faults */
    wrmsr(MSR_SFMASK, RFLAGS_TF | RFLAGS_IF | RFLAGS_DF | RFLAGS_IOPL | RFLAGS_NT | RFLAGS_AC | RFLAGS_RF);
    wrmsr(MSR_EFER, rdmsr(MSR_EFER) | EFER_SCE | EFER_NXE);
}

void segments_init(void)
{
    struct cpu_area *area = &boot_area;
    struct cpu *cpu = &area->cpu;

    cpu->self = cpu;
    cpu->tss = &area->tss;
    cpu->slice_end_ns = ~0ULL;
    area->tss.iomap_base = sizeof(struct tss); /* beyond the limit: no port is allowed */
    for (unsigned i = 0; i < IST_COUNT; i++)
        area->tss.ist[i] = (uint64_t)early_ist_stacks[i] + sizeof(early_ist_stacks[i]);

    gdt_load(area);
    wrmsr(MSR_GS_BASE, (uint64_t)cpu);
    wrmsr(MSR_KERNEL_GS_BASE, 0);
    wrmsr(MSR_FS_BASE, 0);
    idt_load();
    syscall_load();
}

void segments_guard_stacks(void)
{
    for (unsigned i = 0; i < IST_COUNT; i++) {
        void *stack = kmap_alloc_stack(NULL, KSTACK_PAGES);

        if (stack == NULL)
            panic("no memory for exception stacks");
        this_cpu()->tss->ist[i] = (uint64_t)stack + KSTACK_SIZE;
    }
}

/* Entries from user mode of this CPU start at `top`. */
void segments_set_stack(uint64_t top)
{
    struct cpu *cpu = this_cpu();

    cpu->kernel_stack_top = top;
    cpu->tss->rsp[0] = top;
}
