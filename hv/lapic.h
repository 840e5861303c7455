/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * One local APIC: the state machine, in xAPIC and x2APIC mode. Pure: it knows no
 * vCPU and no clock; times come in as arguments, and what leaves the chip goes
 * through struct lapic_ops. The caller serializes all calls on the APICs of one VM
 * (vm->irq_lock); the callbacks run under that lock.
 *
 * Registers are kept as KVM_GET_LAPIC shows them: one 32-bit register every 16
 * bytes. The timer counts at 1 GHz (one tick a nanosecond) before its divider, or
 * compares with the guest's TSC.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "kvm_abi.h"

/* Offsets in the xAPIC page; x2APIC MSR number = 0x800 + offset / 16. */
#define APIC_ID        0x020
#define APIC_VERSION   0x030
#define APIC_TPR       0x080
#define APIC_APR       0x090
#define APIC_PPR       0x0a0
#define APIC_EOI       0x0b0
#define APIC_RRD       0x0c0
#define APIC_LDR       0x0d0
#define APIC_DFR       0x0e0
#define APIC_SVR       0x0f0
#define APIC_ISR       0x100
#define APIC_TMR       0x180
#define APIC_IRR       0x200
#define APIC_ESR       0x280
#define APIC_ICR_LOW   0x300
#define APIC_ICR_HIGH  0x310
#define APIC_LVT_TIMER 0x320
#define APIC_LVT_THERM 0x330
#define APIC_LVT_PERF  0x340
#define APIC_LVT_LINT0 0x350
#define APIC_LVT_LINT1 0x360
#define APIC_LVT_ERROR 0x370
#define APIC_TMICT     0x380
#define APIC_TMCCT     0x390
#define APIC_TDCR      0x3e0
#define APIC_SELF_IPI  0x3f0

#define APIC_SVR_ENABLED    (1u << 8)
#define APIC_LVT_MASKED     (1u << 16)
#define APIC_LVT_TIMER_MODE (3u << 17)
#define APIC_TIMER_ONESHOT  (0u << 17)
#define APIC_TIMER_PERIODIC (1u << 17)
#define APIC_TIMER_DEADLINE (2u << 17)

#define APIC_ICR_LOGICAL    (1u << 11)
#define APIC_ICR_ASSERT     (1u << 14)
#define APIC_ICR_LEVEL      (1u << 15)
#define APIC_ICR_SHORTHAND  (3u << 18)
#define APIC_ESR_SEND_VECTOR    (1u << 5)
#define APIC_ESR_RECEIVE_VECTOR (1u << 6)
#define APIC_ESR_REGISTER       (1u << 7)

#define APIC_BASE_BSP     (1ULL << 8)
#define APIC_BASE_X2APIC  (1ULL << 10)
#define APIC_BASE_ENABLED (1ULL << 11)
#define APIC_BASE_ADDRESS 0x000ffffffffff000ULL
#define APIC_DEFAULT_BASE 0xfee00000ULL

enum apic_mode { /* delivery modes, as messages and LVT entries encode them */
    APIC_FIXED = 0,
    APIC_LOWEST = 1,
    APIC_SMI = 2,
    APIC_NMI = 4,
    APIC_INIT = 5,
    APIC_STARTUP = 6,
    APIC_EXTINT = 7,
};

enum apic_shorthand { APIC_DEST, APIC_SELF, APIC_ALL, APIC_OTHERS };

#define APIC_BROADCAST 0xffffffffu

/* An interrupt message on its way to local APICs: from an ICR, an IOAPIC pin or an MSI. */
struct apic_msg {
    uint32_t dest; /* APIC_BROADCAST, whatever the sender's own width */
    uint8_t vector;
    uint8_t mode;      /* enum apic_mode */
    uint8_t shorthand; /* enum apic_shorthand */
    bool is_logical;
    bool is_level; /* trigger mode */
    bool is_assert;
};

struct lapic;

struct lapic_ops {
    /* An IPI leaves this APIC. */
    void (*send)(struct lapic *apic, const struct apic_msg *msg);
    /* A level-triggered vector got its EOI: the IOAPICs look at their pins. */
    void (*eoi)(struct lapic *apic, uint8_t vector);
    /* lapic_timer_deadline() has changed. */
    void (*timer_changed)(struct lapic *apic);
};

