/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The frame that a signal handler finds on its stack, and the way back from it:
 * sigreturn(2). The layout is Linux's on x86-64, which debuggers, unwinders and
 * garbage collectors know by heart:
 *
 *     higher   the interrupted stack, 128 bytes of red zone
 *              XSAVE image (64-byte aligned)
 *              siginfo_t
 *              ucontext: registers, mask, pointer to the image
 *     rsp ->   return address: SA_RESTORER, which calls rt_sigreturn(2)
 *
 * Whatever sigreturn finds is hostile: the program may have written anything.
 * The selectors are ours, the address must be the user's, of the flags only the
 * harmless ones are taken, and the FPU code checks its image.
 */
#include <kernel/mm.h>
#include <kernel/proc.h>
#include <kernel/string.h>
#include <kernel/syscalls.h>
#include <kernel/uaccess.h>

#include <kernel/abi/signal.h>

#include "sigqueue.h"

#define RED_ZONE 128

/* ---- the alternate stack: sigaltstack(2) ------------------------------------------- */

static bool on_altstack(const struct thread *t, uaddr_t sp)
{
    if (t->altstack_flags & SS_AUTODISARM)
        return false; /* it is disarmed while a handler runs on it */
    return sp > t->altstack_sp && sp - t->altstack_sp <= t->altstack_size;
}

static uint32_t altstack_status(const struct thread *t, uaddr_t sp)
{
    if (t->altstack_size == 0)
        return SS_DISABLE;
    return on_altstack(t, sp) ? SS_ONSTACK : 0;
}

static struct abi_stack altstack_describe(const struct thread *t, uaddr_t sp)
{
    return (struct abi_stack){
        .sp = t->altstack_sp,
        .flags = altstack_status(t, sp) | (t->altstack_flags & SS_AUTODISARM),
        .size = t->altstack_size,
    };
}

static void altstack_clear(struct thread *t)
{
    t->altstack_sp = t->altstack_size = 0;
    t->altstack_flags = SS_DISABLE;
}

static int altstack_set(struct thread *t, const struct abi_stack *ss, uaddr_t sp)
{
    uint32_t mode = ss->flags & ~SS_AUTODISARM;

    if (on_altstack(t, sp))
        return -EPERM;
    if (mode != SS_DISABLE && mode != SS_ONSTACK && mode != 0)
        return -EINVAL;
    if (mode == SS_DISABLE) {
        altstack_clear(t);
        return 0;
    }
    if (ss->size < MINSIGSTKSZ)
        return -ENOMEM;
    t->altstack_sp = ss->sp;
    t->altstack_size = ss->size;
    t->altstack_flags = ss->flags;
    return 0;
}

long sys_sigaltstack(uaddr_t new_stack, uaddr_t old_stack)
{
    struct thread *t = current;
    uaddr_t sp = thread_frame(t)->rsp;
    struct abi_stack old = altstack_describe(t, sp), ss;
    int err = 0;

    if (new_stack != 0) {
        if (get_user(&ss, new_stack) < 0)
            return -EFAULT;
        err = altstack_set(t, &ss, sp);
    }
    if (err == 0 && old_stack != 0)
        err = put_user(old_stack, old);
    return err;
}

/* ---- into the handler ------------------------------------------------------------------ */

/* Where the frame's top goes: 0 when it would run over the alternate stack's end. */
static uaddr_t choose_stack(const struct thread *t, const struct trapframe *frame,
                            const struct ksigaction *sa, size_t total)
{
    uaddr_t sp = frame->rsp - RED_ZONE;
    bool nested = on_altstack(t, sp);

    if ((sa->flags & SA_ONSTACK) && altstack_status(t, sp) == 0) {
        sp = t->altstack_sp + t->altstack_size;
        nested = true;
    }
    if (sp < total || (nested && sp - total < t->altstack_sp))
        return 0;
    return sp;
}

static void save_registers(struct abi_sigcontext *sc, const struct trapframe *f, const struct thread *t)
{
    sc->r8 = f->r8;
    sc->r9 = f->r9;
    sc->r10 = f->r10;
    sc->r11 = f->r11;
    sc->r12 = f->r12;
    sc->r13 = f->r13;
    sc->r14 = f->r14;
    sc->r15 = f->r15;
    sc->rdi = f->rdi;
    sc->rsi = f->rsi;
    sc->rbp = f->rbp;
    sc->rbx = f->rbx;
    sc->rdx = f->rdx;
    sc->rax = f->rax;
    sc->rcx = f->rcx;
    sc->rsp = f->rsp;
    sc->rip = f->rip;
    sc->rflags = f->rflags;
    sc->cs = (uint16_t)f->cs;
    sc->ss = (uint16_t)f->ss;
    sc->err = t->trap.error_code;
    sc->trapno = t->trap.vector;
    sc->cr2 = t->trap.addr;
}

