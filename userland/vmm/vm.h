/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A virtual machine: what KVM holds of it, and its devices.
 *
 * Threads: one per vCPU, which runs the guest and the devices it touches
 * (vcpu.c), and the main thread, which moves bytes between the outside and the
 * UARTs (io.c). Whoever touches a device, a sink or `end` holds `lock`.
 *
 * A struct vm lives from one start of the guest to the next: a reboot makes a new
 * one around the same guest memory, so nothing of the old machine is left in it.
 * Protection: [I] fixed before the vCPUs run, [l] by lock.
 */
#pragma once

#include "devices.h"
#include "guest_status.h"
#include "linux_boot.h"
#include "memory.h"
#include "options.h"
#include "serial.h"
#include "sink.h"

#include <pthread.h>
#include <stdatomic.h>

enum vm_end {
    VM_RUNNING,
    VM_POWERED_OFF,
    VM_RESTARTED,    /* by a reset register */
    VM_TRIPLE_FAULT, /* also a restart, unless it happens again and again */
    VM_CRASHED,
    VM_STOPPED       /* from outside */
};

/* Outlives reboots: owned by main(). */
struct outside {
    const struct options *options;
    struct linux_image image;
    struct guest_memory memory;
    struct sink console, log;
    struct guest_status status; /* what the guest's command said */
    int kvm_fd;
    int input_fd;  /* console input; -1: none or at its end */
    int wake_fd;   /* eventfd: the main thread has something new to look at */
};

struct vm;

struct vcpu {
    struct vm *vm;
    unsigned id;
    int fd;
    struct kvm_run *run;
    size_t run_size;
    pthread_t thread;
    bool has_thread;
    uint64_t exits[64]; /* by KVM_EXIT_*, for --stats */
};

struct vm {
    struct outside *outside; /* [I] */
    int fd;                  /* [I] */
    pthread_mutex_t lock;
    struct bus ports, memory_bus; /* [l] */
    struct machine_ops machine;   /* [I] */
    struct serial console, log;   /* [l] */
    struct serial_irq {
        struct vm *vm;
        unsigned irq;
    } console_irq, log_irq; /* [I] */
    struct cmos cmos;       /* [l] */
    struct i8042 i8042;     /* [l] */
    struct pci pci;         /* [l] */
    struct acpi_pm acpi_pm; /* [l] */
    struct vcpu vcpus[VMM_MAX_CPUS]; /* [I] but for what their threads own */
    unsigned ncpus;                  /* [I] */
    bool input_blocked;     /* [l] the main thread waits for room in the console's UART */
    char log_input[64];     /* [l] for the second UART, as far as its FIFO had no room */
    size_t log_input_length;
    atomic_int end;                  /* [l] to write: enum vm_end */
    char reason[192];                /* [l] why it ended, in words */
};

/* Open /dev/kvm and check that it is what the monitor needs; die() says what is missing. */
int kvm_open(void);

/* Build the machine around the outside's memory and load the kernel; die()s. */
void vm_create(struct vm *vm, struct outside *outside);
void vm_destroy(struct vm *vm);

void vm_set_irq(struct vm *vm, unsigned irq, bool high);

/* The first caller decides how the VM ends; every vCPU then leaves the guest. Needs lock. */
void vm_end_locked(struct vm *vm, enum vm_end end, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));

/* Make the main thread look around. */
void outside_wake(const struct outside *outside);

/* vcpu.c */
void vcpu_create(struct vcpu *vcpu, struct vm *vm, unsigned id);
void vcpu_start(struct vcpu *vcpu); /* in a thread of its own */
void vcpu_kick(struct vcpu *vcpu);  /* make it leave the guest */
void vcpu_join(struct vcpu *vcpu);  /* wait for its thread; the VM has ended */
void vcpu_destroy(struct vcpu *vcpu);

/* cpuid.c: what KVM supports, made into what this vCPU is. */
void cpuid_prepare(struct kvm_cpuid2 *cpuid, unsigned id, unsigned ncpus, bool tsc_deadline);

/* io.c: serve the outside until the VM ends. */
void io_loop(struct vm *vm);
