/* SPDX-License-Identifier: BSD-2-Clause */
/* The first line of a script, "#! interpreter [argument]": execve(2). Pure, unit-tested on the host. */
#pragma once

#include <kernel/types.h>

struct script_line {
    char *interpreter; /* both point into the buffer, NUL-terminated */
    char *argument;    /* the rest of the line in one piece; NULL: none */
};

static inline bool script_is_blank(char c)
{
    return c == ' ' || c == '\t';
}

/* `buf` holds the file's first n bytes and has room for one more. False: no script, or a name cut off. */
static inline bool script_parse(char *buf, size_t n, struct script_line *out)
{
    char *end, *p = buf + 2, *name_end;
    bool has_newline = false;

    if (n < 2 || buf[0] != '#' || buf[1] != '!')
        return false;
    for (end = p; end < buf + n; end++) {
        if (*end == '\n' || *end == '\0') {
            has_newline = true;
            break;
        }
    }
    while (end > p && script_is_blank(end[-1]))
        end--;
    while (p < end && script_is_blank(*p))
        p++;
    if (p == end)
        return false;
    for (name_end = p; name_end < end && !script_is_blank(*name_end); name_end++)
        ;
    /* Of a longer line the argument may be cut off, the interpreter's name may not. */
    if (!has_newline && name_end == buf + n && n >= 256)
        return false;
    *end = '\0';
    out->interpreter = p;
    out->argument = NULL;
    if (name_end < end) {
        *name_end = '\0';
        for (p = name_end + 1; script_is_blank(*p); p++)
            ;
        out->argument = p;
    }
    return true;
}
