/* SPDX-License-Identifier: BSD-2-Clause */
/* The files of /proc/PID that ps, top and runtimes parse: stat, statm, status, maps, limits. */
#include <kernel/cgroup.h>
#include <kernel/errno.h>
#include <kernel/files.h>
#include <kernel/spinlock.h>
#include <kernel/string.h>

#include "pid.h"

#define CLOCK_TICKS_NS (NSEC_PER_SEC / 100) /* USER_HZ */

/* ---- a consistent picture of a thread and its process, taken under the locks ---- */

struct picture {
    char state;
    int pid, tid, ppid, pgrp, session, nthreads;
    int tty_nr, tpgid;
    uint64_t utime, stime, cutime, cstime; /* ns */
    uint64_t min_flt, maj_flt, cmin_flt, cmaj_flt;
    uint64_t nvcsw, nivcsw;
    uint64_t start_ns;
    sigset_t pending, shared_pending, blocked, ignored, caught;
    struct cred cred;
    int exit_code;
};

static char state_letter(const struct thread *t)
{
    if (t->process->zombie || t->state == THREAD_DEAD)
        return 'Z';
    switch (t->state) {
    case THREAD_RUNNING:
        return 'R';
    case THREAD_INTERRUPTIBLE:
        return 'S';
    case THREAD_STOPPED:
        return 'T';
    default:
        return 'D';
    }
}

static void signal_picture(struct thread *t, struct picture *p)
{
    struct sighand *sh = t->sighand;
    irqflags_t flags;

    if (sh == NULL)
        return;
    flags = spin_lock(&sh->lock);
    p->pending = t->sigqueue.pending;
    p->shared_pending = t->process->sigqueue.pending;
    p->blocked = t->blocked;
    for (int sig = 1; sig < NSIG; sig++) {
        if (sh->actions[sig].handler == SIG_IGN)
            p->ignored |= SIGMASK(sig);
        else if (sh->actions[sig].handler != SIG_DFL)
            p->caught |= SIGMASK(sig);
    }
    spin_unlock(&sh->lock, flags);
}

static void take_picture(struct thread *t, struct pid_ns *ns, bool whole_process, struct picture *p)
{
    struct process *proc = t->process;
    irqflags_t flags;

    memset(p, 0, sizeof(*p));
    flags = spin_lock(&pid_lock);
    p->state = state_letter(t);
    p->pid = pid_nr_in(proc->pid, ns);
    p->tid = pid_nr_in(t->pid, ns);
    p->ppid = proc->parent != NULL && proc->parent->pid != NULL ? pid_nr_in(proc->parent->pid, ns) : 0;
    p->pgrp = proc->pgrp != NULL ? pid_nr_in(proc->pgrp, ns) : 0;
    p->session = proc->session != NULL ? pid_nr_in(proc->session, ns) : 0;
    p->nthreads = (int)proc->nthreads;
    p->tpgid = -1;
    if (proc->tty != NULL && tty_procfs_info != NULL)
        tty_procfs_info(proc->tty, ns, &p->tty_nr, &p->tpgid);
    if (whole_process)
        process_times(proc, &p->utime, &p->stime);
    else
        thread_times(t, &p->utime, &p->stime);
    p->cutime = proc->cutime_ns;
    p->cstime = proc->cstime_ns;
    p->min_flt = whole_process ? proc->min_flt + t->min_flt : t->min_flt;
    p->maj_flt = whole_process ? proc->maj_flt + t->maj_flt : t->maj_flt;
    p->cmin_flt = proc->cmin_flt;
    p->cmaj_flt = proc->cmaj_flt;
    p->nvcsw = t->nvcsw;
    p->nivcsw = t->nivcsw;
    p->start_ns = t->start_time_ns;
    p->cred = *t->cred;
    p->exit_code = proc->zombie ? proc->exit_code : 0;
    signal_picture(t, p);
    spin_unlock(&pid_lock, flags);
}

static unsigned long long ticks(uint64_t ns)
{
    return ns / CLOCK_TICKS_NS;
}

/* ---- stat: proc_pid_stat(5) ---- */

