/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The local APIC; see lapic.h. Names and behaviour: SDM vol. 3, "Advanced
 * Programmable Interrupt Controller".
 */
#include "lapic.h"

#include "platform.h"

#define APIC_VERSION_VALUE 0x00050014u /* six LVT entries, integrated APIC */

/*
 * A periodic timer may not ask for more interrupts than a host can give: a guest
 * could otherwise hold its CPU with timer work alone.
 */
#define TIMER_MIN_PERIOD_NS 200000ULL

static uint32_t *reg(struct lapic *apic, unsigned int offset)
{
    return &apic->regs[offset / 4];
}

/* ---- vector bitmaps: eight words, 16 bytes apart ---------------------------------- */

static void vector_set(struct lapic *apic, unsigned int map, uint8_t vector)
{
    *reg(apic, map + (vector >> 5) * 16) |= 1u << (vector & 31);
}

static void vector_clear(struct lapic *apic, unsigned int map, uint8_t vector)
{
    *reg(apic, map + (vector >> 5) * 16) &= ~(1u << (vector & 31));
}

static bool vector_test(const struct lapic *apic, unsigned int map, uint8_t vector)
{
    return (lapic_reg(apic, map + (vector >> 5) * 16) >> (vector & 31)) & 1;
}

static int vector_highest(const struct lapic *apic, unsigned int map)
{
    for (int word = 7; word >= 0; word--) {
        uint32_t bits = lapic_reg(apic, map + (unsigned int)word * 16);

        if (bits != 0)
            return word * 32 + 31 - __builtin_clz(bits);
    }
    return -1;
}

/* ---- priorities ------------------------------------------------------------------- */

uint8_t lapic_priority(const struct lapic *apic)
{
    int isr = vector_highest(apic, APIC_ISR);
    uint8_t tpr = (uint8_t)lapic_reg(apic, APIC_TPR);

    if (isr >= 0 && (isr & 0xf0) > (tpr & 0xf0))
        return (uint8_t)(isr & 0xf0);
    return tpr;
}

static bool is_software_enabled(const struct lapic *apic)
{
    return (lapic_reg(apic, APIC_SVR) & APIC_SVR_ENABLED) != 0;
}

int lapic_highest_irr(const struct lapic *apic)
{
    return apic->irr_maybe ? vector_highest(apic, APIC_IRR) : -1;
}

int lapic_pending(struct lapic *apic)
{
    int vector;

    if (!apic->irr_maybe || !lapic_is_enabled(apic) || !is_software_enabled(apic))
        return -1;
    vector = vector_highest(apic, APIC_IRR);
    if (vector < 0) {
        apic->irr_maybe = false;
        return -1;
    }
    return (vector & 0xf0) > (lapic_priority(apic) & 0xf0) ? vector : -1;
}

void lapic_acknowledge(struct lapic *apic, uint8_t vector)
{
    vector_clear(apic, APIC_IRR, vector);
    vector_set(apic, APIC_ISR, vector);
}

static void end_of_interrupt(struct lapic *apic)
{
    int vector = vector_highest(apic, APIC_ISR);

    if (vector < 0)
        return;
    vector_clear(apic, APIC_ISR, (uint8_t)vector);
    if (vector_test(apic, APIC_TMR, (uint8_t)vector))
        apic->ops->eoi(apic, (uint8_t)vector);
}

uint8_t lapic_get_cr8(const struct lapic *apic)
{
    return (uint8_t)((lapic_reg(apic, APIC_TPR) & 0xf0) >> 4);
}

void lapic_set_cr8(struct lapic *apic, uint8_t cr8)
{
    *reg(apic, APIC_TPR) = (uint32_t)(cr8 & 0xf) << 4;
}

bool lapic_takes_extint(const struct lapic *apic)
{
    uint32_t lvt = lapic_reg(apic, APIC_LVT_LINT0);

    if (!lapic_is_enabled(apic))
        return true; /* the INTR pin goes straight to the CPU */
    return !(lvt & APIC_LVT_MASKED) && ((lvt >> 8) & 7) == APIC_EXTINT;
}

/* ---- accepting messages ----------------------------------------------------------- */

