/* SPDX-License-Identifier: BSD-2-Clause */
/* Interval timers, as the rest of proc/ sees them. */
#pragma once

struct posix_timer;
struct process;
struct siginfo;
struct thread;

/* Timer interrupt in a thread whose process has has_cpu_timers set. */
void cpu_timers_check(struct thread *t);
/* The last thread exits. */
void itimers_cancel(struct process *p);
void itimers_free(struct process *p);
/* execve(2) and exit: timer_create(2)'s timers go. */
void posix_timers_delete(struct process *p);
/* [s] The timer's signal has been taken: it goes on. Fills in how often it has expired meanwhile. */
void posix_timer_taken(struct posix_timer *pt, struct siginfo *info);
/* [s] This signal is not ignored any more: timers that would have sent it go on. */
void posix_timers_unignore(struct process *p, int sig);
/* [s] A SIGALRM of the process has been taken: so does ITIMER_REAL. */
void itimer_real_taken(struct process *p);
