/* SPDX-License-Identifier: BSD-2-Clause */
/* The machine as a whole, as programs ask and tell: uname(2), sysinfo(2), sethostname(2), reboot(2). */
#include <kernel/errno.h>
#include <kernel/mm.h>
#include <kernel/ns.h>
#include <kernel/proc.h>
#include <kernel/spinlock.h>
#include <kernel/string.h>
#include <kernel/syscalls.h>
#include <kernel/trap.h>
#include <kernel/uaccess.h>

#include <kernel/abi/process.h>

#include "process.h"

#define UTS_LENGTH 64

static struct spinlock uts_lock; /* names of all namespaces */

long sys_uname(uaddr_t buf)
{
    struct abi_utsname u = {
        .sysname = "Linux", .release = "6.1.0-bulkhead", .version = "#1 Bulkhead", .machine = "x86_64"};
    const struct uts_ns *ns = current->nsproxy->uts;
    irqflags_t flags = spin_lock(&uts_lock);

    memcpy(u.nodename, ns->nodename, sizeof(u.nodename));
    memcpy(u.domainname, ns->domainname, sizeof(u.domainname));
    spin_unlock(&uts_lock, flags);
    return put_user(buf, u);
}

static long set_name(char name[UTS_LENGTH + 1], uaddr_t from, int len)
{
    char copy[UTS_LENGTH + 1] = "";
    irqflags_t flags;

    if (!ns_capable(current->nsproxy->uts->user_ns, CAP_SYS_ADMIN))
        return -EPERM;
    if (len < 0 || len > UTS_LENGTH)
        return -EINVAL;
    if (copy_from_user(copy, from, (size_t)len) < 0)
        return -EFAULT;
    flags = spin_lock(&uts_lock);
    memcpy(name, copy, sizeof(copy));
    spin_unlock(&uts_lock, flags);
    return 0;
}

long sys_sethostname(uaddr_t name, int len)
{
    return set_name(current->nsproxy->uts->nodename, name, len);
}

long sys_setdomainname(uaddr_t name, int len)
{
    return set_name(current->nsproxy->uts->domainname, name, len);
}

long sys_sysinfo(uaddr_t buf)
{
    struct abi_sysinfo info = {0};
    struct mem_stats stats;
    uint32_t load[3];
    irqflags_t flags;

    sched_loadavg(load);
    mem_stats_get(&stats);
    info.uptime = (int64_t)(ktime_ns() / NSEC_PER_SEC);
    for (int i = 0; i < 3; i++)
        info.loads[i] = ((uint64_t)load[i] << 16) / 100;
    info.totalram = stats.total_pages * PAGE_SIZE;
    info.freeram = stats.free_pages * PAGE_SIZE;
    flags = spin_lock(&pid_lock);
    info.procs = (uint16_t)current_pid_ns()->count;
    spin_unlock(&pid_lock, flags);
    info.mem_unit = 1;
    return put_user(buf, info);
}

#define PER_LINUX       0x0000000u
#define PERSONALITY_ASK 0xffffffffu
#define ADDR_NO_RANDOMIZE 0x0040000u

long sys_personality(unsigned persona)
{
    struct process *p = current->process;
    uint32_t old = p->personality;

    if (persona == PERSONALITY_ASK)
        return old;
    if ((persona & ~ADDR_NO_RANDOMIZE) != PER_LINUX)
        return -EINVAL; /* no other system's programs run here */
    p->personality = persona;
    return old;
}

long sys_getcpu(uaddr_t cpu, uaddr_t node, uaddr_t unused)
{
    uint32_t number = cpu_number(), zero = 0;

    (void)unused;
    if (cpu != 0 && put_user(cpu, number) < 0)
        return -EFAULT;
    if (node != 0 && put_user(node, zero) < 0)
        return -EFAULT;
    return 0;
}

/* No program may touch ports, root or not: the TSS has no bitmap to open. */
long sys_iopl(unsigned level)
{
    if (level > 3)
        return -EINVAL;
    return level == 0 ? 0 : -EPERM;
}

long sys_ioperm(uint64_t from, uint64_t num, int on)
{
    if (from + num < from || from + num > 65536)
        return -EINVAL;
    return on ? -EPERM : 0;
}

/* ---- reboot(2) ---- */

#define REBOOT_MAGIC1        0xfee1deadu
#define REBOOT_CMD_RESTART   0x01234567u
#define REBOOT_CMD_HALT      0xcdef0123u
#define REBOOT_CMD_CAD_ON    0x89abcdefu
#define REBOOT_CMD_CAD_OFF   0x00000000u
#define REBOOT_CMD_POWER_OFF 0x4321fedcu
#define REBOOT_CMD_RESTART2  0xa1b2c3d4u

static const uint32_t reboot_magic2[] = {672274793, 85072278, 369367448, 537993216};

static bool is_magic2(uint32_t magic)
{
    for (unsigned i = 0; i < ARRAY_SIZE(reboot_magic2); i++)
        if (magic == reboot_magic2[i])
            return true;
    return false;
}

/* In a pid namespace of its own the "machine" is that namespace: its init goes, and all with it. */
static long reboot_namespace(struct pid_ns *ns, uint32_t cmd)
{
    struct process *init;
    irqflags_t flags;
    int seems; /* what its init's parent sees it die of */

    if (cmd == REBOOT_CMD_RESTART || cmd == REBOOT_CMD_RESTART2)
        seems = SIGHUP;
    else if (cmd == REBOOT_CMD_HALT || cmd == REBOOT_CMD_POWER_OFF)
        seems = SIGINT;
    else
        return -EINVAL;
    flags = spin_lock(&pid_lock);
    ns->reboot_signal = seems;
    init = ns->init;
    if (init != NULL)
        process_get(init);
    spin_unlock(&pid_lock, flags);
    if (init == NULL)
        return 0;
    (void)signal_send_process(init, SIGKILL, NULL); /* it may be gone already */
    process_put(init);
    return 0;
}

long sys_reboot(int magic1, int magic2, unsigned cmd, uaddr_t arg)
{
    (void)arg;
    if (!capable(CAP_SYS_BOOT))
        return -EPERM;
    if ((uint32_t)magic1 != REBOOT_MAGIC1 || !is_magic2((uint32_t)magic2))
        return -EINVAL;
    if (current_pid_ns() != &pid_ns_init)
        return reboot_namespace(current_pid_ns(), cmd);
    switch (cmd) {
    case REBOOT_CMD_CAD_ON:
    case REBOOT_CMD_CAD_OFF:
        return 0; /* there is no Ctrl-Alt-Del to turn on or off */
    case REBOOT_CMD_RESTART:
    case REBOOT_CMD_RESTART2:
        machine_reboot();
    case REBOOT_CMD_HALT:
    case REBOOT_CMD_POWER_OFF:
        machine_power_off();
    default:
        return -EINVAL;
    }
}
