/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What one user holds in all its processes together of things that are limited
 * per user, not per cgroup: pipe buffers, files in messages. (kernel/fs/user_account.c)
 */
#pragma once

#include <kernel/cred.h>
#include <kernel/list.h>

struct user_account {
    struct list_node link;    /* [accounts_lock] */
    uint64_t refs;            /* [accounts_lock] */
    kuid_t uid;               /* [I] */
    uint64_t pipe_slots;      /* [a] pages that its pipes may hold */
    uint64_t files_in_flight; /* [a] in messages that nobody has received */
};

struct user_account *user_account_get(kuid_t uid); /* found or made, counted; NULL: no memory */
void user_account_hold(struct user_account *u);    /* one more reference */
void user_account_put(struct user_account *u);
/* Adds unless the sum would be over the limit: false. */
bool user_account_add(uint64_t *counter, uint64_t n, uint64_t limit);
void user_account_sub(uint64_t *counter, uint64_t n);
