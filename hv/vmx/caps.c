/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What this CPU's VT-x can do against what we ask of it: tables of bits, each with
 * the name that the log gives when it is missing.
 */
#include <kernel/errno.h>

#include "caps.h"
#include "vmx.h"

struct vmx_caps vmx_caps;

enum wish {
    REQUIRED,
    OPTIONAL,  /* on where it is possible */
    FORBIDDEN, /* must be possible to have off */
};

struct wanted_bit {
    uint64_t bit;
    enum wish wish;
    const char *name;
};

static const struct wanted_bit pin_bits[] = {
    {PIN_EXTERNAL_INTERRUPT, REQUIRED, "VT-x without external-interrupt exiting"},
    {PIN_NMI, REQUIRED, "VT-x without NMI exiting"},
    {PIN_VIRTUAL_NMIS, REQUIRED, "VT-x without virtual NMIs"},
    {PIN_PREEMPTION_TIMER, REQUIRED, "VT-x without preemption timer"},
};

static const struct wanted_bit cpu_bits[] = {
    {CPU_TSC_OFFSETTING, REQUIRED, "VT-x without TSC offsetting"},
    {CPU_HLT, REQUIRED, "VT-x without HLT exiting"},
    {CPU_INVLPG, FORBIDDEN, "VT-x with forced INVLPG exiting"},
    {CPU_MWAIT, REQUIRED, "VT-x without MWAIT exiting"},
    {CPU_RDPMC, REQUIRED, "VT-x without RDPMC exiting"},
    {CPU_RDTSC, FORBIDDEN, "VT-x with forced RDTSC exiting"},
    {CPU_CR3_LOAD, FORBIDDEN, "VT-x with forced CR3-load exiting"},
    {CPU_CR3_STORE, FORBIDDEN, "VT-x with forced CR3-store exiting"},
    {CPU_CR8_LOAD, REQUIRED, "VT-x without CR8-load exiting"},
    {CPU_CR8_STORE, REQUIRED, "VT-x without CR8-store exiting"},
    {CPU_MOV_DR, REQUIRED, "VT-x without MOV-DR exiting"},
    {CPU_UNCONDITIONAL_IO, REQUIRED, "VT-x without unconditional I/O exiting"},
    {CPU_MSR_BITMAPS, REQUIRED, "VT-x without MSR bitmaps"},
    {CPU_MONITOR, REQUIRED, "VT-x without MONITOR exiting"},
    {CPU_PAUSE, FORBIDDEN, "VT-x with forced PAUSE exiting"},
    {CPU_SECONDARY, REQUIRED, "VT-x without secondary controls"},
};

/* Turned on and off at run time. */
static const struct wanted_bit window_bits[] = {
    {CPU_IRQ_WINDOW, REQUIRED, "VT-x without interrupt-window exiting"},
    {CPU_NMI_WINDOW, REQUIRED, "VT-x without NMI-window exiting"},
};

static const struct wanted_bit cpu2_bits[] = {
    {CPU2_EPT, REQUIRED, "VT-x without EPT"},
    {CPU2_RDTSCP, OPTIONAL, "VT-x without RDTSCP"},
    {CPU2_VPID, REQUIRED, "VT-x without VPIDs"},
    {CPU2_WBINVD, REQUIRED, "VT-x without WBINVD exiting"},
    {CPU2_UNRESTRICTED_GUEST, REQUIRED, "VT-x without unrestricted guest"},
};

static const struct wanted_bit exit_bits[] = {
    {EXIT_CTL_SAVE_DEBUG, REQUIRED, "VT-x that does not save debug controls"},
    {EXIT_CTL_HOST_64, REQUIRED, "VT-x without 64-bit host"},
    {EXIT_CTL_ACK_IRQ, FORBIDDEN, "VT-x with forced acknowledge on exit"},
    {EXIT_CTL_LOAD_PAT, REQUIRED, "VT-x that does not load PAT at exits"},
    {EXIT_CTL_LOAD_EFER, REQUIRED, "VT-x that does not load EFER at exits"},
};

static const struct wanted_bit entry_bits[] = {
    {ENTRY_CTL_LOAD_DEBUG, REQUIRED, "VT-x that does not load debug controls"},
    {ENTRY_CTL_LOAD_PAT, REQUIRED, "VT-x that does not load PAT at entries"},
    {ENTRY_CTL_LOAD_EFER, REQUIRED, "VT-x that does not load EFER at entries"},
};

/* Also on or off at run time: the guest's mode. */
static const struct wanted_bit guest_64_bits[] = {
    {ENTRY_CTL_GUEST_64, REQUIRED, "VT-x without 64-bit guests"},
};

static const struct wanted_bit ept_bits[] = {
    {EPT_CAP_FOUR_LEVELS, REQUIRED, "EPT without four levels"},
    {EPT_CAP_WRITE_BACK, REQUIRED, "EPT that is not write-back"},
    {EPT_CAP_LARGE_2M, REQUIRED, "EPT without 2 MiB pages"},
    {EPT_CAP_INVEPT, REQUIRED, "EPT without INVEPT"},
    {EPT_CAP_INVEPT_ALL, REQUIRED, "EPT without INVEPT of all contexts"},
    {EPT_CAP_INVVPID, REQUIRED, "VPIDs without INVVPID"},
    {EPT_CAP_INVVPID_ALL, REQUIRED, "VPIDs without INVVPID of all contexts"},
};

