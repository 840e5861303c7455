/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Records: see record.h. Files are replaced by rename, so a reader sees the old
 * or the new one, never half of one.
 */
#include "record.h"

#include "io.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { RECORD_MAX = 4 << 20 };

int record_load(struct record *r, int dirfd, const char *name)
{
    int fd = openat(dirfd, name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
    struct stat st;
    int err = 0;

    if (fd < 0)
        return -errno;
    if (fstat(fd, &st) < 0)
        err = -errno;
    else if (!S_ISREG(st.st_mode) || st.st_size > RECORD_MAX)
        err = -EINVAL;
    if (err < 0)
        goto close_fd;

    r->len = (size_t)st.st_size;
    r->buf = malloc(r->len + 1);
    if (r->buf == NULL) {
        err = -ENOMEM;
        goto close_fd;
    }
    if (io_read_full(fd, r->buf, r->len) != (ssize_t)r->len ||
        (r->len > 0 && r->buf[r->len - 1] != '\0')) {
        free(r->buf);
        err = -EINVAL;
        goto close_fd;
    }
    r->buf[r->len] = '\0';
close_fd:
    close(fd);
    return err;
}

int record_from(struct record *r, const char *bytes, size_t len)
{
    if (len == 0 || bytes[len - 1] != '\0')
        return -EINVAL;
    r->buf = malloc(len + 1);
    if (r->buf == NULL)
        return -ENOMEM;
    memcpy(r->buf, bytes, len);
    r->buf[len] = '\0';
    r->len = len;
    return 0;
}

void record_free(struct record *r)
{
    free(r->buf);
    r->buf = NULL;
    r->len = 0;
}

const char *record_next(const struct record *r, const char *key, const char *prev)
{
    size_t klen = strlen(key);
    const char *end = r->buf + r->len;
    const char *p = prev == NULL ? r->buf : prev + strlen(prev) + 1;

    if (r->buf == NULL)
        return NULL;
    for (; p < end; p += strlen(p) + 1) {
        if (strncmp(p, key, klen) == 0 && p[klen] == '=')
            return p + klen + 1;
    }
    return NULL;
}

const char *record_get(const struct record *r, const char *key)
{
    return record_next(r, key, NULL);
}

int64_t record_num(const struct record *r, const char *key, int64_t otherwise)
{
    const char *value = record_get(r, key);
    char *end;
    int64_t num;

    if (value == NULL || *value == '\0')
        return otherwise;
    num = strtoll(value, &end, 10);
    return *end == '\0' ? num : otherwise;
}

bool record_flag(const struct record *r, const char *key)
{
    return record_num(r, key, 0) != 0;
}

size_t record_count(const struct record *r, const char *key)
{
    size_t n = 0;

    for (const char *v = record_get(r, key); v != NULL; v = record_next(r, key, v))
        n++;
    return n;
}

char **record_list(const struct record *r, const char *key)
{
    char **list = calloc(record_count(r, key) + 1, sizeof(*list));
    size_t n = 0;

    if (list == NULL)
        return NULL;
    for (const char *v = record_get(r, key); v != NULL; v = record_next(r, key, v))
        list[n++] = (char *)v;
    return list;
}

static void append(struct record_writer *w, const char *bytes, size_t len)
{
    if (w->failed)
        return;
    if (w->cap - w->len < len) {
        size_t cap = w->cap == 0 ? 1024 : w->cap * 2;
        char *buf;

        while (cap - w->len < len)
            cap *= 2;
        buf = realloc(w->buf, cap);
        if (buf == NULL) {
            w->failed = true;
            return;
        }
        w->buf = buf;
        w->cap = cap;
    }
    memcpy(w->buf + w->len, bytes, len);
    w->len += len;
}

void record_add(struct record_writer *w, const char *key, const char *value)
{
    append(w, key, strlen(key));
    append(w, "=", 1);
    append(w, value, strlen(value) + 1);
}

void record_add_num(struct record_writer *w, const char *key, int64_t value)
{
    char num[24];

    snprintf(num, sizeof(num), "%lld", (long long)value);
    record_add(w, key, num);
}

void record_copy(struct record_writer *w, const struct record *from, const char *key)
{
    for (const char *v = record_get(from, key); v != NULL; v = record_next(from, key, v))
        record_add(w, key, v);
}

int record_save(struct record_writer *w, int dirfd, const char *name)
{
    char tmp[160];
    int fd, err = 0;

    if (w->failed || w->len > RECORD_MAX) {
        err = w->failed ? -ENOMEM : -E2BIG;
        goto discard;
    }
    snprintf(tmp, sizeof(tmp), ".%s.new", name);
    /* Not truncated first: what record_reserve() has put there is used. */
    fd = openat(dirfd, tmp, O_WRONLY | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (fd < 0) {
        err = -errno;
        goto discard;
    }
    err = io_write_full(fd, w->buf, w->len);
    if (err == 0 && ftruncate(fd, (off_t)w->len) < 0)
        err = -errno;
    close(fd);
    if (err == 0 && renameat(dirfd, tmp, dirfd, name) < 0)
        err = -errno;
    if (err < 0)
        unlinkat(dirfd, tmp, 0);
discard:
    record_discard(w);
    return err;
}

int record_reserve(int dirfd, const char *name)
{
    static const char zeros[4096];
    struct record_writer w = {0};
    char tmp[160];

    append(&w, zeros, sizeof(zeros));
    snprintf(tmp, sizeof(tmp), ".%s.new", name);
    return record_save(&w, dirfd, tmp);
}

void record_discard(struct record_writer *w)
{
    free(w->buf);
    memset(w, 0, sizeof(*w));
}
