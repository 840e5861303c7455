/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The VM's interrupt controllers put together: lines and messages on one side,
 * vCPUs on the other.
 *
 *     GSI --routes--> PIC pin ----> LINT0 / INTR --\
 *                \--> IOAPIC pin --> message ------> LAPICs --> vcpu_request(REQ_EVENT)
 *                 \-> MSI ---------> message -----/
 *
 * Everything is under vm->irq_lock, from any context. A vCPU asks irq_take() before
 * it enters the guest.
 */
#include <kernel/cgroup.h>

#include "vm.h"

/* ---- routes ---------------------------------------------------------------------------- */

struct irq_route {
    uint32_t gsi;
    uint8_t type; /* KVM_IRQ_ROUTING_* */
    uint8_t chip; /* KVM_IRQCHIP_* */
    uint8_t pin;
    struct apic_msg msg;
};

/* Sorted by GSI; a GSI may have several. */
struct irq_routes {
    unsigned int count;
    struct irq_route route[];
};

/* MSI address and data: SDM vol. 3, "Message Signalled Interrupts". */
static struct apic_msg msi_message(uint32_t address, uint32_t data)
{
    uint32_t dest = (address >> 12) & 0xff;

    return (struct apic_msg){
        .dest = dest == 0xff ? APIC_BROADCAST : dest,
        .vector = (uint8_t)data,
        .mode = (data >> 8) & 7,
        .is_logical = (address >> 2) & 1,
        .is_level = (data >> 15) & 1,
        .is_assert = true,
    };
}

static int make_route(const struct kvm_irq_routing_entry *entry, struct irq_route *out)
{
    *out = (struct irq_route){.gsi = entry->gsi, .type = (uint8_t)entry->type};
    if (entry->gsi >= VM_MAX_GSI || entry->flags != 0)
        return -EINVAL;
    switch (entry->type) {
    case KVM_IRQ_ROUTING_IRQCHIP:
        if (entry->u.irqchip.irqchip > KVM_IRQCHIP_IOAPIC ||
            entry->u.irqchip.pin >= (entry->u.irqchip.irqchip == KVM_IRQCHIP_IOAPIC
                                         ? KVM_IOAPIC_NUM_PINS : 8))
            return -EINVAL;
        out->chip = (uint8_t)entry->u.irqchip.irqchip;
        out->pin = (uint8_t)entry->u.irqchip.pin;
        return 0;
    case KVM_IRQ_ROUTING_MSI:
        out->msg = msi_message(entry->u.msi.address_lo, entry->u.msi.data);
        return 0;
    default:
        return -EINVAL;
    }
}

/* Insertion sort: callers' tables are sorted already, or nearly. */
static void sort_routes(struct irq_routes *routes)
{
    for (unsigned int i = 1; i < routes->count; i++) {
        struct irq_route route = routes->route[i];
        unsigned int j = i;

        while (j > 0 && routes->route[j - 1].gsi > route.gsi) {
            routes->route[j] = routes->route[j - 1];
            j--;
        }
        routes->route[j] = route;
    }
}

/* A GSI goes to one pin of each chip, or is one message: a line is raised with interrupts off. */
static bool has_doubles(const struct irq_routes *routes)
{
    const struct irq_route *r = routes->route;

    for (unsigned int i = 0; i < routes->count; i++) {
        for (unsigned int j = i + 1; j < routes->count && r[j].gsi == r[i].gsi; j++) {
            if (r[i].type == KVM_IRQ_ROUTING_MSI || r[j].type == KVM_IRQ_ROUTING_MSI ||
                r[i].chip == r[j].chip)
                return true;
        }
    }
    return false;
}

static struct irq_routes *routes_alloc(struct vm *vm, unsigned int count)
{
    struct irq_routes *routes =
        kalloc_for(vm->cgroup, sizeof(*routes) + count * sizeof(struct irq_route));

    if (routes != NULL)
        routes->count = count;
    return routes;
}

static void replace_routes(struct vm *vm, struct irq_routes *new)
{
    irqflags_t flags = spin_lock(&vm->irq_lock);
    struct irq_routes *old = vm->routes;

    vm->routes = new;
    spin_unlock(&vm->irq_lock, flags);
    kfree(old);
}

