/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Waiting for children: wait4(2), waitid(2), and what a process has used:
 * getrusage(2).
 *
 * A child is reported when it has exited (a zombie: it is then gone, unless
 * WNOWAIT), has stopped, or has been continued; each of the last two once. All
 * threads of the parent may wait for all children.
 */
#include <kernel/fs.h>
#include <kernel/proc.h>
#include <kernel/string.h>
#include <kernel/syscalls.h>
#include <kernel/uaccess.h>
#include <kernel/vm.h>

#include <kernel/abi/process.h>

#include "pidfd.h"
#include "process.h"
#include "timespec.h"

struct wait_request {
    int type;        /* P_ALL, P_PID (also for pidfds), P_PGID */
    struct pid *pid; /* counted; NULL for P_ALL */
    unsigned options;
    bool found_any; /* there is a child that may yet have something to tell */
};

struct wait_result {
    int pid; /* 0: none */
    uint32_t uid;
    int code;   /* CLD_* */
    int status; /* exit status, or signal */
    int wait_status;
    struct abi_rusage usage;
};

/* ---- resources ----------------------------------------------------------------------------- */

static void usage_times(struct abi_rusage *u, uint64_t user_ns, uint64_t system_ns)
{
    struct timeval ut = timeval_from_ns(user_ns), st = timeval_from_ns(system_ns);

    u->utime_sec = ut.tv_sec;
    u->utime_usec = ut.tv_usec;
    u->stime_sec = st.tv_sec;
    u->stime_usec = st.tv_usec;
}

/* [pid_lock] What a process and the children it has waited for have used. */
static void usage_of_process(struct process *p, struct abi_rusage *u)
{
    uint64_t user, system, maxrss = p->maxrss_pages;
    struct thread *t;

    process_times(p, &user, &system);
    usage_times(u, user, system);
    if (p->mm != NULL)
        maxrss = max(maxrss, max(p->mm->hiwater_rss, p->mm->rss_anon + p->mm->rss_file));
    u->maxrss_kib = (int64_t)(maxrss * (PAGE_SIZE / 1024));
    u->minflt = (int64_t)p->min_flt;
    u->majflt = (int64_t)p->maj_flt;
    u->nvcsw = (int64_t)p->nvcsw;
    u->nivcsw = (int64_t)p->nivcsw;
    list_for_each (t, &p->threads, process_link) {
        u->minflt += (int64_t)t->min_flt;
        u->majflt += (int64_t)t->maj_flt;
        u->nvcsw += (int64_t)t->nvcsw;
        u->nivcsw += (int64_t)t->nivcsw;
    }
}

static void usage_of_children(const struct process *p, struct abi_rusage *u)
{
    usage_times(u, p->cutime_ns, p->cstime_ns);
    u->maxrss_kib = (int64_t)(p->cmaxrss_pages * (PAGE_SIZE / 1024));
    u->minflt = (int64_t)p->cmin_flt;
    u->majflt = (int64_t)p->cmaj_flt;
    u->nvcsw = (int64_t)p->cnvcsw;
    u->nivcsw = (int64_t)p->cnivcsw;
}

static void usage_of_thread(const struct thread *t, struct abi_rusage *u)
{
    uint64_t user, system;

    usage_of_process(t->process, u); /* for the memory, which threads share */
    thread_times(t, &user, &system);
    usage_times(u, user, system);
    u->minflt = (int64_t)t->min_flt;
    u->majflt = (int64_t)t->maj_flt;
    u->nvcsw = (int64_t)t->nvcsw;
    u->nivcsw = (int64_t)t->nivcsw;
}

long sys_getrusage(int who, uaddr_t usage)
{
    struct abi_rusage u = {0};
    irqflags_t flags;

    if (who != RUSAGE_SELF && who != RUSAGE_CHILDREN && who != RUSAGE_THREAD)
        return -EINVAL;
    flags = spin_lock(&pid_lock);
    if (who == RUSAGE_SELF)
        usage_of_process(current->process, &u);
    else if (who == RUSAGE_CHILDREN)
        usage_of_children(current->process, &u);
    else
        usage_of_thread(current, &u);
    spin_unlock(&pid_lock, flags);
    return put_user(usage, u);
}

