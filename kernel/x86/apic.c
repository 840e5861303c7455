/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The local APIC: interprocessor interrupts and the timer that makes the
 * kernel tickless. In x2APIC mode its registers are MSRs, else a page of device
 * memory; QEMU's emulation has only the latter, Bochs both.
 *
 * The timer fires once. Where the CPU can, it is told the TSC value to fire at;
 * else a count of the APIC's own clock, whose speed is measured against the TSC.
 */
#include <kernel/log.h>
#include <kernel/mm.h>
#include <kernel/muldiv.h>
#include <kernel/time.h>

#include "calibrate.h"
#include "x86.h"

#define APIC_BASE_X2APIC  BIT(10)
#define APIC_BASE_ENABLE  BIT(11)
#define APIC_BASE_ADDRESS 0x000ffffffffff000ULL

/* Registers: offsets in the page; MSR_X2APIC + offset / 16. */
#define APIC_ID            0x020
#define APIC_TPR           0x080
#define APIC_EOI           0x0b0
#define APIC_SPURIOUS      0x0f0
#define APIC_ESR           0x280
#define APIC_ICR           0x300
#define APIC_ICR_HIGH      0x310
#define APIC_LVT_TIMER     0x320
#define APIC_LVT_THERMAL   0x330
#define APIC_LVT_PMC       0x340
#define APIC_LVT_LINT0     0x350
#define APIC_LVT_LINT1     0x360
#define APIC_LVT_ERROR     0x370
#define APIC_TIMER_INITIAL 0x380
#define APIC_TIMER_CURRENT 0x390
#define APIC_TIMER_DIVIDE  0x3e0

#define SPURIOUS_APIC_ON   BIT(8)
#define LVT_MASKED         BIT(16)
#define LVT_NMI            0x400
#define LVT_EXTINT         0x700
#define LVT_TSC_DEADLINE   BIT(18)
#define TIMER_DIVIDE_BY_1  0x0b
#define ICR_PENDING        BIT(12)
#define ICR_ASSERT         BIT(14)
#define ICR_SELF           BIT(18)

static volatile uint8_t *regs; /* NULL in x2APIC mode */
static bool is_x2apic, is_up;
static uint64_t timer_mult; /* APIC timer counts per ns, 32.32; 0: TSC deadline */

static uint32_t apic_read(unsigned reg)
{
    if (is_x2apic)
        return (uint32_t)rdmsr(MSR_X2APIC + reg / 16);
    return *(volatile uint32_t *)(regs + reg);
}

static void apic_write(unsigned reg, uint32_t value)
{
    if (is_x2apic)
        wrmsr(MSR_X2APIC + reg / 16, value);
    else
        *(volatile uint32_t *)(regs + reg) = value;
}

bool apic_is_up(void)
{
    return is_up;
}

uint32_t apic_id(void)
{
    return is_x2apic ? apic_read(APIC_ID) : apic_read(APIC_ID) >> 24;
}

void apic_eoi(void)
{
    apic_write(APIC_EOI, 0);
}

void apic_send_ipi(uint32_t dest_apic_id, uint8_t vector)
{
    irqflags_t flags;

    if (is_x2apic) {
        /* Unlike a store to the page, this WRMSR waits for nothing written before it. */
        __asm__ volatile("mfence" : : : "memory");
        wrmsr(MSR_X2APIC + APIC_ICR / 16, (uint64_t)dest_apic_id << 32 | ICR_ASSERT | vector);
        return;
    }
    flags = irq_save(); /* the two halves belong together */
    while (apic_read(APIC_ICR) & ICR_PENDING)
        cpu_pause();
    apic_write(APIC_ICR_HIGH, dest_apic_id << 24);
    apic_write(APIC_ICR, ICR_ASSERT | vector);
    irq_restore(flags);
}

void apic_send_self(uint8_t vector)
{
    if (is_x2apic)
        wrmsr(MSR_X2APIC + APIC_ICR / 16, ICR_SELF | ICR_ASSERT | vector);
    else
        apic_write(APIC_ICR, ICR_SELF | ICR_ASSERT | vector);
}

