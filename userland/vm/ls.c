/* SPDX-License-Identifier: BSD-2-Clause */
/* vm ls. */
#include "cmds.h"

#include "../lib/human.h"
#include "../lib/listing.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static bool all, quiet;

const struct opt ls_opts[] = {
    {"all", 'a', OPT_FLAG, &all, NULL, "Show all VMs (otherwise: those running)"},
    {"quiet", 'q', OPT_FLAG, &quiet, NULL, "Only IDs"},
    {0},
};

/* "Crashed 5 seconds ago (triple fault)" */
static void format_end(const char *word, const struct instance_state *s, char *out, size_t size)
{
    char ago[40];

    human_duration(instance_now_ns() - s->finished_ns, ago, sizeof(ago));
    snprintf(out, size, "%s %s ago%s%s%s", word, ago, s->reason[0] != '\0' ? " (" : "", s->reason,
             s->reason[0] != '\0' ? ")" : "");
}

static void format_status(const struct instance_state *s, char *out, size_t size)
{
    char text[40];

    switch (s->status) {
    case STATUS_CREATED:
        snprintf(out, size, "Created");
        break;
    case STATUS_RUNNING:
        human_duration(instance_now_ns() - s->started_ns, text, sizeof(text));
        snprintf(out, size, "Up %s", text);
        break;
    case STATUS_KILLED:
        format_end("Killed", s, out, size);
        break;
    case STATUS_CRASHED:
        format_end("Crashed", s, out, size);
        break;
    case STATUS_EXITED:
        snprintf(text, sizeof(text), "Exited (%d)", s->exit_status);
        format_end(text, s, out, size);
        break;
    }
}

static void add_row(struct table *t, const struct listing_row *row)
{
    char id[ID_SHORT + 1], memory[32], ago[40], created[48], status[320];

    snprintf(id, sizeof(id), "%.*s", ID_SHORT, row->id);
    snprintf(memory, sizeof(memory), "%lldMiB", (long long)record_num(&row->spec, "memory_mib", 0));
    human_duration(instance_now_ns() - row->created_ns, ago, sizeof(ago));
    snprintf(created, sizeof(created), "%s ago", ago);
    format_status(&row->state, status, sizeof(status));
    table_add(t, id);
    table_add(t, listing_text(row, "guest"));
    table_add(t, memory);
    table_add(t, created);
    table_add(t, status);
    table_add(t, listing_text(row, "name"));
}

int cmd_ls(int argc, char **argv)
{
    static const char *const titles[] = {"VM ID", "GUEST", "MEMORY", "CREATED", "STATUS", "NAMES"};
    enum { COLUMNS = sizeof(titles) / sizeof(titles[0]) };
    struct listing list;
    struct table t;

    (void)argc;
    (void)argv;
    listing_collect(&list, "vm", all);
    table_init(&t, COLUMNS);
    for (size_t i = 0; i < COLUMNS; i++)
        table_add(&t, titles[i]);
    for (size_t i = 0; i < list.count; i++) {
        if (quiet)
            printf("%.*s\n", ID_SHORT, list.rows[i].id);
        else
            add_row(&t, &list.rows[i]);
    }
    if (!quiet)
        table_print(&t, stdout);
    return 0;
}
