/* SPDX-License-Identifier: BSD-2-Clause */
/* The scalar types and small macros that every part of the kernel uses. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef uint64_t paddr_t; /* host physical address */
typedef uint64_t vaddr_t; /* kernel virtual address held as a number */
typedef uint64_t uaddr_t; /* user virtual address: hostile, go through <kernel/uaccess.h> */
typedef int64_t off_t;
typedef int64_t ssize_t;
typedef uint64_t ino_t;
typedef uint32_t mode_t;
typedef uint64_t dev_t; /* MKDEV(major, minor) */

#define PAGE_SHIFT 12
#define PAGE_SIZE  4096UL
#define PAGE_MASK  (~(PAGE_SIZE - 1))

#define BIT(n)             (1ULL << (n))
#define ARRAY_SIZE(a)      (sizeof(a) / sizeof((a)[0]))
#define ALIGN_UP(x, a)     (((x) + ((a) - 1)) & ~((__typeof__(x))(a) - 1))
#define ALIGN_DOWN(x, a)   ((x) & ~((__typeof__(x))(a) - 1))
#define IS_ALIGNED(x, a)   (((x) & ((__typeof__(x))(a) - 1)) == 0)
#define DIV_ROUND_UP(n, d) (((n) + (d) - 1) / (d))
#define KIB(n)             ((uint64_t)(n) << 10)
#define MIB(n)             ((uint64_t)(n) << 20)
#define GIB(n)             ((uint64_t)(n) << 30)

#define container_of(ptr, type, member) ((type *)((char *)(ptr) - offsetof(type, member)))

/* Each use has names of its own, so that they nest. */
#define paste_2_(a, b) a##b
#define paste_(a, b)   paste_2_(a, b)
#define pick_(a, op, b, x, y)                                                                      \
    ({                                                                                             \
        __typeof__(a) x = (a);                                                                     \
        __typeof__(b) y = (b);                                                                     \
        x op y ? x : y;                                                                            \
    })
#define min(a, b) pick_(a, <, b, paste_(x_, __COUNTER__), paste_(y_, __COUNTER__))
#define max(a, b) pick_(a, >, b, paste_(x_, __COUNTER__), paste_(y_, __COUNTER__))

#define READ_ONCE(x)     (*(const volatile __typeof__(x) *)&(x))
#define WRITE_ONCE(x, v) (*(volatile __typeof__(x) *)&(x) = (v))

#define likely(x)   __builtin_expect(!!(x), 1)
#define unlikely(x) __builtin_expect(!!(x), 0)

#define __packed         __attribute__((packed))
#define __aligned(n)     __attribute__((aligned(n)))
#define __noreturn       __attribute__((noreturn))
#define __printf(f, a)   __attribute__((format(printf, f, a)))
#define __must_check     __attribute__((warn_unused_result))
#define __weak           __attribute__((weak))

/* Overflow-checked arithmetic: true when the result does not fit. */
#define add_overflows(a, b, out) __builtin_add_overflow(a, b, out)
#define mul_overflows(a, b, out) __builtin_mul_overflow(a, b, out)
