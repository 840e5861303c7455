/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Loading images. Trust goes from the index down, and nothing is used before it has
 * been checked: a manifest against its digest in the index, a configuration and
 * layers against theirs in the manifest, a layer's contents against its diff_id in
 * the configuration. Layers are unpacked under a temporary name and renamed when
 * they have proved right; images are recorded when all their layers are there; on
 * any failure everything that came in with this archive is taken away again.
 */
#include "load.h"

#include "archive.h"
#include "image.h"
#include "interrupt.h"
#include "layer.h"
#include "oci.h"
#include "ref.h"

#include "../lib/io.h"
#include "../lib/paths.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { WHAT_MAX = 160, NEST_MAX = 4, DESCRIPTORS_MAX = 1024 };

/* An image that is complete but not recorded yet. */
struct loaded_image {
    struct loaded_image *next;
    char id[DIGEST_HEX + 1];
    struct record_writer record;
    char **refs;
    size_t nrefs;
    bool recorded; /* by this load, and not there before */
};

/* A name that leads to one of them already, and where it led before. */
struct moved_tag {
    struct moved_tag *next;
    const char *ref;      /* the image's */
    char old[ID_LEN + 1]; /* "": nowhere */
};

struct load {
    struct archive_file archive;
    const char *label;
    struct docker_manifest docker; /* names also for OCI layouts written by docker save */
    struct loaded_image *images;
    struct moved_tag *moved;       /* the last one first */
    const char *indexes[NEST_MAX]; /* digests of those around what is loaded, outermost first */
    size_t depth;
    size_t descriptors; /* manifests and indexes that were followed, in all indexes together */
};

/* ---- blobs -------------------------------------------------------------------------- */

static int check_hash(const struct load *ld, const struct archive_member *m, const char *digest,
                      const char *what, struct err *e)
{
    char actual[SHA256_HEX + 1];

    if (archive_file_hash(&ld->archive, m, actual, e) < 0)
        return -1;
    if (strcmp(actual, digest) != 0)
        return err_set(e, 1, "%s: %s does not match its digest (its content is sha256:%.12s...)",
                       ld->label, what, actual);
    return 0;
}

/* Finds what a descriptor is about and makes sure that it is that. */
static const struct archive_member *find_blob(const struct load *ld, const struct oci_descriptor *d,
                                              const char *role, struct err *e)
{
    char path[DIGEST_HEX + 16], what[WHAT_MAX];
    const struct archive_member *m;

    snprintf(path, sizeof(path), "blobs/sha256/%s", d->digest);
    snprintf(what, sizeof(what), "%s sha256:%s", role, d->digest);
    m = archive_file_find(&ld->archive, path);
    if (m == NULL) {
        err_set(e, 1, "%s: %s is missing", ld->label, what);
        return NULL;
    }
    if (m->size != d->size) {
        err_set(e, 1, "%s: %s has %llu bytes instead of %llu", ld->label, what,
                (unsigned long long)m->size, (unsigned long long)d->size);
        return NULL;
    }
    return check_hash(ld, m, d->digest, what, e) < 0 ? NULL : m;
}

/* ---- layers ------------------------------------------------------------------------- */

static int check_diff_id(const struct load *ld, const char *what, const struct layer_result *r,
                         const char *diff_id, struct err *e)
{
    if (strcmp(r->diff_id, diff_id) == 0)
        return 0;
    return err_set(e, 1,
                   "%s: %s has the wrong diff_id: it unpacks to sha256:%.12s..., the "
                   "configuration says sha256:%.12s...",
                   ld->label, what, r->diff_id, diff_id);
}

/*
 * The short name it is mounted by, so that many fit into one mount. Sixteen digits
 * can be made to agree with those of another layer; such a one is refused, as
 * containers would get its files in place of the other's.
 */
static int link_layer(const char *diff_id, struct err *e)
{
    char target[DIGEST_HEX + 8], old[DIGEST_HEX + 8], link[200], other[200];
    ssize_t n;

    snprintf(link, sizeof(link), PATH_LAYERS "/l/%.16s", diff_id);
    snprintf(target, sizeof(target), "../%s", diff_id);
    n = readlink(link, old, sizeof(old) - 1);
    old[n < 0 ? 0 : n] = '\0';
    snprintf(other, sizeof(other), PATH_LAYERS "/l/%s", old);
    if (n > 0 && strcmp(old, target) != 0 && access(other, F_OK) == 0)
        return err_set(e, 1, "the layer %s begins like another one that is there: %s", diff_id,
                       old + strlen("../"));
    (void)unlink(link);
    return symlink(target, link) < 0 ? err_sys(e, 1, "cannot create %s", link) : 0;
}

