/* SPDX-License-Identifier: BSD-2-Clause */
/* ct ps, ct images. */
#include "cmds.h"

#include "image.h"

#include "../lib/human.h"
#include "../lib/listing.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { COMMAND_WIDTH = 20 };

static bool all, quiet, no_trunc;

const struct opt ps_opts[] = {
    {"all", 'a', OPT_FLAG, &all, NULL, "Show all containers (otherwise: those running)"},
    {"quiet", 'q', OPT_FLAG, &quiet, NULL, "Only IDs"},
    {"no-trunc", 0, OPT_FLAG, &no_trunc, NULL, "Do not shorten"},
    {0},
};

/* "sh -c 'ech..." in double quotes. */
static void format_command(const struct record *spec, char *out, size_t size)
{
    char text[1024];
    size_t len = 0;

    for (const char *a = record_get(spec, "arg"); a != NULL && len < sizeof(text);
         a = record_next(spec, "arg", a))
        len += (size_t)snprintf(text + len, sizeof(text) - len, "%s%s", len == 0 ? "" : " ", a);
    for (char *p = text; *p != '\0'; p++) {
        if ((unsigned char)*p < ' ')
            *p = ' ';
    }
    if (!no_trunc && strlen(text) > COMMAND_WIDTH - 2)
        snprintf(out, size, "\"%.*s...\"", COMMAND_WIDTH - 5, text);
    else
        snprintf(out, size, "\"%s\"", text);
}

static void format_status(const struct instance_state *s, char *out, size_t size)
{
    char ago[40];

    switch (s->status) {
    case STATUS_CREATED:
        snprintf(out, size, "Created");
        break;
    case STATUS_RUNNING:
        human_duration(instance_now_ns() - s->started_ns, ago, sizeof(ago));
        snprintf(out, size, "Up %s", ago);
        break;
    default:
        human_duration(instance_now_ns() - s->finished_ns, ago, sizeof(ago));
        snprintf(out, size, "Exited (%d) %s ago%s", s->exit_status, ago,
                 s->oom_killed ? ", out of memory" : "");
    }
}

static void shorten(const char *id, char out[ID_LEN + 1])
{
    snprintf(out, ID_LEN + 1, "%.*s", no_trunc ? (int)ID_LEN : (int)ID_SHORT, id);
}

static void add_row(struct table *t, const struct listing_row *row)
{
    char id[ID_LEN + 1], command[1100], ago[40], created[48], status[80];

    shorten(row->id, id);
    format_command(&row->spec, command, sizeof(command));
    human_duration(instance_now_ns() - row->created_ns, ago, sizeof(ago));
    snprintf(created, sizeof(created), "%s ago", ago);
    format_status(&row->state, status, sizeof(status));
    table_add(t, id);
    table_add(t, listing_text(row, "image"));
    table_add(t, command);
    table_add(t, created);
    table_add(t, status);
    table_add(t, "");
    table_add(t, listing_text(row, "name"));
}

int cmd_ps(int argc, char **argv)
{
    static const char *const titles[] = {"CONTAINER ID", "IMAGE", "COMMAND", "CREATED",
                                         "STATUS",       "PORTS", "NAMES"};
    enum { COLUMNS = sizeof(titles) / sizeof(titles[0]) };
    struct listing list;
    struct table t;

    (void)argc;
    (void)argv;
    listing_collect(&list, "ct", all);
    table_init(&t, COLUMNS);
    for (size_t i = 0; i < COLUMNS; i++)
        table_add(&t, titles[i]);
    for (size_t i = 0; i < list.count; i++) {
        char id[ID_LEN + 1];

        shorten(list.rows[i].id, id);
        if (quiet)
            puts(id);
        else
            add_row(&t, &list.rows[i]);
    }
    if (!quiet)
        table_print(&t, stdout);
    return 0;
}

/* ---- images -------------------------------------------------------------------------------- */

const struct opt images_opts[] = {
    {"quiet", 'q', OPT_FLAG, &quiet, NULL, "Only IDs"},
    {"no-trunc", 0, OPT_FLAG, &no_trunc, NULL, "Do not shorten"},
    {0},
};

struct image_row {
    char ref[REF_MAX], id[ID_LEN + 1];
    int64_t created_ns, size;
};

struct image_rows {
    struct image_row *list;
    size_t count;
    const char *only; /* a repository, or NULL */
};

static int add_image(const char *ref, const char *id, void *arg)
{
    struct image_rows *rows = arg;
    struct image_row *list, *row;
    struct record r;

    if (rows->only != NULL && strcmp(ref, rows->only) != 0 &&
        (strncmp(ref, rows->only, strlen(rows->only)) != 0 ||
         ref_repository_len(ref) != (int)strlen(rows->only)))
        return 0;
    if (image_load_record(id, &r) < 0)
        return 0;
    list = realloc(rows->list, (rows->count + 1) * sizeof(*list));
    if (list == NULL)
        die(1, "out of memory");
    rows->list = list;
    row = &list[rows->count++];
    snprintf(row->ref, sizeof(row->ref), "%s", ref);
    memcpy(row->id, id, sizeof(row->id));
    row->created_ns = record_num(&r, "created", 0);
    row->size = record_num(&r, "size", 0);
    record_free(&r);
    return 0;
}

static int add_untagged(const char *id, void *arg)
{
    struct image_rows *rows = arg;

    for (size_t i = 0; i < rows->count; i++) {
        if (strcmp(rows->list[i].id, id) == 0)
            return 0;
    }
    return rows->only == NULL ? add_image("<none>:<none>", id, rows) : 0;
}

static int newest_image_first(const void *a, const void *b)
{
    const struct image_row *x = a, *y = b;

    if (x->created_ns != y->created_ns)
        return x->created_ns < y->created_ns ? 1 : -1;
    return strcmp(x->ref, y->ref);
}

int cmd_images(int argc, char **argv)
{
    static const char *const titles[] = {"REPOSITORY", "TAG", "IMAGE ID", "CREATED", "SIZE"};
    enum { COLUMNS = sizeof(titles) / sizeof(titles[0]) };
    struct image_rows rows = {.only = argc > 0 ? argv[0] : NULL};
    struct table t;

    image_preload_all();
    (void)image_each_tag(add_image, &rows);
    (void)image_each(add_untagged, &rows);
    qsort(rows.list, rows.count, sizeof(*rows.list), newest_image_first);
    table_init(&t, COLUMNS);
    for (size_t i = 0; i < COLUMNS; i++)
        table_add(&t, titles[i]);
    for (size_t i = 0; i < rows.count; i++) {
        struct image_row *row = &rows.list[i];
        char id[ID_LEN + 8], ago[40], created[48] = "N/A", size[24];
        int repository = ref_repository_len(row->ref);
        const char *tag;

        snprintf(id, sizeof(id), no_trunc ? "sha256:%s" : "%.12s", row->id);
        if (quiet) {
            puts(id);
            continue;
        }
        human_duration(instance_now_ns() - row->created_ns, ago, sizeof(ago));
        if (row->created_ns != 0)
            snprintf(created, sizeof(created), "%s ago", ago);
        human_size((uint64_t)row->size, size, sizeof(size));
        tag = ref_digest(row->ref) == NULL ? row->ref + repository + 1 : "<none>";
        row->ref[repository] = '\0';
        table_add(&t, row->ref);
        table_add(&t, tag);
        table_add(&t, id);
        table_add(&t, created);
        table_add(&t, size);
    }
    if (!quiet)
        table_print(&t, stdout);
    return 0;
}