bool lapic_is_dest(const struct lapic *apic, uint32_t dest, bool is_logical)
{
    uint32_t ldr = lapic_reg(apic, APIC_LDR);

    if (dest == APIC_BROADCAST)
        return true;
    if (!is_logical)
        return dest == apic->id;
    if (lapic_is_x2apic(apic))
        return (ldr >> 16) == (dest >> 16) && (ldr & dest & 0xffff) != 0;
    if (dest > 0xff)
        return false;
    ldr >>= 24;
    switch (lapic_reg(apic, APIC_DFR) >> 28) {
    case 0xf: /* flat */
        return (ldr & dest) != 0;
    case 0x0: /* cluster */
        return (ldr >> 4) == (dest >> 4) && (ldr & dest & 0xf) != 0;
    default:
        return false;
    }
}

static int accept_vector(struct lapic *apic, uint8_t vector, bool is_level)
{
    bool was_pending;

    if (!lapic_is_enabled(apic) || !is_software_enabled(apic))
        return -1;
    if (vector < 16) {
        apic->esr_pending |= APIC_ESR_RECEIVE_VECTOR;
        return -1;
    }
    was_pending = vector_test(apic, APIC_IRR, vector);
    if (is_level)
        vector_set(apic, APIC_TMR, vector);
    else
        vector_clear(apic, APIC_TMR, vector);
    vector_set(apic, APIC_IRR, vector);
    apic->irr_maybe = true;
    return !was_pending;
}

int lapic_accept(struct lapic *apic, const struct apic_msg *msg)
{
    switch (msg->mode) {
    case APIC_FIXED:
    case APIC_LOWEST:
        return accept_vector(apic, msg->vector, msg->is_level);
    case APIC_NMI:
        apic->events |= LAPIC_EVENT_NMI;
        return 1;
    case APIC_INIT:
        if (msg->is_level && !msg->is_assert)
            return -1; /* INIT level de-assert: only for old external APICs */
        apic->events = (apic->events & ~LAPIC_EVENT_SIPI) | LAPIC_EVENT_INIT;
        return 1;
    case APIC_STARTUP:
        apic->sipi_vector = msg->vector;
        apic->events |= LAPIC_EVENT_SIPI;
        return 1;
    default: /* SMI, ExtINT by message: not there */
        return -1;
    }
}

/* An entry of the local vector table fires. */
static void lvt_deliver(struct lapic *apic, unsigned int offset)
{
    uint32_t lvt = lapic_reg(apic, offset);
    struct apic_msg msg = {
        .vector = (uint8_t)lvt,
        .mode = offset == APIC_LVT_TIMER || offset == APIC_LVT_ERROR ? APIC_FIXED : (lvt >> 8) & 7,
        .is_assert = true,
    };

    if (lapic_is_enabled(apic) && !(lvt & APIC_LVT_MASKED))
        (void)lapic_accept(apic, &msg);
}

static void raise_error(struct lapic *apic, uint32_t bit)
{
    apic->esr_pending |= bit;
    lvt_deliver(apic, APIC_LVT_ERROR);
}

/* ---- sending --------------------------------------------------------------------------- */

static void send_icr(struct lapic *apic, uint32_t low, uint32_t dest)
{
    struct apic_msg msg = {
        .dest = dest,
        .vector = (uint8_t)low,
        .mode = (low >> 8) & 7,
        .shorthand = (low & APIC_ICR_SHORTHAND) >> 18,
        .is_logical = (low & APIC_ICR_LOGICAL) != 0,
        .is_level = (low & APIC_ICR_LEVEL) != 0,
        .is_assert = (low & APIC_ICR_ASSERT) != 0,
    };

    if ((msg.mode == APIC_FIXED || msg.mode == APIC_LOWEST) && msg.vector < 16) {
        raise_error(apic, APIC_ESR_SEND_VECTOR);
        return;
    }
    if (msg.mode != APIC_INIT)
        msg.is_level = false; /* IPIs other than INIT are edges */
    apic->ops->send(apic, &msg);
}

/* ---- timer --------------------------------------------------------------------------------- */

static uint32_t timer_mode(const struct lapic *apic)
{
    return lapic_reg(apic, APIC_LVT_TIMER) & APIC_LVT_TIMER_MODE;
}

bool lapic_timer_is_tsc(const struct lapic *apic)
{
    return timer_mode(apic) == APIC_TIMER_DEADLINE;
}

