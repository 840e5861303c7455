/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What it costs a guest to leave its CPU, through /dev/kvm and nothing else.
 *
 *     exits [-r ROUNDS] [-n OPERATIONS]
 *
 * One CPU in real mode runs a loop around one instruction that exits. A "kernel" exit
 * is handled below KVM_RUN, a "monitor" exit comes back to this program, which
 * answers it and enters the guest again. The loop's own two instructions are in the figure.
 */
#include "bench.h"

#include <fcntl.h>
#include <linux/kvm.h>
#include <stdbool.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>

#define RAM           0x10000u
#define CODE          0x1000u
#define PORT_MONITOR  0x10u
#define PORT_DOORBELL 0x55u /* has an eventfd: the kernel handles it */
#define PORT_END      0x99u
#define HOLE          0x800000u /* guest-physical: nothing is there */
#define HOLE_DOORBELL 0x900000u
#define LARGE         0x1000000u /* guest-physical: memory that nobody has touched */
#define LARGE_PAGES   2048u
#define PAGE          4096u

struct machine {
    int vm, vcpu;
    struct kvm_run *run;
    size_t run_size;
    uint8_t *ram;
    uint8_t *large;
};

static int kvm;

static int control(int fd, unsigned long request, uintptr_t argument, const char *name)
{
    int result = ioctl(fd, request, argument);

    if (result < 0)
        bench_die(name);
    return result;
}
#define CONTROL(fd, request, argument) control(fd, request, (uintptr_t)(argument), #request)

static uint8_t *map(size_t size)
{
    void *memory = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

    if (memory == MAP_FAILED)
        bench_die("mmap");
    return memory;
}

static void set_slot(struct machine *m, uint32_t slot, uint64_t address, uint8_t *memory,
                     size_t size)
{
    struct kvm_userspace_memory_region region = {.slot = slot,
                                                 .guest_phys_addr = address,
                                                 .memory_size = size,
                                                 .userspace_addr = (uintptr_t)memory};

    CONTROL(m->vm, KVM_SET_USER_MEMORY_REGION, &region);
}

static void add_doorbell(struct machine *m, uint64_t address, uint32_t flags)
{
    struct kvm_ioeventfd doorbell = {
        .addr = address, .len = 1, .fd = eventfd(0, EFD_NONBLOCK), .flags = flags};

    if (doorbell.fd < 0)
        bench_die("eventfd");
    CONTROL(m->vm, KVM_IOEVENTFD, &doorbell);
    close(doorbell.fd); /* the VM has its own reference */
}

static void machine_init(struct machine *m)
{
    m->vm = CONTROL(kvm, KVM_CREATE_VM, 0);
    m->ram = map(RAM);
    m->large = map(LARGE_PAGES * PAGE);
    if (madvise(m->large, LARGE_PAGES * PAGE, MADV_NOHUGEPAGE) < 0)
        bench_die("madvise");
    set_slot(m, 0, 0, m->ram, RAM);
    set_slot(m, 1, LARGE, m->large, LARGE_PAGES * PAGE);
    add_doorbell(m, PORT_DOORBELL, KVM_IOEVENTFD_FLAG_PIO);
    add_doorbell(m, HOLE_DOORBELL, 0);
    m->vcpu = CONTROL(m->vm, KVM_CREATE_VCPU, 0);
    m->run_size = (size_t)CONTROL(kvm, KVM_GET_VCPU_MMAP_SIZE, 0);
    m->run = mmap(NULL, m->run_size, PROT_READ | PROT_WRITE, MAP_SHARED, m->vcpu, 0);
    if (m->run == MAP_FAILED)
        bench_die("mmap of the vCPU");
}

static void machine_fini(struct machine *m)
{
    munmap(m->run, m->run_size);
    close(m->vcpu);
    close(m->vm);
    munmap(m->ram, RAM);
    munmap(m->large, LARGE_PAGES * PAGE);
}

/* ---- the figures -------------------------------------------------------------------------- */

struct figure {
    const char *name;
    uint32_t data_base; /* of DS */
    bool to_monitor;
    uint8_t size;
    uint8_t code[12]; /* 16-bit; may use all registers but ESI */
};

/* clang-format off */
static const struct figure figures[] = {
    { "exit_pio_kernel",       0,             false, 2, { 0xe6, PORT_DOORBELL } },           /* out port, al */
    { "exit_pio_monitor",      0,             true,  2, { 0xe6, PORT_MONITOR } },            /* out port, al */
    { "exit_pio_in_monitor",   0,             true,  2, { 0xe4, PORT_MONITOR } },            /* in al, port */
    { "exit_mmio_kernel",      HOLE_DOORBELL, false, 3, { 0xa2, 0, 0 } },                    /* mov [0], al */
    { "exit_mmio_monitor",     HOLE,          true,  3, { 0xa2, 0, 0 } },                    /* mov [0], al */
    { "exit_mmio_read_monitor", HOLE,         true,  3, { 0xa0, 0, 0 } },                    /* mov al, [0] */
    { "exit_cpuid",            0,             false, 5, { 0x66, 0x31, 0xc0, 0x0f, 0xa2 } },  /* xor eax, eax; cpuid */
    { "exit_rdmsr",            0,             false, 8, { 0x66, 0xb9, 0x1b, 0, 0, 0, 0x0f, 0x32 } }, /* mov ecx, IA32_APIC_BASE; rdmsr */
    { "exit_hlt_monitor",      0,             true,  1, { 0xf4 } },                          /* hlt */
};
/* mov [edi], al; add edi, PAGE */
static const struct figure first_touch = { "exit_first_touch", LARGE, false, 10,
    { 0x67, 0x88, 0x07, 0x66, 0x81, 0xc7, 0x00, 0x10, 0x00, 0x00 } };