static int show_stat(struct seq *s, const struct proc_context *c, bool whole_process)
{
    struct thread *t = c->thread;
    struct mm *mm = proc_mm(t);
    bool may = may_inspect(t);
    struct picture p;
    uint64_t vsize = 0, rss = 0;

    take_picture(t, c->ns, whole_process, &p);
    if (mm != NULL) {
        vsize = mm->total_vm << PAGE_SHIFT;
        rss = mm->rss_anon + mm->rss_file + mm->rss_shmem;
    }
    seq_printf(s, "%d (%s) %c %d %d %d %d %d 0 %llu %llu %llu %llu %llu %llu %llu %llu %d %d %d 0 %llu %llu %llu ",
               whole_process ? p.pid : p.tid, t->comm, p.state, p.ppid, p.pgrp, p.session, p.tty_nr, p.tpgid,
               (unsigned long long)p.min_flt, (unsigned long long)p.cmin_flt, (unsigned long long)p.maj_flt,
               (unsigned long long)p.cmaj_flt, ticks(p.utime), ticks(p.stime), ticks(p.cutime), ticks(p.cstime),
               20 + t->nice, t->nice, p.nthreads, ticks(p.start_ns), (unsigned long long)vsize,
               (unsigned long long)rss);
    /* rsslim, then addresses that only those who may look get; signals; wchan and swap; exit signal, CPU. */
    seq_printf(s, "%llu 0 0 %llu 0 0 %llu %llu %llu %llu 0 0 0 %d %u 0 0 0 0 0 0 0 0 %llu %llu %llu %llu %d\n",
               (unsigned long long)t->process->rlimits[RLIMIT_RSS].cur,
               (unsigned long long)(may && mm != NULL ? mm->stack_start : 0),
               (unsigned long long)(p.pending & 0x7fffffff), (unsigned long long)(p.blocked & 0x7fffffff),
               (unsigned long long)(p.ignored & 0x7fffffff), (unsigned long long)(p.caught & 0x7fffffff),
               t->process->exit_signal, t->cpu, (unsigned long long)(may && mm != NULL ? mm->arg_start : 0),
               (unsigned long long)(may && mm != NULL ? mm->arg_end : 0),
               (unsigned long long)(may && mm != NULL ? mm->env_start : 0),
               (unsigned long long)(may && mm != NULL ? mm->env_end : 0), may ? p.exit_code : 0);
    if (mm != NULL)
        mm_put(mm);
    return 0;
}

int proc_show_stat(struct seq *s, const struct proc_context *c)
{
    return show_stat(s, c, true);
}

int proc_show_task_stat(struct seq *s, const struct proc_context *c)
{
    return show_stat(s, c, false);
}

/* ---- sizes of an address space by use ---- */

struct sizes { /* pages */
    uint64_t text, data, stack, lib;
};

static void measure(struct mm *mm, struct sizes *z)
{
    *z = (struct sizes){0};
    mutex_lock(&mm->lock);
    for (struct vma *v = vma_find(mm, 0); v != NULL; v = vma_next(v)) {
        uint64_t n = (v->end - v->start) >> PAGE_SHIFT;

        if (v->flags & (VMA_GROWSDOWN | VMA_STACK))
            z->stack += n;
        else if (v->file != NULL && (v->prot & PROT_EXEC))
            *(mm->exe != NULL && v->file->inode == mm->exe->inode ? &z->text : &z->lib) += n;
        else if ((v->prot & PROT_WRITE) && !(v->flags & VMA_SHARED))
            z->data += n;
    }
    mutex_unlock(&mm->lock);
}

int proc_show_statm(struct seq *s, const struct proc_context *c)
{
    struct mm *mm = proc_mm(c->thread);
    struct sizes z;

    if (mm == NULL) {
        seq_printf(s, "0 0 0 0 0 0 0\n");
        return 0;
    }
    measure(mm, &z);
    seq_printf(s, "%llu %llu %llu %llu 0 %llu 0\n", (unsigned long long)mm->total_vm,
               (unsigned long long)(mm->rss_anon + mm->rss_file), (unsigned long long)mm->rss_file,
               (unsigned long long)z.text, (unsigned long long)(z.data + z.stack));
    mm_put(mm);
    return 0;
}

/* ---- status: proc_pid_status(5) ---- */

static const char *state_name(char letter)
{
    switch (letter) {
    case 'R':
        return "running";
    case 'S':
        return "sleeping";
    case 'T':
        return "stopped";
    case 'Z':
        return "zombie";
    default:
        return "disk sleep";
    }
}

static void show_kib(struct seq *s, const char *name, uint64_t pages)
{
    seq_printf(s, "%s:\t%8llu kB\n", name, (unsigned long long)(pages << (PAGE_SHIFT - 10)));
}