int irq_set_routes(struct vm *vm, const struct kvm_irq_routing_entry *entries, unsigned int count)
{
    struct irq_routes *new = routes_alloc(vm, count);
    int err = 0;

    if (new == NULL)
        return -ENOMEM;
    for (unsigned int i = 0; i < count && err == 0; i++)
        err = make_route(&entries[i], &new->route[i]);
    if (err < 0) {
        kfree(new);
        return err;
    }
    sort_routes(new);
    if (has_doubles(new)) {
        kfree(new);
        return -EINVAL;
    }
    replace_routes(vm, new);
    return 0;
}

/* As a PC is wired: 0-15 to both kinds of controller, 16-23 to the IOAPIC. */
static struct irq_routes *default_routes(struct vm *vm)
{
    struct irq_routes *routes = routes_alloc(vm, 16 + KVM_IOAPIC_NUM_PINS);
    unsigned int n = 0;

    if (routes == NULL)
        return NULL;
    for (uint8_t gsi = 0; gsi < KVM_IOAPIC_NUM_PINS; gsi++) {
        routes->route[n++] = (struct irq_route){
            .gsi = gsi, .type = KVM_IRQ_ROUTING_IRQCHIP, .chip = KVM_IRQCHIP_IOAPIC, .pin = gsi};
        if (gsi < 16)
            routes->route[n++] = (struct irq_route){
                .gsi = gsi, .type = KVM_IRQ_ROUTING_IRQCHIP, .chip = gsi >> 3, .pin = gsi & 7};
    }
    return routes;
}

static const struct irq_route *first_route(const struct irq_routes *routes, uint32_t gsi)
{
    unsigned int low = 0, high = routes->count;

    while (low < high) {
        unsigned int middle = (low + high) / 2;

        if (routes->route[middle].gsi < gsi)
            low = middle + 1;
        else
            high = middle;
    }
    return &routes->route[low];
}

/* ---- delivery: irq_lock held from here on ---------------------------------------------------- */

/* A message for this vCPU's APIC. 1: taken, 0: merged with one that waits, -1: it takes none. */
static int deliver_to(struct vcpu *vcpu, const struct apic_msg *msg)
{
    int taken = lapic_accept(&vcpu->lapic, msg);

    if (taken > 0)
        vcpu_request(vcpu, vcpu->lapic.events != 0 ? REQ_APIC_EVENT | REQ_EVENT : REQ_EVENT);
    return taken;
}

static bool is_target(struct vcpu *vcpu, const struct vcpu *sender, const struct apic_msg *msg)
{
    switch (msg->shorthand) {
    case APIC_SELF:
        return vcpu == sender;
    case APIC_ALL:
        return true;
    case APIC_OTHERS:
        return vcpu != sender;
    default:
        return lapic_is_dest(&vcpu->lapic, msg->dest, msg->is_logical);
    }
}

/* Lowest priority: the destination with the lowest PPR, round robin among equals. */
static int deliver_lowest(struct vm *vm, const struct apic_msg *msg)
{
    unsigned int count = vm_vcpu_count(vm), best_priority = ~0u;
    struct vcpu *best = NULL;

    for (unsigned int i = 0; i < count; i++) {
        struct vcpu *vcpu = vm_vcpu(vm, (vm->next_lowest + i) % count);

        if (!lapic_is_enabled(&vcpu->lapic) ||
            !(lapic_reg(&vcpu->lapic, APIC_SVR) & APIC_SVR_ENABLED) ||
            !lapic_is_dest(&vcpu->lapic, msg->dest, msg->is_logical))
            continue;
        if (lapic_priority(&vcpu->lapic) < best_priority) {
            best = vcpu;
            best_priority = lapic_priority(&vcpu->lapic);
        }
    }
    vm->next_lowest++;
    return best != NULL ? deliver_to(best, msg) : -1;
}

/* Number of APICs that took it, 0: merged; -1: there is no destination that takes it. */
static int deliver(struct vm *vm, const struct vcpu *sender, const struct apic_msg *msg)
{
    unsigned int count = vm_vcpu_count(vm);
    int taken = -1;

    if (msg->mode == APIC_LOWEST && msg->shorthand == APIC_DEST)
        return deliver_lowest(vm, msg);
    for (unsigned int i = 0; i < count; i++) {
        struct vcpu *vcpu = vm_vcpu(vm, i);
        int one = is_target(vcpu, sender, msg) ? deliver_to(vcpu, msg) : -1;

        taken = one < 0 ? taken : max(taken, 0) + one;
    }
    return taken;
}

