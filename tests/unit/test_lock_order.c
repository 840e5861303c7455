/* SPDX-License-Identifier: BSD-2-Clause */
/* The order of locks as a debug build checks it: what is a mistake, what is none. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "kernel/lock_order.c"
#include <kernel/spinlock.h>
#include <kernel/string.h>

static struct cpu cpus[2] = {{.number = 0}, {.number = 1}};
struct cpu *host_cpu = &cpus[0];
static struct thread threads[2];
struct thread *host_thread = &threads[0];

static jmp_buf panicked;
static const char *report;

void panic(const char *fmt, ...)
{
    va_list ap;

    va_start(ap, fmt);
    report = va_arg(ap, const char *); /* what is wrong */
    va_end(ap);
    longjmp(panicked, 1);
}

void log_print(enum log_level level, const char *fmt, ...)
{
    (void)level;
    (void)fmt;
}

static unsigned lines_in(const char *text)
{
    unsigned n = 0;

    while (*text != '\0')
        n += *text++ == '\n';
    return n;
}

#define assert_panics(call, text)                                                                  \
    do {                                                                                           \
        if (setjmp(panicked) == 0) {                                                               \
            call;                                                                                  \
            fail_msg("no panic");                                                                  \
        }                                                                                          \
        assert_string_equal(report, text);                                                         \
    } while (0)

/* A lock is known by its address alone. */
static struct lock {
    struct lock_class class;
} a, b, c, a2, a3;

static int begin(void **state)
{
    (void)state;
    memset(first, 0, sizeof(first));
    memset(classes, 0, sizeof(classes));
    memset(spins_held, 0, sizeof(spins_held));
    memset(threads, 0, sizeof(threads));
    class_count = 1;
    is_off = table_lock = false;
    chain[0] = '\0';
    host_cpu = &cpus[0];
    host_thread = &threads[0];
    lock_class_set(&a.class, "a");
    lock_class_set(&b.class, "b");
    lock_class_set(&c.class, "c");
    a3.class = a2.class = a.class;
    return 0;
}

static void spin(struct lock *l)
{
    lock_taken(&l->class, l, LOCK_SPINS, false, l);
}

static void unspin(struct lock *l)
{
    lock_dropped(l, LOCK_SPINS);
}

static void sleepy(struct lock *l)
{
    lock_taken(&l->class, l, LOCK_SLEEPS, false, l);
}

static void unsleepy(struct lock *l)
{
    lock_dropped(l, LOCK_SLEEPS);
}

static void a_then_b(void)
{
    spin(&a);
    spin(&b);
    unspin(&b);
    unspin(&a);
}

static void one_order_is_fine(void **state)
{
    (void)state;
    for (int i = 0; i < 3; i++) {
        spin(&a);
        spin(&b);
        spin(&c);
        unspin(&a); /* in whatever order they are given back */
        unspin(&c);
        unspin(&b);
        spin(&a);
        spin(&c);
        unspin(&c);
        unspin(&a);
    }
    lock_assert_none();
}

static void both_orders_are_a_mistake(void **state)
{
    (void)state;
    a_then_b();
    spin(&b);
    assert_panics(spin(&a), "taken in both orders");
    assert_int_equal(lines_in(chain), 1);
}

static void a_circle_of_three_is_a_mistake(void **state)
{
    (void)state;
    sleepy(&a);
    sleepy(&b);
    unsleepy(&b);
    unsleepy(&a);
    host_thread = &threads[1];
    sleepy(&b);
    spin(&c);
    unspin(&c);
    unsleepy(&b);
    host_thread = &threads[0];
    lock_taken(&c.class, &c, LOCK_SLEEPS, false, &c);
    assert_panics(sleepy(&a), "taken in both orders");
    assert_int_equal(lines_in(chain), 2); /* c under b, b under a */
}

static void a_class_has_no_order_but_its_own(void **state)
{
    (void)state;
    sleepy(&a);
    assert_panics(sleepy(&a2), "two of a class without an order");
    assert_int_equal(begin(NULL), 0);
    lock_class_nests(&a.class, "by address");
    sleepy(&a);
    sleepy(&a2);
    assert_panics(sleepy(&a2), "taken by who has it");
}

static void trying_is_no_order(void **state)
{
    (void)state;
    a_then_b();
    spin(&b);
    lock_taken(&a.class, &a, LOCK_SPINS, true, &a);
    spin(&c); /* but what comes under it is */
    unspin(&c);
    unspin(&a);
    unspin(&b);
    spin(&c);
    assert_panics(spin(&a), "taken in both orders");
}

static void cpus_and_threads_hold_their_own(void **state)
{
    (void)state;
    spin(&a);
    host_cpu = &cpus[1];
    spin(&b); /* a is the other CPU's */
    unspin(&b);
    host_cpu = &cpus[0];
    unspin(&a);
    spin(&b);
    spin(&a);
    unspin(&a);
    unspin(&b);
    sleepy(&a2);
    host_thread = &threads[1];
    lock_assert_none();
    sleepy(&a3);
    unsleepy(&a3);
    host_thread = &threads[0];
    assert_panics(lock_assert_none(), "goes back to user mode");
}

static void an_interrupt_does_not_come_after_its_thread(void **state)
{
    (void)state;
    a_then_b();
    sleepy(&b);
    host_cpu->in_irq = true;
    spin(&a);
    unspin(&a);
    host_cpu->in_irq = false;
    unsleepy(&b);
}

static void no_sleep_under_a_spinlock(void **state)
{
    (void)state;
    lock_assert_may_sleep();
    spin(&a);
    assert_panics(lock_assert_may_sleep(), "may sleep");
    assert_int_equal(begin(NULL), 0);
    spin(&a);
    assert_panics(sleepy(&b), "may sleep");
}

static void a_lock_that_nobody_made(void **state)
{
    static struct lock zeroed;

    (void)state;
    assert_panics(spin(&zeroed), "never initialized");
}

/* Two places that make locks are two classes. */
static void a_place_is_a_class(void **state)
{
    struct spinlock one, other, again[2];

    (void)state;
    spin_init(&one);
    spin_init(&other);
    for (int i = 0; i < 2; i++)
        spin_init(&again[i]);
    assert_int_not_equal(one.class.id, other.class.id);
    assert_int_equal(again[0].class.id, again[1].class.id);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(one_order_is_fine, begin),
        cmocka_unit_test_setup(both_orders_are_a_mistake, begin),
        cmocka_unit_test_setup(a_circle_of_three_is_a_mistake, begin),
        cmocka_unit_test_setup(a_class_has_no_order_but_its_own, begin),
        cmocka_unit_test_setup(trying_is_no_order, begin),
        cmocka_unit_test_setup(cpus_and_threads_hold_their_own, begin),
        cmocka_unit_test_setup(an_interrupt_does_not_come_after_its_thread, begin),
        cmocka_unit_test_setup(no_sleep_under_a_spinlock, begin),
        cmocka_unit_test_setup(a_lock_that_nobody_made, begin),
        cmocka_unit_test_setup(a_place_is_a_class, begin),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
