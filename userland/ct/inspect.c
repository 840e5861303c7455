/* SPDX-License-Identifier: BSD-2-Clause */
/* ct inspect: a container or an image as JSON, in Docker's shape. */
#include "cmds.h"

#include "image.h"

#include "../lib/human.h"

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char *format;

const struct opt inspect_opts[] = {
    {"format", 'f', OPT_STRING, &format, "string", "One field, as {{.State.Status}}"},
    {0},
};

static json_t *list_of(const struct record *r, const char *key)
{
    json_t *list = json_array();

    for (const char *v = record_get(r, key); v != NULL; v = record_next(r, key, v))
        json_array_append_new(list, json_string(v));
    return list;
}

static json_t *null_or_list(const struct record *r, const char *key)
{
    return record_get(r, key) == NULL ? json_null() : list_of(r, key);
}

static json_t *labels_of(const struct record *r)
{
    json_t *labels = json_object();

    for (const char *v = record_get(r, "label"); v != NULL; v = record_next(r, "label", v)) {
        const char *equals = strchr(v, '=');
        char *key = strndup(v, equals == NULL ? strlen(v) : (size_t)(equals - v));

        json_object_set_new(labels, key, json_string(equals == NULL ? "" : equals + 1));
        free(key);
    }
    return labels;
}

static json_t *time_of(int64_t ns)
{
    char text[48];

    human_time(ns, text, sizeof(text));
    return json_string(text);
}

static json_t *sha256_of(const char *id)
{
    return json_sprintf("sha256:%s", id);
}

static json_t *string_of(const struct record *r, const char *key)
{
    const char *value = record_get(r, key);

    return json_string(value == NULL ? "" : value);
}

static json_t *state_of(const struct instance_state *s)
{
    static const char *const names[] = {
        [STATUS_CREATED] = "created", [STATUS_RUNNING] = "running", [STATUS_EXITED] = "exited",
        [STATUS_KILLED] = "exited",   [STATUS_CRASHED] = "exited",
    };

    return json_pack("{s:s, s:b, s:b, s:b, s:b, s:b, s:i, s:i, s:s, s:o, s:o}", "Status",
                     names[s->status], "Running", s->status == STATUS_RUNNING, "Paused", 0,
                     "Restarting", 0, "OOMKilled", (int)s->oom_killed, "Dead", 0, "Pid", s->pid,
                     "ExitCode", s->exit_status, "Error", s->reason, "StartedAt",
                     time_of(s->started_ns), "FinishedAt", time_of(s->finished_ns));
}

static json_t *mounts_of(const struct record *spec, json_t *binds)
{
    json_t *mounts = json_array();

    for (const char *m = record_get(spec, "mount"); m != NULL; m = record_next(spec, "mount", m)) {
        const char *newline = strchr(m, '\n');

        if (m[0] == 't') {
            json_array_append_new(mounts, json_pack("{s:s, s:s%}", "Type", "tmpfs", "Destination",
                                                    m + 2, strcspn(m + 2, ":")));
            continue;
        }
        if (newline == NULL)
            continue;
        json_array_append_new(mounts, json_pack("{s:s, s:s%, s:s, s:b}", "Type", "bind", "Source",
                                                m + 3, (size_t)(newline - m - 3), "Destination",
                                                newline + 1, "RW", m[1] == 'w'));
        json_array_append_new(
            binds, json_sprintf("%.*s:%s:%.2s", (int)(newline - m - 3), m + 3, newline + 1, m));
    }
    return mounts;
}

/* {"/where": "options"} */
static json_t *tmpfs_of(const struct record *spec)
{
    json_t *all = json_object();

    for (const char *m = record_get(spec, "mount"); m != NULL; m = record_next(spec, "mount", m)) {
        size_t len = strcspn(m, ":");
        char *where;

        if (m[0] != 't')
            continue;
        where = strndup(m + 2, len - 2);
        json_object_set_new(all, where, json_string(m[len] == ':' ? m + len + 1 : ""));
        free(where);
    }
    return all;
}

static json_t *container_json(struct instance *in)
{
    struct instance_state state;
    struct record spec;
    json_t *args, *binds = json_array(), *config, *host, *root;
    char signal[16];

    if (instance_read_state(in, &state) < 0 || record_load(&spec, in->dir, "spec") < 0)
        return NULL;
    args = list_of(&spec, "arg");
    json_array_remove(args, 0);
    snprintf(signal, sizeof(signal), "%lld", (long long)record_num(&spec, "stopsignal", 15));
    config = json_pack("{s:o, s:o, s:b, s:b, s:o, s:o, s:o, s:o, s:o, s:s}", "Hostname",
                       string_of(&spec, "hostname"), "User", string_of(&spec, "user"), "Tty",
                       record_flag(&spec, "tty"), "OpenStdin", record_flag(&spec, "stdin"), "Env",
                       list_of(&spec, "env"), "Cmd", list_of(&spec, "arg"), "Image",
                       string_of(&spec, "image"), "WorkingDir", string_of(&spec, "cwd"), "Labels",
                       labels_of(&spec), "StopSignal", signal);
    root =
        json_pack("{s:s, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o}", "Id", in->id, "Created",
                  time_of(record_num(&spec, "created", 0)), "Path", string_of(&spec, "arg"), "Args",
                  args, "State", state_of(&state), "Image", sha256_of(record_get(&spec, "imageid")),
                  "Name", json_sprintf("/%s", record_get(&spec, "name")), "Mounts",
                  mounts_of(&spec, binds), "Config", config);
    host = json_pack("{s:I, s:I, s:b, s:b, s:o, s:o}", "Memory",
                     (json_int_t)record_num(&spec, "memory", 0), "PidsLimit",
                     (json_int_t)record_num(&spec, "pids", 0), "ReadonlyRootfs",
                     record_flag(&spec, "readonly"), "AutoRemove", record_flag(&spec, "rm"),
                     "Binds", binds, "Tmpfs", tmpfs_of(&spec));
    json_object_set_new(root, "HostConfig", host);
    record_free(&spec);
    return root;
}

