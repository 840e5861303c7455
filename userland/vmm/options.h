/* SPDX-License-Identifier: BSD-2-Clause */
/* The command line of the monitor. */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#define VMM_MAX_CPUS 16

struct options {
    const char *name;
    uint64_t memory_mib;
    unsigned cpus;
    const char *kernel;
    const char *initrd; /* NULL: none */
    const char *append;
    int console_fd; /* -1: stdin and stdout */
    int log_fd;     /* -1: the guest's log is dropped */
    int status_fd;  /* -1: none */
    int control_fd; /* -1: none */
    bool reboot;
    bool sandbox;
    bool stats;
    uid_t uid;      /* what the sandbox drops to; the group has the same number */
    char **command; /* NULL-terminated, or NULL */
};

/* Fill *options from argv; a mistake ends the program with a message. */
void options_parse(struct options *options, int argc, char *argv[]);