static void show_memory(struct seq *s, struct mm *mm)
{
    struct sizes z;

    measure(mm, &z);
    show_kib(s, "VmPeak", mm->total_vm);
    show_kib(s, "VmSize", mm->total_vm);
    show_kib(s, "VmLck", 0);
    show_kib(s, "VmPin", 0);
    show_kib(s, "VmHWM", mm->hiwater_rss);
    show_kib(s, "VmRSS", mm->rss_anon + mm->rss_file + mm->rss_shmem);
    show_kib(s, "RssAnon", mm->rss_anon);
    show_kib(s, "RssFile", mm->rss_file);
    show_kib(s, "RssShmem", mm->rss_shmem);
    show_kib(s, "VmData", z.data);
    show_kib(s, "VmStk", z.stack);
    show_kib(s, "VmExe", z.text);
    show_kib(s, "VmLib", z.lib);
    show_kib(s, "VmPTE", mm->table_pages);
    show_kib(s, "VmSwap", 0);
}

/* The thread's numbers from the reader's namespace down to its own. */
static void show_numbers(struct seq *s, const char *name, const struct pid *pid, const struct pid_ns *ns)
{
    seq_printf(s, "%s:", name);
    for (unsigned level = ns->level; pid != NULL && level <= pid->level; level++)
        seq_printf(s, "\t%d", pid->numbers[level].nr);
    seq_printf(s, "\n");
}

static void show_ids(struct seq *s, const struct cred *cred)
{
    seq_printf(s, "Uid:\t%u\t%u\t%u\t%u\n", cred->uid.val, cred->euid.val, cred->suid.val, cred->fsuid.val);
    seq_printf(s, "Gid:\t%u\t%u\t%u\t%u\n", cred->gid.val, cred->egid.val, cred->sgid.val, cred->fsgid.val);
}

static void show_signals(struct seq *s, const struct picture *p, const struct thread *t)
{
    seq_printf(s, "SigQ:\t0/%llu\n", (unsigned long long)t->process->rlimits[RLIMIT_SIGPENDING].cur);
    seq_printf(s, "SigPnd:\t%016llx\nShdPnd:\t%016llx\nSigBlk:\t%016llx\nSigIgn:\t%016llx\nSigCgt:\t%016llx\n",
               (unsigned long long)p->pending, (unsigned long long)p->shared_pending,
               (unsigned long long)p->blocked, (unsigned long long)p->ignored, (unsigned long long)p->caught);
}

static void show_capabilities(struct seq *s, const struct cred *c)
{
    seq_printf(s, "CapInh:\t%016llx\nCapPrm:\t%016llx\nCapEff:\t%016llx\nCapBnd:\t%016llx\nCapAmb:\t%016llx\n",
               (unsigned long long)c->cap_inheritable, (unsigned long long)c->cap_permitted,
               (unsigned long long)c->cap_effective, (unsigned long long)c->cap_bounding,
               (unsigned long long)c->cap_ambient);
}

int proc_show_status(struct seq *s, const struct proc_context *c)
{
    struct thread *t = c->thread;
    struct mm *mm = proc_mm(t);
    struct picture p;

    take_picture(t, c->ns, true, &p);
    seq_printf(s, "Name:\t%s\nUmask:\t%04o\nState:\t%c (%s)\nTgid:\t%d\nNgid:\t0\nPid:\t%d\nPPid:\t%d\nTracerPid:\t0\n",
               t->comm, t->fs != NULL ? t->fs->umask : 0, p.state, state_name(p.state), p.pid, p.tid, p.ppid);
    show_ids(s, &p.cred);
    seq_printf(s, "FDSize:\t64\nGroups:\t");
    for (uint32_t i = 0; i < p.cred.ngroups; i++)
        seq_printf(s, "%u ", p.cred.groups[i].val);
    seq_printf(s, "\n");
    show_numbers(s, "NStgid", t->process->pid, c->ns);
    show_numbers(s, "NSpid", t->pid, c->ns);
    show_numbers(s, "NSpgid", t->process->pgrp, c->ns);
    show_numbers(s, "NSsid", t->process->session, c->ns);
    if (mm != NULL) {
        show_memory(s, mm);
        mm_put(mm);
    }
    seq_printf(s, "Threads:\t%d\n", p.nthreads);
    show_signals(s, &p, t);
    show_capabilities(s, &p.cred);
    seq_printf(s, "NoNewPrivs:\t%d\nSeccomp:\t%u\nSeccomp_filters:\t0\n", p.cred.no_new_privs, t->seccomp_mode);
    seq_printf(s, "Cpus_allowed:\t%x\nCpus_allowed_list:\t0-%u\n", (1u << cpu_count()) - 1, cpu_count() - 1);
    seq_printf(s, "voluntary_ctxt_switches:\t%llu\nnonvoluntary_ctxt_switches:\t%llu\n",
               (unsigned long long)p.nvcsw, (unsigned long long)p.nivcsw);
    return 0;
}