/* ---- looking for a child -------------------------------------------------------------------- */

static bool is_wanted(const struct wait_request *r, const struct process *child)
{
    bool is_clone = child->exit_signal != SIGCHLD;

    if (r->type == P_PID && child->pid != r->pid)
        return false;
    if (r->type == P_PGID && child->pgrp != r->pid)
        return false;
    return (r->options & WALL_) != 0 || is_clone == ((r->options & WCLONE_) != 0);
}

static void describe(struct process *child, int code, int status, int wait_status, struct wait_result *out)
{
    memset(out, 0, sizeof(*out));
    out->pid = pid_nr_current(child->pid);
    out->uid = child->leader->cred->uid.val;
    out->code = code;
    out->status = status;
    out->wait_status = wait_status;
    usage_of_process(child, &out->usage);
    if (child->zombie) { /* with what it has waited for itself */
        struct abi_rusage u;

        usage_of_children(child, &u);
        usage_times(&out->usage, child->utime_ns + child->cutime_ns, child->stime_ns + child->cstime_ns);
        out->usage.maxrss_kib = max(out->usage.maxrss_kib, u.maxrss_kib);
        out->usage.minflt += u.minflt;
        out->usage.majflt += u.majflt;
        out->usage.nvcsw += u.nvcsw;
        out->usage.nivcsw += u.nivcsw;
    }
}

/* [pid_lock] Has this child something to tell? */
static bool look_at(struct wait_request *r, struct process *child, struct wait_result *out)
{
    int code = child->exit_code;

    if (child->zombie) {
        if (!(r->options & WEXITED))
            return false;
        if (code & 0x7f)
            describe(child, CLD_KILLED, code & 0x7f, code, out);
        else
            describe(child, CLD_EXITED, code >> 8 & 0xff, code, out);
        return true;
    }
    r->found_any = true;
    if (child->job_reported)
        return false;
    if (child->job == JOB_STOPPED && child->stop_left == 0 && (r->options & WSTOPPED)) {
        describe(child, CLD_STOPPED, child->stop_signal, child->stop_signal << 8 | 0x7f, out);
    } else if (child->job == JOB_CONTINUED && (r->options & WCONTINUED)) {
        describe(child, CLD_CONTINUED, SIGCONT, 0xffff, out);
    } else {
        return false;
    }
    if (!(r->options & WNOWAIT))
        child->job_reported = true;
    return true;
}

/* True: there is a result, or nothing to wait for. */
static bool scan_children(struct wait_request *r, struct wait_result *out)
{
    struct process *me = current->process, *child, *gone = NULL;
    irqflags_t flags = spin_lock(&pid_lock);

    r->found_any = false;
    out->pid = 0;
    list_for_each (child, &me->children, sibling) {
        if (!is_wanted(r, child))
            continue;
        if (!look_at(r, child, out))
            continue;
        if (child->zombie && !(r->options & WNOWAIT)) {
            gone = child;
            process_unlink(gone);
        }
        break;
    }
    spin_unlock(&pid_lock, flags);
    if (gone != NULL)
        process_release(gone);
    return out->pid != 0 || !r->found_any;
}

/* 0 with out->pid set, or 0 without (WNOHANG), or an error. */
static int do_wait(struct wait_request *r, struct wait_result *out)
{
    int err = 0;

    if (!scan_children(r, out)) {
        if (r->options & WNOHANG)
            return 0;
        err = wait_event_interruptible(&current->process->child_wq, scan_children(r, out));
    }
    if (err == 0 && out->pid == 0)
        err = -ECHILD;
    return err;
}

/* ---- calls --------------------------------------------------------------------------------------- */

