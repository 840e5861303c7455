/* SPDX-License-Identifier: BSD-2-Clause */
/* The files of /proc that are about the machine: proc(5). */
#include <kernel/boot_info.h>
#include <kernel/cgroup.h>
#include <kernel/errno.h>
#include <kernel/spinlock.h>
#include <kernel/string.h>

#include "procfs.h"

/* ---- links into the reader's own process ---- */

static int self_readlink(const struct proc_context *c, char *buf)
{
    int nr = pid_nr_in(current->process->pid, c->ns);

    return nr != 0 ? snprintf(buf, PATH_MAX, "%d", nr) : -ENOENT;
}

static int thread_self_readlink(const struct proc_context *c, char *buf)
{
    int nr = pid_nr_in(current->process->pid, c->ns);

    return nr != 0 ? snprintf(buf, PATH_MAX, "%d/task/%d", nr, pid_nr_in(current->pid, c->ns)) : -ENOENT;
}

static int mounts_readlink(const struct proc_context *c, char *buf)
{
    (void)c;
    return (int)strlcpy(buf, "self/mounts", PATH_MAX);
}

static int net_readlink(const struct proc_context *c, char *buf)
{
    (void)c;
    return (int)strlcpy(buf, "self/net", PATH_MAX);
}

/* ---- memory ---- */

static void show_kib(struct seq *s, const char *name, uint64_t pages)
{
    seq_printf(s, "%s:%*llu kB\n", name, (int)(24 - strlen(name)), (unsigned long long)(pages << (PAGE_SHIFT - 10)));
}

static int show_meminfo(struct seq *s, const struct proc_context *c)
{
    struct mem_stats m;

    (void)c;
    mem_stats_get(&m);
    show_kib(s, "MemTotal", m.total_pages);
    show_kib(s, "MemFree", m.free_pages);
    show_kib(s, "MemAvailable", mm_available_pages()); /* the page cache is tmpfs: none of it can be dropped */
    show_kib(s, "Buffers", 0);
    show_kib(s, "Cached", m.cache_pages);
    show_kib(s, "SwapCached", 0);
    show_kib(s, "Active", m.anon_pages);
    show_kib(s, "Inactive", 0);
    show_kib(s, "SwapTotal", 0);
    show_kib(s, "SwapFree", 0);
    show_kib(s, "Dirty", 0);
    show_kib(s, "Writeback", 0);
    show_kib(s, "AnonPages", m.anon_pages);
    show_kib(s, "Mapped", 0);
    show_kib(s, "Shmem", m.cache_pages);
    show_kib(s, "Slab", m.slab_pages);
    show_kib(s, "SReclaimable", 0);
    show_kib(s, "SUnreclaim", m.slab_pages);
    show_kib(s, "KernelStack", m.stack_pages);
    show_kib(s, "PageTables", m.table_pages);
    return 0;
}

static void show_cache(const struct kmem_cache_info *i, void *arg)
{
    seq_printf(arg, "%-17s %6llu %6llu %6u %4llu %4u : tunables 0 0 0 : slabdata %6u %6u 0\n", i->name,
               (unsigned long long)i->objects, (unsigned long long)i->total, i->size,
               (unsigned long long)(i->pages > 0 ? i->total / i->pages : 0), 1, i->pages, i->pages);
}

static int show_slabinfo(struct seq *s, const struct proc_context *c)
{
    (void)c;
    seq_printf(s, "slabinfo - version: 2.1\n# name            <active_objs> <num_objs> <objsize> <objperslab> "
                  "<pagesperslab> : tunables <limit> <batchcount> <sharedfactor> : slabdata <active_slabs> "
                  "<num_slabs> <sharedavail>\n");
    kmem_cache_for_each(show_cache, s);
    return 0;
}