/* TDCR bits 0, 1 and 3: 2, 4, 8, ... 128, 1. */
static unsigned int timer_shift(const struct lapic *apic)
{
    uint32_t tdcr = lapic_reg(apic, APIC_TDCR);

    return ((tdcr & 3) | ((tdcr & 8) >> 1)) == 7 ? 0 : ((tdcr & 3) | ((tdcr & 8) >> 1)) + 1;
}

static void timer_stop(struct lapic *apic)
{
    apic->timer_deadline_ns = 0;
    apic->tsc_deadline = 0;
    apic->ops->timer_changed(apic);
}

/* A guest's timer must not take all of the host's time. */
static uint64_t granted_period(uint64_t period_ns)
{
    return period_ns < TIMER_MIN_PERIOD_NS ? TIMER_MIN_PERIOD_NS : period_ns;
}

static void timer_begin(struct lapic *apic, uint64_t now_ns)
{
    uint64_t period = (uint64_t)lapic_reg(apic, APIC_TMICT) << timer_shift(apic);

    if (period == 0) {
        timer_stop(apic);
        return;
    }
    if (timer_mode(apic) == APIC_TIMER_PERIODIC)
        period = granted_period(period);
    apic->timer_period_ns = period;
    apic->timer_deadline_ns = now_ns + period;
    apic->ops->timer_changed(apic);
}

static uint32_t timer_count(const struct lapic *apic, uint64_t now_ns)
{
    uint64_t left;

    if (apic->timer_deadline_ns == 0 || lapic_timer_is_tsc(apic))
        return 0;
    if (apic->timer_deadline_ns > now_ns)
        left = apic->timer_deadline_ns - now_ns;
    else if (timer_mode(apic) == APIC_TIMER_PERIODIC)
        left = apic->timer_period_ns - (now_ns - apic->timer_deadline_ns) % apic->timer_period_ns;
    else
        return 0;
    return (uint32_t)(left >> timer_shift(apic));
}

void lapic_set_tsc_deadline(struct lapic *apic, uint64_t tsc)
{
    if (!lapic_timer_is_tsc(apic))
        return;
    apic->tsc_deadline = tsc;
    apic->ops->timer_changed(apic);
}

void lapic_timer_expire(struct lapic *apic, uint64_t now_ns)
{
    if (lapic_timer_is_tsc(apic)) {
        if (apic->tsc_deadline == 0)
            return;
        apic->tsc_deadline = 0;
    } else {
        if (apic->timer_deadline_ns == 0 || apic->timer_deadline_ns > now_ns)
            return;
        if (timer_mode(apic) == APIC_TIMER_PERIODIC) {
            uint64_t missed;

            /* A single shot that became periodic while it ran may be quicker than we let it. */
            apic->timer_period_ns = granted_period(apic->timer_period_ns);
            missed = (now_ns - apic->timer_deadline_ns) / apic->timer_period_ns;
            apic->timer_deadline_ns += (missed + 1) * apic->timer_period_ns;
        } else {
            apic->timer_deadline_ns = 0;
        }
    }
    lvt_deliver(apic, APIC_LVT_TIMER);
    apic->ops->timer_changed(apic);
}

/* ---- registers ---------------------------------------------------------------------------------- */

/* Writable bits of the local vector table. */
static uint32_t lvt_mask(unsigned int offset)
{
    switch (offset) {
    case APIC_LVT_TIMER:
        return 0x000100ff | APIC_LVT_TIMER_MODE;
    case APIC_LVT_THERM:
    case APIC_LVT_PERF:
        return 0x000107ff;
    case APIC_LVT_LINT0:
    case APIC_LVT_LINT1:
        return 0x0001a7ff;
    default:
        return 0x000100ff;
    }
}

static void write_lvt(struct lapic *apic, unsigned int offset, uint32_t value)
{
    uint32_t old = lapic_reg(apic, offset);

    value &= lvt_mask(offset);
    if (!is_software_enabled(apic))
        value |= APIC_LVT_MASKED;
    if (offset == APIC_LVT_TIMER && (value & APIC_LVT_TIMER_MODE) == APIC_LVT_TIMER_MODE)
        value &= ~APIC_LVT_TIMER_MODE; /* reserved: as one-shot */
    *reg(apic, offset) = value;

    if (offset == APIC_LVT_TIMER &&
        ((old ^ value) & APIC_TIMER_DEADLINE)) { /* to or from TSC deadline: disarmed */
        *reg(apic, APIC_TMICT) = 0;
        timer_stop(apic);
    }
}