static int publish_layer(const char *staging, const char *diff_id, uint64_t bytes, struct err *e)
{
    char path[200], link[200], size[24];

    if (link_layer(diff_id, e) < 0)
        return -1;
    snprintf(link, sizeof(link), PATH_LAYERS "/s/%s", diff_id);
    snprintf(size, sizeof(size), "%llu", (unsigned long long)bytes);
    (void)unlink(link);
    if (symlink(size, link) < 0)
        return err_sys(e, 1, "cannot create %s", link);
    snprintf(path, sizeof(path), PATH_LAYERS "/%s", diff_id);
    if (rename(staging, path) < 0)
        return err_sys(e, 1, "cannot create %s", path);
    return 0;
}

/* An empty directory. One of that name is what a load that was killed has left: the lock is ours.
 */
static int make_staging(const char *staging, struct err *e)
{
    int err = io_remove_tree(AT_FDCWD, staging);

    errno = -err;
    if (err < 0 || mkdir(staging, 0755) < 0)
        return err_sys(e, 1, "cannot create %s", staging);
    return 0;
}

static int take_layer(const struct load *ld, const struct archive_member *m, const char *what,
                      const char *diff_id, struct err *e)
{
    struct layer_blob blob = {
        .fd = ld->archive.fd, .offset = m->offset, .size = m->size, .name = what};
    char staging[120], existing[120];
    struct layer_result result;
    struct err why;
    bool is_there;

    snprintf(existing, sizeof(existing), PATH_LAYERS "/%s", diff_id);
    snprintf(staging, sizeof(staging), PATH_LAYERS "/.new-%.16s", diff_id);
    is_there = access(existing, F_OK) == 0;
    if (make_staging(staging, e) < 0)
        return -1;
    if ((is_there ? layer_hash : layer_unpack)(&blob, staging, &result, &why) < 0)
        return err_set(e, 1, "%s: %s", ld->label, why.text);
    if (check_diff_id(ld, what, &result, diff_id, e) < 0)
        return -1;
    if (is_there)
        return rmdir(staging) < 0 ? err_sys(e, 1, "cannot remove %s", staging) : 0;
    if (interrupt_noted())
        return err_set(e, 1, "%s: interrupted", ld->label);
    return publish_layer(staging, diff_id, result.bytes, e);
}

static uint64_t layer_size(const char *diff_id)
{
    char link[200], size[24];
    ssize_t n;

    snprintf(link, sizeof(link), PATH_LAYERS "/s/%s", diff_id);
    n = readlink(link, size, sizeof(size) - 1);
    size[n < 0 ? 0 : n] = '\0';
    return strtoull(size, NULL, 10);
}

/* ---- images ------------------------------------------------------------------------- */

/* What is written so far, to look something up in. */
static struct record written(const struct loaded_image *image)
{
    return (struct record){.buf = image->record.buf, .len = image->record.len};
}

static int add_ref(struct loaded_image *image, const char *text, struct err *e)
{
    struct record r = written(image);
    char ref[REF_MAX];
    char **refs;
    struct err why;

    if (ref_parse(text, ref, &why) < 0)
        return err_set(e, 1, "the image's name \"%.100s\" is no valid reference", text);
    if (ref_digest(ref) != NULL && !image_has_digest(&r, ref_digest(ref)))
        return err_set(e, 1, "the image's name \"%.250s\" is wrong: its digest is another one",
                       text);
    for (size_t i = 0; i < image->nrefs; i++) {
        if (strcmp(image->refs[i], ref) == 0)
            return 0;
    }
    refs = realloc(image->refs, (image->nrefs + 1) * sizeof(*refs));
    if (refs == NULL)
        return err_set(e, 1, "out of memory");
    image->refs = refs;
    image->refs[image->nrefs] = strdup(ref);
    return image->refs[image->nrefs++] == NULL ? err_set(e, 1, "out of memory") : 0;
}

