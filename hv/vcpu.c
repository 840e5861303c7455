/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Virtual CPUs: KVM_RUN. A vCPU is whichever thread is in KVM_RUN on its file.
 *
 * The loop, and who may interfere: everything that could keep the guest from running
 * on is either a bit in vcpu->requests or a bit in the thread's work, and both are
 * looked at with interrupts off right before the entry. Whoever sets one afterwards
 * sends an interrupt, which ends the guest's run at once:
 *
 *     requester                       vCPU's thread
 *     requests |= bit                 guest_cpu = this CPU + 1, interrupts off
 *     guest_cpu != 0? send IPI        requests or work? leave; else enter
 *
 * A signal makes KVM_RUN return -EINTR with KVM_EXIT_INTR, always with the guest
 * between two instructions; nothing is restarted.
 */
#include <kernel/cgroup.h>
#include <kernel/files.h>
#include <kernel/signal.h>
#include <kernel/trap.h>
#include <kernel/uaccess.h>

#include "msr.h"
#include "vm.h"

#define DR7_ENABLED 0xffu

/* ---- requests --------------------------------------------------------------------------- */

void vcpu_kick(struct vcpu *vcpu)
{
    uint32_t cpu;

    if (__atomic_load_n(&vcpu->is_waiting, __ATOMIC_SEQ_CST))
        wake_up(&vcpu->wq);
    cpu = __atomic_load_n(&vcpu->guest_cpu, __ATOMIC_SEQ_CST);
    if (cpu != 0 && cpu - 1 != cpu_number())
        ipi_send(cpu - 1, IPI_KICK);
}

void vcpu_request(struct vcpu *vcpu, uint32_t requests)
{
    __atomic_fetch_or(&vcpu->requests, requests, __ATOMIC_SEQ_CST);
    vcpu_kick(vcpu);
}

static uint32_t take_requests(struct vcpu *vcpu)
{
    if (likely(__atomic_load_n(&vcpu->requests, __ATOMIC_RELAXED) == 0))
        return 0;
    return __atomic_exchange_n(&vcpu->requests, 0, __ATOMIC_SEQ_CST);
}

/* ---- on and off this CPU ------------------------------------------------------------------- */

/*
 * RDTSCP and RDPID show TSC_AUX, and neither back end exchanges it: it is the guest's from
 * load() to unload(). Linux keeps the CPU's number there, in guests as in us, so that with
 * one vCPU on the first CPU there is mostly nothing to write.
 */
void tsc_aux_load(const struct vcpu *vcpu)
{
    if (cpu_has_rdtscp())
        wrmsr(MSR_TSC_AUX, vcpu->tsc_aux);
}

static void load(struct vcpu *vcpu)
{
    unsigned int cpu = cpu_number();

    vcpu->vm->ops->load(vcpu);
    if (vcpu->tsc_aux != cpu_number())
        tsc_aux_load(vcpu);
    if (vcpu->last_cpu != cpu + 1) { /* this CPU may keep old translations under the same tag */
        vcpu->needs_flush = true;
        vcpu->last_cpu = cpu + 1;
    }
}

static void unload(struct vcpu *vcpu)
{
    vcpu->vm->ops->put(vcpu);
    if (vcpu->tsc_aux != cpu_number())
        cpu_set_tsc_aux();
}

/* For ioctls other than KVM_RUN: no sleeping until vcpu_put(). */
void vcpu_load(struct vcpu *vcpu)
{
    irqflags_t flags = irq_save();

    load(vcpu);
    irq_restore(flags);
}

void vcpu_put(struct vcpu *vcpu)
{
    irqflags_t flags = irq_save();

    unload(vcpu);
    irq_restore(flags);
}

static void switch_out(struct switch_hooks *hooks)
{
    struct vcpu *vcpu = container_of(hooks, struct vcpu, hooks);

    fpu_guest_save(vcpu);
    unload(vcpu);
}

static void switch_in(struct switch_hooks *hooks)
{
    load(container_of(hooks, struct vcpu, hooks)); /* the FPU follows before the next entry */
}

/* From here to run_end() this thread's CPU is lent to the guest. */
static void run_begin(struct vcpu *vcpu)
{
    irqflags_t flags = irq_save();

    load(vcpu);
    current->hooks = &vcpu->hooks;
    vcpu->is_running = true;
    irq_restore(flags);
}

