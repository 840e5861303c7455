/* SPDX-License-Identifier: BSD-2-Clause */
/* Finding what to boot. */
#include "guest.h"

#include "../lib/command.h"
#include "../lib/io.h"
#include "../lib/paths.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static int make_path(char out[PATH_MAX], const char *folder, const char *file, struct err *e)
{
    if (snprintf(out, PATH_MAX, "%s/%s", folder, file) >= PATH_MAX)
        return err_set(e, 125, "the guest's path is too long");
    return 0;
}

int guest_find(const char *name, struct guest *guest, struct err *e)
{
    char folder[PATH_MAX], cmdline[PATH_MAX];
    struct stat st;
    ssize_t n;

    memset(guest, 0, sizeof(*guest));
    if (strchr(name, '/') != NULL || strcmp(name, ".") == 0 || strcmp(name, "..") == 0)
        snprintf(folder, sizeof(folder), "%s", name);
    else
        snprintf(folder, sizeof(folder), PATH_GUESTS "/%s", name);
    if (name[0] == '\0' || stat(folder, &st) < 0 || !S_ISDIR(st.st_mode))
        return err_set(
            e, 125, "no such guest: %s (a guest is a folder in " PATH_GUESTS ", or a path to one)",
            name);
    if (make_path(guest->kernel, folder, "kernel", e) < 0 ||
        make_path(guest->initrd, folder, "initrd", e) < 0 ||
        make_path(cmdline, folder, "cmdline", e) < 0)
        return -1;
    n = io_get(AT_FDCWD, cmdline, guest->cmdline, sizeof(guest->cmdline));
    if (n < 0) {
        errno = (int)-n;
        return err_sys(e, 125, "cannot read the cmdline %s (" GUEST_IS ")", cmdline);
    }
    if (n >= (ssize_t)sizeof(guest->cmdline) - 2)
        return err_set(e, 125, "the cmdline %s is too long: at most %zu bytes", cmdline,
                       sizeof(guest->cmdline) - 3);
    for (char *p = guest->cmdline; *p != '\0'; p++) {
        if (*p == '\n')
            *p = ' ';
    }
    return 0;
}

long guest_parse_memory(const char *text)
{
    size_t digits = strspn(text, "0123456789");
    int64_t bytes = opts_parse_size(text);

    if (bytes < 0 || digits == 0)
        return -1;
    if (text[digits] == '\0')
        return bytes < 1 << 20 ? (long)bytes : -1; /* a plain number is MiB */
    return (long)(bytes >> 20);
}
