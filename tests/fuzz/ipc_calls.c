/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Random system calls on pipes, sockets, terminals, epoll and their like, and System V IPC: right
 * and wrong descriptors, right, wrong and dangerous pointers. Nothing is checked
 * but that the kernel outlives it (and, by the test that runs it, that no memory
 * is lost). Not for a machine that one needs. Runs are repeatable:
 *
 *     ipc_calls FIRST_SEED LAST_SEED CALLS
 *
 * Each seed runs in a process of its own, half of them with a second process
 * that shares its descriptors.
 */
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>
#include <sys/ipc.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/timerfd.h>
#include <sys/wait.h>
#include <unistd.h>

#define ARRAY_LEN(a) (sizeof(a) / sizeof((a)[0]))
#define AREA         8192 /* then comes a page that nobody may touch */
#define FAR_AWAY     0x100000000000ul
#define FDS          28   /* about as many as prepare() opens, from 3 on */

static unsigned long long state;
static char *area;
static unsigned long zero_time[2];

static unsigned random_bits(void)
{
    state = state * 6364136223846793005ULL + 1442695040888963407ULL;
    return (unsigned)(state >> 33);
}

static unsigned below(unsigned n)
{
    return random_bits() % n;
}

/* Somewhere in the area, mostly zeros, perhaps with a pointer to more of it. */
static unsigned long good_pointer(void)
{
    unsigned long at = (unsigned long)area + (below(AREA / 2) & ~7u);

    for (int i = 0; i < 64; i++)
        ((char *)at)[i] = below(4) ? 0 : (char)random_bits();
    if (below(2))
        *(unsigned long *)at = (unsigned long)area + below(AREA / 2);
    return at;
}

static unsigned long any_argument(void)
{
    switch (below(12)) {
    case 0:
        return 0;
    case 1:
        return -1ul;
    case 2:
        return 0xffffffff80000000ul + below(4096); /* the kernel's */
    case 3:
        return (unsigned long)area + AREA - below(64); /* runs off the end */
    case 4:
        return random_bits();
    case 5:
        return 1ul << below(64);
    case 6:
        return below(300);
    case 7:
        return 0x7ffffffff000ul - below(16);
    default:
        return good_pointer();
    }
}

/* Terminals', ptys', every file's. */
static unsigned ioctl_number(void)
{
    static const unsigned others[] = {TIOCGPTN,   TIOCSPTLCK, TIOCGPTPEER, 0x802c542a, 0x402c542b,
                                      0x402c542d, 0x40045436, 0x80045439,  0x80045440, FIONREAD};

    return below(3) ? 0x5401 + below(0x60) : others[below(ARRAY_LEN(others))];
}

/*
 * What to try. Arguments: f a descriptor, a anything, n a small number, i an
 * ioctl, s a level of socket options, t no time to wait, w flags that mostly say not to,
 * h a place that is far from what the program itself needs.
 */
/* clang-format off */
static const struct call {
    long nr;
    const char *arguments;
} calls[] = {
    {SYS_read, "fan"},         {SYS_write, "fan"},         {SYS_close, "f"},
    {SYS_fstat, "fa"},         {SYS_poll, "an0"},          {SYS_lseek, "fan"},
    {SYS_mmap, "0pnnfp"},      {SYS_ioctl, "fia"},         {SYS_ioctl, "fia"},
    {SYS_ioctl, "fia"},        {SYS_pread64, "fann"},      {SYS_pwrite64, "fann"},
    {SYS_readv, "fan"},        {SYS_writev, "fan"},        {SYS_pipe, "a"},
    {SYS_select, "naaat"},     {SYS_dup, "f"},             {SYS_dup2, "ff"},
    {SYS_sendfile, "ffan"},    {SYS_socket, "nnn"},        {SYS_connect, "fan"},
    {SYS_accept, "faa"},       {SYS_sendto, "fanaan"},     {SYS_recvfrom, "fanaaa"},
    {SYS_sendmsg, "fan"},      {SYS_recvmsg, "fan"},       {SYS_shutdown, "fn"},
    {SYS_bind, "fan"},         {SYS_listen, "fn"},         {SYS_getsockname, "faa"},
    {SYS_getpeername, "faa"},  {SYS_socketpair, "nnna"},   {SYS_setsockopt, "fsnan"},
    {SYS_getsockopt, "fsnaa"}, {SYS_fcntl, "fna"},         {SYS_fcntl, "fna"},
    {SYS_setsid, ""},          {SYS_epoll_create, "n"},    {SYS_epoll_wait, "fan0"},
    {SYS_epoll_ctl, "fnfa"},   {SYS_epoll_ctl, "fnfa"},    {SYS_pselect6, "naaatt"},
    {SYS_ppoll, "anta0"},      {SYS_epoll_pwait, "fan0an"}, {SYS_signalfd, "faa"},
    {SYS_timerfd_create, "nn"}, {SYS_eventfd, "n"},        {SYS_timerfd_settime, "fnaa"},
    {SYS_timerfd_gettime, "fa"}, {SYS_accept4, "faan"},    {SYS_signalfd4, "faan"},
    {SYS_eventfd2, "nn"},      {SYS_epoll_create1, "n"},   {SYS_dup3, "ffn"},
    {SYS_pipe2, "an"},         {SYS_sendmmsg, "fann"},     {SYS_getrandom, "ann"},
    {SYS_shmget, "nnn"},       {SYS_shmat, "nhn"},         {SYS_shmctl, "nna"},
    {SYS_shmdt, "a"},          {SYS_semget, "nnn"},        {SYS_semctl, "nnna"},
    {SYS_semtimedop, "nant"},  {SYS_semtimedop, "nant"},   {SYS_msgget, "nn"},
    {SYS_msgsnd, "nanw"},      {SYS_msgrcv, "nannw"},      {SYS_msgctl, "nna"},
};

