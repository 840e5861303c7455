/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A machine for kernel/mm on the build host: RAM, CPUs with TLBs and page walks,
 * and user programs that are one access at a time.
 *
 * The TLBs are as lazy as the manuals allow: they keep every translation, and the
 * tables that a walk came through, until told otherwise. A page that is freed
 * while one of them could still reach it ends the test.
 */
#pragma once

#include <kernel/mm.h>
#include <kernel/vm.h>

#define MACHINE_CPUS 3
#define MACHINE_RAM  MIB(96)

void machine_start(void);         /* once */
void machine_use_cpu(unsigned n); /* who acts from now on */

/* A user program's access to 8 bytes on the CPU that acts, in the address space it has loaded:
 * 0, or the error that the page fault ended with (-EFAULT, -EACCES, -EIO, -ENOMEM). */
int machine_load(uaddr_t va, uint64_t *out);
int machine_store(uaddr_t va, uint64_t value);

void machine_touch(const void *p); /* the kernel's, on the CPU that acts */

/* Every translation in a TLB is still what the tables say, or narrower. */
void machine_check_tlbs(void);

/* What the allocators have given out since the last machine_mark(): all must be 0 again. */
struct machine_use {
    int64_t pages;
    int64_t objects;
};
struct machine_use machine_used(void);
void machine_mark(void);

/* A file of so many pages, all in its page cache or holes; one reference. Each page starts as what
 * machine_file_write() puts there, 0 without. */
#define FILE_PAGES 256
struct file;
struct file *machine_file(unsigned npages, bool writable);
void machine_file_write(struct file *f, unsigned page, unsigned word, uint64_t value);
uint64_t machine_file_read(struct file *f, unsigned page, unsigned word);
extern void (*machine_while_mapping)(struct inode *inode); /* if set: on another CPU, during ->mmap */
void machine_file_truncate(struct file *f, unsigned npages);

unsigned machine_random(unsigned below);
extern unsigned machine_ooms;     /* cgroup_wait_for_memory() calls */
extern unsigned machine_preempts; /* sched_preempt() calls */
