// SPDX-License-Identifier: Apache-2.0
#include "cpu.h"

#include <cpuid.h>
#include <stdbool.h>
#include <string.h>
#include <sys/auxv.h>

enum word { L1_ECX, L1_EDX, L7_EBX, L7_ECX, L7_EDX, L7_1_EAX, XSAVE_EAX, EXT_ECX, EXT_EDX, L7_1_EDX };
_Static_assert(L7_1_EDX + 1 == SNAPSHOT_CPU_WORDS, "words");

/* Not here: what is of the kernel or the hypervisor alone (monitor, VMX, x2APIC, deadline timer, hypervisor), and
 * what changes from one moment or processor to the next. */
static const uint32_t relevant[SNAPSHOT_CPU_WORDS] = {
    [L1_ECX] = bit_SSE3 | bit_PCLMUL | bit_SSSE3 | bit_FMA | bit_CMPXCHG16B | bit_SSE4_1 | bit_SSE4_2 | bit_MOVBE |
               bit_POPCNT | bit_AES | bit_XSAVE | bit_OSXSAVE | bit_AVX | bit_F16C | bit_RDRND,
    [L1_EDX] = bit_CMPXCHG8B | bit_CMOV | bit_MMX | bit_FXSAVE | bit_SSE | bit_SSE2,
    [L7_EBX] = bit_FSGSBASE | bit_BMI | bit_HLE | bit_AVX2 | bit_BMI2 | 1u << 9 /* ERMS */ | bit_RTM | bit_AVX512F |
               bit_AVX512DQ | bit_RDSEED | bit_ADX | bit_AVX512IFMA | bit_CLFLUSHOPT | bit_CLWB | bit_AVX512PF |
               bit_AVX512ER | bit_AVX512CD | bit_SHA | bit_AVX512BW | bit_AVX512VL,
    [L7_ECX] = bit_AVX512VBMI | 1u << 6 /* AVX512_VBMI2 */ | bit_GFNI | bit_VAES | bit_VPCLMULQDQ |
               1u << 11 /* AVX512_VNNI */ | 1u << 12 /* AVX512_BITALG */ | bit_AVX512VPOPCNTDQ | 1u << 22 /* RDPID */ |
               1u << 27 /* MOVDIRI */ | 1u << 28 /* MOVDIR64B */,
    [L7_EDX] = bit_AVX5124VNNIW | bit_AVX5124FMAPS | 1u << 4 /* FSRM */ | 1u << 8 /* AVX512_VP2INTERSECT */ |
               1u << 22 /* AMX_BF16 */ | 1u << 23 /* AVX512_FP16 */ | 1u << 24 /* AMX_TILE */ | 1u << 25 /* AMX_INT8 */,
    [L7_1_EAX] = 1u << 4 /* AVX_VNNI */ | 1u << 5 /* AVX512_BF16 */ | 1u << 10 /* FZRM */ | 1u << 11 /* FSRS */ |
                 1u << 12 /* FSRC */ | 1u << 23 /* AVX_IFMA */,
    [XSAVE_EAX] = bit_XSAVEOPT | bit_XSAVEC | 1u << 2 /* XGETBV with 1 */ | bit_XSAVES,
    [EXT_ECX] = bit_LAHF_LM | bit_ABM | bit_SSE4a | bit_PRFCHW | bit_XOP | bit_LWP | bit_FMA4 | bit_TBM,
    [EXT_EDX] = 1u << 27 /* RDTSCP */,
    [L7_1_EDX] = 1u << 4 /* AVX_VNNI_INT8 */ | 1u << 5 /* AVX_NE_CONVERT */,
};

/* Instructions of x86-64-v4 and later, which cpu_tunables keeps from being chosen. */
static const uint32_t beyond_v3[SNAPSHOT_CPU_WORDS] = {
    [L7_EBX] = bit_AVX512F | bit_AVX512DQ | bit_AVX512IFMA | bit_AVX512PF | bit_AVX512ER | bit_AVX512CD | bit_AVX512BW |
               bit_AVX512VL | bit_HLE | bit_RTM,
    [L7_ECX] = bit_AVX512VBMI | 1u << 6 | bit_GFNI | bit_VAES | bit_VPCLMULQDQ | 1u << 11 | 1u << 12 |
               bit_AVX512VPOPCNTDQ | 1u << 27 | 1u << 28,
    [L7_EDX] = bit_AVX5124VNNIW | bit_AVX5124FMAPS | 1u << 8 | 1u << 22 | 1u << 23 | 1u << 24 | 1u << 25,
    [L7_1_EAX] = ~0u & ~(1u << 10 | 1u << 11 | 1u << 12),
    [L7_1_EDX] = ~0u,
};

static const uint32_t beyond_v2[SNAPSHOT_CPU_WORDS] = {
    [L1_ECX] = bit_FMA | bit_MOVBE | bit_AVX | bit_F16C,
    [L7_EBX] = bit_BMI | bit_AVX2 | bit_BMI2 | 1u << 9,
    [L7_EDX] = 1u << 4,
    [L7_1_EAX] = ~0u,
    [EXT_ECX] = bit_ABM | bit_XOP | bit_FMA4 | bit_TBM,
};

const char *cpu_tunables(enum cpu_policy policy) {
#define V4                                                                                                             \
  "-AVX512F,-AVX512VL,-AVX512BW,-AVX512CD,-AVX512DQ,-AVX512ER,-AVX512PF,-AVX512VBMI,-AVX512_VBMI2,-AVX512_VNNI,"       \
  "-AVX512_BITALG,-AVX512_VPOPCNTDQ,-AVX512_FP16,-AVX512_BF16,-RTM,-HLE"
  if (policy == CPU_V3) return "glibc.cpu.hwcaps=" V4;
  if (policy == CPU_V2)
    return "glibc.cpu.hwcaps=" V4 ",-AVX,-AVX2,-FMA,-FMA4,-BMI1,-BMI2,-LZCNT,-MOVBE,-F16C,-ERMS,-FSRM";
  return "";
#undef V4
}

