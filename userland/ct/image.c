/* SPDX-License-Identifier: BSD-2-Clause */
/* The image database: see image.h and paths.h for what lies where. */
#include "image.h"

#include "load.h"

#include "../lib/instance.h"
#include "../lib/io.h"
#include "../lib/paths.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

enum { DB_PATH = 700 };

int image_make_dirs(struct err *e)
{
    static const char *const dirs[] = {
        PATH_LIB,        PATH_DB,     PATH_DB "/image", PATH_DB "/tag",
        PATH_DB "/seen", PATH_LAYERS, PATH_LAYERS "/l", PATH_LAYERS "/s",
    };

    (void)mkdir("/var", 0755); /* there, as a rule */
    (void)mkdir("/var/lib", 0755);
    for (size_t i = 0; i < sizeof(dirs) / sizeof(dirs[0]); i++) {
        if (mkdir(dirs[i], 0755) < 0 && errno != EEXIST)
            return err_sys(e, 125, "cannot create %s", dirs[i]);
    }
    return 0;
}

int image_lock(struct err *e)
{
    int fd;

    if (image_make_dirs(e) < 0)
        return -1;
    fd = open(PATH_DB, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0 || flock(fd, LOCK_EX) < 0)
        return err_sys(e, 125, "cannot lock " PATH_DB);
    return fd;
}

void image_unlock(int lock)
{
    close(lock);
}

static void tag_path(char path[DB_PATH], const char *ref)
{
    char file[REF_MAX];

    ref_to_file(ref, file);
    snprintf(path, DB_PATH, PATH_DB "/tag/%s", file);
}

int image_read_tag(const char *ref, char id[ID_LEN + 1])
{
    char path[DB_PATH];
    ssize_t n;

    tag_path(path, ref);
    n = readlink(path, id, ID_LEN + 1);
    if (n != ID_LEN)
        return -1;
    id[n] = '\0';
    return 0;
}

int image_load_record(const char *id, struct record *record)
{
    char path[DB_PATH];

    snprintf(path, sizeof(path), PATH_DB "/image/%s", id);
    return record_load(record, AT_FDCWD, path);
}

bool image_exists(const char *id)
{
    char path[DB_PATH];

    snprintf(path, sizeof(path), PATH_DB "/image/%s", id);
    return access(path, F_OK) == 0;
}

/* ---- looking up -------------------------------------------------------------------- */

bool image_has_digest(const struct record *record, const char *digest)
{
    for (const char *d = record_get(record, "digest"); d != NULL;
         d = record_next(record, "digest", d)) {
        if (strcmp(d, digest) == 0)
            return true;
    }
    return false;
}

struct digest_search {
    const char *ref; /* "repository@sha256:digest" */
    char *name, *id;
};

static int match_digest(const char *ref, const char *id, void *arg)
{
    struct digest_search *s = arg;
    int len = ref_repository_len(s->ref);
    struct record r;
    bool found;

    if (ref_repository_len(ref) != len || strncmp(ref, s->ref, (size_t)len) != 0 ||
        image_load_record(id, &r) < 0)
        return 0;
    found = image_has_digest(&r, ref_digest(s->ref));
    record_free(&r);
    if (found) {
        memcpy(s->id, id, ID_LEN + 1);
        snprintf(s->name, REF_MAX, "%s", ref);
    }
    return found;
}

/*
 * The ID a name leads to. A name with a digest leads to the image of that
 * repository which was loaded by that digest, whatever its tag: `ref` is then
 * replaced by the name it is recorded under.
 */
static int find_by_name(char ref[REF_MAX], char id[ID_LEN + 1])
{
    char name[REF_MAX];
    struct digest_search s = {ref, name, id};

    if (image_read_tag(ref, id) == 0)
        return 0;
    if (ref_digest(ref) == NULL || image_each_tag(match_digest, &s) == 0)
        return -1;
    memcpy(ref, name, REF_MAX);
    return 0;
}

struct prefix_search {
    const char *prefix;
    char *id;
    int found;
};

static int match_prefix(const char *id, void *arg)
{
    struct prefix_search *s = arg;

    if (strncmp(id, s->prefix, strlen(s->prefix)) == 0 && s->found++ == 0)
        memcpy(s->id, id, ID_LEN + 1);
    return 0;
}