static void lapic_sends(struct lapic *lapic, const struct apic_msg *msg)
{
    struct vcpu *vcpu = container_of(lapic, struct vcpu, lapic);

    (void)deliver(vcpu->vm, vcpu, msg);
}

static void lapic_eoi(struct lapic *lapic, uint8_t vector)
{
    struct vcpu *vcpu = container_of(lapic, struct vcpu, lapic);

    ioapic_eoi(&vcpu->vm->ioapic, vector);
}

static bool ioapic_sends(struct ioapic *ioapic, const struct apic_msg *msg)
{
    struct vm *vm = container_of(ioapic, struct vm, ioapic);

    return deliver(vm, NULL, msg) >= 0;
}

static void ioapic_acknowledged(struct ioapic *ioapic, unsigned int pin)
{
    irqfd_acknowledge(container_of(ioapic, struct vm, ioapic), KVM_IRQCHIP_IOAPIC, pin);
}

/* After whatever may have ended an interrupt at the PICs. */
static void pic_acknowledged(struct vm *vm)
{
    unsigned int ended = vm->pic.ended;

    vm->pic.ended = 0;
    for (; ended != 0; ended &= ended - 1) {
        unsigned int pin = (unsigned int)__builtin_ctz(ended);

        irqfd_acknowledge(vm, pin >> 3, pin & 7);
    }
}

/* The PIC's output goes to every APIC; the first that lets it through and takes it wins. */
static void pic_changed(struct vm *vm)
{
    unsigned int count = vm_vcpu_count(vm);

    if (!vm->pic.output)
        return;
    for (unsigned int i = 0; i < count; i++) {
        struct vcpu *vcpu = vm_vcpu(vm, i);

        if (lapic_takes_extint(&vcpu->lapic))
            vcpu_request(vcpu, REQ_EVENT);
    }
}

/* After the guest's access to a LAPIC, without irq_lock. */
void irq_after_eoi(struct vm *vm)
{
    if (unlikely(vm->has_acks)) {
        vm->has_acks = false;
        irqfd_signal_acks(vm);
    }
}

static bool combine(uint32_t *sources, bool level, enum irq_source source)
{
    if (level)
        *sources |= source;
    else
        *sources &= ~(uint32_t)source;
    return *sources != 0;
}

static int set_route(struct vm *vm, const struct irq_route *route, bool level, enum irq_source source)
{
    unsigned int pin = route->pin;
    int result;

    if (route->type == KVM_IRQ_ROUTING_MSI)
        return level ? deliver(vm, NULL, &route->msg) : -1;
    if (route->chip == KVM_IRQCHIP_IOAPIC)
        return ioapic_set_line(&vm->ioapic, pin, combine(&vm->ioapic_sources[pin], level, source));
    pin += route->chip * 8;
    result = pic_set_line(&vm->pic, pin, combine(&vm->pic_sources[pin], level, source));
    pic_changed(vm);
    return result;
}

/* irq_lock held. */
static int set_line_locked(struct vm *vm, uint32_t gsi, bool level, enum irq_source source)
{
    const struct irq_routes *routes = vm->routes;
    int result = -1;

    if (routes == NULL)
        return -1;
    for (const struct irq_route *r = first_route(routes, gsi);
         r < &routes->route[routes->count] && r->gsi == gsi; r++) {
        int one = set_route(vm, r, level, source);

        result = one < 0 ? result : max(result, 0) + one;
    }
    return result;
}

bool irq_leads_to(const struct vm *vm, uint32_t gsi, unsigned int chip, unsigned int pin)
{
    const struct irq_routes *routes = vm->routes;

    for (const struct irq_route *r = first_route(routes, gsi);
         r < &routes->route[routes->count] && r->gsi == gsi; r++) {
        if (r->type == KVM_IRQ_ROUTING_IRQCHIP && r->chip == chip && r->pin == pin)
            return true;
    }
    return false;
}

void irq_lower_resampled(struct vm *vm, uint32_t gsi)
{
    (void)set_line_locked(vm, gsi, false, IRQ_FROM_RESAMPLE);
}