static void run_end(struct vcpu *vcpu)
{
    irqflags_t flags = irq_save();

    current->hooks = NULL;
    vcpu->is_running = false;
    fpu_guest_save(vcpu);
    unload(vcpu);
    irq_restore(flags);
}

/* ---- events before the entry ------------------------------------------------------------------ */

static bool can_inject_irq(const struct vcpu *vcpu)
{
    return (vcpu->regs.rflags & EFLAGS_IF) && vcpu->irq_shadow == 0;
}

static bool can_inject_nmi(const struct vcpu *vcpu)
{
    return !vcpu->nmi_blocked && vcpu->irq_shadow == 0;
}

/* Choose what the next entry injects, and ask for a window for what has to wait. */
static void prepare_events(struct vcpu *vcpu)
{
    int vector;

    vcpu->want_nmi_window = false;
    vcpu->want_irq_window = false;
    if (vcpu->nmi_pending) {
        if (vcpu->inject.type == EVENT_NONE && can_inject_nmi(vcpu)) {
            vcpu->inject = (struct vcpu_event){.type = EVENT_NMI, .vector = 2};
            vcpu->nmi_pending = false;
        } else {
            vcpu->want_nmi_window = true;
        }
    }
    if (vcpu->inject.type != EVENT_NONE || !can_inject_irq(vcpu)) {
        vcpu->want_irq_window = irq_is_pending(vcpu);
        return;
    }
    vector = irq_take(vcpu);
    if (vector < 0)
        return;
    vcpu->inject = (struct vcpu_event){.type = EVENT_INTR, .vector = (uint8_t)vector};
    vcpu->want_irq_window = irq_is_pending(vcpu); /* the next one, as soon as this one is through */
}

/* INIT, SIPI and NMI, as the APIC noted them. */
static void take_apic_events(struct vcpu *vcpu)
{
    irqflags_t flags = spin_lock(&vcpu->vm->irq_lock);
    uint32_t events = vcpu->lapic.events;
    uint8_t sipi_vector = vcpu->lapic.sipi_vector;

    vcpu->lapic.events = 0;
    spin_unlock(&vcpu->vm->irq_lock, flags);

    if (events & LAPIC_EVENT_NMI)
        vcpu->nmi_pending = true;
    if (events & LAPIC_EVENT_INIT) {
        vcpu_reset(vcpu, true);
        vcpu->mp_state = vcpu->lapic.is_bsp ? KVM_MP_STATE_RUNNABLE : KVM_MP_STATE_INIT_RECEIVED;
    }
    if ((events & LAPIC_EVENT_SIPI) && vcpu->mp_state == KVM_MP_STATE_INIT_RECEIVED) {
        struct guest_state *state = vcpu_state(vcpu, STATE_CODE);

        state->seg[SEG_CS].selector = (uint16_t)(sipi_vector << 8);
        state->seg[SEG_CS].base = (uint64_t)sipi_vector << 12;
        vcpu_state_dirty(vcpu, STATE_CODE);
        vcpu->regs.rip = 0;
        vcpu->mp_state = KVM_MP_STATE_RUNNABLE;
    }
}

static void serve_requests(struct vcpu *vcpu)
{
    uint32_t requests = take_requests(vcpu);

    if (requests & REQ_KVMCLOCK)
        kvmclock_update(vcpu);
    if (requests & REQ_APIC_EVENT)
        take_apic_events(vcpu);
    if (requests & (REQ_EVENT | REQ_APIC_EVENT))
        prepare_events(vcpu);
}

/* ---- the entry itself ------------------------------------------------------------------------------ */

static void write_xcr0(uint64_t value)
{
    __asm__ volatile("xsetbv" : : "c"(0), "a"((uint32_t)value), "d"((uint32_t)(value >> 32)));
}

static uint64_t read_xcr0(void)
{
    uint32_t low, high;

    __asm__ volatile("xgetbv" : "=a"(low), "=d"(high) : "c"(0));
    return (uint64_t)high << 32 | low;
}

/* True: the guest has its XCR0, to be taken from it by xcr0_host(). Else it cannot change the host's. */
static bool xcr0_guest(const struct vcpu *vcpu)
{
    if (!vcpu->has_osxsave || fpu_xcr0() == 0)
        return false;
    if (vcpu->xcr0 != fpu_xcr0())
        write_xcr0(vcpu->xcr0);
    return true;
}

