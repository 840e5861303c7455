/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Namespaces: namespaces(7). struct nsproxy is the set that a process lives
 * in; it is shared and immutable, changed by replacing. Creating, joining and
 * the /proc/PID/ns files are in containers/; this is what the kernel reads.
 */
#pragma once

#include <kernel/refcount.h>
#include <kernel/types.h>

#define CLONE_NEWTIME   0x00000080
#define CLONE_NEWNS     0x00020000
#define CLONE_NEWCGROUP 0x02000000
#define CLONE_NEWUTS    0x04000000
#define CLONE_NEWIPC    0x08000000
#define CLONE_NEWUSER   0x10000000
#define CLONE_NEWPID    0x20000000
#define CLONE_NEWNET    0x40000000

struct user_ns;
struct ipc_ns; /* <kernel/ipc.h> */
struct mnt_ns;
struct pid_ns;
struct cgroup;

struct uts_ns {
    struct refcount refs;
    struct user_ns *user_ns;
    ino_t ino;
    char nodename[65];   /* [uts_lock] */
    char domainname[65]; /* [uts_lock] */
};
/* Sockets that are not AF_UNIX do not exist yet; abstract AF_UNIX names belong to one of these. */
struct net_ns {
    struct refcount refs;
    struct user_ns *user_ns;
    ino_t ino;
};
struct cgroup_ns {
    struct refcount refs;
    struct user_ns *user_ns;
    ino_t ino;
    struct cgroup *root; /* [I] counted */
};

struct nsproxy {
    struct refcount refs;
    struct uts_ns *uts;
    struct ipc_ns *ipc;
    struct mnt_ns *mnt;
    struct net_ns *net;
    struct cgroup_ns *cgroup;
    struct pid_ns *pid_for_children; /* of processes it forks; its own is in its struct pid */
};
extern struct nsproxy nsproxy_init;

void nsproxy_get(struct nsproxy *n);
void nsproxy_put(struct nsproxy *n);
void net_ns_put(struct net_ns *ns); /* sockets hold theirs */
ino_t ns_alloc_ino(void);

/*
 * What clone(2) and unshare(2) need (containers/namespace.c). `flags` holds CLONE_NEW* bits;
 * 0, -EPERM, -EINVAL (a kind that does not exist here), -ENOMEM. The mount namespace copy needs
 * the new fs_struct, whose root and cwd are moved into the copy.
 */
struct fs_struct;
int nsproxy_copy(struct nsproxy *old, uint64_t flags, struct fs_struct *fs, struct nsproxy **out);
