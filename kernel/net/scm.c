/* SPDX-License-Identifier: BSD-2-Clause */
/* Control messages: packing and unpacking what scm.h describes. */
#include "scm.h"

#include <kernel/cgroup.h>
#include <kernel/pid.h>
#include <kernel/proc.h>
#include <kernel/uaccess.h>
#include <kernel/user_account.h>

#define HEADER sizeof(struct cmsghdr)
#define NOBODY ((uint32_t)65534)

static struct pid_ns *current_pid_ns(void)
{
    struct pid *pid = current->pid;

    return pid->numbers[pid->level].ns;
}

/* ---- making ---- */

static struct scm *scm_alloc(uint32_t nfiles)
{
    struct scm *scm = kalloc_for(current_cgroup(), sizeof(*scm) + nfiles * sizeof(scm->files[0]));

    if (scm != NULL) {
        list_init(&scm->link);
        scm->uid = (kuid_t){NOBODY};
        scm->gid = (kgid_t){NOBODY};
    }
    return scm;
}

static int ensure(struct scm **scm, uint32_t room)
{
    if (*scm == NULL)
        *scm = scm_alloc(room);
    return *scm != NULL ? 0 : -ENOMEM;
}

static int add_file(struct scm *scm, int fd)
{
    struct file *f;

    if (scm->nfiles == SCM_RIGHTS_MAX)
        return -EINVAL;
    f = fd < 0 ? NULL : fd_get_any(fd);
    if (f == NULL)
        return -EBADF;
    scm->files[scm->nfiles++] = f;
    return 0;
}

static int add_rights(struct scm *scm, uaddr_t data, size_t len)
{
    size_t n = len / sizeof(int32_t);

    if (n > SCM_RIGHTS_MAX)
        return -EINVAL;
    for (size_t i = 0; i < n; i++) {
        int32_t fd;
        int err = get_user(&fd, data + i * sizeof(fd));

        if (err == 0)
            err = add_file(scm, fd);
        if (err < 0)
            return err;
    }
    return 0;
}

/* May the current process say that it is this? Its own ids, or the capability to take others. */
static bool may_claim(const struct ucred *u)
{
    const struct cred *c = current_cred();
    bool pid_ok =
        u->pid == pid_nr_in(current_process()->pid, current_pid_ns()) || capable(CAP_SYS_ADMIN);
    bool uid_ok = u->uid == c->uid.val || u->uid == c->euid.val || u->uid == c->suid.val ||
                  capable(CAP_SETUID);
    bool gid_ok = u->gid == c->gid.val || u->gid == c->egid.val || u->gid == c->sgid.val ||
                  capable(CAP_SETGID);

    return pid_ok && uid_ok && gid_ok;
}

static int add_credentials(struct scm *scm, uaddr_t data, size_t len)
{
    struct ucred u;
    struct pid *pid;

    if (len != sizeof(u))
        return -EINVAL;
    if (copy_from_user(&u, data, sizeof(u)) < 0)
        return -EFAULT;
    if (!may_claim(&u))
        return -EPERM;
    if (u.uid == UINT32_MAX || u.gid == UINT32_MAX)
        return -EINVAL;
    pid = pid_find(current_pid_ns(), u.pid);
    if (pid == NULL)
        return -ESRCH;
    if (scm->pid != NULL)
        pid_put(scm->pid);
    scm->pid = pid;
    scm->uid = (kuid_t){u.uid};
    scm->gid = (kgid_t){u.gid};
    return 0;
}

int scm_from_user(uaddr_t control, size_t len, struct scm **out)
{
    size_t at = 0;
    int err = 0;

    *out = NULL;
    while (err == 0 && len - at >= HEADER) {
        struct cmsghdr h;

        if (copy_from_user(&h, control + at, sizeof(h)) < 0)
            err = -EFAULT;
        else if (h.cmsg_len < HEADER || h.cmsg_len > len - at)
            err = -EINVAL;
        if (err < 0)
            break;
        if (h.cmsg_level == SOL_SOCKET) {
            err = ensure(out, SCM_RIGHTS_MAX);
            if (err == 0 && h.cmsg_type == SCM_RIGHTS)
                err = add_rights(*out, control + at + HEADER, h.cmsg_len - HEADER);
            else if (err == 0 && h.cmsg_type == SCM_CREDENTIALS)
                err = add_credentials(*out, control + at + HEADER, h.cmsg_len - HEADER);
            else if (err == 0)
                err = -EINVAL;
        }
        at += min(CMSG_ALIGN(h.cmsg_len), (uint64_t)(len - at));
    }
    if (err < 0) {
        scm_put(*out);
        *out = NULL;
    }
    return err;
}

int scm_add_own_credentials(struct scm **scm)
{
    int err = ensure(scm, 0);

    if (err < 0 || (*scm)->pid != NULL)
        return err;
    (*scm)->pid = current_process()->pid;
    pid_get((*scm)->pid);
    (*scm)->uid = current_cred()->uid;
    (*scm)->gid = current_cred()->gid;
    return 0;
}

static struct scm *copy_credentials(const struct scm *scm, uint32_t room)
{
    struct scm *copy = scm_alloc(room);

