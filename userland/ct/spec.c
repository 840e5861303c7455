/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Making a container from an image and options: everything that has to be parsed,
 * looked up and checked is, now, so that starting it is only doing.
 */
#include "spec.h"

#include "../lib/capname.h"
#include "../lib/io.h"
#include "../lib/paths.h"
#include "../lib/signame.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define DEFAULT_PATH "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"

int spec_clean_path(const char *path, char *out, size_t size)
{
    size_t len = 0;

    if (path[0] != '/')
        return -1;
    while (*path != '\0') {
        size_t n = strcspn(path, "/");

        if (n == 2 && path[0] == '.' && path[1] == '.') {
            while (len > 0 && out[--len] != '/')
                ;
        } else if (n > 0 && !(n == 1 && path[0] == '.')) {
            if (len + n + 2 > size)
                return -1;
            out[len++] = '/';
            memcpy(out + len, path, n);
            len += n;
        }
        path += n + (path[n] == '/');
    }
    if (len == 0)
        out[len++] = '/';
    out[len] = '\0';
    return 0;
}

/* ---- program and environment --------------------------------------------------------- */

static int add_args(struct record_writer *w, const struct image *image, const struct run_options *o,
                    char **args, struct err *e)
{
    size_t before = w->len;

    if (o->entrypoint == NULL) {
        for (const char *a = record_get(&image->record, "entrypoint"); a != NULL;
             a = record_next(&image->record, "entrypoint", a))
            record_add(w, "arg", a);
    } else if (*o->entrypoint != '\0') {
        record_add(w, "arg", o->entrypoint);
    }
    if (*args == NULL && o->entrypoint == NULL) {
        for (const char *a = record_get(&image->record, "cmd"); a != NULL;
             a = record_next(&image->record, "cmd", a))
            record_add(w, "arg", a);
    }
    for (; *args != NULL; args++)
        record_add(w, "arg", *args);
    return w->len == before ? err_set(e, 125, "no command specified") : 0;
}

/* The name's length, if `text` sets the same variable as `entry`. */
static bool same_variable(const char *text, const char *entry)
{
    size_t len = strcspn(text, "=");

    return strncmp(text, entry, len) == 0 && (entry[len] == '=' || entry[len] == '\0');
}

static bool is_overridden(const char *entry, const struct opt_list *more, size_t from)
{
    for (size_t i = from; i < more->count; i++) {
        if (same_variable(more->values[i], entry))
            return true;
    }
    return false;
}

void spec_merge_env(struct record_writer *w, const char *const *base, const struct opt_list *more)
{
    for (; *base != NULL; base++) {
        if (!is_overridden(*base, more, 0))
            record_add(w, "env", *base);
    }
    for (size_t i = 0; i < more->count; i++) {
        const char *value = getenv(more->values[i]);

        if (is_overridden(more->values[i], more, i + 1))
            continue;
        if (strchr(more->values[i], '=') != NULL) {
            record_add(w, "env", more->values[i]);
        } else if (value != NULL) {
            char *pair;

            if (asprintf(&pair, "%s=%s", more->values[i], value) > 0) {
                record_add(w, "env", pair);
                free(pair);
            }
        }
    }
}

/* A variable we give every container, unless the image has its own. */
static void add_default(const char *const *image_env, const char **base, size_t *count,
                        const char *entry)
{
    for (; *image_env != NULL; image_env++) {
        if (same_variable(entry, *image_env))
            return;
    }
    base[(*count)++] = entry;
}

static int add_env(struct record_writer *w, const struct image *image, const struct run_options *o,
                   const char *hostname, struct err *e)
{
    const char **own = (const char **)record_list(&image->record, "env");
    size_t n = record_count(&image->record, "env"), count = 0;
    const char **base = calloc(n + 4, sizeof(*base));
    char host[300];
    int err = 0;

    if (own == NULL || base == NULL)
        err = err_set(e, 125, "out of memory");
    for (size_t i = 0; err == 0 && i < o->env.count; i++) {
        if (o->env.values[i][0] == '=' || o->env.values[i][0] == '\0')
            err = err_set(e, 125, "invalid environment variable: %s", o->env.values[i]);
    }
    if (err < 0)
        goto out;
    snprintf(host, sizeof(host), "HOSTNAME=%s", hostname);
    add_default(own, base, &count, DEFAULT_PATH);
    add_default(own, base, &count, host);
    if (o->tty)
        add_default(own, base, &count, "TERM=xterm");
    memcpy(base + count, own, n * sizeof(*own));
    spec_merge_env(w, base, &o->env);
out:
    free(own);
    free(base);
    return err;
}

/* ---- limits and rights ---------------------------------------------------------------- */

