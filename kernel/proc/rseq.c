/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Restartable sequences: rseq(2), with Linux 6.1's meaning.
 *
 * A thread registers a structure of its own memory. The kernel keeps the CPU's
 * number in it, and looks there for the critical section that the thread is in:
 *
 *     struct rseq --rseq_cs--> struct rseq_cs     start_ip  +---- its instructions
 *                                                           |     last one: the commit
 *                                                 +length   +----
 *                                                 abort_ip  ----> preceded by the signature
 *
 * Whoever was interrupted inside finds itself at abort_ip, so that what the
 * section did so far counts for nothing and the commit happens either without
 * interruption or not at all. Interrupted means: another thread ran on the CPU,
 * or a signal handler is about to.
 *
 * A section may not contain system calls. A thread that gave the CPU away inside
 * one has therefore nothing to look for, and pays nothing (rseq_switched_out()).
 *
 * All that is read here the program may have filled with anything. The one power
 * it gives is over the thread's own rip, which stays a user address; the signature
 * keeps one who can only write data from choosing it freely. What is wrong is
 * answered with SIGSEGV.
 */
#include "rseq.h"

#include <kernel/errno.h>
#include <kernel/proc.h>
#include <kernel/syscalls.h>
#include <kernel/uaccess.h>
#include <kernel/vm.h>
#include <kernel/x86/cpu.h>

#include <kernel/abi/process.h>

#define FIELD_AT(rseq, field) ((rseq) + offsetof(struct abi_rseq, field))

/* ---- the call ---------------------------------------------------------------------------- */

static long rseq_register(struct thread *t, uaddr_t rseq, uint32_t len, uint32_t sig)
{
    uint64_t section;

    if (t->rseq != 0) {
        if (t->rseq != rseq || len != sizeof(struct abi_rseq))
            return -EINVAL;
        return t->rseq_sig != sig ? -EPERM : -EBUSY;
    }
    if (rseq % sizeof(struct abi_rseq) != 0 || len != sizeof(struct abi_rseq))
        return -EINVAL;
    if (!user_range_ok(rseq, len) || get_user(&section, FIELD_AT(rseq, rseq_cs)) < 0)
        return -EFAULT;
    /* Left from a thread that had the memory before: this one is in no section. */
    if (section != 0 && put_user(FIELD_AT(rseq, rseq_cs), (uint64_t)0) < 0)
        return -EFAULT;
    t->rseq = rseq;
    t->rseq_sig = sig;
    thread_set_work(t, WORK_RSEQ); /* fills in the CPU's number */
    return 0;
}

static int write_cpu(uaddr_t rseq, uint32_t cpu_start, uint32_t cpu)
{
    if (put_user(FIELD_AT(rseq, cpu_id_start), cpu_start) < 0 ||
        put_user(FIELD_AT(rseq, cpu_id), cpu) < 0)
        return -EFAULT;
    return 0;
}

static long rseq_unregister(struct thread *t, uaddr_t rseq, uint32_t len, uint32_t sig)
{
    if (t->rseq != rseq || t->rseq == 0 || len != sizeof(struct abi_rseq))
        return -EINVAL;
    if (t->rseq_sig != sig)
        return -EPERM;
    if (write_cpu(rseq, 0, RSEQ_CPU_ID_UNINITIALIZED) < 0)
        return -EFAULT;
    rseq_forget(t);
    return 0;
}

long sys_rseq(uaddr_t rseq, uint32_t len, int flags, uint32_t sig)
{
    if (flags == RSEQ_FLAG_UNREGISTER)
        return rseq_unregister(current, rseq, len, sig);
    return flags != 0 ? -EINVAL : rseq_register(current, rseq, len, sig);
}

/* ---- threads come and change ---------------------------------------------------------------- */

void rseq_forget(struct thread *t)
{
    t->rseq = 0;
    t->rseq_sig = 0;
}

void rseq_fork(struct thread *child, const struct thread *parent)
{
    child->rseq = parent->rseq;
    child->rseq_sig = parent->rseq_sig;
}

/* ---- critical sections ------------------------------------------------------------------------ */

static bool is_inside(uint64_t ip, const struct abi_rseq_cs *cs)
{
    return ip - cs->start_ip < cs->post_commit_offset;
}

static bool is_section_valid(const struct abi_rseq_cs *cs, uint32_t expected_sig)
{
    uint32_t sig;

    if (cs->version != 0 || cs->start_ip >= USER_TOP || cs->abort_ip >= USER_TOP ||
        cs->post_commit_offset >= USER_TOP - cs->start_ip || is_inside(cs->abort_ip, cs))
        return false;
    return get_user(&sig, cs->abort_ip - sizeof(sig)) == 0 && sig == expected_sig;
}

/* The section that the structure names; of length 0 if it names none. */
static int read_section(const struct thread *t, struct abi_rseq_cs *cs)
{
    uint64_t at;

    if (get_user(&at, FIELD_AT(t->rseq, rseq_cs)) < 0)
        return -EFAULT;
    *cs = (struct abi_rseq_cs){0};
    if (at == 0)
        return 0;
    if (get_user(cs, at) < 0)
        return -EFAULT;
    return is_section_valid(cs, t->rseq_sig) ? 0 : -EINVAL;
}

/* Flags would ask for no restart after this or that: Linux has withdrawn them all. */
static int check_flags(const struct thread *t, const struct abi_rseq_cs *cs)
{
    uint32_t flags;

    if (cs->flags != 0)
        return -EINVAL;
    if (get_user(&flags, FIELD_AT(t->rseq, flags)) < 0)
        return -EFAULT;
    return flags != 0 ? -EINVAL : 0;
}

/* Out of the section, if it is in one; in any case it has left it. */
static int leave_section(const struct thread *t, struct trapframe *frame)
{
    struct abi_rseq_cs cs;
    bool inside;
    int err = read_section(t, &cs);

    if (err < 0)
        return err;
    inside = is_inside(frame->rip, &cs);
    if (inside && check_flags(t, &cs) < 0)
        return -EINVAL;
    if (put_user(FIELD_AT(t->rseq, rseq_cs), (uint64_t)0) < 0)
        return -EFAULT;
    if (inside)
        frame->rip = cs.abort_ip;
    return 0;
}

int rseq_interrupted(struct trapframe *frame)
{
    struct thread *t = current;
    int err;

    thread_clear_work(t, WORK_RSEQ); /* first: user memory may be waited for, and that is a switch */
    if (t->rseq == 0)
        return 0;
    err = leave_section(t, frame);
    return err == 0 ? write_cpu(t->rseq, cpu_number(), cpu_number()) : err;
}
