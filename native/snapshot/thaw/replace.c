// SPDX-License-Identifier: Apache-2.0
#define _GNU_SOURCE
#include "replace.h"

#include <signal.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "build.h"
#include "place.h"
#include "sequences.h"

/* From here on signals wait. Returns only when there is no way forward, and then none waits any more. */
static enum snapshot_reject leave(struct handover *handover, const struct started *started) {
  uint64_t all = ~UINT64_C(0);
  if (syscall(SYS_rt_sigprocmask, SIG_BLOCK, &all, &handover->mask, sizeof all) != 0) return SNAPSHOT_REJECT_DENIED;
  enum snapshot_reject reject =
      started->is_interrupted && started->is_interrupted() ? SNAPSHOT_REJECT_INTERRUPTED : SNAPSHOT_ACCEPTED;
  uint32_t rseq_bytes = 0;
  if (!reject) reject = sequences_give_up(&rseq_bytes);
  if (!reject) handover_leave(handover);
  sequences_take_back(rseq_bytes);
  syscall(SYS_rt_sigprocmask, SIG_SETMASK, &handover->mask, NULL, sizeof handover->mask);
  return reject;
}

enum snapshot_reject replace(const struct opened *opened, const struct process *process, const struct started *started,
                             double began) {
  static struct placement placement;
  struct rlimit limit;
  uint64_t stack = getrlimit(RLIMIT_STACK, &limit) == 0 ? limit.rlim_cur : RLIM_INFINITY;
  placement.fd = opened->fd;
  enum snapshot_reject reject = place_regions(&placement, &opened->snapshot, process, stack);
  if (reject) return reject;
  reject = place_vdso(&placement, &opened->snapshot, process);
  struct handover *handover = NULL;
  if (!reject) handover = handover_build(&opened->snapshot, &placement, process, started, &reject);
  if (handover) {
    handover->began = began;
    reject = leave(handover, started);
    handover_discard(handover);
  }
  place_undo(&placement, &opened->snapshot);
  return reject;
}
