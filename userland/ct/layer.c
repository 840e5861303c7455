/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Unpacking a layer. The bytes are a stranger's (verified to be what the manifest
 * says, but that is a stranger's too), so:
 *
 *   - a child does it whose root is the new layer's directory, who has no descriptor
 *     but the archive and a pipe, and who keeps only the capabilities that making
 *     files takes;
 *   - every path is walked component by component without following links;
 *   - what it finds out (the hash, or an error) comes back through a pipe, and is
 *     read as what somebody says whom the layer may have taken over.
 *
 * Overlayfs's marks: a whiteout is a character device 0:0; an opaque directory has
 * an attribute that takes CAP_SYS_ADMIN to set, so the child only lists those
 * directories and a second, equally confined child with nothing but that list and
 * that capability marks them.
 */
#include "layer.h"

#include "confine.h"
#include "interrupt.h"
#include "layerpath.h"
#include "unpack.h"

#include "../lib/io.h"

#include <archive.h>
#include <archive_entry.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <sys/xattr.h>
#include <unistd.h>

enum { CHUNK = 64 << 10 };

#define CAP(name) (1ull << (name))

static const uint64_t unpack_caps = CAP(CAP_CHOWN) | CAP(CAP_DAC_OVERRIDE) | CAP(CAP_FOWNER) |
                                    CAP(CAP_FSETID) | CAP(CAP_MKNOD) | CAP(CAP_SETFCAP);
static const uint64_t mark_caps = CAP(CAP_SYS_ADMIN) | CAP(CAP_DAC_OVERRIDE);

/* To hash a layer takes decompression as well, so it is as dangerous. */
enum work { UNPACK, HASH };

/* What the child writes to the pipe, followed by `list_len` bytes of opaque directories. */
struct report {
    int ok;
    struct err err;
    struct layer_result result;
    size_t list_len;
};

/* The two readers: decompression, and the tar that comes out of it. */
struct stream {
    struct layer_blob blob;
    uint64_t at;
    struct archive *raw;
    struct sha256 sum;
    char chunk[CHUNK];
    bool failed;
};

static la_ssize_t read_blob(struct archive *a, void *arg, const void **data)
{
    struct stream *s = arg;
    size_t want = s->blob.size - s->at < CHUNK ? (size_t)(s->blob.size - s->at) : CHUNK;
    ssize_t n = pread(s->blob.fd, s->chunk, want, (off_t)(s->blob.offset + s->at));

    if (n < 0 || (n == 0 && want > 0)) {
        archive_set_error(a, EIO, "cannot read the archive");
        return -1;
    }
    s->at += (uint64_t)n;
    *data = s->chunk;
    return n;
}

static la_ssize_t read_raw(struct archive *a, void *arg, const void **data)
{
    struct stream *s = arg;
    int64_t offset;
    size_t len;
    int r;

    do {
        r = archive_read_data_block(s->raw, data, &len, &offset);
    } while (r == ARCHIVE_OK && len == 0);
    if (r == ARCHIVE_EOF)
        return 0;
    if (r != ARCHIVE_OK) {
        s->failed = true;
        archive_set_error(a, EIO, "%s", archive_error_string(s->raw));
        return -1;
    }
    sha256_add(&s->sum, *data, len);
    return (la_ssize_t)len;
}

static int open_raw(struct stream *s, struct err *e)
{
    struct archive_entry *entry;

    s->raw = archive_read_new();
    if (s->raw == NULL)
        return err_set(e, 1, "out of memory");
    archive_read_support_filter_gzip(s->raw);
    archive_read_support_filter_zstd(s->raw);
    archive_read_support_format_raw(s->raw);
    archive_read_support_format_empty(s->raw);
    if (archive_read_open(s->raw, s, NULL, read_blob, NULL) != ARCHIVE_OK)
        return err_set(e, 1, "%s cannot be decompressed: %s", s->blob.name,
                       archive_error_string(s->raw));
    (void)archive_read_next_header(s->raw, &entry); /* of an empty blob: the end, which shows */
    return 0;
}

