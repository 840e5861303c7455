/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * kvmclock: time for the guest by a page that says how to compute it from the TSC.
 * The host's TSC is invariant, so the page is written once, and again only when
 * something is changed by ring 3. All pages of a VM are computed from one line, taken
 * at its creation and anew when ring 3 sets the clock: no two of them ever disagree.
 * The stable bit says that they are even the same, for a guest that reads one CPU's
 * page on another: that is so while all TSCs are.
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

/* From now on kvmclock shows this. irq_lock is held, so that both clocks are read at the same moment. */
static void set_clock_locked(struct vm *vm, uint64_t clock_ns)
{
    struct kvmclock_line *line = &vm->clock_line;

    assert_locked(&vm->irq_lock);
    line->tsc = rdtsc();
    line->ns = tsc_to_ns(line->tsc);
    line->hz = tsc_hz();
    vm->clock_offset_ns = (int64_t)(clock_ns - line->ns);
}

void kvmclock_init(struct vm *vm)
{
    irqflags_t flags = spin_lock(&vm->irq_lock);

    set_clock_locked(vm, 0);
    vm->tsc_offset = -vm->clock_line.tsc;
    spin_unlock(&vm->irq_lock, flags);
}

/* ---- the TSCs -------------------------------------------------------------------------------- */

static bool are_tscs_equal(struct vm *vm)
{
    assert_locked(&vm->irq_lock);
    for (unsigned int i = 1; i < vm_vcpu_count(vm); i++) {
        if (vm_vcpu(vm, i)->tsc_offset != vm_vcpu(vm, 0)->tsc_offset)
            return false;
    }
    return true;
}

void kvmclock_refresh(struct vm *vm)
{
    for (unsigned int i = 0; i < vm_vcpu_count(vm); i++)
        vcpu_request(vm_vcpu(vm, i), REQ_KVMCLOCK);
}

void kvmclock_set_tsc_offset(struct vcpu *vcpu, uint64_t offset)
{
    bool were_equal = are_tscs_equal(vcpu->vm);

    vcpu->tsc_offset = offset;
    if (are_tscs_equal(vcpu->vm) != were_equal)
        kvmclock_refresh(vcpu->vm);
    else
        vcpu_note(vcpu, REQ_KVMCLOCK);
}

/*
 * Ring 3 writes the TSCs of a VM one after the other and means the same moment. As in KVM a value within
 * a second of what the VM's TSC shows is that TSC, and so is 0, which a reset writes.
 */
uint64_t kvmclock_tsc_offset(struct vm *vm, uint64_t tsc)
{
    uint64_t offset = tsc - rdtsc(), later = offset - vm->tsc_offset;

    assert_locked(&vm->irq_lock);
    if (tsc != 0 && !(vm->has_tsc && later + tsc_hz() < 2 * tsc_hz())) {
        vm->tsc_offset = offset;
        vm->has_tsc = true;
    }
    return vm->tsc_offset;
}

/* ---- the pages ------------------------------------------------------------------------------- */

/* mul and shift such that ticks become nanoseconds; mul is a fraction below 1. */
static void compute_scale(uint64_t hz, uint32_t *mul, int8_t *shift)
{
    uint64_t ns = NSEC_PER_SEC, ticks = hz; /* in a second */
    int8_t s = 0;

    while (ticks > ns * 2) {
        ns <<= 1;
        s--;
    }
    while (ns >= ticks) {
        ticks <<= 1;
        s++;
    }
    for (; ns > UINT32_MAX; ns >>= 1)
        ticks >>= 1;
    *mul = (uint32_t)((ns << 32) / ticks);
    *shift = s;
}

void kvmclock_update(struct vcpu *vcpu)
{
    gpa_t gpa = vcpu->kvmclock_msr & ~KVMCLOCK_ENABLED;
    struct pvclock_vcpu_time_info info = {0};
    struct kvmclock_line line;
    irqflags_t flags;

    if (!(vcpu->kvmclock_msr & KVMCLOCK_ENABLED) || guest_read(vcpu->vm, gpa, &info, sizeof(info)) < 0)
        return;
    info.version = (info.version | 1); /* odd: being written */
    if (guest_write(vcpu->vm, gpa, &info.version, sizeof(info.version)) < 0)
        return;

    flags = spin_lock(&vcpu->vm->irq_lock);
    line = vcpu->vm->clock_line;
    info.system_time = line.ns + (uint64_t)vcpu->vm->clock_offset_ns;
    info.flags = are_tscs_equal(vcpu->vm) ? PVCLOCK_TSC_STABLE_BIT : 0;
    spin_unlock(&vcpu->vm->irq_lock, flags);
    info.tsc_timestamp = line.tsc + vcpu->tsc_offset;
    compute_scale(line.hz, &info.tsc_to_system_mul, &info.tsc_shift);
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
    irqflags_t flags;

    memset(data, 0, sizeof(*data));
    data->clock = kvmclock_now(vm);
    data->realtime = ktime_real_ns();
    data->host_tsc = rdtsc();
    data->flags = KVM_CLOCK_REALTIME | KVM_CLOCK_HOST_TSC;
    flags = spin_lock(&vm->irq_lock);
    data->flags |= are_tscs_equal(vm) ? KVM_CLOCK_TSC_STABLE : 0;
    spin_unlock(&vm->irq_lock, flags);
}

/* vm->lock held. */
int kvmclock_set(struct vm *vm, const struct kvm_clock_data *data)
{
    uint64_t clock = data->clock;
    irqflags_t flags;

    if (data->flags & ~(uint32_t)KVM_CLOCK_REALTIME)
        return -EINVAL;
    if (data->flags & KVM_CLOCK_REALTIME) { /* the time since it was read passes for the guest too */
        uint64_t now = ktime_real_ns();

        if (now > data->realtime)
            clock += now - data->realtime;
    }
    flags = spin_lock(&vm->irq_lock);
    set_clock_locked(vm, clock);
    spin_unlock(&vm->irq_lock, flags);
    kvmclock_refresh(vm);
    return 0;
}
