/* SPDX-License-Identifier: BSD-2-Clause */
/* Building a machine out of KVM's parts and the devices of this folder. */
#include "vm.h"

#include "report.h"
#include "firmware.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/klog.h>
#include <unistd.h>

#define COM1_PORT 0x3f8u
#define COM1_IRQ  4u
#define COM2_PORT 0x2f8u
#define COM2_IRQ  3u

/*
 * Pages that KVM needs on Intel CPUs without "unrestricted guest"; others ignore
 * them. They lie below the firmware flash of a PC, where nothing of ours is.
 */
#define KVM_IDENTITY_MAP 0xfffbc000ULL
#define KVM_TSS          0xfffbd000ULL

#define SYSLOG_ACTION_READ_ALL 3 /* syslog(2) */

struct capability {
    int number;
    const char *what;
};

static const struct capability required[] = {
    { KVM_CAP_USER_MEMORY, "user memory" },
    { KVM_CAP_IRQCHIP, "interrupt controllers" },
    { KVM_CAP_PIT2, "timer (PIT)" },
    { KVM_CAP_EXT_CPUID, "CPUID lists" },
    { KVM_CAP_IMMEDIATE_EXIT, "immediate exit" },
};

/*
 * Say what the machine lacks. Our kernel has said at boot what it did not find; there is
 * no other way to ask for it, and on Linux there is no such line.
 */
static void die_without_virtualization(const char *what)
{
    static const char mark[] = "hv: no virtual machines: ";
    static char log[256 << 10];
    const char *why = strerror(errno), *found;
    int size = klogctl(SYSLOG_ACTION_READ_ALL, log, sizeof(log) - 1);

    found = size > 0 ? strstr(log, mark) : NULL;
    if (found != NULL) {
        why = found + strlen(mark);
        log[strcspn(why, "\n") + (size_t)(why - log)] = '\0';
    }
    die("%s: %s: a VM needs VT-x (with EPT and unrestricted guest) or AMD SVM (with nested paging), "
        "present in the CPU and turned on in the firmware", what, why);
}

int kvm_open(void)
{
    int fd = open("/dev/kvm", O_RDWR | O_CLOEXEC);
    int version;

    if (fd < 0 && (errno == ENOENT || errno == ENXIO || errno == ENODEV))
        die_without_virtualization("cannot open /dev/kvm");
    if (fd < 0)
        die("cannot open /dev/kvm: %s", strerror(errno));
    version = ioctl(fd, KVM_GET_API_VERSION, 0);
    if (version != KVM_API_VERSION)
        die("/dev/kvm speaks version %d of its interface, version %d is needed", version,
            KVM_API_VERSION);
    for (size_t i = 0; i < sizeof(required) / sizeof(required[0]); i++)
        if (ioctl(fd, KVM_CHECK_EXTENSION, required[i].number) <= 0)
            die("/dev/kvm lacks something a VM needs: %s (KVM capability %d)", required[i].what,
                required[i].number);
    return fd;
}

void outside_wake(const struct outside *outside)
{
    const uint64_t one = 1;

    (void)!write(outside->wake_fd, &one, sizeof(one)); /* full: it is awake already */
}

void vm_set_irq(struct vm *vm, unsigned irq, bool high)
{
    struct kvm_irq_level level = { .irq = irq, .level = high };

    if (ioctl(vm->fd, KVM_IRQ_LINE, &level) < 0)
        warn("cannot set interrupt line %u: %s", irq, strerror(errno));
}

void vm_end_locked(struct vm *vm, enum vm_end end, const char *fmt, ...)
{
    va_list args;

    if (vm->end != VM_RUNNING)
        return;
    va_start(args, fmt);
    vsnprintf(vm->reason, sizeof(vm->reason), fmt, args);
    va_end(args);
    vm->end = end;
    for (unsigned i = 0; i < vm->ncpus; i++)
        vcpu_kick(&vm->vcpus[i]);
    outside_wake(vm->outside);
}

/* ---- what devices ask of the machine ---------------------------------- */

static void machine_power_off(void *ctx)
{
    vm_end_locked(ctx, VM_POWERED_OFF, "powered off");
}

static void machine_reset(void *ctx, const char *by)
{
    vm_end_locked(ctx, VM_RESTARTED, "restarted by its %s", by);
}

static void machine_set_irq(void *ctx, unsigned irq, bool high)
{
    vm_set_irq(ctx, irq, high);
}

/* ---- the two serial ports ---------------------------------------------- */

static size_t sink_take(struct vm *vm, struct sink *sink, const uint8_t *data, size_t size)
{
    bool waited = sink_waiting(sink);
    size_t taken = sink_write(sink, data, size);

    if (sink_waiting(sink) && !waited)
        outside_wake(vm->outside); /* to wait for the descriptor in our place */
    return taken;
}

static size_t console_transmit(void *ctx, const uint8_t *data, size_t size)
{
    struct serial_irq *line = ctx;

    return sink_take(line->vm, &line->vm->outside->console, data, size);
}

static size_t log_transmit(void *ctx, const uint8_t *data, size_t size)
{
    struct serial_irq *line = ctx;
    size_t taken = sink_take(line->vm, &line->vm->outside->log, data, size);
    struct guest_status *status = &line->vm->outside->status;
    struct guest_status before = *status;

    guest_status_feed(status, data, taken);
    if (status->status != before.status || status->ready != before.ready)
        outside_wake(line->vm->outside);
    return taken;
}

