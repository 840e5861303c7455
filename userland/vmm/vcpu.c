/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A vCPU is a thread that calls KVM_RUN. The kernel handles what it can; the rest
 * comes back here as an exit: port and memory accesses go to the buses, anything
 * else means that the guest is over.
 *
 * To stop it, somebody sets immediate_exit and sends SIGUSR1: the signal makes a
 * KVM_RUN that is under way return, the flag one that is about to begin.
 */
#include "vm.h"

#include "report.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>

#define CPUID_MAX_ENTRIES 256
#define KICK_SIGNAL       SIGUSR1

#define MSR_IA32_MISC_ENABLE  0x1a0u
#define MISC_ENABLE_FAST_STRINGS 1u
#define MSR_MTRR_DEF_TYPE     0x2ffu
#define MTRR_ENABLE_WRITEBACK 0x806u

/* Local APIC registers ("SDM vol. 3, Local Vector Table"). */
#define APIC_LVT_LINT0 0x350u
#define APIC_LVT_LINT1 0x360u
#define APIC_MODE_NMI    0x400u
#define APIC_MODE_EXTINT 0x700u

/* ---- set-up --------------------------------------------------------------- */

static void set_cpuid(struct vcpu *vcpu)
{
    int kvm_fd = vcpu->vm->outside->kvm_fd;
    bool tsc_deadline = ioctl(kvm_fd, KVM_CHECK_EXTENSION, KVM_CAP_TSC_DEADLINE_TIMER) > 0;
    struct kvm_cpuid2 *cpuid;

    cpuid = calloc(1, sizeof(*cpuid) + CPUID_MAX_ENTRIES * sizeof(cpuid->entries[0]));
    if (cpuid == NULL)
        die("not enough memory for the monitor itself");
    cpuid->nent = CPUID_MAX_ENTRIES;
    if (ioctl(kvm_fd, KVM_GET_SUPPORTED_CPUID, cpuid) < 0)
        die("cannot read what the VM's CPU may be: %s", strerror(errno));
    cpuid_prepare(cpuid, vcpu->id, vcpu->vm->outside->options->cpus, tsc_deadline);
    if (ioctl(vcpu->fd, KVM_SET_CPUID2, cpuid) < 0)
        die("cannot set what the VM's CPU is: %s", strerror(errno));
    free(cpuid);
}

/* What firmware would have left in the CPU. KVM may not know the one or other MSR: no harm. */
static void set_msrs(struct vcpu *vcpu)
{
    struct {
        struct kvm_msrs head;
        struct kvm_msr_entry entries[2];
    } msrs = {
        .head.nmsrs = 2,
        .entries = {
            { .index = MSR_MTRR_DEF_TYPE, .data = MTRR_ENABLE_WRITEBACK },
            { .index = MSR_IA32_MISC_ENABLE, .data = MISC_ENABLE_FAST_STRINGS },
        },
    };

    if (ioctl(vcpu->fd, KVM_SET_MSRS, &msrs) < 0)
        die("cannot set up the VM's CPU (MSRs): %s", strerror(errno));
}

/* "Virtual wire mode": the PIC's output reaches the CPU through LINT0, as after a PC's firmware. */
static void set_lapic(struct vcpu *vcpu)
{
    const uint32_t lint0 = APIC_MODE_EXTINT, lint1 = APIC_MODE_NMI;
    struct kvm_lapic_state lapic;

    if (ioctl(vcpu->fd, KVM_GET_LAPIC, &lapic) < 0)
        die("cannot read the VM's local APIC: %s", strerror(errno));
    memcpy(lapic.regs + APIC_LVT_LINT0, &lint0, sizeof(lint0));
    memcpy(lapic.regs + APIC_LVT_LINT1, &lint1, sizeof(lint1));
    if (ioctl(vcpu->fd, KVM_SET_LAPIC, &lapic) < 0)
        die("cannot set up the VM's local APIC: %s", strerror(errno));
}

