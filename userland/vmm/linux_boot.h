/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Putting a Linux kernel into guest memory, by the 64-bit boot protocol, and the
 * register values it is entered with.
 */
#pragma once

#include "bzimage.h"
#include "memory.h"

#include <linux/kvm.h>

/*
 * What is booted: two open files, read again at every start of the VM, and what
 * is added to them. The image lives as long as the monitor.
 */
struct linux_image {
    int kernel_fd;
    const char *kernel_path; /* for messages */
    struct bzimage header;
    uint8_t setup[SETUP_HEADER_MAX_END];
    int initrd_fd; /* -1: none */
    const char *initrd_path;
    uint64_t initrd_size;
    const uint8_t *extra; /* appended to the initrd: an archive with the command */
    size_t extra_size;
    const char *cmdline;
};

/* Open the files and check what can be checked without memory; die() says what is wrong. */
void linux_image_open(struct linux_image *image, const char *kernel, const char *initrd);

/* Check that the image fits, for a clear message before anything is started; die()s if not. */
void linux_image_check_fit(const struct linux_image *image, uint64_t memory_size);

/* Fill guest memory: kernel, initrd, command line, zero page, page tables, firmware tables. */
void linux_load(const struct linux_image *image, const struct guest_memory *memory,
                unsigned ncpus);

/* Entry state of the first vCPU. sregs holds KVM's own values, of which some are kept. */
void linux_entry_state(const struct linux_image *image, struct kvm_regs *regs,
                       struct kvm_sregs *sregs);
