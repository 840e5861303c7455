/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The outer archive. Image archives put their index last, so one pass makes a
 * table of contents and everything else is read by offset; what cannot be read
 * that way (pipes, compressed archives) is first written to an unlinked file.
 */
#include "archive.h"

#include "interrupt.h"

#include "../lib/io.h"
#include "../lib/paths.h"

#include <archive.h>
#include <archive_entry.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum {
    CHUNK = 64 << 10,
    MEMBERS_MAX = 1 << 16,
    SMALL_MEMBER_MAX = 4 << 20,
    LINKS_MAX = 8,
    TAR_BLOCK = 512,
};

/* ---- a copy that can be read by offset -------------------------------------------- */

static bool is_plain_file(int fd)
{
    unsigned char head[4] = {0};
    struct stat st;

    if (fstat(fd, &st) < 0 || !S_ISREG(st.st_mode) || lseek(fd, 0, SEEK_CUR) != 0)
        return false;
    if (pread(fd, head, sizeof(head), 0) < 2)
        return true; /* too short for anything; reading it will tell */
    return !(head[0] == 0x1f && head[1] == 0x8b) &&
           !(head[0] == 0x28 && head[1] == 0xb5 && head[2] == 0x2f && head[3] == 0xfd);
}

static int copy_decompressed(int from, int to, const char *label, struct err *e)
{
    struct archive *a = archive_read_new();
    struct archive_entry *entry;
    const void *data;
    int64_t offset;
    size_t len;
    int r;

    if (a == NULL)
        return err_set(e, 1, "out of memory");
    archive_read_support_filter_gzip(a);
    archive_read_support_filter_zstd(a);
    archive_read_support_format_raw(a);
    archive_read_support_format_empty(a);
    r = archive_read_open_fd(a, from, CHUNK);
    if (r == ARCHIVE_OK)
        r = archive_read_next_header(a, &entry);
    while (r == ARCHIVE_OK) {
        r = archive_read_data_block(a, &data, &len, &offset);
        if (r == ARCHIVE_OK && io_write_full(to, data, len) < 0) {
            err_sys(e, 1, "cannot unpack %s in " PATH_LIB, label);
            archive_read_free(a);
            return -1;
        }
    }
    if (r != ARCHIVE_EOF)
        err_set(e, 1, "cannot read %s: %s", label, archive_error_string(a));
    archive_read_free(a);
    return r == ARCHIVE_EOF ? 0 : -1;
}

/* Replaces the descriptor by one of an unlinked, uncompressed copy. */
static int make_plain(int *fd, const char *label, struct err *e)
{
    char path[64];
    int copy;

    snprintf(path, sizeof(path), PATH_LIB "/.spool-%d", (int)getpid());
    copy = open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    if (copy < 0)
        return err_sys(e, 1, "cannot create %s", path);
    (void)unlink(path);
    if (copy_decompressed(*fd, copy, label, e) < 0) {
        close(copy);
        return -1;
    }
    close(*fd);
    *fd = copy;
    return 0;
}

/* ---- the table of contents -------------------------------------------------------- */

/* Folds "." and "..", drops empty components; what would lead out of the archive is NULL. */
static char *clean_name(const char *base, size_t base_len, const char *name)
{
    char *out = malloc(base_len + strlen(name) + 2);
    size_t len = 0;

    if (out == NULL)
        return NULL;
    memcpy(out, base, base_len);
    len = base_len;
    while (*name != '\0') {
        size_t n = strcspn(name, "/");

        if (n == 2 && name[0] == '.' && name[1] == '.') {
            if (len == 0) {
                free(out);
                return NULL;
            }
            while (len > 0 && out[len - 1] != '/')
                len--;
            len -= len > 0;
        } else if (n > 0 && !(n == 1 && name[0] == '.')) {
            if (len > 0)
                out[len++] = '/';
            memcpy(out + len, name, n);
            len += n;
        }
        name += n + (name[n] == '/');
    }
    out[len] = '\0';
    return out;
}

static int add_member(struct archive_file *a, struct archive *reader, struct archive_entry *entry,
                      const char *label, struct err *e)
{
    const char *name = archive_entry_pathname(entry), *hard = archive_entry_hardlink(entry);
    const char *soft = archive_entry_symlink(entry);
    struct archive_member *m;

    if (name == NULL)
        return err_set(e, 1, "%s has a member without a name", label);
    if (a->count == MEMBERS_MAX)
        return err_set(e, 1, "%s has more than %d members", label, MEMBERS_MAX);
    if (a->count == a->cap) {
        size_t cap = a->cap == 0 ? 64 : 2 * a->cap;

        m = realloc(a->members, cap * sizeof(*m));
        if (m == NULL)
            return err_set(e, 1, "out of memory");
        a->members = m;
        a->cap = cap;
    }
    m = &a->members[a->count];
    memset(m, 0, sizeof(*m));
    m->name = clean_name("", 0, name);
    if (m->name == NULL)
        return 0; /* leads out of the archive: nothing we would ever ask for */
    if (hard != NULL) {
        m->link = clean_name("", 0, hard);
    } else if (soft != NULL && soft[0] != '/') {
        const char *slash = strrchr(m->name, '/');

        m->link = clean_name(m->name, slash == NULL ? 0 : (size_t)(slash - m->name), soft);
    }
    a->count++;
    m->offset = (uint64_t)archive_filter_bytes(reader, 0);
    m->size = archive_entry_filetype(entry) == AE_IFREG && hard == NULL
                  ? (uint64_t)archive_entry_size(entry)
                  : 0;
    if (m->offset > a->size || m->size > a->size - m->offset)
        return err_set(e, 1, "%s is truncated: it ends within %s", label, m->name);
    return 0;
}

