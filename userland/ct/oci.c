/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * OCI and Docker JSON. A field that is there must have the right type; null is as
 * good as absent; unknown fields are no errors; duplicate keys are.
 */
#include "oci.h"

#include "../lib/ident.h"

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

/* Carries what every step needs for its message. */
struct ctx {
    const char *what;
    struct err *e;
};

static int bad(const struct ctx *c, const char *field, const char *why)
{
    return err_set(c->e, 1, "%s: %s %s", c->what, field, why);
}

static json_t *parse(const struct ctx *c, const char *text, size_t len)
{
    json_error_t why;
    json_t *root = json_loadb(text, len, JSON_REJECT_DUPLICATES, &why);

    if (root == NULL)
        err_set(c->e, 1, "%s is not valid JSON (line %d: %s)", c->what, why.line, why.text);
    return root;
}

/* The member, or NULL when it is absent, null, or of another type (then *err is -1). */
static const json_t *member(const struct ctx *c, const json_t *object, const char *key,
                            json_type type, int *err)
{
    static const char *const articles[] = {
        [JSON_OBJECT] = "is not an object",
        [JSON_ARRAY] = "is not an array",
        [JSON_STRING] = "is not a string",
        [JSON_INTEGER] = "is not a number",
    };
    const json_t *value = json_object_get(object, key);

    if (value == NULL || json_is_null(value))
        return NULL;
    if (json_typeof(value) == type)
        return value;
    *err = bad(c, key, articles[type]);
    return NULL;
}

/* NULL with *err == 0: absent. */
static const char *member_string(const struct ctx *c, const json_t *object, const char *key,
                                 int *err)
{
    return json_string_value(member(c, object, key, JSON_STRING, err));
}

static int parse_digest(const struct ctx *c, const json_t *object, char hex[DIGEST_HEX + 1])
{
    int err = 0;
    const char *digest = member_string(c, object, "digest", &err);

    if (err < 0)
        return -1;
    if (digest == NULL)
        return bad(c, "digest", "is missing");
    if (strncmp(digest, "sha256:", 7) != 0 || !ident_is_id(digest + 7))
        return err_set(c->e, 1, "%s: \"%.100s\" is no sha256 digest", c->what, digest);
    memcpy(hex, digest + 7, DIGEST_HEX + 1);
    return 0;
}

static enum oci_kind kind_of(const char *media_type)
{
    static const struct {
        const char *type;
        enum oci_kind kind;
    } kinds[] = {
        {"application/vnd.oci.image.manifest.v1+json", OCI_MANIFEST},
        {"application/vnd.docker.distribution.manifest.v2+json", OCI_MANIFEST},
        {"application/vnd.oci.image.index.v1+json", OCI_INDEX},
        {"application/vnd.docker.distribution.manifest.list.v2+json", OCI_INDEX},
    };

    for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
        if (strcmp(kinds[i].type, media_type) == 0)
            return kinds[i].kind;
    }
    return OCI_OTHER;
}

/* media type, digest and size: what every reference to a blob has. */
static int parse_blob_ref(const struct ctx *c, const json_t *object, struct oci_descriptor *d,
                          const char **media_type)
{
    const json_t *size;
    int err = 0;

    memset(d, 0, sizeof(*d));
    if (!json_is_object(object))
        return bad(c, "a descriptor", "is not an object");
    *media_type = member_string(c, object, "mediaType", &err);
    size = member(c, object, "size", JSON_INTEGER, &err);
    if (err < 0)
        return -1;
    if (*media_type == NULL)
        return bad(c, "mediaType", "is missing");
    if (size == NULL || json_integer_value(size) < 0)
        return bad(c, "size", "is missing or negative");
    d->size = (uint64_t)json_integer_value(size);
    d->kind = kind_of(*media_type);
    return parse_digest(c, object, d->digest);
}

