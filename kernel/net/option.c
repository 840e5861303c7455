/* SPDX-License-Identifier: BSD-2-Clause */
/* Options of level SOL_SOCKET: socket(7). What a family adds (SO_PEERCRED) it answers itself. */
#include "socket.h"

#include <kernel/proc.h>
#include <kernel/string.h>
#include <kernel/uaccess.h>

#define BUF_MAX    212992 /* net.core.wmem_max, rmem_max */
#define SNDBUF_MIN 4608
#define RCVBUF_MIN 2304

/* Switches that are only kept (or that families look at): setting and getting is all there is to
 * it. */
static const uint64_t switches =
    BIT(SO_DEBUG) | BIT(SO_REUSEADDR) | BIT(SO_DONTROUTE) | BIT(SO_BROADCAST) | BIT(SO_KEEPALIVE) |
    BIT(SO_OOBINLINE) | BIT(SO_NO_CHECK) | BIT(SO_REUSEPORT) | BIT(SO_PASSCRED) | BIT(SO_TIMESTAMP);

static bool is_switch(int name)
{
    return name > 0 && name < 64 && (switches >> name & 1) != 0;
}

/* Linux doubles what is asked for: half of it counts as overhead. */
static uint32_t buffer_size(int32_t asked, int64_t limit, uint32_t least)
{
    int64_t v = asked < 0 ? limit : asked;

    v = min(v, limit) * 2;
    return (uint32_t)max(v, (int64_t)least);
}

static int set_timeout(uint64_t *timeo_ns, uaddr_t val, int len)
{
    struct timeval tv;
    uint64_t ns;

    if (len < (int)sizeof(tv))
        return -EINVAL;
    if (copy_from_user(&tv, val, sizeof(tv)) < 0)
        return -EFAULT;
    if (tv.tv_usec < 0 || tv.tv_usec >= 1000000)
        return -EDOM;
    if (tv.tv_sec < 0)
        ns = 1; /* as on Linux: do not wait at all */
    else if (mul_overflows((uint64_t)tv.tv_sec, NSEC_PER_SEC, &ns) || ns > INT64_MAX)
        ns = 0;
    else
        ns += (uint64_t)tv.tv_usec * NSEC_PER_USEC;
    WRITE_ONCE(*timeo_ns, ns);
    return 0;
}

static int set_linger(struct socket *s, uaddr_t val, int len)
{
    int32_t linger[2];

    if (len < (int)sizeof(linger))
        return -EINVAL;
    if (copy_from_user(linger, val, sizeof(linger)) < 0)
        return -EFAULT;
    s->linger[0] = linger[0] != 0;
    s->linger[1] = linger[1];
    return 0;
}

static int set_switch(struct socket *s, int name, int32_t v)
{
    if (name == SO_DEBUG && v != 0 && !capable(CAP_NET_ADMIN))
        return -EACCES;
    if (v != 0)
        __atomic_fetch_or(&s->options, BIT(name), __ATOMIC_RELAXED);
    else
        __atomic_fetch_and(&s->options, ~BIT(name), __ATOMIC_RELAXED);
    return 0;
}

int socket_setsockopt(struct socket *s, int name, uaddr_t val, int len)
{
    int32_t v;

    if (len < (int)sizeof(v))
        return -EINVAL;
    if (get_user(&v, val) < 0)
        return -EFAULT;
    if (is_switch(name))
        return set_switch(s, name, v);
    switch (name) {
    case SO_TYPE:
    case SO_PROTOCOL:
    case SO_DOMAIN:
    case SO_ERROR:
        return -ENOPROTOOPT;
    case SO_SNDBUFFORCE:
    case SO_RCVBUFFORCE:
        if (!capable(CAP_NET_ADMIN))
            return -EPERM;
        if (name == SO_RCVBUFFORCE)
            WRITE_ONCE(s->rcvbuf, buffer_size(max(v, 0), INT32_MAX / 2, RCVBUF_MIN));
        else
            WRITE_ONCE(s->sndbuf, buffer_size(max(v, 0), INT32_MAX / 2, SNDBUF_MIN));
        break;
    case SO_SNDBUF:
        WRITE_ONCE(s->sndbuf, buffer_size(v, BUF_MAX, SNDBUF_MIN));
        break;
    case SO_RCVBUF:
        WRITE_ONCE(s->rcvbuf, buffer_size(v, BUF_MAX, RCVBUF_MIN));
        break;
    case SO_PRIORITY:
        if ((v < 0 || v > 6) && !capable(CAP_NET_ADMIN) && !capable(CAP_NET_RAW))
            return -EPERM;
        WRITE_ONCE(s->priority, v);
        break;
    case SO_RCVLOWAT:
        WRITE_ONCE(s->rcvlowat, v < 0 ? INT32_MAX : v != 0 ? v : 1);
        break;
    case SO_LINGER:
        return set_linger(s, val, len);
    case SO_RCVTIMEO:
        return set_timeout(&s->rcvtimeo_ns, val, len);
    case SO_SNDTIMEO:
        return set_timeout(&s->sndtimeo_ns, val, len);
    case SO_BSDCOMPAT:
        return 0;
    default:
        return -ENOPROTOOPT;
    }
    if (s->ops->wake_writers != NULL)
        s->ops->wake_writers(s);
    return 0;
}

