/* SPDX-License-Identifier: BSD-2-Clause */
/* /proc/PID and /proc/PID/task/TID: links, directories and small files. status.c has the long ones. */
#include <kernel/cgroup.h>
#include <kernel/errno.h>
#include <kernel/files.h>
#include <kernel/ns.h>
#include <kernel/nsfs.h>
#include <kernel/string.h>
#include <kernel/vm.h>

#include "pid.h"

struct mm *proc_mm(struct thread *t)
{
    return process_get_mm(t->process);
}

/* ---- references to what a thread holds, taken under pid_lock ---- */

static struct fs_struct *thread_fs(struct thread *t)
{
    irqflags_t flags = spin_lock(&pid_lock);
    struct fs_struct *fs = t->fs;

    if (fs != NULL)
        fs_struct_get(fs);
    spin_unlock(&pid_lock, flags);
    return fs;
}

static struct files *thread_files(struct thread *t)
{
    irqflags_t flags = spin_lock(&pid_lock);
    struct files *files = t->files;

    if (files != NULL)
        files_get(files);
    spin_unlock(&pid_lock, flags);
    return files;
}

/* ---- magic links ---- */

static int follow_exe(const struct proc_context *c, struct path *out)
{
    struct mm *mm = proc_mm(c->thread);
    int err = -ENOENT;

    if (mm == NULL)
        return err;
    mutex_lock(&mm->lock);
    if (mm->exe != NULL) {
        *out = mm->exe->path;
        path_get(out);
        err = 0;
    }
    mutex_unlock(&mm->lock);
    mm_put(mm);
    return err;
}

enum fs_member { FS_ROOT, FS_CWD };

static int follow_fs(struct thread *t, enum fs_member which, struct path *out)
{
    struct fs_struct *fs = thread_fs(t);
    irqflags_t flags;

    if (fs == NULL)
        return -ENOENT;
    flags = spin_lock(&fs->lock);
    *out = which == FS_ROOT ? fs->root : fs->cwd;
    path_get(out);
    spin_unlock(&fs->lock, flags);
    fs_struct_put(fs);
    return 0;
}

static int follow_root(const struct proc_context *c, struct path *out)
{
    return follow_fs(c->thread, FS_ROOT, out);
}

static int follow_cwd(const struct proc_context *c, struct path *out)
{
    return follow_fs(c->thread, FS_CWD, out);
}

/* ---- descriptors ---- */

/* The open file of this number, counted, or NULL. */
static struct file *thread_file(struct thread *t, int nr)
{
    struct files *files = thread_files(t);
    struct file *f;
    int fd = nr;

    if (files == NULL)
        return NULL;
    f = files_next(files, &fd);
    files_put(files);
    if (f != NULL && fd != nr) {
        file_put(f);
        return NULL;
    }
    return f;
}

static bool fd_exists(const struct proc_context *c, int nr)
{
    struct file *f = thread_file(c->thread, nr);

    if (f != NULL)
        file_put(f);
    return f != NULL;
}

static int fd_next(const struct proc_context *c, int nr)
{
    struct files *files = thread_files(c->thread);
    struct file *f;

    if (files == NULL)
        return -1;
    f = files_next(files, &nr);
    files_put(files);
    if (f == NULL)
        return -1;
    file_put(f);
    return nr;
}

static int follow_fd(const struct proc_context *c, struct path *out)
{
    struct file *f = thread_file(c->thread, c->nr);

    if (f == NULL)
        return -ENOENT;
    *out = f->path;
    path_get(out);
    file_put(f);
    return 0;
}

static int show_fdinfo(struct seq *s, const struct proc_context *c)
{
    struct file *f = thread_file(c->thread, c->nr);
    char extra[256] = "";

    if (f == NULL)
        return -ENOENT;
    if (f->ops->show_fdinfo != NULL)
        f->ops->show_fdinfo(f, extra, sizeof(extra));
    seq_printf(s, "pos:\t%lld\nflags:\t0%o\nmnt_id:\t%d\nino:\t%llu\n%s", (long long)f->pos, f->flags,
               f->path.mnt != NULL ? f->path.mnt->id : 0, (unsigned long long)f->inode->ino, extra);
    file_put(f);
    return 0;
}

