/* SPDX-License-Identifier: BSD-2-Clause */
/* The freestanding part of <string.h> and formatted printing into buffers (kernel/lib). */
#pragma once

#include <stdarg.h>

#include <kernel/types.h>

void *memcpy(void *dst, const void *src, size_t n);
void *memmove(void *dst, const void *src, size_t n);
void *memset(void *dst, int c, size_t n);
int memcmp(const void *a, const void *b, size_t n);
void *memchr(const void *s, int c, size_t n);
size_t strlen(const char *s);
size_t strnlen(const char *s, size_t max);
int strcmp(const char *a, const char *b);
int strncmp(const char *a, const char *b, size_t n);
char *strchr(const char *s, int c);
char *strrchr(const char *s, int c);
char *strstr(const char *hay, const char *needle);

/* Copies at most size - 1 characters and always terminates; returns strlen(src). */
size_t strlcpy(char *dst, const char *src, size_t size);
size_t strlcat(char *dst, const char *src, size_t size);

/* %d %i %u %x %X %o %c %s %p %% with flags, width, precision and h, hh, l, ll, z. */
int vsnprintf(char *buf, size_t size, const char *fmt, va_list ap) __printf(3, 0);
int snprintf(char *buf, size_t size, const char *fmt, ...) __printf(3, 4);

/* Decimal, 0x and 0 prefixes as base 0 of strtoull; the whole string must be a
 * number that fits: 0, -EINVAL or -ERANGE. */
int parse_u64(const char *s, unsigned base, uint64_t *out);
