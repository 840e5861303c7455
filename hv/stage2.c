/* SPDX-License-Identifier: BSD-2-Clause */
/* Second-level page tables and the bookkeeping of flushes; see stage2.h. */
#include "stage2.h"

#include "platform.h"

#define LEVELS  4
#define ENTRIES 512

#define ENTRY_ADDRESS 0x000ffffffffff000ULL
#define ENTRY_LARGE   (1ULL << 7) /* in both formats */

/* APM vol. 2, "Nested Paging": the CPU walks these as if for a user-mode access. */
#define NPT_PRESENT (1ULL << 0)
#define NPT_WRITE   (1ULL << 1)
#define NPT_USER    (1ULL << 2)
#define NPT_NX      (1ULL << 63)

/* SDM vol. 3, "EPT Translation Mechanism" */
#define EPT_READ       (1ULL << 0)
#define EPT_WRITE      (1ULL << 1)
#define EPT_EXEC       (1ULL << 2)
#define EPT_MEMTYPE_WB (6ULL << 3)
#define EPT_IGNORE_PAT (1ULL << 6)

static uint64_t leaf_entry(const struct stage2 *s2, uint64_t pa, unsigned int access)
{
    uint64_t entry = pa;

    if (s2->format == STAGE2_NPT) {
        entry |= NPT_PRESENT | NPT_USER;
        entry |= access & STAGE2_WRITE ? NPT_WRITE : 0;
        entry |= access & STAGE2_EXEC ? 0 : NPT_NX;
    } else {
        /* It is the host's RAM, and everybody else has it cached: the guest's PAT has no say. */
        entry |= EPT_READ | EPT_MEMTYPE_WB | EPT_IGNORE_PAT;
        entry |= access & STAGE2_WRITE ? EPT_WRITE : 0;
        entry |= access & STAGE2_EXEC ? EPT_EXEC : 0;
    }
    return entry;
}

static uint64_t table_entry(const struct stage2 *s2, uint64_t pa)
{
    if (s2->format == STAGE2_NPT)
        return pa | NPT_PRESENT | NPT_WRITE | NPT_USER;
    return pa | EPT_READ | EPT_WRITE | EPT_EXEC;
}

static bool is_present(uint64_t entry)
{
    return (entry & 1) != 0; /* P, or R: nothing is mapped without read access */
}

static unsigned int entry_access(const struct stage2 *s2, uint64_t entry)
{
    unsigned int access = STAGE2_READ;

    access |= entry & NPT_WRITE ? STAGE2_WRITE : 0; /* the same bit in EPT */
    if (s2->format == STAGE2_NPT)
        access |= entry & NPT_NX ? 0 : STAGE2_EXEC;
    else
        access |= entry & EPT_EXEC ? STAGE2_EXEC : 0;
    return access;
}

/* Level 3 is the root's, level 0 holds 4 KiB leaves. */
static uint64_t level_size(unsigned int level)
{
    return 1ULL << (12 + 9 * level);
}

static uint64_t *entry_at(uint64_t table_pa, gpa_t gpa, unsigned int level)
{
    uint64_t *table = stage2_table_at(table_pa);

    return &table[(gpa >> (12 + 9 * level)) & (ENTRIES - 1)];
}

/* The CPU walks these tables while we write them: whole entries only. */
static void entry_write(uint64_t *entry, uint64_t value)
{
    __atomic_store_n(entry, value, __ATOMIC_RELEASE);
}

static void count_leaf(uint64_t entry, unsigned int level, int n)
{
    if (is_present(entry) && (level == 0 || (entry & ENTRY_LARGE)))
        stage2_count_mappings(entry & ENTRY_ADDRESS, level_size(level), n);
}

static void new_generation(struct stage2 *s2)
{
    __atomic_fetch_add(&s2->generation, 1, __ATOMIC_SEQ_CST);
}

int stage2_init(struct stage2 *s2, enum stage2_format format, bool has_large, void *owner)
{
    *s2 = (struct stage2){.format = format, .has_large = has_large, .owner = owner};
    if (stage2_table_alloc(owner, &s2->root_pa) == NULL)
        return -ENOMEM;
    s2->table_pages = 1;
    s2->generation = 1; /* no CPU has seen it: the first entry flushes */
    return 0;
}