int sigframe_push(struct trapframe *f, const struct ksigaction *sa, const struct siginfo *info,
                  sigset_t mask)
{
    struct thread *t = current;
    size_t fpu_size = arch_fpu_frame_size();
    struct abi_rt_sigframe sf;
    uaddr_t sp, fpstate;

    if (!(sa->flags & SA_RESTORER) || sa->handler >= USER_TOP)
        return -EFAULT;
    sp = choose_stack(t, f, sa, fpu_size + sizeof(sf) + 64 + 16);
    if (sp == 0)
        return -EFAULT;
    fpstate = ALIGN_DOWN(sp - fpu_size, 64);
    /* As after a CALL: rsp + 8 is 16-byte aligned. */
    sp = ALIGN_DOWN(fpstate - sizeof(sf), 16) - 8;

    memset(&sf, 0, sizeof(sf));
    sf.return_address = sa->restorer;
    sf.uc.flags = UC_FP_XSTATE | UC_SIGCONTEXT_SS | UC_STRICT_RESTORE_SS;
    sf.uc.stack = altstack_describe(t, f->rsp);
    save_registers(&sf.uc.mcontext, f, t);
    sf.uc.mcontext.oldmask = mask;
    sf.uc.mcontext.fpstate = fpstate;
    sf.uc.sigmask = mask;
    memcpy(sf.info, info, sizeof(sf.info));
    if (arch_fpu_save_user(fpstate) < 0 || copy_to_user(sp, &sf, sizeof(sf)) < 0)
        return -EFAULT;

    f->rdi = (uint64_t)info->si_signo;
    f->rsi = sp + offsetof(struct abi_rt_sigframe, info);
    f->rdx = sp + offsetof(struct abi_rt_sigframe, uc);
    f->rax = 0;
    f->rsp = sp;
    f->rip = sa->handler;
    f->cs = USER_CS;
    f->ss = USER_DS;
    f->rflags &= ~(RFLAGS_DF | RFLAGS_TF | RFLAGS_RF);
    if (t->altstack_flags & SS_AUTODISARM)
        altstack_clear(t);
    return 0;
}

/* ---- and back ----------------------------------------------------------------------------- */

static int load_registers(struct trapframe *f, const struct abi_sigcontext *sc)
{
    if (sc->rip >= USER_TOP || (sc->cs | 3) != USER_CS)
        return -EFAULT;
    f->r8 = sc->r8;
    f->r9 = sc->r9;
    f->r10 = sc->r10;
    f->r11 = sc->r11;
    f->r12 = sc->r12;
    f->r13 = sc->r13;
    f->r14 = sc->r14;
    f->r15 = sc->r15;
    f->rdi = sc->rdi;
    f->rsi = sc->rsi;
    f->rbp = sc->rbp;
    f->rbx = sc->rbx;
    f->rdx = sc->rdx;
    f->rax = sc->rax;
    f->rcx = sc->rcx;
    f->rsp = sc->rsp;
    f->rip = sc->rip;
    f->cs = USER_CS;
    f->ss = USER_DS;
    f->rflags = (f->rflags & ~RFLAGS_USER_MASK) | (sc->rflags & RFLAGS_USER_MASK);
    f->orig_rax = (uint64_t)-1; /* no restart of what the handler interrupted: that is decided */
    f->vector = 0;              /* and all registers are to be loaded, rcx and r11 too: no SYSRET */
    return 0;
}

long sys_rt_sigreturn(void)
{
    struct thread *t = current;
    struct trapframe *f = thread_frame(t);
    struct abi_rt_sigframe sf;
    struct abi_stack ss;

    if (copy_from_user(&sf, f->rsp - 8, sizeof(sf)) < 0)
        goto bad_frame;
    signal_set_mask(sf.uc.sigmask);
    if (load_registers(f, &sf.uc.mcontext) < 0)
        goto bad_frame;
    if (sf.uc.mcontext.fpstate == 0)
        arch_fpu_reset(t);
    else if (arch_fpu_restore_user(sf.uc.mcontext.fpstate) < 0)
        goto bad_frame;
    ss = sf.uc.stack;
    (void)altstack_set(t, &ss, f->rsp); /* a program that broke it gets what it wrote elsewhere */
    return (long)f->rax;

bad_frame:
    signal_force(SIGSEGV, SI_KERNEL, 0);
    return 0;
}
