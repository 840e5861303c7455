/* SPDX-License-Identifier: BSD-2-Clause */
/* Image references. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "userland/ct/ref.h"

#include <string.h>

#define D64 "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"

static void normal_form(void **state)
{
    static const struct {
        const char *text, *ref;
    } cases[] = {
        {"busybox", "busybox:latest"},
        {"busybox:1.36", "busybox:1.36"},
        {"docker.io/library/busybox", "busybox:latest"},
        {"index.docker.io/library/busybox:x", "busybox:x"},
        {"docker.io/me/app", "me/app:latest"},
        {"localhost/app", "localhost/app:latest"},
        {"localhost:5000/a/b:v1.0-rc_2", "localhost:5000/a/b:v1.0-rc_2"},
        {"ghcr.io/x/y-z.w__v", "ghcr.io/x/y-z.w__v:latest"},
        {"library", "library:latest"},
        {"a--b", "a--b:latest"},
        {"a@sha256:" D64, "a@sha256:" D64},
        {"docker.io/library/a:1.36@sha256:" D64, "a@sha256:" D64},
        {"localhost:5000/a/b@sha256:" D64, "localhost:5000/a/b@sha256:" D64},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        char ref[REF_MAX], file[REF_MAX], back[REF_MAX];
        struct err e;

        assert_int_equal(ref_parse(cases[i].text, ref, &e), 0);
        assert_string_equal(ref, cases[i].ref);
        ref_to_file(ref, file);
        assert_null(strchr(file, '/'));
        ref_from_file(file, back);
        assert_string_equal(back, ref);
    }
}

static void no_reference(void **state)
{
    static const char *const cases[] = {
        "",
        ":",
        "/",
        "a/",
        "/a",
        "A",
        "a b",
        "a:",
        ":tag",
        "a:b:c",
        "a//b",
        "-a",
        "a-",
        "a..b",
        "a.-b",
        "a___b",
        "../../etc/passwd",
        "a@sha256:12",
        "a@md5:00",
        "@sha256:" D64,
        "a:@sha256:" D64,
        "a@sha256:" D64 ":x",
        "a@sha256:" D64 "@sha256:" D64,
        "a:-x",
        "b\xc3\xa9",
        "a\n",
        "library/",
        "docker.io/",
        "host.tld/",
        "host.tld:x y/a",
    };
    char longest[600], ref[REF_MAX];
    struct err e;

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        assert_int_equal(ref_parse(cases[i], ref, &e), -1);
        assert_int_equal(e.status, 125);
    }
    memset(longest, 'a', sizeof(longest) - 1);
    longest[sizeof(longest) - 1] = '\0';
    assert_int_equal(ref_parse(longest, ref, &e), -1);
}

static void repository(void **state)
{
    (void)state;
    assert_int_equal(ref_repository_len("busybox:latest"), 7);
    assert_int_equal(ref_repository_len("localhost:5000/a"), 16);
    assert_int_equal(ref_repository_len("localhost:5000/a:b"), 16);
    assert_int_equal(ref_repository_len("localhost:5000/a@sha256:" D64), 16);
}

static void digest(void **state)
{
    (void)state;
    assert_null(ref_digest("localhost:5000/a:b"));
    assert_string_equal(ref_digest("a@sha256:" D64), D64);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(normal_form),
        cmocka_unit_test(no_reference),
        cmocka_unit_test(repository),
        cmocka_unit_test(digest),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