/* ---- maps: proc_pid_maps(5) ---- */

static void show_area(struct seq *s, const struct mm *mm, const struct vma *v, const struct path *root, char *buf)
{
    bool named = v->file != NULL;
    const char *name = "";
    size_t start = s->len;

    seq_printf(s, "%08llx-%08llx %c%c%c%c %08llx ", (unsigned long long)v->start, (unsigned long long)v->end,
               v->prot & PROT_READ ? 'r' : '-', v->prot & PROT_WRITE ? 'w' : '-', v->prot & PROT_EXEC ? 'x' : '-',
               v->flags & VMA_SHARED ? 's' : 'p', (unsigned long long)(named ? v->pgoff << PAGE_SHIFT : 0));
    seq_printf(s, "%02x:%02x %llu ", named ? MAJOR(v->file->inode->sb->dev) : 0,
               named ? MINOR(v->file->inode->sb->dev) : 0,
               (unsigned long long)(named ? v->file->inode->ino : 0));
    if (named)
        name = path_name(file_shown_path(v->file), root, buf, PATH_MAX);
    else if (v->flags & VMA_HEAP)
        name = "[heap]";
    else if (mm->stack_start >= v->start && mm->stack_start < v->end)
        name = "[stack]";
    if (name != NULL && *name != '\0') {
        while (s->len - start < 73 && !s->failed)
            seq_printf(s, " ");
        seq_printf(s, "%s", name);
    }
    seq_printf(s, "\n");
}

int proc_show_maps(struct seq *s, const struct proc_context *c)
{
    struct mm *mm = proc_mm(c->thread);
    char *buf = kalloc_for(current_cgroup(), PATH_MAX);
    struct path root;

    if (mm == NULL || buf == NULL) {
        kfree(buf);
        if (mm != NULL)
            mm_put(mm);
        return mm == NULL ? 0 : -ENOMEM;
    }
    fs_root(&root);
    mutex_lock(&mm->lock);
    for (struct vma *v = vma_find(mm, 0); v != NULL && !s->failed; v = vma_next(v))
        show_area(s, mm, v, &root, buf);
    mutex_unlock(&mm->lock);
    path_put(&root);
    kfree(buf);
    mm_put(mm);
    return 0;
}

/* ---- limits ---- */

static const struct {
    const char *name, *unit;
} limit_names[RLIMIT_NLIMITS] = {
    [RLIMIT_CPU] = {"Max cpu time", "seconds"},
    [RLIMIT_FSIZE] = {"Max file size", "bytes"},
    [RLIMIT_DATA] = {"Max data size", "bytes"},
    [RLIMIT_STACK] = {"Max stack size", "bytes"},
    [RLIMIT_CORE] = {"Max core file size", "bytes"},
    [RLIMIT_RSS] = {"Max resident set", "bytes"},
    [RLIMIT_NPROC] = {"Max processes", "processes"},
    [RLIMIT_NOFILE] = {"Max open files", "files"},
    [RLIMIT_MEMLOCK] = {"Max locked memory", "bytes"},
    [RLIMIT_AS] = {"Max address space", "bytes"},
    [RLIMIT_LOCKS] = {"Max file locks", "locks"},
    [RLIMIT_SIGPENDING] = {"Max pending signals", "signals"},
    [RLIMIT_MSGQUEUE] = {"Max msgqueue size", "bytes"},
    [RLIMIT_NICE] = {"Max nice priority", ""},
    [RLIMIT_RTPRIO] = {"Max realtime priority", ""},
    [RLIMIT_RTTIME] = {"Max realtime timeout", "us"},
};

static void show_limit(struct seq *s, uint64_t limit)
{
    if (limit == RLIM_INFINITY)
        seq_printf(s, "%-20s ", "unlimited");
    else
        seq_printf(s, "%-20llu ", (unsigned long long)limit);
}

int proc_show_limits(struct seq *s, const struct proc_context *c)
{
    seq_printf(s, "%-25s %-20s %-20s %-10s\n", "Limit", "Soft Limit", "Hard Limit", "Units");
    for (unsigned i = 0; i < RLIMIT_NLIMITS; i++) {
        seq_printf(s, "%-25s ", limit_names[i].name);
        show_limit(s, c->thread->process->rlimits[i].cur);
        show_limit(s, c->thread->process->rlimits[i].max);
        seq_printf(s, "%-10s\n", limit_names[i].unit);
    }
    return 0;
}
