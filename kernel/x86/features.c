/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What the CPU can do, and turning on what protects the kernel: no execution
 * of (SMEP) nor access to (SMAP) user memory from ring 0, no descriptor-table
 * addresses for user mode (UMIP), no writes to read-only pages (WP).
 */
#include <kernel/log.h>
#include <kernel/string.h>

#include "x86.h"

struct cpu_features cpu_features;
static struct {
    const char *name; /* as /proc/cpuinfo writes it */
    const bool *present;
} const feature_names[] = {
    {"smep", &cpu_features.has_smep},
    {"smap", &cpu_features.has_smap},
    {"umip", &cpu_features.has_umip},
    {"xsave", &cpu_features.has_xsave},
    {"xsaveopt", &cpu_features.has_xsaveopt},
    {"x2apic", &cpu_features.has_x2apic},
    {"tsc_deadline", &cpu_features.has_tsc_deadline},
    {"invariant_tsc", &cpu_features.has_invariant_tsc},
};

/* One place in the kernel's text that becomes STAC or CLAC: see asm.inc. */
struct smap_site {
    uint8_t *insn;
    uint64_t last_byte;
};
extern const struct smap_site smap_sites_start[], smap_sites_end[];

static void smap_write_sites(void)
{
    for (const struct smap_site *s = smap_sites_start; s < smap_sites_end; s++) {
        s->insn[0] = 0x0f;
        s->insn[1] = 0x01;
        s->insn[2] = (uint8_t)s->last_byte;
    }
    (void)cpuid(0, 0); /* serializes: the new bytes are what is executed next */
}

static bool has_bit(uint32_t reg, unsigned bit)
{
    return (reg >> bit & 1) != 0;
}

void features_init(void)
{
    struct cpu_features *f = &cpu_features;
    struct cpuid_regs r = cpuid(0, 0);
    uint32_t max_leaf = r.eax;

    r = cpuid(1, 0);
    f->has_pge = has_bit(r.edx, 13);
    f->has_x2apic = has_bit(r.ecx, 21);
    f->has_tsc_deadline = has_bit(r.ecx, 24);
    f->has_xsave = has_bit(r.ecx, 26);
    if (max_leaf >= 7) {
        r = cpuid(7, 0);
        f->has_smep = has_bit(r.ebx, 7);
        f->has_smap = has_bit(r.ebx, 20);
        f->has_umip = has_bit(r.ecx, 2);
    }
    if (f->has_xsave && max_leaf >= 13)
        f->has_xsaveopt = has_bit(cpuid(13, 1).eax, 0);
    r = cpuid(0x80000000, 0);
    f->has_rdtscp = has_bit(cpuid(0x80000001, 0).edx, 27);
    if (r.eax >= 0x80000007)
        f->has_invariant_tsc = has_bit(cpuid(0x80000007, 0).edx, 8);

    if (f->has_smap)
        smap_write_sites();
}

void features_enable(void)
{
    const struct cpu_features *f = &cpu_features;
    uint64_t cr0, cr4 = CR4_DE | CR4_PAE | CR4_MCE | CR4_OSFXSR | CR4_OSXMMEXCPT;

    __asm__ volatile("mov %%cr0, %0" : "=r"(cr0));
    cr0 |= CR0_MP | CR0_NE | CR0_WP | CR0_AM;
    cr0 &= ~(CR0_EM | CR0_TS);
    __asm__ volatile("mov %0, %%cr0" : : "r"(cr0));

    cr4 |= f->has_pge ? CR4_PGE : 0;
    cr4 |= f->has_smep ? CR4_SMEP : 0;
    cr4 |= f->has_smap ? CR4_SMAP : 0;
    cr4 |= f->has_umip ? CR4_UMIP : 0;
    cr4 |= f->has_xsave ? CR4_OSXSAVE : 0;
    __asm__ volatile("mov %0, %%cr4" : : "r"(cr4));
    cpu_set_tsc_aux();
}

bool cpu_has_rdtscp(void)
{
    return cpu_features.has_rdtscp;
}

void cpu_set_tsc_aux(void)
{
    if (cpu_features.has_rdtscp)
        wrmsr(MSR_TSC_AUX, cpu_number());
}

static void brand_string(char out[49])
{
    uint32_t *words = (uint32_t *)out;

    memset(out, 0, 49);
    if (cpuid(0x80000000, 0).eax < 0x80000004)
        return;
    for (uint32_t i = 0; i < 3; i++) {
        struct cpuid_regs r = cpuid(0x80000002 + i, 0);

        words[i * 4] = r.eax;
        words[i * 4 + 1] = r.ebx;
        words[i * 4 + 2] = r.ecx;
        words[i * 4 + 3] = r.edx;
    }
}

void features_log(void)
{
    char brand[52] __aligned(4), list[160] = "";

    brand_string(brand);
    for (unsigned i = 0; i < ARRAY_SIZE(feature_names); i++) {
        if (!*feature_names[i].present)
            continue;
        strlcat(list, " ", sizeof(list));
        strlcat(list, feature_names[i].name, sizeof(list));
    }
    log_info("cpu: %s;%s\n", brand[0] != '\0' ? brand : "unnamed", list);
}
