/* SPDX-License-Identifier: BSD-2-Clause */
/* Credentials: credentials(7), capabilities(7). Immutable once published; changed by replacing. */
#pragma once

#include <kernel/refcount.h>
#include <kernel/types.h>

/* Kernel-wide ids, so that a user namespace can map them; uid_t of the ABI is translated at the edge. */
typedef struct {
    uint32_t val;
} kuid_t;
typedef struct {
    uint32_t val;
} kgid_t;

#define KUID_ROOT ((kuid_t){0})
#define KGID_ROOT ((kgid_t){0})
static inline bool uid_eq(kuid_t a, kuid_t b) { return a.val == b.val; }
static inline bool gid_eq(kgid_t a, kgid_t b) { return a.val == b.val; }

/* capabilities(7) */
enum cap {
    CAP_CHOWN, CAP_DAC_OVERRIDE, CAP_DAC_READ_SEARCH, CAP_FOWNER, CAP_FSETID, CAP_KILL, CAP_SETGID,
    CAP_SETUID, CAP_SETPCAP, CAP_LINUX_IMMUTABLE, CAP_NET_BIND_SERVICE, CAP_NET_BROADCAST,
    CAP_NET_ADMIN, CAP_NET_RAW, CAP_IPC_LOCK, CAP_IPC_OWNER, CAP_SYS_MODULE, CAP_SYS_RAWIO,
    CAP_SYS_CHROOT, CAP_SYS_PTRACE, CAP_SYS_PACCT, CAP_SYS_ADMIN, CAP_SYS_BOOT, CAP_SYS_NICE,
    CAP_SYS_RESOURCE, CAP_SYS_TIME, CAP_SYS_TTY_CONFIG, CAP_MKNOD, CAP_LEASE, CAP_AUDIT_WRITE,
    CAP_AUDIT_CONTROL, CAP_SETFCAP, CAP_MAC_OVERRIDE, CAP_MAC_ADMIN, CAP_SYSLOG, CAP_WAKE_ALARM,
    CAP_BLOCK_SUSPEND, CAP_AUDIT_READ, CAP_PERFMON, CAP_BPF, CAP_CHECKPOINT_RESTORE, CAP_COUNT
};
#define CAP_ALL (BIT(CAP_COUNT) - 1)

struct user_ns; /* one for now: &user_ns_init */
extern struct user_ns *const user_ns_init;

struct cred {
    struct refcount refs;
    kuid_t uid, euid, suid, fsuid;
    kgid_t gid, egid, sgid, fsgid;
    uint64_t cap_effective, cap_permitted, cap_inheritable, cap_bounding, cap_ambient;
    uint32_t securebits;
    bool no_new_privs;
    struct user_ns *user_ns;
    uint32_t ngroups;
    kgid_t groups[32]; /* NGROUPS_MAX is 32 here */
};
#define NGROUPS_MAX 32

extern struct cred cred_init; /* root, every capability */

void cred_get(struct cred *c);
void cred_put(struct cred *c);
/* A private copy to change, charged to the current cgroup; NULL: out of memory. */
struct cred *cred_clone(const struct cred *c);
/* Replace the current thread's; takes over the reference. */
void cred_commit(struct cred *c);

const struct cred *current_cred(void); /* valid until this thread changes it */

/* The one permission question: does the current thread hold `cap` over objects of `ns`? */
bool ns_capable(struct user_ns *ns, enum cap cap);
static inline bool capable(enum cap cap)
{
    return ns_capable(user_ns_init, cap);
}
bool cred_in_group(const struct cred *c, kgid_t gid); /* fsgid or supplementary */