/* A complete tar is whole blocks and ends with two of zeros: else something was cut off. */
static int check_end(const struct archive_file *a, const char *label, struct err *e)
{
    unsigned char tail[2 * TAR_BLOCK];
    uint64_t end = 0;

    for (size_t i = 0; i < a->count; i++) {
        const struct archive_member *m = &a->members[i];
        uint64_t after = m->offset + (m->size + TAR_BLOCK - 1) / TAR_BLOCK * TAR_BLOCK;

        end = after > end ? after : end;
    }
    if (a->size % TAR_BLOCK != 0 ||
        pread(a->fd, tail, sizeof(tail), (off_t)end) != (ssize_t)sizeof(tail))
        return err_set(e, 1, "%s is truncated: its end is missing", label);
    for (size_t i = 0; i < sizeof(tail); i++) {
        if (tail[i] != 0)
            return err_set(e, 1, "%s is damaged after its last member", label);
    }
    return 0;
}

static int read_contents(struct archive_file *a, const char *label, struct err *e)
{
    struct archive *reader = archive_read_new();
    struct archive_entry *entry;
    int r, err = 0;

    if (reader == NULL)
        return err_set(e, 1, "out of memory");
    archive_read_support_format_tar(reader);
    r = archive_read_open_fd(reader, a->fd, TAR_BLOCK);
    while (err == 0 && r == ARCHIVE_OK) {
        r = archive_read_next_header(reader, &entry);
        if (r == ARCHIVE_WARN)
            r = ARCHIVE_OK; /* a name in an unknown encoding */
        if (r == ARCHIVE_OK)
            err = add_member(a, reader, entry, label, e);
    }
    if (err == 0 && r != ARCHIVE_EOF)
        err =
            err_set(e, 1, "%s is no intact tar archive (%s)", label, archive_error_string(reader));
    archive_read_free(reader);
    return err;
}

int archive_file_open(struct archive_file *a, int fd, const char *label, struct err *e)
{
    struct stat st;

    memset(a, 0, sizeof(*a));
    a->fd = fd;
    if (!is_plain_file(fd) && make_plain(&a->fd, label, e) < 0)
        goto close;
    if (fstat(a->fd, &st) < 0 || lseek(a->fd, 0, SEEK_SET) < 0) {
        err_sys(e, 1, "cannot read %s", label);
        goto close;
    }
    a->size = (uint64_t)st.st_size;
    if (a->size == 0) {
        err_set(e, 1, "%s is empty", label);
        goto close;
    }
    if (read_contents(a, label, e) < 0 || check_end(a, label, e) < 0)
        goto close;
    return 0;

close:
    archive_file_close(a);
    return -1;
}

void archive_file_close(struct archive_file *a)
{
    for (size_t i = 0; i < a->count; i++) {
        free(a->members[i].name);
        free(a->members[i].link);
    }
    free(a->members);
    close(a->fd);
    memset(a, 0, sizeof(*a));
    a->fd = -1;
}

const struct archive_member *archive_file_find(const struct archive_file *a, const char *name)
{
    char *wanted = clean_name("", 0, name);
    const char *look = wanted;
    const struct archive_member *found = NULL;

    for (int hops = 0; look != NULL && hops < LINKS_MAX; hops++) {
        found = NULL;
        for (size_t i = a->count; i > 0 && found == NULL; i--) {
            if (strcmp(a->members[i - 1].name, look) == 0)
                found = &a->members[i - 1];
        }
        if (found == NULL || found->link == NULL)
            break;
        look = found->link;
        found = NULL;
    }
    free(wanted);
    return found;
}

char *archive_file_read(const struct archive_file *a, const struct archive_member *m, struct err *e)
{
    char *text;

    if (m->size > SMALL_MEMBER_MAX) {
        err_set(e, 1, "%s is too large (%llu bytes)", m->name, (unsigned long long)m->size);
        return NULL;
    }
    text = malloc(m->size + 1);
    if (text == NULL) {
        err_set(e, 1, "out of memory");
        return NULL;
    }
    if (pread(a->fd, text, m->size, (off_t)m->offset) != (ssize_t)m->size) {
        err_set(e, 1, "cannot read %s", m->name);
        free(text);
        return NULL;
    }
    text[m->size] = '\0';
    return text;
}

int archive_file_hash(const struct archive_file *a, const struct archive_member *m,
                      char hex[SHA256_HEX + 1], struct err *e)
{
    char *chunk = malloc(CHUNK);
    struct sha256 sum;
    uint64_t at = 0;

    if (chunk == NULL)
        return err_set(e, 1, "out of memory");
    sha256_init(&sum);
    while (at < m->size) {
        size_t want = m->size - at < CHUNK ? (size_t)(m->size - at) : CHUNK;
        ssize_t n = pread(a->fd, chunk, want, (off_t)(m->offset + at));

        if (n <= 0 || interrupt_noted()) {
            free(chunk);
            return err_set(e, 1, n <= 0 ? "cannot read %s" : "%s: interrupted", m->name);
        }
        sha256_add(&sum, chunk, (size_t)n);
        at += (uint64_t)n;
    }
    sha256_hex(&sum, hex);
    free(chunk);
    return 0;
}
