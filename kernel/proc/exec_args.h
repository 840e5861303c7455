/* SPDX-License-Identifier: BSD-2-Clause */
/* The strings of execve(2): argv and envp, copied out of the old program before it goes. */
#pragma once

#include <kernel/types.h>

/* Strings one after the other, each with its NUL. */
struct string_list {
    char *data; /* kfree() */
    size_t length, capacity;
    unsigned count;
};

/* [0] and up to a null pointer; either kind. `limit` bytes in all: -E2BIG. */
int strings_from_user(struct string_list *list, uaddr_t pointers, size_t limit);
int strings_from_kernel(struct string_list *list, const char *const *pointers);
int strings_append(struct string_list *list, const char *s);
/* Replaces the first string (if there is one) by these; NULL ones are left out. */
int strings_replace_first(struct string_list *list, const char *a, const char *b, const char *c);
void strings_free(struct string_list *list);
