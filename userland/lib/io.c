/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Descriptor helpers: complete transfers, SCM_RIGHTS, and the removal of a tree
 * whose contents are hostile (any depth, any names, links to anywhere).
 */
#include "io.h"

#include <errno.h>
#include <dirent.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

ssize_t io_read_full(int fd, void *buf, size_t len)
{
    size_t done = 0;

    while (done < len) {
        ssize_t n = read(fd, (char *)buf + done, len - done);

        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return -errno;
        if (n == 0)
            break;
        done += (size_t)n;
    }
    return (ssize_t)done;
}

int io_write_full(int fd, const void *buf, size_t len)
{
    size_t done = 0;

    while (done < len) {
        ssize_t n = write(fd, (const char *)buf + done, len - done);

        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return -errno;
        done += (size_t)n;
    }
    return 0;
}

int io_put(int dirfd, const char *name, const char *text)
{
    int fd = openat(dirfd, name, O_WRONLY | O_CLOEXEC);
    int err;

    if (fd < 0)
        return -errno;
    err = io_write_full(fd, text, strlen(text));
    close(fd);
    return err;
}

ssize_t io_get(int dirfd, const char *name, char *buf, size_t size)
{
    int fd = openat(dirfd, name, O_RDONLY | O_CLOEXEC);
    ssize_t n;

    if (fd < 0)
        return -errno;
    n = io_read_full(fd, buf, size - 1);
    close(fd);
    if (n < 0)
        return n;
    if (n > 0 && buf[n - 1] == '\n')
        n--;
    buf[n] = '\0';
    return n;
}

int io_send_fd(int sock, const void *msg, size_t len, int fd)
{
    union {
        char buf[CMSG_SPACE(sizeof(int))];
        struct cmsghdr align;
    } control;
    struct iovec iov = {.iov_base = (void *)msg, .iov_len = len};
    struct msghdr mh = {.msg_iov = &iov, .msg_iovlen = 1};
    ssize_t n;

    if (fd >= 0) {
        struct cmsghdr *c;

        memset(&control, 0, sizeof(control));
        mh.msg_control = control.buf;
        mh.msg_controllen = sizeof(control.buf);
        c = CMSG_FIRSTHDR(&mh);
        c->cmsg_level = SOL_SOCKET;
        c->cmsg_type = SCM_RIGHTS;
        c->cmsg_len = CMSG_LEN(sizeof(int));
        memcpy(CMSG_DATA(c), &fd, sizeof(int));
    }
    do {
        n = sendmsg(sock, &mh, MSG_NOSIGNAL);
    } while (n < 0 && errno == EINTR);
    return n < 0 ? -errno : 0;
}

ssize_t io_recv_fd(int sock, void *msg, size_t len, int *fd)
{
    union {
        char buf[CMSG_SPACE(sizeof(int))];
        struct cmsghdr align;
    } control;
    struct iovec iov = {.iov_base = msg, .iov_len = len};
    struct msghdr mh = {
        .msg_iov = &iov,
        .msg_iovlen = 1,
        .msg_control = control.buf,
        .msg_controllen = sizeof(control.buf),
    };
    struct cmsghdr *c;
    ssize_t n;

    *fd = -1;
    do {
        n = recvmsg(sock, &mh, MSG_CMSG_CLOEXEC);
    } while (n < 0 && errno == EINTR);
    if (n < 0)
        return -errno;
    c = CMSG_FIRSTHDR(&mh);
    if (c != NULL && c->cmsg_level == SOL_SOCKET && c->cmsg_type == SCM_RIGHTS &&
        c->cmsg_len == CMSG_LEN(sizeof(int)))
        memcpy(fd, CMSG_DATA(c), sizeof(int));
    return n;
}

struct dirent64_raw {
    uint64_t ino;
    int64_t off;
    uint16_t reclen;
    uint8_t type;
    char name[];
};

/* 0: gone. 1: a directory with something in it. Else -errno. */
static int remove_entry(int dir, const char *name, uint8_t type)
{
    if (type != DT_DIR && unlinkat(dir, name, 0) == 0)
        return 0;
    if (unlinkat(dir, name, AT_REMOVEDIR) == 0)
        return 0;
    if (errno == ENOTEMPTY || errno == EEXIST)
        return 1;
    return unlinkat(dir, name, 0) == 0 ? 0 : -errno;
}

/*
 * Removes what can be removed at once from `dir`. Returns 0 when it is empty,
 * 1 with the name of a non-empty subdirectory in `sub`, or -errno.
 */
static int empty_dir(int dir, char sub[256])
{
    _Alignas(8) char buf[4096];
    bool removed;

    do { /* again while something went: others may have been skipped meanwhile */
        long n;

        removed = false;
        if (lseek(dir, 0, SEEK_SET) < 0)
            return -errno;
        while ((n = syscall(SYS_getdents64, dir, buf, sizeof(buf))) > 0) {
            for (long at = 0; at < n;) {
                struct dirent64_raw *d = (void *)(buf + at);
                int err;

                at += d->reclen;
                if (strcmp(d->name, ".") == 0 || strcmp(d->name, "..") == 0)
                    continue;
                err = remove_entry(dir, d->name, d->type);
                if (err != 0) {
                    snprintf(sub, 256, "%.255s", d->name);
                    return err;
                }
                removed = true;
            }
        }
        if (n < 0)
            return -errno;
    } while (removed);
    return 0;
}

int io_remove_tree(int dirfd, const char *name)
{
    char sub[256];
    unsigned depth = 0;
    int dir, err;

    if (unlinkat(dirfd, name, 0) == 0 || errno == ENOENT)
        return 0;
    if (unlinkat(dirfd, name, AT_REMOVEDIR) == 0)
        return 0;
    if (errno != ENOTEMPTY && errno != EEXIST)
        return -errno;
    dir = openat(dirfd, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (dir < 0)
        return -errno;

    /*
     * One descriptor, however deep the tree: down by name, up by "..". Nobody
     * else has this tree any more, so ".." cannot lead astray; on the way up the
     * parent is read again, which finds the emptied directory and removes it.
     */
    for (;;) {
        int next;

        err = empty_dir(dir, sub);
        if (err < 0)
            break;
        if (err == 0 && depth == 0)
            break;
        next = openat(dir, err == 1 ? sub : "..", O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
        if (next < 0) {
            err = -errno;
            break;
        }
        depth = err == 1 ? depth + 1 : depth - 1;
        close(dir);
        dir = next;
    }
    close(dir);
    if (err < 0)
        return err;
    return unlinkat(dirfd, name, AT_REMOVEDIR) < 0 ? -errno : 0;
}
