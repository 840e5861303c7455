/* SPDX-License-Identifier: BSD-2-Clause */
/* Fault fix-up: the table that <kernel/x86/extable.h> fills, and its first users. */
#include <kernel/x86/extable.h>

#include <kernel/errno.h>

#include "x86.h"

extern const struct extable_entry extable_start[], extable_end[];

/* A few dozen entries, looked at only after a fault that nothing could resolve. */
static const struct extable_entry *find(uint64_t rip)
{
    for (const struct extable_entry *e = extable_start; e < extable_end; e++)
        if (e->insn == rip)
            return e;
    return NULL;
}

bool extable_covers(uint64_t rip)
{
    return find(rip) != NULL;
}

bool extable_fixup(struct trapframe *frame)
{
    const struct extable_entry *e = find(frame->rip);

    if (e == NULL)
        return false;
    frame->rip = e->fixup;
    return true;
}

int rdmsr_safe(uint32_t msr, uint64_t *out)
{
    uint32_t lo, hi;
    int err = 0;

    __asm__ volatile("1: rdmsr\n\t"
                     "jmp 3f\n\t"
                     "2: mov %[fault], %[err]\n\t"
                     "xor %%eax, %%eax\n\t"
                     "xor %%edx, %%edx\n\t"
                     "3:\n\t" EXTABLE("1b", "2b")
                     : "=a"(lo), "=d"(hi), [err] "+r"(err)
                     : "c"(msr), [fault] "i"(-EFAULT));
    if (err == 0)
        *out = (uint64_t)hi << 32 | lo;
    return err;
}

int wrmsr_safe(uint32_t msr, uint64_t value)
{
    int err = 0;

    __asm__ volatile("1: wrmsr\n\t"
                     "jmp 3f\n\t"
                     "2: mov %[fault], %[err]\n\t"
                     "3:\n\t" EXTABLE("1b", "2b")
                     : [err] "+r"(err)
                     : "c"(msr), "a"((uint32_t)value), "d"((uint32_t)(value >> 32)),
                       [fault] "i"(-EFAULT)
                     : "memory");
    return err;
}
