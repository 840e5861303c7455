/* SPDX-License-Identifier: BSD-2-Clause */
/* What poll.c and epoll.c share. */
#pragma once

#include <kernel/time.h>
#include <kernel/types.h>

/* A time limit as a point of ktime_ns(); 0: do not wait; UINT64_MAX: for ever. */
uint64_t poll_deadline(const struct timespec *ts);

/* The signal mask of ppoll, pselect6 and epoll_pwait, in force until the call has returned.
 * Nothing for a null pointer; -EINVAL, -EFAULT. */
int poll_set_mask(uaddr_t mask, size_t setsize);
