/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once

struct abi_fact {
    const char *name;
    unsigned long long value;
};

#define NUMBER(name)         {#name, (unsigned long long)(name)},
#define SIZE(type)           {"sizeof " #type, sizeof(type)},
#define OFFSET(type, member) {#type "." #member, offsetof(type, member)},

extern const struct abi_fact abi_linux[];
