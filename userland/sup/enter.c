/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A further process in a running container, for `ct exec`:
 *
 *   bulkhead-sup exec id=ID pid=PID sup=PID [tty=1 rows=N cols=N] user= cwd= caps= env=... arg=...
 *
 * Descriptors 0, 1 and 2 are its own, made for it by `ct`; with tty=1 it opens a
 * terminal inside the container and sends the master through descriptor 3. Errors
 * go to descriptor 4. The status is the program's.
 */
#include "sup.h"

#include "../lib/cgroup.h"
#include "../lib/io.h"
#include "../lib/signame.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

enum { TTY_SOCK = 3, ERROR_FD = 4 };

static int record_from_args(struct record *r, int argc, char **argv)
{
    size_t len = 0, at = 0;

    for (int i = 0; i < argc; i++)
        len += strlen(argv[i]) + 1;
    r->buf = malloc(len + 1);
    if (r->buf == NULL)
        return -ENOMEM;
    for (int i = 0; i < argc; i++) {
        size_t n = strlen(argv[i]) + 1;

        memcpy(r->buf + at, argv[i], n);
        at += n;
    }
    r->len = len;
    return 0;
}

/*
 * Opens /proc/PID, which pins it, and makes sure that it is a child of the
 * container's supervisor: then it is the container's first process and not
 * somebody who was given its number since.
 */
static int open_process(int pid, int sup_pid, struct err *e)
{
    char path[32], stat[512];
    const char *paren;
    int dir, parent = 0;

    snprintf(path, sizeof(path), "/proc/%d", pid);
    dir = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (dir < 0)
        return err_set(e, 1, "the container is not running");
    if (io_get(dir, "stat", stat, sizeof(stat)) > 0 && (paren = strrchr(stat, ')')) != NULL)
        (void)sscanf(paren, ") %*c %d", &parent);
    if (parent != sup_pid)
        return err_set(e, 1, "the container is not running");
    return dir;
}

static int enter_namespaces(int proc, struct err *e)
{
    static const struct {
        const char *file;
        bool required;
    } kinds[] = {
        {"ns/pid", true},     {"ns/uts", true}, {"ns/ipc", true},
        {"ns/cgroup", false}, {"ns/mnt", true},
    };
    enum { KINDS = sizeof(kinds) / sizeof(kinds[0]) };
    int fds[KINDS];

    /* All are opened first: after the last setns() our /proc is not there any more. */
    for (size_t i = 0; i < KINDS; i++) {
        fds[i] = openat(proc, kinds[i].file, O_RDONLY | O_CLOEXEC);
        if (fds[i] < 0 && kinds[i].required)
            return err_sys(e, 126, "cannot open the container's %s", kinds[i].file);
    }
    for (size_t i = 0; i < KINDS; i++) {
        if (fds[i] >= 0 && setns(fds[i], 0) < 0 && kinds[i].required)
            return err_sys(e, 126, "cannot enter the container's %s", kinds[i].file);
        if (fds[i] >= 0)
            close(fds[i]);
    }
    return 0;
}

static int run(const struct record *what, int cgroup_fd, struct err *e)
{
    struct proto_winsize size = {(uint16_t)record_num(what, "rows", 0),
                                 (uint16_t)record_num(what, "cols", 0)};
    int stdio[3] = {0, 1, 2};
    struct tty_pair tty;

    if (cgroup_fd >= 0 && write(cgroup_fd, "0", 1) < 0)
        return err_sys(e, 126, "cannot join the container's control group");
    (void)setsid();
    if (record_flag(what, "tty")) {
        if (rootfs_open_tty(&tty, &size, e) < 0)
            return -1;
        if (io_send_fd(TTY_SOCK, "t", 1, tty.master) < 0)
            return err_sys(e, 126, "cannot hand over the terminal");
        close(tty.master);
        stdio[0] = stdio[1] = stdio[2] = tty.slave;
    }
    return process_exec(what, stdio, e);
}

static void report(const struct err *e)
{
    (void)io_write_full(ERROR_FD, e->text, strlen(e->text));
}

int enter_main(int argc, char **argv)
{
    struct record what;
    int proc, cgroup_fd, wstatus;
    const char *id;
    struct err e;
    pid_t child;

    process_reset_signals();
    for (int fd = TTY_SOCK; fd <= ERROR_FD; fd++)
        (void)fcntl(fd, F_SETFD, FD_CLOEXEC);
    (void)syscall(SYS_close_range, ERROR_FD + 1U, ~0U, 0U); /* our caller's, of no use to us */
    /* Nobody inside may look into this process while it is on its way in. */
    (void)prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);
    if (record_from_args(&what, argc, argv) < 0 || (id = record_get(&what, "id")) == NULL)
        return 125;
    proc = open_process((int)record_num(&what, "pid", 0), (int)record_num(&what, "sup", 0), &e);
    if (proc < 0)
        goto fail;
    cgroup_fd = cgroup_open_run("ct", id);
    if (enter_namespaces(proc, &e) < 0)
        goto fail;
    close(proc);

    child = fork(); /* only a child is in the new pid namespace */
    if (child < 0) {
        err_sys(&e, 126, "cannot create a process");
        goto fail;
    }
    if (child == 0) {
        if (run(&what, cgroup_fd, &e) < 0)
            report(&e);
        _exit(e.status);
    }
    for (int fd = 0; fd <= ERROR_FD; fd++)
        close(fd);
    while (waitpid(child, &wstatus, 0) < 0) {
        if (errno != EINTR)
            return 125;
    }
    return status_from_wait(wstatus);

fail:
    report(&e);
    return e.status;
}
