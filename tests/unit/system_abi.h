/* SPDX-License-Identifier: BSD-2-Clause */
/* The two sides of system_abi_list.h and of the table of system calls, each compiled with its own headers. */
#pragma once

struct abi_value {
    const char *name;
    long long value;
};

extern const struct abi_value abi_of_kernel[], abi_of_system[];
extern const unsigned abi_values;
extern const struct abi_value calls_of_kernel[], calls_of_system[];
extern const unsigned abi_calls;

#define CONSTANT(name)        {#name, (long long)(name)},
#define COUNT(a)              (sizeof(a) / sizeof((a)[0]))