static int show_vmstat(struct seq *s, const struct proc_context *c)
{
    struct mem_stats m;

    (void)c;
    mem_stats_get(&m);
    seq_printf(s, "nr_free_pages %llu\nnr_anon_pages %llu\nnr_file_pages %llu\nnr_slab_unreclaimable %llu\n"
                  "nr_page_table_pages %llu\nnr_kernel_stack %llu\n",
               (unsigned long long)m.free_pages, (unsigned long long)m.anon_pages,
               (unsigned long long)m.cache_pages, (unsigned long long)m.slab_pages,
               (unsigned long long)m.table_pages, (unsigned long long)(m.stack_pages << (PAGE_SHIFT - 10)));
    return 0;
}

/* ---- time ---- */

static uint64_t idle_ns(void)
{
    uint64_t sum = 0;

    for (unsigned i = 0; i < cpu_count(); i++)
        sum += cpu_get(i)->idle_ns;
    return sum;
}

static int show_uptime(struct seq *s, const struct proc_context *c)
{
    uint64_t up = ktime_ns(), idle = idle_ns();

    (void)c;
    seq_printf(s, "%llu.%02llu %llu.%02llu\n", (unsigned long long)(up / NSEC_PER_SEC),
               (unsigned long long)(up / 10000000 % 100), (unsigned long long)(idle / NSEC_PER_SEC),
               (unsigned long long)(idle / 10000000 % 100));
    return 0;
}

struct totals {
    unsigned processes, stopped;
};

static void sum_processes(struct totals *t)
{
    irqflags_t flags = spin_lock(&pid_lock);
    struct process *p;

    *t = (struct totals){0};
    list_for_each(p, &process_list, all_link) {
        t->processes++;
    }
    spin_unlock(&pid_lock, flags);
}

static int show_loadavg(struct seq *s, const struct proc_context *c)
{
    uint32_t avg[3] = {0};
    struct totals t;

    sum_processes(&t);
    if (sched_loadavg != NULL)
        sched_loadavg(avg);
    seq_printf(s, "%u.%02u %u.%02u %u.%02u %u/%u %d\n", avg[0] / 100, avg[0] % 100, avg[1] / 100, avg[1] % 100,
               avg[2] / 100, avg[2] % 100, sched_runnable(), t.processes, c->ns->last);
    return 0;
}

static int show_stat(struct seq *s, const struct proc_context *c)
{
    uint64_t idle = idle_ns(), up = ktime_ns();
    uint64_t busy = READ_ONCE(cgroup_root.cpu_ns), user = READ_ONCE(cgroup_root.cpu_user_ns);

    (void)c;
    for (int line = 0; line < 2; line++) {
        seq_printf(s, line == 0 ? "cpu  " : "cpu0 ");
        seq_printf(s, "%llu 0 %llu %llu 0 0 0 0 0 0\n", (unsigned long long)(user / 10000000),
                   (unsigned long long)((busy - user) / 10000000), (unsigned long long)(idle / 10000000));
    }
    seq_printf(s, "intr 0\nctxt 0\nbtime %llu\nprocesses %d\nprocs_running %u\nprocs_blocked 0\n",
               (unsigned long long)((ktime_real_ns() - up) / NSEC_PER_SEC), pid_ns_init.last, sched_runnable());
    return 0;
}

/* ---- CPU ---- */

static const char *const features_1_edx[32] = {
    "fpu", "vme", "de", "pse", "tsc", "msr", "pae", "mce", "cx8", "apic", NULL, "sep", "mtrr", "pge", "mca", "cmov",
    "pat", "pse36", "pn", "clflush", NULL, "dts", "acpi", "mmx", "fxsr", "sse", "sse2", "ss", "ht", "tm", "ia64", "pbe"};
static const char *const features_1_ecx[32] = {
    "pni", "pclmulqdq", "dtes64", "monitor", "ds_cpl", "vmx", "smx", "est", "tm2", "ssse3", "cid", "sdbg", "fma",
    "cx16", "xtpr", "pdcm", NULL, "pcid", "dca", "sse4_1", "sse4_2", "x2apic", "movbe", "popcnt",
    "tsc_deadline_timer", "aes", "xsave", NULL, "avx", "f16c", "rdrand", "hypervisor"};
