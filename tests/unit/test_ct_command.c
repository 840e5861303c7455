/* SPDX-License-Identifier: BSD-2-Clause */
/* Command lines: options, sizes, capabilities, and the keys that detach. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "userland/lib/capname.h"
#include "userland/lib/command.h"
#include "userland/lib/terminal.h"

#include <stdlib.h>
#include <string.h>

static bool interactive, tty, rm;
static const char *name, *memory;
static struct opt_list env;

static const struct opt opts[] = {
    {"interactive", 'i', OPT_FLAG, &interactive, NULL, ""},
    {"tty", 't', OPT_FLAG, &tty, NULL, ""},
    {"rm", 0, OPT_FLAG, &rm, NULL, ""},
    {"name", 0, OPT_STRING, &name, "string", ""},
    {"memory", 'm', OPT_STRING, &memory, "bytes", ""},
    {"env", 'e', OPT_LIST, &env, "list", ""},
    {0},
};

/* Parses up to 8 words; returns what opts_parse() does, with the rest in `rest`. */
static char *rest[10];

static int parse(bool stops_early, const char *const words[], struct err *e)
{
    int argc = 0;

    interactive = tty = rm = false;
    name = memory = NULL;
    free(env.values);
    memset(&env, 0, sizeof(env));
    memset(rest, 0, sizeof(rest));
    for (; words[argc] != NULL; argc++)
        rest[argc] = (char *)words[argc];
    return opts_parse(opts, stops_early, argc, rest, e);
}

static void spellings(void **state)
{
    struct err e;

    (void)state;
    assert_int_equal(
        parse(true, (const char *[]){"-it", "--rm", "--name", "x", "-m64m", "img", "-l", NULL}, &e),
        2);
    assert_true(interactive && tty && rm);
    assert_string_equal(name, "x");
    assert_string_equal(memory, "64m");
    assert_string_equal(rest[0], "img");
    assert_string_equal(rest[1], "-l");

    assert_int_equal(
        parse(true, (const char *[]){"--name=", "--rm=false", "-e", "A=1", "-eB", "--env=C=", NULL},
              &e),
        0);
    assert_string_equal(name, "");
    assert_false(rm);
    assert_int_equal(env.count, 3);
    assert_string_equal(env.values[2], "C=");

    assert_int_equal(parse(false, (const char *[]){"a", "-i", "b", "--", "-t", NULL}, &e), 3);
    assert_true(interactive);
    assert_false(tty);
    assert_string_equal(rest[2], "-t");
    assert_int_equal(parse(false, (const char *[]){"-", NULL}, &e), 1);
    assert_int_equal(parse(false, (const char *[]){"--help", NULL}, &e), -2);
    assert_int_equal(parse(false, (const char *[]){"-ih", NULL}, &e), -2);
    assert_int_equal(parse(false, (const char *[]){NULL}, &e), 0);
}

static void mistakes(void **state)
{
    static const char *const cases[][3] = {
        {"--nosuch"}, {"-x"},         {"-ix"},        {"--name"}, {"-m"},
        {"-im"},      {"--rm=maybe"}, {"--nam", "x"}, {"--=x"},
    };
    struct err e;

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        assert_int_equal(parse(false, cases[i], &e), -1);
        assert_int_equal(e.status, 125);
        assert_true(strlen(e.text) > 0);
    }
}

static void sizes(void **state)
{
    (void)state;
    assert_int_equal(opts_parse_size("0"), 0);
    assert_int_equal(opts_parse_size("4096"), 4096);
    assert_int_equal(opts_parse_size("64m"), 64 << 20);
    assert_int_equal(opts_parse_size("64M"), 64 << 20);
    assert_int_equal(opts_parse_size("1GiB"), 1 << 30);
    assert_int_equal(opts_parse_size("2kb"), 2048);
    assert_int_equal(opts_parse_size("7b"), 7);
    assert_int_equal(opts_parse_size(""), -1);
    assert_int_equal(opts_parse_size("m"), -1);
    assert_int_equal(opts_parse_size("-1"), -1);
    assert_int_equal(opts_parse_size("1x"), -1);
    assert_int_equal(opts_parse_size("1mm"), -1);
    assert_int_equal(opts_parse_size("99999999t"), -1);
    assert_int_equal(opts_parse_size("99999999999999999999"), -1);
}