/* Not every CPU model honours the XSETBV intercept: look at what the guest left there. */
static void xcr0_host(struct vcpu *vcpu)
{
    uint64_t value = read_xcr0();

    vcpu->xcr0 = value;
    if (value != fpu_xcr0())
        write_xcr0(fpu_xcr0());
}

static void debug_registers_guest(const struct vcpu *vcpu)
{
    if (!(vcpu->dr7 & DR7_ENABLED))
        return;
    __asm__ volatile("mov %0, %%db0" : : "r"(vcpu->dr[0]));
    __asm__ volatile("mov %0, %%db1" : : "r"(vcpu->dr[1]));
    __asm__ volatile("mov %0, %%db2" : : "r"(vcpu->dr[2]));
    __asm__ volatile("mov %0, %%db3" : : "r"(vcpu->dr[3]));
}

/* Host time at which something of ours must happen on this CPU, for the preemption timer. */
static uint64_t next_deadline_tsc(void)
{
    uint64_t deadline = timer_next_deadline(), now;

    if (deadline == UINT64_MAX)
        return UINT64_MAX;
    now = ktime_ns();
    return rdtsc() + (deadline > now ? ns_to_tsc_delta(deadline - now) : 0);
}

static bool must_not_enter(const struct vcpu *vcpu)
{
    return (__atomic_load_n(&current->work, __ATOMIC_RELAXED) & WORK_ON_GUEST_EXIT) != 0 ||
           __atomic_load_n(&vcpu->requests, __ATOMIC_SEQ_CST) != 0 ||
           this_cpu()->need_resched;
}

/* One stay in the guest. False: something came up and it was not entered. */
static bool enter_guest(struct vcpu *vcpu, struct vm_exit *vmexit)
{
    struct vm *vm = vcpu->vm;
    const struct hv_ops *ops = vm->ops;
    unsigned int cpu;
    bool has_xcr0;

    irq_disable();
    __atomic_store_n(&vcpu->guest_cpu, cpu_number() + 1, __ATOMIC_SEQ_CST);
    if (unlikely(must_not_enter(vcpu))) {
        __atomic_store_n(&vcpu->guest_cpu, 0, __ATOMIC_RELEASE);
        irq_enable();
        return false;
    }
    cpu = cpu_number();
    if (!vcpu->is_fpu_loaded) {
        fpu_leave();
        fpu_guest_load(vcpu);
    }
    if (stage2_enter(&vm->s2, cpu)) {
        uint64_t generation = __atomic_load_n(&vm->s2.generation, __ATOMIC_SEQ_CST);

        ops->flush(vcpu, FLUSH_STAGE2);
        stage2_flushed(&vm->s2, cpu, generation);
        assert(vm->s2.seen[cpu] >= generation);
    }
    if (unlikely(vcpu->needs_flush)) {
        ops->flush(vcpu, FLUSH_GUEST);
        vcpu->needs_flush = false;
    }
    if (ops->uses_deadline)
        vcpu->entry_deadline_tsc = next_deadline_tsc();
    debug_registers_guest(vcpu);
    has_xcr0 = xcr0_guest(vcpu);

    ops->enter(vcpu, vmexit);

    if (has_xcr0) /* has_osxsave may be another by now: a guest that shuts down may get an INIT */
        xcr0_host(vcpu);
    stage2_leave(&vm->s2, cpu);
    __atomic_store_n(&vcpu->guest_cpu, 0, __ATOMIC_RELEASE);
    irq_enable(); /* the interrupt that ended the stay, if one did, is taken here */
    return true;
}

/* ---- halted, and waiting to be started ---------------------------------------------------------------- */

static bool has_wake_event(struct vcpu *vcpu)
{
    if (__atomic_load_n(&vcpu->requests, __ATOMIC_SEQ_CST) & REQ_APIC_EVENT)
        return true;
    if (vcpu->mp_state != KVM_MP_STATE_HALTED)
        return false;
    return vcpu->nmi_pending || (can_inject_irq(vcpu) && irq_is_pending(vcpu));
}

/* Sleeps until there is something to run for. 0, or -EINTR for a signal. */
static int wait_for_event(struct vcpu *vcpu)
{
    int err;

    __atomic_store_n(&vcpu->is_waiting, true, __ATOMIC_SEQ_CST);
    err = wait_event_interruptible(&vcpu->wq, has_wake_event(vcpu));
    __atomic_store_n(&vcpu->is_waiting, false, __ATOMIC_SEQ_CST);
    if (err < 0)
        return -EINTR;
    if (vcpu->mp_state == KVM_MP_STATE_HALTED)
        vcpu->mp_state = KVM_MP_STATE_RUNNABLE;
    vcpu_note(vcpu, REQ_EVENT);
    return 0;
}

