/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The line discipline against the build host's own: random settings and random
 * typing go both into ours and into a pty; echo, output and what reads return
 * must be the same bytes. Skipped where there is no /dev/ptmx.
 *
 * Left out of the alphabet: ^S (the host's echo then comes late) and signals
 * that flush (what the host has already passed on is a matter of timing).
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "kernel/dev/ldisc.h"

#define ROUNDS 1500

static const uint8_t alphabet[] =
    "aZ_ 0.\t\r\n\n\n\x7f\x7f\x7f\b\x15\x17\x16\x12\x04\x04\x03\x1a\x1c"
    "\x11\x01\xc3\xa4\xe2\x82\xac\x80\xff;%";
static uint8_t ring_memory[65536];

struct pty {
    int master, slave;
};

static int pty_open(struct pty *p)
{
    int zero = 0, n;
    char name[32];

    p->master = open("/dev/ptmx", O_RDWR | O_NOCTTY | O_NONBLOCK);
    if (p->master < 0 || ioctl(p->master, TIOCSPTLCK, &zero) != 0 ||
        ioctl(p->master, TIOCGPTN, &n) != 0)
        return -1;
    snprintf(name, sizeof(name), "/dev/pts/%d", n);
    p->slave = open(name, O_RDWR | O_NOCTTY | O_NONBLOCK);
    return p->slave < 0 ? -1 : 0;
}

static uint32_t random_bits(uint32_t of)
{
    return of & ((uint32_t)rand() << 16 ^ (uint32_t)rand());
}

static struct ktermios random_settings(void)
{
    struct ktermios t = KTERMIOS_DEFAULT;

    if (rand() % 4 != 0) {
        t.c_iflag = random_bits(ISTRIP | INLCR | IGNCR | ICRNL | IXON | IUTF8 | PARMRK | IUCLC);
        t.c_oflag = random_bits(OPOST | ONLCR | OCRNL | ONOCR | ONLRET | XTABS | OLCUC);
        t.c_lflag =
            random_bits(ECHO | ECHOE | ECHOK | ECHONL | ECHOCTL | ECHOPRT | ECHOKE | IEXTEN | ISIG);
        if ((t.c_oflag & TABDLY) != XTABS)
            t.c_oflag &= ~TABDLY;
        if (rand() % 4 != 0)
            t.c_lflag |= ICANON;
        if (rand() % 4 == 0)
            t.c_cc[VEOL] = ';';
        if (rand() % 4 == 0)
            t.c_cc[VEOL2] = '%';
    }
    if (rand() % 2)
        t.c_iflag |= IUTF8;
    t.c_lflag |= NOFLSH;
    t.c_cc[VSTOP] = CC_DISABLED;
    t.c_cc[VMIN] = 0;
    return t;
}

/* Everything the host's master has to give; waits until `want` bytes are there or nothing comes. */
static size_t drain(int fd, uint8_t *buf, size_t size, size_t want)
{
    size_t n = 0;

    for (;;) {
        struct pollfd p = {.fd = fd, .events = POLLIN};
        ssize_t got;

        if (poll(&p, 1, n < want ? 300 : 1) <= 0)
            return n;
        got = read(fd, buf + n, size - n);
        if (got <= 0)
            return n;
        n += got;
    }
}

static void show(const char *what, const uint8_t *p, size_t n)
{
    fprintf(stderr, "%s (%zu):", what, n);
    n = n < 200 ? n : 200;
    for (size_t i = 0; i < n; i++)
        fprintf(stderr, p[i] > 32 && p[i] < 127 ? "%c" : "\\%03o", p[i]);
    fprintf(stderr, "\n");
}

static void check_same(const char *what, const struct ktermios *t, const uint8_t *typed,
                       size_t typed_len, const uint8_t *ours, size_t ours_len,
                       const uint8_t *theirs, size_t theirs_len)
{
    if (ours_len == theirs_len && memcmp(ours, theirs, ours_len) == 0)
        return;
    fprintf(stderr, "%s differs: i %o o %o l %o\n", what, t->c_iflag, t->c_oflag, t->c_lflag);
    show("typed", typed, typed_len);
    show("ours", ours, ours_len);
    show("host", theirs, theirs_len);
    fail();
}

/* One read each of the same size, until there is nothing left. */
static void compare_reads(struct ldisc *ld, int slave, const struct ktermios *t,
                          const uint8_t *typed, size_t len)
{
    for (int i = 0; i < 100; i++) {
        uint8_t ours[64], theirs[64];
        size_t size = 1 + (size_t)rand() % 20, n;
        bool end = false;
        ssize_t got;

        if (!ldisc_readable(ld, 0)) {
            got = read(slave, theirs, size);
            if (!(got < 0 && errno == EAGAIN) && !(got == 0 && !ldisc_is_canonical(ld)))
                check_same("read of nothing", t, typed, len, ours, 0, theirs, got);
            return;
        }
        if (ldisc_is_canonical(ld)) {
            n = ldisc_read_line(ld, ours, size, &end);
            if (!end)
                ldisc_skip_eof(ld);
        } else {
            n = ldisc_read_raw(ld, ours, size);
        }
        got = read(slave, theirs, size);
        assert_true(got >= 0);
        check_same("read", t, typed, len, ours, n, theirs, got);
    }
}

static void random_sessions(void **state)
{
    static struct ldisc ld;
    static uint8_t typed[256], ours[65536], theirs[65536];
    struct ktermios t = KTERMIOS_DEFAULT;
    struct ring out;
    struct pty p;

    (void)state;
    if (pty_open(&p) != 0)
        skip();
    srand(1);
    for (int round = 0; round < ROUNDS; round++) {
        struct ldisc_events ev = {0};
        size_t len = 1 + (size_t)rand() % 60, n;
        int queued = -1;

        if (round % 2 == 0) { /* a fresh terminal */
            close(p.slave);
            close(p.master);
            assert_int_equal(pty_open(&p), 0);
            ring_init(&out, ring_memory, sizeof(ring_memory));
            t = (struct ktermios)KTERMIOS_DEFAULT;
            ldisc_init(&ld, &out, &t);
        }
        t = random_settings();
        assert_int_equal(ioctl(p.slave, TCSETS, &t), 0);
        (void)ldisc_set_termios(&ld, &t);

        for (size_t i = 0; i < len; i++)
            typed[i] = alphabet[(size_t)rand() % (sizeof(alphabet) - 1)];
        assert_int_equal(write(p.master, typed, len), len);
        assert_int_equal(ldisc_receive(&ld, typed, len, &ev), len);
        n = ring_read(&out, ours, sizeof(ours));
        check_same("echo", &t, typed, len, ours, n, theirs,
                   drain(p.master, theirs, sizeof(theirs), n));

        /* The host's input arrives through a queue: wait for it. */
        for (int i = 0; i < 200; i++) {
            assert_int_equal(ioctl(p.slave, FIONREAD, &queued), 0);
            if ((size_t)queued == ldisc_input_len(&ld))
                break;
            usleep(500);
        }
        if ((size_t)queued != ldisc_input_len(&ld)) {
            show("typed", typed, len);
            fprintf(stderr, "FIONREAD: ours %zu host %d; i %o o %o l %o\n", ldisc_input_len(&ld),
                    queued, t.c_iflag, t.c_oflag, t.c_lflag);
            fail();
        }
        if (rand() % 3 != 0)
            compare_reads(&ld, p.slave, &t, typed, len);

        for (size_t i = 0; i < len; i++)
            typed[i] = alphabet[(size_t)rand() % (sizeof(alphabet) - 1)];
        assert_int_equal(write(p.slave, typed, len), len);
        assert_int_equal(ldisc_write(&ld, typed, len), len);
        n = ring_read(&out, ours, sizeof(ours));
        check_same("output", &t, typed, len, ours, n, theirs,
                   drain(p.master, theirs, sizeof(theirs), n));
    }
    close(p.slave);
    close(p.master);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(random_sessions)};

    return cmocka_run_group_tests_name("ldisc_linux", tests, NULL, NULL);
}