/* Reads the (checked) configuration and begins an image with it. */
static struct loaded_image *begin_image(struct load *ld, const struct archive_member *config,
                                        const char *id, const char *what, struct oci_config *parsed,
                                        struct err *e)
{
    char *text = archive_file_read(&ld->archive, config, e);
    struct loaded_image *image;
    char full[WHAT_MAX + 128];
    int err;

    if (text == NULL)
        return NULL;
    snprintf(full, sizeof(full), "%s: %s", ld->label, what);
    err = oci_parse_config(full, text, config->size, parsed, e);
    free(text);
    if (err < 0)
        return NULL;
    image = calloc(1, sizeof(*image));
    if (image == NULL) {
        err_set(e, 1, "out of memory");
        record_discard(&parsed->record);
        return NULL;
    }
    memcpy(image->id, id, sizeof(image->id));
    image->record = parsed->record;
    image->next = ld->images;
    ld->images = image;
    return image;
}

/* By what the image may be pinned: its manifest, or an index that leads to that. */
static void record_digests(const struct load *ld, struct loaded_image *image,
                           const struct oci_descriptor *d)
{
    for (size_t i = 0; i < ld->depth; i++)
        record_add(&image->record, "digest", ld->indexes[i]);
    record_add(&image->record, "digest", d->digest);
}

static void end_image(struct loaded_image *image, const struct oci_config *config)
{
    uint64_t size = 0;

    for (size_t i = 0; i < config->nlayers; i++)
        size += layer_size(config->diff_ids[i]);
    record_add(&image->record, "id", image->id);
    record_add_num(&image->record, "size", (int64_t)size);
}

static int check_layer_count(const struct load *ld, const char *what, size_t in_manifest,
                             size_t in_config, struct err *e)
{
    if (in_manifest == in_config)
        return 0;
    return err_set(e, 1, "%s: %s has %zu layers, its configuration %zu diff_ids", ld->label, what,
                   in_manifest, in_config);
}

/* ---- OCI layouts -------------------------------------------------------------------- */

/*
 * A name in an index may be a whole reference or only a tag of "whatever this
 * archive is". That is then called like its file; without a name if it came through
 * a pipe, or if its file's name is none an image can have.
 */
static int name_oci_image(const struct load *ld, struct loaded_image *image,
                          const struct oci_descriptor *d, struct err *e)
{
    const char *base, *slash = strrchr(ld->label, '/');
    char text[REF_MAX], ref[REF_MAX];
    struct err why;

    if (d->name == NULL)
        return 0;
    if (d->is_full_name || strpbrk(d->name, ":/") != NULL)
        return add_ref(image, d->name, e);
    base = slash == NULL ? ld->label : slash + 1;
    snprintf(text, sizeof(text), "%.*s:%s", (int)strcspn(base, ".:@"), base, d->name);
    return ref_parse(text, ref, &why) < 0 ? 0 : add_ref(image, text, e);
}

/* docker save writes the names into manifest.json as well, and more of them. */
static int name_by_docker_manifest(const struct load *ld, struct loaded_image *image, struct err *e)
{
    for (size_t i = 0; i < ld->docker.count; i++) {
        const struct docker_image *d = &ld->docker.list[i];

        if (strncmp(d->config, "blobs/sha256/", 13) != 0 || strcmp(d->config + 13, image->id) != 0)
            continue;
        for (size_t k = 0; k < d->ntags; k++) {
            if (add_ref(image, d->tags[k], e) < 0)
                return -1;
        }
    }
    return 0;
}