static const char *const features_81_edx[32] = { /* only what leaf 1 does not have */
    [11] = "syscall", [20] = "nx", [22] = "mmxext", [25] = "fxsr_opt", [26] = "pdpe1gb", [27] = "rdtscp", [29] = "lm"};
static const char *const features_81_ecx[32] = {
    "lahf_lm", "cmp_legacy", "svm", "extapic", "cr8_legacy", "abm", "sse4a", "misalignsse", "3dnowprefetch", "osvw"};
static const char *const features_7_ebx[32] = {
    "fsgsbase", "tsc_adjust", NULL, "bmi1", "hle", "avx2", NULL, "smep", "bmi2", "erms", "invpcid", "rtm", NULL, NULL,
    NULL, NULL, "avx512f", NULL, "rdseed", "adx", "smap", NULL, NULL, "clflushopt", "clwb"};

static void show_features(struct seq *s, const char *const names[32], uint32_t bits)
{
    for (unsigned i = 0; i < 32; i++) {
        if ((bits & BIT(i)) && names[i] != NULL)
            seq_printf(s, " %s", names[i]);
    }
}

static int show_cpuinfo(struct seq *s, const struct proc_context *c)
{
    struct cpuid_regs leaf0 = cpuid(0, 0), leaf1 = cpuid(1, 0), ext = cpuid(0x80000000, 0), r;
    uint32_t family = leaf1.eax >> 8 & 15, model = leaf1.eax >> 4 & 15;
    char vendor[13] = "", brand[49] = "unknown";

    (void)c;
    memcpy(vendor, &leaf0.ebx, 4);
    memcpy(vendor + 4, &leaf0.edx, 4);
    memcpy(vendor + 8, &leaf0.ecx, 4);
    if (family == 15 || family == 6)
        model |= leaf1.eax >> 12 & 0xf0;
    if (family == 15)
        family += leaf1.eax >> 20 & 0xff;
    for (unsigned i = 0; ext.eax >= 0x80000004 && i < 3; i++) {
        r = cpuid(0x80000002 + i, 0);
        memcpy(brand + 16 * i, &r, 16);
    }
    for (unsigned i = 0; i < cpu_count(); i++) {
        seq_printf(s, "processor\t: %u\nvendor_id\t: %s\ncpu family\t: %u\nmodel\t\t: %u\nmodel name\t: %s\n"
                      "stepping\t: %u\ncpu MHz\t\t: %llu.%03llu\nphysical id\t: 0\nsiblings\t: %u\ncore id\t\t: %u\n"
                      "cpu cores\t: %u\napicid\t\t: %u\nfpu\t\t: yes\ncpuid level\t: %u\nflags\t\t:",
                   i, vendor, family, model, brand, leaf1.eax & 15, (unsigned long long)(tsc_khz() / 1000),
                   (unsigned long long)(tsc_khz() % 1000), cpu_count(), i, cpu_count(), cpu_get(i)->apic_id,
                   leaf0.eax);
        show_features(s, features_1_edx, leaf1.edx);
        if (ext.eax >= 0x80000001)
            show_features(s, features_81_edx, cpuid(0x80000001, 0).edx);
        show_features(s, features_1_ecx, leaf1.ecx);
        if (leaf0.eax >= 7)
            show_features(s, features_7_ebx, cpuid(7, 0).ebx);
        if (ext.eax >= 0x80000001)
            show_features(s, features_81_ecx, cpuid(0x80000001, 0).ecx);
        seq_printf(s, "\nbogomips\t: %llu.%02llu\n\n", (unsigned long long)(tsc_khz() / 500),
                   (unsigned long long)(tsc_khz() / 5 % 100));
    }
    return 0;
}

