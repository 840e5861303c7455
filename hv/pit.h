/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The 8254 timer and port 0x61. Pure: every call is told the time; the caller
 * serializes (vm->irq_lock) and keeps a timer for pit_deadline().
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "kvm_abi.h"

struct pit {
    struct kvm_pit_channel_state channel[3]; /* count_load_time in ns */
    uint32_t flags;                          /* KVM_PIT_FLAGS_* */
    bool owns_speaker_port;                  /* KVM_PIT_SPEAKER_DUMMY */
    uint64_t deadline_ns;                    /* next rising edge of channel 0's output; 0: none */
    uint64_t period_ns;                      /* 0: one-shot */
};

void pit_init(struct pit *pit, uint64_t now_ns);
bool pit_owns_port(const struct pit *pit, uint16_t port);
uint8_t pit_read(struct pit *pit, uint16_t port, uint64_t now_ns);
void pit_write(struct pit *pit, uint16_t port, uint8_t value, uint64_t now_ns);

/* Channel 0's output rises at this time, which is IRQ 0; 0: not by itself. */
static inline uint64_t pit_deadline(const struct pit *pit)
{
    return pit->deadline_ns;
}
/* The deadline has passed: compute the next. True: pulse IRQ 0. */
bool pit_expire(struct pit *pit, uint64_t now_ns);

void pit_save(const struct pit *pit, struct kvm_pit_state2 *out);
void pit_restore(struct pit *pit, const struct kvm_pit_state2 *in, uint64_t now_ns);