static int name_group(struct wait_request *r, int pgid)
{
    r->type = P_PGID;
    if (pgid == 0) {
        r->pid = current->process->pgrp;
        pid_get(r->pid);
        return 0;
    }
    r->pid = pid_find(current_pid_ns(), pgid);
    return r->pid == NULL ? -ECHILD : 0;
}

static int name_process(struct wait_request *r, int nr)
{
    r->type = P_PID;
    r->pid = pid_find(current_pid_ns(), nr);
    return r->pid == NULL ? -ECHILD : 0;
}

long sys_wait4(int nr, uaddr_t status, int options, uaddr_t rusage)
{
    struct wait_request r = {.type = P_ALL, .options = (unsigned)options | WEXITED};
    struct wait_result res;
    int err = 0;

    if ((unsigned)options & ~(WNOHANG | WUNTRACED | WCONTINUED | WNOTHREAD_ | WCLONE_ | WALL_))
        return -EINVAL;
    if (nr == INT32_MIN)
        return -ESRCH;
    if (nr > 0)
        err = name_process(&r, nr);
    else if (nr != -1)
        err = name_group(&r, -nr);
    if (err == 0)
        err = do_wait(&r, &res);
    if (r.pid != NULL)
        pid_put(r.pid);
    if (err < 0 || res.pid == 0)
        return err;
    if (status != 0 && put_user(status, res.wait_status) < 0)
        return -EFAULT;
    if (rusage != 0 && put_user(rusage, res.usage) < 0)
        return -EFAULT;
    return res.pid;
}

static int name_waitid(struct wait_request *r, int which, int id)
{
    unsigned file_flags;
    int err;

    switch (which) {
    case P_ALL:
        return 0;
    case P_PID:
        return id <= 0 ? -EINVAL : name_process(r, id);
    case P_PGID:
        return id < 0 ? -EINVAL : name_group(r, id);
    case P_PIDFD:
        if (id < 0)
            return -EINVAL;
        err = pidfd_get_pid(id, &r->pid, &file_flags);
        r->type = P_PID;
        if (err == 0 && (file_flags & O_NONBLOCK))
            r->options |= WNOHANG;
        return err;
    default:
        return -EINVAL;
    }
}

static int put_waitid_info(uaddr_t uinfo, const struct wait_result *res)
{
    struct siginfo info;

    memset(&info, 0, sizeof(info));
    if (res->pid != 0) {
        info.si_signo = SIGCHLD;
        info.si_code = res->code;
        info.chld.pid = res->pid;
        info.chld.uid = res->uid;
        info.chld.status = res->status;
    }
    /* Signo, errno, code, pid, uid, status: the rest of the user's structure stays as it is. */
    return copy_to_user(uinfo, &info, offsetof(struct siginfo, chld.status) + sizeof(int32_t));
}

long sys_waitid(int which, int id, uaddr_t uinfo, int options, uaddr_t rusage)
{
    struct wait_request r = {.type = P_ALL, .options = (unsigned)options};
    struct wait_result res = {0};
    int err;

    if (((unsigned)options &
         ~(WNOHANG | WNOWAIT | WEXITED | WSTOPPED | WCONTINUED | WNOTHREAD_ | WCLONE_ | WALL_)) ||
        !(options & (WEXITED | WSTOPPED | WCONTINUED)))
        return -EINVAL;
    err = name_waitid(&r, which, id);
    if (err == 0)
        err = do_wait(&r, &res);
    if (r.pid != NULL)
        pid_put(r.pid);
    if (err == 0 && res.pid == 0 && which == P_PIDFD && !(options & WNOHANG))
        err = -EAGAIN; /* a non-blocking pidfd */
    if (res.pid != 0 && rusage != 0 && put_user(rusage, res.usage) < 0)
        return -EFAULT;
    /* Written even when there is nothing to tell: as zeros. */
    if (uinfo != 0 && put_waitid_info(uinfo, &res) < 0)
        return -EFAULT;
    return err;
}
