/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The I/O APIC: which ISA interrupt goes where comes from the MADT; without
 * ACPI tables (Bochs) one is looked for at its usual place, and interrupts keep
 * their numbers except the PIT's.
 */
#include <kernel/log.h>
#include <kernel/mm.h>

#include "x86.h"

#define IOAPIC_DEFAULT 0xfec00000
#define IOAPICS_MAX    8
#define ISA_IRQS       16

#define IOAPIC_SELECT  0x00
#define IOAPIC_WINDOW  0x10
#define IOAPIC_VERSION 1
#define IOAPIC_ENTRY   0x10 /* + 2 * input */

/* Redirection entry, low half */
#define ENTRY_ACTIVE_LOW BIT(13)
#define ENTRY_LEVEL      BIT(15)
#define ENTRY_MASKED     BIT(16)

struct ioapic {
    volatile uint8_t *regs;
    uint32_t first_gsi, inputs;
};

/* ACPI, "Multiple APIC Description Table" */
struct madt {
    struct acpi_header header;
    uint32_t local_apic;
    uint32_t flags;
} __packed;
struct madt_entry {
    uint8_t type, length;
    union {
        struct {
            uint8_t id, reserved;
            uint32_t address, gsi_base;
        } __packed ioapic;
        struct {
            uint8_t bus, source;
            uint32_t gsi;
            uint16_t flags;
        } __packed override;
    };
} __packed;
#define MADT_IOAPIC   1
#define MADT_OVERRIDE 2
/* MPS INTI flags */
#define INTI_POLARITY   0x3
#define INTI_ACTIVE_LOW 0x3
#define INTI_TRIGGER    0xc
#define INTI_LEVEL      0xc

static struct ioapic ioapics[IOAPICS_MAX];
static unsigned ioapic_count;
static struct {
    uint32_t gsi;
    uint32_t flags; /* ENTRY_ACTIVE_LOW, ENTRY_LEVEL */
} isa[ISA_IRQS];

static uint32_t ioapic_read(const struct ioapic *io, unsigned reg)
{
    *(volatile uint32_t *)(io->regs + IOAPIC_SELECT) = reg;
    return *(volatile uint32_t *)(io->regs + IOAPIC_WINDOW);
}

static void ioapic_write(const struct ioapic *io, unsigned reg, uint32_t value)
{
    *(volatile uint32_t *)(io->regs + IOAPIC_SELECT) = reg;
    *(volatile uint32_t *)(io->regs + IOAPIC_WINDOW) = value;
}

static void add(paddr_t pa, uint32_t first_gsi)
{
    struct ioapic *io = &ioapics[ioapic_count];
    uint32_t version;

    if (ioapic_count == IOAPICS_MAX)
        return;
    io->regs = kmap_device(pa, PAGE_SIZE);
    if (io->regs == NULL)
        return;
    version = ioapic_read(io, IOAPIC_VERSION);
    if (version == ~0u || (version & 0xff) == 0)
        return; /* nobody there */
    io->first_gsi = first_gsi;
    io->inputs = (version >> 16 & 0xff) + 1;
    for (unsigned i = 0; i < io->inputs; i++) /* whatever the firmware left */
        ioapic_write(io, IOAPIC_ENTRY + 2 * i, ENTRY_MASKED);
    ioapic_count++;
    log_info("ioapic: at 0x%lx, %u inputs from %u\n", pa, io->inputs, first_gsi);
}

static void add_override(const struct madt_entry *e)
{
    unsigned irq = e->override.source;

    if (irq >= ISA_IRQS)
        return;
    isa[irq].gsi = e->override.gsi;
    isa[irq].flags = 0;
    if ((e->override.flags & INTI_POLARITY) == INTI_ACTIVE_LOW)
        isa[irq].flags |= ENTRY_ACTIVE_LOW;
    if ((e->override.flags & INTI_TRIGGER) == INTI_LEVEL)
        isa[irq].flags |= ENTRY_LEVEL;
}

static void read_madt(const struct madt *madt)
{
    const uint8_t *at = (const uint8_t *)(madt + 1);
    const uint8_t *end = (const uint8_t *)madt + madt->header.length;

    while (at + 2 <= end) {
        const struct madt_entry *e = (const struct madt_entry *)at;

        if (e->length < 2 || at + e->length > end)
            break;
        if (e->type == MADT_IOAPIC && e->length >= 12)
            add(e->ioapic.address, e->ioapic.gsi_base);
        else if (e->type == MADT_OVERRIDE && e->length >= 10)
            add_override(e);
        at += e->length;
    }
}

void x86_ioapic_init(void)
{
    const struct madt *madt = (const struct madt *)acpi_find("APIC");

    for (unsigned i = 0; i < ISA_IRQS; i++)
        isa[i].gsi = i;
    if (cmdline_get("noapic") != NULL) {
        log_info("ioapic: not used (noapic)\n");
        return;
    }
    if (madt != NULL) {
        read_madt(madt);
    } else {
        isa[0].gsi = 2; /* where the PIT has been wired ever since */
        add(IOAPIC_DEFAULT, 0);
    }
    if (ioapic_count == 0)
        log_info("ioapic: none, using the PICs\n");
}

bool x86_ioapic_is_present(void)
{
    return ioapic_count != 0;
}

void x86_ioapic_enable(unsigned isa_irq, uint8_t vector)
{
    uint32_t gsi = isa[isa_irq].gsi;

    for (unsigned i = 0; i < ioapic_count; i++) {
        const struct ioapic *io = &ioapics[i];

        if (gsi < io->first_gsi || gsi - io->first_gsi >= io->inputs)
            continue;
        gsi -= io->first_gsi;
        ioapic_write(io, IOAPIC_ENTRY + 2 * gsi + 1, apic_id() << 24);
        ioapic_write(io, IOAPIC_ENTRY + 2 * gsi, vector | isa[isa_irq].flags);
        return;
    }
    log_warn("ioapic: no input for ISA interrupt %u\n", isa_irq);
}
