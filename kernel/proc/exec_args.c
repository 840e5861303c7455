/* SPDX-License-Identifier: BSD-2-Clause */
#include "exec_args.h"

#include <kernel/cgroup.h>
#include <kernel/errno.h>
#include <kernel/mm.h>
#include <kernel/string.h>
#include <kernel/uaccess.h>

#define CAPACITY_MIN    2048
#define CAPACITY_MAX    MIB(4)   /* the largest allocation */
#define STRING_MAX      KIB(128) /* of a single one, as on Linux */
#define POINTERS_AT_ONCE 16

static int grow(struct string_list *list, size_t needed)
{
    size_t capacity = max(list->capacity, (size_t)CAPACITY_MIN);
    char *data;

    while (capacity < needed)
        capacity *= 2;
    if (capacity > CAPACITY_MAX)
        return -E2BIG;
    data = kalloc_for(current_cgroup(), capacity);
    if (data == NULL)
        return -ENOMEM;
    memcpy(data, list->data, list->length);
    kfree(list->data);
    list->data = data;
    list->capacity = capacity;
    return 0;
}

void strings_free(struct string_list *list)
{
    kfree(list->data);
    *list = (struct string_list){NULL, 0, 0, 0};
}

int strings_append(struct string_list *list, const char *s)
{
    size_t n = strlen(s) + 1;
    int err = 0;

    if (list->length + n > list->capacity)
        err = grow(list, list->length + n);
    if (err < 0)
        return err;
    memcpy(list->data + list->length, s, n);
    list->length += n;
    list->count++;
    return 0;
}

static int append_from_user(struct string_list *list, uaddr_t s, size_t limit)
{
    for (;;) {
        size_t room = list->capacity - list->length;
        ssize_t n = room == 0 ? -ENAMETOOLONG : strncpy_from_user(list->data + list->length, s, room);
        int err;

        if (n >= 0) {
            list->length += (size_t)n + 1;
            list->count++;
            return (size_t)n >= STRING_MAX || list->length > limit ? -E2BIG : 0;
        }
        if (n != -ENAMETOOLONG)
            return (int)n;
        if (room > STRING_MAX || list->length + room > limit)
            return -E2BIG;
        err = grow(list, list->capacity + 1);
        if (err < 0)
            return err;
    }
}

/* Pointers are read a few at a time: the array ends at a null one, perhaps at the end of memory. */
static int read_pointers(uaddr_t from, uint64_t *pointers, size_t *n)
{
    ssize_t got = copy_from_user_partial(pointers, from, POINTERS_AT_ONCE * sizeof(*pointers));

    if (got < (ssize_t)sizeof(*pointers))
        return -EFAULT;
    *n = (size_t)got / sizeof(*pointers);
    return 0;
}

int strings_from_user(struct string_list *list, uaddr_t from, size_t limit)
{
    uint64_t pointers[POINTERS_AT_ONCE];
    size_t n;
    int err;

    if (from == 0)
        return 0;
    for (;; from += n * sizeof(pointers[0])) {
        err = read_pointers(from, pointers, &n);
        if (err < 0)
            return err;
        for (size_t i = 0; i < n; i++) {
            if (pointers[i] == 0)
                return 0;
            err = append_from_user(list, pointers[i], limit);
            if (err < 0)
                return err;
            if (list->length + list->count * sizeof(uint64_t) > limit)
                return -E2BIG;
        }
    }
}

int strings_from_kernel(struct string_list *list, const char *const *pointers)
{
    for (; *pointers != NULL; pointers++) {
        int err = strings_append(list, *pointers);

        if (err < 0)
            return err;
    }
    return 0;
}

int strings_replace_first(struct string_list *list, const char *a, const char *b, const char *c)
{
    const char *const head[] = {a, b, c};
    struct string_list fresh = {NULL, 0, 0, 0};
    size_t skip = list->count == 0 ? 0 : strlen(list->data) + 1;
    unsigned rest = list->count == 0 ? 0 : list->count - 1;
    int err = 0;

    for (unsigned i = 0; i < ARRAY_SIZE(head) && err == 0; i++) {
        if (head[i] != NULL)
            err = strings_append(&fresh, head[i]);
    }
    if (err == 0 && fresh.length + list->length - skip > fresh.capacity)
        err = grow(&fresh, fresh.length + list->length - skip);
    if (err < 0) {
        strings_free(&fresh);
        return err;
    }
    memcpy(fresh.data + fresh.length, list->data + skip, list->length - skip);
    fresh.length += list->length - skip;
    fresh.count += rest;
    strings_free(list);
    *list = fresh;
    return 0;
}
