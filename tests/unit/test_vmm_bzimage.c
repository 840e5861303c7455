/* SPDX-License-Identifier: BSD-2-Clause */
/* Kernel headers, good and hostile. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "userland/vmm/bzimage.h"

#define FILE_SIZE (512 * 40 + 16 * 1000)

static uint8_t head[1024];

static void put(unsigned offset, uint64_t value, unsigned size)
{
    memcpy(head + offset, &value, size);
}

static int setup(void **state)
{
    (void)state;
    memset(head, 0, sizeof(head));
    put(0x1f1, 39, 1);
    put(0x1f4, 1000, 4);
    put(0x1fe, 0xaa55, 2);
    put(0x200, 0x66eb, 2);
    memcpy(head + 0x202, "HdrS", 4);
    put(0x206, 0x020f, 2);
    put(0x211, 0x01, 1);
    put(0x22c, 0x7fffffff, 4);
    put(0x236, 0x007f, 2);
    put(0x238, 2047, 4);
    put(0x258, 0x1000000, 8);
    put(0x260, 0x3378000, 4);
    return 0;
}

static const char *parse(uint64_t file_size, struct bzimage *out)
{
    return bzimage_parse(head, sizeof(head), file_size, out);
}

static void good_header_is_understood(void **state)
{
    struct bzimage image;

    (void)state;
    assert_null(parse(FILE_SIZE, &image));
    assert_int_equal(image.version, 0x20f);
    assert_int_equal(image.header_end, 0x268);
    assert_int_equal(image.payload_offset, 512 * 40);
    assert_int_equal(image.payload_size, 16 * 1000);
    assert_int_equal(image.load_address, 0x1000000);
    assert_int_equal(image.init_size, 0x3378000);
    assert_int_equal(image.initrd_max, 0x7fffffff);
    assert_int_equal(image.cmdline_max, 2047);
}

static void zero_setup_sectors_mean_four(void **state)
{
    struct bzimage image;

    (void)state;
    put(0x1f1, 0, 1);
    assert_null(parse(FILE_SIZE, &image));
    assert_int_equal(image.payload_offset, 512 * 5);
}

static void last_paragraph_may_be_partly_there(void **state)
{
    struct bzimage image;

    (void)state;
    assert_null(parse(FILE_SIZE - 15, &image));
    assert_int_equal(image.payload_size, 16 * 1000 - 15);
    assert_non_null(parse(FILE_SIZE - 16, &image));
}

static void damaged_headers_are_refused(void **state)
{
    static const struct {
        unsigned offset, size;
        uint64_t value;
    } damage[] = {
        { 0x1fe, 2, 0 },          /* no boot flag */
        { 0x202, 4, 0 },          /* no magic */
        { 0x206, 2, 0x020b },     /* old protocol */
        { 0x211, 1, 0 },          /* zImage */
        { 0x236, 2, 0 },          /* 32-bit */
        { 0x201, 1, 0x10 },       /* header too short */
        { 0x201, 1, 0xff },       /* header too long */
        { 0x1f4, 4, 0 },          /* empty */
        { 0x1f4, 4, 0xffffffff }, /* larger than the file */
        { 0x1f4, 4, 0x20 },       /* no room for an entry point */
        { 0x1f1, 1, 0xff },       /* the kernel would start behind the file's end */
        { 0x258, 8, 0 },
        { 0x258, 8, UINT64_MAX },
        { 0x258, 8, 0x100000000 },
    };
    struct bzimage image;

    for (size_t i = 0; i < sizeof(damage) / sizeof(damage[0]); i++) {
        setup(state);
        put(damage[i].offset, damage[i].value, damage[i].size);
        if (parse(FILE_SIZE, &image) == NULL)
            fail_msg("accepted with 0x%x = 0x%llx", damage[i].offset,
                     (unsigned long long)damage[i].value);
    }
}

static void short_files_are_refused(void **state)
{
    struct bzimage image;

    (void)state;
    for (uint64_t size = 0; size < FILE_SIZE - 15; size += 97)
        assert_non_null(bzimage_parse(head, size < sizeof(head) ? size : sizeof(head), size, &image));
}

/* Any single byte of the header changed: refused, or accepted with values that fit the file. */
static void every_byte_may_be_wrong(void **state)
{
    for (unsigned offset = 0x1f1; offset < 0x290; offset++) {
        for (unsigned value = 0; value < 256; value++) {
            struct bzimage image;

            setup(state);
            head[offset] = (uint8_t)value;
            if (parse(FILE_SIZE, &image) != NULL)
                continue;
            assert_true(image.payload_offset < FILE_SIZE);
            assert_true(image.payload_size <= FILE_SIZE - image.payload_offset);
            assert_true(image.init_size >= image.payload_size);
            assert_true(image.header_end <= SETUP_HEADER_MAX_END);
            assert_true(image.load_address + image.init_size > image.load_address);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(good_header_is_understood, setup),
        cmocka_unit_test_setup(zero_setup_sectors_mean_four, setup),
        cmocka_unit_test_setup(last_paragraph_may_be_partly_there, setup),
        cmocka_unit_test_setup(damaged_headers_are_refused, setup),
        cmocka_unit_test_setup(short_files_are_refused, setup),
        cmocka_unit_test_setup(every_byte_may_be_wrong, setup),
    };

    return cmocka_run_group_tests_name("vmm_bzimage", tests, NULL, NULL);
}
