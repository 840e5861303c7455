/* SPDX-License-Identifier: BSD-2-Clause */
/* Subcommands, options and their help, from tables. */
#include "command.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const struct opt *find_long(const struct opt *opts, const char *name, size_t len)
{
    for (; opts != NULL && opts->name != NULL; opts++) {
        if (strlen(opts->name) == len && strncmp(opts->name, name, len) == 0)
            return opts;
    }
    return NULL;
}

static const struct opt *find_letter(const struct opt *opts, char letter)
{
    for (; opts != NULL && opts->name != NULL; opts++) {
        if (opts->letter == letter)
            return opts;
    }
    return NULL;
}

static int add_to_list(struct opt_list *list, const char *value, struct err *e)
{
    const char **values = realloc(list->values, (list->count + 1) * sizeof(*values));

    if (values == NULL)
        return err_set(e, 125, "out of memory");
    list->values = values;
    list->values[list->count++] = value;
    return 0;
}

static int set_flag(const struct opt *o, const char *value, struct err *e)
{
    if (value == NULL || strcmp(value, "true") == 0 || strcmp(value, "1") == 0)
        *(bool *)o->dest = true;
    else if (strcmp(value, "false") == 0 || strcmp(value, "0") == 0)
        *(bool *)o->dest = false;
    else
        return err_set(e, 125, "invalid value \"%s\" for --%s: true or false", value, o->name);
    return 0;
}

static int store(const struct opt *o, const char *value, struct err *e)
{
    if (o->kind == OPT_LIST)
        return add_to_list(o->dest, value, e);
    *(const char **)o->dest = value;
    return 0;
}

/* Both return how many arguments they used up, or -1, or -2 for --help. */
static int parse_long(const struct opt *opts, int argc, char **argv, struct err *e)
{
    const char *name = argv[0] + 2, *equals = strchr(name, '=');
    size_t len = equals == NULL ? strlen(name) : (size_t)(equals - name);
    const struct opt *o = find_long(opts, name, len);

    if (o == NULL && strcmp(name, "help") == 0)
        return -2;
    if (o == NULL)
        return err_set(e, 125, "unknown flag: --%.*s", (int)len, name);
    if (o->kind == OPT_FLAG)
        return set_flag(o, equals == NULL ? NULL : equals + 1, e) < 0 ? -1 : 1;
    if (equals != NULL)
        return store(o, equals + 1, e) < 0 ? -1 : 1;
    if (argc < 2)
        return err_set(e, 125, "flag needs an argument: --%s", o->name);
    return store(o, argv[1], e) < 0 ? -1 : 2;
}

static int parse_short(const struct opt *opts, int argc, char **argv, struct err *e)
{
    for (const char *p = argv[0] + 1; *p != '\0'; p++) {
        const struct opt *o = find_letter(opts, *p);

        if (o == NULL && *p == 'h')
            return -2;
        if (o == NULL)
            return err_set(e, 125, "unknown shorthand flag: '%c' in %s", *p, argv[0]);
        if (o->kind == OPT_FLAG) {
            if (set_flag(o, NULL, e) < 0)
                return -1;
            continue;
        }
        if (p[1] != '\0')
            return store(o, p + 1 + (p[1] == '='), e) < 0 ? -1 : 1;
        if (argc < 2)
            return err_set(e, 125, "flag needs an argument: '%c' in %s", *p, argv[0]);
        return store(o, argv[1], e) < 0 ? -1 : 2;
    }
    return 1;
}

int opts_parse(const struct opt *opts, bool stops_early, int argc, char **argv, struct err *e)
{
    int kept = 0, i = 0;

    while (i < argc) {
        int used;

        if (argv[i][0] != '-' || argv[i][1] == '\0') {
            if (stops_early)
                break;
            argv[kept++] = argv[i++];
            continue;
        }
        if (strcmp(argv[i], "--") == 0) {
            i++;
            break;
        }
        if (argv[i][1] == '-')
            used = parse_long(opts, argc - i, argv + i, e);
        else
            used = parse_short(opts, argc - i, argv + i, e);
        if (used < 0)
            return used;
        i += used;
    }
    while (i < argc)
        argv[kept++] = argv[i++];
    argv[kept] = NULL;
    return kept;
}

int64_t opts_parse_size(const char *text)
{
    static const char units[] = "bkmgt";
    unsigned long long n;
    const char *unit;
    unsigned shift = 0;
    char *end;

    if (*text < '0' || *text > '9')
        return -1;
    n = strtoull(text, &end, 10);
    if (*end != '\0') {
        char letter = (char)(*end >= 'A' && *end <= 'Z' ? *end + 32 : *end);

        unit = strchr(units, letter);
        if (unit == NULL)
            return -1;
        shift = 10 * (unsigned)(unit - units);
        end++;
        if (shift > 0 && *end == 'i')
            end++;
        if (shift > 0 && (*end == 'b' || *end == 'B'))
            end++;
    }
    if (*end != '\0' || n > (unsigned long long)INT64_MAX >> shift)
        return -1;
    return (int64_t)(n << shift);
}

static void print_help(const struct command *c)
{
    printf("Usage:  %s %s%s%s%s\n\n%s\n", err_program, c->name, c->opts != NULL ? " [OPTIONS]" : "",
           c->args[0] != '\0' ? " " : "", c->args, c->help);
    if (c->opts != NULL)
        printf("\nOptions:\n");
    for (const struct opt *o = c->opts; o != NULL && o->name != NULL; o++) {
        char left[64];

        snprintf(left, sizeof(left), "--%s%s%s", o->name, o->arg != NULL ? " " : "",
                 o->arg != NULL ? o->arg : "");
        if (o->letter != 0)
            printf("  -%c, %-26s %s\n", o->letter, left, o->help);
        else
            printf("      %-26s %s\n", left, o->help);
    }
    if (c->details != NULL)
        printf("\n%s\n", c->details);
}

static void print_overview(const struct command *commands, const char *about)
{
    printf("Usage:  %s COMMAND [OPTIONS]\n\n%s\n\nCommands:\n", err_program, about);
    for (const struct command *c = commands; c->name != NULL; c++)
        printf("  %-10s %s\n", c->name, c->help);
    printf("\n'%s COMMAND --help' tells more about each.\n", err_program);
}

static int run_command(const struct command *c, int argc, char **argv)
{
    struct err e;
    int n = opts_parse(c->opts, c->stops_early, argc, argv, &e);

    if (n == -2) {
        print_help(c);
        return 0;
    }
    if (n < 0)
        die(e.status, "%s (see '%s %s --help')", e.text, err_program, c->name);
    if (n < c->min_args || (c->max_args >= 0 && n > c->max_args))
        die(strcmp(c->name, "run") == 0 ? 125 : 1, "usage: %s %s%s %s (see '%s %s --help')",
            err_program, c->name, c->opts != NULL ? " [OPTIONS]" : "", c->args, err_program,
            c->name);
    return c->run(n, argv);
}

int command_main(const struct command *commands, const char *about, int argc, char **argv)
{
    if (argc < 2 || strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-h") == 0 ||
        strcmp(argv[1], "help") == 0) {
        print_overview(commands, about);
        return argc < 2 ? 1 : 0;
    }
    for (const struct command *c = commands; c->name != NULL; c++) {
        if (strcmp(c->name, argv[1]) == 0)
            return run_command(c, argc - 2, argv + 2);
    }
    die(1, "'%s' is not a command (see '%s --help')", argv[1], err_program);
}