int irq_set_line(struct vm *vm, uint32_t gsi, bool level, enum irq_source source)
{
    irqflags_t flags = spin_lock(&vm->irq_lock);
    int result = set_line_locked(vm, gsi, level, source);

    spin_unlock(&vm->irq_lock, flags);
    return result;
}

int irq_send_msi(struct vm *vm, const struct kvm_msi *msi)
{
    struct apic_msg msg = msi_message(msi->address_lo, msi->data);
    irqflags_t flags = spin_lock(&vm->irq_lock);
    int taken = deliver(vm, NULL, &msg);

    spin_unlock(&vm->irq_lock, flags);
    return taken < 0 ? 0 : taken;
}

/* ---- timers: in interrupt context --------------------------------------------------------------- */

#define FAR_TICKS (1ULL << 50) /* days; far enough to look again then */

/*
 * The host's time of a guest TSC value; already passed: now. What is too far for the host's clock to
 * reach comes early, and is armed again: a time that wrapped into the past would be due for ever.
 */
static uint64_t guest_tsc_to_ns(const struct vcpu *vcpu, uint64_t tsc)
{
    uint64_t now = guest_tsc(vcpu);

    return tsc <= now ? ktime_ns() : tsc_to_ns(rdtsc() + min(tsc - now, FAR_TICKS));
}

void irq_arm_lapic_timer(struct vcpu *vcpu)
{
    struct lapic *lapic = &vcpu->lapic;
    uint64_t deadline;

    if (lapic_timer_is_tsc(lapic))
        deadline = lapic->tsc_deadline != 0 ? guest_tsc_to_ns(vcpu, lapic->tsc_deadline) : 0;
    else
        deadline = lapic->timer_deadline_ns;
    /* A timer that is no longer wanted is left to run out: it then finds nothing due. */
    if (deadline != 0 && !vcpu->is_going)
        timer_start(&vcpu->lapic_timer, deadline);
}

static void lapic_timer_changed(struct lapic *lapic)
{
    irq_arm_lapic_timer(container_of(lapic, struct vcpu, lapic));
}

static bool lapic_timer_is_due(struct vcpu *vcpu, uint64_t now_ns)
{
    const struct lapic *lapic = &vcpu->lapic;

    if (lapic_timer_is_tsc(lapic))
        return lapic->tsc_deadline != 0 && lapic->tsc_deadline <= guest_tsc(vcpu);
    return lapic->timer_deadline_ns != 0 && lapic->timer_deadline_ns <= now_ns;
}

static void lapic_timer_fired(struct timer *timer)
{
    struct vcpu *vcpu = container_of(timer, struct vcpu, lapic_timer);
    irqflags_t flags = spin_lock(&vcpu->vm->irq_lock);
    uint64_t now_ns = ktime_ns();

    if (lapic_timer_is_due(vcpu, now_ns)) {
        lapic_timer_expire(&vcpu->lapic, now_ns); /* arms the next period through timer_changed */
        vcpu_request(vcpu, REQ_EVENT);
    } else {
        irq_arm_lapic_timer(vcpu); /* a little early, or moved since */
    }
    spin_unlock(&vcpu->vm->irq_lock, flags);
}

static void arm_pit(struct vm *vm)
{
    if (pit_deadline(&vm->pit) != 0 && !vm->is_going)
        timer_start(&vm->pit_timer, pit_deadline(&vm->pit));
}

static void pit_fired(struct timer *timer)
{
    struct vm *vm = container_of(timer, struct vm, pit_timer);
    irqflags_t flags = spin_lock(&vm->irq_lock);

    if (pit_expire(&vm->pit, ktime_ns())) { /* a pulse on IRQ 0 */
        (void)set_line_locked(vm, 0, true, IRQ_FROM_PIT);
        (void)set_line_locked(vm, 0, false, IRQ_FROM_PIT);
    }
    arm_pit(vm);
    spin_unlock(&vm->irq_lock, flags);
}

/* ---- what the vCPU asks before it enters the guest ------------------------------------------------ */

bool irq_is_pending(struct vcpu *vcpu)
{
    struct vm *vm = vcpu->vm;
    irqflags_t flags;
    bool pending;

    if (!vm->has_irqchip)
        return vcpu->has_user_irq;
    flags = spin_lock(&vm->irq_lock);
    pending = lapic_pending(&vcpu->lapic) >= 0 ||
              (vm->pic.output && lapic_takes_extint(&vcpu->lapic));
    spin_unlock(&vm->irq_lock, flags);
    return pending;
}

