/* SPDX-License-Identifier: BSD-2-Clause */
/* Formatted printing into buffers; the conversions are those that <kernel/string.h> names. */
#include <kernel/string.h>

struct out {
    char *buf;
    size_t size; /* of buf */
    size_t len;  /* what the whole text needs so far */
};

enum spec_flags { SPEC_LEFT = 1, SPEC_ZERO = 2, SPEC_PLUS = 4, SPEC_SPACE = 8, SPEC_ALT = 16, SPEC_UPPER = 32 };

struct spec {
    unsigned flags;
    int width;
    int precision; /* -1: none */
    int length;    /* bytes of the integer argument: 1, 2, 4, 8 */
};

static void put(struct out *o, char c)
{
    if (o->len + 1 < o->size)
        o->buf[o->len] = c;
    o->len++;
}

static void put_bytes(struct out *o, const char *p, size_t n)
{
    size_t room = o->size > o->len + 1 ? o->size - o->len - 1 : 0;

    if (room > 0)
        memcpy(o->buf + o->len, p, min(n, room));
    o->len += n;
}

static void pad(struct out *o, char c, int n)
{
    while (n-- > 0)
        put(o, c);
}

static void put_text(struct out *o, const struct spec *s, const char *text)
{
    size_t max = s->precision >= 0 ? (size_t)s->precision : SIZE_MAX;
    int len;

    if (text == NULL)
        text = "(null)";
    len = (int)strnlen(text, max);
    if (!(s->flags & SPEC_LEFT))
        pad(o, ' ', s->width - len);
    put_bytes(o, text, (size_t)len);
    if (s->flags & SPEC_LEFT)
        pad(o, ' ', s->width - len);
}

__attribute__((noinline)) /* keeps the short way short */
static void put_any_number(struct out *o, const struct spec *s, uint64_t v, unsigned base, char sign)
{
    const char *digits = s->flags & SPEC_UPPER ? "0123456789ABCDEF" : "0123456789abcdef";
    char buf[24], *first = buf + sizeof(buf);
    int n, zeros, total;
    const char *prefix = "";

    for (; v != 0; v /= base)
        *--first = digits[v % base];
    n = (int)(buf + sizeof(buf) - first);
    zeros = s->precision >= 0 ? s->precision - n : (n == 0);
    if (zeros < 0)
        zeros = 0;
    if ((s->flags & SPEC_ALT) && base == 16)
        prefix = s->flags & SPEC_UPPER ? "0X" : "0x";
    total = n + zeros + (*prefix != '\0' ? 2 : 0) + (sign != '\0');
    if ((s->flags & SPEC_ZERO) && !(s->flags & SPEC_LEFT) && s->precision < 0 && total < s->width) {
        zeros += s->width - total;
        total = s->width;
    }
    if (!(s->flags & SPEC_LEFT))
        pad(o, ' ', s->width - total);
    if (sign != '\0')
        put(o, sign);
    for (; *prefix != '\0'; prefix++)
        put(o, *prefix);
    pad(o, '0', zeros);
    put_bytes(o, first, (size_t)n);
    if (s->flags & SPEC_LEFT)
        pad(o, ' ', s->width - total);
}

/* The commonest number by far has one digit, in any base, and nothing around it. */
static void put_number(struct out *o, const struct spec *s, uint64_t v, unsigned base, char sign)
{
    if (v < 8 && s->width == 0 && s->precision < 0 && s->flags == 0 && sign == '\0')
        put(o, (char)('0' + v));
    else
        put_any_number(o, s, v, base, sign);
}

static unsigned flag_of(char c)
{
    switch (c) {
    case '-':
        return SPEC_LEFT;
    case '0':
        return SPEC_ZERO;
    case '+':
        return SPEC_PLUS;
    case ' ':
        return SPEC_SPACE;
    case '#':
        return SPEC_ALT;
    default:
        return 0;
    }
}

