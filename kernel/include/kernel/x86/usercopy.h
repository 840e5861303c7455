/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The instructions that touch user memory (kernel/x86/usercopy.asm). They open
 * SMAP for themselves alone and stop at the first byte that faults, once
 * page_fault() has given up on it and called extable_fixup().
 *
 * They check no range and set no flag: <kernel/uaccess.h> is what the rest of
 * the kernel calls, and kernel/mm puts it on top of these.
 */
#pragma once

#include <kernel/types.h>

/* Both return how many bytes were NOT done. Either pointer of the copy may be the user's. */
size_t user_copy(void *dst, const void *src, size_t n);
size_t user_clear(void *dst, size_t n);
/* Copies up to and with the NUL, at most n bytes: length without the NUL, n if there was none,
 * -EFAULT. */
ssize_t user_strncpy(char *dst, const char *src, size_t n);
/* lock cmpxchg: 0 with the word's old value in *old, or -EFAULT. */
int user_cmpxchg(uint32_t *word, uint32_t expected, uint32_t desired, uint32_t *old);