static int parse_platform(const struct ctx *c, const json_t *object, struct oci_descriptor *d)
{
    int err = 0;
    const json_t *platform = member(c, object, "platform", JSON_OBJECT, &err);
    const char *os, *arch;

    if (platform == NULL)
        return err;
    os = member_string(c, platform, "os", &err);
    arch = member_string(c, platform, "architecture", &err);
    d->other_platform =
        os == NULL || arch == NULL || strcmp(os, "linux") != 0 || strcmp(arch, "amd64") != 0;
    return err;
}

static int parse_names(const struct ctx *c, const json_t *object, struct oci_descriptor *d)
{
    int err = 0;
    const json_t *notes = member(c, object, "annotations", JSON_OBJECT, &err);
    const char *full, *tag;

    if (notes == NULL)
        return err;
    full = member_string(c, notes, "io.containerd.image.name", &err);
    tag = member_string(c, notes, "org.opencontainers.image.ref.name", &err);
    if (err < 0)
        return -1;
    d->is_full_name = full != NULL;
    if (full != NULL || tag != NULL) {
        d->name = strdup(full != NULL ? full : tag);
        if (d->name == NULL)
            return err_set(c->e, 1, "out of memory");
    }
    return 0;
}

static int check_schema(const struct ctx *c, const json_t *root)
{
    int err = 0;
    const json_t *version;

    if (!json_is_object(root))
        return err_set(c->e, 1, "%s is not a JSON object", c->what);
    version = member(c, root, "schemaVersion", JSON_INTEGER, &err);
    if (err < 0)
        return -1;
    if (version == NULL || json_integer_value(version) != 2)
        return bad(c, "schemaVersion", "is not 2");
    return 0;
}

int oci_parse_layout(const char *text, size_t len, struct err *e)
{
    struct ctx c = {.what = "oci-layout", .e = e};
    json_t *root = parse(&c, text, len);
    const char *version;
    int err = 0;

    if (root == NULL)
        return -1;
    version = member_string(&c, root, "imageLayoutVersion", &err);
    if (err == 0 && (version == NULL || strcmp(version, "1.0.0") != 0))
        err = bad(&c, "imageLayoutVersion", "is not 1.0.0");
    json_decref(root);
    return err;
}

int oci_parse_index(const char *what, const char *text, size_t len, struct oci_index *out,
                    struct err *e)
{
    struct ctx c = {.what = what, .e = e};
    json_t *root = parse(&c, text, len);
    const json_t *list = NULL;
    const char *media_type;
    int err;

    memset(out, 0, sizeof(*out));
    if (root == NULL)
        return -1;
    err = check_schema(&c, root);
    if (err == 0)
        list = member(&c, root, "manifests", JSON_ARRAY, &err);
    if (err == 0 && list == NULL)
        err = bad(&c, "manifests", "is missing");
    if (err == 0 && json_array_size(list) > OCI_MANIFESTS_MAX)
        err = bad(&c, "manifests", "has too many entries");
    if (err == 0) {
        out->list = calloc(json_array_size(list) + 1, sizeof(*out->list));
        if (out->list == NULL)
            err = err_set(e, 1, "out of memory");
    }
    for (size_t i = 0; err == 0 && i < json_array_size(list); i++) {
        const json_t *object = json_array_get(list, i);
        struct oci_descriptor *d = &out->list[out->count++];

        err = parse_blob_ref(&c, object, d, &media_type);
        if (err == 0)
            err = parse_platform(&c, object, d);
        if (err == 0)
            err = parse_names(&c, object, d);
    }
    json_decref(root);
    if (err < 0)
        oci_free_index(out);
    return err;
}

void oci_free_index(struct oci_index *index)
{
    for (size_t i = 0; i < index->count; i++)
        free(index->list[i].name);
    free(index->list);
    memset(index, 0, sizeof(*index));
}

