/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * cpio "newc" archives: per member a header of 8-digit hex fields, the name with
 * its NUL, the data, each padded to four bytes. Linux unpacks one archive after
 * the other over the same tree, so one that is appended to an initrd adds to it.
 */
#include "cpio.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define HEADER_SIZE 110
#define MODE_DIR    0040000u
#define MODE_FILE   0100000u
#define TRAILER     "TRAILER!!!"

static int append(struct cpio *archive, const void *data, size_t size)
{
    if (archive->capacity - archive->size < size) {
        size_t capacity = 2 * archive->capacity + size + 512;
        uint8_t *grown = realloc(archive->data, capacity);

        if (grown == NULL)
            return -ENOMEM;
        archive->data = grown;
        archive->capacity = capacity;
    }
    if (size > 0)
        memcpy(archive->data + archive->size, data, size);
    archive->size += size;
    return 0;
}

static int pad(struct cpio *archive)
{
    static const uint8_t zeros[3];

    return append(archive, zeros, -archive->size & 3);
}

static int add(struct cpio *archive, const char *name, uint32_t mode, const void *data, size_t size)
{
    char header[HEADER_SIZE + 1];
    uint32_t links = (mode & MODE_DIR) != 0 ? 2 : 1;
    int err;

    /* magic, inode, mode, uid, gid, links, mtime, size, 4 x device, name size, checksum */
    snprintf(header, sizeof(header), "070701%08x%08x%08x%08x%08x%08x%08x%08x%08x%08x%08x%08x%08x",
             ++archive->next_inode, mode, 0u, 0u, links, 0u, (unsigned)size, 0u, 0u, 0u, 0u,
             (unsigned)strlen(name) + 1, 0u);
    err = append(archive, header, HEADER_SIZE);
    if (err == 0)
        err = append(archive, name, strlen(name) + 1);
    if (err == 0)
        err = pad(archive);
    if (err == 0)
        err = append(archive, data, size);
    if (err == 0)
        err = pad(archive);
    return err;
}

int cpio_add_dir(struct cpio *archive, const char *name, uint32_t permissions)
{
    return add(archive, name, MODE_DIR | permissions, NULL, 0);
}

int cpio_add_file(struct cpio *archive, const char *name, uint32_t permissions, const void *data,
                  size_t size)
{
    return add(archive, name, MODE_FILE | permissions, data, size);
}

int cpio_end(struct cpio *archive)
{
    return add(archive, TRAILER, 0, NULL, 0);
}

void cpio_fini(struct cpio *archive)
{
    free(archive->data);
    memset(archive, 0, sizeof(*archive));
}

/* 'word', with each ' in it written as '\'' : the one quoting every shell agrees on. */
static char *quote(char *to, const char *word)
{
    *to++ = '\'';
    for (; *word != '\0'; word++) {
        if (*word == '\'') {
            memcpy(to, "'\\''", 4);
            to += 4;
        } else {
            *to++ = *word;
        }
    }
    *to++ = '\'';
    return to;
}

char *command_script(char *const argv[])
{
    static const char start[] = "#!/bin/sh\nexec";
    size_t size = sizeof(start) + 1;
    char *script, *to;

    for (char *const *word = argv; *word != NULL; word++)
        size += 4 * strlen(*word) + 3;
    script = malloc(size);
    if (script == NULL)
        return NULL;

    memcpy(script, start, sizeof(start) - 1);
    to = script + sizeof(start) - 1;
    for (char *const *word = argv; *word != NULL; word++) {
        *to++ = ' ';
        to = quote(to, *word);
    }
    memcpy(to, "\n", 2);
    return script;
}
