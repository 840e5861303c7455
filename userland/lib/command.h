/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once

#include "err.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * Command lines: one table of subcommands per program, one table of options per
 * subcommand. Options may be bundled (-it), joined (-m64m, --name=x) or apart.
 */
enum opt_kind {
    OPT_FLAG,   /* dest: bool */
    OPT_STRING, /* dest: const char * */
    OPT_LIST,   /* dest: struct opt_list */
};

struct opt_list {
    const char **values;
    size_t count;
};

struct opt {
    const char *name; /* long name; NULL ends the table */
    char letter;      /* or 0 */
    enum opt_kind kind;
    void *dest;
    const char *arg; /* what the help calls the value */
    const char *help;
};

struct command {
    const char *name;    /* NULL ends the table */
    const char *args;    /* what comes after the options, for the help */
    const char *help;    /* one line */
    const char *details; /* further lines of --help, or NULL */
    const struct opt *opts;
    int min_args, max_args;            /* of what is not an option; max -1: any number */
    bool stops_early;                  /* options end at the first argument (run, exec) */
    int (*run)(int argc, char **argv); /* returns the exit status */
};

/*
 * Fills in the options' destinations and moves the other arguments to the front
 * of argv. Returns how many those are, -1 with *e set, or -2 if help was asked for.
 */
int opts_parse(const struct opt *opts, bool stops_early, int argc, char **argv, struct err *e);

/* Runs the subcommand argv[1]. `about` is the first lines of the program's help. */
int command_main(const struct command *commands, const char *about, int argc, char **argv);

/* "64m", "1g", "4096" -> bytes; -1 if it is no size. */
int64_t opts_parse_size(const char *text);
