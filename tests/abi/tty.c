/* SPDX-License-Identifier: BSD-2-Clause */
/* Terminals: pty(7), termios(3), ioctl_tty(2), sessions and job control (credentials(7)). */
#include "abi.h"

#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/wait.h>
#include <termios.h>
#include <time.h>

static char buf[20000];
static volatile int seen[65];

static void on_signal(int sig)
{
    seen[sig]++;
}

static void catch (int sig)
{
    struct sigaction sa = {.sa_handler = on_signal};

    seen[sig] = 0;
    sigaction(sig, &sa, NULL);
}

static int ready(int fd)
{
    struct pollfd p = {.fd = fd, .events = POLLIN | POLLOUT};

    return poll(&p, 1, 0) < 0 ? -1 : p.revents;
}

static int queued(int fd)
{
    int n = -1;

    ready(fd); /* Linux moves input in the background, but before it says that there is none */
    return ioctl(fd, FIONREAD, &n) < 0 ? -1 : n;
}

static void open_pair(int *m, int *s)
{
    int zero = 0, n = -1;
    char name[32];

    *m = open("/dev/ptmx", O_RDWR | O_NOCTTY);
    ioctl(*m, TIOCSPTLCK, &zero);
    ioctl(*m, TIOCGPTN, &n);
    snprintf(name, sizeof(name), "/dev/pts/%d", n);
    *s = open(name, O_RDWR | O_NOCTTY);
}

static void set(int fd, tcflag_t iflag, tcflag_t oflag, tcflag_t lflag, int vmin, int vtime)
{
    struct termios t;

    tcgetattr(fd, &t);
    t.c_iflag = iflag;
    t.c_oflag = oflag;
    t.c_lflag = lflag;
    t.c_cc[VMIN] = (cc_t)vmin;
    t.c_cc[VTIME] = (cc_t)vtime;
    tcsetattr(fd, TCSANOW, &t);
}

static void type(int m, int s, const char *text)
{
    if (write(m, text, strlen(text)) != (ssize_t)strlen(text))
        printf("typing failed\n");
    ready(s);      /* as in queued() */
    usleep(20000); /* Linux moves the echo in the background, too */
}

static void show_read(const char *what, int fd, size_t size)
{
    ssize_t n = read(fd, buf, size);

    if (n < 0)
        printf("%s: %s\n", what, strerrorname_np(errno));
    else
        abi_show_bytes(what, buf, n);
}

static void pairs(void)
{
    int m, s, n = -1, zero = 0, one = 1, fd;
    char name[32];
    struct stat st;
    struct termios t;

    SECTION("pairs");
    m = (int)TRY(open("/dev/ptmx", O_RDWR | O_NOCTTY));
    CALL(ioctl(m, TIOCGPTN, BAD_ADDR));
    CALL(ioctl(m, TIOCGPTN, &n));
    snprintf(name, sizeof(name), "/dev/pts/%d", n);
    CALL(ioctl(m, TIOCGPTLCK, &fd));
    printf("locked %d\n", fd);
    CALL(open(name, O_RDWR | O_NOCTTY));
    CALL(ioctl(m, TIOCSPTLCK, BAD_ADDR));
    CALL(ioctl(m, TIOCSPTLCK, &zero));
    stat(name, &st);
    printf("%o, major %u, mine %d\n", st.st_mode & S_IFMT, major(st.st_rdev),
           st.st_uid == getuid());
    CALL(ready(m));
    s = (int)TRY(open(name, O_RDWR | O_NOCTTY));
    fd = (int)TRY(ioctl(m, TIOCGPTPEER, O_RDWR | O_NOCTTY | O_CLOEXEC));
    CALL(fcntl(fd, F_GETFD));
    close(fd);
    CALL(isatty(s));
    CALL(isatty(m));
    CALL(ioctl(s, TIOCGPTN, &n));
    CALL(ioctl(s, 0x1234, 0));
    CALL(ioctl(s, TCGETS, BAD_ADDR));
    CALL(ioctl(s, TCSETS, BAD_ADDR));
    tcgetattr(s, &t);
    printf("i %o o %o c %o l %o\n", t.c_iflag & 077777, t.c_oflag, t.c_cflag & 07777, t.c_lflag);
    abi_show_bytes("cc", t.c_cc, 17);
    CALL(ready(s));
    CALL(read(s, BAD_ADDR, 0));
    CALL(lseek(s, 0, SEEK_SET));
    CALL(pread(s, buf, 1, 0));
    CALL(ioctl(s, TIOCEXCL));
    CALL(ioctl(s, TIOCGEXCL, &n));
    printf("exclusive %d\n", n);
    CALL(ioctl(s, TIOCNXCL));
    CALL(tcflush(s, 9));
    CALL(tcflow(s, 9));
    CALL(tcdrain(s));
    CALL(ioctl(s, TIOCGETD, &n));
    printf("discipline %d\n", n);
    CALL(ioctl(m, TIOCSPTLCK, &one));
    CALL(open(name, O_RDWR | O_NOCTTY));
    close(s);
    close(m);
    CALL(open(name, O_RDWR | O_NOCTTY));
    CALL(stat(name, &st));
}

