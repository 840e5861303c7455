/* SPDX-License-Identifier: BSD-2-Clause */
/* Sockets at the Linux x86-64 ABI: socket(2), socket(7), unix(7), cmsg(3). */
#pragma once

#include <stdint.h>

#define AF_UNSPEC 0
#define AF_UNIX   1
#define AF_MAX    46

enum { SOCK_STREAM = 1, SOCK_DGRAM = 2, SOCK_RAW = 3, SOCK_SEQPACKET = 5, SOCK_TYPE_MAX = 11 };
#define SOCK_TYPE_MASK 0xf
#define SOCK_CLOEXEC   02000000
#define SOCK_NONBLOCK  00004000

#define SOL_SOCKET 1
enum {
    SO_DEBUG = 1, SO_REUSEADDR, SO_TYPE, SO_ERROR, SO_DONTROUTE, SO_BROADCAST, SO_SNDBUF, SO_RCVBUF,
    SO_KEEPALIVE, SO_OOBINLINE, SO_NO_CHECK, SO_PRIORITY, SO_LINGER, SO_BSDCOMPAT, SO_REUSEPORT,
    SO_PASSCRED, SO_PEERCRED, SO_RCVLOWAT, SO_SNDLOWAT, SO_RCVTIMEO, SO_SNDTIMEO, SO_TIMESTAMP = 29,
    SO_ACCEPTCONN = 30, SO_PEERSEC = 31, SO_SNDBUFFORCE = 32, SO_RCVBUFFORCE = 33, SO_PROTOCOL = 38,
    SO_DOMAIN = 39, SO_PEERGROUPS = 59
};

#define MSG_OOB          0x1u
#define MSG_PEEK         0x2u
#define MSG_DONTROUTE    0x4u
#define MSG_CTRUNC       0x8u
#define MSG_TRUNC        0x20u
#define MSG_DONTWAIT     0x40u
#define MSG_EOR          0x80u
#define MSG_WAITALL      0x100u
#define MSG_NOSIGNAL     0x4000u
#define MSG_MORE         0x8000u
#define MSG_CMSG_CLOEXEC 0x40000000u
#define MSG_CMSG_COMPAT  0x80000000u

enum { SHUT_RD, SHUT_WR, SHUT_RDWR };

#define SOCKADDR_MAX  128
#define SUN_PATH_MAX  108
struct sockaddr_un {
    uint16_t sun_family;
    char sun_path[SUN_PATH_MAX];
};

struct msghdr {
    uint64_t msg_name;
    int32_t msg_namelen, pad0;
    uint64_t msg_iov, msg_iovlen;
    uint64_t msg_control, msg_controllen;
    uint32_t msg_flags, pad1;
};
struct mmsghdr {
    struct msghdr msg_hdr;
    uint32_t msg_len, pad;
};
struct cmsghdr {
    uint64_t cmsg_len; /* with this header */
    int32_t cmsg_level, cmsg_type;
};
#define CMSG_ALIGN(len) (((len) + 7) & ~(uint64_t)7)
enum { SCM_RIGHTS = 1, SCM_CREDENTIALS = 2 };
#define SCM_RIGHTS_MAX 253 /* files in one message */

struct ucred {
    int32_t pid;
    uint32_t uid, gid;
};

_Static_assert(sizeof(struct sockaddr_un) == 110, "socket ABI");
_Static_assert(sizeof(struct msghdr) == 56, "socket ABI");
_Static_assert(sizeof(struct mmsghdr) == 64, "socket ABI");
_Static_assert(sizeof(struct cmsghdr) == 16, "socket ABI");
_Static_assert(sizeof(struct ucred) == 12, "socket ABI");