static int parse_caps(struct caps_list *list, const struct opt_list *names, struct err *e)
{
    for (size_t i = 0; i < names->count; i++) {
        if (caps_list_add(list, names->values[i]) < 0)
            return err_set(e, 125, "unknown capability: %s", names->values[i]);
    }
    return 0;
}

static int add_caps(struct record_writer *w, const struct run_options *o, struct err *e)
{
    struct caps_list add = {0}, drop = {0};
    char text[24];

    if (parse_caps(&add, &o->cap_add, e) < 0 || parse_caps(&drop, &o->cap_drop, e) < 0)
        return -1;
    snprintf(text, sizeof(text), "%llx", (unsigned long long)caps_combine(&add, &drop));
    record_add(w, "caps", text);
    return 0;
}

static int add_limits(struct record_writer *w, const struct run_options *o, struct err *e)
{
    if (o->memory != NULL) {
        int64_t bytes = opts_parse_size(o->memory);

        if (bytes < 0)
            return err_set(e, 125, "invalid size for --memory: '%s'", o->memory);
        if (bytes > 0 && bytes < 512 * 1024)
            return err_set(e, 125, "the minimum memory limit is 512 KiB");
        record_add_num(w, "memory", bytes);
    }
    if (o->pids != NULL) {
        char *end;
        long n = strtol(o->pids, &end, 10);

        if (*end != '\0' || *o->pids == '\0')
            return err_set(e, 125, "invalid number for --pids-limit: '%s'", o->pids);
        record_add_num(w, "pids", n < 0 ? 0 : n);
    }
    for (size_t i = 0; i < o->security.count; i++) {
        const char *s = o->security.values[i];

        if (strcmp(s, "no-new-privileges") != 0 && strcmp(s, "no-new-privileges=true") != 0 &&
            strcmp(s, "no-new-privileges:true") != 0)
            return err_set(e, 125, "unknown security option: %s (there is no-new-privileges)", s);
        record_add_num(w, "nnp", 1);
    }
    return add_caps(w, o, e);
}

/* ---- mounts ---------------------------------------------------------------------------- */

/* A mount to be sorted: "target" and how it is written into the record. */
struct extra {
    char target[PATH_MAX];
    char value[2 * PATH_MAX + 8];
};

static int check_target(const char *option, const char *text, char out[PATH_MAX], struct err *e)
{
    static const char *const kept[] = {"/proc", "/sys"};

    if (spec_clean_path(text, out, PATH_MAX) < 0)
        return err_set(e, 125, "invalid %s: '%s' is not an absolute path", option, text);
    if (strcmp(out, "/") == 0 || strcmp(out, "/dev") == 0)
        return err_set(e, 125, "invalid %s: nothing can be mounted on '%s'", option, out);
    for (size_t i = 0; i < 2; i++) {
        size_t len = strlen(kept[i]);

        if (strncmp(out, kept[i], len) == 0 && (out[len] == '/' || out[len] == '\0'))
            return err_set(e, 125, "invalid %s: nothing can be mounted in %s", option, kept[i]);
    }
    return 0;
}

static int make_host_dirs(const char *path, struct err *e)
{
    char part[PATH_MAX];

    for (const char *p = path + 1;; p++) {
        if (*p != '/' && *p != '\0')
            continue;
        snprintf(part, sizeof(part), "%.*s", (int)(p - path), path);
        if (mkdir(part, 0755) < 0 && errno != EEXIST)
            return err_sys(e, 125, "cannot create the volume's directory %s", part);
        if (*p == '\0')
            return 0;
    }
}

/* HOST:CTR[:ro|rw] */
static int parse_volume(const char *text, struct extra *x, struct err *e)
{
    char copy[2 * PATH_MAX], source[PATH_MAX], *host = copy, *target, *mode;

    if (snprintf(copy, sizeof(copy), "%s", text) >= (int)sizeof(copy) || strchr(text, '\n') != NULL)
        return err_set(e, 125, "invalid volume: %.100s", text);
    target = strchr(copy, ':');
    if (target == NULL)
        return err_set(e, 125, "invalid volume '%s': give HOST:CONTAINER[:ro]", text);
    *target++ = '\0';
    mode = strchr(target, ':');
    if (mode != NULL)
        *mode++ = '\0';
    if (mode != NULL && strcmp(mode, "ro") != 0 && strcmp(mode, "rw") != 0)
        return err_set(e, 125, "invalid volume '%s': unknown mode \"%s\"", text, mode);
    if (host[0] != '/')
        return err_set(
            e, 125, "invalid volume '%s': there are no named volumes; give an absolute path", text);
    if (check_target("volume", target, x->target, e) < 0)
        return -1;
    if (access(host, F_OK) < 0 && errno == ENOENT && make_host_dirs(host, e) < 0)
        return -1;
    if (realpath(host, source) == NULL)
        return err_sys(e, 125, "cannot find the volume's %s", host);
    snprintf(x->value, sizeof(x->value), "%s %s\n%s",
             mode != NULL && strcmp(mode, "ro") == 0 ? "ro" : "rw", source, x->target);
    return 0;
}