/* Not vectors, but for the vCPU: lapic->events. */
#define LAPIC_EVENT_NMI  1u
#define LAPIC_EVENT_INIT 2u
#define LAPIC_EVENT_SIPI 4u

struct lapic {
    const struct lapic_ops *ops;
    uint32_t id;
    bool is_bsp;
    uint64_t base; /* IA32_APIC_BASE */
    union {
        uint32_t regs[KVM_APIC_REG_SIZE / 4];
        struct kvm_lapic_state page;
    };
    bool irr_maybe;       /* false: IRR is certainly empty */
    uint32_t esr_pending; /* errors since the last write of ESR */
    uint32_t events;      /* LAPIC_EVENT_* for the vCPU */
    uint8_t sipi_vector;

    uint64_t timer_deadline_ns; /* one-shot and periodic; 0: not running */
    uint64_t timer_period_ns;
    uint64_t tsc_deadline; /* IA32_TSC_DEADLINE; 0: not armed */
};

static inline uint32_t lapic_reg(const struct lapic *apic, unsigned int offset)
{
    return apic->regs[offset / 4];
}

static inline bool lapic_is_enabled(const struct lapic *apic) /* by IA32_APIC_BASE */
{
    return (apic->base & APIC_BASE_ENABLED) != 0;
}

static inline bool lapic_is_x2apic(const struct lapic *apic)
{
    return (apic->base & APIC_BASE_X2APIC) != 0;
}

void lapic_init(struct lapic *apic, uint32_t id, bool is_bsp, const struct lapic_ops *ops);
/* INIT: the registers, not IA32_APIC_BASE. */
void lapic_reset(struct lapic *apic);

/* IA32_APIC_BASE. -EINVAL for reserved bits or a mode change that hardware refuses. */
int lapic_set_base(struct lapic *apic, uint64_t value, bool has_x2apic);
int lapic_restore_base(struct lapic *apic, uint64_t value); /* the VMM's: any mode from any mode */

/* xAPIC page. offset < 4096, any alignment; what is no register reads 0. */
uint32_t lapic_mmio_read(struct lapic *apic, unsigned int offset, uint64_t now_ns);
void lapic_mmio_write(struct lapic *apic, unsigned int offset, uint32_t value, uint64_t now_ns);

/* x2APIC MSRs 800-8FF. -EINVAL: #GP. */
int lapic_msr_read(struct lapic *apic, uint32_t msr, uint64_t now_ns, uint64_t *value);
int lapic_msr_write(struct lapic *apic, uint32_t msr, uint64_t value, uint64_t now_ns);

bool lapic_is_dest(const struct lapic *apic, uint32_t dest, bool is_logical);
/* A message that is for this APIC. 1: taken, 0: (fixed) merged with one that waits, -1: not accepted. */
int lapic_accept(struct lapic *apic, const struct apic_msg *msg);

/* The vector that the CPU should take now, above the processor priority; -1: none. */
int lapic_pending(struct lapic *apic);
/* The CPU takes it: IRR to ISR. */
void lapic_acknowledge(struct lapic *apic, uint8_t vector);
/* The highest requested vector at all, for HLT; -1: none. */
int lapic_highest_irr(const struct lapic *apic);
uint8_t lapic_priority(const struct lapic *apic); /* PPR */
bool lapic_takes_extint(const struct lapic *apic); /* LINT0 lets the PIC's interrupts through */

uint8_t lapic_get_cr8(const struct lapic *apic);
void lapic_set_cr8(struct lapic *apic, uint8_t cr8);

/* Timer: host time at which lapic_timer_expire() should be called; 0: none (or TSC deadline). */
bool lapic_timer_is_tsc(const struct lapic *apic);
void lapic_set_tsc_deadline(struct lapic *apic, uint64_t tsc);
/* The deadline has passed: raise the interrupt, start the next period. */
void lapic_timer_expire(struct lapic *apic, uint64_t now_ns);

/* KVM_GET_LAPIC, KVM_SET_LAPIC */
void lapic_save(const struct lapic *apic, uint64_t now_ns, struct kvm_lapic_state *out);
int lapic_restore(struct lapic *apic, uint64_t now_ns, const struct kvm_lapic_state *in);
