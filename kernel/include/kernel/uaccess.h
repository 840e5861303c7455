/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The only way to user memory. Each checks that the range lies below USER_TOP,
 * opens SMAP for the copy alone and turns a fault that the address space
 * cannot resolve into -EFAULT. May sleep (a fault takes mm->lock).
 */
#pragma once

#include <kernel/errno.h>
#include <kernel/types.h>

int copy_from_user(void *dst, uaddr_t src, size_t n) __must_check;
int copy_to_user(uaddr_t dst, const void *src, size_t n) __must_check;
int clear_user(uaddr_t dst, size_t n) __must_check;

/* At most size bytes with the NUL; length without it, -EFAULT, or -ENAMETOOLONG. */
ssize_t strncpy_from_user(char *dst, uaddr_t src, size_t size) __must_check;

/* As many bytes as possible: how many were copied, -EFAULT when none. For read and write. */
ssize_t copy_from_user_partial(void *dst, uaddr_t src, size_t n) __must_check;
ssize_t copy_to_user_partial(uaddr_t dst, const void *src, size_t n) __must_check;

#define get_user(out, addr) copy_from_user((out), (addr), sizeof(*(out)))
#define put_user(addr, val)                                                                        \
    ({                                                                                             \
        __typeof__(val) put_user_v_ = (val);                                                       \
        copy_to_user((addr), &put_user_v_, sizeof(put_user_v_));                                   \
    })

static inline bool user_range_ok(uaddr_t addr, size_t len)
{
    return addr < 0x00007ffffffff000ULL && len <= 0x00007ffffffff000ULL - addr;
}

/* A cmpxchg on an aligned user word, for futexes: 0 with *old set, -EFAULT. */
int user_cmpxchg32(uaddr_t addr, uint32_t expected, uint32_t desired, uint32_t *old) __must_check;