static int find_by_id(const char *text, char id[ID_LEN + 1])
{
    struct prefix_search s = {.prefix = text, .id = id};

    if (strncmp(text, "sha256:", 7) == 0)
        s.prefix += 7;
    if (strlen(s.prefix) < 2 || !ident_is_hex(s.prefix, strlen(s.prefix)))
        return 0;
    (void)image_each(match_prefix, &s);
    return s.found;
}

/* An archive that came along is loaded once, unless it has changed since. */
static bool was_seen(const char *name, const struct stat *st, char mark[64], char path[DB_PATH])
{
    char old[64];
    ssize_t n;

    snprintf(mark, 64, "%lld-%lld", (long long)st->st_size, (long long)st->st_mtim.tv_sec);
    snprintf(path, DB_PATH, PATH_DB "/seen/%s", name);
    n = readlink(path, old, sizeof(old) - 1);
    if (n < 0)
        return false;
    old[n] = '\0';
    return strcmp(old, mark) == 0;
}

/* 0, also if there is nothing to do; -1 and *e if it cannot be loaded. */
static int preload_one(const char *name, struct err *e)
{
    char file[DB_PATH], path[DB_PATH], mark[64];
    struct load_options options = {.quiet = true};
    struct stat st;
    int fd;

    snprintf(file, sizeof(file), PATH_IMAGES "/%s", name);
    fd = open(file, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return 0;
    if (fstat(fd, &st) < 0 || !S_ISREG(st.st_mode) || was_seen(name, &st, mark, path)) {
        close(fd);
        return 0;
    }
    if (load_archive(fd, file, &options, e) < 0)
        return -1;
    (void)unlink(path);
    (void)symlink(mark, path);
    return 0;
}

/* Stops as soon as `ref` is there (NULL: never). Returns whether it is; else *e has status 0, or
 * says why an archive, which may be the one, could not be loaded. */
static bool preload(const char *ref, struct err *e)
{
    DIR *dir = opendir(PATH_IMAGES);
    char id[ID_LEN + 1], name[REF_MAX];
    struct err why;
    struct dirent *d;
    bool found = false;

    e->status = 0;
    if (dir == NULL)
        return false;
    while (!found && (d = readdir(dir)) != NULL) {
        if (d->d_name[0] == '.')
            continue;
        if (preload_one(d->d_name, &why) < 0) {
            if (ref == NULL)
                warn("%s", why.text);
            *e = why;
        }
        if (ref != NULL) {
            snprintf(name, sizeof(name), "%s", ref);
            found = find_by_name(name, id) == 0;
        }
    }
    closedir(dir);
    return found;
}

void image_preload_all(void)
{
    struct err told;

    (void)preload(NULL, &told);
}

int image_find_loaded(struct image *image, const char *text, struct err *e)
{
    bool is_name = ref_parse(text, image->ref, e) == 0;

    memset(&image->record, 0, sizeof(image->record));
    if (!is_name || find_by_name(image->ref, image->id) < 0) {
        int found = find_by_id(text, image->id);

        if (found > 1)
            return err_set(e, 125, "\"%s\" is the beginning of several image IDs: give more of it",
                           text);
        if (found == 0 && !is_name)
            return -1; /* ref_parse() has said what is wrong with it */
        if (found == 0) {
            err_set(e, 125,
                    "no such image: %s (there is no network to pull it from yet: "
                    "'ct load -i FILE' loads one)",
                    image->ref);
            return -ENOENT;
        }
        image->ref[0] = '\0';
    }
    if (image_load_record(image->id, &image->record) < 0)
        return err_set(e, 125, "no such image: %s", text);
    return 0;
}

int image_find(struct image *image, const char *text, struct err *e)
{
    int err = image_find_loaded(image, text, e);
    struct err why;

    if (err != -ENOENT)
        return err;
    if (preload(image->ref, &why))
        return image_find_loaded(image, text, e);
    if (why.status != 0) {
        *e = why;
        e->status = 125;
    }
    return -1;
}

void image_free(struct image *image)
{
    record_free(&image->record);
}

/* ---- walking ----------------------------------------------------------------------- */

int image_each(int (*each)(const char *id, void *arg), void *arg)
{
    DIR *dir = opendir(PATH_DB "/image");
    struct dirent *d;
    int result = 0;

    if (dir == NULL)
        return 0;
    while (result == 0 && (d = readdir(dir)) != NULL) {
        if (ident_is_id(d->d_name))
            result = each(d->d_name, arg);
    }
    closedir(dir);
    return result;
}

int image_each_tag(int (*each)(const char *ref, const char *id, void *arg), void *arg)
{
    DIR *dir = opendir(PATH_DB "/tag");
    char ref[REF_MAX], id[ID_LEN + 1];
    struct dirent *d;
    int result = 0;

    if (dir == NULL)
        return 0;
    while (result == 0 && (d = readdir(dir)) != NULL) {
        if (d->d_name[0] == '.')
            continue;
        ref_from_file(d->d_name, ref);
        if (image_read_tag(ref, id) == 0)
            result = each(ref, id, arg);
    }
    closedir(dir);
    return result;
}

/* ---- writing ----------------------------------------------------------------------- */

int image_put(const char *id, struct record_writer *w, struct err *e)
{
    int dir = open(PATH_DB "/image", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    int err;

    if (dir < 0) {
        record_discard(w);
        return err_sys(e, 1, "cannot open " PATH_DB "/image");
    }
    err = record_save(w, dir, id);
    close(dir);
    errno = -err;
    return err < 0 ? err_sys(e, 1, "cannot record the image %.12s", id) : 0;
}

int image_tag(const char *ref, const char *id, struct err *e)
{
    char path[DB_PATH];

    tag_path(path, ref);
    (void)unlink(PATH_DB "/tag/.new");
    if (symlink(id, PATH_DB "/tag/.new") < 0 || rename(PATH_DB "/tag/.new", path) < 0)
        return err_sys(e, 1, "cannot record the name %s", ref);
    return 0;
}

void image_untag(const char *ref)
{
    char path[DB_PATH];

    tag_path(path, ref);
    (void)unlink(path);
}

int image_delete(const char *id, struct err *e)
{
    char path[DB_PATH];

    snprintf(path, sizeof(path), PATH_DB "/image/%s", id);
    if (unlink(path) < 0)
        return err_sys(e, 1, "cannot delete the image %.12s", id);
    return 0;
}

struct layer_search {
    const char *layer;
};

static bool has_layer(const struct record *r, const char *layer)
{
    for (const char *l = record_get(r, "layer"); l != NULL; l = record_next(r, "layer", l)) {
        if (strcmp(l, layer) == 0)
            return true;
    }
    return false;
}

static int image_uses_layer(const char *id, void *arg)
{
    const struct layer_search *s = arg;
    struct record r;
    bool uses;

    if (image_load_record(id, &r) < 0)
        return 0;
    uses = has_layer(&r, s->layer);
    record_free(&r);
    return uses;
}

static int container_uses_layer(struct instance *in, void *arg)
{
    const struct layer_search *s = arg;
    struct record r;
    bool uses;

    if (record_load(&r, in->dir, "spec") < 0)
        return 0;
    uses = has_layer(&r, s->layer);
    record_free(&r);
    return uses;
}

static void remove_layer(int layers, const char *id)
{
    char path[DB_PATH];

    snprintf(path, sizeof(path), "l/%.16s", id);
    (void)unlinkat(layers, path, 0);
    snprintf(path, sizeof(path), "s/%s", id);
    (void)unlinkat(layers, path, 0);
    (void)io_remove_tree(layers, id);
}

void image_collect_layers(void)
{
    DIR *dir = opendir(PATH_LAYERS);
    struct dirent *d;

    if (dir == NULL)
        return;
    while ((d = readdir(dir)) != NULL) {
        struct layer_search s = {d->d_name};

        if (strncmp(d->d_name, ".new-", 5) == 0)
            (void)io_remove_tree(dirfd(dir), d->d_name);
        else if (ident_is_id(d->d_name) && image_each(image_uses_layer, &s) == 0 &&
                 instance_each("ct", container_uses_layer, &s) == 0)
            remove_layer(dirfd(dir), d->d_name);
    }
    closedir(dir);
}
