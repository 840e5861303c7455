/* SPDX-License-Identifier: BSD-2-Clause */
/* Names of capabilities. */
#include "capname.h"

#include <linux/capability.h>
#include <stddef.h>
#include <strings.h>

#define CAP(name) (1ull << (name))

const uint64_t caps_default =
    CAP(CAP_CHOWN) | CAP(CAP_DAC_OVERRIDE) | CAP(CAP_FSETID) | CAP(CAP_FOWNER) | CAP(CAP_MKNOD) |
    CAP(CAP_NET_RAW) | CAP(CAP_SETGID) | CAP(CAP_SETUID) | CAP(CAP_SETFCAP) | CAP(CAP_SETPCAP) |
    CAP(CAP_NET_BIND_SERVICE) | CAP(CAP_SYS_CHROOT) | CAP(CAP_KILL) | CAP(CAP_AUDIT_WRITE);

static const char *const names[] = {
    "CHOWN",
    "DAC_OVERRIDE",
    "DAC_READ_SEARCH",
    "FOWNER",
    "FSETID",
    "KILL",
    "SETGID",
    "SETUID",
    "SETPCAP",
    "LINUX_IMMUTABLE",
    "NET_BIND_SERVICE",
    "NET_BROADCAST",
    "NET_ADMIN",
    "NET_RAW",
    "IPC_LOCK",
    "IPC_OWNER",
    "SYS_MODULE",
    "SYS_RAWIO",
    "SYS_CHROOT",
    "SYS_PTRACE",
    "SYS_PACCT",
    "SYS_ADMIN",
    "SYS_BOOT",
    "SYS_NICE",
    "SYS_RESOURCE",
    "SYS_TIME",
    "SYS_TTY_CONFIG",
    "MKNOD",
    "LEASE",
    "AUDIT_WRITE",
    "AUDIT_CONTROL",
    "SETFCAP",
    "MAC_OVERRIDE",
    "MAC_ADMIN",
    "SYSLOG",
    "WAKE_ALARM",
    "BLOCK_SUSPEND",
    "AUDIT_READ",
    "PERFMON",
    "BPF",
    "CHECKPOINT_RESTORE",
};

enum { CAPS = sizeof(names) / sizeof(names[0]) };

static const uint64_t caps_all = (1ull << CAPS) - 1;

uint64_t caps_parse(const char *name)
{
    if (strcasecmp(name, "ALL") == 0)
        return caps_all;
    if (strncasecmp(name, "CAP_", 4) == 0)
        name += 4;
    for (size_t i = 0; i < CAPS; i++) {
        if (strcasecmp(name, names[i]) == 0)
            return 1ull << i;
    }
    return 0;
}

int caps_list_add(struct caps_list *list, const char *name)
{
    uint64_t caps = caps_parse(name);

    if (caps == caps_all)
        list->all = true;
    else
        list->caps |= caps;
    return caps == 0 ? -1 : 0;
}

uint64_t caps_combine(const struct caps_list *add, const struct caps_list *drop)
{
    if (add->all)
        return caps_all & ~drop->caps;
    if (drop->all)
        return add->caps;
    return (caps_default & ~drop->caps) | add->caps;
}
