/* SPDX-License-Identifier: BSD-2-Clause */
/* How many areas a process may have: vm.max_map_count of proc(5), and what still works without one more. */
#include "abi.h"

#include <stdlib.h>
#include <sys/mman.h>
#include <sys/wait.h>

#define PAGE  4096ul
#define PAGES 80000ul /* more than there may be areas */
#define MORE  200ul

static char *arena;

static char *at(unsigned long page)
{
    return arena + page * PAGE;
}

static long areas(void)
{
    FILE *f = fopen("/proc/self/maps", "r");
    long n = 0;

    for (int c; (c = getc(f)) != EOF;)
        n += c == '\n';
    fclose(f);
    return n;
}

/* What the program has by itself differs a little. */
static int is_about_the_limit(long n)
{
    return n > 65500 && n < 65540;
}

static int map_at(char *p)
{
    return mmap(p, PAGE, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0) == p ? 0 : -1;
}

static void at_the_limit(void)
{
    unsigned long end, next;

    /* Every second page another protection, then single pages with gaps between them. */
    for (end = 1; end < PAGES && mprotect(at(end), PAGE, PROT_NONE) == 0;)
        end += 2;
    CALL(is_about_the_limit(areas()));
    for (next = PAGES + 1; next < PAGES + MORE && map_at(at(next)) == 0;)
        next += 2;
    CALL(map_at(at(next)));
    CALL(is_about_the_limit(areas()));

    CALL(munmap(at(end + 10), PAGE));
    CALL(mprotect(at(end + 10), PAGE, PROT_NONE));
    CALL(madvise(at(end + 10), PAGE, MADV_DONTFORK));
    TRY(mremap(at(1), PAGE, 2 * PAGE, MREMAP_MAYMOVE) == MAP_FAILED ? -1 : 0);
    CALL(map_at(at(end + 10)));
    CALL(madvise(at(end + 10), PAGE, MADV_DONTNEED));
    CALL(munmap(at(PAGES - 4), 4 * PAGE)); /* the end of an area: not one more */

    CALL(munmap(at(next - 2), PAGE));
    CALL(map_at(at(next)));
    CALL(map_at(at(next - 2)));
}

static void child(void)
{
    int status;
    pid_t pid = fork();

    if (pid == 0) {
        CALL(is_about_the_limit(areas()));
        CALL(mprotect(at(0), (PAGES - 4) * PAGE, PROT_READ)); /* all one again */
        CALL(areas() < 200);
        CALL(mprotect(at(1), PAGE, PROT_NONE));
        exit(0);
    }
    waitpid(pid, &status, 0);
    printf("status %x\n", status);
}

int main(void)
{
    setvbuf(stdout, NULL, _IOLBF, 0);
    arena = mmap(NULL, (PAGES + MORE + 2) * PAGE, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    munmap(at(PAGES), (MORE + 2) * PAGE);

    SECTION("the limit");
    at_the_limit();
    SECTION("a copy");
    child();
    SECTION("few again");
    CALL(munmap(arena, PAGES * PAGE));
    CALL(areas() < 200);
    return 0;
}
