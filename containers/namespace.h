/* SPDX-License-Identifier: BSD-2-Clause */
/* Between namespace.c (the set) and nsfs.c (its members as files). */
#pragma once

#include <kernel/ns.h>

#define CLONE_NEW_ALL                                                                              \
    ((uint64_t)(CLONE_NEWNS | CLONE_NEWUTS | CLONE_NEWIPC | CLONE_NEWPID | CLONE_NEWNET | CLONE_NEWCGROUP))

void namespaces_init(void); /* the first one of each kind */
void device_policy_init(void); /* (device.c) */
struct nsproxy *nsproxy_clone(const struct nsproxy *old); /* the same members; NULL: no memory */
/* The same, but only the members of these kinds (CLONE_NEW*), the others NULL. */
struct nsproxy *nsproxy_clone_members(const struct nsproxy *old, uint64_t kinds);
void nsproxy_switch(struct nsproxy *n);                   /* the current thread's; takes the reference */