static void free_tables(struct stage2 *s2, uint64_t table_pa, unsigned int level)
{
    uint64_t *table = stage2_table_at(table_pa);

    for (unsigned int i = 0; (level > 0 || STAGE2_COUNTS) && i < ENTRIES; i++) {
        count_leaf(table[i], level, -1);
        if (level > 0 && is_present(table[i]) && !(table[i] & ENTRY_LARGE))
            free_tables(s2, table[i] & ENTRY_ADDRESS, level - 1);
    }
    stage2_table_free(s2->owner, table_pa);
    s2->table_pages--;
}

/*
 * A table leaves the tree. A CPU may still come by until it flushes, so the link to
 * the next one is an entry that is not present.
 */
static void retire(struct stage2 *s2, uint64_t table_pa)
{
    entry_write(stage2_table_at(table_pa), s2->retired);
    s2->retired = table_pa;
}

void stage2_reap(struct stage2 *s2)
{
    while (s2->retired != 0) {
        uint64_t table_pa = s2->retired;

        s2->retired = *(uint64_t *)stage2_table_at(table_pa);
        stage2_table_free(s2->owner, table_pa);
        s2->table_pages--;
    }
}

void stage2_fini(struct stage2 *s2)
{
    assert(s2->in_guest == 0);
    stage2_reap(s2);
    free_tables(s2, s2->root_pa, LEVELS - 1);
}

/* The entry for gpa at a level, with the tables above it made; NULL: no memory. */
static uint64_t *make_path(struct stage2 *s2, gpa_t gpa, unsigned int target)
{
    uint64_t table_pa = s2->root_pa;

    for (unsigned int level = LEVELS - 1; level > target; level--) {
        uint64_t *entry = entry_at(table_pa, gpa, level);

        if (!is_present(*entry) || (*entry & ENTRY_LARGE)) {
            uint64_t old = *entry, pa;

            if (stage2_table_alloc(s2->owner, &pa) == NULL)
                return NULL;
            s2->table_pages++;
            entry_write(entry, table_entry(s2, pa));
            count_leaf(old, level, -1);
            if (is_present(old))
                new_generation(s2); /* a large page went; the rest of it faults in again */
        }
        table_pa = *entry & ENTRY_ADDRESS;
    }
    return entry_at(table_pa, gpa, target);
}

static bool is_empty(uint64_t table_pa)
{
    const uint64_t *table = stage2_table_at(table_pa);

    for (unsigned int i = 0; i < ENTRIES; i++) {
        if (table[i] != 0)
            return false;
    }
    return true;
}

int stage2_map(struct stage2 *s2, gpa_t gpa, uint64_t pa, uint64_t size, unsigned int access)
{
    unsigned int level = size == STAGE2_LARGE ? 1 : 0;
    uint64_t *entry, old, new;

    assert((gpa & (size - 1)) == 0 && (pa & (size - 1)) == 0);
    assert(gpa >> STAGE2_GPA_BITS == 0);
    entry = make_path(s2, gpa, level);
    if (entry == NULL)
        return -ENOMEM;
    old = *entry;
    if (level > 0 && is_present(old) && !(old & ENTRY_LARGE)) {
        if (!is_empty(old & ENTRY_ADDRESS))
            return -EEXIST;
        entry_write(entry, 0);
        retire(s2, old & ENTRY_ADDRESS);
        new_generation(s2); /* CPUs keep entries that lead to tables, too */
        old = 0;
    }
    new = leaf_entry(s2, pa, access) | (level > 0 ? ENTRY_LARGE : 0);
    entry_write(entry, new);
    count_leaf(old, level, -1);
    count_leaf(new, level, 1);
    /* More rights for the same page need no flush: a CPU that has the old entry faults and looks. */
    if (is_present(old) && ((old & ENTRY_ADDRESS) != pa || (entry_access(s2, old) & ~access)))
        new_generation(s2);
    return 0;
}

struct unmapping {
    unsigned int budget; /* entries that may still be looked at */
    bool removed;
};