/* CTR[:options] */
static int parse_tmpfs(const char *text, struct extra *x, struct err *e)
{
    size_t len = strcspn(text, ":");
    char target[PATH_MAX];

    if (snprintf(target, sizeof(target), "%.*s", (int)len, text) >= (int)sizeof(target))
        return err_set(e, 125, "invalid tmpfs: %.100s", text);
    if (check_target("tmpfs", target, x->target, e) < 0)
        return -1;
    if (strlen(text + len) >= PATH_MAX)
        return err_set(e, 125, "invalid tmpfs: the options for %.100s are too long", x->target);
    snprintf(x->value, sizeof(x->value), "t %s%s", x->target, text + len);
    return 0;
}

static int by_target(const void *a, const void *b)
{
    return strcmp(((const struct extra *)a)->target, ((const struct extra *)b)->target);
}

static int add_mounts(struct record_writer *w, const struct run_options *o, struct err *e)
{
    size_t count = o->volumes.count + o->tmpfs.count;
    struct extra *list;
    int err = 0;

    if (count == 0)
        return 0;
    list = calloc(count, sizeof(*list));
    if (list == NULL)
        return err_set(e, 125, "out of memory");
    for (size_t i = 0; i < count && err == 0; i++) {
        err = i < o->volumes.count
                  ? parse_volume(o->volumes.values[i], &list[i], e)
                  : parse_tmpfs(o->tmpfs.values[i - o->volumes.count], &list[i], e);
    }
    if (err == 0)
        qsort(list, count, sizeof(*list), by_target);
    for (size_t i = 0; i < count && err == 0; i++) {
        if (i > 0 && strcmp(list[i].target, list[i - 1].target) == 0)
            err = err_set(e, 125, "duplicate mount point: %s", list[i].target);
        record_add(w, "mount", list[i].value);
    }
    free(list);
    return err;
}

/* Uppermost first, as overlayfs wants them; of a layer that occurs twice, the upper one. */
static int add_layers(struct record_writer *w, const struct image *image, struct err *e)
{
    char **list = record_list(&image->record, "layer");
    size_t n = record_count(&image->record, "layer");

    if (list == NULL)
        return err_set(e, 125, "out of memory");
    for (size_t i = n; i > 0; i--) {
        bool again = false;

        for (size_t k = i; k < n; k++)
            again |= strcmp(list[k], list[i - 1]) == 0;
        if (!again)
            record_add(w, "layer", list[i - 1]);
    }
    free(list);
    return 0;
}

/* ---- the record ------------------------------------------------------------------------ */

static int add_identity(struct record_writer *w, const struct instance *in,
                        const struct image *image, const struct run_options *o, const char *name,
                        const char *typed, struct err *e)
{
    const char *cwd = o->workdir != NULL ? o->workdir : record_get(&image->record, "cwd");
    const char *user = o->user != NULL ? o->user : record_get(&image->record, "user");
    const char *sig =
        o->stop_signal != NULL ? o->stop_signal : record_get(&image->record, "stopsignal");
    int stop_signal = sig == NULL || *sig == '\0' ? 15 : signame_parse(sig);
    const char *hostname = o->hostname;
    char short_id[ID_SHORT + 1];

    if (stop_signal < 0)
        return err_set(e, 125, "invalid stop signal: %s", sig);
    if (cwd != NULL && *cwd != '\0' && *cwd != '/')
        return err_set(
            e, 125, "the working directory '%s' is invalid, it needs to be an absolute path", cwd);
    snprintf(short_id, sizeof(short_id), "%.*s", ID_SHORT, in->id);
    if (hostname == NULL)
        hostname = short_id;
    if (*hostname == '\0' || strlen(hostname) > 64)
        return err_set(e, 125, "invalid host name: %s", hostname);
    record_add(w, "id", in->id);
    record_add(w, "name", name);
    record_add_num(w, "created", instance_now_ns());
    record_add(w, "image", typed);
    record_add(w, "imageid", image->id);
    record_add(w, "hostname", hostname);
    record_add(w, "cwd", cwd == NULL || *cwd == '\0' ? "/" : cwd);
    record_add(w, "user", user == NULL ? "" : user);
    record_add_num(w, "stopsignal", stop_signal);
    record_add_num(w, "tty", o->tty);
    record_add_num(w, "stdin", o->interactive);
    record_add_num(w, "rm", o->rm);
    record_add_num(w, "readonly", o->read_only);
    record_add_num(w, "die_with_parent", 1);
    record_copy(w, &image->record, "label");
    for (size_t i = 0; i < o->labels.count; i++)
        record_add(w, "label", o->labels.values[i]);
    return add_env(w, image, o, hostname, e);
}

