/* SPDX-License-Identifier: BSD-2-Clause */
/* Files as user programs see them on x86-64: stat(2), statfs(2), openat2(2), fcntl(2)... */
#pragma once

#include <stddef.h>
#include <stdint.h>

struct abi_timespec {
    int64_t tv_sec;
    int64_t tv_nsec;
};

struct abi_stat {
    uint64_t st_dev, st_ino, st_nlink;
    uint32_t st_mode, st_uid, st_gid, pad0;
    uint64_t st_rdev;
    int64_t st_size, st_blksize, st_blocks;
    struct abi_timespec st_atim, st_mtim, st_ctim;
    int64_t unused[3];
};
_Static_assert(sizeof(struct abi_stat) == 144, "struct stat ABI");

#define STATX_BASIC_STATS     0x07ffu
#define STATX_BTIME           0x0800u
#define STATX_MNT_ID          0x1000u
#define STATX_RESERVED        0x80000000u
#define STATX_ATTR_MOUNT_ROOT 0x2000u
#define AT_STATX_SYNC_TYPE    0x6000

struct abi_statx_timestamp {
    int64_t tv_sec;
    uint32_t tv_nsec;
    int32_t reserved;
};
struct abi_statx {
    uint32_t stx_mask, stx_blksize;
    uint64_t stx_attributes;
    uint32_t stx_nlink, stx_uid, stx_gid;
    uint16_t stx_mode, pad0;
    uint64_t stx_ino, stx_size, stx_blocks, stx_attributes_mask;
    struct abi_statx_timestamp stx_atime, stx_btime, stx_ctime, stx_mtime;
    uint32_t stx_rdev_major, stx_rdev_minor, stx_dev_major, stx_dev_minor;
    uint64_t stx_mnt_id;
    uint64_t spare[13];
};
_Static_assert(sizeof(struct abi_statx) == 256, "struct statx ABI");

struct abi_statfs {
    int64_t f_type, f_bsize;
    uint64_t f_blocks, f_bfree, f_bavail, f_files, f_ffree;
    int32_t f_fsid[2];
    int64_t f_namelen, f_frsize, f_flags, f_spare[4];
};
_Static_assert(sizeof(struct abi_statfs) == 120, "struct statfs ABI");
#define ST_VALID 0x20 /* f_flags is meaningful */

struct abi_dirent64 {
    uint64_t d_ino;
    int64_t d_off;
    uint16_t d_reclen;
    uint8_t d_type;
    char d_name[];
};
_Static_assert(offsetof(struct abi_dirent64, d_name) == 19, "struct linux_dirent64 ABI");

struct abi_iovec {
    uint64_t base;
    uint64_t len;
};
#define IOV_MAX 1024

/* openat2(2) */
struct abi_open_how {
    uint64_t flags, mode, resolve;
};
#define RESOLVE_NO_XDEV       0x01u
#define RESOLVE_NO_MAGICLINKS 0x02u
#define RESOLVE_NO_SYMLINKS   0x04u
#define RESOLVE_BENEATH       0x08u
#define RESOLVE_IN_ROOT       0x10u
#define RESOLVE_CACHED        0x20u
#define RESOLVE_ALL           0x3fu

/* clang-format off */
/* fcntl(2) */
enum {
    F_DUPFD, F_GETFD, F_SETFD, F_GETFL, F_SETFL, F_GETLK, F_SETLK, F_SETLKW, F_SETOWN, F_GETOWN,
    F_SETSIG, F_GETSIG, F_SETOWN_EX = 15, F_GETOWN_EX, F_OFD_GETLK = 36, F_OFD_SETLK, F_OFD_SETLKW,
    F_SETLEASE = 1024, F_GETLEASE, F_NOTIFY, F_DUPFD_CLOEXEC = 1030, F_SETPIPE_SZ, F_GETPIPE_SZ,
    F_ADD_SEALS, F_GET_SEALS,
};
enum { F_RDLCK, F_WRLCK, F_UNLCK };
/* clang-format on */

struct abi_flock {
    int16_t l_type, l_whence;
    int32_t pad0;
    int64_t l_start, l_len;
    int32_t l_pid, pad1;
};
_Static_assert(sizeof(struct abi_flock) == 32, "struct flock ABI");

struct abi_owner_ex {
    int32_t type; /* F_OWNER_TID 0, F_OWNER_PID 1, F_OWNER_PGRP 2 */
    int32_t pid;
};

/* flock(2) */
#define LOCK_SH 1u
#define LOCK_EX 2u
#define LOCK_NB 4u
#define LOCK_UN 8u
#define LOCK_MAND 32u

/* fallocate(2) */
#define FALLOC_FL_KEEP_SIZE  0x01
#define FALLOC_FL_PUNCH_HOLE 0x02
#define FALLOC_FL_ZERO_RANGE 0x10

/* memfd_create(2) */
#define MFD_CLOEXEC       0x01u
#define MFD_ALLOW_SEALING 0x02u
#define MFD_HUGETLB       0x04u
#define MFD_NOEXEC_SEAL   0x08u
#define MFD_EXEC          0x10u

/* renameat2(2) */
#define RENAME_NOREPLACE 1u
#define RENAME_EXCHANGE  2u
#define RENAME_WHITEOUT  4u

/* utimensat(2) */
#define UTIME_NOW  0x3fffffff
#define UTIME_OMIT 0x3ffffffe
