/* SPDX-License-Identifier: BSD-2-Clause */
/* The kernel's formatted printing against the C library's: random conversions, all buffer sizes. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

/* files.mk gives the kernel's functions these names, here as well. */
int kernel_snprintf(char *buf, size_t size, const char *fmt, ...);
int library_snprintf(char *buf, size_t size, const char *fmt, ...) __asm__("snprintf");

#define ROUNDS 200000

static const char *pick(const char *const *of, unsigned n)
{
    return of[(unsigned)rand() % n];
}
#define PICK(of) pick(of, sizeof(of) / sizeof((of)[0]))

static uint64_t random_value(void)
{
    static const uint64_t edges[] = {0,
                                     1,
                                     7,
                                     9,
                                     10,
                                     15,
                                     16,
                                     99,
                                     100,
                                     INT32_MAX,
                                     UINT32_MAX,
                                     INT64_MAX,
                                     UINT64_MAX,
                                     (uint64_t)INT64_MIN,
                                     (uint64_t)-1 << 31};

    if (rand() % 2)
        return edges[(unsigned)rand() % (sizeof(edges) / sizeof(edges[0]))];
    return ((uint64_t)rand() << 33 ^ (uint64_t)rand()) >> (rand() % 64);
}

/* A conversion between literal text; returns whether its argument is 64 bits wide. */
static int make_format(char *format, size_t size)
{
    static const char *const texts[] = {"", " ", "a", "%%", "two words", "0x"};
    static const char *const flags[] = {"", "", "", "-", "0", "+", " ", "-+", "+0"};
    static const char *const unsigned_flags[] = {"", "", "", "-", "0"};
    static const char *const widths[] = {"", "", "1", "5", "20"};
    static const char *const precisions[] = {"", "", ".0", ".1", ".4"};
    static const char *const lengths[] = {"", "", "l", "ll", "z", "h", "hh"};
    static const char *const letters[] = {"d", "i", "u", "x", "X", "o"};
    const char *length = PICK(lengths), *letter = PICK(letters);
    int is_signed = *letter == 'd' || *letter == 'i';

    library_snprintf(format, size, "%s%%%s%s%s%s%s%s", PICK(texts),
                     is_signed ? PICK(flags) : PICK(unsigned_flags), PICK(widths), PICK(precisions),
                     length, letter, PICK(texts));
    return *length == 'l' || *length == 'z';
}

#pragma GCC diagnostic ignored "-Wformat-nonliteral"
#pragma GCC diagnostic ignored "-Wformat-security"

static void numbers_are_the_librarys(void **state)
{
    (void)state;
    for (unsigned i = 0; i < ROUNDS; i++) {
        char format[64], wanted[128], got[128];
        int is_wide = make_format(format, sizeof(format)), n, wanted_n;
        size_t size = (unsigned)rand() % 2 ? sizeof(got) : (unsigned)rand() % 24;
        uint64_t value = random_value();

        memset(wanted, '#', sizeof(wanted));
        memset(got, '#', sizeof(got));
        if (is_wide) {
            wanted_n = library_snprintf(wanted, size, format, value);
            n = kernel_snprintf(got, size, format, value);
        } else {
            wanted_n = library_snprintf(wanted, size, format, (unsigned)value);
            n = kernel_snprintf(got, size, format, (unsigned)value);
        }
        if (n != wanted_n || memcmp(got, wanted, sizeof(got)) != 0)
            fail_msg("\"%s\" of %llx in %zu bytes: %d \"%.40s\", not %d \"%.40s\"", format,
                     (unsigned long long)value, size, n, got, wanted_n, wanted);
    }
}

static void text_is_the_librarys(void **state)
{
    static const char *const formats[] = {"%s",     "<%10s>",   "<%-10s>",
                                          "<%.2s>", "<%-5.3s>", "a%%b%sc"};
    char wanted[64], got[64];

    (void)state;
    for (unsigned i = 0; i < sizeof(formats) / sizeof(formats[0]); i++) {
        for (size_t size = 0; size < 20; size++) {
            memset(wanted, '#', sizeof(wanted));
            memset(got, '#', sizeof(got));
            assert_int_equal(kernel_snprintf(got, size, formats[i], "hello"),
                             library_snprintf(wanted, size, formats[i], "hello"));
            assert_memory_equal(got, wanted, sizeof(got));
        }
    }
    assert_int_equal(kernel_snprintf(NULL, 0, "%d %s %c%p", 5, "x", 'y', (void *)0x10), 9);
    kernel_snprintf(got, sizeof(got), "%*d|%-*d|%.*s|%c|%p|%#x", 4, 5, -4, 6, 2, "abc", 'z',
                    (void *)0x1f, 255);
    assert_string_equal(got, "   5|6   |ab|z|0x1f|0xff");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(numbers_are_the_librarys),
        cmocka_unit_test(text_is_the_librarys),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
