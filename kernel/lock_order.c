/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The order of locks, in a debug build: see <kernel/lock_order.h>.
 *
 * A matrix says which class was taken under which, and where first. It only
 * grows; a new entry is the only one that can close a circle, so only then is
 * there a search.
 */
#include <kernel/lock_order.h>

#ifdef KERNEL_DEBUG

#include <kernel/log.h>
#include <kernel/proc.h>
#include <kernel/string.h>
#include <kernel/vm.h>
#include <kernel/x86/cpu.h>
#include <kernel/x86/layout.h>

#define CLASSES_MAX 192

static struct {
    const void *key;
    const char *nests; /* NULL: never two of them */
} classes[CLASSES_MAX];
static uint32_t class_count = 1; /* 0 is none */

/* [table_lock to write] first[a][b]: where b was first taken under a, the address's low half; 0: never. */
static uint32_t first[CLASSES_MAX][CLASSES_MAX];
static bool table_lock; /* not a spinlock: those come here */
static bool is_off;     /* a mistake has been found: what reports it may take any lock */

static struct locks_held spins_held[CPUS_MAX]; /* [that CPU, interrupts off] */

static char chain[1024]; /* how two classes were taken the other way round, one line an order */

static void __noreturn mistake(const char *what, uint32_t class_id, uint32_t outer, const void *place)
{
    is_off = true;
    panic("lock order: %s: class %p, under class %p, at %p%s", what, classes[class_id].key, classes[outer].key, place,
          chain);
}

static irqflags_t table_enter(void)
{
    irqflags_t flags = irq_save();

    while (__atomic_test_and_set(&table_lock, __ATOMIC_ACQUIRE))
        cpu_pause();
    return flags;
}

static void table_leave(irqflags_t flags)
{
    __atomic_clear(&table_lock, __ATOMIC_RELEASE);
    irq_restore(flags);
}

static uint32_t class_of_key(const void *key)
{
    irqflags_t flags = table_enter();
    uint32_t id = 1;

    while (id < class_count && classes[id].key != key)
        id++;
    if (id == class_count && class_count < CLASSES_MAX)
        classes[class_count++].key = key;
    table_leave(flags);
    if (id == CLASSES_MAX)
        mistake("too many classes", 0, 0, key);
    return id;
}

void lock_class_set(struct lock_class *c, const void *key)
{
    c->id = class_of_key(key);
}

void lock_class_nests(struct lock_class *c, const char *order)
{
    classes[c->id].nests = order;
}

void lock_order_init(void);
void lock_order_init(void)
{
    log_info("debug build: the order of locks is checked\n");
}

static const void *place_of(uint32_t low)
{
    return (const void *)(KERNEL_IMAGE | low);
}

/* A chain of orders seen from class `from` to class `to`, each class but the last visited once. */
static bool leads_to(uint32_t from, uint32_t to)
{
    static uint32_t stack[CLASSES_MAX], came_from[CLASSES_MAX]; /* [table_lock] */
    static bool visited[CLASSES_MAX];
    unsigned n = 0;

    for (uint32_t i = 0; i < class_count; i++)
        visited[i] = false;
    stack[n++] = from;
    visited[from] = true;
    while (n > 0) {
        uint32_t at = stack[--n];

        for (uint32_t next = 1; next < class_count; next++) {
            if (first[at][next] == 0 || visited[next])
                continue;
            came_from[next] = at;
            if (next == to) {
                size_t n_chars = 0;

                for (uint32_t i = to; i != from && n_chars < sizeof(chain); i = came_from[i])
                    n_chars += (size_t)snprintf(chain + n_chars, sizeof(chain) - n_chars, "\nbut class %p, under class %p, at %p",
                                                classes[i].key, classes[came_from[i]].key, place_of(first[came_from[i]][i]));
                return true;
            }
            visited[next] = true;
            stack[n++] = next;
        }
    }
    return false;
}

static void add_order(uint32_t outer, uint32_t inner, const void *place)
{
    irqflags_t flags = table_enter();

    if (leads_to(inner, outer))
        mistake("taken in both orders", inner, outer, place);
    first[outer][inner] = (uint32_t)(uintptr_t)place;
    table_leave(flags);
}

static void check_order(const struct locks_held *held, const struct lock_class *c, const void *lock,
                        const void *place)
{
    for (unsigned i = 0; i < held->count; i++) {
        uint32_t outer = held->locks[i].class_id;

        if (held->locks[i].lock == lock)
            mistake("taken by who has it", c->id, outer, place);
        if (outer == c->id && classes[outer].nests == NULL)
            mistake("two of a class without an order", c->id, outer, place);
        if (outer != c->id && first[outer][c->id] == 0)
            add_order(outer, c->id, place);
    }
}

static void push(struct locks_held *held, const void *lock, uint32_t class_id)
{
    if (held->count == LOCKS_HELD_MAX)
        mistake("too many at once", class_id, held->locks[0].class_id, lock);
    held->locks[held->count].lock = lock;
    held->locks[held->count++].class_id = class_id;
}

void lock_taken(struct lock_class *c, const void *lock, enum lock_kind kind, bool tried, const void *place)
{
    struct locks_held *spins = &spins_held[cpu_number()];
    struct thread *t = current;

    if (is_off)
        return;
    if (c->id == 0 && (uintptr_t)c < KERNEL_IMAGE)
        mistake("never initialized", 0, 0, place);
    if (c->id == 0)
        lock_class_set(c, c);
    if (kind == LOCK_SLEEPS && !tried)
        lock_assert_may_sleep();
    if (!tried && t != NULL && !this_cpu()->in_irq)
        check_order(&t->locks_held, c, lock, place);
    if (!tried)
        check_order(spins, c, lock, place);
    if (kind == LOCK_SPINS)
        push(spins, lock, c->id);
    else
        push(&t->locks_held, lock, c->id);
}

void lock_dropped(const void *lock, enum lock_kind kind)
{
    struct locks_held *held = kind == LOCK_SPINS ? &spins_held[cpu_number()] : &current->locks_held;

    for (unsigned i = held->count; i-- > 0;) {
        if (held->locks[i].lock != lock)
            continue;
        for (held->count--; i < held->count; i++)
            held->locks[i] = held->locks[i + 1];
        return;
    }
}

void lock_assert_may_sleep(void)
{
    const struct locks_held *spins = &spins_held[cpu_number()];

    if (!is_off && spins->count > 0)
        mistake("may sleep", 0, spins->locks[0].class_id, __builtin_return_address(0));
}

void lock_assert_may_fault(void)
{
    struct mm *mm = current->mm;

    if (mm == NULL)
        return;
    lock_taken(&mm->lock.class, &mm->lock, LOCK_SLEEPS, false, __builtin_return_address(0));
    lock_dropped(&mm->lock, LOCK_SLEEPS);
}

void lock_assert_none(void)
{
    const struct locks_held *held = &current->locks_held;

    lock_assert_may_sleep();
    if (!is_off && held->count > 0)
        mistake("goes back to user mode", 0, held->locks[0].class_id, __builtin_return_address(0));
}

#endif
