/* SPDX-License-Identifier: BSD-2-Clause */
/* IDs, names, signals, exit statuses, records. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "userland/lib/human.h"
#include "userland/lib/ident.h"
#include "userland/lib/record.h"
#include "userland/lib/signame.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static void names(void **state)
{
    static const char *const good[] = {"a", "web", "a.b_c-d", "9x", "A1"};
    static const char *const bad[] = {"", "-a", ".a", "_a", "a b", "a/b", "..", "a\n", "\xc3\xa9"};
    char name[NAME_MAX_LEN + 2];

    (void)state;
    for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++)
        assert_true(ident_is_name(good[i]));
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
        assert_false(ident_is_name(bad[i]));
    memset(name, 'a', sizeof(name));
    name[NAME_MAX_LEN + 1] = '\0';
    assert_false(ident_is_name(name));
    for (unsigned i = 0; i < 100000; i += 7) {
        ident_make_name(i, name, sizeof(name));
        assert_true(ident_is_name(name));
        assert_non_null(strchr(name, '_'));
    }
}

static void ids(void **state)
{
    char a[ID_LEN + 1], b[ID_LEN + 1];

    (void)state;
    assert_int_equal(ident_new_id(a), 0);
    assert_int_equal(ident_new_id(b), 0);
    assert_true(ident_is_id(a) && ident_is_id(b));
    assert_string_not_equal(a, b);
    a[0] = 'G';
    assert_false(ident_is_id(a));
    b[ID_LEN - 1] = '\0';
    assert_false(ident_is_id(b));
}

static void prefixes(void **state)
{
    static const char *const list[] = {"abc111", "abd222", "fff333"};

    (void)state;
    assert_int_equal(ident_match_prefix(list, 3, "abc"), 0);
    assert_int_equal(ident_match_prefix(list, 3, "f"), 2);
    assert_int_equal(ident_match_prefix(list, 3, "ab"), -2);
    assert_int_equal(ident_match_prefix(list, 3, "0"), -1);
    assert_int_equal(ident_match_prefix(list, 3, ""), -1);
    assert_int_equal(ident_match_prefix(list, 3, "xyz"), -1);
    assert_int_equal(ident_match_prefix(list, 0, "a"), -1);
}

static void signals(void **state)
{
    (void)state;
    assert_int_equal(signame_parse("TERM"), 15);
    assert_int_equal(signame_parse("sigkill"), 9);
    assert_int_equal(signame_parse("2"), 2);
    assert_int_equal(signame_parse("SIGRTMIN+3"), 37);
    assert_int_equal(signame_parse("RTMAX-1"), 63);
    assert_int_equal(signame_parse("0"), -1);
    assert_int_equal(signame_parse("65"), -1);
    assert_int_equal(signame_parse("SIG"), -1);
    assert_int_equal(signame_parse("RTMIN+99"), -1);
    assert_int_equal(signame_parse("15x"), -1);
    assert_int_equal(signame_parse(""), -1);
}

static void statuses(void **state)
{
    (void)state;
    assert_int_equal(status_from_wait(7 << 8), 7);
    assert_int_equal(status_from_wait(9), 137);
    assert_int_equal(status_from_wait(11 | 0x80), 139);
    assert_int_equal(status_from_exec_errno(ENOENT), 127);
    assert_int_equal(status_from_exec_errno(EACCES), 126);
    assert_int_equal(status_from_exec_errno(ENOEXEC), 126);
    assert_string_equal(status_exec_reason(ENOENT, "foo"), "executable file not found in $PATH");
    assert_string_equal(status_exec_reason(ENOENT, "/foo"), "No such file or directory");
}

static void records(void **state)
{
    struct record_writer w = {0};
    struct record r;
    const char *v;
    char **list;

    (void)state;
    record_add(&w, "env", "A=1");
    record_add_num(&w, "n", -5);
    record_add(&w, "env", "multi\nline");
    record_add(&w, "e", "");
    assert_int_equal(record_from(&r, w.buf, w.len), 0);
    record_discard(&w);
    v = record_get(&r, "env");
    assert_string_equal(v, "A=1");
    v = record_next(&r, "env", v);
    assert_string_equal(v, "multi\nline");
    assert_null(record_next(&r, "env", v));
    assert_string_equal(record_get(&r, "e"), "");
    assert_null(record_get(&r, "en"));
    assert_null(record_get(&r, "A"));
    assert_int_equal(record_num(&r, "n", 0), -5);
    assert_int_equal(record_num(&r, "env", 3), 3);
    list = record_list(&r, "env");
    assert_string_equal(list[1], "multi\nline");
    assert_null(list[2]);
    free(list);
    record_free(&r);
    assert_int_equal(record_from(&r, "no end", 6), -EINVAL);
}

static void record_files(void **state)
{
    char folder[] = "/tmp/test-record-XXXXXX";
    struct record_writer w = {0};
    struct record r;
    int dir;

    (void)state;
    assert_non_null(mkdtemp(folder));
    dir = open(folder, O_RDONLY | O_DIRECTORY);
    record_add(&w, "k", "v");
    assert_int_equal(record_save(&w, dir, "file"), 0);
    assert_int_equal(record_load(&r, dir, "file"), 0);
    assert_string_equal(record_get(&r, "k"), "v");
    record_free(&r);
    assert_int_equal(record_load(&r, dir, "none"), -ENOENT);
    assert_int_equal(record_load(&r, dir, "."), -EINVAL);
    assert_int_equal(unlinkat(dir, "file", 0), 0);
    close(dir);
    assert_int_equal(rmdir(folder), 0); /* nothing else was left there */
}

static void durations(void **state)
{
    static const struct {
        int64_t seconds;
        const char *text;
    } cases[] = {
        {-1, "Less than a second"}, {0, "Less than a second"}, {1, "1 second"},
        {59, "59 seconds"},         {60, "About a minute"},    {120, "2 minutes"},
        {3600, "About an hour"},    {7200, "2 hours"},         {3 * 86400, "3 days"},
        {15 * 86400, "2 weeks"},    {90 * 86400, "3 months"},  {800 * 86400ll, "2 years"},
    };
    char text[40];

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        human_duration(cases[i].seconds * 1000000000, text, sizeof(text));
        assert_string_equal(text, cases[i].text);
    }
    human_size(999, text, sizeof(text));
    assert_string_equal(text, "999B");
    human_size(4264000, text, sizeof(text));
    assert_string_equal(text, "4.26MB");
    human_time(1500000000, text, sizeof(text));
    assert_string_equal(text, "1970-01-01T00:00:01.500000000Z");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(names),        cmocka_unit_test(ids),       cmocka_unit_test(prefixes),
        cmocka_unit_test(signals),      cmocka_unit_test(statuses),  cmocka_unit_test(records),
        cmocka_unit_test(record_files), cmocka_unit_test(durations),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