static void write_svr(struct lapic *apic, uint32_t value)
{
    *reg(apic, APIC_SVR) = value & 0x3ff;
    if (is_software_enabled(apic))
        return;
    for (unsigned int offset = APIC_LVT_TIMER; offset <= APIC_LVT_ERROR; offset += 16)
        *reg(apic, offset) |= APIC_LVT_MASKED;
}

/* The divider changed while the timer runs: what is left counts at the new rate. */
static void write_tdcr(struct lapic *apic, uint32_t value, uint64_t now_ns)
{
    uint64_t left = timer_count(apic, now_ns);

    *reg(apic, APIC_TDCR) = value & 0xb;
    if (apic->timer_deadline_ns == 0)
        return;
    timer_begin(apic, now_ns);
    apic->timer_deadline_ns = now_ns + (left << timer_shift(apic));
    apic->ops->timer_changed(apic);
}

/* Registers that both modes have. False: this one does not exist. */
static bool write_register(struct lapic *apic, unsigned int offset, uint32_t value, uint64_t now_ns)
{
    switch (offset) {
    case APIC_TPR:
        *reg(apic, APIC_TPR) = value & 0xff;
        return true;
    case APIC_EOI:
        end_of_interrupt(apic);
        return true;
    case APIC_SVR:
        write_svr(apic, value);
        return true;
    case APIC_ESR:
        *reg(apic, APIC_ESR) = apic->esr_pending;
        apic->esr_pending = 0;
        return true;
    case APIC_LVT_TIMER:
    case APIC_LVT_THERM:
    case APIC_LVT_PERF:
    case APIC_LVT_LINT0:
    case APIC_LVT_LINT1:
    case APIC_LVT_ERROR:
        write_lvt(apic, offset, value);
        return true;
    case APIC_TMICT:
        if (lapic_timer_is_tsc(apic))
            return true;
        *reg(apic, APIC_TMICT) = value;
        timer_begin(apic, now_ns);
        return true;
    case APIC_TDCR:
        write_tdcr(apic, value, now_ns);
        return true;
    default:
        return false;
    }
}

static bool read_register(const struct lapic *apic, unsigned int offset, uint64_t now_ns, uint32_t *value)
{
    switch (offset) {
    case APIC_PPR:
        *value = lapic_priority(apic);
        return true;
    case APIC_TMCCT:
        *value = timer_count(apic, now_ns);
        return true;
    case APIC_ID:
    case APIC_VERSION:
    case APIC_TPR:
    case APIC_LDR:
    case APIC_SVR:
    case APIC_ISR ... APIC_ESR: /* ISR, TMR, IRR, ESR */
    case APIC_ICR_LOW:
    case APIC_ICR_HIGH:
    case APIC_LVT_TIMER ... APIC_TMICT:
    case APIC_TDCR:
        *value = lapic_reg(apic, offset);
        return true;
    default:
        return false;
    }
}

uint32_t lapic_mmio_read(struct lapic *apic, unsigned int offset, uint64_t now_ns)
{
    unsigned int aligned = offset & 0xff0;
    uint32_t value = 0;

    if (offset >= KVM_APIC_REG_SIZE)
        return 0;
    if (aligned == APIC_APR || aligned == APIC_RRD)
        value = 0;
    else if (aligned == APIC_DFR)
        value = lapic_reg(apic, APIC_DFR);
    else if (!read_register(apic, aligned, now_ns, &value))
        apic->esr_pending |= APIC_ESR_REGISTER;
    return (offset & 0xf) < 4 ? value >> ((offset & 3) * 8) : 0;
}