static const struct proc_entry fd_entry = {
    .name = "", .mode = 0777, .kind = PROC_LINK, .inspect = true, .follow = follow_fd};
static const struct proc_entry fdinfo_entry = {
    .name = "", .mode = 0400, .kind = PROC_FILE, .inspect = true, .show = show_fdinfo};
static const struct proc_dynamic fd_dir = {fd_exists, fd_next, &fd_entry, false};
static const struct proc_dynamic fdinfo_dir = {fd_exists, fd_next, &fdinfo_entry, false};

/* ---- threads ---- */

static bool task_exists(const struct proc_context *c, int nr)
{
    struct pid *pid = pid_find(c->ns, nr);
    irqflags_t flags;
    bool ours;

    if (pid == NULL)
        return false;
    flags = spin_lock(&pid_lock);
    ours = pid->thread != NULL && pid->thread->process == c->thread->process;
    spin_unlock(&pid_lock, flags);
    pid_put(pid);
    return ours;
}

static int task_next(const struct proc_context *c, int nr)
{
    irqflags_t flags = spin_lock(&pid_lock);
    struct thread *t;
    int best = -1;

    list_for_each(t, &c->thread->process->threads, process_link) {
        int tid = pid_nr_in(t->pid, c->ns);

        if (tid >= nr && (best < 0 || tid < best))
            best = tid;
    }
    spin_unlock(&pid_lock, flags);
    return best;
}

/* ---- namespaces ---- */

