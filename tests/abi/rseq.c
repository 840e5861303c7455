/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * rseq(2): registration, and critical sections that are interrupted by signals and by other
 * processes. All runs on one CPU, so that the others' turns come in between.
 */
#include "abi.h"

#include <linux/rseq.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/rseq.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <ucontext.h>

#define SIG      0x53053053u /* see the assembly below */
#define SPIN     50000
#define ROUNDS   500
#define TICK_US  2000
#define NO_LIBC  "GLIBC_TUNABLES"

static struct rseq area, other;
#define RSEQ_CS (*(volatile uint64_t *)&area.rseq_cs) /* the kernel writes it */
static int cpu; /* that everything runs on */

static long rseq(void *at, uint32_t len, int flags, uint32_t sig)
{
    return syscall(SYS_rseq, at, len, flags, sig);
}

/* ---- the sections ---------------------------------------------------------------------------- */

/* Runs for ever; 1: it was aborted. */
int endless(struct rseq *r, const struct rseq_cs *cs);
/* Adds one to *count, long after it was read; 1: it was aborted, nothing is added. */
int add_slowly(struct rseq *r, const struct rseq_cs *cs, volatile uint64_t *count, uint64_t spin);
extern char endless_start[], endless_end[], endless_abort[];
extern char add_start[], add_end[], add_abort[];

/* clang-format off */
__asm__(".text\n"
        "endless:\n"
        "    mov %rsi, 8(%rdi)\n" /* rseq_cs */
        "endless_start:\n"
        "    pause\n"
        "    jmp endless_start\n"
        "endless_end:\n"
        "    .long 0x53053053\n"
        "endless_abort:\n"
        "    mov $1, %eax\n"
        "    ret\n"

        "add_slowly:\n"
        "    mov %rsi, 8(%rdi)\n"
        "add_start:\n"
        "    mov (%rdx), %rax\n"
        "1:  dec %rcx\n"
        "    jnz 1b\n"
        "    inc %rax\n"
        "    mov %rax, (%rdx)\n" /* the commit */
        "add_end:\n"
        "    xor %eax, %eax\n"
        "    ret\n"
        "    .long 0x53053053\n"
        "add_abort:\n"
        "    mov $1, %eax\n"
        "    ret\n");
/* clang-format on */

static struct rseq_cs section(char *start, char *end, char *abort)
{
    return (struct rseq_cs){
        .start_ip = (uint64_t)start,
        .post_commit_offset = (uint64_t)(end - start),
        .abort_ip = (uint64_t)abort,
    };
}
static struct rseq_cs cs;

/* ---- registering ------------------------------------------------------------------------------ */

static void register_and_unregister(void)
{
    SECTION("registering");
    CALL(rseq(&area, 31, 0, SIG));
    CALL(rseq(&area, 0, 0, SIG));
    CALL(rseq((char *)&area + 8, 32, 0, SIG));
    CALL(rseq(BAD_ADDR, 32, 0, SIG));
    CALL(rseq(KERNEL_ADDR, 32, 0, SIG));
    CALL(rseq((void *)0x7ffffffff000, 32, 0, SIG));
    CALL(rseq(NULL, 32, 0, SIG));
    CALL(rseq(&area, 32, 2, SIG));
    CALL(rseq(&area, 32, -1, SIG));
    CALL(rseq(&area, 32, RSEQ_FLAG_UNREGISTER, SIG));
    CALL(rseq(NULL, 32, RSEQ_FLAG_UNREGISTER, SIG));
    CALL(rseq(&area, 32, RSEQ_FLAG_UNREGISTER | 2, SIG));

    RSEQ_CS = (uint64_t)KERNEL_ADDR;
    CALL(rseq(&area, 32, 0, SIG));
    printf("rseq_cs is %lu\n", (unsigned long)RSEQ_CS);
    printf("CPU: %d %d, sched_getcpu(): %d\n", area.cpu_id_start == (unsigned)cpu,
           area.cpu_id == (unsigned)cpu, sched_getcpu() == cpu);
    CALL(rseq(&area, 32, 0, SIG));
    CALL(rseq(&area, 32, 0, SIG + 1));
    CALL(rseq(&area, 31, 0, SIG));
    CALL(rseq(&other, 32, 0, SIG));
    CALL(rseq(&area, 32, 2, SIG));

    CALL(rseq(&area, 32, RSEQ_FLAG_UNREGISTER, SIG + 1));
    CALL(rseq(&area, 31, RSEQ_FLAG_UNREGISTER, SIG + 1));
    CALL(rseq(&other, 32, RSEQ_FLAG_UNREGISTER, SIG));
    CALL(rseq(&area, 32, RSEQ_FLAG_UNREGISTER, SIG));
    printf("CPU: %u %d\n", area.cpu_id_start, (int)area.cpu_id);
    CALL(rseq(&area, 32, RSEQ_FLAG_UNREGISTER, SIG));
}