/* clang-format on */

/* mov esi, n; again: the figure's code; dec esi; jnz again; out PORT_END, al; hlt */
static void load_code(struct machine *m, const struct figure *figure, uint32_t n)
{
    uint8_t *p = m->ram + CODE;

    *p++ = 0x66;
    *p++ = 0xbe;
    memcpy(p, &n, sizeof(n));
    p += sizeof(n);
    memcpy(p, figure->code, figure->size);
    p += figure->size;
    *p++ = 0x66;
    *p++ = 0x4e;
    *p++ = 0x75;
    *p++ = (uint8_t) - (figure->size + 4);
    *p++ = 0xe6;
    *p++ = PORT_END;
    *p = 0xf4;
}

static void set_registers(struct machine *m, uint32_t data_base)
{
    struct kvm_regs regs = {.rip = CODE, .rflags = 2};
    struct kvm_sregs sregs;

    CONTROL(m->vcpu, KVM_GET_SREGS, &sregs);
    sregs.cs.base = sregs.cs.selector = 0;
    sregs.ds.base = data_base;
    sregs.ds.limit = 0xffffffff; /* first_touch goes far */
    sregs.ds.g = 1;
    CONTROL(m->vcpu, KVM_SET_SREGS, &sregs);
    CONTROL(m->vcpu, KVM_SET_REGS, &regs);
}

/* Run to the end of the loop; returns how many exits came to us before. */
static unsigned run_loop(struct machine *m)
{
    for (unsigned count = 0;; count++) {
        if (ioctl(m->vcpu, KVM_RUN, 0) < 0)
            bench_die("KVM_RUN");
        switch (m->run->exit_reason) {
        case KVM_EXIT_IO:
            if (m->run->io.port == PORT_END)
                return count;
            break;
        case KVM_EXIT_MMIO:
        case KVM_EXIT_HLT:
            break;
        default:
            fprintf(stderr, "bench: unexpected exit %u\n", m->run->exit_reason);
            exit(1);
        }
    }
}

static double measure_loop(struct machine *m, const struct figure *figure, unsigned n)
{
    uint64_t begin, ticks;
    unsigned count;

    load_code(m, figure, n);
    set_registers(m, figure->data_base);
    begin = bench_now();
    count = run_loop(m);
    ticks = bench_now() - begin;
    if (count != (figure->to_monitor ? n : 0)) {
        fprintf(stderr, "bench: %s: %u exits came to the monitor\n", figure->name, count);
        exit(1);
    }
    return (double)ticks / n;
}

static void measure(const struct figure *figure, unsigned rounds, unsigned n)
{
    double values[ROUNDS_MAX];
    struct machine m;

    machine_init(&m);
    measure_loop(&m, figure, n / 10 + 1); /* warms up */
    for (unsigned round = 0; round < rounds; round++)
        values[round] = measure_loop(&m, figure, n);
    machine_fini(&m);
    bench_print(figure->name, values, rounds);
}

/* Pages that have been touched stay: each round has a VM of its own. */
static void measure_first_touch(unsigned rounds)
{
    double values[ROUNDS_MAX];

    for (unsigned round = 0; round < rounds; round++) {
        struct machine m;

        machine_init(&m);
        values[round] = measure_loop(&m, &first_touch, LARGE_PAGES);
        machine_fini(&m);
    }
    bench_print(first_touch.name, values, rounds);
}

/* A VM with one CPU: made, run to its first exit, destroyed. */
static void measure_life(unsigned rounds)
{
    double values[ROUNDS_MAX];

    for (unsigned round = 0; round < rounds; round++) {
        uint64_t begin = bench_now();
        struct machine m;

        machine_init(&m);
        measure_loop(&m, &figures[0], 1);
        machine_fini(&m);
        values[round] = (double)(bench_now() - begin);
    }
    bench_print("vm_create_run_destroy", values, rounds);
}

int main(int argc, char **argv)
{
    unsigned rounds = 5, n = 4000;
    int option;

    while ((option = getopt(argc, argv, "r:n:")) != -1) {
        if (option == 'r')
            rounds = bench_number(optarg, ROUNDS_MAX);
        else if (option == 'n')
            n = bench_number(optarg, 1000000);
        else
            return 2;
    }
    kvm = open("/dev/kvm", O_RDWR | O_CLOEXEC);
    if (kvm < 0)
        bench_die("/dev/kvm");
    for (size_t i = 0; i < sizeof(figures) / sizeof(figures[0]); i++)
        measure(&figures[i], rounds, n);
    measure_first_touch(rounds);
    measure_life(rounds);
    return 0;
}
