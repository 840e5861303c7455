/* SPDX-License-Identifier: BSD-2-Clause */
/* The I/O APIC; see ioapic.h. Registers: "82093AA I/O Advanced Programmable Interrupt Controller". */
#include "ioapic.h"

#include "platform.h"

#define IOREGSEL 0x00
#define IOWIN    0x10

#define IOAPIC_ID      0x00
#define IOAPIC_VERSION 0x01
#define IOAPIC_ARB     0x02
#define IOAPIC_TABLE   0x10

#define IOAPIC_VERSION_VALUE (0x11u | (KVM_IOAPIC_NUM_PINS - 1) << 16)

/* Redirection table entry */
#define REDIR_VECTOR     0x00000000000000ffULL
#define REDIR_MODE       0x0000000000000700ULL
#define REDIR_LOGICAL    0x0000000000000800ULL
#define REDIR_STATUS     0x0000000000001000ULL
#define REDIR_REMOTE_IRR 0x0000000000004000ULL
#define REDIR_LEVEL      0x0000000000008000ULL
#define REDIR_MASKED     0x0000000000010000ULL
#define REDIR_READ_ONLY  (REDIR_STATUS | REDIR_REMOTE_IRR)

void ioapic_init(struct ioapic *ioapic, const struct ioapic_ops *ops)
{
    *ioapic = (struct ioapic){.ops = ops};
    for (unsigned int pin = 0; pin < KVM_IOAPIC_NUM_PINS; pin++)
        ioapic->redirect[pin] = REDIR_MASKED;
}

/* The pin's input is asserted: send its message unless something forbids it. */
static int service(struct ioapic *ioapic, unsigned int pin)
{
    uint64_t entry = ioapic->redirect[pin];
    uint32_t dest = (uint32_t)(entry >> 56);
    struct apic_msg msg = {
        .dest = dest == 0xff ? APIC_BROADCAST : dest,
        .vector = entry & REDIR_VECTOR,
        .mode = (entry & REDIR_MODE) >> 8,
        .is_logical = (entry & REDIR_LOGICAL) != 0,
        .is_level = (entry & REDIR_LEVEL) != 0,
        .is_assert = true,
    };
    bool is_taken;

    if (entry & REDIR_MASKED)
        return -1;
    if ((entry & REDIR_LEVEL) && (entry & REDIR_REMOTE_IRR))
        return 0;
    is_taken = ioapic->ops->send(ioapic, &msg);
    if (is_taken && (entry & REDIR_LEVEL))
        ioapic->redirect[pin] |= REDIR_REMOTE_IRR;
    return is_taken;
}

int ioapic_set_line(struct ioapic *ioapic, unsigned int pin, bool level)
{
    uint32_t bit = 1u << pin;
    bool was_asserted = (ioapic->lines & bit) != 0;

    if (!level) {
        ioapic->lines &= ~bit;
        return 1;
    }
    ioapic->lines |= bit;
    if (was_asserted && !(ioapic->redirect[pin] & REDIR_LEVEL))
        return 0; /* no new edge */
    return service(ioapic, pin);
}

void ioapic_eoi(struct ioapic *ioapic, uint8_t vector)
{
    for (unsigned int pin = 0; pin < KVM_IOAPIC_NUM_PINS; pin++) {
        uint64_t *entry = &ioapic->redirect[pin];

        if ((*entry & REDIR_VECTOR) != vector || !(*entry & REDIR_LEVEL) ||
            !(*entry & REDIR_REMOTE_IRR))
            continue;
        *entry &= ~REDIR_REMOTE_IRR;
        ioapic->ops->acknowledged(ioapic, pin); /* may lower the line */
        if (ioapic->lines & (1u << pin))
            (void)service(ioapic, pin);
    }
}

static void write_entry(struct ioapic *ioapic, unsigned int pin, bool is_high, uint32_t value)
{
    uint64_t old = ioapic->redirect[pin];
    uint64_t new = is_high ? (uint64_t)value << 32 | (uint32_t)old : (old & ~0xffffffffULL) | value;

    new = (new & ~REDIR_READ_ONLY) | (old & REDIR_READ_ONLY);
    new &= 0xff0000000001ffffULL;
    if (!(new & REDIR_LEVEL))
        new &= ~REDIR_REMOTE_IRR;
    ioapic->redirect[pin] = new;
    if ((new & REDIR_LEVEL) && (ioapic->lines & (1u << pin)))
        (void)service(ioapic, pin);
}

uint32_t ioapic_read(struct ioapic *ioapic, unsigned int offset)
{
    unsigned int index = ioapic->select;

    if (offset == IOREGSEL)
        return ioapic->select;
    if (offset != IOWIN)
        return 0;
    switch (index) {
    case IOAPIC_VERSION:
        return IOAPIC_VERSION_VALUE;
    case IOAPIC_ID:
    case IOAPIC_ARB:
        return (ioapic->id & 0xf) << 24;
    default:
        break;
    }
    if (index < IOAPIC_TABLE || index >= IOAPIC_TABLE + 2 * KVM_IOAPIC_NUM_PINS)
        return 0;
    index -= IOAPIC_TABLE;
    return (uint32_t)(ioapic->redirect[index / 2] >> (index & 1 ? 32 : 0));
}

void ioapic_write(struct ioapic *ioapic, unsigned int offset, uint32_t value)
{
    unsigned int index = ioapic->select;

    if (offset == IOREGSEL) {
        ioapic->select = value & 0xff;
        return;
    }
    if (offset != IOWIN)
        return;
    if (index == IOAPIC_ID)
        ioapic->id = (value >> 24) & 0xf;
    else if (index >= IOAPIC_TABLE && index < IOAPIC_TABLE + 2 * KVM_IOAPIC_NUM_PINS)
        write_entry(ioapic, (index - IOAPIC_TABLE) / 2, (index - IOAPIC_TABLE) & 1, value);
}

void ioapic_save(const struct ioapic *ioapic, struct kvm_ioapic_state *out)
{
    memset(out, 0, sizeof(*out));
    out->base_address = IOAPIC_BASE;
    out->ioregsel = ioapic->select;
    out->id = ioapic->id;
    out->irr = ioapic->lines;
    memcpy(out->redirtbl, ioapic->redirect, sizeof(ioapic->redirect));
}

void ioapic_restore(struct ioapic *ioapic, const struct kvm_ioapic_state *in)
{
    ioapic->select = in->ioregsel & 0xff;
    ioapic->id = in->id & 0xf;
    ioapic->lines = 0;
    memcpy(ioapic->redirect, in->redirtbl, sizeof(ioapic->redirect));
    for (unsigned int pin = 0; pin < KVM_IOAPIC_NUM_PINS; pin++) {
        if (in->irr & (1u << pin))
            (void)ioapic_set_line(ioapic, pin, true);
    }
}
