/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The two 8259 interrupt controllers of a PC, the second on the first's input 2.
 * Pure; the caller serializes (vm->irq_lock). State is kept as KVM_GET_IRQCHIP
 * shows it.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "kvm_abi.h"

struct pic {
    struct kvm_pic_state chip[2]; /* master, slave */
    bool output;                  /* the master's INT pin */
    uint16_t ended;               /* inputs whose service the guest has ended; the owner clears it */
};

void pic_init(struct pic *pic);
/* Input 0-15. 1: a new request, 0: merged with one that is pending, -1: masked. */
int pic_set_line(struct pic *pic, unsigned int irq, bool level);
/* The CPU acknowledges: the vector (spurious if nothing is pending). */
uint8_t pic_acknowledge(struct pic *pic);

/* Ports 20, 21, A0, A1, 4D0, 4D1; false for any other. */
bool pic_owns_port(uint16_t port);
uint8_t pic_read(struct pic *pic, uint16_t port);
void pic_write(struct pic *pic, uint16_t port, uint8_t value);

void pic_restore(struct pic *pic, unsigned int chip, const struct kvm_pic_state *in);