static int load_oci_image(struct load *ld, const struct oci_descriptor *d, struct err *e)
{
    const struct archive_member *m = find_blob(ld, d, "manifest", e);
    struct oci_manifest *manifest = calloc(1, sizeof(*manifest));
    struct oci_config *config = calloc(1, sizeof(*config));
    struct loaded_image *image;
    char what[WHAT_MAX];
    char *text = NULL;
    int err = -1;

    if (manifest == NULL || config == NULL)
        err_set(e, 1, "out of memory");
    else if (m != NULL)
        text = archive_file_read(&ld->archive, m, e);
    if (text == NULL)
        goto out;
    snprintf(what, sizeof(what), "manifest sha256:%s", d->digest);
    if (oci_parse_manifest(what, text, m->size, manifest, e) < 0)
        goto out;
    m = find_blob(ld, &manifest->config, "config", e);
    if (m == NULL)
        goto out;
    snprintf(what, sizeof(what), "config sha256:%s", manifest->config.digest);
    image = begin_image(ld, m, manifest->config.digest, what, config, e);
    if (image == NULL || check_layer_count(ld, what, manifest->nlayers, config->nlayers, e) < 0)
        goto out;
    for (size_t i = 0; i < manifest->nlayers; i++) {
        m = find_blob(ld, &manifest->layers[i], "layer", e);
        if (m == NULL)
            goto out;
        snprintf(what, sizeof(what), "layer sha256:%s", manifest->layers[i].digest);
        if (take_layer(ld, m, what, config->diff_ids[i], e) < 0)
            goto out;
    }
    end_image(image, config);
    record_digests(ld, image, d);
    if (name_oci_image(ld, image, d, e) < 0 || name_by_docker_manifest(ld, image, e) < 0)
        goto out;
    err = 0;
out:
    free(text);
    free(manifest);
    free(config);
    return err;
}

static int load_index(struct load *ld, const char *what, const char *text, size_t len,
                      const struct oci_descriptor *from, struct err *e);

static int load_nested_index(struct load *ld, const struct oci_descriptor *d, struct err *e)
{
    const struct archive_member *m = find_blob(ld, d, "index", e);
    char what[WHAT_MAX];
    char *text;
    int count;

    if (m == NULL)
        return -1;
    if (ld->depth >= NEST_MAX)
        return err_set(e, 1, "%s: indexes are nested too deeply", ld->label);
    text = archive_file_read(&ld->archive, m, e);
    if (text == NULL)
        return -1;
    snprintf(what, sizeof(what), "index sha256:%s", d->digest);
    ld->indexes[ld->depth++] = d->digest;
    count = load_index(ld, what, text, m->size, d, e);
    ld->depth--;
    free(text);
    return count;
}

/* Returns how many images it had for this machine, or -1. */
static int load_index(struct load *ld, const char *what, const char *text, size_t len,
                      const struct oci_descriptor *from, struct err *e)
{
    struct oci_index index;
    int count = 0, err = 0;

    if (oci_parse_index(what, text, len, &index, e) < 0)
        return -1;
    for (size_t i = 0; i < index.count && err >= 0; i++) {
        struct oci_descriptor d = index.list[i];

        if (d.name == NULL && from != NULL) {
            d.name = from->name; /* what the index is called, its image is */
            d.is_full_name = from->is_full_name;
        }
        if (d.other_platform)
            continue;
        if (interrupt_noted())
            err = err_set(e, 1, "%s: interrupted", ld->label);
        else if (ld->descriptors++ == DESCRIPTORS_MAX)
            err = err_set(e, 1, "%s: %s: there are more than %d manifests", ld->label, what,
                          DESCRIPTORS_MAX);
        else if (d.kind == OCI_OTHER) {
            err = err_set(e, 1, "%s: entry %zu is of an unknown mediaType", what, i);
        } else if (d.kind == OCI_INDEX) {
            err = load_nested_index(ld, &d, e);
            count += err > 0 ? err : 0;
        } else {
            err = load_oci_image(ld, &d, e);
            count += err == 0;
        }
    }
    oci_free_index(&index);
    return err < 0 ? -1 : count;
}

static int load_oci(struct load *ld, const struct archive_member *index, struct err *e)
{
    const struct archive_member *m = archive_file_find(&ld->archive, "oci-layout");
    char *text;
    int count;

    if (m == NULL)
        return err_set(e, 1, "%s: oci-layout is missing", ld->label);
    text = archive_file_read(&ld->archive, m, e);
    if (text == NULL || oci_parse_layout(text, m->size, e) < 0) {
        free(text);
        return -1;
    }
    free(text);
    text = archive_file_read(&ld->archive, index, e);
    if (text == NULL)
        return -1;
    count = load_index(ld, "index.json", text, index->size, NULL, e);
    free(text);
    if (count == 0)
        return err_set(e, 1, "%s: index.json has no image for linux/amd64", ld->label);
    return count < 0 ? -1 : 0;
}

/* ---- docker save, the old form ------------------------------------------------------- */