/* ---- KVM_RUN --------------------------------------------------------------------------------------------- */

/* A signal, or another reason for this thread to pass through user mode. */
static bool must_return(void)
{
    return (__atomic_load_n(&current->work, __ATOMIC_RELAXED) & WORK_ON_GUEST_EXIT &
            ~(uint32_t)WORK_RESCHED) != 0;
}

/* Without an irqchip ring 3 wants to know when it may inject. */
static bool window_is_open(struct vcpu *vcpu)
{
    return !vcpu->vm->has_irqchip && READ_ONCE(vcpu->run->request_interrupt_window) &&
           can_inject_irq(vcpu) && vcpu->inject.type == EVENT_NONE && !vcpu->has_user_irq;
}

static long run_loop(struct vcpu *vcpu)
{
    struct vm_exit vmexit;

    for (;;) {
        if (must_return()) {
            vcpu->run->exit_reason = KVM_EXIT_INTR;
            return -EINTR;
        }
        cond_resched();
        if (unlikely(vcpu->mp_state != KVM_MP_STATE_RUNNABLE)) {
            if (wait_for_event(vcpu) < 0) {
                vcpu->run->exit_reason = KVM_EXIT_INTR;
                return -EINTR;
            }
            serve_requests(vcpu);
            continue;
        }
        serve_requests(vcpu);
        if (unlikely(vcpu->mp_state != KVM_MP_STATE_RUNNABLE))
            continue; /* it got an INIT */
        if (unlikely(!vcpu->vm->has_irqchip)) {
            if (window_is_open(vcpu)) {
                vcpu->run->exit_reason = KVM_EXIT_IRQ_WINDOW_OPEN;
                return 0;
            }
            vcpu->want_irq_window |= READ_ONCE(vcpu->run->request_interrupt_window) != 0;
        }
        if (enter_guest(vcpu, &vmexit) && exit_dispatch(vcpu, &vmexit) == EXIT_TO_VMM)
            return 0;
    }
}

/*
 * Ring 3 has done its part of an access: the guest gets the result. If ring 3 has sent the CPU elsewhere
 * meanwhile, the instruction is forgotten.
 */
static enum exit_action complete_pending(struct vcpu *vcpu)
{
    enum vcpu_pending pending = vcpu->pending;

    vcpu->pending = PENDING_NONE;
    if (vcpu->regs.rip != vcpu->pending_rip)
        return EXIT_RESUME;
    switch (pending) {
    case PENDING_PIO:
        return pio_complete(vcpu);
    case PENDING_PIO_STRING:
        return pio_string_complete(vcpu);
    case PENDING_MMIO:
        return mmio_complete(vcpu);
    default:
        return EXIT_RESUME;
    }
}

/* What ring 3 finds in the shared page after any exit. */
static void fill_run(struct vcpu *vcpu)
{
    struct kvm_run *run = vcpu->run;

    run->if_flag = (vcpu->regs.rflags & EFLAGS_IF) != 0;
    run->flags = 0;
    if (vcpu->vm->has_irqchip) {
        run->cr8 = lapic_get_cr8(&vcpu->lapic);
        run->ready_for_interrupt_injection = 1;
    } else {
        run->cr8 = vcpu->cr8;
        run->ready_for_interrupt_injection = can_inject_irq(vcpu) &&
                                             vcpu->inject.type == EVENT_NONE && !vcpu->has_user_irq;
    }
    run->apic_base = vcpu->lapic.base;
}

static long vcpu_run(struct vcpu *vcpu)
{
    struct kvm_run *run = vcpu->run;
    long err = 0;

    if (READ_ONCE(run->kvm_valid_regs) != 0 || READ_ONCE(run->kvm_dirty_regs) != 0)
        return -EINVAL; /* KVM_CAP_SYNC_REGS is not offered */
    if (vcpu->mp_state == KVM_MP_STATE_UNINITIALIZED) {
        if (READ_ONCE(run->immediate_exit))
            return -EINTR;
        if (wait_for_event(vcpu) < 0) {
            run->exit_reason = KVM_EXIT_INTR;
            return -EINTR;
        }
        run_begin(vcpu);
        serve_requests(vcpu);
        run_end(vcpu);
        return -EAGAIN;
    }
    if (!vcpu->vm->has_irqchip)
        vcpu->cr8 = READ_ONCE(run->cr8) & 0xf;

    run_begin(vcpu);
    if (vcpu->pdptr_stale)
        cr_refresh_pdptrs(vcpu);
    if (complete_pending(vcpu) == EXIT_RESUME) {
        if (READ_ONCE(run->immediate_exit)) {
            run->exit_reason = KVM_EXIT_INTR;
            err = -EINTR;
        } else {
            err = run_loop(vcpu);
        }
    }
    run_end(vcpu);
    fill_run(vcpu);
    if (err == 0) {
        err = vcpu->run_error;
        vcpu->run_error = 0;
    }
    return err;
}

