/* SPDX-License-Identifier: BSD-2-Clause */
/* vm run: a record from a guest and options, then a supervisor that starts the monitor. */
#include "cmds.h"

#include "guest.h"

#include "../lib/client.h"
#include "../lib/proto.h"
#include "../lib/session.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { MEMORY_MIB_DEFAULT = 256, FIRST_UID = 100000, UIDS = 1 << 16 };

static bool detach, rm, no_reboot;
static const char *vm_name, *memory, *kernel, *initrd, *append;

const struct opt run_opts[] = {
    {"detach", 'd', OPT_FLAG, &detach, NULL, "Run in the background, print the ID"},
    {"rm", 0, OPT_FLAG, &rm, NULL, "Remove the VM when it ends"},
    {"name", 0, OPT_STRING, &vm_name, "string", "Assign a name"},
    {"memory", 'm', OPT_STRING, &memory, "size", "Memory: MiB, or with a unit (256)"},
    {"kernel", 0, OPT_STRING, &kernel, "file", "Another kernel than the guest's"},
    {"initrd", 0, OPT_STRING, &initrd, "file", "Another initial RAM disk"},
    {"append", 0, OPT_STRING, &append, "string", "More for the kernel's command line"},
    {"no-reboot", 0, OPT_FLAG, &no_reboot, NULL, "End when the guest restarts"},
    {0},
};

/* Every VM has a user of its own: 16 bits of its ID on top of a number nobody else has. */
static long uid_for(const char *id)
{
    char digits[5];

    snprintf(digits, sizeof(digits), "%.4s", id);
    return FIRST_UID + strtol(digits, NULL, 16) % UIDS;
}

/* The monitor runs elsewhere: paths are made absolute, and checked, here. */
static int add_file(struct record_writer *w, const char *key, const char *path, struct err *e)
{
    char full[PATH_MAX];

    if (access(path, R_OK) < 0 || realpath(path, full) == NULL)
        return err_sys(e, 125, "cannot read the %s %s (" GUEST_IS ")", key, path);
    record_add(w, key, full);
    return 0;
}

static int fill_in(struct record_writer *w, const struct instance *in, const char *name,
                   const char *guest_name, const struct guest *guest, char **cmd, struct err *e)
{
    long mib = memory == NULL ? MEMORY_MIB_DEFAULT : guest_parse_memory(memory);
    char line[4096];

    if (mib < 1)
        return err_set(e, 125, "invalid size for --memory: '%s'", memory);
    if (snprintf(line, sizeof(line), "%s%s%s", guest->cmdline,
                 guest->cmdline[0] != '\0' && append != NULL ? " " : "",
                 append == NULL ? "" : append) >= (int)sizeof(line))
        return err_set(e, 125, "the kernel's command line is too long");
    record_add(w, "id", in->id);
    record_add(w, "name", name);
    record_add(w, "guest", guest_name);
    record_add_num(w, "created", instance_now_ns());
    record_add_num(w, "memory_mib", mib);
    record_add_num(w, "uid", uid_for(in->id));
    record_add_num(w, "rm", rm);
    record_add_num(w, "no_reboot", no_reboot);
    record_add_num(w, "tty", 1);
    record_add_num(w, "stdin", 1);
    record_add(w, "append", line);
    if (add_file(w, "kernel", kernel != NULL ? kernel : guest->kernel, e) < 0)
        return -1;
    if (add_file(w, "initrd", initrd != NULL ? initrd : guest->initrd, e) < 0)
        return -1;
    for (; *cmd != NULL; cmd++)
        record_add(w, "arg", *cmd);
    return 0;
}

static int create(struct instance *in, char **argv, struct err *e)
{
    char name[NAME_MAX_LEN + 1] = "";
    struct record_writer w = {0};
    struct guest guest;
    int err;

    if (guest_find(argv[0], &guest, e) < 0)
        return -1;
    if (vm_name != NULL && (*vm_name == '\0' || strlen(vm_name) > NAME_MAX_LEN))
        return err_set(e, 125, "invalid name: \"%.80s\"", vm_name);
    if (vm_name != NULL)
        snprintf(name, sizeof(name), "%s", vm_name);
    if (instance_create(in, "vm", name, e) < 0)
        return -1;
    if (fill_in(&w, in, name, argv[0], &guest, argv + 1, e) < 0)
        goto remove;
    err = record_save(&w, in->dir, "spec");
    if (err == 0)
        return 0;
    errno = -err;
    err_sys(e, 125, "cannot record the VM");
remove:
    record_discard(&w);
    (void)instance_remove(in, name);
    instance_close(in);
    return -1;
}

int cmd_run(int argc, char **argv)
{
    unsigned flags = ATTACH_FOLLOW | ATTACH_OUTPUT | ATTACH_LOSSLESS | ATTACH_STDIN;
    /* A command does not eat the input of the script that it is called from. */
    struct client_io io = {
        .tty = isatty(STDIN_FILENO), .input = isatty(STDIN_FILENO) || argc == 1, .tail = -1};
    struct instance in;
    struct err e;
    int sock;

    if (create(&in, argv, &e) < 0)
        die_err(&e);
    sock = client_launch(&in, detach ? 0 : flags, &e);
    if (sock < 0) {
        struct instance failed;
        struct err ignored;

        /* A VM that never ran is of no use to anybody. */
        if (instance_find(&failed, "vm", in.id, &ignored) == 0 && instance_lock(&failed) == 0)
            (void)instance_discard(&failed);
        die_err(&e);
    }
    if (detach) {
        printf("%s\n", in.id);
        return 0;
    }
    return session_run(&in, sock, &io);
}