int irq_take(struct vcpu *vcpu)
{
    struct vm *vm = vcpu->vm;
    irqflags_t flags;
    int vector;

    if (!vm->has_irqchip) {
        if (!vcpu->has_user_irq)
            return -1;
        vcpu->has_user_irq = false;
        return vcpu->user_irq;
    }
    flags = spin_lock(&vm->irq_lock);
    if (vm->pic.output && lapic_takes_extint(&vcpu->lapic)) {
        vector = pic_acknowledge(&vm->pic);
        pic_acknowledged(vm);
    } else {
        vector = lapic_pending(&vcpu->lapic);
        if (vector >= 0)
            lapic_acknowledge(&vcpu->lapic, (uint8_t)vector);
    }
    spin_unlock(&vm->irq_lock, flags);
    irq_after_eoi(vm);
    return vector;
}

/* ---- the guest's accesses to the controllers ---------------------------------------------------------- */

/* A doubleword register seen through an access of another size. */
static uint64_t lapic_page_read(struct vcpu *vcpu, unsigned int offset, unsigned int size)
{
    uint64_t value = lapic_mmio_read(&vcpu->lapic, offset, ktime_ns());

    if (size == 8)
        value |= (uint64_t)lapic_mmio_read(&vcpu->lapic, offset + 4, ktime_ns()) << 32;
    return value & size_mask(size);
}

bool irq_mmio(struct vcpu *vcpu, gpa_t gpa, unsigned int size, bool is_write, uint64_t *value)
{
    struct vm *vm = vcpu->vm;
    gpa_t base = vcpu->lapic.base & APIC_BASE_ADDRESS;
    bool is_lapic, is_ioapic = gpa - IOAPIC_BASE < IOAPIC_SIZE;
    irqflags_t flags;

    if (!vm->has_irqchip)
        return false;
    is_lapic = gpa - base < PAGE_SIZE && lapic_is_enabled(&vcpu->lapic) && !lapic_is_x2apic(&vcpu->lapic);
    if (!is_lapic && !is_ioapic)
        return false;

    flags = spin_lock(&vm->irq_lock);
    if (is_lapic && is_write) {
        if (size == 4)
            lapic_mmio_write(&vcpu->lapic, (unsigned int)(gpa - base), (uint32_t)*value, ktime_ns());
        vcpu_note(vcpu, REQ_EVENT); /* priorities may have changed */
    } else if (is_lapic) {
        *value = lapic_page_read(vcpu, (unsigned int)(gpa - base), size);
    } else if (is_write) {
        ioapic_write(&vm->ioapic, (unsigned int)(gpa - IOAPIC_BASE), (uint32_t)*value);
    } else {
        *value = ioapic_read(&vm->ioapic, (unsigned int)(gpa - IOAPIC_BASE)) & size_mask(size);
    }
    spin_unlock(&vm->irq_lock, flags);
    irq_after_eoi(vm);
    return true;
}

bool irq_pio(struct vm *vm, uint16_t port, unsigned int size, bool is_in, uint32_t *value)
{
    bool is_pic = vm->has_irqchip && pic_owns_port(port);
    bool is_pit = vm->has_pit && pit_owns_port(&vm->pit, port);
    irqflags_t flags;

    if (!is_pic && !is_pit)
        return false;
    if (size != 1) { /* byte-wide devices */
        *value = (uint32_t)size_mask(size);
        return true;
    }
    flags = spin_lock(&vm->irq_lock);
    if (is_pic && is_in) {
        *value = pic_read(&vm->pic, port); /* a poll acknowledges */
        pic_acknowledged(vm);
    } else if (is_pic) {
        pic_write(&vm->pic, port, (uint8_t)*value);
        pic_acknowledged(vm);
        pic_changed(vm);
    } else if (is_in) {
        *value = pit_read(&vm->pit, port, ktime_ns());
    } else {
        pit_write(&vm->pit, port, (uint8_t)*value, ktime_ns());
        arm_pit(vm);
    }
    spin_unlock(&vm->irq_lock, flags);
    irq_after_eoi(vm);
    return true;
}

/* ---- life ------------------------------------------------------------------------------------------------ */

