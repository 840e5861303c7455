/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The system-call table: from a number to the function that does the work.
 *
 * The entry code has saved the registers in a trapframe; rdi, rsi, rdx, r10,
 * r8, r9 are the arguments, rax is the number and takes the result. Numbers
 * without a function, and calls that nobody has defined, answer -ENOSYS; with
 * "syscall_trace" on the kernel's command line each such number is logged once.
 */
#include <kernel/boot_info.h>
#include <kernel/errno.h>
#include <kernel/log.h>
#include <kernel/proc.h>
#include <kernel/syscalls.h>
#include <kernel/trap.h>

#define SYSCALL_MAX 462 /* one more than the highest number Linux has given out */

typedef long (*syscall_fn)(uint64_t, uint64_t, uint64_t, uint64_t, uint64_t, uint64_t);

/*
 * Every function is called with six registers, whatever it takes: in the x86-64
 * calling convention the surplus is ignored, and a narrow parameter looks at
 * its low bits only.
 */
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wcast-function-type"
static const syscall_fn table[SYSCALL_MAX] = {
#define SYSCALL(nr, name, nargs, proto) [nr] = (syscall_fn)sys_##name,
#include <kernel/syscalls.def>
#undef SYSCALL
};
#pragma GCC diagnostic pop

static bool trace_unknown;
static uint64_t traced[(SYSCALL_MAX + 63) / 64 + 1];

void syscall_init(void);
void syscall_init(void)
{
    trace_unknown = cmdline_get("syscall_trace") != NULL;
}

static long unknown_syscall(uint64_t nr)
{
    uint64_t slot = nr < SYSCALL_MAX ? nr : SYSCALL_MAX; /* all that are out of range count as one */

    if (trace_unknown && !(traced[slot / 64] & BIT(slot % 64))) {
        traced[slot / 64] |= BIT(slot % 64);
        log_info("syscall: %s calls %ld(0x%lx, 0x%lx, 0x%lx), which is not implemented\n", current->comm,
                 (long)nr, thread_frame(current)->rdi, thread_frame(current)->rsi,
                 thread_frame(current)->rdx);
    }
    return -ENOSYS;
}

/* Of the 64-bit register only the low half is the number: as on Linux. */
static long call(struct trapframe *f)
{
    uint32_t nr = (uint32_t)f->orig_rax;

    if (likely(nr < SYSCALL_MAX) && likely(table[nr] != NULL))
        return table[nr](f->rdi, f->rsi, f->rdx, f->r10, f->r8, f->r9);
    return unknown_syscall(nr);
}

/* What an interrupted call left for the signal code, even if the signal has gone meanwhile. */
static bool is_restart_code(long result)
{
    return (unsigned long)result - (unsigned long)-ERESTART_RESTARTBLOCK <=
           ERESTART_RESTARTBLOCK - ERESTARTSYS;
}

void syscall_dispatch(struct trapframe *f)
{
    struct thread *t = current;
    long result;

    t->kernel_since = rdtsc();
    if (unlikely(t->work & WORK_SYSCALL) && seccomp_syscall != NULL && !seccomp_syscall(f))
        goto out; /* the filter has set the result */
    result = call(f);
    f->rax = (uint64_t)result;
    if (unlikely(is_restart_code(result)))
        thread_set_work(t, WORK_SIGNAL);
out:
    lock_assert_none();
    t->kernel_ticks += rdtsc() - t->kernel_since;
    t->kernel_since = 0;
}