/* ---- the rest ---- */

static int show_cmdline(struct seq *s, const struct proc_context *c)
{
    (void)c;
    seq_printf(s, "%s\n", (const char *)phys_to_virt(boot.cmdline));
    return 0;
}

static int show_version(struct seq *s, const struct proc_context *c)
{
    (void)c;
    seq_printf(s, "Linux version 6.1.0-bulkhead (bulkhead) (" __VERSION__ ") #1\n");
    return 0;
}

static void show_fs_type(const struct fs_type *type, void *arg)
{
    if (type->user_visible)
        seq_printf(arg, "nodev\t%s\n", type->name);
}

static int show_filesystems(struct seq *s, const struct proc_context *c)
{
    (void)c;
    fs_type_for_each(show_fs_type, s);
    return 0;
}

static void show_device(const struct char_dev *d, void *arg)
{
    seq_printf(arg, "%3u %s\n", MAJOR(d->dev), d->name);
}

static int show_devices(struct seq *s, const struct proc_context *c)
{
    (void)c;
    seq_printf(s, "Character devices:\n");
    char_dev_for_each(show_device, s);
    seq_printf(s, "\nBlock devices:\n");
    return 0;
}

static int show_swaps(struct seq *s, const struct proc_context *c)
{
    (void)c;
    seq_printf(s, "Filename\t\t\t\tType\t\tSize\t\tUsed\t\tPriority\n");
    return 0;
}

static int show_cgroups(struct seq *s, const struct proc_context *c)
{
    (void)c;
    seq_printf(s, "#subsys_name\thierarchy\tnum_cgroups\tenabled\ncpu\t0\t1\t1\nmemory\t0\t1\t1\npids\t0\t1\t1\n");
    return 0;
}

const struct proc_entry proc_root_entries[] = {
    {.name = "cgroups", .mode = 0444, .kind = PROC_FILE, .show = show_cgroups},
    {.name = "cmdline", .mode = 0444, .kind = PROC_FILE, .show = show_cmdline},
    {.name = "cpuinfo", .mode = 0444, .kind = PROC_FILE, .show = show_cpuinfo},
    {.name = "devices", .mode = 0444, .kind = PROC_FILE, .show = show_devices},
    {.name = "filesystems", .mode = 0444, .kind = PROC_FILE, .show = show_filesystems},
    {.name = "loadavg", .mode = 0444, .kind = PROC_FILE, .show = show_loadavg},
    {.name = "meminfo", .mode = 0444, .kind = PROC_FILE, .show = show_meminfo},
    {.name = "mounts", .mode = 0777, .kind = PROC_LINK, .readlink = mounts_readlink},
    {.name = "net", .mode = 0777, .kind = PROC_LINK, .readlink = net_readlink},
    {.name = "self", .mode = 0777, .kind = PROC_LINK, .readlink = self_readlink},
    {.name = "slabinfo", .mode = 0400, .kind = PROC_FILE, .show = show_slabinfo},
    {.name = "stat", .mode = 0444, .kind = PROC_FILE, .show = show_stat},
    {.name = "swaps", .mode = 0444, .kind = PROC_FILE, .show = show_swaps},
    {.name = "sys", .mode = 0555, .kind = PROC_DIR, .children = proc_sys_entries},
    {.name = "sysvipc", .mode = 0555, .kind = PROC_DIR, .children = proc_sysvipc_entries},
    {.name = "thread-self", .mode = 0777, .kind = PROC_LINK, .readlink = thread_self_readlink},
    {.name = "uptime", .mode = 0444, .kind = PROC_FILE, .show = show_uptime},
    {.name = "version", .mode = 0444, .kind = PROC_FILE, .show = show_version},
    {.name = "vmstat", .mode = 0444, .kind = PROC_FILE, .show = show_vmstat},
    {.name = NULL},
};
