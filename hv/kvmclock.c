/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * kvmclock: time for the guest by a page that says how to compute it from the TSC.
 * The host's TSC is calibrated once and invariant, so the page is written once, and
 * again only when something is changed by ring 3; the stable bit is always set.
 *
 *     time = system_time + ((tsc - tsc_timestamp) << shift) * mul >> 32
 */
#include <kernel/time.h>

#include "vm.h"

#define KVMCLOCK_ENABLED 1ULL

uint64_t kvmclock_now(const struct vm *vm)
{
    return ktime_ns() + (uint64_t)vm->clock_offset_ns;
}

/* mul and shift such that ticks of khz become nanoseconds; mul is a fraction below 1. */
static void compute_scale(uint64_t khz, uint32_t *mul, int8_t *shift)
{
    uint64_t ns = 1000000, ticks = khz; /* in a millisecond */
    int8_t s = 0;

    while (ticks > ns * 2) {
        ns <<= 1;
        s--;
    }
    while (ns >= ticks) {
        ticks <<= 1;
        s++;
    }
    *mul = (uint32_t)((ns << 32) / ticks);
    *shift = s;
}

void kvmclock_update(struct vcpu *vcpu)
{
    gpa_t gpa = vcpu->kvmclock_msr & ~KVMCLOCK_ENABLED;
    struct pvclock_vcpu_time_info info = {0};
    uint64_t tsc, now_ns;
    irqflags_t flags;

    if (!(vcpu->kvmclock_msr & KVMCLOCK_ENABLED) || guest_read(vcpu->vm, gpa, &info, sizeof(info)) < 0)
        return;
    info.version = (info.version | 1); /* odd: being written */
    if (guest_write(vcpu->vm, gpa, &info.version, sizeof(info.version)) < 0)
        return;

    flags = irq_save(); /* both clocks at the same moment */
    tsc = rdtsc();
    now_ns = tsc_to_ns(tsc);
    irq_restore(flags);
    info.tsc_timestamp = tsc + vcpu->tsc_offset;
    info.system_time = now_ns + (uint64_t)vcpu->vm->clock_offset_ns;
    compute_scale(tsc_khz(), &info.tsc_to_system_mul, &info.tsc_shift);
    info.flags = PVCLOCK_TSC_STABLE_BIT;
    if (vcpu->kvmclock_stopped) {
        info.flags |= PVCLOCK_GUEST_STOPPED;
        vcpu->kvmclock_stopped = false;
    }
    if (guest_write(vcpu->vm, gpa, &info, sizeof(info)) < 0)
        return;
    info.version++;
    if (guest_write(vcpu->vm, gpa, &info.version, sizeof(info.version)) < 0)
        return; /* ring 3 took the page away meanwhile */
}

int kvmclock_set_msr(struct vcpu *vcpu, uint64_t value)
{
    vcpu->kvmclock_msr = value;
    if (value & KVMCLOCK_ENABLED)
        vcpu_note(vcpu, REQ_KVMCLOCK);
    return 0;
}

/* Wall-clock time at which kvmclock was zero. */
void kvmclock_write_wall(struct vcpu *vcpu, uint64_t gpa)
{
    uint64_t boot_ns = ktime_real_ns() - kvmclock_now(vcpu->vm);
    struct pvclock_wall_clock wall = {0};

    vcpu->wall_clock_msr = gpa;
    if (gpa == 0 || guest_read(vcpu->vm, gpa, &wall.version, sizeof(wall.version)) < 0)
        return;
    wall.version |= 1;
    if (guest_write(vcpu->vm, gpa, &wall.version, sizeof(wall.version)) < 0)
        return;
    wall.sec = (uint32_t)(boot_ns / NSEC_PER_SEC);
    wall.nsec = (uint32_t)(boot_ns % NSEC_PER_SEC);
    if (guest_write(vcpu->vm, gpa, &wall, sizeof(wall)) < 0)
        return;
    wall.version++;
    if (guest_write(vcpu->vm, gpa, &wall.version, sizeof(wall.version)) < 0)
        return;
}

void kvmclock_get(struct vm *vm, struct kvm_clock_data *data)
{
    memset(data, 0, sizeof(*data));
    data->clock = kvmclock_now(vm);
    data->realtime = ktime_real_ns();
    data->host_tsc = rdtsc();
    data->flags = KVM_CLOCK_TSC_STABLE | KVM_CLOCK_REALTIME | KVM_CLOCK_HOST_TSC;
}

/* vm->lock held. */
int kvmclock_set(struct vm *vm, const struct kvm_clock_data *data)
{
    uint64_t clock = data->clock;

    if (data->flags & ~(uint32_t)KVM_CLOCK_REALTIME)
        return -EINVAL;
    if (data->flags & KVM_CLOCK_REALTIME) { /* the time since it was read passes for the guest too */
        uint64_t now = ktime_real_ns();

        if (now > data->realtime)
            clock += now - data->realtime;
    }
    vm->clock_offset_ns = (int64_t)(clock - ktime_ns());
    for (unsigned int i = 0; i < vm_vcpu_count(vm); i++)
        vcpu_request(vm_vcpu(vm, i), REQ_KVMCLOCK);
    return 0;
}
