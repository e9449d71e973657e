// SPDX-License-Identifier: Apache-2.0
#define _GNU_SOURCE
#include "sequences.h"

#include <stddef.h>
#include <sys/auxv.h>
#include <sys/syscall.h>
#include <unistd.h>

#define RSEQ_SIGNATURE 0x53053053u
#define RSEQ_UNREGISTER 1
#ifndef AT_RSEQ_FEATURE_SIZE
#define AT_RSEQ_FEATURE_SIZE 27
#endif

/* Of glibc 2.35 and later. */
__attribute__((weak)) extern const ptrdiff_t __rseq_offset;
__attribute__((weak)) extern const unsigned int __rseq_size;

/* The first kernels, which do not say, fill in 20 bytes; glibc before 2.40 speaks of 20 or 32 and uses no more. */
bool sequences_fit(const struct snapshot *snapshot) {
  uint32_t features = (uint32_t)getauxval(AT_RSEQ_FEATURE_SIZE), needed = snapshot->header->context.rseq_features;
  return needed == 20 || needed == 32 || needed <= features;
}

/* The kernel wants to hear the length that the area was registered with, which glibc has chosen in different ways. */
enum snapshot_reject sequences_give_up(uint32_t *bytes) {
  *bytes = 0;
  if (!&__rseq_offset || !&__rseq_size || __rseq_size == 0) return SNAPSHOT_ACCEPTED;
  char *area = (char *)__builtin_thread_pointer() + __rseq_offset;
  uint32_t feature = (uint32_t)getauxval(AT_RSEQ_FEATURE_SIZE);
  uint32_t lengths[] = {32, __rseq_size, feature, (feature + 31) / 32 * 32, (__rseq_size + 31) / 32 * 32};
  for (size_t i = 0; i < sizeof lengths / sizeof *lengths; i++) {
    if (lengths[i] < 20 || syscall(SYS_rseq, area, lengths[i], RSEQ_UNREGISTER, RSEQ_SIGNATURE) != 0) continue;
    *bytes = lengths[i];
    return SNAPSHOT_ACCEPTED;
  }
  /* cpu_id: negative where the registration has failed, and nothing would be written. */
  return *(volatile int32_t *)(area + 4) < 0 ? SNAPSHOT_ACCEPTED : SNAPSHOT_REJECT_RSEQ;
}

void sequences_take_back(uint32_t bytes) {
  if (bytes) syscall(SYS_rseq, (char *)__builtin_thread_pointer() + __rseq_offset, bytes, 0, RSEQ_SIGNATURE);
}