void apic_init(void)
{
    uint64_t base = rdmsr(MSR_APIC_BASE);

    if (cpu_features.has_x2apic) {
        wrmsr(MSR_APIC_BASE, base | APIC_BASE_ENABLE | APIC_BASE_X2APIC);
        is_x2apic = true;
    } else {
        wrmsr(MSR_APIC_BASE, base | APIC_BASE_ENABLE);
        regs = kmap_device(base & APIC_BASE_ADDRESS, PAGE_SIZE);
        if (regs == NULL)
            panic("apic: no address space");
    }
    apic_write(APIC_LVT_TIMER, LVT_MASKED | VECTOR_TIMER);
    apic_write(APIC_LVT_LINT0, LVT_MASKED);
    apic_write(APIC_LVT_LINT1, LVT_NMI);
    apic_write(APIC_LVT_ERROR, LVT_MASKED | VECTOR_APIC_ERROR);
    apic_write(APIC_TPR, 0);
    apic_write(APIC_SPURIOUS, SPURIOUS_APIC_ON | VECTOR_SPURIOUS);
    for (unsigned i = 0; i < 16; i++) /* acknowledge whatever the firmware left in service */
        apic_eoi();

    this_cpu()->apic_id = apic_id();
    is_up = true;
}

void apic_accept_pic(void)
{
    apic_write(APIC_LVT_LINT0, LVT_EXTINT);
}

/* ---- the timer ---- */

#define CALIBRATION_NS   (2 * NSEC_PER_MSEC)
#define CALIBRATION_RUNS 5

/* Counts in CALIBRATION_NS, scaled to counts per second. */
static uint64_t measure_timer(void)
{
    uint64_t length = ns_to_tsc_delta(CALIBRATION_NS), start, now;
    uint32_t left;

    apic_write(APIC_TIMER_INITIAL, ~0u);
    start = rdtsc();
    do {
        now = rdtsc();
    } while (now - start < length);
    left = apic_read(APIC_TIMER_CURRENT);
    apic_write(APIC_TIMER_INITIAL, 0);
    return mul_div(~0u - left, tsc_hz(), now - start);
}

void apic_calibrate_timer(void)
{
    uint64_t runs[CALIBRATION_RUNS], hz;
    unsigned n = 0;

    if (cpu_features.has_tsc_deadline) {
        apic_write(APIC_LVT_TIMER, LVT_TSC_DEADLINE | VECTOR_TIMER);
        __asm__ volatile("mfence" : : : "memory"); /* SDM: before the first deadline in xAPIC mode */
        log_info("apic: %s, timer by TSC deadline\n", is_x2apic ? "x2apic" : "xapic");
        return;
    }
    apic_write(APIC_TIMER_DIVIDE, TIMER_DIVIDE_BY_1);
    do {
        runs[n++] = measure_timer();
    } while (!calibrate_pick(runs, n, 500, 2, &hz) && n < CALIBRATION_RUNS);
    if (hz == 0)
        panic("apic: the timer does not count");
    timer_mult = div_32_32(hz, NSEC_PER_SEC);
    apic_write(APIC_LVT_TIMER, VECTOR_TIMER);
    log_info("apic: %s, timer at %lu.%03lu MHz\n", is_x2apic ? "x2apic" : "xapic", hz / 1000000,
             hz / 1000 % 1000);
}

void arch_set_timer(uint64_t deadline_ns)
{
    uint64_t now = ktime_ns(), delta, count;

    if (deadline_ns == ~0ULL) {
        if (timer_mult == 0)
            wrmsr(MSR_TSC_DEADLINE, 0);
        else
            apic_write(APIC_TIMER_INITIAL, 0);
        return;
    }
    /* Rather late than early: an early one finds nothing due and must be set again. */
    delta = deadline_ns > now ? deadline_ns - now : 0;
    if (timer_mult == 0) {
        wrmsr(MSR_TSC_DEADLINE, rdtsc() + ns_to_tsc_delta(delta) + 1);
        return;
    }
    if (delta > NSEC_PER_SEC) /* and again from there: the counter has 32 bits */
        delta = NSEC_PER_SEC;
    count = mul_32_32(delta, timer_mult) + 1;
    apic_write(APIC_TIMER_INITIAL, count < ~0u ? (uint32_t)count : ~0u);
}
