/* SPDX-License-Identifier: BSD-2-Clause */
/* The build host's own headers, as a table for test_kvm_abi.c. */
#include <stddef.h>
#include <stdint.h>

#include <linux/kvm.h>
#include <linux/kvm_para.h>
#include <asm/kvm_para.h>

#include "kvm_abi_test.h"

/* Not in the user-space headers: fixed by the text of the guest interface. */
#define PVCLOCK_TSC_STABLE_BIT (1 << 0)
#define PVCLOCK_GUEST_STOPPED  (1 << 1)
struct pvclock_vcpu_time_info {
    uint32_t version;
    uint32_t pad0;
    uint64_t tsc_timestamp;
    uint64_t system_time;
    uint32_t tsc_to_system_mul;
    int8_t tsc_shift;
    uint8_t flags;
    uint8_t pad[2];
} __attribute__((packed));
struct pvclock_wall_clock {
    uint32_t version;
    uint32_t sec;
    uint32_t nsec;
} __attribute__((packed));
struct kvm_abi_debug {
    uint32_t control;
    uint32_t pad;
    uint64_t debugreg[8];
};
_Static_assert(sizeof(struct kvm_abi_debug) == sizeof(struct kvm_guest_debug), "layout");
#define debugreg arch.debugreg /* our struct has the member directly */

const struct abi_fact abi_linux[] = {
#include "kvm_abi_list.h"
};
