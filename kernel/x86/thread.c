/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The machine's side of threads: their first stack contents, and the switch
 * from one to the next.
 *
 * Every kernel stack ends with room for a trapframe, in kernel threads too, so
 * that one of them can become the first process.
 */
#include <kernel/log.h>
#include <kernel/mm.h>
#include <kernel/proc.h>
#include <kernel/string.h>
#include <kernel/vm.h>

#include "x86.h"

/* What switch_stacks() pops. */
struct switch_frame {
    uint64_t r15, r14, r13, r12, rbx, rbp;
    uint64_t rip;
};

static struct switch_frame *first_frame(struct thread *t, void (*entry)(void))
{
    struct switch_frame *f = (struct switch_frame *)thread_frame(t) - 1;

    memset(f, 0, sizeof(*f));
    f->rip = (uint64_t)entry;
    t->arch.ksp = (uint64_t)f;
    return f;
}

void arch_thread_start(struct thread *t, void (*fn)(void *), void *arg)
{
    struct switch_frame *f = first_frame(t, thread_start);

    f->rbx = (uint64_t)fn;
    f->r12 = (uint64_t)arg;
}

void arch_fork_frame(struct thread *child, const struct trapframe *parent)
{
    struct trapframe *frame = thread_frame(child);

    *frame = *parent;
    frame->rax = 0;
    frame->orig_rax = ~0ULL; /* the call is over: nothing to restart */
    first_frame(child, fork_return);
}

void arch_enter_user(struct trapframe *frame)
{
    struct trapframe *top = thread_frame(current);

    irq_disable();
    memmove(top, frame, sizeof(*top));
    enter_user(top);
}

/*
 * A program may load segment registers; nothing in 64-bit mode needs it, and
 * what it loaded is no other thread's business. In the kernel they are null.
 */
static void drop_user_selectors(void)
{
    uint32_t ds, es, fs, gs;

    __asm__ volatile("mov %%ds, %0; mov %%es, %1; mov %%fs, %2; mov %%gs, %3"
                     : "=r"(ds), "=r"(es), "=r"(fs), "=r"(gs));
    if (likely((ds | es | fs | gs) == 0))
        return;
    /* Loading GS clears its base: that of the user must be the one in place. */
    __asm__ volatile("mov %0, %%ds; mov %0, %%es; mov %0, %%fs\n\t"
                     "swapgs; mov %0, %%gs; swapgs"
                     :
                     : "r"(0));
}

static void load_user_side(struct thread *next)
{
    struct cpu *cpu = this_cpu();

    if (next->mm != cpu->mm)
        mm_switch(next->mm);
    wrmsr(MSR_FS_BASE, next->arch.fs_base);
    wrmsr(MSR_KERNEL_GS_BASE, next->arch.gs_base);
    fpu_switch_in(next);
}

void arch_switch(struct thread *prev, struct thread *next)
{
    struct cpu *cpu = this_cpu();

    fpu_switch_out(prev);

    cpu->thread = next;
    segments_set_stack((uint64_t)next->kstack + KSTACK_SIZE);
    if (next->mm != NULL) {
        drop_user_selectors();
        load_user_side(next);
    }
    switch_stacks(&prev->arch.ksp, next->arch.ksp);
    /* prev again, perhaps on another CPU; `cpu` and `next` are of the past. */
}

void arch_set_fs_base(uint64_t base)
{
    irqflags_t flags = irq_save();

    current->arch.fs_base = base;
    wrmsr(MSR_FS_BASE, base);
    irq_restore(flags);
}

void arch_set_gs_base(uint64_t base)
{
    irqflags_t flags = irq_save();

    assert(base < USER_TOP); /* entry.asm tells the kernel's GS from the user's by it */
    current->arch.gs_base = base;
    wrmsr(MSR_KERNEL_GS_BASE, base);
    irq_restore(flags);
}
