/* SPDX-License-Identifier: BSD-2-Clause */
/* Between pid.c (the tables of /proc/PID) and status.c (its long files). */
#pragma once

#include <kernel/vm.h>

#include "procfs.h"

struct mm *proc_mm(struct thread *t); /* counted (users), or NULL: a kernel thread, or it has exited */

int proc_show_stat(struct seq *s, const struct proc_context *c);      /* of the process */
int proc_show_task_stat(struct seq *s, const struct proc_context *c); /* of the thread alone */
int proc_show_statm(struct seq *s, const struct proc_context *c);
int proc_show_status(struct seq *s, const struct proc_context *c);
int proc_show_maps(struct seq *s, const struct proc_context *c);
int proc_show_limits(struct seq *s, const struct proc_context *c);