/* Layers in another wrapping than tar, tar+gzip, tar+zstd we could not read anyway. */
static bool is_layer_type(const char *type)
{
    static const char *const types[] = {
        "application/vnd.oci.image.layer.v1.tar",
        "application/vnd.oci.image.layer.v1.tar+gzip",
        "application/vnd.oci.image.layer.v1.tar+zstd",
        "application/vnd.oci.image.layer.nondistributable.v1.tar",
        "application/vnd.oci.image.layer.nondistributable.v1.tar+gzip",
        "application/vnd.docker.image.rootfs.diff.tar",
        "application/vnd.docker.image.rootfs.diff.tar.gzip",
        "application/vnd.docker.image.rootfs.diff.tar.zstd",
    };

    for (size_t i = 0; i < sizeof(types) / sizeof(types[0]); i++) {
        if (strcmp(types[i], type) == 0)
            return true;
    }
    return false;
}

static int parse_manifest_root(const struct ctx *c, const json_t *root, struct oci_manifest *out)
{
    const json_t *config, *layers;
    const char *type;
    int err = check_schema(c, root);

    if (err < 0)
        return -1;
    config = member(c, root, "config", JSON_OBJECT, &err);
    layers = member(c, root, "layers", JSON_ARRAY, &err);
    if (err < 0)
        return -1;
    if (config == NULL || layers == NULL)
        return bad(c, config == NULL ? "config" : "layers", "is missing");
    if (json_array_size(layers) > OCI_LAYERS_MAX)
        return bad(c, "layers", "has too many entries");
    if (parse_blob_ref(c, config, &out->config, &type) < 0)
        return -1;
    if (strcmp(type, "application/vnd.oci.image.config.v1+json") != 0 &&
        strcmp(type, "application/vnd.docker.container.image.v1+json") != 0)
        return err_set(c->e, 1, "%s: the config is no image configuration but \"%.100s\"", c->what,
                       type);
    for (size_t i = 0; i < json_array_size(layers); i++) {
        if (parse_blob_ref(c, json_array_get(layers, i), &out->layers[i], &type) < 0)
            return -1;
        if (!is_layer_type(type))
            return err_set(c->e, 1, "%s: layer %zu is of an unknown type \"%.100s\"", c->what, i,
                           type);
        out->nlayers++;
    }
    return 0;
}

int oci_parse_manifest(const char *what, const char *text, size_t len, struct oci_manifest *out,
                       struct err *e)
{
    struct ctx c = {.what = what, .e = e};
    json_t *root = parse(&c, text, len);
    int err;

    memset(out, 0, sizeof(*out));
    if (root == NULL)
        return -1;
    err = parse_manifest_root(&c, root, out);
    json_decref(root);
    return err;
}

/* An array of strings (or absent) as copies. */
static int copy_strings(const struct ctx *c, const json_t *object, const char *key, char ***out,
                        size_t *count)
{
    int err = 0;
    const json_t *list = member(c, object, key, JSON_ARRAY, &err);

    if (list == NULL)
        return err;
    *out = calloc(json_array_size(list) + 1, sizeof(**out));
    for (size_t i = 0; *out != NULL && i < json_array_size(list); i++) {
        const char *value = json_string_value(json_array_get(list, i));

        if (value == NULL)
            return bad(c, key, "has an entry that is no string");
        (*out)[i] = strdup(value);
        if ((*out)[i] == NULL)
            return err_set(c->e, 1, "out of memory");
        *count = i + 1;
    }
    return *out == NULL ? err_set(c->e, 1, "out of memory") : 0;
}

static int parse_docker_image(const struct ctx *c, const json_t *object, struct docker_image *image)
{
    const char *config;
    int err = 0;

    if (!json_is_object(object))
        return bad(c, "an entry", "is not an object");
    config = member_string(c, object, "Config", &err);
    if (err < 0)
        return -1;
    if (config == NULL)
        return bad(c, "Config", "is missing");
    image->config = strdup(config);
    if (image->config == NULL)
        return err_set(c->e, 1, "out of memory");
    if (copy_strings(c, object, "RepoTags", &image->tags, &image->ntags) < 0 ||
        copy_strings(c, object, "Layers", &image->layers, &image->nlayers) < 0)
        return -1;
    return image->nlayers > OCI_LAYERS_MAX ? bad(c, "Layers", "has too many entries") : 0;
}

