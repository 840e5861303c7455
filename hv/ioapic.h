/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The I/O APIC, version 0x11, 24 pins. Pure; the caller serializes (vm->irq_lock).
 * Pin polarity is ignored: level 1 is "asserted", as KVM's users expect.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "kvm_abi.h"
#include "lapic.h"

#define IOAPIC_BASE 0xfec00000ULL
#define IOAPIC_SIZE 0x100

struct ioapic;

struct ioapic_ops {
    /* Send a message to the local APICs; true if one took it. */
    bool (*send)(struct ioapic *ioapic, const struct apic_msg *msg);
    /* The guest has ended a level-triggered interrupt on this pin. */
    void (*acknowledged)(struct ioapic *ioapic, unsigned int pin);
};

struct ioapic {
    const struct ioapic_ops *ops;
    uint32_t select;
    uint32_t id;
    uint32_t lines; /* asserted inputs */
    uint64_t redirect[KVM_IOAPIC_NUM_PINS];
};

void ioapic_init(struct ioapic *ioapic, const struct ioapic_ops *ops);
uint32_t ioapic_read(struct ioapic *ioapic, unsigned int offset);
void ioapic_write(struct ioapic *ioapic, unsigned int offset, uint32_t value);

/* Change an input. 1: delivered, 0: merged with one that is pending, -1: masked. */
int ioapic_set_line(struct ioapic *ioapic, unsigned int pin, bool level);
void ioapic_eoi(struct ioapic *ioapic, uint8_t vector);

void ioapic_save(const struct ioapic *ioapic, struct kvm_ioapic_state *out);
void ioapic_restore(struct ioapic *ioapic, const struct kvm_ioapic_state *in);