/* The hash is over the whole stream, also over what lies behind the tar's end. */
static int drain(struct stream *s, struct err *e)
{
    const void *data;
    la_ssize_t n;

    do {
        n = read_raw(s->raw, s, &data);
    } while (n > 0);
    return n < 0 ? err_set(e, 1, "%s cannot be decompressed: %s", s->blob.name,
                           archive_error_string(s->raw))
                 : 0;
}

static int read_layer(struct stream *s, struct unpack *u, struct err *e)
{
    struct archive *tar = archive_read_new();
    struct archive_entry *entry;
    int r, err = 0;

    if (tar == NULL)
        return err_set(e, 1, "out of memory");
    archive_read_support_format_tar(tar);
    archive_read_support_format_empty(tar);
    r = archive_read_open(tar, s, NULL, read_raw, NULL);
    while (err == 0 && r == ARCHIVE_OK) {
        r = archive_read_next_header(tar, &entry);
        if (r == ARCHIVE_WARN)
            r = ARCHIVE_OK; /* a name in an unknown encoding is taken as it is */
        if (r == ARCHIVE_OK)
            err = unpack_entry(u, tar, entry, e);
    }
    if (err == 0 && r != ARCHIVE_EOF)
        err = err_set(e, 1, "%s is no intact tar: %s", s->blob.name, archive_error_string(tar));
    archive_read_free(tar);
    return err;
}

static int do_work(enum work work, const struct layer_blob *blob, const char *dir, int pipe_end,
                   struct unpack *u, struct report *out, struct err *e)
{
    struct stream *s = calloc(1, sizeof(*s));

    if (s == NULL)
        return err_set(e, 1, "out of memory");
    s->blob = *blob;
    sha256_init(&s->sum);
    if (confine_descriptors(blob->fd, pipe_end, e) < 0 ||
        confine(dir, work == HASH ? 0 : unpack_caps, e) < 0 || open_raw(s, e) < 0)
        return -1;
    if (work == UNPACK &&
        (unpack_init(u, blob->name, e) < 0 || read_layer(s, u, e) < 0 || unpack_finish(u, e) < 0))
        return -1;
    if (drain(s, e) < 0)
        return -1;
    sha256_hex(&s->sum, out->result.diff_id);
    out->result.bytes = u->bytes;
    return 0;
}

static void child_main(enum work work, const struct layer_blob *blob, const char *dir, int pipe_end)
{
    static struct report report;
    static struct unpack u;

    interrupt_forget();
    umask(0);
    report.ok = do_work(work, blob, dir, pipe_end, &u, &report, &report.err) == 0;
    report.list_len = report.ok ? u.opaque_len : 0;
    if (io_write_full(pipe_end, &report, sizeof(report)) == 0)
        (void)io_write_full(pipe_end, u.opaque, report.list_len);
    _exit(0);
}

/* ---- opaque directories ------------------------------------------------------------ */

static int mark_all(const char *list, size_t len, struct err *e)
{
    for (size_t at = 0; at < len; at += strlen(list + at) + 1) {
        int fd = unpack_walk(list + at);
        int r = fd < 0 ? -1 : fsetxattr(fd, "trusted.overlay.opaque", "y", 1, 0);

        if (fd < 0 && (errno == ENOENT || errno == ENOTDIR || errno == ELOOP))
            continue; /* replaced by a later entry */
        if (r < 0)
            return err_sys(e, 1, "cannot mark /%s as replacing the layers below", list + at);
        close(fd);
    }
    return 0;
}

/* As an error that comes from a child: its text ends. */
static int take_error(struct err *e, const struct err *told)
{
    *e = *told;
    e->text[sizeof(e->text) - 1] = '\0';
    return -1;
}

