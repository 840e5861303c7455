/* SPDX-License-Identifier: BSD-2-Clause */
/* execve(2) for the first process, which has no memory to take strings from. */
#pragma once

struct trapframe;

/* Replaces the current thread's program; on success `frame` is what to enter user mode with. */
int exec_kernel(const char *path, const char *const *argv, const char *const *envp,
                struct trapframe *frame);
