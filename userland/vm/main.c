/* SPDX-License-Identifier: BSD-2-Clause */
/* vm: virtual machines. The monitor that runs one is /bin/vmm. */
#include "cmds.h"

#include "../lib/session.h"
#include "../lib/signame.h"

#include <signal.h>
#include <stdio.h>

/*
 * Longer than a container's ten: a guest has a whole system to shut down, and may first have
 * to finish booting. The monitor presses the power button again and again for this long.
 */
enum { STOP_SECONDS = 60 };

static bool follow, kernel_log, force;
static const char *tail, *seconds, *signal_name;

static const struct opt logs_opts[] = {
    {"follow", 'f', OPT_FLAG, &follow, NULL, "Go on as output comes"},
    {"tail", 'n', OPT_STRING, &tail, "lines", "Only so many of the last lines"},
    {"kernel", 'k', OPT_FLAG, &kernel_log, NULL, "The guest kernel's log, not the console"},
    {0},
};

static const struct opt stop_opts[] = {
    {"time", 't', OPT_STRING, &seconds, "seconds", "How long to wait before killing (60)"},
    {0},
};

static const struct opt kill_opts[] = {
    {"signal", 's', OPT_STRING, &signal_name, "string", "Signal to its monitor (KILL)"},
    {0},
};

static const struct opt rm_opts[] = {
    {"force", 'f', OPT_FLAG, &force, NULL, "Also if it is running"},
    {0},
};

static int cmd_console(int argc, char **argv)
{
    (void)argc;
    return session_attach("vm", argv[0], false);
}

static int cmd_logs(int argc, char **argv)
{
    long lines = tail != NULL && *tail == 'a' ? -1 : session_number("tail", tail, -1);

    (void)argc;
    return session_logs("vm", argv[0], follow, lines, kernel_log);
}

static int cmd_start(int argc, char **argv)
{
    const struct session_options so = {0};

    return session_start("vm", argc, argv, &so);
}

static int cmd_stop(int argc, char **argv)
{
    return session_stop("vm", argc, argv, (int)session_number("time", seconds, STOP_SECONDS));
}

static int cmd_kill(int argc, char **argv)
{
    int sig = signal_name == NULL ? SIGKILL : signame_parse(signal_name);

    if (sig < 0)
        die(1, "invalid signal: %s", signal_name);
    return session_kill("vm", argc, argv, sig);
}

static int cmd_wait(int argc, char **argv)
{
    return session_wait("vm", argc, argv);
}

static int cmd_rm(int argc, char **argv)
{
    return session_rm("vm", argc, argv, force);
}

#define IN_RAM "VMs and what they wrote are in RAM, and gone at power-off."

static const struct command commands[] = {
    {"run", "GUEST [CMD] [ARG...]", "Start a VM",
     "GUEST is a folder with kernel, initrd and cmdline in /var/lib/bulkhead/guests, or a path to\n"
     "one. With CMD, the guest runs that and powers off; its exit status is that of this command.\n"
     "Ctrl-P Ctrl-Q leaves the VM running; 'vm console' comes back to it.\n\n" IN_RAM,
     run_opts, 1, -1, true, cmd_run},
    {"ls", "", "List VMs", IN_RAM, ls_opts, 0, 0, false, cmd_ls},
    {"console", "VM", "Attach to a VM's console", "Ctrl-P Ctrl-Q detaches.", NULL, 1, 1, false,
     cmd_console},
    {"logs", "VM", "Show what a VM's console has shown",
     "The last megabyte is kept, for as long as the VM is there.", logs_opts, 1, 1, false,
     cmd_logs},
    {"start", "VM [VM...]", "Start VMs that have ended", NULL, NULL, 1, -1, false, cmd_start},
    {"stop", "VM [VM...]", "Stop VMs",
     "Presses the power button, again and again: a guest that is still booting may not listen "
     "yet.\n"
     "After a minute, or the time given, kills.",
     stop_opts, 1, -1, false, cmd_stop},
    {"kill", "VM [VM...]", "Kill VMs", NULL, kill_opts, 1, -1, false, cmd_kill},
    {"wait", "VM [VM...]", "Wait for the end, print the exit statuses", NULL, NULL, 1, -1, false,
     cmd_wait},
    {"rm", "VM [VM...]", "Remove VMs", NULL, rm_opts, 1, -1, false, cmd_rm},
    {0},
};

int main(int argc, char **argv)
{
    err_program = "vm";
    return command_main(commands, "Virtual machines. " IN_RAM, argc, argv);
}