/* The configuration's name says its digest: <hex>.json, or blobs/sha256/<hex>. */
static int identify_config(const struct load *ld, const struct docker_image *d,
                           const struct archive_member *m, char id[DIGEST_HEX + 1], struct err *e)
{
    const char *slash = strrchr(d->config, '/'), *base = slash == NULL ? d->config : slash + 1;

    if (archive_file_hash(&ld->archive, m, id, e) < 0)
        return -1;
    if (strcspn(base, ".") != DIGEST_HEX || !ident_is_hex(base, DIGEST_HEX) ||
        strncmp(base, id, DIGEST_HEX) == 0)
        return 0;
    return err_set(e, 1, "%s: config %s does not match its digest (its content is sha256:%.12s...)",
                   ld->label, d->config, id);
}

static int load_docker_image(struct load *ld, const struct docker_image *d, struct err *e)
{
    const struct archive_member *m = archive_file_find(&ld->archive, d->config);
    struct oci_config *config;
    struct loaded_image *image;
    char id[DIGEST_HEX + 1], what[WHAT_MAX];
    int err = -1;

    if (m == NULL)
        return err_set(e, 1, "%s: config %s is missing", ld->label, d->config);
    if (identify_config(ld, d, m, id, e) < 0)
        return -1;
    config = calloc(1, sizeof(*config));
    if (config == NULL)
        return err_set(e, 1, "out of memory");
    snprintf(what, sizeof(what), "config %s", d->config);
    image = begin_image(ld, m, id, what, config, e);
    if (image == NULL || check_layer_count(ld, what, d->nlayers, config->nlayers, e) < 0)
        goto out;
    for (size_t i = 0; i < d->nlayers; i++) {
        snprintf(what, sizeof(what), "layer %s", d->layers[i]);
        m = archive_file_find(&ld->archive, d->layers[i]);
        if (m == NULL) {
            err_set(e, 1, "%s: %s is missing", ld->label, what);
            goto out;
        }
        if (take_layer(ld, m, what, config->diff_ids[i], e) < 0)
            goto out;
    }
    end_image(image, config);
    for (size_t i = 0; i < d->ntags; i++) {
        if (add_ref(image, d->tags[i], e) < 0)
            goto out;
    }
    err = 0;
out:
    free(config);
    return err;
}

static int read_docker_manifest(struct load *ld, struct err *e)
{
    const struct archive_member *m = archive_file_find(&ld->archive, "manifest.json");
    char *text;
    int err;

    if (m == NULL)
        return 0;
    text = archive_file_read(&ld->archive, m, e);
    if (text == NULL)
        return -1;
    err = docker_parse_manifest("manifest.json", text, m->size, &ld->docker, e);
    free(text);
    return err;
}

static int load_docker(struct load *ld, struct err *e)
{
    for (size_t i = 0; i < ld->docker.count; i++) {
        if (load_docker_image(ld, &ld->docker.list[i], e) < 0)
            return -1;
    }
    return 0;
}

/* ---- all of it ----------------------------------------------------------------------- */

static int load_all(struct load *ld, struct err *e)
{
    const struct archive_member *index = archive_file_find(&ld->archive, "index.json");

    if (read_docker_manifest(ld, e) < 0)
        return -1;
    if (index != NULL)
        return load_oci(ld, index, e);
    if (ld->docker.count == 0)
        return err_set(e, 1,
                       "%s is neither an OCI image layout (no index.json) nor a docker save "
                       "archive (no manifest.json)",
                       ld->label);
    return load_docker(ld, e);
}

static void note_volumes(const struct loaded_image *image)
{
    struct record r = written(image);
    const char *volume = record_get(&r, "volume");

    if (volume != NULL)
        warn("note: the image declares the volume %s%s: here it is a part of each container's own "
             "file system, and goes with it",
             volume, record_count(&r, "volume") > 1 ? " and others" : "");
}

/* What the same image was loaded by before still leads to it. */
static void keep_digests(struct loaded_image *image)
{
    struct record old, r;

    if (image_load_record(image->id, &old) < 0)
        return;
    for (const char *d = record_get(&old, "digest"); d != NULL;
         d = record_next(&old, "digest", d)) {
        r = written(image);
        if (!image_has_digest(&r, d))
            record_add(&image->record, "digest", d);
    }
    record_free(&old);
}

