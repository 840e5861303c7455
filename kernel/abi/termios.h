/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Terminal settings of the Linux x86-64 ABI: termios(3), ioctl_tty(2). What the
 * kernel and a program exchange with TCGETS and its relatives; the C library's
 * own struct termios is larger and never reaches the kernel.
 */
#pragma once

#include <stdint.h>

#define KTERMIOS_NCCS 19

struct ktermios { /* TCGETS, TCSETS, TCSETSW, TCSETSF */
    uint32_t c_iflag, c_oflag, c_cflag, c_lflag;
    uint8_t c_line;
    uint8_t c_cc[KTERMIOS_NCCS];
};

struct ktermios2 { /* TCGETS2..: as above, with the speeds as numbers */
    uint32_t c_iflag, c_oflag, c_cflag, c_lflag;
    uint8_t c_line;
    uint8_t c_cc[KTERMIOS_NCCS];
    uint32_t c_ispeed, c_ospeed;
};

struct ktermio { /* TCGETA..: System V's */
    uint16_t c_iflag, c_oflag, c_cflag, c_lflag;
    uint8_t c_line;
    uint8_t c_cc[8];
    uint8_t pad;
};

struct kwinsize { /* TIOCGWINSZ */
    uint16_t ws_row, ws_col, ws_xpixel, ws_ypixel;
};

_Static_assert(sizeof(struct ktermios) == 36, "termios ABI");
_Static_assert(sizeof(struct ktermios2) == 44, "termios ABI");
_Static_assert(sizeof(struct ktermio) == 18, "termio ABI");
_Static_assert(sizeof(struct kwinsize) == 8, "winsize ABI");

/* c_cc */
enum { VINTR, VQUIT, VERASE, VKILL, VEOF, VTIME, VMIN, VSWTC, VSTART, VSTOP, VSUSP, VEOL,
       VREPRINT, VDISCARD, VWERASE, VLNEXT, VEOL2 };
#define CC_DISABLED 0 /* _POSIX_VDISABLE: no character has this function */

/* c_iflag */
#define IGNBRK  0000001
#define BRKINT  0000002
#define IGNPAR  0000004
#define PARMRK  0000010
#define INPCK   0000020
#define ISTRIP  0000040
#define INLCR   0000100
#define IGNCR   0000200
#define ICRNL   0000400
#define IUCLC   0001000
#define IXON    0002000
#define IXANY   0004000
#define IXOFF   0010000
#define IMAXBEL 0020000
#define IUTF8   0040000

/* c_oflag */
#define OPOST  0000001
#define OLCUC  0000002
#define ONLCR  0000004
#define OCRNL  0000010
#define ONOCR  0000020
#define ONLRET 0000040
#define TABDLY 0014000
#define XTABS  0014000

/* c_cflag */
#define CBAUD    0010017
#define B0       0000000
#define B9600    0000015
#define B38400   0000017
#define B115200  0010002
#define CSIZE    0000060
#define CS5      0000000
#define CS6      0000020
#define CS7      0000040
#define CS8      0000060
#define CSTOPB   0000100
#define CREAD    0000200
#define PARENB   0000400
#define PARODD   0001000
#define HUPCL    0002000
#define CLOCAL   0004000
#define CIBAUD   002003600000
#define IBSHIFT  16

/* c_lflag */
#define ISIG    0000001
#define ICANON  0000002
#define ECHO    0000010
#define ECHOE   0000020
#define ECHOK   0000040
#define ECHONL  0000100
#define NOFLSH  0000200
#define TOSTOP  0000400
#define ECHOCTL 0001000
#define ECHOPRT 0002000
#define ECHOKE  0004000
#define IEXTEN  0100000

/* What a terminal starts with: "sane" of stty(1), as on Linux. */
#define KTERMIOS_DEFAULT                                                                           \
    {                                                                                              \
        .c_iflag = ICRNL | IXON,                                                                   \
        .c_oflag = OPOST | ONLCR,                                                                  \
        .c_cflag = B38400 | CS8 | CREAD,                                       \
        .c_lflag = ISIG | ICANON | ECHO | ECHOE | ECHOK | ECHOCTL | ECHOKE | IEXTEN,               \
        .c_cc = {[VINTR] = 'C' & 31,                                                               \
                 [VQUIT] = '\\' & 31,                                                              \
                 [VERASE] = 0177,                                                                  \
                 [VKILL] = 'U' & 31,                                                               \
                 [VEOF] = 'D' & 31,                                                                \
                 [VMIN] = 1,                                                                       \
                 [VSTART] = 'Q' & 31,                                                              \
                 [VSTOP] = 'S' & 31,                                                               \
                 [VSUSP] = 'Z' & 31,                                                               \
                 [VREPRINT] = 'R' & 31,                                                            \
                 [VDISCARD] = 'O' & 31,                                                            \
                 [VWERASE] = 'W' & 31,                                                             \
                 [VLNEXT] = 'V' & 31},                                                             \
    }