static void set_registers(struct vcpu *vcpu)
{
    struct kvm_regs regs;
    struct kvm_sregs sregs;

    if (ioctl(vcpu->fd, KVM_GET_SREGS, &sregs) < 0)
        die("cannot read the VM's CPU: %s", strerror(errno));
    linux_entry_state(&vcpu->vm->outside->image, &regs, &sregs);
    if (ioctl(vcpu->fd, KVM_SET_SREGS, &sregs) < 0 || ioctl(vcpu->fd, KVM_SET_REGS, &regs) < 0)
        die("cannot set up the VM's CPU: %s", strerror(errno));
}

void vcpu_create(struct vcpu *vcpu, struct vm *vm, unsigned id)
{
    int size = ioctl(vm->outside->kvm_fd, KVM_GET_VCPU_MMAP_SIZE, 0);

    vcpu->vm = vm;
    vcpu->id = id;
    vcpu->fd = ioctl(vm->fd, KVM_CREATE_VCPU, (unsigned long)id);
    if (vcpu->fd < 0)
        die("cannot create CPU %u of the VM: %s", id, strerror(errno));
    if (size < (int)sizeof(*vcpu->run))
        die("cannot map CPU %u of the VM: KVM gives an impossible size (%d)", id, size);
    vcpu->run_size = (size_t)size;
    vcpu->run = mmap(NULL, vcpu->run_size, PROT_READ | PROT_WRITE, MAP_SHARED, vcpu->fd, 0);
    if (vcpu->run == MAP_FAILED)
        die("cannot map CPU %u of the VM: %s", id, strerror(errno));

    set_cpuid(vcpu);
    set_msrs(vcpu);
    set_lapic(vcpu);
    if (id == 0)
        set_registers(vcpu); /* the others wait for the guest to start them */
}

void vcpu_destroy(struct vcpu *vcpu)
{
    munmap(vcpu->run, vcpu->run_size);
    close(vcpu->fd);
}

/* ---- exits ------------------------------------------------------------------ */

static void exit_io(struct vcpu *vcpu)
{
    struct kvm_run *run = vcpu->run;
    uint8_t *data = (uint8_t *)run + run->io.data_offset;
    struct vm *vm = vcpu->vm;

    pthread_mutex_lock(&vm->lock);
    for (uint32_t i = 0; i < run->io.count; i++, data += run->io.size) {
        if (run->io.direction == KVM_EXIT_IO_OUT)
            bus_write(&vm->ports, run->io.port, data, run->io.size);
        else
            bus_read(&vm->ports, run->io.port, data, run->io.size);
    }
    pthread_mutex_unlock(&vm->lock);
}

static void exit_mmio(struct vcpu *vcpu)
{
    struct kvm_run *run = vcpu->run;
    struct vm *vm = vcpu->vm;

    pthread_mutex_lock(&vm->lock);
    if (run->mmio.is_write)
        bus_write(&vm->memory_bus, run->mmio.phys_addr, run->mmio.data, run->mmio.len);
    else
        bus_read(&vm->memory_bus, run->mmio.phys_addr, run->mmio.data, run->mmio.len);
    pthread_mutex_unlock(&vm->lock);
}

static void end(struct vcpu *vcpu, enum vm_end how, const char *why)
{
    pthread_mutex_lock(&vcpu->vm->lock);
    vm_end_locked(vcpu->vm, how, "%s", why);
    pthread_mutex_unlock(&vcpu->vm->lock);
}

static void exit_shutdown(struct vcpu *vcpu)
{
    end(vcpu, VM_TRIPLE_FAULT, "guest shut itself down: triple fault");
}

static void exit_system_event(struct vcpu *vcpu)
{
    switch (vcpu->run->system_event.type) {
    case KVM_SYSTEM_EVENT_SHUTDOWN:
        end(vcpu, VM_POWERED_OFF, "powered off");
        return;
    case KVM_SYSTEM_EVENT_RESET:
        end(vcpu, VM_RESTARTED, "restarted by a system event");
        return;
    default:
        end(vcpu, VM_CRASHED, "guest reported that it has crashed");
    }
}

