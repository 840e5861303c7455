/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

/* Times and sizes the way Docker writes them, and columns. */

/* "5 seconds", "About a minute", "3 hours". */
void human_duration(int64_t ns, char *out, size_t size);
/* "4.26MB" */
void human_size(uint64_t bytes, char *out, size_t size);
/* "2026-11-24T00:03:00.123456789Z"; "0001-01-01T00:00:00Z" for 0, which is never. */
void human_time(int64_t ns, char *out, size_t size);

/* A table whose columns are as wide as their widest cell. The last one is not padded. */
struct table {
    size_t columns, cells, cap;
    char **text; /* row by row; owned */
};

void table_init(struct table *t, size_t columns);
void table_add(struct table *t, const char *cell);
void table_print(struct table *t, FILE *to); /* and frees it */
