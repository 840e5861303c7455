/* SPDX-License-Identifier: BSD-2-Clause */
/* Output for people, as Docker users know it. */
#include "human.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

enum {
    MINUTE = 60,
    HOUR = 60 * MINUTE,
    DAY = 24 * HOUR,
    WEEK = 7 * DAY,
    MONTH = 30 * DAY,
    YEAR = 365 * DAY
};

void human_duration(int64_t ns, char *out, size_t size)
{
    long long s = ns < 0 ? 0 : ns / 1000000000;

    if (s < 1)
        snprintf(out, size, "Less than a second");
    else if (s == 1)
        snprintf(out, size, "1 second");
    else if (s < MINUTE)
        snprintf(out, size, "%lld seconds", s);
    else if (s < 2 * MINUTE)
        snprintf(out, size, "About a minute");
    else if (s < HOUR)
        snprintf(out, size, "%lld minutes", s / MINUTE);
    else if (s < 3 * HOUR / 2)
        snprintf(out, size, "About an hour");
    else if (s < 2 * DAY)
        snprintf(out, size, "%lld hours", (s + HOUR / 2) / HOUR);
    else if (s < 2 * WEEK)
        snprintf(out, size, "%lld days", s / DAY);
    else if (s < 2 * MONTH)
        snprintf(out, size, "%lld weeks", s / WEEK);
    else if (s < 2 * (long long)YEAR)
        snprintf(out, size, "%lld months", s / MONTH);
    else
        snprintf(out, size, "%lld years", s / YEAR);
}

void human_size(uint64_t bytes, char *out, size_t size)
{
    static const char *const units[] = {"B", "kB", "MB", "GB", "TB", "PB", "EB"};
    double value = (double)bytes;
    size_t unit = 0;

    while (value >= 1000 && unit + 1 < sizeof(units) / sizeof(units[0])) {
        value /= 1000;
        unit++;
    }
    snprintf(out, size, "%.3g%s", value, units[unit]);
}

void human_time(int64_t ns, char *out, size_t size)
{
    time_t s = (time_t)(ns / 1000000000);
    struct tm tm;
    size_t len;

    if (ns == 0) {
        snprintf(out, size, "0001-01-01T00:00:00Z");
        return;
    }
    gmtime_r(&s, &tm);
    len = strftime(out, size, "%Y-%m-%dT%H:%M:%S", &tm);
    snprintf(out + len, size - len, ".%09lldZ", (long long)(ns % 1000000000));
}

void table_init(struct table *t, size_t columns)
{
    memset(t, 0, sizeof(*t));
    t->columns = columns;
}

void table_add(struct table *t, const char *cell)
{
    if (t->cells == t->cap) {
        size_t cap = t->cap == 0 ? 64 : 2 * t->cap;
        char **text = realloc(t->text, cap * sizeof(*text));

        if (text == NULL)
            abort();
        t->text = text;
        t->cap = cap;
    }
    t->text[t->cells] = strdup(cell);
    if (t->text[t->cells++] == NULL)
        abort();
}

void table_print(struct table *t, FILE *to)
{
    enum { GAP = 3 };

    for (size_t i = 0; i < t->cells; i++) {
        size_t column = i % t->columns, width = 0;

        for (size_t k = column; k < t->cells; k += t->columns) {
            size_t len = strlen(t->text[k]);

            width = len > width ? len : width;
        }
        if (column + 1 == t->columns)
            fprintf(to, "%s\n", t->text[i]);
        else
            fprintf(to, "%-*s", (int)width + GAP, t->text[i]);
    }
    for (size_t i = 0; i < t->cells; i++)
        free(t->text[i]);
    free(t->text);
    memset(t, 0, sizeof(*t));
}