static void capabilities(void **state)
{
    (void)state;
    assert_int_equal(caps_default, 0xa80425fb); /* what Docker's containers have */
    assert_int_equal(caps_parse("CHOWN"), 1);
    assert_int_equal(caps_parse("cap_net_admin"), 1 << 12);
    assert_int_equal(caps_parse("CHECKPOINT_RESTORE"), 1ull << 40);
    assert_int_equal(caps_parse("ALL"), (1ull << 41) - 1);
    assert_int_equal(caps_parse("NOSUCH"), 0);
    assert_int_equal(caps_parse(""), 0);
}

/* Names of a list, each followed by a space, and what is made of it. */
static uint64_t combined(const char *add, const char *drop)
{
    const char *const texts[] = {add, drop};
    struct caps_list lists[2] = {{0}, {0}};

    for (int i = 0; i < 2; i++) {
        char copy[100], *rest_of = copy, *one;

        strcpy(copy, texts[i]);
        while ((one = strsep(&rest_of, " ")) != NULL)
            assert_int_equal(*one == '\0' ? 0 : caps_list_add(&lists[i], one), 0);
    }
    return caps_combine(&lists[0], &lists[1]);
}

static void capabilities_added_and_dropped(void **state)
{
    const uint64_t all = caps_parse("ALL"), chown = 1, kill = 1 << 5, admin = 1 << 21;
    const uint64_t both = chown | admin; /* one that is given by default, one that is not */
    struct caps_list list = {0};

    (void)state;
    assert_int_equal(combined("", ""), caps_default);
    assert_int_equal(combined("SYS_ADMIN", ""), caps_default | admin);
    assert_int_equal(combined("", "CHOWN"), caps_default & ~chown);
    assert_int_equal(combined("SYS_ADMIN", "CHOWN"), (caps_default | admin) & ~chown);
    assert_int_equal(combined("CHOWN SYS_ADMIN", "CHOWN SYS_ADMIN KILL"),
                     (caps_default | admin) & ~kill);
    assert_int_equal(combined("ALL", ""), all);
    assert_int_equal(combined("ALL", "CHOWN SYS_ADMIN"), all & ~both);
    assert_int_equal(combined("ALL SYS_ADMIN", "cap_sys_admin"), all & ~admin);
    assert_int_equal(combined("", "all"), 0);
    assert_int_equal(combined("CHOWN SYS_ADMIN", "ALL"), both);
    assert_int_equal(combined("CHOWN", "ALL CHOWN"), chown);
    assert_int_equal(combined("ALL", "ALL"), all);
    assert_int_equal(combined("ALL", "KILL ALL"), all & ~kill);
    assert_int_equal(caps_list_add(&list, "NOSUCH"), -1);
}

static void detach_keys(void **state)
{
    struct detach_keys d = {0};
    unsigned char out[16];

    (void)state;
    assert_int_equal(detach_filter(&d, (const unsigned char *)"abc", 3, out), 3);
    assert_int_equal(detach_filter(&d, (const unsigned char *)"a\x10", 2, out), 1);
    assert_true(d.armed);
    assert_int_equal(detach_filter(&d, (const unsigned char *)"b", 1, out), 2);
    assert_memory_equal(out,
                        "\x10"
                        "b",
                        2);
    assert_int_equal(detach_filter(&d, (const unsigned char *)"\x10\x10", 2, out), 1);
    assert_int_equal(detach_filter(&d, (const unsigned char *)"\x11", 1, out), -1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(spellings),   cmocka_unit_test(mistakes),
        cmocka_unit_test(sizes),       cmocka_unit_test(capabilities),
        cmocka_unit_test(detach_keys), cmocka_unit_test(capabilities_added_and_dropped),
    };
    int failed = cmocka_run_group_tests(tests, NULL, NULL);

    free(env.values);
    return failed;
}
