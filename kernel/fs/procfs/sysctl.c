/* SPDX-License-Identifier: BSD-2-Clause */
/* /proc/sys: what programs read of the kernel's parameters, and the few that can be changed. */
#include <kernel/cgroup.h>
#include <kernel/errno.h>
#include <kernel/ipc.h>
#include <kernel/ns.h>
#include <kernel/random.h>
#include <kernel/string.h>
#include <kernel/vm.h>

#include "procfs.h"

#define TEXT_ENTRY(ident, ...)                                                                     \
    static int show_##ident(struct seq *s, const struct proc_context *c)                           \
    {                                                                                              \
        (void)c;                                                                                   \
        seq_printf(s, __VA_ARGS__);                                                                \
        return 0;                                                                                  \
    }

TEXT_ENTRY(ostype, "Linux\n")
TEXT_ENTRY(osrelease, "6.1.0-bulkhead\n")
TEXT_ENTRY(version, "#1\n")
TEXT_ENTRY(pid_max, "%d\n", PID_MAX)
TEXT_ENTRY(ngroups_max, "%d\n", NGROUPS_MAX)
TEXT_ENTRY(cap_last_cap, "%d\n", CAP_COUNT - 1)
TEXT_ENTRY(overflow_id, "65534\n")
TEXT_ENTRY(threads_max, "%d\n", PID_MAX)
TEXT_ENTRY(overcommit_memory, "1\n") /* address space is not memory: pages are charged when touched */
TEXT_ENTRY(max_map_count, "%d\n", MM_AREAS_MAX)
TEXT_ENTRY(mmap_min_addr, "65536\n")
TEXT_ENTRY(file_max, "9223372036854775807\n")
TEXT_ENTRY(nr_open, "1048576\n")
TEXT_ENTRY(pipe_max_size, "1048576\n")
TEXT_ENTRY(somaxconn, "4096\n")
TEXT_ENTRY(random_poolsize, "256\n")
TEXT_ENTRY(randomize_va_space, "2\n")
TEXT_ENTRY(msgmax, "%d\n", MSGMAX)
TEXT_ENTRY(msgmnb, "%d\n", MSGMNB)
TEXT_ENTRY(msgmni, "%d\n", MSGMNI)
TEXT_ENTRY(sem, "%d\t%d\t%d\t%d\n", SEMMSL, SEMMNS, SEMOPM, SEMMNI)
TEXT_ENTRY(shmall, "%lu\n", SHMALL)
TEXT_ENTRY(shmmax, "%lu\n", SHMMAX)
TEXT_ENTRY(shmmni, "%d\n", SHMMNI)

static int show_hostname(struct seq *s, const struct proc_context *c)
{
    (void)c;
    seq_printf(s, "%s\n", current->nsproxy->uts->nodename);
    return 0;
}

static int show_domainname(struct seq *s, const struct proc_context *c)
{
    (void)c;
    seq_printf(s, "%s\n", current->nsproxy->uts->domainname);
    return 0;
}

static int store_hostname(const struct proc_context *c, char *value)
{
    (void)c;
    if (!capable(CAP_SYS_ADMIN))
        return -EPERM;
    strlcpy(current->nsproxy->uts->nodename, value, sizeof(current->nsproxy->uts->nodename));
    return 0;
}

static void show_uuid_of(struct seq *s, uint8_t id[16])
{
    id[6] = (uint8_t)((id[6] & 0x0f) | 0x40); /* RFC 9562, "UUID Version 4" */
    id[8] = (uint8_t)((id[8] & 0x3f) | 0x80);
    for (unsigned i = 0; i < 16; i++)
        seq_printf(s, "%s%02x", i == 4 || i == 6 || i == 8 || i == 10 ? "-" : "", id[i]);
    seq_printf(s, "\n");
}

static int show_uuid(struct seq *s, const struct proc_context *c)
{
    uint8_t id[16];

    (void)c;
    random_bytes(id, sizeof(id));
    show_uuid_of(s, id);
    return 0;
}

