/* SPDX-License-Identifier: BSD-2-Clause */
/* ct: containers. The subcommands and what Docker users expect of them. */
#include "cmds.h"

#include "../lib/session.h"
#include "../lib/signame.h"

#include <signal.h>
#include <stdio.h>

static bool follow, no_stdin, force;
static const char *tail, *seconds, *signal_name;

static const struct opt logs_opts[] = {
    {"follow", 'f', OPT_FLAG, &follow, NULL, "Go on as output comes"},
    {"tail", 'n', OPT_STRING, &tail, "lines", "Only so many of the last lines"},
    {0},
};

static const struct opt attach_opts[] = {
    {"no-stdin", 0, OPT_FLAG, &no_stdin, NULL, "Do not attach STDIN"},
    {0},
};

static const struct opt stop_opts[] = {
    {"time", 't', OPT_STRING, &seconds, "seconds", "How long to wait before killing (10)"},
    {0},
};

static const struct opt kill_opts[] = {
    {"signal", 's', OPT_STRING, &signal_name, "string", "Signal to send (KILL)"},
    {0},
};

static const struct opt rm_opts[] = {
    {"force", 'f', OPT_FLAG, &force, NULL, "Also if it is running"},
    {0},
};

static int cmd_logs(int argc, char **argv)
{
    long lines = tail != NULL && *tail == 'a' ? -1 : session_number("tail", tail, -1);

    (void)argc;
    return session_logs("ct", argv[0], follow, lines, false);
}

static int cmd_attach(int argc, char **argv)
{
    (void)argc;
    return session_attach("ct", argv[0], no_stdin);
}

static int cmd_stop(int argc, char **argv)
{
    return session_stop("ct", argc, argv, (int)session_number("time", seconds, 10));
}

static int cmd_kill(int argc, char **argv)
{
    int sig = signal_name == NULL ? SIGKILL : signame_parse(signal_name);

    if (sig < 0)
        die(1, "invalid signal: %s", signal_name);
    return session_kill("ct", argc, argv, sig);
}

static int cmd_wait(int argc, char **argv)
{
    return session_wait("ct", argc, argv);
}

static int cmd_rm(int argc, char **argv)
{
    return session_rm("ct", argc, argv, force);
}

#define IN_RAM "Containers are in RAM: they and what they wrote are gone at power-off."
static const char run_details[] =
    "SIGINT, SIGQUIT, SIGUSR1 and SIGUSR2 are passed on to the container. Ending this command\n"
    "in any other way leaves the container as it is; 'ct attach' comes back to it. With -it,\n"
    "Ctrl-P Ctrl-Q does the same.\n\n" IN_RAM;

static const struct command commands[] = {
    {"run", "IMAGE [COMMAND] [ARG...]", "Create and start a container", run_details, run_opts, 1,
     -1, true, cmd_run},
    {"create", "IMAGE [COMMAND] [ARG...]", "Create a container", IN_RAM, create_opts, 1, -1, true,
     cmd_create},
    {"start", "CONTAINER [CONTAINER...]", "Start containers", NULL, start_opts, 1, -1, false,
     cmd_start},
    {"ps", "", "List containers", IN_RAM, ps_opts, 0, 0, false, cmd_ps},
    {"logs", "CONTAINER", "Show a container's output",
     "The last megabyte is kept, for as long as the container is there.", logs_opts, 1, 1, false,
     cmd_logs},
    {"exec", "CONTAINER COMMAND [ARG...]", "Run a command in a running container", NULL, exec_opts,
     2, -1, true, cmd_exec},
    {"attach", "CONTAINER", "Attach to a running container", "Ctrl-P Ctrl-Q detaches.", attach_opts,
     1, 1, false, cmd_attach},
    {"stop", "CONTAINER [CONTAINER...]", "Stop containers",
     "Sends the image's stop signal (SIGTERM), then SIGKILL.", stop_opts, 1, -1, false, cmd_stop},
    {"kill", "CONTAINER [CONTAINER...]", "Send a signal to containers", NULL, kill_opts, 1, -1,
     false, cmd_kill},
    {"wait", "CONTAINER [CONTAINER...]", "Wait for the end, print the exit codes", NULL, NULL, 1,
     -1, false, cmd_wait},
    {"rm", "CONTAINER [CONTAINER...]", "Remove containers", NULL, rm_opts, 1, -1, false, cmd_rm},
    {"inspect", "NAME|ID [NAME|ID...]", "Show a container or an image as JSON", NULL, inspect_opts,
     1, -1, false, cmd_inspect},
    {"images", "[REPOSITORY]", "List images", NULL, images_opts, 0, 1, false, cmd_images},
    {"load", "", "Load images from an archive",
     "Archives of 'docker save' and OCI image layouts in a tar, plain or compressed with gzip\n"
     "or zstd. Every digest is verified; it is loaded whole or not at all.",
     load_opts, 0, 0, false, cmd_load},
    {"rmi", "IMAGE [IMAGE...]", "Remove images", NULL, rmi_opts, 1, -1, false, cmd_rmi},
    {"pull", "IMAGE", "(Not there yet: there is no network)", NULL, NULL, 1, 1, false, cmd_pull},
    {0},
};

int main(int argc, char **argv)
{
    err_program = "ct";
    return command_main(commands,
                        "Containers from OCI images. " IN_RAM "\n"
                        "Images of archives in /var/lib/bulkhead/images are there by themselves.",
                        argc, argv);
}
