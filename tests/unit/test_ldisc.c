/* SPDX-License-Identifier: BSD-2-Clause */
/* The line discipline by example: what is typed, what is echoed, what is read. And its ring. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <string.h>

#include "kernel/dev/ldisc.h"

static struct ldisc ld;
static struct ring out;
static struct ldisc_events ev;
static uint8_t memory[8192];

static int fresh(void **state)
{
    static const struct ktermios settings = KTERMIOS_DEFAULT;

    (void)state;
    ring_init(&out, memory, sizeof(memory));
    ldisc_init(&ld, &out, &settings);
    memset(&ev, 0, sizeof(ev));
    return 0;
}

static void change(uint32_t iflag, uint32_t lflag_on, uint32_t lflag_off)
{
    struct ktermios t = ld.t;

    t.c_iflag |= iflag;
    t.c_lflag = (t.c_lflag | lflag_on) & ~lflag_off;
    (void)ldisc_set_termios(&ld, &t);
}

static size_t type(const char *text)
{
    return ldisc_receive(&ld, (const uint8_t *)text, strlen(text), &ev);
}

static void expect_shown(const char *text)
{
    uint8_t buf[8192];
    size_t n = ring_read(&out, buf, sizeof(buf));

    assert_int_equal(n, strlen(text));
    assert_memory_equal(buf, text, n);
}

static void expect_line(const char *text)
{
    uint8_t buf[8192];
    bool end;
    size_t n = ldisc_read_line(&ld, buf, sizeof(buf), &end);

    assert_true(end);
    assert_int_equal(n, strlen(text));
    assert_memory_equal(buf, text, n);
}

static void line_is_readable_when_it_ends(void **state)
{
    (void)state;
    type("ab");
    assert_false(ldisc_readable(&ld, 1));
    assert_false(ev.readable);
    type("c\r");
    assert_true(ev.readable);
    expect_shown("abc\r\n");
    expect_line("abc\n");
    assert_false(ldisc_readable(&ld, 1));
}

static void erase_word_and_line(void **state)
{
    (void)state;
    type("one two\x17");
    expect_shown("one two\b \b\b \b\b \b");
    type("x\x7f\x15"
         "ok\n");
    expect_shown("x\b \b\b \b\b \b\b \b\b \bok\r\n");
    expect_line("ok\n");
}

static void erase_takes_whole_utf8_characters(void **state)
{
    (void)state;
    change(IUTF8, 0, 0);
    type("\xe2\x82\xac\x7f!\n");
    expect_line("!\n");
}

static void eof_ends_a_read_without_a_byte(void **state)
{
    uint8_t buf[8];
    bool end;

    (void)state;
    type("ab\x04\x04");
    assert_int_equal(ldisc_input_len(&ld), 2);
    assert_int_equal(ldisc_read_line(&ld, buf, 2, &end), 2);
    assert_false(end);
    ldisc_skip_eof(&ld); /* a full buffer takes the EOF with it */
    assert_int_equal(ldisc_read_line(&ld, buf, 8, &end), 0);
    assert_true(end);
    assert_false(ldisc_readable(&ld, 1));
}

static void literal_next(void **state)
{
    (void)state;
    type("\x16\x03\n");
    assert_int_equal(ev.signals, 0);
    expect_line("\x03\n");
    expect_shown("^\b^C\r\n");
}

static void signals_flush_unless_told_not_to(void **state)
{
    (void)state;
    type("abc\x03");
    assert_int_equal(ev.signals, 1u << 1); /* SIGINT */
    assert_true(ev.flushed);
    expect_shown("abc^C");
    type("d\n");
    expect_line("d\n");

    change(0, NOFLSH, 0);
    memset(&ev, 0, sizeof(ev));
    type("abc\x1a\n");
    assert_int_equal(ev.signals, 1u << 19); /* SIGTSTP */
    assert_false(ev.flushed);
    expect_line("abc\n");
}

static void stop_and_start(void **state)
{
    (void)state;
    type("\x13");
    assert_true(ld.stopped && ev.stopped);
    type("\x11");
    assert_true(!ld.stopped && ev.started);
    type("\x13");
    change(0, 0, 0);
    ld.t.c_iflag |= IXON;
    struct ktermios t = ld.t;
    t.c_iflag &= ~IXON;
    assert_true(ldisc_set_termios(&ld, &t)); /* nothing typed could start it any more */
    assert_false(ld.stopped);
}

static void overlong_line_keeps_its_end(void **state)
{
    uint8_t buf[2 * LDISC_INPUT_SIZE];
    bool end;
    size_t n;

    (void)state;
    change(0, 0, ECHO);
    for (int i = 0; i < 5000; i++)
        assert_int_equal(type("x"), 1);
    type("\n");
    n = ldisc_read_line(&ld, buf, sizeof(buf), &end);
    assert_true(end);
    assert_int_equal(n, LDISC_INPUT_SIZE);
    assert_int_equal(buf[n - 1], '\n');
    assert_int_equal(buf[n - 2], 'x');
}

