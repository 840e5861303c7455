/* SPDX-License-Identifier: BSD-2-Clause */
/* The kernel's services as hv's host tests see them: small, and under the test's control. */
#pragma once

#include <kernel/files.h>
#include <kernel/fs.h>
#include <kernel/vm.h>

#define FAKE_PAGES 4096

extern struct mm fake_mm;
extern struct thread fake_thread;
extern struct file *fake_files[64];  /* descriptors */
extern struct char_dev *fake_device; /* what hv_init() registered */
extern uint64_t fake_now_ns;
extern unsigned fake_page_count, fake_alloc_count, fake_file_count; /* live objects */

/* A thread would sleep: what happens meanwhile. False: a signal arrives instead. */
extern bool (*fake_on_sleep)(void);

/* There is a second CPU, and it is kicked. NULL: there is none. */
extern void (*fake_on_ipi)(void);

void fake_services_init(void);
uaddr_t fake_user_memory(size_t npages); /* guest RAM in "user space", page aligned */
void fake_set_block_order(unsigned order); /* of what mm_get_block() gives */
void fake_run_timers(void);              /* those due at fake_now_ns */
int fake_eventfd(void);                  /* a descriptor */
uint64_t fake_eventfd_count(int fd);
void fake_invalidate(uaddr_t start, uaddr_t end);

/* What a program does with /dev/kvm and its descriptors. */
long kvm(unsigned cmd, uint64_t arg); /* ioctl of /dev/kvm */
long ioctl_fd(int fd, unsigned cmd, void *arg);
void close_fd(int fd);
