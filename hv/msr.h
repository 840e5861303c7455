/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * MSR numbers that guests use, in order. SDM vol. 4, "Model-Specific Registers";
 * from C0000000 on also APM vol. 2, "MSR Cross-Reference".
 */
#pragma once

#define MSR_P5_MC_ADDR         0x00000000
#define MSR_P5_MC_TYPE         0x00000001
#define MSR_TSC                0x00000010
#define MSR_PLATFORM_ID        0x00000017
#define MSR_APIC_BASE          0x0000001b
#define MSR_EBL_CR_POWERON     0x0000002a
#define MSR_FEATURE_CONTROL    0x0000003a
#define MSR_TSC_ADJUST         0x0000003b
#define MSR_UCODE_WRITE        0x00000079
#define MSR_UCODE_REV          0x0000008b
#define MSR_MTRR_CAP           0x000000fe
#define MSR_SYSENTER_CS        0x00000174
#define MSR_SYSENTER_ESP       0x00000175
#define MSR_SYSENTER_EIP       0x00000176
#define MSR_MCG_CAP            0x00000179
#define MSR_MCG_STATUS         0x0000017a
#define MSR_MCG_CTL            0x0000017b
#define MSR_PERFEVTSEL0        0x00000186
#define MSR_PERFEVTSEL1        0x00000187
#define MSR_PERF_STATUS        0x00000198
#define MSR_PERF_CTL           0x00000199
#define MSR_MISC_ENABLE        0x000001a0
#define MSR_DEBUGCTL           0x000001d9
#define MSR_LASTBRANCH_FROM    0x000001db
#define MSR_LASTINT_TO         0x000001de
#define MSR_MTRR_PHYSBASE0     0x00000200
#define MSR_MTRR_PHYSMASK7     0x0000020f
#define MSR_MTRR_FIX64K_00000  0x00000250
#define MSR_MTRR_FIX16K_80000  0x00000258
#define MSR_MTRR_FIX16K_A0000  0x00000259
#define MSR_MTRR_FIX4K_C0000   0x00000268
#define MSR_MTRR_FIX4K_F8000   0x0000026f
#define MSR_PAT                0x00000277
#define MSR_MTRR_DEF_TYPE      0x000002ff
#define MSR_MC0_CTL            0x00000400
#define MSR_RAPL_POWER_UNIT    0x00000606
#define MSR_TSC_DEADLINE       0x000006e0
#define MSR_X2APIC_FIRST       0x00000800
#define MSR_X2APIC_LAST        0x000008ff

#define MSR_EFER               0xc0000080
#define MSR_STAR               0xc0000081
#define MSR_LSTAR              0xc0000082
#define MSR_CSTAR              0xc0000083
#define MSR_SFMASK             0xc0000084
#define MSR_FS_BASE            0xc0000100
#define MSR_GS_BASE            0xc0000101
#define MSR_KERNEL_GS_BASE     0xc0000102
#define MSR_TSC_AUX            0xc0000103
#define MSR_K7_EVNTSEL0        0xc0010000
#define MSR_K7_PERFCTR3        0xc0010007
#define MSR_K8_SYSCFG          0xc0010010
#define MSR_K7_HWCR            0xc0010015
#define MSR_K8_INT_PENDING     0xc0010055
#define MSR_AMD64_PATCH_LOADER 0xc0010020
#define MSR_K8_TSEG_ADDR       0xc0010112
#define MSR_K8_TSEG_MASK       0xc0010113
#define MSR_VM_CR              0xc0010114
#define MSR_AMD64_LS_CFG       0xc0011020
#define MSR_AMD64_DE_CFG       0xc0011029
#define MSR_AMD64_BU_CFG2      0xc001102a