/* Whether it ended as it should; -1 also if it was killed, whatever it had said by then. */
static int wait_for(pid_t child)
{
    siginfo_t info;
    int status;

    /* It has closed the pipe and should be about to end; if it is not, an interrupt still kills it.
     * Its number is ours until it is taken. */
    while (waitid(P_PID, (id_t)child, &info, WEXITED | WNOWAIT) < 0) {
        if (errno != EINTR)
            return -1;
    }
    interrupt_kills(0);
    if (waitpid(child, &status, 0) < 0)
        return -1;
    return WIFEXITED(status) && WEXITSTATUS(status) == 0 ? 0 : -1;
}

static int mark_opaque(const char *dir, const char *list, size_t len, struct err *e)
{
    struct err told;
    int ends[2], got, err;
    pid_t child;

    if (pipe2(ends, O_CLOEXEC) < 0)
        return err_sys(e, 1, "cannot create a pipe");
    child = fork();
    if (child < 0)
        return err_sys(e, 1, "cannot create a process");
    if (child == 0) {
        interrupt_forget();
        if (confine_descriptors(-1, ends[1], e) < 0 || confine(dir, mark_caps, e) < 0 ||
            mark_all(list, len, e) < 0)
            (void)io_write_full(ends[1], e, sizeof(*e));
        _exit(0);
    }
    interrupt_kills(child);
    close(ends[1]);
    got = (int)io_read_full(ends[0], &told, sizeof(told));
    close(ends[0]);
    err = wait_for(child);
    if (got == (int)sizeof(told))
        return take_error(e, &told);
    return got == 0 && err == 0 ? 0 : err_set(e, 1, "the marking broke off");
}

/* ---- the parent -------------------------------------------------------------------- */

static int read_report(int fd, struct report *r, char **list, struct err *e)
{
    *list = NULL;
    if (io_read_full(fd, r, sizeof(*r)) != (ssize_t)sizeof(*r))
        return err_set(e, 1, "the unpacking broke off");
    if (!r->ok)
        return take_error(e, &r->err);
    r->result.diff_id[SHA256_HEX] = '\0';
    if (r->list_len == 0)
        return 0;
    if (r->list_len > UNPACK_OPAQUE_MAX)
        return err_set(e, 1, "the unpacking broke off");
    *list = malloc(r->list_len);
    if (*list == NULL)
        return err_set(e, 1, "out of memory");
    if (io_read_full(fd, *list, r->list_len) != (ssize_t)r->list_len ||
        (*list)[r->list_len - 1] != '\0')
        return err_set(e, 1, "the unpacking broke off");
    return 0;
}

static int run_child(enum work work, const struct layer_blob *blob, const char *dir,
                     struct layer_result *out, struct err *e)
{
    struct report r;
    char *list;
    int ends[2], err;
    pid_t child;

    if (pipe2(ends, O_CLOEXEC) < 0)
        return err_sys(e, 1, "cannot create a pipe");
    child = fork();
    if (child < 0)
        return err_sys(e, 1, "cannot create a process");
    if (child == 0)
        child_main(work, blob, dir, ends[1]);
    interrupt_kills(child);
    close(ends[1]);
    err = read_report(ends[0], &r, &list, e);
    close(ends[0]);
    if (wait_for(child) < 0 && err == 0)
        err = err_set(e, 1, "the unpacking broke off");
    if (err == 0 && r.list_len > 0)
        err = mark_opaque(dir, list, r.list_len, e);
    free(list);
    if (err == 0)
        *out = r.result;
    return err;
}

int layer_unpack(const struct layer_blob *blob, const char *dir, struct layer_result *out,
                 struct err *e)
{
    return run_child(UNPACK, blob, dir, out, e);
}

int layer_hash(const struct layer_blob *blob, const char *dir, struct layer_result *out,
               struct err *e)
{
    return run_child(HASH, blob, dir, out, e);
}