static const struct lapic_ops lapic_ops = {lapic_sends, lapic_eoi, lapic_timer_changed};
static const struct ioapic_ops ioapic_ops = {ioapic_sends, ioapic_acknowledged};

void irq_init(struct vm *vm)
{
    spin_init(&vm->irq_lock);
    list_init(&vm->irqfds);
    list_init(&vm->resamplers);
    timer_init(&vm->pit_timer, pit_fired);
    ioapic_init(&vm->ioapic, &ioapic_ops);
    pic_init(&vm->pic);
}

/* The timers start themselves again: that has to end first. */
void irq_fini(struct vm *vm)
{
    irqflags_t flags = spin_lock(&vm->irq_lock);

    vm->is_going = true;
    spin_unlock(&vm->irq_lock, flags);
    (void)timer_cancel(&vm->pit_timer);
    kfree(vm->routes);
}

int irq_create_chip(struct vm *vm)
{
    struct irq_routes *routes;

    if (vm->has_irqchip)
        return -EEXIST;
    if (vm->vcpu_count > 0)
        return -EINVAL;
    routes = default_routes(vm);
    if (routes == NULL)
        return -ENOMEM;
    replace_routes(vm, routes);
    vm->has_irqchip = true;
    return 0;
}

int irq_create_pit(struct vm *vm, uint32_t pit_flags)
{
    irqflags_t flags;

    if (vm->has_pit)
        return -EEXIST;
    if (!vm->has_irqchip)
        return -ENOENT;
    flags = spin_lock(&vm->irq_lock);
    pit_init(&vm->pit, ktime_ns());
    vm->pit.owns_speaker_port = (pit_flags & KVM_PIT_SPEAKER_DUMMY) != 0;
    vm->has_pit = true;
    spin_unlock(&vm->irq_lock, flags);
    return 0;
}

void irq_set_pit(struct vm *vm, const struct kvm_pit_state2 *state)
{
    irqflags_t flags = spin_lock(&vm->irq_lock);

    pit_restore(&vm->pit, state, ktime_ns());
    arm_pit(vm);
    spin_unlock(&vm->irq_lock, flags);
}

void irq_vcpu_init(struct vcpu *vcpu)
{
    irqflags_t flags = spin_lock(&vcpu->vm->irq_lock);

    timer_init(&vcpu->lapic_timer, lapic_timer_fired);
    lapic_init(&vcpu->lapic, vcpu->id, vcpu->id == vcpu->vm->boot_cpu_id, &lapic_ops);
    spin_unlock(&vcpu->vm->irq_lock, flags);
}

void irq_vcpu_fini(struct vcpu *vcpu)
{
    irqflags_t flags = spin_lock(&vcpu->vm->irq_lock);

    vcpu->is_going = true;
    spin_unlock(&vcpu->vm->irq_lock, flags);
    (void)timer_cancel(&vcpu->lapic_timer);
}

int irq_get_chip(struct vm *vm, struct kvm_irqchip *chip)
{
    irqflags_t flags;
    int err = 0;

    if (!vm->has_irqchip)
        return -ENXIO;
    flags = spin_lock(&vm->irq_lock);
    memset(&chip->chip, 0, sizeof(chip->chip));
    if (chip->chip_id <= KVM_IRQCHIP_PIC_SLAVE)
        chip->chip.pic = vm->pic.chip[chip->chip_id];
    else if (chip->chip_id == KVM_IRQCHIP_IOAPIC)
        ioapic_save(&vm->ioapic, &chip->chip.ioapic);
    else
        err = -EINVAL;
    spin_unlock(&vm->irq_lock, flags);
    return err;
}

int irq_set_chip(struct vm *vm, const struct kvm_irqchip *chip)
{
    irqflags_t flags;
    int err = 0;

    if (!vm->has_irqchip)
        return -ENXIO;
    flags = spin_lock(&vm->irq_lock);
    if (chip->chip_id <= KVM_IRQCHIP_PIC_SLAVE) {
        pic_restore(&vm->pic, chip->chip_id, &chip->chip.pic);
        pic_changed(vm);
    } else if (chip->chip_id == KVM_IRQCHIP_IOAPIC) {
        ioapic_restore(&vm->ioapic, &chip->chip.ioapic);
    } else {
        err = -EINVAL;
    }
    spin_unlock(&vm->irq_lock, flags);
    return err;
}
