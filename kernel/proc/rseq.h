/* SPDX-License-Identifier: BSD-2-Clause */
/* Inside proc/: where restartable sequences meet the rest. */
#pragma once

#include <kernel/proc.h>

void rseq_forget(struct thread *t);
void rseq_fork(struct thread *child, const struct thread *parent); /* with a copy of the memory */

/* `t` gives the CPU to another. */
static inline void rseq_switched_out(struct thread *t)
{
    if (t->rseq != 0 && unlikely(!trapframe_in_syscall(thread_frame(t))))
        thread_set_work(t, WORK_RSEQ);
}

/* The current thread was interrupted at frame->rip: leave the critical section it is in, and write the
 * CPU's number. May sleep. Negative: what the program has there is wrong, it gets SIGSEGV. */
int rseq_interrupted(struct trapframe *frame);
