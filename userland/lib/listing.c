/* SPDX-License-Identifier: BSD-2-Clause */
/* Collecting instances for a list. */
#include "listing.h"

#include <stdlib.h>
#include <string.h>

struct collector {
    struct listing *listing;
    bool all;
};

static int collect(struct instance *in, void *arg)
{
    struct collector *c = arg;
    struct listing *l = c->listing;
    struct listing_row *rows = realloc(l->rows, (l->count + 1) * sizeof(*rows)), *row;

    if (rows == NULL)
        die(1, "out of memory");
    l->rows = rows;
    row = &rows[l->count];
    if (instance_read_state(in, &row->state) < 0 || record_load(&row->spec, in->dir, "spec") < 0)
        return 0; /* it has just been removed */
    if (!c->all && row->state.status != STATUS_RUNNING) {
        record_free(&row->spec);
        return 0;
    }
    memcpy(row->id, in->id, sizeof(row->id));
    row->created_ns = record_num(&row->spec, "created", 0);
    l->count++;
    return 0;
}

static int newest_first(const void *a, const void *b)
{
    const struct listing_row *x = a, *y = b;

    return (x->created_ns < y->created_ns) - (x->created_ns > y->created_ns);
}

void listing_collect(struct listing *l, const char *kind, bool all)
{
    struct collector c = {l, all};

    memset(l, 0, sizeof(*l));
    if (instance_each(kind, collect, &c) < 0)
        die(1, "cannot list the %ss", instance_noun(kind));
    if (l->count > 1)
        qsort(l->rows, l->count, sizeof(*l->rows), newest_first);
}

const char *listing_text(const struct listing_row *row, const char *key)
{
    const char *value = record_get(&row->spec, key);

    return value == NULL ? "" : value;
}
