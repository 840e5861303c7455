/* SPDX-License-Identifier: BSD-2-Clause */
/* The table of bad arguments of every call on memory. */
#include "args.h"

static const struct args_row rows[] = {
    FORKED(mmap, "pnbbfn", P(ARGS_FREE), 4096, PROT_READ, MAP_PRIVATE, FD(FILE), 0),
    FORKED(mmap, "pnbbin", P(ARGS_FREE), 4096, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0),
    C(mmap, "piiifi", 0, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, FD(FILE), 0),
    C(mmap, "pniiii", P(ARGS_BUFFER), 4096, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, -1,
      0),
    FORKED(mmap, "pniiii", P(ARGS_FREE), 4096, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0),
    FORKED(munmap, "pn", P(ARGS_BUFFER), 4096),
    FORKED(mprotect, "pnb", P(ARGS_BUFFER), 4096, PROT_READ),
    FORKED(mremap, "pnibi", P(ARGS_BUFFER), 4096, 8192, MREMAP_MAYMOVE, 0),
    FORKED(mremap, "pniip", P(ARGS_BUFFER), 4096, 4096, MREMAP_MAYMOVE | MREMAP_FIXED, P(ARGS_FREE)),
    C(msync, "pnb", P(ARGS_BUFFER), 4096, MS_ASYNC),
    C(mincore, "pnp", P(ARGS_BUFFER), 4096, P(ARGS_BUFFER)),
    FORKED(madvise, "pnn", P(ARGS_BUFFER), 4096, MADV_NORMAL),
    FORKED(madvise, "pii", P(ARGS_BUFFER), 4096, MADV_DONTNEED),
    C(mlock, "pn", P(ARGS_BUFFER), 4096),
    C(munlock, "pn", P(ARGS_BUFFER), 4096),
    FORKED(mlockall, "n", MCL_FUTURE),
    FORKED(munlockall, ""),
    FORKED(brk, "p", 0),
};

/* The page behind the hole is dropped as well. */
static void advice_over_a_hole(void)
{
    char *p = mmap(ARGS_FREE, 3 * 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0);

    SECTION("madvise over a hole");
    p[0] = p[2 * 4096] = 'x';
    CALL(munmap(p + 4096, 4096));
    CALL(madvise(p, 3 * 4096, MADV_DONTNEED));
    CALL(p[0]);
    CALL(p[2 * 4096]);
    CALL(madvise(p + 4096, 4096, MADV_DONTNEED));
    CALL(madvise(p + 4096, 2 * 4096, MADV_DONTNEED));
    CALL(madvise(p + 2 * 4096, 2 * 4096, MADV_DONTNEED));
    CALL(munmap(p, 3 * 4096));
}

int main(void)
{
    args_init();
    if (truncate("file", 8192) < 0 || seteuid(1) < 0) /* the superuser may map page 0 on Linux */
        return 1;
    args_try_rows(rows, ARRAY_LEN(rows));
    advice_over_a_hole();
    return seteuid(0) < 0 || args_fini();
}