static void ends(void)
{
    int m, s, m2, s2;

    SECTION("ends");
    open_pair(&m, &s);
    fcntl(m, F_SETFL, O_NONBLOCK);
    CALL(read(m, buf, 1));
    CALL(write(s, "bye\n", 4));
    close(s);
    CALL(ready(m));
    show_read("rest", m, 100);
    CALL(ready(m));
    CALL(read(m, buf, 1));
    s = (int)TRY(ioctl(m, TIOCGPTPEER, O_RDWR | O_NOCTTY));
    CALL(ready(m));
    CALL(read(m, buf, 1));
    close(m);
    CALL(ready(s));
    CALL(read(s, buf, 1));
    CALL(write(s, "x", 1));
    CALL(ioctl(s, TIOCGWINSZ, buf));
    CALL(isatty(s));
    close(s);

    open_pair(&m, &s);
    if (fork() == 0) {
        close(m);
        usleep(50000);
        _exit(write(s, "child", 5) != 5);
    }
    close(s);
    show_read("blocked read", m, 10);
    wait(NULL);
    show_read("after the end", m, 10);
    open_pair(&m2, &s2);
    CALL(write(m2, "typed\n", 6));
    close(m2);
    CALL(read(s2, buf, 10));
    close(s2);
    close(m);
}

static void canonical(void)
{
    int m, s;

    SECTION("canonical mode");
    open_pair(&m, &s);
    fcntl(s, F_SETFL, O_NONBLOCK);
    CALL(read(s, buf, 10));
    type(m, s, "ab");
    CALL(queued(s));
    CALL(ready(s) & POLLIN);
    type(m, s, "c\rdef\n");
    CALL(queued(s));
    show_read("line", s, 2);
    show_read("line", s, 100);
    show_read("line", s, 100);
    show_read("echo", m, 100);
    type(m, s, "no\004");
    CALL(queued(s));
    show_read("EOF", s, 100);
    type(m, s, "no\004");
    show_read("EOF", s, 2); /* takes the mark along */
    CALL(read(s, buf, 10));
    type(m, s, "\004");
    CALL(read(s, buf, 10));
    show_read("echo", m, 100);
    type(m, s, "one two\027three\177\177ee\n");
    show_read("edited", s, 100);
    show_read("echo", m, 100);
    type(m, s, "x\025\026\003\ty\177\022z\n");
    show_read("edited", s, 100);
    show_read("echo", m, 100);
    memset(buf, 'x', 5000);
    buf[5000] = '\n';
    buf[5001] = 0;
    set(s, ICRNL, 0, ICANON, 1, 0);
    type(m, s, buf);
    CALL(queued(s));
    CALL(read(s, buf, sizeof(buf)));
    type(m, s, "partial");
    set(s, 0, 0, 0, 1, 0);
    show_read("raw now", s, 100);
    type(m, s, "raw");
    set(s, ICRNL, 0, ICANON, 1, 0);
    show_read("canonical now", s, 100);
    type(m, s, "gone\nx");
    CALL(tcflush(s, TCIFLUSH));
    CALL(queued(s));
    close(s);
    close(m);
}

