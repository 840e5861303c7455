/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The file system "sysfs": sysfs(5), as little of it as programs read. It has no
 * devices to show; it is where cgroup2 is mounted, and where libraries look for
 * the number of CPUs.
 */
#include "procfs.h"

static int show_cpus(struct seq *s, const struct proc_context *c)
{
    (void)c;
    if (cpu_count() > 1)
        seq_printf(s, "0-%u\n", cpu_count() - 1);
    else
        seq_printf(s, "0\n");
    return 0;
}

static int show_thp(struct seq *s, const struct proc_context *c)
{
    (void)c;
    seq_printf(s, "always [madvise] never\n");
    return 0;
}

#define DIR(label, table) {.name = label, .mode = 0555, .kind = PROC_DIR, .children = table}
#define TEXT(label, fn)   {.name = label, .mode = 0444, .kind = PROC_FILE, .show = fn}
#define END               {.name = NULL}

static const struct proc_entry none[] = {END};
static const struct proc_entry cpu_entries[] = {
    TEXT("online", show_cpus), TEXT("possible", show_cpus), TEXT("present", show_cpus),
    DIR("cpu0", none), /* one CPU runs programs */
    END};
static const struct proc_entry system_entries[] = {DIR("cpu", cpu_entries), END};
static const struct proc_entry devices_entries[] = {DIR("system", system_entries), END};
static const struct proc_entry fs_entries[] = {DIR("cgroup", none), END};
static const struct proc_entry thp_entries[] = {TEXT("enabled", show_thp), END};
static const struct proc_entry mm_entries[] = {DIR("transparent_hugepage", thp_entries), END};
static const struct proc_entry kernel_entries[] = {DIR("mm", mm_entries), END};
static const struct proc_entry top_entries[] = {
    DIR("devices", devices_entries), DIR("fs", fs_entries), DIR("kernel", kernel_entries), END};
static const struct proc_entry sys_root = DIR("/", top_entries);

static int sysfs_get_super(const struct fs_type *type, const char *source, unsigned long flags, const char *data,
                           struct super_block **out)
{
    (void)source;
    (void)data;
    return proc_make_super(type, flags, &sys_root, out);
}

static struct fs_type sysfs_type = {
    .name = "sysfs",
    .magic = 0x62656572,
    .get_super = sysfs_get_super,
    .user_visible = true,
};

void sysfs_init(void);
void sysfs_init(void)
{
    fs_register(&sysfs_type);
}