/* [gpa, end) lies in this table's range. Returns where it stopped. */
static gpa_t unmap_level(struct stage2 *s2, uint64_t table_pa, unsigned int level, gpa_t gpa, gpa_t end,
                         struct unmapping *u)
{
    uint64_t size = level_size(level);

    while (gpa < end && u->budget > 0) {
        uint64_t *entry = entry_at(table_pa, gpa, level);
        gpa_t next = (gpa & ~(size - 1)) + size;

        next = next < end ? next : end;
        u->budget--;
        if (is_present(*entry) && level > 0 && !(*entry & ENTRY_LARGE)) {
            next = unmap_level(s2, *entry & ENTRY_ADDRESS, level - 1, gpa, next, u);
        } else if (is_present(*entry)) {
            count_leaf(*entry, level, -1);
            entry_write(entry, 0);
            u->removed = true;
        }
        gpa = next;
    }
    return gpa;
}

/* Emptied tables stay until stage2_fini(): a CPU may still walk them until it flushes. */
gpa_t stage2_unmap_some(struct stage2 *s2, gpa_t gpa, gpa_t end)
{
    struct unmapping u = {.budget = STAGE2_UNMAP_ENTRIES};

    assert(end >> STAGE2_GPA_BITS == 0 || end == 1ULL << STAGE2_GPA_BITS);
    gpa = unmap_level(s2, s2->root_pa, LEVELS - 1, gpa, end, &u);
    if (u.removed)
        new_generation(s2);
    return gpa;
}

bool stage2_unmap(struct stage2 *s2, gpa_t gpa, uint64_t length)
{
    gpa_t limit = 1ULL << STAGE2_GPA_BITS;
    uint64_t generation = s2->generation;
    gpa_t end;

    if (gpa >= limit)
        return false;
    end = length > limit - gpa ? limit : gpa + length;
    while (gpa < end)
        gpa = stage2_unmap_some(s2, gpa, end);
    return s2->generation != generation;
}

bool stage2_lookup(const struct stage2 *s2, gpa_t gpa, uint64_t *pa, unsigned int *access, uint64_t *size)
{
    uint64_t table_pa = s2->root_pa;

    if (gpa >> STAGE2_GPA_BITS)
        return false;
    for (unsigned int level = LEVELS; level-- > 0;) {
        uint64_t entry = *entry_at(table_pa, gpa, level);

        if (!is_present(entry))
            return false;
        if (level == 0 || (entry & ENTRY_LARGE)) {
            *size = level_size(level);
            *pa = (entry & ENTRY_ADDRESS) + (gpa & (*size - 1));
            *access = entry_access(s2, entry);
            return true;
        }
        table_pa = entry & ENTRY_ADDRESS;
    }
    return false;
}

bool stage2_enter(struct stage2 *s2, unsigned int cpu)
{
    __atomic_fetch_or(&s2->in_guest, 1ULL << cpu, __ATOMIC_SEQ_CST);
    return __atomic_load_n(&s2->seen[cpu], __ATOMIC_RELAXED) !=
           __atomic_load_n(&s2->generation, __ATOMIC_SEQ_CST);
}

/* `generation` was read before the flush: what was removed since is not covered by it. */
void stage2_flushed(struct stage2 *s2, unsigned int cpu, uint64_t generation)
{
    __atomic_store_n(&s2->seen[cpu], generation, __ATOMIC_SEQ_CST);
}

void stage2_leave(struct stage2 *s2, unsigned int cpu)
{
    __atomic_fetch_and(&s2->in_guest, ~(1ULL << cpu), __ATOMIC_SEQ_CST);
}

uint64_t stage2_stale_cpus(const struct stage2 *s2)
{
    uint64_t generation = __atomic_load_n(&s2->generation, __ATOMIC_SEQ_CST);
    uint64_t inside = __atomic_load_n(&s2->in_guest, __ATOMIC_SEQ_CST);
    uint64_t stale = 0;

    while (inside != 0) {
        unsigned int cpu = (unsigned int)__builtin_ctzll(inside);

        inside &= inside - 1;
        if (__atomic_load_n(&s2->seen[cpu], __ATOMIC_SEQ_CST) < generation)
            stale |= 1ULL << cpu;
    }
    return stale;
}