static long ms_since(const struct timespec *start)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (now.tv_sec - start->tv_sec) * 1000 + (now.tv_nsec - start->tv_nsec) / 1000000;
}

static void raw(void)
{
    struct timespec start;
    int m, s;

    SECTION("raw mode");
    open_pair(&m, &s);
    set(s, 0, 0, 0, 0, 0);
    CALL(read(s, buf, 10));
    CALL(ready(s) & POLLIN);
    set(s, 0, 0, 0, 0, 2);
    clock_gettime(CLOCK_MONOTONIC, &start);
    CALL(read(s, buf, 10));
    printf("waited %d\n", ms_since(&start) >= 190 && ms_since(&start) < 2000);
    set(s, 0, 0, 0, 3, 0);
    type(m, s, "ab");
    CALL(ready(s) & POLLIN);
    type(m, s, "c");
    CALL(ready(s) & POLLIN);
    show_read("three", s, 10);
    if (fork() == 0) {
        for (int i = 0; i < 4; i++)
            type(m, s, "y");
        _exit(0);
    }
    CALL(read(s, buf, 3));
    wait(NULL);
    CALL(queued(s));
    set(s, 0, 0, 0, 10, 2);
    clock_gettime(CLOCK_MONOTONIC, &start);
    CALL(read(s, buf, 100)); /* the pause after the byte ends it */
    printf("waited %d\n", ms_since(&start) >= 190 && ms_since(&start) < 2000);
    set(s, 0, 0, 0, 1, 0);
    type(m, s, "a\r\n\003\004\177");
    show_read("as it is", s, 100);
    CALL(write(s, "a\nb\tc\n", 6));
    show_read("as it is", m, 100);
    set(s, 0, OPOST | ONLCR | XTABS, 0, 1, 0);
    CALL(write(s, "a\nb\tc\n", 6));
    show_read("processed", m, 100);
    close(s);
    close(m);
}

static void windows(void)
{
    struct winsize w = {24, 80, 0, 0}, got = {9, 9, 9, 9};
    int m, s;

    SECTION("window size");
    open_pair(&m, &s);
    CALL(ioctl(s, TIOCGWINSZ, &got));
    printf("%u %u\n", got.ws_row, got.ws_col);
    CALL(ioctl(m, TIOCSWINSZ, &w));
    CALL(ioctl(s, TIOCGWINSZ, &got));
    printf("%u %u\n", got.ws_row, got.ws_col);
    CALL(ioctl(s, TIOCGWINSZ, BAD_ADDR));
    CALL(ioctl(s, TIOCSWINSZ, BAD_ADDR));
    close(s);
    close(m);
}

static void flow(void)
{
    int m, s;

    SECTION("flow control");
    open_pair(&m, &s);
    fcntl(s, F_SETFL, O_NONBLOCK);
    CALL(tcflow(s, TCOOFF));
    CALL(write(s, "x", 1));
    CALL(ready(s) & POLLOUT);
    CALL(tcflow(s, TCOON));
    CALL(write(s, "x", 1));
    show_read("sent", m, 10);
    type(m, s, "\023");
    CALL(write(s, "y", 1));
    type(m, s, "\021");
    CALL(write(s, "y", 1));
    show_read("sent", m, 10);
    close(s);
    close(m);
}

/* ---- what needs a session of its own ---- */

static int child_status(pid_t pid)
{
    int status;

    waitpid(pid, &status, 0);
    return status;
}

/* Until all children that have the pipe are gone. */
static void await_end(int fds[2])
{
    close(fds[1]);
    (void)!read(fds[0], buf, 1);
    close(fds[0]);
}

