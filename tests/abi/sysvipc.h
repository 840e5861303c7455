/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What the tests of System V IPC share. Each runs in an IPC namespace of its own, so that
 * ids and totals are the same everywhere. What another process has to say is its exit
 * status, so that lines do not depend on who runs first.
 */
#pragma once

#include "abi.h"

#include <grp.h>
#include <limits.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/ipc.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>

#define KEY 0x4242

static pid_t self; /* the test's first process */

static inline const char *who(pid_t pid)
{
    return pid == 0 ? "nobody" : pid == self ? "me" : "another";
}

static inline const char *when(time_t t)
{
    return t == 0 ? "never" : t > 1000000 ? "then" : "?";
}

static inline void show_perm(const struct ipc_perm *p)
{
    printf("key %x uid %u gid %u cuid %u cgid %u mode %o seq %d", p->__key, p->uid, p->gid, p->cuid,
           p->cgid, p->mode, p->__seq);
}

/* A call's result for the exit status: 0, or its error. */
static inline int result_of(long r)
{
    return r < 0 ? errno : 0;
}

/* Another process that ends with what fn returns. */
static inline pid_t start(int (*fn)(void))
{
    pid_t pid;

    fflush(stdout);
    pid = fork();
    if (pid == 0) {
        int status = fn();

        fflush(stdout);
        _exit(status);
    }
    return pid;
}

static inline void finish(const char *what, pid_t pid)
{
    int status;

    waitpid(pid, &status, 0);
    if (WIFSIGNALED(status))
        printf("%s: SIG%s\n", what, sigabbrev_np(WTERMSIG(status)));
    else
        printf("%s: %s\n", what, status == 0 ? "ok" : strerrorname_np(WEXITSTATUS(status)));
    fflush(stdout);
}
#define RUN(fn) finish(#fn, start(fn))

static inline int drop_rights(void)
{
    return setgroups(0, NULL) < 0 || setgid(1000) < 0 || setuid(1000) < 0 ? -1 : 0;
}

/* A file of /proc/sysvipc: of its columns, 'p' is a process, 't' a time. */
static inline void show_proc(const char *path, const char *columns)
{
    FILE *f = fopen(path, "r");
    char line[512];

    for (int n = 0; f != NULL && fgets(line, sizeof(line), f) != NULL; n++) {
        int column = 0;

        for (char *word = strtok(line, " \n"); word != NULL; word = strtok(NULL, " \n"), column++) {
            char kind = column < (int)strlen(columns) ? columns[column] : '?';

            printf("%s%s", column > 0 ? " " : "",
                   n > 0 && kind == 'p'   ? who((pid_t)atol(word))
                   : n > 0 && kind == 't' ? when(atol(word))
                                          : word);
        }
        printf("\n");
    }
    if (f != NULL)
        fclose(f);
    else
        printf("%s: cannot be opened\n", path);
}

static inline void show_limit(const char *name)
{
    char path[64], text[128] = "";
    FILE *f;

    snprintf(path, sizeof(path), "/proc/sys/kernel/%s", name);
    f = fopen(path, "r");
    if (f != NULL && fgets(text, sizeof(text), f) != NULL)
        printf("%s: %s", name, text);
    else
        printf("%s: cannot be read\n", path);
    if (f != NULL)
        fclose(f);
}

static inline void own_namespace(void)
{
    self = getpid();
    if (unshare(CLONE_NEWIPC) < 0)
        _exit(1);
}
