/* SPDX-License-Identifier: BSD-2-Clause */
/* Mount option strings; see mount_options.h. */
#include "mount_options.h"

#include <kernel/errno.h>
#include <kernel/string.h>

bool mount_option_next(const char **rest, struct mount_option *out)
{
    const char *p = *rest, *end, *equals;

    while (*p == ',')
        p++;
    if (*p == '\0')
        return false;
    for (end = p; *end != ',' && *end != '\0'; end++)
        continue;
    equals = memchr(p, '=', (size_t)(end - p));
    out->name = p;
    out->name_len = (size_t)((equals != NULL ? equals : end) - p);
    out->value = equals != NULL ? equals + 1 : NULL;
    out->value_len = equals != NULL ? (size_t)(end - equals - 1) : 0;
    *rest = end;
    return true;
}

bool mount_option_is(const struct mount_option *o, const char *name)
{
    return strlen(name) == o->name_len && memcmp(name, o->name, o->name_len) == 0;
}

/* Digits from the start of the value; *used says how many. */
static int leading_number(const struct mount_option *o, unsigned base, uint64_t *out, size_t *used)
{
    uint64_t v = 0;
    size_t i;

    for (i = 0; i < o->value_len; i++) {
        unsigned digit = (unsigned)(o->value[i] - '0');

        if (digit >= base)
            break;
        if (mul_overflows(v, base, &v) || add_overflows(v, digit, &v))
            return -EINVAL;
    }
    *out = v;
    *used = i;
    return i > 0 ? 0 : -EINVAL;
}

int mount_option_number(const struct mount_option *o, unsigned base, uint64_t max, uint64_t *out)
{
    uint64_t v;
    size_t used;

    if (leading_number(o, base, &v, &used) < 0 || used != o->value_len || v > max)
        return -EINVAL;
    *out = v;
    return 0;
}

static int suffix_shift(char c)
{
    switch (c) {
    case 'k':
    case 'K':
        return 10;
    case 'm':
    case 'M':
        return 20;
    case 'g':
    case 'G':
        return 30;
    case 't':
    case 'T':
        return 40;
    }
    return -1;
}

int mount_option_size(const struct mount_option *o, uint64_t total, uint64_t *out)
{
    uint64_t v;
    size_t used;
    int shift;

    if (leading_number(o, 10, &v, &used) < 0)
        return -EINVAL;
    if (used == o->value_len) {
        *out = v;
        return 0;
    }
    if (used + 1 != o->value_len)
        return -EINVAL;
    if (o->value[used] == '%') {
        if (v > 1000)
            return -EINVAL;
        *out = total / 100 * v;
        return 0;
    }
    shift = suffix_shift(o->value[used]);
    if (shift < 0 || v > UINT64_MAX >> shift)
        return -EINVAL;
    *out = v << shift;
    return 0;
}
