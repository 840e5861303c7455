/* SPDX-License-Identifier: BSD-2-Clause */
/* Sleeping locks, for threads only, never in an interrupt. Not recursive. (kernel/proc/wait.c) */
#pragma once

#include <kernel/wait.h>

struct mutex {
    struct thread *owner; /* [wq.lock] */
    struct wait_queue wq;
    struct lock_class class;
};

#define MUTEX_INIT(name) {.owner = NULL, .wq = WAIT_QUEUE_INIT((name).wq)}

void mutex_init(struct mutex *m);
void mutex_lock(struct mutex *m);
void mutex_unlock(struct mutex *m);
bool mutex_is_mine(const struct mutex *m);
