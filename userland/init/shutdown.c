/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The end of the machine, with busybox's conventions: its poweroff, halt and
 * reboot send the first process SIGUSR2, SIGUSR1 and SIGTERM. The signals stay
 * blocked except while we wait, so nothing is ever interrupted half-way.
 */
#include "init.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <sys/reboot.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define GRACE_MS 2000
#define STEP_MS  10

static volatile sig_atomic_t asked; /* the signal that came, 0 before */
static sigset_t watched, at_start;

static void note(int sig)
{
    if (sig != SIGCHLD)
        asked = sig;
}

void shutdown_prepare(void)
{
    static const int signals[] = {SIGUSR1, SIGUSR2, SIGTERM, SIGINT /* Ctrl-Alt-Del */, SIGCHLD};
    struct sigaction action = {.sa_handler = note};

    sigemptyset(&watched);
    for (size_t i = 0; i < sizeof(signals) / sizeof(signals[0]); i++) {
        sigaddset(&watched, signals[i]);
        sigaction(signals[i], &action, NULL);
    }
    sigprocmask(SIG_BLOCK, &watched, &at_start);
    reboot(RB_DISABLE_CAD);
}

void shutdown_forget(void)
{
    sigprocmask(SIG_SETMASK, &at_start, NULL);
}

int shutdown_poll(struct pollfd *polled, nfds_t count, const struct timespec *timeout)
{
    return ppoll(polled, count, timeout, &at_start);
}

bool shutdown_asked(void)
{
    return asked != 0;
}

bool shutdown_reap(pid_t pid, int *status)
{
    bool found = false;
    pid_t gone;
    int s;

    while ((gone = waitpid(-1, &s, WNOHANG)) > 0)
        if (gone == pid) {
            *status = s;
            found = true;
        }
    return found;
}

/* True once no other process is left. */
static bool wait_for_all(int ms)
{
    const struct timespec step = {.tv_nsec = STEP_MS * 1000000L};

    for (; ms > 0; ms -= STEP_MS) {
        pid_t gone;

        while ((gone = waitpid(-1, NULL, WNOHANG)) > 0)
            ;
        if (gone < 0 && errno == ECHILD)
            return true;
        nanosleep(&step, NULL);
    }
    return false;
}

void shutdown_now(void)
{
    /* SIGHUP as well: interactive shells ignore SIGTERM. */
    kill(-1, SIGTERM);
    kill(-1, SIGHUP);
    kill(-1, SIGCONT);
    if (!wait_for_all(GRACE_MS)) {
        kill(-1, SIGKILL);
        wait_for_all(GRACE_MS);
    }
    sync();
    reboot(asked == SIGTERM || asked == SIGINT ? RB_AUTOBOOT
           : asked == SIGUSR1                  ? RB_HALT_SYSTEM
                                               : RB_POWER_OFF);
    perror("init: the kernel cannot stop the machine");
    for (;;)
        pause();
}