static int move_tag(struct load *ld, const struct loaded_image *image, const char *ref,
                    struct err *e)
{
    struct moved_tag *m = calloc(1, sizeof(*m));

    if (m == NULL)
        return err_set(e, 1, "out of memory");
    m->ref = ref;
    if (image_read_tag(ref, m->old) < 0)
        m->old[0] = '\0';
    if (image_tag(ref, image->id, e) < 0) {
        free(m);
        return -1;
    }
    m->next = ld->moved;
    ld->moved = m;
    return 0;
}

static int record_all(struct load *ld, const struct load_options *options, struct err *e)
{
    for (struct loaded_image *image = ld->images; image != NULL; image = image->next) {
        keep_digests(image);
        if (image->record.failed)
            return err_set(e, 1, "out of memory");
        if (!options->quiet)
            note_volumes(image);
        image->recorded = !image_exists(image->id);
        if (image_put(image->id, &image->record, e) < 0)
            return -1;
    }
    for (struct loaded_image *image = ld->images; image != NULL; image = image->next) {
        for (size_t i = 0; i < image->nrefs; i++) {
            if (move_tag(ld, image, image->refs[i], e) < 0)
                return -1;
        }
    }
    return 0;
}

static void report_all(const struct load *ld)
{
    for (const struct loaded_image *image = ld->images; image != NULL; image = image->next) {
        for (size_t i = 0; i < image->nrefs; i++)
            printf("Loaded image: %s\n", image->refs[i]);
        if (image->nrefs == 0)
            printf("Loaded image ID: sha256:%s\n", image->id);
    }
}

static void free_load(struct load *ld)
{
    while (ld->moved != NULL) {
        struct moved_tag *m = ld->moved;

        ld->moved = m->next;
        free(m);
    }
    while (ld->images != NULL) {
        struct loaded_image *image = ld->images;

        ld->images = image->next;
        for (size_t i = 0; i < image->nrefs; i++)
            free(image->refs[i]);
        free(image->refs);
        record_discard(&image->record);
        free(image);
    }
    docker_free_manifest(&ld->docker);
    archive_file_close(&ld->archive);
}

/* Each name leads where it led before, in reverse: what one has taken the next may need. */
static void restore_tags(struct load *ld)
{
    struct err ignored;

    for (struct moved_tag *m = ld->moved; m != NULL; m = m->next) {
        if (m->old[0] == '\0' || image_tag(m->ref, m->old, &ignored) < 0)
            image_untag(m->ref);
    }
}

/* Nothing of it stays. */
static void undo(struct load *ld)
{
    struct err ignored;

    for (struct loaded_image *image = ld->images; image != NULL; image = image->next) {
        if (image->recorded && image_exists(image->id))
            (void)image_delete(image->id, &ignored);
    }
    image_collect_layers();
    restore_tags(ld); /* last: there may have been no space */
}

/* Of several archives, the message must say which. */
static int name_archive(const char *label, struct err *e)
{
    struct err why = *e;

    if (strstr(e->text, label) == NULL)
        err_set(e, why.status, "%s: %s", label, why.text);
    return -1;
}

/* The lock is held, and for the time it takes a signal only noted. */
static int load_and_record(struct load *ld, const struct load_options *options, struct err *e)
{
    int err;

    interrupt_catch();
    err = load_all(ld, e);
    if (err == 0 && interrupt_noted())
        err = err_set(e, 1, "%s: interrupted", ld->label);
    if (err == 0)
        err = record_all(ld, options, e);
    if (err < 0)
        undo(ld);
    else if (!options->quiet)
        report_all(ld);
    return err;
}

/*
 * A pipe is read to its end before the lock is taken: whoever feeds it may take
 * their time. Until then a signal just ends us, as there is nothing to take away.
 */
int load_archive(int fd, const char *label, const struct load_options *options, struct err *e)
{
    struct load ld = {.label = label};
    int lock, err;

    if (image_make_dirs(e) < 0) {
        close(fd);
        return -1;
    }
    if (archive_file_open(&ld.archive, fd, label, e) < 0)
        return name_archive(label, e);
    lock = image_lock(e);
    if (lock < 0) {
        free_load(&ld);
        return -1;
    }
    err = load_and_record(&ld, options, e);
    free_load(&ld);
    image_unlock(lock);
    interrupt_release();
    return err < 0 ? name_archive(label, e) : 0;
}
