/* SPDX-License-Identifier: BSD-2-Clause */
/* Futexes, as exit and clone need them. */
#pragma once

#include <kernel/types.h>

struct thread;

void futex_init(void);
/* Wake waiters on a word of the current address space, as a shared futex: 0 or -EFAULT. */
int futex_wake_user(uaddr_t addr, unsigned n);
/* The thread exits: locks on its robust list are marked as their owner's being dead. */
void futex_exit_robust(struct thread *t);