/* ---- asking ---- */

/* sys/platform/x86.h of glibc, 2.33 and later: what its dynamic loader was answered when this process started, as the processor
 * has it, whatever tunables keep from being used. */
struct leaf {
  uint32_t registers[4], active[4];
};
enum { A, B, C, D };
enum index { LEAF_1 = 0, LEAF_7 = 1, LEAF_EXTENDED_1 = 2, LEAF_13_1 = 3, LEAF_7_1 = 6 };
__attribute__((weak)) extern const struct leaf *__x86_get_cpuid_feature_leaf(unsigned);

/* What is asked for, of the numbers of its registers. */
struct answers {
  uint32_t basic[4], seven[4], seven_1[4], extended[4], state_1[4];
};

static void take_answer(uint32_t answer[4], enum index index) {
  memcpy(answer, __x86_get_cpuid_feature_leaf(index)->registers, 4 * sizeof *answer);
}

/* Each question is one more exit of a virtual machine, of 2 to 20 microseconds. False: the C library does not tell. */
static bool take_answers(struct answers *answers) {
  if (!&__x86_get_cpuid_feature_leaf) return false;
  take_answer(answers->basic, LEAF_1);
  take_answer(answers->seven, LEAF_7);
  take_answer(answers->seven_1, LEAF_7_1);
  take_answer(answers->extended, LEAF_EXTENDED_1);
  take_answer(answers->state_1, LEAF_13_1);
  return true;
}

static void ask_for(uint32_t answer[4], uint32_t leaf, uint32_t sub) {
  __cpuid_count(leaf, sub, answer[A], answer[B], answer[C], answer[D]);
}

/* Only what there is an answer to. */
static void ask(struct answers *answers) {
  uint32_t most[4], extended[4];
  memset(answers, 0, sizeof *answers);
  ask_for(most, 0, 0);
  ask_for(answers->basic, 1, 0);
  if (most[A] >= 7) {
    ask_for(answers->seven, 7, 0);
    if (answers->seven[A] >= 1) ask_for(answers->seven_1, 7, 1);
  }
  ask_for(extended, 0x80000000, 0);
  if (extended[A] >= 0x80000001) ask_for(answers->extended, 0x80000001, 0);
  if (most[A] >= 13) ask_for(answers->state_1, 13, 1);
}

static struct snapshot_cpu read_all(const struct answers *answers) {
  struct snapshot_cpu cpu = {
      .features = {[L1_ECX] = answers->basic[C],
                   [L1_EDX] = answers->basic[D],
                   [L7_EBX] = answers->seven[B],
                   [L7_ECX] = answers->seven[C],
                   [L7_EDX] = answers->seven[D],
                   [L7_1_EAX] = answers->seven_1[A],
                   [XSAVE_EAX] = answers->state_1[A],
                   [EXT_ECX] = answers->extended[C],
                   [EXT_EDX] = answers->extended[D],
                   [L7_1_EDX] = answers->seven_1[D]},
      .xsave_compact_bytes = answers->state_1[B],
      .signal_stack = getauxval(AT_MINSIGSTKSZ),
      .hwcap2 = getauxval(AT_HWCAP2),
  };
  if (cpu.features[L1_ECX] & bit_OSXSAVE) {
    uint32_t low, high, state[4];
    __asm__ volatile("xgetbv" : "=a"(low), "=d"(high) : "c"(0));
    cpu.xcr0 = (uint64_t)high << 32 | low;
    /* There is such a leaf where there is that register. */
    ask_for(state, 13, 0);
    cpu.xsave_bytes = state[B];
  }
  for (int i = 0; i < SNAPSHOT_CPU_WORDS; i++) cpu.features[i] &= relevant[i];
  return cpu;
}

struct snapshot_cpu cpu_read(enum cpu_policy policy) {
  struct answers answers;
  ask(&answers);
  struct snapshot_cpu cpu = read_all(&answers);
  for (int i = 0; i < SNAPSHOT_CPU_WORDS; i++) {
    if (policy != CPU_NATIVE) cpu.features[i] &= ~beyond_v3[i];
    if (policy == CPU_V2) cpu.features[i] &= ~beyond_v2[i];
  }
  return cpu;
}

static enum snapshot_reject compare(const struct snapshot_cpu *frozen, const struct answers *answers) {
  struct snapshot_cpu here = read_all(answers);
  for (int i = 0; i < SNAPSHOT_CPU_WORDS; i++) {
    if (frozen->features[i] & ~here.features[i]) return SNAPSHOT_REJECT_CPU;
  }
  if (frozen->hwcap2 & ~here.hwcap2) return SNAPSHOT_REJECT_CPU;
  /* The dynamic loader saves registers into room whose size it took down once. */
  if (frozen->xcr0 != here.xcr0 || frozen->xsave_bytes != here.xsave_bytes ||
      frozen->xsave_compact_bytes != here.xsave_compact_bytes || here.signal_stack > frozen->signal_stack)
    return SNAPSHOT_REJECT_CPU_STATE;
  return SNAPSHOT_ACCEPTED;
}

enum snapshot_reject cpu_check(const struct snapshot_cpu *frozen) {
  struct answers answers;
  if (take_answers(&answers) && !compare(frozen, &answers)) return SNAPSHOT_ACCEPTED;
  /* One that knows less of it than the processor. */
  ask(&answers);
  return compare(frozen, &answers);
}
