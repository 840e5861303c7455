/* SPDX-License-Identifier: BSD-2-Clause */
/* Interruptions: see interrupt.h. */
#include "interrupt.h"

#include <signal.h>
#include <stddef.h>

static const int caught[] = {SIGINT, SIGTERM, SIGHUP};
enum { CAUGHT = sizeof(caught) / sizeof(caught[0]) };

static struct sigaction before[CAUGHT];
static volatile sig_atomic_t noted, child;

static void on_signal(int sig)
{
    noted = sig;
    if (child > 0)
        kill(child, SIGKILL);
}

void interrupt_catch(void)
{
    struct sigaction act = {.sa_handler = on_signal};

    noted = child = 0;
    for (size_t i = 0; i < CAUGHT; i++) {
        sigaction(caught[i], NULL, &before[i]);
        if (before[i].sa_handler != SIG_IGN)
            sigaction(caught[i], &act, NULL);
    }
}

void interrupt_forget(void)
{
    for (size_t i = 0; i < CAUGHT; i++)
        sigaction(caught[i], &before[i], NULL);
}

void interrupt_release(void)
{
    interrupt_forget();
    if (noted)
        raise(noted);
}

bool interrupt_noted(void)
{
    return noted != 0;
}

void interrupt_kills(pid_t pid)
{
    child = pid;
    if (noted && pid > 0) /* it came before there was anybody to kill */
        kill(pid, SIGKILL);
}
