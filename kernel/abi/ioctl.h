/* SPDX-License-Identifier: BSD-2-Clause */
/* ioctl(2) numbers of the Linux x86-64 ABI: terminals, ptys, and what every file knows. */
#pragma once

/* terminals: ioctl_tty(2) */
#define TCGETS     0x5401
#define TCSETS     0x5402
#define TCSETSW    0x5403
#define TCSETSF    0x5404
#define TCGETA     0x5405
#define TCSETA     0x5406
#define TCSETAW    0x5407
#define TCSETAF    0x5408
#define TCSBRK     0x5409
#define TCXONC     0x540A
#define TCFLSH     0x540B
#define TIOCEXCL   0x540C
#define TIOCNXCL   0x540D
#define TIOCSCTTY  0x540E
#define TIOCGPGRP  0x540F
#define TIOCSPGRP  0x5410
#define TIOCOUTQ   0x5411
#define TIOCSTI    0x5412
#define TIOCGWINSZ 0x5413
#define TIOCSWINSZ 0x5414
#define TIOCMGET   0x5415
#define TIOCGSOFTCAR 0x5419
#define TIOCSSOFTCAR 0x541A
#define FIONREAD   0x541B
#define TIOCINQ    FIONREAD
#define TIOCCONS   0x541D
#define TIOCPKT    0x5420
#define FIONBIO    0x5421
#define TIOCNOTTY  0x5422
#define TIOCSETD   0x5423
#define TIOCGETD   0x5424
#define TCSBRKP    0x5425
#define TIOCSBRK   0x5427
#define TIOCCBRK   0x5428
#define TIOCGSID   0x5429
#define TCGETS2    0x802C542A
#define TCSETS2    0x402C542B
#define TCSETSW2   0x402C542C
#define TCSETSF2   0x402C542D
#define TIOCGPTN   0x80045430
#define TIOCSPTLCK 0x40045431
#define TIOCGDEV   0x80045432
#define TIOCSIG    0x40045436
#define TIOCVHANGUP 0x5437
#define TIOCGPKT   0x80045438
#define TIOCGPTLCK 0x80045439
#define TIOCGEXCL  0x80045440
#define TIOCGPTPEER 0x5441

/* TCXONC, TCFLSH */
enum { TCOOFF, TCOON, TCIOFF, TCION };
enum { TCIFLUSH, TCOFLUSH, TCIOFLUSH };

/* packet mode: first byte of a read from the master */
#define TIOCPKT_DATA       0
#define TIOCPKT_FLUSHREAD  1
#define TIOCPKT_FLUSHWRITE 2
#define TIOCPKT_STOP       4
#define TIOCPKT_START      8
#define TIOCPKT_NOSTOP     16
#define TIOCPKT_DOSTOP     32
#define TIOCPKT_IOCTL      64

/* every file */
#define FIONCLEX 0x5450
#define FIOCLEX  0x5451
#define FIOASYNC 0x5452
#define FIOQSIZE 0x5460
#define FICLONE  0x40049409

/* sockets: FIONREAD and TIOCOUTQ under their socket names */
#define SIOCINQ  FIONREAD
#define SIOCOUTQ TIOCOUTQ
#define SIOCATMARK 0x8905

/* /dev/urandom: random(4) */
#define RNDGETENTCNT 0x80045200
