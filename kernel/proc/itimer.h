/* SPDX-License-Identifier: BSD-2-Clause */
/* Interval timers, as the rest of proc/ sees them. */
#pragma once

struct process;
struct thread;

/* Timer interrupt in a thread whose process has has_cpu_timers set. */
void cpu_timers_check(struct thread *t);
/* The last thread exits. */
void itimers_cancel(struct process *p);
void itimers_free(struct process *p);
/* execve(2) and exit: timer_create(2)'s timers go. */
void posix_timers_delete(struct process *p);
/* A queued SI_TIMER signal has been taken: how often the timer has expired since. */
int posix_timer_overrun(struct process *p, int id);
