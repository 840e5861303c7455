/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The tables of Intel's MultiProcessor Specification 1.4, for guests that do not
 * read ACPI: processors, one ISA bus, one IO-APIC whose input n is IRQ n, and the
 * two local interrupt pins (LINT0: the PIC, LINT1: NMI).
 */
#include "firmware.h"

#include <string.h>

struct __attribute__((packed)) mp_pointer {
    char signature[4];
    uint32_t table;
    uint8_t length; /* in units of 16 bytes */
    uint8_t revision;
    uint8_t checksum;
    uint8_t features[5];
};
_Static_assert(sizeof(struct mp_pointer) == 16, "MP: Floating Pointer Structure");

struct __attribute__((packed)) mp_header {
    char signature[4];
    uint16_t length;
    uint8_t revision;
    uint8_t checksum;
    char oem_id[8];
    char product_id[12];
    uint32_t oem_table;
    uint16_t oem_table_size;
    uint16_t entries;
    uint32_t lapic_address;
    uint16_t extended_length;
    uint8_t extended_checksum;
    uint8_t reserved;
};
_Static_assert(sizeof(struct mp_header) == 44, "MP: Configuration Table Header");

struct __attribute__((packed)) mp_processor {
    uint8_t type, apic_id, apic_version, flags;
    uint32_t signature, features;
    uint64_t reserved;
};

struct __attribute__((packed)) mp_bus {
    uint8_t type, id;
    char name[6];
};

struct __attribute__((packed)) mp_ioapic {
    uint8_t type, id, version, flags;
    uint32_t address;
};

struct __attribute__((packed)) mp_interrupt {
    uint8_t type, kind;
    uint16_t flags;
    uint8_t bus, irq, apic, pin;
};

enum { MP_PROCESSOR, MP_BUS, MP_IOAPIC, MP_INTERRUPT, MP_LOCAL_INTERRUPT };
enum { KIND_INT = 0, KIND_NMI = 1, KIND_EXTINT = 3 };

#define MP_ENABLED     0x01u
#define MP_BOOT_CPU    0x02u
#define APIC_VERSION   0x14u
#define IOAPIC_VERSION 0x11u
#define ISA_IRQS       16
#define ALL_APICS      0xff
#define ACTIVE_HIGH_LEVEL 0x000du
#define SCI_IRQ        9

static void *add(uint8_t **at, struct mp_header *header, const void *entry, size_t size)
{
    void *to = *at;

    memcpy(to, entry, size);
    *at += size;
    header->entries++;
    return to;
}

size_t mptable_build(uint8_t *buffer, size_t size, unsigned ncpus)
{
    const struct mp_bus isa = { .type = MP_BUS, .name = { 'I', 'S', 'A', ' ', ' ', ' ' } };
    const struct mp_ioapic ioapic = { .type = MP_IOAPIC, .id = (uint8_t)ncpus,
                                      .version = IOAPIC_VERSION, .flags = MP_ENABLED,
                                      .address = IOAPIC_BASE };
    const struct mp_interrupt lint[2] = {
        { .type = MP_LOCAL_INTERRUPT, .kind = KIND_EXTINT, .apic = ALL_APICS, .pin = 0 },
        { .type = MP_LOCAL_INTERRUPT, .kind = KIND_NMI, .apic = ALL_APICS, .pin = 1 },
    };
    struct mp_pointer *pointer = (struct mp_pointer *)buffer;
    struct mp_header *header = (struct mp_header *)(pointer + 1);
    uint8_t *at = (uint8_t *)(header + 1);
    size_t total = sizeof(*pointer) + sizeof(*header) + ncpus * sizeof(struct mp_processor) +
                   sizeof(isa) + sizeof(ioapic) + ISA_IRQS * sizeof(struct mp_interrupt) +
                   sizeof(lint);

    if (total > size)
        return 0;
    memset(buffer, 0, total);

    for (unsigned i = 0; i < ncpus; i++) {
        const struct mp_processor cpu = {
            .type = MP_PROCESSOR, .apic_id = (uint8_t)i, .apic_version = APIC_VERSION,
            .flags = (uint8_t)(MP_ENABLED | (i == 0 ? MP_BOOT_CPU : 0)),
        };
        add(&at, header, &cpu, sizeof(cpu));
    }
    add(&at, header, &isa, sizeof(isa));
    add(&at, header, &ioapic, sizeof(ioapic));
    for (unsigned irq = 0; irq < ISA_IRQS; irq++) {
        const struct mp_interrupt input = {
            .type = MP_INTERRUPT, .kind = KIND_INT, .irq = (uint8_t)irq, .apic = (uint8_t)ncpus,
            .flags = irq == SCI_IRQ ? ACTIVE_HIGH_LEVEL : 0, .pin = (uint8_t)irq,
        };
        add(&at, header, &input, sizeof(input));
    }
    add(&at, header, &lint[0], sizeof(lint[0]));
    add(&at, header, &lint[1], sizeof(lint[1]));

    memcpy(header->signature, "PCMP", 4);
    header->length = (uint16_t)(at - (uint8_t *)header);
    header->revision = 4;
    memcpy(header->oem_id, "BULKHEAD", 8);
    memcpy(header->product_id, "VMM         ", 12);
    header->lapic_address = LAPIC_BASE;
    header->checksum = (uint8_t)-checksum8(header, header->length);

    memcpy(pointer->signature, "_MP_", 4);
    pointer->table = LOW_MPTABLE + sizeof(*pointer);
    pointer->length = 1;
    pointer->revision = 4;
    pointer->checksum = (uint8_t)-checksum8(pointer, sizeof(*pointer));
    return total;
}