static void sessions(int m, int s)
{
    int fd, n = -1, fds[2];
    pid_t pid;

    CALL(open("/dev/tty", O_RDWR));
    CALL(ioctl(s, TIOCGPGRP, &n));
    CALL(ioctl(s, TIOCGSID, &n));
    CALL(ioctl(s, TIOCSPGRP, &n));
    CALL(ioctl(s, TIOCNOTTY));
    CALL(setsid() == getpid());
    CALL(ioctl(s, TIOCSCTTY, 0));
    CALL(ioctl(s, TIOCSCTTY, 0));
    fd = (int)TRY(open("/dev/tty", O_RDWR));
    CALL(tcgetpgrp(fd) == getpid());
    CALL(tcgetsid(fd) == getpid());
    CALL(ioctl(m, TIOCGPGRP, &n));
    printf("master knows %d\n", n == getpid());
    n = -1;
    CALL(ioctl(s, TIOCSPGRP, &n));
    n = 99999999;
    CALL(ioctl(s, TIOCSPGRP, &n));
    n = 1;
    CALL(ioctl(s, TIOCSPGRP, &n) == -1 && (errno == EPERM || errno == ESRCH));
    CALL(ioctl(s, TIOCSPGRP, BAD_ADDR));

    catch (SIGINT);
    catch (SIGQUIT);
    catch (SIGWINCH);
    type(m, s, "\003\034");
    printf("SIGINT %d SIGQUIT %d\n", seen[SIGINT], seen[SIGQUIT]);
    CALL(ioctl(m, TIOCSIG, SIGINT));
    usleep(20000);
    printf("SIGINT %d\n", seen[SIGINT]);
    CALL(ioctl(m, TIOCSWINSZ, &(struct winsize){5, 6, 0, 0}));
    CALL(ioctl(m, TIOCSWINSZ, &(struct winsize){5, 6, 0, 0}));
    usleep(20000);
    printf("SIGWINCH %d\n", seen[SIGWINCH]);

    pid = fork();
    if (pid == 0) { /* a background group */
        setpgid(0, 0);
        catch (SIGTTIN);
        catch (SIGTTOU);
        CALL(read(s, buf, 1));
        printf("SIGTTIN %d\n", seen[SIGTTIN]);
        CALL(write(s, "background\n", 11)); /* no TOSTOP */
        CALL(tcsetpgrp(s, getpid()));
        printf("SIGTTOU %d\n", seen[SIGTTOU]);
        set(s, ICRNL, OPOST, ICANON | ISIG | TOSTOP, 1, 0);
        printf("SIGTTOU %d\n", seen[SIGTTOU]);
        signal(SIGTTOU, SIG_IGN);
        CALL(tcsetpgrp(s, getpid()));
        set(s, ICRNL, OPOST, ICANON | ISIG | TOSTOP, 1, 0);
        CALL(tcgetpgrp(s) == getpid());
        CALL(tcsetpgrp(s, getppid()));
        signal(SIGTTIN, SIG_IGN);
        CALL(read(s, buf, 1));
        CALL(write(s, "x", 1));
        catch (SIGTTOU);
        CALL(write(s, "x", 1));
        printf("SIGTTOU %d\n", seen[SIGTTOU]);
        CALL(ioctl(s, TIOCNOTTY));
        CALL(open("/dev/tty", O_RDWR));
        _exit(0);
    }
    printf("status %x\n", child_status(pid));
    set(s, ICRNL, OPOST, ICANON | ISIG, 1, 0);

    pid = fork();
    if (pid == 0) { /* stopped by ^Z, continued */
        setpgid(0, 0);
        signal(SIGTTOU, SIG_IGN);
        tcsetpgrp(s, getpid());
        show_read("after the stop", s, 100);
        _exit(5);
    }
    while (tcgetpgrp(s) != pid)
        usleep(1000);
    type(m, s, "\032");
    waitpid(pid, &n, WUNTRACED);
    printf("stopped %x\n", n);
    signal(SIGTTOU, SIG_IGN);
    CALL(tcsetpgrp(s, getpid()));
    CALL(tcsetpgrp(s, pid));
    kill(-pid, SIGCONT);
    type(m, s, "go\n");
    printf("status %x\n", child_status(pid));
    CALL(tcsetpgrp(s, getpid()));

    if (pipe(fds) < 0)
        return;
    pid = fork();
    if (pid == 0) { /* an orphaned background group reads -EIO */
        pid = getpid();
        if (fork() == 0) {
            setpgid(0, 0);
            while (getppid() == pid)
                usleep(1000);
            CALL(read(s, buf, 1));
            _exit(0);
        }
        _exit(0);
    }
    child_status(pid);
    await_end(fds);
    catch (SIGHUP);
    catch (SIGCONT);
    close(m);
    usleep(50000);
    printf("SIGHUP %d SIGCONT %d\n", seen[SIGHUP], seen[SIGCONT]);
    CALL(open("/dev/tty", O_RDWR));
    CALL(read(fd, buf, 1));
    CALL(tcgetpgrp(fd));
    n = getpid();
    CALL(ioctl(fd, TIOCSPGRP, &n));
}