#define NS_LINK(label)                                                                             \
    static int ns_##label##_readlink(const struct proc_context *c, char *buf)                      \
    {                                                                                              \
        return ns_readlink(c->thread, #label, buf, PATH_MAX);                                      \
    }                                                                                              \
    static int ns_##label##_follow(const struct proc_context *c, struct path *out)                 \
    {                                                                                              \
        return ns_path(c->thread, #label, out);                                                    \
    }
NS_LINK(cgroup)
NS_LINK(ipc)
NS_LINK(mnt)
NS_LINK(net)
NS_LINK(pid)
NS_LINK(pid_for_children)
NS_LINK(uts)
#define NS_ENTRY(label)                                                                            \
    {.name = #label, .mode = 0777, .kind = PROC_LINK, .inspect = true, .readlink = ns_##label##_readlink, \
     .follow = ns_##label##_follow}
static const struct proc_entry ns_entries[] = {
    NS_ENTRY(cgroup), NS_ENTRY(ipc), NS_ENTRY(mnt), NS_ENTRY(net),
    NS_ENTRY(pid),    NS_ENTRY(pid_for_children), NS_ENTRY(uts), {.name = NULL},
};

/* ---- memory ---- */

static int show_remote(struct seq *s, struct thread *t, uaddr_t start, uaddr_t end)
{
    struct mm *mm = proc_mm(t);
    char buf[256];

    if (mm == NULL)
        return 0;
    while (start < end && !s->failed) {
        ssize_t n = mm_read_remote(mm, start, buf, min(sizeof(buf), (size_t)(end - start)));

        if (n <= 0)
            break;
        seq_write(s, buf, (size_t)n);
        start += (uaddr_t)n;
    }
    mm_put(mm);
    return 0;
}

static int show_cmdline(struct seq *s, const struct proc_context *c)
{
    struct mm *mm = proc_mm(c->thread);
    uaddr_t start, end, env_end;
    int err;

    if (mm == NULL)
        return 0;
    start = mm->arg_start;
    end = mm->arg_end;
    env_end = mm->env_end;
    mm_put(mm);
    if (end <= start)
        return 0;
    err = show_remote(s, c->thread, start, end);
    /* A program that wrote its title over its arguments may have run on into the environment. */
    if (err == 0 && s->len > 0 && s->buf[s->len - 1] != '\0' && env_end > end) {
        size_t n = s->len;

        err = show_remote(s, c->thread, end, env_end);
        if (s->len > n)
            s->len = n + strnlen(s->buf + n, s->len - n);
    }
    return err;
}

static int show_environ(struct seq *s, const struct proc_context *c)
{
    struct mm *mm = proc_mm(c->thread);
    uaddr_t start, end;

    if (mm == NULL)
        return 0;
    start = mm->env_start;
    end = mm->env_end;
    mm_put(mm);
    return show_remote(s, c->thread, start, end);
}

static int show_auxv(struct seq *s, const struct proc_context *c)
{
    struct mm *mm = proc_mm(c->thread);

    if (mm != NULL) {
        seq_write(s, mm->auxv, mm->auxv_len);
        mm_put(mm);
    }
    return 0;
}

/* /proc/PID/mem: the position is the address. The right to look is checked at open and at each use:
 * the process may have become another program's in between. */
static ssize_t mem_transfer(struct file *f, struct io_buf *io, off_t *pos, bool writing)
{
    struct thread *t = proc_thread(proc_node(f->inode));
    struct mm *mm;
    char *page;
    ssize_t done = 0, n;

    if (t == NULL)
        return 0;
    mm = proc_mm(t);
    if (mm != NULL && !may_inspect(t)) { /* after taking it: exec sets the rights first, then the memory */
        mm_put(mm);
        mm = NULL;
    }
    thread_put(t);
    if (mm == NULL)
        return 0;
    page = kalloc_for(current_cgroup(), PAGE_SIZE);
    while (page != NULL && io->remaining > 0) {
        size_t chunk = min(io->remaining, (size_t)PAGE_SIZE);

        if (writing) {
            n = io_copy_from(page, io, chunk);
            if (n > 0)
                n = mm_write_remote(mm, (uaddr_t)*pos, page, (size_t)n);
        } else {
            n = mm_read_remote(mm, (uaddr_t)*pos, page, chunk);
            if (n > 0)
                n = io_copy_to(io, page, (size_t)n);
        }
        if (n <= 0) {
            if (done == 0)
                done = n;
            break;
        }
        done += n;
        *pos += n;
        if ((size_t)n < chunk || signal_pending(current))
            break;
    }
    if (page == NULL)
        done = -ENOMEM;
    kfree(page);
    mm_put(mm);
    return done;
}

static ssize_t mem_read(struct file *f, struct io_buf *to, off_t *pos)
{
    return mem_transfer(f, to, pos, false);
}

static ssize_t mem_write(struct file *f, struct io_buf *from, off_t *pos)
{
    return mem_transfer(f, from, pos, true);
}

static const struct file_ops mem_fops = {.read = mem_read, .write = mem_write, .llseek = generic_llseek};

/* ---- small files ---- */

static int show_comm(struct seq *s, const struct proc_context *c)
{
    seq_printf(s, "%s\n", c->thread->comm);
    return 0;
}

static int store_comm(const struct proc_context *c, char *value)
{
    if (c->thread->process != current->process)
        return -EINVAL;
    strlcpy(c->thread->comm, value, sizeof(c->thread->comm));
    return 0;
}

static int show_cgroup(struct seq *s, const struct proc_context *c)
{
    char *path = kalloc_for(current_cgroup(), PATH_MAX);
    irqflags_t flags;
    struct cgroup *cg;

    if (path == NULL)
        return -ENOMEM;
    flags = spin_lock(&cgroup_lock);
    cg = c->thread->process->cgroup;
    if (cg != NULL)
        cgroup_get(cg);
    spin_unlock(&cgroup_lock, flags);
    if (cg != NULL) {
        cgroup_path(cg, current->nsproxy->cgroup->root, path, PATH_MAX);
        seq_printf(s, "0::%s\n", path);
        cgroup_put(cg);
    }
    kfree(path);
    return 0;
}

static int show_oom_score_adj(struct seq *s, const struct proc_context *c)
{
    seq_printf(s, "%d\n", c->thread->process->oom_score_adj);
    return 0;
}

static int store_oom_score_adj(const struct proc_context *c, char *value)
{
    bool negative = value[0] == '-';
    uint64_t v;
    int err = parse_u64(value + negative, 10, &v), adj;

    if (err < 0)
        return err;
    if (v > 1000)
        return -EINVAL;
    adj = negative ? -(int)v : (int)v;
    if (!may_inspect(c->thread) || (adj < c->thread->process->oom_score_adj && !capable(CAP_SYS_RESOURCE)))
        return -EACCES;
    c->thread->process->oom_score_adj = adj;
    return 0;
}

static int show_oom_score(struct seq *s, const struct proc_context *c)
{
    struct mm *mm = proc_mm(c->thread);
    struct mem_stats stats;
    uint64_t score = 0;

    if (mm != NULL) {
        mem_stats_get(&stats);
        score = (mm->rss_anon + mm->rss_file + mm->table_pages) * 1000 / stats.total_pages;
        mm_put(mm);
    }
    seq_printf(s, "%llu\n", (unsigned long long)score);
    return 0;
}

static int show_loginuid(struct seq *s, const struct proc_context *c)
{
    (void)c;
    seq_printf(s, "4294967295");
    return 0;
}

/* One user namespace: every id maps to itself. */
static int show_id_map(struct seq *s, const struct proc_context *c)
{
    (void)c;
    seq_printf(s, "%10u %10u %10u\n", 0, 0, 4294967295u);
    return 0;
}

static int show_setgroups(struct seq *s, const struct proc_context *c)
{
    (void)c;
    seq_printf(s, "allow\n");
    return 0;
}

static int show_personality(struct seq *s, const struct proc_context *c)
{
    seq_printf(s, "%08x\n", c->thread->process->personality);
    return 0;
}

/* ---- mounts ---- */

static bool emit_line(void *ctx, const char *line, size_t len)
{
    struct seq *s = ctx;

    seq_write(s, line, len);
    return !s->failed;
}

static int show_mount_text(struct seq *s, struct thread *t, enum mount_text kind)
{
    struct nsproxy *set;
    struct path root;
    irqflags_t flags;
    int err;

    flags = spin_lock(&pid_lock);
    set = t->nsproxy;
    if (set != NULL)
        nsproxy_get(set);
    spin_unlock(&pid_lock, flags);
    if (set == NULL)
        return -EINVAL;
    err = follow_fs(t, FS_ROOT, &root);
    if (err == 0) {
        err = mnt_ns_show(set->mnt, &root, kind, emit_line, s);
        path_put(&root);
    }
    nsproxy_put(set);
    return err;
}

static int show_mountinfo(struct seq *s, const struct proc_context *c)
{
    return show_mount_text(s, c->thread, MOUNT_TEXT_INFO);
}

static int show_mounts(struct seq *s, const struct proc_context *c)
{
    return show_mount_text(s, c->thread, MOUNT_TEXT_MOUNTS);
}

static int show_mountstats(struct seq *s, const struct proc_context *c)
{
    return show_mount_text(s, c->thread, MOUNT_TEXT_STATS);
}

/* ---- network: what programs look for before they open a socket ---- */

static int show_net_dev(struct seq *s, const struct proc_context *c)
{
    (void)c;
    seq_printf(s, "Inter-|   Receive                                                |  Transmit\n"
                  " face |bytes    packets errs drop fifo frame compressed multicast|bytes    packets errs "
                  "drop fifo colls carrier compressed\n");
    return 0;
}

static int show_net_unix(struct seq *s, const struct proc_context *c)
{
    (void)c;
    seq_printf(s, "Num       RefCount Protocol Flags    Type St Inode Path\n");
    return 0;
}

static const struct proc_entry net_entries[] = {
    {.name = "dev", .mode = 0444, .kind = PROC_FILE, .show = show_net_dev},
    {.name = "unix", .mode = 0444, .kind = PROC_FILE, .show = show_net_unix},
    {.name = NULL},
};

/* ---- the tables ---- */

#define COMMON_ENTRIES                                                                             \
    {.name = "auxv", .mode = 0400, .kind = PROC_FILE, .inspect = true, .show = show_auxv},         \
    {.name = "cgroup", .mode = 0444, .kind = PROC_FILE, .show = show_cgroup},                      \
    {.name = "cmdline", .mode = 0444, .kind = PROC_FILE, .show = show_cmdline},                    \
    {.name = "comm", .mode = 0644, .kind = PROC_FILE, .show = show_comm, .store = store_comm},     \
    {.name = "cwd", .mode = 0777, .kind = PROC_LINK, .inspect = true, .follow = follow_cwd},       \
    {.name = "environ", .mode = 0400, .kind = PROC_FILE, .inspect = true, .show = show_environ},   \
    {.name = "exe", .mode = 0777, .kind = PROC_LINK, .inspect = true, .follow = follow_exe},       \
    {.name = "fd", .mode = 0500, .kind = PROC_DYNAMIC_DIR, .inspect = true, .dynamic = &fd_dir},   \
    {.name = "fdinfo", .mode = 0555, .kind = PROC_DYNAMIC_DIR, .inspect = true, .dynamic = &fdinfo_dir}, \
    {.name = "gid_map", .mode = 0444, .kind = PROC_FILE, .show = show_id_map},                     \
    {.name = "limits", .mode = 0444, .kind = PROC_FILE, .show = proc_show_limits},                 \
    {.name = "loginuid", .mode = 0444, .kind = PROC_FILE, .show = show_loginuid},                  \
    {.name = "maps", .mode = 0444, .kind = PROC_FILE, .inspect = true, .show = proc_show_maps},    \
    {.name = "mem", .mode = 0600, .kind = PROC_FILE, .inspect = true, .fops = &mem_fops},          \
    {.name = "mountinfo", .mode = 0444, .kind = PROC_FILE, .show = show_mountinfo},                \
    {.name = "mounts", .mode = 0444, .kind = PROC_FILE, .show = show_mounts},                      \
    {.name = "net", .mode = 0555, .kind = PROC_DIR, .children = net_entries},                      \
    {.name = "ns", .mode = 0511, .kind = PROC_DIR, .inspect = true, .children = ns_entries},       \
    {.name = "oom_score", .mode = 0444, .kind = PROC_FILE, .show = show_oom_score},                \
    {.name = "oom_score_adj", .mode = 0644, .kind = PROC_FILE, .show = show_oom_score_adj,         \
     .store = store_oom_score_adj},                                                                \
    {.name = "personality", .mode = 0400, .kind = PROC_FILE, .inspect = true, .show = show_personality}, \
    {.name = "root", .mode = 0777, .kind = PROC_LINK, .inspect = true, .follow = follow_root},     \
    {.name = "setgroups", .mode = 0444, .kind = PROC_FILE, .show = show_setgroups},                \
    {.name = "statm", .mode = 0444, .kind = PROC_FILE, .show = proc_show_statm},                   \
    {.name = "status", .mode = 0444, .kind = PROC_FILE, .show = proc_show_status},                 \
    {.name = "uid_map", .mode = 0444, .kind = PROC_FILE, .show = show_id_map}

static const struct proc_entry task_entries[] = {
    COMMON_ENTRIES,
    {.name = "stat", .mode = 0444, .kind = PROC_FILE, .show = proc_show_task_stat},
    {.name = NULL},
};
static const struct proc_entry task_entry = {.name = "", .mode = 0555, .kind = PROC_DIR, .children = task_entries};
static const struct proc_dynamic task_dir = {task_exists, task_next, &task_entry, true};

static const struct proc_entry pid_entries[] = {
    COMMON_ENTRIES,
    {.name = "mountstats", .mode = 0400, .kind = PROC_FILE, .show = show_mountstats},
    {.name = "stat", .mode = 0444, .kind = PROC_FILE, .show = proc_show_stat},
    {.name = "task", .mode = 0555, .kind = PROC_DYNAMIC_DIR, .dynamic = &task_dir},
    {.name = NULL},
};
const struct proc_entry proc_pid_entry = {.name = "", .mode = 0555, .kind = PROC_DIR, .children = pid_entries};
