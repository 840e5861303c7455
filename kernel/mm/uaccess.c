/* SPDX-License-Identifier: BSD-2-Clause */
/* Range checks on top of the copying instructions: <kernel/uaccess.h>. */
#include <kernel/lock_order.h>
#include <kernel/uaccess.h>
#include <kernel/x86/usercopy.h>

#include "mm_internal.h"

static bool may_touch(uaddr_t addr, size_t n)
{
    lock_assert_may_fault();
    return user_range_ok(addr, n);
}

int copy_from_user(void *dst, uaddr_t src, size_t n)
{
    if (!may_touch(src, n) || user_copy(dst, (const void *)src, n) != 0)
        return -EFAULT;
    return 0;
}

int copy_to_user(uaddr_t dst, const void *src, size_t n)
{
    if (!may_touch(dst, n) || user_copy((void *)dst, src, n) != 0)
        return -EFAULT;
    return 0;
}

int clear_user(uaddr_t dst, size_t n)
{
    if (!may_touch(dst, n) || user_clear((void *)dst, n) != 0)
        return -EFAULT;
    return 0;
}

ssize_t strncpy_from_user(char *dst, uaddr_t src, size_t size)
{
    size_t room = src < USER_TOP ? min(size, (size_t)(USER_TOP - src)) : 0;
    ssize_t n;

    if (room == 0)
        return -EFAULT;
    lock_assert_may_fault();
    n = user_strncpy(dst, (const char *)src, room);
    if (n < 0 || (size_t)n < room)
        return n;
    return room < size ? -EFAULT : -ENAMETOOLONG;
}

ssize_t copy_from_user_partial(void *dst, uaddr_t src, size_t n)
{
    size_t left;

    if (n == 0)
        return 0;
    if (!may_touch(src, n))
        return -EFAULT;
    left = user_copy(dst, (const void *)src, n);
    return left < n ? (ssize_t)(n - left) : -EFAULT;
}

ssize_t copy_to_user_partial(uaddr_t dst, const void *src, size_t n)
{
    size_t left;

    if (n == 0)
        return 0;
    if (!may_touch(dst, n))
        return -EFAULT;
    left = user_copy((void *)dst, src, n);
    return left < n ? (ssize_t)(n - left) : -EFAULT;
}

int user_cmpxchg32(uaddr_t addr, uint32_t expected, uint32_t desired, uint32_t *old)
{
    if (!IS_ALIGNED(addr, 4))
        return -EINVAL;
    if (!may_touch(addr, 4))
        return -EFAULT;
    return user_cmpxchg((uint32_t *)addr, expected, desired, old);
}
