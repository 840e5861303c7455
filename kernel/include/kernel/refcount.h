/* SPDX-License-Identifier: BSD-2-Clause */
/* Reference counts. Overflow and use after the last put are invariants of ours: they panic. */
#pragma once

#include <kernel/log.h>
#include <kernel/types.h>

struct refcount {
    int32_t value; /* [a] */
};

static inline void refcount_init(struct refcount *r, int32_t n)
{
    __atomic_store_n(&r->value, n, __ATOMIC_RELAXED);
}

static inline int32_t refcount_read(const struct refcount *r)
{
    return __atomic_load_n(&r->value, __ATOMIC_RELAXED);
}

static inline void refcount_get(struct refcount *r)
{
    int32_t old = __atomic_fetch_add(&r->value, 1, __ATOMIC_RELAXED);

    assert(old > 0);
    (void)old;
}

/* For lookups: fails on an object whose last reference is gone. */
static inline bool refcount_get_unless_zero(struct refcount *r)
{
    int32_t old = refcount_read(r);

    while (old != 0) {
        if (__atomic_compare_exchange_n(&r->value, &old, old + 1, false, __ATOMIC_ACQUIRE,
                                        __ATOMIC_RELAXED))
            return true;
    }
    return false;
}

/* True when this was the last reference: the caller frees the object. */
static inline bool refcount_put(struct refcount *r)
{
    int32_t old = __atomic_fetch_sub(&r->value, 1, __ATOMIC_ACQ_REL);

    assert(old > 0);
    return old == 1;
}
