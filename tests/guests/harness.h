/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What the tests of kvmtest are written with: a machine with one CPU and 4 MiB of
 * RAM, made through /dev/kvm and nothing else, and functions that let it run to its
 * next exit and compare. A failed comparison ends the test (its process) with a
 * "not ok" line; so tests read straight down.
 *
 * A guest is a flat binary at GUEST_CODE. It says what it sees with OUT to port
 * REPORT; guest.inc is its side of this file.
 */
#pragma once

#include <linux/kvm.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define GUEST_RAM   (4u << 20)
#define GUEST_GDT   0x1000u
#define GUEST_PML4  0x2000u /* and what hangs off it, to 0x8000: 4 GiB one to one */
#define GUEST_CODE  0x8000u
#define GUEST_STACK 0x20000u /* grows down */
#define GUEST_DATA  0x40000u /* where guests and tests exchange more than a number */
#define HOLE        0x10000000u /* a guest-physical address where nothing is */
#define REPORT      0x10u

enum machine_mode { REAL_MODE, PROTECTED_MODE, LONG_MODE };
enum machine_irqs { NO_IRQCHIP, IRQCHIP }; /* IRQCHIP: PICs, IO-APIC, local APIC, PIT */

struct machine {
    int vm, vcpu;
    struct kvm_run *run;
    size_t run_size;
    uint8_t *ram;
};

/* Every guest image: guest_NAME and guest_NAME_end, from NAME.asm. */
#define DECLARE_GUEST(name) extern const uint8_t guest_##name[], guest_##name##_end[];
#define GUEST(name)         guest_##name, (size_t)(guest_##name##_end - guest_##name)

extern int kvm_fd; /* /dev/kvm */

void machine_init(struct machine *m, enum machine_mode mode, enum machine_irqs irqs,
                  const uint8_t *image, size_t size);

/* Take a slot of guest-physical memory; flags as in KVM_SET_USER_MEMORY_REGION. Returns errno. */
int machine_set_slot(struct machine *m, uint32_t slot, uint32_t flags, uint64_t gpa, uint64_t size,
                     void *host);
void *pages_alloc(size_t size); /* zeroed, page aligned */

/* Run until the CPU comes back with an exit (a signal is not one). */
void machine_run(struct machine *m);
/* The same, but for a limited time; returns whether there was an exit. */
bool machine_run_for(struct machine *m, unsigned milliseconds);
/* The same as machine_run(), but the exit must be of this kind. */
void machine_run_to(struct machine *m, uint32_t exit_reason);

/* Run to an OUT of one value and compare it; or to any value, which is returned. */
void expect_out(struct machine *m, uint16_t port, unsigned size, uint64_t value);
void expect_report(struct machine *m, uint32_t value);
uint32_t next_report(struct machine *m);
/* Run to an IN of one value and answer it. */
void answer_in(struct machine *m, uint16_t port, unsigned size, uint64_t value);
void expect_mmio_write(struct machine *m, uint64_t address, unsigned size, uint64_t value);
void answer_mmio_read(struct machine *m, uint64_t address, unsigned size, uint64_t value);

/* KVM_RUN must be ended by a signal that comes after some milliseconds. */
void expect_interrupted(struct machine *m);

void set_irq(struct machine *m, unsigned irq, int level);
struct kvm_regs get_regs(struct machine *m);
struct kvm_sregs get_sregs(struct machine *m);

/* An ioctl that must succeed, or fail with this errno (0: succeed). Returns its result. */
#define must(fd, request, ...) check_ioctl(__LINE__, #request, 0, fd, request, (uintptr_t)(__VA_ARGS__))
#define must_fail(error, fd, request, ...) \
    check_ioctl(__LINE__, #request, error, fd, request, (uintptr_t)(__VA_ARGS__))
int check_ioctl(int line, const char *name, int error, int fd, unsigned long request,
                uintptr_t argument);

#define check_equal(what, got, wanted) \
    check_equal_at(__LINE__, what, (uint64_t)(got), (uint64_t)(wanted))
void check_equal_at(int line, const char *what, uint64_t got, uint64_t wanted);

/* End the test. */
_Noreturn void fail(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
_Noreturn void skip(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

struct test {
    const char *name;
    void (*run)(void);
};

/* One array per file of tests, ended by a test without a name. */
extern const struct test api_tests[], mode_tests[], port_tests[], mmio_tests[], fault_tests[],
    cpu_tests[], irq_tests[], memory_tests[], hostile_tests[];

#include "guest_list.h"
GUEST_LIST(DECLARE_GUEST)