void lapic_mmio_write(struct lapic *apic, unsigned int offset, uint32_t value, uint64_t now_ns)
{
    if (offset & 0xf || offset >= KVM_APIC_REG_SIZE)
        return; /* only the register's own doubleword takes a write */
    switch (offset) {
    case APIC_LDR:
        *reg(apic, APIC_LDR) = value & 0xff000000;
        break;
    case APIC_DFR:
        *reg(apic, APIC_DFR) = value | 0x0fffffff;
        break;
    case APIC_ICR_HIGH:
        *reg(apic, APIC_ICR_HIGH) = value & 0xff000000;
        break;
    case APIC_ICR_LOW: {
        uint32_t dest = lapic_reg(apic, APIC_ICR_HIGH) >> 24;

        *reg(apic, APIC_ICR_LOW) = value & 0x000ccfff;
        send_icr(apic, value, dest == 0xff ? APIC_BROADCAST : dest);
        break;
    }
    default:
        if (!write_register(apic, offset, value, now_ns))
            apic->esr_pending |= APIC_ESR_REGISTER;
        break;
    }
}

int lapic_msr_read(struct lapic *apic, uint32_t msr, uint64_t now_ns, uint64_t *value)
{
    unsigned int offset = (msr - 0x800) * 16;
    uint32_t low;

    if (!lapic_is_x2apic(apic) || offset >= KVM_APIC_REG_SIZE)
        return -EINVAL;
    switch (offset) {
    case APIC_ICR_LOW:
        *value = (uint64_t)lapic_reg(apic, APIC_ICR_HIGH) << 32 | lapic_reg(apic, APIC_ICR_LOW);
        return 0;
    case APIC_ICR_HIGH:
    case APIC_EOI:
    case APIC_SELF_IPI:
        return -EINVAL;
    default:
        if (!read_register(apic, offset, now_ns, &low))
            return -EINVAL;
        *value = low;
        return 0;
    }
}

/* Bits that are reserved in a 32-bit x2APIC register. */
static bool is_valid_x2apic_value(unsigned int offset, uint64_t value)
{
    switch (offset) {
    case APIC_EOI:
    case APIC_ESR:
        return value == 0;
    case APIC_TPR:
    case APIC_SELF_IPI:
        return value <= 0xff;
    case APIC_SVR:
        return (value & ~0x13ffULL) == 0;
    default:
        return value <= UINT32_MAX;
    }
}

int lapic_msr_write(struct lapic *apic, uint32_t msr, uint64_t value, uint64_t now_ns)
{
    unsigned int offset = (msr - 0x800) * 16;

    if (!lapic_is_x2apic(apic) || offset >= KVM_APIC_REG_SIZE)
        return -EINVAL;
    switch (offset) {
    case APIC_ICR_LOW:
        if (value & 0xfff32000)
            return -EINVAL;
        *reg(apic, APIC_ICR_LOW) = (uint32_t)value;
        *reg(apic, APIC_ICR_HIGH) = (uint32_t)(value >> 32);
        send_icr(apic, (uint32_t)value, (uint32_t)(value >> 32));
        return 0;
    case APIC_SELF_IPI:
        if (!is_valid_x2apic_value(offset, value))
            return -EINVAL;
        send_icr(apic, (uint32_t)value | APIC_SELF << 18, 0);
        return 0;
    default:
        if (!is_valid_x2apic_value(offset, value) ||
            !write_register(apic, offset, (uint32_t)value, now_ns))
            return -EINVAL;
        return 0;
    }
}

/* ---- modes, reset, state ------------------------------------------------------------------------- */

/* ID and LDR follow from the mode; in x2APIC mode both are read-only. */
static void derive_id(struct lapic *apic)
{
    if (lapic_is_x2apic(apic)) {
        *reg(apic, APIC_ID) = apic->id;
        *reg(apic, APIC_LDR) = (apic->id >> 4) << 16 | 1u << (apic->id & 0xf);
    } else {
        *reg(apic, APIC_ID) = apic->id << 24;
    }
}

void lapic_reset(struct lapic *apic)
{
    memset(apic->regs, 0, sizeof(apic->regs));
    derive_id(apic);
    *reg(apic, APIC_VERSION) = APIC_VERSION_VALUE;
    *reg(apic, APIC_DFR) = 0xffffffff;
    *reg(apic, APIC_SVR) = 0xff;
    for (unsigned int offset = APIC_LVT_TIMER; offset <= APIC_LVT_ERROR; offset += 16)
        *reg(apic, offset) = APIC_LVT_MASKED;
    if (apic->is_bsp) /* virtual wire, as firmware would leave it: guests start without one */
        *reg(apic, APIC_LVT_LINT0) = APIC_EXTINT << 8;
    apic->irr_maybe = false;
    apic->esr_pending = 0;
    timer_stop(apic);
}