/* ---- file ------------------------------------------------------------------------------------------------- */

static long vcpu_ioctl(struct file *file, unsigned int cmd, uint64_t arg)
{
    struct vcpu *vcpu = file->private;
    long err;

    if (vcpu->vm->mm != current->mm)
        return -EIO;
    mutex_lock(&vcpu->lock);
    if (cmd == KVM_RUN)
        err = arg != 0 ? -EINVAL : vcpu_run(vcpu);
    else
        err = vcpu_state_ioctl(vcpu, cmd, arg);
    mutex_unlock(&vcpu->lock);
    return err;
}

static int vcpu_mmap_fault(struct vma *vma, uint64_t pgoff, struct page **out)
{
    struct vcpu *vcpu = vma->file->private;

    if (pgoff >= ARRAY_SIZE(vcpu->run_pages))
        return -EIO;
    *out = vcpu->run_pages[pgoff];
    page_get(*out);
    return 0;
}

static const struct vma_ops vcpu_vma_ops = {.fault = vcpu_mmap_fault};

static int vcpu_mmap(struct file *file, struct vma *vma)
{
    (void)file;
    vma->ops = &vcpu_vma_ops;
    return 0;
}

static void vcpu_file_release(struct file *file)
{
    struct vcpu *vcpu = file->private;

    vm_put(vcpu->vm);
}

static const struct file_ops vcpu_fops = {
    .ioctl = vcpu_ioctl,
    .mmap = vcpu_mmap,
    .release = vcpu_file_release,
};

/* ---- life ---------------------------------------------------------------------------------------------------- */

/* Register values after RESET and INIT: SDM vol. 3, "Processor State After Reset". */
void vcpu_reset(struct vcpu *vcpu, bool is_init)
{
    struct guest_state *state = &vcpu->state;
    irqflags_t flags;

    memset(&vcpu->regs, 0, sizeof(vcpu->regs));
    vcpu->regs.rip = 0xfff0;
    vcpu->regs.rflags = EFLAGS_FIXED;
    vcpu->regs.gpr[GPR_RDX] = 0x600;

    memset(state, 0, sizeof(*state));
    state->cr0 = CR0_ET | CR0_NW | CR0_CD;
    for (unsigned int i = 0; i < SEG_COUNT; i++)
        state->seg[i] = (struct guest_segment){.limit = 0xffff, .attr = SEG_P | SEG_S | 3};
    state->seg[SEG_CS].attr = SEG_P | SEG_S | 0xb;
    state->seg[SEG_CS].selector = 0xf000;
    state->seg[SEG_CS].base = 0xffff0000;
    state->seg[SEG_LDTR].attr = SEG_P | 2;
    state->seg[SEG_TR].attr = SEG_P | 0xb;
    state->gdtr.limit = state->idtr.limit = 0xffff;
    vcpu->state_valid = vcpu->state_dirty = STATE_ALL;
    vcpu->has_osxsave = false;

    vcpu->irq_shadow = 0;
    vcpu->nmi_blocked = false;
    vcpu->nmi_pending = false;
    vcpu->inject.type = EVENT_NONE;
    vcpu->want_irq_window = vcpu->want_nmi_window = false;
    memset(vcpu->dr, 0, sizeof(vcpu->dr));
    vcpu->dr6 = 0xffff0ff0;
    vcpu->dr7 = 0x400;

    if (!is_init) {
        vcpu->xcr0 = 1;
        fpu_guest_reset(vcpu);
        msr_reset(vcpu);
    }
    if (is_init && vcpu->vm->has_irqchip) {
        flags = spin_lock(&vcpu->vm->irq_lock);
        lapic_reset(&vcpu->lapic);
        spin_unlock(&vcpu->vm->irq_lock, flags);
    }
    vcpu->needs_flush = true;
}