static int show_boot_id(struct seq *s, const struct proc_context *c)
{
    static uint8_t id[16];
    static bool made;

    (void)c;
    if (!made)
        random_bytes(id, sizeof(id));
    made = true;
    show_uuid_of(s, id);
    return 0;
}

/* Linux's, where it frees clean caches: here free memory that allocators hold back, and unused names. */
static int store_drop_caches(const struct proc_context *c, char *value)
{
    (void)c;
    if (!capable(CAP_SYS_ADMIN))
        return -EPERM;
    if (strlen(value) != 1 || value[0] < '1' || value[0] > '4')
        return -EINVAL;
    if (dcache_shrink != NULL)
        dcache_shrink();
    mm_shrink();
    return 0;
}

#define READ_ONLY(label, fn) {.name = label, .mode = 0444, .kind = PROC_FILE, .show = fn}
#define END                  {.name = NULL}

static const struct proc_entry random_entries[] = {
    READ_ONLY("boot_id", show_boot_id),
    READ_ONLY("entropy_avail", show_random_poolsize),
    READ_ONLY("poolsize", show_random_poolsize),
    READ_ONLY("uuid", show_uuid),
    END,
};

static const struct proc_entry kernel_entries[] = {
    READ_ONLY("cap_last_cap", show_cap_last_cap),
    READ_ONLY("domainname", show_domainname),
    {.name = "hostname", .mode = 0644, .kind = PROC_FILE, .show = show_hostname, .store = store_hostname},
    READ_ONLY("msgmax", show_msgmax),
    READ_ONLY("msgmnb", show_msgmnb),
    READ_ONLY("msgmni", show_msgmni),
    READ_ONLY("ngroups_max", show_ngroups_max),
    READ_ONLY("osrelease", show_osrelease),
    READ_ONLY("ostype", show_ostype),
    READ_ONLY("overflowgid", show_overflow_id),
    READ_ONLY("overflowuid", show_overflow_id),
    READ_ONLY("pid_max", show_pid_max),
    {.name = "random", .mode = 0555, .kind = PROC_DIR, .children = random_entries},
    READ_ONLY("randomize_va_space", show_randomize_va_space),
    READ_ONLY("sem", show_sem),
    READ_ONLY("shmall", show_shmall),
    READ_ONLY("shmmax", show_shmmax),
    READ_ONLY("shmmni", show_shmmni),
    READ_ONLY("threads-max", show_threads_max),
    READ_ONLY("version", show_version),
    END,
};

static const struct proc_entry vm_entries[] = {
    {.name = "drop_caches", .mode = 0200, .kind = PROC_FILE, .store = store_drop_caches},
    READ_ONLY("max_map_count", show_max_map_count),
    READ_ONLY("mmap_min_addr", show_mmap_min_addr),
    READ_ONLY("overcommit_memory", show_overcommit_memory),
    END,
};

static const struct proc_entry fs_entries[] = {
    READ_ONLY("file-max", show_file_max),
    READ_ONLY("nr_open", show_nr_open),
    READ_ONLY("overflowgid", show_overflow_id),
    READ_ONLY("overflowuid", show_overflow_id),
    READ_ONLY("pipe-max-size", show_pipe_max_size),
    END,
};

static const struct proc_entry net_core_entries[] = {READ_ONLY("somaxconn", show_somaxconn), END};
static const struct proc_entry net_entries[] = {
    {.name = "core", .mode = 0555, .kind = PROC_DIR, .children = net_core_entries}, END};

const struct proc_entry proc_sys_entries[] = {
    {.name = "fs", .mode = 0555, .kind = PROC_DIR, .children = fs_entries},
    {.name = "kernel", .mode = 0555, .kind = PROC_DIR, .children = kernel_entries},
    {.name = "net", .mode = 0555, .kind = PROC_DIR, .children = net_entries},
    {.name = "vm", .mode = 0555, .kind = PROC_DIR, .children = vm_entries},
    END,
};