int docker_parse_manifest(const char *what, const char *text, size_t len,
                          struct docker_manifest *out, struct err *e)
{
    struct ctx c = {.what = what, .e = e};
    json_t *root = parse(&c, text, len);
    int err = 0;

    memset(out, 0, sizeof(*out));
    if (root == NULL)
        return -1;
    if (!json_is_array(root) || json_array_size(root) > OCI_MANIFESTS_MAX)
        err = err_set(e, 1, "%s is not a JSON array of images", what);
    if (err == 0) {
        out->list = calloc(json_array_size(root) + 1, sizeof(*out->list));
        if (out->list == NULL)
            err = err_set(e, 1, "out of memory");
    }
    for (size_t i = 0; err == 0 && i < json_array_size(root); i++)
        err = parse_docker_image(&c, json_array_get(root, i), &out->list[out->count++]);
    json_decref(root);
    if (err < 0)
        docker_free_manifest(out);
    return err;
}

void docker_free_manifest(struct docker_manifest *m)
{
    for (size_t i = 0; i < m->count; i++) {
        struct docker_image *image = &m->list[i];

        for (size_t k = 0; k < image->ntags; k++)
            free(image->tags[k]);
        for (size_t k = 0; k < image->nlayers; k++)
            free(image->layers[k]);
        free(image->tags);
        free(image->layers);
        free(image->config);
    }
    free(m->list);
    memset(m, 0, sizeof(*m));
}

int64_t oci_parse_time(const char *text)
{
    struct tm tm = {0};
    const char *rest = strptime(text, "%Y-%m-%dT%H:%M:%S", &tm);
    const time_t last_second = INT64_MAX / 1000000000 - 1; /* in 2262 */
    int64_t fraction = 0, scale = 100000000;
    int hours, minutes;
    time_t t;

    if (rest == NULL)
        return 0;
    t = timegm(&tm);
    if (*rest == '.') {
        for (rest++; *rest >= '0' && *rest <= '9'; rest++, scale /= 10)
            fraction += (*rest - '0') * scale;
    }
    if ((*rest == '+' || *rest == '-') && sscanf(rest + 1, "%2d:%2d", &hours, &minutes) == 2)
        t -= (*rest == '+' ? 1 : -1) * (hours * 3600 + minutes * 60);
    if (t < 0 || t > last_second)
        return 0;
    return (int64_t)t * 1000000000 + fraction;
}

/* An array of strings into the record, one key for each. */
static int record_strings(const struct ctx *c, const json_t *object, const char *field,
                          const char *key, struct record_writer *w)
{
    int err = 0;
    const json_t *list = member(c, object, field, JSON_ARRAY, &err);

    for (size_t i = 0; i < json_array_size(list); i++) {
        const char *value = json_string_value(json_array_get(list, i));

        if (value == NULL)
            return bad(c, field, "has an entry that is no string");
        record_add(w, key, value);
    }
    return err;
}

/* An object's keys (sets) or key=value pairs (labels) into the record. */
static int record_object(const struct ctx *c, const json_t *object, const char *field,
                         const char *key, bool with_values, struct record_writer *w)
{
    int err = 0;
    const json_t *set = member(c, object, field, JSON_OBJECT, &err);
    const char *name;
    json_t *value;

    json_object_foreach((json_t *)set, name, value)
    {
        char *pair;

        if (!with_values) {
            record_add(w, key, name);
            continue;
        }
        if (!json_is_string(value))
            return bad(c, field, "has a value that is no string");
        if (asprintf(&pair, "%s=%s", name, json_string_value(value)) < 0)
            return err_set(c->e, 1, "out of memory");
        record_add(w, key, pair);
        free(pair);
    }
    return err;
}