/* clang-format on */

static unsigned long argument(char kind)
{
    switch (kind) {
    case 'f':
        return below(10) ? 3 + below(FDS) : any_argument();
    case 'n':
        return below(3) ? below(64) : any_argument();
    case 'i':
        return ioctl_number();
    case 's':
        return below(8) ? SOL_SOCKET : any_argument();
    case 't':
        return (unsigned long)zero_time;
    case 'h':
        return below(2) ? 0 : FAR_AWAY + below(1 << 20);
    case 'w':
        return random_bits() | (below(20) ? IPC_NOWAIT : 0);
    case 'p':
        return 4096 * (1 + below(4));
    case 'a':
        return any_argument();
    default:
        return 0;
    }
}

static void one_call(void)
{
    const struct call *c = &calls[below(ARRAY_LEN(calls))];
    unsigned long a[6] = {0};

    for (int i = 0; c->arguments[i] != '\0'; i++)
        a[i] = argument(c->arguments[i]);
    if (c->nr == SYS_fcntl && (a[1] == F_SETOWN || a[1] == F_SETSIG || a[1] == F_SETOWN_EX))
        return; /* would send signals to anybody */
    (void)syscall(c->nr, a[0], a[1], a[2], a[3], a[4], a[5]);
}

/* One file of each kind, none of which waits, and a few objects of System V IPC. */
static void prepare(void)
{
    static const char *const devices[] = {"/dev/null", "/dev/zero", "/dev/kmsg", "/dev/urandom"};
    int p[2], master, zero = 0;
    sigset_t set;

    for (int i = 0; i < 2; i++)
        (void)!pipe2(p, O_NONBLOCK);
    (void)socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, p);
    (void)socketpair(AF_UNIX, SOCK_DGRAM | SOCK_NONBLOCK, 0, p);
    (void)socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_NONBLOCK, 0, p);
    (void)socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0);
    (void)socket(AF_UNIX, SOCK_DGRAM | SOCK_NONBLOCK, 0);
    master = open("/dev/ptmx", O_RDWR | O_NOCTTY | O_NONBLOCK);
    (void)ioctl(master, TIOCSPTLCK, &zero);
    (void)ioctl(master, TIOCGPTPEER, O_RDWR | O_NONBLOCK | (below(2) ? O_NOCTTY : 0));
    for (int key = 1; key < 4; key++) {
        (void)syscall(SYS_shmget, key, 4096 << key, IPC_CREAT | 0600);
        (void)syscall(SYS_semget, key, 1 << key, IPC_CREAT | 0600);
        (void)syscall(SYS_msgget, key, IPC_CREAT | 0600);
        (void)syscall(SYS_shmat, key - 1, 0, 0); /* in a namespace of its own ids begin with 0 */
    }
    (void)epoll_create1(0);
    (void)epoll_create1(0);
    (void)eventfd(0, EFD_NONBLOCK);
    (void)timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK);
    sigemptyset(&set);
    sigaddset(&set, SIGUSR1);
    (void)signalfd(-1, &set, SFD_NONBLOCK);
    for (unsigned i = 0; i < ARRAY_LEN(devices); i++)
        (void)open(devices[i], (i == 2 ? O_RDONLY : O_RDWR) | O_NONBLOCK);
}

static void run_seed(unsigned seed, unsigned ncalls)
{
    struct rlimit few = {64, 64};
    int null = open("/dev/null", O_RDWR);

    setrlimit(RLIMIT_NOFILE, &few);
    for (int i = 0; i < 3; i++)
        dup2(null, i);
    close(null);
    state = seed * 7919ull + 1;
    if (unshare(CLONE_NEWIPC) != 0)
        _exit(1);
    alarm(4); /* a call may wait all the same */
    prepare();
    if (below(2) == 0 && fork() == 0) {
        state ^= 0x5555;
        alarm(4);
    }
    for (unsigned i = 0; i < ncalls; i++)
        one_call();
    _exit(0);
}

int main(int argc, char **argv)
{
    unsigned seed, last, ncalls;

    if (argc != 4)
        return 2;
    seed = (unsigned)atoi(argv[1]);
    last = (unsigned)atoi(argv[2]);
    ncalls = (unsigned)atoi(argv[3]);
    area = mmap(NULL, AREA + 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (area == MAP_FAILED || mprotect(area + AREA, 4096, PROT_NONE) != 0)
        return 1;
    signal(SIGPIPE, SIG_IGN);
    signal(SIGTTOU, SIG_IGN);
    signal(SIGHUP, SIG_IGN);
    for (; seed <= last; seed++) {
        pid_t pid = fork();

        if (pid == 0)
            run_seed(seed, ncalls);
        (void)waitpid(pid, NULL, 0);
        while (waitpid(-1, NULL, WNOHANG) > 0)
            ;
    }
    printf("done\n");
    return 0;
}