/* Room for the largest answer: SO_PEERGROUPS. */
union answer {
    int32_t number;
    int32_t linger[2];
    struct timeval tv;
    uint8_t bytes[256];
};

static void answer_timeout(union answer *a, uint32_t *len, uint64_t ns)
{
    a->tv = (struct timeval){(int64_t)(ns / NSEC_PER_SEC),
                             (int64_t)(ns % NSEC_PER_SEC / NSEC_PER_USEC)};
    *len = sizeof(a->tv);
}

/* The value and its size; *len comes with the size of the program's buffer. */
static int get_value(struct socket *s, int name, union answer *a, uint32_t *len)
{
    if (is_switch(name)) {
        a->number = socket_option(s, name);
        *len = sizeof(a->number);
        return 0;
    }
    switch (name) {
    case SO_RCVTIMEO:
        answer_timeout(a, len, READ_ONCE(s->rcvtimeo_ns));
        return 0;
    case SO_SNDTIMEO:
        answer_timeout(a, len, READ_ONCE(s->sndtimeo_ns));
        return 0;
    case SO_LINGER:
        memcpy(a->linger, s->linger, sizeof(a->linger));
        *len = sizeof(a->linger);
        return 0;
    case SO_TYPE:
        a->number = s->type;
        break;
    case SO_DOMAIN:
        a->number = s->family;
        break;
    case SO_PROTOCOL:
        a->number = s->protocol;
        break;
    case SO_ERROR:
        a->number = -socket_take_error(s);
        break;
    case SO_SNDBUF:
        a->number = (int32_t)READ_ONCE(s->sndbuf);
        break;
    case SO_RCVBUF:
        a->number = (int32_t)READ_ONCE(s->rcvbuf);
        break;
    case SO_PRIORITY:
        a->number = READ_ONCE(s->priority);
        break;
    case SO_RCVLOWAT:
        a->number = READ_ONCE(s->rcvlowat);
        break;
    case SO_SNDLOWAT:
        a->number = 1;
        break;
    case SO_BSDCOMPAT:
        a->number = 0;
        break;
    case SO_ACCEPTCONN:
        a->number = s->ops->is_listening(s);
        break;
    default:
        return s->ops->getsockopt != NULL ? s->ops->getsockopt(s, name, a, len) : -ENOPROTOOPT;
    }
    *len = sizeof(a->number);
    return 0;
}

int socket_getsockopt(struct socket *s, int name, uaddr_t val, uaddr_t len_user)
{
    union answer a = {.number = 0};
    uint32_t len = sizeof(a);
    int32_t room;
    int err;

    if (get_user(&room, len_user) < 0)
        return -EFAULT;
    if (room < 0)
        return -EINVAL;
    if (name == SO_PEERGROUPS && (uint32_t)room < len)
        len = (uint32_t)room;
    err = get_value(s, name, &a, &len);
    if (err == -ERANGE) /* tells how much there would be */
        return put_user(len_user, (int32_t)len) < 0 ? -EFAULT : err;
    if (err < 0)
        return err;
    if ((uint32_t)room < len)
        len = (uint32_t)room;
    if (copy_to_user(val, &a, len) < 0)
        return -EFAULT;
    return put_user(len_user, (int32_t)len);
}