static uint64_t guest_rip(struct vcpu *vcpu)
{
    struct kvm_regs regs;

    return ioctl(vcpu->fd, KVM_GET_REGS, &regs) == 0 ? regs.rip : 0;
}

static void exit_internal_error(struct vcpu *vcpu)
{
    const struct kvm_run *run = vcpu->run;
    char why[128];

    if (run->internal.suberror == KVM_INTERNAL_ERROR_EMULATION)
        snprintf(why, sizeof(why),
                 "guest executed an instruction that cannot be emulated at rip 0x%llx",
                 (unsigned long long)guest_rip(vcpu));
    else
        snprintf(why, sizeof(why), "internal error %u of the hypervisor at rip 0x%llx",
                 run->internal.suberror, (unsigned long long)guest_rip(vcpu));
    end(vcpu, VM_CRASHED, why);
}

static void exit_fail_entry(struct vcpu *vcpu)
{
    char why[128];

    snprintf(why, sizeof(why), "the CPU refused to run the guest (hardware reason 0x%llx)",
             (unsigned long long)vcpu->run->fail_entry.hardware_entry_failure_reason);
    end(vcpu, VM_CRASHED, why);
}

static void (*const exit_handlers[])(struct vcpu *) = {
    [KVM_EXIT_IO] = exit_io,
    [KVM_EXIT_MMIO] = exit_mmio,
    [KVM_EXIT_SHUTDOWN] = exit_shutdown,
    [KVM_EXIT_FAIL_ENTRY] = exit_fail_entry,
    [KVM_EXIT_INTERNAL_ERROR] = exit_internal_error,
    [KVM_EXIT_SYSTEM_EVENT] = exit_system_event,
};

static void handle_exit(struct vcpu *vcpu)
{
    uint32_t reason = vcpu->run->exit_reason;
    char why[96];

    if (reason < sizeof(vcpu->exits) / sizeof(vcpu->exits[0]))
        vcpu->exits[reason]++;
    if (reason < sizeof(exit_handlers) / sizeof(exit_handlers[0]) && exit_handlers[reason] != NULL) {
        exit_handlers[reason](vcpu);
        return;
    }
    snprintf(why, sizeof(why), "guest left its CPU in a way that is not known here (KVM exit %u)",
             reason);
    end(vcpu, VM_CRASHED, why);
}

static void *vcpu_thread(void *arg)
{
    struct vcpu *vcpu = arg;
    struct vm *vm = vcpu->vm;
    char why[96];

    while (vm->end == VM_RUNNING) {
        if (ioctl(vcpu->fd, KVM_RUN, 0) == 0) {
            handle_exit(vcpu);
        } else if (errno != EINTR && errno != EAGAIN) {
            snprintf(why, sizeof(why), "the kernel stopped running the guest: %s",
                     strerror(errno));
            end(vcpu, VM_CRASHED, why);
        }
    }
    return NULL;
}

/* ---- threads ---------------------------------------------------------------- */

static void kicked(int signal)
{
    (void)signal; /* to interrupt KVM_RUN is all it is for */
}

void vcpu_start(struct vcpu *vcpu)
{
    const struct sigaction action = { .sa_handler = kicked };
    sigset_t all_but_kick, before;
    int err;

    sigaction(KICK_SIGNAL, &action, NULL);
    sigfillset(&all_but_kick);
    sigdelset(&all_but_kick, KICK_SIGNAL);
    pthread_sigmask(SIG_SETMASK, &all_but_kick, &before);
    err = pthread_create(&vcpu->thread, NULL, vcpu_thread, vcpu);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    if (err != 0)
        die("cannot start a thread for CPU %u of the VM: %s", vcpu->id, strerror(err));
    vcpu->has_thread = true;
}

void vcpu_join(struct vcpu *vcpu)
{
    pthread_join(vcpu->thread, NULL);
    vcpu->has_thread = false;
}

void vcpu_kick(struct vcpu *vcpu)
{
    vcpu->run->immediate_exit = 1;
    if (vcpu->has_thread && !pthread_equal(vcpu->thread, pthread_self()))
        pthread_kill(vcpu->thread, KICK_SIGNAL);
}
