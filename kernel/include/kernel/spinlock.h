/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Spinlocks. Every spinlock is taken with interrupts off, so that none can
 * deadlock with an interrupt handler; under one there is no sleeping, no user
 * memory and no guest memory. The order of locks is one list in
 * kernel/README.md; a lock that is not on it is a leaf. (lock_order.h checks it.)
 */
#pragma once

#include <kernel/lock_order.h>
#include <kernel/log.h>
#include <kernel/types.h>
#include <kernel/x86/cpu.h>

struct spinlock {
    uint32_t locked; /* [a] 1 while held */
    uint32_t owner;  /* CPU number + 1 of the holder, for assertions */
    struct lock_class class;
};

#define SPINLOCK_INIT {.locked = 0}

static inline void spin_init(struct spinlock *l)
{
    l->locked = 0;
    l->owner = 0;
    lock_class_set(&l->class, lock_place());
}

static inline bool spin_is_mine(const struct spinlock *l)
{
    return READ_ONCE(l->owner) == cpu_number() + 1;
}
#define assert_locked(l) assert(spin_is_mine(l))

/* Returns the interrupt state to hand to spin_unlock(). */
static inline irqflags_t spin_lock(struct spinlock *l)
{
    irqflags_t flags = irq_save();

    assert(!spin_is_mine(l));
    lock_taken(&l->class, l, LOCK_SPINS, false, lock_place());
    while (__atomic_exchange_n(&l->locked, 1, __ATOMIC_ACQUIRE) != 0) {
        while (READ_ONCE(l->locked) != 0)
            cpu_pause();
    }
    WRITE_ONCE(l->owner, cpu_number() + 1);
    return flags;
}

/* For who has something to do while it waits. Interrupts are off. */
static inline bool spin_trylock_irqs_off(struct spinlock *l)
{
    assert(!spin_is_mine(l));
    if (__atomic_exchange_n(&l->locked, 1, __ATOMIC_ACQUIRE) != 0)
        return false;
    WRITE_ONCE(l->owner, cpu_number() + 1);
    lock_taken(&l->class, l, LOCK_SPINS, true, lock_place());
    return true;
}

static inline void spin_unlock(struct spinlock *l, irqflags_t flags)
{
    lock_dropped(l, LOCK_SPINS);
    WRITE_ONCE(l->owner, 0);
    __atomic_store_n(&l->locked, 0, __ATOMIC_RELEASE);
    irq_restore(flags);
}
