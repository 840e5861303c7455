/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * From the loader to the first process: every part of the kernel is started
 * here, in an order in which each finds what it needs.
 */
#include <kernel/boot_info.h>
#include <kernel/log.h>
#include <kernel/mm.h>
#include <kernel/proc.h>
#include <kernel/random.h>
#include <kernel/string.h>
#include <kernel/trap.h>

void kernel_main(const struct boot_info *bi) __noreturn;
void call_on_stack(void *top, void (*fn)(void)) __noreturn; /* kernel/x86/switch.asm */

/*
 * Parts register themselves in functions named here; one that is not linked in
 * is passed over. Order: what a line needs stands above it.
 */
#define PARTS(part)                                                                                \
    part(lock_order_init)  /* in a debug build */                                                  \
    part(proc_init)        /* processes, the idle thread */                                        \
    part(syscall_init)     /* obeys the command line */                                            \
    part(vfs_init)         /* names, mounts, open files; tmpfs and devtmpfs */                     \
    part(dev_init)         /* terminals, memory devices */                                         \
    part(procfs_init)                                                                              \
    part(sysfs_init)                                                                               \
    part(overlayfs_init)                                                                           \
    part(cgroupfs_init)                                                                            \
    part(containers_init)  /* namespaces, seccomp */                                               \
    part(net_init)         /* sockets */                                                           \
    part(hv_init)          /* /dev/kvm */                                                          \
    part(initrd_unpack)    /* the first files */                                                   \
    part(console_init)     /* /dev/console is the serial line's tty */

#define DECLARE(fn) void fn(void) __weak;
PARTS(DECLARE)

static void (*const parts[])(void) = {
#define POINTER(fn) fn,
    PARTS(POINTER)
};

/* On a stack with guard pages; interrupts are still off. */
static void start_parts(void)
{
    const char *init = cmdline_get("init");

    random_init(boot.entropy);
    memset(boot.entropy, 0, sizeof(boot.entropy)); /* secret, and used up */
    for (unsigned i = 0; i < ARRAY_SIZE(parts); i++)
        if (parts[i] != NULL)
            parts[i]();
    proc_start_init(init != NULL && init[0] != '\0' ? init : "/sbin/init");
}

void kernel_main(const struct boot_info *bi)
{
    struct cpu *cpu;

    x86_early_init(bi);
    mm_init(&boot);
    x86_late_init();

    cpu = this_cpu();
    cpu->idle_stack = kmap_alloc_stack(NULL, KSTACK_PAGES);
    if (cpu->idle_stack == NULL)
        panic("no memory for the first stack");
    call_on_stack((char *)cpu->idle_stack + KSTACK_SIZE - sizeof(struct trapframe) - 8, start_parts);
}