static void *in_thread(void *arg)
{
    (void)arg;
    CALL(rseq(&other, 32, 0, SIG + 2));
    printf("a thread's CPU: %d\n", other.cpu_id == (unsigned)cpu);
    CALL(rseq(&other, 32, RSEQ_FLAG_UNREGISTER, SIG + 2));
    return NULL;
}

static void inherit(char *program)
{
    pthread_t thread;

    SECTION("threads, fork, exec");
    CALL(rseq(&area, 32, 0, SIG));
    pthread_create(&thread, NULL, in_thread, NULL);
    pthread_join(thread, NULL);
    if (fork() == 0) {
        CALL(rseq(&area, 32, 0, SIG));
        execl("/proc/self/exe", program, "again", NULL);
        _exit(1);
    }
    wait(NULL);
}

/* ---- interrupted -------------------------------------------------------------------------------- */

static volatile sig_atomic_t handled, found_at_abort;

static void note_signal(int sig, siginfo_t *info, void *context)
{
    ucontext_t *uc = context;

    (void)sig;
    (void)info;
    handled++;
    found_at_abort |= uc->uc_mcontext.gregs[REG_RIP] == (greg_t)endless_abort && RSEQ_CS == 0;
}

static void handle(int sig)
{
    struct sigaction sa = {.sa_sigaction = note_signal, .sa_flags = SA_SIGINFO};

    sigaction(sig, &sa, NULL);
}

static void tick(long us)
{
    const struct itimerval interval = {.it_interval.tv_usec = us, .it_value.tv_usec = us};

    setitimer(ITIMER_REAL, &interval, NULL);
}

/* In the section for as long as it takes until a signal finds it there. */
static void until_handled(const char *by)
{
    bool always = true;

    found_at_abort = 0;
    while (!found_at_abort)
        always = endless(&area, &cs) == 1 && always;
    printf("%s: aborted %d, the handler's return address is the abort's, rseq_cs is %lu\n", by, always,
           (unsigned long)RSEQ_CS);
}

static volatile int stop;

static void *send_signals(void *to)
{
    while (!stop) {
        usleep(TICK_US);
        pthread_kill(*(pthread_t *)to, SIGUSR1);
    }
    return NULL;
}

static void by_signals(void)
{
    pthread_t self = pthread_self(), sender;

    SECTION("signals");
    handle(SIGALRM);
    handle(SIGUSR1);
    tick(TICK_US);
    until_handled("a timer");
    tick(0);
    pthread_create(&sender, NULL, send_signals, &self);
    until_handled("a thread");
    stop = 1;
    pthread_join(sender, NULL);

    RSEQ_CS = (uint64_t)&cs;
    raise(SIGUSR1);
    printf("outside: rseq_cs is %lu\n", (unsigned long)RSEQ_CS);
}

static pid_t busy_process(void)
{
    pid_t pid = fork();

    if (pid == 0)
        for (;;)
            __asm__ volatile("pause");
    return pid;
}

static void end_process(pid_t pid)
{
    kill(pid, SIGKILL);
    waitpid(pid, NULL, 0);
}

static void by_others(void)
{
    pid_t busy = busy_process();
    int aborted = 0;

    SECTION("preemption");
    handled = 0;
    for (int i = 0; i < 10; i++)
        aborted += endless(&area, &cs);
    printf("aborted %d times, signals: %d, rseq_cs is %lu\n", aborted, handled,
           (unsigned long)RSEQ_CS);
    RSEQ_CS = (uint64_t)&cs;
    while (RSEQ_CS != 0)
        ;
    printf("outside: rseq_cs is %lu\n", (unsigned long)RSEQ_CS);
    end_process(busy);
}

/* Each adds to the same counter: not one is lost. */
static void count_together(void)
{
    volatile uint64_t *count = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    const struct rseq_cs add = section(add_start, add_end, add_abort);

    for (int i = 0; i < 3; i++) {
        if (fork() != 0)
            continue;
        for (int n = 0; n < ROUNDS; n++)
            while (add_slowly(&area, &add, count, SPIN) != 0)
                ;
        _exit(0);
    }
    while (wait(NULL) > 0)
        ;
    printf("3 processes have counted to %lu\n", (unsigned long)*count);
}

/* ---- nothing good there ---------------------------------------------------------------------------- */

static const void *cs_at = &cs; /* what rseq_cs is set to */