struct tag_search {
    const struct image *image;
    json_t *tags, *digests;
};

static void add_digest(json_t *list, const char *ref, const char *digest)
{
    json_t *name = json_sprintf("%.*s@sha256:%s", ref_repository_len(ref), ref, digest);

    for (size_t i = 0; i < json_array_size(list); i++) {
        if (json_equal(json_array_get(list, i), name)) {
            json_decref(name); /* it has another tag of this repository */
            return;
        }
    }
    json_array_append_new(list, name);
}

static int add_tag(const char *ref, const char *id, void *arg)
{
    struct tag_search *s = arg;
    const struct record *r = &s->image->record;

    if (strcmp(id, s->image->id) != 0)
        return 0;
    if (ref_digest(ref) == NULL)
        json_array_append_new(s->tags, json_string(ref));
    for (const char *d = record_get(r, "digest"); d != NULL; d = record_next(r, "digest", d))
        add_digest(s->digests, ref, d);
    return 0;
}

static json_t *image_json(const struct image *image)
{
    struct tag_search s = {image, json_array(), json_array()};
    const struct record *r = &image->record;
    json_t *layers = json_array(), *config;

    (void)image_each_tag(add_tag, &s);
    for (const char *l = record_get(r, "layer"); l != NULL; l = record_next(r, "layer", l))
        json_array_append_new(layers, sha256_of(l));
    config = json_pack("{s:o, s:o, s:o, s:o, s:o, s:o, s:o}", "User", string_of(r, "user"), "Env",
                       list_of(r, "env"), "Cmd", null_or_list(r, "cmd"), "Entrypoint",
                       null_or_list(r, "entrypoint"), "WorkingDir", string_of(r, "cwd"), "Labels",
                       labels_of(r), "StopSignal", string_of(r, "stopsignal"));
    return json_pack("{s:o, s:o, s:o, s:o, s:s, s:s, s:I, s:o, s:{s:s, s:o}}", "Id",
                     sha256_of(image->id), "RepoTags", s.tags, "RepoDigests", s.digests, "Created",
                     time_of(record_num(r, "created", 0)), "Architecture", "amd64", "Os", "linux",
                     "Size", (json_int_t)record_num(r, "size", 0), "Config", config, "RootFS",
                     "Type", "layers", "Layers", layers);
}

/* Replaces each {{.A.B}} by that field. */
static int print_format(const json_t *root)
{
    const char *p = format;

    while (*p != '\0') {
        const json_t *value = root;
        char path[200], *walk = path, *key;
        const char *end;

        if (strncmp(p, "{{", 2) != 0) {
            putchar(*p++);
            continue;
        }
        end = strstr(p, "}}");
        p += 2 + strspn(p + 2, " ");
        if (end == NULL || *p != '.' || end - p >= (long)sizeof(path))
            die(1, "invalid format \"%s\": only fields like {{.State.Status}} are supported",
                format);
        snprintf(path, sizeof(path), "%.*s", (int)(end - p - 1), p + 1);
        path[strcspn(path, " ")] = '\0';
        while (value != NULL && (key = strsep(&walk, ".")) != NULL) {
            if (*key != '\0')
                value = json_object_get(value, key);
        }
        if (value == NULL)
            die(1, "there is no field \"%.*s\"", (int)(end - p), p);
        if (json_is_string(value))
            fputs(json_string_value(value), stdout);
        else
            json_dumpf(value, stdout, JSON_COMPACT | JSON_ENCODE_ANY);
        p = end + 2;
    }
    putchar('\n');
    return 0;
}

int cmd_inspect(int argc, char **argv)
{
    json_t *found = json_array();
    int status = 0;

    for (int i = 0; i < argc; i++) {
        struct instance in;
        struct image image;
        struct err e;
        json_t *one = NULL;

        if (instance_find(&in, "ct", argv[i], &e) == 0) {
            one = container_json(&in);
            instance_close(&in);
        } else if (image_find(&image, argv[i], &e) == 0) {
            one = image_json(&image);
            image_free(&image);
        }
        if (one == NULL) {
            warn("no such container or image: %s", argv[i]);
            status = 1;
        } else if (format != NULL) {
            print_format(one);
        } else {
            json_array_append_new(found, one);
        }
    }
    if (format == NULL) {
        json_dumpf(found, stdout, JSON_INDENT(4));
        putchar('\n');
    }
    return status;
}