/* What PARMRK doubles needs two places: in an overlong line too the ring holds no more than it can. */
static void overlong_line_doubles_in_place(void **state)
{
    uint8_t buf[2 * LDISC_INPUT_SIZE];
    struct ktermios t;
    bool end;
    size_t n;

    for (int eol = 0; eol < 2; eol++) {
        for (uint32_t len = LDISC_INPUT_SIZE - 3; len <= LDISC_INPUT_SIZE; len++) {
            fresh(state);
            change(PARMRK, 0, ECHO);
            for (uint32_t i = 0; i < len; i++)
                assert_int_equal(type("x"), 1);
            t = ld.t;
            t.c_cc[VEOL] = eol ? 0377 : CC_DISABLED;
            (void)ldisc_set_termios(&ld, &t);
            for (int i = 0; i < 10 && !ev.readable; i++) {
                assert_int_equal(type("\377"), 1);
                assert_true(ld.head - ld.tail <= LDISC_INPUT_SIZE);
            }
            if (!eol)
                type("\n");
            n = ldisc_read_line(&ld, buf, sizeof(buf), &end);
            assert_true(end);
            assert_true(n > LDISC_INPUT_SIZE - 3 && n <= LDISC_INPUT_SIZE);
            assert_int_equal(buf[0], 'x');
            assert_int_equal(buf[n - 1], eol ? 0377 : '\n');
            assert_int_equal(buf[n - 2], 0377);
            assert_false(ldisc_readable(&ld, 1));
        }
    }
}

static void full_input_is_refused(void **state)
{
    (void)state;
    change(0, 0, ICANON | ECHO | ISIG);
    for (int i = 0; i < LDISC_INPUT_SIZE - 1; i++)
        assert_int_equal(type("x"), 1);
    assert_int_equal(ldisc_room(&ld), 0);
    assert_int_equal(type("x"), 0);
    assert_int_equal(ldisc_read_raw(&ld, memory, 10), 10);
    assert_int_equal(type("0123456789ab"), 10);
}

static void mode_change_keeps_what_was_typed(void **state)
{
    uint8_t buf[8];

    (void)state;
    type("abc");
    change(0, 0, ICANON);
    assert_true(ldisc_readable(&ld, 3));
    assert_int_equal(ldisc_read_raw(&ld, buf, 1), 1);
    change(0, ICANON, 0);
    expect_line("bc");
}

static void output_is_processed(void **state)
{
    (void)state;
    assert_int_equal(ldisc_write(&ld, (const uint8_t *)"a\nb\tc", 5), 5);
    expect_shown("a\r\nb\tc");
    assert_int_equal(ld.column, 9);
}

static void output_stops_at_a_full_ring(void **state)
{
    uint8_t small[4];

    (void)state;
    ring_init(&out, small, sizeof(small));
    assert_int_equal(ldisc_write(&ld, (const uint8_t *)"abc\nd", 5), 3); /* CR LF does not fit */
    ring_clear(&out);
    assert_int_equal(ldisc_write(&ld, (const uint8_t *)"\nd", 2), 2);
}

static void ring_wraps(void **state)
{
    uint8_t small[8], buf[8];
    struct ring r;

    (void)state;
    ring_init(&r, small, sizeof(small));
    for (uint32_t start = 0xfffffff0; start != 16; start++) { /* across the wrap of the counters */
        r.head = r.tail = start;
        assert_int_equal(ring_write(&r, "abcdefghij", 10), 8);
        assert_int_equal(ring_room(&r), 0);
        assert_int_equal(ring_read(&r, buf, 3), 3);
        assert_memory_equal(buf, "abc", 3);
        assert_int_equal(ring_write(&r, "xyz!", 4), 3);
        assert_int_equal(ring_read(&r, buf, 8), 8);
        assert_memory_equal(buf, "defghxyz", 8);
        assert_int_equal(ring_read(&r, buf, 8), 0);
    }
}

#define T(f) cmocka_unit_test_setup(f, fresh)
int main(void)
{
    const struct CMUnitTest tests[] = {T(line_is_readable_when_it_ends),
                                       T(erase_word_and_line),
                                       T(erase_takes_whole_utf8_characters),
                                       T(eof_ends_a_read_without_a_byte),
                                       T(literal_next),
                                       T(signals_flush_unless_told_not_to),
                                       T(stop_and_start),
                                       T(overlong_line_keeps_its_end),
                                       T(overlong_line_doubles_in_place),
                                       T(full_input_is_refused),
                                       T(mode_change_keeps_what_was_typed),
                                       T(output_is_processed),
                                       T(output_stops_at_a_full_ring),
                                       T(ring_wraps)};

    return cmocka_run_group_tests_name("ldisc", tests, NULL, NULL);
}