static void nothing(void) {}
static void bad_version(void) { cs.version = 1; }
static void bad_cs_flags(void) { cs.flags = 1; }
static void bad_flags(void) { area.flags = 4; }
static void bad_signature(void) { cs.abort_ip += 1; }
static void abort_inside(void) { cs.abort_ip = cs.start_ip + 1; }
static void abort_unmapped(void) { cs.abort_ip = 4096; }
static void abort_first_bytes(void) { cs.abort_ip = 2; }
static void abort_in_kernel(void) { cs.abort_ip = (uint64_t)KERNEL_ADDR; }
static void start_in_kernel(void) { cs.start_ip = (uint64_t)KERNEL_ADDR; }
static void too_long(void) { cs.post_commit_offset = 1ul << 47; }
static void overflow(void) { cs.post_commit_offset = UINT64_MAX; }
static void cs_in_kernel(void) { cs_at = KERNEL_ADDR; }
static void cs_unmapped(void) { cs_at = BAD_ADDR; }
static void other_signature(void)
{
    (void)rseq(&area, 32, RSEQ_FLAG_UNREGISTER, SIG);
    (void)rseq(&area, 32, 0, SIG + 1);
}

static const struct {
    const char *name;
    void (*make)(void);
} bads[] = {
    {"nothing", nothing},
    {"version", bad_version},
    {"flags of the section", bad_cs_flags},
    {"flags of the thread", bad_flags},
    {"no signature before abort_ip", bad_signature},
    {"another signature registered", other_signature},
    {"abort_ip inside", abort_inside},
    {"abort_ip unmapped", abort_unmapped},
    {"abort_ip without room for a signature", abort_first_bytes},
    {"abort_ip in the kernel", abort_in_kernel},
    {"start_ip in the kernel", start_in_kernel},
    {"too long", too_long},
    {"overflow", overflow},
    {"rseq_cs in the kernel", cs_in_kernel},
    {"rseq_cs unmapped", cs_unmapped},
};

static void show_end(const char *name, const char *place, pid_t pid)
{
    int status = 0;

    waitpid(pid, &status, 0);
    printf("%s, %s: %s\n", name, place,
           WIFSIGNALED(status) ? strsignal(WTERMSIG(status)) : status == 0 ? "goes on" : "is not cleared");
    fflush(stdout);
}

static void found_inside(const char *name, void (*make)(void))
{
    pid_t pid = fork();

    if (pid == 0) {
        make();
        tick(TICK_US);
        found_at_abort = 0;
        while (!found_at_abort)
            (void)endless(&area, cs_at);
        _exit(0);
    }
    show_end(name, "inside", pid);
}

static void found_outside(const char *name, void (*make)(void))
{
    pid_t pid = fork();

    if (pid == 0) {
        make();
        RSEQ_CS = (uint64_t)cs_at;
        raise(SIGUSR1);
        _exit(RSEQ_CS != 0);
    }
    show_end(name, "outside", pid);
}

static void lose_memory(void)
{
    void *page = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

    (void)rseq(&area, 32, RSEQ_FLAG_UNREGISTER, SIG);
    (void)rseq(page, 32, 0, SIG);
    munmap(page, 4096);
}

static void bad_data(void)
{
    SECTION("bad data");
    for (size_t i = 0; i < ARRAY_LEN(bads); i++) {
        found_inside(bads[i].name, bads[i].make);
        found_outside(bads[i].name, bads[i].make);
    }
    found_outside("the memory is gone", lose_memory);
}

/* ---- putting it together ------------------------------------------------------------------------------ */

static void stay_on_one_cpu(void)
{
    cpu_set_t set;

    cpu = sched_getcpu();
    CPU_ZERO(&set);
    CPU_SET((unsigned)cpu, &set);
    if (sched_setaffinity(0, sizeof(set), &set) < 0)
        exit(1);
}

/* The C library registers a structure for every thread; then it is told not to. */
static void without_the_library(char **argv)
{
    const struct rseq *its = (void *)((char *)__builtin_thread_pointer() + __rseq_offset);

    if (getenv(NO_LIBC) != NULL)
        return;
    printf("the C library's: %d\n", __rseq_size > 0 && its->cpu_id == (unsigned)cpu);
    fflush(stdout);
    setenv(NO_LIBC, "glibc.pthread.rseq=0", 1);
    execv("/proc/self/exe", argv);
    exit(1);
}

int main(int argc, char **argv)
{
    if (argc > 1) {
        CALL(rseq(&area, 32, 0, SIG));
        return 0;
    }
    stay_on_one_cpu();
    without_the_library(argv);
    cs = section(endless_start, endless_end, endless_abort);
    register_and_unregister();
    inherit(argv[0]);
    by_signals();
    by_others();
    count_together();
    bad_data();
    return 0;
}