static void session_ends(int m, int s)
{
    int fds[2];
    pid_t pid;

    if (pipe(fds) < 0)
        return;
    pid = fork();
    if (pid == 0) { /* leads the session; its child is in the foreground */
        setsid();
        ioctl(s, TIOCSCTTY, 0);
        if ((pid = fork()) == 0) {
            catch (SIGHUP);
            if (write(s, "r", 1) == 1)
                pause();
            printf("the foreground got SIGHUP %d\n", seen[SIGHUP]);
            CALL(open("/dev/tty", O_RDWR));
            CALL(write(s, "alive", 5)); /* a pty is not hung up by that */
            _exit(0);
        }
        await_sleep(pid);
        _exit(0);
    }
    child_status(pid);
    await_end(fds);
    usleep(20000); /* the output, as in type() */
    show_read("output", m, 100);
    close(s);
    show_read("end", m, 100);
}

/* The leader dies of its terminal's end; then its job in the foreground hears of it. */
static void leader_dies_of_hangup(int m, int s)
{
    int others[2];
    pid_t pid;

    prctl(PR_SET_CHILD_SUBREAPER, 1);
    if (pipe(others) < 0)
        return;
    pid = fork();
    if (pid == 0) {
        close(m);
        close(others[1]);
        setsid();
        ioctl(s, TIOCSCTTY, 0);
        if (fork() == 0) { /* in the background */
            setpgid(0, 0);
            catch (SIGHUP);
            while (read(others[0], buf, 1) < 0) /* until all others are gone */
                continue;
            printf("the background got SIGHUP %d\n", seen[SIGHUP]);
            _exit(7);
        }
        if (fork() == 0) {
            setpgid(0, 0);
            signal(SIGTTOU, SIG_IGN);
            tcsetpgrp(s, getpid());
            if (write(s, "r", 1) == 1)
                pause();
        }
        pause();
    }
    show_read("ready", m, 1);
    close(s);
    close(m);
    printf("leader %x\n", child_status(pid));
    printf("orphan %x\n", child_status(-1));
    close(others[1]);
    printf("orphan %x\n", child_status(-1));
    close(others[0]);
    CALL(waitpid(-1, NULL, 0));
}

static void in_child(const char *name, void (*fn)(int m, int s))
{
    pid_t pid;
    int m, s;

    SECTION(name);
    open_pair(&m, &s);
    pid = fork();
    if (pid == 0) {
        fn(m, s);
        _exit(0);
    }
    close(m);
    close(s);
    printf("status %x\n", child_status(pid));
}

/* Of its own: others on the machine are given numbers that were the test's. */
static void own_terminals(void)
{
    if (unshare(CLONE_NEWNS) < 0 || mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0 ||
        mount("devpts", "/dev/pts", "devpts", 0, "ptmxmode=666") < 0)
        _exit(1);
}

int main(void)
{
    setvbuf(stdout, NULL, _IOLBF, 0);
    signal(SIGHUP, SIG_DFL); /* "nohup make test" ignores it */
    alarm(60);
    own_terminals();
    pairs();
    ends();
    canonical();
    raw();
    windows();
    flow();
    if (getsid(0) != 0)
        in_child("sessions", sessions);
    in_child("the end of a session", session_ends);
    in_child("the end of a terminal", leader_dies_of_hangup);
    return 0;
}