static void serial_receive_ready(void *ctx)
{
    struct serial_irq *line = ctx;
    struct vm *vm = line->vm;

    if (vm->input_blocked || vm->log_input_length > 0)
        outside_wake(vm->outside);
}

static void serial_set_irq(void *ctx, bool high)
{
    struct serial_irq *line = ctx;

    vm_set_irq(line->vm, line->irq, high);
}

static uint32_t serial_bus_read(void *device, uint32_t offset, unsigned size)
{
    (void)size;
    return serial_read(device, offset);
}

static void serial_bus_write(void *device, uint32_t offset, unsigned size, uint32_t value)
{
    (void)size;
    serial_write(device, offset, (uint8_t)value);
}

static void add_serial(struct vm *vm, struct serial *uart, struct serial_irq *line,
                       const char *name, uint16_t port, unsigned irq,
                       size_t (*transmit)(void *, const uint8_t *, size_t))
{
    const struct serial_host host = {
        .transmit = transmit, .receive_ready = serial_receive_ready,
        .set_irq = serial_set_irq, .ctx = line,
    };
    const struct bus_range range = {
        .name = name, .base = port, .length = SERIAL_PORTS, .width = BUS_BYTES,
        .read = serial_bus_read, .write = serial_bus_write, .device = uart,
    };

    line->vm = vm;
    line->irq = irq;
    serial_init(uart, &host);
    bus_add(&vm->ports, &range);
}

static void add_devices(struct vm *vm)
{
    const struct guest_memory *memory = &vm->outside->memory;

    add_serial(vm, &vm->console, &vm->console_irq, "com1", COM1_PORT, COM1_IRQ, console_transmit);
    add_serial(vm, &vm->log, &vm->log_irq, "com2", COM2_PORT, COM2_IRQ, log_transmit);
    cmos_init(&vm->cmos, &vm->ports, memory->low_size, memory->high_size);
    i8042_init(&vm->i8042, &vm->ports, &vm->machine);
    pci_init(&vm->pci, &vm->ports, &vm->machine);
    acpi_pm_init(&vm->acpi_pm, &vm->ports, &vm->machine);
}

/* ---- KVM's parts -------------------------------------------------------- */

static void add_memory(struct vm *vm, uint32_t slot, gpa_t gpa, uint64_t size, uint8_t *host)
{
    const struct kvm_userspace_memory_region region = {
        .slot = slot, .guest_phys_addr = gpa, .memory_size = size,
        .userspace_addr = (uintptr_t)host,
    };

    if (size > 0 && ioctl(vm->fd, KVM_SET_USER_MEMORY_REGION, &region) < 0)
        die("cannot give the VM %llu MiB of memory: %s", (unsigned long long)(size / MIB),
            strerror(errno));
}

static void add_interrupt_controllers(struct vm *vm)
{
    const uint64_t identity_map = KVM_IDENTITY_MAP;
    const struct kvm_pit_config pit = { .flags = KVM_PIT_SPEAKER_DUMMY };

    if (ioctl(vm->fd, KVM_SET_IDENTITY_MAP_ADDR, &identity_map) < 0 ||
        ioctl(vm->fd, KVM_SET_TSS_ADDR, KVM_TSS) < 0)
        die("cannot place the VM's helper pages: %s", strerror(errno));
    if (ioctl(vm->fd, KVM_CREATE_IRQCHIP, 0) < 0)
        die("cannot create the VM's interrupt controllers: %s", strerror(errno));
    if (ioctl(vm->fd, KVM_CREATE_PIT2, &pit) < 0)
        die("cannot create the VM's timer: %s", strerror(errno));
}

void vm_create(struct vm *vm, struct outside *outside)
{
    const struct guest_memory *memory = &outside->memory;

    memset(vm, 0, sizeof(*vm));
    pthread_mutex_init(&vm->lock, NULL);
    vm->outside = outside;
    vm->machine = (struct machine_ops){ machine_power_off, machine_reset, machine_set_irq, vm };

    vm->fd = ioctl(outside->kvm_fd, KVM_CREATE_VM, 0);
    if (vm->fd < 0 && (errno == ENODEV || errno == EOPNOTSUPP || errno == ENOSYS))
        die_without_virtualization("cannot create a VM");
    if (vm->fd < 0)
        die("cannot create a VM: %s", strerror(errno));
    add_interrupt_controllers(vm);
    add_memory(vm, 0, 0, memory->low_size, memory->base);
    add_memory(vm, 1, MEMORY_HIGH_BASE, memory->high_size, memory->base + memory->low_size);
    add_devices(vm);

    linux_load(&outside->image, memory, outside->options->cpus);
    for (unsigned i = 0; i < outside->options->cpus; i++) {
        vcpu_create(&vm->vcpus[i], vm, i);
        vm->ncpus++;
    }
}

void vm_destroy(struct vm *vm)
{
    for (unsigned i = 0; i < vm->ncpus; i++)
        vcpu_destroy(&vm->vcpus[i]);
    close(vm->fd);
    pthread_mutex_destroy(&vm->lock);
}