static const char *parse_layout(const char *p, struct spec *s, va_list *ap)
{
    for (unsigned flag; (flag = flag_of(*p)) != 0; p++)
        s->flags |= flag;
    if (*p == '*') {
        s->width = va_arg(*ap, int);
        if (s->width < 0) {
            s->flags |= SPEC_LEFT;
            s->width = -s->width;
        }
        p++;
    }
    for (; *p >= '0' && *p <= '9'; p++)
        s->width = s->width * 10 + (*p - '0');
    if (*p == '.') {
        s->precision = 0;
        p++;
        if (*p == '*') {
            s->precision = va_arg(*ap, int);
            p++;
        }
        for (; *p >= '0' && *p <= '9'; p++)
            s->precision = s->precision * 10 + (*p - '0');
    }
    return p;
}

static const char *parse_spec(const char *p, struct spec *s, va_list *ap)
{
    *s = (struct spec){.precision = -1, .length = 4};
    if (*p <= '9') /* not so most often: a letter follows at once */
        p = parse_layout(p, s, ap);
    if (*p == 'h') {
        s->length = p[1] == 'h' ? 1 : 2;
        p += s->length == 1 ? 2 : 1;
    } else if (*p == 'l' || *p == 'z') {
        s->length = 8;
        p += p[0] == 'l' && p[1] == 'l' ? 2 : 1;
    }
    return p;
}

static uint64_t unsigned_arg(const struct spec *s, va_list *ap)
{
    if (s->length == 8)
        return va_arg(*ap, uint64_t);
    return va_arg(*ap, unsigned) & (s->length == 4 ? ~0u : (1u << (s->length * 8)) - 1);
}

static int64_t signed_arg(const struct spec *s, va_list *ap)
{
    if (s->length == 8)
        return va_arg(*ap, int64_t);
    if (s->length == 4)
        return va_arg(*ap, int);
    return s->length == 2 ? (short)va_arg(*ap, int) : (signed char)va_arg(*ap, int);
}

static void put_signed(struct out *o, const struct spec *s, int64_t v)
{
    char sign = v < 0 ? '-' : s->flags & SPEC_PLUS ? '+' : s->flags & SPEC_SPACE ? ' ' : '\0';

    put_number(o, s, v < 0 ? -(uint64_t)v : (uint64_t)v, 10, sign);
}

int vsnprintf(char *buf, size_t size, const char *fmt, va_list args)
{
    struct out o = {buf, size, 0};
    va_list ap;

    va_copy(ap, args);
    for (const char *p = fmt; *p != '\0'; p++) {
        struct spec s;

        if (*p != '%') {
            const char *end = p + 1;

            while (*end != '\0' && *end != '%')
                end++;
            if (end == p + 1)
                put(&o, *p);
            else
                put_bytes(&o, p, (size_t)(end - p));
            p = end - 1;
            continue;
        }
        p = parse_spec(p + 1, &s, &ap);
        switch (*p) {
        case 'd':
        case 'i':
            put_signed(&o, &s, signed_arg(&s, &ap));
            break;
        case 'u':
            put_number(&o, &s, unsigned_arg(&s, &ap), 10, '\0');
            break;
        case 'o':
            put_number(&o, &s, unsigned_arg(&s, &ap), 8, '\0');
            break;
        case 'X':
            s.flags |= SPEC_UPPER;
            /* fall through */
        case 'x':
            put_number(&o, &s, unsigned_arg(&s, &ap), 16, '\0');
            break;
        case 'p':
            s.flags |= SPEC_ALT;
            put_number(&o, &s, (uint64_t)va_arg(ap, void *), 16, '\0');
            break;
        case 'c': {
            char text[2] = {(char)va_arg(ap, int), '\0'};

            put_text(&o, &s, text);
            break;
        }
        case 's':
            put_text(&o, &s, va_arg(ap, const char *));
            break;
        case '%':
            put(&o, '%');
            break;
        default: /* an unknown conversion shows itself */
            put(&o, '%');
            if (*p == '\0')
                p--;
            else
                put(&o, *p);
        }
    }
    va_end(ap);
    if (size > 0)
        buf[min(o.len, size - 1)] = '\0';
    return (int)o.len;
}

int snprintf(char *buf, size_t size, const char *fmt, ...)
{
    va_list ap;
    int n;

    va_start(ap, fmt);
    n = vsnprintf(buf, size, fmt, ap);
    va_end(ap);
    return n;
}
