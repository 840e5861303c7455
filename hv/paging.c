/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The walk of a guest's page tables; see paging.h. Three shapes: two levels of
 * 32-bit entries, PAE's three and long mode's four of 64-bit entries. SDM vol. 3,
 * "Paging".
 */
#include "paging.h"

#include "platform.h"

#define PTE_PRESENT  (1ULL << 0)
#define PTE_WRITE    (1ULL << 1)
#define PTE_USER     (1ULL << 2)
#define PTE_ACCESSED (1ULL << 5)
#define PTE_DIRTY    (1ULL << 6)
#define PTE_LARGE    (1ULL << 7)
#define PTE_NX       (1ULL << 63)
#define PTE_ADDRESS  0x000ffffffffff000ULL

#define MAX_RETRIES 8

struct shape {
    uint8_t levels;
    uint8_t entry_size;
    uint8_t index_bits;
};

static struct shape find_shape(const struct paging *paging)
{
    if (paging->efer & EFER_LMA)
        return (struct shape){4, 8, 9};
    if (paging->cr4 & CR4_PAE)
        return (struct shape){3, 8, 9};
    return (struct shape){2, 4, 10};
}

static unsigned int level_shift(const struct shape *shape, unsigned int level)
{
    return 12 + level * shape->index_bits;
}

static bool can_be_large(const struct paging *paging, const struct shape *shape, unsigned int level)
{
    if (shape->entry_size == 4)
        return level == 1 && (paging->cr4 & CR4_PSE);
    return level == 1 || (level == 2 && shape->levels == 4);
}

/* Bits that must be zero in an entry. */
static uint64_t reserved_bits(const struct paging *paging, const struct shape *shape, unsigned int level,
                              bool is_large)
{
    uint64_t reserved;

    if (shape->entry_size == 4)
        return is_large ? 1ULL << 21 : 0;
    reserved = PTE_ADDRESS & ~((1ULL << paging->phys_bits) - 1);
    if (!(paging->efer & EFER_NX))
        reserved |= PTE_NX;
    if (shape->levels == 3)
        reserved |= level == 2 ? PTE_NX | 0x7ff00000000001e6ULL : 0x7ff0000000000000ULL;
    if (is_large)
        reserved |= (1ULL << level_shift(shape, level)) - (1ULL << 13);
    else if (level == 3)
        reserved |= PTE_LARGE;
    return reserved;
}

/* Rights gathered on the way down; the page's are the narrowest of all levels. */
struct rights {
    bool is_writable, is_user, is_executable;
};

static bool is_allowed(const struct paging *paging, const struct rights *rights, unsigned int access)
{
    bool is_user_access = (access & PAGING_USER) != 0;

    if (access & PAGING_EXEC) {
        if (!rights->is_executable || (is_user_access && !rights->is_user))
            return false;
        return is_user_access || !rights->is_user || !(paging->cr4 & CR4_SMEP);
    }
    if (is_user_access && !rights->is_user)
        return false;
    if (!is_user_access && rights->is_user && (paging->cr4 & CR4_SMAP) &&
        !(paging->rflags & EFLAGS_AC))
        return false;
    if ((access & PAGING_WRITE) && !rights->is_writable)
        return !is_user_access && !(paging->cr0 & CR0_WP);
    return true;
}

static uint32_t fault_code(const struct paging *paging, unsigned int access, uint32_t why)
{
    if (access & PAGING_WRITE)
        why |= PF_WRITE;
    if (access & PAGING_USER)
        why |= PF_USER;
    if ((access & PAGING_EXEC) && ((paging->efer & EFER_NX) || (paging->cr4 & CR4_SMEP)))
        why |= PF_FETCH;
    return why;
}

/* One walk. As paging_translate(), or -EAGAIN. */
static int walk(const struct paging *paging, gva_t gva, unsigned int access, gpa_t *gpa, uint32_t *error)
{
    struct shape shape = find_shape(paging);
    struct rights rights = {true, true, true};
    gpa_t table = shape.levels == 3 ? paging->cr3 & 0xffffffe0 : paging->cr3 & PTE_ADDRESS;

    if (shape.entry_size == 4)
        table &= 0xfffff000;
    for (unsigned int level = shape.levels; level-- > 0;) {
        unsigned int shift = level_shift(&shape, level);
        uint64_t index = (gva >> shift) & ((1ULL << shape.index_bits) - 1);
        gpa_t where = table + index * shape.entry_size;
        bool is_pdpte = shape.levels == 3 && level == 2, is_large;
        uint64_t entry = 0, wanted;
        int err;

        if (shape.levels == 3 && level == 2)
            where = table + ((gva >> 30) & 3) * 8;
        err = paging->read(paging->ctx, where, &entry, shape.entry_size);
        if (err < 0)
            return err;
        if (!(entry & PTE_PRESENT)) {
            *error = fault_code(paging, access, 0);
            return 1;
        }
        is_large = level > 0 && (entry & PTE_LARGE) && can_be_large(paging, &shape, level);
        if (entry & reserved_bits(paging, &shape, level, is_large)) {
            *error = fault_code(paging, access, PF_PRESENT | PF_RESERVED);
            return 1;
        }
        if (!is_pdpte) {
            rights.is_writable &= (entry & PTE_WRITE) != 0;
            rights.is_user &= (entry & PTE_USER) != 0;
            rights.is_executable &= !((entry & PTE_NX) && (paging->efer & EFER_NX));
        }
        if (level > 0 && !is_large) {
            if (!is_pdpte && paging->update != NULL && !(entry & PTE_ACCESSED)) {
                err = paging->update(paging->ctx, where, (uint32_t)entry,
                                     (uint32_t)(entry | PTE_ACCESSED));
                if (err < 0)
                    return err;
            }
            table = entry & PTE_ADDRESS;
            continue;
        }
        if (!is_allowed(paging, &rights, access)) {
            *error = fault_code(paging, access, PF_PRESENT);
            return 1;
        }
        wanted = entry | PTE_ACCESSED | (access & PAGING_WRITE ? PTE_DIRTY : 0);
        if (paging->update != NULL && wanted != entry) {
            err = paging->update(paging->ctx, where, (uint32_t)entry, (uint32_t)wanted);
            if (err < 0)
                return err;
        }
        *gpa = (entry & PTE_ADDRESS & ~((1ULL << shift) - 1)) | (gva & ((1ULL << shift) - 1));
        if (is_large && shape.entry_size == 4) /* PSE-36: bits 32-39 are in 13-20 */
            *gpa |= (entry & 0x1fe000) << 19;
        return 0;
    }
    return -EFAULT;
}

int paging_translate(const struct paging *paging, gva_t gva, unsigned int access, gpa_t *gpa,
                     uint32_t *error)
{
    int err = -EAGAIN;

    if (!(paging->cr0 & CR0_PG)) {
        *gpa = gva & 0xffffffff;
        return 0;
    }
    if ((paging->efer & EFER_LMA) == 0)
        gva &= 0xffffffff;
    for (unsigned int i = 0; i < MAX_RETRIES && err == -EAGAIN; i++)
        err = walk(paging, gva, access, gpa, error);
    return err == -EAGAIN ? -EFAULT : err;
}
