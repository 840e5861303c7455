/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Bad addresses through every pointer of every system call.
 *
 * Which calls there are and which of their arguments are pointers comes from the
 * kernel's own table, syscalls.def; how to call each so that the pointer is looked
 * at is in pointers.h. A call of the table that has pointers and no recipe fails
 * the test, so that none is forgotten.
 *
 * Each pointer is tried in a process of its own, with one address after the other,
 * and the outcomes are printed:
 *
 *     uname 1: EFAULT null low unmapped ...
 *
 *     pointers [NAME=ADDRESS]...      more addresses: the kernel's own, by its symbols
 */
#include "attack.h"

#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include "pointers.h"

static const struct {
    int nr;
    const char *name, *prototype;
} calls[] = {
#define SYSCALL(nr, name, nargs, proto) {nr, #name, #proto},
#include "kernel/include/kernel/syscalls.def"
#undef SYSCALL
};

enum { ADDRESSES_MAX = 32 };

static struct {
    const char *name;
    uint64_t value;
} addresses[ADDRESSES_MAX] = {
    {"null", 0},
    {"low", 8},
    {"unmapped", 0x70000000},     /* far from the program, its heap, and its maps */
    {"user-max", 0x7ffffffff000}, /* the first address that is never a program's */
    {"hole", 0x800000000000},     /* not canonical from here */
    {"not-canonical", 0x4141414141414141},
    {"hole-end", 0xffff7fffffffffff},    /* to here */
    {"kernel-half", 0xffff800000000000}, /* Bulkhead's direct map */
    {"kernel-image", 0xffffffff80000000},
    {"vsyscall", 0xffffffffff600000},
    {"last", UINT64_MAX}, /* wraps */
};
static unsigned naddresses;

static void add_address(const char *name, uint64_t value)
{
    need(naddresses < ADDRESSES_MAX, "too many addresses");
    addresses[naddresses].name = name;
    addresses[naddresses++].value = value;
}

/* Memory that is there, with something wrong about it. The bytes are no string's end. */
static void make_pages(void)
{
    const int map = MAP_PRIVATE | MAP_ANONYMOUS;
    char *pages = mmap(NULL, 4 * PAGE, PROT_READ | PROT_WRITE, map, -1, 0);
    char *end = mmap((void *)0x7fffffffe000, PAGE, PROT_READ | PROT_WRITE,
                     map | MAP_FIXED_NOREPLACE, -1, 0);

    need(pages != MAP_FAILED && end != MAP_FAILED, "pages");
    memset(pages + PAGE, 'A', PAGE);
    memset(end, 'A', PAGE);
    ((uint64_t *)pages)[1] = 1; /* for rseq(2): what is in its way there it has to write */
    need(mprotect(pages, PAGE, PROT_READ) == 0 && mprotect(pages + 2 * PAGE, PAGE, PROT_NONE) == 0,
         "protection");
    while (addresses[naddresses].name != NULL)
        naddresses++;
    add_address("read-only", (uint64_t)pages);
    add_address("no-access", (uint64_t)(pages + 2 * PAGE));
    add_address("across-pages", (uint64_t)(pages + 2 * PAGE - 1));
    add_address("across-user-max", (uint64_t)(end + PAGE - 1));
}

/* The place where recipe `r` has its n-th pointer; NULL after the last. */
static long *pointer_place(struct recipe *r, const char *prototype, unsigned n)
{
    unsigned argument = 0;

    if (r->inner != NULL)
        return n == 0 ? r->inner : NULL;
    for (const char *p = prototype; p != NULL; p = strchr(p + 1, ','), argument++) {
        bool is_pointer = r->pointers != 0 ? (r->pointers >> argument & 1) != 0
                                           : strncmp(p + 1 + (argument != 0), "uaddr_t", 7) == 0;

        if (is_pointer && n-- == 0)
            return &r->args[argument];
    }
    return NULL;
}

/* What a child has seen: an errno per address, or that it did not live to see it. */
static int *seen;
enum { NOT_SEEN = -1, CALL_LIMIT_S = 20 };

static void attack(struct recipe *r, long *place)
{
    int self = getpid();

    prepare(r);
    signal(SIGPIPE, SIG_IGN);
    alarm(CALL_LIMIT_S);
    for (unsigned i = 0; i < naddresses; i++) {
        long result;

        refresh(r->nr);
        *place = (long)addresses[i].value;
        result =
            syscall(r->nr, r->args[0], r->args[1], r->args[2], r->args[3], r->args[4], r->args[5]);
        if (getpid() != self)
            _exit(0); /* fork and its like: the child has nothing to say */
        seen[i] = result == -1 ? errno : 0;
    }
    _exit(0);
}

/* All outcomes with the addresses that had them, in the order of their first. */
static void show(void)
{
    for (unsigned i = 0; i < naddresses; i++) {
        int result = seen[i];

        for (unsigned j = 0; j < i && result != NOT_SEEN; j++) {
            if (seen[j] == result)
                result = NOT_SEEN;
        }
        if (result == NOT_SEEN)
            continue;
        printf(" %s", result == 0 ? "ok" : error_name(result));
        for (unsigned j = i; j < naddresses; j++) {
            if (seen[j] == result)
                printf(" %s", addresses[j].name);
        }
        printf(";");
    }
}

static void try_pointer(struct recipe *r, const char *name, long *place)
{
    long before = *place;
    int status = 0;
    pid_t pid;

    for (unsigned i = 0; i < naddresses; i++)
        seen[i] = NOT_SEEN;
    printf("%s%s%s ", name, r->what[0] != '\0' ? " " : "", r->what);
    if (r->inner == NULL)
        printf("%u:", (unsigned)(place - r->args) + 1);
    else
        printf("within:");
    fflush(stdout);
    pid = fork();
    need(pid >= 0, "fork");
    if (pid == 0)
        attack(r, place);
    need(waitpid(pid, &status, 0) == pid, "waitpid");
    *place = before;
    show();
    if (WIFSIGNALED(status))
        printf(" killed by %s", strsignal(WTERMSIG(status)));
    printf("\n");
}

static bool try_call(int nr, const char *name, const char *prototype)
{
    bool found = false;

    for (size_t i = 0; i < ARRAY_LEN(recipes); i++) {
        struct recipe *r = &recipes[i];
        long *place;

        if (r->nr != nr)
            continue;
        found = true;
        for (unsigned n = 0; (place = pointer_place(r, prototype, n)) != NULL; n++)
            try_pointer(r, name, place);
    }
    return found || strstr(prototype, "uaddr_t") == NULL;
}

int main(int argc, char **argv)
{
    bool all = true;

    setvbuf(stdout, NULL, _IOFBF, 1 << 16);
    make_pages();
    for (int i = 1; i < argc; i++) {
        char *equals = strchr(argv[i], '=');

        need(equals != NULL, "an argument is not NAME=ADDRESS");
        *equals = '\0';
        add_address(argv[i], strtoull(equals + 1, NULL, 16));
    }
    seen = shared_memory(PAGE);
    signal(SIGCHLD, SIG_DFL);
    prepare_ipc();
    for (size_t i = 0; i < ARRAY_LEN(calls); i++) {
        if (try_call(calls[i].nr, calls[i].name, calls[i].prototype))
            continue;
        printf("%s%s has no recipe in pointers.h\n", calls[i].name, calls[i].prototype);
        all = false;
    }
    return all ? 0 : 1;
}
