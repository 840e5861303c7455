/* SPDX-License-Identifier: BSD-2-Clause */
/* The log ring: records, wrapping, readers that are overtaken, the saved form. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "userland/lib/logring.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { SIZE = 8192 };

static uint8_t buf[SIZE];

static void keeps_records_apart(void **state)
{
    uint8_t data[LOGRING_RECORD_MAX], stream;
    struct logring r;
    uint64_t pos = 0;

    (void)state;
    logring_init(&r, buf, SIZE);
    assert_int_equal(logring_get(&r, &pos, &stream, data), -1);
    logring_put(&r, 1, "out", 3);
    logring_put(&r, 2, "error", 5);
    logring_put(&r, 1, "", 0);
    assert_int_equal(logring_get(&r, &pos, &stream, data), 3);
    assert_int_equal(stream, 1);
    assert_memory_equal(data, "out", 3);
    assert_int_equal(logring_get(&r, &pos, &stream, data), 5);
    assert_int_equal(stream, 2);
    assert_memory_equal(data, "error", 5);
    assert_int_equal(logring_get(&r, &pos, &stream, data), -1);
}

/* A reader that keeps up sees everything, however often the ring wraps. */
static void wraps(void **state)
{
    uint8_t data[LOGRING_RECORD_MAX], stream;
    struct logring r;
    uint64_t pos = 0;

    (void)state;
    logring_init(&r, buf, SIZE);
    for (unsigned i = 0; i < 5000; i++) {
        uint8_t in[700];
        size_t len = 1 + i * 37 % sizeof(in);

        memset(in, (int)i, len);
        logring_put(&r, (uint8_t)(1 + i % 3), in, len);
        assert_int_equal(logring_get(&r, &pos, &stream, data), (int)len);
        assert_int_equal(stream, 1 + i % 3);
        assert_memory_equal(data, in, len);
        assert_true(r.head - r.tail <= SIZE);
    }
}

static void overtaken_readers_continue_at_the_oldest(void **state)
{
    uint8_t data[LOGRING_RECORD_MAX], stream;
    struct logring r;
    uint64_t pos = 0;
    int len, seen = 0;
    unsigned last = 0;

    (void)state;
    logring_init(&r, buf, SIZE);
    for (unsigned i = 1; i <= 2000; i++) {
        char line[16];

        logring_put(&r, 1, line, (size_t)snprintf(line, sizeof(line), "%u\n", i));
    }
    while ((len = logring_get(&r, &pos, &stream, data)) > 0) {
        unsigned n = (unsigned)strtoul((char *)data, NULL, 10);

        assert_true(last == 0 || n == last + 1);
        last = n;
        seen++;
    }
    assert_int_equal(last, 2000);
    assert_true(seen > 500 && seen < 2000);
}

/* Writing no more than the room keeps what a reader has not read yet. */
static void room_protects_a_reader(void **state)
{
    uint8_t data[LOGRING_RECORD_MAX] = {0}, stream;
    struct logring r;
    uint64_t pos = 0;
    size_t room, total = 0, got = 0;
    int len;

    (void)state;
    logring_init(&r, buf, SIZE);
    while ((room = logring_room(&r, pos)) > 0) {
        size_t n = room < 1000 ? room : 1000;

        logring_put(&r, 1, data, n);
        total += n;
        assert_int_equal(r.tail, 0);
    }
    while ((len = logring_get(&r, &pos, &stream, data)) > 0)
        got += (size_t)len;
    assert_int_equal(got, total);
    assert_int_equal(logring_room(&r, pos), LOGRING_RECORD_MAX);
}

/* Into a larger buffer: every reader goes on where it was, and there is room again. */
static void moves_with_its_readers(void **state)
{
    static uint8_t larger[4 * SIZE];
    uint8_t data[LOGRING_RECORD_MAX], stream;
    struct logring r;
    uint64_t oldest, later;
    char line[16];
    int len;

    (void)state;
    for (unsigned count = 0; count < 3000; count += 101) {
        unsigned next = 0;

        logring_init(&r, buf, SIZE);
        for (unsigned i = 0; i < count; i++)
            logring_put(&r, 1, line, (size_t)snprintf(line, sizeof(line), "%u\n", i));
        oldest = later = r.tail;
        if (count > 0)
            logring_get(&r, &later, &stream, data);
        logring_move(&r, larger, sizeof(larger));
        assert_int_equal(logring_room(&r, oldest), LOGRING_RECORD_MAX);
        for (unsigned i = count; i < count + 100; i++)
            logring_put(&r, 1, line, (size_t)snprintf(line, sizeof(line), "%u\n", i));
        while ((len = logring_get(&r, &oldest, &stream, data)) > 0) {
            unsigned n = (unsigned)strtoul((char *)data, NULL, 10);

            assert_true(next == 0 || n == next);
            next = n + 1;
        }
        assert_int_equal(next, count + 100);
        assert_true(logring_get(&r, &later, &stream, data) > 0);
    }
}

static void walks_what_was_saved(void **state)
{
    uint8_t saved[] = {2, 0, 1, 0, 'h', 'i', 1, 0, 2, 0, '!'};
    const uint8_t *data;
    uint8_t stream;
    size_t at = 0;

    (void)state;
    assert_int_equal(logring_walk(saved, sizeof(saved), &at, &stream, &data), 2);
    assert_memory_equal(data, "hi", 2);
    assert_int_equal(logring_walk(saved, sizeof(saved), &at, &stream, &data), 1);
    assert_int_equal(stream, 2);
    assert_int_equal(logring_walk(saved, sizeof(saved), &at, &stream, &data), -1);
    for (size_t len = 0; len < sizeof(saved); len++) {
        uint8_t *copy = malloc(len + 1);

        memcpy(copy, saved, len);
        for (at = 0; logring_walk(copy, len, &at, &stream, &data) > 0;)
            assert_true(at <= len);
        free(copy);
    }
    memset(saved, 0xff, sizeof(saved));
    at = 0;
    assert_int_equal(logring_walk(saved, sizeof(saved), &at, &stream, &data), -1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(keeps_records_apart),
        cmocka_unit_test(wraps),
        cmocka_unit_test(overtaken_readers_continue_at_the_oldest),
        cmocka_unit_test(room_protects_a_reader),
        cmocka_unit_test(moves_with_its_readers),
        cmocka_unit_test(walks_what_was_saved),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