void lapic_init(struct lapic *apic, uint32_t id, bool is_bsp, const struct lapic_ops *ops)
{
    *apic = (struct lapic){.ops = ops, .id = id, .is_bsp = is_bsp};
    apic->base = APIC_DEFAULT_BASE | APIC_BASE_ENABLED | (is_bsp ? APIC_BASE_BSP : 0);
    lapic_reset(apic);
}

int lapic_restore_base(struct lapic *apic, uint64_t value)
{
    uint64_t mode = value & (APIC_BASE_X2APIC | APIC_BASE_ENABLED);
    uint64_t changed = apic->base ^ value;

    if ((value & ~(APIC_BASE_ADDRESS | APIC_BASE_BSP | APIC_BASE_X2APIC | APIC_BASE_ENABLED)) ||
        mode == APIC_BASE_X2APIC)
        return -EINVAL;
    apic->base = value;
    if (changed & APIC_BASE_X2APIC) {
        if (mode == APIC_BASE_ENABLED)
            *reg(apic, APIC_LDR) = 0;
        derive_id(apic);
    }
    return 0;
}

int lapic_set_base(struct lapic *apic, uint64_t value, bool has_x2apic)
{
    bool was_x2apic = lapic_is_x2apic(apic), is_x2apic = (value & APIC_BASE_X2APIC) != 0;
    bool was_enabled = lapic_is_enabled(apic), is_enabled = (value & APIC_BASE_ENABLED) != 0;
    int err;

    if (is_x2apic && (!has_x2apic || !was_enabled))
        return -EINVAL; /* only from xAPIC mode */
    if (was_x2apic && !is_x2apic && is_enabled)
        return -EINVAL; /* back only through disabled */
    err = lapic_restore_base(apic, value);
    if (err == 0 && was_enabled && !is_enabled)
        lapic_reset(apic);
    return err;
}

void lapic_save(const struct lapic *apic, uint64_t now_ns, struct kvm_lapic_state *out)
{
    uint32_t *regs = (uint32_t *)(void *)out->regs;

    memcpy(out, &apic->page, sizeof(*out));
    regs[APIC_PPR / 4] = lapic_priority(apic);
    regs[APIC_TMCCT / 4] = timer_count(apic, now_ns);
    regs[APIC_ID / 4] = apic->id << 24; /* in xAPIC format whatever the mode */
}

int lapic_restore(struct lapic *apic, uint64_t now_ns, const struct kvm_lapic_state *in)
{
    const uint32_t *regs = (const uint32_t *)(const void *)in->regs;
    uint64_t tsc_deadline = apic->tsc_deadline;

    memcpy(&apic->page, in, sizeof(*in));
    derive_id(apic); /* the id is the vCPU's; what the image says of it is ignored */
    *reg(apic, APIC_VERSION) = APIC_VERSION_VALUE;
    *reg(apic, APIC_TPR) &= 0xff;
    *reg(apic, APIC_SVR) &= 0x3ff;
    *reg(apic, APIC_TDCR) &= 0xb;
    if (!lapic_is_x2apic(apic))
        *reg(apic, APIC_DFR) |= 0x0fffffff;
    for (unsigned int offset = APIC_LVT_TIMER; offset <= APIC_LVT_ERROR; offset += 16)
        *reg(apic, offset) &= lvt_mask(offset);
    if (timer_mode(apic) == APIC_LVT_TIMER_MODE)
        *reg(apic, APIC_LVT_TIMER) &= ~APIC_LVT_TIMER_MODE;
    apic->irr_maybe = true;

    timer_stop(apic);
    if (lapic_timer_is_tsc(apic)) {
        lapic_set_tsc_deadline(apic, tsc_deadline);
    } else if (regs[APIC_TMICT / 4] != 0 && (regs[APIC_TMCCT / 4] != 0 ||
                                             timer_mode(apic) == APIC_TIMER_PERIODIC)) {
        uint64_t left = (uint64_t)regs[APIC_TMCCT / 4] << timer_shift(apic);

        timer_begin(apic, now_ns);
        if (left != 0 && left < apic->timer_period_ns)
            apic->timer_deadline_ns = now_ns + left;
        apic->ops->timer_changed(apic);
    }
    return 0;
}