static void free_pages(struct vcpu *vcpu)
{
    for (unsigned int i = 0; i < ARRAY_SIZE(vcpu->run_pages); i++) {
        if (vcpu->run_pages[i] != NULL)
            page_put(vcpu->run_pages[i]);
    }
    if (vcpu->fpu_page != NULL)
        page_put(vcpu->fpu_page);
}

static int alloc_pages(struct vcpu *vcpu)
{
    struct cgroup *cg = vcpu->vm->cgroup;

    for (unsigned int i = 0; i < ARRAY_SIZE(vcpu->run_pages); i++) {
        vcpu->run_pages[i] = page_alloc_for(cg, 0, ALLOC_ZERO);
        if (vcpu->run_pages[i] == NULL)
            return -ENOMEM;
    }
    vcpu->fpu_page = page_alloc_for(cg, 0, ALLOC_ZERO);
    if (vcpu->fpu_page == NULL)
        return -ENOMEM;
    vcpu->run = page_address(vcpu->run_pages[0]);
    vcpu->fpu = page_address(vcpu->fpu_page);
    return 0;
}

static void vcpu_init(struct vcpu *vcpu, struct vm *vm, uint32_t id)
{
    vcpu->vm = vm;
    vcpu->id = id;
    mutex_init(&vcpu->lock);
    wait_queue_init(&vcpu->wq);
    vcpu->hooks.switch_out = switch_out;
    vcpu->hooks.switch_in = switch_in;
    vcpu->phys_bits = 36;
    vcpu->mp_state = vm->has_irqchip && id != vm->boot_cpu_id ? KVM_MP_STATE_UNINITIALIZED
                                                              : KVM_MP_STATE_RUNNABLE;
    irq_vcpu_init(vcpu);
    vcpu_reset(vcpu, false);
}

static int check_id(struct vm *vm, uint32_t id)
{
    if (id >= VM_MAX_VCPUS || vm->vcpu_count >= VM_MAX_VCPUS)
        return -EINVAL;
    for (unsigned int i = 0; i < vm->vcpu_count; i++) {
        if (vm->vcpus[i]->id == id)
            return -EEXIST;
    }
    return 0;
}

/* vm->lock held. */
int vcpu_create(struct vm *vm, uint32_t id)
{
    struct vcpu *vcpu;
    struct file *file;
    irqflags_t flags;
    int fd, err = check_id(vm, id);

    if (err < 0)
        return err;
    vcpu = kalloc_for(vm->cgroup, sizeof(*vcpu));
    if (vcpu == NULL)
        return -ENOMEM;
    vcpu->vm = vm;
    err = alloc_pages(vcpu);
    if (err < 0)
        goto free_vcpu;
    vcpu_init(vcpu, vm, id);
    err = vm->ops->vcpu_create(vcpu);
    if (err < 0)
        goto free_vcpu;
    err = file_create_anon("anon_inode:kvm-vcpu", &vcpu_fops, vcpu, O_RDWR, &file);
    if (err < 0)
        goto destroy_backend;
    vm_get(vm);
    fd = fd_reserve(FD_CLOEXEC);
    if (fd < 0) {
        file_put(file); /* its release drops the VM's reference */
        err = fd;
        goto destroy_backend;
    }
    flags = spin_lock(&vm->irq_lock);
    vcpu->tsc_offset = vm->tsc_offset;
    __atomic_store_n(&vm->vcpus[vm->vcpu_count], vcpu, __ATOMIC_RELEASE);
    __atomic_store_n(&vm->vcpu_count, vm->vcpu_count + 1, __ATOMIC_RELEASE);
    spin_unlock(&vm->irq_lock, flags);
    kvmclock_refresh(vm); /* the others' TSCs may be different by now */
    fd_publish(fd, file); /* last step: ring 3 can use it from here on */
    return fd;

destroy_backend:
    vm->ops->vcpu_destroy(vcpu);
free_vcpu:
    irq_vcpu_fini(vcpu);
    free_pages(vcpu);
    kfree(vcpu);
    return err;
}

void vcpu_destroy(struct vcpu *vcpu)
{
    irq_vcpu_fini(vcpu);
    vcpu->vm->ops->vcpu_destroy(vcpu);
    free_pages(vcpu);
    kfree(vcpu->cpuid);
    kfree(vcpu);
}
