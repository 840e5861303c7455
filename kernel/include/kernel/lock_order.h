/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The order of locks, checked while the kernel runs: only in the kernel that
 * `make debug` builds; in the other one nothing of this is left. It is learnt, and
 * has to be without circles; the list in kernel/README.md is for people.
 *
 * Locks that are made at one place in the code are one class. When a lock is
 * taken while others are held, its class comes after theirs from then on. Taking
 * two classes in both orders, even by way of others and even if the threads never
 * met, is a panic that names the places; so are two locks of one class (but where
 * their own order is said: lock_class_nests()), a lock that is taken again by who
 * has it, sleeping under a spinlock, and going back to user mode with any lock.
 *
 * One CPU never shows a mistake in this: its threads cannot meet in a spinlock.
 */
#pragma once

#include <kernel/types.h>

enum lock_kind { LOCK_SPINS, LOCK_SLEEPS };

#ifdef KERNEL_DEBUG

#define LOCKS_HELD_MAX 24

struct lock_class {
    uint32_t id; /* 0: a static lock that has not been taken yet, a class by itself */
};

struct locks_held {
    unsigned count;
    struct {
        const void *lock;
        uint32_t class_id;
    } locks[LOCKS_HELD_MAX];
};

/* A lock's class is `key`: the place that makes it, or what tells two kinds apart that one place makes. */
void lock_class_set(struct lock_class *c, const void *key);
/* Several locks of this class may be held; `order` says which of them comes first. */
void lock_class_nests(struct lock_class *c, const char *order);

/* Before the lock is there: `place` is what takes it. A lock that was only tried for cannot deadlock. */
void lock_taken(struct lock_class *c, const void *lock, enum lock_kind kind, bool tried, const void *place);
void lock_dropped(const void *lock, enum lock_kind kind);

void lock_assert_may_sleep(void);
void lock_assert_may_fault(void); /* a page of the program may have to be brought in, under mm->lock */
void lock_assert_none(void);

/* Where this code is. */
static inline const void *lock_place(void)
{
    const void *here;

    __asm__ volatile("lea 0(%%rip), %0" : "=r"(here));
    return here;
}

#else

struct lock_class {
};
struct locks_held {
};

static inline void lock_class_set(struct lock_class *c, const void *key)
{
    (void)c;
    (void)key;
}

static inline void lock_class_nests(struct lock_class *c, const char *order)
{
    (void)c;
    (void)order;
}

static inline void lock_taken(struct lock_class *c, const void *lock, enum lock_kind kind, bool tried,
                              const void *place)
{
    (void)c;
    (void)lock;
    (void)kind;
    (void)tried;
    (void)place;
}

static inline void lock_dropped(const void *lock, enum lock_kind kind)
{
    (void)lock;
    (void)kind;
}

static inline const void *lock_place(void)
{
    return NULL;
}

static inline void lock_assert_may_sleep(void)
{
}

static inline void lock_assert_may_fault(void)
{
}

static inline void lock_assert_none(void)
{
}

#endif