static int record_string(const struct ctx *c, const json_t *object, const char *field,
                         const char *key, struct record_writer *w)
{
    int err = 0;
    const char *value = member_string(c, object, field, &err);

    if (value != NULL && *value != '\0')
        record_add(w, key, value);
    return err;
}

static int parse_process(const struct ctx *c, const json_t *root, struct record_writer *w)
{
    int err = 0;
    const json_t *config = member(c, root, "config", JSON_OBJECT, &err);

    if (config == NULL)
        return err;
    if (record_string(c, config, "User", "user", w) < 0 ||
        record_string(c, config, "WorkingDir", "cwd", w) < 0 ||
        record_string(c, config, "StopSignal", "stopsignal", w) < 0 ||
        record_strings(c, config, "Env", "env", w) < 0 ||
        record_strings(c, config, "Entrypoint", "entrypoint", w) < 0 ||
        record_strings(c, config, "Cmd", "cmd", w) < 0 ||
        record_object(c, config, "Labels", "label", true, w) < 0 ||
        record_object(c, config, "Volumes", "volume", false, w) < 0 ||
        record_object(c, config, "ExposedPorts", "port", false, w) < 0)
        return -1;
    return 0;
}

static int parse_rootfs(const struct ctx *c, const json_t *root, struct oci_config *out)
{
    int err = 0;
    const json_t *rootfs = member(c, root, "rootfs", JSON_OBJECT, &err);
    const json_t *ids = NULL;
    const char *type = NULL;

    if (rootfs != NULL) {
        type = member_string(c, rootfs, "type", &err);
        ids = member(c, rootfs, "diff_ids", JSON_ARRAY, &err);
    }
    if (err < 0)
        return -1;
    if (type == NULL || strcmp(type, "layers") != 0)
        return bad(c, "rootfs.type", "is not \"layers\"");
    if (json_array_size(ids) == 0 || json_array_size(ids) > OCI_LAYERS_MAX)
        return bad(c, "rootfs.diff_ids",
                   json_array_size(ids) == 0 ? "is empty or missing" : "has too many entries");
    for (size_t i = 0; i < json_array_size(ids); i++) {
        const char *id = json_string_value(json_array_get(ids, i));

        if (id == NULL || strncmp(id, "sha256:", 7) != 0 || !ident_is_id(id + 7))
            return bad(c, "rootfs.diff_ids", "has an entry that is no sha256 digest");
        memcpy(out->diff_ids[i], id + 7, DIGEST_HEX + 1);
        out->nlayers++;
    }
    return 0;
}

static int parse_config_root(const struct ctx *c, const json_t *root, struct oci_config *out)
{
    const char *os, *arch, *created;
    int err = 0;

    if (!json_is_object(root))
        return err_set(c->e, 1, "%s is not a JSON object", c->what);
    os = member_string(c, root, "os", &err);
    arch = member_string(c, root, "architecture", &err);
    created = member_string(c, root, "created", &err);
    if (err < 0)
        return -1;
    if (os == NULL || arch == NULL || strcmp(os, "linux") != 0 || strcmp(arch, "amd64") != 0)
        return err_set(c->e, 1, "%s: the image is for %.20s/%.20s; this machine runs linux/amd64",
                       c->what, os == NULL ? "?" : os, arch == NULL ? "?" : arch);
    if (parse_rootfs(c, root, out) < 0 || parse_process(c, root, &out->record) < 0)
        return -1;
    record_add_num(&out->record, "created", created == NULL ? 0 : oci_parse_time(created));
    for (size_t i = 0; i < out->nlayers; i++)
        record_add(&out->record, "layer", out->diff_ids[i]);
    return 0;
}

int oci_parse_config(const char *what, const char *text, size_t len, struct oci_config *out,
                     struct err *e)
{
    struct ctx c = {.what = what, .e = e};
    json_t *root = parse(&c, text, len);
    int err;

    memset(out, 0, sizeof(*out));
    if (root == NULL)
        return -1;
    err = parse_config_root(&c, root, out);
    json_decref(root);
    if (err < 0)
        record_discard(&out->record);
    return err;
}