/* ---- the writable layer ------------------------------------------------------------------ */

/* The attributes of the image's own /etc, for the one we lay over it. */
static void copy_etc_attributes(const struct image *image, int etc)
{
    char **list = record_list(&image->record, "layer");
    size_t n = record_count(&image->record, "layer");
    char path[200];
    struct stat st;

    for (size_t i = n; list != NULL && i > 0; i--) {
        snprintf(path, sizeof(path), PATH_LAYERS "/%s/etc", list[i - 1]);
        if (lstat(path, &st) < 0)
            continue;
        if (S_ISDIR(st.st_mode) &&
            (fchown(etc, st.st_uid, st.st_gid) < 0 || fchmod(etc, st.st_mode & 07777) < 0))
            continue;
        break;
    }
    free(list);
}

static int write_file(int dir, const char *name, const char *text, struct err *e)
{
    int fd = openat(dir, name, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
    int err;

    if (fd < 0)
        return err_sys(e, 125, "cannot create the container's /etc/%s", name);
    err = io_write_full(fd, text, strlen(text));
    close(fd);
    errno = -err;
    return err < 0 ? err_sys(e, 125, "cannot write the container's /etc/%s", name) : 0;
}

static int write_etc(int etc, const char *hostname, struct err *e)
{
    char text[400];

    snprintf(text, sizeof(text), "127.0.0.1\tlocalhost %s\n::1\tlocalhost\n", hostname);
    if (write_file(etc, "hosts", text, e) < 0)
        return -1;
    snprintf(text, sizeof(text), "%s\n", hostname);
    if (write_file(etc, "hostname", text, e) < 0)
        return -1;
    return write_file(etc, "resolv.conf", "# There is no network yet.\n", e);
}

/*
 * /etc/hosts and its like are written into the writable layer before it is mounted:
 * nothing an image has can redirect them, and nothing needs to be mounted over them.
 */
static int make_writable_layer(const struct instance *in, const struct image *image,
                               const struct run_options *o, struct err *e)
{
    char short_id[ID_SHORT + 1];
    mode_t mask = umask(0);
    int etc = -1, err = -1;

    snprintf(short_id, sizeof(short_id), "%.*s", ID_SHORT, in->id);
    if (mkdirat(in->dir, "upper", 0755) < 0 || mkdirat(in->dir, "work", 0700) < 0 ||
        mkdirat(in->dir, "upper/etc", 0755) < 0 ||
        (etc = openat(in->dir, "upper/etc", O_RDONLY | O_DIRECTORY | O_CLOEXEC)) < 0) {
        err_sys(e, 125, "cannot create the container's writable layer");
        goto out;
    }
    copy_etc_attributes(image, etc);
    err = write_etc(etc, o->hostname == NULL ? short_id : o->hostname, e);
out:
    if (etc >= 0)
        close(etc);
    umask(mask);
    return err;
}

int spec_create(struct instance *in, const struct image *image, const struct run_options *o,
                char **args, struct err *e)
{
    char name[NAME_MAX_LEN + 1] = "";
    struct record_writer w = {0};
    const char *typed = image->ref[0] != '\0' ? image->ref : image->id;
    size_t len = strlen(typed);
    char shown[REF_MAX];
    int err;

    /* "busybox", not "busybox:latest": as it is usually typed. */
    snprintf(shown, sizeof(shown), "%s", typed);
    if (len > 7 && strcmp(shown + len - 7, ":latest") == 0)
        shown[len - 7] = '\0';
    if (o->name != NULL && snprintf(name, sizeof(name), "%s", o->name) >= (int)sizeof(name))
        return err_set(e, 125, "the name is too long: %.80s", o->name);
    if (o->name != NULL && *name == '\0')
        return err_set(e, 125, "invalid name: \"\"");
    if (instance_create(in, "ct", name, e) < 0)
        return -1;
    if (add_identity(&w, in, image, o, name, shown, e) < 0 || add_args(&w, image, o, args, e) < 0 ||
        add_limits(&w, o, e) < 0 || add_mounts(&w, o, e) < 0 || add_layers(&w, image, e) < 0 ||
        make_writable_layer(in, image, o, e) < 0)
        goto remove;
    err = record_save(&w, in->dir, "spec");
    if (err < 0) {
        errno = -err;
        err_sys(e, 125, "cannot record the container");
        goto remove;
    }
    if (!image_exists(image->id)) {
        err_set(e, 125, "no such image: %s (it has just been removed)", typed);
        goto remove;
    }
    return 0;

remove:
    record_discard(&w);
    (void)instance_remove(in, name);
    instance_close(in);
    return -1;
}