static const char *missing_bit(const struct wanted_bit *bits, unsigned int count,
                               uint64_t must_be_1, uint64_t may_be_1)
{
    for (unsigned int i = 0; i < count; i++) {
        if (bits[i].wish == REQUIRED && !(may_be_1 & bits[i].bit))
            return bits[i].name;
        if (bits[i].wish == FORBIDDEN && (must_be_1 & bits[i].bit))
            return bits[i].name;
    }
    return NULL;
}

/* The control field's value, or NULL in *value's place: the name of what is missing. */
static const char *choose(uint32_t msr, const struct wanted_bit *bits, unsigned int count,
                          uint32_t *value)
{
    uint64_t cap = rdmsr(msr);
    const char *why = missing_bit(bits, count, (uint32_t)cap, cap >> 32);

    *value = (uint32_t)cap;
    for (unsigned int i = 0; i < count; i++) {
        if (bits[i].wish != FORBIDDEN)
            *value |= (uint32_t)(bits[i].bit & cap >> 32);
    }
    return why;
}

static const char *choose_controls(struct vmx_caps *caps, bool has_true)
{
    uint32_t unused;
    const struct {
        uint32_t msr;
        const struct wanted_bit *bits;
        unsigned int count;
        uint32_t *value;
    } fields[] = {
        {has_true ? MSR_VMX_TRUE_PIN : MSR_VMX_PIN, pin_bits, ARRAY_SIZE(pin_bits), &caps->pin},
        {has_true ? MSR_VMX_TRUE_CPU : MSR_VMX_CPU, cpu_bits, ARRAY_SIZE(cpu_bits), &caps->cpu},
        {MSR_VMX_CPU, window_bits, ARRAY_SIZE(window_bits), &unused},
        {MSR_VMX_CPU2, cpu2_bits, ARRAY_SIZE(cpu2_bits), &caps->cpu2},
        {has_true ? MSR_VMX_TRUE_EXIT : MSR_VMX_EXIT, exit_bits, ARRAY_SIZE(exit_bits),
         &caps->exit},
        {has_true ? MSR_VMX_TRUE_ENTRY : MSR_VMX_ENTRY, entry_bits, ARRAY_SIZE(entry_bits),
         &caps->entry},
        {MSR_VMX_ENTRY, guest_64_bits, ARRAY_SIZE(guest_64_bits), &unused},
    };

    for (unsigned int i = 0; i < ARRAY_SIZE(fields); i++) {
        const char *why = choose(fields[i].msr, fields[i].bits, fields[i].count, fields[i].value);

        if (why != NULL)
            return why;
    }
    return NULL;
}

int vmx_caps_probe(const char **why)
{
    struct vmx_caps *caps = &vmx_caps;
    uint64_t basic, ept, control;

    *why = NULL; /* not an Intel CPU, or VT-x is hidden: nothing to say */
    if (!(cpuid(1, 0).ecx & CPUID1_ECX_VMX))
        return -ENODEV;
    if (rdmsr_safe(MSR_FEATURE_CONTROL, &control) < 0)
        control = 0;
    if ((control & FEATURE_CONTROL_LOCK) && !(control & FEATURE_CONTROL_VMX)) {
        *why = "VT-x is turned off by the firmware";
        return -ENODEV;
    }
    basic = rdmsr(MSR_VMX_BASIC);
    *why = choose_controls(caps, (basic & BASIC_TRUE_CONTROLS) != 0);
    if (*why != NULL)
        return -ENODEV;
    ept = rdmsr(MSR_VMX_EPT_VPID);
    *why = missing_bit(ept_bits, ARRAY_SIZE(ept_bits), 0, ept);
    if (*why == NULL && (BASIC_MEMTYPE(basic) != BASIC_WRITE_BACK || BASIC_SIZE(basic) > PAGE_SIZE))
        *why = "VT-x with an unusual VMCS region";
    if (*why != NULL)
        return -ENODEV;
    caps->revision = (uint32_t)(basic & BASIC_REVISION);
    caps->has_invept_single = (ept & EPT_CAP_INVEPT_SINGLE) != 0;
    caps->has_invvpid_single = (ept & EPT_CAP_INVVPID_SINGLE) != 0;
    caps->timer_shift = (unsigned int)MISC_TIMER_SHIFT(rdmsr(MSR_VMX_MISC));
    caps->cr0_fixed0 = rdmsr(MSR_VMX_CR0_FIXED0);
    caps->cr0_fixed1 = rdmsr(MSR_VMX_CR0_FIXED1);
    caps->cr4_fixed0 = rdmsr(MSR_VMX_CR4_FIXED0);
    caps->cr4_fixed1 = rdmsr(MSR_VMX_CR4_FIXED1);
    return 0;
}
