/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The VFS on the build host: its own sources, with what it needs of the rest
 * of the kernel replaced by a few lines each (host.c). User memory is the
 * test's own. Every object and page is counted, and allocations can be made to
 * fail, so that tests see each error path and what it leaves behind.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

void host_start(void);       /* once: vfs_init() */
unsigned host_objects(void); /* slab objects, kmalloc blocks and pages that are allocated now */
void host_fail_after(
    unsigned n);        /* the n-th allocation from now fails (0: the next), and only it */
bool host_failed(void); /* it has */
void host_no_failures(void);
void host_be_user(unsigned uid); /* no capabilities unless 0 */
void host_advance_clock(uint64_t seconds);
void host_want_cpu(bool wanted);  /* somebody else wants the CPU, or not: the count starts again */
unsigned host_preemptions(void); /* how often the kernel has given it away since */
void host_kill(bool killed);     /* a fatal signal is pending, or not */