    if (copy == NULL)
        return NULL;
    copy->uid = scm->uid;
    copy->gid = scm->gid;
    copy->pid = scm->pid;
    if (copy->pid != NULL)
        pid_get(copy->pid);
    return copy;
}

struct scm *scm_credentials_of(const struct scm *scm)
{
    return copy_credentials(scm, 0);
}

struct scm *scm_dup(const struct scm *scm)
{
    struct scm *copy = copy_credentials(scm, scm->nfiles);

    if (copy == NULL)
        return NULL;
    for (; copy->nfiles < scm->nfiles; copy->nfiles++) {
        copy->files[copy->nfiles] = scm->files[copy->nfiles];
        file_get(copy->files[copy->nfiles]);
    }
    return copy;
}

/* ---- delivering ---- */

/* The receiver's control buffer as it fills. */
struct control {
    uaddr_t at;
    size_t room, used;
    unsigned *flags;
};

static void advance(struct control *c, size_t n)
{
    n = min(n, c->room);
    c->at += n;
    c->room -= n;
    c->used += n;
}

static void put_credentials(struct control *c, const struct scm *scm)
{
    struct {
        struct cmsghdr h;
        struct ucred u;
    } m = {.h = {.cmsg_len = HEADER + sizeof(struct ucred),
                 .cmsg_level = SOL_SOCKET,
                 .cmsg_type = SCM_CREDENTIALS}};

    m.u = (struct ucred){0, NOBODY, NOBODY};
    if (scm != NULL)
        m.u = (struct ucred){scm->pid != NULL ? pid_nr_in(scm->pid, current_pid_ns()) : 0,
                             scm->uid.val, scm->gid.val};
    if (c->room < HEADER) {
        *c->flags |= MSG_CTRUNC;
        return;
    }
    if (c->room < m.h.cmsg_len) {
        *c->flags |= MSG_CTRUNC;
        m.h.cmsg_len = c->room;
    }
    if (copy_to_user(c->at, &m, m.h.cmsg_len) == 0)
        advance(c, CMSG_ALIGN(m.h.cmsg_len));
}

/* A descriptor for this file in the receiver's table, written to `where`; false: no more fit. */
static bool give_file(struct file *f, uaddr_t where, unsigned fd_flags)
{
    int fd = fd_reserve(fd_flags);

    if (fd < 0)
        return false;
    if (put_user(where, (int32_t)fd) < 0) {
        fd_unreserve(fd);
        return false;
    }
    file_get(f);
    fd_publish(fd, f);
    return true;
}

static void put_rights(struct control *c, const struct scm *scm, unsigned msg_flags)
{
    struct cmsghdr h = {.cmsg_level = SOL_SOCKET, .cmsg_type = SCM_RIGHTS};
    uint32_t fit = c->room > HEADER ? (uint32_t)((c->room - HEADER) / sizeof(int32_t)) : 0;
    uint32_t n = 0;

    if (fit > scm->nfiles)
        fit = scm->nfiles;
    while (n < fit && give_file(scm->files[n], c->at + HEADER + n * sizeof(int32_t),
                                msg_flags & MSG_CMSG_CLOEXEC ? FD_CLOEXEC : 0))
        n++;
    if (n > 0) {
        h.cmsg_len = HEADER + n * sizeof(int32_t);
        if (copy_to_user(c->at, &h, sizeof(h)) == 0)
            advance(c, CMSG_ALIGN(h.cmsg_len));
    }
    if (n < scm->nfiles)
        *c->flags |= MSG_CTRUNC;
}

size_t scm_to_user(struct scm *scm, bool want_credentials, uaddr_t control, size_t len,
                   unsigned flags, unsigned *out_flags)
{
    struct control c = {.at = control, .room = len, .used = 0, .flags = out_flags};
    bool has_files = scm != NULL && scm->nfiles > 0;

    if (control == 0) {
        if (want_credentials || has_files)
            *out_flags |= MSG_CTRUNC;
        return 0;
    }
    if (want_credentials)
        put_credentials(&c, scm);
    if (has_files)
        put_rights(&c, scm, flags);
    return c.used;
}

/* ---- dropping ---- */

static void drop_now(struct scm *scm)
{
    for (uint32_t i = 0; i < scm->nfiles; i++)
        file_put(scm->files[i]);
    if (scm->pid != NULL)
        pid_put(scm->pid);
    kfree(scm);
}

/*
 * Closing a file can drop messages that hold files whose closing drops messages
 * and so on: a program chooses how deep. So drops wait in a list of the thread
 * that is already dropping, and of no other: nobody pays for a neighbour's.
 */
void scm_put(struct scm *scm)
{
    struct list_node mine = LIST_INIT(mine);

    if (scm == NULL)
        return;
    if (scm->in_flight)
        unix_leave_flight(scm);
    if (scm->nfiles == 0) {
        drop_now(scm);
        return;
    }
    if (current->scm_drops != NULL) {
        list_add_tail(current->scm_drops, &scm->link);
        return;
    }
    list_add_tail(&mine, &scm->link);
    current->scm_drops = &mine;
    while (!list_is_empty(&mine)) {
        struct scm *next = list_first(&mine, struct scm, link);

        list_remove(&next->link);
        drop_now(next);
        cond_resched();
    }
    current->scm_drops = NULL;
}
