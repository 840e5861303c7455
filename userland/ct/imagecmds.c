/* SPDX-License-Identifier: BSD-2-Clause */
/* ct load, rmi, pull. */
#include "cmds.h"

#include "image.h"
#include "load.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

static const char *input;
static bool quiet, force;

const struct opt load_opts[] = {
    {"input", 'i', OPT_STRING, &input, "file", "Read from a file instead of STDIN"},
    {"quiet", 'q', OPT_FLAG, &quiet, NULL, "Do not list what was loaded"},
    {0},
};

int cmd_load(int argc, char **argv)
{
    struct load_options options = {.quiet = quiet};
    int fd = STDIN_FILENO;
    struct err e;

    (void)argc;
    (void)argv;
    if (input == NULL && isatty(STDIN_FILENO))
        die(1, "give a file with -i, or an archive on standard input");
    if (input != NULL) {
        fd = open(input, O_RDONLY | O_CLOEXEC);
        if (fd < 0)
            die(1, "cannot open %s: %s", input, strerror(errno));
    }
    if (load_archive(fd, input == NULL ? "standard input" : input, &options, &e) < 0)
        die_err(&e);
    return 0;
}

const struct opt rmi_opts[] = {
    {"force", 'f', OPT_FLAG, &force, NULL, "Also if it goes by several names"},
    {0},
};

struct search {
    const char *id;
    int names;
    char user[ID_LEN + 1]; /* a container made from it */
};

static int count_name(const char *ref, const char *id, void *arg)
{
    struct search *s = arg;

    (void)ref;
    s->names += strcmp(id, s->id) == 0;
    return 0;
}

static int untag_all(const char *ref, const char *id, void *arg)
{
    const struct search *s = arg;

    if (strcmp(id, s->id) == 0) {
        image_untag(ref);
        printf("Untagged: %s\n", ref);
    }
    return 0;
}

static int find_user(struct instance *in, void *arg)
{
    struct search *s = arg;
    struct record spec;
    const char *id;

    if (record_load(&spec, in->dir, "spec") < 0)
        return 0;
    id = record_get(&spec, "imageid");
    if (id != NULL && strcmp(id, s->id) == 0)
        memcpy(s->user, in->id, sizeof(s->user));
    record_free(&spec);
    return s->user[0] != '\0';
}

static int remove_image(const char *text, struct err *e)
{
    struct image image;
    struct search s = {0};

    if (image_find_loaded(&image, text, e) < 0)
        return -1;
    e->status = 1;
    image_free(&image);
    s.id = image.id;
    (void)image_each_tag(count_name, &s);
    if (image.ref[0] != '\0' && s.names > 1) {
        image_untag(image.ref);
        printf("Untagged: %s\n", image.ref);
        return 0;
    }
    if (image.ref[0] == '\0' && s.names > 1 && !force)
        return err_set(e, 1, "%s goes by several names: remove them one by one, or use -f", text);
    if (instance_each("ct", find_user, &s) != 0)
        return err_set(e, 1, "%s is used by container %.12s: remove that first (ct rm %.12s)", text,
                       s.user, s.user);
    (void)image_each_tag(untag_all, &s);
    if (image_delete(image.id, e) < 0)
        return -1;
    printf("Deleted: sha256:%s\n", image.id);
    return 0;
}

int cmd_rmi(int argc, char **argv)
{
    struct image image;
    struct err e;
    int lock, status = 0;

    /* What came along is loaded before the lock is taken: loading needs it. */
    for (int i = 0; i < argc; i++) {
        if (image_find(&image, argv[i], &e) == 0)
            image_free(&image);
    }
    lock = image_lock(&e);
    if (lock < 0)
        die_err(&e);
    for (int i = 0; i < argc; i++) {
        if (remove_image(argv[i], &e) < 0) {
            warn("%s", e.text);
            status = 1;
        }
    }
    image_collect_layers();
    image_unlock(lock);
    return status;
}

int cmd_pull(int argc, char **argv)
{
    (void)argc;
    die(1,
        "cannot pull %s: there is no network yet; save it elsewhere (docker save, skopeo copy), "
        "add the archive to the boot disk and load it with 'ct load -i FILE'",
        argv[0]);
}
