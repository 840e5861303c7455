/* SPDX-License-Identifier: BSD-2-Clause */
/* Names in a layer: what they mean, and which are refused. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "userland/ct/layerpath.h"

#include <string.h>

static void meanings(void **state)
{
    static const struct {
        const char *name;
        enum layer_entry kind;
        const char *path;
    } cases[] = {
        {".", LAYER_ROOT, ""},
        {"./", LAYER_ROOT, ""},
        {"a", LAYER_FILE, "a"},
        {"./a//b/./c/", LAYER_FILE, "a/b/c"},
        {"...", LAYER_FILE, "..."},
        {"a/..b", LAYER_FILE, "a/..b"},
        {"a/.wh.b", LAYER_WHITEOUT, "a/b"},
        {".wh.b", LAYER_WHITEOUT, "b"},
        {".wh..x", LAYER_WHITEOUT, ".x"},
        {"a/.wh..wh..opq", LAYER_OPAQUE, "a"},
        {".wh..wh..opq", LAYER_OPAQUE, ""},
        {"a/.wh..wh.plnk", LAYER_SKIP, "a/.wh..wh.plnk"},
        {".wh..wh.plnk/1.2", LAYER_SKIP, ".wh..wh.plnk/1.2"},
        {"/a", LAYER_BAD, NULL},
        {"", LAYER_BAD, NULL},
        {"..", LAYER_BAD, NULL},
        {"a/../b", LAYER_BAD, NULL},
        {"../a", LAYER_BAD, NULL},
        {"a/..", LAYER_BAD, NULL},
        {".wh.", LAYER_BAD, NULL},
        {"a/.wh..", LAYER_BAD, NULL},
        {"a/.wh...", LAYER_BAD, NULL},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        char path[LAYER_PATH_MAX];
        const char *why;

        assert_int_equal(layer_path(cases[i].name, path, &why), cases[i].kind);
        if (cases[i].path != NULL)
            assert_string_equal(path, cases[i].path);
        else
            assert_non_null(why);
    }
}

static void lengths(void **state)
{
    char name[2 * LAYER_PATH_MAX], path[LAYER_PATH_MAX];
    const char *why;

    (void)state;
    memset(name, 'a', sizeof(name));
    name[255] = '\0';
    assert_int_equal(layer_path(name, path, &why), LAYER_FILE);
    name[255] = 'a';
    name[256] = '\0';
    assert_int_equal(layer_path(name, path, &why), LAYER_BAD);

    memset(name, 'a', sizeof(name));
    for (size_t i = 1; i < sizeof(name); i += 2)
        name[i] = '/';
    name[sizeof(name) - 1] = '\0';
    assert_int_equal(layer_path(name, path, &why), LAYER_BAD);
    name[LAYER_PATH_MAX - 2] = '\0';
    assert_int_equal(layer_path(name, path, &why), LAYER_FILE);
    assert_true(strlen(path) < LAYER_PATH_MAX);
}

static void link_targets(void **state)
{
    char path[LAYER_PATH_MAX];
    const char *why;

    (void)state;
    assert_int_equal(layer_link_path("/bin/sh", path, &why), 0);
    assert_string_equal(path, "bin/sh");
    assert_int_equal(layer_link_path("bin/../../etc/passwd", path, &why), -1);
    assert_int_equal(layer_link_path("", path, &why), -1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(meanings),
        cmocka_unit_test(lengths),
        cmocka_unit_test(link_targets),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
