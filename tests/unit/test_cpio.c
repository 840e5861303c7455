/* SPDX-License-Identifier: BSD-2-Clause */
/* The cpio reader: what it finds in good archives, and that damaged ones never lead it outside. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "kernel/fs/cpio.h"

struct builder {
    uint8_t data[8192];
    size_t size;
};

static void pad4(struct builder *b)
{
    while (b->size % 4 != 0)
        b->data[b->size++] = 0;
}

/* An entry whose name is followed by `extra` more NULs than it needs. */
static void add_padded(struct builder *b, const char *name, unsigned mode, const char *body,
                       size_t extra)
{
    size_t namesize = strlen(name) + 1 + extra;
    size_t len = strlen(body);

    b->size += (size_t)sprintf(
        (char *)b->data + b->size, "070701%08X%08X%08X%08X%08X%08X%08zX%08X%08X%08X%08X%08zX%08X",
        7u, mode, 1000u, 100u, 1u, 0x5f000000u, len, 0u, 0u, 4u, 64u, namesize, 0u);
    memset(b->data + b->size, 0, namesize);
    memcpy(b->data + b->size, name, strlen(name));
    b->size += namesize;
    pad4(b);
    memcpy(b->data + b->size, body, len);
    b->size += len;
    pad4(b);
}

static void add(struct builder *b, const char *name, unsigned mode, const char *body)
{
    add_padded(b, name, mode, body, 0);
}

static void build_two(struct builder *b)
{
    b->size = 0;
    add(b, "etc", 0040755, "");
    add(b, "./etc/motd", 0100644, "hello");
    add(b, "TRAILER!!!", 0, "");
    while (b->size % 512 != 0)
        b->data[b->size++] = 0;
    add(b, "/dev/null", 0020666, "");
    add(b, "TRAILER!!!", 0, "");
}

static void finds_every_entry_of_archives_in_a_row(void **state)
{
    static const char *const names[] = {"etc", "etc/motd", "dev/null"};
    struct builder b;
    struct cpio c = {b.data, 0, 0};
    struct cpio_entry e;

    (void)state;
    build_two(&b);
    c.size = b.size;
    for (int i = 0; i < 3; i++) {
        assert_int_equal(cpio_next(&c, &e), 1);
        assert_string_equal(e.name, names[i]);
        if (i == 1) {
            assert_int_equal(e.body_size, 5);
            assert_memory_equal(e.body, "hello", 5);
            assert_int_equal(e.mode, 0100644);
            assert_int_equal(e.uid, 1000);
            assert_int_equal(e.gid, 100);
            assert_ptr_equal(e.body, b.data + e.body_offset);
        }
        assert_int_equal(e.rdev_minor, 64);
    }
    assert_int_equal(cpio_next(&c, &e), 0);
    assert_int_equal(cpio_next(&c, &e), 0);
}

static void takes_padding_behind_a_name_as_part_of_it(void **state)
{
    struct builder b = {.size = 0};
    struct cpio c = {b.data, 0, 0};
    struct cpio_entry e;

    (void)state;
    add_padded(&b, "big", 0100755, "data", 3000);
    c.size = b.size;
    assert_int_equal(cpio_next(&c, &e), 1);
    assert_string_equal(e.name, "big");
    assert_memory_equal(e.body, "data", 4);
}

static void an_empty_or_zero_archive_has_no_entries(void **state)
{
    uint8_t zeros[100] = {0};
    struct cpio c = {zeros, sizeof(zeros), 0};
    struct cpio_entry e;

    (void)state;
    assert_int_equal(cpio_next(&c, &e), 0);
    c = (struct cpio){zeros, 0, 0};
    assert_int_equal(cpio_next(&c, &e), 0);
}

/* Reads an exact-size heap copy, so that the sanitizer sees the first byte outside. */
static void read_all(const uint8_t *data, size_t size)
{
    uint8_t *copy = malloc(size != 0 ? size : 1);
    struct cpio c = {copy, size, 0};
    struct cpio_entry e;
    unsigned sum = 0;

    memcpy(copy, data, size);
    for (int i = 0; i < 1000 && cpio_next(&c, &e) > 0; i++) {
        for (size_t j = 0; j < e.body_size; j++)
            sum += e.body[j];
        sum += (unsigned)strlen(e.name);
    }
    assert_true(sum + 1 > 0);
    free(copy);
}

static void an_archive_cut_anywhere_is_an_error_or_shorter(void **state)
{
    struct builder b;

    (void)state;
    build_two(&b);
    for (size_t n = 0; n <= b.size; n++)
        read_all(b.data, n);
}

static void a_changed_byte_never_leads_outside(void **state)
{
    static const uint8_t values[] = {0, '0', '9', 'F', 'f', 'g', 0x7f, 0xff};
    struct builder b;

    (void)state;
    build_two(&b);
    for (size_t i = 0; i < b.size; i++) {
        uint8_t old = b.data[i];

        for (size_t v = 0; v < sizeof(values); v++) {
            b.data[i] = values[v];
            read_all(b.data, b.size);
        }
        b.data[i] = old;
    }
}

static void names_and_sizes_that_do_not_fit_are_refused(void **state)
{
    struct builder b = {.size = 0};
    struct cpio_entry e;

    (void)state;
    add(&b, "x", 0100644, "body");
    memcpy(b.data + 94, "FFFFFFFF", 8); /* namesize */
    assert_int_equal(cpio_next(&(struct cpio){b.data, b.size, 0}, &e), -22);
    memcpy(b.data + 94, "00000000", 8);
    assert_int_equal(cpio_next(&(struct cpio){b.data, b.size, 0}, &e), -22);
    memcpy(b.data + 94, "00000001", 8); /* the name's NUL is outside of it */
    assert_int_equal(cpio_next(&(struct cpio){b.data, b.size, 0}, &e), -22);
    memcpy(b.data + 94, "00000002", 8);
    memcpy(b.data + 54, "FFFFFFFF", 8); /* filesize */
    assert_int_equal(cpio_next(&(struct cpio){b.data, b.size, 0}, &e), -22);
    memcpy(b.data + 54, "0000000G", 8);
    assert_int_equal(cpio_next(&(struct cpio){b.data, b.size, 0}, &e), -22);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(finds_every_entry_of_archives_in_a_row),
        cmocka_unit_test(takes_padding_behind_a_name_as_part_of_it),
        cmocka_unit_test(an_empty_or_zero_archive_has_no_entries),
        cmocka_unit_test(an_archive_cut_anywhere_is_an_error_or_shorter),
        cmocka_unit_test(a_changed_byte_never_leads_outside),
        cmocka_unit_test(names_and_sizes_that_do_not_fit_are_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
