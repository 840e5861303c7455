/* SPDX-License-Identifier: BSD-2-Clause */
/* ct run, create, start. */
#include "cmds.h"

#include "image.h"
#include "spec.h"

#include "../lib/client.h"
#include "../lib/io.h"
#include "../lib/proto.h"
#include "../lib/session.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

static struct run_options options;

#define COMMON_OPTS                                                                                \
    {"interactive", 'i', OPT_FLAG, &options.interactive, NULL, "Keep STDIN open"},                 \
        {"tty", 't', OPT_FLAG, &options.tty, NULL, "Allocate a terminal"},                         \
        {"rm", 0, OPT_FLAG, &options.rm, NULL, "Remove the container when it ends"},               \
        {"name", 0, OPT_STRING, &options.name, "string", "Assign a name"},                         \
        {"memory", 'm', OPT_STRING, &options.memory, "bytes", "Memory limit (64m, 1g)"},           \
        {"pids-limit", 0, OPT_STRING, &options.pids, "int", "Limit of processes (-1: none)"},      \
        {"env", 'e', OPT_LIST, &options.env, "list", "Set environment variables (K=V, or K)"},     \
        {"workdir", 'w', OPT_STRING, &options.workdir, "string", "Working directory"},             \
        {"user", 'u', OPT_STRING, &options.user, "string", "User (name|uid[:group|gid])"},         \
        {"hostname", 'h', OPT_STRING, &options.hostname, "string", "Host name"},                   \
        {"read-only", 0, OPT_FLAG, &options.read_only, NULL, "Mount the root read-only"},          \
        {"entrypoint", 0, OPT_STRING, &options.entrypoint, "string", "Instead of the image's"},    \
        {"cap-add", 0, OPT_LIST, &options.cap_add, "list", "Add capabilities"},                    \
        {"cap-drop", 0, OPT_LIST, &options.cap_drop, "list", "Drop capabilities"},                 \
        {"security-opt", 0, OPT_LIST, &options.security, "list", "no-new-privileges"},             \
        {"volume", 'v', OPT_LIST, &options.volumes, "list", "Bind mount HOST:CTR[:ro]"},           \
        {"tmpfs", 0, OPT_LIST, &options.tmpfs, "list", "Mount a tmpfs (CTR[:options])"},           \
        {"label", 'l', OPT_LIST, &options.labels, "list", "Set labels (K=V)"},                     \
    {                                                                                              \
        "stop-signal", 0, OPT_STRING, &options.stop_signal, "string", "Signal for 'ct stop'"       \
    }

const struct opt run_opts[] = {
    {"detach", 'd', OPT_FLAG, &options.detach, NULL, "Run in the background, print the ID"},
    COMMON_OPTS,
    {0},
};

const struct opt create_opts[] = {COMMON_OPTS, {0}};

static void create(struct instance *in, char **argv)
{
    struct image image;
    struct err e;

    if (image_find(&image, argv[0], &e) < 0 || spec_create(in, &image, &options, argv + 1, &e) < 0)
        die_err(&e);
    image_free(&image);
}

int cmd_create(int argc, char **argv)
{
    struct instance in;

    (void)argc;
    create(&in, argv);
    printf("%s\n", in.id);
    return 0;
}

int cmd_run(int argc, char **argv)
{
    unsigned flags = ATTACH_FOLLOW | ATTACH_OUTPUT | ATTACH_LOSSLESS;
    struct client_io io = {.tty = options.tty, .input = options.interactive, .tail = -1};
    struct instance in;
    struct err e;
    int sock;

    (void)argc;
    if (options.detach && options.interactive && !options.tty)
        io.input = false;
    if (!options.detach && options.tty && options.interactive && !isatty(STDIN_FILENO))
        die(1, "the input device is not a terminal: leave out -t");
    create(&in, argv);
    if (options.interactive)
        flags |= ATTACH_STDIN;
    sock = client_launch(&in, options.detach ? 0 : flags, &e);
    if (sock < 0)
        die_err(&e);
    if (options.detach) {
        printf("%s\n", in.id);
        return 0;
    }
    io.signals = true;
    return session_run(&in, sock, &io);
}

static bool start_attached, start_interactive;

const struct opt start_opts[] = {
    {"attach", 'a', OPT_FLAG, &start_attached, NULL, "Attach STDOUT/STDERR, pass on signals"},
    {"interactive", 'i', OPT_FLAG, &start_interactive, NULL, "Attach STDIN"},
    {0},
};

int cmd_start(int argc, char **argv)
{
    struct session_options so = {.attach = start_attached || start_interactive,
                                 .input = start_interactive};

    return session_start("ct", argc, argv, &so);
}
